use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::sys;

/// Below the data directory.
const DIRECTORY: &str = "locks";
/// The longest name of a lock's file, in bytes, as all file systems take it.
const LONGEST: usize = 255;

/// Why the files of the locks cannot be used, with what to do.
#[derive(Debug, thiserror::Error)]
#[error("{doing} {}: {error}{}", .path.display(), advice(.error))]
pub struct NoFileLocks {
    doing: &'static str,
    path: PathBuf,
    error: io::Error,
}

impl NoFileLocks {
    /// Whether another user keeps locks there, which cannot be taken and must not be passed by.
    pub fn is_of_another(&self) -> bool {
        let is_there = |path: &Path| match path.symlink_metadata() {
            Ok(_) => true,
            Err(error) => error.kind() == io::ErrorKind::PermissionDenied,
        };
        // Of a lock's file, its directory may be all that is there.
        let directory = self.path.parent().filter(|parent| parent.ends_with(DIRECTORY));
        self.error.kind() == io::ErrorKind::PermissionDenied
            && (is_there(&self.path) || directory.is_some_and(is_there))
    }
}

/// Where the files of the locks lie. They are never removed: who removes one that is held lets two in.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
}

/// A lock's file that is locked; dropping it lets go.
#[derive(Debug)]
pub(super) struct Locked {
    pub file: File,
    path: PathBuf,
}

/// A file that is not locked by us.
#[derive(Debug)]
pub(super) struct Unlocked {
    pub file: File,
    path: PathBuf,
}

/// What became of one attempt.
#[derive(Debug)]
pub(super) enum Tried {
    Locked(Locked),
    Busy(Unlocked),
}

// === impl NoFileLocks ===

impl NoFileLocks {
    pub(super) const fn new(doing: &'static str, path: PathBuf, error: io::Error) -> Self {
        Self { doing, path, error }
    }
}

// === impl Directory ===

impl Directory {
    /// `<data>/locks`, made if it is not there, and tried.
    pub(super) fn open(data: &Path) -> Result<Self, NoFileLocks> {
        let directory = Self { path: data.join(DIRECTORY) };
        directory.make()?;
        // Whether somebody else is trying it just now does not matter.
        open_or_make(directory.path.join(".trial"))?.try_lock()?;
        Ok(directory)
    }

    fn make(&self) -> Result<(), NoFileLocks> {
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.path);
        made.map_err(|error| NoFileLocks { doing: "cannot make", path: self.path.clone(), error })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A resource's file, made if it is not there.
    pub(super) fn lock(&self, resource: &str) -> Result<Unlocked, NoFileLocks> {
        let path = self.path_of(resource)?;
        match open_or_make(path.clone()) {
            // Somebody removed the directory.
            Err(NoFileLocks { error, .. }) if error.kind() == io::ErrorKind::NotFound => {
                self.make()?;
                open_or_make(path)
            }
            outcome => outcome,
        }
    }

    /// A resource's file; `None` if it was never locked.
    pub(super) fn existing(&self, resource: &str) -> Result<Option<Unlocked>, NoFileLocks> {
        let path = self.path_of(resource)?;
        match open(OpenOptions::new().read(true).write(true), path) {
            Ok(file) => Ok(Some(file)),
            Err(NoFileLocks { error, .. }) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn path_of(&self, resource: &str) -> Result<PathBuf, NoFileLocks> {
        let path = self.path.join(file_name(resource));
        if path.file_name().is_some_and(|name| name.len() <= LONGEST) {
            return Ok(path);
        }
        Err(NoFileLocks { doing: "cannot make", path, error: io::ErrorKind::InvalidFilename.into() })
    }
}

fn open_or_make(path: PathBuf) -> Result<Unlocked, NoFileLocks> {
    open(OpenOptions::new().read(true).write(true).create(true), path)
}

fn open(options: &mut OpenOptions, path: PathBuf) -> Result<Unlocked, NoFileLocks> {
    let opened = options.mode(0o600).open(&path);
    // A pipe or a device in its place may lock otherwise, or not at all.
    let plain = opened
        .and_then(|file| if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("not a plain file")) });
    match plain {
        Ok(file) => Ok(Unlocked { file, path }),
        Err(error) => Err(NoFileLocks { doing: "cannot open", path, error }),
    }
}

/// Letters, digits, `-`, `_` and dots inside stay; each other byte becomes `%` and two digits. No two resources share one.
fn file_name(resource: &str) -> String {
    let mut name = String::with_capacity(resource.len() + 16);
    for byte in resource.bytes() {
        match byte {
            b'.' if name.is_empty() => name.push_str("%2E"),
            b'-' | b'_' | b'.' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => name.push(char::from(byte)),
            // To a string, which takes it.
            _ => _ = write!(name, "%{byte:02X}"),
        }
    }
    name + ".lock"
}

fn advice(error: &io::Error) -> &'static str {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::PermissionDenied => "; let the user that this runs as write there, or set data_dir to another directory",
        Kind::ReadOnlyFilesystem => "; set data_dir to a directory that can be written",
        Kind::StorageFull | Kind::QuotaExceeded => "; free some space there",
        Kind::AlreadyExists | Kind::NotADirectory | Kind::IsADirectory => "; move what is there out of the way",
        Kind::InvalidFilename => "; its name is too long for a file",
        Kind::Unsupported | Kind::InvalidInput => NO_LOCKS,
        _ if error.raw_os_error().is_some_and(|code| code == nix::libc::ENOLCK) => NO_LOCKS,
        _ => "",
    }
}

const NO_LOCKS: &str =
    "; this file system has no such locks: set data_dir to one on a disk of this machine, or locks.backend to local";

// === impl Unlocked, impl Locked ===

impl Unlocked {
    /// Takes the lock if it is free, and is given back if not.
    pub(super) fn try_lock(self) -> Result<Tried, NoFileLocks> {
        match sys::try_lock(&self.file) {
            Ok(true) => Ok(Tried::Locked(Locked { file: self.file, path: self.path })),
            Ok(false) => Ok(Tried::Busy(self)),
            Err(error) => Err(self.trouble("cannot lock", error)),
        }
    }

    /// Blocks the thread until it has the lock.
    pub(super) fn wait(self) -> Result<Locked, NoFileLocks> {
        match sys::lock(&self.file) {
            Ok(()) => Ok(Locked { file: self.file, path: self.path }),
            Err(error) => Err(self.trouble("cannot lock", error)),
        }
    }

    /// Whether anybody has the lock.
    pub(super) fn is_locked(&self) -> Result<bool, NoFileLocks> {
        sys::is_locked(&self.file).map_err(|error| self.trouble("cannot ask for the lock of", error))
    }

    pub(super) fn trouble(&self, doing: &'static str, error: io::Error) -> NoFileLocks {
        NoFileLocks { doing, path: self.path.clone(), error }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Locked {
    /// Whether others who open the path find this very file.
    pub(super) fn is_in_place(&self) -> io::Result<bool> {
        let here = self.file.metadata()?;
        match std::fs::symlink_metadata(&self.path) {
            Ok(there) if there.is_symlink() => {
                Err(io::Error::other("it is a symbolic link, which may lead elsewhere tomorrow; remove the link"))
            }
            Ok(there) => Ok((here.dev(), here.ino()) == (there.dev(), there.ino())),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(super) fn trouble(&self, doing: &'static str, error: io::Error) -> NoFileLocks {
        NoFileLocks { doing, path: self.path.clone(), error }
    }

    /// Lets go of the lock while others may still look at the file.
    pub(super) fn unlock(&self) {
        // Closing the file lets go too.
        _ = sys::unlock(&self.file);
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        self.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn locks_that_another_user_keeps_are_told_from_none() {
        let data = tempfile::tempdir().unwrap();
        let locks = data.path().join(DIRECTORY);
        let refused =
            |path: &Path| NoFileLocks::new("cannot open", path.to_owned(), io::ErrorKind::PermissionDenied.into());
        assert!(!refused(&locks).is_of_another(), "nothing can be made here, and nothing is");
        std::fs::create_dir(&locks).unwrap();
        assert!(refused(&locks).is_of_another() && refused(&locks.join(".trial")).is_of_another());
        let full = NoFileLocks::new("cannot make", locks, io::ErrorKind::StorageFull.into());
        assert!(!full.is_of_another());
    }

    #[test]
    fn names_of_files_can_be_read() {
        let names = ["inverter_read:SA2114G047", "inverter_link:192.168.1.20:8899", "", ".trial", "../a/b", "a%3Ab"];
        let files = names.map(file_name);
        assert_eq!(
            files,
            [
                "inverter_read%3ASA2114G047.lock",
                "inverter_link%3A192.168.1.20%3A8899.lock",
                ".lock",
                "%2Etrial.lock",
                "%2E.%2Fa%2Fb.lock",
                "a%253Ab.lock"
            ]
        );
    }

    proptest! {
        #[test]
        fn no_two_resources_share_a_file(one in ".{0,6}", other in "[.%:/A-F0-9]{0,6}") {
            for other in [other.clone(), file_name(&one), format!("{one}{other}")] {
                prop_assert_eq!(one == other, file_name(&one) == file_name(&other));
                prop_assert!(!file_name(&other).contains('/'));
            }
        }
    }
}
