//! When the program sets an inverter's clock by itself.

use std::time::Duration;

use jiff::ToSpan;
use jiff::civil::{DateTime, Time};

use crate::plant::Snapshot;

/// How far a clock may be off, unless the settings say otherwise.
pub const CLOCK_THRESHOLD: Duration = Duration::from_secs(60);

/// So near to midnight and to the edges of slots no clock is set, seconds: a day would begin twice, or a slot.
const CLEAR: i32 = 600;
const DAY: i32 = 86_400;

/// Whether the inverter's clock is off by `threshold` or more, and now is a time at which it may be set: neither by the
/// clock of its zone (`wall`) nor by what it shows itself is midnight or the edge of a slot within ten minutes, and no
/// timed override runs, since those end by that clock.
pub fn is_clock_due(snapshot: &Snapshot, wall: DateTime, threshold: Duration) -> bool {
    let Some(skew) = snapshot.clock_skew else { return false };
    let is_off = u128::from(skew.unsigned_abs()) >= threshold.as_millis().div_ceil(1000);
    let can_be_set = !snapshot.identity.model.is_ems() && snapshot.identity.model.is_supported();
    is_off && can_be_set && snapshot.stats.online && !has_override(snapshot) && is_clear(snapshot, wall, skew)
}

fn has_override(snapshot: &Snapshot) -> bool {
    snapshot.overrides.is_some_and(|running| {
        [running.force_charge, running.force_export, running.pause_charge, running.pause_discharge]
            .iter()
            .any(Option::is_some)
    })
}

fn is_clear(snapshot: &Snapshot, wall: DateTime, skew: i64) -> bool {
    let Ok(shown) = wall.checked_add(skew.seconds()) else { return false };
    let slots = &snapshot.timeslots;
    let slots = slots.charge.iter().chain(&slots.discharge).chain(std::iter::once(&slots.pause)).flatten();
    // One that ends when it begins is none.
    let edges = slots.filter(|slot| slot.start != slot.end).flat_map(|slot| [slot.start, slot.end]);
    let mut edges = edges.chain(std::iter::once(Time::midnight()));
    edges.all(|edge| [wall.time(), shown.time()].into_iter().all(|time| apart(time, edge) >= CLEAR))
}

/// Seconds between two times of a day, the shorter way round.
fn apart(one: Time, other: Time) -> i32 {
    let between = (second(one) - second(other)).rem_euclid(DAY);
    between.min(DAY - between)
}

fn second(time: Time) -> i32 {
    i32::from(time.hour()) * 3600 + i32::from(time.minute()) * 60 + i32::from(time.second())
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, time};

    use super::*;
    use crate::control::tests::fixture::Bench;
    use crate::plant::snapshot::{Overrides, Timeslots};
    use crate::registers::Slot;
    use crate::simulator::Family;

    fn off_by(skew: i64) -> Snapshot {
        let mut snapshot = Bench::new(Family::HybridGen1).snapshot();
        snapshot.stats.online = true;
        snapshot.clock_skew = Some(skew);
        snapshot.overrides = Some(Overrides::default());
        snapshot.timeslots = Timeslots::default();
        snapshot
    }

    fn is_due(snapshot: &Snapshot, hour: i8, minute: i8) -> bool {
        is_clock_due(snapshot, date(2026, 6, 5).at(hour, minute, 0, 0), CLOCK_THRESHOLD)
    }

    #[test]
    fn a_clock_is_set_that_is_off_by_a_minute_either_way() {
        for (skew, due) in [(60, true), (-60, true), (3600, true), (59, false), (-59, false), (0, false)] {
            assert_eq!(is_due(&off_by(skew), 12, 0), due, "{skew}");
        }
        assert!(!is_due(&Snapshot { clock_skew: None, ..off_by(0) }, 12, 0), "it is not known");
    }

    #[test]
    fn none_is_set_near_midnight_by_either_clock() {
        for (hour, minute) in [(23, 51), (0, 0), (0, 9)] {
            assert!(!is_due(&off_by(90), hour, minute), "{hour}:{minute}");
            // It shows that time, an hour before or after.
            assert!(!is_due(&off_by(3600), (hour + 23) % 24, minute), "{hour}:{minute}");
            assert!(!is_due(&off_by(-3600), (hour + 1) % 24, minute), "{hour}:{minute}");
        }
        assert!(is_due(&off_by(90), 0, 10) && is_due(&off_by(90), 23, 48));
    }

    #[test]
    fn none_is_set_near_the_edge_of_a_slot() {
        let slot = Slot { start: time(12, 0, 0, 0), end: time(15, 0, 0, 0) };
        let mut snapshots = [off_by(90), off_by(90), off_by(90)];
        snapshots[0].timeslots.charge[2] = Some(slot);
        snapshots[1].timeslots.discharge[0] = Some(slot);
        snapshots[2].timeslots.pause = Some(slot);
        for snapshot in &snapshots {
            for (hour, minute, due) in
                [(11, 48, true), (11, 51, false), (12, 9, false), (12, 10, true), (14, 55, false), (15, 10, true)]
            {
                assert_eq!(is_due(snapshot, hour, minute), due, "{hour}:{minute}");
            }
        }
        let mut cleared = off_by(90);
        cleared.timeslots.charge[0] = Some(Slot { start: time(12, 0, 0, 0), end: time(12, 0, 0, 0) });
        assert!(is_due(&cleared, 12, 0), "no slot");
    }

    #[test]
    fn none_is_set_during_an_override_nor_of_an_inverter_that_is_away_or_leads_others() {
        let running = Some(Overrides { pause_charge: Some(5), ..Overrides::default() });
        assert!(!is_due(&Snapshot { overrides: running, ..off_by(90) }, 12, 0));
        let mut away = off_by(90);
        away.stats.online = false;
        assert!(!is_due(&away, 12, 0));
        let mut leads = Bench::new(Family::Ems).snapshot();
        (leads.stats.online, leads.clock_skew) = (true, Some(90));
        assert!(!is_due(&leads, 12, 0), "its clock cannot be set");
    }
}
