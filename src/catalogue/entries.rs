//! One line a published value. Paths are below `<root>/<serial>/`; `<serial>` in a path stands for the inverter's own.

use std::borrow::Cow;

use jiff::ZonedDateTime;
use jiff::civil::Time;

use super::families::Families;
use super::{Payload, Quantity};
use crate::plant::Family;
use crate::plant::snapshot::{Snapshot, ThreePhase};

mod control;
mod details;
mod devices;
mod ems;
mod energy;
mod power;
mod rates;
mod stats;

pub use devices::{AIO, BATTERY, METER, MODULE, STACK};
pub use ems::EMS_INVERTER;
pub use rates::PERIOD;

/// What a plant publishes once, by section.
pub static PLANT: &[&[Entry<Snapshot>]] = &[
    power::POWER,
    energy::ENERGY,
    rates::RATES,
    details::DETAILS,
    control::CONTROL,
    control::TIMESLOTS,
    ems::EMS_PLANT,
    stats::STATS,
    stats::REJECTIONS,
];

/// A published value.
#[derive(Debug)]
pub struct Entry<T: 'static> {
    /// Where it goes.
    pub path: &'static str,
    /// What it measures.
    pub quantity: Quantity,
    /// How it is had; nothing where it was not read or this model has none.
    pub get: fn(&T) -> Option<Payload>,
    /// Which families publish it, and from which registers.
    pub sources: [Option<Source>; 4],
    /// What its name does not say.
    pub note: Option<&'static str>,
}

/// Where some families have a value.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// Which.
    pub families: Families,
    /// The registers, `IR` input and `HR` holding, as `docs/values.md` shows them.
    pub registers: &'static str,
}

impl<T> Entry<T> {
    /// These families publish it, from these registers.
    const fn of(mut self, families: Families, registers: &'static str) -> Self {
        let mut place = 0;
        while self.sources[place].is_some() {
            place += 1;
        }
        self.sources[place] = Some(Source { families, registers });
        self
    }

    const fn note(mut self, note: &'static str) -> Self {
        self.note = Some(note);
        self
    }

    /// Whether plants of a family publish it.
    pub fn is_of(&self, family: Family) -> bool {
        self.sources.iter().flatten().any(|source| source.families.contains(family))
    }
}

const fn entry<T>(path: &'static str, quantity: Quantity, get: fn(&T) -> Option<Payload>) -> Entry<T> {
    Entry { path, quantity, get, sources: [None; 4], note: None }
}

/// A value of the plant.
const fn line(path: &'static str, quantity: Quantity, get: fn(&Snapshot) -> Option<Payload>) -> Entry<Snapshot> {
    entry(path, quantity, get)
}

fn int(value: Option<i64>) -> Option<Payload> {
    value.map(Payload::Integer)
}

/// As GivTCP rounds: to three places.
pub(super) fn float(value: Option<f64>) -> Option<Payload> {
    value.map(|value| Payload::Float((value * 1000.0).round() / 1000.0))
}

/// As [`float`], but nothing at all is `0`, as Python prints what it has not counted yet.
fn zero_or_float(value: Option<f64>) -> Option<Payload> {
    if value == Some(0.0) { Some(Payload::Integer(0)) } else { float(value) }
}

/// With tenths where a three-phase inverter has them.
fn watts(s: &Snapshot, tenths: fn(&ThreePhase) -> Option<f64>, whole: Option<i64>) -> Option<Payload> {
    s.three_phase.as_ref().map_or_else(|| int(whole), |own| float(tenths(own)))
}

/// GivTCP divides a gateway's totals, and those of its all-in-ones, by 1,000 once too often. People's statistics rest on
/// that, so that the leaf keeps it.
fn thousandth(kwh: Option<f64>) -> Option<f64> {
    kwh.map(|kwh| (kwh / 10.0).round() / 100.0)
}

fn total(s: &Snapshot, kwh: Option<f64>) -> Option<f64> {
    if s.gateway.is_some() { thousandth(kwh) } else { kwh }
}

fn text(value: Option<&String>) -> Option<Payload> {
    value.map(|text| Payload::Text(text.as_str().into()))
}

fn cow(value: Option<&Cow<'static, str>>) -> Option<Payload> {
    value.map(|text| match text {
        Cow::Borrowed(word) => Payload::Word(word),
        Cow::Owned(text) => Payload::Text(text.as_str().into()),
    })
}

fn messages(messages: Option<&[Cow<'static, str>]>) -> Option<Payload> {
    messages.map(|messages| match messages {
        [] => Payload::Word("none"),
        _ => Payload::Text(messages.join(", ").into()),
    })
}

fn word(value: Option<&'static str>) -> Option<Payload> {
    value.map(Payload::Word)
}

fn switch(value: Option<bool>) -> Option<Payload> {
    value.map(|on| Payload::Word(if on { "enable" } else { "disable" }))
}

fn count(value: u64) -> Payload {
    Payload::Integer(i64::try_from(value).unwrap_or(i64::MAX))
}

fn iso(value: Option<&ZonedDateTime>) -> Option<Payload> {
    value.map(|time| Payload::Text(time.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string().into()))
}

fn clock(value: Option<Time>) -> Option<Payload> {
    value.map(|time| Payload::Text(time.strftime("%H:%M:%S").to_string().into()))
}
