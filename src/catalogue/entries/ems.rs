//! What only a plant controller tells.

use super::{Entry, clock, cow, entry, float, int, line};
use crate::catalogue::Quantity as Q;
use crate::catalogue::families::EMS;
use crate::catalogue::{Payload, Quantity};
use crate::plant::snapshot::{EmsInverter, Snapshot};

/// What only a plant controller tells of its plant.
#[rustfmt::skip]
pub static EMS_PLANT: &[Entry<Snapshot>] = &[
    line("Power/Grid_Power", Q::Power, |s| int(s.ems.as_ref()?.grid)).of(EMS, "IR 2089").note("import positive, as GivTCP has it: the other sign than everywhere else"),
    line("Power/Calculated_Load_Power", Q::Power, |s| int(s.ems.as_ref()?.calculated_load)).of(EMS, "IR 2086"),
    line("Power/Measured_Load_Power", Q::Power, |s| int(s.ems.as_ref()?.measured_load)).of(EMS, "IR 2087"),
    line("Power/Generation_Load_Power", Q::Power, |s| int(s.ems.as_ref()?.generation)).of(EMS, "IR 2088"),
    line("Power/Total_Power", Q::Power, |s| int(s.ems.as_ref()?.total)).of(EMS, "IR 52"),
    line("Power/Battery_Power", Q::Power, |s| int(s.ems.as_ref()?.battery)).of(EMS, "IR 2090").note("discharge positive"),
    line("Power/Other_Battery_Power", Q::Power, |s| int(s.ems.as_ref()?.other_battery)).of(EMS, "IR 2094"),
    line("Power/Meters/Meter_1_Power", Q::Power, |s| int(s.ems.as_ref()?.meters[0].power)).of(EMS, "IR 2046, IR 2043"),
    line("Power/Meters/Meter_1_Status", Q::Text, |s| cow(s.ems.as_ref()?.meters[0].status.as_ref())).of(EMS, "IR 2043"),
    line("Power/Meters/Meter_2_Power", Q::Power, |s| int(s.ems.as_ref()?.meters[1].power)).of(EMS, "IR 2047, IR 2043"),
    line("Power/Meters/Meter_2_Status", Q::Text, |s| cow(s.ems.as_ref()?.meters[1].status.as_ref())).of(EMS, "IR 2043"),
    line("Power/Meters/Meter_3_Power", Q::Power, |s| int(s.ems.as_ref()?.meters[2].power)).of(EMS, "IR 2048, IR 2043"),
    line("Power/Meters/Meter_3_Status", Q::Text, |s| cow(s.ems.as_ref()?.meters[2].status.as_ref())).of(EMS, "IR 2043"),
    line("Power/Meters/Meter_4_Power", Q::Power, |s| int(s.ems.as_ref()?.meters[3].power)).of(EMS, "IR 2049, IR 2043"),
    line("Power/Meters/Meter_4_Status", Q::Text, |s| cow(s.ems.as_ref()?.meters[3].status.as_ref())).of(EMS, "IR 2043"),
    line("Power/Meters/Meter_5_Power", Q::Power, |s| int(s.ems.as_ref()?.meters[4].power)).of(EMS, "IR 2050, IR 2043"),
    line("Power/Meters/Meter_5_Status", Q::Text, |s| cow(s.ems.as_ref()?.meters[4].status.as_ref())).of(EMS, "IR 2043"),
    line("Power/Meters/Meter_6_Power", Q::Power, |s| int(s.ems.as_ref()?.meters[5].power)).of(EMS, "IR 2051, IR 2043"),
    line("Power/Meters/Meter_6_Status", Q::Text, |s| cow(s.ems.as_ref()?.meters[5].status.as_ref())).of(EMS, "IR 2043"),
    line("Power/Meters/Meter_7_Power", Q::Power, |s| int(s.ems.as_ref()?.meters[6].power)).of(EMS, "IR 2052, IR 2043"),
    line("Power/Meters/Meter_7_Status", Q::Text, |s| cow(s.ems.as_ref()?.meters[6].status.as_ref())).of(EMS, "IR 2043"),
    line("Power/Meters/Meter_8_Power", Q::Power, |s| int(s.ems.as_ref()?.meters[7].power)).of(EMS, "IR 2053, IR 2043"),
    line("Power/Meters/Meter_8_Status", Q::Text, |s| cow(s.ems.as_ref()?.meters[7].status.as_ref())).of(EMS, "IR 2043"),
    line("Control/EMS_Charge_Target_SOC_1", Q::Percent, |s| int(s.ems.as_ref()?.charge[0].target)).of(EMS, "HR 2055"),
    line("Control/EMS_Charge_Target_SOC_2", Q::Percent, |s| int(s.ems.as_ref()?.charge[1].target)).of(EMS, "HR 2058"),
    line("Control/EMS_Charge_Target_SOC_3", Q::Percent, |s| int(s.ems.as_ref()?.charge[2].target)).of(EMS, "HR 2061"),
    line("Control/EMS_Discharge_Target_SOC_1", Q::Percent, |s| int(s.ems.as_ref()?.discharge[0].target)).of(EMS, "HR 2046"),
    line("Control/EMS_Discharge_Target_SOC_2", Q::Percent, |s| int(s.ems.as_ref()?.discharge[1].target)).of(EMS, "HR 2049"),
    line("Control/EMS_Discharge_Target_SOC_3", Q::Percent, |s| int(s.ems.as_ref()?.discharge[2].target)).of(EMS, "HR 2052"),
    line("Control/Export_Target_SOC_1", Q::Percent, |s| int(s.ems.as_ref()?.export[0].target)).of(EMS, "HR 2064"),
    line("Control/Export_Target_SOC_2", Q::Percent, |s| int(s.ems.as_ref()?.export[1].target)).of(EMS, "HR 2067"),
    line("Control/Export_Target_SOC_3", Q::Percent, |s| int(s.ems.as_ref()?.export[2].target)).of(EMS, "HR 2070"),
    line("Control/Car_Charge_Mode", Q::Count, |s| int(s.ems.as_ref()?.car_charge_mode)).of(EMS, "HR 2072"),
    line("Control/Car_Charge_Boost", Q::Count, |s| int(s.ems.as_ref()?.car_charge_boost)).of(EMS, "HR 2073"),
    line("Control/Plant_Charge_Compensation", Q::Count, |s| int(s.ems.as_ref()?.charge_compensation)).of(EMS, "HR 2074"),
    line("Control/Plant_Discharge_Compensation", Q::Count, |s| int(s.ems.as_ref()?.discharge_compensation)).of(EMS, "HR 2075"),
    line("Timeslots/EMS_Charge_start_time_slot_1", Q::TimeOfDay, |s| clock(s.ems.as_ref()?.charge[0].slot.map(|t| t.start))).of(EMS, "HR 2053"),
    line("Timeslots/EMS_Charge_end_time_slot_1", Q::TimeOfDay, |s| clock(s.ems.as_ref()?.charge[0].slot.map(|t| t.end))).of(EMS, "HR 2054"),
    line("Timeslots/EMS_Charge_start_time_slot_2", Q::TimeOfDay, |s| clock(s.ems.as_ref()?.charge[1].slot.map(|t| t.start))).of(EMS, "HR 2056"),
    line("Timeslots/EMS_Charge_end_time_slot_2", Q::TimeOfDay, |s| clock(s.ems.as_ref()?.charge[1].slot.map(|t| t.end))).of(EMS, "HR 2057"),
    line("Timeslots/EMS_Charge_start_time_slot_3", Q::TimeOfDay, |s| clock(s.ems.as_ref()?.charge[2].slot.map(|t| t.start))).of(EMS, "HR 2059"),
    line("Timeslots/EMS_Charge_end_time_slot_3", Q::TimeOfDay, |s| clock(s.ems.as_ref()?.charge[2].slot.map(|t| t.end))).of(EMS, "HR 2060"),
    line("Timeslots/EMS_Discharge_start_time_slot_1", Q::TimeOfDay, |s| clock(s.ems.as_ref()?.discharge[0].slot.map(|t| t.start))).of(EMS, "HR 2044"),
    line("Timeslots/EMS_Discharge_end_time_slot_1", Q::TimeOfDay, |s| clock(s.ems.as_ref()?.discharge[0].slot.map(|t| t.end))).of(EMS, "HR 2045"),
    line("Timeslots/EMS_Discharge_start_time_slot_2", Q::TimeOfDay, |s| clock(s.ems.as_ref()?.discharge[1].slot.map(|t| t.start))).of(EMS, "HR 2047"),
    line("Timeslots/EMS_Discharge_end_time_slot_2", Q::TimeOfDay, |s| clock(s.ems.as_ref()?.discharge[1].slot.map(|t| t.end))).of(EMS, "HR 2048"),
    line("Timeslots/EMS_Discharge_start_time_slot_3", Q::TimeOfDay, |s| clock(s.ems.as_ref()?.discharge[2].slot.map(|t| t.start))).of(EMS, "HR 2050"),
    line("Timeslots/EMS_Discharge_end_time_slot_3", Q::TimeOfDay, |s| clock(s.ems.as_ref()?.discharge[2].slot.map(|t| t.end))).of(EMS, "HR 2051"),
    line("Timeslots/Export_start_time_slot_1", Q::TimeOfDay, |s| clock(s.ems.as_ref()?.export[0].slot.map(|t| t.start))).of(EMS, "HR 2062"),
    line("Timeslots/Export_end_time_slot_1", Q::TimeOfDay, |s| clock(s.ems.as_ref()?.export[0].slot.map(|t| t.end))).of(EMS, "HR 2063"),
    line("Timeslots/Export_start_time_slot_2", Q::TimeOfDay, |s| clock(s.ems.as_ref()?.export[1].slot.map(|t| t.start))).of(EMS, "HR 2065"),
    line("Timeslots/Export_end_time_slot_2", Q::TimeOfDay, |s| clock(s.ems.as_ref()?.export[1].slot.map(|t| t.end))).of(EMS, "HR 2066"),
    line("Timeslots/Export_start_time_slot_3", Q::TimeOfDay, |s| clock(s.ems.as_ref()?.export[2].slot.map(|t| t.start))).of(EMS, "HR 2068"),
    line("Timeslots/Export_end_time_slot_3", Q::TimeOfDay, |s| clock(s.ems.as_ref()?.export[2].slot.map(|t| t.end))).of(EMS, "HR 2069"),
];

/// What each inverter that a plant controller leads publishes, below `Inverters/<its serial>/`; the registers are those of the
/// first.
#[rustfmt::skip]
pub static EMS_INVERTER: &[Entry<EmsInverter>] = &[
    inverter("Serial_Number", Q::Text, |i| Some(Payload::Text(i.serial.to_string().into()))).of(EMS, "IR 2066-2070"),
    inverter("Power", Q::Power, |i| int(i.power)).of(EMS, "IR 2054"),
    inverter("SOC", Q::StateOfCharge, |i| int(i.soc)).of(EMS, "IR 2058"),
    inverter("Temperature", Q::Temperature, |i| float(i.temperature)).of(EMS, "IR 2062"),
    inverter("status", Q::Text, |i| cow(i.status.as_ref())).of(EMS, "IR 2045"),
];

const fn inverter(
    path: &'static str,
    quantity: Quantity,
    get: fn(&EmsInverter) -> Option<Payload>,
) -> Entry<EmsInverter> {
    entry(path, quantity, get)
}
