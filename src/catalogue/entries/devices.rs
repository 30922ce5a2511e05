//! What is behind an inverter.

use super::{Entry, entry, float, int, text, thousandth};
use crate::catalogue::Quantity as Q;
use crate::catalogue::families::{ALL, GATEWAY, SINGLE_PHASE, THREE_PHASE};
use crate::catalogue::{Payload, Quantity};
use crate::plant::snapshot::{Aio, Battery, BatteryStack, Meter, Module};

/// What each low-voltage battery publishes, below `Battery_Details/Battery_Stack_1/<its serial>/`.
#[rustfmt::skip]
pub static BATTERY: &[Entry<Battery>] = &[
    battery("Battery_Serial_Number", Q::Text, |b| Some(Payload::Text(b.serial.to_string().into()))).of(SINGLE_PHASE, "IR 110-114"),
    battery("Battery_SOC", Q::StateOfCharge, |b| int(b.soc)).of(SINGLE_PHASE, "IR 100"),
    battery("Battery_Capacity", Q::Charge, |b| float(b.capacity)).of(SINGLE_PHASE, "IR 84-85"),
    battery("Battery_Design_Capacity", Q::Charge, |b| float(b.design_capacity)).of(SINGLE_PHASE, "IR 86-87"),
    battery("Battery_Remaining_Capacity", Q::Charge, |b| float(b.remaining_capacity)).of(SINGLE_PHASE, "IR 88-89"),
    battery("Battery_Firmware_Version", Q::Text, |b| int(b.firmware)).of(SINGLE_PHASE, "IR 98"),
    battery("Battery_Cells", Q::Count, |b| int(b.cell_count)).of(SINGLE_PHASE, "IR 97"),
    battery("Battery_Cycles", Q::Count, |b| int(b.cycles)).of(SINGLE_PHASE, "IR 96"),
    battery("Battery_SOH", Q::Percent, |b| float(b.health())).of(SINGLE_PHASE, "IR 84-85 / IR 86-87").note("at most 100"),
    battery("Battery_Cell_Voltage_High", Q::Voltage, |b| float(b.highest_cell())).of(SINGLE_PHASE, "IR 60 to 75"),
    battery("Battery_Cell_Voltage_Low", Q::Voltage, |b| float(b.lowest_cell())).of(SINGLE_PHASE, "IR 60 to 75"),
    battery("Battery_Cell_Voltage_Difference", Q::Voltage, |b| float(b.cell_spread())).of(SINGLE_PHASE, "IR 60 to 75"),
    battery("Battery_USB_present", Q::Count, |b| int(b.usb)).of(SINGLE_PHASE, "IR 115"),
    battery("Battery_Temperature", Q::Temperature, |b| float(b.temperature)).of(SINGLE_PHASE, "IR 81"),
    battery("Battery_Voltage", Q::Voltage, |b| float(b.voltage)).of(SINGLE_PHASE, "IR 80"),
    battery("Battery_Cell_1_Voltage", Q::Voltage, |b| float(b.cells[0])).of(SINGLE_PHASE, "IR 60"),
    battery("Battery_Cell_2_Voltage", Q::Voltage, |b| float(b.cells[1])).of(SINGLE_PHASE, "IR 61"),
    battery("Battery_Cell_3_Voltage", Q::Voltage, |b| float(b.cells[2])).of(SINGLE_PHASE, "IR 62"),
    battery("Battery_Cell_4_Voltage", Q::Voltage, |b| float(b.cells[3])).of(SINGLE_PHASE, "IR 63"),
    battery("Battery_Cell_5_Voltage", Q::Voltage, |b| float(b.cells[4])).of(SINGLE_PHASE, "IR 64"),
    battery("Battery_Cell_6_Voltage", Q::Voltage, |b| float(b.cells[5])).of(SINGLE_PHASE, "IR 65"),
    battery("Battery_Cell_7_Voltage", Q::Voltage, |b| float(b.cells[6])).of(SINGLE_PHASE, "IR 66"),
    battery("Battery_Cell_8_Voltage", Q::Voltage, |b| float(b.cells[7])).of(SINGLE_PHASE, "IR 67"),
    battery("Battery_Cell_9_Voltage", Q::Voltage, |b| float(b.cells[8])).of(SINGLE_PHASE, "IR 68"),
    battery("Battery_Cell_10_Voltage", Q::Voltage, |b| float(b.cells[9])).of(SINGLE_PHASE, "IR 69"),
    battery("Battery_Cell_11_Voltage", Q::Voltage, |b| float(b.cells[10])).of(SINGLE_PHASE, "IR 70"),
    battery("Battery_Cell_12_Voltage", Q::Voltage, |b| float(b.cells[11])).of(SINGLE_PHASE, "IR 71"),
    battery("Battery_Cell_13_Voltage", Q::Voltage, |b| float(b.cells[12])).of(SINGLE_PHASE, "IR 72"),
    battery("Battery_Cell_14_Voltage", Q::Voltage, |b| float(b.cells[13])).of(SINGLE_PHASE, "IR 73"),
    battery("Battery_Cell_15_Voltage", Q::Voltage, |b| float(b.cells[14])).of(SINGLE_PHASE, "IR 74"),
    battery("Battery_Cell_16_Voltage", Q::Voltage, |b| float(b.cells[15])).of(SINGLE_PHASE, "IR 75"),
    battery("Battery_Cell_1_Temperature", Q::Temperature, |b| float(b.cell_temperatures[0])).of(SINGLE_PHASE, "IR 76").note("of a group of four cells"),
    battery("Battery_Cell_2_Temperature", Q::Temperature, |b| float(b.cell_temperatures[1])).of(SINGLE_PHASE, "IR 77").note("of a group of four cells"),
    battery("Battery_Cell_3_Temperature", Q::Temperature, |b| float(b.cell_temperatures[2])).of(SINGLE_PHASE, "IR 78").note("of a group of four cells"),
    battery("Battery_Cell_4_Temperature", Q::Temperature, |b| float(b.cell_temperatures[3])).of(SINGLE_PHASE, "IR 79").note("of a group of four cells"),
];

/// What each high-voltage stack publishes, below `Battery_Details/Battery_Stack_<n>/`.
#[rustfmt::skip]
pub static STACK: &[Entry<BatteryStack>] = &[
    stack("Stack_Voltage", Q::Voltage, |b| float(b.voltage)).of(SINGLE_PHASE.and(THREE_PHASE), "IR 73"),
    stack("Stack_Load_Voltage", Q::Voltage, |b| float(b.load_voltage)).of(SINGLE_PHASE.and(THREE_PHASE), "IR 74"),
    stack("Stack_Current", Q::Current, |b| float(b.current)).of(SINGLE_PHASE.and(THREE_PHASE), "IR 76").note("charge positive, as GivTCP has it"),
    stack("Stack_Power", Q::Power, |b| int(b.power)).of(SINGLE_PHASE.and(THREE_PHASE), "IR 79").note("charge positive, as `Stack_Current`"),
    stack("Stack_SOC_High", Q::StateOfCharge, |b| int(b.soc_high)).of(SINGLE_PHASE.and(THREE_PHASE), "IR 80").note("of the fullest module"),
    stack("Stack_SOC_Low", Q::StateOfCharge, |b| int(b.soc_low)).of(SINGLE_PHASE.and(THREE_PHASE), "IR 80").note("of the emptiest module"),
    stack("Stack_SOC_Difference", Q::Percent, |b| int(b.soc_high.zip(b.soc_low).map(|(high, low)| (high - low).abs()))).of(SINGLE_PHASE.and(THREE_PHASE), "IR 80"),
    stack("Stack_SOH", Q::Percent, |b| int(b.soh)).of(SINGLE_PHASE.and(THREE_PHASE), "IR 81").note("state of health"),
    stack("Stack_Cycles", Q::Count, |b| float(b.cycles)).of(SINGLE_PHASE.and(THREE_PHASE), "IR 100"),
    stack("Stack_Firmware", Q::Text, |b| text(b.firmware.as_ref())).of(SINGLE_PHASE.and(THREE_PHASE), "IR 60-63"),
    stack("Stack_Design_Capacity", Q::EnergyStored, |b| float(b.design_capacity)).of(SINGLE_PHASE.and(THREE_PHASE), "IR 98, IR 64").note("usable: nine tenths"),
    stack("Stack_SOC_kWh", Q::EnergyStored, |b| float(b.soc_kwh)).of(SINGLE_PHASE.and(THREE_PHASE), "IR 99, IR 64").note("usable: nine tenths"),
    stack("Stack_Charge_Energy_Today_kWh", Q::EnergyToday, |b| float(b.today.battery_charge)).of(SINGLE_PHASE.and(THREE_PHASE), "IR 90-91"),
    stack("Stack_Discharge_Energy_Today_kWh", Q::EnergyToday, |b| float(b.today.battery_discharge)).of(SINGLE_PHASE.and(THREE_PHASE), "IR 92-93"),
    stack("Stack_Charge_Energy_Total_kWh", Q::EnergyTotal, |b| float(b.total.battery_charge)).of(SINGLE_PHASE.and(THREE_PHASE), "IR 82-83"),
    stack("Stack_Discharge_Energy_Total_kWh", Q::EnergyTotal, |b| float(b.total.battery_discharge)).of(SINGLE_PHASE.and(THREE_PHASE), "IR 84-85"),
];

/// What each module of a high-voltage stack publishes, below `Battery_Details/Battery_Stack_<n>/<its serial>/`.
#[rustfmt::skip]
pub static MODULE: &[Entry<Module>] = &[
    module("Battery_Serial_Number", Q::Text, |m| Some(Payload::Text(m.serial.to_string().into()))).of(SINGLE_PHASE.and(THREE_PHASE), "IR 114-118, IR 110"),
    module("Battery_Cell_1_Voltage", Q::Voltage, |m| float(m.cells[0])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 60"),
    module("Battery_Cell_2_Voltage", Q::Voltage, |m| float(m.cells[1])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 61"),
    module("Battery_Cell_3_Voltage", Q::Voltage, |m| float(m.cells[2])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 62"),
    module("Battery_Cell_4_Voltage", Q::Voltage, |m| float(m.cells[3])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 63"),
    module("Battery_Cell_5_Voltage", Q::Voltage, |m| float(m.cells[4])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 64"),
    module("Battery_Cell_6_Voltage", Q::Voltage, |m| float(m.cells[5])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 65"),
    module("Battery_Cell_7_Voltage", Q::Voltage, |m| float(m.cells[6])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 66"),
    module("Battery_Cell_8_Voltage", Q::Voltage, |m| float(m.cells[7])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 67"),
    module("Battery_Cell_9_Voltage", Q::Voltage, |m| float(m.cells[8])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 68"),
    module("Battery_Cell_10_Voltage", Q::Voltage, |m| float(m.cells[9])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 69"),
    module("Battery_Cell_11_Voltage", Q::Voltage, |m| float(m.cells[10])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 70"),
    module("Battery_Cell_12_Voltage", Q::Voltage, |m| float(m.cells[11])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 71"),
    module("Battery_Cell_13_Voltage", Q::Voltage, |m| float(m.cells[12])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 72"),
    module("Battery_Cell_14_Voltage", Q::Voltage, |m| float(m.cells[13])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 73"),
    module("Battery_Cell_15_Voltage", Q::Voltage, |m| float(m.cells[14])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 74"),
    module("Battery_Cell_16_Voltage", Q::Voltage, |m| float(m.cells[15])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 75"),
    module("Battery_Cell_17_Voltage", Q::Voltage, |m| float(m.cells[16])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 76"),
    module("Battery_Cell_18_Voltage", Q::Voltage, |m| float(m.cells[17])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 77"),
    module("Battery_Cell_19_Voltage", Q::Voltage, |m| float(m.cells[18])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 78"),
    module("Battery_Cell_20_Voltage", Q::Voltage, |m| float(m.cells[19])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 79"),
    module("Battery_Cell_21_Voltage", Q::Voltage, |m| float(m.cells[20])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 80"),
    module("Battery_Cell_22_Voltage", Q::Voltage, |m| float(m.cells[21])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 81"),
    module("Battery_Cell_23_Voltage", Q::Voltage, |m| float(m.cells[22])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 82"),
    module("Battery_Cell_24_Voltage", Q::Voltage, |m| float(m.cells[23])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 83"),
    module("Battery_Cell_1_Temperature", Q::Temperature, |m| float(m.temperatures[0])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 90").note("as many as the stack has sensors"),
    module("Battery_Cell_2_Temperature", Q::Temperature, |m| float(m.temperatures[1])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 91").note("as many as the stack has sensors"),
    module("Battery_Cell_3_Temperature", Q::Temperature, |m| float(m.temperatures[2])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 92").note("as many as the stack has sensors"),
    module("Battery_Cell_4_Temperature", Q::Temperature, |m| float(m.temperatures[3])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 93").note("as many as the stack has sensors"),
    module("Battery_Cell_5_Temperature", Q::Temperature, |m| float(m.temperatures[4])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 94").note("as many as the stack has sensors"),
    module("Battery_Cell_6_Temperature", Q::Temperature, |m| float(m.temperatures[5])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 95").note("as many as the stack has sensors"),
    module("Battery_Cell_7_Temperature", Q::Temperature, |m| float(m.temperatures[6])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 96").note("as many as the stack has sensors"),
    module("Battery_Cell_8_Temperature", Q::Temperature, |m| float(m.temperatures[7])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 97").note("as many as the stack has sensors"),
    module("Battery_Cell_9_Temperature", Q::Temperature, |m| float(m.temperatures[8])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 98").note("as many as the stack has sensors"),
    module("Battery_Cell_10_Temperature", Q::Temperature, |m| float(m.temperatures[9])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 99").note("as many as the stack has sensors"),
    module("Battery_Cell_11_Temperature", Q::Temperature, |m| float(m.temperatures[10])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 100").note("as many as the stack has sensors"),
    module("Battery_Cell_12_Temperature", Q::Temperature, |m| float(m.temperatures[11])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 101").note("as many as the stack has sensors"),
    module("Battery_Cell_13_Temperature", Q::Temperature, |m| float(m.temperatures[12])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 102").note("as many as the stack has sensors"),
    module("Battery_Cell_14_Temperature", Q::Temperature, |m| float(m.temperatures[13])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 103").note("as many as the stack has sensors"),
    module("Battery_Cell_15_Temperature", Q::Temperature, |m| float(m.temperatures[14])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 104").note("as many as the stack has sensors"),
    module("Battery_Cell_16_Temperature", Q::Temperature, |m| float(m.temperatures[15])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 105").note("as many as the stack has sensors"),
    module("Battery_Cell_17_Temperature", Q::Temperature, |m| float(m.temperatures[16])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 106").note("as many as the stack has sensors"),
    module("Battery_Cell_18_Temperature", Q::Temperature, |m| float(m.temperatures[17])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 107").note("as many as the stack has sensors"),
    module("Battery_Cell_19_Temperature", Q::Temperature, |m| float(m.temperatures[18])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 108").note("as many as the stack has sensors"),
    module("Battery_Cell_20_Temperature", Q::Temperature, |m| float(m.temperatures[19])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 109").note("as many as the stack has sensors"),
    module("Battery_Cell_21_Temperature", Q::Temperature, |m| float(m.temperatures[20])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 110").note("as many as the stack has sensors"),
    module("Battery_Cell_22_Temperature", Q::Temperature, |m| float(m.temperatures[21])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 111").note("as many as the stack has sensors"),
    module("Battery_Cell_23_Temperature", Q::Temperature, |m| float(m.temperatures[22])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 112").note("as many as the stack has sensors"),
    module("Battery_Cell_24_Temperature", Q::Temperature, |m| float(m.temperatures[23])).of(SINGLE_PHASE.and(THREE_PHASE), "IR 113").note("as many as the stack has sensors"),
];

/// What each meter publishes, below `Meter_Details/Meter_ID<n>/`.
#[rustfmt::skip]
pub static METER: &[Entry<Meter>] = &[
    meter("Phase_1_Voltage", Q::Voltage, |m| float(m.voltage[0])).of(ALL, "IR 60"),
    meter("Phase_1_Current", Q::Current, |m| float(m.current[0])).of(ALL, "IR 63"),
    meter("Phase_1_Power", Q::Power, |m| int(m.power[0])).of(ALL, "IR 68"),
    meter("Phase_1_Power_Factor", Q::PowerFactor, |m| float(m.power_factor[0])).of(ALL, "IR 80"),
    meter("Phase_2_Voltage", Q::Voltage, |m| float(m.voltage[1])).of(ALL, "IR 61"),
    meter("Phase_2_Current", Q::Current, |m| float(m.current[1])).of(ALL, "IR 64"),
    meter("Phase_2_Power", Q::Power, |m| int(m.power[1])).of(ALL, "IR 69"),
    meter("Phase_2_Power_Factor", Q::PowerFactor, |m| float(m.power_factor[1])).of(ALL, "IR 81"),
    meter("Phase_3_Voltage", Q::Voltage, |m| float(m.voltage[2])).of(ALL, "IR 62"),
    meter("Phase_3_Current", Q::Current, |m| float(m.current[2])).of(ALL, "IR 65"),
    meter("Phase_3_Power", Q::Power, |m| int(m.power[2])).of(ALL, "IR 70"),
    meter("Phase_3_Power_Factor", Q::PowerFactor, |m| float(m.power_factor[2])).of(ALL, "IR 82"),
    meter("Frequency", Q::Frequency, |m| float(m.frequency)).of(ALL, "IR 84"),
    meter("Import_Energy_kWh", Q::EnergyTotal, |m| float(m.import)).of(ALL, "IR 85"),
    meter("Export_Energy_kWh", Q::EnergyTotal, |m| float(m.export)).of(ALL, "IR 87"),
];

/// What each all-in-one behind a gateway publishes, below `Inverters/AIO_<n>/`; the registers are those of the first.
#[rustfmt::skip]
pub static AIO: &[Entry<Aio>] = &[
    aio("AIO_<n>_Serial_Number", Q::Text, |a| Some(Payload::Text(a.serial.to_string().into()))).of(GATEWAY, "IR 1841-1845"),
    aio("SOC", Q::StateOfCharge, |a| int(a.soc)).of(GATEWAY, "IR 1801"),
    aio("Invertor_Power", Q::Power, |a| int(a.power)).of(GATEWAY, "IR 1816").note("discharge positive"),
    aio("AC_Charge_Energy_Today_kWh", Q::EnergyToday, |a| float(a.today.ac_charge)).of(GATEWAY, "IR 1705"),
    aio("AC_Discharge_Energy_Today_kWh", Q::EnergyToday, |a| float(a.today.ac_discharge)).of(GATEWAY, "IR 1750"),
    aio("AC_Charge_Energy_Total_kWh", Q::EnergyTotal, |a| float(thousandth(a.total.ac_charge))).of(GATEWAY, "IR 1706-1707"),
    aio("AC_Discharge_Energy_Total_kWh", Q::EnergyTotal, |a| float(thousandth(a.total.ac_discharge))).of(GATEWAY, "IR 1751-1752"),
    aio("AC_Charge_Energy_Lifetime_kWh", Q::EnergyTotal, |a| float(a.total.ac_charge)).of(GATEWAY, "IR 1706-1707").note("the true total"),
    aio("AC_Discharge_Energy_Lifetime_kWh", Q::EnergyTotal, |a| float(a.total.ac_discharge)).of(GATEWAY, "IR 1751-1752").note("the true total"),
];

const fn battery(path: &'static str, quantity: Quantity, get: fn(&Battery) -> Option<Payload>) -> Entry<Battery> {
    entry(path, quantity, get)
}

const fn stack(
    path: &'static str,
    quantity: Quantity,
    get: fn(&BatteryStack) -> Option<Payload>,
) -> Entry<BatteryStack> {
    entry(path, quantity, get)
}

const fn module(path: &'static str, quantity: Quantity, get: fn(&Module) -> Option<Payload>) -> Entry<Module> {
    entry(path, quantity, get)
}

const fn meter(path: &'static str, quantity: Quantity, get: fn(&Meter) -> Option<Payload>) -> Entry<Meter> {
    entry(path, quantity, get)
}

const fn aio(path: &'static str, quantity: Quantity, get: fn(&Aio) -> Option<Payload>) -> Entry<Aio> {
    entry(path, quantity, get)
}
