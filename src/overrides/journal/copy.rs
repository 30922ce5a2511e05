//! The copy of an override's record, for when the record itself is damaged on disk: what is to be put back is not lost with
//! it.
//!
//! It is written when the record begins, when its end or what it writes changes, and at each of its stages: seldom, in a
//! file of its own, so that what breaks the one that is written at every step does not break both. It may be some steps
//! behind, which does not matter: undoing looks at what the registers hold.

use std::io;

use super::disk::{DAMAGED, Disk, put_whole};
use super::document;
use super::record::{Progress, Record, RecordId, Register, Stage, What};
use crate::frame::Serial;

/// How copies end.
const COPY: &str = ".copy";

/// The copy of the record that lies in this file.
fn name_of(record: &str) -> String {
    format!("{}{COPY}", record.strip_suffix(".json").unwrap_or(record))
}

/// The record whose copy lies in this file.
pub(super) fn of_which(name: &str) -> Option<String> {
    name.strip_suffix(COPY).map(|record| format!("{record}.json"))
}

/// Keeps a copy of what was just kept under this name, unless the one that is there says as much; of what is done none.
pub(super) fn keep(disk: &dyn Disk, name: &str, record: &Record) -> io::Result<()> {
    if !matches!(record.what, What::Override(_)) {
        return Ok(());
    }
    if !record.is_open() {
        return remove(disk, name);
    }
    let copy = name_of(name);
    let before = disk.read(&copy).ok().and_then(|bytes| document::read(&bytes).ok());
    if before.is_some_and(|before| says_as_much(&before, record)) {
        return Ok(());
    }
    let text = document::write(record).map_err(io::Error::other)?;
    put_whole(disk, &copy, text.as_bytes())
}

/// Whether what a copy says is enough to undo this record, or to let it go on.
fn says_as_much(copy: &Record, record: &Record) -> bool {
    let written = |record: &Record| -> Vec<_> {
        let registers = record.registers();
        registers.map(|&Register { device, address, found, write, .. }| (device, address, found, write)).collect()
    };
    (copy.id, copy.stage, copy.end) == (record.id, record.stage, record.end) && written(copy) == written(record)
}

/// That a copy stays for a while does no harm: it counts only where its record is damaged.
pub(super) fn remove(disk: &dyn Disk, record: &str) -> io::Result<()> {
    match disk.remove(&name_of(record)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// What the copy of a damaged record says.
pub(super) enum Copy {
    /// What is to be undone, or goes on.
    Good(Box<Record>),
    /// It is damaged too.
    Damaged,
    /// There is none: the record was none of an override, or was done.
    None,
}

pub(super) fn read(disk: &dyn Disk, name: &str, inverter: Serial, id: RecordId) -> Copy {
    match disk.read(&name_of(name)).map(|bytes| document::read(&bytes)) {
        Ok(Ok(record)) if (record.inverter, record.id) == (inverter, id) => Copy::Good(Box::new(revived(record))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Copy::None,
        Ok(_) | Err(_) => Copy::Damaged,
    }
}

/// A damaged one is kept beside the damaged record: together they say that an override was open.
pub(super) fn set_aside(disk: &dyn Disk, name: &str) -> io::Result<()> {
    let copy = name_of(name);
    disk.rename(&copy, &format!("{copy}{DAMAGED}"))
}

/// Whether the copy of this record was set aside.
pub(super) fn is_set_aside(names: &[String], record: &str) -> bool {
    let aside = format!("{}{DAMAGED}", name_of(record));
    names.contains(&aside)
}

/// The files that were set aside of this record.
pub(super) fn aside(record: &str) -> [String; 2] {
    [format!("{record}{DAMAGED}"), format!("{}{DAMAGED}", name_of(record))]
}

/// The record may have been farther: whatever of it may be written, or put back, is taken for open.
fn revived(mut record: Record) -> Record {
    if record.stage != Stage::Applied {
        let registers = record.groups.iter_mut().flat_map(|group| &mut group.registers);
        registers.for_each(|register| register.progress = Progress::Writing);
    }
    record
}
