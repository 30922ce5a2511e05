//! How far the registers of a battery can move from one read to the next, and how many moved further.

use super::Reading;

/// How two values of a register are compared.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Unsigned,
    Signed,
    /// A counter that begins anew after 65535.
    Counter,
    /// Two registers.
    Double,
    /// Each of its two bytes.
    Bytes,
}

/// The registers from `first` to `last`, and how far each can move, in its own raw unit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    first: u16,
    last: u16,
    shape: Shape,
    most: u32,
}

const fn step(first: u16, last: u16, shape: Shape, most: u32) -> Step {
    Step { first, last, shape, most }
}

/// A low-voltage battery: cells 300 mV, temperatures of cells 5 °C and of the MOSFETs 20 °C, sum of the cells 1.6 V,
/// output 4 V, capacities 15 Ah, two cycles, state of charge 10 %, energy 5 kWh.
pub(super) static LOW_VOLTAGE: &[Step] = &[
    step(60, 75, Shape::Unsigned, 300),
    step(76, 79, Shape::Signed, 50),
    step(80, 80, Shape::Unsigned, 1600),
    step(81, 81, Shape::Signed, 200),
    step(82, 82, Shape::Double, 4000),
    step(84, 84, Shape::Double, 1500),
    step(86, 86, Shape::Double, 1500),
    step(88, 88, Shape::Double, 1500),
    step(96, 96, Shape::Unsigned, 2),
    step(100, 100, Shape::Unsigned, 10),
    step(101, 101, Shape::Double, 1500),
    step(105, 106, Shape::Counter, 50),
];

/// A module of a high-voltage stack: the same bounds for its cells. The last temperatures are left out: some firmware
/// keeps a part of the serial there.
pub(super) static MODULE: &[Step] = &[step(60, 83, Shape::Unsigned, 300), step(90, 109, Shape::Signed, 50)];

/// A stack's controller: 50 V, 10 % of charge and of health, 15 Ah, 10 kWh.
pub(super) static CONTROLLER: &[Step] = &[
    step(73, 74, Shape::Unsigned, 500),
    step(80, 80, Shape::Bytes, 10),
    step(81, 81, Shape::Unsigned, 10),
    step(82, 82, Shape::Double, 100),
    step(84, 84, Shape::Double, 100),
    step(98, 99, Shape::Unsigned, 150),
];

/// A meter: 50 V, 2 Hz.
pub(super) static METER: &[Step] = &[step(60, 62, Shape::Unsigned, 500), step(84, 84, Shape::Unsigned, 200)];

/// How many registers that the block holds moved further than they can.
pub(super) fn too_far(steps: &[Step], before: &Reading<'_>, after: &Reading<'_>) -> usize {
    steps.iter().map(|step| (step.first..=step.last).filter(|&at| is_too_far(*step, at, before, after)).count()).sum()
}

fn is_too_far(step: Step, address: u16, before: &Reading<'_>, after: &Reading<'_>) -> bool {
    if let Shape::Double = step.shape {
        let pair = before.double(address).zip(after.double(address));
        return pair.is_some_and(|(before, after)| before.abs_diff(after) > step.most);
    }
    let Some((before, after)) = before.get(address).zip(after.get(address)) else { return false };
    let distance = match step.shape {
        Shape::Signed => u32::from((before as i16).abs_diff(after as i16)),
        Shape::Counter => u32::from(after.wrapping_sub(before).min(before.wrapping_sub(after))),
        Shape::Bytes => u32::from((before >> 8).abs_diff(after >> 8).max((before & 0xff).abs_diff(after & 0xff))),
        Shape::Unsigned | Shape::Double => u32::from(before.abs_diff(after)),
    };
    distance > step.most
}
