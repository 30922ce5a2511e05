//! What was: means and extremes of the main values by the minute, by five minutes and by the hour, and the energy of each
//! day, in one file.
//!
//! Readings are gathered in memory ([`gather`], pure) and written all five minutes in one transaction ([`database`]), so
//! that an SD card lasts and a crash costs no more than that. What was not read is not there. Nothing waits for this: a
//! disk that is full or slow costs history alone.

mod cell;
mod cost;
mod database;
mod gather;
mod query;
mod series;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::frame::Serial;
use crate::inverter::{Hold, OwnPolls};
use crate::lane::{Lane, LaneError};
use crate::plant::Snapshot;

pub use cell::Cell;
use database::{Database, DatabaseError};
pub use gather::Day;
use gather::Gathered;
pub use query::{Point, Range, Step};
pub use series::{SERIES, Series};

/// The file, in the data directory.
pub const FILE: &str = "history.db";
/// Between two writes.
const EVERY: Duration = Duration::from_secs(300);
/// What is written or read takes no longer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The last write takes no longer.
const LAST: Duration = Duration::from_millis(800);
/// No more questions wait at a time.
const MOST_QUESTIONS: usize = 8;

/// Where history is kept. Clones are the same.
#[derive(Clone, Debug)]
pub struct History {
    path: Arc<PathBuf>,
    lane: Lane,
    database: Arc<Mutex<Option<Database>>>,
    /// What was read and is not written yet.
    waiting: Arc<Mutex<Gathered>>,
    questions: Arc<tokio::sync::Semaphore>,
    /// How long all but minutes are kept, s.
    kept: i64,
    zone: TimeZone,
    clock: Arc<dyn ClockOf>,
    /// Between writes.
    every: Duration,
    /// Writes that were done, and that failed.
    writes: Arc<[AtomicU64; 2]>,
}

/// A clock that says nothing of itself.
trait ClockOf: Send + Sync + std::fmt::Debug {
    fn now(&self) -> jiff::Timestamp;
}

struct Wall(Arc<dyn Clock>);

impl ClockOf for Wall {
    fn now(&self) -> jiff::Timestamp {
        self.0.now()
    }
}

impl std::fmt::Debug for Wall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wall")
    }
}

/// What is read of one inverter, and whether it is this process that reads it.
#[derive(Clone, Debug)]
pub struct Source {
    /// What is read.
    pub snapshots: watch::Receiver<Option<Arc<Snapshot>>>,
    /// Who has it.
    pub hold: watch::Receiver<Hold>,
}

/// Why a question about the past has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Unknown {
    /// The file.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The disk takes too long.
    #[error("{FILE}: {0}")]
    Lane(#[from] LaneError),
    /// Others ask already.
    #[error("too many ask for history at a time")]
    Busy,
}

impl History {
    /// A file in this directory, which keeps all but minutes for so many days. Nothing is opened yet.
    pub fn new(directory: PathBuf, days: u16, zone: TimeZone, clock: Arc<dyn Clock>) -> Self {
        Self {
            path: Arc::new(directory.join(FILE)),
            lane: Lane::new(),
            database: Arc::default(),
            waiting: Arc::default(),
            questions: Arc::new(tokio::sync::Semaphore::new(MOST_QUESTIONS)),
            kept: i64::from(days) * 86_400,
            zone,
            every: clock.takes(EVERY),
            clock: Arc::new(Wall(clock)),
            writes: Arc::default(),
        }
    }

    /// How often it was written, and how often that failed, since the program began.
    pub fn writes(&self) -> (u64, u64) {
        let [done, not_done] = &*self.writes;
        (done.load(Ordering::Relaxed), not_done.load(Ordering::Relaxed))
    }

    /// What time it is, epoch seconds.
    pub fn now(&self) -> i64 {
        self.clock.now().as_second()
    }

    /// The date today, in the inverters' time zone.
    pub fn today(&self) -> Date {
        self.clock.now().to_zoned_datetime(self.zone.clone()).date()
    }

    /// Keeps what is read until `shutdown`, and what is left by then too.
    pub async fn keep(self, sources: Vec<Source>, shutdown: CancellationToken) {
        let following = sources.into_iter().map(|source| self.follow(source));
        let mut due = interval_at(tokio::time::Instant::now() + self.every, self.every);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failed = false;
        let writing = async {
            loop {
                due.tick().await;
                self.flush(PATIENCE, &mut failed).await;
            }
        };
        shutdown.run_until_cancelled(async { tokio::join!(join_all(following), writing) }).await;
        self.flush(LAST, &mut false).await;
    }

    async fn follow(&self, source: Source) {
        let mut polls = OwnPolls::new(source.snapshots, source.hold);
        while let Some((snapshot, at)) = polls.next().await {
            let there = at.to_zoned_datetime(self.zone.clone());
            let minute = i64::from(there.hour()) * 60 + i64::from(there.minute());
            locked(&self.waiting).take(&snapshot, at.as_second(), (there.date(), minute));
        }
        // The other inverters go on.
        std::future::pending::<()>().await;
    }

    /// Writes what was gathered. What cannot be written waits for the next time.
    async fn flush(&self, patience: Duration, failed: &mut bool) {
        let taken = std::mem::take(&mut *locked(&self.waiting));
        if taken.is_empty() {
            return;
        }
        let (now, kept, taken) = (self.now(), self.kept, Arc::new(taken));
        let given = Arc::clone(&taken);
        let written = self.with(patience, move |database| database.write(&given, now, kept)).await;
        let [done, not_done] = &*self.writes;
        if written.is_ok() { done } else { not_done }.fetch_add(1, Ordering::Relaxed);
        match written {
            Ok(()) => *failed = false,
            Err(Unknown::Database(error)) => {
                locked(&self.waiting).put_back(Arc::unwrap_or_clone(taken));
                if !std::mem::replace(failed, true) {
                    tracing::error!("history is not written: {error}; tried again every 5 minutes");
                }
            }
            // It may still be written, so it must not be written again.
            Err(error) => tracing::warn!("history of the last minutes may be lost: {error}"),
        }
    }

    /// The points of some series, each in its place.
    ///
    /// # Errors
    /// [`Unknown`].
    pub async fn points(&self, serial: Serial, series: Vec<usize>, range: Range) -> Result<Vec<Point>, Unknown> {
        let (_permit, zone, waiting) = (self.permit()?, self.zone.clone(), Arc::clone(&self.waiting));
        let read = move |database: &mut Database| {
            let mut points = Vec::new();
            let mut add = |at, row: &_| range.add(&mut points, at, row, &series, &zone);
            // Looked at where it is written too, one after the other: nothing is told twice.
            let mut newest = locked(&waiting).rows(serial, range.level(), (range.from, range.to));
            database.rows(serial, range.level(), (range.from, range.to), |at, mut row| {
                while let Some(earlier) = newest.first_entry().filter(|entry| *entry.key() < at) {
                    let (at, row) = earlier.remove_entry();
                    add(at, &row);
                }
                if let Some(more) = newest.remove(&at) {
                    row.join(&more);
                }
                add(at, &row);
            })?;
            for (at, row) in &newest {
                add(*at, row);
            }
            Ok(points)
        };
        self.with(PATIENCE, read).await
    }

    /// The energy of each day from one on to another, that included.
    ///
    /// # Errors
    /// [`Unknown`].
    pub async fn days(&self, serial: Serial, from: Date, to: Date) -> Result<Vec<(Date, Day)>, Unknown> {
        let (_permit, waiting) = (self.permit()?, Arc::clone(&self.waiting));
        let read = move |database: &mut Database| {
            let mut days: BTreeMap<Date, Day> = database.days(serial, from, to)?.into_iter().collect();
            for (date, day) in locked(&waiting).days_of(serial, from, to) {
                let known = days.entry(date).or_default();
                *known = day.or(*known);
            }
            Ok(days.into_iter().collect())
        };
        self.with(PATIENCE, read).await
    }

    /// Whether anything of an inverter is kept.
    ///
    /// # Errors
    /// [`Unknown`].
    pub async fn knows(&self, serial: Serial) -> Result<bool, Unknown> {
        let _permit = self.permit()?;
        let is_waiting = locked(&self.waiting).serials().contains(&serial);
        Ok(is_waiting || self.with(PATIENCE, move |database| database.knows(serial)).await?)
    }

    fn permit(&self) -> Result<tokio::sync::SemaphorePermit<'_>, Unknown> {
        self.questions.try_acquire().map_err(|_| Unknown::Busy)
    }

    /// Does `work` with the file, which is opened if it is not open. One that turns out to be damaged is closed, and set
    /// aside when it is opened next.
    async fn with<T: Send + 'static>(
        &self,
        patience: Duration,
        work: impl FnOnce(&mut Database) -> Result<T, DatabaseError> + Send + 'static,
    ) -> Result<T, Unknown> {
        let (path, database) = (Arc::clone(&self.path), Arc::clone(&self.database));
        let doing = move || {
            let mut slot = database.lock().unwrap_or_else(PoisonError::into_inner);
            let open = match slot.take() {
                Some(open) => open,
                None => Database::open(&path)?,
            };
            let done = work(slot.insert(open));
            if done.as_ref().is_err_and(DatabaseError::is_damage) {
                *slot = None;
            }
            done
        };
        Ok(self.lane.run(patience, doing).await??)
    }
}

fn locked(gathered: &Mutex<Gathered>) -> std::sync::MutexGuard<'_, Gathered> {
    gathered.lock().unwrap_or_else(PoisonError::into_inner)
}
