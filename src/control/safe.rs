//! What an inverter is put into when nobody knows any more what an override found, and it is to end.

use super::context::Place;
use super::plan::{Draft, Group};
use super::{Allowed, Command, Context, Mode, PauseMode, Plan, Refusal, mode, switches};

/// Rates: what they hold at most while a pause goes by them, and all there is.
const RATES: [(u16, u16, u16); 4] = [(111, 0, 50), (112, 0, 50), (1108, 1, 100), (1110, 1, 100)];
/// A plant controller's slots that overrides set.
const SLOTS: [u16; 4] = [2053, 2054, 2062, 2063];

/// Nothing is forced and nothing paused: the battery serves the house (Eco), no slot is in force, rates that may be a
/// pause's are full. A plant controller's first charge and export slots are cleared. Everything else stays as it is.
///
/// # Errors
/// As [`plan`](super::plan).
pub fn safe_state(context: &Context) -> Result<Plan, Refusal> {
    context.may_take(&Command::Eco(true))?;
    let mut draft = Draft::new(context, "a safe state".to_owned());
    match draft.place()? {
        Place::Ems => {
            for register in SLOTS {
                draft.set(register, 0, Group::Slot, "the slot is cleared")?;
            }
        }
        Place::SinglePhase | Place::ThreePhase | Place::Gateway => {
            mode::mode(&mut draft, Mode::Eco)?;
            switches::charge_schedule(&mut draft, false)?;
            if context.abilities.ac_settings {
                mode::pause(&mut draft, PauseMode::Disabled)?;
            }
            rates(&mut draft)?;
        }
        Place::PvOnly | Place::IdleGateway => return Err(draft.unsupported("it has no overrides")),
    }
    Ok(draft.finish())
}

fn rates(draft: &mut Draft<'_>) -> Result<(), Refusal> {
    for (register, paused, full) in RATES {
        let is_there = Allowed::of(register).is_some_and(|allowed| allowed.is_on(draft.context().abilities));
        if is_there && draft.read([register])? <= [paused] {
            draft.set(register, full, Group::Rate, "all there is: so little may be a pause's")?;
        }
    }
    Ok(())
}
