use super::fixture::*;
use crate::frame::{Bank, BlockKey};
use crate::plant::snapshot::{Energy, Flows, Snapshot};
use crate::registers::plan;

const GEN1: (u16, u16) = (0x2001, 449);
const AC: (u16, u16) = (0x3001, 282);

/// 186 Ah are 9.52 kWh; reserve 4 %, charge target 100 %.
const SETTINGS: [(u16, u16); 3] = [(55, 186), (110, 4), (116, 100)];

fn watts(power: i16) -> u16 {
    power as u16
}

/// Strings, load, grid (+ export) and battery (+ discharge) at 50 %.
fn powers(pv: [u16; 2], load: u16, grid: i16, battery: i16) -> Vec<(u16, u16)> {
    vec![(5, 2410), (18, pv[0]), (20, pv[1]), (30, watts(grid)), (42, load), (52, watts(battery)), (59, 50)]
}

fn hybrid_at(measured: &[(u16, u16)]) -> Snapshot {
    measuring(GEN1.0, GEN1.1, &SETTINGS, measured)
}

/// In the order of `Flows`.
fn flows(watts: [i64; 7]) -> Flows {
    let [s2h, s2b, s2g, b2h, b2g, g2b, g2h] = watts.map(Some);
    Flows {
        solar_to_house: s2h,
        solar_to_battery: s2b,
        solar_to_grid: s2g,
        battery_to_house: b2h,
        battery_to_grid: b2g,
        grid_to_battery: g2b,
        grid_to_house: g2h,
    }
}

#[test]
fn by_day_the_sun_feeds_house_battery_and_grid() {
    let seen = hybrid_at(&powers([2000, 1000], 800, 500, -1700));
    let power = &seen.power;
    assert_eq!((power.pv, power.pv_string), (Some(3000), [Some(2000), Some(1000)]));
    assert_eq!((power.import(), power.export()), (Some(0), Some(500)));
    assert_eq!((power.charge(), power.discharge()), (Some(1700), Some(0)));
    assert_eq!((power.soc_kwh, power.self_consumption()), (Some(4.76), Some(800)));
    assert_eq!(seen.flows, flows([800, 1700, 500, 0, 0, 0, 0]));
    // 4.76 kWh at 1.7 kW are 168 minutes.
    assert_eq!((power.charge_minutes, power.discharge_minutes), (Some(168), Some(0)));
    let end = power.charge_completion.as_ref().unwrap().to_string();
    assert_eq!(end, "2026-06-05T14:48:00+01:00[Europe/London]");
    assert_eq!(power.discharge_completion, None);
}

#[test]
fn by_night_the_battery_feeds_the_house() {
    let seen = hybrid_at(&powers([0, 0], 600, 0, 600));
    assert_eq!(seen.flows, flows([0, 0, 0, 600, 0, 0, 0]));
    // 46 % of 9.52 kWh at 0.6 kW are 437.92 minutes.
    assert_eq!((seen.power.charge_minutes, seen.power.discharge_minutes), (Some(0), Some(437)));
    assert_eq!(seen.power.discharge_completion.unwrap().strftime("%H:%M").to_string(), "19:17");
}

#[test]
fn a_battery_that_charges_from_the_grid_takes_it_from_there() {
    let mut measured = powers([0, 0], 400, -3000, -2600);
    measured.push((24, watts(-2600)));
    let seen = hybrid_at(&measured);
    assert_eq!(seen.flows, flows([0, 0, 0, 0, 0, 2600, 400]));
    assert_eq!((seen.power.import(), seen.power.ac_charge()), (Some(3000), Some(2600)));
    assert_eq!(seen.power.self_consumption(), Some(0));
}

#[test]
fn a_battery_that_is_emptied_into_the_grid_feeds_the_house_first() {
    let seen = hybrid_at(&powers([0, 0], 500, 2000, 2500));
    assert_eq!(seen.flows, flows([0, 0, 0, 500, 2000, 0, 0]));
}

#[test]
fn a_flow_that_would_be_negative_is_none_at_all() {
    let seen = hybrid_at(&powers([1000, 0], 600, -100, -300));
    assert_eq!(seen.flows, flows([600, 400, 0, 0, 0, 0, 0]));
}

#[test]
fn without_a_battery_there_are_three_flows() {
    let seen = measuring(GEN1.0, GEN1.1, &[(55, 0)], &powers([3000, 0], 1000, 2000, 0));
    assert_eq!(
        seen.flows,
        Flows { solar_to_house: Some(1000), solar_to_grid: Some(2000), grid_to_house: Some(0), ..Flows::default() }
    );
    assert_eq!(seen.power.soc_kwh, Some(0.0));
}

#[test]
fn the_time_remaining_is_that_to_the_target_which_is_set() {
    let settings = [(55, 186), (110, 4), (116, 80)];
    let power = measuring(GEN1.0, GEN1.1, &settings, &powers([2000, 1000], 800, 500, -1700)).power;
    // 30 % of 9.52 kWh at 1.7 kW are 100.8 minutes.
    assert_eq!(power.charge_minutes, Some(100));
}

#[test]
fn at_the_target_and_at_the_reserve_no_time_remains() {
    let mut measured = powers([3000, 0], 300, 0, -2700);
    measured.retain(|&(address, _)| address != 59);
    measured.push((59, 100));
    assert_eq!(hybrid_at(&measured).power.charge_minutes, Some(0));
    let target_below = [(55, 186), (110, 4), (116, 80)];
    assert_eq!(measuring(GEN1.0, GEN1.1, &target_below, &measured).power.charge_minutes, Some(0), "never negative");
    let reserve_above = [(55, 186), (110, 60), (116, 100)];
    let discharging = powers([0, 0], 300, 0, 300);
    assert_eq!(measuring(GEN1.0, GEN1.1, &reserve_above, &discharging).power.discharge_minutes, Some(0));
}

#[test]
fn the_charge_held_has_two_decimal_places() {
    let mut measured = powers([0, 0], 300, 0, 300);
    measured.push((59, 37));
    assert_eq!(hybrid_at(&measured).power.soc_kwh, Some(3.52), "37 % of 9.52 kWh are 3.5224 kWh");
}

#[test]
fn impossible_powers_are_unknown() {
    let mut measured = powers([9000, 6000], 300, 0, 0);
    measured.push((24, watts(5001)));
    let power = hybrid_at(&measured).power;
    assert_eq!((power.pv, power.pv_string, power.inverter), (None, [None, None], None));
    let mut measured = powers([9000, 5999], 300, 0, 0);
    measured.push((24, watts(-5000)));
    let power = hybrid_at(&measured).power;
    assert_eq!((power.pv, power.inverter), (Some(14_999), Some(-5000)));
}

#[test]
fn what_is_made_of_an_unread_value_is_absent() {
    let all = powers([2000, 1000], 800, 500, -1700);
    let without = |address: u16| {
        let left: Vec<_> = all.iter().copied().filter(|&(known, _)| known != address).collect();
        hybrid_at(&left)
    };
    for string in [18, 20] {
        let seen = without(string);
        assert_eq!((seen.power.pv, seen.flows), (None, Flows::default()));
    }
    let no_load = without(42);
    assert_eq!((no_load.power.self_consumption(), no_load.flows), (None, Flows::default()));
    let no_grid = without(30);
    assert_eq!((no_grid.power.import(), no_grid.power.export(), no_grid.flows), (None, None, Flows::default()));
    let no_battery = without(52);
    assert_eq!((no_battery.power.charge_minutes, no_battery.power.charge_completion.is_none()), (None, true));
    assert_eq!(no_battery.flows, Flows::default());
    let no_soc = without(59).power;
    assert_eq!((no_soc.soc_kwh, no_soc.charge_minutes), (None, None));
    let no_target = measuring(GEN1.0, GEN1.1, &[(55, 186), (110, 4)], &all).power;
    assert_eq!((no_target.charge_minutes, no_target.charge_completion.is_none()), (None, true));
    assert_eq!(no_target.discharge_minutes, Some(0));
}

/// PV 5.2 and 3.1, import 2.7, export 1.4, AC charge 1.0, inverter 9.5, battery 4.0 in and 2.5 out.
const TODAY: [(u16, u16); 8] = [(17, 52), (19, 31), (26, 27), (25, 14), (35, 10), (44, 95), (36, 40), (37, 25)];

#[test]
fn the_days_energy_follows_from_its_counters() {
    let today = hybrid_at(&TODAY).today;
    assert_eq!(
        today,
        Energy {
            pv: Some(8.3),
            import: Some(2.7),
            export: Some(1.4),
            ac_charge: Some(1.0),
            inverter: Some(9.5),
            battery_charge: Some(4.0),
            battery_discharge: Some(2.5),
            battery_throughput: Some(6.5),
            // 9.5 - 1.0 - (1.4 - 2.7)
            load: Some(9.8),
            // 8.3 - 1.4
            self_consumption: Some(6.9),
            ..Energy::default()
        }
    );
}

#[test]
fn where_the_sun_does_not_pass_through_the_inverter_the_load_holds_it_too() {
    let today = measuring(AC.0, AC.1, &SETTINGS, &TODAY).today;
    assert_eq!((today.load, today.self_consumption), (Some(18.1), Some(6.9)));
}

#[test]
fn load_and_self_consumption_are_never_negative() {
    let today = hybrid_at(&[(17, 10), (19, 0), (26, 0), (25, 30), (35, 50), (44, 1)]).today;
    assert_eq!((today.load, today.self_consumption), (Some(0.0), Some(0.0)));
}

#[test]
fn energy_that_is_made_of_an_unread_counter_is_absent() {
    for (address, load, self_consumption, throughput) in [
        (17, true, false, true),
        (19, true, false, true),
        (25, false, false, true),
        (26, false, true, true),
        (35, false, true, true),
        (44, false, true, true),
        (36, true, true, false),
        (37, true, true, false),
    ] {
        let left: Vec<_> = TODAY.into_iter().filter(|&(known, _)| known != address).collect();
        let today = hybrid_at(&left).today;
        let there = (today.load.is_some(), today.self_consumption.is_some(), today.battery_throughput.is_some());
        assert_eq!(there, (load, self_consumption, throughput), "without IR {address}");
        assert_eq!(measuring(AC.0, AC.1, &SETTINGS, &left).today.load.is_some(), load && ![17, 19].contains(&address));
    }
}

#[test]
fn total_energy_is_counted_in_two_registers() {
    let total = hybrid_at(&[
        (6, 1),
        (7, 0),
        (11, 1),
        (12, 4467),
        (21, 0),
        (22, 20_000),
        (27, 0),
        (28, 5000),
        (32, 0),
        (33, 30_000),
        (45, 1),
        (46, 0),
    ])
    .total;
    assert_eq!((total.pv, total.export, total.import), (Some(7000.3), Some(2000.0), Some(3000.0)));
    assert_eq!((total.ac_charge, total.inverter, total.battery_throughput), (Some(500.0), Some(6553.6), Some(6553.6)));
    assert_eq!((total.load, total.self_consumption), (Some(7053.6), Some(5000.3)));
}

/// Total energy into and out of the battery: the pack's own counters, if it is there, and what IR 180 and 181 say.
fn battery_totals(code: (u16, u16), pack: Option<(u16, u16)>, all_asked: bool) -> (Option<f64>, Option<f64>) {
    let mut plant = plant_of(&[(FIRST, first_block_of(code.0, code.1))]);
    if let Some((charge, discharge)) = pack {
        let page = with(block(plan::battery(0x32)), &[(105 - 60, discharge), (106 - 60, charge)]);
        take_twice(&mut plant, plan::battery(0x32), &page);
    }
    while all_asked && !plant.all_probed() {
        let probe = plant.next_probe().unwrap();
        plant.probe_failed(probe.key);
    }
    take_twice(&mut plant, BlockKey::new(0x11, Bank::Input, 180, 2), &[15_604, 18_228]);
    let total = snapshot(&plant).total;
    (total.battery_charge, total.battery_discharge)
}

#[test]
fn the_batterys_own_total_goes_before_the_inverters() {
    assert_eq!(battery_totals(GEN1, Some((12_345, 11_111)), false), (Some(1234.5), Some(1111.1)));
    assert_eq!(battery_totals(GEN1, Some((0, 0)), false), (Some(1822.8), Some(1560.4)));
    assert_eq!(battery_totals(AC, Some((12_345, 11_111)), false), (Some(1234.5), Some(1111.1)));
    assert_eq!(battery_totals(AC, Some((0, 0)), true), (None, None), "there the registers mean something else");
}

#[test]
fn no_battery_total_is_told_before_it_is_known_whose_counts() {
    assert_eq!(battery_totals(GEN1, None, false), (None, None));
    assert_eq!(battery_totals(GEN1, None, true), (Some(1822.8), Some(1560.4)));
}

#[test]
fn rates_are_watts_of_the_battery_and_at_most_what_it_can_do() {
    let control = measuring(GEN1.0, GEN1.1, &[(55, 186), (111, 50), (112, 10)], &[]).control;
    assert_eq!((control.charge_rate_watts, control.discharge_rate_watts), (Some(2600), Some(952)));
    let unread = measuring(GEN1.0, GEN1.1, &[(55, 186), (112, 10)], &[]).control;
    assert_eq!((unread.charge_rate_watts, unread.discharge_rate_watts), (None, Some(952)));
}

#[test]
fn the_battery_has_the_volts_of_its_family() {
    let capacity = |code, arm| measuring(code, arm, &[(55, 100)], &[]).inverter.battery_capacity;
    assert_eq!(
        [(0x2001, 449), (0x3001, 282), (0x8001, 612), (0x4001, 0), (0x6001, 0)].map(|(code, arm)| capacity(code, arm)),
        [5.12, 5.12, 31.7, 7.68, 7.68].map(Some)
    );
}

#[test]
fn names_are_written_as_givtcp_does_and_unknown_numbers_as_unknown() {
    let inverter = measuring(GEN1.0, GEN1.1, &[(29, 2), (47, 1), (54, 1)], &[]).inverter;
    assert_eq!(inverter.battery_type.as_deref(), Some("Lithium"));
    assert_eq!(inverter.meter_type.as_deref(), Some("Em115"));
    assert_eq!(inverter.calibration_status.as_deref(), Some("Set_lower_limit"));
    let inverter = measuring(GEN1.0, GEN1.1, &[(29, 99), (54, 7)], &[]).inverter;
    assert_eq!(inverter.battery_type.as_deref(), Some("unknown (7)"));
    assert_eq!(inverter.calibration_status.as_deref(), Some("unknown (99)"));
    let pause = |mode| measuring(AC.0, AC.1, &[(318, mode), (311, 1)], &[]).control.pause_mode.unwrap();
    assert_eq!([0, 1, 2, 3, 9].map(pause), ["Disabled", "PauseCharge", "PauseDischarge", "PauseBoth", "unknown (9)"]);
}

#[test]
fn slots_beyond_the_second_are_those_of_models_that_have_them() {
    let settings =
        [(94, 30), (95, 430), (56, 1600), (57, 1900), (243, 100), (244, 200), (246, 60), (247, 60), (276, 1), (277, 2)];
    let gen1 = measuring(GEN1.0, GEN1.1, &settings, &[]).timeslots;
    assert!(gen1.charge[0].is_some() && gen1.discharge[0].is_some());
    assert!(gen1.charge[1..].iter().chain(&gen1.discharge[2..]).all(Option::is_none));
    let gen3 = measuring(0x2001, 303, &settings, &[]).timeslots;
    assert!(gen3.charge[1].is_some() && gen3.discharge[2].is_some());
    assert_eq!(gen3.charge[2], None, "60 stands for not set");
    assert_eq!(measuring(0x2001, 302, &settings, &[]).timeslots.charge[1], None);
}
