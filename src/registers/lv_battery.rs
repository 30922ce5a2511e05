//! A low-voltage battery, at 0x32 to 0x37.
//!
//! The inverter answers from its cache of what the battery said last.

use super::build::{high, i16, low, text, u16, u32};

super::table! {
    Input {
        v_cell_01 = u16(60).thousandths().volts().between(1.0, 5.0);
        v_cell_02 = u16(61).thousandths().volts().between(1.0, 5.0);
        v_cell_03 = u16(62).thousandths().volts().between(1.0, 5.0);
        v_cell_04 = u16(63).thousandths().volts().between(1.0, 5.0);
        v_cell_05 = u16(64).thousandths().volts().between(1.0, 5.0);
        v_cell_06 = u16(65).thousandths().volts().between(1.0, 5.0);
        v_cell_07 = u16(66).thousandths().volts().between(1.0, 5.0);
        v_cell_08 = u16(67).thousandths().volts().between(1.0, 5.0);
        v_cell_09 = u16(68).thousandths().volts().between(1.0, 5.0);
        v_cell_10 = u16(69).thousandths().volts().between(1.0, 5.0);
        v_cell_11 = u16(70).thousandths().volts().between(1.0, 5.0);
        v_cell_12 = u16(71).thousandths().volts().between(1.0, 5.0);
        v_cell_13 = u16(72).thousandths().volts().between(1.0, 5.0);
        v_cell_14 = u16(73).thousandths().volts().between(1.0, 5.0);
        v_cell_15 = u16(74).thousandths().volts().between(1.0, 5.0);
        v_cell_16 = u16(75).thousandths().volts().between(1.0, 5.0);
        t_cells_01_04 = i16(76).tenths().celsius().between(-60.0, 150.0);
        t_cells_05_08 = i16(77).tenths().celsius().between(-60.0, 150.0);
        t_cells_09_12 = i16(78).tenths().celsius().between(-60.0, 150.0);
        t_cells_13_16 = i16(79).tenths().celsius().between(-60.0, 150.0);
        v_cells_sum = u16(80).thousandths().volts().between(16.0, 80.0);
        t_bms_mosfet = i16(81).tenths().celsius().between(-60.0, 150.0);
        v_out = u32(82).thousandths().volts().between(16.0, 80.0);
        cap_calibrated = u32(84).hundredths().amp_hours();
        cap_design = u32(86).hundredths().amp_hours();
        cap_remaining = u32(88).hundredths().amp_hours();
        status_1 = high(90);
        status_2 = low(90);
        status_3 = high(91);
        status_4 = low(91);
        status_5 = high(92);
        status_6 = low(92);
        status_7 = high(93);
        warning_1 = high(94);
        warning_2 = low(94);
        i_battery = i16(95).hundredths().amps().between(-300.0, 300.0);
        num_cycles = u16(96);
        num_cells = u16(97);
        bms_firmware_version = u16(98);
        soc = u16(100).percent().between(0.0, 100.0);
        cap_design2 = u32(101).hundredths().amp_hours();
        t_max = i16(103).tenths().celsius().between(-60.0, 150.0);
        t_min = i16(104).tenths().celsius().between(-60.0, 150.0);
        e_battery_discharge_total = u16(105).tenths().kwh();
        e_battery_charge_total = u16(106).tenths().kwh();
        force_discharge_flag = u16(107);
        serial_number = text(110, 5);
        usb_device_inserted = u16(115);
    }
}
