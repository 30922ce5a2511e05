//! Timed overrides: written with their record a step ahead, and undone as far as they are ours still.

use tokio::time::{Instant, sleep};

use super::{Failure, Line, REST, Undoing, rejected, write};
use crate::control::allowed::Allowed;
use crate::control::plan::Check;
use crate::control::{Context, Known, Outcome};
use crate::overrides::journal::{Handle, JournalError, Progress, Register, Stage, Step, Which};
use crate::overrides::undo::{reads, undo};
use crate::plant::INVERTER;

/// What is put back is written and read back so often at a time.
const ROUNDS: u32 = 3;

/// What became of the registers of an override that was begun or prolonged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Registers that were sent, with the value, whether or not it arrived.
    pub sent: Vec<(u16, u16)>,
    /// Of these, those that may still change to it though they did not in time.
    pub unsure: Vec<(u16, u16)>,
}

/// Writes what a record that was begun or prolonged has not written yet, in its order, by `by`, and reads all of it back
/// by `at_last`. Then it is applied. `sent` says what was written, however it ended.
///
/// # Errors
/// [`Failure`]: it stopped; what was sent is to be undone ([`end`]), now or when the inverter is reached again.
pub async fn begin(
    record: &mut Handle,
    context: &Context,
    line: &mut impl Line,
    sent: &mut Sent,
    by: Instant,
    at_last: Instant,
) -> Result<Known, Failure> {
    for (which, register) in unwritten(record) {
        if line.stops() {
            return Err(Failure::over("the program lets go of the inverter"));
        }
        let Register { device, address, write: value, .. } = register;
        let step = Allowed::check(address, value, context.abilities)
            .map_err(|refusal| Failure { outcome: Outcome::from(&refusal), is_over: false })?;
        if device != INVERTER {
            return Err(Failure { outcome: Outcome::unreachable("it is none of the inverter's"), is_over: false });
        }
        record.advance(Step::Writing(which)).await.map_err(|error| Failure::of_journal(&error))?;
        sent.sent.push((address, value));
        let before = context.known.get(address);
        if let Err(fault) = write(line, &step, Check::Same, before, context.serial, by, false).await {
            if fault.is_unsent() {
                sent.sent.pop();
            }
            if fault.may_come_late() {
                sent.unsure.push((address, value));
            }
            return Err(fault.of(step));
        }
    }
    let known = read_back(record, context, line, sent, at_last).await?;
    let groups = (0..record.record().groups.len()).map(|group| Step::Written(Which::Group(group)));
    for step in groups.chain([Step::Applied]) {
        record.advance(step).await.map_err(|error| Failure::of_journal(&error))?;
    }
    Ok(known)
}

/// What is to be written. What holds already what it is to hold is not.
fn unwritten(record: &Handle) -> Vec<(Which, Register)> {
    let groups = record.record().groups.iter().enumerate();
    let all = groups.flat_map(|(group, of)| {
        let registers = of.registers.iter().enumerate();
        registers.map(move |(place, register)| (Which::Register(group, place), register.clone()))
    });
    let is_needed = |register: &Register| match register.progress {
        Progress::Untouched => register.found != register.write,
        progress => progress == Progress::Writing,
    };
    all.filter(|(_, register)| is_needed(register)).collect()
}

/// What does not say so yet is read once more.
async fn read_back(
    record: &Handle,
    context: &Context,
    line: &mut impl Line,
    sent: &mut Sent,
    by: Instant,
) -> Result<Known, Failure> {
    let registers: Vec<u16> = record.record().registers().map(|register| register.address).collect();
    let mut is_first = true;
    loop {
        let known = line.read(&registers, by).await.map_err(Failure::unverified)?;
        let is_wrong = |register: &&Register| known.get(register.address) != Some(register.write);
        let Some(wrong) = record.record().registers().find(is_wrong) else { return Ok(known) };
        if std::mem::take(&mut is_first) && Instant::now() + REST < by {
            sleep(REST).await;
            continue;
        }
        let is_unsure = |(register, value): &(u16, u16)| known.get(*register) != Some(*value);
        sent.unsure.extend(sent.sent.iter().copied().filter(is_unsure));
        let outcome = match Allowed::check(wrong.address, wrong.write, context.abilities) {
            Ok(step) => {
                let why = "the inverter confirmed the write, and it has no effect";
                rejected(step, known.get(wrong.address), why)
            }
            Err(refusal) => Outcome::from(&refusal),
        };
        return Err(Failure { outcome, is_over: false });
    }
}

/// Undoes an override: what is ours still is put back and read back, what somebody else changed is left to them. It is
/// done when nothing is open.
pub async fn end(record: &mut Handle, context: &Context, line: &mut impl Line, by: Instant) -> Undoing {
    let mut undoing = Undoing::default();
    if matches!(record.record().stage, Stage::Planned | Stage::Applied)
        && let Err(why) = advance(record, Step::Undo).await
    {
        return undoing.stopped(why);
    }
    for round in 0..=ROUNDS {
        let (own, others): (Vec<_>, Vec<_>) = reads(record.record()).partition(|(device, _)| *device == INVERTER);
        if let Some((device, address)) = others.first() {
            return undoing.stopped(format!("HR {address} at {device:#04x} is none of the inverter's"));
        }
        let own: Vec<u16> = own.into_iter().map(|(_, address)| address).collect();
        let known = match round {
            _ if own.is_empty() => Ok(Known::default()),
            // Whoever ends it has mostly read all of it right before.
            0 => line.read_unless_fresh(&own, by).await,
            _ => line.read(&own, by).await,
        };
        let known = match known {
            Ok(known) => known,
            Err(cut) => return undoing.cut(cut),
        };
        let todo = match undo(record.record(), |_, address| known.get(address)) {
            Ok(todo) => todo,
            Err(unread) => return undoing.stopped(unread.to_string()),
        };
        undoing.left.extend(todo.left.iter().map(|foreign| foreign.address));
        for step in todo.settled {
            if let Some(register) = address_of(record, &step) {
                undoing.restored.push(register);
            }
            if let Err(why) = advance(record, step).await {
                return undoing.stopped(why);
            }
        }
        if todo.writes.is_empty() {
            return match advance(record, Step::Done).await {
                Ok(()) => undoing,
                Err(why) => undoing.stopped(why),
            };
        }
        for back in todo.writes {
            if round == ROUNDS {
                return undoing.stopped(format!("HR {} does not take {} again", back.address, back.value));
            }
            if line.stops() {
                return undoing.stopped("the program lets go of the inverter".to_owned());
            }
            let step = match Allowed::restore(back.address, back.value, context.abilities) {
                Ok(step) => step,
                Err(refusal) => return undoing.stopped(refusal.to_string()),
            };
            if let Err(why) = advance(record, Step::Restoring(back.which)).await {
                return undoing.stopped(why);
            }
            let before = known.get(back.address);
            undoing.writes += 1;
            if let Err(fault) = write(line, &step, Check::Same, before, context.serial, by, true).await {
                return undoing.faulty(fault, back.address, back.value);
            }
        }
    }
    undoing
}

fn address_of(record: &Handle, step: &Step) -> Option<u16> {
    let Step::Restored(Which::Register(group, place)) = step else { return None };
    Some(record.record().groups.get(*group)?.registers.get(*place)?.address)
}

/// That a step cannot be kept stops no undoing.
async fn advance(record: &mut Handle, step: Step) -> Result<(), String> {
    match record.advance(step).await {
        Ok(()) | Err(JournalError::NotKept(_)) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}
