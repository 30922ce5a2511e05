//! What a lock costs: acquired and released without a contender, and handed along a queue.

#![allow(clippy::expect_used, reason = "a benchmark that cannot run says so")]

use std::sync::Arc;

use divan::Bencher;
use futures::future::join_all;
use givtcp::clock::SystemClock;
use givtcp::lock::{FileLockManager, LocalLockManager, LockManager, Owner};
use tokio::runtime::Runtime;

const READ: &str = "inverter_read:SA2114G047";
const WAITERS: usize = 64;

fn main() {
    divan::main();
}

/// Of one thread, as the program's is.
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn local() -> LocalLockManager {
    LocalLockManager::new(Arc::new(SystemClock))
}

/// Below the target directory: what is measured is the locks of its file system.
fn files() -> (tempfile::TempDir, FileLockManager) {
    let data = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let locks = FileLockManager::open(data.path(), Arc::new(SystemClock)).expect("locks in files");
    (data, locks)
}

async fn acquire_and_release(locks: &impl LockManager, owner: &Owner) {
    locks.acquire(READ, owner, None).await.expect("a free lock").release().await.expect("a held lock");
}

/// So many rounds in a run of the runtime, whose beginning and end would be measured otherwise.
const ROUNDS: usize = 1_000;

fn uncontended(bencher: Bencher, locks: impl LockManager) {
    let (runtime, owner) = (runtime(), Owner::new("bench"));
    bencher.counter(ROUNDS).bench_local(|| {
        runtime.block_on(async {
            for _ in 0..ROUNDS {
                acquire_and_release(&locks, &owner).await;
            }
        });
    });
}

fn handed_along(bencher: Bencher, locks: impl LockManager + Clone) {
    let runtime = runtime();
    bencher.counter(WAITERS).bench_local(|| {
        runtime.block_on(async {
            let first = locks.acquire(READ, &Owner::new("first"), None).await.expect("a free lock");
            let waiters = (0..WAITERS).map(|_| {
                let locks = locks.clone();
                tokio::spawn(async move { acquire_and_release(&locks, &Owner::new("waiter")).await })
            });
            let waiters: Vec<_> = waiters.collect();
            tokio::task::yield_now().await;
            drop(first);
            join_all(waiters).await
        })
    });
}

/// Aim: under 1 µs each.
#[divan::bench]
fn local_acquired_and_released_1000_times(bencher: Bencher) {
    uncontended(bencher, local());
}

/// Aim: under 50 µs each.
#[divan::bench]
fn file_acquired_and_released_1000_times(bencher: Bencher) {
    let (_data, locks) = files();
    uncontended(bencher, locks);
}

#[divan::bench]
fn local_handed_along_64_waiters(bencher: Bencher) {
    handed_along(bencher, local());
}

#[divan::bench]
fn file_handed_along_64_waiters(bencher: Bencher) {
    let (_data, locks) = files();
    handed_along(bencher, locks);
}
