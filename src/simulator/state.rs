//! What a simulated connection knows: its registers, the plant or capture behind them, what goes wrong.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::bank::{INVERTER, Registers};
use super::content::Answered;
use super::families::{self, Layout, Parts, Serials};
use super::faults::{Fault, Faults};
use super::plant::{Plant, clock_with};
use super::{Balance, Options};
use crate::frame::{Answer, Ask, Bank, Serial, WRITE_HOLDING};

/// How long a late write takes to have its effect.
const WRITE_LATE: Duration = Duration::from_secs(4);
/// At most so many writes wait for their effect; further ones have it at once.
const MOST_PENDING: usize = 64;
/// So much plant time is stepped through finely after nobody looked; more of it takes as many, longer steps.
const FINE_CATCH_UP: i64 = 2 * 86_400 * 1_000_000;

/// A write that was echoed and waits for its effect.
#[derive(Debug)]
struct Pending {
    due: Instant,
    register: u16,
    value: u16,
}

/// What feeds the registers.
#[derive(Debug)]
enum Source {
    Plant { plant: Box<Plant>, serials: Serials, parts: Parts },
    Capture,
}

#[derive(Debug)]
pub(super) struct State {
    source: Source,
    inverter: Serial,
    dongle: Serial,
    registers: Registers,
    /// Measured registers that were set by hand, and stay so.
    pinned: BTreeMap<(u8, Bank, u16), u16>,
    pending: VecDeque<Pending>,
    pub(super) rng: fastrand::Rng,
    pub(super) faults: Faults,
    /// What was answered last.
    pub(super) answered: Answered,
    counts: BTreeMap<&'static str, u64>,
    began: Instant,
    /// When somebody last looked.
    now: Instant,
    speed: f64,
    step_micros: i64,
    stepped_micros: i64,
    delay: Duration,
    delay_jitter: Duration,
}

impl State {
    pub(super) fn of_plant(options: &Options, now: Instant) -> Self {
        let spec = options.family.spec();
        let mut serials = Serials::of_plant(&spec, options.plant);
        serials.inverter = options.inverter.unwrap_or(serials.inverter);
        let parts = Parts { batteries: options.batteries.min(6), meter: options.meter };
        let registers = families::new_plant(&spec, &serials, parts);
        let plant = Plant::new(options.seed, spec, options.firmware, options.start, parts.batteries)
            .begun(options.soc, &families::controls(&spec, &registers));
        let source = Source::Plant { plant: Box::new(plant), serials, parts };
        let mut state = Self::new(source, serials.inverter, serials.dongle, registers, options, now);
        state.measure();
        state
    }

    pub(super) fn of_capture(
        registers: Registers,
        inverter: Serial,
        dongle: Serial,
        options: &Options,
        now: Instant,
    ) -> Self {
        Self::new(Source::Capture, inverter, dongle, registers, options, now)
    }

    fn new(
        source: Source,
        inverter: Serial,
        dongle: Serial,
        registers: Registers,
        options: &Options,
        now: Instant,
    ) -> Self {
        Self {
            source,
            inverter,
            dongle,
            registers,
            pinned: BTreeMap::new(),
            pending: VecDeque::new(),
            rng: fastrand::Rng::with_seed(options.seed),
            faults: options.faults,
            answered: Answered::default(),
            counts: BTreeMap::new(),
            began: now,
            now,
            speed: if options.speed.is_finite() { options.speed.max(0.0) } else { 1.0 },
            step_micros: i64::try_from(options.step.as_micros()).unwrap_or(i64::MAX).max(1000),
            stepped_micros: 0,
            delay: options.delay,
            delay_jitter: options.delay_jitter,
        }
    }

    pub(super) fn inverter(&self) -> Serial {
        self.inverter
    }

    pub(super) fn dongle(&self) -> Serial {
        self.dongle
    }

    pub(super) fn registers(&self) -> &Registers {
        &self.registers
    }

    pub(super) fn plant(&self) -> Option<&Plant> {
        match &self.source {
            Source::Plant { plant, .. } => Some(plant),
            Source::Capture => None,
        }
    }

    pub(super) fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.counts.clone()
    }

    pub(super) fn balance(&self) -> Balance {
        let Some(plant) = self.plant() else { return Balance::default() };
        let powers = plant.powers();
        Balance {
            pv: powers.pv.iter().sum(),
            battery: powers.battery,
            load: powers.load,
            grid: powers.grid,
            losses: powers.losses,
            soc: plant.soc(),
        }
    }

    /// Lets the plant run up to now, and pending writes have their effect when they are due.
    pub(super) fn advance(&mut self, now: Instant) {
        while let Some(write) = self.pending.front().filter(|write| write.due <= now) {
            let (due, register, value) = (write.due, write.register, write.value);
            self.pending.pop_front();
            self.run_until(due);
            self.apply(register, value);
        }
        self.run_until(now);
        self.now = now;
    }

    fn run_until(&mut self, now: Instant) {
        let Source::Plant { plant, .. } = &mut self.source else { return };
        let passed = (now.saturating_duration_since(self.began).as_secs_f64() * self.speed * 1e6) as i64;
        let missing = (passed - self.stepped_micros).div_euclid(self.step_micros);
        if missing <= 0 {
            return;
        }
        let fine = (FINE_CATCH_UP / self.step_micros).max(1);
        let together = missing.div_euclid(fine) + 1;
        let controls = families::controls(plant.spec(), &self.registers);
        let mut left = missing;
        while left > 0 {
            let steps = left.min(together);
            plant.step(&controls, steps * self.step_micros);
            left -= steps;
        }
        self.stepped_micros += missing * self.step_micros;
        self.measure();
    }

    fn measure(&mut self) {
        if let Source::Plant { plant, serials, parts } = &self.source {
            families::measure(plant, serials, *parts, &mut self.registers);
        }
        for (&(device, bank, register), &value) in &self.pinned {
            self.registers.put(device, bank, register, value);
        }
    }

    /// What the device says, without anything going wrong on the way; None is silence.
    pub(super) fn execute(&mut self, device: u8, ask: Ask) -> Option<Answer> {
        match ask {
            Ask::Read { bank, base, count } => {
                if self.registers.refuses(device, bank, base) {
                    return Some(Answer::Error { function: bank.function(), base, count });
                }
                let values = self.registers.block(device, bank, base, count)?;
                Some(Answer::Read { bank, base, values })
            }
            Ask::Write { register, value } => self.write(device, register, value),
        }
    }

    fn write(&mut self, device: u8, register: u16, value: u16) -> Option<Answer> {
        if device != INVERTER || !self.registers.has_device(device) {
            return None;
        }
        if !self.takes(register, value) {
            return Some(Answer::Error { function: WRITE_HOLDING, base: register, count: value });
        }
        if self.happens(Fault::WriteIgnored) {
            return Some(Answer::Write { register, value });
        }
        if self.pending.len() < MOST_PENDING && self.happens(Fault::WriteLate) {
            self.pending.push_back(Pending { due: self.now + WRITE_LATE, register, value });
        } else {
            self.apply(register, value);
        }
        Some(Answer::Write { register, value })
    }

    fn takes(&self, register: u16, value: u16) -> bool {
        match (&self.source, register) {
            (Source::Plant { plant, .. }, 35..=40) => {
                plant.spec().layout() != Layout::Ems && clock_with(plant.clock(), register - 35, value).is_some()
            }
            (Source::Plant { plant, .. }, _) => families::takes(plant.spec(), register, value),
            (Source::Capture, _) => self.registers.get(INVERTER, Bank::Holding, register).is_some(),
        }
    }

    fn apply(&mut self, register: u16, value: u16) {
        match &mut self.source {
            Source::Plant { plant, .. } if (35..=40).contains(&register) => {
                if let Some(shows) = clock_with(plant.clock(), register - 35, value) {
                    plant.set_clock(shows);
                }
                self.measure();
            }
            // A reboot is an act, not a setting.
            Source::Plant { .. } if register == 163 => {}
            _ => self.registers.put(INVERTER, Bank::Holding, register, value),
        }
    }

    /// Sets a register by hand: a setting as a write would, without its checks; a measured one stays so from then on.
    pub(super) fn set(&mut self, device: u8, bank: Bank, register: u16, value: u16) {
        if device == INVERTER && bank == Bank::Holding {
            self.apply(register, value);
        } else {
            self.pinned.insert((device, bank, register), value);
            self.registers.put(device, bank, register, value);
        }
    }

    pub(super) fn release(&mut self) {
        self.pinned.clear();
        self.measure();
    }

    pub(super) fn set_soc(&mut self, soc: f64) {
        if let Source::Plant { plant, .. } = &mut self.source {
            plant.set_soc(soc);
        }
        self.measure();
    }

    /// Whether this fault happens now. One that does is counted.
    pub(super) fn happens(&mut self, fault: Fault) -> bool {
        let rate = self.faults.rate(fault);
        let happens = rate > 0.0 && self.rng.f64() < rate;
        if happens {
            *self.counts.entry(fault.name()).or_default() += 1;
        }
        happens
    }

    /// How long the next answer takes.
    pub(super) fn next_delay(&mut self) -> Duration {
        let jitter = self.delay_jitter.as_secs_f64() * (2.0 * self.rng.f64() - 1.0);
        let usual = Duration::try_from_secs_f64((self.delay.as_secs_f64() + jitter).max(0.0)).unwrap_or(self.delay);
        if self.happens(Fault::Delay) { usual + self.between(0.5, 3.0) } else { usual }
    }

    /// A duration between these seconds.
    pub(super) fn between(&mut self, least: f64, most: f64) -> Duration {
        Duration::from_secs_f64(least + (most - least) * self.rng.f64())
    }
}
