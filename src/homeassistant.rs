//! What Home Assistant is told of an inverter, over the broker: discovery payloads, and the few values that only they
//! need.
//!
//! All of that is pure: from what is published now and what can be set now to a map of topics and payloads. The session of
//! `mqtt/` keeps the broker equal to that, `app/` remembers what was ever told ([`Index`]), so that what no longer exists
//! is taken back, also after a restart. [`addon`] and [`supervisor`] are what Home Assistant hands to the program.
//!
//! What Home Assistant rejects is in docs/homeassistant.md; each rule is held against every payload by a test.

pub mod addon;
mod control;
mod details;
mod device;
mod found;
mod happenings;
mod ids;
mod index;
mod legacy;
mod native;
mod overrides;
mod sensor;
mod states;
pub mod supervisor;

#[cfg(test)]
mod tests;

pub use found::{is_left_over, kept_topics};
pub use index::Index;
pub use overrides::Wish;
pub use states::{Minutes, states};

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::catalogue::{Payload, Quantity, Tree};
use crate::control::Control;
use crate::plant::Snapshot;
use crate::settings::Entities;

/// The program, as Home Assistant shows where a device comes from.
pub const ORIGIN: &str = "givtcp";

/// What is the same for all inverters of a program, and the prefix of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Which entities.
    pub entities: Entities,
    /// The first levels of the topics that Home Assistant finds entities at.
    pub prefix: String,
    /// The first levels of the topics of values and commands.
    pub root: String,
    /// What GivTCP's ids of this inverter begin with.
    pub givtcp: String,
    /// The currency of the rates, by its code.
    pub currency: String,
}

/// An inverter, as far as Home Assistant hears of it.
#[derive(Clone, Copy, Debug)]
pub struct Plant<'a> {
    /// What was read of it.
    pub snapshot: &'a Snapshot,
    /// What people call it, if they do.
    pub name: Option<&'a str>,
    /// The values that are or were published of it, and what they measure, by their paths.
    pub values: &'a BTreeMap<Arc<str>, Quantity>,
    /// The least and the most that numbers which can be set were seen at, by their paths: one outside its range is an error
    /// to Home Assistant.
    pub ranges: &'a BTreeMap<String, (i64, i64)>,
    /// What can be set.
    pub controls: &'a [Control],
    /// Whether overrides can be begun.
    pub commands: bool,
}

/// What is told at one topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    /// The payload, but for what is gone.
    pub payload: Map<String, Value>,
    /// The entities in it by their keys, each with its kind; none at the topics of single entities.
    pub components: BTreeMap<String, Value>,
}

/// What is told of an inverter, by topic.
pub fn announce(options: &Options, plant: &Plant<'_>) -> BTreeMap<String, Told> {
    match options.entities {
        Entities::Native => native::announce(options, plant),
        Entities::GivTcp => legacy::announce(options, plant),
        Entities::Off => BTreeMap::new(),
    }
}

/// Takes in how far numbers that can be set have been, where that is not within 4 to 100 %.
pub fn see_ranges(ranges: &mut BTreeMap<String, (i64, i64)>, values: &BTreeMap<Arc<str>, Quantity>, tree: &Tree) {
    for leaf in tree.leaves.iter().filter(|leaf| leaf.path.starts_with("Control/")) {
        let Payload::Integer(now) = leaf.payload else { continue };
        if values.get(&leaf.path) == Some(&Quantity::Percent) && (4..=100).contains(&now) {
            continue;
        }
        let (least, most) = ranges.entry(leaf.path.to_string()).or_insert((now, now));
        (*least, *most) = ((*least).min(now), (*most).max(now));
    }
}

/// An object of JSON from its fields.
fn object<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
