//! From snapshots to the broker: one session an inverter, named by its serial.

use std::sync::{Arc, PoisonError};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Snapshots, Taken};
use crate::catalogue::Layout;
use crate::frame::Serial;
use crate::mqtt::{self, SessionSettings};

/// Publishes one inverter's snapshots until `shutdown`, and then says `offline`.
pub(super) async fn run(
    place: usize,
    snapshots: Snapshots,
    settings: SessionSettings,
    raw: bool,
    taken: Taken,
    shutdown: CancellationToken,
) {
    let (trees, newest) = watch::channel(None);
    let session = mqtt::run(settings, newest, shutdown.clone());
    let following = async {
        shutdown.run_until_cancelled(follow(place, snapshots, &trees, raw, &taken)).await;
        // The session says goodbye; it ends when it has, or when there is nobody left to publish for.
        shutdown.cancelled().await;
    };
    tokio::join!(session, following);
}

async fn follow(
    place: usize,
    mut snapshots: Snapshots,
    trees: &watch::Sender<Option<Arc<crate::catalogue::Tree>>>,
    raw: bool,
    taken: &Taken,
) {
    let mut layout = Layout::new(raw);
    let mut refused = None;
    while snapshots.changed().await.is_ok() {
        let Some(snapshot) = snapshots.borrow_and_update().clone() else { continue };
        let serial = snapshot.identity.serial;
        if take(serial, place, taken) {
            trees.send_replace(Some(Arc::new(layout.tree(&snapshot))));
        } else if refused != Some(serial) {
            refused = Some(serial);
            tracing::error!(
                "inverters[{place}] is an inverter that another entry reaches too; it is published once, remove one: {serial}"
            );
        }
    }
}

/// Whether this inverter is published from here. A place has one serial at a time.
fn take(serial: Serial, place: usize, taken: &Taken) -> bool {
    let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
    if taken.get(&serial).is_some_and(|owner| *owner != place) {
        return false;
    }
    if !taken.contains_key(&serial) {
        taken.retain(|_, owner| *owner != place);
        taken.insert(serial, place);
    }
    true
}
