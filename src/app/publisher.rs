//! From snapshots to the broker: one session an inverter, named by its serial.

use std::sync::{Arc, PoisonError};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::roles::Roles;
use super::{Snapshots, Taken};
use crate::catalogue::{Layout, Smoother, Tree};
use crate::frame::Serial;
use crate::mqtt::{self, SessionSettings};
use crate::settings::Smoothing;

/// What the session publishes now.
type Newest = Option<Arc<Tree>>;

/// What is published of one inverter, and what it takes to say so.
pub(super) struct Source {
    /// Its place in the settings.
    pub place: usize,
    pub snapshots: Snapshots,
    /// Whether the registers are published too.
    pub raw: bool,
    pub smoothing: Smoothing,
    pub taken: Taken,
    pub roles: Roles,
}

/// Publishes one inverter's snapshots until `shutdown`, and then says `offline`.
pub(super) async fn run(source: Source, settings: SessionSettings, shutdown: CancellationToken) {
    let (trees, newest) = watch::channel(None);
    let session = mqtt::run(settings, newest, shutdown.clone());
    let following = async {
        shutdown.run_until_cancelled(follow(source, &trees)).await;
        // The session says goodbye; it ends when it has, or when there is nobody left to publish for.
        shutdown.cancelled().await;
    };
    tokio::join!(session, following);
}

async fn follow(source: Source, trees: &watch::Sender<Newest>) {
    let Source { place, mut snapshots, raw, smoothing, taken, roles } = source;
    let mut layout = Layout::new(raw);
    let mut smoother = Smoother::new(smoothing);
    let mut refused = None;
    let mut said = None;
    let mut changes = roles.changes();
    loop {
        tokio::select! {
            biased;
            changed = snapshots.changed() => if changed.is_err() { break },
            Ok(()) = changes.changed() => {}
        }
        let Some(snapshot) = snapshots.borrow_and_update().clone() else { continue };
        let serial = snapshot.identity.serial;
        if take(serial, place, &taken) {
            refused = None;
            roles.learn(place, &snapshot);
            let leader = roles.leader(place, serial);
            if said != leader {
                say_led(place, serial, leader);
                said = leader;
            }
            let mut tree = layout.tree_as(roles.of(place, serial), &snapshot);
            if let Some(at) = snapshot.stats.last_updated {
                smoother.smooth(&mut tree, at, snapshot.stats.cycles);
            }
            trees.send_replace(Some(Arc::new(tree)));
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

fn say_led(place: usize, serial: Serial, leader: Option<usize>) {
    match leader {
        Some(leader) => tracing::info!(
            "inverters[{place}] is led by inverters[{leader}], which has its totals; its batteries are published: {serial}"
        ),
        None => tracing::info!("inverters[{place}] is led by no other any more: {serial}"),
    }
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
