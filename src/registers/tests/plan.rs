use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::frame::{Bank, BlockKey, MAX_REGISTERS};
use crate::plant::{Capabilities, Model, Stack};
use crate::registers::plan::{Due, battery, blocks, bms, controller, meter, module};

fn capabilities(code: u16, arm_firmware: u16) -> Capabilities {
    Capabilities {
        model: Model::of(code, arm_firmware),
        arm_firmware,
        batteries: Vec::new(),
        meters: Vec::new(),
        lv_bcu: false,
        bms: false,
        stacks: Vec::new(),
        extra: Vec::new(),
        silent: Vec::new(),
        mirrored: Vec::new(),
    }
}

/// What is read in each cycle, and what is added when settings are due, with the others' places marked.
fn shown(capabilities: &Capabilities) -> String {
    let live = blocks(capabilities, LIVE);
    let all = blocks(capabilities, ALL);
    assert_eq!(all.iter().filter(|key| live.contains(key)).copied().collect::<Vec<_>>(), live);
    let mut lines = Vec::new();
    for key in all {
        lines.push(format!("{key}{}", if live.contains(&key) { ", live" } else { "" }));
    }
    lines.join("\n")
}

const ALL: Due = Due { live: true, settings: true };
const LIVE: Due = Due { live: true, settings: false };

#[test]
fn a_first_generation_hybrid_is_read_in_the_order_of_what_people_wait_for() {
    let hybrid = Capabilities { batteries: vec![0x32, 0x33], meters: vec![1], ..capabilities(0x2001, 449) };
    insta::assert_snapshot!(shown(&hybrid), @r"
    HR 0+60 at 0x11
    IR 0+60 at 0x11, live
    HR 60+60 at 0x11
    IR 180+60 at 0x11, live
    IR 60+60 at 0x32, live
    IR 60+60 at 0x33, live
    IR 60+30 at 0x01, live
    HR 120+60 at 0x11
    IR 120+60 at 0x11
    ");
}

#[test]
fn single_phase_inverters_differ_in_their_settings() {
    let plain = shown(&capabilities(0x2001, 449));
    insta::assert_snapshot!(plain, @r"
    HR 0+60 at 0x11
    IR 0+60 at 0x11, live
    HR 60+60 at 0x11
    IR 180+60 at 0x11, live
    HR 120+60 at 0x11
    IR 120+60 at 0x11
    ");
    // Hybrid gen 2, gen 3 with old firmware, polar, coarse hybrid, photovoltaic only.
    for (code, arm) in [(0x2001, 912), (0x2001, 302), (0x2101, 0), (0x2201, 0), (0x2301, 0)] {
        assert_eq!(shown(&capabilities(code, arm)), plain, "{code:04x}");
    }
    // Hybrid gen 3 with new firmware, gen 4, HV gen 3.
    let ten_slots = shown(&capabilities(0x2001, 303));
    insta::assert_snapshot!(ten_slots, @r"
    HR 0+60 at 0x11
    IR 0+60 at 0x11, live
    HR 60+60 at 0x11
    IR 180+60 at 0x11, live
    HR 120+60 at 0x11
    IR 120+60 at 0x11
    HR 240+60 at 0x11
    ");
    for (code, arm) in [(0x8301, 0), (0x8101, 0)] {
        assert_eq!(shown(&capabilities(code, arm)), ten_slots, "{code:04x}");
    }
    insta::assert_snapshot!(shown(&capabilities(0x3001, 282)), @r"
    HR 0+60 at 0x11
    IR 0+60 at 0x11, live
    HR 60+60 at 0x11
    IR 180+60 at 0x11, live
    HR 120+60 at 0x11
    IR 120+60 at 0x11
    HR 300+60 at 0x11
    ");
}

#[test]
fn an_all_in_one_has_a_stack_of_modules() {
    let stacks = vec![Stack { controller: 0x70, modules: vec![0x50, 0x51, 0x52, 0x53] }];
    let all_in_one = Capabilities { bms: true, stacks, meters: vec![1], ..capabilities(0x8001, 620) };
    insta::assert_snapshot!(shown(&all_in_one), @r"
    HR 0+60 at 0x11
    IR 0+60 at 0x11, live
    HR 60+60 at 0x11
    IR 180+60 at 0x11, live
    IR 60+60 at 0x70, live
    IR 60+60 at 0x50, live
    IR 60+60 at 0x51, live
    IR 60+60 at 0x52, live
    IR 60+60 at 0x53, live
    IR 60+30 at 0x01, live
    HR 120+60 at 0x11
    IR 120+60 at 0x11
    HR 240+60 at 0x11
    HR 300+60 at 0x11
    IR 60+5 at 0xa0
    ");
}

#[test]
fn a_three_phase_hybrid_has_registers_of_its_own() {
    let stacks =
        vec![Stack { controller: 0x70, modules: vec![0x50, 0x51] }, Stack { controller: 0x71, modules: vec![0x52] }];
    let hybrid = Capabilities { bms: true, stacks, meters: vec![1, 2], ..capabilities(0x4001, 0) };
    insta::assert_snapshot!(shown(&hybrid), @r"
    HR 0+60 at 0x11
    IR 1000+60 at 0x11, live
    IR 1060+60 at 0x11, live
    IR 1120+60 at 0x11, live
    IR 1180+60 at 0x11, live
    IR 1240+60 at 0x11, live
    IR 1300+60 at 0x11, live
    IR 1360+54 at 0x11, live
    IR 0+60 at 0x11, live
    HR 60+60 at 0x11
    IR 180+60 at 0x11, live
    IR 60+60 at 0x70, live
    IR 60+60 at 0x50, live
    IR 60+60 at 0x51, live
    IR 60+60 at 0x71, live
    IR 60+60 at 0x52, live
    IR 60+30 at 0x01, live
    IR 60+30 at 0x02, live
    HR 120+60 at 0x11
    IR 120+60 at 0x11
    HR 1000+60 at 0x11
    HR 1060+60 at 0x11
    HR 1120+5 at 0x11
    IR 60+5 at 0xa0
    ");
    assert_eq!(shown(&capabilities(0x4101, 0)), shown(&capabilities(0x4001, 0)), "commercial all-in-one");
}

#[test]
fn a_three_phase_ac_inverter_has_the_settings_of_both() {
    insta::assert_snapshot!(shown(&capabilities(0x6001, 0)), @r"
    HR 0+60 at 0x11
    IR 1000+60 at 0x11, live
    IR 1060+60 at 0x11, live
    IR 1120+60 at 0x11, live
    IR 1180+60 at 0x11, live
    IR 1240+60 at 0x11, live
    IR 1300+60 at 0x11, live
    IR 1360+54 at 0x11, live
    IR 0+60 at 0x11, live
    HR 60+60 at 0x11
    IR 180+60 at 0x11, live
    HR 120+60 at 0x11
    IR 120+60 at 0x11
    HR 1000+60 at 0x11
    HR 1060+60 at 0x11
    HR 1120+5 at 0x11
    HR 300+60 at 0x11
    ");
}

#[test]
fn an_all_in_one_hybrid_is_read_as_a_three_phase_inverter_once_it_has_shown_that_it_is_one() {
    let unproven = capabilities(0x8201, 0);
    assert_eq!(shown(&unproven), shown(&capabilities(0x8101, 0)));
    let proven = Capabilities { extra: vec![(Bank::Input, 1000)], ..unproven };
    insta::assert_snapshot!(shown(&proven), @r"
    HR 0+60 at 0x11
    IR 1000+60 at 0x11, live
    IR 1060+60 at 0x11, live
    IR 1120+60 at 0x11, live
    IR 1180+60 at 0x11, live
    IR 1240+60 at 0x11, live
    IR 1300+60 at 0x11, live
    IR 1360+54 at 0x11, live
    IR 0+60 at 0x11, live
    HR 60+60 at 0x11
    IR 180+60 at 0x11, live
    HR 120+60 at 0x11
    IR 120+60 at 0x11
    HR 1000+60 at 0x11
    HR 1060+60 at 0x11
    HR 1120+5 at 0x11
    HR 240+60 at 0x11
    ");
}

#[test]
fn a_plant_controller_is_asked_for_its_own_registers_and_energies_where_it_has_them() {
    let ems = Capabilities { meters: vec![1, 3], ..capabilities(0x5001, 1036) };
    insta::assert_snapshot!(shown(&ems), @r"
    HR 0+60 at 0x11
    IR 2040+55 at 0x11, live
    HR 2040+36 at 0x11
    IR 60+30 at 0x01, live
    IR 60+30 at 0x03, live
    ");
    let with_energies = Capabilities { extra: vec![(Bank::Input, 0)], ..capabilities(0x5101, 1036) };
    insta::assert_snapshot!(shown(&with_energies), @r"
    HR 0+60 at 0x11
    IR 2040+55 at 0x11, live
    IR 0+60 at 0x11, live
    HR 2040+36 at 0x11
    ");
}

#[test]
fn a_gateway_tells_of_its_all_in_ones_itself() {
    let extra = vec![(Bank::Holding, 240), (Bank::Holding, 300)];
    let gateway = Capabilities { meters: vec![1, 2], extra, ..capabilities(0x7001, 14) };
    insta::assert_snapshot!(shown(&gateway), @r"
    HR 0+60 at 0x11
    IR 1600+60 at 0x11, live
    IR 1660+60 at 0x11, live
    IR 1720+60 at 0x11, live
    IR 1780+60 at 0x11, live
    IR 1840+20 at 0x11, live
    IR 0+60 at 0x11, live
    HR 60+60 at 0x11
    IR 180+60 at 0x11, live
    IR 60+30 at 0x01, live
    IR 60+30 at 0x02, live
    HR 120+60 at 0x11
    IR 120+60 at 0x11
    HR 240+60 at 0x11
    HR 300+60 at 0x11
    ");
}

#[test]
fn an_unknown_model_is_read_as_far_as_its_first_block() {
    insta::assert_snapshot!(shown(&capabilities(0x9001, 1)), @"HR 0+60 at 0x11, live");
}

#[test]
fn what_never_answered_is_asked_for_with_the_settings_only() {
    let silent = vec![(Bank::Input, 180), (Bank::Holding, 120)];
    insta::assert_snapshot!(shown(&Capabilities { silent, ..capabilities(0x8001, 612) }), @r"
    HR 0+60 at 0x11
    IR 0+60 at 0x11, live
    HR 60+60 at 0x11
    IR 180+60 at 0x11
    HR 120+60 at 0x11
    IR 120+60 at 0x11
    HR 240+60 at 0x11
    HR 300+60 at 0x11
    ");
}

#[test]
fn mirrored_blocks_are_read_at_the_mirror() {
    let mut ac = capabilities(0x3001, 282);
    ac.mirrored = vec![(Bank::Input, 180), (Bank::Holding, 300)];
    insta::assert_snapshot!(shown(&ac), @r"
    HR 0+60 at 0x11
    IR 0+60 at 0x11, live
    HR 60+60 at 0x11
    IR 180+60 at 0x31, live
    HR 120+60 at 0x11
    IR 120+60 at 0x11
    HR 300+60 at 0x31
    ");
}

prop_compose! {
    fn any_capabilities()(
        code in prop_oneof![
            prop::sample::select(vec![
                0x2001u16, 0x2101, 0x2201, 0x2301, 0x3001, 0x4001, 0x4101, 0x5001, 0x6001, 0x7001, 0x8001, 0x8101, 0x8201
            ]),
            any::<u16>()
        ],
        arm in prop_oneof![Just(302u16), Just(303), Just(449), Just(912), any::<u16>()],
        batteries in prop::collection::btree_set(0x32u8..=0x37, 0..=6),
        meters in prop::collection::btree_set(1u8..=8, 0..=8),
        lv_bcu: bool,
        extra in prop::sample::subsequence(
            vec![
                (Bank::Holding, 180),
                (Bank::Input, 240),
                (Bank::Input, 0),
                (Bank::Input, 1000),
                (Bank::Holding, 240),
                (Bank::Holding, 300),
            ],
            0..=6,
        ),
        modules in prop::collection::vec(0usize..=4, 0..=3),
        bms: bool,
        mirrored in prop::sample::subsequence(
            vec![(Bank::Input, 0), (Bank::Input, 180), (Bank::Holding, 60), (Bank::Holding, 180), (Bank::Input, 240)],
            0..=5,
        ),
    ) -> Capabilities {
        Capabilities {
            batteries: batteries.into_iter().collect(),
            meters: meters.into_iter().collect(),
            lv_bcu,
            bms,
            stacks: stacks(&modules),
            extra,
            mirrored,
            ..capabilities(code, arm)
        }
    }
}

fn stacks(modules: &[usize]) -> Vec<Stack> {
    let mut addresses = 0x50..;
    let of = |(controller, &count)| Stack { controller, modules: addresses.by_ref().take(count).collect() };
    (0x70..).zip(modules).map(of).collect()
}

proptest! {
    #[test]
    fn a_plan_asks_for_what_is_due_and_for_nothing_twice(found in any_capabilities(), live: bool, settings: bool) {
        let plan = blocks(&found, Due { live, settings });
        prop_assert!(plan.iter().all(|key| (1..=MAX_REGISTERS).contains(&key.count)));
        let registers: usize = plan.iter().map(|key| usize::from(key.count)).sum();
        let different: BTreeSet<_> = plan
            .iter()
            .flat_map(|key| (key.base..key.base + key.count).map(|at| (key.device, key.bank, at)))
            .collect();
        prop_assert_eq!(different.len(), registers);
        prop_assert!(settings || !found.model.is_supported() || plan.iter().all(|key| key.bank != Bank::Holding));
        let setting = |key: &BlockKey| key.bank == Bank::Holding || [120, 240].contains(&key.base) || *key == bms();
        prop_assert!(live || plan.iter().all(setting));
        let first = plan.first().map(|key| (key.device, key.bank, key.base, key.count));
        prop_assert!(!settings || first == Some((0x11, Bank::Holding, 0, 60)));
        if !found.model.is_supported() {
            prop_assert_eq!(plan.len(), usize::from(settings || live));
        } else if live {
            prop_assert!(found.batteries.iter().all(|&device| plan.contains(&battery(device))));
            prop_assert!(found.meters.iter().all(|&device| plan.contains(&meter(device))));
            for stack in &found.stacks {
                prop_assert!(plan.contains(&controller(stack.controller)));
                prop_assert!(stack.modules.iter().all(|&device| plan.contains(&module(device))));
            }
        }
    }
}
