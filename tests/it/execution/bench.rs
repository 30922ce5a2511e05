//! A house with a simulated plant, its poller, and hands on the wire between them.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use futures::StreamExt;
use givtcp::catalogue::Layout;
use givtcp::clock::Clock;
use givtcp::control::{By, Command, Inbox, Order, Orders, Policy, Report, orders};
use givtcp::event::{EventKind, Events, News, Subscription};
use givtcp::frame::{Ask, Bank, DongleCodec, Frame};
use givtcp::inverter::{self, Inverter};
use givtcp::link::{self, Connecting, Connector, Stream};
use givtcp::lock::{LocalLockManager, LockManager};
use givtcp::overrides::journal::{Journal, Record};
use givtcp::plant::Snapshot;
use givtcp::simulator::{Family, Options, Simulator};
use givtcp::status::{FileStatusManager, Status, StatusManager, StatusName};
use givtcp::store::Store;
use jiff::{SignedDuration, Timestamp};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::codec::{Encoder, FramedRead};
use tokio_util::sync::CancellationToken;

pub fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Wall time that goes with tokio's, until somebody sets it.
pub struct Ticking {
    since: Instant,
    /// By so many seconds.
    set: AtomicI64,
}

impl Ticking {
    fn begin() -> Arc<Self> {
        Arc::new(Self { since: Instant::now(), set: AtomicI64::new(0) })
    }
}

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        let begin = Timestamp::constant(1_780_650_000 + self.set.load(Ordering::Relaxed), 0);
        begin + SignedDuration::try_from(self.since.elapsed()).unwrap()
    }
}

/// What becomes of a write on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrives, and its echo does.
    Arrives,
    /// It is lost on its way.
    Lost,
    /// It arrives, and its echo is lost.
    Unheard,
    /// The connection breaks before it arrives,
    CutBefore,
    /// or after.
    CutAfter,
    /// Whoever sends is gone, before it arrives,
    Last,
    /// or after.
    LastAfter,
    /// Another inverter than the one that is meant gets it, and answers.
    Other,
}

/// What is seen of the wire, and what is done to it.
#[derive(Default)]
pub struct Wire {
    /// Each write that was sent, lost ones too, and when.
    pub writes: Vec<(u16, u16, Instant)>,
    /// When reads were asked for, and when anything was answered last.
    pub asked: Vec<Instant>,
    pub answered: Vec<Instant>,
    /// What becomes of the next writes; after them all arrive.
    pub fates: VecDeque<Fate>,
    /// Nobody can connect.
    pub is_down: bool,
}

/// What stands between the poller and its plant.
#[derive(Clone)]
pub struct Dongle {
    pub plant: Arc<Mutex<Simulator>>,
    pub other: Simulator,
    pub wire: Arc<Mutex<Wire>>,
    /// A write came whose sender is to be gone.
    pub gone: watch::Sender<bool>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Dongle {
    async fn serve(self, client: DuplexStream) -> Option<()> {
        let mut plant = locked(&self.plant).connect();
        let (reader, mut writer) = tokio::io::split(client);
        let mut requests = FramedRead::new(reader, DongleCodec::default());
        let (mut answer, mut unheard) = ([0; 1024], 0);
        loop {
            tokio::select! {
                biased;
                item = requests.next() => {
                    let frame = item?.ok()?.unwrap();
                    let fate = self.fate_of(&frame);
                    match fate {
                        Fate::CutBefore => return None,
                        Fate::Lost => continue,
                        Fate::Last => {
                            self.gone.send_replace(true);
                            return None;
                        }
                        Fate::Unheard => unheard += 1,
                        Fate::CutAfter | Fate::LastAfter | Fate::Other | Fate::Arrives => {}
                    }
                    let mut bytes = BytesMut::new();
                    DongleCodec::default().encode(&frame, &mut bytes).unwrap();
                    if fate == Fate::Other {
                        let mut other = self.other.connect();
                        other.write_all(&bytes).await.ok()?;
                        let count = other.read(&mut answer).await.ok()?;
                        writer.write_all(&answer[..count]).await.ok()?;
                        continue;
                    }
                    plant.write_all(&bytes).await.ok()?;
                    if matches!(fate, Fate::CutAfter | Fate::LastAfter) {
                        // It is heard by the plant, and nobody hears of it.
                        let _ = plant.read(&mut answer).await;
                        self.gone.send_replace(fate == Fate::LastAfter);
                        return None;
                    }
                }
                count = plant.read(&mut answer) => {
                    let count = count.ok().filter(|&count| count > 0)?;
                    if unheard > 0 {
                        unheard -= 1;
                        continue;
                    }
                    writer.write_all(&answer[..count]).await.ok()?;
                    locked(&self.wire).answered.push(Instant::now());
                }
            }
        }
    }

    fn fate_of(&self, frame: &Frame) -> Fate {
        let mut wire = locked(&self.wire);
        match frame {
            Frame::Request { ask: Ask::Write { register, value }, .. } => {
                wire.writes.push((*register, *value, Instant::now()));
                wire.fates.pop_front().unwrap_or(Fate::Arrives)
            }
            Frame::Request { .. } => {
                wire.asked.push(Instant::now());
                Fate::Arrives
            }
            _ => Fate::Arrives,
        }
    }
}

impl Connector for Dongle {
    fn connect(&self, _: Option<SocketAddr>) -> Connecting<'_> {
        if locked(&self.wire).is_down {
            return Box::pin(async { Err(std::io::Error::from(std::io::ErrorKind::ConnectionRefused)) });
        }
        let (near, far) = tokio::io::duplex(4096);
        tokio::spawn(self.clone().serve(far));
        Box::pin(async { Ok(Box::new(near) as Box<dyn Stream>) })
    }

    fn peer(&self) -> String {
        "dongle:8899".to_owned()
    }
}

fn statuses(dir: &tempfile::TempDir, clock: &Arc<Ticking>) -> Arc<dyn StatusManager> {
    let clock = Arc::clone(clock) as Arc<dyn Clock>;
    Arc::new(FileStatusManager::new(Store::open(dir.path()).unwrap(), clock))
}

/// A plant, the task that polls it, and the way in.
pub struct House {
    pub plant: Simulator,
    pub dongle: Dongle,
    pub orders: Orders,
    pub newest: watch::Receiver<Option<Arc<Snapshot>>>,
    pub locks: Arc<LocalLockManager>,
    pub happened: Subscription,
    pub stop: CancellationToken,
    pub policy: Policy,
    link: link::Options,
    clock: Arc<Ticking>,
    dir: Arc<tempfile::TempDir>,
    task: JoinHandle<()>,
}

impl House {
    pub fn new() -> Self {
        Self::of(Family::default())
    }

    pub fn of(family: Family) -> Self {
        Self::with(family, Policy { daily_writes: 100_000, ..Policy::default() })
    }

    pub fn with(family: Family, policy: Policy) -> Self {
        let start = "2026-06-05T09:00:00".parse().unwrap();
        let plant = Simulator::new(Options { family, start, ..Options::default() });
        let dir = Arc::new(tempfile::tempdir().unwrap());
        let dongle = Dongle {
            plant: Arc::new(Mutex::new(plant.clone())),
            other: Simulator::new(Options { plant: 2, start, ..Options::default() }),
            wire: Arc::default(),
            gone: watch::Sender::new(false),
        };
        Self::start(plant, dongle, policy, link::Options::default(), Ticking::begin(), dir)
    }

    /// One whose dongle needs no rests and no time, for real clocks.
    pub fn quick() -> Self {
        let start = "2026-06-05T09:00:00".parse().unwrap();
        let none = Duration::ZERO;
        let options = Options { start, delay: none, delay_jitter: none, ..Options::default() };
        let plant = Simulator::new(options.clone());
        let dongle = Dongle {
            plant: Arc::new(Mutex::new(plant.clone())),
            other: Simulator::new(Options { plant: 2, ..options }),
            wire: Arc::default(),
            gone: watch::Sender::new(false),
        };
        let policy = Policy { daily_writes: 100_000, ..Policy::default() };
        let link = link::Options { gap: none, jitter: none, ..link::Options::default() };
        let dir = Arc::new(tempfile::tempdir().unwrap());
        Self::start(plant, dongle, policy, link, Ticking::begin(), dir)
    }

    fn start(
        plant: Simulator,
        dongle: Dongle,
        policy: Policy,
        link: link::Options,
        clock: Arc<Ticking>,
        dir: Arc<tempfile::TempDir>,
    ) -> Self {
        let (snapshots, newest) = watch::channel(None);
        let (orders, inbox): (Orders, Inbox) = orders();
        let (stop, events) = (CancellationToken::new(), Events::new());
        let locks = Arc::new(LocalLockManager::new(Arc::clone(&clock) as Arc<dyn Clock>));
        let happened = events.subscribe();
        let inverter = Inverter {
            statuses: Some(statuses(&dir, &clock)),
            store: Some(Store::open(dir.path()).unwrap()),
            journal: Some(Journal::trusting(dir.path(), Arc::clone(&clock) as Arc<dyn Clock>)),
            orders: inbox,
            policy,
            events,
            link: link.clone(),
            ..Inverter::new(
                "house",
                Box::new(dongle.clone()),
                Arc::clone(&locks) as Arc<dyn LockManager>,
                Arc::clone(&clock) as Arc<dyn Clock>,
            )
        };
        let (_, requests) = mpsc::channel(1);
        let task = tokio::spawn(inverter::run(inverter, snapshots, requests, stop.clone()));
        Self { plant, dongle, orders, newest, locks, happened, stop, policy, link, clock, dir, task }
    }

    /// Waits until everything that is there was found and read.
    pub async fn settled(&self) {
        tokio::time::sleep(seconds(150)).await;
        assert!(self.newest.borrow().is_some(), "nothing is read");
    }

    /// Gives a command, and does not wait.
    pub fn begin(&self, name: &str, payload: &str) -> JoinHandle<Report> {
        let (orders, command) = (self.orders.clone(), Command::parse(name, payload).unwrap());
        tokio::spawn(async move { orders.give(Order::new(command, By::Mqtt)).await })
    }

    pub async fn give(&self, name: &str, payload: &str) -> Report {
        let command = Command::parse(name, payload).unwrap_or_else(|fault| panic!("{fault}"));
        self.orders.give(Order::new(command, By::Mqtt)).await
    }

    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.newest.borrow().clone().expect("a snapshot")
    }

    pub fn leaf(&self, path: &str) -> String {
        let tree = Layout::new(false).tree(&self.snapshot());
        let leaf = tree.leaves.iter().find(|leaf| *leaf.path == *path);
        leaf.map_or_else(|| format!("no {path}"), |leaf| leaf.payload.to_string())
    }

    /// What a holding register has.
    pub fn holds(&self, register: u16) -> Option<u16> {
        self.plant.get(0x11, Bank::Holding, register)
    }

    pub fn all_hold(&self, registers: &[u16]) -> Vec<u16> {
        registers.iter().map(|register| self.holds(*register).unwrap()).collect()
    }

    pub fn wire(&self) -> MutexGuard<'_, Wire> {
        locked(&self.dongle.wire)
    }

    /// What was written so far.
    pub fn writes(&self) -> Vec<(u16, u16)> {
        self.wire().writes.iter().map(|(register, value, _)| (*register, *value)).collect()
    }

    pub fn fates(&self, fates: &[Fate]) {
        self.wire().fates = fates.iter().copied().collect();
    }

    /// How much was asked on the wire, reads and writes.
    pub fn requests(&self) -> usize {
        let wire = self.wire();
        wire.asked.len() + wire.writes.len()
    }

    /// Where it keeps what survives a restart.
    pub fn data_dir(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// Open records of the journal.
    pub async fn open_records(&self) -> Vec<Record> {
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        Journal::trusting(self.dir.path(), clock).open_records().await.records
    }

    /// Statuses that are set.
    pub async fn statuses(&self) -> Vec<Status> {
        statuses(&self.dir, &self.clock).list(self.plant.inverter_serial()).await.unwrap()
    }

    /// The status of this name, if it is set.
    pub async fn status(&self, name: StatusName) -> Option<Status> {
        self.statuses().await.into_iter().find(|status| status.name == name)
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Somebody sets the wall clock, by so many seconds.
    pub fn set_clock_by(&self, seconds: i64) {
        self.clock.set.fetch_add(seconds, Ordering::Relaxed);
    }

    /// What happened since the last time, by its kind.
    pub fn events(&mut self) -> Vec<EventKind> {
        let mut all = Vec::new();
        while let Some(News::Event(event)) = self.happened.try_next() {
            all.push(event.kind.clone());
        }
        all
    }

    /// The process is killed and begins anew; its disk is as it was.
    pub async fn crash(self) -> Self {
        self.task.abort();
        let _ = self.task.await;
        self.dongle.gone.send_replace(false);
        Self::start(self.plant, self.dongle, self.policy, self.link, self.clock, self.dir)
    }

    /// It is stopped and begins anew.
    pub async fn restart(self) -> Self {
        self.stop.cancel();
        timeout(seconds(25), self.task).await.expect("in time").unwrap();
        Self::start(self.plant, self.dongle, self.policy, self.link, self.clock, self.dir)
    }

    pub async fn end(self) {
        self.stop.cancel();
        timeout(seconds(25), self.task).await.expect("in time").unwrap();
    }
}
