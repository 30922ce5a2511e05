//! Writing to InfluxDB: every poll as a line of its protocol, with GivTCP's measurement and fields. docs/influxdb.md.
//!
//! Lines wait in memory and are sent together. While the server is away they go to the disk, where there is a bound: the
//! oldest make room. They are sent in the order in which they were read, and what is sent twice is written once, since its
//! time is the same. Nothing waits for this.

mod client;
mod line;
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
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::catalogue::{Layout, Role};
use crate::frame::Serial;
use crate::inverter::{Hold, OwnPolls};
use crate::lane::Lane;
use crate::plant::Snapshot;
use client::{Refused, write};
pub use client::{Target, TargetError};
use spool::Spool;

/// The pace of a program that runs.
const USUAL: Pace = Pace {
    every: Duration::from_secs(30),
    within: Duration::from_secs(10),
    first_rest: Duration::from_secs(5),
    longest_rest: Duration::from_secs(300),
};
/// What waits is written to the disk so often while the server is away.
const SPILL_EVERY: Duration = Duration::from_secs(300);
/// No more waits in memory, bytes; what is more goes to the disk at once.
const IN_MEMORY: usize = 128 * 1024;
/// No more is sent at a time, bytes.
const MOST: usize = 256 * 1024;
/// The disk gets this long.
const PATIENCE: Duration = Duration::from_secs(5);
/// The same when the program stops.
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

/// What was taken from the disk, and is being sent.
#[derive(Debug)]
struct Taken {
    segment: u64,
    lines: VecDeque<String>,
}

/// What the loop that sends knows.
struct Sending<'a> {
    influx: &'a Influx,
    lane: Lane,
    spool: Arc<Mutex<Spool>>,
    taken: Option<Taken>,
    /// What is being sent; it is not known yet whether it arrives.
    in_flight: Vec<String>,
    /// No more is sent at a time, bytes.
    most: usize,
    /// So many lines are sent one by one, since one of them is not taken.
    singly: usize,
    backoff: Backoff,
    /// The failures that were told since the server took something.
    said: Vec<String>,
    said_full: bool,
    said_disk: bool,
    spilled: Instant,
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

// === impl Sending ===

impl<'a> Sending<'a> {
    fn new(influx: &'a Influx) -> Self {
        Self {
            spool: Arc::new(Mutex::new(Spool::new(influx.directory.clone()))),
            influx,
            lane: Lane::new(),
            taken: None,
            in_flight: Vec::new(),
            most: MOST,
            singly: 0,
            backoff: Backoff::new(influx.pace.first_rest, fastrand::u64(..)),
            said: Vec::new(),
            said_full: false,
            said_disk: false,
            spilled: Instant::now(),
        }
    }

    /// Looks for what an earlier run left.
    async fn open(&mut self) {
        let left = self.on_disk(PATIENCE, |spool| spool.open().map(|()| spool.bytes())).await;
        if left.is_some_and(|bytes| bytes > 0) {
            tracing::info!("{}: what was kept for it is sent first", self.influx.target);
        }
    }

    async fn go_on(&mut self) {
        let mut due = Instant::now() + self.influx.pace.every;
        loop {
            sleep_until(due).await;
            let rest = match self.send().await {
                // There is more.
                Ok(true) => Duration::ZERO,
                Ok(false) => self.influx.pace.every,
                Err(refused) => {
                    self.influx.counters.failures.fetch_add(1, Ordering::Relaxed);
                    self.say(&refused);
                    let is_full = self.influx.waiting().bytes > IN_MEMORY;
                    if is_full || self.spilled.elapsed() >= SPILL_EVERY {
                        self.spill(PATIENCE).await;
                    }
                    self.backoff.next_rest(self.influx.pace.longest_rest)
                }
            };
            self.count_waiting();
            due = Instant::now() + rest;
        }
    }

    /// Sends what has waited longest; says whether more waits.
    async fn send(&mut self) -> Result<bool, Refused> {
        if self.taken.is_none() {
            let next = self.on_disk(PATIENCE, Spool::oldest).await.flatten();
            self.taken = next.map(|(segment, lines)| Taken { segment, lines });
        }
        let lines = self.next_lines();
        if lines.is_empty() {
            return Ok(false);
        }
        self.in_flight.clone_from(&lines);
        let outcome = write(&self.influx.target, lines.concat(), self.influx.pace.within).await;
        self.in_flight.clear();
        let count = lines.len() as u64;
        match outcome {
            Ok(()) => {
                self.influx.counters.written.fetch_add(count, Ordering::Relaxed);
                self.is_taken();
            }
            Err(Refused::TooLong) if lines.len() > 1 => {
                self.most = lines.iter().map(String::len).sum::<usize>() / 2;
                self.put_back(lines);
                return Ok(true);
            }
            // Which of them it is shows when each comes alone.
            Err(Refused::Data(_)) if lines.len() > 1 => {
                self.singly = lines.len();
                self.put_back(lines);
                return Ok(true);
            }
            Err(refused @ (Refused::Data(_) | Refused::TooLong)) => {
                self.influx.counters.rejected.fetch_add(count, Ordering::Relaxed);
                self.say(&refused);
            }
            Err(refused) => {
                self.put_back(lines);
                return Err(refused);
            }
        }
        self.singly = self.singly.saturating_sub(lines.len());
        if let Some(done) = self.taken.take_if(|taken| taken.lines.is_empty()) {
            _ = self.on_disk(PATIENCE, move |spool| spool.remove(done.segment)).await;
        }
        let waits = self.taken.is_some() || self.singly > 0;
        Ok(waits || self.on_disk(PATIENCE, |spool| Ok(spool.bytes() > 0)).await.unwrap_or(false))
    }

    /// As many lines as go together, from the disk as long as there are some.
    fn next_lines(&mut self) -> Vec<String> {
        let most = if self.singly > 0 { 0 } else { self.most };
        if let Some(taken) = &mut self.taken {
            return first_of(&mut taken.lines, most);
        }
        let mut waiting = self.influx.waiting();
        let lines = first_of(&mut waiting.lines, most);
        waiting.bytes -= lines.iter().map(String::len).sum::<usize>();
        lines
    }

    fn put_back(&mut self, lines: Vec<String>) {
        if let Some(taken) = &mut self.taken {
            lines.into_iter().rev().for_each(|line| taken.lines.push_front(line));
            return;
        }
        self.influx.waiting().put_back(lines);
    }

    /// The server takes lines.
    fn is_taken(&mut self) {
        self.backoff.reset();
        if !self.said.is_empty() {
            self.said.clear();
            (self.said_full, self.said_disk) = (false, false);
            tracing::info!("{} takes what is read again", self.influx.target);
        }
    }

    /// Writes what waits in memory to the disk. Where that cannot be, the oldest make room.
    async fn spill(&mut self, patience: Duration) {
        self.spilled = Instant::now();
        let lines: Vec<String> = {
            let mut waiting = self.influx.waiting();
            waiting.bytes = 0;
            waiting.lines.drain(..).collect()
        };
        if lines.is_empty() {
            return;
        }
        let given = lines.clone();
        match self.on_disk(patience, move |spool| spool.append(&given)).await {
            Some(0) => {}
            Some(dropped) => self.say_full(dropped),
            None => {
                let mut waiting = self.influx.waiting();
                // Newer ones may have come meanwhile.
                waiting.put_back(lines);
                let mut dropped = 0;
                while waiting.bytes > IN_MEMORY
                    && let Some(line) = waiting.lines.pop_front()
                {
                    waiting.bytes -= line.len();
                    dropped += 1;
                }
                drop(waiting);
                self.say_full(dropped);
            }
        }
    }

    fn say_full(&mut self, dropped: u64) {
        self.influx.counters.dropped.fetch_add(dropped, Ordering::Relaxed);
        if dropped > 0 && !std::mem::replace(&mut self.said_full, true) {
            tracing::warn!("{}: there is no room for all that waits for it; the oldest is dropped", self.influx.target);
        }
    }

    /// Says each failure once, until the server takes something.
    fn say(&mut self, refused: &Refused) {
        let line = refused.to_string();
        if !self.said.contains(&line) && self.said.len() < 20 {
            tracing::warn!("{}: {line}", self.influx.target);
            self.said.push(line);
        }
    }

    /// The same of the disk.
    fn say_disk<T>(&mut self, why: &str) -> Option<T> {
        if !std::mem::replace(&mut self.said_disk, true) {
            tracing::warn!("data_dir: what must wait for {} cannot be kept: {why}", self.influx.target);
        }
        None
    }

    fn count_waiting(&self) {
        let on_disk = self.spool.lock().unwrap_or_else(PoisonError::into_inner).bytes();
        let waiting = self.influx.waiting().bytes as u64 + on_disk;
        self.influx.counters.waiting.store(waiting, Ordering::Relaxed);
    }

    /// Does something with what lies on the disk; `None` if that failed.
    async fn on_disk<T: Send + 'static>(
        &mut self,
        patience: Duration,
        work: impl FnOnce(&mut Spool) -> std::io::Result<T> + Send + 'static,
    ) -> Option<T> {
        let spool = Arc::clone(&self.spool);
        let doing = move || work(&mut spool.lock().unwrap_or_else(PoisonError::into_inner));
        match self.lane.run(patience, doing).await {
            Ok(Ok(done)) => Some(done),
            Ok(Err(error)) => self.say_disk(&error.to_string()),
            Err(error) => self.say_disk(&error.to_string()),
        }
    }
}

/// The first lines that are together no longer than so many bytes; one at least.
fn first_of(lines: &mut VecDeque<String>, most: usize) -> Vec<String> {
    let mut taken: Vec<String> = lines.pop_front().into_iter().collect();
    let mut bytes = taken.iter().map(String::len).sum::<usize>();
    while lines.front().is_some_and(|line| bytes + line.len() <= most) {
        let Some(line) = lines.pop_front() else { break };
        bytes += line.len();
        taken.push(line);
    }
    taken
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
