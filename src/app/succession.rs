//! Whether another process goes on with what this one lets go of: then nobody is told that the inverter is offline.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::inverter::Hold;
use crate::lock::LockManager;

/// A successor that waits for the lease has it at once, and one that does not know yet takes a moment.
const WAIT: Duration = Duration::from_secs(1);
/// One that nobody has counted yet, or that waits for a file, has it at once too; but there is none as a rule.
const BRIEFLY: Duration = Duration::from_millis(500);
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

/// How long a successor is looked for.
pub(super) fn wait(members: &watch::Receiver<usize>) -> Duration {
    if *members.borrow() > 1 { WAIT } else { BRIEFLY }
}

impl Succession {
    /// Whether another process has the lease within a second, or within half of one where no other was counted.
    pub(super) async fn has_come(&self) -> bool {
        let wait = wait(&self.members);
        let Some(resource) = self.hold.borrow().resource.clone() else { return false };
        let looking = async {
            while !self.is_anothers(&resource).await {
                sleep(LOOK_EVERY).await;
            }
        };
        timeout(wait, looking).await.is_ok()
    }

    /// What cannot be asked is nobody's as far as is known.
    async fn is_anothers(&self, resource: &str) -> bool {
        matches!(self.locks.holder(resource).await, Ok(Some(holder)) if !holder.is_this_process())
    }
}
