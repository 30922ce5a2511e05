//! Locks between machines: keys of a Redis server that live for a while, and are renewed while they are held.
//!
//! Each attempt has a token of its own, by which what it took is renewed, given back, and taken back where the answer was
//! lost. A holder believes in its hold as long as Redis surely keeps it: counted on this machine from before the last
//! renewal was sent, not from its answer. A release is said to all who wait; where that is not heard they try again when
//! the holder's life ends, and now and then.
//!
//! What Redis forgets, by a restart without an append-only file, by `FLUSHALL` or by a failover to a replica that lagged,
//! the next who asks gets, while the last holder learns of it only at its next renewal, within a third of a life. Fences
//! grow all the same.

mod hold;
mod news;
mod script;

use std::collections::BTreeSet;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::backend::{Backend, Claim, Entered};
use super::queued::Queued;
use super::{Holder, LockError, host_name};
use crate::clock::Clock;
use crate::redis_server::{Answer, RedisServer, RedisServerError};
use hold::{Hold, Token};
use news::{CHANNEL, News};
use script::{FENCE, Scripts, Value};

/// Locks between all who use the same Redis. Leases live until they are released, or were not renewed for a life.
pub type RedisLockManager = Queued<RedisBackend>;

/// How long a lease lives unless it is renewed, where nothing else is set.
pub const REDIS_LOCK_LIFE: Duration = Duration::from_secs(30);
/// The shortest life: its third must suffice for an answer.
const SHORTEST: Duration = Duration::from_millis(300);
/// Of no more locks is said that they hold what never ends.
const MOST_SAID: usize = 64;

/// The keys of the locks.
pub struct RedisBackend {
    shared: Arc<Shared>,
}

/// What holds share with the backend.
struct Shared {
    server: RedisServer,
    life: Duration,
    scripts: Scripts,
    news: News,
    clock: Arc<dyn Clock>,
    host: String,
    /// No other manager's tokens begin with it.
    name: String,
    tokens: AtomicU64,
    /// The greatest fence given here: Redis, emptied and its clock set back, must not give less.
    fence: AtomicU64,
    /// The locks of which was said that they hold what never ends.
    endless: Mutex<BTreeSet<String>>,
    /// Attempts that are being taken back.
    taking_back: TaskTracker,
}

enum Tried {
    Entered(Hold),
    /// And how long its holder lives unless it renews.
    Busy(Option<Duration>),
}

/// The key at which the lock of a resource stands.
pub fn redis_lock_key(resource: &str) -> String {
    script::key(resource)
}

// === impl RedisLockManager ===

impl RedisLockManager {
    /// Locks in a Redis, whose leases live for `life`, at least 300 ms. Connects to nothing yet. A call takes the
    /// server's deadline, but no longer than a third of a life.
    pub fn new(server: &RedisServer, life: Duration, clock: Arc<dyn Clock>) -> Self {
        Self::before(RedisBackend::new(server, life, clock.clone()), clock)
    }
}

// === impl RedisBackend ===

impl RedisBackend {
    /// As [`RedisLockManager::new`].
    pub(super) fn new(server: &RedisServer, life: Duration, clock: Arc<dyn Clock>) -> Self {
        let life = life.max(SHORTEST);
        let server = server.with_deadline(server.deadline().min(life / 3));
        let shared = Shared {
            news: News::new(server.clone()),
            server,
            life,
            scripts: Scripts::default(),
            clock,
            host: host_name(),
            name: format!("{:016x}-{:x}", RandomState::new().hash_one(0), std::process::id()),
            tokens: AtomicU64::new(0),
            fence: AtomicU64::new(0),
            endless: Mutex::default(),
            taking_back: TaskTracker::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    async fn take(&self, claim: Claim<'_>) -> Result<Option<Hold>, RedisServerError> {
        match self.try_to_take(claim).await? {
            Tried::Entered(hold) => return Ok(Some(hold)),
            Tried::Busy(_) if claim.once => return Ok(None),
            Tried::Busy(_) => {}
        }
        let message = news::free(claim.resource);
        // Before the next attempt, so that no release is missed between it and the waiting.
        let mut ear = self.shared.news.listen();
        loop {
            match self.try_to_take(claim).await {
                Ok(Tried::Entered(hold)) => return Ok(Some(hold)),
                Ok(Tried::Busy(remaining)) => {
                    if remaining.is_none() {
                        self.say_if_endless(claim.resource).await;
                    }
                    tokio::select! {
                        () = ear.hears(&message) => {}
                        () = self.shared.until_worth_a_try(remaining) => {}
                    }
                }
                // Somebody had it: that outlasts an outage, and whoever waits has a deadline for both.
                Err(error) if error.is_doubtful() || matches!(error, RedisServerError::Busy { .. }) => {
                    self.shared.until_back().await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn try_to_take(&self, claim: Claim<'_>) -> Result<Tried, RedisServerError> {
        let shared = &self.shared;
        let token = Token::new(shared, claim.resource);
        let value = Value::new(token.text(), claim.owner.name(), &shared.host, shared.clock.now());
        let keys = [&script::key(claim.resource), FENCE, &script::void(token.text())];
        let least = shared.fence.load(Ordering::Relaxed).max(claim.least).to_string();
        let life = shared.life_ms();
        let begun = Instant::now();
        let answer = match shared
            .server
            .eval(&shared.scripts.acquire, &keys, &[&life, &least, &value.head, &value.tail])
            .await
        {
            Ok(answer) => answer,
            Err(error) => {
                if !error.is_doubtful() {
                    token.took_nothing();
                }
                // The script reads only this one as a text.
                return Err(error.about(FENCE));
            }
        };
        let parts = answer.into_list().unwrap_or_default();
        match parts.iter().map(Answer::as_number).collect::<Vec<_>>()[..] {
            [Some(1), Some(fence)] => {
                let fence = u64::try_from(fence).unwrap_or_default();
                shared.fence.fetch_max(fence, Ordering::Relaxed);
                shared.endless().remove(claim.resource);
                let hold = Hold::begin(token, fence, begun, shared.news.listen());
                // It is given back by being dropped.
                Ok(if hold.is_lost() { Tried::Busy(None) } else { Tried::Entered(hold) })
            }
            [Some(0), Some(remaining)] => {
                token.took_nothing();
                Ok(Tried::Busy(u64::try_from(remaining).ok().map(Duration::from_millis)))
            }
            _ => Err(shared.server.unexpected("taking a lock")),
        }
    }

    /// What another program left without a life keeps its lock for good: that is said once, with what to do.
    async fn say_if_endless(&self, resource: &str) {
        let Ok(Some(Holder { pid: 0, remaining: None, .. })) = self.find_holder(resource).await else { return };
        let mut said = self.shared.endless();
        if said.len() < MOST_SAID && said.insert(resource.to_owned()) {
            tracing::warn!(
                "{}: the key {key} was not written by givtcp and does not expire, so that this lock is never free; if no \
                 other program uses it, remove it: redis-cli DEL '{key}'",
                self.shared.server.place(),
                key = script::key(resource)
            );
        }
    }

    async fn find_holder(&self, resource: &str) -> Result<Option<Holder>, RedisServerError> {
        let shared = &self.shared;
        let answer = shared.server.eval(&shared.scripts.look, &[&script::key(resource)], &[]).await?;
        let mut parts = answer.into_list().unwrap_or_default().into_iter();
        let Some(value) = parts.next().and_then(Answer::into_text) else { return Ok(None) };
        let remaining = parts.next().and_then(|life| life.as_number()).and_then(|life| u64::try_from(life).ok());
        Ok(Some(script::holder(&value, remaining.map(Duration::from_millis), shared.clock.now())))
    }

    async fn revoke_now(&self, resource: &str) -> Result<bool, RedisServerError> {
        let shared = &self.shared;
        let args = [CHANNEL, script::revoked(), &news::revoked(resource)];
        let answer = shared.server.eval(&shared.scripts.revoke, &[&script::key(resource)], &args).await?;
        Ok(answer.as_number() == Some(1))
    }
}

fn failed(resource: &str, why: &RedisServerError) -> LockError {
    LockError::Backend { resource: resource.to_owned(), why: why.to_string() }
}

impl Backend for RedisBackend {
    fn enter<'a>(&'a self, claim: Claim<'a>) -> BoxFuture<'a, Result<Option<Box<dyn Entered>>, LockError>> {
        let taking = self.take(claim).map(move |taken| match taken {
            Ok(hold) => Ok(hold.map(|hold| Box::new(hold) as Box<dyn Entered>)),
            Err(why) => Err(failed(claim.resource, &why)),
        });
        taking.boxed()
    }

    fn holder<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<Option<Holder>, LockError>> {
        self.find_holder(resource).map(|found| found.map_err(|why| failed(resource, &why))).boxed()
    }

    /// Yields when it is marked: the holder learns of it at once, and it is free when the holder has let go, or its life
    /// is over.
    fn revoke<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<bool, LockError>> {
        self.revoke_now(resource).map(|outcome| outcome.map_err(|why| failed(resource, &why))).boxed()
    }

    fn settled(&self) -> BoxFuture<'_, ()> {
        self.shared.taking_back.close();
        self.shared.taking_back.wait().boxed()
    }

    fn is_away(&self) -> bool {
        !self.shared.server.is_up()
    }

    fn back(&self) -> BoxFuture<'_, ()> {
        self.shared.server.back().boxed()
    }
}

impl fmt::Debug for RedisBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.fmt(f)
    }
}

// === impl Shared ===

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisBackend").field("server", &self.server).field("life", &self.life).finish_non_exhaustive()
    }
}

impl Shared {
    fn endless(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.endless.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_token(&self) -> String {
        format!("{}-{:x}", self.name, self.tokens.fetch_add(1, Ordering::Relaxed))
    }

    /// As Redis takes it.
    fn life_ms(&self) -> String {
        self.life.as_millis().to_string()
    }
}

#[cfg(test)]
mod tests;
