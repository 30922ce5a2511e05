use std::time::Duration;

use tokio::time::timeout;

use super::{Harness, ONCE, READ, sleep_steps};
use crate::lock::{LockError, LockManager, Owner};

pub(super) async fn a_revoked_lease_is_lost_and_nobody_enters_before_it_lets_go<H: Harness>(h: H) {
    let locks = h.locks();
    let owner = Owner::new("poller");
    let lease = locks.acquire(READ, &owner, ONCE).await.unwrap();
    let waiter = tokio::spawn({
        let locks = locks.clone();
        async move { locks.acquire(READ, &Owner::new("next"), None).await }
    });
    tokio::task::yield_now().await;

    // A backend that can tell may find that the holder, this very process, has not let go.
    let revoked = locks.force_release(READ).await;
    let still = LockError::StillHeld { resource: READ.to_owned(), pid: std::process::id() };
    assert!(revoked == Ok(true) || revoked == Err(still), "{revoked:?}");
    timeout(Duration::from_secs(10), lease.lost()).await.unwrap();
    assert_eq!((lease.is_lost(), lease.remaining()), (true, Some(Duration::ZERO)));
    assert_eq!(lease.confirm().await, Err(LockError::Lost { resource: READ.to_owned() }));
    assert!(locks.is_locked(READ).await.unwrap());
    assert!(locks.acquire(READ, &owner, ONCE).await.is_err(), "its owner cannot enter again either");
    sleep_steps::<H>(5).await;
    assert!(!waiter.is_finished());

    let fence = lease.fence();
    assert_eq!(lease.release().await, Err(LockError::Lost { resource: READ.to_owned() }));
    let next = timeout(Duration::from_secs(10), waiter).await.unwrap().unwrap().unwrap();
    assert!(next.fence() > fence && !next.is_lost());
    next.confirm().await.unwrap();
    next.release().await.unwrap();
    assert_eq!(locks.force_release(READ).await, Ok(false));
}

pub(super) async fn revoking_what_nobody_holds_is_false<H: Harness>(h: H) {
    let locks = h.locks();
    assert_eq!(locks.force_release(READ).await, Ok(false));
    let lease = locks.acquire(READ, &Owner::new("poller"), ONCE).await.unwrap();
    assert!(!lease.is_lost());
    lease.release().await.unwrap();
    assert_eq!(locks.force_release(READ).await, Ok(false));
}
