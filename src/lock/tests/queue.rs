use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::FutureExt;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::{ONCE, READ, WRITE, is_free, locks, secs, take};
use crate::lock::{LockError, LockManager, Owner};

#[tokio::test(start_paused = true)]
async fn waiters_are_served_in_order() {
    let locks = locks();
    let lease = take(&locks, READ).await;
    let (served, mut order) = mpsc::unbounded_channel();
    for number in 0..20 {
        let (locks, served) = (locks.clone(), served.clone());
        tokio::spawn(async move {
            let _lease = locks.acquire(READ, &Owner::new("waiter"), None).await.unwrap();
            sleep(Duration::from_millis(10)).await;
            served.send(number).unwrap();
        });
        tokio::task::yield_now().await;
    }
    drop((lease, served));
    let mut numbers = Vec::new();
    while let Some(number) = order.recv().await {
        numbers.push(number);
    }
    assert_eq!(numbers, (0..20).collect::<Vec<_>>());
    assert!(is_free(&locks, READ).await);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_is_woken_by_the_release_itself() {
    let locks = locks();
    let lease = take(&locks, READ).await;
    let started = Instant::now();
    tokio::spawn(async move {
        sleep(Duration::from_millis(12_345)).await;
        drop(lease);
    });
    let _lease = locks.acquire(READ, &Owner::new("waiter"), None).await.unwrap();
    assert_eq!(started.elapsed(), Duration::from_millis(12_345));
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_at_its_deadline() {
    let locks = locks();
    let lease = take(&locks, READ).await;
    let started = Instant::now();
    let error = locks.acquire(READ, &Owner::new("waiter"), secs(30)).await.unwrap_err();
    assert_eq!(started.elapsed(), Duration::from_secs(30));
    assert_eq!(error, LockError::Timeout { resource: READ.to_owned(), waited: Duration::from_secs(30) });
    assert_eq!(error.to_string(), "could not acquire lock for inverter_read:SA2114G047 within 30s");
    assert_eq!(format!("{locks:?}"), "LocalLockManager { held: 1, waiting: 0, .. }");
    drop(lease);
    assert!(is_free(&locks, READ).await, "who gave up is not handed the lock");
}

#[tokio::test(start_paused = true)]
async fn a_zero_timeout_tries_once() {
    let locks = locks();
    let started = Instant::now();
    let lease = take(&locks, READ).await;
    let outcome = locks.acquire(READ, &Owner::new("other"), ONCE).now_or_never();
    assert!(outcome.is_some_and(|outcome| outcome.is_err()));
    drop(lease);
    drop(take(&locks, READ).await);
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn nobody_overtakes_those_who_wait() {
    let locks = locks();
    let lease = take(&locks, READ).await;
    let waiter = tokio::spawn({
        let locks = locks.clone();
        async move { locks.acquire(READ, &Owner::new("waiter"), secs(30)).await }
    });
    tokio::task::yield_now().await;
    drop(lease);
    assert!(locks.acquire(READ, &Owner::new("late"), ONCE).await.is_err());
    assert!(waiter.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn waiters_of_one_owner_enter_together() {
    let locks = locks();
    let (lease, owner) = (take(&locks, READ).await, Owner::new("pair"));
    let other = Owner::new("other");
    let started = Instant::now();
    let hold = async |owner: &Owner, time| {
        let _lease = locks.acquire(READ, owner, secs(30)).await.unwrap();
        sleep(Duration::from_secs(time)).await;
        started.elapsed().as_secs()
    };
    let (first, between, second, ()) =
        tokio::join!(hold(&owner, 1), hold(&other, 1), hold(&owner, 3), async { drop(lease) });
    assert_eq!((first, between, second), (1, 4, 3));
    assert!(is_free(&locks, READ).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_increment_is_lost_among_32_tasks() {
    let (locks, counter) = (locks(), Arc::new(AtomicU64::new(0)));
    let tasks: Vec<_> = (0..32)
        .map(|_| {
            let (locks, counter) = (locks.clone(), counter.clone());
            tokio::spawn(async move {
                let owner = Owner::new("counter");
                for _ in 0..1_000 {
                    let lease = locks.acquire(READ, &owner, None).await.unwrap();
                    let value = counter.load(Ordering::Relaxed);
                    tokio::task::yield_now().await;
                    counter.store(value + 1, Ordering::Relaxed);
                    drop(lease);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(counter.load(Ordering::Relaxed), 32_000);
    assert!(is_free(&locks, READ).await);
}

#[tokio::test(start_paused = true)]
async fn users_of_two_resources_in_opposite_order_end_by_timeout() {
    let locks = locks();
    let user = async |first: &str, second: &str, patience| {
        let owner = Owner::new("user");
        let _first = locks.acquire(first, &owner, ONCE).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        locks.acquire(second, &owner, secs(patience)).await.map(drop)
    };
    let started = Instant::now();
    let (one, other) = tokio::join!(user(READ, WRITE, 5), user(WRITE, READ, 10));
    assert!(matches!(one, Err(LockError::Timeout { .. })), "{one:?}");
    assert_eq!(other, Ok(()), "as soon as the first has given up");
    assert_eq!(started.elapsed(), Duration::from_secs(6));
    assert!(is_free(&locks, READ).await && is_free(&locks, WRITE).await);
}

#[tokio::test]
async fn a_zero_timeout_does_not_wait_for_the_timer_either() {
    let locks = locks();
    let _lease = take(&locks, READ).await;
    for _ in 0..100 {
        let outcome = locks.acquire(READ, &Owner::new("other"), ONCE).now_or_never();
        assert!(outcome.is_some_and(|outcome| outcome.is_err()));
    }
}
