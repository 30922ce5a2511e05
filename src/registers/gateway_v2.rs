//! A gateway with its all-in-ones: what stands elsewhere in firmware of the second layout.
//!
//! No device has shown this layout yet (firmware GAAA0014 uses the first), so nothing is decoded by it.

use super::build::{text, u32_low_first};

super::table! {
    Input {
        e_grid_import_total = u32_low_first(1641).tenths().kwh();
        e_pv_total = u32_low_first(1644).tenths().kwh();
        e_grid_export_total = u32_low_first(1647).tenths().kwh();
        e_aio_charge_total = u32_low_first(1650).tenths().kwh();
        e_aio_discharge_total = u32_low_first(1653).tenths().kwh();
        e_load_total = u32_low_first(1656).tenths().kwh();
        e_aio1_charge_total = u32_low_first(1706).tenths().kwh();
        e_aio2_charge_total = u32_low_first(1709).tenths().kwh();
        e_aio3_charge_total = u32_low_first(1712).tenths().kwh();
        e_aio1_discharge_total = u32_low_first(1751).tenths().kwh();
        e_aio2_discharge_total = u32_low_first(1754).tenths().kwh();
        e_aio3_discharge_total = u32_low_first(1757).tenths().kwh();
        e_battery_charge_total = u32_low_first(1796).tenths().kwh();
        e_battery_discharge_total = u32_low_first(1799).tenths().kwh();
        aio2_serial_number = text(1848, 5);
        aio3_serial_number = text(1855, 5);
    }
}

/// Every field of this layout: those of the first that are not elsewhere here, then its own.
pub fn fields() -> Vec<&'static Field> {
    super::inherited(super::gateway::FIELDS, FIELDS, &[])
}
