use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::{Harness, ONCE, READ, WRITE, assert_took, comes_free, is_free, sleep_steps, steps, take};
use crate::lock::{LockError, LockManager, Owner};

pub(super) async fn waiters_are_served_in_order<H: Harness>(h: H) {
    let locks = h.locks();
    let lease = take(&locks, READ).await;
    let (served, mut order) = mpsc::unbounded_channel();
    for number in 0..20 {
        let (locks, served) = (locks.clone(), served.clone());
        tokio::spawn(async move {
            let _lease = locks.acquire(READ, &Owner::new("waiter"), None).await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
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
    assert!(comes_free::<H>(&locks, READ).await);
}

pub(super) async fn a_waiter_is_woken_by_the_release_itself<H: Harness>(h: H) {
    let locks = h.locks();
    let lease = take(&locks, READ).await;
    let started = Instant::now();
    tokio::spawn(async move {
        sleep_steps::<H>(3).await;
        drop(lease);
    });
    let _lease = locks.acquire(READ, &Owner::new("waiter"), None).await.unwrap();
    assert_took::<H>(started.elapsed(), 3);
}

pub(super) async fn a_zero_timeout_fails_at_once_and_succeeds_when_it_is_free<H: Harness>(h: H) {
    let locks = h.locks();
    let lease = take(&locks, READ).await;
    let started = Instant::now();
    for _ in 0..100 {
        let outcome = locks.acquire(READ, &Owner::new("other"), ONCE).await;
        assert_eq!(outcome.unwrap_err(), LockError::Timeout { resource: READ.to_owned(), waited: Duration::ZERO });
    }
    assert_took::<H>(started.elapsed(), 0);
    lease.release().await.unwrap();
    for _ in 0..100 {
        // Dropped and not released: one who tries at once waits for what is being let go.
        drop(take(&locks, READ).await);
    }
}

pub(super) async fn nobody_overtakes_those_who_wait<H: Harness>(h: H) {
    let locks = h.locks();
    let lease = take(&locks, READ).await;
    let waiter = tokio::spawn({
        let locks = locks.clone();
        async move { locks.acquire(READ, &Owner::new("waiter"), steps::<H>(30)).await }
    });
    tokio::task::yield_now().await;
    drop(lease);
    assert!(locks.acquire(READ, &Owner::new("late"), ONCE).await.is_err());
    assert!(waiter.await.unwrap().is_ok());
}

pub(super) async fn waiters_of_one_owner_enter_together<H: Harness>(h: H) {
    let locks = h.locks();
    let (lease, owner) = (take(&locks, READ).await, Owner::new("pair"));
    let other = Owner::new("other");
    let started = Instant::now();
    let hold = async |owner: &Owner, time| {
        let _lease = locks.acquire(READ, owner, steps::<H>(30)).await.unwrap();
        let acquired = started.elapsed();
        sleep_steps::<H>(time).await;
        acquired
    };
    let (first, between, second, ()) =
        tokio::join!(hold(&owner, 2), hold(&other, 1), hold(&owner, 6), async { drop(lease) });
    assert!(first < H::STEP * 2 && second < H::STEP * 2, "{first:?} {second:?}");
    assert_took::<H>(between, 6);
    assert!(comes_free::<H>(&locks, READ).await);
}

pub(super) async fn of_20_waiters_none_waits_over_three_times_the_mean<H: Harness>(h: H) {
    let locks = h.locks();
    let waiter = async || {
        let owner = Owner::new("waiter");
        let mut waits = Vec::new();
        for _ in 0..10 {
            let started = Instant::now();
            let lease = locks.acquire(READ, &owner, None).await.unwrap();
            waits.push(started.elapsed());
            tokio::time::sleep(Duration::from_millis(2)).await;
            lease.release().await.unwrap();
        }
        waits
    };
    let waits = join_all((0..20).map(|_| waiter())).await.concat();
    let (longest, mean) = (waits.iter().max().unwrap(), waits.iter().sum::<Duration>() / waits.len() as u32);
    assert!(*longest <= mean * 3, "{longest:?} of {mean:?}");
}

pub(super) async fn users_of_two_resources_in_opposite_order_end_by_timeout<H: Harness>(h: H) {
    let locks = h.locks();
    let user = async |first: &str, second: &str, patience| {
        let owner = Owner::new("user");
        let _first = locks.acquire(first, &owner, ONCE).await.unwrap();
        sleep_steps::<H>(1).await;
        locks.acquire(second, &owner, steps::<H>(patience)).await.map(drop)
    };
    let started = Instant::now();
    let (one, other) = tokio::join!(user(READ, WRITE, 5), user(WRITE, READ, 30));
    assert!(matches!(one, Err(LockError::Timeout { .. })), "{one:?}");
    assert_eq!(other, Ok(()), "as soon as the first has given up");
    assert_took::<H>(started.elapsed(), 6);
    assert!(comes_free::<H>(&locks, READ).await && comes_free::<H>(&locks, WRITE).await);
}

/// Reads, yields, writes: a second one in there at a time loses an increment.
async fn count<H: Harness>(h: H, tasks: u64, increments: u64) {
    let (locks, counter) = (h.locks(), Arc::new(AtomicU64::new(0)));
    let tasks: Vec<_> = (0..tasks)
        .map(|_| {
            let (locks, counter) = (locks.clone(), counter.clone());
            tokio::spawn(async move {
                let owner = Owner::new("counter");
                for _ in 0..increments {
                    let lease = locks.acquire(READ, &owner, None).await.unwrap();
                    let value = counter.load(Ordering::Relaxed);
                    tokio::task::yield_now().await;
                    counter.store(value + 1, Ordering::Relaxed);
                    drop(lease);
                }
            })
        })
        .collect();
    let expected = tasks.len() as u64 * increments;
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(counter.load(Ordering::Relaxed), expected);
    assert!(comes_free::<H>(&locks, READ).await);
}

pub(super) async fn no_increment_is_lost_among_20_tasks<H: Harness>(h: H) {
    count(h, 20, 50).await;
}

pub(super) async fn no_increment_is_lost_among_32_tasks<H: Harness>(h: H) {
    count(h, 32, 1_000).await;
}

pub(super) async fn a_hundred_resources_by_ten_tasks_take_under_two_seconds<H: Harness>(h: H) {
    let locks = h.locks();
    let started = Instant::now();
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let locks = locks.clone();
            tokio::spawn(async move {
                let owner = Owner::new("worker");
                for number in 0..100 {
                    let lease = locks.acquire(&format!("resource:{number}"), &owner, None).await.unwrap();
                    lease.release().await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

pub(super) async fn a_free_lock_is_taken_at_the_first_try_while_others_ask_for_it<H: Harness>(h: H) {
    let locks = h.locks();
    let probes = tokio::spawn({
        let locks = locks.clone();
        async move {
            for _ in 0..1_000 {
                locks.is_locked(READ).await.unwrap();
                tokio::task::yield_now().await;
            }
        }
    });
    let mut taken = 0;
    while !probes.is_finished() {
        drop(take(&locks, READ).await);
        taken += 1;
        tokio::task::yield_now().await;
    }
    probes.await.unwrap();
    assert!(taken > 0);
}

pub(super) async fn waiters_that_come_and_go_leave_nothing_behind<H: Harness>(h: H) {
    let locks = h.locks();
    let tasks: Vec<_> = (0..16)
        .map(|seed| {
            let locks = locks.clone();
            tokio::spawn(async move {
                let mut rng = fastrand::Rng::with_seed(seed);
                let mut entered = 0;
                for _ in 0..300 {
                    let owner = Owner::new("guest");
                    let patience = Duration::from_micros(rng.u64(0..1_500));
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
    assert!(comes_free::<H>(&locks, READ).await);
    assert!(is_free(&locks, READ).await);
    assert!(format!("{locks:?}").starts_with("Queued { held: 0, waiting: 0,"), "{locks:?}");
}
