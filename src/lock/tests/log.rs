use std::time::Duration;

use tokio::time::sleep;

use super::{READ, locks, secs, take};
use crate::lock::captured_log::CapturedLog;
use crate::lock::{LockManager, Owner};

#[tokio::test(start_paused = true)]
async fn acquiring_and_releasing_is_said_with_its_times() {
    let log = CapturedLog::begin();
    let locks = locks();
    let lease = take(&locks, READ).await;
    let owner = Owner::new("waiter");
    let (waiter, ()) = tokio::join!(locks.acquire(READ, &owner, secs(30)), async {
        sleep(Duration::from_millis(2_345)).await;
        drop(lease);
    });
    let again = locks.acquire(READ, &owner, secs(30)).await;
    sleep(Duration::from_secs(1)).await;
    drop((waiter, again));
    assert_eq!(
        log.take(),
        [
            "DEBUG Lock acquired for resource: inverter_read:SA2114G047 (waited 0.000s)",
            "DEBUG Lock released for resource: inverter_read:SA2114G047 (after 2.3s)",
            "DEBUG Lock acquired for resource: inverter_read:SA2114G047 (waited 2.345s)",
            "DEBUG Lock released for resource: inverter_read:SA2114G047 (after 1.0s)",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_timeout_is_said_as_an_error() {
    let locks = locks();
    let _lease = take(&locks, READ).await;
    let log = CapturedLog::begin();
    assert!(locks.acquire(READ, &Owner::new("waiter"), secs(30)).await.is_err());
    assert_eq!(log.take(), ["ERROR Timeout acquiring lock for resource: inverter_read:SA2114G047 (waited 30.0s)"]);
}
