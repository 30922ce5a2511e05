//! Keeps this process to its share of the inverters: does what [`fleet::reconcile`] says.

use futures::future::{FutureExt, select_all};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::fleet::{self, Action, Standing};
use crate::inverter::Hold;

/// One inverter of the settings, as its task and this process' share see it.
#[derive(Debug)]
pub(super) struct Place {
    /// What its task does about it.
    pub hold: watch::Receiver<Hold>,
    /// Whether it should.
    pub wanted: watch::Sender<bool>,
}

/// Tells each inverter's task whether it is wanted, whenever something changed, until `shutdown`.
pub(super) async fn keep(mut places: Vec<Place>, mut members: watch::Receiver<usize>, shutdown: CancellationToken) {
    while !places.is_empty() {
        let standings: Vec<Standing> = places.iter_mut().map(|place| place.hold.borrow_and_update().standing).collect();
        let count = *members.borrow_and_update();
        for action in fleet::reconcile(&standings, count) {
            let (place, wanted) = match action {
                Action::Enter(place) => (place, true),
                Action::Withdraw(place) => (place, false),
                Action::HandOver(place) => {
                    tracing::info!("inverters[{place}] is left to another of the {count} processes");
                    (place, false)
                }
            };
            if let Some(place) = places.get(place) {
                place.wanted.send_if_modified(|now| std::mem::replace(now, wanted) != wanted);
            }
        }
        let holds = select_all(places.iter_mut().map(|place| place.hold.changed().boxed()));
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            // A task ends for good only when all do.
            (changed, _, _) = holds => if changed.is_err() { return },
            changed = members.changed() => if changed.is_err() { return },
        }
    }
}
