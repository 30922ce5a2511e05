#![allow(clippy::float_cmp, reason = "what is compared was rounded, or passed on as it was")]

use super::*;
use crate::catalogue::{Layout, Leaf};
use crate::plant::tests::fixture::{hybrid, plant_of, snapshot};

const POWER: &str = "Power/Power/Load_Power";
const VOLTAGE: &str = "Power/Power/Grid_Voltage";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + seconds).unwrap()
}

fn tree(leaves: &[(&str, Payload)]) -> Tree {
    let leaves = leaves.iter().map(|(path, payload)| Leaf { path: (*path).into(), payload: payload.clone() }).collect();
    Tree {
        serial: "SA2114G047".parse().unwrap(),
        online: true,
        leaves,
        left_out: Arc::default(),
        notices: Arc::default(),
    }
}

/// What is shown of one leaf's values, a poll each.
fn shown(degree: Smoothing, path: &str, values: &[(i64, f64)]) -> Vec<f64> {
    let mut smoother = Smoother::new(degree);
    let polls = values.iter().zip(1..).map(|(&(seconds, value), cycle)| {
        let mut tree = tree(&[(path, Payload::Float(value))]);
        smoother.smooth(&mut tree, at(seconds), cycle);
        number(&tree.leaves[0].payload).unwrap()
    });
    polls.collect()
}

#[test]
fn a_leap_is_held_back_for_one_poll() {
    let values = [(0, 500.0), (15, 3000.0), (30, 3100.0), (45, 3200.0)];
    assert_eq!(shown(Smoothing::High, POWER, &values), [500.0, 500.0, 3100.0, 3200.0]);
    let spike = [(0, 500.0), (15, 3000.0), (30, 510.0), (45, 520.0)];
    assert_eq!(shown(Smoothing::High, POWER, &spike), [500.0, 500.0, 510.0, 520.0]);
}

#[test]
fn each_degree_has_its_limits_for_powers() {
    for (degree, watts) in [(Smoothing::High, 1000.0), (Smoothing::Medium, 5000.0), (Smoothing::Low, 7000.0)] {
        for path in [POWER, "Power/Flows/Grid_to_House"] {
            let fits = shown(degree, path, &[(0, 100.0), (15, 100.0 + watts)]);
            assert_eq!(fits, [100.0, 100.0 + watts], "{degree}");
            assert_eq!(shown(degree, path, &[(0, 100.0), (15, 101.0 + watts)]), [100.0, 100.0], "{degree}");
        }
    }
}

#[test]
fn other_values_are_held_by_their_ratio_unless_the_leap_is_small() {
    for (degree, ratio) in [(Smoothing::High, 0.25), (Smoothing::Medium, 0.35), (Smoothing::Low, 0.5)] {
        let (fits, leaps) = (200.0 * (1.0 + ratio), 200.0 * (1.0 + ratio) + 1.0);
        assert_eq!(shown(degree, VOLTAGE, &[(0, 200.0), (15, fits)]), [200.0, fits], "{degree}");
        assert_eq!(shown(degree, VOLTAGE, &[(0, 200.0), (15, leaps)]), [200.0, 200.0], "{degree}");
    }
    let cell = "Battery_Details/Battery_Stack_1/BG2227G201/Battery_Cell_12_Voltage";
    assert_eq!(shown(Smoothing::High, cell, &[(0, 2.0), (15, 2.9)]), [2.0, 2.9], "less than 1");
    assert_eq!(shown(Smoothing::High, cell, &[(0, 2.0), (15, 3.1)]), [2.0, 2.0]);
    assert_eq!(shown(Smoothing::High, VOLTAGE, &[(0, 0.0), (15, 240.0)]), [0.0, 240.0], "nothing has no ratio");
}

#[test]
fn after_a_minute_without_a_value_a_leap_is_no_leap() {
    assert_eq!(shown(Smoothing::High, POWER, &[(0, 500.0), (59, 3000.0)]), [500.0, 500.0]);
    assert_eq!(shown(Smoothing::High, POWER, &[(0, 500.0), (60, 3000.0)]), [500.0, 3000.0]);
}

#[test]
fn trees_of_one_poll_count_as_one() {
    let mut smoother = Smoother::new(Smoothing::High);
    let mut shown = |value: f64, seconds: i64, cycle: u64| {
        let mut tree = tree(&[(POWER, Payload::Float(value))]);
        smoother.smooth(&mut tree, at(seconds), cycle);
        number(&tree.leaves[0].payload).unwrap()
    };
    assert_eq!(shown(500.0, 0, 1), 500.0);
    assert_eq!([shown(3000.0, 15, 2), shown(3000.0, 16, 2), shown(3000.0, 17, 2)], [500.0; 3]);
    assert_eq!(shown(3000.0, 30, 3), 3000.0);
}

#[test]
fn none_changes_nothing() {
    assert_eq!(shown(Smoothing::None, POWER, &[(0, 500.0), (15, 9000.0)]), [500.0, 9000.0]);
}

#[test]
fn counters_registers_and_other_leaves_are_left_alone() {
    for path in [
        "raw/invertor/p_load_demand",
        "raw/invertor/Load_Power",
        "Energy/Today/Load_Energy_Today_kWh",
        "Energy/Total/Import_Energy_Total_kWh",
        "Energy/Rates/Battery_Value",
        "Power/Power/Grid_Current",
        "Control/Battery_Charge_Rate",
        "Stats/Timeout_Error",
    ] {
        assert_eq!(shown(Smoothing::High, path, &[(0, 10.0), (15, 9000.0)]), [10.0, 9000.0], "{path}");
    }
}

#[test]
fn a_leaf_that_went_begins_anew_and_is_not_kept() {
    let mut smoother = Smoother::new(Smoothing::High);
    smoother.smooth(&mut tree(&[(POWER, Payload::Integer(500)), (VOLTAGE, Payload::Float(240.0))]), at(0), 1);
    assert_eq!(smoother.shown.len(), 2);
    smoother.smooth(&mut tree(&[(VOLTAGE, Payload::Float(241.0))]), at(15), 2);
    assert_eq!(smoother.shown.len(), 1);
    let mut back = tree(&[(POWER, Payload::Integer(9000)), (VOLTAGE, Payload::Float(241.0))]);
    smoother.smooth(&mut back, at(30), 3);
    assert_eq!(back.leaves[0].payload, Payload::Integer(9000));
}

#[test]
fn the_table_is_sorted_and_names_what_the_hybrid_publishes() {
    assert!(SMOOTH.is_sorted());
    let tree = Layout::new(true).tree(&snapshot(&plant_of(&hybrid())));
    let smooth: Vec<&str> =
        tree.leaves.iter().map(|leaf| &*leaf.path).filter(|path| is_smooth(path)).map(name_of).collect();
    for name in ["PV_Power", "PV_Power_String_2", "Solar_to_House", "SOC", "Battery_Cell_16_Voltage", "Phase_1_Power"] {
        assert!(smooth.contains(&name), "{name}");
    }
}
