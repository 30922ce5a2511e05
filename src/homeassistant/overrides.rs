//! Timed overrides: for how long, begin, call off, what is left of it, and whether it runs.

use super::ids::{self, Part};
use super::native::Entity;
use super::{Options, Plant, object, states};
use crate::control::{Override, OverrideKind};

/// The leaf that says whether it runs, below `Control/`.
pub(super) const fn leaf(kind: OverrideKind) -> &'static str {
    match kind {
        OverrideKind::ForceCharge => "Force_Charge",
        OverrideKind::ForceExport => "Force_Export",
        OverrideKind::PauseCharge => "Temp_Pause_Charge",
        OverrideKind::PauseDischarge => "Temp_Pause_Discharge",
    }
}

const fn key(kind: OverrideKind) -> &'static str {
    match kind {
        OverrideKind::ForceCharge => "force_charge",
        OverrideKind::ForceExport => "force_export",
        OverrideKind::PauseCharge => "pause_charge",
        OverrideKind::PauseDischarge => "pause_discharge",
    }
}

const fn name(kind: OverrideKind) -> &'static str {
    match kind {
        OverrideKind::ForceCharge => "Force charge",
        OverrideKind::ForceExport => "Force export",
        OverrideKind::PauseCharge => "Pause charge",
        OverrideKind::PauseDischarge => "Pause discharge",
    }
}

const fn icon(kind: OverrideKind) -> &'static str {
    match kind {
        OverrideKind::ForceCharge => "mdi:battery-charging",
        OverrideKind::ForceExport => "mdi:transmission-tower-export",
        OverrideKind::PauseCharge => "mdi:battery-lock",
        OverrideKind::PauseDischarge => "mdi:battery-lock-open",
    }
}

/// Whether a value is an override's, which is shown here and not by itself.
pub(super) fn is_of_one(path: &str) -> bool {
    let leaf_of = |kind| {
        let rest = path.strip_prefix("Control/").and_then(|rest| rest.strip_prefix(leaf(kind)));
        matches!(rest, Some("" | "_Num"))
    };
    OverrideKind::ALL.into_iter().any(leaf_of)
}

/// What is shown of each that this plant has, and what begins and ends it, where that is allowed.
pub(super) fn entities(options: &Options, plant: &Plant<'_>) -> Vec<Entity> {
    let has = |kind: &OverrideKind| plant.values.contains_key(format!("Control/{}", leaf(*kind)).as_str());
    let kinds = OverrideKind::ALL.into_iter().filter(has);
    kinds
        .flat_map(|kind| {
            let mut all = shown(options, plant, kind);
            if plant.commands {
                all.extend(controls(options, plant, kind));
            }
            all
        })
        .collect()
}

fn shown(options: &Options, plant: &Plant<'_>, kind: OverrideKind) -> Vec<Entity> {
    let inverter = plant.snapshot.identity.serial;
    let topic = |path: &str| ids::value_topic(&options.root, inverter, path);
    let left = object([
        ("state_topic", topic(&format!("Control/{}_Num", leaf(kind))).into()),
        ("name", format!("{} time left", name(kind)).into()),
        ("device_class", "duration".into()),
        ("state_class", "measurement".into()),
        ("unit_of_measurement", "min".into()),
        ("icon", icon(kind).into()),
    ]);
    let running = object([
        ("state_topic", topic(&format!("Control/{}", leaf(kind))).into()),
        ("name", format!("{} running", name(kind)).into()),
        ("device_class", "running".into()),
        ("payload_on", "Running".into()),
        ("payload_off", "Normal".into()),
    ]);
    vec![
        Entity { part: Part::Inverter, kind: "sensor", key: format!("{}_time_left", key(kind)), config: left },
        Entity { part: Part::Inverter, kind: "binary_sensor", key: format!("{}_running", key(kind)), config: running },
    ]
}

fn controls(options: &Options, plant: &Plant<'_>, kind: OverrideKind) -> Vec<Entity> {
    let inverter = plant.snapshot.identity.serial;
    let command = |name: String| ids::command_topic(&options.root, inverter, &name);
    let minutes = object([
        ("state_topic", ids::value_topic(&options.root, inverter, &states::minutes_path(kind)).into()),
        ("command_topic", command(minutes_command(kind)).into()),
        ("name", format!("{} minutes", name(kind)).into()),
        ("min", 1.into()),
        ("max", Override::MOST_MINUTES.into()),
        ("step", 1.into()),
        ("mode", "box".into()),
        ("device_class", "duration".into()),
        ("unit_of_measurement", "min".into()),
        ("icon", "mdi:timer-outline".into()),
    ]);
    let start = object([
        ("command_topic", command(start_command(kind)).into()),
        ("payload_press", "PRESS".into()),
        ("name", format!("Start {}", name(kind).to_lowercase()).into()),
        ("icon", icon(kind).into()),
    ]);
    let cancel = object([
        ("command_topic", command(kind.name().to_owned()).into()),
        ("payload_press", "Cancel".into()),
        ("name", format!("Cancel {}", name(kind).to_lowercase()).into()),
        ("icon", "mdi:cancel".into()),
    ]);
    vec![
        Entity { part: Part::Inverter, kind: "number", key: format!("{}_minutes", key(kind)), config: minutes },
        Entity { part: Part::Inverter, kind: "button", key: format!("start_{}", key(kind)), config: start },
        Entity { part: Part::Inverter, kind: "button", key: format!("cancel_{}", key(kind)), config: cancel },
    ]
}

/// What a message for an override's entities means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// It is to be begun for so many minutes from now on: `forceChargeMinutes`.
    Minutes(OverrideKind),
    /// It is to begin: `forceChargeStart`.
    Start(OverrideKind),
}

impl Wish {
    /// From the name of a command; the names are none of the inverter's commands.
    pub fn of(command: &str) -> Option<Self> {
        OverrideKind::ALL.into_iter().find_map(|kind| {
            if command.eq_ignore_ascii_case(&minutes_command(kind)) {
                Some(Self::Minutes(kind))
            } else if command.eq_ignore_ascii_case(&start_command(kind)) {
                Some(Self::Start(kind))
            } else {
                None
            }
        })
    }
}

fn minutes_command(kind: OverrideKind) -> String {
    format!("{}Minutes", kind.name())
}

fn start_command(kind: OverrideKind) -> String {
    format!("{}Start", kind.name())
}
