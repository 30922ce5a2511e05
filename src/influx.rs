//! Writing to InfluxDB: every poll as a line of its protocol, with GivTCP's measurement and fields. docs/influxdb.md.
//!
//! Lines wait in memory and are sent together. While the server is away they go to the disk, where there is a bound: the
//! oldest make room. They are sent in the order in which they were read, and what is sent twice is written once, since its
//! time is the same. Nothing waits for this.

mod client;
mod line;
mod sending;
mod spool;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::catalogue::{Layout, Role};
use crate::frame::Serial;
use crate::inverter::{Hold, OwnPolls};
use crate::plant::Snapshot;
pub use client::{Target, TargetError};
use sending::Sending;

/// The pace of a program that runs.
const USUAL: Pace = Pace {
    every: Duration::from_secs(30),
    within: Duration::from_secs(10),
    first_rest: Duration::from_secs(5),
    longest_rest: Duration::from_secs(300),
};
/// The disk gets this long when the program stops.
const LAST: Duration = Duration::from_millis(600);

/// How fast things go.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// Between two attempts to send, so that several polls go together.
    every: Duration,
    /// A write is answered within this.
    within: Duration,
    /// Where the server is away it is asked again after this, and after longer rests from then on.
    first_rest: Duration,
    longest_rest: Duration,
}

/// In which role an inverter is published.
pub type RoleOf = Arc<dyn Fn(Serial) -> Role + Send + Sync>;

/// What is read of one inverter, and whether it is this process that reads it.
#[derive(Clone)]
pub struct Source {
    /// What is read.
    pub snapshots: watch::Receiver<Option<Arc<Snapshot>>>,
    /// Who has it.
    pub hold: watch::Receiver<Hold>,
    /// Whether another inverter leads it.
    pub role: RoleOf,
}

/// What became of lines, since the program began.
#[derive(Debug, Default)]
pub struct InfluxCounters {
    written: AtomicU64,
    rejected: AtomicU64,
    dropped: AtomicU64,
    failures: AtomicU64,
    waiting: AtomicU64,
}

/// What [`InfluxCounters`] said at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InfluxCounts {
    /// Lines that the server took.
    pub written: u64,
    /// Lines that it will never take.
    pub rejected: u64,
    /// Lines for which there was no room.
    pub dropped: u64,
    /// Attempts to send that failed.
    pub failures: u64,
    /// Bytes that wait.
    pub waiting: u64,
}

/// Lines that wait in memory, the oldest first.
#[derive(Debug, Default)]
struct Waiting {
    lines: VecDeque<String>,
    bytes: usize,
}

/// Keeps one InfluxDB told.
#[derive(Debug)]
pub struct Influx {
    target: Target,
    directory: PathBuf,
    counters: Arc<InfluxCounters>,
    waiting: Mutex<Waiting>,
    pace: Pace,
}

impl Influx {
    /// For this server; what must wait lies in a directory of its own in `data_dir`.
    pub fn new(target: Target, data_dir: PathBuf) -> Self {
        let directory = data_dir.join("influx");
        Self { target, directory, counters: Arc::default(), waiting: Mutex::default(), pace: USUAL }
    }

    /// What becomes of lines.
    pub fn counters(&self) -> Arc<InfluxCounters> {
        Arc::clone(&self.counters)
    }

    /// Sends what is read until `shutdown`, and keeps what could not be sent by then.
    pub async fn keep(self, sources: Vec<Source>, shutdown: CancellationToken) {
        let following = join_all(sources.into_iter().map(|source| Box::pin(self.follow(source))));
        let mut sending = Sending::new(&self);
        let going_on = Box::pin(async {
            sending.open().await;
            sending.go_on().await;
        });
        shutdown.run_until_cancelled(async { tokio::join!(following, going_on) }).await;
        let in_flight = std::mem::take(&mut sending.in_flight);
        sending.put_back(in_flight);
        sending.spill(LAST).await;
    }

    async fn follow(&self, source: Source) {
        let (mut layout, mut polls) = (Layout::new(false), OwnPolls::new(source.snapshots, source.hold));
        while let Some((snapshot, at)) = polls.next().await {
            let tree = layout.tree_as((source.role)(snapshot.identity.serial), &snapshot);
            if let Some(line) = line::of(&tree, at) {
                self.waiting().push(line);
            }
        }
        // The other inverters go on.
        std::future::pending::<()>().await;
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Waiting, impl InfluxCounters ===

impl Waiting {
    fn push(&mut self, line: String) {
        self.bytes += line.len();
        self.lines.push_back(line);
    }

    /// They are the oldest.
    fn put_back(&mut self, lines: Vec<String>) {
        for line in lines.into_iter().rev() {
            self.bytes += line.len();
            self.lines.push_front(line);
        }
    }
}

impl InfluxCounters {
    /// All of them as they are now.
    pub fn snapshot(&self) -> InfluxCounts {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        InfluxCounts {
            written: of(&self.written),
            rejected: of(&self.rejected),
            dropped: of(&self.dropped),
            failures: of(&self.failures),
            waiting: of(&self.waiting),
        }
    }
}
