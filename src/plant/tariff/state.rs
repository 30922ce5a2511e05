use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::battery::BatteryValue;
use super::prices::{Mode, Prices, Rate};
use super::spans::{self, Span, divided};
use super::{PeriodRates, Rates, Side};
use crate::plant::power::round2;

/// So many switches are kept until the next reading: more than an outage of a day has.
const MOST_SWITCHES: usize = 48;
/// A total that falls by more than this, kWh, is another counter's.
const OTHER_COUNTER: f64 = 1.0;
/// So long after midnight the inverter's counter of today may still be yesterday's.
const LATE_RESET: SignedDuration = SignedDuration::from_mins(10);
/// A clock that is wrong by more than this, seconds, does not say when the day ends.
const MOST_SKEW: i64 = 86_400;

/// What was counted so far: what must survive a restart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tariff {
    last: Option<Last>,
    /// The inverter's day that is counted.
    date: Option<Date>,
    /// The rate in force at the last reading.
    current: Rate,
    /// Switches since then.
    switches: Vec<Switch>,
    day: Counter,
    night: Counter,
    /// kWh of each named period.
    periods: BTreeMap<String, f64>,
    battery: BatteryValue,
}

/// The last reading of the import total.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Last {
    at: Timestamp,
    import: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Switch {
    at: Timestamp,
    to: Rate,
}

/// What one rate has counted since midnight, kWh.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Counter {
    energy: f64,
    start: f64,
    at_switch: Option<f64>,
}

/// What a reading tells. Energy is in kWh, and believed: counters that go wrong were stopped before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// When the counters were read.
    pub at: Timestamp,
    /// How many seconds the inverter's clock is ahead of the zone's; its midnight ends the day.
    pub skew: i64,
    /// Import since the beginning.
    pub import: Option<f64>,
    /// Import since the inverter's midnight.
    pub import_today: Option<f64>,
    /// Taken from the AC side since the beginning.
    pub ac_charge: Option<f64>,
    /// What the battery holds.
    pub held: Option<f64>,
}

impl Tariff {
    /// Takes a reading. One that is not newer than the last changes nothing; without the import total there is none.
    pub fn observe(&mut self, prices: &Prices, zone: &TimeZone, seen: &Seen) {
        let Some(import) = seen.import.filter(|kwh| kwh.is_finite()) else { return };
        let (today, midnight) = inverters_day(seen.at, zone, seen.skew);
        let Some(last) = self.last else {
            self.begin(prices, zone, seen.at, import);
            self.battery.observe(seen.at, seen.ac_charge, seen.held, 0.0);
            self.date = Some(today);
            return;
        };
        if seen.at == last.at {
            return;
        }
        if prices.mode == Mode::Clock {
            self.switches.clear();
        }
        // A clock that was set back leaves no time between the readings.
        let from = last.at.min(seen.at);
        let rate = self.mean_rate(prices, zone, from, seen.at);
        let energy = self.energy_since(last.import, import);
        let stands = if last.import - import > OTHER_COUNTER { import } else { import.max(last.import) };
        if self.date.is_some_and(|counted| counted < today) {
            let midnight = midnight.clamp(from, seen.at);
            let after = energy_since_midnight(energy, from, midnight, seen);
            self.attribute(prices, zone, (from, midnight), energy - after);
            self.begin_day(stands - after);
            self.attribute(prices, zone, (midnight, seen.at), after);
        } else {
            self.attribute(prices, zone, (from, seen.at), energy);
        }
        self.battery.observe(seen.at, seen.ac_charge, seen.held, rate);
        self.date = Some(today);
        self.last = Some(Last { at: seen.at, import: stands });
    }

    /// Another rate is in force from `at` on, where [`Mode::External`] is set.
    pub fn switch(&mut self, to: Rate, at: Timestamp) {
        let at = self.switches.last().map_or(at, |last| last.at.max(at));
        if self.switches.len() >= MOST_SWITCHES {
            self.switches.remove(0);
        }
        self.switches.push(Switch { at, to });
    }

    /// What it comes to at `now`; `export_today` in kWh.
    pub fn rates(&self, prices: &Prices, zone: &TimeZone, now: Timestamp, export_today: Option<f64>) -> Rates {
        let current = match prices.mode {
            Mode::Clock => prices.by_clock(zone, now),
            Mode::External => self.switches.last().map_or(self.current, |last| last.to),
        };
        let counted = self.last.is_some();
        let energy = self.day.energy + self.night.energy;
        let cost = cost(self.day.energy, prices.day.rate) + cost(self.night.energy, prices.night.rate);
        let has_battery = self.battery.has_been_seen();
        Rates {
            current,
            current_rate: prices.of(current),
            day: self.day.shown(prices.day.rate, counted),
            night: self.night.shown(prices.night.rate, counted),
            export_rate: prices.export_rate,
            export_income: export_today.map(|kwh| round2(kwh * prices.export_rate)),
            import_price: if energy > 0.0 { cost / energy } else { 0.0 },
            battery_value: has_battery.then_some(self.battery.value),
            battery_price: has_battery.then_some(self.battery.price),
            current_period: spans::in_force(&prices.period_starts(), zone, now),
            periods: prices.periods.iter().map(|period| self.period(period, counted)).collect(),
        }
    }

    fn period(&self, period: &super::Period, counted: bool) -> PeriodRates {
        let energy = counted.then(|| self.periods.get(&*period.name).copied().unwrap_or_default());
        let rate = period.band.rate;
        PeriodRates { name: Arc::clone(&period.name), rate, energy, cost: energy.map(|kwh| cost(kwh, rate)) }
    }

    fn begin(&mut self, prices: &Prices, zone: &TimeZone, at: Timestamp, import: f64) {
        self.current = match prices.mode {
            Mode::Clock => prices.by_clock(zone, at),
            Mode::External => self.switches.last().map_or(self.current, |last| last.to),
        };
        self.switches.clear();
        self.begin_day(import);
        self.last = Some(Last { at, import });
    }

    fn begin_day(&mut self, import: f64) {
        let counter = Counter { energy: 0.0, start: import, at_switch: None };
        (self.day, self.night) = (counter, counter);
        self.periods.clear();
    }

    /// What flowed since the last reading. A total that fell by a little is held; one that fell by much is another
    /// counter's, from which on is counted.
    fn energy_since(&mut self, before: f64, import: f64) -> f64 {
        let energy = import - before;
        if energy < -OTHER_COUNTER {
            for counter in [&mut self.day, &mut self.night] {
                counter.start += energy;
            }
        }
        energy.max(0.0)
    }

    /// Adds energy to what was in force while it flowed.
    fn attribute(&mut self, prices: &Prices, zone: &TimeZone, (from, to): (Timestamp, Timestamp), energy: f64) {
        let spans = self.rate_spans(prices, zone, from, to);
        for (rate, kwh) in divided(&spans, energy) {
            self.change_to(rate);
            self.counter(rate).energy += kwh;
        }
        self.switches.retain(|switch| switch.at > to);
        let starts = prices.period_starts();
        for (place, kwh) in divided(&spans::spans(&starts, zone, from, to), energy) {
            if let Some(period) = prices.periods.get(place) {
                *self.periods.entry(period.name.to_string()).or_default() += kwh;
            }
        }
    }

    /// Where the counters of day and night stand, the import total stands at the sum of what both have counted.
    fn change_to(&mut self, rate: Rate) {
        if rate == self.current {
            return;
        }
        let left = self.current;
        self.current = rate;
        let left = self.counter(left);
        left.at_switch = Some(left.energy);
        let import = left.start + left.energy;
        let entered = self.counter(rate);
        entered.start = import - entered.energy;
    }

    fn counter(&mut self, rate: Rate) -> &mut Counter {
        match rate {
            Rate::Day => &mut self.day,
            Rate::Night => &mut self.night,
        }
    }

    fn rate_spans(&self, prices: &Prices, zone: &TimeZone, from: Timestamp, to: Timestamp) -> Vec<Span<Rate>> {
        if prices.mode == Mode::Clock {
            let by_place = |span: Span<usize>| Span { band: prices.rate_at(span.band), from: span.from, to: span.to };
            return spans::spans(&prices.starts(), zone, from, to).into_iter().map(by_place).collect();
        }
        let mut spans = vec![Span { band: self.current, from, to }];
        for switch in self.switches.iter().filter(|switch| switch.at <= to) {
            let at = switch.at.max(from);
            if let Some(last) = spans.last_mut() {
                last.to = at;
            }
            spans.push(Span { band: switch.to, from: at, to });
        }
        spans
    }

    /// The price of a kWh between the readings, if as much flowed at any time.
    fn mean_rate(&self, prices: &Prices, zone: &TimeZone, from: Timestamp, to: Timestamp) -> f64 {
        let parts = divided(&self.rate_spans(prices, zone, from, to), 1.0);
        parts.iter().map(|(rate, share)| prices.of(*rate) * share).sum()
    }
}

/// The inverter's day, and when it began, if its clock was not set since.
fn inverters_day(at: Timestamp, zone: &TimeZone, skew: i64) -> (Date, Timestamp) {
    let skew = SignedDuration::from_secs(if skew.abs() < MOST_SKEW { skew } else { 0 });
    let wall = at.to_zoned_datetime(zone.clone());
    let date = wall.datetime().checked_add(skew).map_or(wall.date(), |inverters| inverters.date());
    let began =
        date.to_zoned_datetime(zone.clone()).ok().and_then(|midnight| midnight.timestamp().checked_sub(skew).ok());
    (date, began.unwrap_or(at))
}

/// What of `energy`, which flowed since `from`, belongs to the new day: what the inverter's own counter of today says,
/// once it must have begun anew; before that, and where there is none, in proportion to time.
fn energy_since_midnight(energy: f64, from: Timestamp, midnight: Timestamp, seen: &Seen) -> f64 {
    let seconds = |from: Timestamp, to: Timestamp| to.duration_since(from).as_secs_f64();
    let since_midnight = seen.at.duration_since(midnight);
    if let Some(today) = seen.import_today.filter(|kwh| *kwh >= 0.0 && since_midnight > LATE_RESET) {
        return today.min(energy);
    }
    let whole = seconds(from, seen.at);
    if whole <= 0.0 { energy } else { energy * seconds(midnight, seen.at) / whole }
}

fn cost(kwh: f64, rate: f64) -> f64 {
    round2(kwh * rate)
}

// === impl Counter ===

impl Counter {
    fn shown(&self, rate: f64, counted: bool) -> Side {
        Side {
            rate,
            start: counted.then_some(self.start),
            energy: counted.then_some(self.energy),
            cost: counted.then(|| cost(self.energy, rate)),
            at_switch: self.at_switch,
        }
    }
}
