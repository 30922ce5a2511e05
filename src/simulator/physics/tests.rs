use super::*;

const CAPACITY: f64 = 16_000.0;
const RATED: f64 = Machine::GEN_1.rated;
const BATTERY_MAX: f64 = Machine::GEN_1.battery_max;

fn eco() -> Controls {
    Controls {
        match_demand: true,
        enable_charge: false,
        charge_slots: [Slot::default(); 2],
        enable_discharge: false,
        discharge_slots: [Slot::default(); 2],
        charge_rate: 50,
        discharge_rate: 50,
        floor: 4,
        target_enabled: true,
        target: 100,
        active_power: 100,
        export_cap: 6000,
        pause: None,
        ac_shares: [100; 2],
        export_slots: [Slot::default(); 2],
        forced: None,
    }
}

fn store(soc: f64) -> Store {
    Store { energy: CAPACITY * soc / 100.0, capacity: CAPACITY }
}

fn outside(sun: f64, load: f64) -> Outside {
    Outside { sun: [sun / 2.0; 2], load, backup: 0.0, slip: 0.0, minute: 12 * 60, rests: false }
}

fn at(controls: &Controls, soc: f64, sun: f64, load: f64) -> Powers {
    balance(Machine::GEN_1, controls, store(soc), outside(sun, load), 1.0)
}

fn near(left: f64, right: f64) -> bool {
    (left - right).abs() < 0.5
}

const NOW: Slot = Slot { start: 1130, end: 1230 };
const LATER: Slot = Slot { start: 1300, end: 1400 };

#[test]
fn a_slot_holds_its_start_and_not_its_end_and_may_cross_midnight() {
    let day = Slot { start: 930, end: 1000 };
    assert!(day.contains(570) && day.contains(599) && !day.contains(600) && !day.contains(569));
    let night = Slot { start: 2330, end: 530 };
    assert!(night.contains(23 * 60 + 30) && night.contains(0) && night.contains(329) && !night.contains(330));
    assert!(!Slot::default().contains(0));
    assert!(!Slot { start: 60, end: 800 }.contains(100) && !Slot { start: 0, end: 2400 }.contains(100));
}

#[test]
fn eco_gives_the_house_what_the_sun_lacks_and_keeps_what_it_has_over() {
    let evening = at(&eco(), 50.0, 0.0, 1500.0);
    assert!(near(evening.grid, 0.0) && near(evening.battery, 1500.0 * 1.005 + 12.0), "{evening:?}");
    let noon = at(&eco(), 50.0, 3000.0, 1000.0);
    assert!(near(noon.grid, 0.0) && noon.battery < -1900.0, "{noon:?}");
    let peak = at(&eco(), 50.0, 0.0, 6000.0);
    assert!(near(peak.battery, BATTERY_MAX) && peak.grid < -3000.0, "{peak:?}");
}

#[test]
fn what_a_full_battery_cannot_take_goes_to_the_grid() {
    let full = at(&eco(), 100.0, 4000.0, 1000.0);
    assert!(near(full.battery, 0.0) && full.grid > 2900.0, "{full:?}");
}

#[test]
fn the_battery_stops_at_its_floor_and_lands_on_it_exactly() {
    let controls = Controls { floor: 30, ..eco() };
    assert!(near(at(&controls, 30.0, 0.0, 2000.0).battery, 0.0));
    let mut battery = store(30.5);
    for _ in 0..120 {
        let powers = balance(Machine::GEN_1, &controls, battery, outside(0.0, 2000.0), 60.0);
        battery = after(battery, powers.battery, 60.0);
    }
    assert!((battery.soc() - 30.0).abs() < 1e-6, "{}", battery.soc());
}

#[test]
fn rates_are_hundredths_of_the_capacity_and_50_is_the_most() {
    let charging = |charge_rate| {
        let controls = Controls { charge_rate, enable_charge: true, charge_slots: [NOW, LATER], ..eco() };
        -at(&controls, 50.0, 0.0, 300.0).battery
    };
    assert!(near(charging(10), 1600.0) && near(charging(0), 0.0));
    assert!(near(charging(50), BATTERY_MAX) && near(charging(100), BATTERY_MAX));
    let discharging = Controls { discharge_rate: 5, ..eco() };
    assert!(near(at(&discharging, 50.0, 0.0, 3000.0).battery, 800.0));
}

#[test]
fn a_charge_slot_charges_from_the_grid_up_to_the_target() {
    let controls = Controls { enable_charge: true, charge_slots: [LATER, NOW], target: 60, ..eco() };
    let charging = at(&controls, 50.0, 0.0, 300.0);
    assert!(near(charging.battery, -BATTERY_MAX) && charging.grid < -2800.0, "{charging:?}");
    assert!(near(at(&controls, 60.0, 0.0, 300.0).battery, 0.0), "holds at the target");
    assert!(at(&controls, 60.0, 2000.0, 300.0).battery < -1000.0, "takes the sun's surplus beyond it");
    let off = Controls { enable_charge: false, ..controls };
    assert!(at(&off, 50.0, 0.0, 300.0).battery > 300.0);
}

#[test]
fn timed_discharge_gives_to_the_house_within_its_slot_only() {
    let inside = Controls { enable_discharge: true, discharge_slots: [NOW, LATER], ..eco() };
    assert!(near(at(&inside, 50.0, 0.0, 1000.0).grid, 0.0));
    let outside = Controls { discharge_slots: [LATER; 2], ..inside };
    assert!(near(at(&outside, 50.0, 0.0, 1000.0).battery, 0.0));
    assert!(at(&outside, 50.0, 3000.0, 1000.0).battery < 0.0);
}

#[test]
fn timed_export_gives_all_there_is_within_its_slot_only() {
    let export = Controls { match_demand: false, enable_discharge: true, discharge_slots: [LATER, NOW], ..eco() };
    let inside = at(&export, 50.0, 0.0, 400.0);
    assert!(near(inside.battery, BATTERY_MAX) && inside.grid > 2100.0, "{inside:?}");
    let paused = Controls { enable_discharge: false, ..export };
    assert!(near(at(&paused, 50.0, 0.0, 400.0).battery, 0.0));
}

#[test]
fn the_inverter_gives_no_more_than_it_may() {
    let export = Controls { match_demand: false, enable_discharge: true, discharge_slots: [NOW; 2], ..eco() };
    let full = at(&export, 80.0, 4500.0, 300.0);
    assert!(near(full.inverter, RATED) && full.battery < 600.0, "{full:?}");
    let half = at(&Controls { active_power: 50, ..eco() }, 100.0, 4500.0, 300.0);
    assert!(near(half.inverter, RATED / 2.0), "{half:?}");
    assert!(half.pv.iter().sum::<f64>() < 2600.0, "the sun is curtailed: {half:?}");
    let capped = at(&Controls { export_cap: 1000, ..eco() }, 100.0, 4500.0, 300.0);
    assert!(near(capped.grid, 1000.0), "{capped:?}");
}

#[test]
fn a_pause_holds_the_battery_in_its_direction_and_window() {
    let paused = |charge, discharge, slot| Controls { pause: Some(Pause { charge, discharge, slot }), ..eco() };
    assert!(near(at(&paused(false, true, NOW), 50.0, 0.0, 900.0).battery, 0.0));
    assert!(at(&paused(false, true, LATER), 50.0, 0.0, 900.0).battery > 900.0);
    assert!(near(at(&paused(true, false, Slot::default()), 50.0, 3000.0, 900.0).battery, 0.0));
    assert!(at(&paused(true, false, Slot::default()), 50.0, 0.0, 900.0).battery > 900.0);
}

#[test]
fn a_plant_without_a_battery_works_without_one() {
    let none = Store { energy: 0.0, capacity: 0.0 };
    let powers = balance(Machine::GEN_1, &eco(), none, outside(2000.0, 500.0), 1.0);
    assert!(near(powers.battery, 0.0) && powers.grid > 1400.0, "{powers:?}");
    assert!(none.soc().abs() < 1e-9);
}

#[test]
fn what_goes_in_comes_out_less_the_losses() {
    let charged = after(store(50.0), -1000.0, 3600.0);
    assert!(near(charged.energy - store(50.0).energy, 970.0));
    let emptied = after(charged, 1000.0, 3600.0);
    assert!(emptied.energy < store(50.0).energy);
    assert!(near(after(store(100.0), -9000.0, 36_000.0).soc(), 100.0));
}

#[test]
fn sun_of_the_house_is_neither_seen_nor_held_back_but_its_surplus_charges() {
    let machine = Machine { sun: Sun::House, ..Machine::GEN_1 };
    let noon = balance(machine, &eco(), store(50.0), outside(3000.0, 1000.0), 1.0);
    assert!(near(noon.pv.iter().sum(), 3000.0) && near(noon.grid, 0.0) && noon.inverter < -1900.0, "{noon:?}");
    let full = balance(machine, &Controls { export_cap: 500, ..eco() }, store(100.0), outside(3000.0, 1000.0), 1.0);
    assert!(near(full.pv.iter().sum(), 3000.0) && full.grid > 1900.0, "{full:?}");
    let none = balance(Machine { sun: Sun::None, ..machine }, &eco(), store(50.0), outside(3000.0, 1000.0), 1.0);
    assert!(near(none.pv.iter().sum(), 0.0) && none.battery > 1000.0, "{none:?}");
}

#[test]
fn settings_on_the_ac_side_limit_the_battery_too() {
    let limited = Controls { ac_shares: [20, 10], ..eco() };
    assert!(near(at(&limited, 50.0, 0.0, 3000.0).battery, 500.0));
    assert!(near(at(&limited, 50.0, 4000.0, 500.0).battery, -1000.0));
}

#[test]
fn what_is_forced_has_the_first_word_and_an_export_slot_gives_all_there_is() {
    let forced = |forced| at(&Controls { forced: Some(forced), ..eco() }, 50.0, 0.0, 500.0).battery;
    assert!(near(forced(Forced::Charge), -BATTERY_MAX) && near(forced(Forced::Discharge), BATTERY_MAX));
    let export = Controls { export_slots: [NOW, LATER], ..eco() };
    assert!(near(at(&export, 50.0, 0.0, 500.0).battery, BATTERY_MAX));
}
