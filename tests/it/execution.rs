//! Commands from the seam to the simulator's registers, in paused time: what is said of them is so.

mod bench;
mod crashes;
mod damaged;
mod faults;
mod latency;
mod limits;
mod statuses;
mod timed;
mod transports;

use givtcp::control::{By, Command, Context, Control, ControlKind, Order, Outcome, controls};
use givtcp::lock::{LockManager, Owner};
use givtcp::simulator::Family;
use tokio::time::Instant;

use bench::{House, seconds};

/// Payloads to try: far ends and a middle.
fn samples(control: &Control) -> Vec<String> {
    match &control.kind {
        ControlKind::Number { min, max, .. } => {
            vec![max.to_string(), min.to_string(), (min.midpoint(*max)).to_string()]
        }
        ControlKind::Select(options) => options.iter().map(|&option| option.to_owned()).collect(),
        ControlKind::Switch => vec!["enable".to_owned(), "disable".to_owned()],
        ControlKind::Time => vec!["12:34".to_owned(), "00:00".to_owned()],
        ControlKind::Button => Vec::new(),
    }
}

#[tokio::test(start_paused = true)]
async fn every_control_of_every_family_is_written_and_read_back() {
    let mut applied = 0;
    for &family in Family::ALL {
        let house = House::of(family);
        house.settled().await;
        let context = Context::of(&house.snapshot(), None, None);
        for control in controls(&context) {
            for payload in samples(&control) {
                let payload = if control.confirm {
                    format!(r#"{{"state": "{payload}", "confirm": "{}"}}"#, house.plant.inverter_serial())
                } else {
                    payload
                };
                let begun = Instant::now();
                let report = house.give(&control.command, &payload).await;
                assert!(report.outcome.is_done(), "{family}: {} {payload}: {report}", control.command);
                assert!(begun.elapsed() <= seconds(9), "{family}: {report} after {:?}", begun.elapsed());
                for touched in &report.registers {
                    assert_eq!(touched.after, house.holds(touched.register), "{family}: {report}");
                    applied += 1;
                }
                let again = house.give(&control.command, &payload).await;
                let is_act = control.confirm;
                assert!(is_act || again.outcome == Outcome::Unchanged, "{family}: again {payload}: {again}");
            }
        }
        house.end().await;
    }
    assert!(applied > 500, "{applied}");
}

#[tokio::test(start_paused = true)]
async fn the_snapshot_shows_the_new_value_when_the_report_arrives() {
    let house = House::new();
    house.settled().await;
    for reserve in [42, 17] {
        let report = house.give("setBatteryReserve", &reserve.to_string()).await;
        assert_eq!(report.outcome, Outcome::Applied);
        assert_eq!(house.leaf("Control/Battery_Power_Reserve"), reserve.to_string());
    }
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_tells_the_plan_and_writes_nothing() {
    let house = House::new();
    house.settled().await;
    let command = Command::parse("setChargeSlot1", r#"{"start": "01:00", "finish": "04:00", "chargeToPercent": 80}"#);
    let order = Order { dry_run: true, ..Order::new(command.unwrap(), By::Rest) };
    let report = house.orders.give(order).await;
    assert_eq!(report.outcome, Outcome::Planned);
    assert!(report.plan.iter().any(|planned| (planned.register, planned.value) == (94, 100)), "{:?}", report.plan);
    assert!(report.registers.is_empty());
    assert_eq!(house.writes(), []);
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn both_times_of_a_slot_that_come_apart_are_one_plan() {
    let house = House::new();
    house.settled().await;
    let (start, end) = tokio::join!(house.give("setChargeStart1", "01:30"), async {
        tokio::time::sleep(seconds(1)).await;
        house.give("setChargeEnd1", "05:30").await
    });
    assert_eq!((&start.outcome, start.registers.len()), (&Outcome::Applied, 2), "{start}");
    assert_eq!(end, start);
    assert_eq!([house.holds(94), house.holds(95)], [Some(130), Some(530)]);
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn eco_after_a_pause_restores_the_reserve_across_a_restart() {
    let house = House::new();
    house.settled().await;
    assert_eq!(house.give("setBatteryReserve", "23").await.outcome, Outcome::Applied);
    assert_eq!(house.give("setBatteryMode", "Eco (Paused)").await.outcome, Outcome::Applied);
    assert_eq!(house.holds(110), Some(100));
    let house = house.restart().await;
    house.settled().await;
    assert_eq!(house.give("setBatteryMode", "Eco").await.outcome, Outcome::Applied);
    assert_eq!(house.holds(110), Some(23));
    assert_eq!(house.leaf("Control/Mode"), "Eco");
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_rate_beyond_what_there_is_is_clamped_and_one_that_is_rounded_is_not() {
    let house = House::new();
    house.settled().await;
    assert!(house.give("setChargeRate", "1000").await.outcome.is_done());
    let most = house.give("setChargeRate", "50000").await;
    let Outcome::Clamped { achieved } = most.outcome else { panic!("{most}") };
    assert_eq!(most.amount.unwrap().achieved, achieved);
    let some = house.give("setChargeRate", "1234").await;
    assert_eq!(some.outcome, Outcome::Applied, "{some}");
    assert_ne!(some.amount.unwrap().achieved, 1234);
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_clock_is_set_and_shown_and_a_restart_must_be_meant() {
    let house = House::new();
    house.settled().await;
    for (name, payload, hour) in [("setDateTime", "05/06/2026 13:30:00", 13), ("syncDateTime", "{}", 9)] {
        let report = house.give(name, payload).await;
        assert_eq!(report.outcome, Outcome::Applied, "{report}");
        assert_eq!(house.plant.inverter_clock().hour(), hour, "{report}");
    }
    let before = house.writes().len();
    let serial = house.plant.inverter_serial().to_string();
    assert_eq!(house.give("rebootInverter", "SD9999G999").await.outcome.word(), "refused");
    assert_eq!(house.writes().len(), before);
    let report = house.give("rebootInverter", &serial).await;
    assert_eq!(report.outcome, Outcome::Applied, "{report}");
    assert_eq!(house.writes()[before..], [(163, 100)]);
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn who_stands_by_turns_commands_away_at_once_and_takes_them_when_it_has_the_inverter() {
    let house = House::new();
    let other = Owner::new("other");
    let lease = house.locks.acquire("inverter_link:dongle:8899", &other, Some(seconds(0))).await.unwrap();
    tokio::time::sleep(seconds(5)).await;
    let begun = Instant::now();
    let report = house.give("setBatteryReserve", "31").await;
    assert_eq!((report.outcome.word(), begun.elapsed()), ("unreachable", seconds(0)), "{report}");
    drop(lease);
    house.settled().await;
    assert_eq!(house.give("setBatteryReserve", "31").await.outcome, Outcome::Applied);
    house.end().await;
}
