//! How fast: in W, which each family counts otherwise, and as a share of the inverter's power.
//!
//! HR 111 and 112 are hundredths of the battery's capacity an hour, and more than 50 of them means nothing to an inverter.
//! HR 313 and 314, and 1110 and 1108 on three phases, are per cent of what it can do, at least 1.

use super::context::Place;
use super::plan::{Draft, Group, Unit};
use super::{Direction, Refusal};

/// Half the capacity an hour: no inverter takes more.
const MOST_HUNDREDTHS: u16 = 50;

/// A rate in W, as near as the register can have it.
pub(super) fn watts(draft: &mut Draft<'_>, direction: Direction, watts: u32) -> Result<(), Refusal> {
    let charge = direction == Direction::Charge;
    match draft.place()? {
        Place::SinglePhase => {
            let (raw, achieved) = hundredths(draft, watts)?;
            let register = if charge { 111 } else { 112 };
            draft.set(register, raw, Group::Rate, meaning(direction))?;
            draft.achieve(watts.into(), achieved, Unit::Watts);
            if raw == 0 && watts > 0 {
                draft.note("that is less than half a step of the register, and becomes 0");
            }
        }
        Place::Gateway => of_power(draft, watts, if charge { 313 } else { 314 }, direction)?,
        Place::ThreePhase => of_power(draft, watts, if charge { 1110 } else { 1108 }, direction)?,
        Place::PvOnly | Place::Ems | Place::IdleGateway => {
            return Err(
                draft.unsupported("only inverters with a battery have it; behind a gateway, they do themselves")
            );
        }
    }
    Ok(())
}

/// Hundredths of the capacity, and how many W they are: at most what the battery can do. All that it can do, or more, is
/// half the capacity, as GivTCP writes it.
fn hundredths(draft: &Draft<'_>, watts: u32) -> Result<(u16, i64), Refusal> {
    if watts == 0 {
        return Ok((0, 0));
    }
    let context = draft.context();
    let kwh = context.battery_kwh.filter(|kwh| kwh.is_finite() && *kwh > 0.0);
    let kwh = kwh.ok_or(Refusal::NotKnown("the battery's capacity (HR 55)"))?;
    let most = context.battery_watts.filter(|&most| most > 0);
    let raw = match most {
        Some(most) if i64::from(watts) >= most => MOST_HUNDREDTHS,
        // As f64, so that no capacity, however small, overflows.
        _ => (f64::from(watts) / (kwh * 10.0)).round().clamp(0.0, f64::from(MOST_HUNDREDTHS)) as u16,
    };
    // As it is published: `plant::control` reckons the same way back.
    let achieved = (f64::from(raw) / 100.0 * kwh * 1000.0) as i64;
    Ok((raw, most.map_or(achieved, |most| achieved.min(most))))
}

/// Per cent of what the battery can do. None of these registers takes 0.
fn of_power(draft: &mut Draft<'_>, watts: u32, register: u16, direction: Direction) -> Result<(), Refusal> {
    let most = draft.context().battery_watts.filter(|&most| most > 0);
    let most = most.ok_or(Refusal::NotKnown("what the battery can take and give"))?;
    let percent = ((i64::from(watts).saturating_mul(100) + most / 2) / most).clamp(1, 100);
    draft.set(register, percent as u16, Group::Rate, meaning(direction))?;
    draft.achieve(watts.into(), most.saturating_mul(percent) / 100, Unit::Watts);
    if watts == 0 {
        draft.note("the inverter takes no rate below 1 %");
    }
    Ok(())
}

/// A rate as a share of the inverter's power, %.
pub(super) fn percent(draft: &mut Draft<'_>, direction: Direction, percent: u8) -> Result<(), Refusal> {
    let charge = direction == Direction::Charge;
    let register = match draft.place()? {
        Place::SinglePhase | Place::Gateway if draft.context().abilities.ac_settings => [314, 313],
        Place::ThreePhase => [1108, 1110],
        _ => return Err(draft.unsupported("only AC-coupled inverters, all-in-ones, gateways and three phases have it")),
    }[usize::from(charge)];
    draft.set(register, percent.into(), Group::Rate, meaning(direction))?;
    draft.achieve(percent.into(), percent.into(), Unit::Percent);
    Ok(())
}

const fn meaning(direction: Direction) -> &'static str {
    match direction {
        Direction::Charge => "charge rate",
        Direction::Discharge => "discharge rate",
    }
}
