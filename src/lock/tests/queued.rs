//! The queue of one process before a backend that takes its time.

use std::sync::Arc;
use std::time::Duration;

use futures::future::FutureExt;
use tokio::time::{Instant, sleep, timeout};

use super::scripted::Scripted;
use super::{Noon, ONCE, READ};
use crate::lock::queued::Queued;
use crate::lock::{LockError, LockManager, Owner};

const SECOND: Duration = Duration::from_secs(1);

#[expect(clippy::unnecessary_wraps, reason = "it is a timeout")]
fn secs(count: u32) -> Option<Duration> {
    Some(SECOND * count)
}

fn before(backend: &Scripted) -> Queued<Scripted> {
    Queued::before(backend.clone(), Arc::new(Noon))
}

#[tokio::test(start_paused = true)]
async fn tasks_of_one_owner_enter_the_backend_once() {
    let backend = Scripted::default();
    backend.script().enter_takes = SECOND / 2;
    let (locks, owner) = (before(&backend), Owner::new("pair"));
    let started = Instant::now();
    let (one, two, three) = tokio::join!(
        locks.acquire(READ, &owner, secs(30)),
        locks.acquire(READ, &owner, None),
        locks.acquire(READ, &owner, ONCE)
    );
    assert_eq!((started.elapsed(), backend.script().asked), (SECOND / 2, 1));
    drop((one.unwrap(), two.unwrap()));
    assert!(backend.script().inside, "one is left");
    drop(three.unwrap());
    assert!(!backend.script().inside);
}

#[tokio::test(start_paused = true)]
async fn a_task_enters_when_another_of_its_owner_gave_up_on_the_way() {
    let backend = Scripted::default();
    backend.script().enter_takes = SECOND * 3;
    let (locks, owner) = (before(&backend), Owner::new("pair"));
    let started = Instant::now();
    let (one, two) = tokio::join!(locks.acquire(READ, &owner, secs(2)), locks.acquire(READ, &owner, secs(10)));
    assert!(matches!(one, Err(LockError::Timeout { .. })));
    assert_eq!((two.unwrap().fence(), started.elapsed()), (1, SECOND * 5));
}

#[tokio::test(start_paused = true)]
async fn the_backend_is_left_before_the_next_is_let_in() {
    let backend = Scripted::default();
    backend.script().leave_takes = SECOND;
    let locks = before(&backend);
    let (one, two) = (Owner::new("one"), Owner::new("two"));
    let started = Instant::now();
    for round in 0..10 {
        let lease = locks.acquire(READ, &one, ONCE).await.unwrap();
        let next = locks.acquire(READ, &two, None);
        // The backend asserts that nobody enters twice.
        let (next, ()) =
            tokio::join!(next, async { if round % 2 == 0 { drop(lease) } else { lease.release().await.unwrap() } });
        next.unwrap().release().await.unwrap();
    }
    assert_eq!(started.elapsed(), SECOND * 20);
}

#[tokio::test(start_paused = true)]
async fn one_who_tries_once_waits_for_what_is_being_left_already() {
    let backend = Scripted::default();
    backend.script().leave_takes = SECOND / 4;
    let locks = before(&backend);
    let owner = Owner::new("poller");
    for _ in 0..3 {
        drop(locks.acquire(READ, &owner, ONCE).await.unwrap());
    }
    backend.script().leave_takes = SECOND * 5;
    drop(locks.acquire(READ, &owner, ONCE).await.unwrap());
    let started = Instant::now();
    assert!(locks.acquire(READ, &owner, ONCE).await.is_err());
    assert_eq!(started.elapsed(), SECOND, "but no longer than a moment");
}

#[tokio::test(start_paused = true)]
async fn the_head_of_the_queue_has_what_is_left_of_its_deadline() {
    let backend = Scripted::default();
    let (locks, waiter, last) = (before(&backend), Owner::new("waiter"), Owner::new("last"));
    let lease = locks.acquire(READ, &Owner::new("holder"), ONCE).await.unwrap();
    backend.script().enter_takes = SECOND * 4;
    let started = Instant::now();
    let (head, next, ()) =
        tokio::join!(locks.acquire(READ, &waiter, secs(5)), locks.acquire(READ, &last, secs(30)), async {
            sleep(SECOND * 2).await;
            drop(lease);
        });
    assert_eq!(head.unwrap_err(), LockError::Timeout { resource: READ.to_owned(), waited: SECOND * 5 });
    assert_eq!((next.unwrap().fence(), started.elapsed()), (2, SECOND * 9), "2 + 3 in vain + 4");
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_its_callers_and_the_next_may_try() {
    let backend = Scripted::default();
    backend.script().enter_takes = SECOND;
    backend.script().fails = true;
    let locks = before(&backend);
    let (one, two) = (Owner::new("one"), Owner::new("two"));
    let (first, second, ()) = tokio::join!(locks.acquire(READ, &one, None), locks.acquire(READ, &two, None), async {
        sleep(SECOND * 3 / 2).await;
        backend.script().fails = false;
    });
    assert!(matches!(first, Err(LockError::Backend { .. })), "{first:?}");
    assert!(second.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_cannot_be_asked_does_not_mean_that_it_is_free() {
    let backend = Scripted::default();
    let locks = before(&backend);
    backend.script().fails = true;
    assert!(matches!(locks.is_locked(READ).await, Err(LockError::Backend { .. })));
    assert!(matches!(locks.holder(READ).await, Err(LockError::Backend { .. })));
    assert!(matches!(locks.ttl(READ).await, Err(LockError::Backend { .. })));
    backend.script().fails = false;
    backend.script().life = secs(30);
    let lease = locks.acquire(READ, &Owner::new("poller"), ONCE).await.unwrap();
    backend.script().fails = true;
    assert_eq!(locks.is_locked(READ).await, Ok(true), "what this process holds is known without asking");
    assert_eq!(locks.ttl(READ).await, Ok(secs(30)));
    assert!(matches!(lease.confirm().await, Err(LockError::Backend { .. })));
    assert!(matches!(lease.release().await, Err(LockError::Backend { .. })));
    backend.script().fails = false;
    assert_eq!(locks.is_locked(READ).await, Ok(false));
}

#[tokio::test(start_paused = true)]
async fn what_the_backend_loses_is_lost_and_its_owner_enters_anew_when_it_let_go() {
    let backend = Scripted::default();
    let (locks, owner) = (before(&backend), Owner::new("poller"));
    let (lease, second) =
        (locks.acquire(READ, &owner, ONCE).await.unwrap(), locks.acquire(READ, &owner, ONCE).await.unwrap());
    backend.script().lost.cancel();
    lease.lost().await;
    assert_eq!((second.is_lost(), second.remaining()), (true, Some(Duration::ZERO)));
    assert_eq!(second.confirm().await, Err(LockError::Lost { resource: READ.to_owned() }));
    assert!(locks.acquire(READ, &owner, ONCE).await.is_err());
    assert_eq!(locks.is_locked(READ).await, Ok(true), "it has not let go");
    drop(lease);
    let again = locks.acquire(READ, &owner, secs(30));
    let (again, ()) = tokio::join!(again, async {
        sleep(SECOND).await;
        drop(second);
    });
    let again = again.unwrap();
    assert_eq!((again.fence(), again.is_lost()), (2, false));
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_does_not_let_go_is_not_waited_for_without_end() {
    let backend = Scripted::default();
    backend.script().leave_takes = SECOND * 1000;
    let locks = before(&backend);
    let owner = Owner::new("poller");
    let lease = locks.acquire(READ, &owner, ONCE).await.unwrap();
    assert!(matches!(lease.release().await, Err(LockError::Backend { .. })));
    let started = Instant::now();
    drop(locks.acquire(READ, &owner, ONCE).await.unwrap());
    assert!(locks.acquire(READ, &owner, secs(30)).await.is_ok());
    assert_eq!(started.elapsed(), SECOND * 10);
}

#[tokio::test(start_paused = true)]
async fn a_release_that_is_cancelled_is_carried_through() {
    let backend = Scripted::default();
    backend.script().leave_takes = SECOND;
    let (locks, owner) = (before(&backend), Owner::new("poller"));
    let lease = locks.acquire(READ, &owner, ONCE).await.unwrap();
    assert!(timeout(SECOND / 4, lease.release()).await.is_err());
    assert!(backend.script().inside);
    assert!(locks.acquire(READ, &owner, secs(30)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn without_a_runtime_a_drop_lets_go_too() {
    let backend = Scripted::default();
    backend.script().leave_takes = SECOND;
    let (locks, owner) = (before(&backend), Owner::new("poller"));
    for releases in [false, true] {
        let lease = locks.acquire(READ, &owner, ONCE).await.unwrap();
        let outside = std::thread::spawn(move || {
            if releases {
                assert_eq!(lease.release().now_or_never(), Some(Ok(())));
            } else {
                drop(lease);
            }
        });
        outside.join().unwrap();
        assert!(!backend.script().inside);
    }
    assert!(format!("{locks:?}").starts_with("Queued { held: 0, waiting: 0,"));
}

#[tokio::test(start_paused = true)]
async fn a_busy_backend_is_a_timeout() {
    let backend = Scripted::default();
    backend.script().is_busy = true;
    let locks = before(&backend);
    let outcome = locks.acquire(READ, &Owner::new("poller"), ONCE).await;
    assert_eq!(outcome.unwrap_err(), LockError::Timeout { resource: READ.to_owned(), waited: Duration::ZERO });
}
