use std::time::Duration;

use super::{Harness, READ, sleep_steps, steps, take};
use crate::lock::captured_log::CapturedLog;
use crate::lock::{LockManager, Owner};

/// What was said of resources; a backend may say more of itself.
fn said(log: &CapturedLog) -> Vec<String> {
    log.take().into_iter().filter(|line| line.contains("for resource: ")).collect()
}

/// Whether a line is this text around a time of so many steps.
#[track_caller]
fn assert_said<H: Harness>(line: &str, text: &str, count: u32) {
    let (before, after) = text.split_once("{}").unwrap();
    let time = line.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    let time = time.unwrap_or_else(|| panic!("{line}, not {text}"));
    let (took, expected) = (Duration::from_secs_f64(time.parse().unwrap()), H::STEP * count);
    // Times are rounded to a tenth of a second.
    let rounded = Duration::from_millis(51);
    assert!(took + rounded >= expected && took <= expected + H::SLACK + rounded, "{line}, not {expected:?}");
}

pub(super) async fn acquiring_and_releasing_is_said_with_its_times<H: Harness>(h: H) {
    let log = CapturedLog::begin();
    let locks = h.locks();
    let lease = take(&locks, READ).await;
    let owner = Owner::new("waiter");
    let (waiter, ()) = tokio::join!(locks.acquire(READ, &owner, steps::<H>(30)), async {
        sleep_steps::<H>(5).await;
        drop(lease);
    });
    sleep_steps::<H>(3).await;
    waiter.unwrap().release().await.unwrap();
    let said = said(&log);
    assert_eq!(said.len(), 4, "{said:#?}");
    let acquired = "DEBUG Lock acquired for resource: inverter_read:SA2114G047 (waited {}s)";
    let released = "DEBUG Lock released for resource: inverter_read:SA2114G047 (after {}s)";
    assert_said::<H>(&said[0], acquired, 0);
    let (_, decimals) = said[0].rsplit_once('.').unwrap();
    assert_eq!(decimals.len(), "000s)".len(), "{}", said[0]);
    assert_said::<H>(&said[1], released, 5);
    assert_said::<H>(&said[2], acquired, 5);
    assert_said::<H>(&said[3], released, 3);
}

pub(super) async fn a_timeout_is_said_as_an_error<H: Harness>(h: H) {
    let locks = h.locks();
    let lease = take(&locks, READ).await;
    let log = CapturedLog::begin();
    assert!(locks.acquire(READ, &Owner::new("waiter"), steps::<H>(5)).await.is_err());
    let said = said(&log);
    assert_eq!(said.len(), 1, "{said:#?}");
    assert_said::<H>(&said[0], "ERROR Timeout acquiring lock for resource: inverter_read:SA2114G047 (waited {}s)", 5);
    drop(lease);
}

pub(super) async fn leases_of_one_hold_are_said_once<H: Harness>(h: H) {
    let log = CapturedLog::begin();
    let locks = h.locks();
    let owner = Owner::new("poller");
    let first = locks.acquire(READ, &owner, None).await.unwrap();
    let second = locks.acquire(READ, &owner, None).await.unwrap();
    first.release().await.unwrap();
    assert_eq!(said(&log).len(), 1);
    second.release().await.unwrap();
    assert_eq!(said(&log).len(), 1);
}
