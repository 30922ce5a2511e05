//! How fast each counter can rise, and which begin anew when they are full.

use super::track::Flow;
use crate::plant::{Family, METERS, Model};

/// An inverter whose rating is not known, W.
const UNKNOWN: f64 = 30_000.0;
/// Several inverters behind one connection, W.
const SEVERAL: f64 = 50_000.0;
/// What a house's connection to the grid carries, W (100 A).
const CONNECTION: f64 = 25_000.0;
/// Batteries take and give more than the inverter's AC rating where the sun feeds them directly.
const BATTERY: f64 = 1.5;
/// Strings are often larger than the inverter.
const STRINGS: f64 = 2.0;

/// What a register of 16 bits holds in tenths of a kWh, and one more: it goes on with 0.
const FULL: f64 = 6553.6;

/// Every family counts in tenths of a kWh, and steps back by no more.
const TENTH: f64 = 0.1;

/// What a counter is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Span {
    /// Everything since the beginning.
    Ever,
    /// The day.
    Today,
}

/// How fast a counter of [`crate::plant::snapshot::Energy`] can rise behind this inverter. `rated` in W.
pub(super) fn flow(name: &str, model: Model, rated: Option<u32>) -> Flow {
    let rated = rated.map_or(UNKNOWN, f64::from);
    let own = match name {
        "inverter" | "ac_charge" | "ac_discharge" => rated,
        "battery_charge" | "battery_discharge" | "battery_throughput" => rated * BATTERY,
        "pv" | "pv_string_1" | "pv_string_2" => rated * STRINGS,
        _ => CONNECTION.max(rated * BATTERY),
    };
    let leads_others = model == Model::Gateway || model.is_ems();
    let watts = if leads_others { own.max(SEVERAL) } else { own };
    Flow::new(watts, TENTH)
}

/// How many registers a counter is the sum of (`plant/energy.rs`): each has its own tenths, and all can go on at once.
pub(super) fn registers(name: &str, span: Span, family: Family) -> u8 {
    let is_single = matches!(family, Family::SinglePhase | Family::PvOnly);
    // IR 17 + IR 19, and IR 36 + IR 37.
    if is_single && span == Span::Today && matches!(name, "pv" | "battery_throughput") { 2 } else { 1 }
}

/// Where a counter since ever goes on with 0, kWh, if its register has 16 bits: those of low-voltage batteries and of
/// meters.
pub(super) fn full(name: &str, device: u8, model: Model) -> Option<f64> {
    let of_batteries = device == 0 && matches!(name, "battery_charge" | "battery_discharge");
    let elsewhere = model.has_three_phase_bank() || model == Model::Gateway || model.is_ems();
    (METERS.contains(&device) || of_batteries && !elsewhere).then_some(FULL)
}
