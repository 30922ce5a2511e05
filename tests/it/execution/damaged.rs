//! The record of an override is damaged on disk: what was set before it is restored all the same, or nothing is taken for it
//! that the override has set.

use givtcp::control::{Outcome, OverrideKind};
use givtcp::event::EventKind;
use givtcp::simulator::Family;
use givtcp::status::StatusName;
use tokio::time::sleep;

use super::bench::{Fate, House, seconds};

const MINUTE: u64 = 60;

/// Breaks all files of the journal that end like this.
fn damage(house: &House, end: &str) -> usize {
    let entries = std::fs::read_dir(house.data_dir().join("journal")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let broken = paths.filter(|path| path.extension().is_some_and(|extension| extension == end));
    broken.inspect(|path| std::fs::write(path, "{\"version\":1,\"checksum\":").unwrap()).count()
}

fn code(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Refused { code, .. } => code,
        other => other.word(),
    }
}

fn lost(kinds: &[EventKind]) -> usize {
    kinds.iter().filter(|kind| matches!(kind, EventKind::OverrideLost { .. })).count()
}

#[tokio::test(start_paused = true)]
async fn what_a_damaged_record_would_restore_is_restored_also_after_another_start() {
    for kind in OverrideKind::ALL {
        let house = House::new();
        house.settled().await;
        let settings = [20, 27, 56, 57, 59, 94, 95, 96, 110, 111, 112, 116];
        assert!(house.give("setDischargeSlot1", r#"{"start": "16:00", "finish": "19:00"}"#).await.outcome.is_done());
        let before = house.all_hold(&settings);
        assert!(house.give(kind.name(), "30").await.outcome.is_done());
        assert_ne!(house.all_hold(&settings), before);
        assert!(damage(&house, "json") > 0);
        let mut house = house.crash().await;
        house.settled().await;
        assert_eq!(house.open_records().await.len(), 1, "{} goes on", kind.name());
        // Again the same: it goes on from what was saved, and not from what it has set.
        assert!(house.give(kind.name(), "30").await.outcome.is_done());
        assert_eq!(house.give(kind.name(), "Cancel").await.outcome, Outcome::Applied);
        assert_eq!(house.all_hold(&settings), before, "{}", kind.name());
        assert_eq!(lost(&house.events()), 0);
        house.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_begun_upon_what_a_lost_override_has_set_until_one_is_called_off() {
    let house = House::new();
    house.settled().await;
    assert!(house.give("forceExport", "30").await.outcome.is_done());
    assert_eq!((damage(&house, "json"), damage(&house, "copy")), (1, 1));
    let mut house = house.crash().await;
    house.settled().await;
    assert_eq!(lost(&house.events()), 1, "it is told once");
    let status = house.status(StatusName::ForceExport).await.expect("it runs in the inverter still");
    assert!(status.detail.contains("its record is damaged"), "{}", status.detail);
    let (forced, written) = (house.all_hold(&[27, 56, 57, 59]), house.writes().len());
    for (name, minutes) in [("forceExport", "30"), ("forceCharge", "30"), ("tempPauseDischarge", "10")] {
        let report = house.give(name, minutes).await;
        assert_eq!(code(&report.outcome), "record_lost", "{report}");
    }
    assert_eq!((house.all_hold(&[27, 56, 57, 59]), house.writes().len()), (forced, written));
    // Its time is over: it is not said to run for ever, and is lost on, also after another start.
    sleep(seconds(31 * MINUTE)).await;
    assert_eq!((house.status(StatusName::ForceExport).await, &*house.leaf("Control/Force_Export")), (None, "Normal"));
    let mut house = house.crash().await;
    house.settled().await;
    assert_eq!(lost(&house.events()), 1);
    assert_eq!(code(&house.give("forceCharge", "30").await.outcome), "record_lost");
    // Any of them.
    let report = house.give("forceCharge", "Cancel").await;
    assert_eq!(report.outcome, Outcome::Applied, "{report}");
    assert!(report.notes.iter().any(|note| note.contains("what was set before is not known")), "{report:?}");
    assert_eq!(house.all_hold(&[27, 59, 96]), [1, 0, 0]);
    let safe = house.all_hold(&[27, 56, 57, 59, 96, 110]);
    assert!(house.give("forceExport", "30").await.outcome.is_done());
    assert_eq!(house.give("forceExport", "Cancel").await.outcome, Outcome::Applied);
    assert_eq!(house.all_hold(&[27, 56, 57, 59, 96, 110]), safe);
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn in_every_family_a_lost_override_ends_in_a_safe_state() {
    let mut count = 0;
    for &family in Family::ALL {
        for kind in OverrideKind::ALL {
            let house = House::of(family);
            house.settled().await;
            if !house.give(kind.name(), "600").await.outcome.is_done() {
                house.end().await;
                break;
            }
            damage(&house, "json");
            damage(&house, "copy");
            let house = house.crash().await;
            house.settled().await;
            let report = house.give(kind.name(), "Cancel").await;
            assert!(report.outcome.is_done(), "{family}: {report}");
            assert_eq!(house.statuses().await, [], "{family}: {report}");
            sleep(seconds(2 * MINUTE)).await;
            // The sun may charge it, the house may be served; nothing is taken from the grid for it, and nothing given away.
            let plant = house.plant.power_now();
            assert!(plant.grid > -1000.0 || kind != OverrideKind::ForceCharge, "{family}: {plant:?}");
            assert!(plant.battery < 1000.0 || kind != OverrideKind::ForceExport, "{family}: {plant:?}");
            assert_eq!(house.give(kind.name(), "Cancel").await.outcome, Outcome::Unchanged, "{family}");
            house.end().await;
            count += 1;
        }
    }
    assert!(count > 20, "{count}");
}

#[tokio::test(start_paused = true)]
async fn a_program_that_holds_a_record_needs_neither_the_file_nor_its_copy() {
    let mut house = House::new();
    house.settled().await;
    let before = house.all_hold(&[27, 56, 57, 59, 110, 112]);
    assert!(house.give("forceExport", "30").await.outcome.is_done());
    assert_eq!((damage(&house, "json"), damage(&house, "copy")), (1, 1));
    house.fates(&[Fate::CutBefore]);
    assert!(!house.give("setChargeRate", "1000").await.outcome.is_done());
    sleep(seconds(3 * MINUTE)).await;
    assert_eq!(house.open_records().await.len(), 1);
    assert_eq!(lost(&house.events()), 0);
    let house = house.crash().await;
    house.settled().await;
    assert_eq!(house.give("forceExport", "Cancel").await.outcome, Outcome::Applied);
    assert_eq!(house.all_hold(&[27, 56, 57, 59, 110, 112]), before);
    house.end().await;
}
