//! What must hold of published counters, by arithmetic of its own on the simulator's registers.

use std::collections::{BTreeMap, BTreeSet};

use givtcp::frame::BlockKey;
use givtcp::simulator::Family;
use jiff::civil::{Date, Time};
use tokio::time::Instant;

use super::bench::{Bench, LIVE, MORE};
use super::truth::{Made, Name, Part, counters, highs, published};

/// What is published may be off by so much, kWh, however new it is.
pub const OFF: f64 = 0.3;
/// While a clock that was set is not yet known, a small counter can grow back to what it was, kWh.
const VISIBLE: f64 = 0.35;
/// The simulated house takes no more, W.
const HOUSE: f64 = 5_000.0;
/// Meters' registers go on with 0 after this, kWh, and what is published goes on.
const FULL: f64 = 6553.6;
const EPSILON: f64 = 1e-6;

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// What was published last, and whether it still is.
    published: Option<f64>,
    /// What of sums was highest.
    highest: f64,
    /// Since when it could be right: two polls in a row brought the block as it was.
    trusted: Option<Instant>,
    falls: u32,
    /// Published shortly before midnight, and whether in the hour after it the register showed so much less that the day
    /// must be seen to begin. (After an outage it may show as much again.)
    eve: f64,
    was_low: bool,
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
    made: Vec<Made>,
    /// What flows at most by the inverter's rating, W.
    rated: f64,
    seen: BTreeMap<Name, Seen>,
    days: Days,
    /// From noon to noon.
    noon: Option<Date>,
    /// Whether the inverter's clock has shown the day after that noon's.
    has_begun: bool,
    day: Option<Date>,
    pub wrong: Vec<String>,
    pub checks: u64,
    pub largest: f64,
}

impl Watch {
    pub fn new(family: Family, days: Days, bench: &mut Bench) -> Self {
        let made = counters(family);
        bench.highs = highs(&made);
        let rated = family.spec().machine.rated;
        Self {
            made,
            rated,
            seen: BTreeMap::new(),
            days,
            noon: None,
            has_begun: false,
            day: None,
            wrong: Vec::new(),
            checks: 0,
            largest: 0.0,
        }
    }

    /// A block of this poll was read: it may be what a value is as old as.
    pub fn trust(&mut self, bench: &mut Bench) {
        for made in &self.made {
            let (_, mut keys) = made.read(&bench.pages);
            let (device, part, name) = made.name;
            if (device, part) == (0, Part::Total) && name.starts_with("battery") {
                keys.extend([MORE, LIVE].into_iter().filter(|key| bench.pages.contains_key(key)));
            }
            let clean = |key: &BlockKey| bench.clean.get(key) == Some(&[true, true]);
            if keys.iter().all(clean) {
                self.seen.entry(made.name).or_default().trusted = Some(Instant::now());
            }
        }
    }

    /// The counters that were never published.
    pub fn missing(&self) -> BTreeSet<Name> {
        let published = |name: &Name| self.seen.get(name).is_some_and(|seen| seen.published.is_some());
        self.made.iter().map(|made| made.name).filter(|name| !published(name)).collect()
    }

    /// What is published now, held against the truth.
    pub fn look(&mut self, bench: &mut Bench) {
        let Some(snapshot) = bench.snapshot() else { return };
        let (clock, time) = (bench.simulator.inverter_clock(), bench.simulator.plant_time());
        self.turn(bench);
        self.has_begun |= self.noon.is_some_and(|noon| clock.date() > noon);
        let (hour, minute) = (clock.hour(), clock.minute());
        let near_midnight = (hour == 23 && minute >= 48) || (hour == 0 && minute < 12);
        let new_day = self.day.replace(clock.date()).is_some_and(|before| before != clock.date());
        for made in &self.made {
            let (name @ (_, part, _), (mut value, _)) = (made.name, made.read(&bench.pages));
            let seen = self.seen.entry(name).or_default();
            let begins = new_day && part == Part::Today;
            seen.highest = if begins { value } else { seen.highest.max(value) };
            let Some(published) = published(&snapshot, name) else { continue };
            if (1..=8).contains(&name.0) && published > value + FULL / 2.0 {
                value += FULL;
            }
            self.checks += 1;
            let fell = seen.published.is_some_and(|before| published < before - EPSILON);
            // What was read yesterday says nothing of today.
            let since_midnight = clock.duration_since(clock.date().at(0, 12, 0, 0)).as_secs_f64();
            let trusted_today = seen.trusted.is_some_and(|at| at.elapsed().as_secs_f64() < since_midnight);
            let of_today = !near_midnight && trusted_today;
            if fell && part == Part::Total {
                self.wrong.push(format!("{clock}: total {name:?} fell from {:?} to {published}", seen.published));
            }
            if fell && part == Part::Today {
                seen.falls += 1;
                if self.days == Days::Strict && of_today {
                    self.wrong.push(format!("{clock}: today {name:?} fell from {:?} to {published}", seen.published));
                }
            }
            seen.published = Some(published);
            // A clock that was set back shows a second evening, of a day that has begun.
            if part == Part::Today && hour == 23 && minute < 45 && !self.has_begun {
                seen.eve = published;
            }
            let watched = time.hour() == 0 && time.minute() >= 30;
            seen.was_low |= part == Part::Today && watched && value < seen.eve - VISIBLE;
            let highest = if made.wavers { seen.highest } else { value };
            let off = (published - highest).max(value - published).max(0.0);
            let Some(trusted) = seen.trusted else { continue };
            // What comes from the grid feeds the house besides the inverter.
            let house = if matches!(name.2, "import" | "load") { HOUSE } else { 0.0 };
            let allowed = OFF.max(1.2 * (self.rated + house) * trusted.elapsed().as_secs_f64() / 3.6e6);
            let judged = part == Part::Total || (self.days == Days::Strict && of_today);
            if judged && trusted.elapsed().as_secs() < 60 {
                self.largest = self.largest.max(off);
            }
            if judged && off > allowed + EPSILON {
                self.wrong.push(format!(
                    "{clock}: {name:?} is {published} instead of {value:.1}, {:?} after it could be known",
                    trusted.elapsed()
                ));
            }
        }
    }

    /// At noon of plant time: each counter of the day has begun anew once.
    fn turn(&mut self, bench: &mut Bench) {
        let time = bench.simulator.plant_time();
        let this = if time.time() < Time::constant(12, 0, 0, 0) {
            time.date().yesterday().expect("a day")
        } else {
            time.date()
        };
        let over = self.noon.replace(this).is_some_and(|before| before != this);
        self.has_begun &= !over;
        for (name @ (_, part, _), seen) in &mut self.seen {
            if *part != Part::Today {
                continue;
            }
            if !over {
                continue;
            }
            if seen.falls > 1 {
                self.wrong.push(format!("{time}: today {name:?} began {} times", seen.falls));
            }
            if seen.falls == 0 && seen.was_low {
                self.wrong.push(format!("{time}: today {name:?} did not begin anew after {}", seen.eve));
            }
            (seen.falls, seen.eve, seen.was_low) = (0, 0.0, false);
        }
    }

    /// By how much each counter is off now; those that are not published are left out.
    pub fn ends(&self, bench: &mut Bench) -> Vec<(Name, f64)> {
        let Some(snapshot) = bench.snapshot() else { return Vec::new() };
        let off = self.made.iter().filter_map(|made| {
            let (value, _) = made.read(&bench.pages);
            let highest = if made.wavers { self.seen.get(&made.name)?.highest } else { value };
            let published = published(&snapshot, made.name)?;
            Some((made.name, published - published.clamp(value.min(highest), highest)))
        });
        off.collect()
    }

    /// How many counters there are.
    pub fn len(&self) -> usize {
        self.made.len()
    }
}
