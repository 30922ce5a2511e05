//! Locks of one inverter, with a count of what came of asking for them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use tokio::time::Instant;

use super::{Holder, Lease, LockError, LockManager, Owner};
use crate::histogram::Histogram;

/// What waits are told apart by, s.
const WAITS: [f64; 7] = [0.001, 0.01, 0.1, 1.0, 3.0, 10.0, 30.0];

/// Gives out what another does, and counts.
#[derive(Debug)]
pub struct Counted {
    inner: Arc<dyn LockManager>,
    counts: LockCounts,
}

/// What came of asking for locks.
#[derive(Debug)]
pub struct LockCounts {
    asked: Mutex<BTreeMap<Key, u64>>,
    waits: Histogram,
}

/// Which lock, and what came of it.
type Key = (&'static str, &'static str);

impl Counted {
    /// What is asked for here is asked of `inner`.
    pub fn new(inner: Arc<dyn LockManager>) -> Self {
        Self { inner, counts: LockCounts { asked: Mutex::default(), waits: Histogram::new(&WAITS) } }
    }

    /// What came of it so far.
    pub fn counts(&self) -> &LockCounts {
        &self.counts
    }
}

impl LockCounts {
    /// How often each lock was asked for (`link`, `read`, `write`), by what came of it: `acquired`, `timeout`, `failed`.
    pub fn asked(&self) -> BTreeMap<Key, u64> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How long those for reading and writing were waited for; whoever stands by waits for that of a link for days.
    pub fn waits(&self) -> &Histogram {
        &self.waits
    }

    fn count(&self, resource: &str, outcome: &Result<Lease, LockError>, waited: Duration) {
        let which = match resource.split_once(':').map(|(kind, _)| kind) {
            Some("inverter_link") => "link",
            Some("inverter_read") => "read",
            Some("inverter_write") => "write",
            _ => return,
        };
        let what = match outcome {
            Ok(_) => "acquired",
            Err(LockError::Timeout { .. }) => "timeout",
            Err(_) => "failed",
        };
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner).entry((which, what)).or_default() += 1;
        if which != "link" {
            self.waits.observe(waited);
        }
    }
}

impl LockManager for Counted {
    fn acquire<'a>(
        &'a self,
        resource: &'a str,
        owner: &'a Owner,
        timeout: Option<Duration>,
    ) -> BoxFuture<'a, Result<Lease, LockError>> {
        let asked = Instant::now();
        let asking = self.inner.acquire(resource, owner, timeout);
        asking.inspect(move |outcome| self.counts.count(resource, outcome, asked.elapsed())).boxed()
    }

    fn holder<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<Option<Holder>, LockError>> {
        self.inner.holder(resource)
    }

    fn force_release<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<bool, LockError>> {
        self.inner.force_release(resource)
    }

    fn settled(&self) -> BoxFuture<'_, ()> {
        self.inner.settled()
    }

    fn is_locked<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<bool, LockError>> {
        self.inner.is_locked(resource)
    }

    fn ttl<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<Option<Duration>, LockError>> {
        self.inner.ttl(resource)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::lock::LocalLockManager;

    #[tokio::test(start_paused = true)]
    async fn what_came_of_asking_is_counted_by_lock() {
        let locks = Counted::new(Arc::new(LocalLockManager::new(Arc::new(SystemClock))));
        let (one, other) = (Owner::new("one"), Owner::new("other"));
        let soon = Some(Duration::from_secs(2));
        let _link = locks.acquire("inverter_link:10.0.0.1:8899", &one, None).await.unwrap();
        let _lease = locks.acquire("inverter_read:SA2114G047", &one, soon).await.unwrap();
        locks.acquire("inverter_read:SA2114G047", &other, soon).await.unwrap_err();
        let asked = [(("link", "acquired"), 1), (("read", "acquired"), 1), (("read", "timeout"), 1)];
        assert_eq!(locks.counts().asked(), asked.into());
        assert_eq!(locks.counts().waits().distribution().count, 2);
    }
}
