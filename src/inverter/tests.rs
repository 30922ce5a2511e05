use std::collections::BTreeSet;
use std::net::SocketAddr;

use super::*;
use crate::clock::SystemClock;
use crate::frame::{Bank, BlockKey};
use crate::link::{Connecting, Connection};
use crate::lock::LocalLockManager;
use crate::plant::INVERTER;
use crate::simulator::{Options, Simulator};

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
