//! Which timed overrides run on this inverter, whoever runs them: for its snapshots, and told when that changes.

use std::sync::Arc;

use jiff::Timestamp;

use super::{Inverter, Task};
use crate::clock::Clock;
use crate::event::{Events, Whose};
use crate::frame::Serial;
use crate::plant::snapshot::Overrides;
use crate::status::{Following, Seen, Status, StatusManager, StatusName, follow};

/// What is known of the overrides, followed from when the inverter told its serial number.
#[derive(Debug, Default)]
pub(super) struct Watched {
    following: Option<(Serial, Following)>,
    /// When that began.
    since: Timestamp,
    told: Seen,
}

impl Watched {
    /// From now on those of this inverter.
    pub(super) fn watch(
        &mut self,
        statuses: Option<&Arc<dyn StatusManager>>,
        inverter: Serial,
        clock: &Arc<dyn Clock>,
    ) {
        if self.following.as_ref().is_some_and(|(known, _)| *known == inverter) {
            return;
        }
        let follow = |statuses| (inverter, follow(Arc::clone(statuses), inverter, Arc::clone(clock)));
        (self.following, self.told) = (statuses.map(follow), Seen::Unknown);
        self.since = clock.now();
    }

    /// Completes when something else is known.
    pub(super) async fn changed(&mut self) {
        match &mut self.following {
            Some((_, following)) => following.changed().await,
            None => std::future::pending().await,
        }
    }

    /// Which are set, as far as that is known.
    pub(super) fn known(&self) -> Option<Vec<Status>> {
        match self.following.as_ref()?.1.now() {
            Seen::Known(statuses) => Some(statuses),
            Seen::Unknown => None,
        }
    }

    /// Tells what began and what ended since the last call. What ran already when it is first known is said in the log
    /// only: it did not begin now. What is followed comes a little late: `own` are those that run here, and `is_cleared`
    /// says of one whether it was cleared here.
    pub(super) fn tell(
        &mut self,
        name: &str,
        clock: &dyn Clock,
        events: &Events,
        own: Vec<Status>,
        is_cleared: impl Fn(&Status) -> bool,
    ) {
        let Some((inverter, following)) = self.following.as_ref() else { return };
        let now = match following.now() {
            Seen::Known(all) => Seen::Known(with_own(all, own, is_cleared)),
            Seen::Unknown => Seen::Unknown,
        };
        let whose = Whose { name, inverter: *inverter, at: clock.now() };
        match (&self.told, &now) {
            (Seen::Known(before), Seen::Known(after)) => {
                let has = |all: &[Status], name: StatusName| all.iter().any(|status| status.name == name);
                for status in after.iter().filter(|status| !has(before, status.name)) {
                    events.override_started(whose, status);
                }
                for status in before.iter().filter(|status| !has(after, status.name)) {
                    events.override_ended(whose, status.name);
                }
            }
            (Seen::Unknown, Seen::Known(after)) => {
                for status in after {
                    let Status { name: which, until, holder, since, .. } = status;
                    if *since >= self.since {
                        events.override_started(whose, status);
                    } else {
                        tracing::info!(inverter.name = %name, "{} runs already, until {until:.0} ({which}, by {holder})", which.meaning());
                    }
                }
            }
            (_, Seen::Unknown) => {}
        }
        // What ended while nothing was known is told when something is.
        if now != Seen::Unknown {
            self.told = now;
        }
    }
}

/// What is followed, without what was cleared here, and with what runs here.
fn with_own(mut all: Vec<Status>, own: Vec<Status>, is_cleared: impl Fn(&Status) -> bool) -> Vec<Status> {
    all.retain(|status| !is_cleared(status) && !own.iter().any(|known| known.name == status.name));
    all.extend(own);
    all
}

impl Task {
    /// Shows which timed overrides run, and tells what began and what ended.
    pub(super) fn tell_overrides(&mut self) {
        let own = self.timed.statuses(self.inverter.clock.now(), &self.owner.described());
        let Inverter { name, clock, events, .. } = &self.inverter;
        self.overrides.tell(name, &**clock, events, own, |status| self.timed.was_cleared(status));
        self.report.overrides_are(self.overrides_shown());
        self.report.override_notes_are(self.override_notes());
        self.report.publish(&mut self.plant, &self.inverter);
    }
}

/// What statuses tell of overrides.
pub(super) fn overrides<'a>(statuses: impl IntoIterator<Item = &'a Status>) -> Overrides<Timestamp> {
    let mut all = Overrides::default();
    for status in statuses {
        *place(&mut all, status.name) = Some(status.until);
    }
    all
}

/// Those of the first, and of the second what is not among them.
pub(super) fn beside(mut first: Overrides<Timestamp>, mut second: Overrides<Timestamp>) -> Overrides<Timestamp> {
    for name in StatusName::ALL {
        let told = place(&mut second, name).take();
        let known = place(&mut first, name);
        *known = known.take().or(told);
    }
    first
}

pub(super) fn place<T>(all: &mut Overrides<T>, name: StatusName) -> &mut Option<T> {
    match name {
        StatusName::ForceCharge => &mut all.force_charge,
        StatusName::ForceExport => &mut all.force_export,
        StatusName::PauseCharge => &mut all.pause_charge,
        StatusName::PauseDischarge => &mut all.pause_discharge,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::system;
    use crate::event::{EventKind, News};
    use crate::status::FileStatusManager;
    use crate::store::Store;

    #[tokio::test]
    async fn what_began_before_it_is_first_known_but_while_it_is_followed_began_now() {
        let directory = tempfile::tempdir().unwrap();
        let (clock, events, inverter) = (system(), Events::new(), Serial::from_text("SA2114G047"));
        let manager = FileStatusManager::new(Store::open(directory.path()).unwrap(), Arc::clone(&clock));
        let manager: Arc<dyn StatusManager> = Arc::new(manager);
        let mut heard = events.subscribe();
        let hour = jiff::SignedDuration::from_hours(1);
        let mut watched = Watched::default();
        watched.watch(Some(&manager), inverter, &clock);
        let now = clock.now();
        for (name, since) in [(StatusName::ForceCharge, now), (StatusName::ForceExport, now - hour)] {
            let (holder, detail) = ("givtcp".to_owned(), String::new());
            manager.set(&Status { name, inverter, since, until: now + hour, holder, detail }).await.unwrap();
        }
        while watched.known().is_none_or(|known| known.len() < 2) {
            watched.changed().await;
        }
        watched.tell("garage", &*clock, &events, Vec::new(), |_| false);
        let Some(News::Event(event)) = heard.try_next() else { panic!("it is told") };
        let until = now + hour;
        assert_eq!(event.kind, EventKind::OverrideStarted { name: StatusName::ForceCharge, until });
        assert_eq!(heard.try_next(), None, "the other ran already");
    }
}
