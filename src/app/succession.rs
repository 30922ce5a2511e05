//! Whether another process goes on with what this one lets go of: then nobody is told that the inverter is offline.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::inverter::Hold;
use crate::lock::LockManager;

/// A successor that waits for the lease has it at once, and one that does not know yet takes a moment.
pub(super) const WAIT: Duration = Duration::from_secs(1);
/// How often it is looked whether one has come.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Who comes after this process on one inverter's lease.
#[derive(Clone, Debug)]
pub(super) struct Succession {
    /// Where the lease is.
    pub locks: Arc<dyn LockManager>,
    /// What this process does about the inverter, and the name of its lease.
    pub hold: watch::Receiver<Hold>,
    /// How many processes live, this one included.
    pub members: watch::Receiver<usize>,
}

impl Succession {
    /// Whether another process has the lease within a second; at once false where there is no other.
    pub(super) async fn has_come(&self) -> bool {
        if *self.members.borrow() <= 1 {
            return false;
        }
        let Some(resource) = self.hold.borrow().resource.clone() else { return false };
        let looking = async {
            while !self.is_anothers(&resource).await {
                sleep(LOOK_EVERY).await;
            }
        };
        timeout(WAIT, looking).await.is_ok()
    }

    /// What cannot be asked is nobody's as far as is known.
    async fn is_anothers(&self, resource: &str) -> bool {
        matches!(self.locks.holder(resource).await, Ok(Some(holder)) if !holder.is_this_process())
    }
}
