//! Three-phase inverters: what stands elsewhere than in a single-phase one, and what a single-phase one does not have.
//!
//! Voltages are between phases where `v_ac` is their name. [`fields`] has what stands where it does in a single-phase
//! inverter, too.

use super::build::{bits16, choice, code, firmware, flag, i16, i32, slot, text, u16, u32};
use super::enums;

super::table! {
    Holding {
        grid_r_voltage_adjustment = u16(101).volts();
        grid_s_voltage_adjustment = u16(102).volts();
        grid_t_voltage_adjustment = u16(103).volts();
        grid_power_adjustment = u16(104);
        system_enable = flag(1000);
        set_command_save = flag(1001);
        active_rate = u16(1002);
        reactive_rate = u16(1003);
        set_power_factor = u16(1004);
        real_time_control = flag(1005);
        grid_connect_time = u16(1007);
        grid_reconnect_time = u16(1008);
        grid_connect_slope = u16(1009).tenths();
        com_baud_rate = u16(1010);
        grid_reconnect_slope = u16(1011);
        meter_fail_enable = u16(1017);
        v_grid_low_limit_trip = u16(1018).tenths().volts().between(0.0, 500.0);
        v_grid_high_limit_trip = u16(1019).tenths().volts().between(0.0, 500.0);
        f_grid_low_limit_trip = u16(1020).hundredths().hertz().between(40.0, 70.0);
        f_grid_high_limit_trip = u16(1021).hundredths().hertz().between(40.0, 70.0);
        v_grid_low_limit_reconnect = u16(1022).tenths().volts().between(0.0, 500.0);
        v_grid_high_limit_reconnect = u16(1023).tenths().volts().between(0.0, 500.0);
        f_grid_low_limit_reconnect = u16(1024).hundredths().hertz().between(40.0, 70.0);
        f_grid_high_limit_reconnect = u16(1025).hundredths().hertz().between(40.0, 70.0);
        v_grid_low_limit_grid = u16(1026).tenths().volts().between(0.0, 500.0);
        v_grid_high_limit_grid = u16(1027).tenths().volts().between(0.0, 500.0);
        f_grid_low_limit_grid = u16(1028).hundredths().hertz().between(40.0, 70.0);
        f_grid_high_limit_grid = u16(1029).hundredths().hertz().between(40.0, 70.0);
        v_grid_low_limit_cee = u16(1030).tenths().volts().between(0.0, 500.0);
        v_grid_high_limit_cee = u16(1031).tenths().volts().between(0.0, 500.0);
        f_grid_low_limit_cee = u16(1032).hundredths().hertz().between(40.0, 70.0);
        f_grid_high_limit_cee = u16(1033).hundredths().hertz().between(40.0, 70.0);
        time_grid_low_voltage_limit_trip = u16(1034).hundredths().seconds();
        time_grid_high_voltage_limit_trip = u16(1035).hundredths().seconds();
        time_grid_low_voltage_limit_reconnect = u16(1036).hundredths().seconds();
        time_grid_high_voltage_limit_reconnect = u16(1037).hundredths().seconds();
        time_grid_low_freq_limit_trip = u16(1038).hundredths().seconds();
        time_grid_high_freq_limit_trip = u16(1039).hundredths().seconds();
        time_grid_low_freq_limit_reconnect = u16(1040).hundredths().seconds();
        time_grid_high_freq_limit_reconnect = u16(1041).hundredths().seconds();
        v_10min_protect = u16(1042).tenths().volts().between(0.0, 500.0);
        pf_model = code(1043, &enums::POWER_FACTOR_FUNCTION_MODEL);
        f_over_derate_start = u16(1045).hundredths().hertz().between(40.0, 70.0);
        f_over_derate_slope = u16(1046).hertz();
        q_lockin_power = u16(1047).watts();
        q_lock_out_power = u16(1048).watts();
        pf_lock_in_voltage = u16(1049).tenths().volts().between(0.0, 500.0);
        pf_lock_out_voltage = u16(1050).tenths().volts().between(0.0, 500.0);
        f_under_derate_slope = u16(1051).thousandths().hertz();
        v_reactive_delay_time = u16(1052).thousandths().volts();
        time_over_freq_delay_time = u16(1053).hundredths();
        pf_limit_load_1 = u16(1054);
        pf_limit_pf_1 = u16(1055);
        pf_limit_load_2 = u16(1056);
        pf_limit_pf_2 = u16(1057);
        pf_limit_load_3 = u16(1058);
        pf_limit_pf_3 = u16(1059);
        pf_limit_load_4 = u16(1060);
        pf_limit_pf_4 = u16(1061);
        export_power_rate = u16(1063).tenths().between(0.0, 100.0);
        f_under_derate_start = u16(1064).hundredths().hertz().between(40.0, 70.0);
        f_under_derate_end = u16(1065).hundredths().hertz().between(40.0, 70.0);
        f_over_derate_end = u16(1066).hundredths().hertz().between(40.0, 70.0);
        time_under_freq_derate_delay = u16(1067).hundredths();
        f_over_derate_stop = u16(1069).hundredths().hertz().between(40.0, 70.0);
        f_over_derate_recovery_delay = u16(1070).hundredths().hertz();
        zero_current_low_voltage = u16(1071).tenths().volts().between(0.0, 500.0);
        zero_current_high_voltage = u16(1072).tenths().volts().between(0.0, 500.0);
        f_power_on_recovery = u16(1073).hundredths().hertz().between(40.0, 70.0);
        f_under_derate_stop = u16(1074).hundredths().hertz().between(40.0, 70.0);
        f_under_derate_recovery_delay = u16(1075).hundredths().hertz();
        pv_input_mode = u16(1077);
        battery_reserve_soc = u16(1078).percent();
        ac_power_derate_delay = u16(1079).hundredths();
        battery_type = code(1080, &enums::BATTERY_TYPE);
        qu_curve_volt_high_point_1 = u16(1081);
        qu_curve_volt_high_point_2 = u16(1082);
        qu_curve_volt_low_point_1 = u16(1083);
        qu_curve_volt_low_point_2 = u16(1084);
        voltage_reactive_power_percentage = u16(1085).percent();
        qu_curve_max_inductive_reactive_power = u16(1086).watts();
        qu_curve_max_capacitive_reactive_power = u16(1087).watts();
        max_charge_current = u16(1088).amps();
        v_battery_lv = u16(1089).tenths().volts().between(0.0, 1000.0);
        v_battery_cv = u16(1090).tenths().volts().between(0.0, 1000.0);
        lead_acid_number = u16(1091).tenths();
        drms_enable = flag(1093);
        aging_test = u16(1098);
        bypass_enable = flag(1100);
        npe_enable = flag(1101);
        export_power_limit = u16(1102);
        enable_export_limit = flag(1103);
        unbalance_output_enable = flag(1104);
        backup_enable = flag(1105);
        v_backup_nominal = choice(1106, &[(0, 230), (1, 208), (2, 240)]);
        f_backup_nominal = choice(1107, &[(0, 50), (1, 60)]);
        battery_discharge_limit_ac = u16(1108);
        battery_soc_reserve = u16(1109).percent();
        battery_charge_limit_ac = u16(1110);
        charge_target_soc = u16(1111).percent();
        ac_charge_enable = flag(1112);
        charge_slot_1 = slot(1113);
        charge_slot_2 = slot(1115);
        load_compensation_enable = flag(1117);
        discharge_slot_1 = slot(1118);
        discharge_slot_2 = slot(1120);
        force_discharge_enable = flag(1122);
        force_charge_enable = flag(1123);
        battery_maintenance_mode = code(1124, &enums::BATTERY_MAINTENANCE);
    }
    Input {
        v_pv1 = u16(1001).tenths().volts().between(0.0, 2000.0);
        v_pv2 = u16(1002).tenths().volts().between(0.0, 2000.0);
        i_pv1 = u16(1009).tenths().amps().between(0.0, 500.0);
        i_pv2 = u16(1010).tenths().amps().between(0.0, 500.0);
        p_pv1 = u32(1017).tenths().watts().between(0.0, 100_000.0);
        p_pv2 = u32(1019).tenths().watts().between(0.0, 100_000.0);
        v_ac1 = u16(1061).tenths().volts().between(0.0, 500.0);
        v_ac2 = u16(1062).tenths().volts().between(0.0, 500.0);
        v_ac3 = u16(1063).tenths().volts().between(0.0, 500.0);
        i_ac1 = u16(1064).tenths().amps().between(0.0, 500.0);
        i_ac2 = u16(1065).tenths().amps().between(0.0, 500.0);
        i_ac3 = u16(1066).tenths().amps().between(0.0, 500.0);
        f_ac1 = u16(1067).hundredths().hertz().between(40.0, 70.0);
        power_factor = i16(1068);
        p_inverter_out = i32(1069).tenths().watts().between(-100_000.0, 100_000.0);
        p_inverter_ac_charge = u32(1071).tenths().watts().between(0.0, 100_000.0);
        p_grid_apparent = u32(1073).tenths().volt_amps().between(0.0, 100_000.0);
        system_mode = u16(1075);
        status = code(1076, &enums::STATUS);
        start_delay_time = u16(1077);
        p_meter_import = u32(1079).tenths().watts().between(0.0, 100_000.0);
        p_meter_export = u32(1081).tenths().watts().between(0.0, 100_000.0);
        p_meter_active_ac1 = i16(1083).watts();
        p_meter_active_ac2 = i16(1084).watts();
        p_meter_active_ac3 = i16(1085).watts();
        p_load_all = u32(1089).tenths().watts().between(0.0, 100_000.0);
        p_inverter_active_ac1 = i16(1091).watts();
        p_inverter_active_ac2 = i16(1092).watts();
        p_inverter_active_ac3 = i16(1093).watts();
        v_out_ac1 = u16(1094).tenths().volts().between(0.0, 500.0);
        v_out_ac2 = u16(1095).tenths().volts().between(0.0, 500.0);
        v_out_ac3 = u16(1096).tenths().volts().between(0.0, 500.0);
        battery_priority = u16(1120);
        battery_type_ir = code(1121, &enums::BATTERY_TYPE);
        dc_status = code(1124, &enums::STATUS);
        t_inverter = i16(1128).tenths().celsius().between(-60.0, 150.0);
        t_boost = i16(1129).tenths().celsius().between(-60.0, 150.0);
        t_buck_boost = i16(1130).tenths().celsius().between(-60.0, 150.0);
        v_battery_bms = u16(1131).tenths().volts().between(0.0, 1000.0);
        battery_soc = u16(1132).percent().between(0.0, 100.0);
        v_battery_pcs = u16(1133).tenths().volts().between(0.0, 1000.0);
        v_dc_bus = u16(1134).tenths().volts();
        v_inv_bus = u16(1135).tenths().volts();
        p_battery_discharge = u32(1136).tenths().watts().between(0.0, 100_000.0);
        p_battery_charge = u32(1138).tenths().watts().between(0.0, 100_000.0);
        i_battery = i16(1140).hundredths().amps().between(-300.0, 300.0);
        f_nominal_eps = u16(1180).hundredths().hertz().between(40.0, 70.0);
        v_eps_ac1 = u16(1181).tenths().volts().between(0.0, 500.0);
        v_eps_ac2 = u16(1182).tenths().volts().between(0.0, 500.0);
        v_eps_ac3 = u16(1183).tenths().volts().between(0.0, 500.0);
        i_eps_ac1 = u16(1184).tenths().amps().between(0.0, 500.0);
        i_eps_ac2 = u16(1185).tenths().amps().between(0.0, 500.0);
        i_eps_ac3 = u16(1186).tenths().amps().between(0.0, 500.0);
        p_eps_ac1 = u32(1187).tenths().watts().between(0.0, 100_000.0);
        p_eps_ac2 = u32(1189).tenths().watts().between(0.0, 100_000.0);
        p_eps_ac3 = u32(1191).tenths().watts().between(0.0, 100_000.0);
        p_export = u32(1240).tenths().watts().between(0.0, 100_000.0);
        p_meter2 = u32(1244).tenths().watts().between(0.0, 100_000.0);
        inverter_fault_codes_0 = bits16(1300, &enums::THREE_PHASE_FAULTS[0]);
        inverter_fault_codes_1 = bits16(1301, &enums::THREE_PHASE_FAULTS[1]);
        inverter_fault_codes_2 = bits16(1302, &enums::THREE_PHASE_FAULTS[2]);
        inverter_fault_codes_3 = bits16(1303, &enums::THREE_PHASE_FAULTS[3]);
        inverter_fault_codes_4 = bits16(1304, &enums::THREE_PHASE_FAULTS[4]);
        inverter_fault_codes_5 = bits16(1305, &enums::THREE_PHASE_FAULTS[5]);
        inverter_fault_codes_6 = bits16(1306, &enums::THREE_PHASE_FAULTS[6]);
        inverter_fault_codes_7 = bits16(1307, &enums::THREE_PHASE_FAULTS[7]);
        tph_software_version = text(1317, 3);
        tph_firmware_version = text(1320, 5);
        firmware_version = firmware(1325, 1327);
        ac_dsp_firmware_version = u16(1325);
        dc_dsp_firmware_version = u16(1326);
        tph_arm_firmware_version = u16(1327);
        e_inverter_out_today = u32(1360).tenths().kwh();
        e_inverter_out_total = u32(1362).tenths().kwh();
        e_pv1_today = u32(1366).tenths().kwh();
        e_pv1_total = u32(1368).tenths().kwh();
        e_pv2_today = u32(1370).tenths().kwh();
        e_pv2_total = u32(1372).tenths().kwh();
        e_pv_total = u32(1374).tenths().kwh();
        e_ac_charge_today = u32(1376).tenths().kwh();
        e_ac_charge_total = u32(1378).tenths().kwh();
        e_import_today = u32(1380).tenths().kwh();
        e_import_total = u32(1382).tenths().kwh();
        e_export_today = u32(1384).tenths().kwh();
        e_export_total = u32(1386).tenths().kwh();
        e_battery_discharge_today = u32(1388).tenths().kwh();
        e_battery_discharge_total = u32(1390).tenths().kwh();
        e_battery_charge_today = u32(1392).tenths().kwh();
        e_battery_charge_total = u32(1394).tenths().kwh();
        e_load_today = u32(1396).tenths().kwh();
        e_load_total = u32(1398).tenths().kwh();
        e_export2_today = u32(1400).tenths().kwh();
        e_export2_total = u32(1402).tenths().kwh();
        e_pv_today = u32(1412).tenths().kwh();
    }
}

/// What only a single-phase inverter has.
const SINGLE_PHASE_ALONE: &[&str] = &[
    "e_battery_throughput",
    "enable_battery_self_heating",
    "enable_lora",
    "grid_import_limit",
    "grid_import_limit_enabled",
    "p_battery",
];

/// Every field of this family: those of a single-phase inverter that are not elsewhere here, then its own.
pub fn fields() -> Vec<&'static Field> {
    super::inherited(super::single_phase::FIELDS, FIELDS, SINGLE_PHASE_ALONE)
}
