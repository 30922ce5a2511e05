//! What would be published, held against what GivTCP 3.5 itself published from the same registers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use givtcp::catalogue::Layout;
use givtcp::frame::{Bank, BlockKey};
use givtcp::plant::snapshot::Stats;
use givtcp::plant::{Plant, SnapshotContext};
use jiff::{Timestamp, tz::TimeZone};

use crate::captures;

/// The plant of a capture's expected end state; the inverter is taken from `inverter_at`, as GivTCP read it.
fn plant_of(expected: &serde_json::Value, inverter_at: &str, devices: &[&str]) -> Plant {
    let mut plant = Plant::new();
    for &device in [inverter_at].iter().chain(devices) {
        let address = u8::from_str_radix(device.trim_start_matches("0x"), 16).expect("an address");
        let address = if device == inverter_at { 0x11 } else { address };
        let registers = expected["registers"][device].as_object().expect("registers");
        for (bank, prefix) in [(Bank::Holding, "HR"), (Bank::Input, "IR")] {
            for page in 0..400u16 {
                let values: Option<Vec<u16>> = (page * 60..page * 60 + 60)
                    .map(|register| registers.get(&format!("{prefix}{register}"))?.as_u64().map(|value| value as u16))
                    .collect();
                if let Some(values) = values {
                    let key = BlockKey::new(address, bank, page * 60, 60);
                    // What is doubted until it is read again is.
                    let taken = (0..3).find_map(|_| plant.accept(key, &values, None, Duration::ZERO).ok());
                    taken.expect("a block of a real plant");
                }
            }
        }
    }
    plant
}

fn leaves_of(plant: &Plant) -> BTreeMap<String, String> {
    let now: Timestamp = "2026-06-05T11:20:00Z".parse().unwrap();
    let stats = Stats { online: true, last_updated: Some(now), since_previous: Some(15.2), ..Stats::default() };
    let zone = TimeZone::get("Europe/London").expect("a zone");
    let snapshot = plant.snapshot(SnapshotContext { now, zone, stats }).expect("an identity");
    let tree = Layout::new(true).tree(&snapshot);
    // The session says the last will's counterpart itself.
    let status = ("Stats/status".to_owned(), if tree.online { "online" } else { "offline" }.to_owned());
    tree.leaves.into_iter().map(|leaf| (leaf.path.to_string(), leaf.payload.to_string())).chain([status]).collect()
}

fn published_by_givtcp(tsv: &str, serial: &str) -> BTreeMap<String, String> {
    let root = format!("GivEnergy/{serial}/");
    tsv.lines()
        .filter_map(|line| {
            let mut columns = line.splitn(3, '\t');
            let (_, topic, payload) = (columns.next()?, columns.next()?, columns.next()?);
            Some((topic.strip_prefix(&root)?.to_owned(), payload.to_owned()))
        })
        .collect()
}

/// The rows of `docs/givtcp-differences.md`: `| kind | pattern | reason |`, a `*` standing for anything.
struct Known(Vec<(String, String)>);

impl Known {
    fn read() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/givtcp-differences.md");
        let text = std::fs::read_to_string(path).expect("docs/givtcp-differences.md");
        let rows = text.lines().filter_map(|line| {
            let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
            match cells[..] {
                [kind @ ("missing" | "extra" | "differs"), pattern, reason] if !reason.is_empty() => {
                    Some((kind.to_owned(), pattern.trim_matches('`').to_owned()))
                }
                _ => None,
            }
        });
        Self(rows.collect())
    }

    fn explains(&self, kind: &str, leaf: &str) -> bool {
        self.0.iter().any(|(known, pattern)| known == kind && matches(pattern, leaf))
    }
}

fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text
            .strip_prefix(head)
            .is_some_and(|rest| (0..=rest.len()).any(|at| rest.is_char_boundary(at) && matches(tail, &rest[at..]))),
    }
}

/// Leaves that other issues bring, and those whose value is a time: compared by their format alone.
fn is_time(leaf: &str) -> bool {
    ["Last_Updated_Time", "Time_Since_Last_Update", "_Completion_Time"].iter().any(|end| leaf.ends_with(end))
}

fn format_of(payload: &str) -> String {
    payload.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect()
}

#[test]
fn the_hybrids_topics_are_those_of_givtcp_but_for_the_differences_that_are_written_down() {
    let (Some(expected), Some(tsv)) = (
        captures::read("captures/expected/hybrid_gen1_arm449_0x11_poll_10min.json"),
        captures::read("givtcp/hybrid_gen1.mqtt.tsv"),
    ) else {
        return;
    };
    let expected = serde_json::from_str(&expected).expect("JSON");
    let ours = leaves_of(&plant_of(&expected, "0x31", &["0x32", "0x33"]));
    let theirs = published_by_givtcp(&tsv, "SA2114G000");
    let known = Known::read();
    let mut unexplained = Vec::new();
    let mut counts = BTreeMap::<&str, usize>::new();
    let all: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    for leaf in all {
        let kind = match (ours.get(leaf), theirs.get(leaf)) {
            (Some(_), None) => "extra",
            (None, Some(_)) => "missing",
            (Some(a), Some(b)) if a == b || is_time(leaf) && format_of(a) == format_of(b) => "equal",
            _ => "differs",
        };
        *counts.entry(kind).or_default() += 1;
        if kind != "equal" {
            println!("{kind}: {leaf}: ours {:?}, GivTCP's {:?}", ours.get(leaf), theirs.get(leaf));
            if !known.explains(kind, leaf) {
                unexplained.push(format!("{kind}: {leaf}: ours {:?}, GivTCP's {:?}", ours.get(leaf), theirs.get(leaf)));
            }
        }
    }
    println!("{counts:?}");
    assert!(unexplained.is_empty(), "not in docs/givtcp-differences.md:\n{}", unexplained.join("\n"));
}

#[test]
fn every_raw_leaf_of_the_hybrid_is_named_by_the_tables() {
    let Some(tsv) = captures::read("givtcp/hybrid_gen1.mqtt.tsv") else { return };
    let Some(expected) = captures::read("captures/expected/hybrid_gen1_arm449_0x11_poll_10min.json") else { return };
    let expected = serde_json::from_str(&expected).expect("JSON");
    let ours = leaves_of(&plant_of(&expected, "0x31", &["0x32", "0x33"]));
    let theirs = published_by_givtcp(&tsv, "SA2114G000");
    let raw: Vec<_> = theirs.keys().filter(|leaf| leaf.starts_with("raw/")).collect();
    assert_eq!(raw.len(), 144 + 2 * 46);
    let missing: Vec<_> = raw.iter().filter(|leaf| !ours.contains_key(**leaf)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
