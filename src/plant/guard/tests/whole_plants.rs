//! Whole plants: whatever arrives wrong once, they show what they are; and what they say is believed.

use std::time::Duration;

use proptest::prelude::*;

use super::{Rejection, packet, running, s};
use crate::frame::{Bank, BlockKey};
use crate::plant::tests::fixture::*;
use crate::plant::{INVERTER, Model, Plant, Refused};
use crate::registers::plan;
use crate::simulator::{Family, Options, Simulator};

const POLL: Duration = Duration::from_secs(15);

/// One way in which a block arrives wrong with a correct CRC.
#[derive(Clone, Debug)]
enum Corruption {
    Bit(usize, u32),
    TimesTen(usize),
    HighByte(usize, u8),
    Zeros,
    /// The registers behind this one are another block's.
    Splice(usize, usize),
    Other(usize),
    Packet,
}

/// Any register, and more often one that tells something that is checked.
fn register() -> impl Strategy<Value = usize> {
    prop_oneof![0usize..60, prop::sample::select(vec![0, 8, 13, 16, 17, 20, 21, 40, 50, 52, 53, 54, 59])]
}

fn corruption() -> impl Strategy<Value = Corruption> {
    prop_oneof![
        4 => (register(), 0u32..16).prop_map(|(at, bit)| Corruption::Bit(at, bit)),
        2 => register().prop_map(Corruption::TimesTen),
        2 => (register(), any::<u8>()).prop_map(|(at, byte)| Corruption::HighByte(at, byte)),
        1 => Just(Corruption::Zeros),
        2 => (0usize..60, 0usize..9).prop_map(|(at, block)| Corruption::Splice(at, block)),
        2 => (0usize..9).prop_map(Corruption::Other),
        1 => Just(Corruption::Packet),
    ]
}

fn corrupt(truth: &[u16], how: &Corruption, all: &[Read]) -> Vec<u16> {
    let mut values = truth.to_vec();
    let last = values.len() - 1;
    match *how {
        Corruption::Bit(at, bit) => values[at.min(last)] ^= 1 << bit,
        Corruption::TimesTen(at) => values[at.min(last)] = values[at.min(last)].wrapping_mul(10),
        Corruption::HighByte(at, byte) => values[at.min(last)] = u16::from(byte) << 8 | values[at.min(last)] & 0xff,
        Corruption::Zeros => values.fill(0),
        Corruption::Splice(at, block) => {
            for (place, value) in
                all[block % all.len()].1.iter().enumerate().skip(at).take(values.len().saturating_sub(at))
            {
                values[place.min(last)] = *value;
            }
        }
        Corruption::Other(block) => {
            values.fill(0);
            values.iter_mut().zip(&all[block % all.len()].1).for_each(|(value, other)| *value = *other);
        }
        Corruption::Packet => values.iter_mut().zip(packet()).for_each(|(value, other)| *value = other),
    }
    values
}

/// Reads a block as a cycle does: what is held is read again. Only the first read is wrong.
fn read(plant: &mut Plant, key: BlockKey, truth: &[u16], first: &[u16], at: Duration) {
    let mut values = first;
    for _ in 0..4 {
        match plant.accept(key, values, None, at) {
            Err(Refused::Held(_)) => values = truth,
            _ => return,
        }
    }
}

/// A true block a little later: what is measured moves a little.
fn later(key: BlockKey, values: &[u16], by: u16) -> Vec<u16> {
    let mut values = values.to_vec();
    if key == input(0) {
        values[42] += by;
    } else if key.base == 60 && key.count == 60 && key.bank == Bank::Input {
        for cell in &mut values[..16] {
            *cell += by % 5;
        }
        values[20] += 16 * (by % 5);
    }
    values
}

fn check(plant: &Plant, all: &[Read]) -> Result<(), TestCaseError> {
    let truth = |key: BlockKey| &all.iter().find(|(known, _)| *known == key).expect("a block").1;
    let Some(identity) = plant.identity() else { return Ok(()) };
    prop_assert_eq!(identity.serial.registers().to_vec(), truth(FIRST)[13..18].to_vec());
    prop_assert_eq!((identity.model, identity.arm_firmware), (Model::HybridGen1, truth(FIRST)[21]));
    for at in 8..18 {
        let held = plant.image().get(INVERTER, Bank::Holding, at);
        prop_assert!(held.is_none_or(|held| held == truth(FIRST)[usize::from(at)]), "HR {}: {:?}", at, held);
    }
    let seen = snapshot(plant);
    for battery in &seen.batteries {
        let page = truth(plan::battery(battery.address));
        prop_assert_eq!(battery.serial.registers().to_vec(), page[50..55].to_vec());
        for (cell, &raw) in battery.cells.iter().zip(page) {
            prop_assert!(cell.is_none_or(|cell| (cell - f64::from(raw) / 1e3).abs() <= 0.31), "{:?}", battery.cells);
        }
        let sum = f64::from(page[20]) / 1e3;
        prop_assert!(battery.voltage.is_none_or(|volts| (volts - sum).abs() <= 0.6), "{:?} {}", battery.voltage, sum);
        prop_assert!(battery.soc.is_none_or(|soc| soc.abs_diff(page[40].into()) <= 10), "{:?}", battery.soc);
    }
    let live = truth(input(0));
    prop_assert!(seen.power.soc.is_none_or(|soc| soc.abs_diff(live[59].into()) <= 10));
    prop_assert!(seen.power.battery.is_none_or(|watts| watts.abs_diff((live[52] as i16).into()) <= 15_100));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_single_corruption_shows_what_the_plant_never_was(
        cycles in prop::collection::vec((0usize..9, corruption(), any::<bool>(), 0u16..40), 1..60),
    ) {
        let all = hybrid();
        let (mut plant, mut at) = (running(), s(1));
        for (place, how, is_corrupt, by) in cycles {
            at += POLL;
            for (index, (key, values)) in all.iter().enumerate() {
                let truth = later(*key, values, by);
                let first = if is_corrupt && index == place { corrupt(&truth, &how, &all) } else { truth.clone() };
                // Another inverter would end the connection, and the next one reads everything anew.
                read(&mut plant, *key, &truth, &first, at);
            }
            check(&plant, &all)?;
        }
    }

    #[test]
    fn a_plant_whose_first_reads_are_all_corrupt_is_who_it_is(wrong in prop::collection::vec(corruption(), 9)) {
        let all = hybrid();
        let mut plant = Plant::new();
        for cycle in 0..3 {
            for ((key, values), how) in all.iter().zip(&wrong) {
                let first = if cycle == 0 { corrupt(values, how, &all) } else { values.clone() };
                // What every other guard lets through is not the business of this test.
                if *key != FIRST && key.bank == Bank::Input && key.device == INVERTER {
                    read(&mut plant, *key, values, values, POLL * cycle);
                } else {
                    read(&mut plant, *key, values, &first, POLL * cycle);
                }
            }
            check(&plant, &all)?;
        }
        prop_assert_eq!(snapshot(&plant).batteries.len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_simulated_plant_of_any_family_says_is_believed() {
    for &family in Family::ALL {
        let simulator = Simulator::new(Options { family, step: s(20), ..Options::default() });
        let (mut plant, mut at) = (Plant::new(), Duration::ZERO);
        let mut said = Vec::new();
        while at < s(8 * 3_600) {
            for (device, bank, base, values) in simulator.registers() {
                let key = BlockKey::new(device, bank, base, values.len() as u16);
                let first = plant.identity().is_none();
                for read in 0..4 {
                    match plant.accept(key, &values, Some(simulator.inverter_serial()), at) {
                        Err(Refused::Held(Rejection::FirstBlock)) if at.is_zero() || first => {}
                        // Three-phase powers and faults that end, strings at dusk; a state that changed.
                        Err(Refused::Held(Rejection::AllZero | Rejection::PartZero | Rejection::StateChange)) => {}
                        Err(refused) => said.push(format!("{at:?} {key} {read} {refused}")),
                        Ok(()) => break,
                    }
                }
            }
            tokio::time::advance(s(60)).await;
            at += s(60);
        }
        assert!(said.is_empty(), "{family:?}: {} {:#?}", said.len(), &said[..said.len().min(12)]);
        assert_eq!(plant.rejections().total(), 0, "{family:?} {:?}", plant.implausible_fields().collect::<Vec<_>>());
    }
}
