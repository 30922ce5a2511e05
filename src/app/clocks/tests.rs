use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::ToSpan;
use tokio::sync::watch;

use super::*;
use crate::control::tests::fixture::Bench;
use crate::control::{Report, orders};
use crate::plant::Snapshot;
use crate::plant::snapshot::Timeslots;
use crate::simulator::Family;

const MINUTE: Duration = Duration::from_secs(60);

/// Wall time that goes on with the paused clock, from noon.
struct FromNoon(Instant);

impl Clock for FromNoon {
    fn now(&self) -> Timestamp {
        let noon: Timestamp = "2026-06-05T12:00:00Z".parse().unwrap();
        noon + i64::try_from(self.0.elapsed().as_secs()).unwrap().seconds()
    }
}

/// A program whose inverter answers each order with `outcome`.
struct Program {
    snapshots: watch::Sender<Option<Arc<Snapshot>>>,
    set: Arc<AtomicUsize>,
    stop: CancellationToken,
}

impl Program {
    fn start(began: Instant, store: Option<&Store>, outcome: &Outcome) -> Self {
        let (orders, inbox) = orders();
        let (snapshots, receiver) = watch::channel(None);
        let (set, stop) = (Arc::<AtomicUsize>::default(), CancellationToken::new());
        let clock = Arc::new(FromNoon(began));
        let keeping = Keeping { snapshots: receiver, orders, clock, zone: TimeZone::UTC, store: store.cloned() };
        tokio::spawn(keeping.keep(MINUTE, stop.clone()));
        let (counted, outcome) = (Arc::clone(&set), outcome.clone());
        tokio::spawn(async move {
            let mut inbox = inbox.take().await;
            loop {
                let given = inbox.next().await;
                assert_eq!((given.order.by, &given.order.command), (By::Program, &Command::Clock(ClockSetting::Now)));
                assert!(given.order.inverter.is_some(), "of whichever is there");
                counted.fetch_add(1, Ordering::Relaxed);
                given.answer(Report::new("clock", outcome.clone()));
            }
        });
        Self { snapshots, set, stop }
    }

    /// Polls every 15 s; how often the clock was set until then.
    async fn poll(&self, skew: i64, lasting: Duration) -> usize {
        let mut snapshot = Bench::new(Family::HybridGen1).snapshot();
        snapshot.stats.online = true;
        (snapshot.clock_skew, snapshot.timeslots) = (Some(skew), Timeslots::default());
        for _ in 0..lasting.as_secs() / 15 {
            self.snapshots.send_replace(Some(Arc::new(snapshot.clone())));
            sleep(Duration::from_secs(15)).await;
        }
        self.set.load(Ordering::Relaxed)
    }
}

fn store() -> (tempfile::TempDir, Store) {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    (directory, store)
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_stays_off_is_set_once_a_day_also_across_restarts() {
    let (_directory, store) = store();
    let began = Instant::now();
    let program = Program::start(began, Some(&store), &Outcome::Applied);
    assert_eq!(program.poll(59, MINUTE * 10).await, 0, "near enough");
    assert_eq!(program.poll(75, MINUTE).await, 0, "one reading may be wrong");
    assert_eq!(program.poll(0, MINUTE).await, 0);
    assert_eq!(program.poll(-75, MINUTE * 3).await, 1);
    // What is set has no effect.
    assert_eq!(program.poll(-75, MINUTE * 60 * 20).await, 1);
    program.stop.cancel();
    let next = Program::start(began, Some(&store), &Outcome::Applied);
    assert_eq!(next.poll(-75, MINUTE * 60 * 3).await, 0, "it was set today");
    assert_eq!(next.poll(-75, MINUTE * 60 * 3).await, 1, "a day is over");
}

#[tokio::test(start_paused = true)]
async fn what_was_not_begun_is_tried_again_and_what_failed_is_not() {
    for (outcome, times) in [
        (Outcome::refused("override_runs", "later"), 4),
        (Outcome::unreachable("gone"), 4),
        (Outcome::Planned, 1),
        (Outcome::Unchanged, 1),
    ] {
        let (_directory, store) = store();
        let program = Program::start(Instant::now(), Some(&store), &outcome);
        assert_eq!(program.poll(3600, MINUTE * 62).await, times, "{outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn where_nothing_can_be_kept_a_clock_is_set_once_a_day_all_the_same() {
    let program = Program::start(Instant::now(), None, &Outcome::Applied);
    assert_eq!(program.poll(-75, MINUTE * 60 * 20).await, 1);
}
