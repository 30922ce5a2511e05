//! What is put back of an override, and what is somebody else's by now.
//!
//! Registers that mean something together are judged together. A group is led by those that say what it is: a slot by
//! its times, a mode by its flags, a rate by itself, a pause by its mode. Where somebody changed one of these, the whole
//! group is theirs and left as it is. What stands beside them (a target, a reserve, a switch, the times of a pause) is
//! left if somebody changed it, and the rest is put back.
//!
//! What was written and what was not is not asked, but seen: a register that holds what it was found with needs nothing,
//! and one that holds what was to be written is ours. So it does not matter where a crash came between. Only where a
//! register that leads was read back as written, and holds again what was found though nothing here put it back, while
//! another that leads stands as it was written, somebody has changed the group: it is theirs.

use super::journal::{Group, Progress, Record, Register, Stage, Step, Which};

/// What is to be done with an open record, as its registers are now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undoing {
    /// What is to be written, in this order: each announced by [`Step::Restoring`], read back, and settled by
    /// [`Step::Restored`].
    pub writes: Vec<Write>,
    /// What is settled without a write.
    pub settled: Vec<Step>,
    /// What is left to whoever changed it.
    pub left: Vec<Foreign>,
}

/// One register that is put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Write {
    /// Where it is in the record.
    pub which: Which,
    /// The device's address.
    pub device: u8,
    /// The holding register.
    pub address: u16,
    /// What it held, by which it is allowed: [`Allowed::restore`](crate::control::Allowed::restore).
    pub value: u16,
}

/// What somebody else has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// The group, by its name.
    pub group: String,
    /// Whether all of it is left, or this register only.
    pub whole: bool,
    /// The holding register that was changed.
    pub address: u16,
    /// What it holds.
    pub holds: u16,
}

/// Registers, by device and address, that must be read first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be read first: {}", .0.iter().map(|(device, address)| format!("HR {address} at {device:#04x}")).collect::<Vec<_>>().join(", "))]
pub struct Unread(pub Vec<(u8, u16)>);

/// What must be read before [`undo`]: every register of the groups in which anything is open.
pub fn reads(record: &Record) -> impl Iterator<Item = (u8, u16)> {
    let open = record.groups.iter().filter(|group| is_open(group));
    open.flat_map(|group| &group.registers).map(|register| (register.device, register.address))
}

/// What is to be done so that everything of this record is put back that is still ours. `holds` is what a device's holding
/// register was read to hold just now.
///
/// # Errors
/// [`Unread`]: what must be read first.
pub fn undo(record: &Record, holds: impl Fn(u8, u16) -> Option<u16>) -> Result<Undoing, Unread> {
    let unread: Vec<_> = reads(record).filter(|&(device, address)| holds(device, address).is_none()).collect();
    if !unread.is_empty() {
        return Err(Unread(unread));
    }
    let holds = |register: &Register| holds(register.device, register.address).unwrap_or(register.found);
    let mut undoing = Undoing::default();
    if record.stage == Stage::Done {
        return Ok(undoing);
    }
    // The other way round than they were written: what makes it an override goes first.
    for (place, group) in record.groups.iter().enumerate().rev().filter(|(_, group)| is_open(group)) {
        match leader_changed(group, holds) {
            Some(register) => {
                undoing.settled.push(Step::Left(Which::Group(place)));
                undoing.left.push(foreign(group, true, register, holds(register)));
            }
            None => {
                let open = group.registers.iter().enumerate().rev().filter(|(_, register)| register.is_open());
                for (index, register) in open {
                    undoing.add(group, Which::Register(place, index), register, holds(register));
                }
            }
        }
    }
    Ok(undoing)
}

/// Which group, by its name, is somebody else's now; of an override that runs.
pub fn taken_over(record: &Record, holds: impl Fn(u8, u16) -> Option<u16>) -> Option<&str> {
    let holds = |register: &Register| holds(register.device, register.address).unwrap_or(register.write);
    let taken = record.groups.iter().find(|group| is_open(group) && leader_changed(group, holds).is_some());
    taken.map(|group| group.name.as_str())
}

impl Undoing {
    /// Whether nothing is left to be written.
    pub fn is_settled(&self) -> bool {
        self.writes.is_empty()
    }

    fn add(&mut self, group: &Group, which: Which, register: &Register, holds: u16) {
        if holds == register.found {
            self.settled.push(Step::Restored(which));
        } else if register.is_ours(holds) {
            let &Register { device, address, found, .. } = register;
            self.writes.push(Write { which, device, address, value: found });
        } else {
            self.settled.push(Step::Left(which));
            self.left.push(foreign(group, false, register, holds));
        }
    }
}

fn foreign(group: &Group, whole: bool, register: &Register, holds: u16) -> Foreign {
    Foreign { group: group.name.clone(), whole, address: register.address, holds }
}

fn is_open(group: &Group) -> bool {
    group.registers.iter().any(Register::is_open)
}

/// The first register of those that lead a group that somebody else has changed: it holds what nobody here wrote, or it
/// was taken back to what was found while another one that leads stands as it was written. A group of which none leads is
/// led by all.
fn leader_changed(group: &Group, holds: impl Fn(&Register) -> u16) -> Option<&Register> {
    let any_leads = group.registers.iter().any(|register| leads(register.address));
    let leaders = || group.registers.iter().filter(|register| !any_leads || leads(register.address));
    let is_foreign = |register: &&Register| {
        let value = holds(register);
        // One that was not written yet can hold what would have been written only by somebody else's hand.
        if register.is_open() { !register.is_ours(value) } else { value != register.found }
    };
    let stands = |register: &Register| register.is_open() && holds(register) != register.found;
    let taken_back = |register: &&Register| is_taken_back(register, holds(register));
    leaders().find(is_foreign).or_else(|| leaders().find(taken_back).filter(|_| leaders().any(stands)))
}

/// Whether somebody has put what was found into a register that was read back as written, and that nothing here has put
/// back. Not of HR 1122, which some inverters may clear by themselves.
fn is_taken_back(register: &Register, holds: u16) -> bool {
    let is_written = register.progress == Progress::Written && register.found != register.write;
    is_written && holds == register.found && register.address != 1122
}

/// Whether a register says what its group is, or stands beside that. By its address: records outlive the program that
/// wrote them.
fn leads(address: u16) -> bool {
    let is_target_of_slot = matches!(address, 242..=269 | 272..=299) && address % 3 == 2;
    let is_target_of_plant = matches!(address, 2044..=2070) && address.is_multiple_of(3);
    let is_target = matches!(address, 20 | 116 | 1111) || is_target_of_slot || is_target_of_plant;
    let is_reserve = matches!(address, 110 | 1109);
    let is_switch = matches!(address, 96 | 1112 | 1123);
    let is_time_of_pause = matches!(address, 319 | 320);
    !(is_target || is_reserve || is_switch || is_time_of_pause)
}
