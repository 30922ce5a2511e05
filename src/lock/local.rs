use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt, ready};
use tokio_util::sync::CancellationToken;

use super::backend::{Backend, Claim, Entered};
use super::queued::Queued;
use super::{Holder, LockError};
use crate::clock::Clock;

/// Locks between the tasks of one process. Leases live until they are released, whatever the time.
pub type LocalLockManager = Queued<Process>;

/// Nothing behind the queue: one process, and fences that grow.
pub struct Process {
    fence: AtomicU64,
    clock: Arc<dyn Clock>,
}

#[derive(Debug)]
struct Alone {
    fence: u64,
    lost: CancellationToken,
}

// === impl LocalLockManager ===

impl LocalLockManager {
    /// Without any lock held. The clock tells others since when one is.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::before(Process { fence: AtomicU64::new(0), clock: clock.clone() }, clock)
    }
}

// === impl Process ===

impl Backend for Process {
    fn enter<'a>(&'a self, _: Claim<'a>) -> BoxFuture<'a, Result<Option<Box<dyn Entered>>, LockError>> {
        let now = wall_fence(&*self.clock);
        let after = |last: u64| now.max(last + 1);
        let last = self.fence.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(after(last)));
        let fence = after(last.unwrap_or_default());
        ready(Ok(Some(Box::new(Alone { fence, lost: CancellationToken::new() }) as Box<dyn Entered>))).boxed()
    }

    fn holder<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<Holder>, LockError>> {
        ready(Ok(None)).boxed()
    }

    fn revoke<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<bool, LockError>> {
        ready(Ok(false)).boxed()
    }
}

/// The least that a fence may be now: wall time in µs, so that fences of all backends can be compared.
pub(super) fn wall_fence(clock: &dyn Clock) -> u64 {
    clock.now().as_microsecond().try_into().unwrap_or_default()
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").finish_non_exhaustive()
    }
}

// === impl Alone ===

impl Entered for Alone {
    fn fence(&self) -> u64 {
        self.fence
    }

    fn remaining(&self) -> Option<Duration> {
        None
    }

    fn lost(&self) -> CancellationToken {
        self.lost.clone()
    }

    fn confirm(&self) -> BoxFuture<'_, Result<(), LockError>> {
        ready(Ok(())).boxed()
    }

    fn leave(self: Box<Self>) -> BoxFuture<'static, Result<(), LockError>> {
        ready(Ok(())).boxed()
    }
}
