//! Locks that keep one inverter out of two hands.
//!
//! A [`LockManager`] gives out [`Lease`]s on resources, which are names such as `inverter_read:SA2114G047`. Each backend
//! keeps the same promises: waiters of one process are served in order and woken by the release, every wait has the
//! deadline its caller chose, a lease is released when it is dropped (by an error, a panic, a cancelled task), and fences
//! grow. What "one hand" covers differs: [`LocalLockManager`] knows one process, [`FileLockManager`] those of one machine,
//! [`RedisLockManager`] all that share a Redis.
//!
//! All of them are a [`Queued`]: the queue of one process, which asks what stands behind it for one waiter at a time.

mod backend;
mod both;
#[cfg(test)]
pub(crate) mod captured_log;
mod counted;
mod entry;
mod file;
mod local;
mod queue;
mod queued;
mod redis;

pub use both::{Both, SharedLockManager, Without};
pub use counted::{Counted, LockCounts};
pub use file::{FileBackend, FileLockManager, NoFileLocks};
pub use local::{LocalLockManager, Process};
pub use queued::Queued;
pub use redis::{REDIS_LOCK_LIFE, RedisBackend, RedisLockManager, redis_lock_key};

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use jiff::Timestamp;
use tracing::{debug, error};

use entry::Entry;
use queue::Turn;

/// Who holds a lock: explicit, since tasks move between threads. Clones are the same owner.
#[derive(Clone, Debug)]
pub struct Owner {
    id: u64,
    name: Arc<str>,
}

/// What others may know of whoever holds a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The owner's name.
    pub owner: String,
    /// Its process.
    pub pid: u32,
    /// Its machine.
    pub host: String,
    /// Since when, in wall time.
    pub since: Timestamp,
    /// How long the lease lives unless it is renewed; `None` where it lives until it is released.
    pub remaining: Option<Duration>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { pid: 0, .. } => f.write_str("somebody who is no givtcp"),
            Self { owner, pid, host, .. } => write!(f, "{owner} in process {pid} on {host}"),
        }
    }
}

/// Why there is no lease.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// Somebody else held it all the time.
    #[error("could not acquire lock for {resource} within {}s", waited.as_secs_f64())]
    Timeout {
        /// Which resource.
        resource: String,
        /// How long the caller was ready to wait, and did.
        waited: Duration,
    },
    /// What keeps the locks could not be asked, so nothing is known of this one.
    #[error("lock backend failed for {resource}: {why}")]
    Backend {
        /// Which resource.
        resource: String,
        /// What happened.
        why: String,
    },
    /// The lease ended before it was released.
    #[error("lock lost for {resource}")]
    Lost {
        /// Which resource.
        resource: String,
    },
    /// It was to be released by force, but a live process will not let go.
    #[error("lock for {resource} is still held by process {pid}")]
    StillHeld {
        /// Which resource.
        resource: String,
        /// The holder's process.
        pid: u32,
    },
}

/// Gives out leases on resources.
pub trait LockManager: fmt::Debug + Send + Sync + 'static {
    /// Waits for the lock, at most `timeout`: zero tries once, `None` waits without end. An owner that holds the lock
    /// already acquires it again at once. Dropping the future gives the place in the queue to the next.
    ///
    /// # Errors
    /// [`LockError::Timeout`], [`LockError::Backend`].
    fn acquire<'a>(
        &'a self,
        resource: &'a str,
        owner: &'a Owner,
        timeout: Option<Duration>,
    ) -> BoxFuture<'a, Result<Lease, LockError>>;

    /// Who holds it, whoever asks. Asking never makes another's attempt fail.
    ///
    /// # Errors
    /// [`LockError::Backend`]: an unreachable backend does not mean that the lock is free.
    fn holder<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<Option<Holder>, LockError>>;

    /// Revokes the lock, for an administrator; false if nobody held it. The holder's [`Lease::lost`] completes; the
    /// resource is free when the holder has let go, and nobody enters before.
    ///
    /// # Errors
    /// [`LockError::Backend`], [`LockError::StillHeld`].
    fn force_release<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<bool, LockError>>;

    /// Completes when everything is given back that was let go of so far: for the end of a program, which would leave it.
    fn settled(&self) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }

    /// Whether anybody holds it, the one who asks included.
    ///
    /// # Errors
    /// As [`LockManager::holder`].
    fn is_locked<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<bool, LockError>> {
        self.holder(resource).map(|holder| Ok(holder?.is_some())).boxed()
    }

    /// How long the present lease lives unless it is renewed; `None` if it is free, or lives until it is released.
    ///
    /// # Errors
    /// As [`LockManager::holder`].
    fn ttl<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<Option<Duration>, LockError>> {
        self.holder(resource).map(|holder| Ok(holder?.and_then(|holder| holder.remaining))).boxed()
    }
}

/// A lock that is held. Dropping it releases it; an owner's lock is free when the last of its leases is.
#[derive(Debug)]
#[must_use = "dropping a lease releases it"]
pub struct Lease {
    // Dropped before the turn: whoever is last to let go of that has the entry for itself.
    entry: Arc<Entry>,
    turn: Turn,
}

// === impl Holder ===

impl Holder {
    /// Whether it is this process.
    pub fn is_this_process(&self) -> bool {
        self.pid == std::process::id() && self.host == host_name()
    }
}

// === impl Owner ===

impl Owner {
    /// Who that is, for people: its name, its process and its machine.
    pub fn described(&self) -> String {
        format!("{} in process {} on {}", self.name, std::process::id(), host_name())
    }

    /// A new owner, unlike all others whatever their names.
    pub fn new(name: &str) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self { id: NEXT.fetch_add(1, Ordering::Relaxed), name: name.into() }
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl PartialEq for Owner {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Owner {}

impl Hash for Owner {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

// === impl Lease ===

impl Lease {
    /// Which resource.
    pub fn resource(&self) -> &str {
        self.turn.resource()
    }

    /// A number that is greater for every later hold of the resource. What is written under a lease can carry it, so
    /// that a holder who was overtaken is recognised. Leases that one owner holds together share it.
    pub fn fence(&self) -> u64 {
        self.entry.fence()
    }

    /// How long the lease lives unless it is renewed: `None` where it lives until it is released, zero when it is lost.
    pub fn remaining(&self) -> Option<Duration> {
        self.entry.remaining()
    }

    /// Whether it ended without being released.
    pub fn is_lost(&self) -> bool {
        self.entry.is_lost()
    }

    /// Completes when the lease is no longer held though it was not released.
    pub async fn lost(&self) {
        self.entry.lost().await;
    }

    /// Asks what keeps the locks whether it is still held, for where what is known here may be too old.
    ///
    /// # Errors
    /// [`LockError::Lost`], [`LockError::Backend`].
    pub async fn confirm(&self) -> Result<(), LockError> {
        self.entry.confirm(self.resource()).await
    }

    /// Says at any later moment whether it is still held, and lives for at least so long: for whoever acts under it at a
    /// time that its holder does not choose. It does not keep the lease.
    pub fn holds_for(&self, least: Duration) -> impl Fn() -> bool + Send + Sync + use<> {
        let entry = Arc::downgrade(&self.entry);
        move || {
            entry
                .upgrade()
                .is_some_and(|entry| !entry.is_lost() && entry.remaining().is_none_or(|remaining| remaining >= least))
        }
    }

    /// Releases, for where the outcome matters.
    ///
    /// # Errors
    /// [`LockError::Lost`] if it was not held any more, [`LockError::Backend`].
    pub async fn release(self) -> Result<(), LockError> {
        let Self { entry, turn } = self;
        let lost = entry.is_lost();
        drop(entry);
        let resource = turn.resource().to_owned();
        turn.release().await?;
        if lost { Err(LockError::Lost { resource }) } else { Ok(()) }
    }
}

// === what every backend says ===

fn say_acquired(resource: &str, waited: Duration) {
    debug!("Lock acquired for resource: {resource} (waited {:.3}s)", waited.as_secs_f64());
}

fn say_released(resource: &str, held: Duration) {
    debug!("Lock released for resource: {resource} (after {:.1}s)", held.as_secs_f64());
}

/// Logs that an attempt ran out of time, and is its error.
fn timed_out(resource: &str, limit: Duration, waited: Duration) -> LockError {
    error!("Timeout acquiring lock for resource: {resource} (waited {:.1}s)", waited.as_secs_f64());
    LockError::Timeout { resource: resource.to_owned(), waited: limit }
}

/// What this machine calls itself.
fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "localhost".to_owned(), |name| name.trim().to_owned())
}

#[cfg(test)]
mod tests;
