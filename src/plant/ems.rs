use std::borrow::Cow;
use std::collections::BTreeSet;

use super::details::name_of;
use super::snapshot::{Ems, EmsInverter, EmsMeter, EmsSlot, Energy, Power};
use crate::frame::Serial;
use crate::registers::{Field, View, ems as reg, single_phase};

/// Status and power of each meter.
static METERS: [(&Field, &Field); 8] = [
    (&reg::meter_1_status, &reg::meter_1_power),
    (&reg::meter_2_status, &reg::meter_2_power),
    (&reg::meter_3_status, &reg::meter_3_power),
    (&reg::meter_4_status, &reg::meter_4_power),
    (&reg::meter_5_status, &reg::meter_5_power),
    (&reg::meter_6_status, &reg::meter_6_power),
    (&reg::meter_7_status, &reg::meter_7_power),
    (&reg::meter_8_status, &reg::meter_8_power),
];

/// Serial number, power, state of charge, temperature and status of each inverter.
static INVERTERS: [[&Field; 5]; 4] = [
    [
        &reg::inverter_1_serial_number,
        &reg::inverter_1_power,
        &reg::inverter_1_soc,
        &reg::inverter_1_temp,
        &reg::inverter_1_suspected_status,
    ],
    [
        &reg::inverter_2_serial_number,
        &reg::inverter_2_power,
        &reg::inverter_2_soc,
        &reg::inverter_2_temp,
        &reg::inverter_2_suspected_status,
    ],
    [
        &reg::inverter_3_serial_number,
        &reg::inverter_3_power,
        &reg::inverter_3_soc,
        &reg::inverter_3_temp,
        &reg::inverter_3_suspected_status,
    ],
    [
        &reg::inverter_4_serial_number,
        &reg::inverter_4_power,
        &reg::inverter_4_soc,
        &reg::inverter_4_temp,
        &reg::inverter_4_suspected_status,
    ],
];

static CHARGE: [(&Field, &Field); 3] = [
    (&reg::charge_slot_1, &reg::charge_target_1),
    (&reg::charge_slot_2, &reg::charge_target_2),
    (&reg::charge_slot_3, &reg::charge_target_3),
];
static DISCHARGE: [(&Field, &Field); 3] = [
    (&reg::discharge_slot_1, &reg::discharge_target_1),
    (&reg::discharge_slot_2, &reg::discharge_target_2),
    (&reg::discharge_slot_3, &reg::discharge_target_3),
];
static EXPORT: [(&Field, &Field); 3] = [
    (&reg::export_slot_1, &reg::export_target_1),
    (&reg::export_slot_2, &reg::export_target_2),
    (&reg::export_slot_3, &reg::export_target_3),
];

pub(super) fn read(view: View<'_>) -> Ems {
    let slots = |fields: [(&Field, &Field); 3]| {
        fields.map(|(slot, target)| EmsSlot { slot: slot.slot(view), target: target.integer(view) })
    };
    Ems {
        status: name_of(&reg::ems_status, view),
        inverter_count: reg::inverter_count.integer(view),
        meter_count: reg::meter_count.integer(view),
        car_charger_count: reg::expected_car_charger_count.integer(view),
        remaining: reg::remaining_battery_wh.integer(view),
        grid: reg::grid_meter_power.integer(view),
        calculated_load: reg::calc_load_power.integer(view),
        measured_load: reg::measured_load_power.integer(view),
        generation: reg::total_generation_load_power.integer(view),
        total: single_phase::p_battery.integer(view),
        battery: reg::total_battery_power.integer(view),
        other_battery: reg::other_battery_power.integer(view),
        meters: METERS.map(|(status, power)| meter(status, power, view)),
        inverters: inverters(view),
        charge: slots(CHARGE),
        discharge: slots(DISCHARGE),
        export: slots(EXPORT),
        car_charge_mode: reg::car_charge_mode.integer(view),
        car_charge_boost: reg::car_charge_boost.integer(view),
        charge_compensation: reg::plant_charge_compensation.integer(view),
        discharge_compensation: reg::plant_discharge_compensation.integer(view),
    }
}

/// The register of a meter that is not there holds 0, which is no power.
fn meter(status: &Field, power: &Field, view: View<'_>) -> EmsMeter {
    let code = status.integer(view);
    EmsMeter {
        power: power.integer(view).filter(|_| code.is_some_and(|code| code != 0)),
        status: code.map(|code| match code {
            0 => "Disabled".into(),
            1 => "Online".into(),
            2 => "Offline".into(),
            _ => unknown(code),
        }),
    }
}

/// The inverters by their serial numbers; two cannot share their topics.
fn inverters(view: View<'_>) -> Vec<EmsInverter> {
    let mut seen = BTreeSet::new();
    INVERTERS
        .iter()
        .filter_map(|[serial, power, soc, temperature, status]| {
            Some(EmsInverter {
                serial: serial.serial(view).filter(Serial::is_plausible)?,
                power: power.integer(view),
                soc: soc.integer(view),
                temperature: temperature.number(view),
                status: status.integer(view).map(inverter_status),
            })
        })
        .filter(|inverter| seen.insert(inverter.serial))
        .collect()
}

/// As the installers' application names them; only 0 and 2 have been seen.
fn inverter_status(code: i64) -> Cow<'static, str> {
    match code {
        0 => "Disabled".into(),
        1 => "Waiting".into(),
        2 => "Online".into(),
        3 => "Warning".into(),
        4 => "Error".into(),
        5 => "Flash".into(),
        7 => "Offline".into(),
        _ => unknown(code),
    }
}

fn unknown(code: i64) -> Cow<'static, str> {
    format!("unknown ({code})").into()
}

/// What the plant does now, in the words and signs that all families share.
pub(super) fn power(own: &Ems) -> Power {
    Power { grid: own.grid.map(|import| -import), load: own.calculated_load, battery: own.battery, ..Power::default() }
}

/// Energy since midnight.
pub(super) fn today(view: View<'_>) -> Energy {
    Energy {
        import: single_phase::e_grid_in_day.number(view),
        export: single_phase::e_grid_out_day.number(view),
        ac_charge: single_phase::e_ac_charge_today.number(view),
        inverter: single_phase::e_battery_discharge_today_alt1.number(view),
        generation: single_phase::e_pv_generation_today.number(view),
        ..Energy::default()
    }
}

/// Energy since the beginning.
pub(super) fn total(view: View<'_>) -> Energy {
    Energy {
        import: single_phase::e_grid_in_total.number(view),
        export: single_phase::e_grid_out_total.number(view),
        ac_charge: single_phase::e_inverter_in_total.number(view),
        inverter: single_phase::e_battery_throughput.number(view),
        generation: single_phase::e_pv_generation_total.number(view),
        ..Energy::default()
    }
}
