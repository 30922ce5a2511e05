//! The controller of a high-voltage battery stack, at 0x70 and on.
//!
//! Current is positive while charging.

use super::build::{code, high, i16, low, text, u16, u32, version8};
use super::enums;

super::table! {
    Input {
        pack_software_version = version8(60);
        number_of_modules = u16(64).givtcp("number_of_module");
        cells_per_module = u16(65);
        total_cell_count = u16(67).givtcp("cluster_cell_voltage");
        total_temperature_sensor_count = u16(68).givtcp("cluster_cell_temperature");
        status = u16(70);
        status_label = code(70, &enums::BCU_STATUS);
        battery_voltage = u16(73).tenths().volts().between(0.0, 1000.0);
        load_voltage = u16(74).tenths().volts().between(0.0, 1000.0);
        battery_current = i16(76).tenths().amps().between(-500.0, 500.0);
        // Signed, and in tenths: as held against voltage and current of three plants (docs/decode-differences.md).
        battery_power = i16(79).tenths().kilowatts();
        battery_soc_max = high(80).percent().between(0.0, 100.0);
        battery_soc_min = low(80).percent().between(0.0, 100.0);
        battery_soh = u16(81).percent().between(0.0, 100.0);
        charge_energy_total = u32(82).tenths().kwh();
        discharge_energy_total = u32(84).tenths().kwh();
        charge_capacity_total = u32(86).amp_hours();
        discharge_capacity_total = u32(88).amp_hours();
        charge_energy_today = u32(90).tenths().kwh();
        discharge_energy_today = u32(92).tenths().kwh();
        charge_capacity_today = u32(94).amp_hours();
        discharge_capacity_today = u32(96).amp_hours();
        battery_nominal_capacity_ah = u16(98).tenths().amp_hours();
        remaining_battery_capacity_ah = u16(99).tenths().amp_hours();
        number_of_cycles = u16(100).tenths();
        min_discharge_voltage = u16(102).tenths().volts();
        max_charge_voltage = u16(103).tenths().volts().givtcp("min_charge_voltage");
        min_discharge_current = u16(104).tenths().amps();
        max_charge_current = u16(105).tenths().amps().givtcp("min_charge_current");
        fan_fault_code = u16(107);
        self_check_status = u16(113);
        pack_warning_status = u32(114);
        pack_protection_status = u32(116);
        pack_fault_status = u32(118);
        serial_number = text(138, 5);
    }
}
