//! Statuses in Redis, for the processes of several machines.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::{BoxFuture, FutureExt};

use super::{Status, StatusError, StatusManager, StatusName};
use crate::clock::Clock;
use crate::frame::Serial;
use crate::redis_server::{RedisServer, RedisServerError};

/// So many different damages are said.
const MOST_SAID: usize = 64;

/// One key a status, `givtcp:status:<serial>:<name>`, in JSON, which expires with its life.
pub struct RedisStatusManager {
    server: RedisServer,
    clock: Arc<dyn Clock>,
    /// What was said to be damaged, so that it is said once.
    said: Mutex<BTreeSet<String>>,
}

impl RedisStatusManager {
    /// On this server, which need not be there yet.
    pub fn new(server: RedisServer, clock: Arc<dyn Clock>) -> Self {
        Self { server, clock, said: Mutex::default() }
    }

    async fn read(&self, inverter: Serial, name: StatusName) -> Result<Option<Status>, StatusError> {
        let key = key_of(inverter, name);
        let text = self.server.get(&key).await.map_err(|error| failed(inverter, name, &error))?;
        let Some(text) = text else { return Ok(None) };
        match serde_json::from_str::<Status>(&text) {
            Ok(status) if (status.inverter, status.name) == (inverter, name) => {
                Ok(Some(status).filter(|status| !status.is_over(self.clock.now())))
            }
            // It is left where it is, since a later version may have set it, and expires by itself.
            outcome => {
                let why = outcome.map_or_else(|error| error.to_string(), |_| "it is another's".to_owned());
                self.say(&format!("{key} in redis at {}: damaged, and not counted: {why}", self.server.place()));
                Ok(None)
            }
        }
    }

    fn say(&self, what: &str) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() < MOST_SAID && said.insert(what.to_owned()) {
            tracing::warn!("{what}");
        }
    }
}

impl std::fmt::Debug for RedisStatusManager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisStatusManager").field("server", &self.server).finish_non_exhaustive()
    }
}

impl StatusManager for RedisStatusManager {
    fn set<'a>(&'a self, status: &'a Status) -> BoxFuture<'a, Result<(), StatusError>> {
        async move {
            let now = self.clock.now();
            status.check(now)?;
            let (inverter, name, life) = (status.inverter, status.name, status.life(now));
            let text = serde_json::to_string(&status.shortened()).map_err(|error| StatusError::Backend {
                name,
                inverter,
                why: error.to_string(),
            })?;
            let key = key_of(inverter, name);
            let set = self.server.set(&key, &text, Some(life)).await;
            set.map_err(|error| failed(inverter, name, &error))
        }
        .boxed()
    }

    fn clear(&self, inverter: Serial, name: StatusName) -> BoxFuture<'_, Result<bool, StatusError>> {
        async move {
            let was_set = self.read(inverter, name).await?.is_some();
            let deleted = self.server.delete(&key_of(inverter, name)).await;
            Ok(deleted.map_err(|error| failed(inverter, name, &error))? && was_set)
        }
        .boxed()
    }

    fn get(&self, inverter: Serial, name: StatusName) -> BoxFuture<'_, Result<Option<Status>, StatusError>> {
        self.read(inverter, name).boxed()
    }
}

fn key_of(inverter: Serial, name: StatusName) -> String {
    format!("givtcp:status:{inverter}:{name}")
}

fn failed(inverter: Serial, name: StatusName, error: &RedisServerError) -> StatusError {
    StatusError::Backend { name, inverter, why: error.to_string() }
}
