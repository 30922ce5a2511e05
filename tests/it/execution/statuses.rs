//! What is told of timed overrides, in paused time: statuses in files, and the leaves with the minutes left.

use givtcp::control::{Outcome, OverrideKind};
use givtcp::event::EventKind;
use givtcp::simulator::Faults;
use givtcp::status::{Status, StatusName};
use tokio::time::sleep;

use super::bench::{Fate, House, seconds};

const MINUTE: u64 = 60;
const LEAVES: [(OverrideKind, &str); 4] = [
    (OverrideKind::ForceCharge, "Control/Force_Charge"),
    (OverrideKind::ForceExport, "Control/Force_Export"),
    (OverrideKind::PauseCharge, "Control/Temp_Pause_Charge"),
    (OverrideKind::PauseDischarge, "Control/Temp_Pause_Discharge"),
];

/// That this one runs for so many minutes more, and no other.
async fn only_runs(house: &House, kind: OverrideKind, minutes: i64) -> Status {
    for (other, leaf) in LEAVES {
        let (word, left) = if other == kind { ("Running", minutes) } else { ("Normal", 0) };
        let told = (house.leaf(leaf), house.leaf(&format!("{leaf}_Num")));
        assert_eq!(told, (word.to_owned(), left.to_string()), "{leaf} while {} runs", kind.name());
    }
    let mut all = house.statuses().await;
    assert_eq!(all.len(), 1, "{all:?}");
    let status = all.remove(0);
    assert_eq!(status.name, StatusName::from(kind));
    let left = status.until.duration_since(house.now()).as_secs();
    assert_eq!((left + 59) / 60, minutes, "{status:?}, {left} s");
    status
}

async fn none_runs(house: &House) {
    assert_eq!(house.statuses().await, []);
    for (_, leaf) in LEAVES {
        assert_eq!((house.leaf(leaf), house.leaf(&format!("{leaf}_Num"))), ("Normal".to_owned(), "0".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_status_is_set_before_the_report_kept_through_a_crash_and_cleared_at_the_end() {
    for kind in OverrideKind::ALL {
        let mut house = House::new();
        house.settled().await;
        none_runs(&house).await;
        assert_eq!(house.give(kind.name(), "10").await.outcome, Outcome::Applied);
        let begun = only_runs(&house, kind, 10).await;
        assert!(begun.holder.contains("in process") && begun.since <= house.now(), "{begun:?}");
        sleep(seconds(4 * MINUTE + 20)).await;
        only_runs(&house, kind, 6).await;
        let name = StatusName::from(kind);
        let told = house.events();
        let starts =
            told.iter().filter(|event| matches!(event, EventKind::OverrideStarted { name: of, .. } if *of == name));
        assert_eq!(starts.count(), 1, "{told:?}");
        let mut house = house.crash().await;
        house.settled().await;
        let after = only_runs(&house, kind, 4).await;
        assert_eq!(after.since, begun.since, "it did not begin anew");
        sleep(seconds(4 * MINUTE + 30)).await;
        none_runs(&house).await;
        assert!(house.events().contains(&EventKind::OverrideEnded { name }), "{}", kind.name());
        house.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_status_goes_with_what_is_undone_at_a_stop_and_stays_with_what_goes_on() {
    for (kind, goes_on) in [(OverrideKind::ForceCharge, true), (OverrideKind::PauseCharge, false)] {
        let house = House::new();
        house.settled().await;
        assert_eq!(house.give(kind.name(), "30").await.outcome, Outcome::Applied);
        let house = house.restart().await;
        assert_eq!(house.status(kind.into()).await.is_some(), goes_on, "{}", kind.name());
        house.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn calling_it_off_clears_its_status_before_the_report() {
    let house = House::new();
    house.settled().await;
    for kind in OverrideKind::ALL {
        assert!(house.give(kind.name(), "30").await.outcome.is_done());
        assert!(house.status(kind.into()).await.is_some(), "{}", kind.name());
        assert!(house.give(kind.name(), "Cancel").await.outcome.is_done());
        // Whoever follows statuses may still have the earlier news.
        for _ in 0..30 {
            none_runs(&house).await;
            sleep(seconds(1) / 10).await;
        }
    }
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_the_battery_does_not_show_within_three_polls_is_in_the_status_until_it_shows() {
    let house = House::new();
    house.settled().await;
    house.plant.set_soc(100.0);
    sleep(seconds(MINUTE)).await;
    let kind = OverrideKind::ForceCharge;
    assert!(house.give(kind.name(), "30").await.outcome.is_done());
    sleep(seconds(25)).await;
    assert_eq!(house.status(kind.into()).await.unwrap().detail, "", "one poll is not enough");
    sleep(seconds(45)).await;
    assert_eq!(house.status(kind.into()).await.unwrap().detail, "the battery is full");
    house.plant.set_soc(50.0);
    sleep(seconds(MINUTE)).await;
    assert_eq!(house.status(kind.into()).await.unwrap().detail, "", "it charges by now");
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_undone_yet_is_in_the_status_until_it_is() {
    let house = House::new();
    house.settled().await;
    let name = StatusName::ForceExport;
    assert!(house.give("forceExport", "5").await.outcome.is_done());
    house.plant.set_faults(Faults { write_ignored: 1.0, ..Faults::default() });
    for minutes in [7, 3, 10] {
        sleep(seconds(minutes * MINUTE)).await;
        let status = house.status(name).await.expect("a status as long as it is not undone");
        assert!(status.detail.starts_with("not undone yet: HR "), "{status:?}");
        assert_eq!(house.leaf("Control/Force_Export"), "Running");
        assert_eq!(house.leaf("Control/Force_Export_Num"), "0");
    }
    house.plant.set_faults(Faults::default());
    sleep(seconds(6 * MINUTE)).await;
    none_runs(&house).await;
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_inverter_that_is_away_at_the_end_is_told_as_not_undone() {
    let mut house = House::new();
    house.settled().await;
    let name = StatusName::ForceExport;
    assert!(house.give("forceExport", "5").await.outcome.is_done());
    house.wire().is_down = true;
    house.fates(&[Fate::CutBefore]);
    for minutes in [8, 30, 30] {
        sleep(seconds(minutes * MINUTE)).await;
        let status = house.status(name).await.expect("a status as long as it is not undone");
        assert!(status.detail.starts_with("not undone yet: cannot connect"), "{status:?}");
        let is_loud = |event: &EventKind| matches!(event, EventKind::OverrideNotUndone { name: of, .. } if *of == name);
        assert!(house.events().iter().any(is_loud));
    }
    house.wire().is_down = false;
    sleep(seconds(2 * MINUTE)).await;
    none_runs(&house).await;
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_clock_is_not_set_while_an_override_goes_by_it() {
    let house = House::new();
    house.settled().await;
    for kind in OverrideKind::ALL {
        assert!(house.give(kind.name(), "30").await.outcome.is_done());
        let written = house.writes().len();
        for (command, payload) in [("syncDateTime", ""), ("setDateTime", "05/06/2026 12:00:00")] {
            let report = house.give(command, payload).await;
            let Outcome::Refused { code, why } = &report.outcome else { panic!("{report}") };
            assert_eq!(code, "override_runs");
            assert!(why.starts_with(kind.name()), "{why}");
        }
        assert_eq!(house.writes().len(), written);
        assert!(house.give(kind.name(), "Cancel").await.outcome.is_done());
    }
    assert!(house.give("syncDateTime", "").await.outcome.is_done());
    house.end().await;
}
