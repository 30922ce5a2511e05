//! The battery's mode, which is several flags under one name, and its pause.
//!
//! What gives most of the battery away is switched on last and off first.

use super::battery::reserve_register;
use super::context::Place;
use super::plan::{Draft, Group};
use super::{Mode, PauseMode, Refusal};

const LEAST_RESERVE: u8 = 4;
const LEAST_RESERVE_THREE_PHASES: u8 = 5;

const NO_BATTERY: &str = "only inverters with a battery have it; behind a plant controller or a gateway it is theirs";
const MATCH: &str = "match the house's demand";
const NO_TIMED_DISCHARGE: &str = "discharge slots not in force";
const TIMED_DISCHARGE: &str = "discharge slots in force";

pub(super) fn mode(draft: &mut Draft<'_>, wanted: Mode) -> Result<(), Refusal> {
    let place = draft.place()?;
    let reserve = reserve_register(place).ok_or_else(|| draft.unsupported(NO_BATTERY))?;
    match wanted {
        Mode::Eco => {
            draft.set(27, 1, Group::Mode, MATCH)?;
            timed_discharge(draft, place, false)?;
            restore_reserve(draft, place, reserve)
        }
        Mode::EcoPaused => {
            draft.set(27, 1, Group::Mode, MATCH)?;
            timed_discharge(draft, place, false)?;
            draft.set(reserve, 100, Group::Mode, "reserve 100 %: the battery rests")
        }
        Mode::TimedDemand => {
            draft.set(27, 1, Group::Mode, MATCH)?;
            timed_discharge(draft, place, true)?;
            note_full_reserve(draft, reserve);
            Ok(())
        }
        Mode::TimedExport => {
            timed_discharge(draft, place, true)?;
            draft.set(27, 0, Group::Mode, "give all there is")?;
            note_full_reserve(draft, reserve);
            Ok(())
        }
    }
}

/// HR 59; three-phase inverters have HR 1122 beside it, by which their mode is told.
fn timed_discharge(draft: &mut Draft<'_>, place: Place, on: bool) -> Result<(), Refusal> {
    draft.flag(59, on, Group::Mode, [NO_TIMED_DISCHARGE, TIMED_DISCHARGE])?;
    match place {
        Place::ThreePhase => draft.flag(1122, on, Group::Mode, [NO_TIMED_DISCHARGE, TIMED_DISCHARGE]),
        _ => Ok(()),
    }
}

/// A reserve of 100 % is that of Eco (Paused), and must go for the mode to be Eco. Any other one is the owner's.
fn restore_reserve(draft: &mut Draft<'_>, place: Place, register: u16) -> Result<(), Refusal> {
    if draft.read([register])? < [100] {
        return Ok(());
    }
    let least = if place == Place::ThreePhase { LEAST_RESERVE_THREE_PHASES } else { LEAST_RESERVE };
    let restored = draft.context().last_reserve.filter(|reserve| (least..100).contains(reserve)).unwrap_or(least);
    draft.set(register, restored.into(), Group::Mode, "the reserve from before it was 100 %")
}

/// GivTCP leaves the reserve alone here, and so it is told and not changed.
fn note_full_reserve(draft: &mut Draft<'_>, register: u16) {
    if draft.context().known.get(register) == Some(100) {
        draft.note("the reserve is 100 %: nothing will be discharged until it is lowered");
    }
}

/// What the battery must not do, on inverters that have a register for it.
pub(super) fn pause(draft: &mut Draft<'_>, wanted: PauseMode) -> Result<(), Refusal> {
    let has_battery = reserve_register(draft.place()?).is_some();
    if !has_battery || !draft.context().abilities.ac_settings {
        return Err(draft.unsupported("only AC-coupled inverters, all-in-ones and gateways have it"));
    }
    let meaning = match wanted {
        PauseMode::Disabled => "nothing paused",
        PauseMode::Charge => "charging paused",
        PauseMode::Discharge => "discharging paused",
        PauseMode::Both => "charging and discharging paused",
    };
    draft.set(318, wanted as u16, Group::Pause, meaning)
}
