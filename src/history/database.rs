//! The file: SQLite, in which one transaction at a time is written. No runtime and no clock in here.

use std::cell::Cell;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::civil::Date;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Transaction, params};

use super::cell::Row;
use super::gather::{Day, Gathered, LEVELS};
use super::series::ENERGIES;
use crate::frame::Serial;
use crate::store::make_directory;

/// The form of the file.
const VERSION: i64 = 1;
/// Another process that writes is waited for so long.
const BUSY: Duration = Duration::from_secs(2);
/// So many rows of a level leave at most with each write: more than come, and no more than a clock that somebody set ahead
/// for an hour may cost.
const LEAVING: i64 = 64;
/// The file is kept below this, bytes: two years of ten inverters.
const LARGEST: i64 = 384 * 1024 * 1024;
/// Minutes are kept so long, s.
const MINUTES_KEPT: i64 = 40 * 86_400;

const SCHEMA: &str = "
    CREATE TABLE plants (id INTEGER PRIMARY KEY, serial TEXT NOT NULL UNIQUE);
    CREATE TABLE cells (
        level INTEGER NOT NULL, plant INTEGER NOT NULL, at INTEGER NOT NULL, data BLOB NOT NULL,
        PRIMARY KEY (level, plant, at)
    ) WITHOUT ROWID;
    CREATE TABLE days (
        plant INTEGER NOT NULL, date TEXT NOT NULL, pv INTEGER, import INTEGER, export INTEGER, load INTEGER,
        charge INTEGER, discharge INTEGER, cost INTEGER, PRIMARY KEY (plant, date)
    ) WITHOUT ROWID;
";

const DAYS: &str = "SELECT plant, date, pv, import, export, load, charge, discharge, cost FROM days";

/// An open file.
#[derive(Debug)]
pub struct Database {
    connection: Connection,
    path: PathBuf,
    /// How many transactions were written.
    pub writes: u64,
    /// It is kept below this, bytes.
    pub(super) largest: i64,
    /// Whether it was said that rows are damaged.
    said_damaged: Cell<bool>,
}

/// Why something was not kept or not read.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The file, or its directory.
    #[error("{}: {error}", .path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// What SQLite says.
    #[error("{}: {error}", .path.display())]
    Sqlite {
        /// Where.
        path: PathBuf,
        /// What it says.
        error: rusqlite::Error,
    },
}

impl DatabaseError {
    /// Whether the file is no database, or a damaged one.
    pub fn is_damage(&self) -> bool {
        matches!(self, Self::Sqlite { error, .. } if is_damage(error))
    }
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

impl Database {
    /// Opens the file, or makes it for its user alone (0600). One that is damaged becomes `NAME.damaged`, in place of an
    /// earlier one, one of a later version `NAME.version-N`, and the log says so.
    ///
    /// # Errors
    /// It cannot be made, or not be read for another reason.
    pub fn open(path: &Path) -> Result<Self, DatabaseError> {
        let fault = |error| DatabaseError::Sqlite { path: path.to_owned(), error };
        match Self::open_once(path) {
            Ok(Ok(database)) => Ok(database),
            Ok(Err(version)) => {
                let aside = set_aside(path, &format!(".version-{version}"))?;
                let (file, aside) = (path.display(), aside.display());
                tracing::warn!("{file}: of a later version of givtcp ({version}), and set aside as {aside}");
                Self::open_once(path)?.map_err(|_| fault(rusqlite::Error::InvalidQuery))
            }
            Err(error) if error.is_damage() => {
                let aside = set_aside(path, ".damaged")?;
                let aside = aside.display();
                tracing::warn!("{error}: damaged, and set aside as {aside}; a new history begins");
                Self::open_once(path)?.map_err(|_| fault(rusqlite::Error::InvalidQuery))
            }
            Err(error) => Err(error),
        }
    }

    /// The file, or the later version that it is of.
    fn open_once(path: &Path) -> Result<Result<Self, i64>, DatabaseError> {
        let io_fault = |error| DatabaseError::Io { path: path.to_owned(), error };
        let fault = |error| DatabaseError::Sqlite { path: path.to_owned(), error };
        if let Some(parent) = path.parent() {
            make_directory(parent).map_err(|error| io_fault(io::Error::other(error)))?;
        }
        // A pipe would hold up whoever opens it.
        if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(io_fault(io::Error::other("not a plain file")));
        }
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        drop(options.open(path).map_err(io_fault)?);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(fault)?;
        Ok(match prepare(&mut connection).map_err(fault)? {
            Some(later) => Err(later),
            None => Ok(Self {
                connection,
                path: path.to_owned(),
                writes: 0,
                largest: LARGEST,
                said_damaged: Cell::new(false),
            }),
        })
    }

    /// Writes what was gathered, in one transaction, and lets go of what is older than it is kept: `fives_kept` seconds for
    /// all but minutes, before `now`.
    ///
    /// # Errors
    /// What SQLite says; nothing of it is written then.
    pub fn write(&mut self, gathered: &Gathered, now: i64, fives_kept: i64) -> Result<(), DatabaseError> {
        let done = write(&mut self.connection, gathered, now, (fives_kept, self.largest));
        self.writes += u64::from(done.is_ok());
        done.map_err(|error| DatabaseError::Sqlite { path: self.path.clone(), error })
    }

    /// The rows of a level from one moment on to before another, each with its beginning, in order.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn rows(
        &self,
        serial: Serial,
        level: i64,
        (from, to): (i64, i64),
        mut take: impl FnMut(i64, Row),
    ) -> Result<(), DatabaseError> {
        let sql = "SELECT at, data FROM cells WHERE level = ?1 AND plant = (SELECT id FROM plants WHERE serial = ?2)
                   AND at >= ?3 AND at < ?4 ORDER BY at";
        let mut damaged = 0_u64;
        let mut read = || {
            let mut statement = self.connection.prepare(sql)?;
            let mut rows = statement.query(params![level, serial.to_string(), from, to])?;
            while let Some(row) = rows.next()? {
                match Row::decode(row.get_ref(1)?.as_blob().unwrap_or_default()) {
                    Some(decoded) => take(row.get(0)?, decoded),
                    None => damaged += 1,
                }
            }
            Ok(())
        };
        let done = read().map_err(|error| self.fault(error));
        if damaged > 0 && !self.said_damaged.replace(true) {
            tracing::warn!("{}: {damaged} times of {serial} are damaged, and left out", self.path.display());
        }
        done
    }

    /// The days from one on to another, that included, in order.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn days(&self, serial: Serial, from: Date, to: Date) -> Result<Vec<(Date, Day)>, DatabaseError> {
        let sql = "SELECT date, pv, import, export, load, charge, discharge, cost FROM days
                   WHERE plant = (SELECT id FROM plants WHERE serial = ?1) AND date >= ?2 AND date <= ?3 ORDER BY date";
        let read = || {
            let mut statement = self.connection.prepare(sql)?;
            let mut rows = statement.query(params![serial.to_string(), from.to_string(), to.to_string()])?;
            let mut days = Vec::new();
            while let Some(row) = rows.next()? {
                let mut day = Day::default();
                for (column, energy) in (1..).zip(&mut day.energies) {
                    *energy = row.get(column)?;
                }
                day.cost = row.get(ENERGIES.len() + 1)?;
                if let Ok(date) = row.get_ref(0)?.as_str().unwrap_or_default().parse() {
                    days.push((date, day));
                }
            }
            Ok(days)
        };
        read().map_err(|error| self.fault(error))
    }

    /// Whether anything of an inverter is kept.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn knows(&self, serial: Serial) -> Result<bool, DatabaseError> {
        let known =
            self.connection.query_row("SELECT 1 FROM plants WHERE serial = ?1", [serial.to_string()], |_| Ok(()));
        Ok(known.optional().map_err(|error| self.fault(error))?.is_some())
    }

    fn fault(&self, error: rusqlite::Error) -> DatabaseError {
        DatabaseError::Sqlite { path: self.path.clone(), error }
    }
}

/// Makes a new file ready, or checks one that is there; a version that is later than this one.
fn prepare(connection: &mut Connection) -> rusqlite::Result<Option<i64>> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // One sync each five minutes, so that a power cut costs no more than that.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -512)?;
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version > VERSION {
        return Ok(Some(version));
    }
    let tables = "SELECT count(*) FROM sqlite_schema";
    if version == 0 && transaction.query_row(tables, [], |row| row.get::<_, i64>(0))? == 0 {
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    // Another program's file, or one of which something is gone.
    for table in ["SELECT id, serial FROM plants", "SELECT level, plant, at, data FROM cells", DAYS] {
        transaction.prepare(table).map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::Unknown) => damage(error.to_string()),
            // A disk that fails says nothing of what is in the file.
            _ => error,
        })?;
    }
    transaction.commit()?;
    let health: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if health != "ok" {
        return Err(damage(health));
    }
    Ok(None)
}

fn damage(what: String) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT), Some(what))
}

fn write(
    connection: &mut Connection,
    gathered: &Gathered,
    now: i64,
    (fives_kept, largest): (i64, i64),
) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    for serial in gathered.serials() {
        let serial = serial.to_string();
        transaction.execute("INSERT OR IGNORE INTO plants (serial) VALUES (?1)", [&serial])?;
        let plant = transaction.query_row("SELECT id FROM plants WHERE serial = ?1", [&serial], |row| row.get(0))?;
        for level in LEVELS {
            let rows = gathered.level(level);
            for ((_, at), row) in rows.iter().filter(|((of, _), _)| of.to_string() == serial) {
                add(&transaction, (level, plant, *at), row)?;
            }
            let oldest = now - if level == 60 { MINUTES_KEPT } else { fives_kept };
            let_go(&transaction, (level, plant), oldest, LEAVING)?;
        }
        for ((_, date), day) in gathered.days.iter().filter(|((of, _), _)| of.to_string() == serial) {
            set(&transaction, plant, *date, day)?;
        }
    }
    if size(&transaction)? > largest {
        for level in LEVELS {
            let sql = "DELETE FROM cells WHERE level = ?1 AND (plant, at) IN
                       (SELECT plant, at FROM cells WHERE level = ?1 ORDER BY at LIMIT ?2)";
            transaction.execute(sql, params![level, LEAVING * 16])?;
        }
    }
    transaction.commit()
}

/// Adds a row to what is there of its time: after a restart, and where a clock was set back, that is something.
fn add(transaction: &Transaction<'_>, (level, plant, at): (i64, i64, i64), row: &Row) -> rusqlite::Result<()> {
    let sql = "SELECT data FROM cells WHERE level = ?1 AND plant = ?2 AND at = ?3";
    let there: Option<Vec<u8>> = transaction.query_row(sql, params![level, plant, at], |row| row.get(0)).optional()?;
    let mut all = there.and_then(|bytes| Row::decode(&bytes)).unwrap_or_default();
    all.join(row);
    let sql = "INSERT OR REPLACE INTO cells (level, plant, at, data) VALUES (?1, ?2, ?3, ?4)";
    transaction.execute(sql, params![level, plant, at, all.encode()]).map(drop)
}

/// Sets what is known of a day; what is not known now and was, stays.
fn set(transaction: &Transaction<'_>, plant: i64, date: Date, day: &Day) -> rusqlite::Result<()> {
    let [pv, import, export, load, charge, discharge] = day.energies;
    let sql = "INSERT INTO days VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO UPDATE SET
               pv = ifnull(excluded.pv, pv), import = ifnull(excluded.import, import),
               export = ifnull(excluded.export, export), load = ifnull(excluded.load, load),
               charge = ifnull(excluded.charge, charge), discharge = ifnull(excluded.discharge, discharge),
               cost = ifnull(excluded.cost, cost)";
    let values = params![plant, date.to_string(), pv, import, export, load, charge, discharge, day.cost];
    transaction.execute(sql, values).map(drop)
}

fn let_go(transaction: &Transaction<'_>, (level, plant): (i64, i64), oldest: i64, most: i64) -> rusqlite::Result<()> {
    let sql = "DELETE FROM cells WHERE level = ?1 AND plant = ?2 AND at IN
               (SELECT at FROM cells WHERE level = ?1 AND plant = ?2 AND at < ?3 ORDER BY at LIMIT ?4)";
    transaction.execute(sql, params![level, plant, oldest, most]).map(drop)
}

/// What the file holds, bytes.
fn size(transaction: &Transaction<'_>) -> rusqlite::Result<i64> {
    let number = |name| transaction.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    Ok((number("page_count")? - number("freelist_count")?) * number("page_size")?)
}

/// Renames a file, with what SQLite keeps beside it.
fn set_aside(path: &Path, suffix: &str) -> Result<PathBuf, DatabaseError> {
    let aside = with_suffix(path, suffix);
    for beside in ["", "-wal", "-shm"] {
        let (from, to) = (with_suffix(path, beside), with_suffix(&aside, beside));
        _ = std::fs::remove_file(&to);
        match std::fs::rename(&from, &to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let error = io::Error::other(format!("cannot become {}: {error}", to.display()));
                return Err(DatabaseError::Io { path: from, error });
            }
            _ => {}
        }
    }
    Ok(aside)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}
