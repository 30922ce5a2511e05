//! What stands behind the queue of one process: where processes, or machines, meet.

use std::fmt;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use tokio_util::sync::CancellationToken;

use super::{Holder, LockError, Owner};

/// Gives a whole process the lock of a resource. The queue before it sees to it that a process asks for each resource
/// once at a time, and that leases of one owner share what was given.
pub trait Backend: fmt::Debug + Send + Sync + 'static {
    /// Waits until the resource is this process', or tries once and yields `None` if it is another's. Dropping the
    /// future gives up; what comes after that is let go again.
    ///
    /// # Errors
    /// [`LockError::Backend`].
    fn enter<'a>(&'a self, claim: Claim<'a>) -> BoxFuture<'a, Result<Option<Box<dyn Entered>>, LockError>>;

    /// Who holds it, whichever process that is. Asking never makes another's attempt fail.
    ///
    /// # Errors
    /// [`LockError::Backend`]: an unreachable backend does not mean that the lock is free.
    fn holder<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<Option<Holder>, LockError>>;

    /// Revokes it from whoever holds it, in any process; false if nobody did. As [`super::LockManager::force_release`].
    ///
    /// # Errors
    /// [`LockError::Backend`], [`LockError::StillHeld`].
    fn revoke<'a>(&'a self, resource: &'a str) -> BoxFuture<'a, Result<bool, LockError>>;

    /// Whether it is known that it cannot be asked now.
    fn is_away(&self) -> bool {
        false
    }

    /// Completes when what was given up on the way in is given back.
    fn settled(&self) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }

    /// Completes when what could not be asked can be asked again, as far as is known.
    fn back(&self) -> BoxFuture<'_, ()> {
        std::future::pending().boxed()
    }
}

/// Who asks for what.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The resource.
    pub resource: &'a str,
    /// Who will hold it.
    pub owner: &'a Owner,
    /// Whether it is tried only once.
    pub once: bool,
    /// Its fence is to be above this one.
    pub least: u64,
}

/// A resource that is this process'. Dropping it lets go, without a runtime too; so does dropping what
/// [`Entered::leave`] yields.
pub trait Entered: fmt::Debug + Send + Sync {
    /// Greater than for every earlier hold of the resource, in any process: at least the wall time in µs.
    fn fence(&self) -> u64;

    /// How long it lives unless it is renewed; `None` where it lives until it is let go.
    fn remaining(&self) -> Option<Duration>;

    /// Is cancelled when it is no longer held, or was revoked.
    fn lost(&self) -> CancellationToken;

    /// Asks the backend itself whether it is still held, where what is known here may be old.
    ///
    /// # Errors
    /// [`LockError::Lost`], [`LockError::Backend`].
    fn confirm(&self) -> BoxFuture<'_, Result<(), LockError>>;

    /// Lets go and says whether it was held until then, within a deadline of its own. Where letting go takes no waiting
    /// it is done when this is first polled.
    ///
    /// # Errors
    /// [`LockError::Lost`], [`LockError::Backend`].
    fn leave(self: Box<Self>) -> BoxFuture<'static, Result<(), LockError>>;
}
