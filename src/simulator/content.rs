//! Blocks whose frames are right and whose values are not.

use std::collections::BTreeMap;

use super::faults::Fault;
use super::state::State;
use crate::frame::{Bank, MAX_REGISTERS};

/// At most so many blocks are remembered; a plant has fewer.
const MOST_REMEMBERED: usize = 512;

/// Where counters of 32 bits stand among the input registers of an inverter, high word first: single phase, three-phase
/// and gateway.
const COUNTERS: &[u16] = &[
    6, 11, 21, 27, 32, 45, 1360, 1362, 1366, 1368, 1370, 1372, 1374, 1376, 1378, 1380, 1382, 1384, 1386, 1388, 1390,
    1392, 1394, 1396, 1398, 1400, 1402, 1412, 1641, 1644, 1647, 1650, 1653, 1656, 1706, 1709, 1712, 1751, 1754, 1757,
    1796, 1799,
];
/// The same of a high-voltage stack's controller.
const STACK_COUNTERS: &[u16] = &[82, 84, 90, 92];
/// Where such controllers answer.
const STACKS: std::ops::RangeInclusive<u8> = 0x70..=0x7f;

/// What a stray IP packet has been seen to leave, by offset in the block; where it left one of two, both. (The 45 00 of
/// an IPv4 header and the C0 A8 of private addresses can be seen.)
const IP_PACKET: [(usize, &[u16]); 17] = [
    (28, &[0x4c32]),
    (30, &[0xa119]),
    (31, &[0x34ea]),
    (32, &[0xe77f]),
    (33, &[0xd475]),
    (35, &[0x4500]),
    (40, &[0xe4f9, 0xb619]),
    (41, &[0xc0a8]),
    (43, &[0xc0a8]),
    (46, &[0xc5e9]),
    (50, &[0x60ef, 0x503c]),
    (51, &[0x8018]),
    (52, &[0x43e0]),
    (53, &[0xf6ce]),
    (56, &[0x080a]),
    (58, &[0xfcc1]),
    (59, &[0x661e]),
];

/// Which block: device, bank, first register.
pub(super) type Place = (u8, Bank, u16);

/// What was answered last, by block and length, before anything was wrong with it.
#[derive(Debug, Default)]
pub(super) struct Answered(BTreeMap<(Place, usize), Vec<u16>>);

impl Answered {
    fn last(&self, place: Place, count: usize) -> Option<&Vec<u16>> {
        self.0.get(&(place, count))
    }

    fn remember(&mut self, place: Place, values: &[u16]) {
        let key = (place, values.len());
        if self.0.len() < MOST_REMEMBERED || self.0.contains_key(&key) {
            self.0.insert(key, values.to_vec());
        }
    }
}

/// Lets happen to a block's values what the faults say.
pub(super) fn spoil(state: &mut State, place: Place, values: &mut [u16]) {
    if let Some(last) = state.answered.last(place, values.len()).cloned()
        && state.happens(Fault::Repeat)
    {
        values.copy_from_slice(&last);
    } else {
        state.answered.remember(place, values);
    }
    from_elsewhere(state, place, values);
    if place.1 == Bank::Input && values.len() == usize::from(MAX_REGISTERS) && state.happens(Fault::IpPacket) {
        stray_packet(state, values);
    }
    in_one_register(state, place, values);
    if state.happens(Fault::Zeros) {
        values.fill(0);
    }
}

/// Values of another block, some or all.
fn from_elsewhere(state: &mut State, place: Place, values: &mut [u16]) {
    if values.len() > 1 && state.happens(Fault::Splice) {
        let other = other_block(state, place, values.len());
        let from = state.rng.usize(1..values.len());
        let until = state.rng.usize(from..values.len()) + 1;
        for (value, others) in values.iter_mut().zip(other).take(until).skip(from) {
            *value = others;
        }
    }
    if state.happens(Fault::Misaddressed) {
        let other = other_block(state, place, values.len());
        for (value, others) in values.iter_mut().zip(other) {
            *value = others;
        }
    }
}

/// The values of another block: every other time of the same registers at another device, if there are such.
fn other_block(state: &mut State, (device, bank, base): Place, count: usize) -> Vec<u16> {
    let all = state.registers().blocks();
    let others = all.into_iter().filter(|(other, of, from, _)| (*other, *of, *from) != (device, bank, base));
    let (same, different): (Vec<_>, Vec<_>) =
        others.partition(|(_, of, from, values)| (*of, *from) == (bank, base) && values.len() >= count);
    let chosen = if different.is_empty() || (!same.is_empty() && state.rng.bool()) { same } else { different };
    let at = if chosen.is_empty() { return Vec::new() } else { state.rng.usize(..chosen.len()) };
    chosen.into_iter().nth(at).map(|(.., values)| values).unwrap_or_default()
}

fn stray_packet(state: &mut State, values: &mut [u16]) {
    for value in values.iter_mut() {
        *value = state.rng.u16(..);
    }
    for (offset, left) in IP_PACKET {
        let left = state.rng.choice(left).copied();
        if let (Some(value), Some(left)) = (values.get_mut(offset), left) {
            *value = left;
        }
    }
}

/// One register is wrong.
fn in_one_register(state: &mut State, (device, bank, base): Place, values: &mut [u16]) {
    if values.is_empty() {
        return;
    }
    if state.happens(Fault::Bit) {
        let at = state.rng.usize(..values.len());
        let bit = 1 << state.rng.u32(..16);
        change(values, at, |value| value ^ bit);
    }
    if state.happens(Fault::HighWord) {
        let counters = if STACKS.contains(&device) { STACK_COUNTERS } else { COUNTERS };
        let of = |register: &u16| usize::from(register.wrapping_sub(base));
        let highs: Vec<usize> =
            counters.iter().map(of).filter(|&at| bank == Bank::Input && at + 1 < values.len()).collect();
        let by = state.rng.u16(1..);
        match state.rng.choice(highs).filter(|_| state.rng.u8(..4) > 0) {
            Some(at) => change(values, at, |value| value.wrapping_add(by)),
            None => change(values, state.rng.usize(..values.len()), |value| value.wrapping_add(by)),
        }
    }
    let said: Vec<usize> = (0..values.len()).filter(|&at| values.get(at).is_some_and(|&value| value > 0)).collect();
    if !said.is_empty()
        && state.happens(Fault::TimesTen)
        && let Some(at) = state.rng.choice(said)
    {
        change(values, at, |value| value.saturating_mul(10));
    }
}

fn change(values: &mut [u16], at: usize, to: impl FnOnce(u16) -> u16) {
    if let Some(value) = values.get_mut(at) {
        *value = to(*value);
    }
}
