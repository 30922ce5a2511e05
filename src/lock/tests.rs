//! What every lock manager promises, asked of the local one.

mod leaving;
mod log;
mod queue;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{Lease, LocalLockManager, LockError, LockManager, Owner};
use crate::clock::Clock;

const READ: &str = "inverter_read:SA2114G047";
const WRITE: &str = "inverter_write:SA2114G047";

/// Wall time that stands still.
struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        "2026-06-05T12:00:00Z".parse().unwrap()
    }
}

fn locks() -> LocalLockManager {
    LocalLockManager::new(Arc::new(Noon))
}

#[expect(clippy::unnecessary_wraps, reason = "it is a timeout")]
const fn secs(count: u64) -> Option<Duration> {
    Some(Duration::from_secs(count))
}

const ONCE: Option<Duration> = Some(Duration::ZERO);

async fn take(locks: &LocalLockManager, resource: &str) -> Lease {
    locks.acquire(resource, &Owner::new("test"), ONCE).await.unwrap()
}

async fn is_free(locks: &LocalLockManager, resource: &str) -> bool {
    let free = locks.acquire(resource, &Owner::new("probe"), ONCE).await.is_ok();
    assert_eq!(free, !locks.is_locked(resource).await.unwrap());
    free
}

#[tokio::test(start_paused = true)]
async fn it_serves_behind_a_shared_trait_object() {
    let locks: Arc<dyn LockManager> = Arc::new(locks());
    let lease = locks.acquire(READ, &Owner::new("poller"), secs(30)).await.unwrap();
    assert_eq!((lease.resource(), lease.remaining(), lease.is_lost()), (READ, None, false));
    assert!(locks.is_locked(READ).await.unwrap());
    lease.release().await.unwrap();
    assert!(!locks.is_locked(READ).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn the_holder_is_known_to_all_and_named() {
    let locks = locks();
    let owner = Owner::new("poller");
    assert_eq!(locks.holder(READ).await, Ok(None));
    let lease = locks.acquire(READ, &owner, ONCE).await.unwrap();
    tokio::time::advance(Duration::from_secs(90)).await;
    let holder = locks.holder(READ).await.unwrap().unwrap();
    assert_eq!((holder.owner.as_str(), holder.pid, holder.remaining), ("poller", std::process::id(), None));
    assert_eq!(holder.since, "2026-06-05T11:58:30Z".parse().unwrap());
    assert!(!holder.host.is_empty());
    assert_eq!(locks.ttl(READ).await, Ok(None));
    drop(lease);
}

#[tokio::test(start_paused = true)]
async fn resources_are_independent() {
    let locks = locks();
    let mut leases = Vec::new();
    for number in 0..100 {
        leases.push(take(&locks, &format!("inverter_read:{number}")).await);
    }
    drop(leases.remove(50));
    assert!(is_free(&locks, "inverter_read:50").await);
    assert!(!is_free(&locks, "inverter_read:51").await);
}

#[tokio::test(start_paused = true)]
async fn the_same_owner_may_acquire_again_and_the_last_lease_releases() {
    let locks = locks();
    let owner = Owner::new("poller");
    let first = locks.acquire(READ, &owner, ONCE).await.unwrap();
    let second = tokio::spawn({
        let (locks, owner) = (locks.clone(), owner.clone());
        async move { locks.acquire(READ, &owner, ONCE).await }
    });
    let second = second.await.unwrap().unwrap();
    assert_eq!(first.fence(), second.fence());
    drop(first);
    assert!(!is_free(&locks, READ).await);
    drop(second);
    assert!(is_free(&locks, READ).await);
}

#[tokio::test(start_paused = true)]
async fn owners_of_one_name_are_two() {
    let locks = locks();
    let _lease = locks.acquire(READ, &Owner::new("poller"), ONCE).await.unwrap();
    assert!(locks.acquire(READ, &Owner::new("poller"), ONCE).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn fences_grow_although_idle_resources_are_forgotten() {
    let locks = locks();
    let mut last = 0;
    for round in 0..1_000 {
        let lease = take(&locks, READ).await;
        assert!(lease.fence() > last);
        last = lease.fence();
        drop(lease);
        drop(take(&locks, &format!("inverter_read:{round}")).await);
    }
    assert_eq!(format!("{locks:?}"), "LocalLockManager { held: 0, waiting: 0, .. }");
}

#[tokio::test]
async fn a_free_lock_is_taken_at_the_first_try_while_others_ask_for_it() {
    let locks = locks();
    let probes = tokio::spawn({
        let locks = locks.clone();
        async move {
            for _ in 0..1_000 {
                locks.is_locked(READ).await.unwrap();
                tokio::task::yield_now().await;
            }
        }
    });
    while !probes.is_finished() {
        drop(take(&locks, READ).await);
        tokio::task::yield_now().await;
    }
    probes.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_revoked_lease_is_lost_and_nobody_enters_before_it_lets_go() {
    let locks = locks();
    let owner = Owner::new("poller");
    let lease = locks.acquire(READ, &owner, ONCE).await.unwrap();
    let waiter = tokio::spawn({
        let locks = locks.clone();
        async move { locks.acquire(READ, &Owner::new("next"), None).await }
    });
    tokio::task::yield_now().await;

    assert_eq!(locks.force_release(READ).await, Ok(true));
    lease.lost().await;
    assert_eq!((lease.is_lost(), lease.remaining()), (true, Some(Duration::ZERO)));
    assert!(locks.is_locked(READ).await.unwrap());
    assert!(locks.acquire(READ, &owner, ONCE).await.is_err(), "its owner cannot enter again either");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(!waiter.is_finished());

    let fence = lease.fence();
    assert_eq!(lease.release().await, Err(LockError::Lost { resource: READ.to_owned() }));
    let next = waiter.await.unwrap().unwrap();
    assert!(next.fence() > fence && !next.is_lost());
    drop(next);
    assert_eq!(locks.force_release(READ).await, Ok(false));
}
