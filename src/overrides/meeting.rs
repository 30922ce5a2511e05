//! How an override stands to others, to commands, and to the end of the process.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::journal::{Plan, Record, RecordId, Register, Stage, Step, What};
use super::recipe::{self, Refused, Window};
use super::undo::taken_over;
use crate::control::{self, Context, Override, OverrideKind};
use crate::plant::INVERTER;
use crate::status::StatusName;

/// What becomes of an override that is started while the same kind runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extension {
    /// It goes on until another end, by this step, and by the registers that the step names. What will be put back stays
    /// what was found in the beginning.
    Prolong(Step),
    /// The one that runs is to be ended, and another one begun: it is not whole, or somebody else has taken a part of it
    /// over.
    Anew,
}

/// What to do with the override of this kind that runs, when it is started again for so many minutes from now. `context`
/// has its registers, and the inverter's clock, as they were read just now; `ran` is how long it has run.
///
/// # Errors
/// [`Refused`]; what runs goes on.
pub fn extension(
    record: &Record,
    minutes: u16,
    context: &Context,
    now: Timestamp,
    ran: Duration,
) -> Result<Extension, Refused> {
    if !(1..=Override::MOST_MINUTES).contains(&minutes) {
        return Err(Refused::Duration(minutes));
    }
    let holds = |_, address| context.known.get(address);
    if record.stage != Stage::Applied || taken_over(record, holds).is_some() {
        return Ok(Extension::Anew);
    }
    if record.end.is_none_or(|end| end.slot.is_none()) {
        return Ok(Extension::Prolong(Step::Prolong(recipe::end(now, ran.as_secs(), minutes, None), Vec::new())));
    }
    let window = Window::of(context, minutes)?;
    let (Some(end), Some(start)) = (place(record, is_end), place(record, is_start)) else {
        return Ok(Extension::Anew);
    };
    let mut changes = Vec::new();
    if end.2.write != window.end {
        changes.push((end.0, end.1, window.end));
    }
    // It began when it began, unless it would last a day and more.
    if window.is_longer_than_a_day_from(start.2.write) && start.2.write != window.start {
        changes.push((start.0, start.1, window.start));
    }
    let end = recipe::end(now, ran.as_secs(), minutes, Some(window.ends));
    Ok(Extension::Prolong(Step::Prolong(end, changes)))
}

fn place(record: &Record, is_it: fn(u16) -> bool) -> Option<(usize, usize, &Register)> {
    let registers =
        record.groups.iter().enumerate().flat_map(|(group, of)| {
            of.registers.iter().enumerate().map(move |(place, register)| (group, place, register))
        });
    registers.into_iter().find(|(_, _, register)| is_it(register.address))
}

/// The registers in which recipes have a slot begin,
fn is_start(address: u16) -> bool {
    matches!(address, 56 | 94 | 319 | 1113 | 1118 | 2053 | 2062)
}

/// and those in which they have it end.
fn is_end(address: u16) -> bool {
    matches!(address, 57 | 95 | 320 | 1114 | 1119 | 2054 | 2063)
}

/// Which records must be undone before this plan can begin, and be made from what is found then: those of the same
/// inverter that want the opposite, and those that hold a register of it, so that each would put back what the other
/// wrote. Of the same kind it is [`extension`] that says.
pub fn contradicted<'a>(plan: &Plan, records: impl IntoIterator<Item = &'a Record>) -> Vec<RecordId> {
    let own: BTreeSet<_> = plan.groups.iter().flat_map(|group| &group.registers).map(at).collect();
    let of_inverter = records.into_iter().filter(|record| record.is_open() && record.inverter == plan.inverter);
    let contradicted =
        of_inverter.filter(|record| are_opposite(&plan.what, &record.what) || held(record).any(|at| own.contains(&at)));
    contradicted.map(|record| record.id).collect()
}

/// Which records must be undone before this command runs, since it sets a register that they hold. Steps that are
/// needless now count too: who sets a mode that an override has set means it to stay.
pub fn touched<'a>(plan: &control::Plan, records: impl IntoIterator<Item = &'a Record>) -> Vec<RecordId> {
    let written: BTreeSet<u16> = plan.steps().iter().map(|step| step.write.register()).collect();
    let is_touched = |record: &&Record| {
        let is_override = matches!(record.what, What::Override(_));
        is_override && record.is_open() && held(record).any(|(device, at)| device == INVERTER && written.contains(&at))
    };
    records.into_iter().filter(is_touched).map(|record| record.id).collect()
}

/// What a record holds, by device and address: all of a group of which anything is open or still to be written.
fn held(record: &Record) -> impl Iterator<Item = (u8, u16)> {
    let is_begun = matches!(record.stage, Stage::Planned | Stage::Applied);
    let held = record.groups.iter().filter(move |group| is_begun || group.registers.iter().any(Register::is_open));
    held.flat_map(|group| &group.registers).map(at)
}

fn at(register: &Register) -> (u8, u16) {
    (register.device, register.address)
}

fn are_opposite(one: &What, other: &What) -> bool {
    use StatusName::{ForceCharge, ForceExport, PauseCharge, PauseDischarge};
    let (What::Override(one), What::Override(other)) = (one, other) else { return false };
    let pairs = [(ForceCharge, ForceExport), (ForceCharge, PauseCharge), (ForceExport, PauseDischarge)];
    pairs.into_iter().any(|pair| pair == (*one, *other) || pair == (*other, *one))
}

/// Whether the battery would still be steered by it after its slot's end, with nobody there to undo it. So the process
/// undoes it before it stops:
///
/// - what the inverter knows no end of: pauses by a rate, and by a pause mode without a slot;
/// - every force export: the house is not served while eco is off;
/// - a force charge that has set HR 1123 of three phases, which some sources say is latched until it is cleared.
pub fn outlasts_its_slot(record: &Record) -> bool {
    let What::Override(name) = record.what else { return false };
    let has_slot = record.end.is_some_and(|end| end.slot.is_some());
    let has_latch =
        || record.registers().any(|register| register.address == 1123 && register.write == 1 && register.found != 1);
    !has_slot || name == StatusName::ForceExport || has_latch()
}

/// Whether the process undoes it before it stops; `all` is what the settings say of those that end by themselves
/// (`control.on_stop: undo`). What is being undone already goes on being undone.
pub fn undone_at_stop(record: &Record, all: bool) -> bool {
    let is_override = matches!(record.what, What::Override(_));
    is_override && record.is_open() && (all || record.stage == Stage::Undoing || outlasts_its_slot(record))
}

/// Whether this record is an override of this kind, and open.
pub fn is_open_of(record: &Record, kind: OverrideKind) -> bool {
    record.is_open() && record.what == What::Override(kind.into())
}
