//! A plant on a bench: the simulator's registers go into `Plant` block by block, with whatever goes wrong on the way.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use givtcp::frame::{Bank, BlockKey};
use givtcp::plant::snapshot::{Snapshot, Stats};
use givtcp::plant::tariff::Tariff;
use givtcp::plant::{Memory, Plant, Refused, SnapshotContext, ledger};
use givtcp::registers::plan::{self, Due};
use givtcp::simulator::{Family, Options, Simulator};
use jiff::civil::DateTime;
use jiff::{Timestamp, tz::TimeZone};
use tokio::time::Instant;

pub const CLOCK: BlockKey = BlockKey::new(0x11, Bank::Holding, 0, 60);
pub const LIVE: BlockKey = BlockKey::new(0x11, Bank::Input, 0, 60);
pub const MORE: BlockKey = BlockKey::new(0x11, Bank::Input, 180, 60);
const SETTINGS_EVERY: Duration = Duration::from_secs(300);
/// So often the program reads a block that is doubted, in one cycle.
const READS: usize = 4;

pub type Block = Vec<u16>;

/// What is wrong with a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wrong {
    Bit,
    HighWord,
    TimesTen,
    Zeros,
    Splice,
    Misaddressed,
    IpPacket,
    Repeat,
    Late,
    Everything,
}

impl Wrong {
    pub const ALL: [Self; 10] = [
        Self::Bit,
        Self::HighWord,
        Self::TimesTen,
        Self::Zeros,
        Self::Splice,
        Self::Misaddressed,
        Self::IpPacket,
        Self::Repeat,
        Self::Late,
        Self::Everything,
    ];
}

/// How the firmware departs from the simulator's.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Firmware {
    #[default]
    AsSimulated,
    /// Counters of the day begin anew so much later than the clock's midnight, s (negative: sooner).
    ResetsAt(i64),
    /// This register (IR) does not begin anew at midnight.
    Forgets(u16),
    /// Now and then a counter shows 0.1 kWh less than before.
    StepsBack,
    /// The clock shows month 13.
    Month13,
}

/// Registers of the day's counters.
const DAY_REGISTERS: [u16; 10] = [17, 19, 25, 26, 35, 36, 37, 44, 182, 183];

pub struct Bench {
    pub simulator: Simulator,
    pub plant: Plant,
    pub rng: fastrand::Rng,
    /// How many of the blocks are wrong.
    pub rate: f64,
    pub firmware: Firmware,
    /// When this process began.
    began: Instant,
    settings_at: Option<Instant>,
    epoch: Instant,
    first: Timestamp,
    pub zone: TimeZone,
    /// What is on disk.
    saved: Option<Memory>,
    /// Input registers that are high words of counters, by device.
    pub highs: Vec<(u8, u16)>,
    saved_at: Option<Instant>,
    /// The last true blocks, oldest first.
    before: BTreeMap<BlockKey, VecDeque<Block>>,
    /// Which polls brought a block as it was: the last and the one before.
    pub clean: BTreeMap<BlockKey, [bool; 2]>,
    /// What the overlay of the firmware remembers: register, offset, the day it counts.
    offsets: BTreeMap<u16, (u16, u16)>,
    day: Option<(i64, BTreeMap<u16, u16>)>,
    pub counts: BTreeMap<Wrong, u64>,
    /// What the registers showed in the last poll.
    pub pages: BTreeMap<BlockKey, Block>,
}

impl Bench {
    pub fn new(seed: u64, start: DateTime, step: Duration, zone: TimeZone) -> Self {
        Self::of(Family::HybridGen1, seed, start, step, zone)
    }

    /// A plant of this family, of which everything was found.
    pub fn of(family: Family, seed: u64, start: DateTime, step: Duration, zone: TimeZone) -> Self {
        let options = Options { family, seed, start, step, batteries: 1, soc: 45.0, ..Options::default() };
        let simulator = Simulator::new(options);
        let now = Instant::now();
        let mut bench = Self {
            simulator,
            plant: Plant::new(),
            rng: fastrand::Rng::with_seed(seed),
            rate: 0.0,
            firmware: Firmware::default(),
            began: now,
            settings_at: None,
            epoch: now,
            first: zone.to_timestamp(start).expect("a time"),
            zone,
            saved: None,
            highs: [6, 11, 21, 27, 32, 45].map(|register| (0x11, register)).to_vec(),
            saved_at: None,
            before: BTreeMap::new(),
            clean: BTreeMap::new(),
            offsets: BTreeMap::new(),
            day: None,
            counts: BTreeMap::new(),
            pages: BTreeMap::new(),
        };
        bench.find();
        bench
    }

    /// Asks for everything that there is, once: what is wrong with blocks begins afterwards.
    fn find(&mut self) {
        let mut finder = Plant::new();
        for _ in 0..3 {
            for (device, bank, base, values) in self.simulator.registers() {
                let key = BlockKey::new(device, bank, base, values.len() as u16);
                let key = if (1..=8).contains(&device) && bank == Bank::Input { plan::meter(device) } else { key };
                let values = &values[..usize::from(key.count).min(values.len())];
                let _ = finder.accept(key, values, None, Duration::ZERO);
            }
        }
        let found = finder.memory(self.now()).expect("an inverter");
        self.saved = Some(Memory { counters: ledger::Memory::default(), tariff: Tariff::default(), ..found });
        self.read_until_believed(CLOCK, &self.page(CLOCK).expect("a clock"));
        self.remember();
    }

    /// Takes up what is on disk.
    fn remember(&mut self) {
        let (now, at) = (self.now(), self.at());
        let text = serde_json::to_string(&self.saved).expect("it is written");
        let saved: Option<Memory> = serde_json::from_str(&text).expect("it is read");
        self.plant.remember(saved.expect("devices"), now, at);
    }

    /// Those that are read in a cycle.
    fn due(&self, settings: bool) -> Vec<BlockKey> {
        let capabilities = self.plant.capabilities().expect("an identity");
        let due = plan::blocks(capabilities, Due { live: true, settings });
        due.into_iter().filter(|key| key.bank == Bank::Input || *key == CLOCK).collect()
    }

    /// A block as it is, if there is one.
    fn page(&self, key: BlockKey) -> Option<Block> {
        (key.base..key.base + key.count).map(|register| self.simulator.get(key.device, key.bank, register)).collect()
    }

    /// Wall time.
    pub fn now(&self) -> Timestamp {
        self.first + jiff::SignedDuration::try_from(self.epoch.elapsed()).expect("not that long")
    }

    fn at(&self) -> Duration {
        self.began.elapsed()
    }

    /// What the registers show now, by block.
    fn truth(&self) -> BTreeMap<BlockKey, Block> {
        self.due(true).into_iter().filter_map(|key| Some((key, self.page(key)?))).collect()
    }

    /// The blocks as the inverter's firmware shows them.
    fn shown(&mut self) -> BTreeMap<BlockKey, Block> {
        self.pages = self.truth();
        let mut pages = self.pages.clone();
        match self.firmware {
            Firmware::AsSimulated => {}
            Firmware::ResetsAt(late) => self.reset_at(late, &mut pages),
            Firmware::Forgets(register) => self.forget(register, &mut pages),
            Firmware::StepsBack => self.step_back(&mut pages),
            Firmware::Month13 => register(&mut pages, CLOCK, 36, |_| 13),
        }
        pages
    }

    fn reset_at(&mut self, late: i64, pages: &mut BTreeMap<BlockKey, Block>) {
        let clock = self.simulator.inverter_clock();
        let shifted = clock.checked_sub(jiff::SignedDuration::from_secs(late)).expect("a time");
        let number = |time: DateTime| i64::from(time.date().day_of_year());
        let values: BTreeMap<u16, u16> = DAY_REGISTERS.iter().map(|&at| (at, get(pages, at))).collect();
        let (day, last) = self.day.get_or_insert_with(|| (number(shifted), values.clone()));
        let of_simulator = number(clock);
        if of_simulator == number(shifted) && *day == of_simulator {
            self.day = Some((of_simulator, values));
            self.offsets.clear();
        } else if number(shifted) < of_simulator || (number(shifted) > of_simulator && of_simulator == 1) {
            // Its day has not ended yet: what comes is added to what was.
            let last = last.clone();
            for (at, value) in values {
                set(pages, at, last[&at] + value);
            }
        } else if number(shifted) > of_simulator {
            // Its day has begun already.
            for (at, value) in values {
                let (begun, _) = *self.offsets.entry(at).or_insert((value, 0));
                set(pages, at, value - begun.min(value));
            }
        } else {
            self.day = Some((of_simulator, values));
            self.offsets.clear();
        }
    }

    fn forget(&mut self, at: u16, pages: &mut BTreeMap<BlockKey, Block>) {
        let value = get(pages, at);
        let (sum, last) = self.offsets.entry(at).or_insert((0, value));
        if value < *last {
            *sum = sum.wrapping_add(*last);
        }
        *last = value;
        let shown = sum.wrapping_add(value);
        set(pages, at, shown);
    }

    fn step_back(&mut self, pages: &mut BTreeMap<BlockKey, Block>) {
        for at in [17, 25, 26, 36, 44, 12, 22, 33, 46] {
            if self.rng.u8(..20) == 0 {
                let value = get(pages, at);
                set(pages, at, value.saturating_sub(1));
            }
        }
    }

    /// Another process takes over, after `pause`; with what was saved last, or, after an orderly end, now.
    pub async fn restart(&mut self, orderly: bool, pause: Duration) {
        if orderly {
            self.save();
        }
        tokio::time::advance(pause).await;
        self.began = Instant::now();
        self.settings_at = None;
        self.plant = Plant::new();
        self.clean.clear();
        self.read_until_believed(CLOCK, &self.page(CLOCK).expect("a clock"));
        if self.plant.identity().is_none() {
            // Whatever is wrong with it: nothing goes on without.
            let rate = std::mem::take(&mut self.rate);
            self.read_until_believed(CLOCK, &self.page(CLOCK).expect("a clock"));
            self.rate = rate;
        }
        self.remember();
        self.saved_at = Some(self.began);
    }

    pub fn save(&mut self) {
        self.saved = self.plant.memory(self.now());
        self.saved_at = Some(Instant::now());
    }

    /// As the program does: at most once in 5 minutes.
    fn save_in_time(&mut self) {
        let due = self.saved_at.is_none_or(|at| at.elapsed() >= Duration::from_secs(300));
        if due {
            self.save();
        }
    }

    /// One cycle. `look` sees what is published after each block.
    pub fn poll(&mut self, mut look: impl FnMut(&mut Self)) {
        let (now, at) = (self.now(), self.at());
        self.plant.wall_is(now, &self.zone.clone(), at);
        let shown = self.shown();
        let settings = self.settings_at.is_none_or(|at| at.elapsed() >= SETTINGS_EVERY);
        if settings {
            self.settings_at = Some(Instant::now());
        }
        for key in self.due(settings) {
            let Some(truth) = shown.get(&key) else { continue };
            let mut clean = self.read_until_believed(key, truth);
            let again: Vec<_> = std::iter::from_fn(|| self.plant.wants_again()).collect();
            if again.contains(&key) {
                clean &= self.read_until_believed(key, truth);
            }
            for other in again.into_iter().filter(|other| *other != key) {
                if let Some(truth) = shown.get(&other) {
                    self.read_until_believed(other, truth);
                }
            }
            let [last, _] = self.clean.get(&key).copied().unwrap_or_default();
            self.clean.insert(key, [clean, last]);
            look(self);
        }
        self.save_in_time();
    }

    /// As the program does: what the guards doubt is read again at once. Says whether all that was read was true.
    fn read_until_believed(&mut self, key: BlockKey, truth: &Block) -> bool {
        let mut clean = true;
        for _ in 0..READS {
            let (as_it_is, held) = self.poll_block(key, truth);
            clean &= as_it_is;
            if !held {
                break;
            }
        }
        clean
    }

    /// Hands a block over, true or not; says whether it was, and whether it is doubted until it is read again.
    fn poll_block(&mut self, key: BlockKey, truth: &Block) -> (bool, bool) {
        let wrong = (self.rng.f64() < self.rate).then(|| self.rng.choice(Wrong::ALL).expect("there are some"));
        let mut values = truth.clone();
        if let Some(wrong) = wrong {
            *self.counts.entry(wrong).or_default() += 1;
            self.spoil(wrong, key, &mut values);
        }
        let before = self.before.entry(key).or_default();
        before.push_back(truth.clone());
        if before.len() > 4 {
            before.pop_front();
        }
        let held = matches!(self.plant.accept(key, &values, None, self.at()), Err(Refused::Held(_)));
        (values == *truth, held)
    }

    fn spoil(&mut self, wrong: Wrong, key: BlockKey, values: &mut Block) {
        let length = values.len();
        let at = self.rng.usize(..length);
        match wrong {
            Wrong::Bit => values[at] ^= 1 << self.rng.u32(..16),
            Wrong::HighWord => {
                let end = key.base + key.count;
                let inside = |&(device, at): &(u8, u16)| device == key.device && (key.base..end).contains(&at);
                let highs: Vec<_> = self.highs.iter().copied().filter(inside).collect();
                let high = self.rng.choice(highs).filter(|_| key.bank == Bank::Input);
                let at = high.map_or(at, |(_, register)| usize::from(register - key.base));
                values[at] = values[at].wrapping_add(self.rng.u16(1..));
            }
            Wrong::TimesTen => values[at] = values[at].saturating_mul(10),
            Wrong::Zeros => values.fill(0),
            Wrong::Splice | Wrong::Misaddressed => {
                let others: Vec<_> = self.pages.clone().into_iter().filter(|(other, _)| *other != key).collect();
                let (_, other) = self.rng.choice(others).expect("there are some");
                let whole = wrong == Wrong::Misaddressed;
                let (from, until) = if whole { (0, length) } else { (at, at + self.rng.usize(1..=length - at)) };
                for (value, other) in values.iter_mut().zip(other).take(until).skip(from) {
                    *value = other;
                }
            }
            Wrong::IpPacket => {
                for value in values.iter_mut() {
                    *value = self.rng.u16(..);
                }
                for (value, left) in
                    values.iter_mut().skip(28).zip([0x4c32, 0, 0xa119, 0x34ea, 0xe77f, 0xd475, 0, 0x4500])
                {
                    *value = left;
                }
            }
            Wrong::Repeat | Wrong::Late => {
                let before = self.before.get(&key);
                let back = if wrong == Wrong::Repeat { 1 } else { self.rng.usize(1..=3) };
                let older = before.and_then(|before| before.get(before.len().checked_sub(back)?));
                if let Some(older) = older {
                    values.clone_from(older);
                }
            }
            // Every register is a little more or less.
            Wrong::Everything => {
                for value in values.iter_mut() {
                    *value = value.wrapping_add(self.rng.u16(..8)).wrapping_sub(4);
                }
            }
        }
    }

    pub fn snapshot(&mut self) -> Option<Snapshot> {
        let stats = Stats { online: true, ..Stats::default() };
        let (now, elapsed, prices) = (self.now(), self.at(), Arc::default());
        self.plant.snapshot(&SnapshotContext { now, elapsed, zone: self.zone.clone(), stats, prices, overrides: None })
    }

    /// Somebody sets the inverter's clock.
    pub fn set_clock(&self, to: DateTime) {
        let year = u16::try_from(to.year() - 2000).expect("a year");
        let fields =
            [to.month(), to.day(), to.hour(), to.minute(), to.second()].map(|field| field.unsigned_abs().into());
        // From the finest on, so that no date between is shown that nobody meant.
        let [month, day, hour, minute, second] = fields;
        for (register, value) in [(40, second), (39, minute), (38, hour), (37, day), (36, month), (35, year)] {
            self.simulator.set(0x11, Bank::Holding, register, value);
        }
    }
}

fn place(at: u16) -> (BlockKey, usize) {
    let key = if at < 60 { LIVE } else { MORE };
    (key, usize::from(at - key.base))
}

fn get(pages: &BTreeMap<BlockKey, Block>, at: u16) -> u16 {
    let (key, place) = place(at);
    pages[&key][place]
}

fn set(pages: &mut BTreeMap<BlockKey, Block>, at: u16, value: u16) {
    let (key, place) = place(at);
    pages.get_mut(&key).expect("a block")[place] = value;
}

fn register(pages: &mut BTreeMap<BlockKey, Block>, key: BlockKey, at: u16, to: impl Fn(u16) -> u16) {
    let value = &mut pages.get_mut(&key).expect("a block")[usize::from(at - key.base)];
    *value = to(*value);
}
