//! Timed overrides from the order to the end, in paused time: whatever comes between, the registers are as before.

use givtcp::control::{Allowed, By, Command, Order, Outcome, OverrideKind, Policy, Report};
use givtcp::event::EventKind;
use givtcp::plant::snapshot::OverrideState;
use givtcp::simulator::{Family, Faults};
use givtcp::status::StatusName;
use tokio::time::{Instant, sleep, timeout};

use super::bench::{Fate, House, seconds};

const MINUTE: u64 = 60;

/// Registers that change by themselves.
const OWN: [u16; 8] = [29, 35, 36, 37, 38, 39, 40, 163];

fn settings(house: &House) -> Vec<(u16, Option<u16>)> {
    let all = Allowed::ALL.iter().map(|allowed| allowed.register).filter(|register| !OWN.contains(register));
    all.map(|register| (register, house.holds(register))).collect()
}

/// What has begun also ends: a slot's end is written before its beginning, and what puts the slot in force after both.
fn ends_before_it_begins(writes: &[(u16, u16)], report: &Report) {
    const SLOTS: [(u16, u16); 7] =
        [(57, 56), (95, 94), (320, 319), (1114, 1113), (1119, 1118), (2054, 2053), (2063, 2062)];
    const STARTERS: [(u16, u16); 7] = [(96, 1), (59, 1), (27, 0), (318, 1), (318, 2), (1112, 1), (2040, 1)];
    let place = |register: u16| writes.iter().position(|write| write.0 == register);
    for (end, start) in SLOTS {
        let (Some(start), Some(end)) = (place(start), place(end)) else { continue };
        assert!(end < start, "{report}: {writes:?}");
        let starter = writes.iter().position(|write| STARTERS.contains(write));
        assert!(starter.is_none_or(|starter| start < starter), "{report}: {writes:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_override_of_every_family_shows_ends_and_leaves_the_registers_as_before() {
    let mut count = 0;
    for &family in Family::ALL {
        let house = House::of(family);
        house.settled().await;
        let before = settings(&house);
        for kind in OverrideKind::ALL {
            let name = kind.name();
            let (begun, written) = (Instant::now(), house.writes().len());
            let report = house.give(name, "5").await;
            if let Outcome::Refused { code, .. } = &report.outcome {
                assert_eq!(code, "not_supported", "{family}: {report}");
                assert_eq!(settings(&house), before, "{family}: {report}");
                continue;
            }
            assert_eq!(report.outcome, Outcome::Applied, "{family}: {report}");
            assert!(begun.elapsed() <= seconds(9), "{family}: {report} after {:?}", begun.elapsed());
            assert_ne!(settings(&house), before, "{family}: {report}");
            ends_before_it_begins(&house.writes()[written..], &report);
            assert_eq!(house.open_records().await.len(), 1, "{family}: {name}");
            sleep(seconds(MINUTE)).await;
            let battery = house.plant.power_now().battery;
            match kind {
                OverrideKind::ForceCharge => assert!(battery < -100.0, "{family}: {battery} W"),
                OverrideKind::ForceExport => assert!(battery > 100.0, "{family}: {battery} W"),
                OverrideKind::PauseCharge => assert!(battery > -600.0, "{family}: {battery} W"),
                OverrideKind::PauseDischarge => assert!(battery < 600.0, "{family}: {battery} W"),
            }
            sleep(seconds(3 * MINUTE)).await;
            assert_eq!(house.open_records().await.len(), 1, "{family}: {name} is over too early");
            sleep(seconds(2 * MINUTE + 30)).await;
            assert_eq!(house.open_records().await, [], "{family}: {name}");
            assert_eq!(settings(&house), before, "{family}: {name}");
            count += 1;
        }
        house.end().await;
    }
    assert!(count > 30, "{count}");
}

#[tokio::test(start_paused = true)]
async fn it_is_called_off_even_when_commands_are_switched_off() {
    let mut house = House::new();
    house.settled().await;
    let before = settings(&house);
    for kind in OverrideKind::ALL {
        assert!(house.give(kind.name(), "30").await.outcome.is_done());
        let is_shown = |house: &House| {
            let leaves = ["Force_Charge", "Force_Export", "Temp_Pause_Charge", "Temp_Pause_Discharge"];
            let running = leaves.iter().filter(|leaf| house.leaf(&format!("Control/{leaf}")) == "Running");
            running.count()
        };
        assert_eq!(is_shown(&house), 1, "{}", kind.name());
        let report = house.give(kind.name(), "Cancel").await;
        assert_eq!(is_shown(&house), 0, "{}", kind.name());
        assert_eq!(report.outcome, Outcome::Applied, "{report}");
        assert_eq!(settings(&house), before, "{report}");
        assert_eq!(house.give(kind.name(), "Normal").await.outcome, Outcome::Unchanged);
    }
    assert!(house.give("forceCharge", "30").await.outcome.is_done());
    house.policy = Policy { enabled: false, ..house.policy };
    let house = house.restart().await;
    house.settled().await;
    assert!(matches!(house.give("forceExport", "30").await.outcome, Outcome::Refused { .. }));
    assert_eq!(house.give("forceCharge", "Cancel").await.outcome, Outcome::Applied);
    assert_eq!(settings(&house), before);
    house.end().await;
}

/// Undoing and beginning together take longer than anybody waits.
#[tokio::test(start_paused = true)]
async fn an_override_begins_after_the_one_that_it_ends_however_long_that_took() {
    let house = House::new();
    house.settled().await;
    let before = settings(&house);
    for (older, newer, meaning) in [
        ("forceExport", "forceCharge", StatusName::ForceCharge.meaning()),
        ("forceCharge", "forceExport", StatusName::ForceExport.meaning()),
    ] {
        assert_eq!(house.give(older, "30").await.outcome, Outcome::Applied);
        let begun = Instant::now();
        let report = house.give(newer, "20").await;
        assert!(begun.elapsed() <= seconds(9), "{report} after {:?}", begun.elapsed());
        assert!(matches!(report.outcome, Outcome::Applied | Outcome::Unreachable { .. }), "{report}");
        sleep(seconds(15)).await;
        let open = house.open_records().await;
        assert_eq!((open.len(), open[0].what.to_string().as_str()), (1, meaning), "{report}");
        assert_eq!(house.give(newer, "Cancel").await.outcome, Outcome::Applied);
        assert_eq!(settings(&house), before, "{older}, {newer}");
    }
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_newer_of_two_ends_the_older_and_the_same_again_goes_on_longer() {
    let house = House::new();
    house.settled().await;
    let before = settings(&house);
    assert!(house.give("forceCharge", "5").await.outcome.is_done());
    sleep(seconds(2 * MINUTE)).await;
    let (first, written) = (house.open_records().await, house.writes().len());
    let report = house.give("forceCharge", "10").await;
    assert_eq!(report.outcome, Outcome::Applied, "{report}");
    let open = house.open_records().await;
    assert_eq!((open.len(), open[0].id), (1, first[0].id), "it goes on, and is not begun anew");
    let prolonged: Vec<u16> = house.writes()[written..].iter().map(|write| write.0).collect();
    assert_eq!(prolonged, [95], "only its end is another one");
    sleep(seconds(8 * MINUTE)).await;
    let open = house.open_records().await;
    assert_eq!(open.len(), 1, "it was prolonged");
    let report = house.give("forceExport", "10").await;
    assert_eq!(report.outcome, Outcome::Applied, "{report}");
    let open = house.open_records().await;
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].what.to_string(), StatusName::ForceExport.meaning());
    // A command that sets what it holds ends it first.
    let report = house.give("setBatteryMode", "Timed Export").await;
    assert!(report.outcome.is_done(), "{report}");
    assert_eq!(house.open_records().await, []);
    assert_eq!(house.all_hold(&[27, 59]), [0, 1]);
    assert!(house.give("setBatteryMode", "Eco").await.outcome.is_done());
    assert_eq!(settings(&house), before);
    house.end().await;
}

/// Kills the process at the write with this number, of a force export that is begun, or of one that is called off.
async fn killed(name: &str, at: usize, last: Fate, amid_undoing: bool) -> bool {
    let house = House::new();
    house.settled().await;
    let before = settings(&house);
    if amid_undoing {
        assert!(house.give(name, "30").await.outcome.is_done());
    }
    let mut fates = vec![Fate::Arrives; at];
    fates.push(last);
    house.fates(&fates);
    let mut gone = house.dongle.gone.subscribe();
    let giving = house.begin(name, if amid_undoing { "Cancel" } else { "30" });
    let is_killed = timeout(seconds(9), gone.wait_for(|gone| *gone)).await.is_ok();
    giving.abort();
    if is_killed {
        let house = house.crash().await;
        sleep(seconds(MINUTE)).await;
        assert_eq!(house.open_records().await, [], "{name} at {at}");
        assert_eq!(settings(&house), before, "{name} at {at} {last:?}");
        house.end().await;
    }
    is_killed
}

#[tokio::test(start_paused = true)]
async fn a_crash_at_any_register_of_an_override_or_its_undoing_leaves_nothing() {
    let mut kills = 0;
    for name in ["forceCharge", "forceExport", "tempPauseCharge"] {
        for amid_undoing in [false, true] {
            for last in [Fate::Last, Fate::LastAfter] {
                let mut at = 0;
                while killed(name, at, last, amid_undoing).await {
                    (at, kills) = (at + 1, kills + 1);
                }
            }
        }
    }
    assert!(kills >= 24, "{kills}");
}

#[tokio::test(start_paused = true)]
async fn one_that_runs_through_a_crash_ends_in_time() {
    let house = House::new();
    house.settled().await;
    let before = settings(&house);
    assert!(house.give("forceExport", "10").await.outcome.is_done());
    sleep(seconds(2 * MINUTE)).await;
    let house = house.crash().await;
    sleep(seconds(5 * MINUTE)).await;
    assert_eq!(house.open_records().await.len(), 1);
    sleep(seconds(4 * MINUTE)).await;
    assert_eq!(house.open_records().await, []);
    assert_eq!(settings(&house), before);
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_inverter_that_is_unreachable_at_the_end_is_put_right_when_it_is_back() {
    let house = House::new();
    house.settled().await;
    let before = settings(&house);
    assert!(house.give("forceExport", "5").await.outcome.is_done());
    house.wire().is_down = true;
    house.fates(&[Fate::CutBefore]);
    sleep(seconds(90 * MINUTE)).await;
    assert_ne!(settings(&house), before);
    house.wire().is_down = false;
    sleep(seconds(2 * MINUTE)).await;
    assert_eq!(settings(&house), before);
    assert_eq!(house.open_records().await, []);
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn at_a_stop_an_inverter_that_is_back_in_time_is_put_right_and_one_that_is_not_at_the_next_start() {
    for back_after in [8, 60] {
        let house = House::new();
        house.settled().await;
        let before = settings(&house);
        assert!(house.give("forceExport", "30").await.outcome.is_done());
        house.wire().is_down = true;
        house.fates(&[Fate::CutBefore]);
        let report = house.give("setBatteryReserve", "31").await;
        assert_eq!(report.outcome.word(), "unreachable", "{report}");
        let (wire, begun) = (house.dongle.clone(), Instant::now());
        let back = tokio::spawn(async move {
            sleep(seconds(back_after)).await;
            wire.wire.lock().unwrap().is_down = false;
        });
        let house = house.restart().await;
        assert!(begun.elapsed() <= seconds(22), "{:?}", begun.elapsed());
        if back_after < 20 {
            assert_eq!(settings(&house), before);
            assert!(begun.elapsed() < seconds(16), "as soon as it is back: {:?}", begun.elapsed());
        } else {
            assert_ne!(settings(&house), before);
        }
        back.await.unwrap();
        sleep(seconds(2 * MINUTE)).await;
        assert_eq!((settings(&house), house.open_records().await), (before, Vec::new()));
        house.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn calling_off_what_is_not_known_is_no_success_while_the_journal_cannot_be_read() {
    let house = House::new();
    house.settled().await;
    let journal = house.data_dir().join("journal");
    let cancel = async |house: &House| house.give("forceCharge", "Cancel").await;
    assert_eq!(cancel(&house).await.outcome, Outcome::Unchanged);
    let _ = std::fs::remove_dir_all(&journal);
    std::fs::write(&journal, "in the way").unwrap();
    let house = house.crash().await;
    house.settled().await;
    let report = cancel(&house).await;
    assert!(report.to_string().contains("whether it runs cannot be known: "), "{report}");
    assert_eq!(report.outcome.word(), "unreachable");
    std::fs::remove_file(&journal).unwrap();
    sleep(seconds(10 * MINUTE)).await;
    assert_eq!(cancel(&house).await.outcome, Outcome::Unchanged);
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_changed_is_left_and_told_and_the_rest_is_put_back() {
    let mut house = House::new();
    house.settled().await;
    let before = house.all_hold(&[27, 59, 110, 112]);
    assert!(house.give("forceExport", "30").await.outcome.is_done());
    assert!(house.plant.write(57, 2359));
    sleep(seconds(7 * MINUTE)).await;
    assert_eq!(house.open_records().await, [], "somebody else's slot is no override of ours");
    assert_eq!(house.all_hold(&[27, 59, 110, 112]), before);
    assert_eq!(house.holds(57), Some(2359));
    let left = |kind: &EventKind| matches!(kind, EventKind::OverrideLeft { registers, .. } if registers.contains(&57));
    assert!(house.events().iter().any(left));
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_outlasts_its_slot_is_undone_at_a_stop_and_what_does_not_goes_on() {
    let house = House::new();
    house.settled().await;
    let before = settings(&house);
    assert!(house.give("forceExport", "30").await.outcome.is_done());
    let house = house.restart().await;
    assert_eq!(settings(&house), before);
    house.settled().await;
    assert!(house.give("forceCharge", "30").await.outcome.is_done());
    let house = house.restart().await;
    assert_ne!(settings(&house), before);
    house.settled().await;
    assert_eq!(house.open_records().await.len(), 1);
    let mut house = house;
    house.policy = Policy { undo_all_at_stop: true, ..house.policy };
    let house = house.restart().await;
    house.settled().await;
    let house = house.restart().await;
    assert_eq!(settings(&house), before);
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_undoing_that_the_inverter_does_not_take_is_loud_and_tried_on() {
    let mut house = House::new();
    house.settled().await;
    let before = settings(&house);
    assert!(house.give("forceExport", "5").await.outcome.is_done());
    house.fates(&[Fate::Lost; 60]);
    sleep(seconds(7 * MINUTE)).await;
    assert!(house.events().iter().any(|kind| matches!(kind, EventKind::OverrideNotUndone { .. })));
    assert_ne!(settings(&house), before);
    let note = house.snapshot().override_notes.each.force_export.clone().expect("it is told on");
    assert_eq!((note.state, house.leaf("Control/Force_Export_Num")), (OverrideState::Undoing, "0".to_owned()));
    assert!(note.detail.contains("not undone yet"), "{note:?}");
    house.fates(&[]);
    sleep(seconds(15 * MINUTE)).await;
    assert_eq!(settings(&house), before);
    assert_eq!(house.snapshot().override_notes.each.force_export, None);
    assert_eq!(house.open_records().await, []);
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_cannot_be_begun_leaves_nothing_and_is_told_in_time() {
    let house = House::new();
    house.settled().await;
    let before = settings(&house);
    for lost in 1..4 {
        let mut fates = vec![Fate::Arrives; lost];
        fates.extend([Fate::Lost; 12]);
        house.fates(&fates);
        let begun = Instant::now();
        let report = house.give("forceExport", "30").await;
        assert!(!report.outcome.is_done(), "{report}");
        assert!(begun.elapsed() <= seconds(9), "{report} after {:?}", begun.elapsed());
        house.fates(&[]);
        sleep(seconds(3 * MINUTE)).await;
        assert_eq!(settings(&house), before, "{report}");
        assert_eq!(house.open_records().await, []);
    }
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_says_what_would_be_written_and_a_reserve_of_ours_is_not_the_owners() {
    let mut house = House::new();
    house.settled().await;
    let before = settings(&house);
    house.policy = Policy { dry_run: true, ..house.policy };
    let mut house = house.restart().await;
    house.settled().await;
    let report = house.give("forceExport", "30").await;
    assert_eq!(report.outcome, Outcome::Planned);
    assert!(report.plan.iter().any(|planned| planned.register == 57), "{report:?}");
    assert_eq!(settings(&house), before);
    // A floor of the settings is written as the reserve, and is not what Eco restores after a pause.
    house.policy = Policy { dry_run: false, export_floor: Some(40), ..house.policy };
    let house = house.restart().await;
    house.settled().await;
    for (command, payload) in [("setBatteryReserve", "20"), ("setBatteryMode", "Eco (Paused)"), ("forceExport", "30")] {
        assert!(house.give(command, payload).await.outcome.is_done());
    }
    assert_eq!(house.holds(110), Some(40));
    sleep(seconds(12 * MINUTE)).await;
    assert_eq!(house.give("forceExport", "Cancel").await.outcome, Outcome::Applied);
    assert_eq!(house.holds(110), Some(100));
    assert!(house.give("setBatteryMode", "Eco").await.outcome.is_done());
    assert_eq!(house.holds(110), Some(20));
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_tells_what_the_ending_of_another_override_would_write_before() {
    let house = House::new();
    house.settled().await;
    let (was, written) = (house.all_hold(&[27, 56, 57, 59]), house.writes().len());
    assert!(house.give("forceExport", "30").await.outcome.is_done());
    let commands = [("forceCharge", "30"), ("setBatteryMode", "Timed Export")];
    for (name, payload) in commands {
        let begun = house.writes().len();
        let order = Order { dry_run: true, ..Order::new(Command::parse(name, payload).unwrap(), By::Mqtt) };
        let told = house.orders.give(order).await;
        assert_eq!((&told.outcome, house.writes().len()), (&Outcome::Planned, begun), "{told}");
        let first = told.notes.iter().any(|note| note == "forceExport runs, and is ended first");
        assert!(first, "{told:?}");
        // The order itself writes just that.
        assert!(house.give(name, payload).await.outcome.is_done());
        // A minute may have begun between the two.
        let but_times = |(register, value)| (register, if matches!(register, 94 | 95) { 0 } else { value });
        let plan: Vec<_> = told.plan.iter().map(|planned| but_times((planned.register, planned.value))).collect();
        let done: Vec<_> = house.writes()[begun..].iter().copied().map(but_times).collect();
        assert_eq!(plan, done, "{name}");
        assert!(house.give("forceCharge", "Cancel").await.outcome.is_done());
        assert!(house.give("setBatteryMode", "Eco").await.outcome.is_done());
        assert!(house.give("forceExport", "30").await.outcome.is_done());
    }
    assert!(house.give("forceExport", "Cancel").await.outcome.is_done());
    assert_eq!(house.all_hold(&[27, 56, 57, 59]), was);
    assert!(house.writes().len() > written);
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_write_without_effect_and_one_that_comes_late_leave_nothing() {
    let house = House::new();
    house.settled().await;
    let before = settings(&house);
    for faults in [Faults { write_ignored: 1.0, ..Faults::default() }, Faults { write_late: 1.0, ..Faults::default() }]
    {
        house.plant.set_faults(faults);
        let report = house.give("forceCharge", "30").await;
        house.plant.set_faults(Faults::default());
        assert_eq!(report.outcome.word(), "rejected", "{report}");
        assert_eq!(report.put_back, None, "nothing had arrived that could be put back: {report}");
        sleep(seconds(2 * MINUTE)).await;
        assert_eq!(house.open_records().await, [], "{report}");
        assert_eq!(settings(&house), before, "{report}");
    }
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_the_inverters_clock_is_past_its_slot() {
    let house = House::new();
    house.settled().await;
    let before = settings(&house);
    assert!(house.give("forceCharge", "30").await.outcome.is_done());
    sleep(seconds(2 * MINUTE)).await;
    let hour = house.holds(38).unwrap();
    assert!(house.plant.write(38, hour + 1));
    sleep(seconds(2 * MINUTE)).await;
    assert_eq!(house.open_records().await, []);
    assert_eq!(settings(&house), before);
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_somebody_sets_makes_it_neither_shorter_nor_longer() {
    for (name, by) in [("tempPauseDischarge", 3600), ("tempPauseDischarge", -300), ("forceExport", 7200)] {
        let house = House::new();
        house.settled().await;
        let before = settings(&house);
        assert!(house.give(name, "20").await.outcome.is_done());
        sleep(seconds(8 * MINUTE)).await;
        house.set_clock_by(by);
        sleep(seconds(11 * MINUTE + 30)).await;
        assert_eq!(house.open_records().await.len(), 1, "{name} by {by} s is over too early");
        sleep(seconds(MINUTE + 30)).await;
        assert_eq!(house.open_records().await, [], "{name} by {by} s");
        assert_eq!(settings(&house), before, "{name} by {by} s");
        house.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn where_no_clock_can_be_right_it_is_undone_at_once() {
    let house = House::new();
    house.settled().await;
    let before = settings(&house);
    assert!(house.give("tempPauseDischarge", "20").await.outcome.is_done());
    house.set_clock_by(-3600);
    sleep(seconds(MINUTE + 30)).await;
    assert_eq!(settings(&house), before);
    assert_eq!(house.open_records().await, []);
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_is_far_back_after_a_crash_keeps_nobody_from_undoing() {
    let house = House::new();
    house.settled().await;
    let before = settings(&house);
    assert!(house.give("forceExport", "10").await.outcome.is_done());
    house.set_clock_by(-86_400);
    let house = house.crash().await;
    sleep(seconds(5 * MINUTE)).await;
    assert_eq!(house.open_records().await.len(), 1, "the inverter's clock says that it goes on");
    sleep(seconds(8 * MINUTE)).await;
    assert_eq!(house.open_records().await, []);
    assert_eq!(settings(&house), before);
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn an_undoing_that_fails_at_a_stop_is_tried_on() {
    let house = House::new();
    house.settled().await;
    let before = settings(&house);
    assert!(house.give("tempPauseCharge", "30").await.outcome.is_done());
    house.fates(&[Fate::Lost; 4]);
    let house = house.restart().await;
    assert_eq!(settings(&house), before);
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_is_called_off_while_the_inverter_is_away_is_undone_when_it_is_back() {
    let house = House::new();
    house.settled().await;
    let before = settings(&house);
    assert!(house.give("forceExport", "600").await.outcome.is_done());
    house.wire().is_down = true;
    house.fates(&[Fate::CutBefore]);
    assert!(!house.give("setChargeRate", "1000").await.outcome.is_done());
    sleep(seconds(20)).await;
    let report = house.give("forceExport", "Cancel").await;
    assert_eq!(report.outcome.word(), "unreachable", "{report}");
    assert!(report.to_string().contains("it is called off, and undone as soon as the inverter answers"), "{report}");
    sleep(seconds(MINUTE)).await;
    assert_ne!(settings(&house), before);
    house.wire().is_down = false;
    // Also where the process that was told of it is gone by then.
    let house = house.crash().await;
    sleep(seconds(3 * MINUTE)).await;
    assert_eq!(settings(&house), before);
    assert_eq!(house.open_records().await, []);
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn the_report_tells_what_was_left_to_somebody_else_and_not_that_it_was_written() {
    let house = House::new();
    house.settled().await;
    let before = house.all_hold(&[27, 59, 110]);
    assert!(house.give("forceExport", "30").await.outcome.is_done());
    // It was looked at; the next look is a minute later.
    sleep(seconds(10)).await;
    assert!(house.plant.write(57, 2359));
    let report = house.give("forceExport", "Cancel").await;
    assert_eq!(report.outcome, Outcome::Applied, "{report}");
    assert!(report.to_string().contains("left to whoever changed it: HR 57 at 2359, HR 56 at"), "{report}");
    assert!(report.registers.iter().all(|touched| ![56, 57].contains(&touched.register)), "{report}");
    assert!(report.registers.iter().any(|touched| touched.register == 59), "{report}");
    assert_eq!(house.all_hold(&[27, 59, 110]), before);
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_began_and_what_ended_is_told_in_order_and_before_the_report() {
    let mut house = House::new();
    house.settled().await;
    for kind in OverrideKind::ALL {
        house.events();
        let began = |kind: &EventKind| matches!(kind, EventKind::OverrideStarted { .. });
        let ended = |kind: &EventKind| matches!(kind, EventKind::OverrideEnded { .. });
        assert!(house.give(kind.name(), "30").await.outcome.is_done());
        assert_eq!(house.events().iter().filter(|kind| began(kind)).count(), 1, "{}", kind.name());
        assert!(house.give(kind.name(), "Cancel").await.outcome.is_done());
        assert_eq!(house.events().iter().filter(|kind| ended(kind)).count(), 1, "{}", kind.name());
        sleep(seconds(30)).await;
        let late = house.events();
        assert!(!late.iter().any(|kind| began(kind) || ended(kind)), "{}: {late:?}", kind.name());
    }
    house.end().await;
}

#[tokio::test(start_paused = true)]
async fn too_little_time_to_write_is_no_fault_of_a_register() {
    let house = House::of(Family::ThreePhaseAc);
    house.settled().await;
    let mut short = 0;
    for fifths in 20..60 {
        let order = Order::new(Command::parse("forceCharge", "30").unwrap(), By::Mqtt);
        let report = house.orders.give_within(order, seconds(fifths) / 5).await;
        assert_ne!(report.outcome.word(), "rejected", "{report}");
        short += u32::from(report.to_string().contains("no time was left to write"));
        sleep(seconds(MINUTE)).await;
        house.give("forceCharge", "Cancel").await;
    }
    assert!(short > 0);
    house.end().await;
}
