mod golden;
mod leaving;
mod rules;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::*;
use crate::catalogue::Layout;
use crate::control::tests::fixture::Bench;
use crate::control::{Context, controls};
use crate::plant::snapshot::Overrides;
use crate::simulator::Family;

/// A plant as it is told of, and what else is published of it.
struct Shown {
    family: Family,
    snapshot: Snapshot,
    tree: Tree,
    values: BTreeMap<Arc<str>, Quantity>,
    ranges: BTreeMap<String, (i64, i64)>,
    controls: Vec<Control>,
}

/// An entity of either profile.
struct Entity {
    kind: String,
    config: Map<String, Value>,
    /// What it shares with others of its device; empty where it is told alone.
    root: Map<String, Value>,
}

impl Shown {
    fn of(family: Family) -> Self {
        let bench = Bench::new(family);
        let mut snapshot = bench.snapshot();
        let has_overrides = !matches!(family, Family::Ems | Family::PvOnly | Family::AllInOneHybrid);
        snapshot.overrides = has_overrides.then(Overrides::default);
        snapshot.stats.last_updated = Some("2026-06-05T08:00:00Z".parse::<Timestamp>().unwrap());
        snapshot.stats.online = true;
        let mut layout = Layout::new(true);
        let mut tree = layout.tree(&snapshot);
        let possible: BTreeMap<_, _> = layout.paths().collect();
        let quantity = |path: &Arc<str>| possible.get(path).copied().flatten();
        let mut values: BTreeMap<Arc<str>, Quantity> =
            tree.leaves.iter().filter_map(|leaf| Some((Arc::clone(&leaf.path), quantity(&leaf.path)?))).collect();
        for path in possible.keys().filter(|path| path.ends_with("_Completion_Time")) {
            values.insert(Arc::clone(path), Quantity::Timestamp);
        }
        for (path, payload) in states(&snapshot, Minutes::default(), None) {
            tree.leaves.push(crate::catalogue::Leaf { path: path.into(), payload });
        }
        let controls = controls(&Context::of(&snapshot, None, None));
        let mut ranges = BTreeMap::new();
        see_ranges(&mut ranges, &values, &tree);
        Self { family, snapshot, tree, values, ranges, controls }
    }

    fn plant(&self) -> Plant<'_> {
        Plant {
            snapshot: &self.snapshot,
            name: None,
            values: &self.values,
            ranges: &self.ranges,
            controls: &self.controls,
            commands: true,
        }
    }

    fn told(&self, entities: Entities) -> BTreeMap<String, Told> {
        announce(&options(entities), &self.plant())
    }

    fn entities(&self, entities: Entities) -> Vec<Entity> {
        let mut all = Vec::new();
        for (topic, told) in self.told(entities) {
            if told.components.is_empty() {
                let kind = topic.split('/').nth(1).unwrap().to_owned();
                all.push(Entity { kind, config: told.payload, root: Map::new() });
                continue;
            }
            for component in told.components.values() {
                let config = component.as_object().unwrap().clone();
                let kind = config["platform"].as_str().unwrap().to_owned();
                all.push(Entity { kind, config, root: told.payload.clone() });
            }
        }
        all
    }
}

impl Entity {
    /// A field by its name or GivTCP's abbreviation.
    fn text(&self, name: &str, short: &str) -> Option<&str> {
        self.config.get(name).or_else(|| self.config.get(short)).and_then(Value::as_str)
    }
}

fn options(entities: Entities) -> Options {
    Options {
        entities,
        prefix: "homeassistant".into(),
        root: "GivEnergy".into(),
        givtcp: "GivTCP".into(),
        currency: "GBP".into(),
    }
}

fn every_family() -> impl Iterator<Item = Shown> {
    Family::ALL.iter().map(|family| Shown::of(*family))
}
