//! Sending what waits, in its order, and keeping on the disk what cannot be sent now.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::Influx;
use super::client::{Refused, write};
use super::spool::Spool;
use crate::backoff::Backoff;
use crate::lane::Lane;

/// What waits is written to the disk so often while the server is away.
const SPILL_EVERY: Duration = Duration::from_secs(300);
/// No more waits in memory, bytes; what is more goes to the disk at once.
const IN_MEMORY: usize = 128 * 1024;
/// No more is sent at a time, bytes.
const MOST: usize = 256 * 1024;
/// A server that wants to be left alone is so for no longer.
const LONGEST_ASKED: Duration = Duration::from_secs(3600);
/// The disk gets this long.
const PATIENCE: Duration = Duration::from_secs(5);

/// What was taken from the disk, and is being sent.
#[derive(Debug)]
struct Taken {
    segment: u64,
    lines: VecDeque<String>,
}

/// What the loop that sends knows.
pub(super) struct Sending<'a> {
    influx: &'a Influx,
    lane: Lane,
    spool: Arc<Mutex<Spool>>,
    taken: Option<Taken>,
    /// What is being sent; it is not known yet whether it arrives.
    pub(super) in_flight: Vec<String>,
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

impl<'a> Sending<'a> {
    pub(super) fn new(influx: &'a Influx) -> Self {
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
    pub(super) async fn open(&mut self) {
        let left = self.on_disk(PATIENCE, |spool| spool.open().map(|()| spool.bytes())).await;
        if left.is_some_and(|bytes| bytes > 0) {
            tracing::info!("{}: what was kept for it is sent first", self.influx.target);
        }
        self.count_waiting();
    }

    pub(super) async fn go_on(&mut self) {
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
                    if self.spilled.elapsed() >= SPILL_EVERY {
                        self.spill(PATIENCE).await;
                    }
                    let rest = self.backoff.next_rest(self.influx.pace.longest_rest);
                    if let Refused::Busy(_, asked) = refused { asked.clamp(rest, LONGEST_ASKED) } else { rest }
                }
            };
            let is_full = self.influx.waiting().bytes > IN_MEMORY;
            if is_full {
                self.spill(PATIENCE).await;
            }
            self.count_waiting();
            due = Instant::now() + rest;
        }
    }

    /// Sends what has waited longest; says whether more waits.
    async fn send(&mut self) -> Result<bool, Refused> {
        if self.taken.is_none() {
            let next = self.on_disk(PATIENCE, |spool| Ok((spool.oldest()?, spool.take_damaged()))).await;
            let (oldest, damaged) = next.unwrap_or_default();
            self.say_damaged(damaged);
            self.taken = oldest.map(|(segment, lines)| Taken { segment, lines });
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
            Err(refused @ Refused::Data(_)) => {
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
        // What was too long once may be none too long later.
        self.most = (self.most * 2).min(MOST);
        let waits = self.taken.is_some() || self.singly > 0 || !self.influx.waiting().lines.is_empty();
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

    pub(super) fn put_back(&mut self, lines: Vec<String>) {
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
    pub(super) async fn spill(&mut self, patience: Duration) {
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

    fn say_damaged(&self, lines: u64) {
        self.influx.counters.dropped.fetch_add(lines, Ordering::Relaxed);
        if lines > 0 {
            let (target, directory) = (&self.influx.target, self.influx.directory.display());
            tracing::warn!("{target}: {lines} lines that waited in {directory} are damaged, and dropped");
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
