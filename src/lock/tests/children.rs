//! Tests in which another process holds a lock: the tests' own program, started anew with one "test" to run, which
//! does what the variable tells it to.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::{ONCE, READ, Shared, is_free};
use crate::lock::{LockError, LockManager, Owner};

const TOLD: &str = "GIVTCP_TEST_LOCKS_CHILD";
const COUNTER: &str = "GIVTCP_TEST_LOCKS_COUNTER";
const INCREMENTS: u64 = 20;

/// What a child does with the locks at an address.
const HOLD: &str = "hold";
const HOLD_ON: &str = "hold on";
const COUNT: &str = "count";
const GIVE_UP: &str = "give up";

/// A running child, killed when dropped.
struct Running(Child);

impl Running {
    fn start(child: &str, does: &str, address: &str) -> Self {
        Self(command(child, does, address).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Waits until it has said a word.
    async fn says(&mut self, word: &str) {
        let mut stdout = self.0.stdout.take().unwrap();
        let word = word.to_owned();
        let reading = tokio::task::spawn_blocking(move || {
            let mut said = String::new();
            let mut byte = [0];
            while !said.contains(&word) {
                assert_eq!(stdout.read(&mut byte).unwrap(), 1, "{said}");
                said.push(char::from(byte[0]));
            }
            stdout
        });
        // Kept open: it may have more to say.
        self.0.stdout = Some(timeout(Duration::from_secs(60), reading).await.unwrap().unwrap());
    }

    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// The tests' program, told what to do where.
fn command(child: &str, does: &str, address: &str) -> Command {
    let (_, name) = child.split_once("::").unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([name, "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(TOLD, format!("{does}\n{address}")).stdin(Stdio::null());
    command
}

/// The child's side.
pub(super) fn child<H: Shared>() {
    let Ok(told) = std::env::var(TOLD) else { return };
    let (does, address) = told.split_once('\n').unwrap();
    let say = |word: &str| writeln!(std::io::stdout(), "{word}").unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let locks = H::at(address).await;
        let owner = Owner::new("child");
        match does {
            COUNT => {
                let counter = std::path::PathBuf::from(std::env::var_os(COUNTER).unwrap());
                for _ in 0..INCREMENTS {
                    let lease = locks.acquire(READ, &owner, None).await.unwrap();
                    let value: u64 = std::fs::read_to_string(&counter).unwrap().parse().unwrap();
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    std::fs::write(&counter, (value + 1).to_string()).unwrap();
                    lease.release().await.unwrap();
                }
            }
            GIVE_UP => {
                let outcome = locks.acquire(READ, &owner, Some(Duration::from_millis(200))).await;
                assert!(matches!(outcome, Err(LockError::Timeout { .. })), "{outcome:?}");
                say("gave up");
            }
            HOLD => {
                let lease = locks.acquire(READ, &owner, ONCE).await.unwrap();
                say("held");
                lease.lost().await;
            }
            _ => {
                let _lease = locks.acquire(READ, &owner, ONCE).await.unwrap();
                say("held");
                tokio::time::sleep(Duration::from_secs(60)).await;
            }
        }
    });
}

pub(super) async fn a_process_that_is_killed_lets_go<H: Shared>(child: &str) {
    let h = H::begin().await;
    let mut holder = Running::start(child, HOLD_ON, &h.address());
    holder.says("held").await;
    let locks = h.locks();
    let known = locks.holder(READ).await.unwrap().unwrap();
    assert_eq!((known.owner.as_str(), known.pid), ("child", holder.0.id()));
    assert!(!is_free(&locks, READ).await);
    let killed = async {
        tokio::time::sleep(H::STEP).await;
        holder.kill();
        Instant::now()
    };
    let next = Owner::new("next");
    let (lease, killed) = tokio::join!(locks.acquire(READ, &next, None), killed);
    assert!(killed.elapsed() <= H::LIFE.unwrap_or_default() + H::SLACK, "{:?}", killed.elapsed());
    lease.unwrap().release().await.unwrap();
}

pub(super) async fn no_increment_is_lost_among_processes<H: Shared>(child: &str) {
    let h = H::begin().await;
    let counter = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(counter.path(), "0").unwrap();
    let count = || {
        let mut command = command(child, COUNT, &h.address());
        Running(command.env(COUNTER, counter.path()).stdout(Stdio::null()).spawn().unwrap())
    };
    let mut children: Vec<_> = (0..4).map(|_| count()).collect();
    let ends = tokio::task::spawn_blocking(move || {
        assert!(children.iter_mut().all(|child| child.0.wait().unwrap().success()));
    });
    timeout(Duration::from_secs(120), ends).await.unwrap().unwrap();
    assert_eq!(std::fs::read_to_string(counter.path()).unwrap(), (4 * INCREMENTS).to_string());
}

pub(super) async fn a_process_that_does_not_let_go_is_named<H: Shared>(child: &str) {
    let h = H::begin().await;
    let locks = h.locks();
    for (does, lets_go) in [(HOLD, true), (HOLD_ON, false)] {
        let mut holder = Running::start(child, does, &h.address());
        holder.says("held").await;
        let revoked = locks.force_release(READ).await;
        match H::LIFE {
            _ if lets_go => assert_eq!(revoked, Ok(true)),
            None => {
                let still = LockError::StillHeld { resource: READ.to_owned(), pid: holder.0.id() };
                assert_eq!(revoked, Err(still));
                assert!(!is_free(&locks, READ).await, "nobody enters twice");
            }
            // It is free when its life ends.
            Some(_) => assert_eq!(revoked, Ok(true)),
        }
        holder.kill();
        let end = Some(H::LIFE.unwrap_or_default() + H::SLACK);
        locks.acquire(READ, &Owner::new("next"), end).await.unwrap().release().await.unwrap();
    }
}

pub(super) async fn a_process_that_gave_up_ends_at_once<H: Shared>(child: &str) {
    let h = H::begin().await;
    let lease = h.locks().acquire(READ, &Owner::new("test"), ONCE).await.unwrap();
    let mut waiter = Running::start(child, GIVE_UP, &h.address());
    waiter.says("gave up").await;
    let ended = tokio::task::spawn_blocking(move || waiter.0.wait().unwrap().success());
    assert!(timeout(Duration::from_secs(5), ended).await.unwrap().unwrap());
    lease.release().await.unwrap();
}
