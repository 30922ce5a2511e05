use std::time::Duration;

use futures::future::FutureExt;
use tokio::time::{sleep, timeout};

use super::{ONCE, READ, is_free, locks, take};
use crate::lock::{LockManager, Owner};

#[tokio::test(start_paused = true)]
async fn an_error_releases() {
    let locks = locks();
    let outcome: Result<(), std::num::ParseIntError> = async {
        let _lease = take(&locks, READ).await;
        "no number".parse::<u16>()?;
        Ok(())
    }
    .await;
    assert!(outcome.is_err());
    assert!(is_free(&locks, READ).await);
}

#[tokio::test(start_paused = true)]
async fn a_panic_releases() {
    let locks = locks();
    let task = tokio::spawn({
        let locks = locks.clone();
        async move {
            let _lease = take(&locks, READ).await;
            panic!("on purpose");
        }
    });
    assert!(task.await.unwrap_err().is_panic());
    assert!(is_free(&locks, READ).await);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_task_releases() {
    let locks = locks();
    let task = tokio::spawn({
        let locks = locks.clone();
        async move {
            let _lease = take(&locks, READ).await;
            std::future::pending::<()>().await;
        }
    });
    sleep(Duration::from_secs(1)).await;
    assert!(!is_free(&locks, READ).await);
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert!(is_free(&locks, READ).await);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_leaves_is_passed_over() {
    let locks = locks();
    let lease = take(&locks, READ).await;
    let (first, second) = (Owner::new("first"), Owner::new("second"));
    let mut leaves = locks.acquire(READ, &first, None);
    let mut stays = locks.acquire(READ, &second, None);
    assert!((&mut leaves).now_or_never().is_none() && (&mut stays).now_or_never().is_none());
    drop(leaves);
    drop(lease);
    assert!(timeout(Duration::from_secs(1), stays).await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_leaves_with_the_lock_in_its_hands_loses_no_wakeup() {
    let locks = locks();
    let lease = take(&locks, READ).await;
    let (first, second) = (Owner::new("first"), Owner::new("second"));
    let mut leaves = locks.acquire(READ, &first, None);
    let mut stays = locks.acquire(READ, &second, None);
    assert!((&mut leaves).now_or_never().is_none() && (&mut stays).now_or_never().is_none());
    drop(lease);
    assert_eq!(locks.holder(READ).await.unwrap().unwrap().owner, "first");
    drop(leaves);
    assert!(timeout(Duration::from_secs(1), stays).await.unwrap().is_ok());
    assert!(is_free(&locks, READ).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn waiters_that_come_and_go_leave_nothing_behind() {
    let locks = locks();
    let tasks: Vec<_> = (0..16)
        .map(|seed| {
            let locks = locks.clone();
            tokio::spawn(async move {
                let mut rng = fastrand::Rng::with_seed(seed);
                let mut entered = 0;
                for _ in 0..300 {
                    let owner = Owner::new("guest");
                    let patience = Duration::from_micros(rng.u64(0..400));
                    if let Ok(Ok(_lease)) = timeout(patience, locks.acquire(READ, &owner, None)).await {
                        entered += 1;
                        tokio::task::yield_now().await;
                    }
                }
                entered
            })
        })
        .collect();
    let mut entered = 0;
    for task in tasks {
        entered += task.await.unwrap();
    }
    assert!(entered > 0);
    assert!(is_free(&locks, READ).await);
    assert_eq!(format!("{locks:?}"), "LocalLockManager { held: 0, waiting: 0, .. }");
    assert!(locks.acquire(READ, &Owner::new("last"), ONCE).await.is_ok());
}
