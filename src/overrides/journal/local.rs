//! Records on the local disk: always, and first.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::disk::{DAMAGED, Disk, UNFINISHED, put, unfit};
use super::document::{self, Unreadable};
use super::record::{Record, RecordId};
use super::{AFTER_DAMAGE, Fault, FaultKind, Found, JournalError};
use crate::frame::Serial;
use crate::lane::Lane;

/// A disk gets this long for one record. SD cards have stalled for seconds.
const DEADLINE: Duration = Duration::from_secs(10);
/// So many records that are done are kept, for whoever wants to know what happened;
const MOST_DONE: usize = 16;
/// and so many if Redis was not told yet that they are done, since it would have them undone again.
const MOST_UNTOLD: usize = 128;
/// So many that were set aside are kept.
const MOST_DAMAGED: usize = 32;
/// No more records may be open.
pub(super) const MOST_OPEN: usize = 64;

/// The journal's directory.
#[derive(Clone, Debug)]
pub(super) struct Local {
    disk: Arc<dyn Disk>,
    lane: Lane,
}

/// Why a record was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotKept {
    /// The disk does not take it.
    Disk(String),
    /// It is there in a later form, or farther under a later lease.
    Overtaken,
}

impl NotKept {
    pub(super) fn of(self, id: RecordId) -> JournalError {
        match self {
            Self::Disk(why) => JournalError::NotKept(why),
            Self::Overtaken => JournalError::Overtaken(id),
        }
    }
}

impl Local {
    pub(super) fn new(disk: Arc<dyn Disk>) -> Self {
        Self { disk, lane: Lane::new() }
    }

    pub(super) fn place(&self) -> String {
        self.disk.place()
    }

    /// Why an override may not start, if so.
    pub(super) async fn unfit(&self) -> Option<String> {
        self.run(|disk| Ok(unfit(disk))).await.unwrap_or_else(Some)
    }

    /// Keeps a record, on disk when this returns.
    pub(super) async fn put(&self, record: &Record) -> Result<(), NotKept> {
        let record = record.clone();
        self.run(move |disk| Ok(keep(disk, &record))).await.unwrap_or_else(|why| Err(NotKept::Disk(why)))
    }

    /// Everything that is there. What is damaged is set aside; what was left unfinished is swept away.
    pub(super) async fn all(&self) -> Result<Found, String> {
        self.run(read_all).await
    }

    /// Drops old records that are done, except `untold`, of which more are kept.
    pub(super) async fn prune(&self, done: Vec<Record>, untold: BTreeSet<RecordId>) {
        let pruned = self.run(move |disk| prune(disk, done, &untold)).await;
        if let Err(why) = pruned {
            tracing::debug!("journal: {why}");
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Disk) -> io::Result<T> + Send + 'static,
    ) -> Result<T, String> {
        let disk = Arc::clone(&self.disk);
        match self.lane.run(DEADLINE, move || work(&*disk)).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(format!("{}: {error}", self.place())),
            Err(error) => Err(format!("{}: {error}", self.place())),
        }
    }
}

fn name_of(record: &Record) -> String {
    format!("{}-{}.json", record.inverter, record.id)
}

/// Whose record a file is, by its name.
fn whose(name: &str) -> Option<(Serial, RecordId)> {
    let (serial, id) = name.strip_suffix(".json")?.split_once('-')?;
    Some((serial.parse().ok()?, id.parse().ok()?))
}

fn keep(disk: &dyn Disk, record: &Record) -> Result<(), NotKept> {
    let failed = |error: &dyn std::fmt::Display| NotKept::Disk(format!("{}: {error}", disk.place()));
    let name = name_of(record);
    match disk.read(&name).map(|bytes| document::read(&bytes)) {
        Ok(Ok(kept)) if kept.revision >= record.revision || kept.fence > record.fence => {
            return Err(NotKept::Overtaken);
        }
        Ok(Err(Unreadable::Newer(_))) => return Err(NotKept::Overtaken),
        // What cannot be read is no reason against what can be: it is replaced.
        _ => {}
    }
    let text = document::write(record).map_err(|error| failed(&error))?;
    put(disk, &name, text.as_bytes()).map_err(|error| failed(&error))
}

fn read_all(disk: &dyn Disk) -> io::Result<Found> {
    let mut found = Found::default();
    let mut names = disk.list()?;
    names.sort_unstable();
    for name in names {
        if name.starts_with('.') && name.ends_with(UNFINISHED) {
            let _ = disk.remove(&name);
        }
        let Some((inverter, id)) = whose(&name) else { continue };
        let fault = |kind, why: String| Fault { inverter, id, place: format!("{}/{name}", disk.place()), kind, why };
        let bytes = match disk.read(&name) {
            Ok(bytes) => bytes,
            // It was pruned meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                found.faults.push(fault(FaultKind::Unread, format!("cannot be read: {error}")));
                continue;
            }
        };
        match document::read(&bytes) {
            Ok(record) if (record.inverter, record.id) == (inverter, id) => found.records.push(record),
            Ok(_) => found.faults.push(fault(FaultKind::Unread, "its name is another record's".to_owned())),
            Err(newer @ Unreadable::Newer(_)) => found.faults.push(fault(FaultKind::Newer, newer.to_string())),
            Err(damaged) => {
                let aside = format!("{name}{DAMAGED}");
                let moved = disk.rename(&name, &aside).and_then(|()| disk.sync_names());
                let what =
                    moved.map_or_else(|error| format!("cannot be set aside: {error}"), |()| format!("now {aside}"));
                found.faults.push(fault(FaultKind::Damaged, format!("{damaged}; {what}")));
            }
        }
    }
    Ok(found)
}

/// What was damaged and set aside, a line each.
pub(super) fn set_aside(disk: &dyn Disk) -> Vec<String> {
    let mut names = disk.list().unwrap_or_default();
    names.sort_unstable();
    let damaged = |name: &String| {
        let (inverter, _) = whose(name.strip_suffix(DAMAGED)?)?;
        Some(format!(
            "{inverter}: {}/{name} was a record of the journal, and is damaged; {AFTER_DAMAGE}, and remove that file",
            disk.place()
        ))
    };
    names.iter().filter_map(damaged).take(MOST_DAMAGED).collect()
}

fn prune(disk: &dyn Disk, mut done: Vec<Record>, untold: &BTreeSet<RecordId>) -> io::Result<()> {
    done.retain(|record| !record.is_open());
    done.sort_by_key(|record| std::cmp::Reverse((record.done_at, record.id)));
    let (untold, told): (Vec<_>, Vec<_>) = done.iter().partition(|record| untold.contains(&record.id));
    let old = told.into_iter().skip(MOST_DONE).chain(untold.into_iter().skip(MOST_UNTOLD));
    let mut names: Vec<String> = old.map(name_of).collect();
    let mut damaged: Vec<String> = disk.list()?.into_iter().filter(|name| name.ends_with(DAMAGED)).collect();
    // Behind the serial number stands when it began.
    damaged.sort_by(|one, other| other.split_once('-').cmp(&one.split_once('-')));
    names.extend(damaged.into_iter().skip(MOST_DAMAGED));
    for name in &names {
        match disk.remove(name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    if names.is_empty() { Ok(()) } else { disk.sync_names() }
}
