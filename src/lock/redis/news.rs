//! What managers tell each other: that a lock is free, that a hold was revoked.

use std::sync::{Mutex, PoisonError};

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::task::AbortOnDropHandle;

use crate::redis_server::{Heard, RedisServer};

/// Where all of it is said: locks are few, and so are messages.
pub(super) const CHANNEL: &str = "givtcp:lock";
/// Who has missed so many tries again anyway.
const QUEUE: usize = 256;

/// What is said that a resource is free.
pub(super) fn free(resource: &str) -> String {
    format!("free {resource}")
}

/// What is said that the hold of a resource was revoked.
pub(super) fn revoked(resource: &str) -> String {
    format!("revoked {resource}")
}

/// One subscription for all who wait and all who hold, from when the first does.
#[derive(Debug)]
pub(super) struct News {
    server: RedisServer,
    said: broadcast::Sender<Option<String>>,
    task: Mutex<Option<AbortOnDropHandle<()>>>,
}

/// What is said from now on.
#[derive(Debug)]
pub(super) struct Ear(broadcast::Receiver<Option<String>>);

impl News {
    pub(super) fn new(server: RedisServer) -> Self {
        Self { server, said: broadcast::Sender::new(QUEUE), task: Mutex::default() }
    }

    /// Listens. That the subscription has begun, or begun again after an outage, is news to everyone.
    pub(super) fn listen(&self) -> Ear {
        let ear = Ear(self.said.subscribe());
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        // It ends with the runtime it began in.
        if task.as_ref().is_none_or(AbortOnDropHandle::is_finished) {
            *task = Some(AbortOnDropHandle::new(tokio::spawn(tell(self.server.clone(), self.said.clone()))));
        }
        ear
    }
}

async fn tell(server: RedisServer, said: broadcast::Sender<Option<String>>) {
    let mut subscription = server.subscribe(&[CHANNEL]);
    while let Some(heard) = subscription.next().await {
        // That nobody listens now is no fault.
        _ = match heard {
            Heard::Listening => said.send(None),
            Heard::Message { payload, .. } => said.send(Some(payload)),
        };
    }
}

impl Ear {
    /// Completes when this is said, or may have been.
    pub(super) async fn hears(&mut self, message: &str) {
        loop {
            match self.0.recv().await {
                Ok(Some(said)) if said != message => {}
                Ok(_) | Err(RecvError::Lagged(_)) => return,
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}
