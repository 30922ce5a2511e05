//! A low-voltage battery's page. The inverter answers from its cache, and that has been seen to hold a page in which
//! others are mixed, with a correct CRC.

use super::steps::{self, too_far};
use super::{Doubt, Reading, Rejection, Until};
use crate::frame::Serial;
use crate::registers::lv_battery as reg;

const CELLS: std::ops::RangeInclusive<u16> = 60..=75;
const TEMPERATURES: std::ops::RangeInclusive<u16> = 76..=79;
/// So many groups without a temperature are no page to compare others with.
const COLD_GROUPS: usize = 2;
/// Sum of the cells and the cells themselves, mV: how far apart they may lie, where they did not before.
const SUM_APART: u32 = 400;

/// What is wrong with a page whatever was before.
pub(super) fn check(before: &Reading<'_>, after: &Reading<'_>) -> Result<(), Rejection> {
    if after.is_blank() {
        return Ok(());
    }
    if serial(before).is_some() && serial(after).is_none() {
        return Err(Rejection::SerialShape);
    }
    let zeros = |mut range: std::ops::RangeInclusive<u16>| range.all(|at| after.get(at) == Some(0));
    let says = |at: u16| after.get(at).is_some_and(|value| value != 0);
    let lives = says(reg::bms_firmware_version.address)
        || after.double(reg::cap_calibrated.address).is_some_and(|raw| raw != 0);
    if zeros(CELLS) && lives {
        return Err(Rejection::CellsZero);
    }
    Ok(())
}

/// What is doubtful beside the page before, which is fresh enough to be compared with.
pub(super) fn doubt(before: &Reading<'_>, after: &Reading<'_>) -> Option<Doubt> {
    let changed = |at: u16| before.get(at) != after.get(at);
    if serial(before) != serial(after) {
        return Some(Doubt::new(Rejection::SerialChange, Until::Long));
    }
    if changed(reg::num_cells.address) || changed(reg::bms_firmware_version.address) {
        return Some(Doubt::new(Rejection::BatteryKind, Until::Long));
    }
    let apart = sum_apart(after) > SUM_APART && sum_apart(before) <= SUM_APART;
    match too_far(steps::LOW_VOLTAGE, before, after) + usize::from(apart) {
        0 => None,
        1 => Some(Doubt::new(Rejection::BatteryStep, Until::Reads(2))),
        _ => Some(Doubt::new(Rejection::Splice, Until::Long)),
    }
}

/// A page that tells of a battery and with which nothing fresh can be compared; one without temperatures will not do
/// for a beginning.
pub(super) fn first(after: &Reading<'_>) -> Option<Result<Doubt, Rejection>> {
    serial(after)?;
    let cold = TEMPERATURES.filter(|&at| after.get(at) == Some(0)).count();
    if cold >= COLD_GROUPS {
        return Some(Err(Rejection::TemperaturesZero));
    }
    Some(Ok(Doubt::new(Rejection::FirstBlock, Until::Reads(2))))
}

/// Whose page it is, if it is a battery's.
pub(super) fn serial(reading: &Reading<'_>) -> Option<Serial> {
    reading.serial(reg::serial_number.address).filter(Serial::is_plausible)
}

fn sum_apart(reading: &Reading<'_>) -> u32 {
    let sum: u32 = CELLS.filter_map(|at| reading.get(at)).map(u32::from).sum();
    reading.get(reg::v_cells_sum.address).map_or(0, |said| sum.abs_diff(u32::from(said)))
}
