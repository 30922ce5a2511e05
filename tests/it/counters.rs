//! Energy counters under random wrong blocks, late replies, restarts and clocks that somebody sets, in paused time.
//!
//! One seed fixes it all. A failing run prints its seed; `GIVTCP_SEED` replays one alone.

use std::collections::BTreeMap;
use std::time::Duration;

use givtcp::simulator::Family;
use jiff::{SignedDuration, tz::TimeZone};

pub mod bench;
pub mod truth;
pub mod watch;

use bench::{Bench, Firmware, Wrong};
use watch::{Days, Watch};

pub fn paused<T>(run: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
    runtime.block_on(run)
}

pub fn seeds(short: u64) -> Vec<u64> {
    let number = |name| std::env::var(name).ok().and_then(|number| number.parse().ok());
    match (number("GIVTCP_SEED"), number("GIVTCP_SOAK")) {
        (Some(seed), _) => vec![seed],
        // The long form, `just soak`; with a number above 1 that many seeds of each test.
        (None, Some(count)) if count > 1 => (1..=count).collect(),
        (None, Some(_)) => (1..=short * 100).collect(),
        (None, None) => (1..=short).collect(),
    }
}

/// What one run was like.
struct Run {
    family: Family,
    rate: f64,
    hours: u64,
    every: u64,
    outages: bool,
    clocks: bool,
}

/// Polls for some hours; now and then for up to three hours nothing comes, and somebody sets the clock.
async fn run(seed: u64, what: &Run) -> (Watch, BTreeMap<Wrong, u64>) {
    let start = "2026-06-05T17:00:00".parse().unwrap();
    let zone = TimeZone::get("Europe/London").unwrap();
    let mut bench = Bench::of(what.family, seed, start, Duration::from_secs(what.every), zone);
    bench.rate = what.rate;
    let mut watch = Watch::new(what.family, if what.clocks { Days::Once } else { Days::Strict }, &mut bench);
    let polls = what.hours * 3600 / what.every;
    let mut polled = 0;
    while polled < polls {
        bench.poll(|bench| watch.look(bench));
        watch.trust(&mut bench);
        watch.look(&mut bench);
        let mut rest = what.every;
        if what.outages && bench.rng.u32(..500) == 0 {
            rest = bench.rng.u64(60..10_800);
        }
        if what.clocks && bench.rng.u32(..300) == 0 {
            set_somehow(&mut bench);
        }
        polled += rest / what.every;
        tokio::time::advance(Duration::from_secs(rest)).await;
    }
    (watch, bench.counts)
}

/// The clock is set: a little, by an hour, across midnight, right again; or it shows month 13 for a while.
fn set_somehow(bench: &mut Bench) {
    let (time, clock) = (bench.simulator.plant_time(), bench.simulator.inverter_clock());
    let (seconds, minutes) = (bench.rng.i64(-9..10), bench.rng.i64(-90..=90));
    match bench.rng.u8(..6) {
        0 => bench.firmware = Firmware::Month13,
        1 | 2 => {
            bench.firmware = Firmware::AsSimulated;
            bench.set_clock(time);
        }
        3 => bench.set_clock(clock + SignedDuration::from_secs(seconds)),
        _ => bench.set_clock(time + SignedDuration::from_mins(minutes)),
    }
}

fn run_all(short: u64, what: &Run) {
    let mut counts = BTreeMap::<Wrong, u64>::new();
    let (mut checks, mut largest) = (0, 0.0_f64);
    let mut failed = Vec::new();
    for seed in seeds(short) {
        let (watch, wrong) = paused(run(seed, what));
        for (wrong, count) in wrong {
            *counts.entry(wrong).or_default() += count;
        }
        checks += watch.checks;
        largest = largest.max(watch.largest);
        assert!(watch.missing().is_empty(), "GIVTCP_SEED={seed}, never published: {:?}", watch.missing());
        let shown = watch.wrong.iter().take(10).cloned().collect::<Vec<_>>().join("\n");
        if !watch.wrong.is_empty() {
            failed.push(format!("GIVTCP_SEED={seed}, {} wrong:\n{shown}", watch.wrong.len()));
        }
    }
    assert!(failed.is_empty(), "{}: {} seeds failed\n{}", what.family, failed.len(), failed.join("\n"));
    println!("{}: {checks} values, the most that one was off is {largest:.2} kWh; {counts:?}", what.family);
    assert!(what.rate == 0.0 || std::env::var_os("GIVTCP_SEED").is_some() || counts.len() == Wrong::ALL.len());
}

#[test]
fn without_faults_every_counter_is_what_the_inverter_shows() {
    run_all(1, &Run { family: Family::HybridGen1, rate: 0.0, hours: 32, every: 15, outages: false, clocks: false });
}

#[test]
fn no_wrong_block_moves_a_counter() {
    run_all(8, &Run { family: Family::HybridGen1, rate: 0.05, hours: 26, every: 30, outages: false, clocks: false });
}

#[test]
fn no_wrong_block_moves_a_counter_after_outages_either() {
    run_all(8, &Run { family: Family::HybridGen1, rate: 0.05, hours: 60, every: 60, outages: true, clocks: false });
}

#[test]
fn a_clock_that_is_set_begins_no_day_twice() {
    run_all(12, &Run { family: Family::HybridGen1, rate: 0.02, hours: 60, every: 60, outages: false, clocks: true });
}

/// Seed 65 sets the clock from 0:51 back to 23:34, after a night in which nothing was imported before midnight: the day
/// has begun, and goes on over the second midnight.
#[test]
fn a_second_evening_is_of_the_day_that_has_begun() {
    let what = Run { family: Family::HybridGen1, rate: 0.02, hours: 60, every: 60, outages: false, clocks: true };
    let (watch, _) = paused(run(65, &what));
    assert!(watch.wrong.is_empty(), "{:#?}", watch.wrong);
}

const OTHERS: [Family; 8] = [
    Family::ThreePhaseHybrid,
    Family::ThreePhaseAc,
    Family::Gateway,
    Family::AllInOne,
    Family::Ems,
    Family::PvOnly,
    Family::AcCoupled,
    Family::HybridGen3,
];

#[test]
fn no_wrong_block_moves_a_counter_of_any_family() {
    for family in OTHERS {
        run_all(1, &Run { family, rate: 0.05, hours: 26, every: 60, outages: false, clocks: false });
    }
}

#[test]
fn no_wrong_block_moves_a_counter_of_any_family_after_outages_either() {
    for family in OTHERS {
        run_all(1, &Run { family, rate: 0.01, hours: 40, every: 60, outages: true, clocks: false });
    }
}
