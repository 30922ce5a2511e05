//! Records that are damaged beyond mending: nobody knows what they would put back. What is set then may be an override's and
//! not the owner's, so no other one is begun upon it; calling any override off puts the inverter into a safe state.

use std::collections::BTreeSet;

use tokio::time::Instant;

use super::super::Task;
use super::super::commands::Stop;
use super::super::desk::Job;
use super::Timed;
use crate::control::{Context, Outcome, Plan, Refusal, Report, safe_state};
use crate::event::Whose;
use crate::frame::Serial;
use crate::link::Connection;
use crate::overrides::journal::Lost;
use crate::status::Status;

/// What the plan reads may decide on what else it must read, so often.
const MOST_READS: usize = 4;
/// What the status of an override says whose record is lost.
const DETAIL: &str = "its record is damaged: what was set before is not known, and it is not undone; call it off, which puts the \
                      inverter into a safe state, and check its settings";
/// What whoever called one off is told.
const SAFE: &str = "the record of an override was damaged, so that what was set before is not known: nothing is forced or \
                    paused any more, and no slot is in force; check slots, targets, rates and the reserve, and put your \
                    schedules in force again";

impl Timed {
    /// Whether the record of an override is lost, and nobody has seen to it yet.
    pub(super) fn has_lost(&self) -> bool {
        !self.lost.is_empty()
    }

    /// A status that is set, and of which no record is here.
    fn is_orphan(&self, status: &Status) -> bool {
        self.of_kind(status.name.into()).is_none() && !self.was_cleared(status)
    }
}

impl Task {
    /// Knows which records of this inverter are lost, and tells of each once. One that may have been done counts only while a
    /// status says that an override runs of which there is no record.
    pub(super) async fn learn_lost(&mut self, inverter: Serial, found: Vec<Lost>) {
        let orphans = if found.is_empty() { Vec::new() } else { self.orphans(inverter).await };
        let counts = |lost: &Lost| lost.was_open || !orphans.is_empty();
        self.timed.lost = found.into_iter().filter(counts).collect();
        if self.timed.lost.is_empty() {
            self.timed.told_lost.clear();
            return;
        }
        let whose = Whose { name: &self.inverter.name, inverter, at: self.inverter.clock.now() };
        for lost in &self.timed.lost {
            if self.timed.told_lost.insert(lost.id) {
                self.inverter.events.override_lost(whose, &lost.place);
            }
        }
        let Some(statuses) = &self.inverter.statuses else { return };
        for orphan in orphans.into_iter().filter(|orphan| orphan.detail != DETAIL) {
            let told = Status { detail: DETAIL.to_owned(), ..orphan };
            if let Err(error) = statuses.set(&told).await {
                tracing::debug!(inverter.name = %self.inverter.name, "{error}");
            }
        }
    }

    async fn orphans(&self, inverter: Serial) -> Vec<Status> {
        let Some(statuses) = &self.inverter.statuses else { return Vec::new() };
        let all = statuses.list(inverter).await.unwrap_or_default();
        all.into_iter().filter(|status| self.timed.is_orphan(status)).collect()
    }

    /// Nothing is begun while what is set may be an override's.
    pub(super) fn may_begin_anew(&self) -> Result<(), Outcome> {
        let Some(lost) = self.timed.lost.first() else { return Ok(()) };
        let why = format!(
            "the record of an earlier override is damaged ({}), so what is set now may be that override's and not yours: call \
             an override off (any of them, as in forceExport with Cancel, or `givtcp override stop`), which puts the inverter \
             into a safe state; then check its settings, and begin this one",
            lost.place
        );
        Err(Outcome::refused("record_lost", why))
    }

    /// One is called off of which the record is lost: the inverter is put into a safe state, and the record given up.
    pub(super) async fn make_safe(
        &mut self,
        job: &mut Option<Job>,
        asked: String,
        is_dry_run: bool,
        deadline: Instant,
        connection: &mut Connection,
    ) -> Result<Report, Stop> {
        let (mut context, mut plan) = self.safe_plan(deadline, connection).await?;
        if !is_dry_run && self.end_touched(&plan, deadline, connection).await? {
            (context, plan) = self.safe_plan(deadline, connection).await?;
        }
        let plan = plan.against(&context.known);
        let mut report = match (is_dry_run, plan.is_empty()) {
            (true, _) => Report::planned(&plan),
            (false, true) => Report::of(&plan, Outcome::Unchanged),
            (false, false) => self.execute(job, &plan, &context, connection).await?,
        };
        report.asked = asked;
        if is_dry_run || report.outcome.is_done() {
            report.notes.push(SAFE.into());
        }
        if !is_dry_run && report.outcome.is_done() {
            self.give_up_lost(context.serial).await;
        }
        Ok(report)
    }

    /// What is to be written for a safe state, with all that it depends on read just now.
    async fn safe_plan(&mut self, by: Instant, connection: &mut Connection) -> Result<(Context, Plan), Stop> {
        let mut read = BTreeSet::new();
        for _ in 0..MOST_READS {
            let context = self.context()?;
            let (plan, wanted) = match safe_state(&context) {
                Ok(plan) => {
                    let reads = plan.reads().collect();
                    (Some(plan), reads)
                }
                Err(Refusal::Unread(registers)) => (None, registers),
                Err(refusal) => return Err(Outcome::from(&refusal).into()),
            };
            let reads_more = self.read_these(&wanted, &mut read, by, connection).await?;
            if let Some(plan) = plan.filter(|_| !reads_more) {
                return Ok((context, plan));
            }
        }
        Err(Outcome::refused("unread", "what it depends on changes with each read").into())
    }

    async fn give_up_lost(&mut self, inverter: Serial) {
        if let Some(journal) = self.inverter.journal.clone()
            && let Err(why) = journal.give_up_lost(inverter).await
        {
            // It counts again after a restart, and is called off again then.
            tracing::warn!(inverter.name = %self.inverter.name, "journal: what is damaged cannot be removed: {why}");
        }
        self.timed.lost.clear();
        let orphans = self.orphans(inverter).await;
        for Status { name, since, .. } in orphans {
            self.timed.note_cleared(name, since);
            if let Some(statuses) = self.inverter.statuses.clone()
                && let Err(error) = statuses.clear(inverter, name).await
            {
                tracing::warn!(inverter.name = %self.inverter.name, "{error}");
            }
        }
        self.show_overrides().await;
    }
}
