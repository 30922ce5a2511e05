use super::{Reading, Rejection};
use crate::frame::Bank;
use crate::registers::plan;

/// Fewer zeros than this are a setting, not a failed read.
const MANY: u16 = 8;
/// Blocks of a three-phase inverter in which a few powers and faults stand and nothing else.
const MAY_FALL_SILENT: std::ops::Range<u16> = 1180..1360;
/// So many registers are a few.
const FEW: usize = 8;

/// A block of zeros over one that held more is not believed, except of the blocks that may well be zero (flags of
/// faults, and generation by night). Where nothing was before, zeros mean that the device has no such block.
pub(super) fn check(before: &Reading<'_>, after: &Reading<'_>) -> Result<(), Rejection> {
    if falls_silent(before, after) && !may(before, after) { Err(Rejection::AllZero) } else { Ok(()) }
}

/// Zeros where they may be true, and want to be read twice.
pub(super) fn is_doubtful(before: &Reading<'_>, after: &Reading<'_>) -> bool {
    falls_silent(before, after) && may(before, after)
}

/// Whether a block was read that is zero now and then.
pub(super) fn is_often(before: &Reading<'_>) -> bool {
    let key = before.key;
    let silent = key.bank == Bank::Input && MAY_FALL_SILENT.contains(&key.base);
    (silent || plan::OPTIONAL.contains(&(key.bank, key.base))) && before.at(0).is_some()
}

fn falls_silent(before: &Reading<'_>, after: &Reading<'_>) -> bool {
    let key = after.key;
    let many = key.count >= MANY && !plan::OPTIONAL.contains(&(key.bank, key.base));
    many && after.is_blank() && !before.is_blank()
}

fn may(before: &Reading<'_>, after: &Reading<'_>) -> bool {
    let key = after.key;
    let told = (0..key.count).filter(|&place| before.at(place).is_some_and(|value| value != 0)).count();
    key.bank == Bank::Input && MAY_FALL_SILENT.contains(&key.base) && told < FEW
}
