//! What an inverter and the devices behind it do, in base units: watts, volts, amperes, hertz, degrees Celsius, joules,
//! coulombs, seconds, and ratios from 0 to 1. Power out of the battery and to the grid is positive, as everywhere.

use super::keeping::flag;
use super::text::{Family, Page};
use crate::plant::Snapshot;
use crate::plant::snapshot::{Battery, BatteryStack, Energy, Meter};

/// Joules of a kilowatt-hour.
const KILOWATT_HOUR: f64 = 3_600_000.0;
/// Coulombs of an ampere-hour.
const AMPERE_HOUR: f64 = 3600.0;

/// A value of the plant, and how it is had.
type OfPlant = (Family, fn(&Snapshot) -> Option<f64>);

const PLANT: [OfPlant; 29] = [
    (Family::gauge("givtcp_pv_power_watts", "Power of the sun"), |s| whole(s.power.pv)),
    (Family::gauge("givtcp_grid_power_watts", "Power at the grid, positive while exporting"), |s| {
        whole(s.grid_power())
    }),
    (Family::gauge("givtcp_battery_power_watts", "Power of the battery, positive while it discharges"), |s| {
        whole(s.battery_power())
    }),
    (Family::gauge("givtcp_load_power_watts", "Power that the house takes"), |s| whole(s.load_power())),
    (Family::gauge("givtcp_inverter_power_watts", "Power at the inverter's terminal, positive out of it"), |s| {
        whole(s.power.inverter)
    }),
    (Family::gauge("givtcp_eps_power_watts", "Power at the backed-up output"), |s| whole(s.power.eps)),
    (Family::gauge("givtcp_grid_voltage_volts", "Voltage of the grid"), |s| s.power.grid_voltage),
    (Family::gauge("givtcp_grid_current_amperes", "Current at the grid's terminal"), |s| s.power.grid_current),
    (Family::gauge("givtcp_grid_frequency_hertz", "Frequency of the grid"), |s| s.power.grid_frequency),
    (Family::gauge("givtcp_battery_voltage_volts", "Voltage of the battery"), |s| s.power.battery_voltage),
    (Family::gauge("givtcp_battery_current_amperes", "Current of the battery, positive while it discharges"), |s| {
        s.power.battery_current
    }),
    (Family::gauge("givtcp_battery_soc_ratio", "State of charge"), |s| percent(s.power.soc)),
    (Family::gauge("givtcp_battery_stored_joules", "What is in the battery"), |s| joules(s.power.soc_kwh)),
    (Family::gauge("givtcp_battery_capacity_joules", "Capacity of the battery, as configured"), |s| {
        joules(s.inverter.battery_capacity)
    }),
    (Family::gauge("givtcp_battery_temperature_celsius", "The battery, as the inverter measures it"), |s| {
        s.inverter.bms_temperature
    }),
    (Family::gauge("givtcp_inverter_temperature_celsius", "The inverter's heat sink"), |s| s.inverter.temperature),
    (Family::gauge("givtcp_inverter_faults", "How many faults the inverter tells of"), |s| {
        s.inverter.faults.as_ref().map(|faults| faults.len() as f64)
    }),
    (Family::gauge("givtcp_inverter_warnings", "How many warnings the inverter tells of"), |s| {
        s.inverter.warnings.as_ref().map(|warnings| warnings.len() as f64)
    }),
    (Family::gauge("givtcp_inverter_clock_skew_seconds", "How far the inverter's clock is ahead"), |s| {
        whole(s.clock_skew)
    }),
    (Family::gauge("givtcp_eco_mode", "1 while the battery serves the house by itself"), |s| s.control.eco.map(flag)),
    (Family::gauge("givtcp_charge_schedule", "1 while charging by schedule is on"), |s| {
        s.control.charge_schedule.map(flag)
    }),
    (Family::gauge("givtcp_discharge_schedule", "1 while discharging by schedule is on"), |s| {
        s.control.discharge_schedule.map(flag)
    }),
    (Family::gauge("givtcp_charge_limit_watts", "Power that the battery is charged with at most"), |s| {
        whole(s.control.charge_rate_watts)
    }),
    (Family::gauge("givtcp_discharge_limit_watts", "Power that the battery is discharged with at most"), |s| {
        whole(s.control.discharge_rate_watts)
    }),
    (Family::gauge("givtcp_battery_reserve_ratio", "State of charge that is kept"), |s| {
        percent(s.control.reserve_percent)
    }),
    (Family::gauge("givtcp_charge_target_ratio", "State of charge that charging by schedule ends at"), |s| {
        percent(s.control.target_percent)
    }),
    (
        Family::gauge("givtcp_import_price", "What a kWh from the grid costs now, in the currency of the settings"),
        |s| Some(s.rates.as_ref()?.current_rate),
    ),
    (Family::gauge("givtcp_export_price", "What a kWh to the grid earns, in the currency of the settings"), |s| {
        Some(s.rates.as_ref()?.export_rate)
    }),
    (Family::gauge("givtcp_export_limit_watts", "Power that may go to the grid"), |s| whole(s.inverter.export_limit)),
];

const INFO: Family = Family::gauge("givtcp_inverter_info", "Who the inverter is; always 1");
const MODE: Family = Family::gauge("givtcp_mode_info", "The mode that is set; always 1");
const STRING_POWER: Family = Family::gauge("givtcp_pv_string_power_watts", "Power of a string");
const STRING_VOLTAGE: Family = Family::gauge("givtcp_pv_string_voltage_volts", "Voltage of a string");
const STRING_CURRENT: Family = Family::gauge("givtcp_pv_string_current_amperes", "Current of a string");
const PHASE_VOLTAGE: Family = Family::gauge("givtcp_grid_phase_voltage_volts", "Voltage of a phase of the grid");
const PHASE_CURRENT: Family = Family::gauge("givtcp_grid_phase_current_amperes", "Current of a phase of the grid");
const PHASE_LOAD: Family = Family::gauge("givtcp_load_phase_power_watts", "Power that the house takes of a phase");
const TODAY: Family = Family::gauge("givtcp_energy_today_joules", "Energy since the inverter's midnight, by flow");
const TOTAL: Family = Family::counter("givtcp_energy_joules_total", "Energy since the beginning, by flow");
const OVERRIDE: Family = Family::gauge("givtcp_override_remaining_seconds", "How long a timed override still runs");

const SOC: Family = Family::gauge("givtcp_battery_pack_soc_ratio", "State of charge of one battery");
const VOLTAGE: Family = Family::gauge("givtcp_battery_pack_voltage_volts", "Voltage of one battery");
const TEMPERATURE: Family =
    Family::gauge("givtcp_battery_pack_temperature_celsius", "Temperature of one battery's electronics");
const CAPACITY: Family =
    Family::gauge("givtcp_battery_pack_capacity_coulombs", "Capacity of one battery, as calibrated");
const DESIGN: Family =
    Family::gauge("givtcp_battery_pack_design_capacity_coulombs", "Capacity of one battery when it was new");
const REMAINING: Family = Family::gauge("givtcp_battery_pack_remaining_coulombs", "What is in one battery");
const CYCLES: Family = Family::gauge("givtcp_battery_pack_cycles", "Charge cycles of one battery");
const CELL: Family = Family::gauge("givtcp_battery_cell_volts", "Voltage of a cell");
const CELLS: Family =
    Family::gauge("givtcp_battery_cell_temperature_celsius", "Temperature of a cell, or of a group of cells");

const STACK_VOLTAGE: Family = Family::gauge("givtcp_stack_voltage_volts", "Voltage of a high-voltage stack");
const STACK_CURRENT: Family =
    Family::gauge("givtcp_stack_current_amperes", "Current of a stack, positive while it discharges");
const STACK_POWER: Family = Family::gauge("givtcp_stack_power_watts", "Power of a stack, positive while it discharges");
const STACK_HEALTH: Family = Family::gauge("givtcp_stack_health_ratio", "State of health of a stack");
const STACK_CYCLES: Family = Family::gauge("givtcp_stack_cycles", "Charge cycles of a stack");
const STACK_HIGH: Family = Family::gauge("givtcp_stack_soc_high_ratio", "State of charge of a stack's fullest module");
const STACK_LOW: Family = Family::gauge("givtcp_stack_soc_low_ratio", "State of charge of a stack's emptiest module");
const STACK_STORED: Family = Family::gauge("givtcp_stack_stored_joules", "What is in a stack");

const METER_POWER: Family = Family::gauge("givtcp_meter_power_watts", "Power of a phase of a meter");
const METER_VOLTAGE: Family = Family::gauge("givtcp_meter_voltage_volts", "Voltage of a phase of a meter");
const METER_CURRENT: Family = Family::gauge("givtcp_meter_current_amperes", "Current of a phase of a meter");
const METER_FACTOR: Family = Family::gauge("givtcp_meter_power_factor_ratio", "Power factor of a phase of a meter");
const METER_FREQUENCY: Family = Family::gauge("givtcp_meter_frequency_hertz", "Frequency at a meter");
const METER_IMPORT: Family = Family::counter("givtcp_meter_import_joules_total", "Energy that a meter counted one way");
const METER_EXPORT: Family =
    Family::counter("givtcp_meter_export_joules_total", "Energy that a meter counted the other way");

/// A label.
type Label<'a> = (&'a str, &'a str);

/// All of a snapshot. Of an inverter that another leads only its devices, since that other has its totals.
pub(super) fn add(page: &mut Page, inverter: &str, snapshot: &Snapshot, is_led: bool) {
    let own = ("inverter", inverter);
    let serial = snapshot.identity.serial.to_string();
    let firmware = snapshot.inverter.firmware.as_deref().unwrap_or_default();
    let model = snapshot.identity.model.name();
    page.add(&INFO, &[own, ("serial", &serial), ("model", &model), ("firmware", firmware)], 1.0);
    if !is_led {
        add_plant(page, own, snapshot);
    }
    for battery in snapshot.batteries.iter().filter(|battery| snapshot.is_available(battery.address)) {
        add_battery(page, own, battery);
    }
    for stack in snapshot.stacks.iter().filter(|stack| snapshot.is_available(stack.controller)) {
        add_stack(page, own, snapshot, stack);
    }
    for meter in snapshot.meters.iter().filter(|meter| snapshot.is_available(meter.address)) {
        add_meter(page, own, meter);
    }
}

fn add_plant(page: &mut Page, own: Label<'_>, snapshot: &Snapshot) {
    for (family, of) in &PLANT {
        page.add_some(family, &[own], of(snapshot));
    }
    if let Some(mode) = snapshot.control.mode {
        page.add(&MODE, &[own, ("mode", mode)], 1.0);
    }
    let power = &snapshot.power;
    each(page, &STRING_POWER, own, "string", power.pv_string.map(whole));
    each(page, &STRING_VOLTAGE, own, "string", power.pv_voltage);
    each(page, &STRING_CURRENT, own, "string", power.pv_current);
    if let Some(three) = &snapshot.three_phase {
        each(page, &PHASE_VOLTAGE, own, "phase", three.grid_voltage);
        each(page, &PHASE_CURRENT, own, "phase", three.grid_current);
        each(page, &PHASE_LOAD, own, "phase", three.load_phase.map(whole));
    }
    add_energy(page, &TODAY, own, &snapshot.today);
    add_energy(page, &TOTAL, own, &snapshot.total);
    if let Some(left) = snapshot.overrides {
        let all = [
            ("force_charge", left.force_charge),
            ("force_export", left.force_export),
            ("pause_charge", left.pause_charge),
            ("pause_discharge", left.pause_discharge),
        ];
        for (name, minutes) in all {
            page.add_some(&OVERRIDE, &[own, ("override", name)], whole(minutes).map(|minutes| minutes * 60.0));
        }
    }
}

fn add_energy(page: &mut Page, family: &Family, own: Label<'_>, energy: &Energy) {
    for (flow, kwh) in energy.each() {
        page.add_some(family, &[own, ("flow", flow)], joules(kwh));
    }
}

fn add_battery(page: &mut Page, own: Label<'_>, battery: &Battery) {
    let serial = battery.serial.to_string();
    let this = [own, ("battery", serial.as_str())];
    page.add_some(&SOC, &this, percent(battery.soc));
    page.add_some(&VOLTAGE, &this, battery.voltage);
    page.add_some(&TEMPERATURE, &this, battery.temperature);
    page.add_some(&CAPACITY, &this, coulombs(battery.capacity));
    page.add_some(&DESIGN, &this, coulombs(battery.design_capacity));
    page.add_some(&REMAINING, &this, coulombs(battery.remaining_capacity));
    page.add_some(&CYCLES, &this, whole(battery.cycles));
    add_cells(page, this, &battery.cells);
    for (group, celsius) in ["1-4", "5-8", "9-12", "13-16"].into_iter().zip(battery.cell_temperatures) {
        page.add_some(&CELLS, &[this[0], this[1], ("cell", group)], celsius);
    }
}

fn add_cells(page: &mut Page, this: [Label<'_>; 2], cells: &[Option<f64>]) {
    for (number, volts) in (1..).zip(cells) {
        page.add_some(&CELL, &[this[0], this[1], ("cell", &i32::to_string(&number))], *volts);
    }
}

fn add_stack(page: &mut Page, own: Label<'_>, snapshot: &Snapshot, stack: &BatteryStack) {
    let number = stack.number.to_string();
    let this = [own, ("stack", number.as_str())];
    page.add_some(&STACK_VOLTAGE, &this, stack.voltage);
    // The controller counts the other way.
    page.add_some(&STACK_CURRENT, &this, stack.current.map(|charge| -charge));
    page.add_some(&STACK_POWER, &this, whole(stack.power).map(|charge| -charge));
    page.add_some(&STACK_HEALTH, &this, percent(stack.soh));
    page.add_some(&STACK_CYCLES, &this, stack.cycles);
    page.add_some(&STACK_HIGH, &this, percent(stack.soc_high));
    page.add_some(&STACK_LOW, &this, percent(stack.soc_low));
    page.add_some(&STACK_STORED, &this, joules(stack.soc_kwh));
    for module in stack.modules.iter().filter(|module| snapshot.is_available(module.address)) {
        let serial = module.serial.to_string();
        let this = [own, ("battery", serial.as_str())];
        add_cells(page, this, &module.cells);
        for (number, celsius) in (1..).zip(module.temperatures) {
            page.add_some(&CELLS, &[this[0], this[1], ("cell", &i32::to_string(&number))], celsius);
        }
    }
}

fn add_meter(page: &mut Page, own: Label<'_>, meter: &Meter) {
    let number = meter.address.to_string();
    let this = [own, ("meter", number.as_str())];
    for (place, phase) in ["1", "2", "3"].into_iter().enumerate() {
        let labels = [this[0], this[1], ("phase", phase)];
        page.add_some(&METER_POWER, &labels, meter.power.get(place).copied().and_then(whole));
        page.add_some(&METER_VOLTAGE, &labels, meter.voltage.get(place).copied().flatten());
        page.add_some(&METER_CURRENT, &labels, meter.current.get(place).copied().flatten());
        page.add_some(&METER_FACTOR, &labels, meter.power_factor.get(place).copied().flatten());
    }
    page.add_some(&METER_FREQUENCY, &this, meter.frequency);
    page.add_some(&METER_IMPORT, &this, joules(meter.import));
    page.add_some(&METER_EXPORT, &this, joules(meter.export));
}

fn each<const N: usize>(page: &mut Page, family: &Family, own: Label<'_>, label: &str, values: [Option<f64>; N]) {
    for (number, value) in (1..).zip(values) {
        page.add_some(family, &[own, (label, &i32::to_string(&number))], value);
    }
}

fn whole(value: Option<i64>) -> Option<f64> {
    value.map(|value| value as f64)
}

fn percent(value: Option<i64>) -> Option<f64> {
    value.map(|percent| percent as f64 / 100.0)
}

fn joules(kwh: Option<f64>) -> Option<f64> {
    kwh.map(|kwh| (kwh * KILOWATT_HOUR).round())
}

fn coulombs(ampere_hours: Option<f64>) -> Option<f64> {
    ampere_hours.map(|ampere_hours| (ampere_hours * AMPERE_HOUR).round())
}
