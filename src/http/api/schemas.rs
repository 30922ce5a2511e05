//! What our interface answers, each as a closed schema: nothing comes that is not declared.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Number, Value};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

use super::super::commands::symbol;
use super::super::elsewhere::Left;
use super::{Shared, locked};
use crate::catalogue::{Payload, Quantity, Tree, quantity_of};
use crate::control::{Control, ControlKind};
use crate::plant::Snapshot;
use crate::plant::snapshot::{OverrideNote, OverrideState};

/// That this program lives.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Alive {
    /// Which program answers.
    #[schema(example = "givtcp")]
    pub program: &'static str,
    /// Always true.
    pub alive: bool,
}

/// All inverters.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PlantList {
    /// In the order of the settings.
    plants: Vec<PlantItem>,
}

/// An inverter and what is behind it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PlantItem {
    /// From 1; GivTCP's routes of it begin with `/REST` and this number.
    #[schema(minimum = 1)]
    number: usize,
    /// What the settings call it.
    name: String,
    /// Serial number, once it is known.
    serial: Option<String>,
    /// Model, once it is known.
    model: Option<String>,
    /// Whether it answers.
    online: bool,
    /// When something was last read of it.
    #[schema(format = DateTime)]
    last_updated: Option<String>,
    /// Whether another inverter leads it, so that it takes no commands.
    led: bool,
}

/// What an inverter does.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct SnapshotBody {
    /// Serial number.
    serial: String,
    /// Whether it answers. If not, the values are the last ones.
    online: bool,
    /// When something was last read.
    #[schema(format = DateTime)]
    last_updated: Option<String>,
    /// How old the values are, seconds; told where another process of a group has read them.
    #[serde(skip_serializing_if = "Option::is_none")]
    age: Option<u64>,
    /// What there is.
    values: Vec<ValueItem>,
}

/// One value.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ValueItem {
    /// Where it is published, below the inverter's topic.
    #[schema(example = "Power/Power/SOC")]
    path: String,
    /// What it is.
    value: AnyValue,
    /// What it is counted in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "%")]
    unit: Option<&'static str>,
}

/// A number or text.
#[derive(Debug, PartialEq, Serialize)]
#[serde(untagged)]
enum AnyValue {
    Number(Number),
    Text(String),
}

/// What can be set.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ControlList {
    /// What this model has.
    controls: Vec<ControlItem>,
}

/// Something that can be set.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ControlItem {
    /// The command that sets it.
    #[schema(example = "setBatteryReserve")]
    command: String,
    /// What kind of thing it is.
    #[schema(value_type = KindWord)]
    kind: &'static str,
    /// The least that it takes, of a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<i64>,
    /// The most that it takes, of a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<i64>,
    /// What one step of its register is, rounded, of a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<i64>,
    /// What a number is counted in.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'static str>,
    /// What there is to choose from, of a select.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    options: Vec<&'static str>,
    /// Where its value is published.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// What is set now.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<AnyValue>,
    /// Whether the inverter's serial number must come with it, as `confirm`.
    confirm: bool,
}

/// What kind of thing can be set.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "the words of a kind, for the document")]
pub(super) enum KindWord {
    /// A whole number.
    Number,
    /// One of several names.
    Select,
    /// `enable` or `disable`.
    Switch,
    /// Something that is done.
    Button,
    /// A time of the day, HH:MM.
    Time,
}

/// Timed overrides.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OverrideList {
    /// Whether it is known which run; if not, none is told.
    known: bool,
    /// Those that run, or are not undone yet.
    overrides: Vec<OverrideItem>,
    /// Where the damaged record of an override lies for whose sake none can be begun: docs/statuses.md.
    #[serde(skip_serializing_if = "Option::is_none")]
    lost: Option<String>,
}

/// A timed override.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OverrideItem {
    /// The command that starts and ends it.
    #[schema(example = "forceCharge")]
    command: &'static str,
    /// How many minutes are left, the last one counted; 0 of one that is over and not undone yet.
    #[schema(minimum = 0)]
    minutes_left: i64,
    /// How it stands.
    #[schema(value_type = OverrideWord)]
    state: &'static str,
    /// Since when it stands like this.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    since: Option<String>,
    /// What is not as it should be, or is to be known besides.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// How an override stands.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "the words of a state, for the document")]
pub(super) enum OverrideWord {
    /// It runs.
    Running,
    /// It is written, and the battery does not show it.
    NotShown,
    /// It is over or called off, and not undone yet.
    Undoing,
    /// Its record is damaged: it is not undone.
    Lost,
}

impl PlantList {
    pub(super) fn of(shared: &Shared) -> Self {
        let plants = shared.plants.iter().enumerate().map(|(place, plant)| {
            let snapshot = shared.snapshot(place);
            let snapshot = snapshot.as_deref();
            PlantItem {
                number: place + 1,
                name: plant.name.clone(),
                serial: snapshot.map(|snapshot| snapshot.identity.serial.to_string()),
                model: snapshot.map(|snapshot| snapshot.identity.model.name()),
                online: snapshot.is_some_and(|snapshot| snapshot.stats.online),
                last_updated: snapshot.and_then(last_updated),
                led: snapshot.is_some_and(|snapshot| (plant.role)(snapshot.identity.serial).is_read_only()),
            }
        });
        Self { plants: plants.collect() }
    }
}

fn last_updated(snapshot: &Snapshot) -> Option<String> {
    snapshot.stats.last_updated.map(|at| at.to_string())
}

impl SnapshotBody {
    pub(in crate::http) fn of(shared: &Shared, place: usize, raw: bool) -> Option<Self> {
        let (plant, snapshot) = (shared.plants.get(place)?, shared.snapshot(place)?);
        let role = (plant.role)(snapshot.identity.serial);
        let values = locked(shared.layouts.get(place)?).values_as(role, &snapshot);
        let shown = values.into_iter().filter(|(leaf, _)| raw || !leaf.path.starts_with("raw/"));
        Some(Self {
            serial: snapshot.identity.serial.to_string(),
            online: snapshot.stats.online,
            last_updated: last_updated(&snapshot),
            age: None,
            values: shown
                .map(|(leaf, quantity)| ValueItem {
                    path: leaf.path.to_string(),
                    value: AnyValue::from(&leaf.payload),
                    unit: quantity.and_then(Quantity::unit),
                })
                .collect(),
        })
    }
}

impl SnapshotBody {
    /// Of an inverter that another process has.
    pub(super) fn of_another(left: &Left, raw: bool) -> Self {
        let value = |(path, value): (String, Value)| {
            let value = match value {
                Value::Number(number) => AnyValue::Number(number),
                Value::String(text) => AnyValue::Text(text),
                _ => return None,
            };
            let unit = quantity_of(&left.serial, &path).and_then(Quantity::unit);
            Some(ValueItem { path, value, unit })
        };
        Self {
            serial: left.serial.clone(),
            online: true,
            last_updated: Some(left.at.to_string()),
            age: Some(left.age),
            values: left.leaves(raw).into_iter().filter_map(value).collect(),
        }
    }
}

impl PartialSchema for AnyValue {
    fn schema() -> RefOr<Schema> {
        let either = ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::Number, Type::String]));
        either.description(Some("A number or text.")).into()
    }
}

impl ToSchema for AnyValue {}

impl From<&Payload> for AnyValue {
    fn from(payload: &Payload) -> Self {
        match payload {
            Payload::Integer(number) => Self::Number((*number).into()),
            // What is no number is in no quantity's range, and so is not here.
            Payload::Float(number) => Self::Number(Number::from_f64(*number).unwrap_or_else(|| 0.into())),
            Payload::Word(text) => Self::Text((*text).to_owned()),
            Payload::Text(text) => Self::Text(text.to_string()),
        }
    }
}

impl ControlList {
    pub(super) fn of(offered: Vec<Control>, tree: &Tree) -> Self {
        let values: HashMap<&str, &Payload> = tree.leaves.iter().map(|leaf| (&*leaf.path, &leaf.payload)).collect();
        let item = |control: Control| {
            let value = control.leaf.as_deref().and_then(|path| values.get(path)).map(|payload| (*payload).into());
            let plain = ControlItem {
                command: control.command,
                kind: "button",
                min: None,
                max: None,
                step: None,
                unit: None,
                options: Vec::new(),
                path: control.leaf,
                value,
                confirm: control.confirm,
            };
            match control.kind {
                ControlKind::Number { min, max, step, unit } => ControlItem {
                    kind: "number",
                    min: Some(min),
                    max: Some(max),
                    step: Some(step),
                    unit: Some(symbol(unit)),
                    ..plain
                },
                ControlKind::Select(options) => ControlItem { kind: "select", options, ..plain },
                ControlKind::Switch => ControlItem { kind: "switch", ..plain },
                ControlKind::Time => ControlItem { kind: "time", ..plain },
                ControlKind::Button => plain,
            }
        };
        Self { controls: offered.into_iter().map(item).collect() }
    }
}

impl OverrideList {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let notes = &snapshot.override_notes;
        let Some(running) = snapshot.overrides else {
            return Self { known: false, overrides: Vec::new(), lost: notes.lost.clone() };
        };
        let each = &notes.each;
        let all = [
            ("forceCharge", running.force_charge, &each.force_charge),
            ("forceExport", running.force_export, &each.force_export),
            ("tempPauseCharge", running.pause_charge, &each.pause_charge),
            ("tempPauseDischarge", running.pause_discharge, &each.pause_discharge),
        ];
        let item = |(command, left, note): (&'static str, Option<i64>, &Option<OverrideNote>)| {
            let detail = note.as_ref().map(|note| note.detail.clone()).filter(|detail| !detail.is_empty());
            Some(OverrideItem {
                command,
                minutes_left: left?,
                state: note.as_ref().map_or(OverrideState::Running, |note| note.state).name(),
                since: note.as_ref().map(|note| note.since.to_string()),
                detail,
            })
        };
        Self { known: true, overrides: all.into_iter().filter_map(item).collect(), lost: notes.lost.clone() }
    }
}
