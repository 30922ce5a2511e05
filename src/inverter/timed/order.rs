//! Orders of overrides: begun, and prolonged.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::super::commands::Stop;
use super::super::desk::Job;
use super::super::execution::FOR_UNDOING;
use super::super::hands::Hands;
use super::super::{Ended, Task};
use super::ending::UNDOING;
use crate::control::execute::{Failure, Sent, begin};
use crate::control::{
    Allowed, Context, Known, Outcome, Override, OverrideKind, Plan as CommandPlan, Planned, Report, Touched,
};
use crate::frame::BlockKey;
use crate::link::Connection;
use crate::overrides::journal::{RecordId, Step};
use crate::overrides::meeting::{Extension, contradicted, extension, touched};
use crate::overrides::recipe::{self, Options, Recipe, Refused, recipe};
use crate::overrides::undo;

/// What a recipe reads may decide on what else it must read, so often.
const MOST_READS: usize = 4;

/// So long an override may take to begin after another one was undone for it, however long that took: nobody should have
/// to ask twice.
const BEGINNING: Duration = Duration::from_secs(9);

/// How the writing of one that is begun or prolonged ended.
struct Begun {
    sent: Sent,
    outcome: Result<Known, Failure>,
    /// Why the connection ended, if it did.
    ended: Option<Ended>,
}

impl From<Refused> for Stop {
    fn from(refused: Refused) -> Self {
        Outcome::refused(refused.code(), refused.to_string()).into()
    }
}

impl Task {
    /// Carries out the order of an override.
    pub(in crate::inverter) async fn order_override(
        &mut self,
        job: &mut Option<Job>,
        wanted: Override,
        is_dry_run: bool,
        connection: &mut Connection,
    ) -> Result<Report, Stop> {
        let mut deadline = job.as_ref().map_or_else(Instant::now, Job::deadline);
        let asked = crate::control::Command::Override(wanted).to_string();
        if wanted.minutes.is_none() && !is_dry_run {
            // Before anything is asked of an inverter that may not answer.
            self.keep_called_off(wanted.kind).await;
        }
        // Who began what is open is known before anything is begun beside it.
        self.take_up_overrides().await;
        let Some(minutes) = wanted.minutes else {
            if self.timed.has_lost() && self.timed.of_kind(wanted.kind).is_none() {
                return self.make_safe(job, asked, is_dry_run, deadline, connection).await;
            }
            return self.call_off(wanted.kind, asked, is_dry_run, deadline, connection).await;
        };
        if let Some(place) = self.timed.of_kind(wanted.kind)
            && !is_dry_run
            && let Some(report) = self.prolong(job, place, minutes, &asked, deadline, connection).await?
        {
            return Ok(report);
        }
        self.may_begin_anew()?;
        let (context, recipe) = self.recipe(wanted.kind, minutes, deadline, connection).await?;
        let plan = recipe.plan(self.reach(), self.inverter.clock.now());
        let in_the_way = contradicted(&plan, self.timed.records());
        if is_dry_run {
            let (first, context) = self.ended_first(&in_the_way, context);
            let options = Options { export_floor: self.inverter.policy.export_floor };
            // What is found then is what the ending has put back.
            let recipe =
                if first.is_empty() { recipe } else { recipe::recipe(wanted.kind, minutes, &context, options)? };
            return Ok(first.before(planned(asked, &recipe)));
        }
        let (context, recipe) = if in_the_way.is_empty() {
            (context, recipe)
        } else {
            self.end_these(&in_the_way, deadline, connection).await?;
            // Undoing may have taken most of the time: what is wanted is begun all the same, told or not.
            deadline = deadline.max(Instant::now() + BEGINNING);
            self.recipe(wanted.kind, minutes, deadline, connection).await?
        };
        self.start(job, recipe, &context, asked, deadline, connection).await
    }

    /// Whether nothing runs that goes by the inverter's clock.
    pub(in crate::inverter) async fn may_set_clock(&mut self) -> Result<(), Outcome> {
        self.take_up_overrides().await;
        let Some(running) = self.timed.running.first() else { return Ok(()) };
        let name = running.kind.name();
        let why = format!(
            "{name} runs, and ends by that clock: call it off first ({name}, Cancel), or wait until it is over"
        );
        Err(Outcome::refused("override_runs", why))
    }

    /// Ends the overrides whose registers a command sets; says whether there were any, so that all is to be read again.
    pub(in crate::inverter) async fn end_touched(
        &mut self,
        plan: &CommandPlan,
        by: Instant,
        connection: &mut Connection,
    ) -> Result<bool, Stop> {
        self.take_up_overrides().await;
        let touched = touched(plan, self.timed.records());
        if touched.is_empty() {
            return Ok(false);
        }
        self.end_these(&touched, by, connection).await?;
        Ok(true)
    }

    /// What the ending of these overrides would write, and what is known of the inverter after that.
    fn ended_first(&self, ids: &[RecordId], mut context: Context) -> (First, Context) {
        let mut first = First::default();
        for running in self.timed.running.iter().filter(|running| ids.contains(&running.handle.record().id)) {
            let mut note = format!("{} runs, and is ended first", running.kind.name());
            match undo::undo(running.handle.record(), |_, address| context.known.get(address)) {
                Ok(undoing) => {
                    for write in undoing.writes {
                        first.plan.push(one(write.address, write.value));
                        context.known.put(write.address, write.value);
                    }
                }
                Err(_) => note.push_str("; what that writes depends on what its registers hold then"),
            }
            first.notes.push(note);
        }
        (first, context)
    }

    /// The same of those whose registers a command sets.
    pub(in crate::inverter) async fn touched_first(
        &mut self,
        plan: &CommandPlan,
        context: Context,
    ) -> (First, Context) {
        self.take_up_overrides().await;
        let touched = touched(plan, self.timed.records());
        self.ended_first(&touched, context)
    }

    async fn end_these(&mut self, ids: &[RecordId], by: Instant, connection: &mut Connection) -> Result<(), Stop> {
        for &id in ids {
            let Some(place) = self.timed.place_of(id) else { continue };
            let name = self.timed.running.get(place).map_or("", |running| running.kind.name());
            if let Some(why) = self.undo_override(place, "another command takes its place", by, connection).await? {
                let why = format!("{name} runs and must be ended first, and is not undone yet: {why}");
                return Err(Outcome::unreachable(why).into());
            }
        }
        Ok(())
    }

    /// What an override writes, from what was read just now.
    async fn recipe(
        &mut self,
        kind: OverrideKind,
        minutes: u16,
        by: Instant,
        connection: &mut Connection,
    ) -> Result<(Context, Recipe), Stop> {
        let options = Options { export_floor: self.inverter.policy.export_floor };
        // After an undoing, what was read back then.
        let mut read = self.fresh_blocks();
        for _ in 0..MOST_READS {
            let context = self.context()?;
            let wanted = recipe::reads(kind, minutes, &context, options)?;
            if !self.read_these(&wanted, &mut read, by, connection).await? {
                let recipe = recipe(kind, minutes, &context, options)?;
                if !self.timed.may_hold_reserve() {
                    self.worn.remember_reserve(context.reserve_to_remember());
                }
                return Ok((context, recipe));
            }
        }
        Err(Outcome::refused("unread", "what it depends on changes with each read").into())
    }

    /// Reads what was not read yet of these; false if all was.
    pub(super) async fn read_these(
        &mut self,
        registers: &[u16],
        read: &mut BTreeSet<BlockKey>,
        by: Instant,
        connection: &mut Connection,
    ) -> Result<bool, Stop> {
        let keys: BTreeSet<BlockKey> = registers.iter().filter_map(|register| self.block_of(*register)).collect();
        let unread: Vec<BlockKey> = keys.difference(read).copied().collect();
        for &key in &unread {
            if self.stop.is_cancelled() {
                return Err(Outcome::refused("stopping", "the program lets go of the inverter").into());
            }
            self.read_now(key, by, connection).await?;
            read.insert(key);
        }
        Ok(!unread.is_empty())
    }

    /// The same again: it goes on until the new end; nothing if it had to be ended, so that it is to be begun anew.
    async fn prolong(
        &mut self,
        job: &mut Option<Job>,
        place: usize,
        minutes: u16,
        asked: &str,
        deadline: Instant,
        connection: &mut Connection,
    ) -> Result<Option<Report>, Stop> {
        let Some(running) = self.timed.running.get(place) else { return Ok(None) };
        let mut registers: Vec<u16> = undo::reads(running.handle.record()).map(|(_, address)| address).collect();
        registers.extend(35..=40);
        self.read_these(&registers, &mut BTreeSet::new(), deadline, connection).await?;
        let (context, now) = (self.context()?, self.inverter.clock.now());
        let Some(running) = self.timed.running.get_mut(place) else { return Ok(None) };
        let handle = &mut running.handle;
        let step = match extension(handle.record(), minutes, &context, now, handle.ran())? {
            Extension::Prolong(step) => step,
            Extension::Anew => {
                let id = handle.record().id;
                self.end_these(&[id], deadline, connection).await?;
                return Ok(None);
            }
        };
        let writes = if let Step::Prolong(_, changes) = &step { changes.len() } else { 0 };
        self.within_budget(writes)?;
        let lease = self.write_lease(&context, deadline).await?;
        let Some(running) = self.timed.running.get_mut(place) else { return Ok(None) };
        running.handle.advance(step).await.map_err(|error| Outcome::refused("not_kept", error.to_string()))?;
        if writes == 0 {
            let report = self.report_running(place, asked.to_owned(), Vec::new(), &[]).await;
            return Ok(Some(report));
        }
        let mut running = self.timed.running.remove(place);
        let mut sent = Sent::default();
        let mut hands = Hands::new(self, connection, Some(lease));
        let outcome =
            begin(&mut running.handle, &context, &mut hands, &mut sent, deadline - FOR_UNDOING, deadline).await;
        let begun = Begun { sent, outcome, ended: hands.ended.take() };
        self.timed.running.push(running);
        let place = self.timed.running.len() - 1;
        self.after_begin(job, place, asked.to_owned(), &context, begun, connection).await.map(Some)
    }

    /// Begins what is not there yet.
    async fn start(
        &mut self,
        job: &mut Option<Job>,
        recipe: Recipe,
        context: &Context,
        asked: String,
        deadline: Instant,
        connection: &mut Connection,
    ) -> Result<Report, Stop> {
        let needed = recipe.groups.iter().flat_map(|group| &group.registers);
        self.within_budget(needed.filter(|register| register.found != register.write).count())?;
        let lease = self.write_lease(context, deadline).await?;
        let plan = recipe.plan(self.reach(), self.inverter.clock.now());
        let not_kept = |why: String| Outcome::refused("not_kept", why);
        let Some(journal) = self.inverter.journal.clone() else {
            return Err(not_kept("there is no place to keep what it would undo: data_dir".to_owned()).into());
        };
        let begun = journal.begin(plan, self.link_fence).await;
        let mut handle = begun.map_err(|error| not_kept(error.to_string()))?;
        // From here on it is undone, whatever comes.
        self.timed.must_undo.send_replace(true);
        let writes: Vec<(u16, u16)> =
            handle.record().registers().map(|register| (register.address, register.write)).collect();
        self.late.retain(|late| !writes.iter().any(|&(register, value)| late.is_of(register, value)));
        let mut sent = Sent::default();
        let mut hands = Hands::new(self, connection, Some(lease));
        let outcome = begin(&mut handle, context, &mut hands, &mut sent, deadline - FOR_UNDOING, deadline).await;
        let begun = Begun { sent, outcome, ended: hands.ended.take() };
        let seed = self.inverter.link.seed;
        self.timed.add(handle, seed);
        let place = self.timed.running.len() - 1;
        if let Some(running) = self.timed.running.get_mut(place) {
            running.notes = recipe.notes.join("; ");
        }
        self.after_begin(job, place, asked, context, begun, connection).await
    }

    /// Tells that it runs; what failed is undone, and whoever asked is told in time.
    async fn after_begin(
        &mut self,
        job: &mut Option<Job>,
        place: usize,
        asked: String,
        context: &Context,
        Begun { sent, outcome, ended }: Begun,
        connection: &mut Connection,
    ) -> Result<Report, Stop> {
        let deadline = job.as_ref().map_or_else(Instant::now, Job::deadline);
        let touched = |after: Option<&Known>| -> Vec<Touched> {
            let all = sent.sent.iter();
            let after = |register| after.and_then(|known| known.get(register));
            all.map(|&(register, _)| Touched::new(register, context.known.get(register), after(register))).collect()
        };
        let failure = match outcome {
            Ok(known) => return Ok(self.report_running(place, asked, touched(Some(&known)), &sent.sent).await),
            Err(failure) => failure,
        };
        let mut report = Report { registers: touched(None), ..Report::new(asked, failure.outcome) };
        let found = |register: u16| {
            let mut all = self.timed.running.get(place)?.handle.record().registers();
            Some(all.find(|known| known.address == register)?.found)
        };
        let late = sent.unsure.iter().filter_map(|&(register, value)| Some((register, value, found(register)?)));
        let late: Vec<_> = late.collect();
        self.expect_late_of(&late);
        if let Some(ended) = ended {
            report.put_back = Some(false);
            self.timed.look_by(Instant::now());
            self.report_now(job, report);
            return Err(ended.into());
        }
        report.put_back = Some(false);
        if failure.is_over {
            self.timed.look_by(Instant::now());
            return Ok(report);
        }
        // The answer goes out when it is due, though the undoing may take longer.
        let by = Instant::now() + UNDOING;
        let open = {
            let undoing = std::pin::pin!(self.undo_override(place, "it could not be begun", by, connection));
            Job::answer_by(deadline, job, &report, undoing).await?
        };
        match open {
            None => {
                // Where nothing arrived, nothing was put back.
                report.put_back = (self.timed.undone.writes > 0).then_some(true);
                for touched in &mut report.registers {
                    touched.after = touched.before;
                }
            }
            Some(why) => report.notes.push(format!("not everything is put back yet, and it is tried on: {why}").into()),
        }
        Ok(report)
    }

    /// It runs: its status is set before anybody is told.
    async fn report_running(
        &mut self,
        place: usize,
        asked: String,
        registers: Vec<Touched>,
        sent: &[(u16, u16)],
    ) -> Report {
        self.hold_late(sent);
        if let Some(running) = self.timed.running.get_mut(place) {
            (running.looked, running.polls, running.fault) = (None, Some(Vec::new()), None);
            running.since = Instant::now();
        }
        self.weigh_overrides();
        self.timed.look_by(Instant::now());
        self.show_overrides().await;
        let mut report = Report { registers, ..Report::new(asked, Outcome::Applied) };
        if let Some(running) = self.timed.running.get(place) {
            if let Some(end) = running.handle.record().end {
                report.notes.push(format!("it runs until {:.0}", end.at).into());
            }
            if !running.notes.is_empty() {
                report.notes.push(running.notes.clone().into());
            }
        }
        report
    }

    pub(super) fn known(&mut self, register: u16) -> Option<u16> {
        self.context().ok()?.known.get(register)
    }
}

/// What comes before a plan that is only told.
#[derive(Debug, Default)]
pub(in crate::inverter) struct First {
    plan: Vec<Planned>,
    notes: Vec<String>,
}

impl First {
    /// Whether nothing does.
    pub(in crate::inverter) fn is_empty(&self) -> bool {
        self.notes.is_empty()
    }

    /// The report of it and of what comes after it.
    pub(in crate::inverter) fn before(self, report: Report) -> Report {
        let plan = self.plan.into_iter().chain(report.plan).collect();
        let notes = self.notes.into_iter().map(Into::into).chain(report.notes).collect();
        Report { notes, plan, ..report }
    }
}

pub(super) fn one(register: u16, value: u16) -> Planned {
    let meaning = Allowed::of(register).map_or("", |allowed| allowed.what);
    Planned { register, value, meaning: meaning.into() }
}

fn planned(asked: String, recipe: &Recipe) -> Report {
    let needed = recipe.groups.iter().flat_map(|group| &group.registers);
    let needed = needed.filter(|register| register.found != register.write);
    let plan = needed.map(|register| one(register.address, register.write)).collect();
    let notes = recipe.notes.iter().map(|&note| note.into()).collect();
    Report { notes, plan, ..Report::new(asked, Outcome::Planned) }
}
