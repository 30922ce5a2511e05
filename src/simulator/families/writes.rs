//! Which writes each family takes.

use super::{Layout, Spec};

/// Whether this family takes this value in this holding register: what the protocol's table of writes permits, without
/// what installers alone should write. The clock, HR 35 to 40, is judged elsewhere.
pub fn takes(spec: &Spec, register: u16, value: u16) -> bool {
    let of_ac = || spec.has_ac_settings() && of_ac_settings(register, value);
    let of_slots = || spec.has_ten_slots() && of_ten_slots(register, value);
    match spec.layout() {
        Layout::Ems => of_plant(register, value),
        Layout::ThreePhase => of_three_phase(register, value) || of_common(register, value) || of_ac() || of_slots(),
        Layout::SinglePhase | Layout::Gateway => {
            of_single_phase(register, value) || of_common(register, value) || of_ac() || of_slots()
        }
    }
}

fn is_time(value: u16) -> bool {
    value < 2400 && value % 100 < 60
}

fn is_share(value: u16) -> bool {
    (4..=100).contains(&value)
}

fn of_common(register: u16, value: u16) -> bool {
    match register {
        20 | 27 | 59 | 166 => value <= 1,
        29 => value <= 3,
        50 | 111 | 112 => value <= 100,
        114 => is_share(value),
        163 => value == 100,
        _ => false,
    }
}

fn of_single_phase(register: u16, value: u16) -> bool {
    match register {
        96 => value <= 1,
        31 | 32 | 44 | 45 | 56 | 57 | 94 | 95 => is_time(value),
        110 | 116 => is_share(value),
        _ => false,
    }
}

fn of_three_phase(register: u16, value: u16) -> bool {
    match register {
        1112 | 1122 | 1123 => value <= 1,
        1113..=1116 | 1118..=1121 => is_time(value),
        // What is told of the reserve does not agree: from 4 or from 5.
        1109 => (4..=100).contains(&value),
        1078 | 1111 => (5..=100).contains(&value),
        1108 | 1110 => (1..=100).contains(&value),
        _ => false,
    }
}

fn of_ac_settings(register: u16, value: u16) -> bool {
    match register {
        311 => value <= 2,
        313 | 314 => (1..=100).contains(&value),
        317 => value <= 1,
        318 => value <= 3,
        319 | 320 => is_time(value),
        _ => false,
    }
}

/// Start, end and SOC of each, 0 of one that was never set; of the first ones, and of the second discharge slot, start and end stand elsewhere.
fn of_ten_slots(register: u16, value: u16) -> bool {
    let is_slot = (242..=269).contains(&register) || matches!(register, 272 | 275..=299);
    is_slot && if register % 3 == 2 { value == 0 || is_share(value) } else { is_time(value) }
}

/// Start, end and SOC of each of a plant controller's slots.
fn of_plant(register: u16, value: u16) -> bool {
    match register {
        2040 => value <= 1,
        2044..=2070 if register.is_multiple_of(3) => value <= 100,
        2044..=2070 => is_time(value),
        2071 => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::Family;

    #[test]
    fn a_reboot_takes_100_and_nothing_else() {
        for &family in Family::ALL {
            let takes = |register, value| takes(&family.spec(), register, value);
            assert_eq!(takes(163, 100), family != Family::Ems);
            assert!(!takes(163, 1) && !takes(163, 101) && !takes(63, 1840) && !takes(0, 0), "{family}");
        }
    }
}
