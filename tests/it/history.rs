//! What is kept of the past by a process that is killed again and again.
//!
//! Its clock and the plant's go 60 times faster: five minutes are five seconds.

use std::sync::Arc;
use std::time::Duration;

use givtcp::clock::{Clock, SystemClock};
use givtcp::history::{History, Range, Step};
use givtcp::simulator::{Options, Simulator};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::host::{Face, Host, quick};
use crate::program::{Program, Settings};

const SPEED: u32 = 60;
/// Between polls, s of the fast clock.
const POLL: i64 = 300;
/// Between writes, s.
const WRITES: i64 = 300;
/// Until it polls, and what a busy machine adds, s.
const SLACK: i64 = 240;

/// As many houses, each killed so often.
fn counts() -> (usize, usize) {
    if std::env::var_os("GIVTCP_SOAK").is_some() { (10, 10) } else { (2, 3) }
}

struct Fast(Timestamp);

impl Clock for Fast {
    fn now(&self) -> Timestamp {
        self.0 + SystemClock.now().duration_since(self.0).checked_mul(SPEED as i32).unwrap()
    }
}

async fn killed_again_and_again(seed: u64, kills: usize) -> usize {
    let mut chance = fastrand::Rng::with_seed(seed);
    let since = Timestamp::from_second(SystemClock.now().as_second()).unwrap();
    let clock = Arc::new(Fast(since));
    let start = clock.now().to_zoned_datetime(TimeZone::get("Europe/London").unwrap()).datetime();
    let plant = Simulator::new(Options { start, speed: f64::from(SPEED), seed, ..quick() });
    let host = Host::new(Face::Plant(plant.clone()));
    let link = "gap: 0ms, jitter: 0s, timeout: 500ms, connect_timeout: 1s, backoff_max: 1s";
    let settings = Settings { mqtt: "enabled: false".to_owned(), link, ..Settings::new(1) }.dongle(host.port());
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let fast = ("TEST_GIVTCP_CLOCK", format!("{}:{SPEED}", since.as_second()));
    let (mut newest, mut checked) = (0, 0);
    for kill in 0..kills {
        let begun = clock.now().as_second();
        let mut program = Program::run_told(Arc::clone(&dir), &settings, std::slice::from_ref(&fast));
        sleep(Duration::from_millis(chance.u64(8_000..20_000))).await;
        program.signal("KILL").await;
        let ended = clock.now().as_second();
        program.ends(Duration::from_secs(5)).await;
        let zone = TimeZone::get("Europe/London").unwrap();
        let history = History::new(dir.path().join("data"), 730, zone, Arc::clone(&clock) as Arc<dyn Clock>);
        let range = Range::new(ended - 86_400, ended + 86_400, Step::FiveMinutes, ended).unwrap();
        let points = history.points(plant.inverter_serial(), vec![0], range).await.unwrap();
        let last = points.iter().filter(|(_, cells)| cells[0].is_some()).map(|(at, _)| *at + 300).max().unwrap_or(0);
        assert!(last >= newest, "seed {seed}, kill {kill}: what was kept is lost: {last} after {newest}");
        newest = last;
        if ended - begun >= WRITES + POLL + SLACK {
            let lost = ended - last;
            assert!(lost <= WRITES + POLL + SLACK, "seed {seed}, kill {kill}: {lost} s are lost: {:#?}", program.log());
            checked += 1;
        }
        let database = rusqlite::Connection::open(dir.path().join("data/history.db")).unwrap();
        let sound: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(sound, "ok", "seed {seed}, kill {kill}");
    }
    checked
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(debug_assertions), ignore = "a release build has no fast clock")]
async fn killed_at_any_moment_it_loses_the_last_minutes_at_most() {
    let ((houses, kills), begun) = (counts(), Instant::now());
    let first = fastrand::u64(..1 << 32);
    let mut runs = JoinSet::new();
    (first..).take(houses).for_each(|seed| _ = runs.spawn(killed_again_and_again(seed, kills)));
    let checked: usize = runs.join_all().await.into_iter().sum();
    println!("{} kills in {:?}, {checked} of them after writes were due", houses * kills, begun.elapsed());
}
