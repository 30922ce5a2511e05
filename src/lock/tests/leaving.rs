use std::time::Duration;

use futures::future::FutureExt;
use tokio::time::timeout;

use super::{Harness, READ, comes_free, is_free, sleep_steps, take};
use crate::lock::{LockManager, Owner};

pub(super) async fn a_panic_releases<H: Harness>(h: H) {
    let locks = h.locks();
    let task = tokio::spawn({
        let locks = locks.clone();
        async move {
            let _lease = take(&locks, READ).await;
            panic!("on purpose");
        }
    });
    assert!(task.await.unwrap_err().is_panic());
    assert!(comes_free::<H>(&locks, READ).await);
}

pub(super) async fn a_cancelled_task_releases<H: Harness>(h: H) {
    let locks = h.locks();
    let task = tokio::spawn({
        let locks = locks.clone();
        async move {
            let _lease = take(&locks, READ).await;
            std::future::pending::<()>().await;
        }
    });
    sleep_steps::<H>(1).await;
    assert!(!is_free(&locks, READ).await);
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert!(comes_free::<H>(&locks, READ).await);
}

pub(super) async fn a_lease_that_outlives_the_runtime_releases<H: Harness>(h: H) {
    let locks = h.locks();
    let lease = take(&locks, READ).await;
    let outside = std::thread::spawn(move || {
        assert!(tokio::runtime::Handle::try_current().is_err());
        drop(lease);
    });
    outside.join().unwrap();
    assert!(comes_free::<H>(&locks, READ).await);
}

pub(super) async fn a_waiter_that_leaves_is_passed_over<H: Harness>(h: H) {
    let locks = h.locks();
    let lease = take(&locks, READ).await;
    let (first, second) = (Owner::new("first"), Owner::new("second"));
    let mut leaves = locks.acquire(READ, &first, None);
    let mut stays = locks.acquire(READ, &second, None);
    assert!((&mut leaves).now_or_never().is_none() && (&mut stays).now_or_never().is_none());
    drop(leaves);
    drop(lease);
    assert!(timeout(Duration::from_secs(10), stays).await.unwrap().is_ok());
}

pub(super) async fn a_waiter_that_leaves_with_the_lock_in_its_hands_loses_no_wakeup<H: Harness>(h: H) {
    let locks = h.locks();
    let lease = take(&locks, READ).await;
    let (first, second) = (Owner::new("first"), Owner::new("second"));
    let mut leaves = locks.acquire(READ, &first, None);
    let mut stays = locks.acquire(READ, &second, None);
    assert!((&mut leaves).now_or_never().is_none() && (&mut stays).now_or_never().is_none());
    lease.release().await.unwrap();
    assert_eq!(locks.holder(READ).await.unwrap().unwrap().owner, "first");
    drop(leaves);
    let lease = timeout(Duration::from_secs(10), stays).await.unwrap().unwrap();
    lease.release().await.unwrap();
    assert!(is_free(&locks, READ).await);
}

pub(super) async fn a_holder_outlives_several_lives<H: Harness>(h: H) {
    let locks = h.locks();
    let lease = take(&locks, READ).await;
    tokio::time::sleep(H::LIFE.unwrap_or(H::STEP) * 3).await;
    assert!(!lease.is_lost() && lease.lost().now_or_never().is_none());
    assert_ne!(lease.remaining(), Some(Duration::ZERO));
    assert!(!is_free(&locks, READ).await);
    assert_eq!(lease.release().await, Ok(()));
    assert!(is_free(&locks, READ).await);
}

pub(super) async fn a_held_lease_is_confirmed<H: Harness>(h: H) {
    let locks = h.locks();
    let lease = take(&locks, READ).await;
    assert_eq!(lease.confirm().await, Ok(()));
    lease.release().await.unwrap();
}
