//! What the inverter is and how it is.

use super::{Entry, float, int, iso, line, messages, text};
use crate::catalogue::Payload;
use crate::catalogue::Quantity as Q;
use crate::catalogue::families::{ALL, EMS, GATEWAY, SINGLE_PHASE, STRINGS, THREE_PHASE};
use crate::plant::snapshot::Snapshot;

/// What the inverter is and how it is.
#[rustfmt::skip]
pub static DETAILS: &[Entry<Snapshot>] = &[
    line("<serial>/Invertor_Serial_Number", Q::Text, |s| Some(Payload::Text(s.identity.serial.to_string().into()))).of(ALL, "HR 13-17"),
    line("<serial>/Invertor_Type", Q::Text, |s| Some(Payload::Text(s.identity.model.givtcp_name().into()))).of(ALL, "HR 0, HR 21"),
    line("<serial>/Invertor_Firmware", Q::Text, firmware).of(STRINGS.and(EMS), "HR 19, HR 21").of(THREE_PHASE, "IR 1320-1324"),
    line("<serial>/Invertor_Time", Q::Timestamp, |s| iso(s.inverter.time.as_ref())).of(ALL, "HR 35-40"),
    line("<serial>/Clock_Skew", Q::Seconds, |s| int(s.clock_skew)).of(ALL, "HR 35-40").note("how far the inverter's clock is ahead"),
    line("<serial>/Invertor_Max_Inv_Rate", Q::Power, |s| int(s.inverter.max_power)).of(STRINGS.and(THREE_PHASE).and(GATEWAY), "HR 0"),
    line("<serial>/Invertor_Max_Bat_Rate", Q::Power, |s| int(s.inverter.max_battery_power)).of(SINGLE_PHASE, "HR 0, HR 21").of(THREE_PHASE, "number of modules").of(GATEWAY, "IR 1700"),
    line("<serial>/Invertor_Temperature", Q::Temperature, |s| float(s.inverter.temperature)).of(STRINGS, "IR 41"),
    line("<serial>/Export_Limit", Q::Power, |s| int(s.inverter.export_limit)).of(ALL, "HR 26"),
    line("<serial>/Battery_Type", Q::Text, |s| text(s.inverter.battery_type.as_ref())).of(SINGLE_PHASE, "HR 54").of(THREE_PHASE, "IR 1121"),
    line("<serial>/Battery_Capacity_kWh", Q::EnergyStored, |s| float(s.inverter.battery_capacity)).of(SINGLE_PHASE, "HR 55").of(THREE_PHASE, "HR 55, or IR 98 of each stack").of(GATEWAY, "IR 1700").note("as configured; of a gateway 13.5 for each all-in-one"),
    line("<serial>/Battery_Capacity_kWh_calc", Q::EnergyStored, |s| float(s.inverter.measured_capacity)).of(SINGLE_PHASE.and(THREE_PHASE), "IR 98 of each stack").note("with high-voltage stacks"),
    line("<serial>/Battery_Calibration_Status", Q::Text, |s| text(s.inverter.calibration_status.as_ref())).of(SINGLE_PHASE.and(THREE_PHASE), "HR 29"),
    line("<serial>/Meter_Type", Q::Text, |s| text(s.inverter.meter_type.as_ref())).of(STRINGS.and(THREE_PHASE), "HR 47"),
    line("<serial>/Modbus_Version", Q::Text, |s| text(s.inverter.modbus_version.as_ref())).of(STRINGS.and(THREE_PHASE), "HR 34"),
    line("<serial>/Faults", Q::Text, |s| messages(s.inverter.faults.as_deref())).of(STRINGS, "HR 223-224").of(THREE_PHASE, "IR 1300 to 1306").of(GATEWAY, "IR 1622-1623").note("names of what is at fault, with commas between; `none`"),
    line("<serial>/Warnings", Q::Text, |s| messages(s.inverter.warnings.as_deref())).of(SINGLE_PHASE, "IR 57").of(THREE_PHASE, "IR 1307").note("names of what it warns of, with commas between; `none`"),
    line("<serial>/status", Q::Text, |s| text(status(s))).of(THREE_PHASE, "IR 1076").of(EMS, "IR 2040"),
    line("<serial>/DC_Status", Q::Text, |s| text(s.three_phase.as_ref()?.dc_status.as_ref())).of(THREE_PHASE, "IR 1124"),
    line("<serial>/System_Mode", Q::Count, |s| int(s.three_phase.as_ref()?.system_mode)).of(THREE_PHASE, "IR 1075"),
    line("<serial>/Start_Delay_Time", Q::Count, |s| int(s.three_phase.as_ref()?.start_delay)).of(THREE_PHASE, "IR 1077"),
    line("<serial>/Power_Factor", Q::Count, |s| int(s.three_phase.as_ref()?.power_factor)).of(THREE_PHASE, "IR 1068").note("as the register holds it"),
    line("<serial>/Battery_Priority", Q::Count, |s| int(s.three_phase.as_ref()?.battery_priority)).of(THREE_PHASE, "IR 1120"),
    line("<serial>/Inverter_Temperature", Q::Temperature, |s| float(s.three_phase.as_ref()?.temperature)).of(THREE_PHASE, "IR 1128"),
    line("<serial>/Boost_Temperature", Q::Temperature, |s| float(s.three_phase.as_ref()?.boost_temperature)).of(THREE_PHASE, "IR 1129"),
    line("<serial>/Buck_Boost_Temperature", Q::Temperature, |s| float(s.three_phase.as_ref()?.buck_boost_temperature)).of(THREE_PHASE, "IR 1130"),
    line("<serial>/Invertor_Software", Q::Text, |s| text(s.three_phase.as_ref()?.software.as_ref())).of(THREE_PHASE, "IR 1317-1319"),
    line("<serial>/Gateway_Software_Version", Q::Text, |s| text(s.gateway.as_ref()?.software.as_ref())).of(GATEWAY, "IR 1600-1603"),
    line("<serial>/Gateway_Mode", Q::Text, |s| text(s.gateway.as_ref()?.mode.as_ref())).of(GATEWAY, "IR 1604"),
    line("<serial>/Gateway_State", Q::Text, |s| text(s.gateway.as_ref()?.state.as_ref())).of(GATEWAY, "IR 1703"),
    line("<serial>/Parallel_Total_AIO_Number", Q::Count, |s| int(s.gateway.as_ref()?.aio_count)).of(GATEWAY, "IR 1700"),
    line("<serial>/Parallel_Total_AIO_Online_Number", Q::Count, |s| int(s.gateway.as_ref()?.aio_online)).of(GATEWAY, "IR 1701"),
    line("<serial>/Serial_Number", Q::Text, |s| Some(Payload::Text(s.identity.serial.to_string().into()))).of(EMS, "HR 13-17"),
    line("<serial>/Inverter_Count", Q::Count, |s| int(s.ems.as_ref()?.inverter_count)).of(EMS, "IR 2044"),
    line("<serial>/Meter_Count", Q::Count, |s| int(s.ems.as_ref()?.meter_count)).of(EMS, "IR 2041"),
    line("<serial>/Car_Charge_Count", Q::Count, |s| int(s.ems.as_ref()?.car_charger_count)).of(EMS, "HR 2043"),
    line("<serial>/Remaining_Battery_Wh", Q::WattHours, |s| int(s.ems.as_ref()?.remaining)).of(EMS, "IR 2091"),
];

/// A three-phase inverter has a version of its own, beside those of its processors.
fn firmware(s: &Snapshot) -> Option<Payload> {
    text(s.three_phase.as_ref().map_or(s.inverter.firmware.as_ref(), |own| own.firmware.as_ref()))
}

fn status(s: &Snapshot) -> Option<&String> {
    s.three_phase.as_ref().map_or_else(|| s.ems.as_ref()?.status.as_ref(), |own| own.status.as_ref())
}
