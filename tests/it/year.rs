//! A simulated year, and the days around the changes of the clocks in it: counters of each day and totals end where the
//! inverter's do, through wrong blocks, restarts and power cuts.

use std::time::Duration;

use givtcp::simulator::Family;
use jiff::ToSpan;
use jiff::civil::{Date, DateTime, date};
use jiff::tz::TimeZone;

use crate::counters::bench::{Bench, Firmware, LIVE};
use crate::counters::paused;
use crate::counters::watch::{Days, Watch};

/// By so much a counter may be off at the end of a day, kWh.
const OFF: f64 = 0.2;

struct Year {
    seed: u64,
    from: Date,
    days: u32,
    every: u64,
    wrong: f64,
    restarts: u32,
    firmware: Firmware,
}

#[derive(Default)]
struct Findings {
    wrong: Vec<String>,
    days: u32,
    restarts: u32,
    /// The most that any counter was off at the end of a day, kWh.
    largest: f64,
    /// The most that what the rates counted was off, and on how many days they were looked at.
    rates: (f64, u32),
    /// Values that were not published at the end of a day, since a process had just begun.
    absent: u32,
}

async fn live(year: &Year) -> Findings {
    let zone = TimeZone::get("Europe/London").unwrap();
    let start = year.from.at(12, 0, 0, 0);
    let mut bench = Bench::new(year.seed, start, Duration::from_secs(year.every), zone.clone());
    bench.rate = year.wrong;
    bench.firmware = year.firmware;
    let days =
        if matches!(year.firmware, Firmware::AsSimulated | Firmware::StepsBack) { Days::Strict } else { Days::Once };
    let mut watch = Watch::new(Family::HybridGen1, days, &mut bench);
    let mut findings = Findings::default();
    let polls = u64::from(year.days) * 86_400 / year.every;
    let mut restarts: Vec<u64> = (0..year.restarts).map(|_| bench.rng.u64(10..polls)).collect();
    restarts.sort_unstable();
    let mut restarts = restarts.into_iter().peekable();
    for poll in 0..polls {
        bench.poll(|_| {});
        watch.trust(&mut bench);
        watch.look(&mut bench);
        let clock = bench.simulator.inverter_clock();
        if ends(clock, year.every) {
            end_of_day(&mut bench, &watch, &mut findings);
            hold_rates(&mut bench, year, &mut findings);
        }
        follow_summer_time(&bench, &zone);
        if restarts.next_if(|&at| at <= poll).is_some() {
            let orderly = bench.rng.bool();
            let pause = Duration::from_secs(if bench.rng.u8(..4) > 0 { 20 } else { bench.rng.u64(60..14_400) });
            bench.restart(orderly, pause).await;
            findings.restarts += 1;
        }
        tokio::time::advance(Duration::from_secs(year.every)).await;
    }
    findings.wrong.append(&mut watch.wrong);
    findings
}

/// The last poll of a day.
fn ends(clock: DateTime, every: u64) -> bool {
    let every = i64::try_from(every).unwrap_or(i64::MAX);
    clock.date() != clock.checked_add(every.seconds()).expect("a time").date()
}

fn end_of_day(bench: &mut Bench, watch: &Watch, findings: &mut Findings) {
    findings.days += 1;
    let ends = watch.ends(bench);
    findings.absent += u32::try_from(watch.len() - ends.len()).expect("not so many");
    for (name, off) in ends {
        findings.largest = findings.largest.max(off.abs());
        if off.abs() > OFF + 1e-6 {
            let time = bench.simulator.plant_time();
            findings.wrong.push(format!("{time}: at the end of the day {name:?} is off by {off:.2}"));
        }
    }
}

/// At the end of a day, day and night have counted what was imported since midnight; of the first day, which had begun
/// before, and of days on which somebody sets the clock, nothing is said.
fn hold_rates(bench: &mut Bench, year: &Year, findings: &mut Findings) {
    let time = bench.simulator.plant_time();
    let legal = bench.zone.to_datetime(bench.now());
    let clock = bench.simulator.inverter_clock();
    let begin = clock.date().at(0, 0, 0, 0).to_zoned_datetime(bench.zone.clone()).expect("a day");
    let is_set = begin.offset() != begin.checked_add(24.hours()).expect("a time").offset();
    let follows = legal.duration_since(clock).as_secs().abs() < 60;
    if findings.days < 2 || is_set || !follows || year.firmware != Firmware::AsSimulated {
        return;
    }
    let Some(rates) = bench.snapshot().and_then(|snapshot| snapshot.rates) else { return };
    let counted = rates.day.energy.unwrap_or_default() + rates.night.energy.unwrap_or_default();
    let imported = f64::from(bench.pages[&LIVE][26]) / 10.0;
    let off = (counted - imported).abs();
    findings.rates = (findings.rates.0.max(off), findings.rates.1 + 1);
    if off > OFF + 1e-6 {
        findings.wrong.push(format!("{time}: the rates have counted {counted:.2} of {imported:.1} kWh"));
    }
}

/// Somebody, or the cloud, sets the inverter's clock to legal time within minutes of its change. (Plant time is what the
/// clock was in the beginning.)
fn follow_summer_time(bench: &Bench, zone: &TimeZone) {
    let legal = zone.to_datetime(bench.now());
    let clock = bench.simulator.inverter_clock();
    let off = legal.duration_since(clock).as_secs().abs();
    if off > 1800 && legal.minute() >= 5 {
        bench.set_clock(legal);
    }
}

fn judge(year: &Year) -> Findings {
    let findings = paused(live(year));
    println!(
        "{} days, {} restarts: at the end of a day at most {:.2} kWh off, {} values absent; rates {:.2} kWh off in {} days",
        findings.days, findings.restarts, findings.largest, findings.absent, findings.rates.0, findings.rates.1
    );
    let shown = findings.wrong.iter().take(12).cloned().collect::<Vec<_>>().join("\n");
    assert!(findings.wrong.is_empty(), "seed {}, {} wrong:\n{shown}", year.seed, findings.wrong.len());
    // A process may be away at midnight.
    assert!(year.firmware != Firmware::AsSimulated || findings.rates.1 > year.days / 2, "{:?}", findings.rates);
    assert!(findings.days + 1 + year.restarts / 20 >= year.days, "{} days", findings.days);
    findings
}

/// Fourteen days with a change of the clocks in their middle.
fn around(day: Date) -> Year {
    let from = day.checked_sub(7.days()).expect("a day");
    Year { seed: 3, from, days: 14, every: 60, wrong: 0.01, restarts: 8, firmware: Firmware::AsSimulated }
}

#[test]
fn around_the_change_to_summer_time_each_day_ends_where_the_inverters_does() {
    judge(&around(date(2026, 3, 29)));
}

#[test]
fn around_the_change_to_winter_time_each_day_ends_where_the_inverters_does() {
    judge(&around(date(2026, 10, 25)));
}

#[test]
fn a_counter_that_does_not_begin_anew_is_counted_by_its_total() {
    for register in [26, 25, 36, 44] {
        let year =
            Year { seed: 5, days: 4, restarts: 3, firmware: Firmware::Forgets(register), ..around(date(2026, 6, 8)) };
        judge(&year);
    }
}

#[test]
fn counters_that_begin_anew_before_or_after_midnight_do_so_once() {
    for late in [-420, -60, 90, 480] {
        let year =
            Year { seed: 6, days: 4, restarts: 0, firmware: Firmware::ResetsAt(late), ..around(date(2026, 6, 8)) };
        judge(&year);
    }
}

#[test]
fn a_firmware_that_steps_back_by_a_tenth_moves_nothing() {
    judge(&Year { seed: 7, days: 4, restarts: 0, firmware: Firmware::StepsBack, ..around(date(2026, 6, 8)) });
}

#[test]
fn a_year_with_its_restarts_and_wrong_blocks_ends_where_the_inverter_does() {
    if std::env::var_os("GIVTCP_SOAK").is_none() {
        println!("the long form runs with GIVTCP_SOAK=1");
        return;
    }
    let from = date(2028, 1, 1);
    let year =
        Year { seed: 11, from, days: 366, every: 15, wrong: 0.01, restarts: 200, firmware: Firmware::AsSimulated };
    let findings = judge(&year);
    assert_eq!(findings.restarts, 200);
}
