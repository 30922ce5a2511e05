//! When to charge, discharge, export and pause.

use jiff::civil::Time;

use super::context::Place;
use super::plan::{Draft, Group, Unit};
use super::{Refusal, SlotChange, SlotKind, battery};
use crate::plant::Model;

/// Where a slot stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Registers {
    start: u16,
    end: u16,
    target: Option<u16>,
    /// The flag that puts this slot, and those beside it, in force. 0 where taking it back would do more.
    flag: Option<u16>,
}

const NO_SLOT: &str = "it has no such slot, or one that cannot be told from other settings";
const NO_TARGET: &str = "its slots have no targets; setChargeTarget and setBatteryReserve are for all of them";
const ONLY_EMS: &str = "only plant controllers have it";
const NO_BATTERY: &str = "only inverters with a battery have it; behind a plant controller or a gateway it is theirs";
const NO_PAUSE: &str = "only all-in-ones, gateways and some three-phase inverters have it";

/// Where such a slot stands on this inverter.
fn registers(draft: &Draft<'_>, kind: SlotKind, number: u8) -> Result<Registers, Refusal> {
    let place = draft.place()?;
    let abilities = draft.context().abilities;
    let ten = abilities.ten_slots && (1..=10).contains(&number);
    let n = u16::from(number);
    let pair =
        |start: u16, target: Option<u16>, flag: u16| Ok(Registers { start, end: start + 1, target, flag: Some(flag) });
    let of_ems = |first: u16| match number {
        1..=3 => Ok(Registers {
            start: first + 3 * (n - 1),
            end: first + 3 * (n - 1) + 1,
            target: Some(first + 3 * (n - 1) + 2),
            flag: None,
        }),
        _ => Err(draft.unsupported(NO_SLOT)),
    };
    let single = matches!(place, Place::SinglePhase | Place::Gateway);
    match kind {
        SlotKind::Pause if !(single || place == Place::ThreePhase) => Err(draft.unsupported(NO_PAUSE)),
        SlotKind::Pause if abilities.ac_settings && abilities.model != Model::Ac => {
            Ok(Registers { start: 319, end: 320, target: None, flag: None })
        }
        SlotKind::Pause => Err(draft.unsupported(NO_PAUSE)),
        SlotKind::EmsCharge | SlotKind::EmsDischarge | SlotKind::Export if place != Place::Ems => {
            Err(draft.unsupported(ONLY_EMS))
        }
        SlotKind::Charge | SlotKind::EmsCharge if place == Place::Ems => of_ems(2053),
        SlotKind::Discharge | SlotKind::EmsDischarge if place == Place::Ems => of_ems(2044),
        SlotKind::Export => of_ems(2062),
        _ if !(single || place == Place::ThreePhase) => Err(draft.unsupported(NO_BATTERY)),
        SlotKind::Charge | SlotKind::EmsCharge => {
            let target = ten.then(|| 242 + 3 * (n - 1));
            match (number, single) {
                (1, true) => pair(94, target, 96),
                // HR 31 and 32, where some have a second charge slot, hold the display's language and contrast.
                (2..=10, true) if ten => pair(243 + 3 * (n - 2), target, 96),
                (1 | 2, false) => pair(1113 + 2 * (n - 1), target, 1123),
                (3..=10, false) if ten => pair(243 + 3 * (n - 2), target, 1123),
                _ => Err(draft.unsupported(NO_SLOT)),
            }
        }
        SlotKind::Discharge | SlotKind::EmsDischarge => {
            let target = ten.then(|| 272 + 3 * (n - 1));
            match (number, single) {
                (1, true) => pair(56, target, 59),
                (2, true) => pair(44, target, 59),
                (1 | 2, false) => pair(1118 + 2 * (n - 1), target, 1122),
                (3..=10, _) if ten => pair(276 + 3 * (n - 3), target, if single { 59 } else { 1122 }),
                _ => Err(draft.unsupported(NO_SLOT)),
            }
        }
    }
}

/// New times, and with them perhaps a target. A target comes before the times: a slot that begins at once then ends where
/// it should.
pub(super) fn slot(draft: &mut Draft<'_>, change: &SlotChange) -> Result<(), Refusal> {
    let at = registers(draft, change.kind, change.number)?;
    if let Some(percent) = change.target {
        // An inverter's charge target is its first slot's, and has a flag beside it; with ten slots both have a say.
        let is_the_inverters = change.kind == SlotKind::Charge && change.number == 1 && at.flag.is_some();
        if is_the_inverters {
            battery::target(draft, percent)?;
        }
        match at.target {
            Some(register) => draft.set(register, percent.into(), Group::Slot, "slot target")?,
            None if is_the_inverters => {}
            None => return Err(draft.unsupported(NO_TARGET)),
        }
    }
    match (change.start, change.end) {
        (Some(start), Some(end)) => both(draft, at, start, end),
        (Some(start), None) => one(draft, (at.start, hhmm(start), "slot start"), at.end),
        (None, Some(end)) => one(draft, (at.end, hhmm(end), "slot end"), at.start),
        (None, None) => Ok(()),
    }
}

/// One time, beside the other one that stays.
fn one(draft: &mut Draft<'_>, new: (u16, u16, &'static str), other: u16) -> Result<(), Refusal> {
    let (register, time, meaning) = new;
    if draft.read([other])? == [time] && time != 0 {
        return Err(draft.empty_slot());
    }
    draft.set(register, time, Group::Slot, meaning)
}

/// Both times. Between the two writes the slot has one old time and one new one. If that is a time nobody asked for, and
/// it is near, the slots are not in force meanwhile.
fn both(draft: &mut Draft<'_>, at: Registers, start: Time, end: Time) -> Result<(), Refusal> {
    let wanted = Window { start: hhmm(start), end: hhmm(end) };
    if wanted.start == wanted.end && wanted.start != 0 {
        return Err(draft.empty_slot());
    }
    let [old_start, old_end] = draft.read([at.start, at.end])?;
    let old = Window { start: old_start, end: old_end };
    let near = draft
        .context()
        .wall
        .map(|wall| u16::from(wall.hour().unsigned_abs()) * 60 + u16::from(wall.minute().unsigned_abs()));
    let start_first = Window { start: wanted.start, end: old.end };
    let end_first = Window { start: old.start, end: wanted.end };
    let harmless = |between: Window| between.adds_nothing_near(old, wanted, near);
    let in_force = match at.flag {
        Some(flag) => draft.read([flag])? == [1],
        None => false,
    };
    let take_back = in_force && !harmless(start_first) && !harmless(end_first);
    let flag = at.flag.filter(|_| take_back);
    if let Some(flag) = flag {
        draft.take_back(flag, Group::Slot, "slots not in force meanwhile")?;
    }
    let mut times = [(at.start, wanted.start, "slot start"), (at.end, wanted.end, "slot end")];
    if !harmless(start_first) && harmless(end_first) {
        times.reverse();
    }
    for (register, value, meaning) in times {
        draft.set(register, value, Group::Slot, meaning)?;
    }
    match flag {
        Some(flag) => draft.set_again(flag, Group::Slot, "slots in force again"),
        None => Ok(()),
    }
}

/// The state of charge at which a slot ends.
pub(super) fn target(draft: &mut Draft<'_>, kind: SlotKind, number: u8, percent: u8) -> Result<(), Refusal> {
    let at = registers(draft, kind, number)?;
    let register = at.target.ok_or_else(|| draft.unsupported(NO_TARGET))?;
    draft.set(register, percent.into(), Group::Slot, "slot target")?;
    draft.achieve(percent.into(), percent.into(), Unit::Percent);
    Ok(())
}

/// As registers have a time.
fn hhmm(time: Time) -> u16 {
    u16::from(time.hour().unsigned_abs()) * 100 + u16::from(time.minute().unsigned_abs())
}

const DAY: u16 = 24 * 60;
/// So many minutes around now are near: the inverter's clock may be wrong by as much.
const NEAR: u16 = 30;

/// A slot as its registers have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    start: u16,
    end: u16,
}

impl Window {
    /// Whether it is in force at this minute of the day; nothing where a register holds no time. One that ends when it
    /// begins may be in force all day, but at 00:00, where it is cleared.
    fn contains(self, minute: u16) -> Option<bool> {
        let at = |hhmm: u16| (hhmm < 2400 && hhmm % 100 < 60).then_some(hhmm / 100 * 60 + hhmm % 100);
        let (start, end) = (at(self.start)?, at(self.end)?);
        Some(match start.cmp(&end) {
            std::cmp::Ordering::Less => (start..end).contains(&minute),
            std::cmp::Ordering::Equal => start != 0,
            std::cmp::Ordering::Greater => minute >= start || minute < end,
        })
    }

    /// Whether every minute at which it is in force is one of these two's, or far from now.
    fn adds_nothing_near(self, old: Self, wanted: Self, now: Option<u16>) -> bool {
        (0..DAY).all(|minute| {
            let Some(own) = self.contains(minute) else { return false };
            let asked = old.contains(minute).unwrap_or(false) || wanted.contains(minute).unwrap_or(false);
            let is_far = now.is_some_and(|now| {
                let apart = now.abs_diff(minute);
                apart.min(DAY.saturating_sub(apart)) > NEAR
            });
            !own || asked || is_far
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(start: u16, end: u16) -> Window {
        Window { start, end }
    }

    #[test]
    fn a_window_between_two_is_harmless_when_it_adds_no_minute() {
        let (old, wanted) = (window(30, 430), window(100, 500));
        assert!(window(100, 430).adds_nothing_near(old, wanted, None));
        assert!(window(30, 500).adds_nothing_near(old, wanted, None));
    }

    #[test]
    fn a_window_that_adds_minutes_is_harmless_only_far_from_now() {
        let (old, wanted) = (window(2330, 530), window(1100, 1400));
        let between = window(1100, 530);
        assert!(!between.adds_nothing_near(old, wanted, None));
        assert!(!between.adds_nothing_near(old, wanted, Some(15 * 60)));
        assert!(between.adds_nothing_near(old, wanted, Some(8 * 60)));
        assert!(!between.adds_nothing_near(old, wanted, Some(13 * 60 + 45)), "14:00 is near");
    }

    #[test]
    fn a_slot_that_ends_when_it_begins_may_last_all_day_unless_it_is_cleared() {
        assert_eq!(window(600, 600).contains(0), Some(true));
        assert_eq!(window(0, 0).contains(0), Some(false));
        assert_eq!(window(60, 0).contains(0), None, "60 is no time");
    }
}
