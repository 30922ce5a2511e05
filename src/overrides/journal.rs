//! The journal of overrides: what each will undo, on disk before its first register is written, and how far it got.
//!
//! A [`Record`] is kept for every override, and for every other plan of two or more registers. It is always on the local
//! disk first, and synced; where Redis is configured, it is there too before the first register is written, so that
//! another machine can undo what this one began. After any crash a record is complete or absent, never half, and one
//! whose registers may have been written is never lost.
//!
//! Whoever holds the lease of an inverter's link executes: [`Journal::begin`] for something new, [`Journal::take_up`] for
//! what [`Journal::open_records`] finds of others, and then [`Handle::advance`] before and after each write. Leases have
//! fences: who was overtaken is refused.

mod copy;
mod disk;
mod document;
mod handle;
mod local;
mod merge;
mod record;
mod said;
mod shared;
mod step;

pub use handle::Handle;
pub use merge::{Merged, merge};
pub use record::{
    End, Group, LONGEST_TEXT, MOST_GROUPS, MOST_REGISTERS, Plan, Progress, Reach, Record, RecordId, Register, Stage,
    What,
};
pub use step::{Step, StepError, Which};

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use disk::{Directory, unfit_data_dir};
use local::{Local, MOST_OPEN, NotKept};
use said::Said;
use shared::{InRedis, NotShared, Shared};

use crate::clock::Clock;
use crate::frame::Serial;
use crate::redis_server::RedisServer;

/// Below the data directory.
const DIRECTORY: &str = "journal";
/// What a record that was damaged means.
const AFTER_DAMAGE: &str =
    "an override of this inverter may not have been undone: check its charge and discharge settings";

/// What overrides will undo. Clones are the same journal.
#[derive(Clone)]
pub struct Journal {
    local: Local,
    shared: Option<Arc<dyn Shared>>,
    clock: Arc<dyn Clock>,
    said: Arc<Mutex<Said>>,
}

/// What was found in both places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The records, the oldest first.
    pub records: Vec<Record>,
    /// What is kept as a record and is none.
    pub faults: Vec<Fault>,
    /// Why a place could not be read at all: there may be more.
    pub unread: Vec<String>,
    /// Records that are damaged beyond mending, the oldest first.
    pub lost: Vec<Lost>,
}

/// A record that was damaged, and of which no copy is left: what it would have undone is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Whose it is, by its name.
    pub inverter: Serial,
    /// Which, by its name.
    pub id: RecordId,
    /// Where it was set aside.
    pub place: String,
    /// Whether it was an override's that was open: it had a copy, which is damaged too. Otherwise it may have been done,
    /// or a command's.
    pub was_open: bool,
}

/// Something that is kept as a record and is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Whose it is, by its name.
    pub inverter: Serial,
    /// Which, by its name.
    pub id: RecordId,
    /// Where it is.
    pub place: String,
    /// What is wrong with it.
    pub kind: FaultKind,
    /// The same, for people.
    pub why: String,
}

/// What is wrong with something that is kept as a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// It is damaged, and was set aside: what it would have undone is not known.
    Damaged,
    /// It was damaged, and what it said is known from elsewhere.
    Mended,
    /// A later version of this program wrote it. It stays.
    Newer,
    /// It cannot be read. It stays.
    Unread,
}

/// Why the journal did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// What should be begun is no plan.
    #[error("not a plan: {0}")]
    Plan(String),
    /// What an override will undo cannot be kept on the local disk.
    #[error("no override can start, since what it must undo cannot be kept: {0}")]
    Unfit(String),
    /// What an override will undo cannot be kept in Redis, where that is configured.
    #[error("no override can start, since what it must undo cannot be kept in redis too: {0}")]
    Unshared(String),
    /// There is a record of this inverter that cannot be read, and what it would undo is not known.
    #[error("no override can start on {0}")]
    Blocked(Fault),
    /// Too many are open.
    #[error("no override can start, since {MOST_OPEN} records are open and must be undone first")]
    TooMany,
    /// The record may not take this step.
    #[error(transparent)]
    Step(#[from] StepError),
    /// A step could not be kept on the local disk. One of undoing counts all the same, and the undoing should go on: at
    /// worst it is repeated after a restart.
    #[error("a step could not be kept: {0}")]
    NotKept(String),
    /// Another process has taken the record up under a later lease, or in a later version.
    #[error("record {0} was taken up by another process")]
    Overtaken(RecordId),
    /// No such record is open.
    #[error("no open record: {0}")]
    Gone(RecordId),
}

/// Why no override could start with this data directory, if so; for `givtcp check`. Makes nothing that stays.
pub fn check(data_dir: &Path) -> Option<String> {
    unfit_data_dir(data_dir)
}

/// Records that were damaged and set aside, a line each; for `givtcp check`.
pub fn set_aside(data_dir: &Path) -> Vec<String> {
    local::set_aside(&Directory::new(data_dir.join(DIRECTORY)))
}

// === impl Journal ===

impl Journal {
    /// The journal in this data directory, on the local disk only. Nothing is read yet, and a directory that cannot be
    /// used is told by [`Journal::begin`].
    pub fn new(data_dir: &Path, clock: Arc<dyn Clock>) -> Self {
        let disk = Directory::new(data_dir.join(DIRECTORY));
        Self { local: Local::new(Arc::new(disk)), shared: None, clock, said: Arc::default() }
    }

    /// As [`Journal::new`], in a directory that counts as lasting even where it is in memory: for tests and trials.
    pub fn trusting(data_dir: &Path, clock: Arc<dyn Clock>) -> Self {
        let disk = Directory::trusted(data_dir.join(DIRECTORY));
        Self { local: Local::new(Arc::new(disk)), shared: None, clock, said: Arc::default() }
    }

    /// With Redis as its second place, which need not be there yet.
    #[must_use]
    pub fn with_redis(self, server: RedisServer) -> Self {
        Self { shared: Some(Arc::new(InRedis::new(server))), ..self }
    }

    /// What is not done yet, in both places, the oldest first, whoever began it; of one that is in both, the farther.
    /// Each place is brought up to what the other knows. What cannot be read is said in the log, and returned.
    pub async fn open_records(&self) -> Found {
        let mut found = self.read().await;
        found.records.retain(Record::is_open);
        found
    }

    /// Every record that is kept, as [`Journal::open_records`]: also the last few that are done.
    pub async fn all_records(&self) -> Found {
        self.read().await
    }

    /// Begins a record, under the lease that has this fence. When this returns, it is on the local disk, and in Redis if
    /// that is configured: now registers may be written.
    ///
    /// # Errors
    /// [`JournalError::Plan`], [`JournalError::Unfit`], [`JournalError::Unshared`], [`JournalError::Blocked`],
    /// [`JournalError::TooMany`]; no register may be written.
    pub async fn begin(&self, plan: Plan, fence: u64) -> Result<Handle, JournalError> {
        if let Some(fault) = plan.fault() {
            return Err(JournalError::Plan(fault));
        }
        if let Some(why) = self.local.unfit().await {
            return Err(JournalError::Unfit(why));
        }
        let mut kept = self.local.all().await.map_err(JournalError::Unfit)?;
        if let Some(shared) = &self.shared {
            kept.faults.extend(shared.all().await.map_err(JournalError::Unshared)?.faults);
        }
        let blocks = |fault: &Fault| {
            fault.inverter == plan.inverter && !matches!(fault.kind, FaultKind::Damaged | FaultKind::Mended)
        };
        self.say(&kept.faults);
        if let Some(fault) = kept.faults.into_iter().find(blocks) {
            return Err(JournalError::Blocked(fault));
        }
        if kept.records.iter().filter(|record| record.is_open()).count() >= MOST_OPEN {
            return Err(JournalError::TooMany);
        }
        let id = RecordId::new(self.clock.now(), fastrand::u32(..));
        let record = plan.into_record(id, self.clock.now(), fence, self.shared.is_some());
        self.local.put(&record).await.map_err(|error| match error {
            NotKept::Disk(why) => JournalError::Unfit(why),
            NotKept::Overtaken => JournalError::Overtaken(id),
        })?;
        let outcome = self.share(&record).await;
        let mut handle = Handle::new(self.clone(), record);
        match outcome {
            Ok(()) => Ok(handle),
            Err(error) => {
                handle.give_up().await;
                Err(match error {
                    NotShared::Unreachable(why) => JournalError::Unshared(why),
                    NotShared::Overtaken => JournalError::Overtaken(id),
                })
            }
        }
    }

    /// Takes an open record up, whoever began it, under the lease that has this fence. That the disk or Redis do not take
    /// it is said in the log and no error: what was begun must be undone.
    ///
    /// # Errors
    /// [`JournalError::Gone`]; [`JournalError::Overtaken`] if it was written under a later lease.
    pub async fn take_up(&self, id: RecordId, fence: u64) -> Result<Handle, JournalError> {
        let found = self.open_records().await;
        let record = found.records.into_iter().find(|record| record.id == id).ok_or(JournalError::Gone(id))?;
        if record.fence > fence {
            return Err(JournalError::Overtaken(id));
        }
        self.keep_on(record, fence).await
    }

    /// Keeps what this process has in hand, and no place has any more: damaged there, say. As [`Journal::take_up`].
    ///
    /// # Errors
    /// [`JournalError::Overtaken`].
    pub async fn keep_on(&self, record: Record, fence: u64) -> Result<Handle, JournalError> {
        let (id, record) = (record.id, record.taken_up(fence));
        match self.local.put(&record).await {
            Ok(()) => {}
            Err(NotKept::Overtaken) => return Err(JournalError::Overtaken(id)),
            Err(NotKept::Disk(why)) => tracing::error!("journal: {why}; {} is undone all the same", record.what),
        }
        self.share_if_possible(&record).await?;
        Ok(Handle::new(self.clone(), record))
    }

    /// Gives up what is lost of an inverter: whoever says so has seen to its registers. Says of how many records.
    ///
    /// # Errors
    /// The disk does not let them go.
    pub async fn give_up_lost(&self, inverter: Serial) -> Result<usize, String> {
        self.local.drop_set_aside(inverter).await
    }

    async fn share(&self, record: &Record) -> Result<(), NotShared> {
        match &self.shared {
            Some(shared) => shared.put(record).await,
            None => Ok(()),
        }
    }

    /// That Redis cannot be reached stops nothing that was begun.
    async fn share_if_possible(&self, record: &Record) -> Result<(), JournalError> {
        match self.share(record).await {
            Ok(()) => Ok(()),
            Err(NotShared::Overtaken) => Err(JournalError::Overtaken(record.id)),
            Err(NotShared::Unreachable(why)) => {
                tracing::debug!("journal: {why}; {} of {} goes on without it", record.what, record.inverter);
                Ok(())
            }
        }
    }

    async fn read(&self) -> Found {
        let mut found = Found::default();
        let local = self.take(&mut found, "disk", self.local.all().await);
        let shared = match &self.shared {
            Some(shared) => self.take(&mut found, "redis", shared.all().await),
            None => Some(Vec::new()),
        };
        let (local, shared) = (local.unwrap_or_default(), shared);
        let merged = merge(&local, shared.as_deref().unwrap_or_default());
        let mut untold = BTreeSet::new();
        for record in merged.records.values() {
            if merged.local_lacks.contains(&record.id) && (record.is_open() || known(&local, record)) {
                self.keep_what_the_other_has(record).await;
            }
            let shared_has_older = shared.as_ref().is_none_or(|shared| known(shared, record));
            let must_tell = merged.shared_lacks.contains(&record.id) && (record.is_open() || shared_has_older);
            let was_told = !must_tell || self.shared.is_some() && self.share(record).await.is_ok();
            if record.shared && (!was_told || self.shared.is_none()) {
                untold.insert(record.id);
            }
        }
        found.lost.retain(|lost| !merged.records.contains_key(&lost.id));
        for fault in &mut found.faults {
            if fault.kind == FaultKind::Damaged && merged.records.contains_key(&fault.id) {
                fault.kind = FaultKind::Mended;
                fault.why.push_str("; what the other place has counts");
            }
        }
        self.say(&found.faults);
        found.records = merged.records.into_values().collect();
        self.local.prune(local, untold).await;
        found
    }

    async fn keep_what_the_other_has(&self, record: &Record) {
        match self.local.put(record).await {
            Err(NotKept::Disk(why)) if self.is_news("record", Some(&why)) => tracing::warn!("journal: {why}"),
            Ok(()) | Err(_) => {}
        }
    }

    /// Takes over what one place says. That it cannot be read is said once.
    fn take(&self, found: &mut Found, place: &'static str, read: Result<Found, String>) -> Option<Vec<Record>> {
        let is_news = self.is_news(place, read.as_ref().err().map(String::as_str));
        match read {
            Ok(read) => {
                found.faults.extend(read.faults);
                found.lost.extend(read.lost);
                Some(read.records)
            }
            Err(why) => {
                if is_news {
                    tracing::warn!("journal: {why}");
                }
                found.unread.push(why);
                None
            }
        }
    }

    fn is_news(&self, place: &'static str, why: Option<&str>) -> bool {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).is_news(place, why)
    }

    /// Says what is wrong with records, once.
    fn say(&self, faults: &[Fault]) {
        let all = faults.iter().map(Fault::told).collect();
        let news = self.said.lock().unwrap_or_else(PoisonError::into_inner).news(all);
        for fault in news {
            tracing::error!("{fault}");
        }
    }
}

fn known(place: &[Record], record: &Record) -> bool {
    place.iter().any(|kept| kept.id == record.id)
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("local", &self.local.place())
            .field("shared", &self.shared)
            .finish_non_exhaustive()
    }
}

// === impl Fault ===

impl Fault {
    fn told(&self) -> String {
        match self.kind {
            FaultKind::Damaged => format!("{self}; {AFTER_DAMAGE}"),
            FaultKind::Mended | FaultKind::Newer | FaultKind::Unread => self.to_string(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let advice = match self.kind {
            FaultKind::Damaged | FaultKind::Mended => "",
            FaultKind::Newer => "; run that version until its override is undone",
            FaultKind::Unread => "; let this program read it, or remove it if its override is undone",
        };
        write!(f, "{}: record {} at {}: {}{advice}", self.inverter, self.id, self.place, self.why)
    }
}

#[cfg(test)]
mod tests;
