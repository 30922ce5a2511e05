//! What can be set, as the kind of entity that it is.

use serde_json::{Map, Value, json};

use super::ids::{self, Part};
use super::native::{Entity, one_of, shown};
use super::{Options, Plant, details, object};
use crate::catalogue::Quantity;
use crate::control::{Control, ControlKind, Unit};

/// The entity of a control; none for what is neither published nor a button.
pub(super) fn entity(options: &Options, plant: &Plant<'_>, control: &Control) -> Option<Entity> {
    let inverter = plant.snapshot.identity.serial;
    let topic = ids::command_topic(&options.root, inverter, &control.command);
    let mut config = object([("command_topic", topic.into())]);
    if control.kind == ControlKind::Button {
        config.extend(button(control, &inverter.to_string()));
        let key = button_key(&control.command).to_owned();
        return Some(Entity { part: Part::Inverter, kind: "button", key, config });
    }
    let path = control.leaf.as_deref()?;
    let (path, &quantity) = plant.values.get_key_value(path)?;
    let (part, leaf) = Part::of(path, false);
    let key = ids::key(leaf);
    config.extend(shown(options, plant, path, quantity));
    config.insert("name".to_owned(), details::name(leaf).into());
    if is_configuration(path, quantity) {
        config.insert("entity_category".to_owned(), "config".into());
    }
    let kind = match &control.kind {
        ControlKind::Number { min, max, step, unit } => {
            let (least, most) = plant.ranges.get(&**path).copied().unwrap_or((*min, *max));
            config.extend(number(least.min(*min), most.max(*max), *step, *unit));
            "number"
        }
        ControlKind::Select(names) => {
            let mut names = names.clone();
            names.extend(only_shown(&control.command));
            config.extend(object([("options", json!(names)), ("value_template", one_of(&names).into())]));
            "select"
        }
        ControlKind::Switch => {
            config.extend(switch());
            "switch"
        }
        ControlKind::Time => "time",
        ControlKind::Button => return None,
    };
    if control.confirm {
        let template = format!("{{{{ {{'state': value, 'confirm': '{inverter}'}} | to_json }}}}");
        config.insert("command_template".to_owned(), template.into());
    }
    Some(Entity { part, kind, key, config })
}

/// A word that a choice may stand at and nobody can ask for: among the options all the same, or the state would be unknown.
fn only_shown(command: &str) -> Option<&'static str> {
    match command {
        "setBatteryMode" => Some("Export (Paused)"),
        "setBatteryCalibration" => Some("Running"),
        _ => None,
    }
}

fn number(min: i64, max: i64, step: i64, unit: Unit) -> Map<String, Value> {
    let mut number = object([
        ("min", min.into()),
        ("max", max.into()),
        ("step", step.into()),
        ("mode", if unit == Unit::Percent { "slider" } else { "box" }.into()),
    ]);
    match unit {
        Unit::Watts => number.extend(object([("unit_of_measurement", "W".into()), ("device_class", "power".into())])),
        Unit::Percent => number.extend(object([("unit_of_measurement", "%".into())])),
    }
    number
}

fn switch() -> Map<String, Value> {
    object([
        ("payload_on", "enable".into()),
        ("payload_off", "disable".into()),
        ("state_on", "enable".into()),
        ("state_off", "disable".into()),
    ])
}

/// A restart asks for the serial number, so that nobody restarts what was not meant.
fn button(control: &Control, serial: &str) -> Map<String, Value> {
    let press = if control.confirm { json!({ "confirm": serial }).to_string() } else { "PRESS".to_owned() };
    let mut button = object([
        ("payload_press", press.into()),
        ("name", button_name(&control.command).into()),
        ("entity_category", "config".into()),
    ]);
    if control.command == "rebootInverter" {
        button.insert("device_class".to_owned(), "restart".into());
    }
    button
}

fn button_key(command: &str) -> &str {
    match command {
        "syncDateTime" => "sync_clock",
        "rebootInverter" => "restart",
        other => other,
    }
}

fn button_name(command: &str) -> &str {
    match command {
        "syncDateTime" => "Set the clock",
        "rebootInverter" => "Restart",
        other => other,
    }
}

/// Whether it is set once rather than day by day.
fn is_configuration(path: &str, quantity: Quantity) -> bool {
    let daily = ["Control/Mode", "Control/Eco_Mode", "Control/Target_SOC", "Control/Battery_Power_Reserve"];
    let is_schedule = path.starts_with("Control/Enable_") || path == "Control/Battery_pause_mode";
    quantity == Quantity::TimeOfDay || !(daily.contains(&path) || is_schedule)
}
