use std::path::Path;
use std::time::Duration;

use jiff::civil::date;
use jiff::{Timestamp, ToSpan};

use super::cell::Row;
use super::database::Database;
use super::gather::{Day, Gathered};
use super::*;
use crate::fleet::Standing;
use crate::plant::tests::fixture::{hybrid, plant_of, snapshot};

const NOON: i64 = 1_780_660_800;
const KEPT: i64 = 730 * 86_400;

struct Stopped(i64);

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0).unwrap()
    }
}

fn serial() -> Serial {
    snapshot(&plant_of(&hybrid())).identity.serial
}

/// A row of every series, with extremes about its mean as a house has them.
fn row(minute: i64) -> Row {
    let mut row = Row::default();
    for (place, cell) in (0..).zip(&mut row.0) {
        let value = ((minute * 37 + place * 101) % 5000) as i32 - 1500;
        *cell = Some(Cell { count: 4, sum: i64::from(value) * 4, min: value - 300, max: value + 400 });
    }
    row
}

fn minutes(from: i64, count: i64) -> Gathered {
    let mut gathered = Gathered::default();
    for minute in 0..count {
        gathered.minutes.insert((serial(), from + 60 * minute), row(from / 60 + minute));
    }
    gathered
}

fn count(database: &Database, level: i64) -> i64 {
    let mut count = 0;
    database.rows(serial(), level, (0, i64::MAX), |_, _| count += 1).unwrap();
    count
}

/// What `kill -9` would leave of the file at this moment.
fn killed(directory: &Path, path: &Path) -> PathBuf {
    for beside in ["history.db", "history.db-wal"] {
        std::fs::copy(path.with_file_name(beside), directory.join(beside)).unwrap();
    }
    directory.join(FILE)
}

#[test]
fn a_process_that_is_killed_loses_nothing_that_was_written() {
    let (directory, left) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = directory.path().join(FILE);
    let mut database = Database::open(&path).unwrap();
    for write in 0..100 {
        database.write(&minutes(NOON + 300 * write, 5), NOON, KEPT).unwrap();
        if write % 10 == 9 {
            _ = std::fs::remove_file(left.path().join("history.db-shm"));
            let after = Database::open(&killed(left.path(), &path)).unwrap();
            assert_eq!((count(&after, 60), count(&after, 300)), (5 * (write + 1), write + 1));
        }
    }
    assert_eq!(database.writes, 100);
    assert!(!left.path().join("history.db.damaged").exists());
}

#[test]
fn a_part_of_five_minutes_joins_what_was_written_of_them() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE);
    Database::open(&path).unwrap().write(&minutes(NOON, 3), NOON, KEPT).unwrap();
    let mut database = Database::open(&path).unwrap();
    database.write(&minutes(NOON + 120, 3), NOON, KEPT).unwrap();
    let mut counts = Vec::new();
    database.rows(serial(), 300, (NOON, NOON + 300), |_, row| counts.push(row.0[0].unwrap().count)).unwrap();
    assert_eq!(counts, [24]);
    assert_eq!(count(&database, 60), 5);
}

#[test]
fn a_damaged_file_is_set_aside_and_a_new_one_begun() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE);
    std::fs::write(&path, vec![b'x'; 8192]).unwrap();
    let mut database = Database::open(&path).unwrap();
    database.write(&minutes(NOON, 5), NOON, KEPT).unwrap();
    assert_eq!(count(&database, 60), 5);
    drop(database);
    assert_eq!(std::fs::read(directory.path().join("history.db.damaged")).unwrap().len(), 8192);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4096..].fill(0x55);
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(count(&Database::open(&path).unwrap(), 60), 0);
}

#[test]
fn another_programs_file_and_one_that_lacks_a_table_are_set_aside_and_a_pipe_is_refused() {
    for spoil in ["PRAGMA user_version = 0; DROP TABLE days; DROP TABLE plants", "DROP TABLE days"] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(FILE);
        drop(Database::open(&path).unwrap());
        rusqlite::Connection::open(&path).unwrap().execute_batch(spoil).unwrap();
        let mut database = Database::open(&path).unwrap();
        database.write(&minutes(NOON, 5), NOON + 300, KEPT).unwrap();
        assert_eq!(count(&database, 60), 5);
        assert!(directory.path().join("history.db.damaged").exists(), "{spoil}");
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE);
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert!(Database::open(&path).unwrap_err().to_string().contains("not a plain file"));
}

#[test]
fn rows_that_are_damaged_cost_no_others() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE);
    let mut database = Database::open(&path).unwrap();
    database.write(&minutes(NOON, 5), NOON + 300, KEPT).unwrap();
    let spoil = format!("UPDATE cells SET data = x'ff00ff' WHERE level = 60 AND at = {NOON}");
    rusqlite::Connection::open(&path).unwrap().execute_batch(&spoil).unwrap();
    assert_eq!(count(&database, 60), 4);
}

#[test]
fn a_file_of_a_later_version_is_kept_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE);
    drop(Database::open(&path).unwrap());
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 7).unwrap();
    drop(Database::open(&path).unwrap());
    assert!(directory.path().join("history.db.version-7").exists());
}

#[test]
fn a_clock_that_leaps_ahead_costs_little_of_what_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let mut database = Database::open(&directory.path().join(FILE)).unwrap();
    database.write(&minutes(NOON, 1000), NOON, KEPT).unwrap();
    let ahead = NOON + 10 * KEPT;
    database.write(&minutes(ahead - ahead % 60, 1), ahead, KEPT).unwrap();
    assert_eq!(count(&database, 60), 1000 - 64 + 1);
}

/// A year by `GIVTCP_SOAK`, ten days without.
#[test]
fn a_file_that_grows_too_large_loses_the_oldest_and_no_day() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE);
    let mut database = Database::open(&path).unwrap();
    database.largest = 512 * 1024;
    let a_day = Day { energies: [Some(1000); 6], cost: None };
    let (first, mut largest) = (date(2026, 6, 5), 0);
    for quarter in 0..20 * 4 {
        let begin = NOON + quarter * 6 * 3600;
        let mut gathered = minutes(begin, 6 * 60);
        gathered.days.insert((serial(), first + (quarter / 4).days()), a_day);
        database.write(&gathered, begin + 6 * 3600, KEPT).unwrap();
        largest = largest.max(std::fs::metadata(&path).unwrap().len());
    }
    assert!(largest < 1024 * 1024, "{largest}");
    let mut times = Vec::new();
    database.rows(serial(), 60, (0, i64::MAX), |at, _| times.push(at)).unwrap();
    assert_eq!(times.last(), Some(&(NOON + 20 * 86_400 - 60)), "the newest is there");
    assert!(times[0] > NOON + 86_400, "the oldest made room");
    assert!(times.windows(2).all(|pair| pair[1] == pair[0] + 60) && times.len() > 1000, "{}", times.len());
    assert_eq!(database.days(serial(), first, first + 30.days()).unwrap().len(), 20);
}

#[test]
fn a_simulated_year_stays_small_and_answers_at_once() {
    let days = if std::env::var_os("GIVTCP_SOAK").is_some() { 365 } else { 10 };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE);
    let mut database = Database::open(&path).unwrap();
    let first = date(2025, 1, 1);
    let began = first.to_zoned_datetime(TimeZone::UTC).unwrap().timestamp().as_second();
    for hour in 0..days * 24 {
        let at = began + 3600 * hour;
        let mut gathered = minutes(at, 60);
        let day = Day { energies: [Some(12_300 + hour); 6], cost: Some(123) };
        gathered.days.insert((serial(), first.checked_add((hour / 24).days()).unwrap()), day);
        database.write(&gathered, at + 3600, KEPT).unwrap();
    }
    let end = began + days * 86_400;
    assert_eq!(count(&database, 60), days.min(40) * 1440);
    let mut slowest = Duration::ZERO;
    for (from, step) in [(1, Step::Minute), (7, Step::FiveMinutes), (80, Step::Hour), (365, Step::Day)] {
        let range = Range::new((end - from * 86_400).max(began), end, step, end).unwrap();
        let (started, mut points) = (tokio::time::Instant::now(), Vec::new());
        let all: Vec<usize> = (0..SERIES.len()).collect();
        let add = |at, row| range.add(&mut points, at, &row, &all, &TimeZone::UTC);
        database.rows(serial(), range.level(), (range.from, range.to), add).unwrap();
        slowest = slowest.max(started.elapsed());
        assert_eq!(points.len() as i64, (end - range.from) / range.step);
    }
    let read = database.days(serial(), first, date(2026, 1, 1)).unwrap();
    assert_eq!(read.len() as i64, days);
    drop(database);
    let size = std::fs::metadata(&path).unwrap().len();
    eprintln!("{days} days: {} KiB, the slowest range took {slowest:?}", size / 1024);
    assert!(size < 60_000_000 * days as u64 / 365 + 2_000_000, "{size} bytes");
    // Ten times what is wanted of a release build on a machine that does nothing else.
    assert!(slowest < Duration::from_millis(500), "{slowest:?}");
}

#[tokio::test]
async fn what_was_read_by_this_process_is_kept_when_it_stops_and_what_others_read_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let mut read = snapshot(&plant_of(&hybrid()));
    read.power.soc = Some(61);
    read.stats.last_updated = Some(Timestamp::from_second(NOON).unwrap());
    let of = |now| History::new(directory.path().to_owned(), 730, TimeZone::UTC, Arc::new(Stopped(now)));
    for standing in [Standing::Waiting, Standing::Holding] {
        let history = of(NOON + 60);
        let (sender, snapshots) = watch::channel(None);
        let (_hold, hold) = watch::channel(Hold { standing, ..Hold::default() });
        let shutdown = CancellationToken::new();
        let keeping = tokio::spawn(history.clone().keep(vec![Source { snapshots, hold }], shutdown.clone()));
        for _ in 0..2 {
            sender.send_replace(Some(Arc::new(read.clone())));
            tokio::task::yield_now().await;
        }
        shutdown.cancel();
        keeping.await.unwrap();
        let range = Range::new(NOON - 600, NOON + 60, Step::Auto, NOON).unwrap();
        let points = history.points(serial(), vec![0], range).await.unwrap();
        let shown: Vec<_> = points.iter().map(|(at, cells)| (*at, cells[0].unwrap().count)).collect();
        let expected = if standing == Standing::Holding { vec![(NOON, 1)] } else { Vec::new() };
        assert_eq!(shown, expected, "one poll is one reading");
        assert_eq!(history.knows(serial()).await.unwrap(), standing == Standing::Holding);
    }
}

#[tokio::test]
async fn what_cannot_be_written_waits_for_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    std::fs::write(&data, "in the way").unwrap();
    let history = History::new(data.clone(), 730, TimeZone::UTC, Arc::new(Stopped(NOON)));
    let mut failed = false;
    *locked(&history.waiting) = minutes(NOON, 7);
    history.flush(PATIENCE, &mut failed).await;
    assert_eq!((locked(&history.waiting).minutes.len(), failed), (7, true));
    std::fs::remove_file(&data).unwrap();
    history.flush(PATIENCE, &mut failed).await;
    assert!(locked(&history.waiting).is_empty() && !failed);
    let range = Range::new(NOON, NOON + 420, Step::Minute, NOON).unwrap();
    assert_eq!(history.points(serial(), vec![0], range).await.unwrap().len(), 7);
    // One that is damaged is set aside, and what waits goes into the new one.
    history.database.lock().unwrap().take();
    std::fs::write(data.join(FILE), vec![b'x'; 65_536]).unwrap();
    *locked(&history.waiting) = minutes(NOON + 420, 5);
    history.flush(PATIENCE, &mut failed).await;
    assert!(locked(&history.waiting).is_empty() && data.join("history.db.damaged").exists());
}
