use std::sync::Arc;
use std::time::Duration;

use futures::future::FutureExt;

use super::scripted::Scripted;
use super::{Noon, ONCE, READ};
use crate::lock::both::{Both, Without};
use crate::lock::captured_log::CapturedLog;
use crate::lock::queued::Queued;
use crate::lock::{LockError, LockManager, Owner};

type Locks = Queued<Both<Scripted, Scripted>>;

fn both(without: Without) -> (Locks, Scripted, Scripted) {
    let (first, second) = (Scripted::default(), Scripted::default());
    (Queued::before(Both::new(first.clone(), second.clone(), move || without), Arc::new(Noon)), first, second)
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_held_in_both_with_the_greater_fence_and_the_shorter_life() {
    let (locks, first, second) = both(Without::Fails);
    second.script().entered = 41;
    second.script().life = Some(Duration::from_secs(30));
    let lease = locks.acquire(READ, &Owner::new("poller"), ONCE).await.unwrap();
    assert_eq!((lease.fence(), lease.remaining()), (42, Some(Duration::from_secs(30))));
    assert!(first.script().inside && second.script().inside);
    first.script().life = Some(Duration::from_secs(3));
    assert_eq!(lease.remaining(), Some(Duration::from_secs(3)));
    lease.confirm().await.unwrap();
    lease.release().await.unwrap();
    assert!(!first.script().inside && !second.script().inside);
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_lost_when_either_is() {
    for loses_first in [true, false] {
        let (locks, first, second) = both(Without::Fails);
        let lease = locks.acquire(READ, &Owner::new("poller"), ONCE).await.unwrap();
        assert!(lease.lost().now_or_never().is_none());
        if loses_first { first } else { second }.script().lost.cancel();
        tokio::time::timeout(Duration::from_secs(1), lease.lost()).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn the_second_is_left_before_the_first() {
    let (locks, first, second) = both(Without::Fails);
    let lease = locks.acquire(READ, &Owner::new("poller"), ONCE).await.unwrap();
    second.script().leave_takes = Duration::from_secs(1);
    drop(lease);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(first.script().inside && second.script().inside);
    tokio::time::sleep(Duration::from_millis(501)).await;
    assert!(!first.script().inside && !second.script().inside);
}

#[tokio::test(start_paused = true)]
async fn where_the_second_is_busy_or_fails_the_first_is_left_again() {
    let (locks, first, second) = both(Without::Fails);
    second.script().is_busy = true;
    let outcome = locks.acquire(READ, &Owner::new("poller"), ONCE).await;
    assert!(matches!(outcome, Err(LockError::Timeout { .. })), "{outcome:?}");
    second.script().fails = true;
    let outcome = locks.acquire(READ, &Owner::new("poller"), None).await;
    assert!(matches!(outcome, Err(LockError::Backend { .. })), "{outcome:?}");
    assert!(!first.script().inside && !second.script().inside);
    assert_eq!((first.script().entered, second.script().entered), (2, 0));
    // One who gives up while the second is waited for leaves nothing behind.
    *second.script() = super::scripted::Script { enter_takes: Duration::from_secs(60), ..Default::default() };
    let outcome = locks.acquire(READ, &Owner::new("poller"), Some(Duration::from_secs(5))).await;
    assert!(matches!(outcome, Err(LockError::Timeout { .. })), "{outcome:?}");
    assert!(!first.script().inside);
}

#[tokio::test(start_paused = true)]
async fn where_the_second_cannot_be_asked_the_first_may_do_and_that_is_said_once() {
    let (locks, first, second) = both(Without::EntersAlone);
    second.script().fails = true;
    let log = CapturedLog::begin();
    for _ in 0..3 {
        let lease = locks.acquire(READ, &Owner::new("poller"), None).await.unwrap();
        assert!(first.script().inside && lease.confirm().await.is_ok());
        lease.release().await.unwrap();
    }
    second.script().fails = false;
    drop(locks.acquire(READ, &Owner::new("poller"), None).await.unwrap());
    assert_eq!(second.script().entered, 1);
    let said: Vec<String> = log.take().into_iter().filter(|line| !line.starts_with("DEBUG")).collect();
    assert_eq!(
        said,
        [
            "WARN lock backend failed for inverter_read:SA2114G047: on purpose; until it can be asked again, locks reach this machine only",
            "INFO locks reach other machines again",
        ]
    );
    second.script().fails = true;
    let holder = locks.holder(READ).await;
    assert!(matches!(holder, Err(LockError::Backend { .. })), "{holder:?}");
}

/// The files of a machine may be ahead of Redis, and Redis of the files.
#[tokio::test(start_paused = true)]
async fn fences_grow_whichever_of_both_is_ahead_and_whether_or_not_both_are_there() {
    let (locks, first, second) = both(Without::EntersAlone);
    let mut last = 0;
    for round in 0..40 {
        first.script().entered += [0, 1_000, 0, 0][round % 4];
        second.script().entered += [0, 0, 3_000, 0][round % 4];
        second.script().fails = round % 3 == 0;
        let lease = locks.acquire(READ, &Owner::new("poller"), None).await.unwrap();
        assert!(lease.fence() > last, "round {round}");
        last = lease.fence();
        if round % 3 != 0 {
            // Other machines, which see only the second, go on above it too.
            assert_eq!(second.script().fence, last);
        }
        lease.release().await.unwrap();
    }
}

/// A replica that may only be read, a disk that is full.
#[tokio::test(start_paused = true)]
async fn one_who_is_alone_goes_on_where_the_second_answers_and_lets_nobody_in() {
    let (locks, first, second) = both(Without::EntersAlone);
    second.script().refuses = true;
    let lease = locks.acquire(READ, &Owner::new("poller"), None).await.unwrap();
    assert!(tokio::time::timeout(Duration::from_secs(60), lease.lost()).await.is_err(), "lost");
    assert!(first.script().inside && !second.script().inside);
}

#[tokio::test(start_paused = true)]
async fn one_who_is_alone_keeps_its_lease_when_the_second_goes_and_when_it_is_back() {
    let (locks, first, second) = both(Without::EntersAlone);
    second.script().life = Some(Duration::from_secs(30));
    let lease = locks.acquire(READ, &Owner::new("poller"), ONCE).await.unwrap();
    let fence = lease.fence();
    for _ in 0..3 {
        second.script().fails = true;
        second.script().lost.cancel();
        assert!(tokio::time::timeout(Duration::from_secs(60), lease.lost()).await.is_err(), "lost when it went");
        assert!(first.script().inside && !second.script().inside && lease.remaining().is_none());
        second.script().fails = false;
        assert!(tokio::time::timeout(Duration::from_secs(2), lease.lost()).await.is_err(), "lost when it was back");
        assert!(second.script().inside && second.script().fence > fence);
        assert_eq!((lease.remaining(), lease.fence()), (Some(Duration::from_secs(30)), fence));
    }
    lease.release().await.unwrap();
    assert!(!first.script().inside && !second.script().inside);
    // Nothing is entered for one who has gone.
    second.script().fails = true;
    let lease = locks.acquire(READ, &Owner::new("poller"), None).await.unwrap();
    drop(lease);
    second.script().fails = false;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(!first.script().inside && !second.script().inside);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_kept_alone_is_lost_when_another_has_it() {
    let (locks, _first, second) = both(Without::EntersAlone);
    let lease = locks.acquire(READ, &Owner::new("poller"), ONCE).await.unwrap();
    second.script().refuses = true;
    second.script().lost.cancel();
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(!lease.is_lost());
    second.script().refuses = false;
    second.script().is_busy = true;
    second.script().holder = Some("another".to_owned());
    tokio::time::timeout(Duration::from_secs(2), lease.lost()).await.unwrap();
    // And at once where it can be asked: another may have been there.
    second.script().is_busy = false;
    drop(lease);
    let lease = locks.acquire(READ, &Owner::new("poller"), None).await.unwrap();
    second.script().lost.cancel();
    tokio::time::timeout(Duration::from_secs(1), lease.lost()).await.unwrap();
}

/// The file's holder may be one who stands by for what the second has.
#[tokio::test(start_paused = true)]
async fn who_waits_for_the_second_is_not_named_as_the_holder() {
    let (locks, first, second) = both(Without::Fails);
    first.script().holder = Some("ourselves".to_owned());
    second.script().fails = true;
    let holder = locks.holder(READ).await;
    assert!(matches!(holder, Err(LockError::Backend { .. })), "{holder:?}");
}
