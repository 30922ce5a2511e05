//! What of the past is asked for, and how it is put together: pure.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::cell::{Cell, Row};
use super::gather::LEVELS;

/// So many points of a series are told at most: a week of five minutes, twelve weeks of hours.
pub const MOST_POINTS: i64 = 2016;

/// How far apart points are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Step {
    /// As near as the points that may be told allow.
    #[default]
    Auto,
    /// A minute.
    Minute,
    /// Five.
    FiveMinutes,
    /// An hour.
    Hour,
    /// A day, by the inverters' time zone.
    Day,
}

/// A question that can be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first moment, epoch seconds.
    pub from: i64,
    /// The moment before which it ends, epoch seconds.
    pub to: i64,
    /// Between points, s.
    pub step: i64,
}

/// Values of one time: its beginning in epoch seconds, and each series that was asked for.
pub type Point = (i64, Vec<Option<Cell>>);

/// A day, s.
const DAY: i64 = 86_400;

impl Step {
    /// Their names.
    pub const NAMES: [(&'static str, Self); 5] =
        [("auto", Self::Auto), ("1m", Self::Minute), ("5m", Self::FiveMinutes), ("1h", Self::Hour), ("1d", Self::Day)];

    fn seconds(self) -> Option<i64> {
        match self {
            Self::Auto => None,
            Self::Minute => Some(60),
            Self::FiveMinutes => Some(300),
            Self::Hour => Some(3600),
            Self::Day => Some(DAY),
        }
    }
}

impl Range {
    /// What is asked for at `now`. Minutes are told by themselves only where they are still kept.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn new(from: i64, to: i64, step: Step, now: i64) -> Result<Self, String> {
        if from >= to {
            return Err("from must be before to".to_owned());
        }
        let fits = |step: i64| (to - from) / step <= MOST_POINTS;
        let kept = |step: i64| step > 60 || now - from <= 40 * DAY;
        let step = match step.seconds() {
            Some(step) if fits(step) => step,
            Some(_) => return Err(format!("at most {MOST_POINTS} points are told: ask for less, or a longer step")),
            None => [60, 300, 3600, DAY]
                .into_iter()
                .find(|step| fits(*step) && kept(*step))
                .ok_or_else(|| format!("at most {MOST_POINTS} days are told: ask for less"))?,
        };
        // Whole steps, so that what began before `from` is there too.
        let from = from - if step < DAY { from.rem_euclid(step) } else { from.rem_euclid(3600) };
        Ok(Self { from, to, step })
    }

    /// The level of detail that it is made of.
    pub fn level(&self) -> i64 {
        LEVELS.into_iter().rev().find(|level| *level <= self.step).unwrap_or(60)
    }

    /// Adds a row of that level to the points.
    pub fn add(&self, points: &mut Vec<Point>, at: i64, row: &Row, series: &[usize], zone: &TimeZone) {
        let beginning = if self.step == DAY { beginning_of_day(at, zone) } else { at - at.rem_euclid(self.step) };
        if points.last().is_none_or(|(last, _)| *last != beginning) {
            points.push((beginning, vec![None; series.len()]));
        }
        let Some((_, cells)) = points.last_mut() else { return };
        for (cell, place) in cells.iter_mut().zip(series) {
            match (cell, row.0.get(*place).copied().flatten()) {
                (Some(cell), Some(more)) => cell.join(more),
                (cell @ None, more) => *cell = more,
                _ => {}
            }
        }
    }
}

fn beginning_of_day(at: i64, zone: &TimeZone) -> i64 {
    let beginning = || {
        let day = Timestamp::from_second(at).ok()?.to_zoned_datetime(zone.clone()).start_of_day().ok()?;
        Some(day.timestamp().as_second())
    };
    beginning().unwrap_or(at - at.rem_euclid(DAY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_as_short_as_the_points_allow_and_as_what_is_kept() {
        let now = 1_800_000_000;
        let auto = |days: i64| Range::new(now - days * DAY, now, Step::Auto, now).map(|range| range.step);
        assert_eq!([1, 2, 7, 30, 80, 730, 1900].map(auto), [60, 300, 300, 3600, 3600, DAY, DAY].map(Ok));
        assert!(auto(2017).is_err());
        let old = Range::new(now - 50 * DAY, now - 49 * DAY, Step::Auto, now).unwrap();
        assert_eq!((old.step, old.level()), (300, 300));
        assert!(Range::new(now - 30 * DAY, now, Step::Minute, now).is_err());
        assert!(Range::new(now, now, Step::Auto, now).is_err());
    }

    #[test]
    fn days_begin_at_the_zones_midnight() {
        let zone = TimeZone::get("Europe/London").unwrap();
        let midnight: Timestamp = "2026-06-05T00:00:00+01:00".parse().unwrap();
        let midnight = midnight.as_second();
        let range = Range::new(midnight - DAY, midnight + DAY, Step::Day, midnight).unwrap();
        let (mut points, mut row) = (Vec::new(), Row::default());
        row.0[0] = Some(Cell::of(500));
        for hour in -2..3 {
            range.add(&mut points, midnight + 3600 * hour, &row, &[0, 1], &zone);
        }
        let shown: Vec<_> =
            points.iter().map(|(at, cells)| (at - midnight, cells[0].unwrap().count, cells[1])).collect();
        assert_eq!(shown, [(-DAY, 2, None), (0, 3, None)]);
    }
}
