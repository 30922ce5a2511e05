//! What a block no longer tells: it is read again before it is believed.

use super::*;

#[test]
fn a_value_that_cannot_be_is_read_once_more_before_it_takes_a_true_one_away() {
    let (impossible, no_time) = (with(block(input(0)), &[(13, 9_999)]), with(block(FIRST), &[(36, 13)]));
    for (key, wrong, reason) in
        [(input(0), impossible, Rejection::ImplausibleField), (FIRST, no_time, Rejection::ImpossibleClock)]
    {
        // However long ago it was read.
        for at in [15, 4_000] {
            let (mut plant, place) = (running(), if key == FIRST { 36 } else { 13 });
            assert_eq!(offer(&mut plant, key, &wrong, at), held(reason));
            assert_eq!(offer(&mut plant, key, &block(key), at + 1), Ok(()));
            assert_eq!(plant.image().get(0x11, key.bank, place), Some(block(key)[usize::from(place)]));
            assert_eq!((plant.rejections().of(reason), plant.rejections().total()), (1, 1));
            assert_eq!(offer(&mut plant, key, &wrong, at + 15), held(reason));
            assert_eq!(offer(&mut plant, key, &wrong, at + 16), Ok(()), "it is so");
            assert_eq!(plant.image().get(0x11, key.bank, place), Some(wrong[usize::from(place)]));
            assert_eq!(offer(&mut plant, key, &wrong, at + 30), Ok(()), "and stays so");
        }
    }
}

#[test]
fn a_step_of_any_state_of_charge_is_read_again() {
    let key = |base| BlockKey::new(0x11, Bank::Input, base, 60);
    let places = [
        (0x2001, key(0), vec![59]),
        (0x7001, key(1780), vec![21, 22, 23]),
        (0x4001, key(1120), vec![12]),
        (0x6001, key(1120), vec![12]),
        (0x5001, key(2040), vec![18, 19, 20, 21]),
        (0x8001, BlockKey::new(0x70, Bank::Input, 60, 60), vec![20]),
    ];
    for (code, key, registers) in places {
        for register in registers {
            let mut plant = plant_of(&[(FIRST, first_block_of(code, 612))]);
            let mut values = vec![1; 60];
            if key.base == 1780 {
                (values[21], values[22], values[23]) = (50, 50, 50);
            }
            if key.device == 0x70 {
                (values[13], values[14]) = (3_000, 3_000);
            }
            values[register] = if key.device == 0x70 { 0x322d } else { 50 };
            take(&mut plant, key, &values);
            let wrong = with(values.clone(), &[(register, 0)]);
            assert_eq!(offer(&mut plant, key, &wrong, 15), held(Rejection::Jump), "{key} {register}");
            assert_eq!(offer(&mut plant, key, &values, 16), Ok(()), "{key} {register}");
            assert_eq!(plant.rejections().of(Rejection::Jump), 1, "{key} {register}");
            assert_eq!(offer(&mut plant, key, &wrong, 30), held(Rejection::Jump), "{key} {register}");
            assert_eq!(offer(&mut plant, key, &wrong, 31), Ok(()), "it is empty: {key} {register}");
        }
    }
}

#[test]
fn half_a_block_of_zeros_is_read_again_in_every_family() {
    let key = |base| BlockKey::new(0x11, Bank::Input, base, 60);
    for (code, key) in [(0x7001, key(1660)), (0x4001, key(1060)), (0x5001, key(2040)), (0x2001, key(180))] {
        let mut values = vec![0; 60];
        // A few registers that tell something, small enough for no other guard.
        (10..50).for_each(|at| values[at] = 2);
        for (zeros, reason) in [(0..30, true), (30..60, true), (40..60, true), (41..60, false), (20..40, false)] {
            let mut plant = plant_of(&[(FIRST, first_block_of(code, 612)), (key, values.clone())]);
            let mut wrong = values.clone();
            wrong[zeros.clone()].fill(0);
            let refused = offer(&mut plant, key, &wrong, 15);
            if !reason {
                assert!(refused != held(Rejection::PartZero), "{key} {zeros:?}");
                continue;
            }
            assert!(matches!(refused, Err(Refused::Held(_))), "{key} {zeros:?} {refused:?}");
            assert_eq!(offer(&mut plant, key, &values, 16), Ok(()), "{key} {zeros:?}");
            assert_eq!(plant.rejections().total(), 1, "{key} {zeros:?}");
            assert!(matches!(offer(&mut plant, key, &wrong, 30), Err(Refused::Held(_))), "{key} {zeros:?}");
            // Where a version is among them, that wants a third read.
            let believed = (31..33).any(|at| offer(&mut plant, key, &wrong, at) == Ok(()));
            assert!(believed, "the sun has set: {key} {zeros:?}");
            assert_eq!(offer(&mut plant, key, &wrong, 45), Ok(()), "and stays so: {key} {zeros:?}");
        }
    }
}

#[test]
fn strings_of_three_phases_that_fade_are_dark_once_three_reads_say_so() {
    let lit = |tenths| with(vec![0; 60], &[(1, 6_000), (9, 2), (18, tenths)]);
    for code in [0x4001, 0x6001] {
        let key = input(1000);
        let mut plant = plant_of(&[(FIRST, first_block_of(code, 612)), (key, lit(333))]);
        for at in [15, 30] {
            assert_eq!(offer(&mut plant, key, &[0; 60], at), held(Rejection::AllZero));
            assert_eq!(plant.image().get(0x11, Bank::Input, 1018), Some(333));
        }
        for at in [45, 60, 9_000] {
            assert_eq!(offer(&mut plant, key, &[0; 60], at), Ok(()), "{at}");
        }
        assert_eq!(plant.image().view(0x11).get(Bank::Input, 1018), Some(0));
        assert_eq!(plant.rejections().total(), 0);
    }
}

#[test]
fn zeros_over_strings_in_the_sun_are_no_night_unless_they_stay() {
    let key = input(1000);
    let lit = with(vec![0; 60], &[(1, 6_000), (9, 50), (18, 30_000)]);
    let mut plant = plant_of(&[(FIRST, first_block_of(0x4001, 612)), (key, lit.clone())]);
    for at in (15..15 + 9 * 60).step_by(60) {
        assert_eq!(offer(&mut plant, key, &[0; 60], at), rejected(Rejection::AllZero));
    }
    assert_eq!(offer(&mut plant, key, &lit, 600), Ok(()));
    let ends = (615..).step_by(60).find(|&at| offer(&mut plant, key, &[0; 60], at).is_ok());
    assert_eq!(ends, Some(615 + 900));
}

#[test]
fn a_three_phase_inverter_that_is_first_read_in_the_dark_gives_0_w() {
    for code in [0x4001, 0x6001] {
        let mut plant = plant_of(&[(FIRST, first_block_of(code, 612))]);
        let key = input(1000);
        for at in [15, 16] {
            assert_eq!(offer(&mut plant, key, &[0; 60], at), held(Rejection::AllZero));
            assert_eq!(snapshot(&plant).power.pv, None);
        }
        assert_eq!(offer(&mut plant, key, &[0; 60], 17), Ok(()));
        offer(&mut plant, input(1060), &with(vec![0; 60], &[(7, 5_000)]), 18).ok();
        offer(&mut plant, input(1060), &with(vec![0; 60], &[(7, 5_000)]), 19).ok();
        assert_eq!(snapshot(&plant).power.pv, Some(0), "{code:x}");
    }
}

#[test]
fn an_all_in_one_that_says_zeros_there_has_no_three_phases() {
    let mut plant = plant_of(&[(FIRST, first_block_of(0x8201, 612))]);
    take(&mut plant, input(1000), &[0; 60]);
    assert!(!plant.capabilities().unwrap().has_three_phase_bank());
}
