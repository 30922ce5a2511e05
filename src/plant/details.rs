use jiff::tz::TimeZone;

use super::model::rated_power;
use super::power::{round2, sum_of};
use super::snapshot::{BatteryStack, InverterDetails};
use super::{Family, Identity, faults, gateway};
use crate::registers::{Field, Value, View, gateway as gateway_reg, single_phase as reg, three_phase};

pub(super) fn read(
    view: View<'_>,
    identity: &Identity,
    family: Family,
    stacks: &[BatteryStack],
    zone: &TimeZone,
) -> InverterDetails {
    let code = identity.device_type_code;
    let measured_capacity = sum_of(stacks, |stack| stack.design_capacity);
    let battery_type = if family == Family::ThreePhase { &three_phase::battery_type_ir } else { &reg::battery_type };
    InverterDetails {
        time: reg::system_time.date_time(view).and_then(|time| time.to_zoned_datetime(zone.clone()).ok()),
        battery_type: name_of(battery_type, view).filter(|_| family.has_batteries()),
        battery_capacity: capacity(view, identity, family, measured_capacity),
        measured_capacity,
        modbus_version: reg::modbus_version.text(view),
        firmware: reg::firmware_version.text(view),
        meter_type: name_of(&reg::meter_type, view),
        max_power: rated_power(code).map(i64::from),
        max_battery_power: battery_power(view, identity, family, stacks),
        temperature: reg::t_inverter_heatsink.number(view),
        export_limit: reg::grid_port_max_power_output.integer(view),
        calibration_status: name_of(&reg::battery_calibration_stage, view).filter(|_| family.has_batteries()),
        bms_temperature: reg::t_battery.number(view),
        faults: faults::faults(view, family),
        warnings: faults::warnings(view, family),
    }
}

/// What the batteries hold, kWh: as configured; of a gateway what all-in-ones hold; and where a three-phase inverter has
/// nothing configured, what its stacks measure.
fn capacity(view: View<'_>, identity: &Identity, family: Family, measured: Option<f64>) -> Option<f64> {
    if family == Family::Gateway {
        return gateway_reg::parallel_aio_num.integer(view).map(|count| count as f64 * gateway::AIO_CAPACITY);
    }
    if !family.has_batteries() {
        return None;
    }
    let configured = reg::battery_capacity_ah
        .integer(view)
        .map(|amp_hours| round2(amp_hours as f64 * identity.model.battery_volts() / 1000.0));
    match (family, configured) {
        (Family::ThreePhase, Some(0.0)) => measured,
        _ => configured,
    }
}

/// What the batteries can take and give, W. Each module of a three-phase inverter's stacks gives 25 A at 80 V.
fn battery_power(view: View<'_>, identity: &Identity, family: Family, stacks: &[BatteryStack]) -> Option<i64> {
    match family {
        Family::Gateway => gateway_reg::parallel_aio_num.integer(view).map(|count| count * gateway::AIO_POWER),
        Family::ThreePhase => {
            let modules: i64 = stacks.iter().filter_map(|stack| stack.module_count).sum();
            (modules > 0).then_some(modules * 25 * 80)
        }
        _ => identity.model.battery_power(identity.device_type_code).map(i64::from),
    }
}

/// The name of a code as GivTCP writes it, `Lead_acid`; `unknown (n)` where it has none.
pub(super) fn name_of(field: &Field, view: View<'_>) -> Option<String> {
    match field.read(view)? {
        Value::Code(_, Some(name)) => Some(capitalised(name)),
        Value::Code(code, None) => Some(format!("unknown ({code})")),
        _ => None,
    }
}

/// First letter large, the rest small.
pub(super) fn capitalised(name: &str) -> String {
    let mut out = name.to_ascii_lowercase();
    if let Some(first) = out.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    out
}
