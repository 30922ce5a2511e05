//! The executor: the one place that writes a register.
//!
//! It works for whoever holds the inverter's link ([`Line`]), under the write lease, one plan at a time. A plan stops at
//! its first failure; what was written of it is put back then, by [`put_back`], which is also what settles the records
//! that an earlier process left ([`settle`]). Timed overrides are written by [`begin`] and undone by [`end`].

mod record;
mod timed;
mod undo;

pub use record::plan_of;
pub use timed::{Sent, begin, end};
pub use undo::{Undoing, put_back, restore_one, settle};

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::DateTime;
use tokio::time::{Instant, sleep};

use super::allowed::WriteStep;
use super::plan::{Check, Step};
use super::{Context, Known, Outcome, Plan};
use crate::frame::Serial;
use crate::link::{LinkError, Permit, WriteFault, Writer};
use crate::overrides::journal::{Handle, JournalError, Step as JournalStep, Which};
use crate::plant::INVERTER;

/// After a lost echo the line rests so long before it is read back.
const REST: Duration = Duration::from_millis(500);
/// A write whose echo was lost is written again at most so often.
const AGAIN: u32 = 2;
/// Less than this is no time to write in.
const LEAST: Duration = Duration::from_millis(100);
/// A clock that was set may be off by this when it is read back, seconds.
const CLOCK_SLACK: i64 = 10;

/// Whoever holds the link of an inverter, as far as the executor needs it.
pub trait Line: Send {
    /// Reads what these registers hold now.
    fn read(&mut self, registers: &[u16], by: Instant) -> impl Future<Output = Result<Known, Cut>> + Send;

    /// The same, but what was read a moment ago, and since when nothing was written here, is not read again.
    fn read_unless_fresh(&mut self, registers: &[u16], by: Instant) -> impl Future<Output = Result<Known, Cut>> + Send;

    /// What writes.
    fn writer(&mut self) -> &mut Writer;

    /// How long one write waits for its echo.
    fn patience(&self) -> Duration;

    /// Whether the leases are held still, for so long.
    fn permit(&self, least: Duration) -> Permit;

    /// Whether all must stop at the next register.
    fn stops(&self) -> bool;

    /// Another inverter answered: the connection is to end.
    fn is_other(&mut self, serial: Serial);

    /// A register was sent.
    fn wrote(&mut self, register: u16, is_undoing: bool);
}

/// Why a line brought nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The registers could not be read, for this reason; the connection goes on.
    Unread(String),
    /// The connection is over, for this reason.
    Over(String),
}

/// A plan in execution.
#[derive(Debug)]
pub struct Execution<'a> {
    /// What is written.
    pub plan: &'a Plan,
    /// What is known of the inverter, read just now.
    pub context: &'a Context,
    /// Its record, if it has one.
    pub record: Option<Handle>,
    /// What was sent, in this order, whether or not it arrived: each register with its last value.
    sent: Vec<(u16, u16)>,
    /// Registers that may still change though they hold something else now, and to what.
    unsure: BTreeMap<u16, u16>,
}

/// Why a plan stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What whoever asked is told.
    pub outcome: Outcome,
    /// Whether the connection must end, so that nothing can be put back on it.
    pub is_over: bool,
}

/// Why a write did not come to its end.
enum Fault {
    Refused,
    Holds(u16),
    Unconfirmed(&'static str),
    /// The time was over before it could be sent, or sent again.
    NoTime {
        /// By an earlier attempt.
        was_sent: bool,
    },
    NotPermitted {
        /// By an earlier attempt.
        was_sent: bool,
    },
    Other(Serial),
    Cut(Cut),
}

impl<'a> Execution<'a> {
    /// Nothing is written yet.
    pub fn new(plan: &'a Plan, context: &'a Context, record: Option<Handle>) -> Self {
        Self { plan, context, record, sent: Vec::new(), unsure: BTreeMap::new() }
    }

    /// What was sent, in this order.
    pub fn sent(&self) -> &[(u16, u16)] {
        &self.sent
    }

    /// Registers that may still change to a value that was sent, though they did not in time.
    pub fn unsure(&self) -> impl Iterator<Item = (u16, u16)> + '_ {
        self.unsure.iter().map(|(register, value)| (*register, *value))
    }

    /// What a register held before.
    pub fn before(&self, register: u16) -> Option<u16> {
        self.context.known.get(register)
    }

    /// Writes the plan, in its order, by `by`, and reads it back by `at_last`. What the registers hold then is the outcome.
    ///
    /// # Errors
    /// [`Failure`]: it stopped; what was sent is to be put back, now or when the inverter is reached again.
    pub async fn run(&mut self, line: &mut impl Line, by: Instant, at_last: Instant) -> Result<Known, Failure> {
        let (plan, begun) = (self.plan, Instant::now());
        for step in plan.steps() {
            if line.stops() {
                return Err(Failure::over("the program lets go of the inverter"));
            }
            let register = step.write.register();
            self.note(|places| {
                places.get(&register).map(|&(group, place)| JournalStep::Writing(Which::Register(group, place)))
            })
            .await?;
            self.sent.retain(|(sent, _)| *sent != register);
            self.sent.push((register, step.write.value()));
            let before = self.held_before(step);
            let written = write(line, &step.write, step.check, before, self.context.serial, by, false).await;
            if let Err(fault) = written {
                if fault.is_unsent() && self.before(register) == before {
                    self.sent.pop();
                }
                if fault.may_come_late() {
                    self.unsure.insert(register, step.write.value());
                }
                return Err(fault.of(step.write));
            }
        }
        let known = self.verify(line, begun, at_last).await?;
        self.note_done().await?;
        Ok(known)
    }

    /// What a register held before this step: what an earlier one put there, or what was found.
    fn held_before(&self, step: &Step) -> Option<u16> {
        let earlier = self.plan.steps().iter().take_while(|other| !std::ptr::eq(*other, step));
        let written = earlier.filter(|other| other.write.register() == step.write.register()).last();
        written.map(|other| other.write.value()).or_else(|| self.before(step.write.register()))
    }

    /// Reads back what was written; what does not say so yet is read once more.
    async fn verify(&mut self, line: &mut impl Line, begun: Instant, by: Instant) -> Result<Known, Failure> {
        let last: BTreeMap<u16, &Step> = self.plan.steps().iter().map(|step| (step.write.register(), step)).collect();
        let mut registers: Vec<u16> =
            last.iter().filter(|(_, step)| step.check != Check::Nothing).map(|(register, _)| *register).collect();
        let sets_clock = last.values().any(|step| step.check == Check::Clock);
        if sets_clock {
            registers.extend(35..=40);
        }
        if registers.is_empty() {
            return Ok(Known::default());
        }
        let mut attempt = 0;
        loop {
            let known = line.read(&registers, by).await.map_err(Failure::unverified)?;
            let wrong = last.values().find(|step| {
                let holds = known.get(step.write.register());
                match step.check {
                    Check::Same => holds != Some(step.write.value()),
                    Check::Begun => holds.is_none_or(|holds| holds == 0),
                    Check::Clock | Check::Nothing => false,
                }
            });
            let clock_is_wrong = sets_clock && !clock_shows(&known, self.written_clock(), begun.elapsed());
            match wrong {
                None if !clock_is_wrong => return Ok(known),
                _ if attempt == 0 && Instant::now() + REST < by => {
                    attempt += 1;
                    sleep(REST).await;
                }
                Some(step) => {
                    for step in last.values().filter(|step| step.check == Check::Same) {
                        let (register, value) = (step.write.register(), step.write.value());
                        if known.get(register) != Some(value) {
                            self.unsure.insert(register, value);
                        }
                    }
                    let holds = known.get(step.write.register());
                    let why = "the inverter confirmed the write, and it has no effect";
                    return Err(Failure { outcome: rejected(step.write, holds, why), is_over: false });
                }
                None => {
                    let why = "the clock does not show what was set";
                    let outcome = last.values().next().map(|step| rejected(step.write, None, why));
                    return Err(Failure { outcome: outcome.unwrap_or(Outcome::unreachable(why)), is_over: false });
                }
            }
        }
    }

    /// What the clock was set to.
    fn written_clock(&self) -> [Option<u16>; 6] {
        [35, 36, 37, 38, 39, 40].map(|register| {
            let written = self.plan.steps().iter().rfind(|step| step.write.register() == register);
            written.map(|step| step.write.value()).or_else(|| self.before(register))
        })
    }

    /// Takes a step of the record, if there is one and the step is one of it.
    async fn note(
        &mut self,
        step: impl FnOnce(&BTreeMap<u16, (usize, usize)>) -> Option<JournalStep>,
    ) -> Result<(), Failure> {
        let Some(record) = &mut self.record else { return Ok(()) };
        let Some(step) = step(&record::places(record.record())) else { return Ok(()) };
        record.advance(step).await.map_err(|error| Failure::of_journal(&error))
    }

    async fn note_done(&mut self) -> Result<(), Failure> {
        let Some(record) = &mut self.record else { return Ok(()) };
        let groups = record.record().groups.len();
        let steps = (0..groups).map(|group| JournalStep::Written(Which::Group(group)));
        for step in steps.chain([JournalStep::Applied, JournalStep::Done]) {
            if let Err(error) = record.advance(step).await {
                // All is written and read back. That the record says less is found out when it is taken up.
                tracing::warn!("journal: {error}");
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Writes one register until it is known to hold the value. A write whose echo is lost is read back after a rest, and
/// sent again only if nothing changed.
async fn write(
    line: &mut impl Line,
    step: &WriteStep,
    check: Check,
    before: Option<u16>,
    serial: Serial,
    by: Instant,
    is_undoing: bool,
) -> Result<(), Fault> {
    let (register, value) = (step.register(), step.value());
    let mut attempt = 0;
    loop {
        let left = by.saturating_duration_since(Instant::now());
        if left < LEAST {
            return Err(Fault::NoTime { was_sent: attempt > 0 });
        }
        let patience = line.patience().min(left);
        let permit = line.permit(patience);
        let outcome = line.writer().write(INVERTER, register, value, patience, permit).await;
        if !matches!(outcome, Err(LinkError::Write { fault: WriteFault::NotPermitted, .. })) {
            line.wrote(register, is_undoing);
        }
        match outcome {
            Ok(echo) => match echo.serial.filter(|echoed| echoed.is_plausible() && *echoed != serial) {
                Some(other) => {
                    line.is_other(other);
                    return Err(Fault::Other(other));
                }
                None => return Ok(()),
            },
            Err(LinkError::Write { fault: WriteFault::Refused, .. }) => return Err(Fault::Refused),
            Err(LinkError::Write { fault: WriteFault::NotPermitted, .. }) => {
                return Err(Fault::NotPermitted { was_sent: attempt > 0 });
            }
            Err(LinkError::Write { fault: WriteFault::Timeout(_) | WriteFault::Mismatch(_), .. }) => {}
            Err(error) => return Err(Fault::Cut(Cut::Over(error.to_string()))),
        }
        if check == Check::Nothing {
            return Err(Fault::Unconfirmed("no echo came; whether the inverter restarts is not known"));
        }
        sleep(REST.min(by.saturating_duration_since(Instant::now()))).await;
        if check != Check::Clock {
            let holds = line.read(&[register], by).await.map_err(Fault::Cut)?.get(register);
            match (check, holds) {
                (Check::Begun, Some(holds)) if holds != 0 => return Ok(()),
                (_, Some(holds)) if holds == value => return Ok(()),
                (_, Some(holds)) if before.is_some_and(|before| before != holds) => return Err(Fault::Holds(holds)),
                _ => {}
            }
        }
        attempt += 1;
        if attempt > AGAIN {
            return Err(Fault::Unconfirmed("no echo came, and the register did not change"));
        }
        if line.stops() {
            return Err(Fault::Unconfirmed("the program lets go of the inverter"));
        }
    }
}

/// Whether the clock shows what was set, and the time since.
fn clock_shows(known: &Known, written: [Option<u16>; 6], since: Duration) -> bool {
    let read = [35, 36, 37, 38, 39, 40].map(|register| known.get(register));
    let (Some(read), Some(written)) = (time(read), time(written)) else { return false };
    let passed = read.duration_since(written).as_secs();
    let most = i64::try_from(since.as_secs()).unwrap_or(i64::MAX).saturating_add(CLOCK_SLACK);
    (-CLOCK_SLACK..=most).contains(&passed)
}

fn time(parts: [Option<u16>; 6]) -> Option<DateTime> {
    let small = |part: Option<u16>| i8::try_from(part?).ok();
    let [year, month, day, hour, minute, second] = parts;
    let year = 2000 + i16::from(small(year)?);
    DateTime::new(year, small(month)?, small(day)?, small(hour)?, small(minute)?, small(second)?, 0).ok()
}

fn rejected(write: WriteStep, holds: Option<u16>, why: impl Into<String>) -> Outcome {
    let register = write.register();
    let what = super::Allowed::of(register).map_or("", |allowed| allowed.what);
    Outcome::Rejected { register, what: what.into(), wanted: write.value(), holds, why: why.into() }
}

// === impl Fault, Failure ===

impl Fault {
    /// Whether nothing was sent.
    fn is_unsent(&self) -> bool {
        matches!(self, Self::NotPermitted { was_sent: false } | Self::NoTime { was_sent: false })
    }

    /// Whether the register may still change to what was written.
    fn may_come_late(&self) -> bool {
        matches!(self, Self::Unconfirmed(_) | Self::Cut(_)) || self.is_sent_before()
    }

    fn is_sent_before(&self) -> bool {
        matches!(self, Self::NotPermitted { was_sent: true } | Self::NoTime { was_sent: true })
    }

    fn of(self, write: WriteStep) -> Failure {
        let here = |outcome| Failure { outcome, is_over: false };
        match self {
            Self::Refused => here(rejected(write, None, "the inverter refuses the write")),
            Self::Holds(holds) => here(rejected(write, Some(holds), "the register changed to something else")),
            Self::Unconfirmed(why) => here(rejected(write, None, why)),
            Self::NoTime { .. } => {
                let register = write.register();
                here(Outcome::unreachable(format!("no time was left to write HR {register}: try again")))
            }
            Self::NotPermitted { .. } => Failure::over("the lock for writing is not held any more"),
            Self::Other(serial) => Failure::over(&format!("another inverter answers on this connection: {serial}")),
            Self::Cut(Cut::Unread(why)) => here(rejected(write, None, why)),
            Self::Cut(Cut::Over(why)) => Failure::over(&why),
        }
    }
}

impl Failure {
    fn over(why: &str) -> Self {
        Self { outcome: Outcome::unreachable(why), is_over: true }
    }

    /// What was echoed and not read back may be so or not.
    fn unverified(cut: Cut) -> Self {
        let (why, is_over) = match cut {
            Cut::Unread(why) => (why, false),
            Cut::Over(why) => (why, true),
        };
        Self { outcome: Outcome::unreachable(format!("what was written could not be read back: {why}")), is_over }
    }

    fn of_journal(error: &JournalError) -> Self {
        let is_over = matches!(error, JournalError::Overtaken(_));
        Self { outcome: Outcome::unreachable(format!("what it would undo cannot be kept: {error}")), is_over }
    }
}
