//! The entities of this program: a device for each inverter, battery, stack and meter, each told at a topic of its own.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::ids::{self, Part};
use super::{Options, Plant, Told, control, details, device, happenings, object, overrides, sensor};
use crate::catalogue::Quantity;

/// Something that is shown of a device.
#[derive(Debug)]
pub(super) struct Entity {
    pub part: Part,
    /// `sensor`, `number` and so on.
    pub kind: &'static str,
    /// What it is called within its device and for ever.
    pub key: String,
    /// Everything but its ids.
    pub config: Map<String, Value>,
}

/// What is told of an inverter, by topic.
pub(super) fn announce(options: &Options, plant: &Plant<'_>) -> BTreeMap<String, Told> {
    let inverter = plant.snapshot.identity.serial;
    let mut told: BTreeMap<String, Told> = BTreeMap::new();
    for entity in entities(options, plant) {
        let Entity { part, kind, key, mut config } = entity;
        let device = told.entry(ids::topic(&options.prefix, &part, inverter)).or_insert_with(|| Told {
            payload: object([
                ("device", device::device(plant, &part).into()),
                ("origin", device::origin()),
                ("availability", device::availability(options, plant, &part)),
                ("availability_mode", "all".into()),
            ]),
            components: BTreeMap::new(),
        });
        config.insert("platform".to_owned(), kind.into());
        config.insert("unique_id".to_owned(), ids::unique_id(&part, inverter, &key).into());
        config.insert("default_entity_id".to_owned(), ids::default_entity_id(kind, &part, inverter, &key).into());
        device.components.insert(format!("{kind}_{key}"), config.into());
    }
    told
}

/// Every entity of the plant.
fn entities(options: &Options, plant: &Plant<'_>) -> Vec<Entity> {
    let mut all = Vec::with_capacity(plant.values.len() + 64);
    for (path, &quantity) in plant.values {
        let settable = plant.controls.iter().find(|control| control.leaf.as_deref() == Some(path));
        if settable.is_none() && !overrides::is_of_one(path) {
            all.push(value(options, plant, path, quantity));
        }
    }
    all.extend(plant.controls.iter().filter_map(|own| control::entity(options, plant, own)));
    all.extend(overrides::entities(options, plant));
    all.extend(happenings::entities(options, plant));
    all
}

/// A value that is only shown.
fn value(options: &Options, plant: &Plant<'_>, path: &str, quantity: Quantity) -> Entity {
    let (part, leaf) = Part::of(path, !plant.snapshot.stacks.is_empty());
    let key = ids::key(leaf);
    let mut config = sensor::facts(quantity, &key, &options.currency).fields();
    let mut kind = "sensor";
    if quantity == Quantity::Switch {
        kind = "binary_sensor";
        config.extend(object([("payload_on", "enable".into()), ("payload_off", "disable".into())]));
    }
    config.extend(shown(options, plant, path, quantity));
    config.insert("name".to_owned(), details::name(leaf).into());
    if details::is_diagnostic(path, quantity) {
        config.insert("entity_category".to_owned(), "diagnostic".into());
    }
    Entity { part, kind, key, config }
}

/// What every entity has that shows a value.
pub(super) fn shown(options: &Options, plant: &Plant<'_>, path: &str, quantity: Quantity) -> Map<String, Value> {
    let inverter = plant.snapshot.identity.serial;
    let (_, leaf) = Part::of(path, !plant.snapshot.stacks.is_empty());
    let key = ids::key(leaf);
    let mut shown = object([
        ("state_topic", ids::value_topic(&options.root, inverter, path).into()),
        // A value that is gone is an empty message, which would leave the old one standing, or be an error.
        ("value_template", "{{ value or None }}".into()),
    ]);
    if !details::is_enabled(path, &key, plant.snapshot.capabilities.family()) {
        shown.insert("enabled_by_default".to_owned(), false.into());
    }
    if let Some(icon) = details::icon(&key, quantity) {
        shown.insert("icon".to_owned(), icon.into());
    }
    shown
}

/// The availability of the inverter alone, for what tells that something behind it is lost.
pub(super) fn of_inverter_alone(options: &Options, plant: &Plant<'_>) -> Value {
    device::availability(options, plant, &Part::Inverter)
}

/// A template that shows one of `options`, and nothing instead of what is none of them: it would be an error.
pub(super) fn one_of(options: &[&str]) -> String {
    format!("{{{{ value if value in {} else None }}}}", json!(options))
}
