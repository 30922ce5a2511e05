//! A gateway with its all-in-ones: firmware of the first layout, the only one that a device has shown.

use super::build::{bits32, code, i16, i16_negated, text, u16, u32, version8};
use super::enums;

super::table! {
    Input {
        software_version = version8(1600);
        work_mode = code(1604, &enums::WORK_MODE);
        v_grid = i16(1608).tenths().volts().between(0.0, 500.0);
        i_grid = i16(1609).tenths().amps().between(-500.0, 500.0);
        v_load = u16(1610).tenths().volts().between(0.0, 500.0);
        i_load = u16(1611).tenths().amps().between(0.0, 500.0);
        i_pv = i16(1612).tenths().amps().between(0.0, 500.0);
        p_ac1 = i16(1616).watts();
        p_pv = u16(1617).watts().between(0.0, 50000.0);
        p_load = u16(1618).watts().between(0.0, 50000.0);
        p_liberty = i16_negated(1619).watts();
        fault_protection = u32(1620);
        gateway_fault_codes = bits32(1622, &enums::GATEWAY_FAULTS);
        v_grid_relay = u16(1624).tenths().volts().between(0.0, 500.0);
        v_inverter_relay = u16(1625).tenths().volts().between(0.0, 500.0);
        first_inverter_serial_number = text(1627, 5);
        e_grid_import_today = u16(1640).tenths().kwh();
        e_grid_import_total = u32(1641).tenths().kwh();
        e_pv_today = u16(1643).tenths().kwh();
        e_pv_total = u32(1644).tenths().kwh();
        e_grid_export_today = u16(1646).tenths().kwh();
        e_grid_export_total = u32(1647).tenths().kwh();
        e_aio_charge_today = u16(1649).tenths().kwh();
        e_aio_charge_total = u32(1650).tenths().kwh();
        e_aio_discharge_today = u16(1652).tenths().kwh();
        e_aio_discharge_total = u32(1653).tenths().kwh();
        e_load_today = u16(1655).tenths().kwh();
        e_load_total = u32(1656).tenths().kwh();
        parallel_aio_num = u16(1700);
        parallel_aio_online_num = u16(1701);
        p_aio_total = i16_negated(1702).watts();
        aio_state = code(1703, &enums::STATE);
        battery_firmware_version = u16(1704);
        e_aio1_charge_today = u16(1705).tenths().kwh();
        e_aio1_charge_total = u32(1706).tenths().kwh();
        e_aio2_charge_today = u16(1708).tenths().kwh();
        e_aio2_charge_total = u32(1709).tenths().kwh();
        e_aio3_charge_today = u16(1711).tenths().kwh();
        e_aio3_charge_total = u32(1712).tenths().kwh();
        e_aio1_discharge_today = u16(1750).tenths().kwh();
        e_aio1_discharge_total = u32(1751).tenths().kwh();
        e_aio2_discharge_today = u16(1753).tenths().kwh();
        e_aio2_discharge_total = u32(1754).tenths().kwh();
        e_aio3_discharge_today = u16(1756).tenths().kwh();
        e_aio3_discharge_total = u32(1757).tenths().kwh();
        e_battery_charge_today = u16(1795).tenths().kwh();
        e_battery_charge_total = u32(1796).tenths().kwh();
        e_battery_discharge_today = u16(1798).tenths().kwh();
        e_battery_discharge_total = u32(1799).tenths().kwh();
        aio1_soc = u16(1801).percent().between(0.0, 100.0);
        aio2_soc = u16(1802).percent().between(0.0, 100.0);
        aio3_soc = u16(1803).percent().between(0.0, 100.0);
        p_aio1_inverter = i16_negated(1816).watts();
        p_aio2_inverter = i16_negated(1817).watts();
        p_aio3_inverter = i16_negated(1818).watts();
        aio1_serial_number = text(1841, 5);
        aio2_serial_number = text(1846, 5);
        aio3_serial_number = text(1851, 5);
    }
}
