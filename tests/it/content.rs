//! Blocks that arrive whole and are not true, late answers and silence, through the real codec, link, guards and ledger,
//! over a midnight, in paused time: what is published was the plant's, and no counter jumps, falls or begins twice.
//!
//! What cannot be known is not tried: a device that repeats itself for ever, and two corruptions in a row that agree.
//! (By chance the second does not happen here; the first is one repeat at a time.) Below `raw/` stands what registers
//! showed, true or not: that is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use givtcp::catalogue::Layout;
use givtcp::clock::Clock;
use givtcp::frame::{Bank, BlockKey};
use givtcp::inverter::{self, Inverter};
use givtcp::link;
use givtcp::lock::{LocalLockManager, LockManager};
use givtcp::plant::snapshot::Snapshot;
use givtcp::simulator::{Family, Fault, Faults, Options, Simulator};
use jiff::civil::DateTime;
use jiff::{Timestamp, tz::TimeZone};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::counters::truth::{Made, Name, Part, counters, published};
use crate::counters::{paused, seeds};
use crate::faults::{InMemory, is_of_the_reading, leaves, truth};

const EVERY: Duration = Duration::from_secs(30);
const RUN: Duration = Duration::from_secs(6 * 3600);
const START: DateTime = DateTime::constant(2026, 6, 5, 20, 0, 0, 0);
/// What a counter may be off, kWh, however new it is.
const OFF: f64 = 0.3;
/// By more than this, kWh, a counter does not rise until a second reading agrees: its value is as old as the reading
/// before.
const AT_ONCE: f64 = 0.2;

struct PausedClock(Instant);

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        let begin = TimeZone::UTC.to_timestamp(START).unwrap();
        begin.checked_add(self.0.elapsed()).unwrap()
    }
}

#[derive(Default)]
struct Seen {
    last: Option<f64>,
    /// The highest that it was by the registers, since midnight for a day's.
    highest: f64,
    falls: u32,
    before_midnight: f64,
    /// When it was read last, and what it was then.
    read: Option<(Duration, f64)>,
    /// The same of the reading before.
    read_before: Option<(Duration, f64)>,
}

/// What is judged, and what was found.
struct Judge {
    simulator: Simulator,
    family: Family,
    made: Vec<Made>,
    seen: BTreeMap<Name, Seen>,
    /// What is published when nothing is wrong, and below which names: serials of batteries and so on.
    clean: BTreeMap<String, String>,
    folders: BTreeSet<String>,
    layout: Layout,
    day: Option<jiff::civil::Date>,
    wrong: BTreeSet<String>,
    snapshots: u64,
    largest: f64,
}

impl Seen {
    /// Since when what is published can have been known: the counter was read at this time, and this is its value now.
    fn read_since(&mut self, at: Duration, value: f64) -> Duration {
        if self.read.is_none_or(|(before, _)| before != at) {
            self.read_before = self.read.replace((at, value));
        }
        match (self.read_before, self.read) {
            (Some((before, then)), Some((_, newest))) if newest > then + AT_ONCE + 1e-6 => before,
            _ => at,
        }
    }
}

impl Judge {
    fn pages(&self) -> BTreeMap<BlockKey, Vec<u16>> {
        let mut pages = BTreeMap::new();
        for (device, bank, base, values) in self.simulator.registers() {
            if bank == Bank::Input {
                pages.insert(BlockKey::new(device, bank, base, values.len() as u16), values);
            }
        }
        pages
    }

    fn look(&mut self, snapshot: &Snapshot, elapsed: Duration) {
        self.snapshots += 1;
        let clock = self.simulator.inverter_clock();
        let new_day = self.day.replace(clock.date()).is_some_and(|before| before != clock.date());
        let pages = self.pages();
        let rated = self.family.spec().machine.rated;
        let minutes = i32::from(clock.hour()) * 60 + i32::from(clock.minute());
        let near_midnight = !(12..23 * 60 + 48).contains(&minutes);
        for made in &self.made {
            let (name, (value, keys)) = (made.name, made.read(&pages));
            let seen = self.seen.entry(name).or_default();
            let today = name.1 == Part::Today;
            seen.highest = if new_day && today { value } else { seen.highest.max(value) };
            let Some(shown) = published(snapshot, name) else { continue };
            if seen.last.is_some_and(|last| shown < last - 1e-6) {
                seen.falls += 1;
                if !today {
                    self.wrong.insert(format!("{clock}: {name:?} fell from {:?} to {shown}", seen.last));
                }
            }
            seen.last = Some(shown);
            if minutes == 23 * 60 + 45 {
                seen.before_midnight = shown;
            }
            let read_at = keys.iter().filter_map(|key| snapshot.image.read_at(key.device, key.bank, key.base)).min();
            let age = elapsed.saturating_sub(seen.read_since(read_at.unwrap_or_default(), value)) + EVERY;
            let highest = if made.wavers { seen.highest } else { value };
            let off = (shown - highest).max(value - shown).max(0.0);
            let allowed = OFF.max(1.2 * rated * age.as_secs_f64() / 3.6e6);
            if !(today && near_midnight) {
                self.largest = self.largest.max(off);
                if off > allowed + 1e-6 {
                    self.wrong.insert(format!("{clock}: {name:?} is {shown} instead of {value:.1}, {age:?} old"));
                }
            }
        }
        self.look_at_topics(snapshot);
    }

    fn look_at_topics(&mut self, snapshot: &Snapshot) {
        for (path, value) in leaves(snapshot, &mut self.layout) {
            if is_of_the_reading(&path) || path.starts_with("raw/") {
                continue;
            }
            let Some((folders, _)) = path.rsplit_once('/') else { continue };
            if let Some(folder) = folders.split('/').find(|&folder| !self.folders.contains(folder)) {
                self.wrong.insert(format!("{path} = {value}: there is no {folder}"));
            }
            // What a block of zeros or of another device says of how many cells or settings there are is not judged.
            let Some(clean) = self.clean.get(&path) else { continue };
            if says_what_it_is(&path) && value != *clean {
                self.wrong.insert(format!("{path} = {value} instead of {clean}"));
            }
            if let (Some((least, most)), Ok(number)) = (range(&path), value.parse::<f64>())
                && !(least..=most).contains(&number)
            {
                self.wrong.insert(format!("{path} = {value} cannot be"));
            }
        }
    }

    /// At the end: each counter of the day that had grown has begun anew, once.
    fn finish(mut self) -> BTreeSet<String> {
        for (name, seen) in &self.seen {
            if name.1 == Part::Today && (seen.falls > 1 || (seen.falls == 0 && seen.before_midnight > OFF)) {
                self.wrong.insert(format!("{name:?} began anew {} times after {}", seen.falls, seen.before_midnight));
            }
            if seen.last.is_none() {
                self.wrong.insert(format!("{name:?} was never published"));
            }
        }
        self.wrong
    }
}

/// Serials, models, and texts of firmware.
fn says_what_it_is(path: &str) -> bool {
    let leaf = path.rsplit('/').next().unwrap_or(path).to_lowercase();
    ["serial", "model", "invertor_type", "firmware", "version"].iter().any(|word| leaf.contains(word))
}

/// What a live value can be.
fn range(path: &str) -> Option<(f64, f64)> {
    let leaf = path.rsplit('/').next()?;
    let ranges = [("SOC", 0.0, 100.0), ("_Power", -60e3, 60e3), ("Voltage", 0.0, 1000.0), ("Temp", -60.0, 150.0)];
    ranges.iter().find(|(word, ..)| leaf.ends_with(word)).map(|&(_, least, most)| (least, most))
}

async fn run(family: Family, seed: u64, faults: Faults) -> (BTreeSet<String>, u64, f64, BTreeMap<&'static str, u64>) {
    let began = Instant::now();
    let options =
        Options { seed, family, start: START, step: EVERY, batteries: 1, soc: 45.0, faults, ..Options::default() };
    let simulator = Simulator::new(options);
    let clock: Arc<dyn Clock> = Arc::new(PausedClock(began));
    let locks: Arc<dyn LockManager> = Arc::new(LocalLockManager::new(Arc::clone(&clock)));
    let shutdown = CancellationToken::new();
    let (sender, mut receiver) = watch::channel(None);
    let (_requests, requests) = mpsc::channel(1);
    let inverter = Inverter {
        link: link::Options { seed, ..link::Options::default() },
        every: EVERY,
        ..Inverter::new("plant", Box::new(InMemory(simulator.clone())), locks, clock)
    };
    let polling = tokio::spawn(inverter::run(inverter, sender, requests, shutdown.clone()));
    let mut layout = Layout::new(true);
    let clean = truth(&simulator, &mut layout);
    let folders = clean.keys().filter_map(|path| path.rsplit_once('/')).flat_map(|(folders, _)| folders.split('/'));
    let mut judge = Judge {
        folders: folders.map(str::to_owned).collect(),
        clean,
        simulator: simulator.clone(),
        family,
        made: counters(family),
        seen: BTreeMap::new(),
        layout: Layout::new(true),
        day: None,
        wrong: BTreeSet::new(),
        snapshots: 0,
        largest: 0.0,
    };
    for made in &judge.made {
        judge.seen.entry(made.name).or_default();
    }
    loop {
        tokio::select! {
            biased;
            () = sleep_until(began + RUN) => break,
            changed = receiver.changed() => {
                changed.expect("the task lives");
                let snapshot = receiver.borrow_and_update().clone().expect("a snapshot");
                judge.look(&snapshot, began.elapsed());
            }
        }
    }
    shutdown.cancel();
    polling.await.expect("no panic");
    let (snapshots, largest) = (judge.snapshots, judge.largest);
    (judge.finish(), snapshots, largest, simulator.fault_counts())
}

#[test]
fn what_arrives_whole_and_is_not_true_is_not_published() {
    let faults = Faults::content(0.02).with(&[Fault::Silence, Fault::Late], 0.02);
    let families = [
        Family::HybridGen1,
        Family::ThreePhaseHybrid,
        Family::Gateway,
        Family::AllInOne,
        Family::Ems,
        Family::PvOnly,
        Family::AcCoupled,
    ];
    for family in families {
        for seed in seeds(1) {
            let (wrong, snapshots, largest, counts) = paused(run(family, seed, faults));
            println!("{family} seed {seed}: {snapshots} snapshots, at most {largest:.2} kWh off; {counts:?}");
            let shown = wrong.iter().take(10).cloned().collect::<Vec<_>>().join("\n");
            assert!(wrong.is_empty(), "{family} GIVTCP_SEED={seed}, {} wrong:\n{shown}", wrong.len());
            assert!(snapshots > 500, "{family}: polling goes on: {snapshots}");
        }
    }
}
