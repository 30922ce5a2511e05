//! Listening to channels, through outages, on a connection that is proven alive.

use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use futures::future::{Either, select};
use redis::aio::PubSub;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_util::task::AbortOnDropHandle;
use tracing::{debug, warn};

use super::connection::listen;
use super::{RedisServer, RedisServerError};
use crate::backoff::Backoff;

/// Between two proofs that the connection is alive.
pub(super) const PING_EVERY: Duration = Duration::from_secs(5);
const FIRST_REST: Duration = Duration::from_millis(100);
const LONGEST_REST: Duration = Duration::from_secs(2);
/// What may wait for its reader.
const QUEUE: usize = 256;

/// Messages of channels. Dropping it ends the connection.
#[derive(Debug)]
pub struct Subscription {
    heard: mpsc::Receiver<Heard>,
    _task: AbortOnDropHandle<()>,
}

/// What a [`Subscription`] yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// From here on nothing is missed; what was said before may have been. The first thing heard, and again after each
    /// outage.
    Listening,
    /// Somebody said something.
    Message {
        /// Where.
        channel: String,
        /// What; a payload that is no UTF-8 is left out.
        payload: String,
    },
}

// === impl Subscription ===

impl Subscription {
    pub(super) fn begin(server: RedisServer, channels: &[&str]) -> Self {
        let channels = channels.iter().map(ToString::to_string).collect();
        let (sender, heard) = mpsc::channel(QUEUE);
        Self { heard, _task: AbortOnDropHandle::new(tokio::spawn(run(server, channels, sender))) }
    }

    /// The next that is heard; waits through outages without end.
    pub async fn next(&mut self) -> Option<Heard> {
        self.heard.recv().await
    }
}

async fn run(server: RedisServer, channels: Vec<String>, heard: mpsc::Sender<Heard>) {
    let mut backoff = Backoff::new(FIRST_REST, fastrand::u64(..));
    let mut refusal_said = false;
    loop {
        match listen(&server.shared.address, &channels).await {
            Ok(listening) => {
                if heard.send(Heard::Listening).await.is_err() {
                    return;
                }
                if hear(&server, listening, &heard, &mut backoff).await.is_none() {
                    return;
                }
                debug!("redis at {} no longer tells what happens, listening again", server.place());
            }
            Err(error) => {
                // Whoever uses the server does without the messages; that they never come must be known.
                if matches!(error, RedisServerError::NotPermitted { .. }) && !std::mem::replace(&mut refusal_said, true)
                {
                    warn!("{error}; its messages are not heard, which makes waiting slower");
                }
            }
        }
        // An outage is the server's to tell, and it may not have noticed.
        if server.is_up() {
            _ = server.ping().await;
        }
        sleep(backoff.next_rest(LONGEST_REST)).await;
    }
}

/// Until the connection is broken; none if nobody wants to hear any more.
async fn hear(
    server: &RedisServer,
    listening: PubSub,
    heard: &mpsc::Sender<Heard>,
    backoff: &mut Backoff,
) -> Option<()> {
    let (mut asking, mut messages) = listening.split();
    loop {
        let mut alive = pin!(async {
            sleep(PING_EVERY).await;
            matches!(timeout(server.deadline(), asking.ping::<redis::Value>()).await, Ok(Ok(_)))
        });
        loop {
            match select(messages.next(), &mut alive).await {
                Either::Left((None, _)) | Either::Right((false, _)) => return Some(()),
                Either::Right((true, _)) => break,
                Either::Left((Some(message), _)) => {
                    let channel = message.get_channel_name().to_owned();
                    if let Ok(payload) = message.get_payload() {
                        heard.send(Heard::Message { channel, payload }).await.ok()?;
                    }
                }
            }
        }
        backoff.reset();
    }
}
