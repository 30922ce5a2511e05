//! What must hold of published counters, by arithmetic of its own on the simulator's registers.

use std::collections::BTreeMap;

use givtcp::frame::BlockKey;
use givtcp::plant::snapshot::Energy;
use jiff::civil::{Date, Time};
use tokio::time::Instant;

use super::bench::{Bench, Block, LIVE, MORE, PACK};

/// Rated power of the simulated inverter, W; all that flows there stays below it.
const RATED: f64 = 5000.0;
/// What is published may be off by so much, kWh, however new it is.
pub const OFF: f64 = 0.3;
const EPSILON: f64 = 1e-6;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Total,
    Today,
}

/// What a counter truly is.
type Truth = BTreeMap<(Part, &'static str), (f64, BlockKey)>;

/// By plain arithmetic on registers.
pub fn truth(pages: &BTreeMap<BlockKey, Block>) -> Truth {
    let live = |at: usize| f64::from(pages[&LIVE][at]) / 10.0;
    let long = |at: usize| (f64::from(pages[&LIVE][at]) * 65_536.0 + f64::from(pages[&LIVE][at + 1])) / 10.0;
    let pack = |at: usize| f64::from(pages[&PACK][at - 60]) / 10.0;
    let mut truth = Truth::new();
    let mut add = |part, name, value, key| truth.insert((part, name), (value, key));
    let total =
        [("pv", 11), ("import", 32), ("export", 21), ("ac_charge", 27), ("inverter", 45), ("battery_throughput", 6)];
    for (name, at) in total {
        add(Part::Total, name, long(at), LIVE);
    }
    add(Part::Total, "battery_charge", pack(106), PACK);
    add(Part::Total, "battery_discharge", pack(105), PACK);
    add(Part::Total, "load", long(45) - long(27) - long(21) + long(32), LIVE);
    add(Part::Total, "self_consumption", long(11) - long(21), LIVE);
    let today = [
        ("import", 26),
        ("export", 25),
        ("ac_charge", 35),
        ("inverter", 44),
        ("battery_charge", 36),
        ("battery_discharge", 37),
    ];
    for (name, at) in today {
        add(Part::Today, name, live(at), LIVE);
    }
    add(Part::Today, "pv", live(17) + live(19), LIVE);
    add(Part::Today, "battery_throughput", live(36) + live(37), LIVE);
    add(Part::Today, "load", live(44) - live(35) - live(25) + live(26), LIVE);
    add(Part::Today, "self_consumption", live(17) + live(19) - live(25), LIVE);
    truth
}

/// What follows from other counters, whose tenths are cut off, wavers; its truth is between what it is now and the
/// highest it was.
fn is_sum(name: &str) -> bool {
    matches!(name, "load" | "self_consumption")
}

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// What was published last, and whether it still is.
    published: Option<f64>,
    /// What of sums was highest.
    highest: f64,
    /// Since when it could be right: two polls in a row brought the block as it was.
    trusted: Option<Instant>,
    falls: u32,
    /// Published shortly before midnight, and whether readings came in the hour after it.
    eve: f64,
    was_watched: bool,
}

/// How the day of the counters can be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Days {
    /// They begin with the inverter's midnight, and are as true as totals.
    Strict,
    /// The clock is set, or the firmware does as it likes: they begin once a day.
    Once,
}

pub struct Watch {
    seen: BTreeMap<(Part, &'static str), Seen>,
    days: Days,
    /// From noon to noon.
    noon: Option<Date>,
    day: Option<Date>,
    pub wrong: Vec<String>,
    pub checks: u64,
    pub largest: f64,
}

impl Watch {
    pub fn new(days: Days) -> Self {
        Self { seen: BTreeMap::new(), days, noon: None, day: None, wrong: Vec::new(), checks: 0, largest: 0.0 }
    }

    /// A block of this poll was read: it may be what a value is as old as.
    pub fn trust(&mut self, bench: &mut Bench) {
        for ((_, name), seen) in &mut self.seen {
            let keys: &[BlockKey] = if name.starts_with("battery") { &[PACK, MORE, LIVE] } else { &[LIVE] };
            if keys.iter().all(|key| bench.clean.get(key) == Some(&[true, true])) {
                seen.trusted = Some(Instant::now());
            }
        }
    }

    /// What is published now, held against the truth.
    pub fn look(&mut self, bench: &mut Bench) {
        let Some(snapshot) = bench.snapshot() else { return };
        let truth = truth(&bench.pages);
        let clock = bench.simulator.inverter_clock();
        self.turn(bench);
        let (hour, minute) = (clock.hour(), clock.minute());
        let near_midnight = (hour == 23 && minute >= 48) || (hour == 0 && minute < 12);
        let new_day = self.day.replace(clock.date()).is_some_and(|before| before != clock.date());
        for (&(part, name), &(value, _)) in &truth {
            let energy = if part == Part::Total { &snapshot.total } else { &snapshot.today };
            let seen = self.seen.entry((part, name)).or_default();
            let begins = new_day && part == Part::Today;
            seen.highest = if begins { value } else { seen.highest.max(value) };
            let Some(published) = of(energy, name) else { continue };
            self.checks += 1;
            let fell = seen.published.is_some_and(|before| published < before - EPSILON);
            // What was read yesterday says nothing of today.
            let since_midnight = clock.duration_since(clock.date().at(0, 12, 0, 0)).as_secs_f64();
            let trusted_today = seen.trusted.is_some_and(|at| at.elapsed().as_secs_f64() < since_midnight);
            let of_today = !near_midnight && trusted_today;
            if fell && part == Part::Total {
                self.wrong.push(format!("{clock}: total {name} fell from {:?} to {published}", seen.published));
            }
            if fell && part == Part::Today {
                seen.falls += 1;
                if self.days == Days::Strict && of_today {
                    self.wrong.push(format!("{clock}: today {name} fell from {:?} to {published}", seen.published));
                }
            }
            seen.published = Some(published);
            if part == Part::Today && hour == 23 && minute < 45 {
                seen.eve = published;
            }
            let highest = if is_sum(name) { seen.highest } else { value };
            let off = (published - highest).max(value - published).max(0.0);
            let Some(trusted) = seen.trusted else { continue };
            let allowed = OFF.max(1.2 * RATED * trusted.elapsed().as_secs_f64() / 3.6e6);
            let judged = part == Part::Total || (self.days == Days::Strict && of_today);
            if judged && trusted.elapsed().as_secs() < 60 {
                self.largest = self.largest.max(off);
            }
            if judged && off > allowed + EPSILON {
                self.wrong.push(format!(
                    "{clock}: {part:?} {name} is {published} instead of {value:.1}, {:?} after it could be known",
                    trusted.elapsed()
                ));
            }
        }
    }

    /// At noon of plant time: each counter of the day has begun anew once.
    fn turn(&mut self, bench: &mut Bench) {
        let time = bench.simulator.plant_time();
        let watched = time.hour() == 0 && time.minute() >= 30;
        let this = if time.time() < Time::constant(12, 0, 0, 0) {
            time.date().yesterday().expect("a day")
        } else {
            time.date()
        };
        let over = self.noon.replace(this).is_some_and(|before| before != this);
        for ((part, name), seen) in &mut self.seen {
            if *part != Part::Today {
                continue;
            }
            seen.was_watched |= watched;
            if !over {
                continue;
            }
            if seen.falls > 1 {
                self.wrong.push(format!("{time}: today {name} began {} times", seen.falls));
            }
            // While a clock that was set is not yet known, a small counter can grow back to what it was.
            let visible = if self.days == Days::Strict { 0.35 } else { 1.0 };
            if seen.falls == 0 && seen.eve > visible && seen.was_watched {
                self.wrong.push(format!("{time}: today {name} did not begin anew after {}", seen.eve));
            }
            (seen.falls, seen.eve, seen.was_watched) = (0, 0.0, false);
        }
    }

    /// By how much each counter is off now; those that are not published are left out.
    pub fn ends(&self, bench: &mut Bench) -> Vec<(Part, &'static str, f64)> {
        let Some(snapshot) = bench.snapshot() else { return Vec::new() };
        let off = truth(&bench.pages).into_iter().filter_map(|((part, name), (value, _))| {
            let energy = if part == Part::Total { &snapshot.total } else { &snapshot.today };
            let highest = if is_sum(name) { self.seen.get(&(part, name))?.highest } else { value };
            let published = of(energy, name)?;
            Some((part, name, published - published.clamp(value.min(highest), highest)))
        });
        off.collect()
    }
}

fn of(energy: &Energy, name: &str) -> Option<f64> {
    energy.each().find(|(known, _)| *known == name)?.1
}
