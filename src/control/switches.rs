//! Flags, and what is done once: schedules, force flags, real-time control, calibration, a restart.

use super::allowed::Own;
use super::context::Place;
use super::plan::{Draft, Group, Unit};
use super::{Calibration, Refusal};

const ON_AND_OFF: &str = "only inverters with a battery have it; behind a plant controller or a gateway it is theirs";
const THREE_PHASES: &str = "only three-phase inverters have it";

/// Whether charge slots are in force. On three phases these are two flags: that there is charging in slots, and that it
/// may come from the AC side. In between, what is charged comes from the sun.
pub(super) fn charge_schedule(draft: &mut Draft<'_>, on: bool) -> Result<(), Refusal> {
    match draft.place()? {
        Place::SinglePhase | Place::Gateway => {
            draft.flag(96, on, Group::Schedule, ["charge slots not in force", "charge slots in force"])
        }
        Place::ThreePhase if on => {
            ac_charge(draft, true)?;
            force_charge(draft, true)
        }
        Place::ThreePhase => {
            force_charge(draft, false)?;
            ac_charge(draft, false)
        }
        Place::PvOnly | Place::Ems | Place::IdleGateway => Err(draft.unsupported(ON_AND_OFF)),
    }
}

/// Whether discharge slots are in force.
pub(super) fn discharge_schedule(draft: &mut Draft<'_>, on: bool) -> Result<(), Refusal> {
    match draft.place()? {
        Place::SinglePhase | Place::Gateway => {
            draft.flag(59, on, Group::Schedule, ["discharge slots not in force", "discharge slots in force"])
        }
        Place::ThreePhase => force_discharge(draft, on),
        Place::PvOnly | Place::Ems | Place::IdleGateway => Err(draft.unsupported(ON_AND_OFF)),
    }
}

pub(super) fn eco(draft: &mut Draft<'_>, on: bool) -> Result<(), Refusal> {
    match draft.place()? {
        Place::SinglePhase | Place::ThreePhase | Place::Gateway => {
            draft.flag(27, on, Group::Mode, ["give all there is", "match the house's demand"])
        }
        Place::PvOnly | Place::Ems | Place::IdleGateway => Err(draft.unsupported(ON_AND_OFF)),
    }
}

/// The force flags of three phases put their slots in force, whatever their names say: an inverter that was recorded with
/// both of them set and no slots served the house and exported nothing.
fn of_three_phases(draft: &mut Draft<'_>, register: u16, on: bool, meaning: [&'static str; 2]) -> Result<(), Refusal> {
    if draft.place()? != Place::ThreePhase {
        return Err(draft.unsupported(THREE_PHASES));
    }
    draft.flag(register, on, Group::Schedule, meaning)
}

pub(super) fn force_charge(draft: &mut Draft<'_>, on: bool) -> Result<(), Refusal> {
    of_three_phases(draft, 1123, on, ["force charge off: no charging in slots", "force charge on: charging in slots"])
}

pub(super) fn force_discharge(draft: &mut Draft<'_>, on: bool) -> Result<(), Refusal> {
    of_three_phases(
        draft,
        1122,
        on,
        ["force discharge off: no discharging in slots", "force discharge on: discharging in slots"],
    )
}

pub(super) fn ac_charge(draft: &mut Draft<'_>, on: bool) -> Result<(), Refusal> {
    of_three_phases(draft, 1112, on, ["no charging from AC", "charging from AC"])
}

/// Whether a plant controller leads its inverters.
pub(super) fn plant(draft: &mut Draft<'_>, on: bool) -> Result<(), Refusal> {
    if draft.place()? != Place::Ems {
        return Err(draft.unsupported("only plant controllers have it"));
    }
    draft.flag(2040, on, Group::Plant, ["the plant controller does not lead", "the plant controller leads"])
}

pub(super) fn active_power(draft: &mut Draft<'_>, percent: u8) -> Result<(), Refusal> {
    match draft.place()? {
        Place::SinglePhase | Place::PvOnly | Place::ThreePhase | Place::Gateway => {}
        Place::Ems | Place::IdleGateway => return Err(draft.unsupported("only inverters have it")),
    }
    draft.set(50, percent.into(), Group::Power, "active power")?;
    draft.achieve(percent.into(), percent.into(), Unit::Percent);
    Ok(())
}

pub(super) fn real_time_control(draft: &mut Draft<'_>, on: bool) -> Result<(), Refusal> {
    match draft.place()? {
        Place::SinglePhase | Place::ThreePhase | Place::Gateway => {}
        Place::PvOnly | Place::Ems | Place::IdleGateway => return Err(draft.unsupported(ON_AND_OFF)),
    }
    let meaning = if on { "real-time control on" } else { "real-time control off" };
    draft.own(166, u16::from(on), Own::RealTimeControl, meaning)
}

/// Its beginning must be confirmed: it empties and fills the battery for hours. Its end need not.
pub(super) fn calibration(draft: &mut Draft<'_>, stage: Calibration, confirm: Option<&str>) -> Result<(), Refusal> {
    match draft.place()? {
        Place::SinglePhase | Place::ThreePhase | Place::Gateway => {}
        Place::PvOnly | Place::Ems | Place::IdleGateway => return Err(draft.unsupported(ON_AND_OFF)),
    }
    let meaning = match stage {
        Calibration::Off => return draft.own(29, 0, Own::Calibration, "calibration ends"),
        Calibration::Start => "calibration begins",
        Calibration::ChargeOnly => "calibration begins, its charge only",
    };
    confirmed(draft, confirm)?;
    if draft.read([29])? != [0] {
        draft.note("a calibration is running already");
        return Ok(());
    }
    draft.own(29, stage as u16, Own::Calibration, meaning)
}

/// 100 and nothing else: other numbers in this register reset to what the factory has set.
pub(super) fn reboot(draft: &mut Draft<'_>, confirm: Option<&str>) -> Result<(), Refusal> {
    if draft.place()? == Place::Ems {
        return Err(draft.unsupported("a plant controller has no register for it"));
    }
    confirmed(draft, confirm)?;
    draft.own(163, 100, Own::Reboot, "the inverter restarts")
}

fn confirmed(draft: &Draft<'_>, confirm: Option<&str>) -> Result<(), Refusal> {
    let serial = draft.context().serial;
    match confirm {
        Some(said) if said.trim().eq_ignore_ascii_case(&serial.to_string()) => Ok(()),
        _ => Err(draft.not_confirmed(serial)),
    }
}
