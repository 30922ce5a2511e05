//! An inverter of a few registers, and an override of it from its beginning to its end.

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};

use crate::clock::Clock;
use crate::link::Kind;
use crate::overrides::journal::*;
use crate::status::StatusName;

pub(super) const FENCE: u64 = 1_780_000_000_000_000;

/// What the registers of the plan hold before it.
pub(super) const FOUND: [(u16, u16); 4] = [(94, 30), (95, 430), (96, 0), (116, 80)];
/// What it writes there.
pub(super) const WRITTEN: [u16; 4] = [1200, 1300, 1, 100];

pub(super) fn noon() -> Timestamp {
    "2026-06-05T12:00:00Z".parse().unwrap()
}

/// A clock that a test sets.
#[derive(Clone, Debug)]
pub(super) struct SetClock(pub(super) Arc<Mutex<Timestamp>>);

impl SetClock {
    pub(super) fn noon() -> Self {
        Self(Arc::new(Mutex::new(noon())))
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

pub(super) fn serial() -> Serial {
    "SA2114G047".parse().unwrap()
}

pub(super) fn end_in(hours: i64) -> End {
    End {
        at: noon() + SignedDuration::from_hours(hours),
        after_seconds: hours as u64 * 3600,
        slot: Some(jiff::civil::time(13, 0, 0, 0)),
    }
}

/// A force charge of an hour: its slot, and what lets it be used.
pub(super) fn plan() -> Plan {
    let register = |place: usize| Register::new(0x11, FOUND[place].0, FOUND[place].1, WRITTEN[place]);
    Plan {
        what: What::Override(StatusName::ForceCharge),
        inverter: serial(),
        reach: Reach { host: "192.168.1.20".to_owned(), port: 8899, transport: Kind::Dongle },
        groups: vec![
            Group { name: "charge slot 1".to_owned(), registers: vec![register(0), register(1)] },
            Group { name: "schedule".to_owned(), registers: vec![register(2)] },
            Group { name: "target".to_owned(), registers: vec![register(3)] },
        ],
        end: Some(end_in(1)),
    }
}

/// A record as it begins.
pub(super) fn record() -> Record {
    plan().into_record(RecordId::new(noon(), 7), noon(), FENCE, false)
}

pub(super) fn journal(disk: Arc<dyn disk::Disk>, shared: Option<Arc<dyn Shared>>) -> Journal {
    Journal { local: Local::new(disk), shared, clock: Arc::new(SetClock::noon()), said: Arc::default() }
}

/// Something whose registers can be written, until it cannot.
pub(super) trait Inverter {
    /// Writes one register; an error if there is nobody any more to write it.
    fn write(&self, address: u16, value: u16) -> Result<(), String>;
}

/// Begins the override, applies it, prolongs it, undoes it. Ends where it cannot go on, as a crash would.
pub(super) async fn execute(journal: &Journal, inverter: &dyn Inverter) -> Result<(), String> {
    let text = |error: JournalError| error.to_string();
    let mut handle = journal.begin(plan(), FENCE).await.map_err(text)?;
    for group in 0..3 {
        handle.advance(Step::Writing(Which::Group(group))).await.map_err(text)?;
        for register in handle.record().groups[group].registers.clone() {
            inverter.write(register.address, register.write)?;
        }
        handle.advance(Step::Written(Which::Group(group))).await.map_err(text)?;
    }
    handle.advance(Step::Applied).await.map_err(text)?;
    handle.advance(Step::Prolong(end_in(2), vec![(0, 1, 1400)])).await.map_err(text)?;
    inverter.write(95, 1400)?;
    handle.advance(Step::Written(Which::Register(0, 1))).await.map_err(text)?;
    handle.advance(Step::Applied).await.map_err(text)?;
    undo(&mut handle, inverter).await
}

/// Undoes what is open of it, however far it is.
pub(super) async fn undo(handle: &mut Handle, inverter: &dyn Inverter) -> Result<(), String> {
    let text = |error: JournalError| error.to_string();
    if handle.record().stage != Stage::Undoing {
        handle.advance(Step::Undo).await.map_err(text)?;
    }
    for group in 0..handle.record().groups.len() {
        let open: Vec<Register> =
            handle.record().groups[group].registers.iter().filter(|register| register.is_open()).cloned().collect();
        if open.is_empty() {
            continue;
        }
        handle.advance(Step::Restoring(Which::Group(group))).await.map_err(text)?;
        for register in open {
            inverter.write(register.address, register.found)?;
        }
        handle.advance(Step::Restored(Which::Group(group))).await.map_err(text)?;
    }
    handle.advance(Step::Done).await.map_err(text)
}

/// Whether what is kept is enough for what the registers hold, given as `(address, value)` in the order of
/// [`FOUND`]: nothing half, nothing lost.
pub(super) fn judge(found: &Found, holds: &[(u16, u16)]) -> Result<(), String> {
    if let Some(fault) = found.faults.first() {
        return Err(format!("half a record: {fault}"));
    }
    if let Some(why) = found.unread.first() {
        return Err(format!("unread: {why}"));
    }
    let changed: Vec<_> =
        holds.iter().zip(FOUND).filter(|(held, found)| *held != found).map(|(held, _)| held).collect();
    match &found.records[..] {
        [] if changed.is_empty() => Ok(()),
        [] => Err(format!("no record, and {changed:?} are changed")),
        [record] => {
            let would_restore = |address: u16, found: u16| {
                let fits = |register: &Register| register.address == address && register.found == found;
                record.is_open() && record.registers().any(|register| fits(register) && register.is_open())
            };
            for (&(address, value), (_, before)) in holds.iter().zip(FOUND) {
                if value != before && !would_restore(address, before) {
                    return Err(format!("HR {address} holds {value} and would not be restored: {record:?}"));
                }
                let ours = |register: &Register| register.address != address || register.is_ours(value);
                if !record.registers().all(ours) {
                    return Err(format!("HR {address} holds {value}, which would be taken for somebody else's"));
                }
            }
            Ok(())
        }
        several => Err(format!("{} records of one override", several.len())),
    }
}
