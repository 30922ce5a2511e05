//! What every backend of statuses promises, and what is the files' own.

#[allow(clippy::duplicate_mod, reason = "the room that speaks to Redis tests with it too")]
#[path = "../../tests/it/redis.rs"]
mod process;

use std::sync::{Arc, Mutex};

use jiff::SignedDuration;

use super::*;
use crate::clock::Clock;
use crate::redis_server::RedisServer;
use crate::store::Store;

/// A clock that a test sets.
#[derive(Clone, Debug)]
struct SetClock(Arc<Mutex<Timestamp>>);

impl SetClock {
    fn noon() -> Self {
        Self(Arc::new(Mutex::new("2026-06-05T12:00:00Z".parse().unwrap())))
    }

    fn pass(&self, time: Duration) {
        *self.0.lock().unwrap() += SignedDuration::try_from(time).unwrap();
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

fn serial(text: &str) -> Serial {
    text.parse().unwrap()
}

fn own() -> Serial {
    serial("SA2114G047")
}

/// Runs for so long from now.
fn status(name: StatusName, clock: &SetClock, runs: Duration) -> Status {
    Status {
        name,
        inverter: own(),
        since: clock.now(),
        until: clock.now() + SignedDuration::try_from(runs).unwrap(),
        holder: "givtcp 4711 on pi".to_owned(),
        detail: "to 100 %".to_owned(),
    }
}

const HOUR: Duration = Duration::from_secs(3600);

/// What every backend promises.
async fn suite(manager: &dyn StatusManager, clock: &SetClock) {
    use StatusName::{ForceCharge, ForceExport, PauseCharge, PauseDischarge};
    let other = serial("CE2530G114");
    assert_eq!(manager.list(own()).await.unwrap(), []);
    assert!(!manager.is_set(own(), ForceCharge).await.unwrap());
    assert!(!manager.clear(own(), ForceCharge).await.unwrap());

    // What was set is told whole, of its inverter and name alone.
    let charge = status(ForceCharge, clock, HOUR);
    manager.set(&charge).await.unwrap();
    assert_eq!(manager.get(own(), ForceCharge).await.unwrap().as_ref(), Some(&charge));
    assert!(manager.is_set(own(), ForceCharge).await.unwrap());
    assert!(!manager.is_set(own(), ForceExport).await.unwrap());
    assert!(!manager.is_set(other, ForceCharge).await.unwrap());

    // Its owner prolongs it.
    let longer = Status { until: charge.until + SignedDuration::from_hours(23), ..charge.clone() };
    manager.set(&longer).await.unwrap();
    assert_eq!(manager.get(own(), ForceCharge).await.unwrap(), Some(longer.clone()));

    // Several, in the order of their names.
    let pause = status(PauseDischarge, clock, HOUR);
    manager.set(&pause).await.unwrap();
    manager.set(&Status { inverter: other, ..status(PauseCharge, clock, HOUR) }).await.unwrap();
    assert_eq!(manager.list(own()).await.unwrap(), [longer.clone(), pause.clone()]);

    // It ends with its operation and its grace, not after an hour.
    clock.pass(HOUR + Duration::from_secs(119));
    assert_eq!(manager.list(own()).await.unwrap(), [longer.clone(), pause]);
    clock.pass(Duration::from_secs(1));
    assert_eq!(manager.list(own()).await.unwrap(), std::slice::from_ref(&longer));
    assert!(!manager.clear(own(), PauseDischarge).await.unwrap(), "what is over was not set");
    let late = Status { until: clock.now() - SignedDuration::try_from(GRACE).unwrap(), ..charge.clone() };
    assert!(matches!(manager.set(&late).await, Err(StatusError::Over { .. })));
    assert_eq!(manager.get(own(), ForceCharge).await.unwrap(), Some(longer), "nothing has changed");

    // Cleared one by one, and all.
    assert!(manager.clear(own(), ForceCharge).await.unwrap());
    assert!(!manager.is_set(own(), ForceCharge).await.unwrap());
    for name in StatusName::ALL {
        manager.set(&status(name, clock, HOUR)).await.unwrap();
    }
    manager.set(&Status { inverter: other, ..status(PauseCharge, clock, HOUR) }).await.unwrap();
    assert_eq!(manager.list(own()).await.unwrap().len(), 4);
    assert_eq!(manager.clear_all(own()).await.unwrap(), 4);
    assert_eq!(manager.list(own()).await.unwrap(), []);
    assert!(manager.is_set(other, PauseCharge).await.unwrap());

    // Texts are cut between characters.
    let long = Status { detail: "ä".repeat(500), ..status(ForceExport, clock, HOUR) };
    manager.set(&long).await.unwrap();
    assert_eq!(manager.get(own(), ForceExport).await.unwrap().unwrap().detail, "ä".repeat(100));
}

fn files(directory: &tempfile::TempDir, clock: &SetClock) -> FileStatusManager {
    FileStatusManager::new(Store::open(directory.path()).unwrap(), Arc::new(clock.clone()))
}

#[tokio::test]
async fn files_keep_what_every_backend_promises() {
    let (directory, clock) = (tempfile::tempdir().unwrap(), SetClock::noon());
    suite(&files(&directory, &clock), &clock).await;
}

fn in_redis(server: &process::Redis, clock: &SetClock) -> RedisStatusManager {
    let server = RedisServer::new(&server.url().into(), None).unwrap();
    RedisStatusManager::new(server, Arc::new(clock.clone()))
}

#[tokio::test]
async fn redis_keeps_what_every_backend_promises() {
    let (server, clock) = (process::Redis::start().await, SetClock::noon());
    suite(&in_redis(&server, &clock), &clock).await;
}

#[tokio::test]
async fn what_is_in_redis_expires_with_its_life_and_damage_is_no_status() {
    let (server, clock) = (process::Redis::start().await, SetClock::noon());
    let (manager, other) = (in_redis(&server, &clock), in_redis(&server, &clock));
    let charge = status(StatusName::ForceCharge, &clock, HOUR);
    manager.set(&charge).await.unwrap();
    assert_eq!(other.list(own()).await.unwrap(), std::slice::from_ref(&charge));
    let key = "givtcp:status:SA2114G047:FCRunning";
    insta::assert_snapshot!(server.cli(&["GET", key]).await, @r#"{"name":"FCRunning","inverter":"SA2114G047","since":"2026-06-05T12:00:00Z","until":"2026-06-05T13:00:00Z","holder":"givtcp 4711 on pi","detail":"to 100 %"}"#);
    let left: u64 = server.cli(&["TTL", key]).await.parse().unwrap();
    assert!((3710..=3720).contains(&left), "{left}");
    server.cli(&["SET", key, "nonsense"]).await;
    let pause = Status { name: StatusName::PauseCharge, ..charge };
    manager.set(&pause).await.unwrap();
    assert_eq!(manager.list(own()).await.unwrap(), std::slice::from_ref(&pause));
    let ends = clock.now() - SignedDuration::try_from(GRACE).unwrap() + SignedDuration::from_millis(50);
    manager.set(&Status { until: ends, ..pause }).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(server.cli(&["EXISTS", "givtcp:status:SA2114G047:TPCRunning"]).await, "0");
}

#[tokio::test]
async fn redis_that_is_away_is_an_error_and_not_a_status_that_is_not_set() {
    let (mut server, clock) = (process::Redis::start().await, SetClock::noon());
    let manager = in_redis(&server, &clock);
    assert_eq!(manager.list(own()).await.unwrap(), []);
    server.kill().await;
    let charge = status(StatusName::ForceCharge, &clock, HOUR);
    for outcome in [
        manager.is_set(own(), StatusName::ForceCharge).await.map(|_| ()),
        manager.list(own()).await.map(|_| ()),
        manager.clear_all(own()).await.map(|_| ()),
        manager.set(&charge).await,
    ] {
        assert!(matches!(outcome, Err(StatusError::Backend { .. })), "{outcome:?}");
    }
    server.start_again().await;
    let back = async {
        while manager.set(&charge).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), back).await.unwrap();
    assert_eq!(manager.list(own()).await.unwrap(), [charge]);
}

#[tokio::test]
async fn another_process_finds_what_is_in_files() {
    let (directory, clock) = (tempfile::tempdir().unwrap(), SetClock::noon());
    let charge = status(StatusName::ForceCharge, &clock, HOUR);
    files(&directory, &clock).set(&charge).await.unwrap();
    assert_eq!(files(&directory, &clock).list(own()).await.unwrap(), [charge]);
    let text = std::fs::read_to_string(directory.path().join("status/SA2114G047/FCRunning.json")).unwrap();
    insta::assert_snapshot!(text, @r#"{"version":1,"checksum":"eaab65cd","data":{"name":"FCRunning","inverter":"SA2114G047","since":"2026-06-05T12:00:00Z","until":"2026-06-05T13:00:00Z","holder":"givtcp 4711 on pi","detail":"to 100 %"}}"#);
}

#[tokio::test]
async fn a_damaged_file_is_set_aside_and_the_others_are_told() {
    let (directory, clock) = (tempfile::tempdir().unwrap(), SetClock::noon());
    let manager = files(&directory, &clock);
    let pause = status(StatusName::PauseCharge, &clock, HOUR);
    manager.set(&pause).await.unwrap();
    manager.set(&status(StatusName::ForceCharge, &clock, HOUR)).await.unwrap();
    let file = directory.path().join("status/SA2114G047/FCRunning.json");
    let whole = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(manager.list(own()).await.unwrap(), std::slice::from_ref(&pause));
    assert!(file.with_file_name("FCRunning.json.damaged").exists() && !file.exists());
    // Nor does a file tell anything that bears another's name.
    let copy = directory.path().join("status/SA2114G047/FERunning.json");
    std::fs::copy(directory.path().join("status/SA2114G047/TPCRunning.json"), copy).unwrap();
    assert_eq!(manager.list(own()).await.unwrap(), [pause]);
}

#[tokio::test]
async fn a_directory_that_cannot_be_read_is_an_error_and_not_a_status_that_is_not_set() {
    let (directory, clock) = (tempfile::tempdir().unwrap(), SetClock::noon());
    let manager = files(&directory, &clock);
    std::fs::create_dir_all(directory.path().join("status/SA2114G047/FCRunning.json")).unwrap();
    let told = manager.get(own(), StatusName::ForceCharge).await.unwrap_err().to_string();
    assert!(told.starts_with("status FCRunning of SA2114G047: cannot read "), "{told}");
    for outcome in [
        manager.is_set(own(), StatusName::ForceCharge).await.map(|_| ()),
        manager.list(own()).await.map(|_| ()),
        manager.clear_all(own()).await.map(|_| ()),
        manager.set(&status(StatusName::ForceCharge, &clock, HOUR)).await,
    ] {
        assert!(matches!(outcome, Err(StatusError::Backend { .. })), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_stamp_changes_with_every_change_and_is_not_trusted_while_fresh() {
    let (directory, clock) = (tempfile::tempdir().unwrap(), SetClock::noon());
    let manager = files(&directory, &clock);
    let none = manager.stamp(own()).await.unwrap();
    assert!(none.is_some());
    manager.set(&status(StatusName::ForceCharge, &clock, HOUR)).await.unwrap();
    let path = directory.path().join("status/SA2114G047");
    let touch = |at: Timestamp| {
        let at = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(at.as_second() as u64);
        std::fs::File::open(&path).unwrap().set_modified(at).unwrap();
    };
    touch(clock.now());
    assert_eq!(manager.stamp(own()).await.unwrap(), None, "it was changed just now");
    clock.pass(Duration::from_secs(10));
    let first = manager.stamp(own()).await.unwrap();
    assert!(first.is_some() && first != none);
    touch(clock.now());
    clock.pass(Duration::from_secs(10));
    assert_ne!(manager.stamp(own()).await.unwrap(), first);
}

/// Counts what is asked of another manager, and can be unreachable.
#[derive(Debug)]
struct Watched {
    inner: FileStatusManager,
    reads: std::sync::atomic::AtomicUsize,
    is_away: std::sync::atomic::AtomicBool,
    stamps: Mutex<Option<Stamp>>,
}

use std::sync::atomic::Ordering::SeqCst;

impl StatusManager for Watched {
    fn set<'a>(&'a self, status: &'a Status) -> BoxFuture<'a, Result<(), StatusError>> {
        self.inner.set(status)
    }

    fn clear(&self, inverter: Serial, name: StatusName) -> BoxFuture<'_, Result<bool, StatusError>> {
        self.inner.clear(inverter, name)
    }

    fn get(&self, inverter: Serial, name: StatusName) -> BoxFuture<'_, Result<Option<Status>, StatusError>> {
        self.reads.fetch_add(1, SeqCst);
        if self.is_away.load(SeqCst) {
            return async move { Err(StatusError::Backend { name, inverter, why: "away".to_owned() }) }.boxed();
        }
        self.inner.get(inverter, name)
    }

    fn stamp(&self, _inverter: Serial) -> BoxFuture<'_, Result<Option<Stamp>, StatusError>> {
        let stamp = *self.stamps.lock().unwrap();
        async move { Ok(stamp) }.boxed()
    }
}

#[tokio::test]
async fn followers_see_what_is_set_and_what_ends_and_read_only_when_something_may_have_changed() {
    let (directory, clock) = (tempfile::tempdir().unwrap(), SetClock::noon());
    let manager = Arc::new(Watched {
        inner: files(&directory, &clock),
        reads: 0.into(),
        is_away: false.into(),
        stamps: Mutex::new(Some(Stamp(None))),
    });
    let mut looking = follow::Looking::default();
    let look = async |looking: &mut follow::Looking| {
        let outcome = looking.look(&*manager, own()).await;
        looking.seen(outcome, &clock)
    };
    assert_eq!(look(&mut looking).await, Some(Seen::Known(Vec::new())));
    for _ in 0..5 {
        look(&mut looking).await;
    }
    assert_eq!(manager.reads.load(SeqCst), 4, "each name once");
    let charge = status(StatusName::ForceCharge, &clock, HOUR);
    manager.set(&charge).await.unwrap();
    *manager.stamps.lock().unwrap() = Some(Stamp(Some(SystemTime::UNIX_EPOCH)));
    assert_eq!(look(&mut looking).await, Some(Seen::Known(vec![charge.clone()])));
    look(&mut looking).await;
    assert_eq!(manager.reads.load(SeqCst), 8);
    // Without a stamp everything is read each time.
    *manager.stamps.lock().unwrap() = None;
    look(&mut looking).await;
    assert_eq!(manager.reads.load(SeqCst), 12);
    // What cannot be asked is not "not set": what was known holds a moment, then nothing is known.
    manager.is_away.store(true, SeqCst);
    assert_eq!(look(&mut looking).await, None);
    assert_eq!(look(&mut looking).await, None);
    assert_eq!(look(&mut looking).await, Some(Seen::Unknown));
    manager.is_away.store(false, SeqCst);
    assert_eq!(look(&mut looking).await, Some(Seen::Known(vec![charge])));
    // It ends by itself, though nothing is written.
    *manager.stamps.lock().unwrap() = Some(Stamp(Some(SystemTime::UNIX_EPOCH)));
    look(&mut looking).await;
    clock.pass(HOUR + GRACE);
    assert_eq!(look(&mut looking).await, Some(Seen::Known(Vec::new())));
}

#[tokio::test]
async fn a_follower_is_told_within_seconds() {
    let (directory, clock) = (tempfile::tempdir().unwrap(), SetClock::noon());
    let manager = Arc::new(files(&directory, &clock));
    let mut following = follow(Arc::clone(&manager) as Arc<dyn StatusManager>, own(), Arc::new(clock.clone()));
    let limit = Duration::from_secs(10);
    tokio::time::timeout(limit, following.changed()).await.unwrap();
    assert_eq!(following.now(), Seen::Known(Vec::new()));
    let charge = status(StatusName::ForceCharge, &clock, HOUR);
    // As another process would.
    files(&directory, &clock).set(&charge).await.unwrap();
    tokio::time::timeout(limit, following.changed()).await.unwrap();
    assert_eq!(following.now(), Seen::Known(vec![charge]));
}

#[test]
fn flags_of_givtcp_are_recognised_and_said_what_to_check() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    write(".FCRunning1", "0c1a-job\n14:30");
    write(".FERunning2", "0c1b-job\nnonsense");
    write(".tpcRunning_1", "");
    write(".tpdRunning", "job\n23:59\n");
    for other in [".FCRunning1x", "FCRunning1", ".FCRunning1.json", ".fullrefresh", ".tpcRunning_a"] {
        write(other, "job\n14:30");
    }
    std::fs::create_dir(directory.path().join(".FCRunning3")).unwrap();
    let flags: Vec<String> = givtcp_flags(directory.path()).iter().map(ToString::to_string).collect();
    let place = format!("{}/", directory.path().display());
    insta::assert_snapshot!(flags.join("\n").replace(&place, ""), @r"
    .FCRunning1: GivTCP began a force charge here, to end at 14:30, and may not have undone it; this program did not start it and will not end it: check charge slot 1, the charge rate, the target state of charge and whether the charge schedule is on, then remove the file
    .FERunning2: GivTCP began a force export here, and may not have undone it; this program did not start it and will not end it: check discharge slot 1, the discharge rate, the reserve, the mode and whether the discharge schedule is on, then remove the file
    .tpcRunning_1: GivTCP began a pause of charging here, and may not have undone it; this program did not start it and will not end it: check the charge rate, which may still be 0, then remove the file
    .tpdRunning: GivTCP began a pause of discharging here, to end at 23:59, and may not have undone it; this program did not start it and will not end it: check the discharge rate, which may still be 0, then remove the file
    ");
    assert_eq!(givtcp_flags(&directory.path().join("nowhere")), []);
}
