use std::time::Duration;

use super::{Occurrence, Rejection, packet};
use crate::frame::{Bank, BlockKey, Serial};
use crate::plant::tests::fixture::*;
use crate::plant::{Model, Plant, Refused};
use crate::registers::plan;

mod lost;
mod told;
mod whole_plants;

const PAGE: BlockKey = plan::battery(0x32);

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The hybrid as it was read a second after the start; every block is fresh.
fn running() -> Plant {
    plant_of(&hybrid())
}

fn offer(plant: &mut Plant, key: BlockKey, values: &[u16], at: u64) -> Result<(), Refused> {
    plant.accept(key, values, None, s(at))
}

fn held(reason: Rejection) -> Result<(), Refused> {
    Err(Refused::Held(reason))
}

fn rejected(reason: Rejection) -> Result<(), Refused> {
    Err(Refused::Rejected(reason))
}

fn moved(values: Vec<u16>, changes: &[(usize, i32)]) -> Vec<u16> {
    let changes: Vec<_> = changes.iter().map(|&(at, by)| (at - 60, (i32::from(values[at - 60]) + by) as u16)).collect();
    with(values, &changes)
}

#[test]
fn a_packet_of_the_network_is_rejected() {
    let mut plant = running();
    assert_eq!(offer(&mut plant, input(0), &packet(), 5), rejected(Rejection::StrayPacket));
    assert_eq!(offer(&mut plant, PAGE, &packet(), 5), rejected(Rejection::StrayPacket));
}

#[test]
fn an_inverter_is_known_once_two_reads_of_it_agree() {
    let mut plant = Plant::new();
    let wrong = with(block(FIRST), &[(17, 0x3138)]);
    assert_eq!(offer(&mut plant, FIRST, &wrong, 1), held(Rejection::FirstBlock));
    assert_eq!(offer(&mut plant, FIRST, &block(FIRST), 2), held(Rejection::FirstBlock));
    assert!(plant.identity().is_none() && plant.image().iter().next().is_none());
    assert_eq!(plant.rejections().of(Rejection::FirstBlock), 1, "the wrong one");
    assert_eq!(offer(&mut plant, FIRST, &block(FIRST), 3), Ok(()));
    assert_eq!(plant.identity().unwrap().serial.registers().to_vec(), block(FIRST)[13..18]);
}

#[test]
fn a_batterys_first_page_waits_for_one_that_agrees() {
    let mut plant = plant_of(&[(FIRST, block(FIRST))]);
    let page = block(PAGE);
    assert_eq!(offer(&mut plant, PAGE, &moved(page.clone(), &[(70, 400)]), 10), held(Rejection::FirstBlock));
    assert_eq!(plant.held().collect::<Vec<_>>(), [PAGE]);
    assert_eq!(offer(&mut plant, PAGE, &page, 11), held(Rejection::FirstBlock), "unlike the first");
    assert_eq!(offer(&mut plant, PAGE, &moved(page.clone(), &[(70, 3)]), 12), Ok(()), "like the second");
    assert_eq!((plant.held().count(), plant.rejections().of(Rejection::FirstBlock)), (0, 1));
    let cold = with(page, &[(16, 0), (19, 0)]);
    assert_eq!(offer(&mut plant, plan::battery(0x33), &cold, 13), rejected(Rejection::TemperaturesZero));
}

#[test]
fn each_step_of_a_battery_has_its_bound() {
    let bounds: [(usize, i32); 13] = [
        (60, 300),
        (75, 300),
        (76, 50),
        (79, 50),
        (80, 1600),
        (81, 200),
        (83, 4000),
        (85, 1500),
        (87, 1500),
        (89, 1500),
        (100, 10),
        (102, 1500),
        (105, 50),
    ];
    for (register, most) in bounds {
        // The sum of the cells is held against the cells too.
        let sign = if register == 100 { -1 } else { 1 };
        if register != 80 {
            let mut plant = running();
            assert_eq!(
                offer(&mut plant, PAGE, &moved(block(PAGE), &[(register, sign * most)]), 5),
                Ok(()),
                "IR {register}"
            );
        }
        let mut plant = running();
        let further = moved(block(PAGE), &[(register, sign * (most + 1))]);
        let refused = offer(&mut plant, PAGE, &further, 5);
        let wants = if register == 80 { rejected(Rejection::Splice) } else { held(Rejection::BatteryStep) };
        assert_eq!(refused, wants, "IR {register}");
    }
}

#[test]
fn one_step_too_far_is_believed_when_it_is_read_again_and_dropped_when_it_is_not() {
    let mut plant = running();
    let far = moved(block(PAGE), &[(100, -20)]);
    assert_eq!(offer(&mut plant, PAGE, &far, 15), held(Rejection::BatteryStep));
    assert_eq!(snapshot(&plant).batteries[0].soc, Some(block(PAGE)[40].into()));
    assert_eq!(offer(&mut plant, PAGE, &far, 30), Ok(()));
    assert_eq!((snapshot(&plant).batteries[0].soc, plant.rejections().total()), (Some(far[40].into()), 0));
    assert_eq!(offer(&mut plant, PAGE, &block(PAGE), 45), held(Rejection::BatteryStep));
    assert_eq!(offer(&mut plant, PAGE, &far, 60), Ok(()), "as it was");
    assert_eq!(plant.rejections().of(Rejection::BatteryStep), 1);
}

#[test]
fn two_steps_too_far_are_rejected_until_they_have_lasted_a_quarter_of_an_hour() {
    let mut plant = running();
    let spliced = moved(block(PAGE), &[(61, 400), (62, 400)]);
    for poll in 1..=60 {
        assert_eq!(offer(&mut plant, PAGE, &spliced, 15 * poll), rejected(Rejection::Splice), "{poll}");
    }
    assert_eq!(offer(&mut plant, PAGE, &spliced, 15 * 61), Ok(()));
    assert_eq!(plant.rejections().of(Rejection::Splice), 60);
}

#[test]
fn other_firmware_of_a_battery_and_another_serial_are_believed_after_a_while() {
    for (register, reason) in
        [(97, Rejection::BatteryKind), (98, Rejection::BatteryKind), (113, Rejection::SerialChange)]
    {
        let mut plant = running();
        let other = moved(block(PAGE), &[(register, 1)]);
        for poll in 1..=9 {
            assert_eq!(offer(&mut plant, PAGE, &other, 100 * poll), rejected(reason), "IR {register}");
        }
        assert_eq!(offer(&mut plant, PAGE, &block(PAGE), 950), Ok(()), "what is held still holds");
        assert_eq!(offer(&mut plant, PAGE, &other, 1000), rejected(reason), "and the count begins anew");
        for poll in 1..=9 {
            assert_eq!(offer(&mut plant, PAGE, &other, 1000 + 99 * poll), rejected(reason), "too soon");
        }
        assert_eq!(offer(&mut plant, PAGE, &other, 1901), Ok(()));
    }
}

#[test]
fn a_battery_that_was_away_for_five_minutes_begins_anew() {
    let mut plant = running();
    let other = moved(block(PAGE), &[(61, 400), (62, 400), (113, 1)]);
    assert_eq!(offer(&mut plant, PAGE, &other, 302), held(Rejection::FirstBlock));
    assert_eq!(offer(&mut plant, PAGE, &other, 303), Ok(()));
}

#[test]
fn a_battery_that_says_after_a_while_what_it_said_before_is_not_counted_as_rejected() {
    let mut plant = running();
    assert_eq!(offer(&mut plant, PAGE, &block(PAGE), 302), held(Rejection::FirstBlock));
    assert_eq!(offer(&mut plant, PAGE, &block(PAGE), 303), Ok(()));
    assert_eq!(plant.rejections().total(), 0);
}

#[test]
fn cells_of_a_living_battery_cannot_all_be_zero() {
    let mut plant = running();
    let mut page = block(PAGE);
    page[..16].fill(0);
    assert_eq!(offer(&mut plant, PAGE, &page, 5), rejected(Rejection::CellsZero));
}

#[test]
fn a_power_that_jumps_waits_for_a_read_that_agrees() {
    let mut plant = running();
    let jumped = with(block(input(0)), &[(42, 20_000)]);
    assert_eq!(offer(&mut plant, input(0), &jumped, 15), held(Rejection::Jump));
    assert_eq!(offer(&mut plant, input(0), &with(jumped.clone(), &[(42, 19_000)]), 16), Ok(()));
    assert_eq!(offer(&mut plant, input(0), &with(block(input(0)), &[(59, 3)]), 30), held(Rejection::Jump));
    assert_eq!(offer(&mut plant, input(0), &jumped, 31), Ok(()));
    assert_eq!(plant.rejections().of(Rejection::Jump), 1);
}

#[test]
fn a_power_beyond_what_the_inverter_can_waits() {
    let mut plant = running();
    for (register, watts) in [(52, 4_000), (52, -4_000_i16 as u16), (24, 7_600), (18, 10_500)] {
        // The house takes what the inverter gives.
        let house = (42, if register == 24 { watts - 200 } else { block(input(0))[42] });
        let beyond = with(block(input(0)), &[(register, watts), house]);
        assert_eq!(offer(&mut plant, input(0), &beyond, 15), held(Rejection::Jump), "IR {register}");
        assert_eq!(offer(&mut plant, input(0), &block(input(0)), 16), Ok(()));
    }
    assert_eq!(plant.rejections().of(Rejection::Jump), 4);
    for (register, watts) in [(52, 3_900), (24, 7_400), (18, 9_900)] {
        let house = (42, if register == 24 { watts - 200 } else { block(input(0))[42] });
        let within = with(block(input(0)), &[(register, watts), house]);
        assert_eq!(offer(&mut plant, input(0), &within, 30), Ok(()), "IR {register}");
    }
}

#[test]
fn a_power_beyond_what_the_inverter_can_waits_after_a_pause_too() {
    let mut plant = running();
    let beyond = with(block(input(0)), &[(52, 4_000)]);
    assert_eq!(offer(&mut plant, input(0), &beyond, 4_000), held(Rejection::Jump));
    assert_eq!(offer(&mut plant, input(0), &beyond, 4_001), Ok(()));
    assert_eq!(offer(&mut plant, input(0), &with(beyond, &[(52, 4_100)]), 4_015), Ok(()), "this plant does that");
}

#[test]
fn a_power_that_jumps_from_zeros_waits_too() {
    let export = BlockKey::new(0x11, Bank::Input, 1240, 60);
    let mut plant = plant_of(&[(FIRST, first_block_of(0x4004, 0)), (export, vec![0; 60])]);
    let high_word = with(vec![0; 60], &[(0, 12)]);
    assert_eq!(offer(&mut plant, export, &high_word, 15), held(Rejection::Jump));
    assert_eq!(offer(&mut plant, export, &with(vec![0; 60], &[(1, 12)]), 16), Ok(()), "it exports 1.2 W");
}

#[test]
fn powers_of_other_families_have_bounds_too() {
    let stack = BlockKey::new(0x70, Bank::Input, 60, 60);
    let three_phase = BlockKey::new(0x11, Bank::Input, 1120, 60);
    let gateway = BlockKey::new(0x11, Bank::Input, 1780, 60);
    for (code, key, register, within, beyond) in
        [(0x8001, stack, 19, 89, 91), (0x4001, three_phase, 16, 1, 2), (0x7001, gateway, 36, 11_900, 12_100)]
    {
        let mut plant = plant_of(&[(FIRST, first_block_of(code, 612))]);
        let mut values = vec![1; 60];
        if key.device == 0x70 {
            (values[13], values[14]) = (3_000, 3_000);
        }
        take(&mut plant, key, &values);
        assert_eq!(offer(&mut plant, key, &with(values.clone(), &[(register, within)]), 15), Ok(()), "{key}");
        assert_eq!(offer(&mut plant, key, &with(values, &[(register, beyond)]), 30), held(Rejection::Jump), "{key}");
    }
}

#[test]
fn powers_that_do_not_add_up_wait_and_those_that_never_did_do_not() {
    let mut plant = running();
    let out = with(block(input(0)), &[(24, 9_000)]);
    assert_eq!(offer(&mut plant, input(0), &out, 15), held(Rejection::Imbalance));
    assert_eq!(offer(&mut plant, input(0), &out, 16), Ok(()));
    assert_eq!(offer(&mut plant, input(0), &with(out, &[(42, 400)]), 30), Ok(()), "this plant is so");
}

#[test]
fn what_another_block_says_waits() {
    let mut plant = running();
    for (key, other) in [(holding(60), holding(120)), (input(0), holding(60)), (plan::meter(1), input(0))] {
        let foreign = &block(other)[..usize::from(key.count)];
        let refused = offer(&mut plant, key, foreign, 15);
        assert!(matches!(refused, Err(Refused::Held(_))), "{key} {refused:?}");
        assert_eq!(offer(&mut plant, key, &block(key), 16), Ok(()), "{key}");
    }
}

#[test]
fn a_module_keeps_its_serial_unless_three_reads_say_otherwise() {
    let key = BlockKey::new(0x50, Bank::Input, 60, 60);
    let module = |tail: u16| {
        let serial: Serial = "HX2414G001".parse().unwrap();
        let mut values = vec![3_300; 24];
        values.extend([0; 6].into_iter().chain([210; 12]).chain([0; 12]).chain(serial.registers()));
        values.resize(60, 0);
        values[58] = tail;
        values
    };
    let mut plant = plant_of(&[(FIRST, first_block_of(0x8001, 612)), (key, module(0x3031))]);
    for read in 1..=2 {
        assert_eq!(offer(&mut plant, key, &module(0x3032), 15 + read), held(Rejection::SerialChange));
    }
    assert_eq!(offer(&mut plant, key, &module(0x3032), 18), Ok(()));
    assert_eq!(offer(&mut plant, key, &module(0x4141), 33), rejected(Rejection::SerialShape));
    let mut dead = module(0x3032);
    dead[..24].fill(0);
    assert_eq!(offer(&mut plant, key, &dead, 48), rejected(Rejection::CellsZero));
}

#[test]
fn what_a_meter_is_wants_two_reads_that_agree_and_three_to_change() {
    let key = plan::meter_product(1);
    let (product, other) = (block(key), with(block(key), &[(0, 0x4141)]));
    let mut plant = plant_of(&[(FIRST, block(FIRST))]);
    assert_eq!(offer(&mut plant, key, &product, 5), held(Rejection::FirstBlock));
    assert_eq!(offer(&mut plant, key, &product, 6), Ok(()));
    assert_eq!(offer(&mut plant, key, &other, 7), held(Rejection::SerialChange));
    assert_eq!(offer(&mut plant, key, &product, 8), Ok(()));
    for at in [9, 10] {
        assert_eq!(offer(&mut plant, key, &other, at), held(Rejection::SerialChange));
    }
    assert_eq!(offer(&mut plant, key, &other, 11), Ok(()));
}

#[test]
fn a_rejection_is_told_once_and_again_when_it_is_over() {
    let mut plant = running();
    plant.occurrences(s(1));
    let zeros = vec![0; 60];
    for at in [15, 30, 45] {
        let _ = offer(&mut plant, PAGE, &zeros, at);
    }
    let began = Occurrence::Rejected { reason: Rejection::AllZero, block: PAGE };
    assert_eq!(plant.occurrences(s(46)), std::slice::from_ref(&began));
    for at in [200, 400, 640] {
        offer(&mut plant, PAGE, &block(PAGE), at).unwrap();
    }
    assert_eq!(plant.occurrences(s(644)), []);
    let ended = |count| Occurrence::RejectionEnded { reason: Rejection::AllZero, device: 0x32, count };
    assert_eq!(plant.occurrences(s(645)), [ended(3)]);
    let _ = offer(&mut plant, PAGE, &zeros, 700);
    // Good and bad replies that take turns are one episode, which a device that is silent does not end.
    for poll in 0..40 {
        offer(&mut plant, PAGE, &block(PAGE), 710 + 15 * poll).unwrap();
    }
    let _ = offer(&mut plant, PAGE, &zeros, 1_299);
    assert_eq!(plant.occurrences(s(9_000)), [began]);
    let _ = offer(&mut plant, PAGE, &block(PAGE), 9_001);
    offer(&mut plant, PAGE, &block(PAGE), 9_002).unwrap();
    assert_eq!(plant.occurrences(s(9_002)), [ended(2)]);
}

#[test]
fn a_battery_that_says_the_same_for_an_hour_of_work_is_frozen() {
    let mut plant = running();
    for poll in 1..240 {
        offer(&mut plant, PAGE, &block(PAGE), 1 + 15 * poll).unwrap();
    }
    assert_eq!(plant.occurrences(s(3_590)), []);
    offer(&mut plant, PAGE, &block(PAGE), 3_601).unwrap();
    assert_eq!(plant.occurrences(s(3_601)), [Occurrence::BatteryFrozen { device: 0x32, lasting: s(3_600) }]);
    offer(&mut plant, PAGE, &moved(block(PAGE), &[(61, 2)]), 3_616).unwrap();
    assert_eq!(plant.occurrences(s(3_616)), [Occurrence::BatteryThawed { device: 0x32 }]);
    let idle = with(block(input(0)), &[(52, 20)]);
    offer(&mut plant, input(0), &idle, 3_620).unwrap();
    for poll in 0..300 {
        offer(&mut plant, PAGE, &block(PAGE), 3_631 + 15 * poll).unwrap();
    }
    assert_eq!(plant.occurrences(s(9_000)), [], "it rests");
}

#[test]
fn a_changed_model_is_told() {
    let mut plant = running();
    plant.occurrences(s(1));
    for at in 2..5 {
        let _ = offer(&mut plant, FIRST, &first_block_of(0x3001, 282), at);
    }
    let told = plant.occurrences(s(5));
    assert!(told.contains(&Occurrence::ModelChanged { from: Model::HybridGen1, to: Model::Ac }), "{told:?}");
}

#[test]
fn fields_that_cannot_be_are_counted_once_while_they_last() {
    let mut plant = running();
    let wrong = with(block(input(0)), &[(13, 9_999)]);
    assert_eq!(offer(&mut plant, input(0), &wrong, 2), held(Rejection::ImplausibleField));
    for at in 3..6 {
        offer(&mut plant, input(0), &wrong, at).unwrap();
    }
    assert_eq!(plant.implausible_fields().collect::<Vec<_>>(), [("f_ac1", 1)]);
    assert_eq!(plant.rejections().of(Rejection::ImplausibleField), 1);
}

#[test]
fn a_wrong_first_page_after_a_pause_makes_no_splice_of_the_true_ones() {
    let mut plant = running();
    let true_now = moved(block(PAGE), &[(100, -20), (105, 60)]);
    let wrong = moved(true_now.clone(), &[(86, 1), (76, -60)]);
    assert_eq!(offer(&mut plant, PAGE, &wrong, 5400), held(Rejection::FirstBlock));
    assert_eq!(offer(&mut plant, PAGE, &true_now, 5401), held(Rejection::FirstBlock));
    assert_eq!(offer(&mut plant, PAGE, &true_now, 5402), Ok(()));
}
