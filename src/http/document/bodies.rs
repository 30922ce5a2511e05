//! Bodies of commands as schemas: from the example that each command has.

use serde_json::{Map, Value, json};

use crate::control::{Calibration, Mode, Name, PauseMode};

/// Text or a number.
pub(super) fn scalar() -> Value {
    json!({ "type": ["string", "number"] })
}

/// A section of `readData`: values, and sections below it.
pub(super) fn read_data() -> Value {
    let sections = ["Power", "Energy", "Control", "Timeslots", "Battery_Details", "Meter_Details", "Stats", "raw"];
    let properties: Map<String, Value> =
        sections.iter().map(|name| ((*name).to_owned(), json!({ "type": "object" }))).collect();
    json!({ "type": "object", "required": ["Stats"], "properties": properties, "additionalProperties": { "type": "object" } })
}

/// The schema of the command's body.
pub(super) fn of(name: &str, command: &Name) -> Value {
    let mut example: Map<String, Value> = serde_json::from_str(command.body).unwrap_or_default();
    let mut properties: Map<String, Value> = example.keys().map(|key| (key.clone(), field(name, key))).collect();
    let mut required: Vec<String> = example.keys().filter(|key| needs(name, key)).cloned().collect();
    if command.numbers > 0 && !name.ends_with(|c: char| c.is_ascii_digit()) {
        let slot = if command.numbers < 10 { number(1, 3, "[1-3]") } else { number(1, 10, "[1-9]|10") };
        // Without one setChargeTarget is the inverter's own.
        if name == "setChargeTarget" {
            properties.insert("slot".to_owned(), or_null(slot));
        } else {
            properties.insert("slot".to_owned(), slot);
            required.push("slot".to_owned());
            example.insert("slot".to_owned(), 1.into());
        }
    }
    let percent = ["chargeToPercent", "dischargeToPercent", "exportToPercent"];
    if let Some(key) = percent.iter().find(|key| command.takes.contains(&format!("perhaps {key}"))) {
        properties.insert((*key).to_owned(), or_null(percentage()));
    }
    if example.is_empty() {
        return json!({ "type": "object", "example": {} });
    }
    json!({ "type": "object", "properties": properties, "required": required, "example": example })
}

fn needs(name: &str, key: &str) -> bool {
    // It ends a calibration without, and begins one only with it.
    !(key == "confirm" && name == "setBatteryCalibration")
}

fn field(name: &str, key: &str) -> Value {
    match key {
        "chargeRate" | "dischargeRate" if name.ends_with("AC") => percentage(),
        "chargeRate" | "dischargeRate" => number(0, 1_000_000, "[0-9]{1,6}"),
        "start" | "finish" => json!({ "type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$" }),
        "mode" => words(Mode::ALL.map(Mode::name)),
        "state" if name == "setBatteryPauseMode" => words(PauseMode::ALL.map(PauseMode::name)),
        "state" if name == "setBatteryCalibration" => words(Calibration::ALL.map(Calibration::name)),
        "state" => json!({ "enum": ["enable", "disable", "on", "off", "true", "false", true, false, 0, 1] }),
        "duration" => number(0, 1439, "[0-9]{1,3}|1[0-3][0-9]{2}|14[0-3][0-9]|Cancel|Normal"),
        "dateTime" => json!({
            "type": "string",
            "pattern": "^(0[1-9]|1[0-9]|2[0-8])/(0[1-9]|1[0-2])/20[0-9]{2} ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$",
        }),
        "rate" => words(["day", "night"]),
        "confirm" => json!({ "type": ["string", "number", "boolean", "null"] }),
        _ => percentage(),
    }
}

/// A whole number, or the same as text.
fn number(least: i64, most: i64, text: &str) -> Value {
    let pattern = format!("^({text})$");
    json!({ "type": ["integer", "string"], "minimum": least, "maximum": most, "pattern": pattern })
}

fn percentage() -> Value {
    number(0, 100, "[0-9]{1,2}|100")
}

/// What may be left out may be nothing too.
fn or_null(mut schema: Value) -> Value {
    if let Some(types) = schema.get_mut("type").and_then(Value::as_array_mut) {
        types.push("null".into());
    }
    schema
}

fn words<const N: usize>(words: [&str; N]) -> Value {
    let words = words.as_slice();
    json!({ "type": "string", "enum": words })
}
