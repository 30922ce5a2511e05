use std::time::Duration;

use super::fixture::*;
use crate::frame::{Bank, BlockKey};
use crate::plant::{INVERTER, MIRROR, Model, Plant, Probe, Stack};
use crate::registers::plan;

fn fresh(code: u16, arm: u16) -> Plant {
    plant_of(&[(FIRST, first_block_of(code, arm))])
}

/// Asks until everything was asked once, each question unanswered.
fn ask_all(plant: &mut Plant) -> Vec<Probe> {
    let mut asked = Vec::new();
    while !plant.all_probed_once() {
        let probe = plant.next_probe().expect("a question");
        plant.probe_failed(probe.key);
        asked.push(probe);
        assert!(asked.len() < 100, "it never ends");
    }
    asked
}

fn shown(probes: &[Probe]) -> String {
    let line = |probe: &Probe| format!("{}{}", probe.key, if probe.patient { ", patient" } else { "" });
    probes.iter().map(line).collect::<Vec<_>>().join(
        "
",
    )
}

#[test]
fn a_hybrid_is_asked_for_batteries_then_optional_blocks_then_meters() {
    insta::assert_snapshot!(shown(&ask_all(&mut fresh(0x2001, 303))), @r"
    IR 60+60 at 0x32, patient
    IR 60+60 at 0x33
    IR 60+60 at 0x34
    IR 60+60 at 0x35
    IR 60+60 at 0x36
    IR 60+60 at 0x37
    HR 180+60 at 0x11
    IR 240+60 at 0x11
    IR 60+30 at 0x01
    IR 60+30 at 0x02
    IR 60+30 at 0x03
    IR 60+30 at 0x04
    IR 60+30 at 0x05
    IR 60+30 at 0x06
    IR 60+30 at 0x07
    IR 60+30 at 0x08
    IR 60+60 at 0x31
    ");
}

#[test]
fn an_inverter_with_high_voltage_stacks_is_asked_how_many_and_for_the_first() {
    insta::assert_snapshot!(shown(&ask_all(&mut fresh(0x8001, 612))), @r"
    IR 60+5 at 0xa0, patient
    IR 60+60 at 0x70, patient
    HR 180+60 at 0x11
    IR 240+60 at 0x11
    IR 60+30 at 0x01
    IR 60+30 at 0x02
    IR 60+30 at 0x03
    IR 60+30 at 0x04
    IR 60+30 at 0x05
    IR 60+30 at 0x06
    IR 60+30 at 0x07
    IR 60+30 at 0x08
    ");
    let three_phase = shown(&ask_all(&mut fresh(0x4001, 0)));
    insta::assert_snapshot!(three_phase.lines().take(5).collect::<Vec<_>>().join("\n"), @r"
    IR 60+5 at 0xa0, patient
    IR 60+60 at 0x70, patient
    HR 180+60 at 0x11
    IR 240+60 at 0x11
    HR 240+60 at 0x11
    ");
    let all_in_one_hybrid = shown(&ask_all(&mut fresh(0x8201, 0)));
    insta::assert_snapshot!(all_in_one_hybrid.lines().take(5).collect::<Vec<_>>().join("\n"), @r"
    IR 60+5 at 0xa0, patient
    IR 60+60 at 0x70, patient
    IR 1000+60 at 0x11
    HR 180+60 at 0x11
    IR 240+60 at 0x11
    ");
}

#[test]
fn leaders_are_asked_for_meters_and_optional_blocks_and_one_without_batteries_for_none() {
    insta::assert_snapshot!(shown(&ask_all(&mut fresh(0x5001, 1036))), @r"
    IR 0+60 at 0x11
    IR 60+30 at 0x01
    IR 60+30 at 0x02
    IR 60+30 at 0x03
    IR 60+30 at 0x04
    IR 60+30 at 0x05
    IR 60+30 at 0x06
    IR 60+30 at 0x07
    IR 60+30 at 0x08
    ");
    let gateway = shown(&ask_all(&mut fresh(0x7001, 14)));
    insta::assert_snapshot!(gateway.lines().take(5).collect::<Vec<_>>().join("\n"), @r"
    HR 180+60 at 0x11
    IR 240+60 at 0x11
    HR 240+60 at 0x11
    HR 300+60 at 0x11
    IR 60+30 at 0x01
    ");
    let pv_only = shown(&ask_all(&mut fresh(0x2301, 449)));
    insta::assert_snapshot!(pv_only.lines().take(3).collect::<Vec<_>>().join("\n"), @r"
    HR 180+60 at 0x11
    IR 240+60 at 0x11
    IR 60+30 at 0x01
    ");
}

/// A page of input registers 60 to 119.
fn page(registers: &[(usize, u16)]) -> Vec<u16> {
    with(vec![0; 60], &registers.iter().map(|&(register, value)| (register - 60, value)).collect::<Vec<_>>())
}

fn module_page(device: u8) -> Vec<u16> {
    page(&[(60, 3300), (114, 0x4858), (115, 0x3234), (116, 0x3134), (117, 0x4730), (118, 0x3000 | u16::from(device))])
}

#[test]
fn each_page_of_a_stack_tells_what_to_ask_for_next() {
    let mut plant = fresh(0x4001, 0);
    let next = |plant: &mut Plant| {
        let probe = plant.next_probe().unwrap();
        plant.probe_failed(probe.key);
        probe.key
    };
    assert_eq!(next(&mut plant), plan::bms());
    take(&mut plant, plan::bms(), &[1, 2, 0, 0, 0]);
    assert_eq!(next(&mut plant), plan::controller(0x71));
    assert_eq!(next(&mut plant), plan::controller(0x70));
    take(&mut plant, plan::controller(0x70), &page(&[(64, 2), (73, 1500)]));
    let wanted = [plan::module(0x51), plan::module(0x50), plan::controller_serial(0x70)];
    assert_eq!([0; 3].map(|_| next(&mut plant)), wanted);
    take(&mut plant, plan::module(0x50), &module_page(0x50));
    take(&mut plant, plan::module(0x51), &page(&[(60, 3300)]));
    take(&mut plant, plan::controller(0x71), &page(&[(64, 1), (73, 1500)]));
    take(&mut plant, plan::module(0x52), &module_page(0x52));
    let found = plant.capabilities().unwrap();
    let stack = |controller, modules: &[u8]| Stack { controller, modules: modules.to_vec() };
    assert_eq!((found.bms, &found.stacks[..]), (true, &[stack(0x70, &[0x50]), stack(0x71, &[0x52])][..]));
    assert_eq!(plant.stacks(), found.stacks);

    // A module that tells later who it is belongs to the stack of its address.
    take(&mut plant, plan::module(0x51), &module_page(0x51));
    assert_eq!(plant.stacks(), [stack(0x70, &[0x50, 0x51]), stack(0x71, &[0x52])]);
    let later: Vec<_> = (0..60).map(|_| next(&mut plant)).collect();
    assert!(later.iter().all(|key| !(0x50..0x60).contains(&key.device)), "{later:?}");
    assert!(later.contains(&plan::controller_serial(0x71)));
}

#[test]
fn where_nothing_says_how_many_stacks_there_are_the_next_one_is_asked_for() {
    let mut plant = fresh(0x6001, 0);
    ask_all(&mut plant);
    take(&mut plant, plan::controller(0x70), &page(&[(64, 1), (73, 1500)]));
    let asked = ask_all(&mut plant);
    assert!(asked.iter().any(|probe| probe.key == plan::controller(0x71)), "{asked:?}");
    assert!(asked.iter().all(|probe| probe.key != plan::controller(0x72)), "{asked:?}");
}

#[test]
fn an_optional_block_of_zeros_is_none_but_for_faults_and_generation() {
    let mut ems = fresh(0x5001, 1036);
    take(&mut ems, input(0), &[0; 60]);
    assert!(ems.capabilities().unwrap().extra.is_empty());
    take(&mut ems, input(0), &with(vec![0; 60], &[(5, 2400)]));
    assert_eq!(ems.capabilities().unwrap().extra, [(Bank::Input, 0)]);
    let mut hybrid = fresh(0x2001, 303);
    take(&mut hybrid, holding(180), &[0; 60]);
    assert_eq!(hybrid.capabilities().unwrap().extra, [(Bank::Holding, 180)]);
}

#[test]
fn a_model_that_changes_after_all_keeps_only_what_it_can_have() {
    let mut plant = plant_of(&hybrid());
    for _ in 0..4 {
        let _ = plant.accept(FIRST, &first_block_of(0x8001, 612), None, Duration::from_secs(2));
    }
    let found = plant.capabilities().unwrap();
    assert_eq!(found.model, Model::AllInOne);
    assert_eq!((&found.batteries[..], &found.meters[..]), (&[][..], &[1][..]));
}

#[test]
fn a_battery_that_does_not_answer_leaves_the_total_to_the_next_and_to_nothing_else() {
    let mut plant = plant_of(&hybrid());
    let charged = snapshot(&plant).total.battery_charge;
    assert!(charged.is_some());
    let miss = |plant: &mut Plant, device, at| {
        (0..3).for_each(|_| plant.failed(plan::battery(device)));
        plant.accept(input(0), &block(input(0)), None, Duration::from_secs(at)).unwrap();
    };
    miss(&mut plant, 0x32, 299);
    assert!(snapshot(&plant).unavailable.is_empty(), "not for so long yet");
    miss(&mut plant, 0x32, 302);
    let seen = snapshot(&plant);
    assert_eq!((seen.total.battery_charge, &seen.unavailable[..]), (charged, &[0x32][..]));
    assert_eq!((seen.batteries.len(), seen.batteries[0].soc), (2, None));
    assert!(seen.batteries[1].soc.is_some(), "nobody asked for it");
    miss(&mut plant, 0x33, 303);
    let seen = snapshot(&plant);
    assert_eq!(seen.total.battery_charge, charged, "it stays, and is not the inverter's counter");
    assert_eq!(seen.unavailable, [0x32, 0x33]);
    take(&mut plant, plan::battery(0x32), &block(plan::battery(0x32)));
    assert_eq!(snapshot(&plant).unavailable, [0x33]);
}

#[test]
fn where_there_is_a_mirror_optional_blocks_are_asked_for_there_too_on_the_first_pass() {
    for (code, arm) in [(0x2001, 449), (0x3001, 282)] {
        let mut plant = fresh(code, arm);
        let asked = ask_all(&mut plant);
        for (bank, base) in plan::OPTIONAL {
            for device in [INVERTER, MIRROR] {
                let key = BlockKey::new(device, bank, base, 60);
                assert_eq!(asked.iter().filter(|probe| probe.key == key).count(), 1, "{key}");
            }
        }
        assert_eq!(asked.len(), 17 + 2);
    }
}

#[test]
fn an_optional_block_that_is_found_is_read_where_it_was_found() {
    let at_mirror = BlockKey::new(MIRROR, Bank::Input, 240, 60);
    let mut plant = fresh(0x2001, 449);
    ask_all(&mut plant);
    take(&mut plant, at_mirror, &[0; 60]);
    let found = plant.capabilities().unwrap();
    assert_eq!((&found.extra[..], &found.mirrored[..]), (&[(Bank::Input, 240)][..], &[(Bank::Input, 240)][..]));
    assert_eq!(found.inverter_block(Bank::Input, 240), at_mirror);
    let later: Vec<_> = (0..40).filter_map(|_| plant.next_probe()).collect();
    assert!(later.iter().all(|probe| (probe.key.bank, probe.key.base) != (Bank::Input, 240)), "no more questions");
}

#[test]
fn what_is_absent_is_asked_for_again_and_again_in_turn() {
    let mut plant = fresh(0x2001, 303);
    let first = ask_all(&mut plant);
    assert!(!plant.all_probed(), "absence on one pass is no proof");
    let again = |plant: &mut Plant| -> Vec<Probe> {
        let mut ask = |_: &Probe| {
            let probe = plant.next_probe().unwrap();
            plant.probe_failed(probe.key);
            probe
        };
        first.iter().map(&mut ask).collect()
    };
    assert_eq!(again(&mut plant), first);
    assert!(plant.all_probed());
    assert_eq!(again(&mut plant), first);
}

#[test]
fn a_question_that_was_not_put_for_want_of_time_still_counts_as_unasked() {
    let mut plant = fresh(0x2001, 303);
    for _ in 0..100 {
        plant.next_probe().unwrap();
    }
    assert!(!plant.all_probed_once());
}

#[test]
fn everything_was_asked_exactly_when_each_question_was_put_once_whatever_is_found_meanwhile() {
    let mut plant = fresh(0x2001, 303);
    for _ in 0..3 {
        let probe = plant.next_probe().unwrap();
        plant.probe_failed(probe.key);
    }
    // Another client's replies show a battery and two meters that were not asked for yet.
    take(&mut plant, plan::battery(0x35), &block(plan::battery(0x32)));
    for meter in [2, 7] {
        take(&mut plant, plan::meter(meter), &block(plan::meter(1)));
        take(&mut plant, plan::meter_product(meter), &block(plan::meter_product(1)));
    }
    let mut left = 0;
    while !plant.all_probed_once() {
        let probe = plant.next_probe().unwrap();
        plant.probe_failed(probe.key);
        left += 1;
    }
    assert_eq!(left, 17 - 3 - 3);
}

#[test]
fn a_meter_that_is_found_is_asked_what_it_is_next() {
    let mut plant = fresh(0x2001, 303);
    ask_all(&mut plant);
    take(&mut plant, plan::meter(3), &block(plan::meter(1)));
    assert!(!plant.all_probed_once());
    assert_eq!(plant.next_probe().unwrap().key, plan::meter_product(3));
    take(&mut plant, plan::meter_product(3), &block(plan::meter_product(1)));
    let later: Vec<_> = (0..40).filter_map(|_| plant.next_probe()).collect();
    assert!(later.iter().all(|probe| probe.key.device != 3), "{later:?}");
    assert_eq!(plant.capabilities().unwrap().meters, [3]);
}

#[test]
fn a_meter_that_comes_late_makes_no_question_of_what_batteries_there_are() {
    let mut plant = fresh(0x2001, 303);
    assert!(!plant.batteries_probed());
    while !plant.all_probed() {
        let probe = plant.next_probe().unwrap();
        plant.probe_failed(probe.key);
    }
    take(&mut plant, plan::meter(3), &block(plan::meter(1)));
    assert!(!plant.all_probed() && plant.batteries_probed());
}

#[test]
fn a_meter_that_shows_no_voltage_is_none_and_one_read_in_a_longer_reply_is_one() {
    let mut plant = fresh(0x2001, 303);
    take(&mut plant, plan::meter(1), &[0; 30]);
    take(&mut plant, plan::meter(2), &with(block(plan::meter(1)), &[(0, 0)]));
    assert!(plant.capabilities().unwrap().meters.is_empty());
    let mut longer = block(plan::meter(1));
    longer.resize(60, 0);
    take(&mut plant, BlockKey::new(4, Bank::Input, 60, 60), &longer);
    assert_eq!(plant.capabilities().unwrap().meters, [4]);
}

#[test]
fn batteries_need_not_be_contiguous_nor_found_in_order() {
    let mut plant = fresh(0x2001, 449);
    for device in [0x36, 0x32, 0x34, 0x32] {
        take(&mut plant, plan::battery(device), &battery_of(device));
    }
    assert_eq!(plant.capabilities().unwrap().batteries, [0x32, 0x34, 0x36]);
    let addresses: Vec<_> = snapshot(&plant).batteries.iter().map(|battery| battery.address).collect();
    assert_eq!(addresses, [0x32, 0x34, 0x36]);
}

/// A battery whose serial ends in its address.
fn battery_of(device: u8) -> Vec<u16> {
    with(block(plan::battery(0x32)), &[(54, 0x3000 | u16::from(device))])
}

#[test]
fn a_page_that_bears_anothers_serial_is_not_shown_twice() {
    let mut plant = fresh(0x2001, 449);
    for (device, page) in [(0x32, 0x32), (0x33, 0x32)] {
        take(&mut plant, plan::battery(device), &battery_of(page));
    }
    let addresses: Vec<_> = snapshot(&plant).batteries.iter().map(|battery| battery.address).collect();
    assert_eq!(addresses, [0x32]);
}

#[test]
fn no_battery_is_legal_and_a_page_without_a_serial_is_none() {
    let mut plant = fresh(0x2001, 449);
    take(&mut plant, plan::battery(0x32), &[0; 60]);
    take(&mut plant, plan::battery(0x33), &with(block(plan::battery(0x32)), &[(50, 0x2020)]));
    ask_all(&mut plant);
    assert!(plant.capabilities().unwrap().batteries.is_empty() && snapshot(&plant).batteries.is_empty());
}

#[test]
fn the_low_voltage_controller_is_there_when_it_says_anything() {
    let mut plant = fresh(0x2001, 449);
    take(&mut plant, plan::lv_bcu(), &[0; 60]);
    assert!(!plant.capabilities().unwrap().lv_bcu);
    take(&mut plant, plan::lv_bcu(), &with(vec![0; 60], &[(2, 100)]));
    assert!(plant.capabilities().unwrap().lv_bcu);
}

#[test]
fn an_all_in_one_is_not_asked_for_low_voltage_batteries_and_an_unknown_model_for_nothing() {
    let asked = ask_all(&mut fresh(0x8001, 612));
    assert!(asked.iter().all(|probe| !(0x31..=0x37).contains(&probe.key.device)), "{asked:?}");
    let mut unknown = fresh(0x9001, 1);
    assert_eq!(unknown.identity().unwrap().model, Model::Unknown(0x9001));
    assert!(unknown.all_probed() && unknown.next_probe().is_none());
}

#[test]
fn a_block_that_the_inverter_leaves_unanswered_may_stand_at_its_mirror() {
    let mut plant = fresh(0x3001, 282);
    let mirror = plant.mirror_of(input(180)).unwrap();
    assert_eq!(mirror, BlockKey::new(MIRROR, Bank::Input, 180, 60));
    assert_eq!(plant.mirror_of(FIRST), None, "who the inverter is, it says itself");
    assert_eq!(plant.mirror_of(plan::battery(0x32)), None);
    assert_eq!(fresh(0x2001, 303).mirror_of(input(180)), None, "this model has none");
    plant.failed(input(180));
    take(&mut plant, mirror, &[0; 60]);
    assert!(!plant.use_mirror(mirror), "a page of zeros is none");
    assert!(plant.capabilities().unwrap().mirrored.is_empty() && !plant.uses_mirror());
    take(&mut plant, mirror, &with(vec![0; 60], &[(0, 15711)]));
    assert!(plant.use_mirror(mirror) && plant.use_mirror(mirror) && plant.uses_mirror());
    assert_eq!(plant.stale().count(), 0);
    assert_eq!(plant.capabilities().unwrap().mirrored, [(Bank::Input, 180)]);
}
