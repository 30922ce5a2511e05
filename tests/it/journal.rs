//! Real processes, ended at random moments while they run one override after another, with a real Redis that is ended and
//! forgets everything among them: what the next process finds, or another machine, is complete.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use givtcp::clock::{Clock, SystemClock};
use givtcp::link::Kind;
use givtcp::overrides::journal::{
    End, FaultKind, Group, Handle, Journal, JournalError, Plan, Reach, Record, Register, Stage, Step, What, Which,
};
use givtcp::redis_server::RedisServer;
use givtcp::status::StatusName;
use jiff::SignedDuration;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::redis::Redis;

const WHERE: &str = "GIVTCP_TEST_OVERRIDES_IN";
const REDIS: &str = "GIVTCP_TEST_OVERRIDES_REDIS";
const FOUND: [(u16, u16); 4] = [(94, 30), (95, 430), (96, 0), (116, 80)];
const WRITTEN: [u16; 4] = [1200, 1300, 1, 100];
/// What it takes to come back after Redis was ended.
const SOON: Duration = Duration::from_secs(10);

fn plan() -> Plan {
    let register = |place: usize| Register::new(0x11, FOUND[place].0, FOUND[place].1, WRITTEN[place]);
    Plan {
        what: What::Override(StatusName::ForceCharge),
        inverter: "SA2114G047".parse().unwrap(),
        reach: Reach { host: "192.168.1.20".to_owned(), port: 8899, transport: Kind::Dongle },
        groups: vec![
            Group { name: "charge slot 1".to_owned(), registers: vec![register(0), register(1)] },
            Group { name: "schedule".to_owned(), registers: vec![register(2)] },
            Group { name: "target".to_owned(), registers: vec![register(3)] },
        ],
        end: Some(end(60)),
    }
}

fn end(minutes: u64) -> End {
    let at = SystemClock.now() + SignedDuration::from_mins(minutes as i64);
    End { at, after_seconds: minutes * 60, slot: None }
}

/// An inverter whose registers are files that bear their values in their names, so that none is ever half.
struct Registers(PathBuf);

impl Registers {
    fn new(place: &Path) -> Self {
        let registers = Self(place.join("registers"));
        std::fs::create_dir(&registers.0).unwrap();
        for (address, value) in FOUND {
            std::fs::write(registers.0.join(format!("{address}-{value}")), "").unwrap();
        }
        registers
    }

    fn holds(&self, address: u16) -> u16 {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let mut names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.find_map(|name| name.strip_prefix(&format!("{address}-"))?.parse().ok()).unwrap()
    }

    fn write(&self, address: u16, value: u16) {
        let name = |value: u16| self.0.join(format!("{address}-{value}"));
        std::fs::rename(name(self.holds(address)), name(value)).unwrap();
    }

    fn changed(&self) -> Vec<(u16, u16)> {
        let now = FOUND.map(|(address, _)| (address, self.holds(address)));
        now.into_iter().zip(FOUND).filter(|(now, found)| now != found).map(|(now, _)| now).collect()
    }
}

async fn run(journal: &Journal, registers: &Registers, fence: u64) -> Result<(), JournalError> {
    let mut handle = journal.begin(plan(), fence).await?;
    for group in 0..3 {
        handle.advance(Step::Writing(Which::Group(group))).await?;
        for register in handle.record().groups[group].registers.clone() {
            registers.write(register.address, register.write);
        }
        handle.advance(Step::Written(Which::Group(group))).await?;
    }
    handle.advance(Step::Applied).await?;
    handle.advance(Step::Prolong(end(120), vec![(0, 1, 1400)])).await?;
    registers.write(95, 1400);
    handle.advance(Step::Written(Which::Register(0, 1))).await?;
    handle.advance(Step::Applied).await?;
    undo(&mut handle, registers).await
}

async fn undo(handle: &mut Handle, registers: &Registers) -> Result<(), JournalError> {
    if handle.record().stage != Stage::Undoing {
        handle.advance(Step::Undo).await?;
    }
    for group in 0..handle.record().groups.len() {
        let of_group = handle.record().groups[group].registers.iter();
        let open: Vec<Register> = of_group.filter(|register| register.is_open()).cloned().collect();
        if open.is_empty() {
            continue;
        }
        handle.advance(Step::Restoring(Which::Group(group))).await?;
        for register in open {
            registers.write(register.address, register.found);
        }
        handle.advance(Step::Restored(Which::Group(group))).await?;
    }
    handle.advance(Step::Done).await
}

fn journal(place: &Path, redis: Option<&str>) -> Journal {
    let journal = Journal::trusting(place, Arc::new(SystemClock));
    match redis {
        Some(url) => journal.with_redis(RedisServer::new(&url.to_owned().into(), None).unwrap()),
        None => journal,
    }
}

/// Fences of real leases are wall time too.
fn fence() -> u64 {
    SystemClock.now().as_microsecond() as u64
}

/// What the process that is ended does. By itself it is no test.
#[tokio::test]
async fn a_process_that_runs_overrides_until_it_is_ended() {
    let Ok(place) = std::env::var(WHERE) else { return };
    let redis = std::env::var(REDIS).ok();
    let journal = journal(Path::new(&place), redis.as_deref());
    let registers = Registers(PathBuf::from(&place).join("registers"));
    std::fs::write(PathBuf::from(&place).join("begun"), "").unwrap();
    let begun = Instant::now();
    // Nobody may be left to end it.
    while begun.elapsed() < Duration::from_secs(60) {
        match run(&journal, &registers, fence()).await {
            Ok(()) => {}
            // While Redis is away none begins; that one goes on is what the others assert.
            Err(JournalError::Unshared(_)) => sleep(Duration::from_millis(5)).await,
            Err(error) => panic!("{error}"),
        }
    }
}

fn start(place: &Path, redis: Option<&str>) -> Child {
    let mut process = Command::new(std::env::current_exe().unwrap());
    process.args(["journal::a_process_that_runs_overrides_until_it_is_ended", "--exact", "--test-threads=1"]);
    process.env(WHERE, place).stdout(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true);
    redis.map(|url| process.env(REDIS, url));
    process.spawn().unwrap()
}

/// Asserts that what is kept is enough for what the registers hold, and undoes it.
async fn recover(journal: &Journal, registers: &Registers, what: &str) {
    let found = journal.open_records().await;
    let changed = registers.changed();
    assert_eq!((&found.faults[..], &found.unread[..]), (&[][..], &[][..]), "{what}");
    assert!(found.records.len() <= 1, "{what}: {} are open", found.records.len());
    let restores = |record: &Record, address: u16| {
        let before = FOUND.iter().find(|(found, _)| *found == address).map(|(_, value)| *value);
        let it = |register: &&Register| register.address == address && Some(register.found) == before;
        record
            .registers()
            .find(it)
            .is_some_and(|register| register.is_open() && register.is_ours(registers.holds(address)))
    };
    for (address, value) in &changed {
        let kept = found.records.iter().any(|record| restores(record, *address));
        assert!(kept, "{what}: HR {address} holds {value}, and nothing would restore it: {:#?}", found.records);
    }
    for record in found.records {
        let mut handle = journal.take_up(record.id, fence()).await.unwrap();
        undo(&mut handle, registers).await.unwrap();
    }
    assert_eq!(registers.changed(), [], "{what}");
    assert_eq!(journal.open_records().await.records, [], "{what}");
}

/// 200 moments with `GIVTCP_SOAK=1`, else 20.
fn moments() -> u32 {
    if std::env::var_os("GIVTCP_SOAK").is_some() { 200 } else { 20 }
}

#[tokio::test]
async fn processes_ended_at_random_moments_halve_and_lose_no_record() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut redis = Redis::start().await;
    let url = redis.url();
    let place = tempfile::tempdir().unwrap();
    let registers = Registers::new(place.path());
    let mut amid = 0;
    for moment in 0..moments() {
        // Without Redis, with it, with one that is ended and forgets, and with another machine that takes over.
        let kind = ["alone", "with redis", "redis forgets", "another machine"][moment as usize % 4];
        let what = format!("seed {seed}, moment {moment}, {kind}");
        let shared = (kind != "alone").then_some(&*url);
        let begun = place.path().join("begun");
        let _ = std::fs::remove_file(&begun);
        let mut process = start(place.path(), shared);
        let is_begun = async {
            while !begun.exists() {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(SOON, is_begun).await.expect("it begins");
        sleep(Duration::from_micros(chance.u64(1_000..120_000))).await;
        if kind == "redis forgets" {
            redis.kill().await;
            sleep(Duration::from_micros(chance.u64(..60_000))).await;
            if chance.bool() {
                redis.start_again().await;
                sleep(Duration::from_micros(chance.u64(..120_000))).await;
                process.kill().await.unwrap();
            } else {
                process.kill().await.unwrap();
                redis.start_again().await;
            }
        } else {
            process.kill().await.unwrap();
        }
        amid += u32::from(!registers.changed().is_empty());
        let elsewhere = tempfile::tempdir().unwrap();
        let successor = if kind == "another machine" { elsewhere.path() } else { place.path() };
        recover(&journal(successor, shared), &registers, &what).await;
        // As every start does: this machine learns what others did.
        recover(&journal(place.path(), Some(&url)), &registers, &what).await;
    }
    println!("{amid} of {} amid an override", moments());
    assert!(amid * 4 >= moments(), "{amid}");
}

#[tokio::test]
async fn in_redis_the_later_lease_wins_and_what_is_done_expires() {
    let redis = Redis::start().await;
    let url = redis.url();
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let registers = Registers::new(one.path());
    let mut first = journal(one.path(), Some(&url)).begin(plan(), 1_780_000_000_000_001).await.unwrap();
    first.advance(Step::Writing(Which::Group(0))).await.unwrap();
    let id = first.record().id;
    let key = format!("givtcp:journal:SA2114G047:{id}");
    assert_eq!(redis.cli(&["TTL", &key]).await, "-1", "what is open stays");
    let there = journal(other.path(), Some(&url));
    assert_eq!(there.open_records().await.records, [first.record().clone()]);
    let mut second = there.take_up(id, 1_780_000_000_000_002).await.unwrap();
    assert_eq!(first.advance(Step::Written(Which::Group(0))).await, Err(JournalError::Overtaken(id)));
    undo(&mut second, &registers).await.unwrap();
    let left: u64 = redis.cli(&["TTL", &key]).await.parse().unwrap();
    assert!((2_591_000..=2_592_000).contains(&left), "30 days: {left}");
    assert_eq!(journal(one.path(), Some(&url)).open_records().await.records, []);
}

#[tokio::test]
async fn in_redis_a_later_version_stays_and_what_is_damaged_is_set_aside() {
    let redis = Redis::start().await;
    let (url, place) = (redis.url(), tempfile::tempdir().unwrap());
    let own = journal(place.path(), Some(&url));
    let mut handle = own.begin(plan(), 1).await.unwrap();
    let key = |id: &str| format!("givtcp:journal:SA2114G047:{id}");
    let newer =
        redis.cli(&["GET", &key(&handle.record().id.to_string())]).await.replace("\"version\":1", "\"version\":9");
    redis.cli(&["SET", &key("019e97a78a00-00000009"), &newer]).await;
    redis.cli(&["SET", &key("019e97a78a00-00000001"), "{\"version\":1,"]).await;
    redis.cli(&["SET", "givtcp:journal:nobody:x", "not ours"]).await;
    let found = own.open_records().await;
    assert_eq!(found.records, [handle.record().clone()]);
    let mut faults: Vec<_> = found.faults.iter().map(|fault| (fault.id.to_string(), fault.kind)).collect();
    faults.sort_by(|one, other| one.0.cmp(&other.0));
    let expected = [("019e97a78a00-00000001", FaultKind::Damaged), ("019e97a78a00-00000009", FaultKind::Newer)];
    assert_eq!(faults, expected.map(|(id, kind)| (id.to_owned(), kind)));
    assert_eq!(redis.cli(&["GET", "givtcp:journal-damaged:SA2114G047:019e97a78a00-00000001"]).await, "{\"version\":1,");
    assert_eq!(redis.cli(&["EXISTS", &key("019e97a78a00-00000001")]).await, "0");
    assert_eq!(redis.cli(&["GET", &key("019e97a78a00-00000009")]).await, newer);
    // One that a later version took up is not ours any more.
    redis.cli(&["SET", &key(&handle.record().id.to_string()), &newer]).await;
    let overtaken = Err(JournalError::Overtaken(handle.record().id));
    assert_eq!(handle.advance(Step::Writing(Which::Group(0))).await, overtaken);
}
