//! What Home Assistant would be told in the profile `givtcp`, held against what GivTCP 3.5 told it of the same plants.

use std::collections::{BTreeMap, BTreeSet};

use givtcp::catalogue::{Layout, Quantity};
use givtcp::control::{Context, controls};
use givtcp::homeassistant::{Options, Plant as Told, announce};
use givtcp::settings::Entities;
use serde_json::Value as Json;

use super::{EVERY, Recorded, captures, plant_of, read, snapshot_of};

/// What GivTCP has of other families only, or only while a battery charges or discharges.
const OF_OTHERS: &[&str] = &["/Energy/Rates/", "_Completion_Time"];

/// Fields whose value differs, by what the topic ends with.
const OTHERWISE: &[(&str, &str)] = &[
    // It must bear the serial number.
    ("Reboot_Invertor", "payload_press"),
    ("Battery_Calibration", "command_template"),
    // It is empty while the battery does not charge or discharge.
    ("Completion_Time", "value_template"),
];

fn told_by_givtcp(recorded: &Recorded) -> Option<BTreeMap<String, Json>> {
    let tsv = captures::read(recorded.tsv)?;
    let lines = tsv.lines().filter_map(|line| {
        let mut columns = line.splitn(3, '\t');
        let (topic, payload) = (columns.nth(1)?, columns.next()?);
        topic.starts_with("homeassistant/").then(|| (topic.to_owned(), serde_json::from_str(payload).expect("JSON")))
    });
    Some(lines.collect())
}

fn told_here(recorded: &Recorded) -> Option<BTreeMap<String, Json>> {
    let (expected, _) = read(recorded)?;
    let snapshot = snapshot_of(&plant_of(recorded, &expected));
    let mut layout = Layout::new(false);
    let tree = layout.tree(&snapshot);
    let mut values: BTreeMap<_, Quantity> = tree
        .leaves
        .iter()
        .filter_map(|leaf| {
            let (path, quantity) = layout.paths().find(|(path, _)| **path == leaf.path)?;
            Some((path.clone(), quantity?))
        })
        .collect();
    for way in ["Charge", "Discharge"] {
        values.insert(format!("Power/Power/{way}_Completion_Time").into(), Quantity::Timestamp);
    }
    let options = Options {
        entities: Entities::GivTcp,
        prefix: "homeassistant".into(),
        root: "GivEnergy".into(),
        givtcp: "GivTCP".into(),
        currency: "GBP".into(),
    };
    let plant = Told {
        snapshot: &snapshot,
        name: None,
        values: &values,
        ranges: &BTreeMap::new(),
        controls: &controls(&Context::of(&snapshot, None, None)),
        commands: true,
    };
    let told = announce(&options, &plant).into_iter();
    Some(told.map(|(topic, told)| (topic, Json::Object(told.payload))).collect())
}

#[test]
fn every_entity_of_givtcp_is_told_as_givtcp_told_it() {
    for recorded in EVERY {
        let (Some(theirs), Some(ours)) = (told_by_givtcp(recorded), told_here(recorded)) else { return };
        let mut differing = Vec::new();
        for (topic, theirs) in &theirs {
            let Some(ours) = ours.get(topic) else {
                differing.push(format!("{topic} is missing"));
                continue;
            };
            let fields: BTreeSet<&String> =
                theirs.as_object().unwrap().keys().chain(ours.as_object().unwrap().keys()).collect();
            for field in fields {
                let is_known =
                    OTHERWISE.iter().any(|(end, known)| topic.ends_with(&format!("_{end}/config")) && known == field);
                // A button has no state.
                let is_idle = field == "stat_t" && topic.contains("/button/");
                // A module's topics bear its whole serial number, its entities' ids what GivTCP knows of it.
                let whole = ours.get(field).and_then(Json::as_str).map(|text| text.replace("/HX2414G05", "/2414G05"));
                let is_same = theirs.get(field) == ours.get(field)
                    || whole.is_some_and(|whole| theirs.get(field).and_then(Json::as_str) == Some(&whole));
                if !is_same && !is_known && !is_idle {
                    let short = |value: Option<&Json>| {
                        value.map(|value| value.to_string().chars().take(80).collect::<String>())
                    };
                    differing.push(format!(
                        "{topic} {field}: {:?} not {:?}",
                        short(ours.get(field)),
                        short(theirs.get(field))
                    ));
                }
            }
        }
        assert!(
            differing.is_empty(),
            "{}: {} of {}\n{}",
            recorded.heading,
            differing.len(),
            theirs.len(),
            differing.join("\n")
        );
        let counts = [185, 346, 193];
        assert!(counts.contains(&theirs.len()), "{}", theirs.len());
    }
}

#[test]
fn what_givtcp_has_not_is_off_at_first() {
    for recorded in EVERY {
        let (Some(theirs), Some(ours)) = (told_by_givtcp(recorded), told_here(recorded)) else { return };
        let is_of_others = |payload: &Json| {
            let values = payload["stat_t"].as_str().unwrap_or_default();
            OF_OTHERS.iter().any(|part| values.contains(part))
        };
        let on = |payload: &Json| payload.get("enabled_by_default").is_none() && !is_of_others(payload);
        let new: Vec<_> = ours.iter().filter(|(topic, payload)| !theirs.contains_key(*topic) && on(payload)).collect();
        assert!(new.is_empty(), "{}: {new:?}", recorded.heading);
    }
}
