//! What is told and not measured: versions, states, faults, and everything that is set. It changes rarely and at once, so
//! that no bound tells a wrong one; a second read does.

use super::fields::covers;
use super::{About, Device, IDENTITY, Reading};
use crate::frame::Bank;
use crate::plant::{MIRROR, Model};
use crate::registers::{Field, Kind, ems, gateway, hv_bcu, lv_battery, lv_bcu, single_phase, three_phase};

/// What is told as a plain number, where most numbers are measured.
static PLAIN: [&Field; 26] = [
    &single_phase::system_mode,
    &three_phase::system_mode,
    &three_phase::battery_priority,
    &gateway::fault_protection,
    &gateway::parallel_aio_num,
    &gateway::parallel_aio_online_num,
    &gateway::battery_firmware_version,
    &ems::meter_count,
    &ems::meter_types,
    &ems::inverter_count,
    &lv_battery::status_1,
    &lv_battery::status_3,
    &lv_battery::status_5,
    &lv_battery::status_7,
    &lv_battery::warning_1,
    &lv_bcu::bms_status_1,
    &lv_bcu::bms_status_2,
    &hv_bcu::number_of_modules,
    &hv_bcu::cells_per_module,
    &hv_bcu::total_cell_count,
    &hv_bcu::total_temperature_sensor_count,
    &hv_bcu::fan_fault_code,
    &hv_bcu::self_check_status,
    &hv_bcu::pack_warning_status,
    &hv_bcu::pack_protection_status,
    &hv_bcu::pack_fault_status,
];

/// A version changes once in years: it wants one read more than the rest.
const READS_OF_A_VERSION: u8 = 3;
const READS: u8 = 2;

/// How many reads must agree, because something that is told is not what it was where it was read before.
pub(super) fn reads_wanted(about: About, before: &Reading<'_>, after: &Reading<'_>) -> Option<u8> {
    let is_other = |field: &Field| {
        let (first, count) = field.span();
        let was_and_is = |at| before.get(at).zip(after.get(at));
        (first..first.saturating_add(count)).filter_map(was_and_is).any(|(was, is)| was != is)
    };
    let fields = tables(about, after).into_iter().flatten();
    let changed = fields.filter(|field| covers(after.key, field) && is_told(field) && is_other(field));
    changed.map(|field| if is_version(field) { READS_OF_A_VERSION } else { READS }).max()
}

fn is_version(field: &Field) -> bool {
    matches!(field.kind, Kind::Text(_) | Kind::Firmware { .. } | Kind::Version | Kind::Version8)
        || field.name.contains("version")
}

/// What the inverter is has a guard of its own, and a clock is expected to move.
fn is_told(field: &Field) -> bool {
    match field.kind {
        Kind::DateTime => false,
        Kind::Code(_)
        | Kind::CodePart { .. }
        | Kind::HexPart { .. }
        | Kind::Bits16(_)
        | Kind::Bits32(_)
        | Kind::Hex4
        | Kind::Text(_)
        | Kind::Firmware { .. }
        | Kind::Version8
            if field.bank == Bank::Input =>
        {
            true
        }
        _ if field.bank == Bank::Holding => !IDENTITY.contains(&field.address),
        _ => PLAIN.iter().any(|plain| std::ptr::eq(*plain, field)),
    }
}

fn tables(about: About, block: &Reading<'_>) -> [&'static [&'static Field]; 2] {
    match (about.device, about.model) {
        (Device::Battery, _) => [lv_battery::FIELDS, &[]],
        (Device::Controller, _) => [hv_bcu::FIELDS, &[]],
        (Device::Inverter, _) if (block.key.device, block.key.bank) == (MIRROR, Bank::Input) => {
            [lv_bcu::FIELDS, single_phase::FIELDS]
        }
        (Device::Inverter, Some(Model::Gateway)) => [gateway::FIELDS, single_phase::FIELDS],
        (Device::Inverter, Some(model)) if model.is_ems() => [ems::FIELDS, single_phase::FIELDS],
        (Device::Inverter, Some(model)) if model.has_three_phase_bank() => [three_phase::FIELDS, single_phase::FIELDS],
        (Device::Inverter, Some(model)) if model.is_supported() => [single_phase::FIELDS, &[]],
        // HR 0 to 59 are everyone's, whatever it is.
        (Device::Inverter, _) if block.key.bank == Bank::Holding => [single_phase::FIELDS, &[]],
        _ => [&[], &[]],
    }
}
