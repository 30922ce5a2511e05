//! Small files that must survive a restart and a power cut: one JSON document each, replaced whole or not at all.
//!
//! A document bears its version and a checksum. One that is damaged is set aside and said so; that is never a fault,
//! since everything kept here can be found out again. No runtime in here: whoever is asynchronous calls it on a thread
//! of its own.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use atomic_write_file::AtomicWriteFile;
use crc::{CRC_32_ISO_HDLC, Crc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The form of the documents; one of another version is damaged.
const VERSION: u32 = 1;
/// No document is longer, bytes.
const LONGEST: u64 = 1024 * 1024;

static CHECKSUM: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// A directory of documents. Clones are the same directory.
#[derive(Clone, Debug)]
pub struct Store {
    directory: PathBuf,
}

/// Why a document could not be kept, or not be read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory or the file cannot be made, read or written.
    #[error("{doing} {}: {error}", .path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Names are relative paths of letters, digits, `-`, `_` and dots inside.
    #[error("no name for a file that is kept: {0}")]
    Name(String),
    /// What should be kept is no JSON, or too long.
    #[error("cannot be kept as {name}: {why}")]
    Form {
        /// Its name.
        name: String,
        /// What is wrong with it.
        why: String,
    },
}

#[derive(Serialize)]
struct Written<'a> {
    version: u32,
    checksum: String,
    data: &'a RawValue,
}

#[derive(Deserialize)]
struct Kept<'a> {
    version: u32,
    checksum: String,
    #[serde(borrow)]
    data: &'a RawValue,
}

// === impl Store ===

impl Store {
    /// Opens a directory, and makes it for its user alone (0700) if it is not there.
    ///
    /// # Errors
    /// It is not there and cannot be made.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let directory = directory.into();
        make_directory(&directory)?;
        Ok(Self { directory })
    }

    /// What was kept under this name; `None` if nothing was, or if it is damaged. A damaged file becomes
    /// `NAME.damaged`, in place of an earlier one, and the log says so.
    ///
    /// # Errors
    /// The file is there and cannot be read.
    pub fn load<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, StoreError> {
        let path = self.path(name)?;
        let bytes = match read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::Io { doing: "cannot read", path, error }),
        };
        match parse(&bytes) {
            Ok(value) => Ok(Some(value)),
            Err(why) => {
                let aside = with_suffix(&path, ".damaged");
                let moved = std::fs::rename(&path, &aside);
                let (file, aside) = (path.display(), aside.display());
                match moved {
                    Ok(()) => tracing::warn!("{file}: damaged, and set aside as {aside}: {why}"),
                    Err(error) => tracing::warn!("{file}: damaged ({why}), and cannot be set aside: {error}"),
                }
                Ok(None)
            }
        }
    }

    /// Keeps a value under this name, in place of what was there: whole and on disk, or not at all. The file is its
    /// user's alone (0600).
    ///
    /// # Errors
    /// It cannot be written, or `value` has no JSON of at most 1 MiB.
    pub fn save<T: Serialize + ?Sized>(&self, name: &str, value: &T) -> Result<(), StoreError> {
        let path = self.path(name)?;
        let text = document(value).map_err(|why| StoreError::Form { name: name.to_owned(), why })?;
        if let Some(parent) = path.parent() {
            make_directory(parent)?;
        }
        replace(&path, text.as_bytes()).map_err(|error| StoreError::Io { doing: "cannot write", path, error })
    }

    /// Drops what was kept under this name; false if nothing was. It is gone from disk too.
    ///
    /// # Errors
    /// The file is there and cannot be removed.
    pub fn remove(&self, name: &str) -> Result<bool, StoreError> {
        let path = self.path(name)?;
        let removed = match std::fs::remove_file(&path) {
            Ok(()) => path.parent().map_or(Ok(()), sync_directory).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        };
        removed.map_err(|error| StoreError::Io { doing: "cannot remove", path, error })
    }

    /// The names of what is kept in a directory of documents, without their ending `.json`, in their order; `most` at most,
    /// and none where there is no such directory.
    ///
    /// # Errors
    /// The directory is there and cannot be read.
    pub fn names(&self, directory: &str, most: usize) -> Result<Vec<String>, StoreError> {
        let path = self.path(directory)?;
        let listing = match std::fs::read_dir(&path) {
            Ok(listing) => listing,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(StoreError::Io { doing: "cannot read", path, error }),
        };
        let name = |file: OsString| Some(file.into_string().ok()?.strip_suffix(".json")?.to_owned());
        let mut names: Vec<String> = listing.filter_map(|file| name(file.ok()?.file_name())).take(most).collect();
        names.sort_unstable();
        Ok(names)
    }

    /// When anything in a directory of documents was last kept or removed, by the file system's clock; `None` where
    /// there is no such directory.
    ///
    /// # Errors
    /// The directory is there and cannot be asked.
    pub fn changed(&self, directory: &str) -> Result<Option<std::time::SystemTime>, StoreError> {
        let path = self.path(directory)?;
        match std::fs::metadata(&path).and_then(|data| data.modified()) {
            Ok(at) => Ok(Some(at)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::Io { doing: "cannot read", path, error }),
        }
    }

    fn path(&self, name: &str) -> Result<PathBuf, StoreError> {
        let is_fine = |part: &str| {
            let characters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            !part.is_empty() && !part.starts_with('.') && part.chars().all(characters)
        };
        if name.split('/').all(is_fine) {
            Ok(self.directory.join(name))
        } else {
            Err(StoreError::Name(name.to_owned()))
        }
    }
}

/// Makes a directory for its user alone, and those above it; what is new is on disk when this returns, since a file is
/// only as lasting as the directories that lead to it.
pub(crate) fn make_directory(path: &Path) -> Result<(), StoreError> {
    let fault = |error| StoreError::Io { doing: "cannot make", path: path.to_owned(), error };
    let missing: Vec<&Path> =
        path.ancestors().take_while(|part| !part.as_os_str().is_empty() && !part.is_dir()).collect();
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(fault)?;
    for made in missing {
        let above = made.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        sync_directory(above).map_err(fault)?;
    }
    Ok(())
}

/// Which files are in a directory is on disk when this returns.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    // Only Unix lets a directory be opened and synced.
    if cfg!(unix) { std::fs::File::open(path)?.sync_all() } else { Ok(()) }
}

/// The whole of a plain file, or one byte more than it may have. A pipe in its place would be waited for.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a plain file"));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(LONGEST + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    if bytes.len() as u64 > LONGEST {
        return Err(format!("longer than {LONGEST} bytes"));
    }
    let kept: Kept<'_> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if kept.version != VERSION {
        return Err(format!("of another version: {}", kept.version));
    }
    if kept.checksum != checksum(kept.data.get()) {
        return Err("its checksum is wrong".to_owned());
    }
    serde_json::from_str(kept.data.get()).map_err(|error| error.to_string())
}

fn document<T: Serialize + ?Sized>(value: &T) -> Result<String, String> {
    let data = serde_json::value::to_raw_value(value).map_err(|error| error.to_string())?;
    let written = Written { version: VERSION, checksum: checksum(data.get()), data: &data };
    let text = serde_json::to_string(&written).map_err(|error| error.to_string())?;
    if text.len() as u64 > LONGEST { Err(format!("longer than {LONGEST} bytes")) } else { Ok(text) }
}

fn checksum(text: &str) -> String {
    format!("{:08x}", CHECKSUM.checksum(text.as_bytes()))
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = AtomicWriteFile::options();
    #[cfg(unix)]
    {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        atomic_write_file::unix::OpenOptionsExt::preserve_mode(&mut options, false);
        // Who may not keep the owner of an earlier file is content with being it.
        atomic_write_file::unix::OpenOptionsExt::preserve_owner(&mut options, false);
    }
    // What cannot be replaced would leave the temporary file behind.
    if std::fs::symlink_metadata(path).is_ok_and(|there| there.is_dir()) {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.commit().inspect_err(|_| remove_left(path))
}

/// Removes the temporary files of writes of this one that failed: `.NAME.` and six letters or digits.
fn remove_left(path: &Path) {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return;
    };
    let is_left = |other: &str| {
        let random = other.strip_prefix('.').and_then(|other| other.strip_prefix(name)?.strip_prefix('.'));
        random.is_some_and(|random| random.len() == 6 && random.chars().all(|c| c.is_ascii_alphanumeric()))
    };
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(is_left) && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            // That it cannot be removed changes nothing: the write has failed.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests;
