//! The first minute with a plant that nothing is known of, in paused time: whatever is published is true of it from the
//! first leaf on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use givtcp::catalogue::Layout;
use givtcp::clock::SystemClock;
use givtcp::inverter::{self, Inverter};
use givtcp::lock::LocalLockManager;
use givtcp::simulator::{Family, Options, Simulator};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::faults::{InMemory, is_of_the_reading, leaves, truth};

/// What was published and is not what a plant that stands still says, and how many leaves the last snapshot had.
async fn first_minute(family: Family) -> (BTreeSet<String>, usize) {
    let simulator = Simulator::new(Options { family, speed: 0.0, ..Options::default() });
    let clock = Arc::new(SystemClock);
    let locks = Arc::new(LocalLockManager::new(clock.clone()));
    let inverter = Inverter::new("plant", Box::new(InMemory(simulator.clone())), locks, clock);
    let (sender, mut receiver) = watch::channel(None);
    let (_requests, requests) = mpsc::channel(1);
    let shutdown = CancellationToken::new();
    let polling = tokio::spawn(inverter::run(inverter, sender, requests, shutdown.clone()));
    let true_of_it = truth(&simulator, &mut Layout::new(true));
    let (mut layout, mut wrong, mut count) = (Layout::new(true), BTreeSet::new(), 0);
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        tokio::select! {
            biased;
            () = sleep_until(end) => break,
            changed = receiver.changed() => changed.expect("the task lives"),
        }
        let snapshot = receiver.borrow_and_update().clone().expect("a snapshot");
        let published = leaves(&snapshot, &mut layout);
        count = published.len();
        for (path, value) in published.into_iter().filter(|(path, _)| !is_of_the_reading(path)) {
            if true_of_it.get(&path) != Some(&value) {
                wrong.insert(format!("{path} = {value} instead of {:?}", true_of_it.get(&path)));
            }
        }
    }
    shutdown.cancel();
    polling.await.expect("no panic");
    (wrong, count)
}

#[tokio::test(start_paused = true)]
async fn every_leaf_of_the_first_minute_is_true_of_a_plant_of_any_family() {
    for &family in Family::ALL {
        let (wrong, count) = first_minute(family).await;
        assert!(wrong.is_empty(), "{family}: {} wrong: {wrong:#?}", wrong.len());
        assert!(count > 300, "{family}: {count} leaves");
    }
}
