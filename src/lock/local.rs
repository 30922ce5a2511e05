use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt, ready};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::{Held, Holder, Lease, LockError, LockManager, Owner, say_acquired, say_released, timed_out};
use crate::clock::Clock;

/// Locks between the tasks of one process. Clones give out the same locks.
///
/// A released lock is handed to the first in the queue directly: nobody can come between, and nobody polls. Leases live
/// until they are released, whatever the time.
#[derive(Clone)]
pub struct LocalLockManager {
    shared: Arc<Shared>,
}

struct Shared {
    table: Mutex<Table>,
    clock: Arc<dyn Clock>,
    host: String,
}

/// What is held, and nothing else: a resource that nobody holds takes no room.
#[derive(Default)]
struct Table {
    /// The last fence, of all resources together, so that it outlives each of them.
    fence: u64,
    /// The last number given to a waiter.
    waiter: u64,
    holds: HashMap<Arc<str>, Hold>,
}

struct Hold {
    owner: Owner,
    fence: u64,
    leases: usize,
    since: Instant,
    revoked: bool,
    lost: CancellationToken,
    queue: VecDeque<Waiter>,
}

struct Waiter {
    id: u64,
    owner: Owner,
    granted: oneshot::Sender<Grant>,
}

/// A lease of its owner, and whether it is the first.
struct Grant {
    lease: LocalLease,
    first: bool,
}

/// A place in a queue, given up when dropped.
struct Place {
    shared: Arc<Shared>,
    resource: Arc<str>,
    id: u64,
    granted: oneshot::Receiver<Grant>,
}

enum Entry {
    Granted(Grant),
    Waits(Place),
    Busy,
}

/// One of the leases of a hold; lets go when dropped.
struct LocalLease {
    shared: Arc<Shared>,
    resource: Arc<str>,
    fence: u64,
    lost: CancellationToken,
}

// === impl LocalLockManager ===

impl LocalLockManager {
    /// Without any lock held. The clock tells others since when one is.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { shared: Arc::new(Shared { table: Mutex::default(), clock, host: host_name() }) }
    }

    async fn wait(&self, resource: &str, owner: &Owner, limit: Option<Duration>) -> Result<Lease, LockError> {
        let started = Instant::now();
        let grant = match (self.shared.enter(resource, owner, limit != Some(Duration::ZERO)), limit) {
            (Entry::Granted(grant), _) => Some(grant),
            (Entry::Waits(mut place), Some(limit)) => {
                timeout(limit, &mut place.granted).await.ok().and_then(Result::ok)
            }
            (Entry::Waits(mut place), None) => (&mut place.granted).await.ok(),
            (Entry::Busy, _) => None,
        };
        let Some(Grant { lease, first }) = grant else {
            return Err(timed_out(resource, limit.unwrap_or_default(), started.elapsed()));
        };
        if first {
            say_acquired(resource, started.elapsed());
        }
        let (resource, lost) = (lease.resource.clone(), lease.lost.clone());
        Ok(Lease { resource, fence: lease.fence, lost, held: Box::new(lease) })
    }
}

impl LockManager for LocalLockManager {
    fn acquire<'a>(
        &'a self,
        resource: &'a str,
        owner: &'a Owner,
        timeout: Option<Duration>,
    ) -> BoxFuture<'a, Result<Lease, LockError>> {
        self.wait(resource, owner, timeout).boxed()
    }

    fn holder<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<Option<Holder>, LockError>> {
        ready(Ok(self.shared.holder(resource))).boxed()
    }

    fn force_release<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<bool, LockError>> {
        ready(Ok(self.shared.revoke(resource))).boxed()
    }
}

impl fmt::Debug for LocalLockManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = self.shared.table();
        let waiting: usize = table.holds.values().map(|hold| hold.queue.len()).sum();
        f.debug_struct("LocalLockManager")
            .field("held", &table.holds.len())
            .field("waiting", &waiting)
            .finish_non_exhaustive()
    }
}

// === impl Shared ===

impl Shared {
    /// The table is whole after every change to it, so that a panic elsewhere does not spoil it.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(self: &Arc<Self>, resource: &str, owner: &Owner, may_wait: bool) -> Entry {
        let table = &mut *self.table();
        let Some((resource, hold)) = table.hold_mut(resource) else {
            let resource: Arc<str> = resource.into();
            table.fence += 1;
            let hold = Hold::new(owner.clone(), table.fence, VecDeque::new());
            let lease = self.lease(&resource, &hold);
            table.holds.insert(resource, hold);
            return Entry::Granted(Grant { lease, first: true });
        };
        // A hold that was revoked is over for its owner too, even if the owner has not let go yet.
        if hold.owner == *owner && !hold.revoked {
            hold.leases += 1;
            return Entry::Granted(Grant { lease: self.lease(&resource, hold), first: false });
        }
        if !may_wait {
            return Entry::Busy;
        }
        let (granted, receiver) = oneshot::channel();
        table.waiter += 1;
        let id = table.waiter;
        if let Some((_, hold)) = table.hold_mut(&resource) {
            hold.queue.push_back(Waiter { id, owner: owner.clone(), granted });
        }
        Entry::Waits(Place { shared: self.clone(), resource, id, granted: receiver })
    }

    fn lease(self: &Arc<Self>, resource: &Arc<str>, hold: &Hold) -> LocalLease {
        LocalLease { shared: self.clone(), resource: resource.clone(), fence: hold.fence, lost: hold.lost.clone() }
    }

    fn let_go(self: &Arc<Self>, resource: &Arc<str>, fence: u64) {
        let mut table = self.table();
        let Some(hold) = table.holds.get_mut(resource).filter(|hold| hold.fence == fence) else { return };
        hold.leases -= 1;
        if hold.leases > 0 {
            return;
        }
        let held = hold.since.elapsed();
        let queue = std::mem::take(&mut hold.queue);
        let grants = self.hand_over(&mut table, resource, queue);
        drop(table);

        say_released(resource, held);
        // Without the table locked: a grant whose waiter has just left is dropped here, and lets go in its turn.
        for (waiter, grant) in grants {
            _ = waiter.granted.send(grant);
        }
    }

    /// Gives a free resource to the first in its queue, with all that the same owner waits for.
    fn hand_over(
        self: &Arc<Self>,
        table: &mut Table,
        resource: &Arc<str>,
        queue: VecDeque<Waiter>,
    ) -> Vec<(Waiter, Grant)> {
        let Some(owner) = queue.front().map(|waiter| waiter.owner.clone()) else {
            table.holds.remove(resource);
            return Vec::new();
        };
        let (entering, waiting): (VecDeque<_>, VecDeque<_>) =
            queue.into_iter().partition(|waiter| waiter.owner == owner);
        table.fence += 1;
        let mut hold = Hold::new(owner, table.fence, waiting);
        hold.leases = entering.len();
        let grants = entering.into_iter().enumerate().map(|(index, waiter)| {
            let lease = self.lease(resource, &hold);
            (waiter, Grant { lease, first: index == 0 })
        });
        let grants = grants.collect();
        table.holds.insert(resource.clone(), hold);
        grants
    }

    fn holder(&self, resource: &str) -> Option<Holder> {
        let table = self.table();
        let hold = table.holds.get(resource)?;
        let now = self.clock.now();
        Some(Holder {
            owner: hold.owner.name().to_owned(),
            pid: std::process::id(),
            host: self.host.clone(),
            since: now.checked_sub(hold.since.elapsed()).unwrap_or(now),
            remaining: None,
        })
    }

    fn revoke(&self, resource: &str) -> bool {
        let lost = match self.table().holds.get_mut(resource) {
            Some(hold) => {
                hold.revoked = true;
                hold.lost.clone()
            }
            None => return false,
        };
        lost.cancel();
        true
    }
}

impl Table {
    fn hold_mut(&mut self, resource: &str) -> Option<(Arc<str>, &mut Hold)> {
        let resource = self.holds.get_key_value(resource)?.0.clone();
        let hold = self.holds.get_mut(&resource)?;
        Some((resource, hold))
    }
}

impl Hold {
    fn new(owner: Owner, fence: u64, queue: VecDeque<Waiter>) -> Self {
        let (since, lost) = (Instant::now(), CancellationToken::new());
        Self { owner, fence, leases: 1, since, revoked: false, lost, queue }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(hold) = self.shared.table().holds.get_mut(&self.resource) {
            hold.queue.retain(|waiter| waiter.id != self.id);
        }
    }
}

// === impl LocalLease ===

impl Held for LocalLease {
    fn remaining(&self) -> Option<Duration> {
        None
    }

    fn release(self: Box<Self>) -> BoxFuture<'static, Result<(), LockError>> {
        let resource = self.resource.to_string();
        let lost = self.lost.is_cancelled();
        drop(self);
        ready(if lost { Err(LockError::Lost { resource }) } else { Ok(()) }).boxed()
    }
}

impl Drop for LocalLease {
    fn drop(&mut self) {
        self.shared.let_go(&self.resource, self.fence);
    }
}

impl fmt::Debug for LocalLease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalLease").field("fence", &self.fence).finish_non_exhaustive()
    }
}

pub(super) fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "localhost".to_owned(), |n| n.trim().to_owned())
}
