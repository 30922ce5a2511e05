//! The inverter's own clock, between the reads of it.

use serde::{Deserialize, Serialize};

/// A day, ms.
pub const DAY: i64 = 86_400_000;
/// A clock that is read again shows what it should, give or take this, ms: whole seconds, and a reply's delay.
const TOLERANCE: i64 = 10_000;

/// The midnights around now. Days are counted from any beginning, times are the process' monotonic ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Midnight {
    /// Number of the day.
    pub day: i64,
    /// When it began.
    pub at: i64,
    /// When the next begins.
    pub next: i64,
}

impl Midnight {
    /// The day that most of the next 24 hours lie in.
    pub fn nearest_day(self, now: i64) -> i64 {
        if now - self.at < DAY / 2 { self.day } else { self.day + 1 }
    }
}

/// Clocks as what they show beyond the process' monotonic time, ms.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Clock {
    inverter: Option<i64>,
    #[serde(skip)]
    rival: Option<i64>,
    #[serde(skip)]
    wall: Option<i64>,
}

// === impl Clock ===

impl Clock {
    /// The inverter's clock was read. `shows` is civil time as ms from any beginning. Says whether it is believed: one
    /// that has moved must be read twice.
    pub fn read(&mut self, shows: i64, now: i64) -> bool {
        let beyond = shows.saturating_sub(now);
        let near = |other: i64| beyond.abs_diff(other) <= TOLERANCE.unsigned_abs();
        let expected = self.inverter.is_none_or(near);
        let believed = expected || self.rival.is_some_and(near);
        self.rival = (!believed).then_some(beyond);
        if believed {
            self.inverter = Some(beyond);
        }
        believed
    }

    /// Civil wall time in the inverter's zone: it stands in for a clock that was never read.
    pub fn wall(&mut self, shows: i64, now: i64) {
        self.wall = Some(shows.saturating_sub(now));
    }

    /// What the inverter's clock shows, as believed.
    pub fn inverter_shows(&self, now: i64) -> Option<i64> {
        now.checked_add(self.inverter?)
    }

    /// The midnights around `now`, by the inverter's clock if it is known, else by wall time.
    pub fn midnight(&self, now: i64) -> Option<Midnight> {
        let shows = now.checked_add(self.inverter.or(self.wall)?)?;
        let at = now - shows.rem_euclid(DAY);
        Some(Midnight { day: shows.div_euclid(DAY), at, next: at + DAY })
    }

    /// Goes on as another process left it; what was read here already is held against that. Says whether it agrees.
    pub fn restore(&mut self, before: Self) -> bool {
        let read = self.inverter;
        self.inverter = before.inverter.or(read);
        self.rival = None;
        read.is_none_or(|beyond| self.read(beyond, 0))
    }

    /// The same, told on a monotonic clock that shows `ms` more.
    pub fn shifted(self, ms: i64) -> Self {
        Self { inverter: self.inverter.map(|beyond| beyond.saturating_sub(ms)), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1000;
    const HOUR: i64 = 3_600_000;

    #[test]
    fn a_clock_is_carried_on_between_its_reads() {
        let mut clock = Clock::default();
        assert!(clock.read(3 * DAY + 23 * HOUR, 500));
        let midnight = clock.midnight(500 + 2 * HOUR).unwrap();
        assert_eq!(midnight, Midnight { day: 4, at: 500 + HOUR, next: 500 + 25 * HOUR });
    }

    #[test]
    fn a_clock_that_was_set_is_believed_when_a_second_read_agrees() {
        let mut clock = Clock::default();
        assert!(clock.read(DAY, 0));
        assert!(!clock.read(5 * DAY + SECOND, SECOND));
        assert_eq!(clock.midnight(SECOND).unwrap().day, 1);
        assert!(clock.read(5 * DAY + 2 * SECOND, 2 * SECOND));
        assert_eq!(clock.midnight(2 * SECOND).unwrap().day, 5);
    }

    #[test]
    fn one_wrong_read_changes_nothing_and_is_forgotten() {
        let mut clock = Clock::default();
        assert!(clock.read(DAY, 0));
        assert!(!clock.read(9 * DAY, SECOND));
        assert!(clock.read(DAY + 2 * SECOND, 2 * SECOND));
        assert!(!clock.read(9 * DAY + 2 * SECOND, 3 * SECOND), "the first wrong one does not count any more");
    }

    #[test]
    fn a_clock_that_was_never_read_is_replaced_by_wall_time() {
        let mut clock = Clock::default();
        assert_eq!(clock.midnight(0), None);
        clock.wall(7 * DAY + HOUR, HOUR);
        assert_eq!(clock.midnight(2 * HOUR).unwrap().day, 7);
        assert!(clock.read(9 * DAY, 2 * HOUR));
        assert_eq!(clock.midnight(2 * HOUR).unwrap().day, 9);
    }

    #[test]
    fn after_a_restart_it_goes_on_as_it_went() {
        let mut clock = Clock::default();
        assert!(clock.read(DAY, 50 * HOUR));
        // 3 hours later, in a process that has just begun.
        let clock = clock.shifted(-53 * HOUR);
        assert_eq!(clock.midnight(0).unwrap(), Midnight { day: 1, at: -3 * HOUR, next: 21 * HOUR });
    }

    #[test]
    fn nonsense_in_a_file_is_no_clock() {
        let clock = Clock { inverter: Some(i64::MAX), ..Clock::default() };
        assert_eq!(clock.midnight(i64::MAX / 2), None);
    }
}
