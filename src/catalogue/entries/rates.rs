//! What energy costs.

use super::{Entry, Payload, entry, float, line, word, zero_or_float};
use crate::catalogue::Quantity as Q;
use crate::catalogue::families::{ALL, SINGLE_PHASE, THREE_PHASE};
use crate::plant::snapshot::Snapshot;
use crate::plant::tariff::{PeriodRates, Rates};

/// Of the rates, where there are any.
fn rate(snapshot: &Snapshot, get: fn(&Rates) -> Option<f64>) -> Option<Payload> {
    float(snapshot.rates.as_ref().and_then(get))
}

/// The same, where GivTCP begins with `0`.
fn from_zero(snapshot: &Snapshot, get: fn(&Rates) -> Option<f64>) -> Option<Payload> {
    zero_or_float(snapshot.rates.as_ref().and_then(get))
}

fn current_period(snapshot: &Snapshot) -> Option<&PeriodRates> {
    let rates = snapshot.rates.as_ref()?;
    rates.periods.get(rates.current_period?)
}

const SETTINGS: &str = "the settings";
const IMPORT: &str = "the import total";

/// What energy costs.
#[rustfmt::skip]
pub static RATES: &[Entry<Snapshot>] = &[
    line("Energy/Rates/Day_Rate", Q::Price, |s| rate(s, |r| Some(r.day.rate))).of(ALL, SETTINGS),
    line("Energy/Rates/Night_Rate", Q::Price, |s| rate(s, |r| Some(r.night.rate))).of(ALL, SETTINGS),
    line("Energy/Rates/Export_Rate", Q::Price, |s| rate(s, |r| Some(r.export_rate))).of(ALL, SETTINGS),
    line("Energy/Rates/Current_Rate_Type", Q::Choice, |s| word(s.rates.as_ref().map(|r| r.current.name()))).of(ALL, "the clock, or who switches").note("`Day` or `Night`"),
    line("Energy/Rates/Current_Rate", Q::Price, |s| rate(s, |r| Some(r.current_rate))).of(ALL, SETTINGS),
    line("Energy/Rates/Day_Start_Energy_kWh", Q::EnergyTotal, |s| rate(s, |r| r.day.start)).of(ALL, IMPORT).note("where it stood when the rate began, less what the rate had counted before"),
    line("Energy/Rates/Day_Energy_kWh", Q::EnergyToday, |s| rate(s, |r| r.day.energy)).of(ALL, IMPORT),
    line("Energy/Rates/Day_Cost", Q::Money, |s| rate(s, |r| r.day.cost)).of(ALL, IMPORT),
    line("Energy/Rates/Day_Energy_Total_kWh", Q::EnergyToday, |s| from_zero(s, |r| r.day.at_switch.or(Some(0.0)))).of(ALL, IMPORT).note("the day's energy when it last ended today"),
    line("Energy/Rates/Night_Start_Energy_kWh", Q::EnergyTotal, |s| rate(s, |r| r.night.start)).of(ALL, IMPORT).note("where it stood when the rate began, less what the rate had counted before"),
    line("Energy/Rates/Night_Energy_kWh", Q::EnergyToday, |s| rate(s, |r| r.night.energy)).of(ALL, IMPORT),
    line("Energy/Rates/Night_Cost", Q::Money, |s| rate(s, |r| r.night.cost)).of(ALL, IMPORT),
    line("Energy/Rates/Night_Energy_Total_kWh", Q::EnergyToday, |s| from_zero(s, |r| r.night.at_switch.or(Some(0.0)))).of(ALL, IMPORT).note("the night's energy when it last ended today"),
    line("Energy/Rates/Import_ppkwh_Today", Q::Price, |s| from_zero(s, |r| Some(r.import_price))).of(ALL, IMPORT).note("mean price; 0 before anything was imported"),
    line("Energy/Rates/Battery_Value", Q::Money, |s| from_zero(s, |r| r.battery_value)).of(SINGLE_PHASE.and(THREE_PHASE), "the AC charge total, `SOC_kWh`").note("what was paid for what is in the battery"),
    line("Energy/Rates/Battery_ppkwh", Q::Price, |s| from_zero(s, |r| r.battery_price)).of(SINGLE_PHASE.and(THREE_PHASE), "the AC charge total, `SOC_kWh`"),
    line("Energy/Rates/Export_Income_Today", Q::Money, |s| rate(s, |r| r.export_income)).of(ALL, "today's export"),
    line("Energy/Rates/Current_Period", Q::Choice, |s| current_period(s).map(|p| Payload::Text(p.name.clone()))).of(ALL, SETTINGS).note("with `rates.periods` only"),
    line("Energy/Rates/Current_Period_Rate", Q::Price, |s| float(current_period(s).map(|p| p.rate))).of(ALL, SETTINGS).note("with `rates.periods` only"),
];

/// What each named period of the tariff publishes, below `Energy/Rates/Periods/<its name>/`.
pub static PERIOD: &[Entry<PeriodRates>] = &[
    entry("Rate", Q::Price, |p: &PeriodRates| float(Some(p.rate))).of(ALL, SETTINGS),
    entry("Energy_Today_kWh", Q::EnergyToday, |p: &PeriodRates| float(p.energy)).of(ALL, IMPORT),
    entry("Cost_Today", Q::Money, |p: &PeriodRates| float(p.cost)).of(ALL, IMPORT),
];
