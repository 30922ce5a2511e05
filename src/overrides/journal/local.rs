//! Records on the local disk: always, and first.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::copy::{self, Copy};
use super::disk::{DAMAGED, Disk, UNFINISHED, put, unfit};
use super::document::{self, Unreadable};
use super::record::{Record, RecordId};
use super::{AFTER_DAMAGE, Fault, FaultKind, Found, JournalError, Lost};
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

    /// Drops what was set aside of an inverter; says of how many records.
    pub(super) async fn drop_set_aside(&self, inverter: Serial) -> Result<usize, String> {
        self.run(move |disk| drop_set_aside(disk, inverter)).await
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
    put(disk, &name, text.as_bytes()).map_err(|error| failed(&error))?;
    copy::keep(disk, &name, record).map_err(|error| failed(&error))
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
            Err(damaged) => match copy::read(disk, &name, inverter, id) {
                // A copy stays a little longer than what is done.
                Copy::Good(record) if record.is_open() => {
                    let why = match put_again(disk, &name, &record) {
                        Ok(()) => format!("{damaged}; its copy counts"),
                        Err(error) => format!("{damaged}; its copy counts, and cannot take its place: {error}"),
                    };
                    found.faults.push(fault(FaultKind::Mended, why));
                    found.records.push(*record);
                }
                copy => {
                    let moved = set_aside_with(disk, &name, &copy);
                    let now = format!("now {name}{DAMAGED}");
                    let what = moved.map_or_else(|error| format!("cannot be set aside: {error}"), |()| now);
                    found.faults.push(fault(FaultKind::Damaged, format!("{damaged}; {what}")));
                }
            },
        }
    }
    found.lost = lost(disk, &found.records)?;
    sweep_copies(disk)?;
    Ok(found)
}

fn put_again(disk: &dyn Disk, name: &str, record: &Record) -> io::Result<()> {
    let text = document::write(record).map_err(io::Error::other)?;
    put(disk, name, text.as_bytes())
}

fn set_aside_with(disk: &dyn Disk, name: &str, copy: &Copy) -> io::Result<()> {
    // First, so that it is known after a crash between the two that an override was open.
    if matches!(copy, Copy::Damaged) {
        copy::set_aside(disk, name)?;
    }
    disk.rename(name, &format!("{name}{DAMAGED}"))?;
    disk.sync_names()
}

/// Records that were set aside and not found anywhere since. What is there again needs no longer be aside.
fn lost(disk: &dyn Disk, records: &[Record]) -> io::Result<Vec<Lost>> {
    let names = disk.list()?;
    let mut all = Vec::new();
    for name in &names {
        let Some(record) = name.strip_suffix(DAMAGED) else { continue };
        let Some((inverter, id)) = whose(record) else { continue };
        if records.iter().any(|known| known.id == id) {
            for aside in copy::aside(record) {
                let _ = disk.remove(&aside);
            }
            continue;
        }
        let was_open = copy::is_set_aside(&names, record);
        all.push(Lost { inverter, id, place: format!("{}/{name}", disk.place()), was_open });
    }
    all.sort_by_key(|lost| lost.id);
    Ok(all)
}

/// Copies whose record is gone count for nothing.
fn sweep_copies(disk: &dyn Disk) -> io::Result<()> {
    let names = disk.list()?;
    for name in &names {
        if let Some(record) = copy::of_which(name)
            && !names.contains(&record)
        {
            let _ = disk.remove(name);
        }
    }
    Ok(())
}

fn drop_set_aside(disk: &dyn Disk, inverter: Serial) -> io::Result<usize> {
    let names = disk.list()?;
    let of_inverter = names.iter().filter_map(|name| name.strip_suffix(DAMAGED));
    let records: Vec<&str> = of_inverter.filter(|name| whose(name).is_some_and(|(of, _)| of == inverter)).collect();
    for aside in records.iter().flat_map(|record| copy::aside(record)) {
        match disk.remove(&aside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    if !records.is_empty() {
        disk.sync_names()?;
    }
    Ok(records.len())
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
    for name in &names {
        copy::remove(disk, name)?;
    }
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
