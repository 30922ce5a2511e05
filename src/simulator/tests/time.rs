//! Days of plant time, judged by the registers as they are published.

use super::*;

/// One look at the registers.
struct Look {
    pv: f64,
    battery: f64,
    load: f64,
    grid: f64,
    inverter: f64,
    soc: f64,
}

fn raw(simulator: &Simulator, register: u16) -> u16 {
    simulator.get(0x11, Bank::Input, register).unwrap()
}

fn look(simulator: &Simulator) -> Look {
    let signed = |register| f64::from(raw(simulator, register) as i16);
    let unsigned = |register| f64::from(raw(simulator, register));
    Look {
        pv: unsigned(18) + unsigned(20),
        battery: signed(52),
        load: unsigned(42),
        grid: signed(30),
        inverter: signed(24),
        soc: unsigned(59),
    }
}

fn long(simulator: &Simulator, register: u16) -> f64 {
    f64::from(u32::from(raw(simulator, register)) << 16 | u32::from(raw(simulator, register + 1))) / 10.0
}

fn day(simulator: &Simulator, register: u16) -> f64 {
    f64::from(raw(simulator, register)) / 10.0
}

async fn pass(plant_seconds: u64, speed: f64) {
    tokio::time::sleep(Duration::from_secs_f64(plant_seconds as f64 / speed)).await;
}

fn set(simulator: &Simulator, settings: &[(u16, u16)]) {
    for &(register, value) in settings {
        simulator.set(0x11, Bank::Holding, register, value);
    }
}

/// A plant at 60 plant seconds a second, from this time on.
fn plant(start: &str, soc: f64) -> Simulator {
    Simulator::new(Options { start: start.parse().unwrap(), soc, speed: 60.0, ..quick() })
}

#[tokio::test(start_paused = true)]
async fn power_adds_up_within_50_w_over_three_days() {
    for seed in 1..=5 {
        let simulator = Simulator::new(Options { seed, speed: 20.0, ..quick() });
        for _ in 0..3 * 4320 {
            pass(20, 20.0).await;
            let now = look(&simulator);
            let lost = now.pv + now.battery - now.load - now.grid;
            assert!((0.0..=50.0).contains(&(lost + 2.0)), "seed {seed}, {}: {lost}", simulator.plant_time());
            assert!((now.inverter - now.load - now.grid).abs() < 0.5);
            let truth = simulator.power_now();
            let closed = truth.pv + truth.battery - truth.load - truth.grid - truth.losses;
            assert!(closed.abs() < 1e-6);
        }
        assert_eq!(simulator.plant_time().to_string(), "2026-06-08T09:00:00");
    }
}

#[tokio::test(start_paused = true)]
async fn soc_follows_battery_power() {
    for seed in 1..=3 {
        let simulator = Simulator::new(Options { seed, speed: 20.0, ..quick() });
        let capacity = 346.0 * 51.2;
        let (mut expected, mut seen) = (simulator.power_now().soc, std::collections::BTreeSet::new());
        for _ in 0..2 * 4320 {
            pass(20, 20.0).await;
            let now = look(&simulator);
            let flow = if now.battery < 0.0 { now.battery * 0.97 } else { now.battery / 0.97 };
            expected -= flow * 20.0 / 3600.0 / capacity * 100.0;
            // What happens between two looks is not seen here, so small differences grow.
            assert!((now.soc - expected).abs() < 2.5, "seed {seed}: {} where {expected} is due", now.soc);
            assert!((now.soc - simulator.power_now().soc).abs() <= 0.5);
            seen.insert(now.soc as u32);
        }
        assert!(seen.len() > 20, "seed {seed}: {seen:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn counters_are_the_integral_of_power() {
    let simulator = Simulator::new(Options { start: "2026-06-05T00:00:00".parse().unwrap(), speed: 10.0, ..quick() });
    let totals = [11, 21, 32, 27, 45, 6];
    let before = totals.map(|register| long(&simulator, register));
    let mut sums = [0.0; 8];
    for _ in 0..24 * 360 - 1 {
        pass(10, 10.0).await;
        let now = look(&simulator);
        let flows = [
            now.pv,
            now.grid.max(0.0),
            (-now.grid).max(0.0),
            (-now.inverter).max(0.0),
            now.inverter.max(0.0),
            now.battery.abs(),
            (-now.battery).max(0.0),
            now.battery.max(0.0),
        ];
        for (sum, flow) in sums.iter_mut().zip(flows) {
            *sum += flow * 10.0 / 3.6e6;
        }
    }
    let close = |counted: f64, sum: f64| (counted - sum).abs() <= 0.02 * sum + 0.15;
    for ((register, before), sum) in totals.into_iter().zip(before).zip(sums) {
        let counted = long(&simulator, register) - before;
        assert!(close(counted, sum), "IR{register}: {counted} where {sum} passed");
    }
    for (register, sum) in [(25, 1), (26, 2), (35, 3), (44, 4), (36, 6), (37, 7), (183, 6), (182, 7)] {
        let counted = day(&simulator, register);
        assert!(close(counted, sums[sum]), "IR{register}: {counted} where {} passed", sums[sum]);
    }
    assert!(close(day(&simulator, 17) + day(&simulator, 19), sums[0]));
    assert!(sums.iter().all(|&sum| sum > 0.1), "{sums:?}");
}

#[tokio::test(start_paused = true)]
async fn the_days_counters_begin_anew_once_a_day_at_the_inverters_midnight() {
    let simulator = plant("2026-06-05T20:00:00", 80.0);
    // An hour ahead of the sun, as after a change to summer time.
    set(&simulator, &[(38, 21)]);
    let (mut last, mut resets) = (day(&simulator, 37), Vec::new());
    for _ in 0..48 * 60 {
        pass(60, 60.0).await;
        let now = day(&simulator, 37);
        if now < last {
            resets.push(simulator.inverter_clock());
            assert!(now < 0.2);
        }
        last = now;
    }
    assert_eq!(resets.len(), 2, "{resets:?}");
    assert!(resets.iter().all(|clock| clock.hour() == 0 && clock.minute() == 0), "{resets:?}");
}

#[tokio::test(start_paused = true)]
async fn the_reserve_is_kept() {
    let simulator = plant("2026-06-05T19:00:00", 40.0);
    set(&simulator, &[(96, 0), (110, 30)]);
    pass(8 * 3600, 60.0).await;
    assert_eq!(raw(&simulator, 59), 30);
    assert!((simulator.power_now().soc - 30.0).abs() < 0.01);
    assert_eq!(raw(&simulator, 52), 0);
    set(&simulator, &[(110, 4), (114, 28)]);
    pass(4 * 3600, 60.0).await;
    assert_eq!(raw(&simulator, 59), 28);
}

#[tokio::test(start_paused = true)]
async fn a_charge_slot_fills_to_its_target_each_night() {
    let simulator = plant("2026-06-05T22:00:00", 20.0);
    set(&simulator, &[(94, 30), (95, 430), (96, 1), (20, 1), (116, 45)]);
    for _ in 0..2 {
        pass(6 * 3600 + 25 * 60, 60.0).await;
        assert_eq!(raw(&simulator, 59), 45, "{}", simulator.inverter_clock());
        assert_eq!(simulator.get(0x11, Bank::Holding, 96), Some(1));
        simulator.set_soc(20.0);
        pass(17 * 3600 + 35 * 60, 60.0).await;
        simulator.set_soc(20.0);
    }
    set(&simulator, &[(20, 0)]);
    simulator.set_soc(80.0);
    pass(6 * 3600 + 25 * 60, 60.0).await;
    assert!(raw(&simulator, 59) > 90, "without the target's flag it fills: {}", raw(&simulator, 59));
}

#[tokio::test(start_paused = true)]
async fn a_slot_follows_the_inverters_clock_and_not_the_sun() {
    let simulator = plant("2026-06-05T22:00:00", 20.0);
    set(&simulator, &[(96, 1), (94, 1000), (95, 1100), (31, 0), (32, 0), (38, 10)]);
    pass(120, 60.0).await;
    assert!(look(&simulator).battery < -2000.0);
}

#[tokio::test(start_paused = true)]
async fn timed_export_discharges_at_full_power_in_its_slot() {
    let simulator = plant("2026-06-05T20:55:00", 90.0);
    set(&simulator, &[(27, 0), (59, 1), (56, 2100), (57, 2200), (96, 0)]);
    pass(120, 60.0).await;
    assert!(look(&simulator).battery < 1.0);
    pass(300, 60.0).await;
    let exporting = look(&simulator);
    assert!(exporting.battery > 2599.0 && exporting.grid > 0.0, "{}", exporting.grid);
    set(&simulator, &[(112, 5)]);
    pass(60, 60.0).await;
    assert!((look(&simulator).battery - 886.0).abs() < 1.0);
}

#[tokio::test(start_paused = true)]
async fn a_long_time_without_a_look_is_caught_up_with() {
    let simulator = Simulator::new(Options { speed: 86_400.0, ..quick() });
    let before = long(&simulator, 11);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(simulator.plant_time().to_string(), "2026-08-04T09:00:00");
    let harvest = long(&simulator, 11) - before;
    assert!((300.0..2000.0).contains(&harvest), "{harvest}");
    assert!((4..=100).contains(&raw(&simulator, 59)));
}
