//! Meters: a page each, at 0x01 and on.

use super::words::{Page, signed, tenths, unsigned};
use super::{Layout, Spec};
use crate::frame::Bank;
use crate::simulator::bank::{METER, Registers};
use crate::simulator::plant::Plant;
use crate::simulator::surroundings::{grid_frequency, grid_voltage, wander};

/// Import and export, Wh, before the meter was installed.
const METER_MISSED: (f64, f64) = (10_000_000.0, 6_000_000.0);
/// Of the house's draw, the phases' shares.
pub const HOUSE_SHARES: [f64; 3] = [0.42, 0.33, 0.25];

/// What a meter reads.
struct Reading {
    /// By phase, W, + import.
    active: Vec<f64>,
    /// Wh in and out since it was installed.
    counted: (f64, f64),
}

/// Where a meter of the sun stands, on families that have one.
fn sun_meter(spec: &Spec) -> Option<u8> {
    match spec.layout() {
        Layout::Ems => Some(0x03),
        Layout::Gateway => Some(0x02),
        Layout::SinglePhase | Layout::ThreePhase => None,
    }
}

/// All eight places answer, with zeros.
pub fn empty_places(registers: &mut Registers) {
    for device in METER..METER + 8 {
        registers.put_all(device, Bank::Input, 60, &[0; 60]);
    }
}

/// Puts the meters in their places.
pub fn install(spec: &Spec, registers: &mut Registers) {
    for device in [Some(METER), sun_meter(spec)].into_iter().flatten() {
        registers.put_all(device, Bank::Input, 60, &[0; 60]);
        registers.put_all(device, Bank::MeterProduct, 60, &[0; 60]);
        let product = [0x3531, 0x4742, 0x4731, 0x3134 + u16::from(device), 1, 256, 258, 1, 9600];
        registers.put_all(device, Bank::MeterProduct, 60, &product);
    }
}

/// Writes what the meters read now.
pub fn measure(plant: &Plant, registers: &mut Registers) {
    let total = plant.total();
    let grid =
        Reading { active: by_phase(plant), counted: (total.import - METER_MISSED.0, total.export - METER_MISSED.1) };
    page(plant, METER, &grid, registers);
    if let Some(device) = sun_meter(plant.spec()) {
        let pv = plant.powers().pv.iter().sum::<f64>().round();
        let sun = Reading { active: vec![pv], counted: (total.pv.iter().sum(), 1490.0) };
        page(plant, device, &sun, registers);
    }
}

/// What the grid gives, by phase.
fn by_phase(plant: &Plant) -> Vec<f64> {
    let powers = plant.powers();
    if plant.spec().phases() == 1 {
        return vec![-powers.grid.round()];
    }
    grid_by_phase(plant).iter().map(|watts| -watts).collect()
}

/// What goes to the grid, by phase, W, + export: the inverter feeds them alike and the house draws unevenly.
pub fn grid_by_phase(plant: &Plant) -> [f64; 3] {
    let powers = plant.powers();
    let [one, two, _] = HOUSE_SHARES.map(|share| (powers.inverter / 3.0 - powers.load * share).round());
    [one, two, powers.grid.round() - one - two]
}

fn page(plant: &Plant, device: u8, reading: &Reading, registers: &mut Registers) {
    let (seed, at) = (plant.seed(), plant.moment());
    let voltage = grid_voltage(seed, at);
    let reactive = (110.0 + 30.0 * wander(seed, 70, at, 90.0)) / reading.active.len() as f64;
    let mut page = Page::of(device, 60, registers);
    let mut set = |current: u16, phase: u16, active: f64, reactive: f64| {
        let apparent = active.hypot(reactive);
        page.put(current, unsigned(apparent / voltage * 100.0));
        page.put(68 + phase, signed(active));
        page.put(72 + phase, signed(reactive));
        page.put(76 + phase, unsigned(apparent * 10.0));
        page.put(80 + phase, signed(10_000.0 * active / apparent));
    };
    for (phase, &active) in (0..3).zip(&reading.active) {
        set(63 + phase, phase, active, reactive);
    }
    set(67, 3, reading.active.iter().sum(), reactive * reading.active.len() as f64);
    for phase in 0..reading.active.len() as u16 {
        page.put(60 + phase, unsigned((voltage + 0.7 * f64::from(phase)) * 10.0));
    }
    page.put(84, unsigned(grid_frequency(seed, at) * 100.0));
    page.put(85, tenths(reading.counted.0) as u16);
    page.put(87, tenths(reading.counted.1) as u16);
}
