use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures::future::{BoxFuture, FutureExt};

use super::*;
use crate::catalogue::{Layout, as_json};
use crate::clock::SystemClock;
use crate::frame::{Bank, BlockKey};
use crate::link::{Connecting, Connection};
use crate::lock::captured_log::CapturedLog;
use crate::lock::{Holder, LocalLockManager, LockError};
use crate::plant::INVERTER;
use crate::simulator::{Family, Options, Simulator};

struct InMemory(Simulator);

impl Connector for InMemory {
    fn connect(&self, _: Option<SocketAddr>) -> Connecting<'_> {
        Box::pin(async { Ok(Box::new(self.0.connect()) as Box<dyn link::Stream>) })
    }

    fn peer(&self) -> String {
        "simulator".to_owned()
    }
}

fn task(simulator: &Simulator) -> Task {
    let (snapshots, _) = watch::channel(None);
    let (_, requests) = mpsc::channel(1);
    let locks = Arc::new(LocalLockManager::new(Arc::new(SystemClock)));
    let inverter = Inverter::new("plant", Box::new(InMemory(simulator.clone())), locks, Arc::new(SystemClock));
    Task::new(inverter, Owner::new("test"), snapshots, requests)
}

async fn open(task: &Task) -> Connection {
    let inverter = &task.inverter;
    link::open(&*inverter.connector, None, inverter.kind, &inverter.link, &inverter.counters).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_to_be_confirmed_is_read_once_more_in_a_cycle_and_not_again() {
    let simulator = Simulator::new(Options::default());
    let mut task = task(&simulator);
    let mut connection = open(&task).await;
    task.identify(&mut connection).await.unwrap();
    let (first, second) = (BlockKey::new(INVERTER, Bank::Input, 0, 60), BlockKey::new(INVERTER, Bank::Input, 180, 60));
    let replies = |task: &Task| task.inverter.counters.snapshot().replies;
    for key in [first, second] {
        // The first read of a block is held until a second one agrees.
        task.plant.want_again(key);
    }
    task.confirm(&mut BTreeSet::new(), Instant::now() + Duration::from_secs(15), &mut connection).await.unwrap();
    while task.plant.wants_again().is_some() {}
    let before = replies(&task);
    let (mut confirmed, end) = (BTreeSet::new(), Instant::now() + Duration::from_secs(15));
    for key in [first, second, first] {
        task.plant.want_again(key);
    }
    task.confirm(&mut confirmed, end, &mut connection).await.unwrap();
    assert_eq!(replies(&task) - before, 2);
    assert!(task.plant.read_at(first).is_some() && task.plant.read_at(second).is_some());
    task.plant.want_again(first);
    task.confirm(&mut confirmed, end, &mut connection).await.unwrap();
    assert_eq!((replies(&task) - before, task.plant.wants_again()), (2, None));
    task.plant.want_again(first);
    let over = Instant::now();
    task.confirm(&mut BTreeSet::new(), over, &mut connection).await.unwrap();
    assert_eq!(replies(&task) - before, 2, "a cycle whose time is over reads no more");
}

#[tokio::test(start_paused = true)]
async fn an_inverter_that_says_something_else_each_time_is_none() {
    let simulator = Simulator::new(Options::default());
    let changing = simulator.clone();
    tokio::spawn(async move {
        for version in 0u16.. {
            changing.set(INVERTER, Bank::Holding, 21, 400 + version % 50);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let mut task = task(&simulator);
    let mut connection = open(&task).await;
    let ended = task.identify(&mut connection).await.unwrap_err();
    assert!(matches!(ended, Ended::NoInverter(_)), "{ended}");
    assert!(task.plant.identity().is_none());
}

/// A dongle that accepts and says nothing, or lets the plant behind it speak.
#[derive(Clone)]
struct Hanging {
    simulator: Simulator,
    hangs: Arc<AtomicBool>,
    connects: Arc<AtomicUsize>,
}

impl Connector for Hanging {
    fn connect(&self, _: Option<SocketAddr>) -> Connecting<'_> {
        self.connects.fetch_add(1, Ordering::Relaxed);
        Box::pin(async {
            if !self.hangs.load(Ordering::Relaxed) {
                return Ok(Box::new(self.simulator.connect()) as Box<dyn link::Stream>);
            }
            let (here, mut there) = tokio::io::duplex(1024);
            tokio::spawn(async move { tokio::io::copy(&mut there, &mut tokio::io::sink()).await });
            Ok(Box::new(here) as Box<dyn link::Stream>)
        })
    }

    fn peer(&self) -> String {
        "simulator".to_owned()
    }
}

#[tokio::test(start_paused = true)]
async fn an_inverter_that_hangs_is_passed_on_in_silence_and_ever_more_slowly() {
    const HOUR: Duration = Duration::from_secs(3600);
    let log = CapturedLog::begin();
    let dongle = Hanging {
        simulator: Simulator::new(Options::default()),
        hangs: Arc::new(AtomicBool::new(true)),
        connects: Arc::default(),
    };
    let locks: Arc<dyn LockManager> = Arc::new(LocalLockManager::new(Arc::new(SystemClock)));
    let shutdown = CancellationToken::new();
    let processes: Vec<_> = ["one", "two"]
        .map(|name| {
            let inverter = Inverter {
                members: watch::channel(2).1,
                ..Inverter::new(name, Box::new(dongle.clone()), Arc::clone(&locks), Arc::new(SystemClock))
            };
            let (snapshots, newest) = watch::channel(None);
            let (requests, none) = mpsc::channel(1);
            (tokio::spawn(run(inverter, snapshots, none, shutdown.clone())), newest, requests)
        })
        .into();
    let told = |log: &CapturedLog| -> Vec<String> {
        log.take().into_iter().filter(|line| !line.starts_with("DEBUG") && !line.starts_with("TRACE")).collect()
    };
    tokio::time::sleep(HOUR).await;
    let said = told(&log);
    let count = |part: &str| said.iter().filter(|line| line.contains(part)).count();
    assert_eq!(count("takes the inverter over"), 0, "{said:#?}");
    assert!(count("has this inverter; standing by") <= 2, "{said:#?}");
    assert_eq!(count("all take turns until it answers one"), 2, "{said:#?}");
    dongle.connects.store(0, Ordering::Relaxed);
    tokio::time::sleep(HOUR * 5).await;
    assert_eq!(told(&log), [""; 0], "all was said");
    let attempts = dongle.connects.load(Ordering::Relaxed);
    assert!((200..1800).contains(&attempts), "{attempts} in 5 hours: each goes on trying, at most every 20 s");

    dongle.hangs.store(false, Ordering::Relaxed);
    tokio::time::sleep(HOUR).await;
    let said = told(&log);
    let taken = said.iter().filter(|line| line.contains("takes the inverter over after")).count();
    assert!(taken <= 1 && said.iter().any(|line| line.ends_with(" answers")), "{said:#?}");
    assert!(!said.iter().any(|line| line.contains(" answers again")), "it never answered before: {said:#?}");
    assert_eq!(processes.iter().filter(|(_, newest, _)| newest.borrow().is_some()).count(), 1, "one of them reads it");
    shutdown.cancel();
    for (task, ..) in processes {
        task.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_period_too_short_for_a_plant_hides_none_of_its_modules_and_is_told_once() {
    for (family, stacked) in [(Family::ThreePhaseAc, 8), (Family::ThreePhaseHybrid, 6)] {
        let log = CapturedLog::begin();
        let simulator = Simulator::new(Options { family, ..Options::default() });
        let locks = Arc::new(LocalLockManager::new(Arc::new(SystemClock)));
        let inverter = Inverter {
            every: Duration::from_secs(5),
            ..Inverter::new("plant", Box::new(InMemory(simulator)), locks, Arc::new(SystemClock))
        };
        let (snapshots, newest) = watch::channel(None);
        let (_requests, none) = mpsc::channel(1);
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(run(inverter, snapshots, none, shutdown.clone()));
        tokio::time::sleep(Duration::from_secs(120)).await;
        let snapshot: Arc<Snapshot> = newest.borrow().clone().unwrap();
        let modules: usize = snapshot.stacks.iter().map(|stack| stack.modules.len()).sum();
        let values = as_json(&Layout::new(false).tree(&snapshot)).to_string();
        assert_eq!(modules, stacked, "{family:?}");
        assert!(values.contains("\"Battery_Capacity_kWh\"") && values.contains("\"SOC_kWh\""), "{family:?}: {values}");
        tokio::time::sleep(Duration::from_secs(480)).await;
        let said: Vec<String> = log.take().into_iter().filter(|line| line.contains("poll.every")).collect();
        assert!(said.len() == 1 && said[0].contains("would do: "), "{family:?}: {said:#?}");
        shutdown.cancel();
        task.await.unwrap();
    }
}

/// A Redis that is not there: every attempt fails at once.
#[derive(Debug, Default)]
struct NoLocks(AtomicUsize);

impl LockManager for NoLocks {
    fn acquire<'a>(
        &'a self,
        resource: &'a str,
        _: &'a Owner,
        _: Option<Duration>,
    ) -> BoxFuture<'a, Result<Lease, LockError>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let why = "it is away".to_owned();
        std::future::ready(Err(LockError::Backend { resource: resource.to_owned(), why })).boxed()
    }

    fn holder<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<Holder>, LockError>> {
        std::future::ready(Ok(None)).boxed()
    }

    fn force_release<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<bool, LockError>> {
        std::future::ready(Ok(false)).boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn while_locks_cannot_be_had_they_are_asked_for_each_second_and_the_inverter_is_not_said_to_be_silent() {
    let log = CapturedLog::begin();
    let dongle = Hanging {
        simulator: Simulator::new(Options::default()),
        hangs: Arc::new(AtomicBool::new(false)),
        connects: Arc::default(),
    };
    let locks = Arc::new(NoLocks::default());
    let inverter = Inverter {
        members: watch::channel(2).1,
        ..Inverter::new("one", Box::new(dongle), Arc::clone(&locks) as Arc<dyn LockManager>, Arc::new(SystemClock))
    };
    let (shutdown, (snapshots, _newest), (_requests, none)) =
        (CancellationToken::new(), watch::channel(None), mpsc::channel(1));
    let task = tokio::spawn(run(inverter, snapshots, none, shutdown.clone()));
    for _ in 0..60 {
        locks.0.store(0, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(locks.0.load(Ordering::Relaxed) > 0, "nobody asked within 2 s");
    }
    let said = log.take();
    assert!(!said.iter().any(|line| line.contains("left to others")), "{said:#?}");
    assert_eq!(said.iter().filter(|line| line.starts_with("WARN")).count(), 1, "{said:#?}");
    shutdown.cancel();
    task.await.unwrap();
}
