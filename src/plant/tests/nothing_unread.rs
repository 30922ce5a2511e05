use std::collections::BTreeMap;

use proptest::prelude::*;

use super::fixture::*;
use crate::catalogue::Layout;
use crate::frame::{Bank, BlockKey};
use crate::plant::{INVERTER, Model, Plant};
use crate::registers::plan;

fn leaves(plant: &Plant) -> BTreeMap<String, String> {
    let tree = Layout::new(true).tree(&snapshot(plant));
    tree.leaves.into_iter().map(|leaf| (leaf.path.to_string(), leaf.payload.to_string())).collect()
}

/// What is read of a block: nothing, a part, or all of it.
fn part_of(block: Read, (how, from, to): (u8, u16, u16)) -> Option<Read> {
    let (key, values) = block;
    match how {
        0 => None,
        1 => {
            let (from, to) = (from.min(to) % key.count, from.max(to) % key.count);
            let (from, to) = (from.min(to), from.max(to) + 1);
            let part = BlockKey { base: key.base + from, count: to - from, ..key };
            Some((part, values[usize::from(from)..usize::from(to)].to_vec()))
        }
        _ => Some((key, values)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_was_read_a_leaf_says_what_it_says_when_all_was_read_or_is_absent(
        parts in prop::collection::vec((0u8..4, 0u16..60, 0u16..60), 9),
        order in Just((0..9).collect::<Vec<usize>>()).prop_shuffle(),
    ) {
        let all = hybrid();
        let whole = leaves(&plant_of(&all));
        let blocks: Vec<Read> = order
            .into_iter()
            // Without the whole first block nothing is published at all.
            .filter_map(|at| part_of(all[at].clone(), if at == 0 { (2, 0, 0) } else { parts[at] }))
            .collect();
        let plant = plant_of(&blocks);
        for (path, payload) in leaves(&plant) {
            // No exceptions: nothing is guessed, and nothing unread counts as 0.
            prop_assert_eq!(Some(&payload), whole.get(&path), "{} of {:?}", path, blocks.iter().map(|b| b.0));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn so_it_is_of_every_family(
        code in prop::sample::select(vec![0x2301u16, 0x4001, 0x5001, 0x7001, 0x8001]),
        parts in prop::collection::vec((0u8..4, 0u16..60, 0u16..60), 32),
        seed in any::<prop::sample::Index>(),
    ) {
        let all = filled_plant(code, 612);
        let whole = leaves(&plant_of(&all));
        let mut blocks: Vec<Read> = all
            .iter()
            .cloned()
            .zip(&parts)
            .enumerate()
            .filter_map(|(at, (block, &part))| part_of(block, if at == 0 { (2, 0, 0) } else { part }))
            .collect();
        let turned = seed.index(blocks.len());
        blocks.rotate_left(turned);
        for (path, payload) in leaves(&plant_of(&blocks)) {
            prop_assert_eq!(Some(&payload), whole.get(&path), "{} of {:04x} {:?}", path, code,
                blocks.iter().map(|b| b.0).collect::<Vec<_>>());
        }
    }
}

#[test]
fn the_first_block_alone_says_no_power_and_no_energy() {
    let seen = leaves(&plant_of(&[(FIRST, block(FIRST))]));
    for path in seen.keys() {
        let allowed = ["Control/", "Timeslots/", "Stats/", "raw/invertor/"];
        let serial = snapshot(&plant_of(&[(FIRST, block(FIRST))])).identity.serial.to_string();
        assert!(
            path.starts_with(&format!("{serial}/")) || allowed.iter().any(|below| path.starts_with(below)),
            "{path}"
        );
    }
    assert!(seen.len() > 60, "{}", seen.len());
}

#[test]
fn of_a_model_that_is_not_supported_only_its_first_block_is_published() {
    for (code, arm, model) in [(0x9001, 1, Model::Unknown(0x9001)), (0x0000, 449, Model::Unknown(0))] {
        let first = (FIRST, first_block_of(code, arm));
        let alone = leaves(&plant_of(std::slice::from_ref(&first)));
        let mut plant = plant_of(&[first]);
        // Another client asks for more, and its replies pass by.
        for (key, values) in &hybrid()[1..] {
            take(&mut plant, *key, values);
        }
        take(&mut plant, plan::lv_bcu(), &[3; 60]);
        take(&mut plant, BlockKey::new(INVERTER, Bank::Input, 240, 60), &[3; 60]);
        assert_eq!(plant.identity().unwrap().model, model);
        assert_eq!(leaves(&plant), alone);
        assert!(alone.keys().all(|path| !path.starts_with("Power/") && !path.starts_with("Energy/")));
    }
}

/// IR 1360 and on stand in one page with the texts of IR 1317 to 1327.
#[test]
fn zeros_in_place_of_a_three_phase_inverters_counters_are_no_counters() {
    let mut plant = plant_of(&[(FIRST, first_block_of(0x4004, 0))]);
    let counters = BlockKey::new(0x11, Bank::Input, 1360, 54);
    take(&mut plant, input(1300), &with(vec![0; 60], &[(25, 11_051), (26, 10_317), (27, 11_130)]));
    for _ in 0..3 {
        take(&mut plant, counters, &[0; 54]);
    }
    assert_eq!(snapshot(&plant).total.import, None);
    take_twice(&mut plant, counters, &with(vec![0; 54], &[(23, 12_400)]));
    assert_eq!(snapshot(&plant).total.import, Some(1240.0));
}
