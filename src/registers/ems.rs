//! A plant controller (EMS): its settings, and what it says of the inverters and meters that it leads.

use super::build::{code, code_part, hex_part, i16, slot, text, u16};
use super::enums;

super::table! {
    Holding {
        plant_status = code(2040, &enums::STATUS);
        expected_inverter_count = u16(2041);
        expected_meter_count = u16(2042);
        expected_car_charger_count = u16(2043);
        discharge_slot_1 = slot(2044);
        discharge_target_1 = u16(2046);
        discharge_slot_2 = slot(2047);
        discharge_target_2 = u16(2049);
        discharge_slot_3 = slot(2050);
        discharge_target_3 = u16(2052);
        charge_slot_1 = slot(2053);
        charge_target_1 = u16(2055);
        charge_slot_2 = slot(2056);
        charge_target_2 = u16(2058);
        charge_slot_3 = slot(2059);
        charge_target_3 = u16(2061);
        export_slot_1 = slot(2062);
        export_target_1 = u16(2064);
        export_slot_2 = slot(2065);
        export_target_2 = u16(2067);
        export_slot_3 = slot(2068);
        export_target_3 = u16(2070);
        export_power_limit = u16(2071);
        car_charge_mode = u16(2072);
        car_charge_boost = u16(2073);
        plant_charge_compensation = u16(2074);
        plant_discharge_compensation = u16(2075);
    }
    Input {
        e_active_generation_total = u16(18).kwh();
        ems_status = code(2040, &enums::STATUS);
        meter_count = u16(2041);
        meter_types = u16(2042);
        meter_1_status = code_part(2043, 0, 2, &enums::METER_STATUS);
        meter_2_status = code_part(2043, 2, 2, &enums::METER_STATUS);
        meter_3_status = code_part(2043, 4, 2, &enums::METER_STATUS);
        meter_4_status = code_part(2043, 6, 2, &enums::METER_STATUS);
        meter_5_status = code_part(2043, 8, 2, &enums::METER_STATUS);
        meter_6_status = code_part(2043, 10, 2, &enums::METER_STATUS);
        meter_7_status = code_part(2043, 12, 2, &enums::METER_STATUS);
        meter_8_status = code_part(2043, 14, 2, &enums::METER_STATUS);
        inverter_count = u16(2044);
        inverter_1_status = hex_part(2045, 0, 3);
        inverter_2_status = hex_part(2045, 3, 3);
        inverter_3_status = hex_part(2045, 6, 3);
        inverter_4_status = hex_part(2045, 9, 3);
        inverter_1_suspected_status = code_part(2045, 0, 3, &enums::EMS_INVERTER_STATUS);
        inverter_2_suspected_status = code_part(2045, 3, 3, &enums::EMS_INVERTER_STATUS);
        inverter_3_suspected_status = code_part(2045, 6, 3, &enums::EMS_INVERTER_STATUS);
        inverter_4_suspected_status = code_part(2045, 9, 3, &enums::EMS_INVERTER_STATUS);
        meter_1_power = i16(2046).watts();
        meter_2_power = i16(2047).watts();
        meter_3_power = i16(2048).watts();
        meter_4_power = i16(2049).watts();
        meter_5_power = i16(2050).watts();
        meter_6_power = i16(2051).watts();
        meter_7_power = i16(2052).watts();
        meter_8_power = i16(2053).watts();
        inverter_1_power = i16(2054).watts();
        inverter_2_power = i16(2055).watts();
        inverter_3_power = i16(2056).watts();
        inverter_4_power = i16(2057).watts();
        inverter_1_soc = u16(2058).percent();
        inverter_2_soc = u16(2059).percent();
        inverter_3_soc = u16(2060).percent();
        inverter_4_soc = u16(2061).percent();
        inverter_1_temp = i16(2062).tenths().celsius().between(-60.0, 150.0);
        inverter_2_temp = i16(2063).tenths().celsius().between(-60.0, 150.0);
        inverter_3_temp = i16(2064).tenths().celsius().between(-60.0, 150.0);
        inverter_4_temp = i16(2065).tenths().celsius().between(-60.0, 150.0);
        inverter_1_serial_number = text(2066, 5);
        inverter_2_serial_number = text(2071, 5);
        inverter_3_serial_number = text(2076, 5);
        inverter_4_serial_number = text(2081, 5);
        calc_load_power = u16(2086).watts();
        measured_load_power = u16(2087).watts();
        total_generation_load_power = u16(2088).watts();
        grid_meter_power = i16(2089).watts();
        total_battery_power = i16(2090).watts();
        remaining_battery_wh = u16(2091).watt_hours();
        other_battery_power = i16(2094).watts();
    }
}
