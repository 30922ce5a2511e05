//! The devices that entities belong to.

use serde_json::{Map, Value, json};

use super::ids::Part;
use super::{ORIGIN, Options, Plant, object};
use crate::plant::Family;
use crate::plant::snapshot::Snapshot;

/// What is told of a device.
pub(super) fn device(plant: &Plant<'_>, part: &Part) -> Map<String, Value> {
    let snapshot = plant.snapshot;
    let inverter = snapshot.identity.serial;
    let mut device = object([
        ("identifiers", json!([part.id(inverter)])),
        ("manufacturer", "GivEnergy".into()),
        ("name", name(plant, part).into()),
    ]);
    let mut put = |key: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            device.insert(key.to_owned(), value.into());
        }
    };
    match part {
        Part::Inverter => {
            put("model", Some(snapshot.identity.model.givtcp_name()));
            put("serial_number", Some(inverter.to_string()));
            put("sw_version", firmware(snapshot));
        }
        Part::Battery(serial) => {
            put("model", Some("Battery".to_owned()));
            put("serial_number", Some(serial.clone()));
            let battery = snapshot.batteries.iter().find(|battery| battery.serial.to_string() == *serial);
            put("sw_version", battery.and_then(|battery| battery.firmware).map(|version| version.to_string()));
        }
        Part::Stack(number) => {
            put("model", Some("Battery stack".to_owned()));
            let stack = snapshot.stacks.iter().find(|stack| stack.number == *number);
            put("sw_version", stack.and_then(|stack| stack.firmware.clone()));
        }
        Part::Meter(_) => put("model", Some("Meter".to_owned())),
        Part::Aio(number) => {
            put("model", Some("All in one".to_owned()));
            let aios = snapshot.gateway.as_ref().map(|gateway| gateway.aios.as_slice()).unwrap_or_default();
            let aio = aios.iter().find(|aio| aio.number == *number);
            put("serial_number", aio.map(|aio| aio.serial.to_string()));
        }
        Part::Led(serial) => {
            put("model", Some("Inverter".to_owned()));
            put("serial_number", Some(serial.clone()));
        }
    }
    if let Some(above) = above(snapshot, part) {
        device.insert("via_device".to_owned(), above.id(inverter).into());
    }
    device
}

/// The device that it is reached through: a module through its stack, everything else through the inverter.
fn above(snapshot: &Snapshot, part: &Part) -> Option<Part> {
    match part {
        Part::Inverter => None,
        Part::Battery(serial) => {
            let has = |module: &crate::plant::snapshot::Module| module.serial.to_string() == *serial;
            let stack = snapshot.stacks.iter().find(|stack| stack.modules.iter().any(has));
            Some(stack.map_or(Part::Inverter, |stack| Part::Stack(stack.number)))
        }
        _ => Some(Part::Inverter),
    }
}

fn name(plant: &Plant<'_>, part: &Part) -> String {
    let snapshot = plant.snapshot;
    let serial = snapshot.identity.serial;
    let what = match snapshot.capabilities.family() {
        Family::Gateway => "Gateway",
        Family::Ems => "EMS",
        _ => "Inverter",
    };
    match part {
        Part::Inverter => plant.name.map_or_else(|| format!("{what} {serial}"), str::to_owned),
        Part::Battery(battery) => format!("Battery {battery}"),
        Part::Stack(number) => format!("Battery stack {number} of {serial}"),
        Part::Meter(number) => format!("Meter {number} of {serial}"),
        Part::Aio(number) => format!("All in one {number} of {serial}"),
        Part::Led(led) => format!("Inverter {led} of {serial}"),
    }
}

fn firmware(snapshot: &Snapshot) -> Option<String> {
    let own = snapshot.three_phase.as_ref().and_then(|own| own.firmware.clone());
    let gateway = || snapshot.gateway.as_ref().and_then(|gateway| gateway.software.clone());
    own.or_else(gateway).or_else(|| snapshot.inverter.firmware.clone())
}

/// Who tells it.
pub(super) fn origin() -> Value {
    json!({ "name": ORIGIN, "sw_version": env!("CARGO_PKG_VERSION") })
}

/// Where it is told whether values can be believed: of the inverter, and of what stands behind it. All must be online.
pub(super) fn availability(options: &Options, plant: &Plant<'_>, part: &Part) -> Value {
    let below = format!("{}/{}", options.root, plant.snapshot.identity.serial);
    let inverter = json!({ "topic": format!("{below}/Stats/status") });
    match super::states::status_path(plant.snapshot, part) {
        Some(path) => json!([inverter, { "topic": format!("{below}/{path}") }]),
        None => json!([inverter]),
    }
}
