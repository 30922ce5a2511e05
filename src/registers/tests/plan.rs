use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::frame::{Bank, MAX_REGISTERS};
use crate::plant::{Capabilities, Model};
use crate::registers::plan::{Due, OPTIONAL, battery, blocks, meter};

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

fn shown(capabilities: &Capabilities, due: Due) -> String {
    blocks(capabilities, due).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

const ALL: Due = Due { live: true, settings: true };

#[test]
fn a_first_generation_hybrid_is_read_in_the_order_of_what_people_wait_for() {
    let hybrid = Capabilities { batteries: vec![0x32, 0x33], meters: vec![1], ..capabilities(0x2001, 449) };
    insta::assert_snapshot!(shown(&hybrid, ALL), @r"
    HR 0+60 at 0x11
    IR 0+60 at 0x11
    IR 180+60 at 0x11
    HR 60+60 at 0x11
    IR 60+60 at 0x32
    IR 60+60 at 0x33
    IR 60+30 at 0x01
    HR 120+60 at 0x11
    ");
    insta::assert_snapshot!(shown(&hybrid, Due { live: true, settings: false }), @r"
    IR 0+60 at 0x11
    IR 180+60 at 0x11
    IR 60+60 at 0x32
    IR 60+60 at 0x33
    IR 60+30 at 0x01
    ");
}

#[test]
fn ten_slots_and_ac_settings_are_read_where_the_model_has_them() {
    let has = |code, arm, base| blocks(&capabilities(code, arm), ALL).iter().any(|key| key.base == base);
    assert_eq!((has(0x2001, 303, 240), has(0x2001, 302, 240), has(0x8001, 612, 240)), (true, false, true));
    assert_eq!((has(0x3001, 282, 300), has(0x2001, 449, 300), has(0x8001, 612, 300)), (true, false, true));
}

#[test]
fn mirrored_blocks_are_read_at_the_mirror() {
    let mut ac = capabilities(0x3001, 282);
    ac.mirrored = vec![(Bank::Input, 180), (Bank::Holding, 300)];
    insta::assert_snapshot!(shown(&ac, ALL), @r"
    HR 0+60 at 0x11
    IR 0+60 at 0x11
    IR 180+60 at 0x31
    HR 60+60 at 0x11
    HR 120+60 at 0x11
    HR 300+60 at 0x31
    ");
}

prop_compose! {
    fn any_capabilities()(
        code in prop_oneof![
            prop::sample::select(vec![0x2001u16, 0x2101, 0x2201, 0x3001, 0x4001, 0x5001, 0x6001, 0x7001, 0x8001]),
            any::<u16>()
        ],
        arm in prop_oneof![Just(302u16), Just(303), Just(449), Just(912), any::<u16>()],
        batteries in prop::collection::btree_set(0x32u8..=0x37, 0..=6),
        meters in prop::collection::btree_set(1u8..=8, 0..=8),
        lv_bcu: bool,
        extra in prop::sample::subsequence(OPTIONAL.to_vec(), 0..=2),
        mirrored in prop::sample::subsequence(
            vec![(Bank::Input, 0), (Bank::Input, 180), (Bank::Holding, 60), (Bank::Holding, 180), (Bank::Input, 240)],
            0..=5,
        ),
    ) -> Capabilities {
        Capabilities {
            batteries: batteries.into_iter().collect(),
            meters: meters.into_iter().collect(),
            lv_bcu,
            extra,
            mirrored,
            ..capabilities(code, arm)
        }
    }
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
        let setting = |key: &crate::frame::BlockKey| key.bank == Bank::Holding || OPTIONAL.contains(&(key.bank, key.base));
        prop_assert!(live || plan.iter().all(setting));
        let first = plan.first().map(|key| (key.device, key.bank, key.base, key.count));
        prop_assert!(!settings || first == Some((0x11, Bank::Holding, 0, 60)));
        if !found.model.is_supported() {
            prop_assert_eq!(plan.len(), usize::from(settings || live));
        } else if live {
            prop_assert!(found.batteries.iter().all(|&device| plan.contains(&battery(device))));
            prop_assert!(found.meters.iter().all(|&device| plan.contains(&meter(device))));
        }
    }
}
