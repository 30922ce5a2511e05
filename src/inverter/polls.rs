use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;

use super::Hold;
use crate::fleet::Standing;
use crate::plant::Snapshot;

/// The polls of one inverter that this process made, each once: there are several snapshots of one, and what others read is
/// theirs to keep and to tell.
#[derive(Debug)]
pub struct OwnPolls {
    snapshots: watch::Receiver<Option<Arc<Snapshot>>>,
    hold: watch::Receiver<Hold>,
    last: Option<Timestamp>,
}

impl OwnPolls {
    /// Those that are not seen yet by these.
    pub const fn new(snapshots: watch::Receiver<Option<Arc<Snapshot>>>, hold: watch::Receiver<Hold>) -> Self {
        Self { snapshots, hold, last: None }
    }

    /// What the next one read, and when; `None` once there will be none any more.
    pub async fn next(&mut self) -> Option<(Arc<Snapshot>, Timestamp)> {
        while self.snapshots.changed().await.is_ok() {
            let newest = self.snapshots.borrow_and_update().clone();
            let Some(snapshot) = newest.filter(|snapshot| snapshot.stats.online) else { continue };
            let is_ours = self.hold.borrow().standing == Standing::Holding;
            let (Some(at), true) = (snapshot.stats.last_updated, is_ours) else { continue };
            if self.last.replace(at) != Some(at) {
                return Some((snapshot, at));
            }
        }
        None
    }
}
