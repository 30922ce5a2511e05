//! The Redis server that processes and machines share. No other room names the redis crate.
//!
//! A [`RedisServer`] is made from an address and connects when it is first asked, so that the program starts without it.
//! Each call has one deadline, counted from before it was sent, and is sent once: whether to try again is for its caller
//! to say, who knows what a call that was perhaps carried out means. A call that was not answered in time ends the
//! connection for the calls after it, since a dead peer looks the same; what was sent may still be carried out, and even
//! after what is sent next.
//!
//! When the server is away, one task connects again and again, with growing rests; calls fail at once meanwhile. That it
//! went away is logged once for each reason, and so is that it came back.

mod address;
mod answer;
mod connection;
mod error;
mod outage;
mod script;
mod subscription;

#[cfg(test)]
pub(crate) mod tests;

pub use answer::Answer;
pub use error::RedisServerError;
pub use script::Script;
pub use subscription::{Heard, Subscription};

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::Cmd;
use rustls::ClientConfig;
use secrecy::SecretString;
use tokio::time::{Instant, timeout_at};

use address::Address;
use outage::Shared;

/// How long a call may take, connecting included.
const DEADLINE: Duration = Duration::from_secs(1);
/// How many keys one step of a scan looks at, about.
const SCAN_STEP: usize = 500;
/// A scan that finds more keys than this gives up: nothing of ours has so many.
const SCAN_MOST: usize = 10_000;

/// A Redis server. Clones share its connection.
#[derive(Clone)]
pub struct RedisServer {
    shared: Arc<Shared>,
    deadline: Duration,
}

// === impl RedisServer ===

impl RedisServer {
    /// The server at `redis://`, `rediss://` or `unix://`, with a user, a password and the number of a database if the
    /// address has them. TLS is spoken with `tls`, or trusts the machine's authorities. Connects to nothing yet.
    ///
    /// # Errors
    /// [`RedisServerError::Address`], [`RedisServerError::Tls`] if the machine has no authorities.
    pub fn new(url: &SecretString, tls: Option<Arc<ClientConfig>>) -> Result<Self, RedisServerError> {
        let address = Address::parse(url, tls)?;
        Ok(Self { shared: Arc::new(Shared::new(address)), deadline: DEADLINE })
    }

    /// The same server and connection with another deadline for each call; 1 s unless set.
    #[must_use]
    pub fn with_deadline(&self, deadline: Duration) -> Self {
        Self { shared: Arc::clone(&self.shared), deadline }
    }

    /// How long each call may take.
    pub fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Where it is, as the log and errors have it: without user and password.
    pub fn place(&self) -> &str {
        self.shared.place()
    }

    /// Whether the last that is known of it is that it answers, or that nothing was asked yet.
    pub fn is_up(&self) -> bool {
        self.shared.is_up()
    }

    /// Completes when the server is there again, or at once if it is not known to be away.
    pub async fn back(&self) {
        self.shared.back().await;
    }

    /// Asks whether it is there.
    pub async fn ping(&self) -> Result<(), RedisServerError> {
        self.call(&redis::cmd("PING")).await.map(drop)
    }

    /// What a key holds; none if it is not there.
    pub async fn get(&self, key: &str) -> Result<Option<String>, RedisServerError> {
        self.call(redis::cmd("GET").arg(key)).await.map(Answer::into_text).map_err(|error| error.about(key))
    }

    /// Sets a key, for `life` (at least 1 ms) if it has one, else for good.
    pub async fn set(&self, key: &str, value: &str, life: Option<Duration>) -> Result<(), RedisServerError> {
        let mut set = redis::cmd("SET");
        set.arg(key).arg(value);
        if let Some(life) = life {
            set.arg("PX").arg(millis(life));
        }
        self.call(&set).await.map(drop)
    }

    /// Deletes a key and says whether it was there.
    pub async fn delete(&self, key: &str) -> Result<bool, RedisServerError> {
        Ok(self.call(redis::cmd("DEL").arg(key)).await?.as_number() == Some(1))
    }

    /// The keys that begin with `prefix`, in order. Each step of it has a deadline of its own; keys that come and go
    /// meanwhile may be in it or not.
    ///
    /// # Errors
    /// [`RedisServerError::Failed`] if there are more than 10 000.
    pub async fn scan(&self, prefix: &str) -> Result<Vec<String>, RedisServerError> {
        let pattern = format!("{}*", escaped(prefix));
        let (mut keys, mut cursor) = (BTreeSet::new(), "0".to_owned());
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(&cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(SCAN_STEP);
            let Some((next, found)) = self.call(&scan).await?.into_scan() else {
                return Err(self.unexpected("SCAN"));
            };
            keys.extend(found);
            if keys.len() > SCAN_MOST {
                let why = format!("more than {SCAN_MOST} keys begin with {prefix}");
                return Err(RedisServerError::Failed { place: self.place().to_owned(), why });
            }
            if next == "0" {
                return Ok(keys.into_iter().collect());
            }
            cursor = next;
        }
    }

    /// Tells all who listen to `channel` something.
    pub async fn publish(&self, channel: &str, message: &str) -> Result<(), RedisServerError> {
        self.call(redis::cmd("PUBLISH").arg(channel).arg(message)).await.map(drop)
    }

    /// Runs a script, which Redis carries out whole or not at all; by its hash, and by its text where Redis does not
    /// know the hash.
    pub async fn eval(&self, script: &Script, keys: &[&str], args: &[&str]) -> Result<Answer, RedisServerError> {
        let until = Instant::now() + self.deadline;
        let outcome = match self.call_until(&script.by_hash(keys, args), until).await {
            Err(RedisServerError::NoScript { .. }) => self.call_until(&script.by_text(keys, args), until).await,
            outcome => outcome,
        };
        outcome.map_err(|error| error.about(keys.first().copied().unwrap_or_default()))
    }

    /// Listens to channels from now on, on a connection of its own.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn subscribe(&self, channels: &[&str]) -> Subscription {
        Subscription::begin(self.clone(), channels)
    }

    /// The error of an answer that no Redis gives.
    pub(crate) fn unexpected(&self, what: &str) -> RedisServerError {
        RedisServerError::Failed { place: self.place().to_owned(), why: format!("unexpected answer to {what}") }
    }

    async fn call(&self, command: &Cmd) -> Result<Answer, RedisServerError> {
        self.call_until(command, Instant::now() + self.deadline).await
    }

    async fn call_until(&self, command: &Cmd, until: Instant) -> Result<Answer, RedisServerError> {
        let timed_out = || RedisServerError::TimedOut { place: self.place().to_owned(), after: self.deadline };
        let mut connection = timeout_at(until, self.shared.connection()).await.map_err(|_| timed_out())??;
        match timeout_at(until, connection.send(command)).await {
            Ok(Ok(value)) => Ok(Answer::from(value)),
            Ok(Err(error)) => {
                let error = RedisServerError::of(self.place(), &error);
                if error.ends_connection() {
                    self.shared.fail(connection.number(), &error);
                }
                Err(error)
            }
            Err(_) => {
                self.shared.fail(connection.number(), &timed_out());
                Err(timed_out())
            }
        }
    }
}

impl fmt::Debug for RedisServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisServer").field("place", &self.place()).field("up", &self.is_up()).finish_non_exhaustive()
    }
}

/// As Redis takes lives: whole, at least 1.
fn millis(life: Duration) -> u64 {
    u64::try_from(life.as_millis()).unwrap_or(u64::MAX).clamp(1, i64::MAX as u64 / 2)
}

/// So that a pattern means just these characters.
fn escaped(prefix: &str) -> String {
    prefix.chars().fold(String::new(), |mut pattern, each| {
        if matches!(each, '*' | '?' | '[' | ']' | '^' | '\\') {
            pattern.push('\\');
        }
        pattern.push(each);
        pattern
    })
}
