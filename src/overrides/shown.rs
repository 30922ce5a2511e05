//! Whether the battery does what an override asks of it.

use crate::control::OverrideKind;

/// Within so many polls after its start.
pub const POLLS: usize = 3;

/// Less than this is nothing, W: what a battery takes and gives at rest.
const REST: i64 = 60;
/// More than this is charging or discharging, W.
const WORK: i64 = 100;
/// A pause by a rate that takes no 0 leaves 1 % of the power; of twice that, with what is measured beside it, nothing is
/// said.
const LEFT_BY_RATE: i64 = 50;

/// What one poll says of the battery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Its power, W, + discharge.
    pub battery: Option<i64>,
    /// Its state of charge, %.
    pub soc: Option<u8>,
}

/// What polls say of an override.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The battery does it.
    Shows,
    /// It does not yet, and more polls are to come.
    NotYet,
    /// It does not, for this reason, as its status should say.
    Not(&'static str),
}

/// Whether the polls since an override was begun show it. `most` is what the battery can do, W, or where that is not
/// known, what it did before; `floor` where a force export stops, %.
pub fn shown(kind: OverrideKind, polls: &[Reading], most: Option<i64>, floor: Option<u8>) -> Shown {
    let shows = |reading: &Reading| reading.battery.is_some_and(|battery| is_shown_by(kind, battery, most));
    if polls.iter().take(POLLS).any(shows) {
        return Shown::Shows;
    }
    if polls.len() < POLLS {
        return Shown::NotYet;
    }
    let soc = polls.iter().rev().find_map(|reading| reading.soc);
    Shown::Not(match kind {
        _ if polls.iter().all(|reading| reading.battery.is_none()) => "the battery's power is not known",
        OverrideKind::ForceCharge if soc.is_some_and(|soc| soc >= 99) => "the battery is full",
        OverrideKind::ForceCharge => "the battery does not charge",
        OverrideKind::ForceExport if soc.zip(floor).is_some_and(|(soc, floor)| soc <= floor) => {
            "the battery is at its reserve"
        }
        OverrideKind::ForceExport => "the battery does not discharge",
        OverrideKind::PauseCharge => "the battery charges all the same",
        OverrideKind::PauseDischarge => "the battery discharges all the same",
    })
}

fn is_shown_by(kind: OverrideKind, battery: i64, most: Option<i64>) -> bool {
    let rest = REST.max(most.unwrap_or(0) / LEFT_BY_RATE);
    match kind {
        OverrideKind::ForceCharge => battery <= -WORK,
        OverrideKind::ForceExport => battery >= WORK,
        OverrideKind::PauseCharge => battery >= -rest,
        OverrideKind::PauseDischarge => battery <= rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn polls(powers: &[i64]) -> Vec<Reading> {
        powers.iter().map(|&battery| Reading { battery: Some(battery), soc: Some(50) }).collect()
    }

    #[test]
    fn one_poll_of_three_that_shows_it_is_enough() {
        use OverrideKind::{ForceCharge, ForceExport, PauseCharge, PauseDischarge};
        let shown = |kind, powers: &[i64]| super::shown(kind, &polls(powers), Some(2600), Some(4));
        assert_eq!(shown(ForceCharge, &[300, 0, -2500]), Shown::Shows);
        assert_eq!(shown(ForceCharge, &[300, 0]), Shown::NotYet);
        assert_eq!(shown(ForceCharge, &[300, 0, 0, -2500]), Shown::Not("the battery does not charge"));
        assert_eq!(shown(ForceExport, &[2500]), Shown::Shows);
        assert_eq!(shown(ForceExport, &[-20, 0, 40]), Shown::Not("the battery does not discharge"));
        assert_eq!(shown(PauseCharge, &[-700, -10]), Shown::Shows);
        assert_eq!(shown(PauseDischarge, &[800, 800, 800]), Shown::Not("the battery discharges all the same"));
    }

    #[test]
    fn a_reason_that_is_the_batterys_own_is_told() {
        let at = |soc| [Reading { battery: Some(0), soc: Some(soc) }; 3];
        assert_eq!(shown(OverrideKind::ForceCharge, &at(100), None, None), Shown::Not("the battery is full"));
        assert_eq!(
            shown(OverrideKind::ForceExport, &at(20), None, Some(20)),
            Shown::Not("the battery is at its reserve")
        );
        let unknown = [Reading::default(); 3];
        let why = "the battery's power is not known";
        assert_eq!(shown(OverrideKind::PauseCharge, &unknown, None, None), Shown::Not(why));
    }

    #[test]
    fn what_a_rate_of_1_percent_leaves_is_a_pause() {
        let one_percent = polls(&[110]);
        assert_eq!(shown(OverrideKind::PauseDischarge, &one_percent, Some(11_000), None), Shown::Shows);
        assert_eq!(shown(OverrideKind::PauseDischarge, &one_percent, Some(2600), None), Shown::NotYet);
    }
}
