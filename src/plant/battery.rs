use super::snapshot::Battery;
use crate::frame::Serial;
use crate::registers::{Field, View, lv_battery as reg};

static CELLS: [&Field; 16] = [
    &reg::v_cell_01,
    &reg::v_cell_02,
    &reg::v_cell_03,
    &reg::v_cell_04,
    &reg::v_cell_05,
    &reg::v_cell_06,
    &reg::v_cell_07,
    &reg::v_cell_08,
    &reg::v_cell_09,
    &reg::v_cell_10,
    &reg::v_cell_11,
    &reg::v_cell_12,
    &reg::v_cell_13,
    &reg::v_cell_14,
    &reg::v_cell_15,
    &reg::v_cell_16,
];

/// A battery, if its page holds a plausible serial.
pub(super) fn read(address: u8, view: View<'_>) -> Option<Battery> {
    let serial = reg::serial_number.serial(view).filter(Serial::is_plausible)?;
    Some(Battery {
        address,
        serial,
        cells: CELLS.map(|cell| cell.number(view)),
        cell_temperatures: [&reg::t_cells_01_04, &reg::t_cells_05_08, &reg::t_cells_09_12, &reg::t_cells_13_16]
            .map(|group| group.number(view)),
        voltage: reg::v_cells_sum.number(view),
        temperature: reg::t_bms_mosfet.number(view),
        capacity: reg::cap_calibrated.number(view),
        design_capacity: reg::cap_design.number(view),
        remaining_capacity: reg::cap_remaining.number(view),
        soc: reg::soc.integer(view),
        cell_count: reg::num_cells.integer(view),
        cycles: reg::num_cycles.integer(view),
        firmware: reg::bms_firmware_version.integer(view),
        usb: reg::usb_device_inserted.integer(view),
    })
}
