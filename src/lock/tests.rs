//! What every lock manager promises: one suite, put to each backend.
//!
//! A backend joins it with a module such as [`local`] or [`file`]: a [`Harness`], which says where a test gets its
//! manager and how fast time goes there, and one line, `conformance!`. If its locks reach beyond the process it is a
//! [`Shared`] too, with `conformance_between!`. Each name in those lists is one test of every backend.
//!
//! `n` is the number of a test of the first rewrite that stands here with what it should have asserted: 1 to 16 of one
//! process, r1 to r8 of several.

mod basics;
mod between;
mod both;
mod children;
mod file;
mod leaving;
mod local;
mod log;
mod queued;
mod redis;
mod revoking;
mod scripted;
mod waiting;

use std::time::Duration;

use jiff::Timestamp;

use super::{Lease, LockManager, Owner};
use crate::clock::Clock;

const READ: &str = "inverter_read:SA2114G047";
const WRITE: &str = "inverter_write:SA2114G047";
const ONCE: Option<Duration> = Some(Duration::ZERO);

/// Where a test gets its locks, and what time means there.
trait Harness: Send + Sync + 'static {
    type Locks: LockManager + Clone;

    /// The step in which tests count time: what takes no time is surely done within one.
    const STEP: Duration;
    /// How much later than it should something may be: zero where time is paused.
    const SLACK: Duration;
    /// How long a lease lives unless it is renewed; `None` where it lives until it is released.
    const LIFE: Option<Duration>;

    /// Surroundings in which nothing is held, gone when dropped.
    async fn begin() -> Self;

    /// The manager of this process: clones of one.
    fn locks(&self) -> Self::Locks;
}

/// One whose locks reach beyond the process.
trait Shared: Harness {
    /// Where [`Shared::at`] finds these surroundings.
    fn address(&self) -> String;

    /// Another manager in the same surroundings, as another process has it.
    async fn at(address: &str) -> Self::Locks;
}

macro_rules! tests {
    ($harness:ty, $test:meta, $($module:ident { $($name:ident,)+ })+) => {
        $($(
            #[$test]
            async fn $name() {
                super::$module::$name(<$harness as super::Harness>::begin().await).await;
            }
        )+)+
    };
}

/// The suite: `$test` is `tokio::test`, with paused time where a backend can have it.
macro_rules! conformance {
    ($harness:ty, $test:meta) => {
        super::tests! { $harness, $test,
            basics {
                at_first_nothing_is_held,                                       // 1
                a_lease_is_seen_by_others_and_gone_after,                       // 2
                the_same_owner_may_acquire_again_and_the_last_lease_releases,   // 3
                a_permit_ends_with_its_lease,
                resources_are_independent,                                      // 4
                a_free_lock_is_acquired_at_once_whatever_the_timeout,           // 5
                a_wait_ends_at_its_deadline,                                    // 6
                is_locked_is_false_of_what_nobody_holds,                        // 7
                is_locked_is_true_whoever_asks_the_owner_too,                   // 8
                two_workers_never_overlap,                                      // 9
                users_of_two_resources_one_after_the_other_all_finish,          // 10
                an_error_releases,                                              // 12
                what_is_released_takes_no_room,                                 // 13, with revoking
                a_lease_is_held_until_the_end_of_its_scope,                     // 15
                a_waiter_gives_up_while_the_holder_runs_on,                     // 16
                the_holder_is_known_to_all_and_named,
                ttl_is_the_rest_of_a_life,                                      // r3
                owners_of_one_name_are_two,
                tasks_of_one_owner_that_come_at_once_share_a_hold,
                fences_grow_strictly,
                a_hundred_resources_are_held_at_once,
                it_serves_behind_a_shared_trait_object,
            }
            leaving {
                a_panic_releases,
                a_cancelled_task_releases,
                a_lease_that_outlives_the_runtime_releases,
                a_waiter_that_leaves_is_passed_over,
                a_waiter_that_leaves_with_the_lock_in_its_hands_loses_no_wakeup,
                a_holder_outlives_several_lives,
                a_held_lease_is_confirmed,
            }
            waiting {
                waiters_are_served_in_order,
                a_waiter_is_woken_by_the_release_itself,
                a_zero_timeout_fails_at_once_and_succeeds_when_it_is_free,
                nobody_overtakes_those_who_wait,
                waiters_of_one_owner_enter_together,
                of_20_waiters_none_waits_over_three_times_the_mean,
                users_of_two_resources_in_opposite_order_end_by_timeout,
            }
            revoking {
                a_revoked_lease_is_lost_and_nobody_enters_before_it_lets_go,    // 13, r6
                revoking_what_nobody_holds_is_false,
            }
            log {
                acquiring_and_releasing_is_said_with_its_times,
                a_timeout_is_said_as_an_error,
                leases_of_one_hold_are_said_once,
            }
        }
        super::tests! { $harness, tokio::test(flavor = "multi_thread", worker_threads = 4),
            waiting {
                no_increment_is_lost_among_20_tasks,                            // 11
                no_increment_is_lost_among_32_tasks,
                a_hundred_resources_by_ten_tasks_take_under_two_seconds,        // 14
                a_free_lock_is_taken_at_the_first_try_while_others_ask_for_it,
                waiters_that_come_and_go_leave_nothing_behind,
            }
        }
    };
}

/// The suite of what processes promise each other.
macro_rules! conformance_between {
    ($harness:ty) => {
        super::tests! { $harness, tokio::test,
            between {
                a_new_manager_sees_what_others_hold,                            // r1
                a_lease_keeps_other_managers_out_until_it_is_released,          // r2
                a_manager_elsewhere_waits_and_times_out,                        // r5
                a_manager_elsewhere_is_woken_by_the_release,
                revoking_reaches_a_holder_elsewhere,                            // r6
                what_all_leases_held_is_free_when_they_are_gone,                // r7
                fences_grow_across_managers,
                asking_never_makes_another_fail,
                no_increment_is_lost_among_managers,
            }
        }

        /// What a test runs as another process: see `children`.
        #[test]
        #[ignore = "it is no test, but the other process of one"]
        fn child() {
            super::children::child::<$harness>();
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn a_process_that_is_killed_lets_go() {
            // r4
            super::children::a_process_that_is_killed_lets_go::<$harness>(CHILD).await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn no_increment_is_lost_among_processes() {
            // r8
            super::children::no_increment_is_lost_among_processes::<$harness>(CHILD).await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn a_process_that_does_not_let_go_is_named() {
            super::children::a_process_that_does_not_let_go_is_named::<$harness>(CHILD).await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn a_process_that_gave_up_ends_at_once() {
            super::children::a_process_that_gave_up_ends_at_once::<$harness>(CHILD).await;
        }

        const CHILD: &str = concat!(module_path!(), "::child");
    };
}

use {conformance, conformance_between, tests};

/// Wall time that stands still.
struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        "2026-06-05T12:00:00Z".parse().unwrap()
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it is a timeout")]
fn steps<H: Harness>(count: u32) -> Option<Duration> {
    Some(H::STEP * count)
}

async fn sleep_steps<H: Harness>(count: u32) {
    tokio::time::sleep(H::STEP * count).await;
}

/// Whether something took as many steps as it should.
#[track_caller]
fn assert_took<H: Harness>(took: Duration, count: u32) {
    let expected = H::STEP * count;
    assert!((expected..=expected + H::SLACK).contains(&took), "{took:?}, not {expected:?}");
}

async fn take(locks: &impl LockManager, resource: &str) -> Lease {
    locks.acquire(resource, &Owner::new("test"), ONCE).await.unwrap()
}

/// Whether a try succeeds, which must agree with what is said of the lock.
async fn is_free(locks: &impl LockManager, resource: &str) -> bool {
    match locks.acquire(resource, &Owner::new("probe"), ONCE).await {
        Ok(lease) => {
            assert!(locks.is_locked(resource).await.unwrap());
            lease.release().await.unwrap();
            true
        }
        Err(_) => {
            assert!(locks.is_locked(resource).await.unwrap());
            false
        }
    }
}

/// Whether it is free as soon as what was dropped has been let go, which may take a backend a moment.
async fn comes_free<H: Harness>(locks: &H::Locks, resource: &str) -> bool {
    let soon = Some(H::SLACK.max(H::STEP));
    match locks.acquire(resource, &Owner::new("probe"), soon).await {
        Ok(lease) => {
            lease.release().await.unwrap();
            !locks.is_locked(resource).await.unwrap()
        }
        Err(_) => false,
    }
}
