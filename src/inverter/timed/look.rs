//! What runs is looked at: whether it is over, whether it is ours still, whether the battery shows it.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::super::commands::Stop;
use super::super::hands::Busy;
use super::super::overrides::{beside, overrides as told_of, place};
use super::super::{Ended, Task};
use super::Running;
use super::ending::UNDOING;
use crate::control::Known;
use crate::event::Whose;
use crate::link::Connection;
use crate::overrides::end::{Look, Verdict, Why, rederived, verdict};
use crate::overrides::journal::{RecordId, Stage, Step};
use crate::overrides::running::{overrides, status};
use crate::overrides::shown::{Reading, Shown, shown};
use crate::overrides::undo::{reads, taken_over};
use crate::plant::snapshot::{OverrideNote, OverrideNotes, OverrideState, Overrides};
use crate::status::Status;

/// What runs is looked at this often at least.
const EVERY: Duration = Duration::from_secs(60);
/// The inverter's clock is read within this.
const CLOCK: Duration = Duration::from_secs(5);
/// A status whose end moved by less is not set again.
const SAME_END: SignedDuration = SignedDuration::from_secs(5);

impl Task {
    /// Looks at what runs, if it is time, and undoes what is over.
    pub(in crate::inverter) async fn look_at_overrides(&mut self, connection: &mut Connection) -> Result<(), Ended> {
        if self.timed.look_at.is_none_or(|at| Instant::now() < at) {
            return Ok(());
        }
        let _busy = Busy::of(&self.busy);
        self.lately.clear();
        self.timed.look_at = None;
        if self.timed.ask_at.take_if(|at| Instant::now() >= *at).is_some() {
            self.timed.is_taken_up = false;
        }
        self.take_up_overrides().await;
        self.timed.look_at = self.timed.ask_at;
        if self.timed.running.is_empty() {
            return Ok(());
        }
        self.timed.look_by(Instant::now() + self.inverter.clock.takes(EVERY));
        let shows = self.read_clock(connection).await?;
        let ids: Vec<RecordId> = self.timed.records().map(|record| record.id).collect();
        for id in ids {
            if let Some(cause) = self.is_over(id, shows, connection).await?
                && let Some(place) = self.timed.place_of(id)
            {
                self.undo_override(place, &cause, Instant::now() + UNDOING, connection).await?;
            }
        }
        self.weigh_overrides();
        self.show_overrides().await;
        Ok(())
    }

    /// Why it is to be undone now, if it is.
    async fn is_over(
        &mut self,
        id: RecordId,
        shows: Option<DateTime>,
        connection: &mut Connection,
    ) -> Result<Option<String>, Ended> {
        let now = self.inverter.clock.now();
        let Some(place) = self.timed.place_of(id) else { return Ok(None) };
        let Some(running) = self.timed.running.get_mut(place) else { return Ok(None) };
        let look = Look { now, ran: running.handle.ran(), inverter: shows };
        let before = running.looked.replace(look);
        match running.handle.record().stage {
            Stage::Undoing => {
                let is_due = running.undo_at.is_none_or(|at| Instant::now() >= at);
                let at = running.undo_at;
                if let Some(at) = at.filter(|_| !is_due) {
                    self.timed.look_by(at);
                }
                return Ok(is_due.then(|| "it was not undone yet".to_owned()));
            }
            Stage::Planned => return Ok(Some("it was not begun to its end".to_owned())),
            Stage::Applied | Stage::Done => {}
        }
        if let Some(before) = before
            && let Some(end) = rederived(running.handle.record(), &before, &look)
        {
            tracing::warn!(
                inverter.name = %self.inverter.name,
                "the clock jumped; {} runs until {} by it now", running.kind.name(), end.at
            );
            if let Err(error) = running.handle.advance(Step::Prolong(end, Vec::new())).await {
                tracing::warn!(inverter.name = %self.inverter.name, "journal: {error}");
            }
        }
        match verdict(running.handle.record(), &look) {
            Verdict::Over(why) => return Ok(Some(cause(why).to_owned())),
            Verdict::Runs(left) => {
                let at = Instant::now() + self.inverter.clock.takes(left.min(EVERY));
                self.timed.look_by(at);
            }
        }
        self.is_taken_over(id, connection).await
    }

    /// Whether somebody else changed what it is about; what a poll saw is read once more.
    async fn is_taken_over(&mut self, id: RecordId, connection: &mut Connection) -> Result<Option<String>, Ended> {
        let Ok(context) = self.context() else { return Ok(None) };
        if self.group_taken(id, &context.known).is_none() {
            return Ok(None);
        }
        let Some(running) = self.timed.place_of(id).and_then(|place| self.timed.running.get(place)) else {
            return Ok(None);
        };
        let keys: std::collections::BTreeSet<_> =
            reads(running.handle.record()).filter_map(|(_, address)| self.block_of(address)).collect();
        for key in keys {
            match self.read_now(key, Instant::now() + CLOCK, connection).await {
                Ok(()) => {}
                Err(Stop::Ended(ended)) => return Err(ended),
                Err(Stop::Outcome(_)) => return Ok(None),
            }
        }
        let Ok(context) = self.context() else { return Ok(None) };
        let taken = self.group_taken(id, &context.known);
        Ok(taken.map(|group| format!("somebody else changed the {group}")))
    }

    fn group_taken(&self, id: RecordId, known: &Known) -> Option<String> {
        let running = self.timed.running.get(self.timed.place_of(id)?)?;
        taken_over(running.handle.record(), |_, address| known.get(address)).map(str::to_owned)
    }

    /// What the inverter's clock shows now; nothing if it cannot be read, or shows no time.
    async fn read_clock(&mut self, connection: &mut Connection) -> Result<Option<DateTime>, Ended> {
        let Some(key) = self.block_of(35) else { return Ok(None) };
        match self.read_now(key, Instant::now() + CLOCK, connection).await {
            Ok(()) => Ok(self.context().ok().and_then(|context| time(&context.known))),
            Err(Stop::Outcome(_)) => Ok(None),
            Err(Stop::Ended(ended)) => Err(ended),
        }
    }

    /// Takes what a poll that began then says of the battery; what does not show is said in the status, until it does.
    pub(in crate::inverter) async fn judge_overrides(&mut self, began: Instant) {
        let is_judged = |running: &Running| {
            running.handle.record().stage == Stage::Applied && running.polls.is_some() && running.since <= began
        };
        if !self.timed.running.iter().any(is_judged) {
            return;
        }
        let Some(snapshot) = self.report.snapshot(&mut self.plant, &self.inverter) else { return };
        let soc = snapshot.power.soc.and_then(|soc| u8::try_from(soc).ok());
        let reading = Reading { battery: snapshot.power.battery, soc };
        let most = snapshot.inverter.max_battery_power;
        let Some(serial) = self.plant.identity().map(|identity| identity.serial) else { return };
        let whose = Whose { name: &self.inverter.name, inverter: serial, at: self.inverter.clock.now() };
        for running in self.timed.running.iter_mut().filter(|running| is_judged(running)) {
            let floor = running.handle.record().registers().find(|register| is_floor(register.address));
            let floor = floor.and_then(|register| u8::try_from(register.write).ok());
            let polls = running.polls.get_or_insert_default();
            polls.push(reading);
            match shown(running.kind, polls, most, floor) {
                Shown::NotYet => {}
                Shown::Shows => {
                    running.polls = None;
                    if running.fault.take().is_some() && running.failures == 0 {
                        self.inverter.events.override_shown(whose, running.kind.into());
                    }
                }
                Shown::Not(why) => {
                    polls.clear();
                    if running.fault.as_deref() != Some(why) {
                        self.inverter.events.override_not_shown(whose, running.kind.into(), why);
                        running.fault = Some(why.to_owned());
                    }
                }
            }
        }
        self.show_overrides().await;
    }

    /// Sets the statuses that changed, and shows in the snapshot what runs.
    pub(in crate::inverter) async fn show_overrides(&mut self) {
        let now = self.inverter.clock.now();
        let holder = self.owner.described();
        self.timed.running.iter_mut().for_each(|running| running.note_state(now));
        for running in &mut self.timed.running {
            let Some(statuses) = &self.inverter.statuses else { break };
            let (record, look) = (running.handle.record(), running.look(now));
            let Some(status) = status(record, &look, &holder, &running.detail()) else { continue };
            let is_told = running.told.as_ref().is_some_and(|(until, detail)| {
                *detail == status.detail && status.until.duration_since(*until).abs() < SAME_END
            });
            if is_told {
                continue;
            }
            match statuses.set(&status).await {
                Ok(()) => running.told = Some((status.until, status.detail)),
                Err(error) => tracing::warn!(inverter.name = %self.inverter.name, "{error}"),
            }
        }
        self.tell_overrides();
    }

    /// What runs here, and what statuses tell beside it; nothing where neither is known.
    pub(in crate::inverter) fn overrides_shown(&self) -> Option<Overrides<Timestamp>> {
        let now = self.inverter.clock.now();
        let own = self.timed.running.iter().map(|running| (running.handle.record(), running.look(now)));
        let (own, told) = (overrides(own), self.overrides.known());
        if told.is_none() && self.timed.running.is_empty() {
            return None;
        }
        let told = told.unwrap_or_default();
        Some(beside(own, told_of(told.iter().filter(|status| !self.timed.was_cleared(status)))))
    }

    /// How those stand that are shown.
    pub(in crate::inverter) fn override_notes(&self) -> OverrideNotes {
        let lost = self.timed.lost.first().map(|lost| lost.place.clone());
        let mut notes = OverrideNotes { lost, ..OverrideNotes::default() };
        let now = self.inverter.clock.now();
        let told = self.overrides.known().unwrap_or_default();
        for Status { name, since, until, detail, .. } in told.into_iter().filter(|told| !self.timed.was_cleared(told)) {
            let state = if self.timed.has_lost() {
                OverrideState::Lost
            } else if until <= now {
                OverrideState::Undoing
            } else {
                OverrideState::Running
            };
            *place(&mut notes.each, name) = Some(OverrideNote { state, since, detail });
        }
        for running in &self.timed.running {
            *place(&mut notes.each, running.kind.into()) = Some(running.note());
        }
        notes
    }

    pub(in crate::inverter) fn weigh_overrides(&self) {
        self.timed.weigh(self.inverter.policy.undo_all_at_stop);
    }
}

/// Registers in which recipes say where a force export stops.
fn is_floor(address: u16) -> bool {
    matches!(address, 110 | 1109 | 2064)
}

fn cause(why: Why) -> &'static str {
    match why {
        Why::Slot => "its slot has ended by the inverter's clock",
        Why::Wall => "its time is over",
        Why::Ran => "it has run for as long as it was to",
        Why::NoClock => "no clock shows a time that can be",
        Why::NoEnd => "it has no end",
    }
}

fn time(known: &Known) -> Option<DateTime> {
    let part = |register| known.get(register).and_then(|part| i8::try_from(part).ok());
    let (year, month, day) = (part(35)?, part(36)?, part(37)?);
    DateTime::new(2000 + i16::from(year), month, day, part(38)?, part(39)?, part(40)?, 0).ok()
}
