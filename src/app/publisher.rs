//! From snapshots to the broker: one session an inverter, named by its serial.

use std::sync::{Arc, PoisonError};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Snapshots, Taken};
use crate::catalogue::{Layout, Tree};
use crate::frame::Serial;
use crate::mqtt::{self, SessionSettings};

/// What the session publishes now.
type Newest = Option<Arc<Tree>>;

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

async fn follow(place: usize, mut snapshots: Snapshots, trees: &watch::Sender<Newest>, raw: bool, taken: &Taken) {
    let mut layout = Layout::new(raw);
    let mut refused = None;
    while snapshots.changed().await.is_ok() {
        let Some(snapshot) = snapshots.borrow_and_update().clone() else { continue };
        let serial = snapshot.identity.serial;
        if take(serial, place, taken) {
            refused = None;
            trees.send_replace(Some(Arc::new(layout.tree(&snapshot))));
        } else if refused != Some(serial) {
            refused = Some(serial);
            say_offline(trees);
            tracing::error!(
                "inverters[{place}] is an inverter that another entry reaches too; it is published once, remove one: {serial}"
            );
        }
    }
    say_offline(trees);
}

/// What was published from here is no longer watched.
fn say_offline(trees: &watch::Sender<Newest>) {
    trees.send_if_modified(|newest| match newest {
        Some(tree) if tree.online => {
            Arc::make_mut(tree).online = false;
            true
        }
        _ => false,
    });
}

/// Whether this inverter is published from here. A place has one serial at a time: what it had before is free, so that
/// two inverters that have swapped their addresses find each their own again.
fn take(serial: Serial, place: usize, taken: &Taken) -> bool {
    let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
    taken.retain(|known, owner| *owner != place || *known == serial);
    *taken.entry(serial).or_insert(place) == place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_inverters_that_swap_addresses_are_published_again() {
        let (one, two) = ("SD2227G101".parse().unwrap(), "SD2228G101".parse().unwrap());
        let taken = Taken::default();
        assert!(take(one, 0, &taken) && take(two, 1, &taken));
        assert!(!take(two, 0, &taken), "still the other's");
        assert!(take(one, 1, &taken) && take(two, 0, &taken));
        assert!(!take(one, 0, &taken));
    }
}
