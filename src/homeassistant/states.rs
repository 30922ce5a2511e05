//! What is published for Home Assistant alone, below `<root>/<serial>/Home_Assistant/`: no values of the inverter, so none
//! of the catalogue's.

use jiff::Timestamp;

use super::ids::Part;
use crate::catalogue::Payload;
use crate::control::OverrideKind;
use crate::plant::Snapshot;

/// Where all of it stands.
const BELOW: &str = "Home_Assistant";
/// Where it is said whether data were rejected of late.
pub(super) const DATA_REJECTED: &str = "Home_Assistant/Data_Rejected";
/// Data that were rejected so long ago, in seconds, are no problem any more; as the event that tells of its end.
const OF_LATE: i64 = 600;

/// For how long each override is begun by its button, in minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Minutes {
    /// Charge with full power.
    pub force_charge: u16,
    /// Discharge with full power.
    pub force_export: u16,
    /// No charging.
    pub pause_charge: u16,
    /// No discharging.
    pub pause_discharge: u16,
}

// === impl Minutes ===

impl Default for Minutes {
    /// An hour each.
    fn default() -> Self {
        Self { force_charge: 60, force_export: 60, pause_charge: 60, pause_discharge: 60 }
    }
}

impl Minutes {
    /// Those of one kind.
    pub const fn of(&self, kind: OverrideKind) -> u16 {
        match kind {
            OverrideKind::ForceCharge => self.force_charge,
            OverrideKind::ForceExport => self.force_export,
            OverrideKind::PauseCharge => self.pause_charge,
            OverrideKind::PauseDischarge => self.pause_discharge,
        }
    }

    /// The same with those of one kind changed.
    #[must_use]
    pub const fn with(mut self, kind: OverrideKind, minutes: u16) -> Self {
        match kind {
            OverrideKind::ForceCharge => self.force_charge = minutes,
            OverrideKind::ForceExport => self.force_export = minutes,
            OverrideKind::PauseCharge => self.pause_charge = minutes,
            OverrideKind::PauseDischarge => self.pause_discharge = minutes,
        }
        self
    }
}

/// Everything that is published there, by path. `rejected` is when data were last rejected, if they were.
pub fn states(snapshot: &Snapshot, minutes: Minutes, rejected: Option<Timestamp>) -> Vec<(String, Payload)> {
    let mut states = Vec::new();
    for kind in OverrideKind::ALL.into_iter().filter(|_| snapshot.overrides.is_some()) {
        states.push((minutes_path(kind), Payload::Integer(minutes.of(kind).into())));
    }
    let now = snapshot.stats.last_updated;
    let is_late = |at: Timestamp| now.is_some_and(|now| now.duration_since(at).as_secs() < OF_LATE);
    let is_rejected = rejected.is_some_and(is_late);
    states.push((DATA_REJECTED.to_owned(), Payload::Word(if is_rejected { "ON" } else { "OFF" })));
    for (part, address) in addresses(snapshot) {
        if let Some(path) = status_path(snapshot, &part) {
            let word = if snapshot.is_available(address) { "online" } else { "offline" };
            states.push((path, Payload::Word(word)));
        }
    }
    states
}

/// Where the minutes of an override's button stand.
pub(super) fn minutes_path(kind: OverrideKind) -> String {
    format!("{BELOW}/{}_Minutes", super::overrides::leaf(kind))
}

/// Where it is said whether a device behind the inverter answers; nothing of what has no address of its own.
pub(super) fn status_path(snapshot: &Snapshot, part: &Part) -> Option<String> {
    addresses(snapshot)
        .any(|(known, _)| known == *part)
        .then(|| format!("{BELOW}/{}/Status", part.id(snapshot.identity.serial)))
}

/// Every device behind the inverter, and where it answers.
fn addresses(snapshot: &Snapshot) -> impl Iterator<Item = (Part, u8)> {
    let batteries =
        snapshot.batteries.iter().map(|battery| (Part::Battery(battery.serial.to_string()), battery.address));
    let stacks = snapshot.stacks.iter().map(|stack| (Part::Stack(stack.number), stack.controller));
    let modules = snapshot.stacks.iter().flat_map(|stack| &stack.modules);
    let modules = modules.map(|module| (Part::Battery(module.serial.to_string()), module.address));
    let meters = snapshot.meters.iter().map(|meter| (Part::Meter(meter.address), meter.address));
    batteries.chain(stacks).chain(modules).chain(meters)
}
