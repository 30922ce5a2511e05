//! Processes that take turns at a history, while one of them is killed or stopped, or Redis is. What they wrote must prove
//! that no two were inside at once: see [`checker`].
//!
//! Each runs some 20 s; with `GIVTCP_SOAK=1` ten minutes.

mod checker;

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use checker::{Entry, Event, Promise, Proof, What, check};
use fastrand::Rng;
use givtcp::clock::{Clock, SystemClock};
use givtcp::lock::{FileLockManager, LockManager, Owner, RedisLockManager};
use givtcp::redis_server::RedisServer;
use secrecy::SecretString;
use tokio::time::{Instant, sleep};

use crate::redis::Redis;

const TOLD: &str = "GIVTCP_TEST_TORTURE";
const RESOURCE: &str = "inverter_write:SA2114G047";
const LIFE: Duration = Duration::from_millis(1_500);
const SLACK: Duration = Duration::from_millis(1_500);
/// Who has less left does not write: an entry takes a moment.
const MARGIN: Duration = Duration::from_millis(150);
const PROCESSES: usize = 8;

/// Whether a process looks at its lease before it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manners {
    Careful,
    /// As if there were neither `lost` nor `remaining`; and it holds for long.
    Careless,
}

// === the processes' side ===

#[test]
#[ignore = "it is no test, but the other processes of some"]
fn child() {
    let Ok(told) = std::env::var(TOLD) else { return };
    let [address, history, manners] = told.split('\n').collect::<Vec<_>>()[..] else { panic!("{told}") };
    let manners = if manners == "Careless" { Manners::Careless } else { Manners::Careful };
    let history = OpenOptions::new().append(true).open(history).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        if address.contains("://") {
            let server = RedisServer::new(&SecretString::from(address.to_owned()), None).unwrap();
            take_turns(RedisLockManager::new(&server, LIFE, Arc::new(SystemClock)), history, manners).await;
        } else {
            take_turns(FileLockManager::open(Path::new(address), Arc::new(SystemClock)).unwrap(), history, manners)
                .await;
        }
    });
}

/// Until it is killed.
async fn take_turns(locks: impl LockManager, history: File, manners: Manners) {
    let owner = Owner::new("torture");
    let mut rng = Rng::new();
    loop {
        let Ok(lease) = locks.acquire(RESOURCE, &owner, Some(Duration::from_secs(5))).await else {
            sleep(Duration::from_millis(20)).await;
            continue;
        };
        let may_write = || {
            let has_time = lease.remaining().is_none_or(|remaining| remaining > MARGIN);
            manners == Manners::Careless || (!lease.is_lost() && has_time)
        };
        let writes = if manners == Manners::Careless { 1_500 } else { rng.usize(1..=6) };
        for number in 0..=writes + 1 {
            if !may_write() {
                break;
            }
            let what = if number == 0 {
                "enter"
            } else if number > writes {
                "leave"
            } else {
                "write"
            };
            // One write of a few bytes at the end of a file is never torn.
            let line = format!("{} {} {} {what}\n", now(), std::process::id(), lease.fence());
            (&history).write_all(line.as_bytes()).unwrap();
            sleep(Duration::from_millis(rng.u64(2..15))).await;
        }
        _ = lease.release().await;
        sleep(Duration::from_millis(rng.u64(0..5))).await;
    }
}

/// Wall time in µs.
fn now() -> u64 {
    u64::try_from(SystemClock.now().as_microsecond()).unwrap()
}

// === the torturer's side ===

/// A process, killed when dropped, stopped or not.
struct Running(Child);

impl Running {
    fn start(address: &str, history: &Path, manners: Manners) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["torture::child", "--exact", "--ignored", "--test-threads=1"]);
        command.env(TOLD, format!("{address}\n{}\n{manners:?}", history.display()));
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.pid().to_string()]).status().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

struct Torture {
    address: String,
    history: PathBuf,
    manners: Manners,
    running: Vec<Running>,
    events: Vec<Event>,
    rng: Rng,
    _dir: tempfile::TempDir,
}

impl Torture {
    fn begin(address: impl Fn(&Path) -> String, processes: usize, manners: Manners) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (address, history) = (address(dir.path()), dir.path().join("history"));
        File::create(&history).unwrap();
        let running = (0..processes).map(|_| Running::start(&address, &history, manners)).collect();
        Self { address, history, manners, running, events: Vec::new(), rng: Rng::new(), _dir: dir }
    }

    fn entries(&self) -> Vec<Entry> {
        std::fs::read_to_string(&self.history).unwrap().lines().map(|line| Entry::parse(line).expect(line)).collect()
    }

    /// Waits until somebody has entered with a greater fence than this.
    async fn next_hold(&self, fence: u64, limit: Duration) -> bool {
        let begun = Instant::now();
        while !self.entries().iter().any(|entry| entry.fence > fence) {
            if begun.elapsed() > limit {
                return false;
            }
            sleep(Duration::from_millis(10)).await;
        }
        true
    }

    fn top(&self) -> u64 {
        self.entries().iter().map(|entry| entry.fence).max().unwrap_or_default()
    }

    /// Mostly who is inside now.
    fn victim(&mut self) -> usize {
        let inside = self.entries().last().filter(|entry| entry.what != What::Leave).map(|entry| entry.pid);
        let inside = inside.and_then(|pid| self.running.iter().position(|running| running.pid() == pid));
        inside.filter(|_| self.rng.u8(..) < 200).unwrap_or_else(|| self.rng.usize(..self.running.len()))
    }

    async fn kill_one(&mut self) {
        let (victim, top) = (self.victim(), self.top());
        let at = now();
        let killed = &mut self.running[victim];
        killed.0.kill().unwrap();
        killed.0.wait().unwrap();
        self.events.push(Event::Killed { pid: killed.pid(), at });
        *killed = Running::start(&self.address, &self.history, self.manners);
        self.next_hold(top, LIFE + SLACK * 2).await;
        sleep(Duration::from_millis(100)).await;
    }

    async fn stop_one(&mut self, time: Duration) {
        let victim = self.victim();
        let from = now();
        self.running[victim].signal("-STOP");
        sleep(time).await;
        let to = now();
        self.running[victim].signal("-CONT");
        self.events.push(Event::Stopped { pid: self.running[victim].pid(), from, to });
        sleep(Duration::from_millis(300)).await;
    }

    async fn stop_redis(&mut self, redis: &Redis, time: Duration) {
        let from = now();
        redis.freeze().await;
        sleep(time).await;
        redis.thaw().await;
        self.events.push(Event::Outage { from, to: now() });
        let top = self.top();
        self.next_hold(top, LIFE + SLACK).await;
    }

    fn end(mut self, promise: Promise) -> Proof {
        self.running.clear();
        let proof = check(&self.entries(), &self.events, promise);
        println!(
            "{} events, {} holds, {} late entries refused, {} killed holders followed in time",
            self.events.len(),
            proof.holds,
            proof.late,
            proof.freed
        );
        proof
    }
}

fn run_time() -> Duration {
    Duration::from_secs(if std::env::var_os("GIVTCP_SOAK").is_some_and(|soak| soak == "1") { 600 } else { 20 })
}

async fn torture(redis: Option<&Redis>) -> Proof {
    let address = |dir: &Path| redis.map_or_else(|| dir.to_str().unwrap().to_owned(), Redis::url);
    let mut torture = Torture::begin(address, PROCESSES, Manners::Careful);
    assert!(torture.next_hold(0, Duration::from_secs(30)).await);
    let begun = Instant::now();
    while begun.elapsed() < run_time() {
        let rest = torture.rng.u64(50..400);
        sleep(Duration::from_millis(rest)).await;
        let part = torture.rng.f64();
        match (torture.rng.u8(0..3), redis) {
            (0, Some(redis)) => torture.stop_redis(redis, LIFE.mul_f64(0.2 + 1.6 * part)).await,
            (1, Some(_)) => torture.stop_one(LIFE.mul_f64(1.1 + part)).await,
            (1, None) => torture.stop_one(Duration::from_millis(600).mul_f64(part)).await,
            _ => torture.kill_one().await,
        }
    }
    let promise = Promise { life: redis.map(|_| LIFE), slack: SLACK };
    // Chance may have spared those inside.
    for _ in 0..20 {
        if check(&torture.entries(), &torture.events, promise).freed > 0 {
            break;
        }
        torture.kill_one().await;
    }
    torture.end(promise)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_two_processes_are_inside_at_once_with_files() {
    let proof = torture(None).await;
    assert!(proof.faults.is_empty(), "{proof:#?}");
    assert!(proof.holds > 50 && proof.freed > 0, "{proof:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_two_processes_are_inside_at_once_with_redis() {
    let redis = Redis::start().await;
    let proof = torture(Some(&redis)).await;
    assert!(proof.faults.is_empty(), "{proof:#?}");
    assert!(proof.holds > 50 && proof.freed > 0, "{proof:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holder_that_ignores_its_lease_is_found_out_when_it_was_stopped() {
    let redis = Redis::start().await;
    let mut torture = Torture::begin(|_| redis.url(), 3, Manners::Careless);
    assert!(torture.next_hold(0, Duration::from_secs(30)).await);
    let inside = torture.entries()[0].pid;
    let victim = torture.running.iter().position(|running| running.pid() == inside).unwrap();
    torture.running.swap(0, victim);
    let (from, top) = (now(), torture.top());
    torture.running[0].signal("-STOP");
    assert!(torture.next_hold(top, LIFE + SLACK).await, "it is free after a life");
    sleep(LIFE).await;
    torture.running[0].signal("-CONT");
    torture.events.push(Event::Stopped { pid: inside, from, to: now() });
    sleep(Duration::from_millis(500)).await;
    let proof = torture.end(Promise { life: Some(LIFE), slack: SLACK });
    assert!(proof.late > 1 && !proof.faults.is_empty(), "{proof:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holder_that_cannot_renew_and_goes_on_is_found_out() {
    let redis = Redis::start().await;
    let mut torture = Torture::begin(|_| redis.url(), 3, Manners::Careless);
    assert!(torture.next_hold(0, Duration::from_secs(30)).await);
    torture.stop_redis(&redis, LIFE * 2).await;
    sleep(Duration::from_millis(500)).await;
    let proof = torture.end(Promise { life: Some(LIFE), slack: SLACK });
    assert!(proof.holds > 1 && proof.late > 1 && !proof.faults.is_empty(), "{proof:?}");
}
