//! From snapshots to the broker: one session an inverter, named by its serial.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Snapshots, Taken};
use crate::catalogue::{Layout, Tree};
use crate::frame::Serial;
use crate::mqtt::{self, SessionSettings};

/// One inverter's session, while its serial stays the same.
struct Session {
    serial: Serial,
    tree: watch::Sender<Option<Arc<Tree>>>,
    stop: CancellationToken,
}

/// Publishes one inverter's snapshots until `shutdown`, and then says `offline`.
pub(super) async fn run(
    place: usize,
    mut snapshots: Snapshots,
    settings: SessionSettings,
    raw: bool,
    taken: Taken,
    shutdown: CancellationToken,
) {
    let mut layout = Layout::new(raw);
    let mut sessions = JoinSet::new();
    let mut current: Option<Session> = None;
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            changed = snapshots.changed() => if changed.is_err() {
                shutdown.cancelled().await;
                break;
            },
        }
        let Some(snapshot) = snapshots.borrow_and_update().clone() else { continue };
        let tree = layout.tree(&snapshot);
        let serial = tree.serial;
        if current.as_ref().is_none_or(|session| session.serial != serial) {
            leave(current.take(), place, &taken);
            if !take(serial, place, &taken) {
                continue;
            }
            let (sender, receiver) = watch::channel(None);
            let stop = shutdown.child_token();
            sessions.spawn(mqtt::run(settings.clone(), receiver, stop.clone()));
            current = Some(Session { serial, tree: sender, stop });
        }
        if let Some(session) = &current {
            session.tree.send_replace(Some(Arc::new(tree)));
        }
    }
    leave(current, place, &taken);
    while sessions.join_next().await.is_some() {}
}

fn leave(session: Option<Session>, place: usize, taken: &Taken) {
    let Some(session) = session else { return };
    session.stop.cancel();
    let mut taken = taken.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if taken.get(&session.serial) == Some(&place) {
        taken.remove(&session.serial);
    }
}

/// Whether this inverter is published from here; said once where it is not.
fn take(serial: Serial, place: usize, taken: &Taken) -> bool {
    let mut taken = taken.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let owner = *taken.entry(serial).or_insert(place);
    if owner != place {
        tracing::error!(
            "inverters[{owner}] and inverters[{place}] are the same inverter; the second is not published, remove it: {serial}"
        );
    }
    owner == place
}
