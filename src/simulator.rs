//! A plant to try things on, and the tests' counterpart: an inverter of any family with its batteries and meters, whose
//! registers follow the sun, the house and the settings that are written to it; or the registers of any capture.
//!
//! It is served as a dongle serves it, over Modbus TCP and over RTU over TCP, and what goes wrong in the field goes
//! wrong here too, by name and rate. Everything follows from one seed and tokio's clock.

mod answer;
mod bank;
mod capture;
mod content;
mod families;
mod faults;
mod modbus;
mod physics;
mod plant;
mod server;
mod state;
mod surroundings;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::DateTime;
use tokio::io::DuplexStream;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use families::{Family, Firmware};
pub use faults::{Fault, Faults};
use server::{Client, Hub};
use state::State;

use crate::frame::{Answer, Ask, Bank, Serial};

/// Bytes that a connection in memory holds before its writer waits.
const MEMORY: usize = 64 * 1024;
/// How often a plant controller's dongle sends a heartbeat.
const EMS_HEARTBEAT: Duration = Duration::from_secs(60);

/// What a simulated plant is, and how it behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// Fixes sun, demand, delays and faults.
    pub seed: u64,
    /// What kind of plant.
    pub family: Family,
    /// What its firmware does besides what that kind's does.
    pub firmware: Firmware,
    /// What its clock shows in the beginning.
    pub start: DateTime,
    /// Plant seconds per second of tokio's clock, at least 0.
    pub speed: f64,
    /// Registers are measured anew in steps of this much plant time, at least 1 ms.
    pub step: Duration,
    /// How long an answer takes on average.
    pub delay: Duration,
    /// By how much that varies, in both directions.
    pub delay_jitter: Duration,
    /// How often the dongle sends a heartbeat; zero means never. A plant controller's sends one every minute at least.
    pub heartbeat_every: Duration,
    /// What goes wrong.
    pub faults: Faults,
    /// How many low-voltage batteries, 0 to 6. High-voltage stacks, and batteries behind other inverters, are there as
    /// their family has them unless this is 0.
    pub batteries: u8,
    /// Whether a meter stands at the grid, at address 1; with a plant controller and a gateway another one at the sun.
    pub meter: bool,
    /// State of charge in the beginning, %.
    pub soc: f64,
    /// Number of the plant, from 1: plants of different numbers have different serials.
    pub plant: u8,
    /// The inverter's serial, if it is not to have one of its own: that of a child of another plant, for example.
    pub inverter: Option<Serial>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            family: Family::HybridGen1,
            firmware: Firmware::default(),
            start: DateTime::constant(2026, 6, 5, 9, 0, 0, 0),
            speed: 1.0,
            step: Duration::from_secs(1),
            delay: Duration::from_millis(100),
            delay_jitter: Duration::from_millis(30),
            heartbeat_every: Duration::from_secs(180),
            faults: Faults::default(),
            batteries: 2,
            meter: true,
            soc: 62.0,
            plant: 1,
            inverter: None,
        }
    }
}

/// Powers in W and the state of charge at one moment. `pv + battery - grid - load` is `losses`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Balance {
    /// From all strings.
    pub pv: f64,
    /// + discharge.
    pub battery: f64,
    /// What the house draws.
    pub load: f64,
    /// + export.
    pub grid: f64,
    /// What the inverter turns to heat.
    pub losses: f64,
    /// State of charge of the stack, %.
    pub soc: f64,
}

/// A simulated plant behind a dongle. Clones are the same plant.
#[derive(Clone, Debug)]
pub struct Simulator {
    hub: Arc<Hub>,
    family: Family,
}

// === impl Simulator ===

impl Simulator {
    /// A plant whose time begins now.
    #[expect(clippy::needless_pass_by_value, reason = "the options describe one plant, and become it")]
    pub fn new(options: Options) -> Self {
        Self::with(State::of_plant(&options, Instant::now()), &options)
    }

    /// The plant of a capture, as it was at the capture's end: what was read answers, all else is silent. Of the
    /// options only seed, delays, heartbeats and faults count.
    ///
    /// # Errors
    /// A line cannot be read, or the capture has no reply of an inverter.
    #[expect(clippy::needless_pass_by_value, reason = "the options describe one plant, and become it")]
    pub fn from_capture(text: &str, options: Options) -> Result<Self, String> {
        let capture::Replayed { registers, inverter, dongle } = capture::replay(text)?;
        Ok(Self::with(State::of_capture(registers, inverter, dongle, &options, Instant::now()), &options))
    }

    fn with(state: State, options: &Options) -> Self {
        let every = match options.family {
            Family::Ems => options.heartbeat_every.min(EMS_HEARTBEAT),
            _ => options.heartbeat_every,
        };
        Self { hub: Arc::new(Hub::new(state, every)), family: options.family }
    }

    /// Serves at most 16 dongle clients until `shutdown`.
    ///
    /// # Errors
    /// The listener cannot be used; what passes (no free file, a client that is gone) is waited out.
    pub async fn serve_dongle(&self, listener: TcpListener, shutdown: CancellationToken) -> io::Result<()> {
        server::serve(Arc::clone(&self.hub), listener, shutdown).await;
        Ok(())
    }

    /// Serves at most 16 Modbus TCP clients until `shutdown`. The unit id is the device's address. Of the faults,
    /// those of the dongle's framing (CRC, cut, garbage, foreign) do not happen here.
    ///
    /// # Errors
    /// As [`Self::serve_dongle`].
    pub async fn serve_modbus_tcp(&self, listener: TcpListener, shutdown: CancellationToken) -> io::Result<()> {
        modbus::serve_tcp(Arc::clone(&self.hub), listener, shutdown).await;
        Ok(())
    }

    /// Serves at most 16 clients of RTU over TCP until `shutdown`, as [`Self::serve_modbus_tcp`] does; a device that
    /// does not exist is silent.
    ///
    /// # Errors
    /// As [`Self::serve_dongle`].
    pub async fn serve_rtu_over_tcp(&self, listener: TcpListener, shutdown: CancellationToken) -> io::Result<()> {
        modbus::serve_rtu(Arc::clone(&self.hub), listener, shutdown).await;
        Ok(())
    }

    /// Connects one dongle client over memory. Its side is served by a task that ends with the connection, so this
    /// needs a tokio runtime.
    pub fn connect(&self) -> DuplexStream {
        let (near, far) = tokio::io::duplex(MEMORY);
        tokio::spawn(Client::register(Arc::clone(&self.hub)).serve(far));
        near
    }

    /// What kind of plant it is. Of a capture: what the options said.
    pub fn family(&self) -> Family {
        self.family
    }

    /// The inverter's serial.
    pub fn inverter_serial(&self) -> Serial {
        self.hub.state().inverter()
    }

    /// The data adapter's serial.
    pub fn dongle_serial(&self) -> Serial {
        self.hub.state().dongle()
    }

    /// Every register now, in runs of at most 60: device, bank, first register, values.
    pub fn registers(&self) -> Vec<(u8, Bank, u16, Vec<u16>)> {
        self.hub.state().registers().blocks()
    }

    /// One register now, None if it does not exist.
    pub fn get(&self, device: u8, bank: Bank, register: u16) -> Option<u16> {
        self.hub.state().registers().get(device, bank, register)
    }

    /// Sets a register by hand, without the checks that a write gets. A setting takes effect; a measured register
    /// keeps the value until [`Self::release`].
    pub fn set(&self, device: u8, bank: Bank, register: u16, value: u16) {
        self.hub.state().set(device, bank, register, value);
    }

    /// Writes a setting as a client does; whether the inverter takes it.
    pub fn write(&self, register: u16, value: u16) -> bool {
        let answer = self.hub.state().execute(bank::INVERTER, Ask::Write { register, value });
        matches!(answer, Some(Answer::Write { .. }))
    }

    /// Keeps every register of a device as it is now, as a battery's are when its BMS stops, until [`Self::release`].
    pub fn freeze(&self, device: u8) {
        self.hub.state().freeze(device);
    }

    /// Lets registers that were set by hand, or frozen, be measured again.
    pub fn release(&self) {
        self.hub.state().release();
    }

    /// Puts the battery at this state of charge, %.
    pub fn set_soc(&self, soc: f64) {
        self.hub.state().set_soc(soc);
    }

    /// How many dongle clients are connected now.
    pub fn clients(&self) -> usize {
        self.hub.client_count()
    }

    /// Changes what goes wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.hub.state().faults = faults;
    }

    /// How often each fault has happened, by name.
    pub fn fault_counts(&self) -> BTreeMap<&'static str, u64> {
        self.hub.state().counts()
    }

    /// The time of sun and house, which nobody can change. Of a capture: the year 2000.
    pub fn plant_time(&self) -> DateTime {
        self.hub.state().plant().map_or(DateTime::constant(2000, 1, 1, 0, 0, 0, 0), plant::Plant::time)
    }

    /// What the inverter's clock shows: plant time until somebody sets it. Of a capture: the year 2000.
    pub fn inverter_clock(&self) -> DateTime {
        self.hub.state().plant().map_or(DateTime::constant(2000, 1, 1, 0, 0, 0, 0), plant::Plant::clock)
    }

    /// Powers and state of charge now. Of a capture: zeros.
    pub fn power_now(&self) -> Balance {
        self.hub.state().balance()
    }
}

#[cfg(test)]
mod tests;
