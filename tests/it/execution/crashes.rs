//! A process that dies between two registers leaves nothing half.

use givtcp::control::Policy;
use tokio::time::{sleep, timeout};

use super::bench::{Fate, House, seconds};

/// Commands of several registers, and the registers that they may write.
const COMMANDS: [(&str, &str, &[u16]); 4] = [
    ("setChargeSlot1", r#"{"start": "01:15", "finish": "04:45", "chargeToPercent": 77}"#, &[20, 94, 95, 96, 116]),
    ("setChargeTarget", r#"{"chargeToPercent": 64}"#, &[20, 116]),
    ("setBatteryMode", "Timed Export", &[27, 59, 110]),
    ("setDischargeSlot2", r#"{"start": "17:15", "finish": "19:45"}"#, &[44, 45, 59]),
];

/// Kills the process at the write with this number; what the registers held before and hold after the restart, and
/// whether it was killed at all.
async fn killed(
    command: (&str, &str, &[u16]),
    at: usize,
    last: Fate,
    then: Option<Policy>,
) -> (Vec<u16>, Vec<u16>, bool) {
    let (name, payload, registers) = command;
    let mut house = House::new();
    house.settled().await;
    let before = house.all_hold(registers);
    let mut fates = vec![Fate::Arrives; at];
    fates.push(last);
    house.fates(&fates);
    let mut gone = house.dongle.gone.subscribe();
    let giving = house.begin(name, payload);
    let is_killed = timeout(seconds(9), gone.wait_for(|gone| *gone)).await.is_ok();
    giving.abort();
    if let Some(policy) = then {
        house.policy = policy;
    }
    let house = house.crash().await;
    sleep(seconds(60)).await;
    let after = house.all_hold(registers);
    assert_eq!(house.open_records().await, [], "{name} at {at}");
    house.end().await;
    (before, after, is_killed)
}

#[tokio::test(start_paused = true)]
async fn a_crash_before_or_after_any_register_is_completed_or_rolled_back() {
    let mut kills = 0;
    for command in COMMANDS {
        let (before, whole, is_killed) = killed(command, 99, Fate::Last, None).await;
        assert!(!is_killed && before != whole, "{command:?}");
        for last in [Fate::Last, Fate::LastAfter] {
            for at in 0.. {
                let (before, after, is_killed) = killed(command, at, last, None).await;
                if !is_killed {
                    break;
                }
                kills += 1;
                assert!(after == before || after == whole, "{command:?} {last:?} at {at}: {before:?} to {after:?}");
            }
        }
    }
    assert!(kills >= 16, "{kills}");
}

#[tokio::test(start_paused = true)]
async fn neither_a_switch_nor_a_budget_stops_what_must_be_put_back() {
    for then in [Policy { enabled: false, ..Policy::default() }, Policy { daily_writes: 1, ..Policy::default() }] {
        let (before, after, is_killed) = killed(COMMANDS[0], 1, Fate::LastAfter, Some(then)).await;
        assert!(is_killed);
        assert_eq!(after, before);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_comes_between_two_registers_and_the_rest_is_settled_after_the_start() {
    let house = House::new();
    house.settled().await;
    let (name, payload, registers) = COMMANDS[0];
    let before = house.all_hold(registers);
    let giving = house.begin(name, payload);
    while house.writes().is_empty() {
        sleep(seconds(1) / 100).await;
    }
    let house = house.restart().await;
    let report = giving.await.unwrap();
    assert_eq!(report.outcome.word(), "unreachable", "{report}");
    sleep(seconds(60)).await;
    assert_eq!(house.all_hold(registers), before);
    assert_eq!(house.open_records().await, []);
    house.end().await;
}
