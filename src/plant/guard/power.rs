//! Powers that move further between two reads than they can, and powers that do not add up.

use super::{About, Device, Reading};
use crate::frame::Bank;
use crate::plant::Model;
use crate::registers::{Field, Unit, ems, gateway, hv_bcu, meter, single_phase, three_phase};

/// What a house can switch at once, W: a heat pump, a car and an oven together.
const HOUSE: f64 = 15_000.0;
/// Any plant whose rated power is not known, W.
const UNKNOWN: f64 = 30_000.0;
/// How many times its rated power an inverter's powers can move: from all in to all out, and a margin.
const SWING: f64 = 2.5;
/// What an inverter's AC side, its battery and a string can carry, as parts of what they are rated for; a battery whose
/// rate is not known carries as much as a string. No recording of a real plant is beyond them (`tests/it/guards.rs`).
const ALTERNATING: f64 = 1.5;
const BATTERY: f64 = 1.5;
const STRING: f64 = 2.0;
/// An all-in-one behind a gateway, W.
const AIO: f64 = 12_000.0;
/// State of charge, % in one step.
const CHARGE: u64 = 10;
/// How far IR 24 may be from IR 42 + IR 30, W: they are not measured at the same moment.
const APART: i64 = 6_000;

/// Whether a power or a state of charge moved further than it can.
pub(super) fn jumps(about: About, before: &Reading<'_>, after: &Reading<'_>) -> bool {
    let most = about.rated.map_or(UNKNOWN, |rated| HOUSE.max(SWING * f64::from(rated)));
    let moved = |field: &Field| Some(watts(field, after)? - watts(field, before)?);
    let too_far = |field: &&&Field| after.holds(field) && moved(field).is_some_and(|watts| watts.abs() > most);
    if tables(about)
        .iter()
        .any(|fields| fields.iter().filter(|field| watts_each(field).is_some()).any(|field| too_far(&field)))
    {
        return true;
    }
    let charge = |soc: &Field| Some(after.raw(soc)?.abs_diff(before.raw(soc)?) > CHARGE);
    charges(about).iter().any(|soc| after.holds(soc) && charge(soc) == Some(true))
}

/// The states of charge that an inverter's own blocks tell: its own, and of those that it leads. Batteries and stacks
/// have their steps in `steps`.
fn charges(about: About) -> &'static [&'static Field] {
    static GATEWAY: [&Field; 4] =
        [&single_phase::battery_soc, &gateway::aio1_soc, &gateway::aio2_soc, &gateway::aio3_soc];
    static EMS: [&Field; 5] = [
        &single_phase::battery_soc,
        &ems::inverter_1_soc,
        &ems::inverter_2_soc,
        &ems::inverter_3_soc,
        &ems::inverter_4_soc,
    ];
    static THREE_PHASE: [&Field; 2] = [&single_phase::battery_soc, &three_phase::battery_soc];
    static SINGLE_PHASE: [&Field; 1] = [&single_phase::battery_soc];
    match (about.device, about.model) {
        (Device::Inverter, Some(Model::Gateway)) => &GATEWAY,
        (Device::Inverter, Some(model)) if model.is_ems() => &EMS,
        (Device::Inverter, Some(model)) if model.has_three_phase_bank() => &THREE_PHASE,
        (Device::Inverter, _) => &SINGLE_PHASE,
        _ => &[],
    }
}

/// Whether one of the inverter's own powers is more than it can be, where it was not before, or the other way.
pub(super) fn is_beyond_rating(about: About, before: &Reading<'_>, after: &Reading<'_>) -> bool {
    let beyond =
        |field: &Field, most: f64, reading: &Reading<'_>| watts(field, reading).map(|watts| watts.abs() > most);
    bounds(about).into_iter().any(|(field, most)| {
        after.holds(field) && beyond(field, most, after) == beyond(field, most, before).map(|was| !was)
    })
}

/// The inverter's own powers, and the most that each can be, W.
fn bounds(about: About) -> Vec<(&'static Field, f64)> {
    let Some(rated) = about.rated.map(f64::from) else { return Vec::new() };
    let (alternating, string) = (rated * ALTERNATING, rated * STRING);
    let battery = about.battery.map_or(rated * STRING, |watts| f64::from(watts) * BATTERY);
    match (about.device, about.model) {
        (Device::Controller, _) => vec![(&hv_bcu::battery_power, battery)],
        (Device::Inverter, Some(Model::Gateway)) => {
            [&gateway::p_aio1_inverter, &gateway::p_aio2_inverter, &gateway::p_aio3_inverter]
                .map(|aio| (aio, AIO))
                .into()
        }
        (Device::Inverter, Some(model)) if model.has_three_phase_bank() => vec![
            (&three_phase::p_inverter_out, alternating),
            (&three_phase::p_inverter_ac_charge, alternating),
            (&three_phase::p_battery_discharge, battery),
            (&three_phase::p_battery_charge, battery),
            (&three_phase::p_pv1, string),
            (&three_phase::p_pv2, string),
        ],
        _ if is_single_phase(about) => vec![
            (&single_phase::p_battery, battery),
            (&single_phase::p_grid_out_ph1, alternating),
            (&single_phase::p_pv1, string),
            (&single_phase::p_pv2, string),
        ],
        _ => Vec::new(),
    }
}

fn is_single_phase(about: About) -> bool {
    let by_model =
        |model: Model| model.is_hybrid() || matches!(model, Model::Ac | Model::AllInOne | Model::HybridHvGen3);
    about.device == Device::Inverter && about.model.is_some_and(by_model)
}

/// Whether what a single-phase inverter gives is not what house and grid take, where it was before.
pub(super) fn is_out_of_balance(about: About, before: &Reading<'_>, after: &Reading<'_>) -> bool {
    if !is_single_phase(about) || !after.holds(&single_phase::p_load_demand) {
        return false;
    }
    let apart = |reading: &Reading<'_>| {
        let raw = |field| reading.raw(field);
        let out = raw(&single_phase::p_load_demand)? + raw(&single_phase::p_grid_out)?;
        Some((raw(&single_phase::p_grid_out_ph1)? - out).abs())
    };
    apart(after).is_some_and(|now| now > APART && apart(before).is_some_and(|was| was <= APART))
}

fn tables(about: About) -> [&'static [&'static Field]; 2] {
    match (about.device, about.model) {
        (Device::Meter, _) => [meter::FIELDS, &[]],
        (Device::Controller, _) => [hv_bcu::FIELDS, &[]],
        (Device::Inverter, Some(Model::Gateway)) => [gateway::FIELDS, single_phase::FIELDS],
        (Device::Inverter, Some(model)) if model.is_ems() => [ems::FIELDS, &[]],
        (Device::Inverter, Some(model)) if model.has_three_phase_bank() => [three_phase::FIELDS, &[]],
        (Device::Inverter, Some(_)) => [single_phase::FIELDS, &[]],
        _ => [&[], &[]],
    }
}

/// How many watts one of a field's units is, if it is a power that is measured.
fn watts_each(field: &Field) -> Option<f64> {
    match field.unit {
        Unit::Watts | Unit::VoltAmps if field.bank == Bank::Input => Some(1.0),
        Unit::KiloWatts if field.bank == Bank::Input => Some(1_000.0),
        _ => None,
    }
}

fn watts(field: &Field, reading: &Reading<'_>) -> Option<f64> {
    Some(reading.raw(field)? as f64 / 10f64.powi(i32::from(field.places)) * watts_each(field)?)
}
