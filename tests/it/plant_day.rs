//! A day of the simulated plant as the program reads it: powers add up, SOC follows the battery, counters follow the
//! powers.

use std::time::Duration;

use givtcp::plant::Snapshot;
use givtcp::simulator::{Options, Simulator};
use tokio::time::{Instant, interval};

use crate::poller::{Dongle, Poller, seconds};

const EVERY: Duration = Duration::from_secs(15);
/// Capacity of the simulator's two batteries: 160 Ah and 186 Ah at 51.2 V, in kWh.
const CAPACITY: f64 = 346.0 * 51.2 / 1000.0;

/// Powers in W, PV, import, export, charge and discharge.
type Powers = [f64; 5];

struct Sample {
    powers: Powers,
    soc: f64,
    /// kWh since midnight and since ever, in the order of the powers.
    counters: [[f64; 5]; 2],
}

fn sample(snapshot: &Snapshot) -> Sample {
    let power = &snapshot.power;
    let powers = [power.pv, power.import(), power.export(), power.charge(), power.discharge()];
    let counters = [&snapshot.today, &snapshot.total]
        .map(|energy| [energy.pv, energy.import, energy.export, energy.battery_charge, energy.battery_discharge]);
    Sample {
        powers: powers.map(|power| power.unwrap() as f64),
        soc: power.soc.unwrap() as f64,
        counters: counters.map(|energies| energies.map(Option::unwrap)),
    }
}

fn assert_balanced(snapshot: &Snapshot) {
    let power = &snapshot.power;
    let [Some(pv), Some(battery), Some(grid), Some(load)] = [power.pv, power.battery, power.grid, power.load] else {
        return;
    };
    let left = pv + battery - grid - load;
    assert!(left.abs() <= 50, "{:?}: {pv} + {battery} - {grid} - {load} = {left}", snapshot.inverter.time);
}

/// kWh between the samples, each power holding from the middle of one period to that of the next.
fn energies(samples: &[Sample]) -> Powers {
    let hours = EVERY.as_secs_f64() / 3600.0;
    let mut sums = [0.0; 5];
    for pair in samples.windows(2) {
        for (sum, (from, to)) in sums.iter_mut().zip(pair[0].powers.iter().zip(pair[1].powers)) {
            *sum += (from + to) / 2.0 * hours / 1000.0;
        }
    }
    sums
}

/// A day from midnight on, and what the first minutes of the next show.
async fn a_day(seed: u64) -> (Vec<Sample>, Sample) {
    let start = "2026-06-05T00:00:00".parse().unwrap();
    let plant = Simulator::new(Options { seed, start, soc: 40.0, ..Options::default() });
    let mut poller = Poller::start(&Dongle::of(&plant), EVERY.as_secs());
    let began = Instant::now();
    let mut samples = Vec::new();
    let mut looks = interval(EVERY);
    while began.elapsed() < seconds(86_400 - 15) {
        tokio::select! {
            biased;
            changed = poller.newest.changed() => {
                changed.unwrap();
                assert_balanced(&poller.now());
            }
            _ = looks.tick() => if began.elapsed() > seconds(60) {
                samples.push(sample(&poller.now()));
            }
        }
    }
    tokio::time::sleep(seconds(120)).await;
    let next_day = sample(&poller.now());
    poller.end().await;
    (samples, next_day)
}

#[tokio::test(start_paused = true)]
async fn over_a_day_powers_add_up_and_soc_and_counters_follow_them() {
    let (samples, next_day) = a_day(5).await;
    assert!(samples.len() > 5_700, "{}", samples.len());
    let (first, last) = (&samples[0], &samples[samples.len() - 1]);

    let read = energies(&samples);
    for (name, tell) in [("today", 0), ("total", 1)] {
        for (place, what) in ["PV", "import", "export", "charge", "discharge"].into_iter().enumerate() {
            let counted = last.counters[tell][place] - first.counters[tell][place];
            println!("{name} {what}: counted {counted:.1} kWh, integral {:.2} kWh", read[place]);
            // Registers count tenths of a kWh, and PV is the sum of two.
            assert!((counted - read[place]).abs() <= 0.02 * read[place] + 0.2, "{name} {what}");
        }
    }
    assert!(read[0] > 5.0 && read[1] > 2.0 && read[3] > 4.0 && read[4] > 2.0, "a day with everything: {read:?}");

    let mut moved = 0;
    for hour in samples.chunks(240).filter(|hour| hour.len() == 240) {
        let [.., charged, discharged] = energies(hour);
        let expected = (charged - discharged) / CAPACITY * 100.0;
        let seen = hour[239].soc - hour[0].soc;
        // Whole percents are shown, and three of a hundred are lost on the way in and out.
        assert!((seen - expected).abs() <= 1.0 + 0.04 * expected.abs(), "SOC {seen:+} where {expected:+.2} is due");
        assert!(expected.abs() < 2.0 || seen.signum() == expected.signum());
        moved += usize::from(seen.abs() >= 2.0);
    }
    assert!(moved >= 6, "the battery works in {moved} hours");

    assert!(next_day.counters[0].iter().all(|&kwh| kwh < 0.3), "a new day: {:?}", next_day.counters[0]);
    assert!(next_day.counters[1].iter().zip(last.counters[1]).all(|(now, before)| *now >= before));
}
