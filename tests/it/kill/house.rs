//! A plant and its poller, both by a clock that goes 60 times faster, and hands on the wire that kill the poller at a
//! write.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use futures::StreamExt;
use givtcp::clock::{Clock, SystemClock};
use givtcp::control::Allowed;
use givtcp::frame::{Ask, Bank, DongleCodec, Frame};
use givtcp::overrides::journal::{Journal, Record};
use givtcp::simulator::{Options, Simulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::codec::{Encoder, FramedRead};

use crate::host::quick;
use crate::program::{Program, Settings, once_in};

pub const SPEED: u32 = 60;
/// What a process takes to begin and to read everything once, on a machine that has other things to do.
pub const SOON: Duration = Duration::from_secs(30);

/// Registers that change by themselves.
const OWN: [u16; 8] = [29, 35, 36, 37, 38, 39, 40, 163];

/// When the poller is killed, of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// It does not arrive.
    Before,
    /// It arrives, and its echo does not.
    Unheard,
    /// Its echo was sent.
    Echoed,
}

/// Registers, each with what it held and what it holds.
pub type Changed = Vec<(u16, Option<u16>, Option<u16>)>;

#[derive(Default)]
pub struct Wire {
    /// The write with this number kills.
    pub kill: Option<(usize, When)>,
    pub writes: usize,
    /// Whom.
    pub victim: Option<u32>,
    /// Who connects is sent away.
    pub is_down: bool,
}

pub struct House {
    pub plant: Simulator,
    pub wire: Arc<Mutex<Wire>>,
    pub settings: Settings,
    pub dir: Arc<tempfile::TempDir>,
    pub before: Vec<(u16, Option<u16>)>,
    clock: String,
    serving: JoinHandle<()>,
}

impl House {
    pub async fn new() -> Self {
        let start = "2026-06-05T09:00:00".parse().unwrap();
        let plant = Simulator::new(Options { speed: f64::from(SPEED), start, ..quick() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let wire: Arc<Mutex<Wire>> = Arc::default();
        let serving = tokio::spawn(serve(listener, plant.clone(), Arc::clone(&wire)));
        let settings = Settings {
            mqtt: "enabled: false".to_owned(),
            link: "gap: 0ms, jitter: 0s, timeout: 500ms, connect_timeout: 1s, backoff_max: 1s",
            ..Settings::new(1)
        };
        let settings = settings.dongle(port);
        let clock = format!("{}:{SPEED}", SystemClock.now().as_second());
        let before = settings_of(&plant);
        Self { plant, wire, settings, dir: Arc::new(tempfile::tempdir().unwrap()), before, clock, serving }
    }

    pub fn wire(&self) -> MutexGuard<'_, Wire> {
        self.wire.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the poller, which dies by itself at this point of its journal, if at any.
    pub fn start(&self, crash_at: Option<usize>) -> Program {
        let program = self.start_in(Arc::clone(&self.dir), crash_at);
        self.wire().victim = program.id();
        program
    }

    /// The same on a machine of its own, as far as its data are.
    pub fn start_in(&self, dir: Arc<tempfile::TempDir>, crash_at: Option<usize>) -> Program {
        let mut told = vec![("TEST_GIVTCP_CLOCK", self.clock.clone())];
        told.extend(crash_at.map(|at| ("TEST_GIVTCP_CRASH_AT", at.to_string())));
        Program::run_told(dir, &self.settings, &told)
    }

    /// Gives an order again and again until it is done; false if the poller dies of it.
    pub async fn order(&self, program: &mut Program, words: &[&str]) -> bool {
        let args: Vec<&str> = words.iter().copied().chain(["--config", "givtcp.yaml"]).collect();
        let begun = Instant::now();
        while program.runs() {
            let mut giving = std::pin::pin!(once_in(&self.dir, &args, SOON));
            let output = loop {
                tokio::select! {
                    output = &mut giving => break output,
                    () = sleep(Duration::from_millis(5)) => if !program.runs() { return false },
                }
            };
            if output.status.success() {
                return true;
            }
            assert!(begun.elapsed() < SOON, "{words:?}: {output:?} {:#?}", program.log());
            sleep(Duration::from_millis(100)).await;
        }
        false
    }

    pub fn now(&self) -> Vec<(u16, Option<u16>)> {
        settings_of(&self.plant)
    }

    /// What differs from what was there before, but for these.
    pub fn changed(&self, but: &[u16]) -> Changed {
        let pairs = self.before.iter().zip(self.now());
        let differs = pairs.filter(|(before, now)| before.1 != now.1 && !but.contains(&before.0));
        differs.map(|(before, now)| (before.0, before.1, now.1)).collect()
    }

    pub async fn open_records(&self) -> Vec<Record> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        Journal::trusting(&self.dir.path().join("data"), clock).open_records().await.records
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn settings_of(plant: &Simulator) -> Vec<(u16, Option<u16>)> {
    let all = Allowed::ALL.iter().map(|allowed| allowed.register).filter(|register| !OWN.contains(register));
    all.map(|register| (register, plant.get(0x11, Bank::Holding, register))).collect()
}

async fn serve(listener: TcpListener, plant: Simulator, wire: Arc<Mutex<Wire>>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        tokio::spawn(pass_on(stream, plant.clone(), Arc::clone(&wire)));
    }
}

/// Between a client and the plant, until either ends or the client is killed.
async fn pass_on(client: TcpStream, plant: Simulator, wire: Arc<Mutex<Wire>>) -> Option<()> {
    let locked = || wire.lock().unwrap_or_else(PoisonError::into_inner);
    client.set_nodelay(true).unwrap();
    let mut dongle = plant.connect();
    let (reader, mut writer) = client.into_split();
    let mut requests = FramedRead::new(reader, DongleCodec::default());
    let mut answer = [0; 1024];
    loop {
        if locked().is_down {
            return None;
        }
        tokio::select! {
            biased;
            item = requests.next() => {
                let frame = item?.ok()?.ok()?;
                let fate = fate_of(&frame, &mut locked());
                if fate == Some(When::Before) {
                    kill(&locked());
                    return None;
                }
                let mut bytes = BytesMut::new();
                DongleCodec::default().encode(&frame, &mut bytes).unwrap();
                dongle.write_all(&bytes).await.ok()?;
                if let Some(fate) = fate {
                    // Only the echo comes: nobody else asks.
                    let count = dongle.read(&mut answer).await.ok()?;
                    if fate == When::Echoed {
                        writer.write_all(&answer[..count]).await.ok()?;
                    }
                    kill(&locked());
                    return None;
                }
            }
            count = dongle.read(&mut answer) => {
                let count = count.ok().filter(|&count| count > 0)?;
                writer.write_all(&answer[..count]).await.ok()?;
            }
            () = sleep(Duration::from_millis(50)) => {}
        }
    }
}

fn fate_of(frame: &Frame, wire: &mut Wire) -> Option<When> {
    if !matches!(frame, Frame::Request { ask: Ask::Write { .. }, .. }) {
        return None;
    }
    let number = wire.writes;
    wire.writes += 1;
    wire.kill.filter(|(at, _)| *at == number).map(|(_, when)| when)
}

fn kill(wire: &Wire) {
    let id = wire.victim.expect("somebody runs").to_string();
    assert!(std::process::Command::new("kill").args(["-s", "KILL", &id]).status().unwrap().success());
}
