//! What is wrong, and what has happened.

use serde_json::{Value, json};

use super::ids::{self, Part};
use super::native::{Entity, of_inverter_alone};
use super::{Options, Plant, object, states};

/// From how many seconds on a clock is a problem.
const CLOCK_SKEW: u32 = 60;

/// Where events are told, below `<root>/<serial>/`.
const EVENT: &str = "Event";

/// What happens to overrides.
const OVERRIDES: &[&str] = &[
    "override_started",
    "override_ended",
    "override_not_undone",
    "override_lost",
    "override_left",
    "override_not_shown",
    "override_shown",
];
/// What happens to settings, not by a command of ours.
const SETTINGS: &[&str] = &["setting_changed", "late_change_undone", "command_settled"];
/// What happens to devices and their data.
const DEVICES: &[&str] = &[
    "data_rejected",
    "rejection_ended",
    "battery_frozen",
    "battery_thawed",
    "device_lost",
    "device_back",
    "model_changed",
];

/// Problems and events of the inverter and what is behind it.
pub(super) fn entities(options: &Options, plant: &Plant<'_>) -> Vec<Entity> {
    let mut all = vec![
        event(options, plant, "overrides", "Overrides", OVERRIDES),
        event(options, plant, "settings", "Settings", SETTINGS),
        event(options, plant, "devices", "Devices", DEVICES),
        problem(options, plant, "data_rejected", "Data rejected", states::DATA_REJECTED, None),
    ];
    let path_of = |end: &str| plant.values.keys().find(|path| path.ends_with(end)).map(ToString::to_string);
    if let Some(path) = path_of("/Faults") {
        all.push(problem(
            options,
            plant,
            "fault",
            "Fault",
            &path,
            Some("{{ None if not value else 'OFF' if value == 'none' else 'ON' }}"),
        ));
    }
    if let Some(path) = path_of("/Clock_Skew") {
        let template = format!("{{{{ 'ON' if value | int(0) | abs > {CLOCK_SKEW} else 'OFF' }}}}");
        all.push(problem(options, plant, "clock_wrong", "Clock wrong", &path, Some(&template)));
    }
    all.extend(lost(options, plant));
    all
}

/// Whether what is behind the inverter answers no more; told while the inverter does.
fn lost(options: &Options, plant: &Plant<'_>) -> Vec<Entity> {
    let has_stacks = !plant.snapshot.stacks.is_empty();
    let mut parts: Vec<Part> = plant.values.keys().map(|path| Part::of(path, has_stacks).0).collect();
    parts.sort();
    parts.dedup();
    let lost = |part: Part| {
        let path = states::status_path(plant.snapshot, &part)?;
        let mut entity = problem(options, plant, "lost", "Lost", &path, None);
        entity.config.extend(object([
            ("payload_on", "offline".into()),
            ("payload_off", "online".into()),
            ("availability", of_inverter_alone(options, plant)),
        ]));
        Some(Entity { part, ..entity })
    };
    parts.into_iter().filter_map(lost).collect()
}

fn problem(options: &Options, plant: &Plant<'_>, key: &str, name: &str, path: &str, template: Option<&str>) -> Entity {
    let topic = ids::value_topic(&options.root, plant.snapshot.identity.serial, path);
    let mut config = object([
        ("state_topic", topic.into()),
        ("name", name.into()),
        ("device_class", "problem".into()),
        ("entity_category", "diagnostic".into()),
    ]);
    if let Some(template) = template {
        config.insert("value_template".to_owned(), template.into());
    }
    Entity { part: Part::Inverter, kind: "binary_sensor", key: key.to_owned(), config }
}

/// An entity that hears of some kinds of events; others are empty to it, and so ignored.
fn event(options: &Options, plant: &Plant<'_>, key: &str, name: &str, kinds: &[&str]) -> Entity {
    let topic = ids::value_topic(&options.root, plant.snapshot.identity.serial, EVENT);
    let kinds: Value = json!(kinds);
    let template = format!(
        "{{{{ dict(value_json, event_type=value_json.kind) | to_json if value_json.kind in {kinds} else '' }}}}"
    );
    let config = object([
        ("state_topic", topic.into()),
        ("name", name.into()),
        ("event_types", kinds),
        ("value_template", template.into()),
        ("entity_category", "diagnostic".into()),
        ("icon", "mdi:bell-outline".into()),
    ]);
    Entity { part: Part::Inverter, kind: "event", key: format!("{key}_event"), config }
}
