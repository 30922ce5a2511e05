use std::time::Duration;

use proptest::prelude::*;

use super::fixture::*;
use crate::frame::{Bank, BlockKey, Serial};
use crate::plant::{INVERTER, MIRROR, Model, Plant, Refused, Rejection};
use crate::registers::{hv_bcu, plan};

const AT: Duration = Duration::from_secs(9);

fn offer(plant: &mut Plant, key: BlockKey, values: &[u16]) -> Result<(), Refused> {
    plant.accept(key, values, None, AT)
}

fn registers(plant: &Plant) -> Vec<(u8, Bank, u16, u16)> {
    plant.image().iter().collect()
}

/// Refused for this reason, counted once, and nothing of it in the image.
fn assert_rejected(plant: &mut Plant, key: BlockKey, values: &[u16], reason: Rejection) {
    let (held, counted) = (registers(plant), plant.rejections());
    assert_eq!(offer(plant, key, values), Err(Refused::Rejected(reason)));
    assert_eq!(registers(plant), held);
    assert_eq!(plant.rejections().of(reason), counted.of(reason) + 1);
    assert_eq!(plant.rejections().total(), counted.total() + 1);
}

#[test]
fn zeros_over_a_living_block_are_rejected() {
    let mut plant = plant_of(&hybrid());
    for key in [holding(60), input(0), plan::battery(0x32), plan::meter(1)] {
        assert_rejected(&mut plant, key, &vec![0; usize::from(key.count)], Rejection::AllZero);
    }
    assert_eq!(plant.rejections().of(Rejection::AllZero), 4);
    assert_eq!(snapshot(&plant).stats.rejections.total(), 4);
}

#[test]
fn zeros_where_nothing_was_are_taken_and_say_nothing() {
    let mut plant = plant_of(&[(FIRST, block(FIRST))]);
    for key in [input(0), plan::battery(0x32), plan::meter(1)] {
        offer(&mut plant, key, &vec![0; usize::from(key.count)]).unwrap();
    }
    let seen = snapshot(&plant);
    assert_eq!((seen.power.load, seen.power.soc, seen.power.grid), (None, None, None));
    assert!(seen.batteries.is_empty() && seen.meters.is_empty());
    take(&mut plant, input(0), &block(input(0)));
    assert!(snapshot(&plant).power.load.is_some());
}

#[test]
fn zeros_are_true_of_flags_of_faults_and_of_a_few_settings() {
    let mut plant = plant_of(&hybrid());
    for (bank, base) in plan::OPTIONAL {
        let key = BlockKey::new(INVERTER, bank, base, 60);
        take(&mut plant, key, &with(vec![0; 60], &[(3, 7)]));
        offer(&mut plant, key, &[0; 60]).unwrap();
    }
    take(&mut plant, BlockKey::new(INVERTER, Bank::Holding, 94, 2), &[0; 2]);
    assert_eq!(plant.rejections().total(), 0);
}

#[test]
fn a_serial_that_no_device_has_is_rejected_wherever_it_stands() {
    let mut unknown = Plant::new();
    for serial in [[0u16; 5], [0xffff; 5], [0x2020; 5], [0x3131; 5]] {
        let mut values = block(FIRST);
        values[13..18].copy_from_slice(&serial);
        assert_rejected(&mut unknown, FIRST, &values, Rejection::SerialShape);
    }
    assert!(unknown.identity().is_none());
    let mut plant = plant_of(&hybrid());
    let spoiled = with(block(plan::battery(0x32)), &[(50, 0x4100)]);
    assert_rejected(&mut plant, plan::battery(0x32), &spoiled, Rejection::SerialShape);
    let part = BlockKey::new(0x32, Bank::Input, 110, 1);
    assert_rejected(&mut plant, part, &[0x4100], Rejection::SerialShape);
    let refused = plant.accept(input(0), &block(input(0)), Some(Serial::BLANK), AT);
    assert_eq!(refused, Err(Refused::Rejected(Rejection::SerialShape)), "in the envelope");
}

#[test]
fn another_inverter_is_refused_by_its_envelope_and_by_its_first_block() {
    let mut plant = plant_of(&hybrid());
    let held = registers(&plant);
    let other: Serial = "CE2133G999".parse().unwrap();
    for key in [input(0), BlockKey { device: MIRROR, ..input(0) }, FIRST] {
        let refused = plant.accept(key, &[3; 60], Some(other), AT);
        assert_eq!(refused, Err(Refused::OtherInverter(other)));
    }
    let mut values = block(FIRST);
    values[13..18].copy_from_slice(&other.registers());
    assert_eq!(offer(&mut plant, FIRST, &values), Err(Refused::OtherInverter(other)));
    let part = BlockKey::new(INVERTER, Bank::Holding, 13, 5);
    assert_eq!(
        offer(&mut plant, part, &other.registers()),
        Err(Refused::OtherInverter(other)),
        "five registers will do"
    );
    assert_eq!((registers(&plant), plant.rejections().total()), (held, 0));
    let envelope_of_a_battery = plant.accept(plan::battery(0x32), &block(plan::battery(0x32)), Some(other), AT);
    assert_eq!(envelope_of_a_battery, Ok(()), "whose envelope says nothing about the inverter");
}

#[test]
fn another_model_must_be_read_three_times() {
    let mut plant = plant_of(&hybrid());
    let other = first_block_of(0x3001, 282);
    assert_rejected(&mut plant, FIRST, &other, Rejection::OtherModel);
    assert!(plant.in_doubt());
    assert_rejected(&mut plant, FIRST, &other, Rejection::OtherModel);
    offer(&mut plant, FIRST, &block(FIRST)).unwrap();
    assert!(!plant.in_doubt());
    assert_rejected(&mut plant, FIRST, &other, Rejection::OtherModel);
    assert_rejected(&mut plant, FIRST, &other, Rejection::OtherModel);
    assert_eq!(plant.capabilities().unwrap().model, Model::HybridGen1);
    offer(&mut plant, FIRST, &other).unwrap();
    let found = plant.capabilities().unwrap();
    assert_eq!((found.model, found.arm_firmware, &found.batteries[..]), (Model::Ac, 282, &[0x32, 0x33][..]));
    assert_eq!(plant.image().get(INVERTER, Bank::Holding, 0), Some(0x3001));
}

#[test]
fn what_a_changed_model_may_have_is_looked_for() {
    let mut plant = plant_of(&[(FIRST, first_block_of(0x9001, 1))]);
    assert!(plant.next_probe().is_none());
    for _ in 0..3 {
        let _ = offer(&mut plant, FIRST, &block(FIRST));
    }
    assert_eq!(plant.next_probe().unwrap().key, plan::battery(0x32));
}

#[test]
fn an_impossible_clock_is_counted_and_takes_nothing_else_with_it() {
    let mut plant = plant_of(&[(FIRST, with(block(FIRST), &[(36, 13)]))]);
    assert_eq!(plant.rejections().of(Rejection::ImpossibleClock), 1);
    let seen = snapshot(&plant);
    assert!(seen.inverter.time.is_none() && seen.inverter.battery_capacity.is_some());
    offer(&mut plant, FIRST, &block(FIRST)).unwrap();
    assert_eq!(plant.rejections().total(), 1);
    assert!(snapshot(&plant).inverter.time.is_some());
}

#[test]
fn a_block_of_another_length_is_rejected() {
    let mut plant = plant_of(&hybrid());
    assert_rejected(&mut plant, input(0), &[1; 59], Rejection::Length);
    assert_rejected(&mut plant, input(0), &[1; 61], Rejection::Length);
    assert_rejected(&mut plant, input(0), &[], Rejection::Length);
}

#[test]
fn a_block_is_stale_until_it_is_read() {
    let mut plant = plant_of(&hybrid());
    plant.failed(input(0));
    plant.failed(input(0));
    plant.failed(plan::meter(1));
    assert_eq!(plant.stale().collect::<Vec<_>>(), [plan::meter(1), input(0)]);
    assert_eq!(snapshot(&plant).stats.stale_blocks, 2);
    assert!(snapshot(&plant).power.load.is_some(), "the values stay");
    let _ = offer(&mut plant, input(0), &[0; 60]);
    assert_eq!(plant.stale().count(), 2, "what is rejected was not read");
    offer(&mut plant, input(0), &block(input(0))).unwrap();
    let mut longer = block(plan::meter(1));
    longer.resize(60, 0);
    offer(&mut plant, BlockKey::new(1, Bank::Input, 60, 60), &longer).unwrap();
    assert_eq!(plant.stale().count(), 0);
}

fn any_reply() -> impl Strategy<Value = (BlockKey, Vec<u16>, Option<Serial>)> {
    let device = prop::sample::select(vec![INVERTER, MIRROR, 0x32, 0x33, 0x34, 0x01, 0x02, 0xa0]);
    let bank = prop::sample::select(vec![Bank::Holding, Bank::Input, Bank::MeterProduct]);
    let base = prop_oneof![Just(0u16), Just(60), Just(110), Just(13), 0u16..400, any::<u16>()];
    let count = prop_oneof![Just(60u16), 0u16..=60];
    let values = prop_oneof![
        Just(vec![0u16; 60]),
        prop::collection::vec(any::<u16>(), 60),
        prop::collection::vec(0u16..3, 55..=60)
    ];
    let envelope = prop_oneof![
        4 => Just(None),
        1 => Just(Some(Serial::BLANK)),
        1 => Just(Some(Serial::CLIENT)),
        1 => Just(Some("CE2133G999".parse().unwrap())),
    ];
    (device, bank, base, count, values, envelope).prop_map(|(device, bank, base, count, mut values, envelope)| {
        if values.len() == 60 {
            values.truncate(usize::from(count));
        }
        (BlockKey::new(device, bank, base, count), values, envelope)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_is_refused_leaves_the_registers_as_they_were(replies in prop::collection::vec(any_reply(), 1..12), known: bool) {
        let mut plant = if known { plant_of(&hybrid()) } else { Plant::new() };
        for (key, values, envelope) in replies {
            let held = registers(&plant);
            match plant.accept(key, &values, envelope, AT) {
                Ok(()) => prop_assert_eq!(
                    plant.image().block(key).is_some_and(|now| now == values),
                    u32::from(key.base) + u32::from(key.count) <= 0x10000
                ),
                Err(_) => prop_assert_eq!(registers(&plant), held),
            }
        }
        if plant.identity().is_some() {
            snapshot(&plant);
        }
    }
}

#[test]
fn a_counter_that_falls_has_the_clock_read_again() {
    let mut plant = plant_of(&hybrid());
    while plant.wants_again().is_some() {}
    let fallen = with(block(input(0)), &[(12, 0), (22, 0), (33, 0), (46, 0)]);
    take(&mut plant, input(0), &fallen);
    let again: Vec<_> = std::iter::from_fn(|| plant.wants_again()).collect();
    assert!(again.contains(&FIRST), "{again:?}");
}

#[test]
fn a_stacks_counters_are_believed_and_not_shown_as_they_are() {
    let mut plant = plant_of(&filled_plant(0x4001, 612));
    let charged = |plant: &Plant| snapshot(plant).stacks[0].total.battery_charge;
    let before = charged(&plant);
    assert!(before.is_some());
    let (key, values) = filled(0x70, Bank::Input, 60, hv_bcu::FIELDS);
    let _ = plant.accept(key, &with(values, &[(7, 24), (8, 24), (22, 9)]), None, Duration::from_secs(1));
    assert_eq!(charged(&plant), before);
}
