//! Faults and warnings as text.

use std::borrow::Cow;

use super::Family;
use crate::registers::{Field, Kind, View, gateway, single_phase, three_phase};

/// What is said of faults, or nothing where no register of them was read.
pub(super) type Messages = Option<Vec<Cow<'static, str>>>;

static THREE_PHASE_FAULTS: [&Field; 7] = [
    &three_phase::inverter_fault_codes_0,
    &three_phase::inverter_fault_codes_1,
    &three_phase::inverter_fault_codes_2,
    &three_phase::inverter_fault_codes_3,
    &three_phase::inverter_fault_codes_4,
    &three_phase::inverter_fault_codes_5,
    &three_phase::inverter_fault_codes_6,
];

/// What is at fault now.
pub(super) fn faults(view: View<'_>, family: Family) -> Messages {
    match family {
        Family::SinglePhase | Family::PvOnly => all(&[&single_phase::inverter_fault_messages], view),
        Family::ThreePhase => all(&THREE_PHASE_FAULTS, view),
        Family::Gateway => all(&[&gateway::gateway_fault_codes], view),
        Family::Ems => None,
    }
}

/// What it warns of now.
pub(super) fn warnings(view: View<'_>, family: Family) -> Messages {
    match family {
        Family::SinglePhase => all(&[&single_phase::charger_warning_messages], view),
        Family::ThreePhase => all(&[&three_phase::inverter_fault_codes_7], view),
        Family::PvOnly | Family::Gateway | Family::Ems => None,
    }
}

/// The names of all bits that are set; one without a name is still told, by its number.
fn all(fields: &[&'static Field], view: View<'_>) -> Messages {
    let mut messages = Vec::new();
    for field in fields {
        let set = field.integer(view)?;
        let (Kind::Bits16(names) | Kind::Bits32(names)) = field.kind else { continue };
        for bit in (0..32).filter(|bit| set & (1 << bit) != 0) {
            let named = names.name(bit).map(Cow::Borrowed);
            messages.push(named.unwrap_or_else(|| format!("unknown ({}:{bit})", field.address).into()));
        }
    }
    Some(messages)
}
