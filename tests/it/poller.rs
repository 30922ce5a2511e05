//! One inverter's task in paused time, over connections in memory: what it keeps, what it skips, whom it believes.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use futures::StreamExt;
use givtcp::clock::Clock;
use givtcp::frame::{Ask, Bank, DongleCodec, Frame, Serial};
use givtcp::inverter::{self, Inverter};
use givtcp::link::{Connecting, Connector, Stream};
use givtcp::lock::{LocalLockManager, LockManager, Owner};
use givtcp::plant::Snapshot;
use givtcp::plant::tariff::{Mode, Prices, Rate};
use givtcp::simulator::{Faults, Options, Simulator};
use jiff::{SignedDuration, Timestamp};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::codec::{Encoder, FramedRead};
use tokio_util::sync::CancellationToken;

/// Wall time that goes with tokio's.
pub struct Ticking {
    begun: Instant,
    begin: Timestamp,
}

impl Ticking {
    /// It is this time now.
    pub fn from(begin: Timestamp) -> Arc<Self> {
        Arc::new(Self { begun: Instant::now(), begin })
    }

    fn new() -> Arc<Self> {
        Self::from(Timestamp::constant(1_780_650_000, 0))
    }
}

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        self.begin + SignedDuration::try_from(self.begun.elapsed()).unwrap()
    }
}

/// A dongle with two plants to answer for, one of which does; some questions it does not pass on.
pub struct Dongle {
    plants: [Simulator; 2],
    answers: AtomicUsize,
    ignores: fn(u8, Ask) -> bool,
    asked: Mutex<Vec<(u8, Ask)>>,
    asked_at: Mutex<Vec<Instant>>,
    connects: AtomicUsize,
}

impl Dongle {
    pub fn of(plant: &Simulator) -> Arc<Self> {
        Self::with([plant.clone(), plant.clone()], |_, _| false)
    }

    fn with(plants: [Simulator; 2], ignores: fn(u8, Ask) -> bool) -> Arc<Self> {
        let (answers, connects) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self { plants, answers, ignores, asked: Mutex::default(), asked_at: Mutex::default(), connects })
    }

    fn asked(&self) -> Vec<(u8, Ask)> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn connects(&self) -> usize {
        self.connects.load(Ordering::Relaxed)
    }

    async fn serve(self: Arc<Self>, client: DuplexStream) -> Option<()> {
        let [mut first, mut second] = self.plants.each_ref().map(Simulator::connect);
        let (reader, mut writer) = tokio::io::split(client);
        let mut requests = FramedRead::new(reader, DongleCodec::default());
        let (mut one, mut two) = ([0; 512], [0; 512]);
        loop {
            tokio::select! {
                biased;
                item = requests.next() => {
                    let frame = item?.ok()?.unwrap();
                    if let Frame::Request { device, ask, .. } = &frame {
                        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push((*device, *ask));
                        self.asked_at.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
                        if (self.ignores)(*device, *ask) {
                            continue;
                        }
                    }
                    let mut bytes = BytesMut::new();
                    DongleCodec::default().encode(&frame, &mut bytes).unwrap();
                    let plant = if self.answers.load(Ordering::Relaxed) == 0 { &mut first } else { &mut second };
                    plant.write_all(&bytes).await.ok()?;
                }
                count = first.read(&mut one) => writer.write_all(one.get(..count.ok().filter(|&n| n > 0)?)?).await.ok()?,
                count = second.read(&mut two) => writer.write_all(two.get(..count.ok().filter(|&n| n > 0)?)?).await.ok()?,
            }
        }
    }
}

struct Socket(Arc<Dongle>);

impl Connector for Socket {
    fn connect(&self, _: Option<SocketAddr>) -> Connecting<'_> {
        self.0.connects.fetch_add(1, Ordering::Relaxed);
        let (near, far) = tokio::io::duplex(4096);
        tokio::spawn(Arc::clone(&self.0).serve(far));
        Box::pin(async { Ok(Box::new(near) as Box<dyn Stream>) })
    }

    fn peer(&self) -> String {
        format!("dongle of {}", self.0.plants[0].inverter_serial())
    }
}

/// An inverter's task and what it shows.
pub struct Poller {
    pub newest: watch::Receiver<Option<Arc<Snapshot>>>,
    pub locks: Arc<LocalLockManager>,
    stop: CancellationToken,
    task: JoinHandle<()>,
    requests: mpsc::Sender<inverter::Request>,
}

impl Poller {
    pub fn start(dongle: &Arc<Dongle>, every: u64) -> Self {
        Self::with(dongle, every, Arc::new(LocalLockManager::new(Ticking::new())))
    }

    /// By this clock.
    pub fn by(clock: &Arc<Ticking>, dongle: &Arc<Dongle>, every: u64) -> Self {
        let locks = Arc::new(LocalLockManager::new(Arc::clone(clock) as Arc<dyn Clock>));
        Self::with_clock(dongle, every, locks, Arc::clone(clock))
    }

    fn with(dongle: &Arc<Dongle>, every: u64, locks: Arc<LocalLockManager>) -> Self {
        Self::with_clock(dongle, every, locks, Ticking::new())
    }

    fn with_clock(dongle: &Arc<Dongle>, every: u64, locks: Arc<LocalLockManager>, clock: Arc<Ticking>) -> Self {
        let (snapshots, newest) = watch::channel(None);
        let (requests, none) = mpsc::channel(1);
        let stop = CancellationToken::new();
        let inverter = Inverter {
            every: Duration::from_secs(every),
            lock_timeout: Duration::from_secs(10),
            prices: Arc::new(Prices { mode: Mode::External, ..Prices::default() }),
            ..Inverter::new(
                "house",
                Box::new(Socket(Arc::clone(dongle))),
                Arc::clone(&locks) as Arc<dyn LockManager>,
                clock,
            )
        };
        let task = tokio::spawn(inverter::run(inverter, snapshots, none, stop.clone()));
        Self { newest, locks, stop, task, requests }
    }

    /// The newest snapshot.
    pub fn now(&self) -> Arc<Snapshot> {
        self.newest.borrow().clone().expect("there is a snapshot")
    }

    /// Waits until a snapshot is so.
    async fn until(&mut self, within: u64, what: &str, so: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        let found = self.newest.wait_for(|newest| newest.as_ref().is_some_and(|snapshot| so(snapshot)));
        let found = timeout(Duration::from_secs(within), found).await.unwrap_or_else(|_| panic!("in time: {what}"));
        found.unwrap().clone().unwrap()
    }

    pub async fn end(self) {
        self.stop.cancel();
        timeout(Duration::from_secs(2), self.task).await.expect("it ends within 2 s").unwrap();
    }
}

pub fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn plant(number: u8, soc: f64) -> Simulator {
    Simulator::new(Options { plant: number, soc, speed: 0.0, ..Options::default() })
}

/// Lets another client of the dongle ask for a block.
async fn ask(plant: &Simulator, device: u8, base: u16) {
    let mut other = plant.connect();
    let ask = Ask::Read { bank: Bank::Input, base, count: 60 };
    let mut bytes = BytesMut::new();
    DongleCodec::default().encode(&Frame::Request { adapter: Serial::CLIENT, device, ask }, &mut bytes).unwrap();
    other.write_all(&bytes).await.unwrap();
    let mut answer = [0; 20];
    other.read_exact(&mut answer).await.unwrap();
    sleep(Duration::from_millis(10)).await;
}

#[tokio::test(start_paused = true)]
async fn the_rate_is_switched_by_request() {
    let dongle = Dongle::of(&plant(1, 62.0));
    let mut poller = Poller::start(&dongle, 15);
    let is = |rate: Rate| move |snapshot: &Snapshot| snapshot.rates.as_ref().is_some_and(|rates| rates.current == rate);
    poller.until(30, "rates", is(Rate::Day)).await;
    poller.requests.send(inverter::Request::SwitchRate(Rate::Night, Timestamp::UNIX_EPOCH)).await.unwrap();
    poller.until(15, "the other rate", is(Rate::Night)).await;
    sleep(seconds(60)).await;
    assert_eq!(poller.now().rates.as_ref().map(|rates| rates.current_rate), Some(0.155));
    poller.end().await;
}

#[tokio::test(start_paused = true)]
async fn what_another_client_asked_for_is_taken_too() {
    let plant = plant(1, 62.0);
    let dongle = Dongle::of(&plant);
    let mut poller = Poller::start(&dongle, 15);
    poller.until(30, "batteries", |snapshot| snapshot.batteries.len() == 2 && snapshot.power.soc == Some(62)).await;
    sleep(seconds(120)).await;
    // Long enough after a cycle that it cannot be a late reply of our own.
    poller.newest.changed().await.unwrap();
    sleep(seconds(9)).await;
    let before = poller.now();
    plant.set_soc(70.0);
    for (device, base) in [(0x11, 0), (0x33, 60)] {
        ask(&plant, device, base).await;
    }
    // From now on nobody gets an answer.
    plant.set_faults(Faults { silence: 1.0, ..Faults::default() });
    let after = poller.until(32, "the foreign values", |snapshot| snapshot.power.soc == Some(70)).await;
    assert!(after.stats.online);
    assert_ne!(after.batteries[1].soc, before.batteries[1].soc);
    assert_eq!(after.batteries[0], before.batteries[0], "nobody asked for this one");
    poller.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_block_that_0x11_leaves_unanswered_is_read_at_0x31() {
    let live = |device, ask| device == 0x11 && matches!(ask, Ask::Read { bank: Bank::Input, base: 0, .. });
    let plant = plant(1, 62.0);
    let dongle = Dongle::with([plant.clone(), plant.clone()], live);
    let mut poller = Poller::start(&dongle, 15);
    poller.until(60, "values", |snapshot| snapshot.power.soc == Some(62)).await;
    sleep(seconds(15)).await;
    let before = dongle.asked().len();
    plant.set_soc(70.0);
    sleep(seconds(300)).await;
    assert_eq!(poller.now().power.soc, Some(70));
    assert!(poller.now().stats.online);
    let later = dongle.asked().split_off(before);
    assert!(!later.iter().any(|&(device, ask)| live(device, ask)), "it remembers");
    assert!(later.len() > 60, "{}", later.len());
    assert_eq!(dongle.connects(), 1);
    poller.end().await;
}

#[tokio::test(start_paused = true)]
async fn after_three_silent_cycles_an_inverter_is_offline_and_its_answer_brings_it_back() {
    let plant = plant(1, 62.0);
    let dongle = Dongle::of(&plant);
    let mut poller = Poller::start(&dongle, 15);
    poller.until(30, "values", |snapshot| snapshot.power.soc == Some(62)).await;
    sleep(seconds(60)).await;
    plant.set_faults(Faults { silence: 1.0, ..Faults::default() });
    let silent = Instant::now();
    let last = poller.until(70, "offline", |snapshot| !snapshot.stats.online).await;
    // Three cycles, of which the first may begin a period after the last answer.
    assert!((seconds(30)..=seconds(61)).contains(&silent.elapsed()), "{:?}", silent.elapsed());
    assert_eq!(last.power.soc, Some(62), "the last values stay");
    sleep(seconds(600)).await;
    // A dongle that hangs is often cured by a new connection; but it is not asked for one every second.
    assert!((5..=40).contains(&dongle.connects()), "{}", dongle.connects());
    plant.set_faults(Faults::default());
    plant.set_soc(50.0);
    poller.until(75, "online", |snapshot| snapshot.stats.online && snapshot.power.soc == Some(50)).await;
    poller.end().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_of_another_inverter_is_shown_under_the_first_ones_serial() {
    let plants = [plant(1, 30.0), plant(2, 90.0)];
    let serials = plants.each_ref().map(Simulator::inverter_serial);
    let dongle = Dongle::with(plants, |_, _| false);
    let poller = Poller::start(&dongle, 15);
    let mut newest = poller.newest.clone();
    let shown = tokio::spawn(async move {
        let mut shown = Vec::new();
        while newest.changed().await.is_ok() {
            let Some(snapshot) = newest.borrow_and_update().clone() else { continue };
            let batteries: Vec<Serial> = snapshot.batteries.iter().map(|battery| battery.serial).collect();
            shown.push((snapshot.identity.serial, snapshot.power.soc, batteries));
        }
        shown
    });
    // In the middle of a cycle the other one begins to answer.
    sleep(Duration::from_millis(31_300)).await;
    dongle.answers.store(1, Ordering::Relaxed);
    sleep(seconds(120)).await;
    poller.end().await;
    let shown = shown.await.unwrap();
    for (serial, soc, batteries) in &shown {
        let number = serials.iter().position(|known| known == serial).expect("one of both");
        assert!(soc.is_none_or(|soc| soc == [30, 90][number]), "{serial}: {soc:?}");
        let own = ["BG2227", "BG2228"][number];
        assert!(batteries.iter().all(|battery| battery.to_string().starts_with(own)), "{serial}: {batteries:?}");
    }
    assert_eq!(shown.last().unwrap().0, serials[1]);
    assert_eq!(shown.last().unwrap().1, Some(90));
    assert_eq!(dongle.connects(), 2, "a new connection for the other one");
}

#[tokio::test(start_paused = true)]
async fn a_cycle_that_gets_no_lock_in_time_is_skipped_and_counted() {
    let plant = plant(1, 62.0);
    let dongle = Dongle::of(&plant);
    let mut poller = Poller::start(&dongle, 15);
    poller.until(30, "values", |snapshot| snapshot.power.soc == Some(62)).await;
    sleep(seconds(14)).await;
    let resource = format!("inverter_read:{}", plant.inverter_serial());
    let other = Owner::new("another reader");
    let lease = poller.locks.acquire(&resource, &other, Some(seconds(20))).await.unwrap();
    plant.set_soc(70.0);
    let asked = dongle.asked().len();
    sleep(seconds(31)).await;
    let skipped = poller.now();
    assert_eq!(skipped.stats.skipped_cycles, 2);
    assert_eq!(skipped.power.soc, Some(62), "the last values stay");
    assert_eq!(dongle.asked().len(), asked, "nothing is read without the lock");
    drop(lease);
    let after = poller.until(16, "read again", |snapshot| snapshot.power.soc == Some(70)).await;
    assert_eq!(after.stats.skipped_cycles, 2);
    assert!(after.stats.online);
    sleep(seconds(5)).await;
    assert!(!poller.locks.is_locked(&resource).await.unwrap(), "not held past the cycle");
    poller.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_broken_inverter_does_not_disturb_the_other() {
    let (good, bad) = (plant(1, 62.0), plant(2, 62.0));
    bad.set_faults(Faults { silence: 0.5, late: 0.3, garbage: 0.5, reset: 0.05, ..Faults::default() });
    let locks = Arc::new(LocalLockManager::new(Ticking::new()));
    let poller = Poller::with(&Dongle::of(&good), 15, Arc::clone(&locks));
    let other = Poller::with(&Dongle::of(&bad), 15, locks);
    let mut newest = poller.newest.clone();
    let periods = tokio::spawn(async move {
        let mut periods = Vec::new();
        while newest.changed().await.is_ok() {
            let period = newest.borrow_and_update().as_ref().and_then(|snapshot| snapshot.stats.since_previous);
            if period != periods.last().copied() {
                periods.extend(period);
            }
        }
        periods
    });
    sleep(seconds(3600)).await;
    assert!(bad.fault_counts().values().sum::<u64>() > 500, "{:?}", bad.fault_counts());
    for poller in [poller, other] {
        poller.end().await;
    }
    let periods = periods.await.unwrap();
    assert!(periods.len() > 230, "{}", periods.len());
    // The first cycle reads more than the second.
    assert!(periods[1..].iter().all(|period| (12.0..18.0).contains(period)), "{periods:?}");
}

#[tokio::test(start_paused = true)]
async fn a_cycle_takes_what_its_pacing_and_its_replies_take() {
    let delay = Duration::from_millis(100);
    let simulator = Simulator::new(Options {
        delay,
        delay_jitter: Duration::ZERO,
        heartbeat_every: Duration::ZERO,
        ..Options::default()
    });
    let dongle = Dongle::of(&simulator);
    let poller = Poller::start(&dongle, 15);
    // Everything that may be there has been asked for by then, and settings are not due.
    let resource = format!("inverter_read:{}", simulator.inverter_serial());
    let cycle_begins = Instant::now() + Duration::from_secs(15 * 17) - Duration::from_secs(2);
    tokio::time::sleep_until(cycle_begins).await;
    let held =
        |locks: Arc<LocalLockManager>, resource: String| async move { locks.is_locked(&resource).await.unwrap() };
    while !held(Arc::clone(&poller.locks), resource.clone()).await {
        sleep(Duration::from_millis(1)).await;
    }
    let acquired = Instant::now();
    while held(Arc::clone(&poller.locks), resource.clone()).await {
        sleep(Duration::from_millis(1)).await;
    }
    let took = acquired.elapsed();
    let asked: Vec<Instant> =
        dongle.asked_at.lock().unwrap().iter().copied().filter(|at| *at + delay >= acquired).collect();
    assert!(asked.len() >= 5, "{asked:?}");
    let needed = *asked.last().unwrap() + delay - asked[0];
    println!("a cycle of {} requests took {took:?}; pacing and replies take {needed:?}", asked.len());
    assert!(took <= needed.mul_f64(1.02), "{took:?} against {needed:?}");
    poller.end().await;
}
