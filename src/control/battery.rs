//! How full and how empty: the charge target, the reserve, the cutoff.

use super::Refusal;
use super::context::Place;
use super::plan::{Draft, Group, Unit};

const NO_BATTERY: &str = "only inverters with a battery have it; behind a plant controller or a gateway it is theirs";

/// In force or not (HR 20), and how full.
fn target_register(draft: &Draft<'_>) -> Result<u16, Refusal> {
    match draft.place()? {
        Place::SinglePhase | Place::Gateway => Ok(116),
        Place::ThreePhase => Ok(1111),
        Place::PvOnly | Place::Ems | Place::IdleGateway => Err(draft.unsupported(NO_BATTERY)),
    }
}

/// The reserve of such an inverter.
pub(super) fn reserve_register(place: Place) -> Option<u16> {
    match place {
        Place::SinglePhase | Place::Gateway => Some(110),
        Place::ThreePhase => Some(1109),
        Place::PvOnly | Place::Ems | Place::IdleGateway => None,
    }
}

const IN_FORCE: &str = "charge target in force";
const NOT_IN_FORCE: &str = "charge target not in force";

/// The target, and with it whether it is in force: one of 100 % that is makes a full battery swing between 99 and 100 %
/// on some firmware, and one below that is not has no effect.
pub(super) fn target(draft: &mut Draft<'_>, percent: u8) -> Result<(), Refusal> {
    let register = target_register(draft)?;
    if percent == 100 {
        draft.set(20, 0, Group::Target, NOT_IN_FORCE)?;
        draft.set(register, 100, Group::Target, "charge target 100 %")?;
    } else {
        draft.set(register, percent.into(), Group::Target, "charge target")?;
        draft.set(20, 1, Group::Target, IN_FORCE)?;
    }
    draft.achieve(percent.into(), percent.into(), Unit::Percent);
    Ok(())
}

/// The flag as it is asked for. Not in force, the target is 100 % too: that is what others then read.
pub(super) fn target_flag(draft: &mut Draft<'_>, on: bool) -> Result<(), Refusal> {
    let register = target_register(draft)?;
    if on {
        return draft.set(20, 1, Group::Target, IN_FORCE);
    }
    draft.set(20, 0, Group::Target, NOT_IN_FORCE)?;
    draft.set(register, 100, Group::Target, "charge target 100 %")
}

pub(super) fn reserve(draft: &mut Draft<'_>, percent: u8) -> Result<(), Refusal> {
    let register = reserve_register(draft.place()?).ok_or_else(|| draft.unsupported(NO_BATTERY))?;
    draft.set(register, percent.into(), Group::Reserve, "reserve")?;
    draft.achieve(percent.into(), percent.into(), Unit::Percent);
    Ok(())
}

pub(super) fn cutoff(draft: &mut Draft<'_>, percent: u8) -> Result<(), Refusal> {
    let register = match draft.place()? {
        Place::SinglePhase | Place::Gateway => 114,
        Place::ThreePhase => 1078,
        Place::PvOnly | Place::Ems | Place::IdleGateway => return Err(draft.unsupported(NO_BATTERY)),
    };
    draft.set(register, percent.into(), Group::Reserve, "cutoff")?;
    draft.achieve(percent.into(), percent.into(), Unit::Percent);
    Ok(())
}
