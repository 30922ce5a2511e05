use std::sync::Arc;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use serde::{Deserialize, Serialize};

use super::spans;

/// What a kWh costs when.
#[derive(Clone, Debug, PartialEq)]
pub struct Prices {
    /// What switches between day and night.
    pub mode: Mode,
    /// The day's rate.
    pub day: Band,
    /// The night's rate.
    pub night: Band,
    /// What a kWh that is exported earns.
    pub export_rate: f64,
    /// Named periods, which divide the day among them by the clock, whatever `mode` is.
    pub periods: Vec<Period>,
}

/// What switches between day and night.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The clock.
    #[default]
    Clock,
    /// Others, by [`Tariff::switch`](super::Tariff::switch).
    External,
}

/// One of the two rates that GivTCP knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rate {
    /// The day's.
    #[default]
    Day,
    /// The night's.
    Night,
}

/// A rate and when it comes into force.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// Money per kWh.
    pub rate: f64,
    /// Time of day in the zone.
    pub start: Time,
}

/// A named rate, in force until the next one's start.
#[derive(Clone, Debug, PartialEq)]
pub struct Period {
    /// Its name, which stands in topics.
    pub name: Arc<str>,
    /// Rate and start.
    pub band: Band,
}

// === impl Prices ===

impl Default for Prices {
    /// GivTCP's defaults.
    fn default() -> Self {
        Self {
            mode: Mode::Clock,
            day: Band { rate: 0.395, start: civil::time(5, 30, 0, 0) },
            night: Band { rate: 0.155, start: civil::time(23, 30, 0, 0) },
            export_rate: 0.04,
            periods: Vec::new(),
        }
    }
}

impl Prices {
    /// The day's or the night's.
    pub fn of(&self, rate: Rate) -> f64 {
        match rate {
            Rate::Day => self.day.rate,
            Rate::Night => self.night.rate,
        }
    }

    /// Which of the two is in force by the clock.
    pub(super) fn by_clock(&self, zone: &TimeZone, at: Timestamp) -> Rate {
        spans::in_force(&self.starts(), zone, at).map_or(Rate::Day, |place| self.rate_at(place))
    }

    /// The two starts; [`Self::rate_at`] tells whose they are.
    pub(super) fn starts(&self) -> [Time; 2] {
        [self.day.start, self.night.start]
    }

    pub(super) fn rate_at(&self, place: usize) -> Rate {
        if place == 0 { Rate::Day } else { Rate::Night }
    }

    /// The starts of the named periods.
    pub(super) fn period_starts(&self) -> Vec<Time> {
        self.periods.iter().map(|period| period.band.start).collect()
    }
}

// === impl Rate ===

impl Rate {
    /// As GivTCP writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Day => "Day",
            Self::Night => "Night",
        }
    }
}
