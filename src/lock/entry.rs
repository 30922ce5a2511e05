use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::LockError;
use super::backend::Entered;

/// What the backend gave to an owner; all the owner's leases share it.
#[derive(Debug)]
pub(super) struct Entry {
    entered: Box<dyn Entered>,
    fence: u64,
    since: Instant,
    /// The backend's, and cancelled too when the hold is revoked in this process.
    lost: CancellationToken,
}

impl Entry {
    pub(super) fn new(entered: Box<dyn Entered>) -> Arc<Self> {
        let (fence, lost) = (entered.fence(), entered.lost().child_token());
        Arc::new(Self { entered, fence, since: Instant::now(), lost })
    }

    pub(super) const fn fence(&self) -> u64 {
        self.fence
    }

    pub(super) const fn since(&self) -> Instant {
        self.since
    }

    pub(super) fn remaining(&self) -> Option<Duration> {
        if self.is_lost() { Some(Duration::ZERO) } else { self.entered.remaining() }
    }

    /// A life that is over counts, even where nobody has told yet: the process may have been stopped.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.is_cancelled() || self.entered.remaining() == Some(Duration::ZERO)
    }

    pub(super) async fn lost(&self) {
        self.lost.cancelled().await;
    }

    /// What revokes it, for whoever cannot keep the entry itself.
    pub(super) fn revoking(&self) -> CancellationToken {
        self.lost.clone()
    }

    pub(super) async fn confirm(&self, resource: &str) -> Result<(), LockError> {
        if self.is_lost() {
            return Err(LockError::Lost { resource: resource.to_owned() });
        }
        self.entered.confirm().await
    }

    /// Lets go in the backend, and says whether it was held there until then.
    pub(super) async fn leave(self) -> Result<(), LockError> {
        self.entered.leave().await
    }
}
