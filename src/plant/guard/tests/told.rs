//! Versions, states, faults and settings: no single read changes them.

use super::*;
use crate::frame::Bank;
use crate::plant::INVERTER;

/// A block in which one register is another, once: held, and forgotten with the next read.
fn one_wrong_read_is_not_shown(plant: &mut Plant, key: BlockKey, values: &[u16], place: usize) {
    let wrong = with(values.to_vec(), &[(place, values[place] ^ 0x0100)]);
    assert_eq!(offer(plant, key, &wrong, 15), held(Rejection::StateChange), "{key} {place}");
    assert_eq!(plant.image().block(key).as_deref(), Some(values), "{key} {place}");
    assert_eq!(offer(plant, key, values, 16), Ok(()), "{key} {place}");
    assert_eq!(plant.rejections().of(Rejection::StateChange), 1, "{key} {place}");
}

#[test]
fn no_single_read_changes_a_state_a_fault_or_a_setting_of_a_hybrid() {
    let told = [
        (input(0), vec![0, 14, 39, 40, 49, 57]),
        (holding(0), vec![2, 3, 18, 27, 34, 46, 55, 56, 59]),
        (holding(60), vec![34, 36, 50, 51, 52, 56]),
        (holding(120), vec![4, 46]),
        (PAGE, vec![30, 31, 33, 34]),
    ];
    for (key, places) in told {
        for place in places {
            one_wrong_read_is_not_shown(&mut running(), key, &block(key), place);
        }
    }
}

#[test]
fn no_single_read_changes_a_version_of_another_family() {
    let own = |base| BlockKey::new(INVERTER, Bank::Input, base, 60);
    let stack = BlockKey::new(0x70, Bank::Input, 60, 60);
    let told = [
        (0x4001, own(1300), vec![0, 7, 17, 20, 24, 25, 26, 27]),
        (0x4001, own(1060), vec![15, 16]),
        (0x7001, own(1600), vec![0, 3, 4, 20, 22]),
        (0x7001, own(1680), vec![20, 21, 23, 24]),
        (0x5001, own(2040), vec![0, 1, 2, 3, 4, 5]),
        (0x8001, stack, vec![0, 3, 4, 5, 10, 47, 53, 54, 57, 59]),
    ];
    for (code, key, places) in told {
        for place in places {
            let mut plant = plant_of(&filled_plant(code, 612));
            let values = plant.image().block(key).unwrap();
            one_wrong_read_is_not_shown(&mut plant, key, &values, place);
        }
    }
}

/// The fourth inverter is not there, and its serial is blank; a blank made of spaces is shown as such.
#[test]
fn no_single_read_makes_another_blank_of_a_serial() {
    let key = BlockKey::new(INVERTER, Bank::Input, 2040, 60);
    let mut plant = plant_of(&[(FIRST, first_block_of(0x5001, 612))]);
    let values = with(vec![7; 60], &[(41, 0), (42, 0), (43, 0), (44, 0), (45, 0)]);
    take(&mut plant, key, &values);
    assert_eq!(offer(&mut plant, key, &with(values.clone(), &[(42, 0x2000)]), 15), held(Rejection::StateChange));
    assert_eq!(offer(&mut plant, key, &values, 16), Ok(()));
}

#[test]
fn a_change_that_is_read_twice_is_shown() {
    let mut plant = running();
    let fault = with(block(input(0)), &[(0, 3), (40, 0x10)]);
    assert_eq!(offer(&mut plant, input(0), &fault, 15), held(Rejection::StateChange));
    assert_eq!(plant.held().collect::<Vec<_>>(), [input(0)]);
    assert_eq!(offer(&mut plant, input(0), &with(fault, &[(42, 500)]), 16), Ok(()), "what is measured may move");
    assert_eq!((plant.image().get(INVERTER, Bank::Input, 0), plant.rejections().total()), (Some(3), 0));
}

#[test]
fn a_clock_that_goes_on_is_no_change() {
    let mut plant = running();
    assert_eq!(offer(&mut plant, FIRST, &with(block(FIRST), &[(39, 7), (40, 21)]), 400), Ok(()));
}

#[test]
fn what_never_reads_alike_twice_changes_all_the_time() {
    let mut plant = running();
    let read = |plant: &mut Plant, nth: u16| {
        offer(plant, input(0), &with(block(input(0)), &[(49, 100 + nth)]), 15 + u64::from(nth))
    };
    for nth in 0..7 {
        assert_eq!(read(&mut plant, nth), held(Rejection::StateChange), "{nth}");
    }
    assert_eq!(read(&mut plant, 7), Ok(()));
}

#[test]
fn the_first_read_of_any_block_waits_for_a_second_one() {
    for (code, key) in [(0x7001, 1600), (0x4001, 1300), (0x8001, 0), (0x5001, 2040)] {
        let mut plant = plant_of(&[(FIRST, first_block_of(code, 612))]);
        let key = BlockKey::new(INVERTER, Bank::Input, key, 60);
        let (wrong, values) = (with(vec![7; 60], &[(0, 9), (4, 3)]), vec![7; 60]);
        for (read, values) in [&wrong, &values].into_iter().enumerate() {
            assert_eq!(offer(&mut plant, key, values, 15), held(Rejection::FirstBlock), "{code:04x} {key} {read}");
        }
        assert_eq!(offer(&mut plant, key, &values, 16), Ok(()), "{code:04x} {key}");
        assert_eq!(plant.image().block(key), Some(values));
    }
}

#[test]
fn a_strangers_first_block_is_compared_as_a_whole() {
    let mut plant = Plant::new();
    assert_eq!(offer(&mut plant, FIRST, &block(FIRST), 1), held(Rejection::FirstBlock));
    assert_eq!(offer(&mut plant, FIRST, &with(block(FIRST), &[(34, 0)]), 2), held(Rejection::FirstBlock));
    assert_eq!(offer(&mut plant, FIRST, &block(FIRST), 3), held(Rejection::FirstBlock));
    assert_eq!(offer(&mut plant, FIRST, &block(FIRST), 4), Ok(()));
}

#[test]
fn both_reads_that_confirm_each_other_tell_their_counters() {
    let mut plant = plant_of(&[(FIRST, block(FIRST))]);
    assert_eq!(offer(&mut plant, input(0), &block(input(0)), 15), held(Rejection::FirstBlock));
    assert_eq!(offer(&mut plant, input(0), &block(input(0)), 16), Ok(()));
    assert_eq!(plant.wants_again(), None, "a third read is not needed");
    assert!(snapshot(&plant).total.import.is_some());
}
