//! The program itself, killed at enumerated points and at random ones amid overrides and commands of several registers,
//! and started again: whatever it was at, the registers are as they should be within three polls.
//!
//! Its clock and the plant's go 60 times faster. Registers' points are those of the wire, where it is killed from outside;
//! the journal's are told to it (`TEST_GIVTCP_CRASH_AT`, in debug builds alone).

mod house;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use givtcp::overrides::journal::Stage;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use house::{Changed, House, SOON, When};

use crate::redis::Redis;

const KINDS: [&str; 4] = ["force-charge", "force-export", "pause-charge", "pause-discharge"];
/// Commands of several registers.
const COMMANDS: [[&str; 2]; 3] = [
    ["setChargeSlot1", r#"{"start": "01:15", "finish": "04:45", "chargeToPercent": 77}"#],
    ["setChargeTarget", r#"{"chargeToPercent": 100}"#],
    ["setBatteryMode", "Timed Export"],
];
/// So many houses at once.
const HOUSES: usize = 20;
/// Three polls.
const POLLS: Duration = Duration::from_secs(15);

/// Where a process is killed.
#[derive(Clone, Copy, Debug)]
enum Point {
    Register(usize, When),
    Journal(usize),
}

impl Point {
    fn crash_at(self) -> Option<usize> {
        if let Self::Journal(at) = self { Some(at) } else { None }
    }
}

/// What is done when it is killed.
#[derive(Clone, Copy, Debug)]
enum Work {
    /// It is begun for two minutes, and called off.
    Override(&'static str),
    Command([&'static str; 2]),
}

async fn worked(house: &House, program: &mut crate::program::Program, work: Work) -> bool {
    match work {
        Work::Override(kind) => {
            house.order(program, &["override", "start", kind, "2"]).await
                && house.order(program, &["override", "stop", kind]).await
        }
        Work::Command([name, payload]) => house.order(program, &["set", name, payload]).await,
    }
}

/// Whether it was killed at that point; what it was at is done or undone then.
async fn killed(work: Work, point: Point, whole: &Changed) -> bool {
    let house = House::new().await;
    if let Point::Register(at, when) = point {
        house.wire().kill = Some((at, when));
    }
    let mut program = house.start(point.crash_at());
    let is_done = worked(&house, &mut program, work).await;
    // After the last echo nothing may be left to be waited for.
    sleep(Duration::from_millis(100)).await;
    if is_done && program.runs() {
        assert_eq!(&house.changed(&[]), whole, "{work:?}");
        return false;
    }
    let amid = house.changed(&[]);
    house.wire().kill = None;
    let program = house.start(None);
    let what = format!("{work:?}, killed at {point:?} with {amid:?}");
    is_put_right(&house, &program, &[Vec::new(), whole.clone()], &[], POLLS, &what).await;
    true
}

/// Waits until the registers are as they should be, and no record is open.
async fn is_put_right(
    house: &House,
    program: &crate::program::Program,
    right: &[Changed],
    but: &[u16],
    within: Duration,
    what: &str,
) {
    program.logs(" is a HYBRID", SOON).await;
    let begun = Instant::now();
    loop {
        let (changed, open) = (house.changed(but), house.open_records().await);
        if right.contains(&changed) && open.is_empty() {
            return;
        }
        assert!(begun.elapsed() < within, "{what}: {changed:?} {open:#?} {:#?}", program.log());
        sleep(Duration::from_millis(50)).await;
    }
}

/// What a command changes when nobody is killed.
async fn whole([name, payload]: [&'static str; 2]) -> Changed {
    let house = House::new().await;
    let mut program = house.start(None);
    assert!(house.order(&mut program, &["set", name, payload]).await);
    let whole = house.changed(&[]);
    assert!(whole.len() > 1, "{name}: {whole:?}");
    whole
}

/// Kills at one point after the other, until there is no such point; how many there were.
async fn at_each_point(works: &[Work], points: fn(usize) -> Vec<Point>) -> usize {
    let permits = Arc::new(Semaphore::new(HOUSES));
    let (mut chains, mut runs) = (Vec::new(), JoinSet::new());
    for &work in works {
        let whole = Arc::new(if let Work::Command(command) = work { whole(command).await } else { Vec::new() });
        for series in 0..points(0).len() {
            chains.push((work, whole.clone(), series, Arc::new(AtomicUsize::new(usize::MAX))));
        }
    }
    let kills = Arc::new(AtomicUsize::new(0));
    for at in 0..60 {
        for (work, whole, series, end) in &chains {
            let (work, point, end) = (*work, points(at)[*series], Arc::clone(end));
            let (permits, kills, whole) = (Arc::clone(&permits), Arc::clone(&kills), Arc::clone(whole));
            runs.spawn(async move {
                let _permit = permits.acquire().await.unwrap();
                if at >= end.load(Ordering::Relaxed) {
                    return;
                }
                if killed(work, point, &whole).await {
                    kills.fetch_add(1, Ordering::Relaxed);
                } else {
                    end.fetch_min(at, Ordering::Relaxed);
                }
            });
        }
    }
    while let Some(ended) = runs.join_next().await {
        ended.unwrap();
    }
    assert!(chains.iter().all(|(.., end)| end.load(Ordering::Relaxed) < 60), "there are more points");
    kills.load(Ordering::Relaxed)
}

fn works() -> Vec<Work> {
    KINDS.into_iter().map(Work::Override).chain(COMMANDS.into_iter().map(Work::Command)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(debug_assertions), ignore = "a release build has no fast clock and no crash points")]
async fn killed_before_and_after_each_register_and_each_echo_it_leaves_nothing() {
    let begun = Instant::now();
    let each = |at| [When::Before, When::Unheard, When::Echoed].map(|when| Point::Register(at, when)).to_vec();
    let kills = at_each_point(&works(), each).await;
    println!("{kills} kills at registers in {:?}", begun.elapsed());
    assert!(kills >= 60, "{kills}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(debug_assertions), ignore = "a release build has no fast clock and no crash points")]
async fn killed_before_and_after_each_write_of_its_journal_it_leaves_nothing() {
    let begun = Instant::now();
    let kills = at_each_point(&works(), |at| vec![Point::Journal(at)]).await;
    println!("{kills} kills at the journal in {:?}", begun.elapsed());
    assert!(kills >= 60, "{kills}");
}

/// What else happens in a run of chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extra {
    Nothing,
    /// The inverter cannot be reached for a while after the kill.
    Away,
    /// Another override is begun on top.
    Another,
    /// Somebody else changes the end of the slot.
    Foreign,
    /// Redis is emptied.
    Flushed,
    /// Nobody starts it again: a standby takes over.
    Standby,
}

const EXTRAS: [Extra; 6] =
    [Extra::Nothing, Extra::Away, Extra::Another, Extra::Foreign, Extra::Flushed, Extra::Standby];

/// Whether registers were changed when it was killed, and what else happened.
async fn by_chance(seed: u64) -> (bool, Extra) {
    let mut chance = fastrand::Rng::with_seed(seed);
    let kind = KINDS[chance.usize(..4)];
    let extra = EXTRAS[chance.usize(..EXTRAS.len())];
    let minutes = chance.u64(1..=3);
    let moment = Duration::from_millis(chance.u64(..4000));
    let what = format!("GIVTCP_SEED={seed}: {kind} for {minutes} minutes, {extra:?}, killed after {moment:?}");
    let mut house = House::new().await;
    let redis = if matches!(extra, Extra::Flushed | Extra::Standby) { Some(Redis::start().await) } else { None };
    if let Some(redis) = &redis {
        house.settings.redis = format!("url: \"{}\"", redis.url());
        house.settings.locks = "life: 2s";
    }
    let mut program = house.start(None);
    program.logs(" is a HYBRID", SOON).await;
    let elsewhere = Arc::new(tempfile::tempdir().unwrap());
    let standby = (extra == Extra::Standby).then(|| house.start_in(elsewhere, None));
    if let Some(standby) = &standby {
        standby.logs("standing by until it lets go", SOON).await;
    }
    let minutes = minutes.to_string();
    let mut foreign = None;
    let mut but = Vec::new();
    {
        let amid = async {
            house.order(&mut program, &["override", "start", kind, &minutes]).await;
            match extra {
                Extra::Another => {
                    let other = KINDS[chance.usize(..4)];
                    house.order(&mut program, &["override", "start", other, "1"]).await;
                }
                Extra::Foreign => {
                    let open = house.open_records().await;
                    let groups =
                        open.iter().filter(|record| record.stage == Stage::Applied).flat_map(|record| &record.groups);
                    let theirs = groups.flat_map(|group| group.registers.iter().map(move |register| (group, register)));
                    if let Some((group, register)) =
                        theirs.into_iter().find(|(_, register)| matches!(register.address, 57 | 95))
                    {
                        but = group.registers.iter().map(|register| register.address).collect();
                        foreign = Some(register.address);
                        assert!(house.plant.write(register.address, 2351));
                    }
                }
                _ => {}
            }
            std::future::pending::<()>().await;
        };
        tokio::select! { () = amid => {}, () = sleep(moment) => {} }
    }
    program.signal("KILL").await;
    program.ends(SOON).await;
    let is_amid = !house.changed(&[]).is_empty();
    if extra == Extra::Flushed {
        redis.as_ref().unwrap().cli(&["FLUSHALL"]).await;
    }
    if extra == Extra::Away {
        house.wire().is_down = true;
    }
    let successor = if let Some(standby) = standby { standby } else { house.start(None) };
    if extra == Extra::Away {
        sleep(Duration::from_millis(chance.u64(500..5000))).await;
        house.wire().is_down = false;
    }
    // It may run on until its end.
    let within = POLLS + Duration::from_secs(4);
    if extra == Extra::Standby {
        program = successor;
        is_put_right_elsewhere(&house, &program, within, &what).await;
        return (is_amid, extra);
    }
    is_put_right(&house, &successor, &[Vec::new()], &but, within, &what).await;
    if let Some(register) = foreign {
        let holds = house.now().into_iter().find(|(address, _)| *address == register);
        assert_eq!(holds, Some((register, Some(2351))), "{what}");
    }
    (is_amid, extra)
}

/// By a standby, whose journal is its own: the registers alone say so, and stay so.
async fn is_put_right_elsewhere(house: &House, program: &crate::program::Program, within: Duration, what: &str) {
    program.logs(" is a HYBRID", SOON).await;
    let begun = Instant::now();
    while !house.changed(&[]).is_empty() {
        assert!(begun.elapsed() < within, "{what}: {:?} {:#?}", house.changed(&[]), program.log());
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[cfg_attr(not(debug_assertions), ignore = "a release build has no fast clock and no crash points")]
async fn killed_at_random_moments_it_leaves_nothing() {
    let begun = Instant::now();
    let is_soak = std::env::var_os("GIVTCP_SOAK").is_some();
    let first = fastrand::u64(..1 << 32);
    let seeds: Vec<u64> = match std::env::var("GIVTCP_SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => (first..).take(if is_soak { 300 } else { 30 }).collect(),
    };
    println!("seeds from {}", seeds[0]);
    let (permits, mut runs, count) = (Arc::new(Semaphore::new(HOUSES)), JoinSet::new(), seeds.len());
    for seed in seeds {
        let permits = Arc::clone(&permits);
        runs.spawn(async move {
            let _permit = permits.acquire().await.unwrap();
            by_chance(seed).await
        });
    }
    let mut all = Vec::new();
    while let Some(ended) = runs.join_next().await {
        all.push(ended.unwrap());
    }
    let amid = all.iter().filter(|(is_amid, _)| *is_amid).count();
    let of = |extra| all.iter().filter(|run| **run == (true, extra)).count();
    let each = EXTRAS.map(|extra| format!("{extra:?} {}", of(extra))).join(", ");
    println!("{count} kills at random in {:?}, {amid} amid an override: {each}", begun.elapsed());
    assert!(count < 30 || amid * 10 >= count, "{amid} of {count}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn told_to_stop_while_the_inverter_is_away_it_keeps_what_to_undo_and_undoes_it_at_the_next_stop() {
    let house = House::new().await;
    let mut program = house.start(None);
    // Long enough that no clock ends it meanwhile.
    assert!(house.order(&mut program, &["override", "start", "force-export", "600"]).await);
    assert!(!house.changed(&[]).is_empty());
    house.wire().is_down = true;
    sleep(Duration::from_secs(1)).await;
    program.signal("TERM").await;
    assert_eq!(program.ends(SOON).await.code(), Some(0));
    assert_eq!(house.open_records().await.len(), 1, "it is kept");
    house.wire().is_down = false;
    let mut program = house.start(None);
    program.logs(" is a HYBRID", SOON).await;
    // Nobody was to end it, but for its stopping: it goes on, and is undone by the next stop.
    program.logs("is open, and taken up", SOON).await;
    program.signal("TERM").await;
    assert_eq!(program.ends(SOON).await.code(), Some(0));
    assert_eq!((house.changed(&[]), house.open_records().await), (Vec::new(), Vec::new()));
}
