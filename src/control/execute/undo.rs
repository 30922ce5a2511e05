//! Putting back what was written: of a plan that failed, and of records that an earlier process left.

use tokio::time::Instant;

use super::record::places;
use super::{Cut, Execution, Fault, Line, write};
use crate::control::Context;
use crate::control::allowed::Allowed;
use crate::control::plan::Check;
use crate::overrides::journal::{Handle, JournalError, Register, Stage, Step, Which};

/// How an undoing ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undoing {
    /// Registers that hold again what they held.
    pub restored: Vec<u16>,
    /// Registers that hold something that was never written here, and were left alone.
    pub left: Vec<u16>,
    /// How many registers were written for that; none where all held already what it is to hold.
    pub writes: usize,
    /// Why it is not done yet, if so.
    pub open: Option<String>,
    /// Whether the connection must end.
    pub is_over: bool,
}

/// A register that is to hold again what it held.
#[derive(Clone, Debug)]
struct Back {
    register: u16,
    found: u16,
    /// What we may have put there.
    ours: Vec<u16>,
}

/// Puts back what was sent of a plan that failed, the last register first. What holds something that was not sent is
/// somebody else's.
pub async fn put_back(execution: &mut Execution<'_>, line: &mut impl Line, by: Instant) -> Undoing {
    let written = |register: u16| {
        let steps = execution.plan.steps().iter().filter(move |step| step.write.register() == register);
        steps.map(|step| step.write.value()).collect::<Vec<_>>()
    };
    let all: Vec<Back> = execution
        .sent()
        .iter()
        .rev()
        .filter_map(|&(register, _)| {
            Some(Back { register, found: execution.before(register)?, ours: written(register) })
        })
        .collect();
    if let Some(record) = &mut execution.record
        && record.record().stage != Stage::Undoing
        && let Err(error) = record.advance(Step::Undo).await
        && !matches!(error, JournalError::NotKept(_))
    {
        return Undoing { open: Some(error.to_string()), ..Undoing::default() };
    }
    restore(&all, execution.context, execution.record.as_mut(), line, by).await
}

/// Puts a register back that changed to what was sent, long after it was sent; nothing if it did not.
pub async fn restore_one(
    register: u16,
    sent: u16,
    back: u16,
    context: &Context,
    line: &mut impl Line,
    by: Instant,
) -> Option<Undoing> {
    match line.read(&[register], by).await {
        Ok(known) if known.get(register) != Some(sent) => return None,
        Ok(_) => {}
        Err(cut) => return Some(Undoing::default().cut(cut)),
    }
    Some(restore(&[Back { register, found: back, ours: vec![sent] }], context, None, line, by).await)
}

/// Brings an open record of a plan to its end: what is wholly written is done, all else is rolled back.
pub async fn settle(record: &mut Handle, context: &Context, line: &mut impl Line, by: Instant) -> Undoing {
    let registers: Vec<Register> = record.record().registers().cloned().collect();
    let stuck = |why: String| Undoing { open: Some(why), ..Undoing::default() };
    if record.record().stage == Stage::Planned {
        let addresses: Vec<u16> = registers.iter().map(|register| register.address).collect();
        let known = match line.read(&addresses, by).await {
            Ok(known) => known,
            Err(Cut::Unread(why)) => return stuck(why),
            Err(Cut::Over(why)) => return Undoing { is_over: true, ..stuck(why) },
        };
        let is_whole = registers.iter().all(|register| {
            known.get(register.address) == Some(register.write)
                && (register.is_open() || register.found == register.write)
        });
        if is_whole {
            let groups = (0..record.record().groups.len()).map(|group| Step::Written(Which::Group(group)));
            for step in groups.chain([Step::Applied]) {
                if let Err(error) = record.advance(step).await {
                    return stuck(error.to_string());
                }
            }
        }
    }
    if record.record().stage == Stage::Applied {
        return match record.advance(Step::Done).await {
            Ok(()) => Undoing::default(),
            Err(error) => stuck(error.to_string()),
        };
    }
    if record.record().stage == Stage::Planned
        && let Err(error) = record.advance(Step::Undo).await
        && !matches!(error, JournalError::NotKept(_))
    {
        return stuck(error.to_string());
    }
    let all: Vec<Back> = registers
        .iter()
        .rev()
        .filter(|register| register.is_open())
        .map(|register| Back {
            register: register.address,
            found: register.found,
            ours: [Some(register.write), register.earlier].into_iter().flatten().collect(),
        })
        .collect();
    restore(&all, context, Some(record), line, by).await
}

/// Restores what is not so already, in this order, and reads it back.
async fn restore(
    all: &[Back],
    context: &Context,
    mut record: Option<&mut Handle>,
    line: &mut impl Line,
    by: Instant,
) -> Undoing {
    let mut undoing = Undoing::default();
    let registers: Vec<u16> = all.iter().map(|back| back.register).collect();
    if !all.is_empty() {
        let known = match line.read(&registers, by).await {
            Ok(known) => known,
            Err(cut) => return undoing.cut(cut),
        };
        for back in all {
            let holds = known.get(back.register);
            if holds == Some(back.found) {
                continue;
            }
            match Allowed::restore(back.register, back.found, context.abilities) {
                Ok(step) if holds.is_some_and(|holds| back.ours.contains(&holds)) => {
                    if let Err(why) = note(&mut record, back.register, Step::Restoring).await {
                        return undoing.stopped(why);
                    }
                    undoing.writes += 1;
                    if let Err(fault) = write(line, &step, Check::Same, holds, context.serial, by, true).await {
                        return undoing.faulty(fault, back.register, back.found);
                    }
                }
                _ => undoing.left.push(back.register),
            }
        }
        let known = match line.read(&registers, by).await {
            Ok(known) => known,
            Err(cut) => return undoing.cut(cut),
        };
        for back in all {
            let is_left = undoing.left.contains(&back.register);
            if !is_left && known.get(back.register) != Some(back.found) {
                return undoing.stopped(format!("HR {} does not take {} again", back.register, back.found));
            }
            if let Err(why) = note(&mut record, back.register, if is_left { Step::Left } else { Step::Restored }).await
            {
                return undoing.stopped(why);
            }
            if !is_left {
                undoing.restored.push(back.register);
            }
        }
    }
    if let Some(record) = record
        && let Err(error) = record.advance(Step::Done).await
        && !matches!(error, JournalError::NotKept(_))
    {
        return undoing.stopped(error.to_string());
    }
    undoing
}

/// Tells the record. That it cannot be kept stops no undoing.
async fn note(record: &mut Option<&mut Handle>, register: u16, step: fn(Which) -> Step) -> Result<(), String> {
    let Some(record) = record else { return Ok(()) };
    let Some(&(group, place)) = places(record.record()).get(&register) else { return Ok(()) };
    match record.advance(step(Which::Register(group, place))).await {
        Ok(()) | Err(JournalError::NotKept(_)) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

// === impl Undoing ===

impl Undoing {
    /// Whether all holds again what it held.
    pub fn is_whole(&self) -> bool {
        self.open.is_none() && self.left.is_empty()
    }

    pub(super) fn stopped(mut self, why: String) -> Self {
        self.open = Some(why);
        self
    }

    pub(super) fn faulty(self, fault: Fault, register: u16, found: u16) -> Self {
        match fault {
            Fault::Cut(cut) => self.cut(cut),
            Fault::NotPermitted { .. } => self.cut(Cut::Over("the lock for writing is not held any more".to_owned())),
            Fault::NoTime { .. } => self.stopped(format!("no time was left to write HR {register}")),
            Fault::Other(serial) => self.cut(Cut::Over(format!("another inverter answers here: {serial}"))),
            Fault::Refused | Fault::Holds(_) | Fault::Unconfirmed(_) => {
                self.stopped(format!("HR {register} does not take {found} again"))
            }
        }
    }

    pub(super) fn cut(mut self, cut: Cut) -> Self {
        let (Cut::Unread(why) | Cut::Over(why)) = &cut;
        self.open = Some(why.clone());
        self.is_over = matches!(cut, Cut::Over(_));
        self
    }
}
