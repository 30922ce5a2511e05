use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tokio::time::Instant;

use super::{Harness, ONCE, READ, WRITE, assert_took, comes_free, is_free, sleep_steps, steps, take};
use crate::lock::{LockError, LockManager, Owner};

pub(super) async fn at_first_nothing_is_held<H: Harness>(h: H) {
    let locks = h.locks();
    for resource in [READ, WRITE, "", "../other", "inverter_link:[fe80::1%2]:8899"] {
        assert_eq!(locks.holder(resource).await, Ok(None));
        assert_eq!(locks.is_locked(resource).await, Ok(false));
        assert_eq!(locks.ttl(resource).await, Ok(None));
        assert!(is_free(&locks, resource).await);
    }
}

pub(super) async fn a_lease_is_seen_by_others_and_gone_after<H: Harness>(h: H) {
    let locks = h.locks();
    let lease = take(&locks, READ).await;
    let other = tokio::spawn({
        let locks = locks.clone();
        async move { (locks.is_locked(READ).await, is_free(&locks, READ).await) }
    });
    assert_eq!(other.await.unwrap(), (Ok(true), false));
    lease.release().await.unwrap();
    assert_eq!(locks.is_locked(READ).await, Ok(false));
    assert!(is_free(&locks, READ).await);
}

pub(super) async fn the_same_owner_may_acquire_again_and_the_last_lease_releases<H: Harness>(h: H) {
    let locks = h.locks();
    let owner = Owner::new("poller");
    let first = locks.acquire(READ, &owner, ONCE).await.unwrap();
    let second = tokio::spawn({
        let (locks, owner) = (locks.clone(), owner.clone());
        async move { locks.acquire(READ, &owner, ONCE).await }
    });
    let second = second.await.unwrap().unwrap();
    let third = locks.acquire(READ, &owner, None).await.unwrap();
    assert_eq!((first.fence(), second.fence()), (second.fence(), third.fence()));
    first.release().await.unwrap();
    drop(second);
    assert!(!is_free(&locks, READ).await);
    third.release().await.unwrap();
    assert!(is_free(&locks, READ).await);
}

pub(super) async fn a_permit_ends_with_its_lease<H: Harness>(h: H) {
    let locks = h.locks();
    let lease = take(&locks, READ).await;
    let (holds, asks_too_much) = (lease.holds_for(Duration::from_millis(1)), lease.holds_for(Duration::MAX));
    assert!(holds());
    assert_eq!(asks_too_much(), lease.remaining().is_none(), "where it has no life it lives for any time");
    lease.release().await.unwrap();
    assert!(!holds() && !asks_too_much());
    let revoked = take(&locks, READ).await;
    let holds = revoked.holds_for(Duration::ZERO);
    let (_, ()) = tokio::join!(locks.force_release(READ), async {
        revoked.lost().await;
        assert!(!holds());
        drop(revoked);
    });
}

pub(super) async fn resources_are_independent<H: Harness>(h: H) {
    let locks = h.locks();
    let (read, write) = (take(&locks, READ).await, take(&locks, WRITE).await);
    read.release().await.unwrap();
    assert!(is_free(&locks, READ).await);
    assert!(!is_free(&locks, WRITE).await);
    assert!(is_free(&locks, &READ.to_lowercase()).await && is_free(&locks, &WRITE.replace(':', "_")).await);
    drop(write);
    assert!(comes_free::<H>(&locks, WRITE).await);
}

pub(super) async fn a_free_lock_is_acquired_at_once_whatever_the_timeout<H: Harness>(h: H) {
    let locks = h.locks();
    let owner = Owner::new("poller");
    for timeout in [ONCE, steps::<H>(1), steps::<H>(1000), Some(std::time::Duration::MAX), None] {
        let started = Instant::now();
        let lease = locks.acquire(READ, &owner, timeout).await.unwrap();
        assert_took::<H>(started.elapsed(), 0);
        lease.release().await.unwrap();
    }
}

pub(super) async fn a_wait_ends_at_its_deadline<H: Harness>(h: H) {
    let locks = h.locks();
    let lease = take(&locks, READ).await;
    let started = Instant::now();
    let error = locks.acquire(READ, &Owner::new("waiter"), steps::<H>(30)).await.unwrap_err();
    assert_took::<H>(started.elapsed(), 30);
    assert_eq!(error, LockError::Timeout { resource: READ.to_owned(), waited: H::STEP * 30 });
    let said = format!("could not acquire lock for {READ} within {}s", (H::STEP * 30).as_secs_f64());
    assert_eq!(error.to_string(), said);
    assert!(format!("{locks:?}").starts_with("Queued { held: 1, waiting: 0,"), "{locks:?}");
    lease.release().await.unwrap();
    sleep_steps::<H>(1).await;
    assert!(is_free(&locks, READ).await, "who gave up is not handed the lock");
}

pub(super) async fn is_locked_is_false_of_what_nobody_holds<H: Harness>(h: H) {
    let locks = h.locks();
    assert_eq!(locks.is_locked(READ).await, Ok(false));
    take(&locks, READ).await.release().await.unwrap();
    assert_eq!(locks.is_locked(READ).await, Ok(false));
    let _other = take(&locks, WRITE).await;
    assert_eq!(locks.is_locked(READ).await, Ok(false));
}

pub(super) async fn is_locked_is_true_whoever_asks_the_owner_too<H: Harness>(h: H) {
    let locks = h.locks();
    let lease = take(&locks, READ).await;
    assert_eq!(locks.is_locked(READ).await, Ok(true), "its owner asks");
    let other = tokio::spawn({
        let locks = locks.clone();
        async move { locks.is_locked(READ).await }
    });
    assert_eq!(other.await.unwrap(), Ok(true), "another asks");
    lease.release().await.unwrap();
    assert_eq!(locks.is_locked(READ).await, Ok(false));
}

pub(super) async fn two_workers_never_overlap<H: Harness>(h: H) {
    let locks = h.locks();
    let events = Arc::new(std::sync::Mutex::new(Vec::new()));
    let worker = |number: u32| {
        let (locks, events) = (locks.clone(), events.clone());
        async move {
            let owner = Owner::new("worker");
            let lease = locks.acquire(READ, &owner, None).await.unwrap();
            events.lock().unwrap().push(("start", number));
            sleep_steps::<H>(2).await;
            events.lock().unwrap().push(("end", number));
            lease.release().await.unwrap();
        }
    };
    tokio::join!(worker(1), worker(2));
    assert_eq!(*events.lock().unwrap(), [("start", 1), ("end", 1), ("start", 2), ("end", 2)]);
}

pub(super) async fn users_of_two_resources_one_after_the_other_all_finish<H: Harness>(h: H) {
    let locks = h.locks();
    let user = async |first: &str, then: &str| {
        let owner = Owner::new("user");
        for resource in [first, then] {
            let lease = locks.acquire(resource, &owner, steps::<H>(30)).await.unwrap();
            sleep_steps::<H>(1).await;
            lease.release().await.unwrap();
        }
    };
    tokio::join!(user(READ, WRITE), user(WRITE, READ), user(READ, WRITE), user(WRITE, READ));
    assert!(is_free(&locks, READ).await && is_free(&locks, WRITE).await);
}

pub(super) async fn an_error_releases<H: Harness>(h: H) {
    let locks = h.locks();
    let outcome: Result<(), std::num::ParseIntError> = async {
        let _lease = take(&locks, READ).await;
        "no number".parse::<u16>()?;
        Ok(())
    }
    .await;
    assert!(outcome.is_err());
    assert!(comes_free::<H>(&locks, READ).await);
}

pub(super) async fn what_is_released_takes_no_room<H: Harness>(h: H) {
    let locks = h.locks();
    for number in 0..100 {
        take(&locks, &format!("inverter_read:{number}")).await.release().await.unwrap();
    }
    assert!(format!("{locks:?}").starts_with("Queued { held: 0, waiting: 0,"), "{locks:?}");
}

pub(super) async fn a_lease_is_held_until_the_end_of_its_scope<H: Harness>(h: H) {
    let locks = h.locks();
    {
        let lease = take(&locks, READ).await;
        assert_eq!((lease.resource(), lease.is_lost()), (READ, false));
        assert!(!is_free(&locks, READ).await);
    }
    assert!(comes_free::<H>(&locks, READ).await);
}

pub(super) async fn a_waiter_gives_up_while_the_holder_runs_on<H: Harness>(h: H) {
    let locks = h.locks();
    let holding = async {
        let lease = take(&locks, READ).await;
        sleep_steps::<H>(10).await;
        lease.confirm().await.unwrap();
        lease.release().await
    };
    let waiting = async {
        tokio::task::yield_now().await;
        let started = Instant::now();
        let outcome = locks.acquire(READ, &Owner::new("waiter"), steps::<H>(5)).await;
        assert!(matches!(outcome, Err(LockError::Timeout { .. })), "{outcome:?}");
        assert_took::<H>(started.elapsed(), 5);
    };
    let (held, ()) = tokio::join!(holding, waiting);
    assert_eq!(held, Ok(()), "the holder notices nothing");
    assert!(is_free(&locks, READ).await);
}

pub(super) async fn the_holder_is_known_to_all_and_named<H: Harness>(h: H) {
    let locks = h.locks();
    let lease = locks.acquire(READ, &Owner::new("poller"), ONCE).await.unwrap();
    let first = locks.holder(READ).await.unwrap().unwrap();
    assert_eq!((first.owner.as_str(), first.pid), ("poller", std::process::id()));
    assert!(!first.host.is_empty());
    assert_eq!(first.remaining.is_some(), H::LIFE.is_some());
    lease.release().await.unwrap();
    assert_eq!(locks.holder(READ).await, Ok(None));
}

pub(super) async fn ttl_is_the_rest_of_a_life<H: Harness>(h: H) {
    let locks = h.locks();
    assert_eq!(locks.ttl(READ).await, Ok(None));
    let lease = take(&locks, READ).await;
    for ttl in [locks.ttl(READ).await.unwrap(), lease.remaining()] {
        assert_eq!(ttl.is_some(), H::LIFE.is_some());
        assert!(ttl <= H::LIFE && ttl != Some(std::time::Duration::ZERO), "{ttl:?}");
    }
    lease.release().await.unwrap();
    assert_eq!(locks.ttl(READ).await, Ok(None));
}

pub(super) async fn owners_of_one_name_are_two<H: Harness>(h: H) {
    let locks = h.locks();
    let _lease = locks.acquire(READ, &Owner::new("poller"), ONCE).await.unwrap();
    assert!(locks.acquire(READ, &Owner::new("poller"), ONCE).await.is_err());
}

pub(super) async fn tasks_of_one_owner_that_come_at_once_share_a_hold<H: Harness>(h: H) {
    let locks = h.locks();
    let owner = Owner::new("poller");
    let timeouts = [ONCE, steps::<H>(30), None, ONCE];
    let leases = join_all(timeouts.map(|timeout| locks.acquire(READ, &owner, timeout))).await;
    let fences: Vec<u64> = leases.iter().map(|lease| lease.as_ref().unwrap().fence()).collect();
    assert!(fences.windows(2).all(|pair| pair[0] == pair[1]), "{fences:?}");
    for lease in leases {
        assert!(!is_free(&locks, READ).await);
        lease.unwrap().release().await.unwrap();
    }
    assert!(is_free(&locks, READ).await);
}

pub(super) async fn fences_grow_strictly<H: Harness>(h: H) {
    let locks = h.locks();
    let mut last = 0;
    for round in 0..200 {
        let lease = take(&locks, READ).await;
        assert!(lease.fence() > last);
        last = lease.fence();
        lease.release().await.unwrap();
        // Although what was idle between is forgotten.
        take(&locks, &format!("inverter_read:{round}")).await.release().await.unwrap();
    }
    assert!(last > 1_700_000_000_000_000, "they are comparable: at least the wall time in µs");
}

pub(super) async fn a_hundred_resources_are_held_at_once<H: Harness>(h: H) {
    let locks = h.locks();
    let mut leases = Vec::new();
    for number in 0..100 {
        leases.push(take(&locks, &format!("inverter_read:{number}")).await);
    }
    leases.remove(50).release().await.unwrap();
    assert!(is_free(&locks, "inverter_read:50").await);
    assert!(!is_free(&locks, "inverter_read:51").await);
    for lease in leases {
        lease.release().await.unwrap();
    }
    assert!(is_free(&locks, "inverter_read:51").await);
}

pub(super) async fn it_serves_behind_a_shared_trait_object<H: Harness>(h: H) {
    let locks: Arc<dyn LockManager> = Arc::new(h.locks());
    let lease = locks.acquire(READ, &Owner::new("poller"), steps::<H>(30)).await.unwrap();
    assert!(locks.is_locked(READ).await.unwrap());
    lease.release().await.unwrap();
    assert!(!locks.is_locked(READ).await.unwrap());
}
