//! Midnight has passed by the inverter's clock, and the day that is published is still the one before.

use serde::{Deserialize, Serialize};

use super::{Around, Day, HOLD_OFF, Source, Today};
use crate::plant::ledger::clock::Midnight;
use crate::plant::ledger::track::{Flow, Point, Track, Verdict};

/// What the total may differ by from the sum of what it was and what the register shows since, kWh.
const ROUNDING: f64 = 0.1;

/// What register and total showed at a midnight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Eve {
    /// Number of the day that began.
    day: i64,
    /// kWh.
    register: f64,
    /// kWh.
    total: Option<f64>,
}

/// Which day a reading is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    New,
    Old,
}

/// A reading that another of its sort must confirm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Arriving {
    sort: Sort,
    reading: Point,
}

impl Eve {
    /// The total at the beginning of this day.
    pub(super) fn total_on(self, day: Option<i64>) -> Option<f64> {
        self.total.filter(|_| day == Some(self.day))
    }
}

impl Today {
    /// Judges a reading after the midnight at which the register should begin anew.
    pub(super) fn cross(&mut self, reading: Point, midnight: Midnight, around: Around) -> Verdict {
        self.keep_eve(reading, midnight, around.total);
        match self.sort(reading, midnight, around) {
            Sort::New
                if self.is_at_once(reading, midnight, around.flow)
                    || self.is_confirmed(Sort::New, reading, around.flow) =>
            {
                self.start(reading, Some(midnight.day), midnight.at, around.total);
                Verdict::Believed
            }
            Sort::New => {
                self.arriving = Some(Arriving { sort: Sort::New, reading });
                Verdict::Unconfirmed
            }
            Sort::Old if reading.at < midnight.at + HOLD_OFF => {
                self.arriving = None;
                self.go_on(reading, around)
            }
            Sort::Old => self.linger(reading, midnight, around),
        }
    }

    /// Remembers what both showed at midnight, once: between the readings around it, in proportion to time.
    fn keep_eve(&mut self, reading: Point, midnight: Midnight, total: Option<f64>) {
        let Some(last) = self.track.last() else { return };
        let known = self.eve.filter(|eve| eve.day == midnight.day);
        if known.is_some_and(|eve| eve.total.is_some()) {
            return;
        }
        let share = (midnight.at - last.at) as f64 / (reading.at - last.at).max(1) as f64;
        let between = |from: f64, to: f64| from + (to - from).max(0.0) * share.clamp(0.0, 1.0);
        let total = self.total_then.zip(total).map(|(from, to)| between(from, to));
        let register = known.map_or_else(|| between(last.kwh, reading.kwh), |eve| eve.register);
        self.eve = Some(Eve { day: midnight.day, register, total });
    }

    /// Which day a reading is of. A register that has begun anew shows no more than can have come since, and no more
    /// than the total grew by.
    fn sort(&self, reading: Point, midnight: Midnight, around: Around) -> Sort {
        let Around { total, flow, .. } = around;
        let last = self.track.last();
        let grown = total.zip(self.total_then).map(|(total, then)| total - then);
        let possible = reading.kwh <= flow.within(reading.at - midnight.at + HOLD_OFF)
            && grown.is_none_or(|grown| reading.kwh <= grown + flow.resolution + ROUNDING);
        let fell = last.is_some_and(|last| reading.kwh < last.kwh - flow.resolution);
        let waited = reading.at >= midnight.at + HOLD_OFF;
        let seen_since = last.is_some_and(|last| last.at >= midnight.at);
        let begun = fell || reading.kwh <= flow.resolution || (waited && (grown.is_some() || !seen_since));
        if possible && begun { Sort::New } else { Sort::Old }
    }

    /// Whether a new day that begins with little is believed at once. If it is wrong, the next readings must not seem to
    /// go on from it: what the day before showed must be more than can have come by then. After a while without readings
    /// it may be a reply from before midnight, of a day that had brought nothing.
    fn is_at_once(&self, reading: Point, midnight: Midnight, flow: Flow) -> bool {
        let by_then = flow.within(reading.at - midnight.at + 2 * HOLD_OFF);
        let follows = |last: Point| {
            let fell = reading.kwh < last.kwh - flow.resolution;
            if fell { last.kwh > by_then } else { reading.at - last.at <= HOLD_OFF }
        };
        self.track.last().is_some_and(follows) && flow.is_little(reading.kwh)
    }

    fn is_confirmed(&self, sort: Sort, reading: Point, flow: Flow) -> bool {
        self.arriving.is_some_and(|before| before.sort == sort && flow.connects(before.reading, reading))
    }

    /// The old day goes on: the register may still begin anew.
    fn go_on(&mut self, reading: Point, around: Around) -> Verdict {
        match self.track.observe(reading, around.flow) {
            Verdict::Believed => {
                self.publish(reading, around);
                Verdict::Believed
            }
            Verdict::Anew => Verdict::Fall,
            verdict => verdict,
        }
    }

    /// It should have begun anew by now: if it goes on instead, the new day is counted without it.
    fn linger(&mut self, reading: Point, midnight: Midnight, around: Around) -> Verdict {
        let seen_since = self.track.last().is_some_and(|last| last.at >= midnight.at);
        let verdict = self.track.observe(reading, around.flow);
        let goes_on = matches!(verdict, Verdict::Believed | Verdict::Anew);
        let by_total = around.total.is_some() && self.eve.is_some_and(|eve| eve.total.is_some());
        let certain = goes_on && seen_since || self.is_confirmed(Sort::Old, reading, around.flow);
        if certain && (by_total || goes_on) {
            self.start_without_register(reading, midnight, around, by_total);
            return Verdict::Believed;
        }
        self.arriving = Some(Arriving { sort: Sort::Old, reading });
        if goes_on { Verdict::Unconfirmed } else { verdict }
    }

    fn start_without_register(&mut self, reading: Point, midnight: Midnight, around: Around, by_total: bool) {
        let eve = self.eve.unwrap_or_default();
        let source = if by_total { Source::Total } else { Source::RegisterPlus(-eve.register.min(reading.kwh)) };
        let yesterday = self.day.map_or(0.0, |day| day.held);
        let (number, since, total_before) = (Some(midnight.day), midnight.at, eve.total);
        self.day = Some(Day { number, since, source, held: 0.0, total_before, yesterday });
        if self.track.last().is_none() {
            self.track = Track::at(reading);
        }
        self.arriving = None;
        self.publish(reading, around);
    }
}
