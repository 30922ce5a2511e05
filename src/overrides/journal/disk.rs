//! The directory in which records lie, one file each, and the order of writes that makes a file whole or absent after a
//! power cut.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::document::LONGEST;
use crate::store::{make_directory, sync_directory};

/// No more files are looked at.
const MOST_FILES: usize = 10_000;
/// How files that are being written end.
pub(super) const UNFINISHED: &str = ".new";
/// How files that were set aside end.
pub(super) const DAMAGED: &str = ".damaged";
/// A file that is swept away while it is written is written anew, so often in all.
const TRIES: usize = 5;
/// So much must fit before an override may start, bytes: room for all its steps.
const TRIAL: usize = 64 * 1024;

/// What a journal asks of a directory. Each call is one of the steps between which a crash can come.
pub(super) trait Disk: std::fmt::Debug + Send + Sync + 'static {
    /// Where it is, for people.
    fn place(&self) -> String;

    /// Makes the directory if it is not there.
    fn prepare(&self) -> io::Result<()>;

    /// Why what is written there does not outlive a restart, if it does not.
    fn volatile(&self) -> io::Result<Option<&'static str>>;

    /// The names of its files; none if it is not there.
    fn list(&self) -> io::Result<Vec<String>>;

    /// What a file holds, or a byte more than a record may have.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;

    /// Writes a file of this name. It is not on disk yet.
    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()>;

    /// What a file holds is on disk when this returns.
    fn sync(&self, name: &str) -> io::Result<()>;

    /// A file gets another name, in place of what had it. That is not on disk yet.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file. That is not on disk yet.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Which files there are is on disk when this returns.
    fn sync_names(&self) -> io::Result<()>;
}

/// Puts a file there, in place of what has its name: whole and on disk when this returns, or not at all.
pub(super) fn put(disk: &dyn Disk, name: &str, bytes: &[u8]) -> io::Result<()> {
    disk.prepare()?;
    crash_point();
    let outcome = put_whole(disk, name, bytes);
    crash_point();
    outcome
}

/// The same in a directory that is there, and no point at which a test has the program crash.
pub(super) fn put_whole(disk: &dyn Disk, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut outcome = put_once(disk, name, bytes);
    for _ in 1..TRIES {
        match outcome {
            // Another process that begins now, or lists what is open, has swept the unfinished file away.
            Err(error) if error.kind() == io::ErrorKind::NotFound => outcome = put_once(disk, name, bytes),
            outcome => return outcome,
        }
    }
    outcome
}

/// Before and after each write of a record, and of a trial. A debug build ends here at once, as if it were killed, when it
/// passes for as many times as `TEST_GIVTCP_CRASH_AT` says; for tests with whole processes.
fn crash_point() {
    #[cfg(debug_assertions)]
    {
        static PASSED: AtomicU64 = AtomicU64::new(0);
        let at = std::env::var("TEST_GIVTCP_CRASH_AT").ok().and_then(|at| at.parse().ok());
        if at == Some(PASSED.fetch_add(1, Ordering::Relaxed)) {
            std::process::abort();
        }
    }
}

fn put_once(disk: &dyn Disk, name: &str, bytes: &[u8]) -> io::Result<()> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let unfinished = format!(".{name}.{}-{number}{UNFINISHED}", std::process::id());
    let written = disk.write(&unfinished, bytes).and_then(|()| disk.sync(&unfinished));
    if let Err(error) = written.and_then(|()| disk.rename(&unfinished, name)) {
        // A full disk shall not stay full of what could not be finished.
        let _ = disk.remove(&unfinished);
        return Err(error);
    }
    disk.sync_names()
}

/// Why an override may not start: what it will undo would not be kept.
pub(super) fn unfit(disk: &dyn Disk) -> Option<String> {
    let place = disk.place();
    let failed = |doing: &str, error: &io::Error| Some(format!("cannot {doing} {place}: {error}"));
    if let Err(error) = disk.prepare() {
        return failed("make", &error);
    }
    match disk.volatile() {
        Ok(Some(kind)) => {
            return Some(format!(
                "{place} is on a {kind}, which a restart empties; set data_dir to a directory on a disk"
            ));
        }
        Ok(None) => {}
        Err(error) => return failed("ask what kind of file system is at", &error),
    }
    let trial = format!(".trial.{}{UNFINISHED}", std::process::id());
    let tried = put(disk, &trial, &vec![b' '; TRIAL]);
    let _ = disk.remove(&trial);
    tried.err().and_then(|error| failed("write to", &error))
}

/// A directory of this machine.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    path: PathBuf,
    /// Whether it counts as lasting whatever it is on, for tests.
    trusted: bool,
}

impl Directory {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, trusted: false }
    }

    /// One that counts as lasting.
    pub(super) fn trusted(path: PathBuf) -> Self {
        Self { path, trusted: true }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl Disk for Directory {
    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn prepare(&self) -> io::Result<()> {
        make_directory(&self.path).map_err(io::Error::other)
    }

    fn volatile(&self) -> io::Result<Option<&'static str>> {
        if self.trusted { Ok(None) } else { volatile(&self.path) }
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let entries = match std::fs::read_dir(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let name = |entry: io::Result<std::fs::DirEntry>| Some(entry.ok()?.file_name().to_str()?.to_owned());
        Ok(entries.take(MOST_FILES).filter_map(name).collect())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let path = self.file(name);
        if !std::fs::metadata(&path)?.is_file() {
            return Err(io::Error::other("not a plain file"));
        }
        let mut bytes = Vec::new();
        File::open(path)?.take(LONGEST as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(self.file(name))?.write_all(bytes)
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        OpenOptions::new().write(true).open(self.file(name))?.sync_all()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.file(from), self.file(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.file(name))
    }

    fn sync_names(&self) -> io::Result<()> {
        sync_directory(&self.path)
    }
}

/// What kind of file system that lives in memory only a path is on, if it is on one.
#[cfg(target_os = "linux")]
fn volatile(path: &Path) -> io::Result<Option<&'static str>> {
    /// Of `ramfs`, which `nix` does not name.
    const RAMFS: u32 = 0x8584_58f6;
    let kind = nix::sys::statfs::statfs(path)?.filesystem_type();
    Ok(match kind {
        nix::sys::statfs::TMPFS_MAGIC => Some("tmpfs"),
        other if other.0 as u32 == RAMFS => Some("ramfs"),
        _ => None,
    })
}

#[cfg(not(target_os = "linux"))]
#[allow(clippy::unnecessary_wraps, reason = "as on Linux")]
fn volatile(_path: &Path) -> io::Result<Option<&'static str>> {
    Ok(None)
}

/// Why no override could start with this data directory. Makes nothing that stays.
pub(super) fn unfit_data_dir(data_dir: &Path) -> Option<String> {
    // A relative path ends in an empty one.
    let here = |part: &'_ Path| if part.as_os_str().is_empty() { PathBuf::from(".") } else { part.to_owned() };
    let journal = data_dir.join(super::DIRECTORY);
    let places = std::iter::once(journal.clone()).chain(data_dir.ancestors().map(here));
    let there = places.into_iter().find(|place| place.symlink_metadata().is_ok())?;
    if !there.is_dir() {
        return Some(format!("{} is no directory, nor a link to one", there.display()));
    }
    let directory = Directory::new(there.clone());
    let is_there = there == data_dir || there == journal;
    let place = if is_there { String::new() } else { format!("{} is not there yet; ", data_dir.display()) };
    unfit(&directory).map(|why| format!("{place}{why}"))
}
