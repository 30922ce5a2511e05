use super::{About, Doubt, Reading, Rejection, Until};
use crate::frame::Bank;
use crate::plant::Model;
use crate::registers::{plan, three_phase};

/// Fewer zeros than this are a setting, not a failed read.
const MANY: u16 = 8;
/// Blocks of a three-phase inverter in which a few powers and faults stand and nothing else.
const MAY_FALL_SILENT: std::ops::Range<u16> = 1180..1360;
/// So many registers are a few.
const FEW: usize = 8;
/// The block of a three-phase inverter in which its strings stand and nothing else: all of it is zero in the dark.
const STRINGS: u16 = 1000;
/// What both strings give at most before they give nothing, 0.1 W: at dusk they fade, and do not break off.
const DIM: u32 = 1000;

/// A block of zeros over one that held more is not believed, except of the blocks that may well be zero (flags of
/// faults, and generation by night). Where nothing was before, zeros mean that the device has no such block.
pub(super) fn check(about: About, before: &Reading<'_>, after: &Reading<'_>) -> Result<(), Rejection> {
    let may = are_strings(about, after) || may(before, after);
    if falls_silent(before, after) && !may { Err(Rejection::AllZero) } else { Ok(()) }
}

/// Zeros where they may be true, and want to be read again. Strings that gave much want that for a quarter of an hour.
pub(super) fn doubt(about: About, before: &Reading<'_>, after: &Reading<'_>) -> Option<Doubt> {
    if are_strings(about, after) {
        let is_dark_already = before.is_blank() && before.at(0).is_some();
        let until = if is_dim(before) { Until::Reads(3) } else { Until::Long };
        return (after.is_blank() && !is_dark_already).then(|| Doubt::new(Rejection::AllZero, until));
    }
    (falls_silent(before, after) && may(before, after)).then(|| Doubt::new(Rejection::AllZero, Until::Reads(2)))
}

/// Whether a block is that of the strings. Of an all-in-one that may have no such bank zeros say that it has none.
fn are_strings(about: About, reading: &Reading<'_>) -> bool {
    let key = reading.key;
    let has_bank = about.model.is_some_and(|model| model.has_three_phase_bank() && model != Model::AllInOneHybrid);
    has_bank && key.bank == Bank::Input && key.base == STRINGS && key.count >= MANY
}

/// Whether the strings gave little, or nothing is known of them.
fn is_dim(before: &Reading<'_>) -> bool {
    let power = [&three_phase::p_pv1, &three_phase::p_pv2].map(|field| before.double(field.address).unwrap_or(0));
    power[0].saturating_add(power[1]) < DIM
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
