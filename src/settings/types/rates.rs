use std::fmt;

use jiff::civil::{Time, time};

use super::choices::name_of;

/// What energy costs, in any currency.
#[derive(Clone, Debug, PartialEq)]
pub struct RatesSettings {
    /// What switches between day and night. Default `clock`.
    pub mode: RatesMode,
    /// The day's rate. Default 0.395 from 05:30.
    pub day: RateSettings,
    /// The night's rate. Default 0.155 from 23:30; not at the same time as the day.
    pub night: RateSettings,
    /// What an exported kWh earns. Default 0.04, −1000 to 1000.
    pub export_rate: f64,
    /// Named periods beside day and night. Default none, at most [`RatesSettings::MOST_PERIODS`].
    pub periods: Vec<PeriodSettings>,
}

/// A rate and when it begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateSettings {
    /// Money per kWh, −1000 to 1000.
    pub rate: f64,
    /// Time of day.
    pub start: Time,
}

/// A named rate, in force until the next one begins.
#[derive(Clone, Debug, PartialEq)]
pub struct PeriodSettings {
    /// Its name, which stands in topics: letters, digits, `-` and `_`, at most 32. No name twice.
    pub name: String,
    /// Rate and start. No start twice.
    pub rate: RateSettings,
}

/// What switches between day and night.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RatesMode {
    /// Their starts: `clock`.
    #[default]
    Clock,
    /// Others, by a command: `external`.
    External,
}

// === impl RatesSettings, RatesMode ===

impl RatesSettings {
    /// The most named periods.
    pub const MOST_PERIODS: usize = 24;
}

impl Default for RatesSettings {
    /// GivTCP's defaults.
    fn default() -> Self {
        Self {
            mode: RatesMode::Clock,
            day: RateSettings { rate: 0.395, start: time(5, 30, 0, 0) },
            night: RateSettings { rate: 0.155, start: time(23, 30, 0, 0) },
            export_rate: 0.04,
            periods: Vec::new(),
        }
    }
}

impl RatesMode {
    /// Every mode, with its name in the settings.
    pub const NAMES: [(&str, Self); 2] = [("clock", Self::Clock), ("external", Self::External)];
}

impl fmt::Display for RatesMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(&Self::NAMES, self))
    }
}
