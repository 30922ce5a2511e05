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
mod writes;

pub use serials::Serials;
pub use spec::{Battery, Family, Firmware, Spec};
pub use writes::takes;

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
    let small = |field: i8| u16::from(field.unsigned_abs());
    let is_new_year = plant.firmware().month_13 && (now.month(), now.day()) == (1, 1);
    let (year, month) = if is_new_year { (now.year() - 1, 13) } else { (now.year(), small(now.month())) };
    let fields = [year.rem_euclid(100).unsigned_abs(), month, small(now.day()), small(now.hour()), small(now.minute())];
    registers.put_all(INVERTER, Bank::Holding, 35, &fields);
    registers.put(INVERTER, Bank::Holding, 40, small(now.second()));
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
        pause: pause(registers),
        ac_shares: [313, 314].map(|register| holding(register).unwrap_or(100)),
        export_slots: [Slot::default(); 2],
        forced: None,
    }
}

/// What is paused, where those registers exist.
fn pause(registers: &Registers) -> Option<Pause> {
    let holding = |register| registers.get(INVERTER, Bank::Holding, register);
    let setting = |register| holding(register).unwrap_or(0);
    holding(318).map(|mode| Pause {
        charge: matches!(mode, 1 | 3),
        discharge: matches!(mode, 2 | 3),
        slot: Slot { start: setting(319), end: setting(320) },
    })
}
