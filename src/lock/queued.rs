use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use tokio::time::{Instant, timeout_at};

use super::backend::{Backend, Claim};
use super::entry::Entry;
use super::queue::{Queue, Turn};
use super::{Holder, Lease, LockError, LockManager, Owner, say_acquired, timed_out};
use crate::clock::Clock;

/// The queue of one process before a backend. Clones give out the same locks.
///
/// The head of the queue enters the backend, within its caller's deadline; the leases of one owner share what it was
/// given; and the backend is left before the next is let in.
pub struct Queued<B> {
    queue: Queue,
    backend: Arc<B>,
}

impl<B: Backend> Queued<B> {
    /// Without any lock held. The clock tells others since when one is.
    pub(super) fn before(backend: B, clock: Arc<dyn Clock>) -> Self {
        Self { queue: Queue::new(clock), backend: Arc::new(backend) }
    }

    async fn wait(&self, resource: &str, owner: &Owner, limit: Option<Duration>) -> Result<Lease, LockError> {
        let started = Instant::now();
        let gave_up = || timed_out(resource, limit.unwrap_or_default(), started.elapsed());
        let turn = self.queue.turn(resource, owner, limit).await.ok_or_else(gave_up)?;
        let once = limit == Some(Duration::ZERO);
        let entering = self.enter(&turn, owner, once);
        let entered = match limit.and_then(|limit| started.checked_add(limit)) {
            // A backend that is asked only once answers by itself, and soon.
            Some(deadline) if !once => timeout_at(deadline, entering).await.unwrap_or(Ok(None)),
            _ => entering.await,
        };
        let (entry, first) = entered?.ok_or_else(gave_up)?;
        if first {
            say_acquired(resource, started.elapsed());
        }
        Ok(Lease { entry, turn })
    }

    /// What the backend gives, and whether it was not given to another task of this owner already.
    async fn enter(&self, turn: &Turn, owner: &Owner, once: bool) -> Result<Option<(Arc<Entry>, bool)>, LockError> {
        if let Some(entry) = turn.entry() {
            return Ok(Some((entry, false)));
        }
        let Some(_inside) = turn.door(once).await else { return Ok(None) };
        if let Some(entry) = turn.entry() {
            return Ok(Some((entry, false)));
        }
        let entered = self.backend.enter(Claim { resource: turn.resource(), owner, once, least: 0 }).await?;
        Ok(entered.map(|entered| (turn.enter(entered), true)))
    }

    /// What is surely held here need not be asked for. What is lost but not let go, and what is about to be entered, is
    /// no one else's in this process.
    async fn find_holder(&self, resource: &str) -> Result<Option<Holder>, LockError> {
        if let Some(seen) = self.queue.seen(resource).filter(|seen| seen.surely) {
            return Ok(Some(seen.holder));
        }
        let holder = self.backend.holder(resource).await?;
        Ok(holder.or_else(|| Some(self.queue.seen(resource)?.holder)))
    }

    async fn revoke(&self, resource: &str) -> Result<bool, LockError> {
        let here = self.queue.revoking(resource);
        let is_here = here.is_some();
        // The backend first: when the holder lets go, the next one must not be taken for it.
        let (there, ()) = tokio::join!(biased; self.backend.revoke(resource), async {
            if let Some(here) = here {
                here.cancel();
            }
        });
        Ok(there? || is_here)
    }
}

impl<B: Backend> LockManager for Queued<B> {
    fn acquire<'a>(
        &'a self,
        resource: &'a str,
        owner: &'a Owner,
        timeout: Option<Duration>,
    ) -> BoxFuture<'a, Result<Lease, LockError>> {
        self.wait(resource, owner, timeout).boxed()
    }

    fn holder<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<Option<Holder>, LockError>> {
        self.find_holder(resource).boxed()
    }

    fn force_release<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<bool, LockError>> {
        self.revoke(resource).boxed()
    }

    fn settled(&self) -> BoxFuture<'_, ()> {
        async {
            self.queue.settled().await;
            self.backend.settled().await;
        }
        .boxed()
    }
}

impl<B> Clone for Queued<B> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), backend: self.backend.clone() }
    }
}

impl<B: Backend> fmt::Debug for Queued<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (held, waiting) = self.queue.count();
        f.debug_struct("Queued")
            .field("held", &held)
            .field("waiting", &waiting)
            .field("backend", &self.backend)
            .finish()
    }
}
