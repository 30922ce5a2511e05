//! The families of plants: what each is built of, how its registers begin, and which of its settings mean what.
//!
//! The physics is shared; a family is a description of its machine, and an encoder from the plant to registers.

mod ems;
mod gateway;
mod low_voltage;
mod meter;
mod serials;
mod single_phase;
mod spec;
mod stack;
mod three_phase;
mod words;

pub use serials::Serials;
pub use spec::{Battery, Family, Firmware, Spec};

use super::bank::{INVERTER, Registers};
use super::physics::{Controls, Pause, Slot};
use super::plant::Plant;
use crate::frame::Bank;

/// Where a family's live values stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// IR 0 and on.
    SinglePhase,
    /// IR 1000 and on.
    ThreePhase,
    /// IR 2040 and on.
    Ems,
    /// IR 1600 and on.
    Gateway,
}

/// What stands behind one dongle besides the inverter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// How many batteries or stacks it was given.
    pub batteries: u8,
    /// Whether a meter stands at the grid.
    pub meter: bool,
}

/// The banks of a new plant: its settings, and zeros where measurements will stand.
pub fn new_plant(spec: &Spec, serials: &Serials, parts: Parts) -> Registers {
    let mut registers = match spec.layout() {
        Layout::SinglePhase => single_phase::new_plant(spec, serials, parts),
        Layout::ThreePhase => three_phase::new_plant(spec, serials),
        Layout::Ems => ems::new_plant(spec, serials),
        Layout::Gateway => gateway::new_plant(spec, serials),
    };
    if spec.answers_for_every_meter() {
        meter::empty_places(&mut registers);
    }
    if parts.meter {
        meter::install(spec, &mut registers);
    }
    registers
}

/// Writes what is measured now.
pub fn measure(plant: &Plant, serials: &Serials, parts: Parts, registers: &mut Registers) {
    clock(plant, registers);
    match plant.spec().layout() {
        Layout::SinglePhase => single_phase::measure(plant, registers),
        Layout::ThreePhase => three_phase::measure(plant, registers),
        Layout::Ems => ems::measure(plant, serials, registers),
        Layout::Gateway => gateway::measure(plant, serials, registers),
    }
    match plant.spec().battery {
        Battery::Low => low_voltage::measure(plant, serials, registers),
        Battery::Stacks { .. } => stack::measure(plant, serials, registers),
        Battery::Behind { .. } | Battery::None => {}
    }
    if parts.meter {
        meter::measure(plant, registers);
    }
}

fn clock(plant: &Plant, registers: &mut Registers) {
    let now = plant.clock();
    let fields =
        [now.month(), now.day(), now.hour(), now.minute(), now.second()].map(|field| field.unsigned_abs().into());
    registers.put(INVERTER, Bank::Holding, 35, now.year().rem_euclid(100).unsigned_abs());
    registers.put_all(INVERTER, Bank::Holding, 36, &fields);
}

/// What the holding registers say of where power should go.
pub fn controls(spec: &Spec, registers: &Registers) -> Controls {
    match spec.layout() {
        Layout::SinglePhase => common_controls(registers),
        Layout::ThreePhase => three_phase::controls(registers),
        Layout::Ems => ems::controls(registers),
        // It leads all-in-ones, which have rates of their own.
        Layout::Gateway => Controls { charge_rate: 50, discharge_rate: 50, ..common_controls(registers) },
    }
}

/// As single-phase inverters have it; AC shares and pause where those registers exist.
fn common_controls(registers: &Registers) -> Controls {
    let holding = |register| registers.get(INVERTER, Bank::Holding, register);
    let setting = |register| holding(register).unwrap_or(0);
    let slot = |start, end| Slot { start: setting(start), end: setting(end) };
    Controls {
        match_demand: setting(27) == 1,
        enable_charge: setting(96) == 1,
        charge_slots: [slot(94, 95), slot(31, 32)],
        enable_discharge: setting(59) == 1,
        discharge_slots: [slot(56, 57), slot(44, 45)],
        charge_rate: setting(111),
        discharge_rate: setting(112),
        floor: setting(110).max(setting(114)),
        target_enabled: setting(20) == 1,
        target: if setting(20) == 1 { setting(116) } else { 100 },
        active_power: setting(50),
        export_cap: setting(26),
        pause: holding(318).map(|mode| Pause {
            charge: matches!(mode, 1 | 3),
            discharge: matches!(mode, 2 | 3),
            slot: slot(319, 320),
        }),
        ac_shares: [313, 314].map(|register| holding(register).unwrap_or(100)),
        export_slots: [Slot::default(); 2],
        forced: None,
    }
}

/// Whether this family takes this value in this holding register: what the protocol's table of writes permits, without
/// what installers alone should write. The clock, HR 35 to 40, is judged elsewhere.
pub fn takes(spec: &Spec, register: u16, value: u16) -> bool {
    let hhmm = value < 2400 && value % 100 < 60;
    let share = (4..=100).contains(&value);
    let own = match (spec.layout(), register) {
        (Layout::Ems, 2040) => return value <= 1,
        (Layout::Ems, 2044..=2070) => return if register % 3 == 0 { value <= 100 } else { hhmm },
        (Layout::Ems, register) => return register == 2071,
        (Layout::ThreePhase, 1112 | 1122 | 1123) => value <= 1,
        (Layout::ThreePhase, 1113..=1116 | 1118..=1121) => hhmm,
        (Layout::ThreePhase, 1078 | 1109 | 1111) => (5..=100).contains(&value),
        (Layout::ThreePhase, 1108 | 1110) => (1..=100).contains(&value),
        (Layout::ThreePhase, 31 | 32 | 44 | 45 | 56 | 57 | 94 | 95 | 96 | 110 | 116) => false,
        (_, 311) if spec.has_ac_settings() => value <= 2,
        (_, 313 | 314) if spec.has_ac_settings() => (1..=100).contains(&value),
        (_, 317) if spec.has_ac_settings() => value <= 1,
        (_, 318) if spec.has_ac_settings() => value <= 3,
        (_, 319 | 320) if spec.has_ac_settings() => hhmm,
        (_, 243..=268 | 273..=298) if spec.has_ten_slots() => {
            if register % 3 == 2 {
                share
            } else {
                hhmm
            }
        }
        (_, 20 | 27 | 59 | 96 | 166) => value <= 1,
        (_, 29) => value <= 3,
        (_, 31 | 32 | 44 | 45 | 56 | 57 | 94 | 95) => hhmm,
        (_, 50 | 111 | 112) => value <= 100,
        (_, 110 | 114 | 116) => share,
        (_, 163) => value == 100,
        _ => false,
    };
    own
}

#[cfg(test)]
mod tests;
