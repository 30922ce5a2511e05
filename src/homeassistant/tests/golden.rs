//! The ids of all families and both profiles, in a file: an id that changes is an entity that people lose.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::*;

/// An id without the serial numbers of simulated plants.
fn without_serials(shown: &Shown, text: &str) -> String {
    let snapshot = &shown.snapshot;
    let batteries = snapshot.batteries.iter().map(|battery| (battery.serial, "<battery>"));
    let modules = snapshot.stacks.iter().flat_map(|stack| &stack.modules).map(|module| (module.serial, "<module>"));
    let led = snapshot.ems.iter().flat_map(|ems| &ems.inverters).map(|inverter| (inverter.serial, "<led>"));
    let own = std::iter::once((snapshot.identity.serial, "<inverter>"));
    own.chain(batteries).chain(modules).chain(led).fold(text.to_owned(), |text, (serial, name)| {
        let serial = serial.to_string();
        let apart = serial.get(2..).unwrap_or_default();
        text.replace(&serial, name).replace(&serial.to_lowercase(), name).replace(apart, name)
    })
}

fn page() -> String {
    let mut lines: BTreeMap<String, BTreeSet<&'static str>> = BTreeMap::new();
    for shown in every_family() {
        for (name, profile) in [("native", Entities::Native), ("givtcp", Entities::GivTcp)] {
            for entity in shown.entities(profile) {
                let on = if entity.config.contains_key("enabled_by_default") { "off" } else { "on" };
                let field = |key: &str| entity.text(key, key).unwrap_or_default();
                let (unique_id, entity_id) = (field("unique_id"), field("default_entity_id"));
                let line = without_serials(&shown, &format!("{name} {on} {unique_id} {entity_id}"));
                lines.entry(line).or_default().insert(shown.family.name());
            }
        }
    }
    let all: BTreeSet<&str> = Family::ALL.iter().map(|family| family.name()).collect();
    let of = |families: &BTreeSet<&'static str>| match families.len() {
        _ if *families == all => "all".to_owned(),
        few if few * 2 <= all.len() => families.iter().copied().collect::<Vec<_>>().join(" "),
        _ => format!("all but {}", all.difference(families).copied().collect::<Vec<_>>().join(" ")),
    };
    let lines = lines.iter().map(|(line, families)| format!("{line}: {}\n", of(families)));
    let heading = "# profile, on or off at first, unique id, default entity id: families. An id that changes is an entity that\n\
                   # people lose; GIVTCP_BLESS=1 cargo test --lib homeassistant makes this file.\n";
    heading.to_owned() + &lines.collect::<String>()
}

#[test]
fn the_ids_of_all_entities_are_those_that_people_have() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/homeassistant/tests/ids.txt");
    let page = page();
    if std::env::var_os("GIVTCP_BLESS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    let (known, page): (BTreeSet<&str>, BTreeSet<&str>) = (known.lines().collect(), page.lines().collect());
    let (gone, new): (Vec<_>, Vec<_>) = (known.difference(&page).collect(), page.difference(&known).collect());
    assert!(gone.is_empty() && new.is_empty(), "gone: {gone:#?}\nnew: {new:#?}");
}
