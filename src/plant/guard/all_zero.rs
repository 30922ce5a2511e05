use super::{Reading, Rejection};
use crate::registers::plan;

/// Fewer zeros than this are a setting, not a failed read.
const MANY: u16 = 8;

/// A block of zeros over one that held more is not believed, except of the blocks that may well be zero (flags of
/// faults, and generation by night). Where nothing was before, zeros mean that the device has no such block.
pub(super) fn check(before: &Reading<'_>, after: &Reading<'_>) -> Result<(), Rejection> {
    let key = after.key;
    if key.count < MANY || !after.is_blank() || plan::OPTIONAL.contains(&(key.bank, key.base)) {
        return Ok(());
    }
    if before.is_blank() { Ok(()) } else { Err(Rejection::AllZero) }
}
