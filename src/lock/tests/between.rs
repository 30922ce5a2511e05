use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::{ONCE, READ, Shared, WRITE, assert_took, is_free, sleep_steps, steps, take};
use crate::lock::{LockError, LockManager, Owner};

pub(super) async fn a_new_manager_sees_what_others_hold<H: Shared>(h: H) {
    let locks = h.locks();
    let lease = locks.acquire(READ, &Owner::new("poller"), ONCE).await.unwrap();
    let elsewhere = H::at(&h.address()).await;
    assert!(format!("{elsewhere:?}").starts_with("Queued { held: 0, waiting: 0,"), "{elsewhere:?}");
    let (there, here) = (elsewhere.holder(READ).await.unwrap().unwrap(), locks.holder(READ).await.unwrap().unwrap());
    assert_eq!((&there.owner, there.pid, &there.host), (&here.owner, here.pid, &here.host));
    assert!((there.since - here.since).abs() < jiff::SignedDuration::from_secs(1));
    assert_eq!(there.remaining.is_some(), H::LIFE.is_some());
    assert_eq!(elsewhere.is_locked(READ).await, Ok(true));
    assert_eq!(elsewhere.is_locked(WRITE).await, Ok(false));
    assert!(elsewhere.ttl(READ).await.unwrap() <= H::LIFE);
    lease.release().await.unwrap();
    assert_eq!(elsewhere.holder(READ).await, Ok(None));
}

pub(super) async fn a_lease_keeps_other_managers_out_until_it_is_released<H: Shared>(h: H) {
    let (locks, elsewhere) = (h.locks(), H::at(&h.address()).await);
    for (here, there) in [(&locks, &elsewhere), (&elsewhere, &locks)] {
        let lease = take(here, READ).await;
        assert!(!is_free(there, READ).await);
        assert!(is_free(there, WRITE).await);
        lease.release().await.unwrap();
        assert!(is_free(there, READ).await);
    }
}

pub(super) async fn a_manager_elsewhere_waits_and_times_out<H: Shared>(h: H) {
    let (locks, elsewhere) = (h.locks(), H::at(&h.address()).await);
    let lease = take(&locks, READ).await;
    let started = Instant::now();
    let error = elsewhere.acquire(READ, &Owner::new("waiter"), steps::<H>(5)).await.unwrap_err();
    assert_took::<H>(started.elapsed(), 5);
    assert_eq!(error, LockError::Timeout { resource: READ.to_owned(), waited: H::STEP * 5 });
    assert_eq!(lease.confirm().await, Ok(()));
    lease.release().await.unwrap();
    sleep_steps::<H>(1).await;
    assert!(is_free(&locks, READ).await && is_free(&elsewhere, READ).await, "who gave up is not handed the lock");
}

pub(super) async fn a_manager_elsewhere_is_woken_by_the_release<H: Shared>(h: H) {
    let (locks, elsewhere) = (h.locks(), H::at(&h.address()).await);
    for _ in 0..3 {
        let lease = take(&locks, READ).await;
        let (started, waiter) = (Instant::now(), Owner::new("waiter"));
        let (next, ()) = tokio::join!(elsewhere.acquire(READ, &waiter, None), async {
            sleep_steps::<H>(3).await;
            lease.release().await.unwrap();
        });
        assert_took::<H>(started.elapsed(), 3);
        next.unwrap().release().await.unwrap();
    }
}

pub(super) async fn revoking_reaches_a_holder_elsewhere<H: Shared>(h: H) {
    let (locks, elsewhere) = (h.locks(), H::at(&h.address()).await);
    let lease = take(&locks, READ).await;
    let other = take(&locks, WRITE).await;
    let started = Instant::now();
    let lets_go = async {
        timeout(Duration::from_secs(10), lease.lost()).await.unwrap();
        let took = started.elapsed();
        assert!(!is_free(&elsewhere, READ).await, "nobody enters before the holder has let go");
        (took, lease.release().await)
    };
    let (revoked, (took, released)) = tokio::join!(elsewhere.force_release(READ), lets_go);
    assert_eq!(revoked, Ok(true));
    assert!(took < Duration::from_millis(1_500), "{took:?}");
    assert_eq!(released, Err(LockError::Lost { resource: READ.to_owned() }));
    assert!(is_free(&elsewhere, READ).await);
    assert!(!other.is_lost());
    // The revocation is of that hold, not of the resource.
    let next = take(&locks, READ).await;
    assert_eq!(next.confirm().await, Ok(()));
    assert!(timeout(Duration::from_millis(100), next.lost()).await.is_err());
    assert_eq!(elsewhere.force_release("inverter_read:other").await, Ok(false));
}

pub(super) async fn what_all_leases_held_is_free_when_they_are_gone<H: Shared>(h: H) {
    let (locks, elsewhere) = (h.locks(), H::at(&h.address()).await);
    let mut leases = Vec::new();
    for number in 0..20 {
        leases.push(take(&locks, &format!("inverter_read:{number}")).await);
    }
    for number in 0..20 {
        assert!(elsewhere.is_locked(&format!("inverter_read:{number}")).await.unwrap());
    }
    drop(leases);
    for number in 0..20 {
        let outcome = elsewhere.acquire(&format!("inverter_read:{number}"), &Owner::new("next"), Some(H::SLACK)).await;
        outcome.unwrap().release().await.unwrap();
    }
}

pub(super) async fn fences_grow_across_managers<H: Shared>(h: H) {
    let managers = [h.locks(), H::at(&h.address()).await, H::at(&h.address()).await];
    let mut last = 0;
    for round in 0..100 {
        let lease = managers[round % 3].acquire(READ, &Owner::new("test"), Some(H::SLACK)).await.unwrap();
        assert!(lease.fence() > last);
        last = lease.fence();
        lease.release().await.unwrap();
    }
}

pub(super) async fn asking_never_makes_another_fail<H: Shared>(h: H) {
    let (locks, elsewhere) = (h.locks(), H::at(&h.address()).await);
    let asking = tokio::spawn(async move {
        for _ in 0..1_000 {
            elsewhere.is_locked(READ).await.unwrap();
            tokio::task::yield_now().await;
        }
    });
    while !asking.is_finished() {
        take(&locks, READ).await.release().await.unwrap();
        tokio::task::yield_now().await;
    }
    asking.await.unwrap();
}

pub(super) async fn no_increment_is_lost_among_managers<H: Shared>(h: H) {
    let counter = Arc::new(AtomicU64::new(0));
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let (locks, counter) = (H::at(&h.address()).await, counter.clone());
        tasks.push(tokio::spawn(async move {
            for _ in 0..50 {
                let lease = locks.acquire(READ, &Owner::new("counter"), None).await.unwrap();
                let value = counter.load(Ordering::Relaxed);
                tokio::task::yield_now().await;
                counter.store(value + 1, Ordering::Relaxed);
                drop(lease);
            }
        }));
    }
    for task in tasks {
        timeout(Duration::from_secs(60), task).await.unwrap().unwrap();
    }
    assert_eq!(counter.load(Ordering::Relaxed), 200);
}
