//! The inverter's clock: six registers, one after the other, while it ticks.

use jiff::civil::{Date, DateTime};

use super::allowed::Own;
use super::context::Place;
use super::plan::Draft;
use super::{ClockSetting, Refusal};

/// Within so many minutes of midnight a date may change while it is written.
const AROUND_MIDNIGHT: i32 = 3;
const MINUTES: i32 = 24 * 60;

/// Year, month and day, in this order.
const DATE: [(u16, &str); 3] = [(35, "clock: year"), (36, "clock: month"), (37, "clock: day")];

/// Sets the clock. The seconds go to 0 first, so that no minute passes while the rest is written, and to what they should
/// be last. A part of the date that is right is left alone; the other parts come in an order in which every date between
/// exists.
pub(super) fn clock(draft: &mut Draft<'_>, setting: ClockSetting) -> Result<(), Refusal> {
    if draft.place()? == Place::Ems {
        return Err(draft.unsupported("a plant controller's clock cannot be set"));
    }
    let time = match setting {
        ClockSetting::Now => draft.context().wall.ok_or(Refusal::NotKnown("the time in the inverter's zone"))?,
        ClockSetting::At(time) => time,
    };
    let minute = i32::from(time.hour()) * 60 + i32::from(time.minute());
    if !(AROUND_MIDNIGHT..MINUTES - AROUND_MIDNIGHT).contains(&minute) {
        return Err(Refusal::AroundMidnight(time.strftime("%H:%M").to_string()));
    }
    let wanted = parts(time.date());
    let shown = draft.read([35, 36, 37, 38, 39])?;
    draft.own(40, 0, Own::Clock, "clock: second, for the time being")?;
    for part in order(shown, wanted) {
        let (register, meaning) = DATE[part];
        draft.own(register, wanted[part], Own::Clock, meaning)?;
    }
    draft.own(38, small(time.hour()), Own::Clock, "clock: hour")?;
    draft.own(39, small(time.minute()), Own::Clock, "clock: minute")?;
    draft.own(40, small(time.second()), Own::Clock, "clock: second")
}

/// Which parts of the date are written, and in which order. All of them where the clock shows no date, or one that is
/// about to change.
fn order(shown: [u16; 5], wanted: [u16; 3]) -> Vec<usize> {
    let [year, month, day, hour, minute] = shown;
    let now = [year, month, day];
    let minute = i32::from(hour) * 60 + i32::from(minute);
    let is_about_to_change = !(AROUND_MIDNIGHT..MINUTES - AROUND_MIDNIGHT).contains(&minute);
    let all = is_about_to_change || date(now).is_none();
    let good = ORDERS.into_iter().find(|order| {
        let mut between = now;
        order.iter().all(|&part| {
            between[part] = wanted[part];
            date(between).is_some()
        })
    });
    good.unwrap_or(ORDERS[0]).into_iter().filter(|&part| all || now[part] != wanted[part]).collect()
}

const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [2, 0, 1], [2, 1, 0], [0, 2, 1], [1, 0, 2], [1, 2, 0]];

fn date([year, month, day]: [u16; 3]) -> Option<Date> {
    let small = |part: u16| i8::try_from(part).ok();
    Date::new(2000 + i16::from(small(year)?), small(month)?, small(day)?).ok()
}

/// Years beyond 2099 come out of the register's range, and are refused there.
fn parts(date: Date) -> [u16; 3] {
    [u16::try_from(i32::from(date.year()) - 2000).unwrap_or(u16::MAX), small(date.month()), small(date.day())]
}

fn small(part: i8) -> u16 {
    u16::from(part.unsigned_abs())
}

/// Whether a time can be asked for at all: the registers count years from 2000 to 2099.
pub(super) fn has_registers(time: DateTime) -> bool {
    (2000..=2099).contains(&time.year())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn order_of(shown: [u16; 3], wanted: [u16; 3]) -> Vec<usize> {
        order([shown[0], shown[1], shown[2], 12, 0], wanted)
    }

    #[test]
    fn a_date_is_written_in_an_order_in_which_every_date_between_exists() {
        assert_eq!(order_of([26, 1, 31], [26, 2, 28]), [2, 1], "31 February does not exist");
        assert_eq!(order_of([24, 2, 29], [25, 3, 31]), [1, 0, 2], "nor 29 February 2025");
        assert_eq!(order_of([26, 6, 5], [26, 6, 5]), [] as [usize; 0]);
    }

    #[test]
    fn of_a_clock_that_shows_no_date_all_is_written() {
        assert_eq!(order_of([25, 13, 1], [26, 1, 1]), [1, 0, 2], "the month first, so that there is a date again");
        assert_eq!(order([26, 6, 5, 23, 58], [26, 6, 5]), [0, 1, 2], "it may be tomorrow there when it is written");
    }

    fn any_date() -> impl Strategy<Value = [u16; 3]> {
        (0u16..100, 1u16..13, 1u16..32)
            .prop_filter("a date", |&(y, m, d)| date([y, m, d]).is_some())
            .prop_map(|(y, m, d)| [y, m, d])
    }

    proptest! {
        #[test]
        fn every_date_between_exists(shown in any_date(), wanted in any_date()) {
            let mut between = shown;
            for part in order_of(shown, wanted) {
                between[part] = wanted[part];
                prop_assert!(date(between).is_some(), "{between:?}");
            }
            prop_assert_eq!(between, wanted);
        }
    }
}
