//! What energy from the grid costs: day and night rates as GivTCP has them, named periods beside them, and the value of
//! what is in the battery.
//!
//! Energy that was counted between two readings is split over the bands that were in force between them, in proportion
//! to time. So a switch that fell into an outage is not missed; when in the outage the energy flowed nobody knows.
//! Bands begin at times of the zone's clock; the day ends with the inverter's own midnight.

mod battery;
mod prices;
mod spans;
mod state;

#[cfg(test)]
mod tests;

pub use prices::{Band, Mode, Period, Prices, Rate};
pub use state::{Seen, Tariff};

use std::sync::Arc;

/// What the rates come to now. Money is in the currency of the settings, energy in kWh.
#[derive(Clone, Debug, PartialEq)]
pub struct Rates {
    /// Which of the two rates is in force.
    pub current: Rate,
    /// What it is, money per kWh.
    pub current_rate: f64,
    /// By day.
    pub day: Side,
    /// By night.
    pub night: Side,
    /// What a kWh that is exported earns.
    pub export_rate: f64,
    /// What was earned since the inverter's midnight.
    pub export_income: Option<f64>,
    /// Mean price of what was imported since the inverter's midnight, money per kWh; 0 before anything was.
    pub import_price: f64,
    /// What was paid for what is in the battery; nothing without a battery.
    pub battery_value: Option<f64>,
    /// The same per kWh.
    pub battery_price: Option<f64>,
    /// The named period that is in force, where there are any: its place in `periods`.
    pub current_period: Option<usize>,
    /// The named periods, in the order of the settings.
    pub periods: Vec<PeriodRates>,
}

/// One of the two rates.
#[derive(Clone, Debug, PartialEq)]
pub struct Side {
    /// Money per kWh.
    pub rate: f64,
    /// Where the import total stood when this rate came into force, less what it had counted before that day.
    pub start: Option<f64>,
    /// Imported since the inverter's midnight while it was in force.
    pub energy: Option<f64>,
    /// What that costs, to the hundredth.
    pub cost: Option<f64>,
    /// `energy` when it was last in force; nothing before it has ended once since midnight.
    pub at_switch: Option<f64>,
}

/// One named period.
#[derive(Clone, Debug, PartialEq)]
pub struct PeriodRates {
    /// Its name.
    pub name: Arc<str>,
    /// Money per kWh.
    pub rate: f64,
    /// Imported since the inverter's midnight while it was in force.
    pub energy: Option<f64>,
    /// What that costs, to the hundredth.
    pub cost: Option<f64>,
}
