//! From when to when, by the inverter's clock.

use jiff::civil::{Date, Time};

use super::sheet::Sheet;
use crate::control::{Context, Place, Refusal};

const DAY: u16 = 24 * 60;
const CLOCK: [u16; 6] = [35, 36, 37, 38, 39, 40];

/// A slot that begins in this minute, as its registers have it: decimal HHMM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::overrides) struct Window {
    pub(in crate::overrides) start: u16,
    pub(in crate::overrides) end: u16,
    /// The end, as a time.
    pub(in crate::overrides) ends: Time,
    /// The minute of the day that it begins in.
    pub(in crate::overrides) minute: u16,
    /// How many minutes it is long.
    pub(in crate::overrides) length: u16,
}

impl Window {
    /// From now on for so many minutes by the inverter's clock. Slots know no seconds: it begins with the minute that is
    /// running, and ends with the one in which the last minute ends, so that it is not too short.
    pub(super) fn from_now(sheet: &mut Sheet<'_>, minutes: u16) -> Result<Self, Refusal> {
        for register in CLOCK {
            sheet.holds(register);
        }
        Self::of(sheet.context, minutes)
    }

    /// The same, from registers that were read.
    pub(in crate::overrides) fn of(context: &Context, minutes: u16) -> Result<Self, Refusal> {
        let shown = clock(context).or_else(|| {
            // A plant controller need not show its clock, which nobody can set.
            let wall = context.wall.filter(|_| context.abilities.place() == Ok(Place::Ems))?;
            Some(wall.time())
        });
        let now = shown.ok_or(Refusal::NotKnown("the time by the inverter's clock (HR 35 to 40)"))?;
        let minute = u16::from(now.hour().unsigned_abs()) * 60 + u16::from(now.minute().unsigned_abs());
        let length = (minutes + u16::from(now.second() > 0)).min(DAY - 1);
        let end = (minute + length) % DAY;
        let ends = Time::new((end / 60) as i8, (end % 60) as i8, 0, 0).unwrap_or(Time::MIN);
        Ok(Self { start: hhmm(minute), end: hhmm(end), ends, minute, length })
    }

    /// Whether what began then would last a day or more if it ended with this.
    pub(in crate::overrides) fn is_longer_than_a_day_from(&self, start: u16) -> bool {
        let since = minute_of(start).map(|start| (self.minute + DAY - start) % DAY);
        since.is_none_or(|since| since + self.length >= DAY)
    }

    /// Whether a slot with these registers is in force at any time of this. One that ends when it begins may be in force
    /// all day, but at 00:00, where it is cleared.
    pub(super) fn meets(&self, start: u16, end: u16) -> bool {
        let (Some(from), Some(to)) = (minute_of(start), minute_of(end)) else { return false };
        let later = |minute: u16| (minute + DAY - self.minute) % DAY;
        if from == to {
            return start != 0;
        }
        let is_in_force_first = (1..later(from)).contains(&later(to));
        later(from) < self.length || is_in_force_first
    }
}

/// What the inverter's clock shows, if that is a time.
fn clock(context: &Context) -> Option<Time> {
    let [year, month, day, hour, minute, second] =
        CLOCK.map(|register| context.known.get(register).and_then(|part| i8::try_from(part).ok()));
    Date::new(2000 + i16::from(year?), month?, day?).ok()?;
    Time::new(hour?, minute?, second?, 0).ok()
}

pub(in crate::overrides) fn hhmm(minute: u16) -> u16 {
    minute / 60 * 100 + minute % 60
}

/// The minute of the day, if it is a time.
pub(in crate::overrides) fn minute_of(hhmm: u16) -> Option<u16> {
    (hhmm < 2400 && hhmm % 100 < 60).then_some(hhmm / 100 * 60 + hhmm % 100)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn window(minute: u16, length: u16) -> Window {
        Window { start: hhmm(minute), end: hhmm((minute + length) % DAY), ends: Time::MIN, minute, length }
    }

    #[test]
    fn a_slot_that_meets_a_window_is_found_across_midnight() {
        let late = window(23 * 60, 120);
        assert!(late.meets(30, 430) && late.meets(2200, 2330) && late.meets(2230, 1200));
        assert!(!late.meets(100, 430) && !late.meets(1200, 2300) && !late.meets(0, 0) && !late.meets(60, 60));
    }

    proptest! {
        #[test]
        fn a_slot_meets_a_window_when_they_share_a_minute(
            minute in 0..DAY, length in 1..DAY, from in 0..DAY, slot in 1..DAY,
        ) {
            let later = |at: u16| (at + DAY - minute) % DAY;
            let shares = (0..slot).any(|step| later((from + step) % DAY) < length);
            prop_assert_eq!(window(minute, length).meets(hhmm(from), hhmm((from + slot) % DAY)), shares);
        }
    }
}
