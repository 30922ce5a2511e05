//! What is found behind each plant of the captures, by the program's own polling, in paused time; and what of it survives
//! a restart or the loss of a device.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use givtcp::catalogue::Layout;
use givtcp::clock::Clock;
use givtcp::event::{EventKind, News, Subscription};
use givtcp::frame::Bank;
use givtcp::inverter::{self, Inverter};
use givtcp::link::{self, Connecting, Connector};
use givtcp::lock::LocalLockManager;
use givtcp::plant::snapshot::Snapshot;
use givtcp::plant::{Capabilities, Memory, Rejection};
use givtcp::registers::plan::{self, Due};
use givtcp::simulator::{Options, Simulator};
use givtcp::store::Store;
use jiff::Timestamp;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::captures;

const EVERY: Duration = Duration::from_secs(15);

struct PausedClock(Instant);

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        let begin: Timestamp = "2026-06-05T08:00:00Z".parse().unwrap();
        begin.checked_add(self.0.elapsed()).unwrap()
    }
}

/// A dongle of which some devices may not hear anything.
#[derive(Clone)]
struct InMemory {
    simulator: Simulator,
    deaf: Arc<Mutex<Vec<u8>>>,
}

impl Connector for InMemory {
    fn connect(&self, _: Option<SocketAddr>) -> Connecting<'_> {
        let (near, far) = tokio::io::duplex(64 * 1024);
        tokio::spawn(self.clone().relay(far));
        Box::pin(async { Ok(Box::new(near) as Box<dyn link::Stream>) })
    }

    fn peer(&self) -> String {
        "simulator".to_owned()
    }
}

impl InMemory {
    async fn relay(self, client: DuplexStream) {
        let (mut from_client, mut to_client) = tokio::io::split(client);
        let (mut from_plant, mut to_plant) = tokio::io::split(self.simulator.connect());
        let requests = async {
            let mut bytes = Vec::new();
            while from_client.read_buf(&mut bytes).await.is_ok_and(|count| count > 0) {
                while let Some(length) =
                    bytes.get(4..6).map(|length| 6 + usize::from(length[0]) * 256 + usize::from(length[1]))
                    && bytes.len() >= length
                {
                    let frame: Vec<u8> = bytes.drain(..length).collect();
                    let is_heard = frame[7] != 2 || !self.deaf.lock().unwrap().contains(&frame[26]);
                    if is_heard && to_plant.write_all(&frame).await.is_err() {
                        return;
                    }
                }
            }
        };
        tokio::select! {
            biased;
            () = requests => {}
            _ = tokio::io::copy(&mut from_plant, &mut to_client) => {}
        }
    }
}

/// An inverter's task that reads a simulated plant.
struct Polling {
    newest: watch::Receiver<Option<Arc<Snapshot>>>,
    events: Subscription,
    deaf: Arc<Mutex<Vec<u8>>>,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
    _requests: mpsc::Sender<inverter::Request>,
}

impl Polling {
    fn start(simulator: &Simulator, store: Option<Store>) -> Self {
        Self::with_deaf(simulator, store, Vec::new())
    }

    fn with_deaf(simulator: &Simulator, store: Option<Store>, deaf: Vec<u8>) -> Self {
        let deaf = Arc::new(Mutex::new(deaf));
        let clock: Arc<dyn Clock> = Arc::new(PausedClock(Instant::now()));
        let (sender, newest) = watch::channel(None);
        let (requests, asked) = mpsc::channel(1);
        let shutdown = CancellationToken::new();
        let connector = Box::new(InMemory { simulator: simulator.clone(), deaf: Arc::clone(&deaf) });
        let locks = Arc::new(LocalLockManager::new(Arc::clone(&clock)));
        let inverter = Inverter { every: EVERY, store, ..Inverter::new("plant", connector, locks, clock) };
        let events = inverter.events.subscribe();
        let task = tokio::spawn(inverter::run(inverter, sender, asked, shutdown.clone()));
        Self { newest, events, deaf, shutdown, task, _requests: requests }
    }

    fn now(&self) -> Arc<Snapshot> {
        self.newest.borrow().clone().expect("a snapshot")
    }

    /// How long it takes until a snapshot is so.
    async fn until(&mut self, what: &str, so: impl Fn(&Snapshot) -> bool) -> Duration {
        let began = Instant::now();
        let found = self.newest.wait_for(|newest| newest.as_ref().is_some_and(|snapshot| so(snapshot)));
        timeout(Duration::from_secs(1800), found).await.unwrap_or_else(|_| panic!("never: {what}")).unwrap();
        began.elapsed()
    }

    /// What happened since the last call.
    fn happened(&mut self) -> Vec<EventKind> {
        let next = || match self.events.try_next()? {
            News::Event(event) => Some(event.kind.clone()),
            News::Missed(missed) => panic!("too slow: {missed}"),
        };
        let is_of_devices =
            |kind: &EventKind| matches!(kind, EventKind::DeviceLost { .. } | EventKind::DeviceBack { .. });
        std::iter::from_fn(next).filter(is_of_devices).collect()
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.expect("no panic");
    }
}

/// A capture, and what it is known to hold.
struct Capture {
    name: String,
    text: String,
    expected: Value,
}

impl Capture {
    fn simulator(&self) -> Simulator {
        Simulator::from_capture(&self.text, Options::default()).unwrap()
    }
}

fn all() -> Vec<Capture> {
    let Some(directory) = captures::find("captures") else { return Vec::new() };
    let mut logs: Vec<PathBuf> = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    logs.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    logs.sort();
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    let capture = |log: &PathBuf| {
        let name = log.file_stem().unwrap().to_string_lossy().into_owned();
        let expected = serde_json::from_str(&read(&directory.join(format!("expected/{name}.json")))).unwrap();
        Capture { name, text: read(log), expected }
    };
    let all: Vec<Capture> = logs.iter().map(capture).collect();
    assert_eq!(all.len(), 8);
    all
}

/// As the expected states say it.
fn shown(found: &Capabilities) -> Value {
    let hex = |list: &[u8]| list.iter().map(|address| format!("{address:#04x}")).collect::<Vec<_>>();
    let modules: Vec<u8> = found.stacks.iter().flat_map(|stack| stack.modules.clone()).collect();
    let is_all_in_one = found.model.name() == "ALL_IN_ONE";
    let stacks: Vec<(u8, usize)> =
        found.stacks.iter().map(|stack| (stack.controller - 0x70, stack.modules.len())).collect();
    serde_json::json!({
        "schema_version": 1,
        "device_type": found.model.name(),
        "inverter_address": "0x11",
        "meter_addresses": hex(&found.meters),
        "lv_battery_addresses": hex(&found.batteries),
        "bcu_stacks": stacks,
        "aio_battery_module_addresses": if is_all_in_one { hex(&modules) } else { Vec::new() },
        "hv_bmu_addresses": if is_all_in_one { Vec::new() } else { hex(&modules) },
        "lv_bcu_address": found.lv_bcu.then_some("0x31"),
        "arm_firmware_version": (found.arm_firmware != 0).then_some(found.arm_firmware),
    })
}

#[tokio::test(start_paused = true)]
async fn what_is_found_behind_the_plant_of_each_capture_is_what_is_there() {
    for capture in all() {
        let simulator = capture.simulator();
        let mut polling = Polling::start(&simulator, None);
        let expected = &capture.expected["capabilities"];
        let found = |snapshot: &Snapshot| shown(&snapshot.capabilities) == *expected;
        let took = polling.until(&format!("{}: {expected:#}", capture.name), found).await;
        // Whatever is asked for later finds nothing more.
        sleep(Duration::from_secs(600)).await;
        let snapshot = polling.now();
        assert_eq!(shown(&snapshot.capabilities), *expected, "{}", capture.name);
        assert!(snapshot.unavailable.is_empty() && snapshot.stats.stale_blocks == 0, "{}", capture.name);
        assert_eq!(snapshot.stats.reconnects, 0, "{}", capture.name);
        hold_against_plan(&capture.name, &simulator, &snapshot);
        println!(
            "{}: found within {took:?}; {} timeouts in 10 min; silent {:?}, optional {:?}, mirrored {:?}",
            capture.name,
            snapshot.stats.timeouts,
            snapshot.capabilities.silent,
            snapshot.capabilities.extra,
            snapshot.capabilities.mirrored,
        );
        polling.stop().await;
    }
}

/// Every block of the plan was read where it can be, and what is read each cycle is fresh; and nothing that the plant
/// measures is left out.
fn hold_against_plan(name: &str, simulator: &Simulator, snapshot: &Snapshot) {
    let found = &snapshot.capabilities;
    for key in plan::blocks(found, Due { live: true, settings: true }) {
        let there = (0..key.count).all(|offset| simulator.get(key.device, key.bank, key.base + offset).is_some());
        assert_eq!(snapshot.image.block(key).is_some(), there, "{name}: {key}");
        assert!(there || found.silent.contains(&(key.bank, key.base)), "{name}: {key} is silent, and not known to be");
    }
    for (device, bank, base, values) in simulator.registers() {
        let is_own = device == 0x11 || (0x50..0x80).contains(&device) || snapshot.is_available(device) && device < 9;
        for (address, value) in (base..).zip(values).filter(|(_, value)| *value != 0) {
            let read = snapshot.image.get(device, bank, address);
            // A capture may hold the first 21 registers of HR 300 only, and a block is answered whole.
            let in_part = bank == Bank::Holding && simulator.get(device, bank, address / 60 * 60 + 59).is_none();
            let unused = in_part && address < 1000
                || bank == Bank::Input && ((1860..2040).contains(&address) || (2095..2100).contains(&address))
                || found.model.is_ems() && (60..240).contains(&address)
                || device < 9 && address >= 90;
            assert!(!is_own || unused || read == Some(value), "{name}: {bank}{address} at {device:#04x}: {read:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_what_is_behind_the_inverter_is_read_in_the_first_cycle() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    for capture in all() {
        let simulator = capture.simulator();
        let expected = &capture.expected["capabilities"];
        let mut polling = Polling::start(&simulator, Some(store.clone()));
        polling.until(&capture.name, |snapshot| shown(&snapshot.capabilities) == *expected).await;
        sleep(Duration::from_secs(120)).await;
        let before = polling.now();
        polling.stop().await;

        let mut polling = Polling::start(&simulator, Some(store.clone()));
        polling.until(&capture.name, |_| true).await;
        assert_eq!(shown(&polling.now().capabilities), *expected, "{}: known from the first", capture.name);
        let took = polling.until(&capture.name, |snapshot| snapshot.unavailable.is_empty()).await;
        assert!(took < EVERY, "{}: {took:?}", capture.name);
        let now = polling.now();
        assert_eq!(now.batteries.len(), before.batteries.len(), "{}", capture.name);
        assert_eq!(now.meters.len(), before.meters.len(), "{}", capture.name);
        println!("{}: everything behind it was read {took:?} after a restart", capture.name);
        polling.stop().await;
    }
}

/// The leaves that tell of a battery.
fn leaves_of(snapshot: &Snapshot, address: u8) -> Vec<String> {
    let serial = snapshot.batteries.iter().find(|battery| battery.address == address).expect("it is kept").serial;
    let below = format!("/{serial}/");
    let leaves = Layout::new(false).tree(snapshot).leaves;
    leaves.iter().map(|leaf| leaf.path.to_string()).filter(|path| path.contains(&below)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_battery_that_vanishes_is_kept_without_values_and_comes_back() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let simulator = Simulator::new(Options::default());
    let mut polling = Polling::start(&simulator, Some(store.clone()));
    polling.until("both batteries", |snapshot| snapshot.batteries.len() == 2 && snapshot.unavailable.is_empty()).await;
    sleep(Duration::from_secs(60)).await;
    let whole = leaves_of(&polling.now(), 0x33);
    assert!(whole.len() > 20, "{whole:?}");
    assert_eq!(polling.happened(), []);

    polling.deaf.lock().unwrap().push(0x33);
    let took = polling.until("it is missed", |snapshot| !snapshot.is_available(0x33)).await;
    assert!((285..=330).contains(&took.as_secs()), "{took:?}");
    sleep(Duration::from_secs(300)).await;
    let snapshot = polling.now();
    assert_eq!(snapshot.unavailable, [0x33]);
    assert_eq!(polling.happened(), [EventKind::DeviceLost { device: 0x33 }], "once");
    assert_eq!(snapshot.capabilities.batteries, [0x32, 0x33]);
    let left = leaves_of(&snapshot, 0x33);
    assert!(left.len() == 1 && left[0].contains("Serial"), "{left:?}");
    assert_eq!(leaves_of(&snapshot, 0x32).len(), whole.len());
    let read_at = |device, base| snapshot.image.read_at(device, Bank::Input, base).unwrap();
    let age = read_at(0x11, 0).saturating_sub(read_at(0x32, 60));
    assert!(age < 2 * EVERY, "the others do not wait for it: {age:?}");
    polling.deaf.lock().unwrap().clear();
    polling.until("it is back", |snapshot| snapshot.unavailable.is_empty()).await;
    sleep(2 * EVERY).await;
    assert_eq!(polling.happened(), [EventKind::DeviceBack { device: 0x33 }], "once");
    polling.stop().await;

    // Not there when the program starts again, it is not forgotten.
    let mut polling = Polling::with_deaf(&simulator, Some(store), vec![0x33]);
    let took = polling.until("all but one", |snapshot| snapshot.unavailable == [0x33]).await;
    assert!(took < EVERY, "{took:?}");
    assert_eq!(polling.now().capabilities.batteries, [0x32, 0x33]);
    sleep(Duration::from_secs(600)).await;
    polling.deaf.lock().unwrap().clear();
    let took = polling.until("it is back", |snapshot| snapshot.unavailable.is_empty()).await;
    assert!(took <= 2 * EVERY, "{took:?}");
    assert_eq!(leaves_of(&polling.now(), 0x33), whole);
    assert_eq!(polling.happened(), [], "it was not lost by this program");
    polling.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_damaged_memory_is_set_aside_and_everything_is_found_again() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let simulator = Simulator::new(Options::default());
    let name = format!("plants/{}.json", simulator.inverter_serial());
    let (file, aside) = (directory.path().join(&name), directory.path().join(format!("{name}.damaged")));
    std::fs::create_dir(directory.path().join("plants")).unwrap();
    std::fs::write(&file, "{\"version\":1,\"checksum\":\"00000000\",\"data\":{}}").unwrap();
    let mut polling = Polling::start(&simulator, Some(store.clone()));
    polling.until("both batteries", |snapshot| snapshot.batteries.len() == 2).await;
    assert!(aside.exists());
    polling.stop().await;
    let kept: Memory = store.load(&name).unwrap().expect("written at the end");
    assert_eq!(kept.devices.batteries, [0x32, 0x33]);
    assert_eq!(kept.serial, simulator.inverter_serial().to_string());
}

#[tokio::test(start_paused = true)]
async fn one_bad_first_block_makes_no_other_model() {
    let simulator = Simulator::new(Options::default());
    simulator.set(0x11, Bank::Holding, 0, 0x8001);
    let mut polling = Polling::start(&simulator, None);
    // The first answer is on its way by now, and the second question is not.
    sleep(Duration::from_millis(200)).await;
    simulator.set(0x11, Bank::Holding, 0, 0x2001);
    polling.until("a snapshot", |_| true).await;
    let snapshot = polling.now();
    assert_eq!((snapshot.identity.device_type_code, snapshot.stats.rejections.of(Rejection::FirstBlock)), (0x2001, 1));
    polling.stop().await;
}
