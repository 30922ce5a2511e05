use std::collections::BTreeSet;

use super::power::round2;
use super::snapshot::{BatteryStack, Energy, Module};
use super::stacks::{Stack, module_serial};
use crate::registers::{Field, RegisterImage, View, hv_bcu as reg, hv_bmu};

/// Nominal voltage of a module: 24 cells of 3.2 V.
const MODULE_VOLTS: f64 = 76.8;
/// What of a module's charge can be used.
const USABLE: f64 = 0.9;
/// Cells and sensors of a module have registers for so many.
const MOST: usize = 24;

/// What the stacks read; a module without a plausible serial number has no topics, and two cannot share theirs.
pub(super) fn read(stacks: &[Stack], image: &RegisterImage) -> Vec<BatteryStack> {
    let mut seen = BTreeSet::new();
    let mut read: Vec<BatteryStack> = (1..).zip(stacks).map(|(number, stack)| read_one(number, stack, image)).collect();
    for stack in &mut read {
        stack.modules.retain(|module| seen.insert(module.serial));
    }
    read
}

fn read_one(number: usize, stack: &Stack, image: &RegisterImage) -> BatteryStack {
    let view = image.view(stack.controller);
    let module_kwh = |field: &Field| field.number(view).map(|amp_hours| round2(amp_hours * MODULE_VOLTS / 1000.0));
    let (module_capacity, module_remaining) =
        (module_kwh(&reg::battery_nominal_capacity_ah), module_kwh(&reg::remaining_battery_capacity_ah));
    let modules = reg::number_of_modules.integer(view);
    let usable = |kwh: Option<f64>| Some(round2(kwh? * modules? as f64 * USABLE));
    let (today, total) = energy(view);
    let of_each = |all: &Field| of_each(all.integer(view), modules);
    let (cells, sensors) = (of_each(&reg::total_cell_count), of_each(&reg::total_temperature_sensor_count));
    BatteryStack {
        number,
        controller: stack.controller,
        module_count: modules,
        voltage: reg::battery_voltage.number(view),
        load_voltage: reg::load_voltage.number(view),
        current: reg::battery_current.number(view),
        power: reg::battery_power.number(view).map(|kilowatts| (kilowatts * 1000.0).round() as i64),
        soh: reg::battery_soh.integer(view),
        cycles: reg::number_of_cycles.number(view),
        soc_high: reg::battery_soc_max.integer(view),
        soc_low: reg::battery_soc_min.integer(view),
        firmware: reg::pack_software_version.text(view),
        module_capacity,
        module_remaining,
        design_capacity: usable(module_capacity),
        soc_kwh: usable(module_remaining),
        today,
        total,
        modules: stack
            .modules
            .iter()
            .filter_map(|&address| module(address, cells, sensors, image.view(address)))
            .collect(),
    }
}

/// What a stack's controller shows of its energy, of today and since the beginning.
pub(super) fn energy(view: View<'_>) -> (Energy, Energy) {
    let both = |charge: &Field, discharge: &Field| Energy {
        battery_charge: charge.number(view),
        battery_discharge: discharge.number(view),
        ..Energy::default()
    };
    (
        both(&reg::charge_energy_today, &reg::discharge_energy_today),
        both(&reg::charge_energy_total, &reg::discharge_energy_total),
    )
}

/// How many of a stack's cells or sensors each module has: none as long as that is not known. The registers behind them are not theirs: some firmware
/// shows those of the next module there.
fn of_each(all: Option<i64>, modules: Option<i64>) -> usize {
    let (Some(all), Some(modules)) = (all, modules) else { return 0 };
    match all.checked_div(modules).and_then(|each| usize::try_from(each).ok()) {
        None | Some(0) => MOST,
        Some(each) => each.min(MOST),
    }
}

fn module(address: u8, cells: usize, sensors: usize, view: View<'_>) -> Option<Module> {
    let read = |fields: [&Field; MOST], count: usize| {
        let mut values = [None; MOST];
        for (value, field) in values.iter_mut().zip(fields).take(count) {
            *value = field.number(view);
        }
        values
    };
    let serial = module_serial(view)?;
    Some(Module { address, serial, cells: read(CELLS, cells), temperatures: read(TEMPERATURES, sensors) })
}

static CELLS: [&Field; MOST] = [
    &hv_bmu::v_cell_01,
    &hv_bmu::v_cell_02,
    &hv_bmu::v_cell_03,
    &hv_bmu::v_cell_04,
    &hv_bmu::v_cell_05,
    &hv_bmu::v_cell_06,
    &hv_bmu::v_cell_07,
    &hv_bmu::v_cell_08,
    &hv_bmu::v_cell_09,
    &hv_bmu::v_cell_10,
    &hv_bmu::v_cell_11,
    &hv_bmu::v_cell_12,
    &hv_bmu::v_cell_13,
    &hv_bmu::v_cell_14,
    &hv_bmu::v_cell_15,
    &hv_bmu::v_cell_16,
    &hv_bmu::v_cell_17,
    &hv_bmu::v_cell_18,
    &hv_bmu::v_cell_19,
    &hv_bmu::v_cell_20,
    &hv_bmu::v_cell_21,
    &hv_bmu::v_cell_22,
    &hv_bmu::v_cell_23,
    &hv_bmu::v_cell_24,
];

static TEMPERATURES: [&Field; MOST] = [
    &hv_bmu::t_cell_01,
    &hv_bmu::t_cell_02,
    &hv_bmu::t_cell_03,
    &hv_bmu::t_cell_04,
    &hv_bmu::t_cell_05,
    &hv_bmu::t_cell_06,
    &hv_bmu::t_cell_07,
    &hv_bmu::t_cell_08,
    &hv_bmu::t_cell_09,
    &hv_bmu::t_cell_10,
    &hv_bmu::t_cell_11,
    &hv_bmu::t_cell_12,
    &hv_bmu::t_cell_13,
    &hv_bmu::t_cell_14,
    &hv_bmu::t_cell_15,
    &hv_bmu::t_cell_16,
    &hv_bmu::t_cell_17,
    &hv_bmu::t_cell_18,
    &hv_bmu::t_cell_19,
    &hv_bmu::t_cell_20,
    &hv_bmu::t_cell_21,
    &hv_bmu::t_cell_22,
    &hv_bmu::t_cell_23,
    &hv_bmu::t_cell_24,
];
