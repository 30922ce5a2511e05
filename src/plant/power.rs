use jiff::{Timestamp, ToSpan, tz::TimeZone};

use super::snapshot::{BatteryStack, Control, InverterDetails, Power};
use crate::registers::{Field, View, single_phase as reg};

/// More than this from both strings together is nonsense, W.
const MOST_PV: i64 = 15_000;

/// A battery that trickles lasts for months; GivTCP's bound, two weeks, is as far as it tells.
const MOST_MINUTES: i64 = 20_000;

pub(super) fn read(view: View<'_>, details: &InverterDetails, measures_generation: bool) -> Power {
    let pv_string = [reg::p_pv1.integer(view), reg::p_pv2.integer(view)];
    let pv = pv_string[0].zip(pv_string[1]).map(|(one, two)| one + two).filter(|&sum| sum < MOST_PV);
    let soc = reg::battery_soc.integer(view);
    Power {
        pv,
        pv_string: if pv.is_some() { pv_string } else { [None; 2] },
        pv_voltage: [reg::v_pv1.number(view), reg::v_pv2.number(view)],
        pv_current: [reg::i_pv1.number(view), reg::i_pv2.number(view)],
        grid_voltage: reg::v_ac1.number(view),
        grid_current: reg::i_grid_port.number(view),
        grid_frequency: frequency(&reg::f_ac1, view),
        output_frequency: frequency(&reg::f_ac1_output, view),
        grid: reg::p_grid_out.integer(view),
        eps: reg::p_backup.integer(view),
        inverter: reg::p_grid_out_ph1
            .integer(view)
            .filter(|power| details.max_power.is_none_or(|max| power.abs() <= max)),
        load: reg::p_load_demand.integer(view),
        battery: reg::p_battery.integer(view),
        battery_voltage: reg::v_battery.number(view),
        battery_current: reg::i_battery.number(view),
        soc,
        combined_generation: reg::p_combined_generation.integer(view).filter(|_| measures_generation),
        soc_kwh: soc.zip(details.battery_capacity).map(|(soc, kwh)| round2(soc as f64 * kwh / 100.0)),
        charge_minutes: None,
        discharge_minutes: None,
        charge_completion: None,
        discharge_completion: None,
    }
}

/// Some firmware counts thousandths of a hertz.
fn frequency(field: &Field, view: View<'_>) -> Option<f64> {
    let thousandths = || view.get(field.bank, field.address).map(|raw| f64::from(raw) / 1000.0);
    field.number(view).or_else(|| thousandths().filter(|hertz| (40.0..=70.0).contains(hertz)))
}

/// Fills in when the battery will be full or empty, as far as power, capacity and settings are known.
pub(super) fn add_times(
    power: &mut Power,
    details: &InverterDetails,
    control: &Control,
    now: Timestamp,
    zone: &TimeZone,
) {
    let minutes = |percent: i64, watts: i64| {
        let kwh = details.battery_capacity? * percent as f64 / 100.0;
        Some(((kwh / (watts as f64 / 1000.0) * 60.0) as i64).clamp(0, MOST_MINUTES))
    };
    let (Some(charge), Some(discharge), Some(soc)) = (power.charge(), power.discharge(), power.soc) else { return };
    power.charge_minutes = match charge {
        0 => Some(0),
        watts => control.target_percent.and_then(|target| minutes(target - soc, watts)),
    };
    power.discharge_minutes = match discharge {
        0 => Some(0),
        watts => control.reserve_percent.and_then(|reserve| minutes(soc - reserve, watts)),
    };
    let after = |minutes: i64| now.checked_add(minutes.minutes()).ok().map(|end| end.to_zoned_datetime(zone.clone()));
    power.charge_completion = power.charge_minutes.filter(|_| charge > 0).and_then(after);
    power.discharge_completion = power.discharge_minutes.filter(|_| discharge > 0).and_then(after);
}

/// What all stacks say together; nothing while one of them says nothing, or where there is none.
pub(super) fn sum_of(stacks: &[BatteryStack], of: fn(&BatteryStack) -> Option<f64>) -> Option<f64> {
    let each: Option<f64> = stacks.iter().map(of).sum();
    each.filter(|_| !stacks.is_empty()).map(round2)
}

/// To two decimal places.
pub(super) fn round2(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
