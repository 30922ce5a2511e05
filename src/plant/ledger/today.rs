//! A counter of the day, as published: it begins anew once a day, at the midnight of the inverter's clock.

use serde::{Deserialize, Serialize};

use super::clock::{DAY, Midnight};
use super::track::{Flow, Point, Track, Verdict};

mod crossing;

/// So long before and after midnight the register may begin anew, ms.
const HOLD_OFF: i64 = 10 * 60_000;
/// A register that begins anew sooner than this after the day did, ms, has lost what it had: the day goes on.
const LEAST_DAY: i64 = DAY / 2;
/// For so long after the day began a value of the day before is called so, ms.
const YESTERDAY: i64 = 3_600_000;

/// How what is published follows from what the register shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
enum Source {
    /// It is what the register shows.
    #[default]
    Register,
    /// It is so much more, kWh: the register began anew at another time than the day.
    RegisterPlus(f64),
    /// It is what the total has grown by since the day began: the register did not begin anew.
    Total,
}

/// The day that is being counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Day {
    /// Its number; `None` where no clock is known.
    number: Option<i64>,
    /// When it began, monotonic ms.
    since: i64,
    source: Source,
    /// What is published, kWh.
    held: f64,
    /// What the total showed when it began, kWh.
    total_before: Option<f64>,
    /// What the day before ended with, kWh.
    yesterday: f64,
}

/// A counter of the day.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Today {
    track: Track,
    day: Option<Day>,
    /// What the total showed when the register was believed last, kWh.
    total_then: Option<f64>,
    /// What both showed at a midnight at which the register did not begin anew.
    eve: Option<crossing::Eve>,
    #[serde(skip)]
    arriving: Option<crossing::Arriving>,
    /// Whether a reading of this process was believed: nothing else is published.
    #[serde(skip)]
    fresh: bool,
}

/// What a reading is judged by besides itself.
#[derive(Clone, Copy, Debug)]
pub struct Around {
    /// The midnights around it, where a clock is known.
    pub midnight: Option<Midnight>,
    /// What the same counter since ever shows, as believed, kWh.
    pub total: Option<f64>,
    /// How fast it can rise.
    pub flow: Flow,
}

// === impl Today ===

impl Today {
    /// Judges a reading.
    pub fn observe(&mut self, reading: Point, around: Around) -> Verdict {
        let Some(midnight) = around.midnight else { return self.within_day(reading, around) };
        let Some(day) = &mut self.day else { return self.begin(reading, midnight, around) };
        let number = day.number_by(midnight);
        if midnight.day > number {
            return self.cross(reading, midnight, around);
        }
        if self.is_early(reading, midnight, around.flow) { Verdict::Believed } else { self.within_day(reading, around) }
    }

    /// What is published, and of which day.
    pub fn published(&self) -> Option<(f64, Option<i64>)> {
        self.day.filter(|_| self.fresh).map(|day| (day.held, day.number))
    }

    /// What the register shows for certain, kWh, and of which day; less than what is published after a step back.
    pub fn confirmed(&self) -> Option<(f64, Option<i64>)> {
        let (day, shows) = (self.day?, self.track.confirmed()?.kwh);
        let kwh = match day.source {
            Source::Register => shows,
            Source::RegisterPlus(more) => shows + more,
            Source::Total => day.held,
        };
        Some((kwh, day.number))
    }

    /// Whether that was read in this process, and nothing newer waits to be believed: sums are made of such alone, or
    /// they would add counters of different hours after an outage.
    pub fn is_settled(&self) -> bool {
        self.fresh && self.track.is_own() && !self.track.is_contradicted()
    }

    /// The first day: nothing is known of the one before.
    fn begin(&mut self, reading: Point, midnight: Midnight, around: Around) -> Verdict {
        let verdict = self.within_day(reading, around);
        if let Some(day) = &mut self.day {
            // More than can have come since midnight: the register has not yet begun anew.
            let of_yesterday =
                reading.at < midnight.at + HOLD_OFF && reading.kwh > around.flow.within(reading.at - midnight.at);
            day.number = Some(midnight.day - i64::from(of_yesterday));
            day.since = midnight.at - if of_yesterday { DAY } else { 0 };
        }
        verdict
    }

    /// Before midnight a low value is no new day yet, and nothing else either.
    fn is_early(&self, reading: Point, midnight: Midnight, flow: Flow) -> bool {
        let fell = self.track.last().is_some_and(|last| reading.kwh < last.kwh - flow.resolution);
        fell && reading.at >= midnight.next - HOLD_OFF && reading.kwh <= flow.within(HOLD_OFF)
    }

    fn within_day(&mut self, reading: Point, around: Around) -> Verdict {
        let before = self.track.last();
        let verdict = self.track.observe(reading, around.flow);
        if self.day.is_some_and(|day| day.source == Source::Total) {
            self.publish(reading, around);
            return Verdict::Believed;
        }
        match verdict {
            Verdict::Anew if before.is_some_and(|before| reading.kwh < before.kwh) => self.fall(reading, around),
            Verdict::Believed | Verdict::Anew => self.publish(reading, around),
            Verdict::Jump if self.is_of_yesterday(reading, around.flow) => return Verdict::LateYesterday,
            _ => {}
        }
        verdict
    }

    fn is_of_yesterday(&self, reading: Point, flow: Flow) -> bool {
        self.day.is_some_and(|day| {
            reading.at - day.since < YESTERDAY && (reading.kwh - day.yesterday).abs() <= flow.resolution
        })
    }

    fn publish(&mut self, reading: Point, around: Around) {
        let day = self.day.get_or_insert_with(|| Day {
            since: reading.at,
            total_before: around.total.map(|total| total - reading.kwh),
            ..Day::default()
        });
        let shows = match day.source {
            Source::Register => reading.kwh,
            Source::RegisterPlus(more) => reading.kwh + more,
            Source::Total => around.total.zip(day.total_before).map_or(day.held, |(total, before)| total - before),
        };
        day.held = day.held.max(shows);
        self.total_then = around.total.or(self.total_then);
        self.fresh = true;
    }

    /// The register is low for good, and it was not midnight. After a long day that is a new one, of an inverter whose
    /// clock is another than the one that is known; after a short one the register has lost what it had.
    fn fall(&mut self, reading: Point, around: Around) {
        let Some(day) = self.day else { return };
        let low = reading.kwh <= around.flow.within(2 * HOLD_OFF);
        if low && reading.at - day.since >= LEAST_DAY {
            let number = around.midnight.map(|midnight| midnight.nearest_day(reading.at)).or(day.number);
            self.start(reading, number, reading.at, around.total);
        } else if low {
            let by_total = around.total.is_some() && day.total_before.is_some();
            let source = if by_total { Source::Total } else { Source::RegisterPlus(day.held - reading.kwh) };
            self.day = Some(Day { source, ..day });
            self.publish(reading, around);
        }
        // Else what is published waits for the register to catch up.
    }

    /// A new day, of which the register tells.
    fn start(&mut self, reading: Point, number: Option<i64>, since: i64, total: Option<f64>) {
        let total_before = self.eve.and_then(|eve| eve.total_on(number)).or(total.map(|total| total - reading.kwh));
        let yesterday = self.day.map_or(0.0, |day| day.held);
        let held = reading.kwh;
        self.day = Some(Day { number, since, source: Source::Register, held, total_before, yesterday });
        self.track = Track::begun(reading, since - HOLD_OFF);
        self.total_then = total.or(self.total_then);
        self.eve = None;
        self.arriving = None;
        self.fresh = true;
    }

    /// The same in another process, whose monotonic clock shows `ms` more; the last reading may lie `reading_ms` back
    /// on it.
    pub fn restored(self, ms: i64, reading_ms: i64) -> Option<Self> {
        let sane = |kwh: f64| kwh.is_finite();
        let day = self.day.filter(|day| sane(day.held) && sane(day.yesterday) && day.total_before.is_none_or(sane));
        let day = day.filter(|day| !matches!(day.source, Source::RegisterPlus(more) if !sane(more)));
        let day = Day { since: day?.since.saturating_add(ms), ..day? };
        let total_then = self.total_then.filter(|&kwh| sane(kwh));
        Some(Self {
            track: self.track.shifted(reading_ms),
            day: Some(day),
            total_then,
            fresh: false,
            arriving: None,
            ..self
        })
    }
}

// === impl Day ===

impl Day {
    /// Its number by a clock that may have been set back: the midnight that comes is no new day then, if this one began
    /// only a little before it.
    fn number_by(&mut self, midnight: Midnight) -> i64 {
        let number = match self.number {
            Some(number) if number <= midnight.day => number,
            Some(_) if midnight.next - self.since < LEAST_DAY => midnight.day + 1,
            _ => midnight.day,
        };
        self.number = Some(number);
        number
    }
}

#[cfg(test)]
mod tests;
