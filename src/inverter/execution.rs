//! Plans carried out by the task that owns the link, and what is left to do afterwards.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use super::commands::Stop;
use super::desk::Job;
use super::hands::{Busy, Hands};
use super::{Ended, Task};
use crate::control::execute::{Execution, Failure, Undoing, plan_of, put_back, restore_one, settle};
use crate::control::{Allowed, Context, Outcome, Plan, Range, Report, Touched, WriteStep};
use crate::event::Whose;
use crate::link::Connection;
use crate::lock::{Lease, LockError};
use crate::overrides::journal::{Handle, Reach, Record, Stage, What};

/// So long before an outcome must be told, a plan of several registers that is not done gives up: what was written is to
/// be put back by then.
pub(super) const FOR_UNDOING: Duration = Duration::from_millis(1800);
/// Undoing is given this long at a time; then it is tried again later.
const UNDOING: Duration = Duration::from_secs(30);
/// Registers of a write that was not confirmed are read again after these.
const LATE: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(60)];
/// More of them are not kept.
const MOST_LATE: usize = 64;
/// The longest rest between two attempts to undo.
const LONGEST_REST: Duration = Duration::from_secs(600);

/// A write that was not confirmed, and may still come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Late {
    register: u16,
    /// What it would become.
    sent: u16,
    /// What it is to hold.
    back: u16,
    /// When it is read again.
    at: Instant,
}

impl Task {
    /// Writes a plan, and puts back what was written if it fails. Whoever gave the job is told in time, even if the
    /// undoing takes longer.
    pub(super) async fn execute(
        &mut self,
        job: &mut Option<Job>,
        plan: &Plan,
        context: &Context,
        connection: &mut Connection,
    ) -> Result<Report, Stop> {
        let deadline = job.as_ref().map_or_else(Instant::now, Job::deadline);
        let registers: BTreeSet<u16> = plan.steps().iter().map(|step| step.write.register()).collect();
        let lease = self.write_lease(context, deadline).await?;
        let record = if registers.len() > 1 { Some(self.begin(plan, context).await?) } else { None };
        // What a newer command asks for is no late change.
        self.late.retain(|late| !plan.steps().iter().any(|step| late.is_asked_by(step.write)));
        let by = if record.is_some() { deadline - FOR_UNDOING } else { deadline };
        let mut hands = Hands::new(self, connection, Some(lease));
        let mut execution = Execution::new(plan, context, record);
        let outcome = execution.run(&mut hands, by, deadline).await;
        let report = match outcome {
            Ok(known) => {
                hands.hold_from_now(&execution);
                let touched = touched(&execution, |register| known.get(register));
                Report { registers: touched, ..Report::of(plan, done(plan)) }
            }
            Err(Failure { outcome, is_over }) => {
                let report = Report::of(plan, outcome);
                undo_in_time(report, is_over, job, &mut execution, &mut hands, deadline).await
            }
        };
        let ended = hands.ended.take();
        self.expect_late(&execution);
        if execution.record.as_ref().is_some_and(|record| record.record().is_open()) {
            self.settle_at = Some(Instant::now() + self.settle_rest.next_rest(LONGEST_REST));
        }
        match ended {
            Some(ended) => {
                self.report_now(job, report);
                Err(ended.into())
            }
            None => Ok(report),
        }
    }

    /// The lease without which nothing is written.
    pub(super) async fn write_lease(&mut self, context: &Context, by: Instant) -> Result<Lease, Stop> {
        let resource = format!("inverter_write:{}", context.serial);
        let wait = by.saturating_duration_since(Instant::now()).min(self.inverter.lock_timeout);
        let lease = self.inverter.locks.acquire(&resource, &self.owner, Some(wait)).await;
        lease.map_err(|error| Outcome::unreachable(format!("nothing was written: {error}")).into())
    }

    /// The same for undoing, which a lock that cannot be asked for does not stop: the link's lease is held.
    pub(super) async fn undo_lease(&mut self, context: &Context) -> Result<Option<Lease>, LockError> {
        let resource = format!("inverter_write:{}", context.serial);
        match self.inverter.locks.acquire(&resource, &self.owner, Some(self.inverter.lock_timeout)).await {
            Ok(lease) => Ok(Some(lease)),
            Err(LockError::Backend { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps what the plan would have to undo, before its first register is written.
    async fn begin(&mut self, plan: &Plan, context: &Context) -> Result<Handle, Stop> {
        let not_kept = |why: String| Outcome::refused("not_kept", why);
        let Some(journal) = &self.inverter.journal else {
            return Err(not_kept("there is no place to keep what it would undo: data_dir".to_owned()).into());
        };
        let begun = plan_of(plan, context, self.reach());
        let begun = begun.ok_or_else(|| Outcome::refused("unread", "not all of its registers could be read"))?;
        journal.begin(begun, self.link_fence).await.map_err(|error| not_kept(error.to_string()).into())
    }

    /// The fence under which a record is taken up. Fences grow, unless what kept them is gone and the wall clock went back;
    /// but whoever has the link's lease in hand came last, whatever the record says.
    pub(super) fn fence_over(&self, record: &Record) -> u64 {
        let holds = self.link_holds.as_ref().is_some_and(|holds| holds());
        if holds { self.link_fence.max(record.fence) } else { self.link_fence }
    }

    pub(super) fn reach(&self) -> Reach {
        let peer = self.inverter.connector.peer();
        let (host, port) = peer.rsplit_once(':').unwrap_or((&peer, ""));
        Reach { host: host.to_owned(), port: port.parse().unwrap_or(0), transport: self.inverter.kind }
    }

    /// Remembers which registers may still change to what was sent.
    fn expect_late(&mut self, execution: &Execution<'_>) {
        let now = Instant::now();
        for (register, sent) in execution.unsure() {
            let Some(back) = execution.before(register).filter(|back| *back != sent) else { continue };
            for after in LATE {
                if self.late.len() < MOST_LATE {
                    self.late.push(Late { register, sent, back, at: now + after });
                }
            }
        }
    }

    /// The same of an override: `(register, sent, back)`.
    pub(super) fn expect_late_of(&mut self, unsure: &[(u16, u16, u16)]) {
        let now = Instant::now();
        for &(register, sent, back) in unsure.iter().filter(|(_, sent, back)| sent != back) {
            for after in LATE {
                if self.late.len() < MOST_LATE {
                    self.late.push(Late { register, sent, back, at: now + after });
                }
            }
        }
    }

    /// What was written and read back is what an earlier write, if it comes yet, would change.
    pub(super) fn hold_late(&mut self, registers: &[(u16, u16)]) {
        for &(register, value) in registers {
            for late in self.late.iter_mut().filter(|late| late.register == register) {
                late.back = value;
            }
        }
        self.late.retain(|late| late.sent != late.back);
    }

    /// When something is to be looked after that was written.
    pub(super) fn look_at(&self) -> Option<Instant> {
        self.late.iter().map(|late| late.at).min()
    }

    /// Reads registers again whose write was not confirmed: one that changed after all is put back.
    pub(super) async fn look_after(&mut self, connection: &mut Connection) -> Result<(), Ended> {
        let now = Instant::now();
        let Some(index) = self.late.iter().position(|late| late.at <= now) else { return Ok(()) };
        let _busy = Busy::of(&self.busy);
        let late @ Late { register, sent, back, .. } = self.late.remove(index);
        let again = Late { at: now + LATE[0], ..late };
        let Ok(context) = self.context() else {
            self.late.push(again);
            return Ok(());
        };
        let Ok(lease) = self.undo_lease(&context).await else {
            self.late.push(again);
            return Ok(());
        };
        let mut hands = Hands::new(self, connection, lease);
        let undoing = restore_one(register, sent, back, &context, &mut hands, now + UNDOING).await;
        let ended = hands.ended.take();
        match undoing {
            None => {}
            Some(Undoing { open: Some(why), .. }) => {
                tracing::warn!(inverter.name = %self.inverter.name, "HR {register} is to hold {back} again: {why}");
                self.late.push(again);
            }
            Some(_) => {
                self.late.retain(|other| other.register != register);
                let whose =
                    Whose { name: &self.inverter.name, inverter: context.serial, at: self.inverter.clock.now() };
                self.inverter.events.late_change_undone(whose, register, sent, back);
            }
        }
        self.after_writing().await;
        ended.map_or(Ok(()), Err)
    }

    /// Completes or rolls back what was begun and not ended, by whomever.
    pub(super) async fn settle_records(&mut self, connection: &mut Connection) -> Result<(), Ended> {
        let Some(journal) = self.inverter.journal.clone() else { return Ok(()) };
        if self.settle_at.is_none_or(|at| Instant::now() < at) {
            return Ok(());
        }
        let Ok(context) = self.context() else { return Ok(()) };
        self.settle_at = None;
        let found = journal.open_records().await;
        let mine = |record: &Record| record.inverter == context.serial && matches!(record.what, What::Plan(_));
        let mut is_open = !found.unread.is_empty();
        for record in found.records.into_iter().filter(mine) {
            let _busy = Busy::of(&self.busy);
            let mut handle = match journal.take_up(record.id, self.fence_over(&record)).await {
                Ok(handle) => handle,
                Err(error) => {
                    tracing::warn!(inverter.name = %self.inverter.name, "{}: {error}", record.what);
                    continue;
                }
            };
            let Ok(lease) = self.undo_lease(&context).await else {
                is_open = true;
                continue;
            };
            let mut hands = Hands::new(self, connection, lease);
            let undoing = settle(&mut handle, &context, &mut hands, Instant::now() + UNDOING).await;
            if let Some(ended) = hands.ended.take() {
                return Err(ended);
            }
            is_open |= self.tell_settled(&record, &undoing, &context);
            self.after_writing().await;
            if undoing.is_over {
                return Err(Ended::Unanswered);
            }
        }
        if is_open {
            self.settle_at = Some(Instant::now() + self.settle_rest.next_rest(LONGEST_REST));
        } else {
            self.settle_rest.reset();
        }
        Ok(())
    }

    /// Tells how a record of an earlier time ended; says whether it is open still.
    fn tell_settled(&mut self, record: &Record, undoing: &Undoing, context: &Context) -> bool {
        if let Some(why) = &undoing.open {
            tracing::warn!(inverter.name = %self.inverter.name, "{} is not undone yet: {why}", record.what);
            return true;
        }
        let is_completed = undoing.restored.is_empty()
            && undoing.left.is_empty()
            && record.stage != Stage::Undoing
            && !record.is_settled();
        let registers: BTreeSet<u16> = record.registers().map(|register| register.address).collect();
        self.late.retain(|late| !registers.contains(&late.register));
        let whose = Whose { name: &self.inverter.name, inverter: context.serial, at: self.inverter.clock.now() };
        self.inverter.events.command_settled(whose, &record.what.to_string(), is_completed, &undoing.left);
        false
    }

    /// What was written is counted and shown.
    pub(super) async fn after_writing(&mut self) {
        self.worn.save().await;
        self.report.writes_are(self.worn.wear());
        self.report.publish(&mut self.plant, &self.inverter);
    }
}

impl Late {
    /// Whether it would set this register to this value.
    pub(super) fn is_of(&self, register: u16, value: u16) -> bool {
        (self.register, self.sent) == (register, value)
    }

    pub(super) fn register(&self) -> u16 {
        self.register
    }

    fn is_asked_by(&self, write: WriteStep) -> bool {
        self.is_of(write.register(), write.value())
    }
}

impl Hands<'_> {
    /// What was written and read back is what an earlier write, if it comes yet, would change.
    fn hold_from_now(&mut self, execution: &Execution<'_>) {
        for &(register, value) in execution.sent() {
            for late in self.task.late.iter_mut().filter(|late| late.register == register) {
                late.back = value;
            }
        }
    }
}

/// Puts back what was sent; if that takes longer than may be, it is told meanwhile that it goes on.
async fn undo_in_time(
    mut report: Report,
    is_over: bool,
    job: &mut Option<Job>,
    execution: &mut Execution<'_>,
    hands: &mut Hands<'_>,
    deadline: Instant,
) -> Report {
    let before = touched(execution, |_| None);
    if execution.sent().is_empty() {
        return report;
    }
    report.registers = before;
    report.put_back = Some(false);
    if is_over {
        return report;
    }
    let undoing = std::pin::pin!(put_back(execution, hands, Instant::now() + UNDOING));
    let undoing = Job::answer_by(deadline, job, &report, undoing).await;
    for touched in &mut report.registers {
        if undoing.restored.contains(&touched.register) {
            touched.after = touched.before;
        }
    }
    report.put_back = if undoing.is_whole() && undoing.writes == 0 { None } else { Some(undoing.is_whole()) };
    if let Some(why) = undoing.open {
        report.notes.push(format!("not everything is put back yet, and it is tried on: {why}").into());
    }
    for register in undoing.left {
        report.notes.push(format!("HR {register} was changed by somebody else, and is left as it is").into());
    }
    if let Outcome::Rejected { register, holds: holds @ None, .. } = &mut report.outcome {
        *holds =
            report.registers.iter().find(|touched| touched.register == *register).and_then(|touched| touched.after);
    }
    report
}

/// Every register that was sent, with what it held and what it holds.
fn touched(execution: &Execution<'_>, after: impl Fn(u16) -> Option<u16>) -> Vec<Touched> {
    let all = execution.sent().iter();
    all.map(|&(register, _)| Touched::new(register, execution.before(register), after(register))).collect()
}

/// Done as it was asked for, or as far as the inverter can: a limit, and not rounding, comes between.
pub(super) fn done(plan: &Plan) -> Outcome {
    let Some(amount) = plan.amount.filter(|amount| amount.asked != amount.achieved) else { return Outcome::Applied };
    let is_at_an_end = |register: u16, value: u16| match Allowed::of(register).map(|allowed| allowed.range) {
        Some(Range::Between(least, most)) => value == least || value == most,
        _ => false,
    };
    let limited = plan.steps().iter().any(|step| is_at_an_end(step.write.register(), step.write.value()));
    if limited { Outcome::Clamped { achieved: amount.achieved } } else { Outcome::Applied }
}
