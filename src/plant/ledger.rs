//! Which energy counters are believed: totals that never go down and never jump, and a day that begins once.
//!
//! It stands between what the registers show and what is published. Each counter is judged by what it showed before and
//! by how much can have flowed since; a day's counter by the inverter's own clock too. What was believed survives a
//! restart ([`Memory`]), so that the first reading afterwards is judged as any other. docs/energy.md says what comes of
//! it.

mod clock;
mod derived;
mod limits;
mod memory;
mod today;
mod total;
mod track;

use std::collections::BTreeMap;

use jiff::civil::DateTime;

use super::snapshot::Energy;
use super::{Family, Model};
use clock::Clock;
use derived::{Derivations, Derive};
use limits::Span;
use today::Today;
use total::Total;
use track::Point;

pub use memory::Memory;
pub use track::Verdict;

/// The first all-in-one behind a gateway is the device after this one: no address, since it has none.
pub const AIO: u8 = 0xf0;

/// A total that was believed so long ago, ms, still says what a day's counter began with.
const RECENT: i64 = 10 * 60_000;

/// The two parts of a counter are cut off at a tenth each, and so may seem to rise by so much more than each other, kWh.
const ROUNDING: f64 = 0.2 + 1e-6;

/// One counter: which, and of which device. 0 is the plant itself; a meter's and
/// a stack's is its address, an all-in-one's behind a gateway comes after [`AIO`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Counter {
    /// One of [`Energy::NAMES`].
    pub name: &'static str,
    /// The device.
    pub device: u8,
}

/// What a counter has: a part since ever, one of the day, or both.
#[derive(Clone, Debug, Default, PartialEq)]
struct Parts {
    total: Option<Total>,
    today: Option<Today>,
    /// What both showed when both were believed of one reading, kWh.
    together: Option<(f64, f64)>,
}

/// What a block brought, as its registers show it. What it did not bring is absent.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// When it arrived, on the process' monotonic clock, ms.
    pub at: i64,
    /// The device whose counters these are.
    pub device: u8,
    /// Since ever, kWh.
    pub total: Energy,
    /// Since the inverter's midnight, kWh.
    pub today: Energy,
}

/// What is said of an inverter, and decides how fast its counters can rise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rating {
    /// What it is.
    pub model: Model,
    /// How it tells its counters.
    pub family: Family,
    /// What it is rated for, W.
    pub watts: Option<u32>,
}

/// Which energy counters of a plant are believed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ledger {
    counters: BTreeMap<Counter, Parts>,
    clock: Clock,
    derived: Derivations,
}

// === impl Ledger ===

impl Ledger {
    /// The inverter's clock was read: its civil time, if it shows one. Says whether it is believed, and need not be read
    /// again at once.
    pub fn clock_read(&mut self, shows: Option<DateTime>, at: i64) -> bool {
        shows.is_none_or(|shows| self.clock.read(civil_ms(shows), at))
    }

    /// What time it is in the inverter's zone: it stands in for a clock of the inverter that is not known.
    pub fn wall_is(&mut self, civil: DateTime, at: i64) {
        self.clock.wall(civil_ms(civil), at);
    }

    /// Judges what a block brought, and says what is not believed, or not yet. `derive` adds the counters that follow from others.
    pub fn observe(&mut self, reading: &Reading, rating: Rating, derive: Derive<'_>) -> Vec<(Counter, Verdict)> {
        let Reading { at, device, ref total, ref today } = *reading;
        let mut doubts = Vec::new();
        let mut note = |counter, verdict| {
            if verdict != Verdict::Believed {
                doubts.push((counter, verdict));
            }
        };
        let doubted = self.at_odds(reading);
        let flow = |name, span| {
            let flow =
                limits::flow(name, rating.model, rating.watts).summed(limits::registers(name, span, rating.family));
            if doubted.contains(&name) { flow.doubted() } else { flow }
        };
        for (name, kwh) in shown(total) {
            let parts = self.counters.entry(Counter { name, device }).or_default();
            let flow = flow(name, Span::Ever);
            let full = limits::full(name, device, rating.model);
            let verdict = parts.total.get_or_insert_default().observe(Point { kwh, at }, flow, full);
            note(Counter { name, device }, verdict);
        }
        for (name, kwh) in shown(today) {
            let parts = self.counters.entry(Counter { name, device }).or_default();
            let total = parts.total.as_ref().and_then(|total| total.recent(at, RECENT));
            let around = today::Around { midnight: self.clock.midnight(at), total, flow: flow(name, Span::Today) };
            let verdict = parts.today.get_or_insert_default().observe(Point { kwh, at }, around);
            note(Counter { name, device }, verdict);
        }
        self.agree_on(reading, &doubts);
        if device == 0 {
            self.derive(derive);
        }
        doubts
    }

    /// What the inverter's clock shows at this monotonic time, if it is known and believed, ms of civil time as
    /// `civil_ms` has it.
    pub fn inverter_shows(&self, at: i64) -> Option<i64> {
        self.clock.inverter_shows(at)
    }

    /// Counters since ever of one device, as published, kWh.
    pub fn total(&self, device: u8) -> Energy {
        let mut energy = self.collect(device, |parts| parts.total.as_ref()?.published());
        if device == 0 {
            self.derived.fill_total(&mut energy);
        }
        energy
    }

    /// Counters of the day of one device, as published, kWh.
    pub fn today(&self, device: u8) -> Energy {
        let mut energy = self.collect(device, |parts| parts.today.as_ref()?.published().map(|(kwh, _)| kwh));
        if device == 0 {
            self.derived.fill_today(&mut energy);
        }
        energy
    }

    fn collect(&self, device: u8, of: impl Fn(&Parts) -> Option<f64>) -> Energy {
        let mut energy = Energy::default();
        for (name, value) in energy.each_mut() {
            *value = self.counters.get(&Counter { name, device }).and_then(&of).map(round3);
        }
        energy
    }

    /// The counters whose two parts were read together and did not rise alike: one of them is wrong.
    fn at_odds(&self, reading: &Reading) -> Vec<&'static str> {
        let at_odds = shown_together(reading).filter_map(|(name, total, today)| {
            let parts = self.counters.get(&Counter { name, device: reading.device })?;
            (parts.odds(total, today)? > ROUNDING).then_some(name)
        });
        at_odds.collect()
    }

    /// Remembers what both parts of a counter showed, if nothing of it is in doubt.
    fn agree_on(&mut self, reading: &Reading, doubts: &[(Counter, Verdict)]) {
        for (name, total, today) in shown_together(reading) {
            let counter = Counter { name, device: reading.device };
            if let Some(parts) = self.counters.get_mut(&counter)
                && doubts.iter().all(|(doubted, _)| *doubted != counter)
            {
                parts.together = Some((total, today));
            }
        }
    }

    fn derive(&mut self, derive: Derive<'_>) {
        let total = self.collect(0, |parts| certain_total(parts).filter(|_| parts.is_total_certain()));
        let beginnings = self.of_plant().filter_map(|parts| Some(parts.total.as_ref()?.beginnings()));
        let beginnings = beginnings.fold(0, u32::wrapping_add);
        self.derived.settle_total(&total, beginnings, derive);
        let days = self.of_plant().filter_map(|parts| parts.today.as_ref()?.published());
        if let Some(newest) = days.map(|(_, day)| day).max() {
            let of_day = |parts: &Parts| certain_today(parts).filter(|_| parts.is_certain_of(newest));
            let today = self.collect(0, of_day);
            self.derived.settle_today(&today, newest, derive);
        }
    }

    fn of_plant(&self) -> impl Iterator<Item = &Parts> {
        self.counters.iter().filter(|(counter, _)| counter.device == 0).map(|(_, parts)| parts)
    }
}

// === impl Parts ===

impl Parts {
    /// By how much more one part has risen than the other since both were believed, kWh; nothing is to be said of one that
    /// fell, as a day's does at midnight.
    fn odds(&self, total: f64, today: f64) -> Option<f64> {
        let before = self.together?;
        let (total, today) = (total - before.0, today - before.1);
        (total.min(today) >= -ROUNDING).then(|| (total - today).abs())
    }

    fn is_total_certain(&self) -> bool {
        self.total.as_ref().is_some_and(Total::is_settled)
    }

    fn is_certain_of(&self, day: Option<i64>) -> bool {
        let certain = self.today.as_ref().filter(|today| today.is_settled());
        certain.and_then(Today::published).is_some_and(|(_, of)| of == day)
    }
}

fn certain_total(parts: &Parts) -> Option<f64> {
    parts.total.as_ref()?.confirmed()
}

fn certain_today(parts: &Parts) -> Option<f64> {
    Some(parts.today.as_ref()?.confirmed()?.0)
}

fn shown(energy: &Energy) -> impl Iterator<Item = (&'static str, f64)> + '_ {
    energy.each().filter_map(|(name, value)| Some((name, value.filter(|kwh| kwh.is_finite())?)))
}

/// The counters both parts of which a block brought, kWh.
fn shown_together(reading: &Reading) -> impl Iterator<Item = (&'static str, f64, f64)> + '_ {
    let both = reading.total.each().zip(reading.today.each());
    both.filter_map(|((name, total), (_, today))| Some((name, total?, today?)))
}

/// Civil time as ms from any beginning, as if all days had 24 hours.
pub(super) fn civil_ms(civil: DateTime) -> i64 {
    let beginning = DateTime::constant(2000, 1, 1, 0, 0, 0, 0);
    i64::try_from(civil.duration_since(beginning).as_millis()).unwrap_or(0)
}

/// Without what computing with binary fractions leaves over.
fn round3(kwh: f64) -> f64 {
    (kwh * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests;
