//! One line a published value. Paths are below `<root>/<serial>/`; `<serial>` in a path stands for the inverter's own.

use jiff::ZonedDateTime;
use jiff::civil::Time;

use super::{Payload, Quantity};
use crate::plant::Rejection;
use crate::plant::snapshot::{Battery, Meter, Snapshot};

/// A published value.
#[derive(Debug)]
pub struct Entry<T: 'static> {
    /// Where it goes.
    pub path: &'static str,
    /// What it measures.
    pub quantity: Quantity,
    /// How it is had; nothing where it was not read or this model has none.
    pub get: fn(&T) -> Option<Payload>,
}

const fn line<T>(path: &'static str, quantity: Quantity, get: fn(&T) -> Option<Payload>) -> Entry<T> {
    Entry { path, quantity, get }
}

fn int(value: Option<i64>) -> Option<Payload> {
    value.map(Payload::Integer)
}

/// As GivTCP rounds: to three places.
pub(super) fn float(value: Option<f64>) -> Option<Payload> {
    value.map(|value| Payload::Float((value * 1000.0).round() / 1000.0))
}

fn text(value: Option<&String>) -> Option<Payload> {
    value.map(|text| Payload::Text(text.as_str().into()))
}

fn word(value: Option<&'static str>) -> Option<Payload> {
    value.map(Payload::Word)
}

fn switch(value: Option<bool>) -> Option<Payload> {
    value.map(|on| Payload::Word(if on { "enable" } else { "disable" }))
}

fn iso(value: Option<&ZonedDateTime>) -> Option<Payload> {
    value.map(|time| Payload::Text(time.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string().into()))
}

fn clock(value: Option<Time>) -> Option<Payload> {
    value.map(|time| Payload::Text(time.strftime("%H:%M:%S").to_string().into()))
}

use Quantity as Q;

/// What a plant publishes once.
#[rustfmt::skip]
pub static PLANT: &[Entry<Snapshot>] = &[
    line("Power/Power/PV_Power", Q::Power, |s| int(s.power.pv)),
    line("Power/Power/PV_Power_String_1", Q::Power, |s| int(s.power.pv_string[0])),
    line("Power/Power/PV_Power_String_2", Q::Power, |s| int(s.power.pv_string[1])),
    line("Power/Power/PV_Voltage_String_1", Q::Voltage, |s| float(s.power.pv_voltage[0])),
    line("Power/Power/PV_Voltage_String_2", Q::Voltage, |s| float(s.power.pv_voltage[1])),
    line("Power/Power/PV_Current_String_1", Q::Current, |s| float(s.power.pv_current[0])),
    line("Power/Power/PV_Current_String_2", Q::Current, |s| float(s.power.pv_current[1])),
    line("Power/Power/Grid_Power", Q::Power, |s| int(s.power.grid)),
    line("Power/Power/Import_Power", Q::Power, |s| int(s.power.import())),
    line("Power/Power/Export_Power", Q::Power, |s| int(s.power.export())),
    line("Power/Power/Grid_Voltage", Q::Voltage, |s| float(s.power.grid_voltage)),
    line("Power/Power/Grid_Current", Q::Current, |s| float(s.power.grid_current)),
    line("Power/Power/Grid_Frequency", Q::Frequency, |s| float(s.power.grid_frequency)),
    line("Power/Power/Inverter_Output_Frequency", Q::Frequency, |s| float(s.power.output_frequency)),
    line("Power/Power/EPS_Power", Q::Power, |s| int(s.power.eps)),
    line("Power/Power/Invertor_Power", Q::Power, |s| int(s.power.inverter)),
    line("Power/Power/AC_Charge_Power", Q::Power, |s| int(s.power.ac_charge())),
    line("Power/Power/Load_Power", Q::Power, |s| int(s.power.load)),
    line("Power/Power/Self_Consumption_Power", Q::Power, |s| int(s.power.self_consumption())),
    line("Power/Power/Combined_Generation_Power", Q::Power, |s| int(s.power.combined_generation)),
    line("Power/Power/SOC", Q::StateOfCharge, |s| int(s.power.soc)),
    line("Power/Power/SOC_kWh", Q::EnergyStored, |s| float(s.power.soc_kwh)),
    line("Power/Power/Battery_Power", Q::Power, |s| int(s.power.battery)),
    line("Power/Power/Battery_Voltage", Q::Voltage, |s| float(s.power.battery_voltage)),
    line("Power/Power/Battery_Current", Q::Current, |s| float(s.power.battery_current)),
    line("Power/Power/Charge_Power", Q::Power, |s| int(s.power.charge())),
    line("Power/Power/Discharge_Power", Q::Power, |s| int(s.power.discharge())),
    line("Power/Power/Charge_Time_Remaining", Q::Minutes, |s| int(s.power.charge_minutes)),
    line("Power/Power/Discharge_Time_Remaining", Q::Minutes, |s| int(s.power.discharge_minutes)),
    line("Power/Power/Charge_Completion_Time", Q::Timestamp, |s| iso(s.power.charge_completion.as_ref())),
    line("Power/Power/Discharge_Completion_Time", Q::Timestamp, |s| iso(s.power.discharge_completion.as_ref())),

    line("Power/Flows/Solar_to_House", Q::Power, |s| int(s.flows.solar_to_house)),
    line("Power/Flows/Solar_to_Battery", Q::Power, |s| int(s.flows.solar_to_battery)),
    line("Power/Flows/Solar_to_Grid", Q::Power, |s| int(s.flows.solar_to_grid)),
    line("Power/Flows/Battery_to_House", Q::Power, |s| int(s.flows.battery_to_house)),
    line("Power/Flows/Battery_to_Grid", Q::Power, |s| int(s.flows.battery_to_grid)),
    line("Power/Flows/Grid_to_Battery", Q::Power, |s| int(s.flows.grid_to_battery)),
    line("Power/Flows/Grid_to_House", Q::Power, |s| int(s.flows.grid_to_house)),

    line("Energy/Today/PV_Energy_Today_kWh", Q::EnergyToday, |s| float(s.today.pv)),
    line("Energy/Today/Import_Energy_Today_kWh", Q::EnergyToday, |s| float(s.today.import)),
    line("Energy/Today/Export_Energy_Today_kWh", Q::EnergyToday, |s| float(s.today.export)),
    line("Energy/Today/AC_Charge_Energy_Today_kWh", Q::EnergyToday, |s| float(s.today.ac_charge)),
    line("Energy/Today/Invertor_Energy_Today_kWh", Q::EnergyToday, |s| float(s.today.inverter)),
    line("Energy/Today/Battery_Charge_Energy_Today_kWh", Q::EnergyToday, |s| float(s.today.battery_charge)),
    line("Energy/Today/Battery_Discharge_Energy_Today_kWh", Q::EnergyToday, |s| float(s.today.battery_discharge)),
    line("Energy/Today/Battery_Throughput_Today_kWh", Q::EnergyToday, |s| float(s.today.battery_throughput)),
    line("Energy/Today/Load_Energy_Today_kWh", Q::EnergyToday, |s| float(s.today.load)),
    line("Energy/Today/Self_Consumption_Energy_Today_kWh", Q::EnergyToday, |s| float(s.today.self_consumption)),

    line("Energy/Total/PV_Energy_Total_kWh", Q::EnergyTotal, |s| float(s.total.pv)),
    line("Energy/Total/Import_Energy_Total_kWh", Q::EnergyTotal, |s| float(s.total.import)),
    line("Energy/Total/Export_Energy_Total_kWh", Q::EnergyTotal, |s| float(s.total.export)),
    line("Energy/Total/AC_Charge_Energy_Total_kWh", Q::EnergyTotal, |s| float(s.total.ac_charge)),
    line("Energy/Total/Invertor_Energy_Total_kWh", Q::EnergyTotal, |s| float(s.total.inverter)),
    line("Energy/Total/Battery_Charge_Energy_Total_kWh", Q::EnergyTotal, |s| float(s.total.battery_charge)),
    line("Energy/Total/Battery_Discharge_Energy_Total_kWh", Q::EnergyTotal, |s| float(s.total.battery_discharge)),
    line("Energy/Total/Battery_Throughput_Total_kWh", Q::EnergyTotal, |s| float(s.total.battery_throughput)),
    line("Energy/Total/Load_Energy_Total_kWh", Q::EnergyTotal, |s| float(s.total.load)),
    line("Energy/Total/Self_Consumption_Energy_Total_kWh", Q::EnergyTotal, |s| float(s.total.self_consumption)),

    line("<serial>/Invertor_Serial_Number", Q::Text, |s| Some(Payload::Text(s.identity.serial.to_string().into()))),
    line("<serial>/Invertor_Type", Q::Text, |s| Some(Payload::Text(s.identity.model.givtcp_name().into()))),
    line("<serial>/Invertor_Firmware", Q::Text, |s| text(s.inverter.firmware.as_ref())),
    line("<serial>/Invertor_Time", Q::Timestamp, |s| iso(s.inverter.time.as_ref())),
    line("<serial>/Invertor_Max_Inv_Rate", Q::Power, |s| int(s.inverter.max_power)),
    line("<serial>/Invertor_Max_Bat_Rate", Q::Power, |s| int(s.inverter.max_battery_power)),
    line("<serial>/Invertor_Temperature", Q::Temperature, |s| float(s.inverter.temperature)),
    line("<serial>/Export_Limit", Q::Power, |s| int(s.inverter.export_limit)),
    line("<serial>/Battery_Type", Q::Text, |s| text(s.inverter.battery_type.as_ref())),
    line("<serial>/Battery_Capacity_kWh", Q::EnergyStored, |s| float(s.inverter.battery_capacity)),
    line("<serial>/Battery_Calibration_Status", Q::Text, |s| text(s.inverter.calibration_status.as_ref())),
    line("<serial>/Meter_Type", Q::Text, |s| text(s.inverter.meter_type.as_ref())),
    line("<serial>/Modbus_Version", Q::Text, |s| text(s.inverter.modbus_version.as_ref())),

    line("Control/Mode", Q::Choice, |s| word(s.control.mode)),
    line("Control/Eco_Mode", Q::Switch, |s| switch(s.control.eco)),
    line("Control/Enable_Charge_Schedule", Q::Switch, |s| switch(s.control.charge_schedule)),
    line("Control/Enable_Discharge_Schedule", Q::Switch, |s| switch(s.control.discharge_schedule)),
    line("Control/Enable_Charge_Target", Q::Switch, |s| switch(s.control.charge_target_enabled)),
    line("Control/Battery_Charge_Rate", Q::Power, |s| int(s.control.charge_rate_watts)),
    line("Control/Battery_Discharge_Rate", Q::Power, |s| int(s.control.discharge_rate_watts)),
    line("Control/Battery_Charge_Rate_AC", Q::Percent, |s| int(s.control.charge_rate_ac_percent)),
    line("Control/Battery_Discharge_Rate_AC", Q::Percent, |s| int(s.control.discharge_rate_ac_percent)),
    line("Control/Battery_Power_Reserve", Q::Percent, |s| int(s.control.reserve_percent)),
    line("Control/Battery_Power_Cutoff", Q::Percent, |s| int(s.control.cutoff_percent)),
    line("Control/Target_SOC", Q::Percent, |s| int(s.control.target_percent)),
    line("Control/Real_Time_Control", Q::Switch, |s| switch(s.control.real_time_control)),
    line("Control/Battery_pause_mode", Q::Choice, |s| text(s.control.pause_mode.as_ref())),
    line("Control/Battery_Calibration", Q::Choice, |s| word(s.control.calibration)),
    line("Control/Active_Power_Rate", Q::Percent, |s| int(s.control.active_power_percent)),
    line("Control/Charge_Target_SOC_1", Q::Percent, |s| int(s.control.charge_slot_targets[0])),
    line("Control/Charge_Target_SOC_2", Q::Percent, |s| int(s.control.charge_slot_targets[1])),
    line("Control/Charge_Target_SOC_3", Q::Percent, |s| int(s.control.charge_slot_targets[2])),
    line("Control/Charge_Target_SOC_4", Q::Percent, |s| int(s.control.charge_slot_targets[3])),
    line("Control/Charge_Target_SOC_5", Q::Percent, |s| int(s.control.charge_slot_targets[4])),
    line("Control/Charge_Target_SOC_6", Q::Percent, |s| int(s.control.charge_slot_targets[5])),
    line("Control/Charge_Target_SOC_7", Q::Percent, |s| int(s.control.charge_slot_targets[6])),
    line("Control/Charge_Target_SOC_8", Q::Percent, |s| int(s.control.charge_slot_targets[7])),
    line("Control/Charge_Target_SOC_9", Q::Percent, |s| int(s.control.charge_slot_targets[8])),
    line("Control/Charge_Target_SOC_10", Q::Percent, |s| int(s.control.charge_slot_targets[9])),
    line("Control/Discharge_Target_SOC_1", Q::Percent, |s| int(s.control.discharge_slot_targets[0])),
    line("Control/Discharge_Target_SOC_2", Q::Percent, |s| int(s.control.discharge_slot_targets[1])),
    line("Control/Discharge_Target_SOC_3", Q::Percent, |s| int(s.control.discharge_slot_targets[2])),
    line("Control/Discharge_Target_SOC_4", Q::Percent, |s| int(s.control.discharge_slot_targets[3])),
    line("Control/Discharge_Target_SOC_5", Q::Percent, |s| int(s.control.discharge_slot_targets[4])),
    line("Control/Discharge_Target_SOC_6", Q::Percent, |s| int(s.control.discharge_slot_targets[5])),
    line("Control/Discharge_Target_SOC_7", Q::Percent, |s| int(s.control.discharge_slot_targets[6])),
    line("Control/Discharge_Target_SOC_8", Q::Percent, |s| int(s.control.discharge_slot_targets[7])),
    line("Control/Discharge_Target_SOC_9", Q::Percent, |s| int(s.control.discharge_slot_targets[8])),
    line("Control/Discharge_Target_SOC_10", Q::Percent, |s| int(s.control.discharge_slot_targets[9])),

    line("Timeslots/Charge_start_time_slot_1", Q::TimeOfDay, |s| clock(s.timeslots.charge[0].map(|t| t.start))),
    line("Timeslots/Charge_end_time_slot_1", Q::TimeOfDay, |s| clock(s.timeslots.charge[0].map(|t| t.end))),
    line("Timeslots/Charge_start_time_slot_2", Q::TimeOfDay, |s| clock(s.timeslots.charge[1].map(|t| t.start))),
    line("Timeslots/Charge_end_time_slot_2", Q::TimeOfDay, |s| clock(s.timeslots.charge[1].map(|t| t.end))),
    line("Timeslots/Charge_start_time_slot_3", Q::TimeOfDay, |s| clock(s.timeslots.charge[2].map(|t| t.start))),
    line("Timeslots/Charge_end_time_slot_3", Q::TimeOfDay, |s| clock(s.timeslots.charge[2].map(|t| t.end))),
    line("Timeslots/Charge_start_time_slot_4", Q::TimeOfDay, |s| clock(s.timeslots.charge[3].map(|t| t.start))),
    line("Timeslots/Charge_end_time_slot_4", Q::TimeOfDay, |s| clock(s.timeslots.charge[3].map(|t| t.end))),
    line("Timeslots/Charge_start_time_slot_5", Q::TimeOfDay, |s| clock(s.timeslots.charge[4].map(|t| t.start))),
    line("Timeslots/Charge_end_time_slot_5", Q::TimeOfDay, |s| clock(s.timeslots.charge[4].map(|t| t.end))),
    line("Timeslots/Charge_start_time_slot_6", Q::TimeOfDay, |s| clock(s.timeslots.charge[5].map(|t| t.start))),
    line("Timeslots/Charge_end_time_slot_6", Q::TimeOfDay, |s| clock(s.timeslots.charge[5].map(|t| t.end))),
    line("Timeslots/Charge_start_time_slot_7", Q::TimeOfDay, |s| clock(s.timeslots.charge[6].map(|t| t.start))),
    line("Timeslots/Charge_end_time_slot_7", Q::TimeOfDay, |s| clock(s.timeslots.charge[6].map(|t| t.end))),
    line("Timeslots/Charge_start_time_slot_8", Q::TimeOfDay, |s| clock(s.timeslots.charge[7].map(|t| t.start))),
    line("Timeslots/Charge_end_time_slot_8", Q::TimeOfDay, |s| clock(s.timeslots.charge[7].map(|t| t.end))),
    line("Timeslots/Charge_start_time_slot_9", Q::TimeOfDay, |s| clock(s.timeslots.charge[8].map(|t| t.start))),
    line("Timeslots/Charge_end_time_slot_9", Q::TimeOfDay, |s| clock(s.timeslots.charge[8].map(|t| t.end))),
    line("Timeslots/Charge_start_time_slot_10", Q::TimeOfDay, |s| clock(s.timeslots.charge[9].map(|t| t.start))),
    line("Timeslots/Charge_end_time_slot_10", Q::TimeOfDay, |s| clock(s.timeslots.charge[9].map(|t| t.end))),
    line("Timeslots/Discharge_start_time_slot_1", Q::TimeOfDay, |s| clock(s.timeslots.discharge[0].map(|t| t.start))),
    line("Timeslots/Discharge_end_time_slot_1", Q::TimeOfDay, |s| clock(s.timeslots.discharge[0].map(|t| t.end))),
    line("Timeslots/Discharge_start_time_slot_2", Q::TimeOfDay, |s| clock(s.timeslots.discharge[1].map(|t| t.start))),
    line("Timeslots/Discharge_end_time_slot_2", Q::TimeOfDay, |s| clock(s.timeslots.discharge[1].map(|t| t.end))),
    line("Timeslots/Discharge_start_time_slot_3", Q::TimeOfDay, |s| clock(s.timeslots.discharge[2].map(|t| t.start))),
    line("Timeslots/Discharge_end_time_slot_3", Q::TimeOfDay, |s| clock(s.timeslots.discharge[2].map(|t| t.end))),
    line("Timeslots/Discharge_start_time_slot_4", Q::TimeOfDay, |s| clock(s.timeslots.discharge[3].map(|t| t.start))),
    line("Timeslots/Discharge_end_time_slot_4", Q::TimeOfDay, |s| clock(s.timeslots.discharge[3].map(|t| t.end))),
    line("Timeslots/Discharge_start_time_slot_5", Q::TimeOfDay, |s| clock(s.timeslots.discharge[4].map(|t| t.start))),
    line("Timeslots/Discharge_end_time_slot_5", Q::TimeOfDay, |s| clock(s.timeslots.discharge[4].map(|t| t.end))),
    line("Timeslots/Discharge_start_time_slot_6", Q::TimeOfDay, |s| clock(s.timeslots.discharge[5].map(|t| t.start))),
    line("Timeslots/Discharge_end_time_slot_6", Q::TimeOfDay, |s| clock(s.timeslots.discharge[5].map(|t| t.end))),
    line("Timeslots/Discharge_start_time_slot_7", Q::TimeOfDay, |s| clock(s.timeslots.discharge[6].map(|t| t.start))),
    line("Timeslots/Discharge_end_time_slot_7", Q::TimeOfDay, |s| clock(s.timeslots.discharge[6].map(|t| t.end))),
    line("Timeslots/Discharge_start_time_slot_8", Q::TimeOfDay, |s| clock(s.timeslots.discharge[7].map(|t| t.start))),
    line("Timeslots/Discharge_end_time_slot_8", Q::TimeOfDay, |s| clock(s.timeslots.discharge[7].map(|t| t.end))),
    line("Timeslots/Discharge_start_time_slot_9", Q::TimeOfDay, |s| clock(s.timeslots.discharge[8].map(|t| t.start))),
    line("Timeslots/Discharge_end_time_slot_9", Q::TimeOfDay, |s| clock(s.timeslots.discharge[8].map(|t| t.end))),
    line("Timeslots/Discharge_start_time_slot_10", Q::TimeOfDay, |s| clock(s.timeslots.discharge[9].map(|t| t.start))),
    line("Timeslots/Discharge_end_time_slot_10", Q::TimeOfDay, |s| clock(s.timeslots.discharge[9].map(|t| t.end))),
    line("Timeslots/Battery_pause_start_time_slot", Q::TimeOfDay, |s| clock(s.timeslots.pause.map(|t| t.start))),
    line("Timeslots/Battery_pause_end_time_slot", Q::TimeOfDay, |s| clock(s.timeslots.pause.map(|t| t.end))),

    line("Battery_Details/Battery_Stack_1/BMS_Temperature", Q::Temperature, |s| float(s.inverter.bms_temperature)),
    line("Battery_Details/Battery_Stack_1/BMS_Voltage", Q::Voltage, |s| float(s.power.battery_voltage)),

    line("Stats/GivTCP_Version", Q::Text, |_| Some(Payload::Word(VERSION))),
    line("Stats/Last_Updated_Time", Q::Timestamp, last_updated),
    line("Stats/Time_Since_Last_Update", Q::Seconds, |s| float(s.stats.since_previous)),
    line("Stats/Timeout_Error", Q::Count, |s| Some(count(s.stats.timeouts))),
    line("Stats/Write_Count", Q::Count, |_| Some(Payload::Integer(0))),
    line("Stats/Safe_Write_Count", Q::Count, |_| Some(Payload::Integer(0))),
    line("Stats/Skipped_Cycles", Q::Count, |s| Some(count(s.stats.skipped_cycles))),
    line("Stats/Stale_Blocks", Q::Count, |s| Some(count(s.stats.stale_blocks))),
    line("Stats/Rejected_Blocks", Q::Count, |s| Some(count(s.stats.rejections.total()))),
    line("Stats/Rejections/length", Q::Count, |s| Some(count(s.stats.rejections.of(Rejection::Length)))),
    line("Stats/Rejections/stray_packet", Q::Count, |s| Some(count(s.stats.rejections.of(Rejection::StrayPacket)))),
    line("Stats/Rejections/all_zero", Q::Count, |s| Some(count(s.stats.rejections.of(Rejection::AllZero)))),
    line("Stats/Rejections/serial_shape", Q::Count, |s| Some(count(s.stats.rejections.of(Rejection::SerialShape)))),
    line("Stats/Rejections/serial_contradiction", Q::Count, |s| Some(count(s.stats.rejections.of(Rejection::SerialContradiction)))),
    line("Stats/Rejections/other_model", Q::Count, |s| Some(count(s.stats.rejections.of(Rejection::OtherModel)))),
    line("Stats/Rejections/impossible_clock", Q::Count, |s| Some(count(s.stats.rejections.of(Rejection::ImpossibleClock)))),
    line("Stats/Rejections/cells_zero", Q::Count, |s| Some(count(s.stats.rejections.of(Rejection::CellsZero)))),
    line("Stats/Rejections/temperatures_zero", Q::Count, |s| Some(count(s.stats.rejections.of(Rejection::TemperaturesZero)))),
    line("Stats/Rejections/first_block", Q::Count, |s| Some(count(s.stats.rejections.of(Rejection::FirstBlock)))),
    line("Stats/Rejections/battery_step", Q::Count, |s| Some(count(s.stats.rejections.of(Rejection::BatteryStep)))),
    line("Stats/Rejections/splice", Q::Count, |s| Some(count(s.stats.rejections.of(Rejection::Splice)))),
    line("Stats/Rejections/battery_kind", Q::Count, |s| Some(count(s.stats.rejections.of(Rejection::BatteryKind)))),
    line("Stats/Rejections/serial_change", Q::Count, |s| Some(count(s.stats.rejections.of(Rejection::SerialChange)))),
    line("Stats/Rejections/implausible_field", Q::Count, |s| Some(count(s.stats.rejections.of(Rejection::ImplausibleField)))),
    line("Stats/Rejections/jump", Q::Count, |s| Some(count(s.stats.rejections.of(Rejection::Jump)))),
    line("Stats/Rejections/imbalance", Q::Count, |s| Some(count(s.stats.rejections.of(Rejection::Imbalance)))),
    line("Stats/Rejections/other_block", Q::Count, |s| Some(count(s.stats.rejections.of(Rejection::OtherBlock)))),
    line("Stats/CRC_Errors", Q::Count, |s| Some(count(s.stats.crc_errors))),
    line("Stats/Reconnects", Q::Count, |s| Some(count(s.stats.reconnects))),
];

/// It begins with the version of GivTCP whose topics these are, since Predbat and others look at that.
const VERSION: &str = concat!("3.5+givtcp.", env!("CARGO_PKG_VERSION"));

fn count(value: u64) -> Payload {
    Payload::Integer(i64::try_from(value).unwrap_or(i64::MAX))
}

fn last_updated(snapshot: &Snapshot) -> Option<Payload> {
    let at = snapshot.stats.last_updated?;
    Some(Payload::Text(at.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string().into()))
}

/// What each battery publishes, below `Battery_Details/Battery_Stack_1/<its serial>/`.
#[rustfmt::skip]
pub static BATTERY: &[Entry<Battery>] = &[
    line("Battery_Serial_Number", Q::Text, |b| Some(Payload::Text(b.serial.to_string().into()))),
    line("Battery_SOC", Q::StateOfCharge, |b| int(b.soc)),
    line("Battery_Capacity", Q::Charge, |b| float(b.capacity)),
    line("Battery_Design_Capacity", Q::Charge, |b| float(b.design_capacity)),
    line("Battery_Remaining_Capacity", Q::Charge, |b| float(b.remaining_capacity)),
    line("Battery_Firmware_Version", Q::Text, |b| int(b.firmware)),
    line("Battery_Cells", Q::Count, |b| int(b.cell_count)),
    line("Battery_Cycles", Q::Count, |b| int(b.cycles)),
    line("Battery_USB_present", Q::Count, |b| int(b.usb)),
    line("Battery_Temperature", Q::Temperature, |b| float(b.temperature)),
    line("Battery_Voltage", Q::Voltage, |b| float(b.voltage)),
    line("Battery_Cell_1_Voltage", Q::Voltage, |b| float(b.cells[0])),
    line("Battery_Cell_2_Voltage", Q::Voltage, |b| float(b.cells[1])),
    line("Battery_Cell_3_Voltage", Q::Voltage, |b| float(b.cells[2])),
    line("Battery_Cell_4_Voltage", Q::Voltage, |b| float(b.cells[3])),
    line("Battery_Cell_5_Voltage", Q::Voltage, |b| float(b.cells[4])),
    line("Battery_Cell_6_Voltage", Q::Voltage, |b| float(b.cells[5])),
    line("Battery_Cell_7_Voltage", Q::Voltage, |b| float(b.cells[6])),
    line("Battery_Cell_8_Voltage", Q::Voltage, |b| float(b.cells[7])),
    line("Battery_Cell_9_Voltage", Q::Voltage, |b| float(b.cells[8])),
    line("Battery_Cell_10_Voltage", Q::Voltage, |b| float(b.cells[9])),
    line("Battery_Cell_11_Voltage", Q::Voltage, |b| float(b.cells[10])),
    line("Battery_Cell_12_Voltage", Q::Voltage, |b| float(b.cells[11])),
    line("Battery_Cell_13_Voltage", Q::Voltage, |b| float(b.cells[12])),
    line("Battery_Cell_14_Voltage", Q::Voltage, |b| float(b.cells[13])),
    line("Battery_Cell_15_Voltage", Q::Voltage, |b| float(b.cells[14])),
    line("Battery_Cell_16_Voltage", Q::Voltage, |b| float(b.cells[15])),
    line("Battery_Cell_1_Temperature", Q::Temperature, |b| float(b.cell_temperatures[0])),
    line("Battery_Cell_2_Temperature", Q::Temperature, |b| float(b.cell_temperatures[1])),
    line("Battery_Cell_3_Temperature", Q::Temperature, |b| float(b.cell_temperatures[2])),
    line("Battery_Cell_4_Temperature", Q::Temperature, |b| float(b.cell_temperatures[3])),
];

/// What each meter publishes, below `Meter_Details/Meter_ID<n>/`.
#[rustfmt::skip]
pub static METER: &[Entry<Meter>] = &[
    line("Phase_1_Voltage", Q::Voltage, |m| float(m.voltage[0])),
    line("Phase_1_Current", Q::Current, |m| float(m.current[0])),
    line("Phase_1_Power", Q::Power, |m| int(m.power[0])),
    line("Phase_1_Power_Factor", Q::PowerFactor, |m| float(m.power_factor[0])),
    line("Phase_2_Voltage", Q::Voltage, |m| float(m.voltage[1])),
    line("Phase_2_Current", Q::Current, |m| float(m.current[1])),
    line("Phase_2_Power", Q::Power, |m| int(m.power[1])),
    line("Phase_2_Power_Factor", Q::PowerFactor, |m| float(m.power_factor[1])),
    line("Phase_3_Voltage", Q::Voltage, |m| float(m.voltage[2])),
    line("Phase_3_Current", Q::Current, |m| float(m.current[2])),
    line("Phase_3_Power", Q::Power, |m| int(m.power[2])),
    line("Phase_3_Power_Factor", Q::PowerFactor, |m| float(m.power_factor[2])),
    line("Frequency", Q::Frequency, |m| float(m.frequency)),
    line("Import_Energy_kWh", Q::EnergyTotal, |m| float(m.import)),
    line("Export_Energy_kWh", Q::EnergyTotal, |m| float(m.export)),
];
