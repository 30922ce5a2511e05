//! Days of plant time, judged by the registers as they are published.

use super::*;

/// The registers' powers, W: sun, battery, house, grid.
fn published(simulator: &Simulator) -> [f64; 4] {
    let signed = |register| f64::from(simulator.get(0x11, Bank::Input, register).unwrap() as i16);
    let unsigned = |register| f64::from(simulator.get(0x11, Bank::Input, register).unwrap());
    [unsigned(18) + unsigned(20), signed(52), unsigned(42), signed(30)]
}

#[tokio::test(start_paused = true)]
async fn power_adds_up_within_50_w_over_three_days() {
    for seed in 1..=5 {
        let simulator = Simulator::new(Options { seed, speed: 20.0, ..quick() });
        let mut worst = 0.0_f64;
        for _ in 0..3 * 4320 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let [pv, battery, load, grid] = published(&simulator);
            worst = worst.max((pv + battery - load - grid).abs());
        }
        assert!(worst <= 50.0, "seed {seed}: {worst}");
        assert_eq!(simulator.plant_time().to_string(), "2026-06-08T09:00:00");
    }
}
