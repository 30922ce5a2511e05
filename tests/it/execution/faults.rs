//! What goes wrong on the way of a command.

use givtcp::control::{By, Command, Order, Outcome};
use givtcp::event::EventKind;
use givtcp::lock::LockManager;
use givtcp::simulator::Faults;
use tokio::time::{Instant, sleep};

use super::bench::{Fate, House, seconds};

/// Registers of a charge slot with its target.
const SLOT: [u16; 5] = [20, 94, 95, 96, 116];
const SET_SLOT: (&str, &str) = ("setChargeSlot1", r#"{"start": "01:15", "finish": "04:45", "chargeToPercent": 77}"#);

#[tokio::test(start_paused = true)]
async fn a_write_that_is_lost_is_sent_again_and_one_whose_echo_is_lost_is_not() {
    let house = House::new();
    house.settled().await;
    for (reserve, fates, sent) in
        [(31, &[Fate::Lost][..], 2), (32, &[Fate::Unheard], 1), (33, &[Fate::Lost, Fate::Lost], 3)]
    {
        house.fates(fates);
        let before = house.writes().len();
        let begun = Instant::now();
        let report = house.give("setBatteryReserve", &reserve.to_string()).await;
        assert_eq!((&report.outcome, house.holds(110)), (&Outcome::Applied, Some(reserve)), "{report}");
        assert_eq!(house.writes().len() - before, sent, "{fates:?}");
        assert!(begun.elapsed() <= seconds(9), "{:?}", begun.elapsed());
    }
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_write_that_never_arrives_is_rejected_within_nine_seconds_and_sent_three_times_at_most() {
    let house = House::new();
    house.settled().await;
    let before = house.holds(110);
    house.fates(&[Fate::Lost; 9]);
    let begun = Instant::now();
    let report = house.give("setBatteryReserve", "31").await;
    assert!(begun.elapsed() <= seconds(9), "{:?}", begun.elapsed());
    let Outcome::Rejected { register: 110, wanted: 31, .. } = report.outcome else { panic!("{report}") };
    assert!((2..=3).contains(&house.writes().len()), "{:?}", house.writes());
    assert_eq!(house.holds(110), before);
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_write_that_comes_four_seconds_late_is_undone_and_told() {
    let mut house = House::new();
    house.settled().await;
    let before = house.holds(110).unwrap();
    house.plant.set_faults(Faults { write_late: 1.0, ..Faults::default() });
    let report = house.give("setBatteryReserve", "66").await;
    house.plant.set_faults(Faults::default());
    let Outcome::Rejected { register: 110, holds, .. } = report.outcome else { panic!("{report}") };
    assert_eq!(holds, Some(before), "{report}");
    sleep(seconds(4)).await;
    assert_eq!(house.holds(110), Some(66), "it came after all");
    house.events();
    sleep(seconds(5)).await;
    assert_eq!(house.holds(110), Some(before));
    let told = house.events();
    let wants = EventKind::LateChangeUndone { register: 110, held: 66, restored: before };
    assert!(told.contains(&wants), "{told:?}");
    sleep(seconds(90)).await;
    assert_eq!(house.events(), [], "once");
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_late_change_gives_way_to_what_a_newer_command_set() {
    let house = House::new();
    house.settled().await;
    for (newer, late) in [("30", 66), ("67", 67)] {
        house.plant.set_faults(Faults { write_late: 1.0, ..Faults::default() });
        let report = house.give("setBatteryReserve", &late.to_string()).await;
        house.plant.set_faults(Faults::default());
        assert_eq!(report.outcome.word(), "rejected", "{report}");
        assert_eq!(house.give("setBatteryReserve", newer).await.outcome, Outcome::Applied);
        sleep(seconds(70)).await;
        assert_eq!(house.holds(110), newer.parse().ok(), "after {late} came late");
    }
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_write_without_effect_is_rejected_and_the_plan_put_back() {
    let house = House::new();
    house.settled().await;
    let before = house.all_hold(&SLOT);
    house.plant.set_faults(Faults { write_ignored: 1.0, ..Faults::default() });
    let report = house.give(SET_SLOT.0, SET_SLOT.1).await;
    house.plant.set_faults(Faults::default());
    assert_eq!((report.outcome.word(), report.put_back), ("rejected", None), "{report}");
    assert_eq!(house.all_hold(&SLOT), before);
    assert_eq!(house.open_records().await, []);
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_fails_at_any_register_is_put_back_whole_and_within_nine_seconds_told() {
    let mut writes = 1;
    let mut failed = 0;
    loop {
        let house = House::new();
        house.settled().await;
        let before = house.all_hold(&SLOT);
        let mut fates = vec![Fate::Arrives; writes - 1];
        fates.extend([Fate::Lost; 3]);
        house.fates(&fates);
        let begun = Instant::now();
        let report = house.give(SET_SLOT.0, SET_SLOT.1).await;
        assert!(begun.elapsed() <= seconds(9), "{:?}", begun.elapsed());
        if report.outcome == Outcome::Applied {
            house.end().await;
            break;
        }
        failed += 1;
        assert_eq!(report.outcome.word(), "rejected", "{report}");
        sleep(seconds(60)).await;
        assert_eq!(house.all_hold(&SLOT), before, "{report}");
        assert_eq!(house.open_records().await, [], "{report}");
        house.end().await;
        writes += 1;
    }
    assert!(failed >= 3, "{failed}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_in_a_plan_has_it_settled_when_it_is_back() {
    for fate in [Fate::CutBefore, Fate::CutAfter] {
        for at in 0..4 {
            let mut house = House::new();
            house.settled().await;
            let before = house.all_hold(&SLOT);
            let mut fates = vec![Fate::Arrives; at];
            fates.push(fate);
            house.fates(&fates);
            let report = house.give(SET_SLOT.0, SET_SLOT.1).await;
            if report.outcome == Outcome::Applied {
                house.end().await;
                continue;
            }
            assert_eq!(report.outcome.word(), "unreachable", "{report}");
            sleep(seconds(60)).await;
            let after = house.all_hold(&SLOT);
            let is_done = after == [1, 115, 445, 1, 77];
            assert!(after == before || is_done, "{fate:?} at {at}: {before:?} became {after:?}");
            assert_eq!(house.open_records().await, []);
            let told = house.events();
            let settled = told.iter().find_map(|event| match event {
                EventKind::CommandSettled { completed, .. } => Some(*completed),
                _ => None,
            });
            assert_eq!(settled, Some(is_done), "{told:?}");
            house.end().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_meant_for_another_inverter_is_refused() {
    let house = House::new();
    house.settled().await;
    let command = Command::parse("setBatteryReserve", "31").unwrap();
    let order = Order { inverter: Some("SA2114G999".parse().unwrap()), ..Order::new(command, By::Mqtt) };
    let report = house.orders.give(order).await;
    assert!(matches!(&report.outcome, Outcome::Refused { code, .. } if code == "wrong_inverter"), "{report}");
    assert_eq!(house.writes(), []);
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_echo_of_another_inverter_ends_the_connection_and_the_plan() {
    let house = House::new();
    house.settled().await;
    let before = house.all_hold(&SLOT);
    house.fates(&[Fate::Arrives, Fate::Other]);
    let report = house.give(SET_SLOT.0, SET_SLOT.1).await;
    assert_eq!(report.outcome.word(), "unreachable", "{report}");
    assert_eq!(house.writes().len(), 2, "nothing more went out");
    sleep(seconds(60)).await;
    assert_eq!(house.all_hold(&SLOT), before);
    assert_eq!(house.open_records().await, []);
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_lost_in_a_plan_stops_it_and_it_is_settled_under_the_next() {
    let house = House::new();
    house.settled().await;
    let before = house.all_hold(&SLOT);
    let serial = house.plant.inverter_serial();
    let giving = house.begin(SET_SLOT.0, SET_SLOT.1);
    while house.writes().is_empty() {
        sleep(seconds(1) / 100).await;
    }
    assert!(house.locks.force_release(&format!("inverter_write:{serial}")).await.unwrap());
    let report = giving.await.unwrap();
    assert_eq!(report.outcome.word(), "unreachable", "{report}");
    let sent = house.writes().len();
    assert!(sent < 4, "{:?}", house.writes());
    sleep(seconds(90)).await;
    assert_eq!(house.all_hold(&SLOT), before);
    assert_eq!(house.open_records().await, []);
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_sets_is_told_once_and_what_a_command_sets_is_not() {
    let mut house = House::new();
    house.settled().await;
    sleep(seconds(320)).await;
    assert_eq!(house.give("setChargeTarget", "71").await.outcome, Outcome::Applied);
    sleep(seconds(320)).await;
    assert_eq!(house.events(), []);
    let before = house.holds(110).unwrap();
    assert!(house.plant.write(110, before + 9));
    sleep(seconds(320)).await;
    let changed = EventKind::SettingChanged { register: 110, what: "reserve", from: before, to: before + 9 };
    assert_eq!(house.events(), [changed]);
    sleep(seconds(640)).await;
    assert_eq!(house.events(), []);
    house.end().await;
}
