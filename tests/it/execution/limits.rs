//! When nothing is written though it could be.

use givtcp::control::{Outcome, Policy, Report};
use givtcp::simulator::Family;
use tokio::time::{Instant, sleep};

use super::bench::{House, seconds};

fn code(report: &Report) -> &str {
    match &report.outcome {
        Outcome::Refused { code, .. } => code,
        other => other.word(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_days_budget_is_kept_across_a_restart_and_counted() {
    let house = House::with(Family::default(), Policy { daily_writes: 3, ..Policy::default() });
    house.settled().await;
    for reserve in ["31", "32", "33"] {
        assert_eq!(house.give("setBatteryReserve", reserve).await.outcome, Outcome::Applied);
    }
    assert_eq!(code(&house.give("setBatteryReserve", "34").await), "budget");
    assert_eq!(code(&house.give("setBatteryReserve", "33").await), "unchanged", "that writes nothing");
    let house = house.restart().await;
    house.settled().await;
    let report = house.give("setBatteryReserve", "35").await;
    assert_eq!(code(&report), "budget");
    assert!(report.to_string().contains("control.daily_writes"), "{report}");
    assert_eq!((house.leaf("Stats/Write_Count"), house.holds(110)), ("3".to_owned(), Some(33)));
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn switched_off_every_command_is_refused_and_with_dry_run_only_planned() {
    for (policy, wants) in [
        (Policy { enabled: false, ..Policy::default() }, "disabled"),
        (Policy { dry_run: true, ..Policy::default() }, "planned"),
    ] {
        let house = House::with(Family::default(), policy);
        house.settled().await;
        let report = house.give("setBatteryReserve", "31").await;
        assert_eq!(code(&report), wants, "{report}");
        assert_eq!(house.writes(), []);
        house.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_planner_refuses_is_refused_with_its_code_and_nothing_is_written() {
    let house = House::new();
    house.settled().await;
    for (name, payload, wants) in [
        ("setBatteryReserve", "2", "out_of_range"),
        ("rebootInverter", "Start", "not_confirmed"),
        ("setChargeSlot1", r#"{"start": "05:00", "finish": "05:00"}"#, "empty_slot"),
        ("setExportSlot1", r#"{"start": "05:00", "finish": "06:00"}"#, "not_supported"),
    ] {
        let report = house.give(name, payload).await;
        assert_eq!(code(&report), wants, "{report}");
    }
    assert_eq!(house.writes(), []);
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_inverter_that_is_away_is_unreachable_at_once_and_nothing_is_written_when_it_is_back() {
    let house = House::new();
    house.settled().await;
    house.wire().is_down = true;
    house.dongle.gone.send_replace(true);
    house.fates(&[super::bench::Fate::CutBefore]);
    let first = house.give("setBatteryReserve", "31").await;
    assert_eq!(code(&first), "unreachable", "{first}");
    sleep(seconds(20)).await;
    let begun = Instant::now();
    let report = house.give("setBatteryReserve", "31").await;
    assert_eq!(code(&report), "unreachable", "{report}");
    assert!(begun.elapsed() < seconds(9), "{:?}", begun.elapsed());
    house.wire().is_down = false;
    let sent = house.writes().len();
    sleep(seconds(120)).await;
    assert_eq!(house.writes().len(), sent);
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_flood_is_bounded_and_polling_goes_on() {
    let house = House::new();
    house.settled().await;
    let cycles = house.snapshot().stats.cycles;
    let mut given = Vec::new();
    for round in 0..6u32 {
        for number in 0..20 {
            given.push(house.begin("setBatteryReserve", &(10 + round * 7 + number % 7).to_string()));
        }
        sleep(seconds(10)).await;
    }
    let mut busy = 0;
    for report in given {
        let report = report.await.unwrap();
        busy += usize::from(code(&report) == "busy");
        assert!(report.outcome.is_done() || matches!(code(&report), "busy" | "unreachable"), "{report}");
    }
    assert!(house.snapshot().stats.cycles >= cycles + 3, "{}", house.snapshot().stats.cycles - cycles);
    println!("{busy} of 120 commands in a minute were refused as too many");
    house.end().await;
}

/// With an empty data directory.
#[tokio::test(start_paused = true)]
async fn in_the_first_minute_an_order_is_carried_out_or_told_to_come_again_and_nobody_waits_in_vain() {
    for &family in Family::ALL {
        for at in [0, 1, 2, 4, 7, 12, 20, 35] {
            let house = House::of(family);
            sleep(seconds(at)).await;
            let begun = Instant::now();
            let early = house.give("forceCharge", "30").await;
            assert!(begun.elapsed() <= seconds(9), "{family} at {at} s: {early}");
            let is_told = early.to_string().contains("still finding out what is behind this inverter, try again in ");
            if early.outcome == Outcome::Applied {
                house.settled().await;
                assert_eq!(house.open_records().await.len(), 1, "{family} at {at} s: {early}");
                assert!(house.plant.power_now().battery < -100.0, "{family} at {at} s: {early}");
            } else if is_told {
                println!("{family} at {at} s: {early}");
                assert!(at < 15, "{family} at {at} s: {early}");
            } else {
                house.settled().await;
                let late = house.give("forceCharge", "30").await;
                assert_eq!(early.outcome, late.outcome, "{family} at {at} s");
            }
            house.end().await;
        }
    }
}
