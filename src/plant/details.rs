use jiff::tz::TimeZone;

use super::Identity;
use super::model::rated_power;
use super::power::round2;
use super::snapshot::InverterDetails;
use crate::registers::{Field, Value, View, single_phase as reg};

pub(super) fn read(view: View<'_>, identity: &Identity, zone: &TimeZone) -> InverterDetails {
    let (model, code) = (identity.model, identity.device_type_code);
    InverterDetails {
        time: reg::system_time.date_time(view).and_then(|time| time.to_zoned_datetime(zone.clone()).ok()),
        battery_type: name_of(&reg::battery_type, view),
        battery_capacity: reg::battery_capacity_ah
            .integer(view)
            .map(|amp_hours| round2(amp_hours as f64 * model.battery_volts() / 1000.0)),
        modbus_version: reg::modbus_version.text(view),
        firmware: reg::firmware_version.text(view),
        meter_type: name_of(&reg::meter_type, view),
        max_power: rated_power(code).map(i64::from),
        max_battery_power: model.battery_power(code).map(i64::from),
        temperature: reg::t_inverter_heatsink.number(view),
        export_limit: reg::grid_port_max_power_output.integer(view),
        calibration_status: name_of(&reg::battery_calibration_stage, view),
        bms_temperature: reg::t_battery.number(view),
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
