//! The undoing of overrides: what was begun is put back, however long that takes, and it is loud until then.

use std::time::Duration;

use tokio::time::Instant;

use super::super::hands::Hands;
use super::super::{Ended, Task};
use super::{LONGEST_REST, Running, Undone};
use crate::control::execute::{Undoing, end};
use crate::event::Whose;
use crate::frame::Serial;
use crate::link::Connection;
use crate::lock::Lease;
use crate::overrides::end::{Look, Verdict, verdict};
use crate::overrides::journal::{Lost, Progress, Record, Stage, What};
use crate::status::StatusName;

/// An undoing is given this long at a time.
pub(super) const UNDOING: Duration = Duration::from_secs(30);
/// One that keeps failing is said again after so many times.
const SAID_EVERY: u32 = 12;

impl Task {
    /// Knows which overrides are open: what an earlier process began is taken up, and what another one took up is not
    /// held any more. Asked once for each lease, and again after an undoing that failed.
    pub(in crate::inverter) async fn take_up_overrides(&mut self) {
        if self.timed.is_taken_up {
            return;
        }
        let Some(serial) = self.plant.identity().map(|identity| identity.serial) else { return };
        let Some(journal) = self.inverter.journal.clone() else {
            self.timed.is_taken_up = true;
            return;
        };
        let found = journal.open_records().await;
        let mut lost: Vec<Lost> = found.lost.into_iter().filter(|lost| lost.inverter == serial).collect();
        let mine = |record: &Record| record.inverter == serial && matches!(record.what, What::Override(_));
        let mut handles = Vec::new();
        for record in found.records.into_iter().filter(mine) {
            match journal.take_up(record.id, self.fence_over(&record)).await {
                Ok(handle) => handles.push(handle),
                Err(error) => tracing::warn!(inverter.name = %self.inverter.name, "{}: {error}", record.what),
            }
        }
        // What is damaged there, and held here, is whole.
        let held = self.timed.records().filter(|record| lost.iter().any(|lost| lost.id == record.id));
        for record in held.cloned().collect::<Vec<_>>() {
            let (id, fence) = (record.id, self.fence_over(&record));
            match journal.keep_on(record, fence).await {
                Ok(handle) => {
                    lost.retain(|lost| lost.id != id);
                    handles.push(handle);
                }
                Err(error) => tracing::warn!(inverter.name = %self.inverter.name, "{error}"),
            }
        }
        // From here on nothing waits: what is known is not lost if this is called off.
        let mut before = std::mem::take(&mut self.timed.running);
        before.retain(|running| running.handle.record().inverter == serial);
        for mut handle in handles {
            if let Some(place) = before.iter().position(|known| known.handle.record().id == handle.record().id) {
                let known = before.swap_remove(place);
                handle.has_run(known.handle.ran());
                self.timed.running.push(Running { handle, ..known });
            } else {
                tracing::info!(inverter.name = %self.inverter.name, "{} is open, and taken up", handle.record().what);
                let seed = self.inverter.link.seed;
                self.timed.add(handle, seed);
            }
        }
        self.timed.is_taken_up = true;
        self.timed.unread = found.unread.first().cloned();
        if found.unread.is_empty() {
            self.timed.asking.reset();
        } else {
            // What is known is not forgotten because a place could not be asked.
            self.timed.running.append(&mut before);
            self.timed.ask_at = Some(Instant::now() + self.timed.asking.next_rest(LONGEST_REST));
        }
        self.timed.look_by(Instant::now());
        self.weigh_overrides();
        self.learn_lost(serial, lost).await;
    }

    /// Undoes one; says why it is not done yet, if so: then it is tried again.
    pub(in crate::inverter) async fn undo_override(
        &mut self,
        place: usize,
        cause: &str,
        by: Instant,
        connection: &mut Connection,
    ) -> Result<Option<String>, Ended> {
        let not_yet = |why: String| Undoing { open: Some(why), ..Undoing::default() };
        let (undoing, ended) = match self.context() {
            Err(outcome) => (not_yet(outcome.to_string()), None),
            Ok(context) => match self.undo_lease(&context).await {
                Err(error) => (not_yet(error.to_string()), None),
                Ok(lease) => {
                    if place >= self.timed.running.len() {
                        return Ok(None);
                    }
                    let mut running = self.timed.running.remove(place);
                    let mut hands = Hands::new(self, connection, lease);
                    let undoing = end(&mut running.handle, &context, &mut hands, by).await;
                    let ended = hands.ended.take();
                    let at = place.min(self.timed.running.len());
                    self.timed.running.insert(at, running);
                    (undoing, ended)
                }
            },
        };
        self.after_writing().await;
        let open = match &undoing.open {
            None => {
                self.is_undone(place, cause, &undoing).await;
                None
            }
            Some(why) => {
                self.is_not_undone(place, cause, why).await;
                Some(why.clone())
            }
        };
        match ended {
            Some(ended) => Err(ended),
            None if undoing.is_over => Err(Ended::Unanswered),
            None => Ok(open),
        }
    }

    async fn is_undone(&mut self, place: usize, cause: &str, undoing: &Undoing) {
        if place >= self.timed.running.len() {
            return;
        }
        let running = self.timed.running.remove(place);
        let record = running.handle.record();
        let left = record.registers().filter(|register| register.progress == Progress::Left);
        let left = left.map(|register| register.address).collect();
        self.timed.undone = Undone { writes: undoing.writes, left };
        let name = StatusName::from(running.kind);
        let found: Vec<(u16, u16)> = record.registers().map(|register| (register.address, register.found)).collect();
        self.hold_late(&found);
        tracing::info!(inverter.name = %self.inverter.name, "{} is undone: {cause}", name.meaning());
        if !undoing.left.is_empty() {
            let whose = self.whose(record.inverter);
            self.inverter.events.override_left(whose, name, &undoing.left);
        }
        self.timed.note_cleared(name, record.begun);
        if let Some(statuses) = self.inverter.statuses.clone()
            && let Err(error) = statuses.clear(record.inverter, name).await
        {
            tracing::warn!(inverter.name = %self.inverter.name, "{error}; others show it as running until its time is over");
        }
        self.weigh_overrides();
        self.show_overrides().await;
    }

    async fn is_not_undone(&mut self, place: usize, cause: &str, why: &str) {
        let Some(running) = self.timed.running.get_mut(place) else { return };
        let rest = running.rest.next_rest(LONGEST_REST);
        running.undo_at = Some(Instant::now() + rest);
        // Somebody else may have taken it up.
        self.timed.is_taken_up = false;
        self.timed.look_by(Instant::now() + rest);
        self.say_not_undone(place, cause, why);
        self.show_overrides().await;
    }

    /// While the inverter cannot be reached, what is over and not undone is as loud as an undoing that fails. Only whoever
    /// holds the link's lease may say so.
    pub(in crate::inverter) async fn are_not_undone(&mut self, why: &str) {
        if self.link.as_ref().is_none_or(Lease::is_lost) {
            return;
        }
        let now = self.inverter.clock.now();
        let overdue = |(place, running): (usize, &Running)| {
            let look = Look { now, ran: running.handle.ran(), inverter: None };
            let is_over = matches!(verdict(running.handle.record(), &look), Verdict::Over(_));
            (is_over || running.handle.record().stage != Stage::Applied).then_some(place)
        };
        let places: Vec<usize> = self.timed.running.iter().enumerate().filter_map(overdue).collect();
        for &place in &places {
            self.say_not_undone(place, "it is over", why);
        }
        if !places.is_empty() {
            self.show_overrides().await;
        }
    }

    /// In the status always, as an event and in the log now and then.
    fn say_not_undone(&mut self, place: usize, cause: &str, why: &str) {
        let Some(running) = self.timed.running.get_mut(place) else { return };
        let (name, inverter) = (StatusName::from(running.kind), running.handle.record().inverter);
        running.fault = Some(format!("not undone yet: {why}"));
        let is_said = running.failures.is_multiple_of(SAID_EVERY);
        running.failures = running.failures.saturating_add(1);
        if is_said {
            let whose = self.whose(inverter);
            self.inverter.events.override_not_undone(whose, name, cause, why);
        }
    }

    fn whose(&self, inverter: Serial) -> Whose<'_> {
        Whose { name: &self.inverter.name, inverter, at: self.inverter.clock.now() }
    }
}
