//! What Home Assistant rejects or warns of, held against every payload of every family (as of 2026.11).

use std::collections::BTreeSet;

use super::*;
use crate::control::{Command, plan};

const BOTH: [Entities; 2] = [Entities::Native, Entities::GivTcp];

/// Which state classes and units go with a class of device.
fn class(name: &str) -> (&'static [&'static str], &'static [&'static str]) {
    const MEASURED: &[&str] = &["measurement"];
    match name {
        "power" => (MEASURED, &["W", "kW"]),
        "energy" => (&["total", "total_increasing"], &["kWh", "Wh"]),
        "energy_storage" => (MEASURED, &["kWh", "Wh"]),
        "apparent_power" => (MEASURED, &["VA"]),
        "voltage" => (MEASURED, &["V"]),
        "current" => (MEASURED, &["A"]),
        "frequency" => (MEASURED, &["Hz"]),
        "temperature" => (MEASURED, &["\u{b0}C"]),
        "battery" => (MEASURED, &["%"]),
        "power_factor" => (MEASURED, &["", "%"]),
        "duration" => (MEASURED, &["s", "min", "h", "d"]),
        // GivTCP's are no currency of ISO 4217, which Home Assistant lets pass.
        "monetary" => (&["", "total"], &["GBP", "{GBP}", "{GBP}/kWh"]),
        "timestamp" => (&[""], &[""]),
        other => panic!("no such class: {other}"),
    }
}

fn each(mut check: impl FnMut(&Shown, &Entity, &str)) {
    for shown in every_family() {
        for profile in BOTH {
            for entity in shown.entities(profile) {
                let id = entity.text("unique_id", "unique_id").unwrap_or_default();
                let name = format!("{} {profile} {} {id}", shown.family, entity.kind);
                check(&shown, &entity, &name);
            }
        }
    }
}

#[test]
fn units_and_classes_go_together() {
    each(|_, entity, name| {
        let (device, state) = (entity.text("device_class", "device_class"), entity.text("state_class", "state_class"));
        let unit = entity.text("unit_of_measurement", "unit_of_meas");
        match entity.kind.as_str() {
            "sensor" => {
                let Some(device) = device else {
                    assert!(
                        state.is_none() || unit.is_some() || name.ends_with("cycles") || name.ends_with("count"),
                        "{name}"
                    );
                    return;
                };
                let (states, units) = class(&device.to_lowercase());
                assert!(states.contains(&state.unwrap_or_default()), "{name}: {device} {state:?}");
                assert!(units.contains(&unit.unwrap_or_default()), "{name}: {device} {unit:?}");
            }
            "number" => {
                assert!(device.is_none_or(|device| class(device).1.contains(&unit.unwrap_or_default())), "{name}");
            }
            "binary_sensor" => assert!(device.is_none_or(|device| ["problem", "running"].contains(&device)), "{name}"),
            "button" => assert!(device.is_none_or(|device| device == "restart"), "{name}"),
            "select" | "switch" | "time" | "event" => assert!(device.is_none() && unit.is_none(), "{name}"),
            other => panic!("{name}: no such kind: {other}"),
        }
    });
}

#[test]
fn no_payload_has_a_field_that_rejects_it() {
    const ROOT: &[&str] = &["device", "origin", "availability", "availability_mode"];
    const DEVICE: &[&str] =
        &["identifiers", "manufacturer", "name", "model", "serial_number", "sw_version", "via_device"];
    for shown in every_family() {
        for profile in BOTH {
            for (topic, told) in shown.told(profile) {
                let device = told.payload["device"].as_object().unwrap();
                assert!(device.keys().all(|key| DEVICE.contains(&key.as_str())), "{topic}: {device:?}");
                let is_fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/');
                assert!(topic.chars().all(is_fine), "{topic}");
                if profile == Entities::Native {
                    assert!(told.payload.keys().all(|key| ROOT.contains(&key.as_str())), "{topic}");
                    assert_eq!(told.payload["origin"]["name"], "givtcp");
                }
                let bytes = Value::Object(told.payload).to_string().len()
                    + told.components.values().map(|config| config.to_string().len() + 64).sum::<usize>();
                assert!(bytes < 200_000, "{topic}: {bytes} bytes");
            }
        }
    }
}

#[test]
fn devices_hang_on_devices_that_are_told() {
    for shown in every_family() {
        let told = shown.told(Entities::Native);
        let known: Vec<_> = told.values().map(|told| &told.payload["device"]["identifiers"][0]).collect();
        let above: Vec<_> = told.values().filter_map(|told| told.payload["device"].get("via_device")).collect();
        assert!(above.iter().all(|above| known.contains(above)), "{}", shown.family);
        assert_eq!(above.len() + 1, told.len(), "{}", shown.family);
    }
}

#[test]
fn no_two_entities_share_an_id() {
    for shown in every_family() {
        for profile in BOTH {
            let entities = shown.entities(profile);
            for field in ["unique_id", "default_entity_id"] {
                let ids: BTreeSet<_> =
                    entities.iter().map(|entity| (entity.kind.clone(), entity.text(field, field).unwrap())).collect();
                assert_eq!(ids.len(), entities.len(), "{} {profile} {field}", shown.family);
            }
        }
    }
}

#[test]
fn ids_are_of_their_kind_and_names_do_not_repeat_the_device() {
    each(|_, entity, name| {
        let id = entity.text("default_entity_id", "default_entity_id").unwrap();
        assert!(id.starts_with(&format!("{}.", entity.kind)), "{name}: {id}");
        let shown = entity.text("name", "name").unwrap();
        assert!(!shown.is_empty() && shown.len() < 64, "{name}: {shown}");
        if let Some(device) = entity.root.get("device") {
            assert!(!shown.starts_with(device["name"].as_str().unwrap()), "{name}: {shown}");
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.');
            assert!(id.chars().all(plain), "{id}");
        }
    });
}

#[test]
fn only_what_can_be_set_is_a_setting() {
    each(|_, entity, name| {
        let category = entity.text("entity_category", "entity_category");
        let is_set = ["number", "select", "switch", "time", "button"].contains(&entity.kind.as_str());
        assert!(category.is_none_or(|category| category == if is_set { "config" } else { "diagnostic" }), "{name}");
    });
}

#[test]
fn every_state_is_published() {
    each(|shown, entity, name| {
        if entity.kind == "button" {
            return;
        }
        let below = format!("GivEnergy/{}/", shown.snapshot.identity.serial);
        let path = entity.text("state_topic", "stat_t").and_then(|topic| topic.strip_prefix(&below)).expect(name);
        let is_published = shown.tree.leaves.iter().any(|leaf| *leaf.path == *path);
        let by_the_session = ["Stats/status", "Event"].contains(&path);
        assert!(is_published || by_the_session || path.ends_with("_Completion_Time"), "{name}: {path}");
        for (place, topic) in
            entity.root.get("availability").into_iter().flat_map(|all| all.as_array().unwrap()).enumerate()
        {
            let path = topic["topic"].as_str().unwrap().strip_prefix(&below).unwrap();
            assert!(
                place == 0 && path == "Stats/status" || shown.tree.leaves.iter().any(|leaf| *leaf.path == *path),
                "{name}"
            );
        }
    });
}

#[test]
fn numbers_and_choices_hold_what_is_published() {
    each(|shown, entity, name| {
        let Some(topic) = entity.text("state_topic", "stat_t") else { return };
        let now = shown.tree.leaves.iter().find(|leaf| topic.ends_with(&format!("/{}", leaf.path)));
        let Some(now) = now.map(|leaf| leaf.payload.to_string()) else { return };
        match entity.kind.as_str() {
            "number" => {
                let bound =
                    |key: &str, default: f64| entity.config.get(key).map_or(default, |value| value.as_f64().unwrap());
                let (min, max, step) = (bound("min", 1.0), bound("max", 100.0), bound("step", 1.0));
                assert!(min < max && step >= 1.0, "{name}");
                assert!((min..=max).contains(&now.parse().unwrap()), "{name}: {now}");
            }
            "select" => {
                let options = entity.config["options"].as_array().unwrap();
                assert!(options.iter().any(|option| *option == now.as_str()), "{name}: {now}");
            }
            "switch" => assert!(["enable", "disable"].contains(&now.as_str()), "{name}: {now}"),
            "time" => assert!(now.parse::<jiff::civil::Time>().is_ok(), "{name}: {now}"),
            _ => assert!(now.len() < 256, "{name}: {now}"),
        }
    });
}

#[test]
fn what_a_choice_may_stand_at_is_among_its_options() {
    let mut seen = 0;
    each(|_, entity, name| {
        let shown = if name.to_lowercase().ends_with("_mode") && !name.to_lowercase().ends_with("pause_mode") {
            vec!["Eco", "Eco (Paused)", "Timed Demand", "Timed Export", "Export (Paused)"]
        } else if name.to_lowercase().ends_with("_battery_calibration") {
            vec!["Off", "Running"]
        } else {
            return;
        };
        if entity.kind != "select" {
            return;
        }
        seen += 1;
        let options = entity.config["options"].as_array().unwrap();
        assert!(shown.iter().all(|word| options.iter().any(|option| option == word)), "{name}: {options:?}");
        let template = entity.text("value_template", "value_template").unwrap_or_default();
        assert!(template.is_empty() || shown.iter().all(|word| template.contains(word)), "{name}: {template}");
    });
    assert!(seen > 40, "{seen}");
}

/// What Home Assistant sends for an entity.
fn payloads(entity: &Entity) -> Vec<String> {
    let text = |key: &str| entity.text(key, key).unwrap_or_default().to_owned();
    let sent: Vec<String> = match entity.kind.as_str() {
        "number" => ["min", "max"].iter().filter_map(|key| entity.config.get(*key).map(ToString::to_string)).collect(),
        "select" => {
            // GivTCP's lists hold what is only shown, too.
            let only_shown = ["Running", "Unknown", "Export (Paused)"];
            let options = entity.config["options"].as_array().unwrap().iter().map(|option| option.as_str().unwrap());
            options.filter(|option| !only_shown.contains(option)).map(str::to_owned).collect()
        }
        "switch" => vec![text("payload_on"), text("payload_off")],
        "button" => vec![text("payload_press")],
        "time" => vec!["03:17:00".to_owned()],
        _ => Vec::new(),
    };
    match entity.text("command_template", "command_template") {
        None => sent,
        Some(template) => {
            let inner = template.trim_start_matches("{{ ").trim_end_matches(" | to_json }}").replace('\'', "\"");
            sent.iter().map(|value| inner.replace("value", &format!("\"{value}\""))).collect()
        }
    }
}

#[test]
fn every_command_is_taken_as_home_assistant_sends_it() {
    let mut tried = 0;
    each(|shown, entity, name| {
        let Some(topic) = entity.text("command_topic", "command_topic") else {
            return assert!(["sensor", "binary_sensor", "event"].contains(&entity.kind.as_str()), "{name}");
        };
        let below = format!("GivEnergy/control/{}/", shown.snapshot.identity.serial);
        let command = topic.strip_prefix(&below).expect(name);
        let context = Context::of(&shown.snapshot, Some("2026-06-05T09:00:00".parse().unwrap()), None);
        for payload in payloads(entity) {
            tried += 1;
            if Wish::of(command).is_some() {
                continue;
            }
            let command = Command::parse(command, &payload);
            let command = command.unwrap_or_else(|fault| panic!("{name}: {payload}: {fault}"));
            if matches!(command, Command::Override(_) | Command::SwitchRate(_) | Command::RestartProgram) {
                continue;
            }
            let planned = plan(&command, &context);
            let is_native = !entity.root.is_empty();
            assert!(!is_native || !planned.is_err_and(|why| why.is_for_good()), "{name}: {payload}");
        }
    });
    assert!(tried > 10_000, "{tried}");
}

#[test]
fn what_the_energy_dashboard_asks_for_is_there() {
    let shown = Shown::of(Family::HybridGen1);
    let entities = shown.entities(Entities::Native);
    for (end, device_class) in [
        ("_import_energy_total_kwh", "energy"),
        ("_export_energy_total_kwh", "energy"),
        ("_pv_energy_total_kwh", "energy"),
        ("_battery_charge_energy_total_kwh", "energy"),
        ("_battery_discharge_energy_total_kwh", "energy"),
        ("_load_energy_total_kwh", "energy"),
        ("_grid_power", "power"),
        ("_battery_power", "power"),
        ("_pv_power", "power"),
        ("_soc", "battery"),
        ("_battery_capacity_kwh", "energy_storage"),
    ] {
        let inverter = format!("{}{end}", shown.snapshot.identity.serial);
        let entity = entities.iter().find(|entity| entity.text("unique_id", "") == Some(&inverter)).expect(end);
        assert_eq!(entity.text("device_class", ""), Some(device_class), "{end}");
        assert!(!entity.config.contains_key("enabled_by_default"), "{end}");
    }
}
