//! Orders in the hands of the task that owns the link: taken between two requests, answered whatever happens.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::cycle::Outcome as Reading;
use super::desk::Job;
use super::hands::Busy;
use super::{Ended, Task};

use crate::control::{Command, Context, ENDED_LATER, Outcome, Override, Report, plan, reads};
use crate::frame::{Bank, BlockKey};
use crate::link::{Connection, Patience};
use crate::plant::tariff::{Mode, Rate};
use crate::registers::plan::{Due, blocks, is_inverter};

/// What a plan reads may decide on what else it must read, so often.
const MOST_READS: usize = 4;

/// What was read so short a time ago need not be read again before it is written. Reading all that a recipe depends on
/// takes about half of it.
const FRESH: Duration = Duration::from_secs(3);

/// Why an order comes to nothing.
pub(super) enum Stop {
    /// For this reason, and the connection goes on.
    Outcome(Outcome),
    /// The connection ended.
    Ended(Ended),
}

impl From<Outcome> for Stop {
    fn from(outcome: Outcome) -> Self {
        Self::Outcome(outcome)
    }
}

impl From<Ended> for Stop {
    fn from(ended: Ended) -> Self {
        Self::Ended(ended)
    }
}

/// Tells that nothing can be done now.
pub(super) fn turn_away(name: &str, job: Job, why: &str) {
    let report = Report::new(job.command.to_string(), Outcome::unreachable(why));
    tracing::warn!(inverter.name = %name, "{report}");
    job.answer(&report);
}

impl Task {
    /// Carries out what waits, between two requests of a cycle; gives the cycle the time back that this took.
    pub(super) async fn take_an_order(&mut self, end: &mut Instant, connection: &mut Connection) -> Result<(), Ended> {
        let begun = Instant::now();
        if self.look_at().is_some_and(|at| begun >= at) {
            self.look_after(connection).await?;
        }
        if self.closing.is_cancelled() {
            return Err(Ended::Shutdown);
        }
        // What an undoing may write depends on what there is.
        if self.plant.all_probed_once() {
            self.look_at_overrides(connection).await?;
        }
        if let Some(job) = self.desk.try_next() {
            self.carry_out(job, connection).await?;
        }
        *end += begun.elapsed();
        Ok(())
    }

    /// Carries out an order, and tells whoever gave it.
    pub(super) async fn carry_out(&mut self, job: Job, connection: &mut Connection) -> Result<(), Ended> {
        let name = self.inverter.name.clone();
        let (command, asked) = (job.command.clone(), job.command.to_string());
        for given in job.given() {
            tracing::debug!(inverter.name = %name, "order: {}", given.order);
        }
        let _busy = Busy::of(&self.busy);
        let mut job = Some(job);
        let (report, ended) = match self.outcome_of(&mut job, connection).await {
            Ok(report) => (report, Ok(())),
            Err(Stop::Outcome(outcome)) => {
                // On the standard transports what may be there and is not costs the connection.
                let ended = if connection.reader.is_lost() { Err(Ended::Unanswered) } else { Ok(()) };
                (Report::new(asked, outcome), ended)
            }
            Err(Stop::Ended(ended)) => {
                let why = self.why_unreachable(&command, &ended.to_string());
                (Report::new(asked, Outcome::unreachable(why)), Err(ended))
            }
        };
        self.after_writing().await;
        self.report_now(&mut job, report);
        ended
    }

    /// Tells whoever gave the job, if that was not done yet.
    pub(super) fn report_now(&mut self, job: &mut Option<Job>, report: Report) {
        let Some(job) = job.take() else { return };
        let name = &self.inverter.name;
        if report.outcome.is_done() || report.outcome == Outcome::Planned {
            tracing::info!(inverter.name = %name, "{report}");
        } else {
            tracing::warn!(inverter.name = %name, "{report}");
        }
        job.answer(&report);
    }

    /// Answers an order while the inverter does not answer: nothing can be written, but that an override is called off is
    /// kept.
    pub(super) async fn answer_away(&mut self, job: Job, why: &str) {
        if let Command::Override(Override { kind, minutes: None }) = job.command
            && !job.is_dry_run()
            && !self.inverter.policy.dry_run
            && self.is_held()
            && self.may_begin(&job).is_ok()
        {
            self.keep_called_off(kind).await;
            self.show_overrides().await;
        }
        let why = self.why_unreachable(&job.command, why);
        turn_away(&self.inverter.name, job, &why);
    }

    /// Whether the link's lease is held on between two connections: only then may the journal be written.
    fn is_held(&self) -> bool {
        self.link.as_ref().is_some_and(|lease| !lease.is_lost())
    }

    /// Why nothing came of a command, and what comes of it nevertheless.
    fn why_unreachable(&self, command: &Command, why: &str) -> String {
        match command {
            Command::Override(Override { kind, minutes: None }) if self.timed.is_undoing(*kind) => {
                format!("{why}; {ENDED_LATER}")
            }
            _ => why.to_owned(),
        }
    }

    async fn outcome_of(&mut self, job: &mut Option<Job>, connection: &mut Connection) -> Result<Report, Stop> {
        let Some(asked) = job.as_ref() else { return Err(Outcome::unreachable("nobody asks any more").into()) };
        self.may_begin(asked)?;
        self.lately.clear();
        let (command, deadline) = (asked.command.clone(), asked.deadline());
        if let Command::SwitchRate(day) = command {
            return Ok(self.switch_rate(&command, day));
        }
        let is_dry_run = asked.is_dry_run() || self.inverter.policy.dry_run;
        self.find_out(deadline, connection).await?;
        // What was begun and not ended is settled before anything is written beside it.
        self.settle_records(connection).await?;
        // That is no longer at work; this order is.
        self.busy.send_replace(true);
        if let Command::Override(wanted) = command {
            return self.order_override(job, wanted, is_dry_run, connection).await;
        }
        if matches!(command, Command::Clock(_)) {
            self.may_set_clock().await?;
        }
        let mut context = self.fresh(&command, deadline, connection).await?;
        let mut planned = plan(&command, &context).map_err(|refusal| Outcome::from(&refusal))?;
        if !is_dry_run && self.end_touched(&planned, deadline, connection).await? {
            context = self.fresh(&command, deadline, connection).await?;
            planned = plan(&command, &context).map_err(|refusal| Outcome::from(&refusal))?;
        }
        if !self.timed.may_hold_reserve() {
            self.worn.remember_reserve(context.reserve_to_remember());
        }
        if is_dry_run {
            let (first, context) = self.touched_first(&planned, context).await;
            if !first.is_empty() {
                planned = plan(&command, &context).map_err(|refusal| Outcome::from(&refusal))?;
            }
            return Ok(first.before(Report::planned(&planned.against(&context.known))));
        }
        let plan = planned.against(&context.known);
        if plan.is_empty() {
            return Ok(Report::of(&plan, Outcome::Unchanged));
        }
        self.within_budget(plan.steps().len())?;
        self.execute(job, &plan, &context, connection).await
    }

    /// Whether so many registers may still be written today.
    pub(super) fn within_budget(&self, writes: usize) -> Result<(), Outcome> {
        let today = self.inverter.zone.to_datetime(self.inverter.clock.now()).date();
        let (wear, budget) = (self.worn.wear(), self.inverter.policy.daily_writes);
        if wear.allows(writes, today, budget) {
            return Ok(());
        }
        let why = format!(
            "{} registers were written today, {writes} more would pass the day's budget of {budget} \
             (control.daily_writes): registers wear out; it begins anew at midnight",
            wear.on(today)
        );
        Err(Outcome::refused("budget", why))
    }

    /// Whether this may be asked for at all, and of this inverter.
    fn may_begin(&self, job: &Job) -> Result<(), Outcome> {
        let ends_only = matches!(job.command, Command::Override(Override { minutes: None, .. }));
        // Undoing is never refused.
        if !self.inverter.policy.enabled && !ends_only {
            let why = "commands are switched off in the settings: control.enabled";
            return Err(Outcome::refused("disabled", why));
        }
        let Some(serial) = self.plant.identity().map(|identity| identity.serial) else {
            return Err(Outcome::unreachable("it is not known yet which inverter answers"));
        };
        let meant = job.given().iter().filter_map(|given| given.order.inverter);
        match meant.into_iter().find(|meant| *meant != serial) {
            Some(meant) => Err(Outcome::refused("wrong_inverter", format!("{meant} is meant, and {serial} answers"))),
            None => Ok(()),
        }
    }

    /// Another rate is in force, where the settings leave that to others.
    fn switch_rate(&mut self, command: &Command, day: bool) -> Report {
        let outcome = if self.inverter.prices.mode == Mode::External {
            self.plant.switch_rate(if day { Rate::Day } else { Rate::Night }, self.inverter.clock.now());
            self.report.publish(&mut self.plant, &self.inverter);
            Outcome::Applied
        } else {
            Outcome::refused(
                "elsewhere",
                "day and night have times in the settings (rates); there is rates.mode: external",
            )
        };
        Report::new(command.to_string(), outcome)
    }

    /// What is known of the inverter for a command, with all that it depends on read just now.
    async fn fresh(&mut self, command: &Command, by: Instant, connection: &mut Connection) -> Result<Context, Stop> {
        let mut read = BTreeSet::new();
        for _ in 0..MOST_READS {
            if self.stop.is_cancelled() {
                return Err(Outcome::refused("stopping", "the program lets go of the inverter").into());
            }
            let context = self.context()?;
            let wanted = reads(command, &context).map_err(|refusal| Outcome::from(&refusal))?;
            let keys: BTreeSet<BlockKey> = wanted.iter().filter_map(|register| self.block_of(*register)).collect();
            let unread: Vec<BlockKey> = keys.difference(&read).copied().collect();
            if unread.is_empty() {
                return Ok(context);
            }
            for key in unread {
                self.read_now(key, by, connection).await?;
                read.insert(key);
            }
        }
        Ok(self.context()?)
    }

    /// Reads a block of settings, whatever its turn.
    pub(super) async fn read_now(
        &mut self,
        key: BlockKey,
        by: Instant,
        connection: &mut Connection,
    ) -> Result<(), Stop> {
        let patience = Patience::live(self.inverter.timeout);
        match self.read(key, patience, by, connection).await? {
            Reading::Read => {
                self.lately.insert(key, Instant::now());
                Ok(())
            }
            Reading::Failed { .. } if connection.reader.is_lost() => Err(Ended::Unanswered.into()),
            Reading::Failed { .. } => Err(Outcome::unreachable(format!("{key} could not be read")).into()),
            Reading::OutOfTime => Err(Outcome::unreachable(format!("no time was left to read {key}")).into()),
        }
    }

    /// Blocks of settings that were read a moment ago, and since when nothing was written here.
    pub(super) fn fresh_blocks(&self) -> BTreeSet<BlockKey> {
        let fresh = self.lately.iter().filter(|(_, at)| at.elapsed() <= FRESH);
        fresh.map(|(key, _)| *key).collect()
    }

    /// The block in which a setting is polled.
    pub(super) fn block_of(&self, register: u16) -> Option<BlockKey> {
        let all = blocks(self.plant.capabilities()?, Due { live: false, settings: true });
        all.into_iter().find(|key| {
            key.bank == Bank::Holding
                && is_inverter(key.device)
                && (key.base..key.base.saturating_add(key.count)).contains(&register)
        })
    }

    pub(super) fn context(&mut self) -> Result<Context, Outcome> {
        let wall = self.inverter.zone.to_datetime(self.inverter.clock.now());
        let snapshot = self.report.snapshot(&mut self.plant, &self.inverter);
        let snapshot = snapshot.ok_or_else(|| Outcome::unreachable("nothing is known of the inverter yet"))?;
        let context = Context::of(&snapshot, Some(wall), self.worn.wear().last_reserve);
        let led_by = self.inverter.leader.as_ref().and_then(|leader| leader(context.serial));
        Ok(Context { led_by, ..context })
    }
}
