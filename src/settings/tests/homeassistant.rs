//! What Home Assistant is told.

use super::*;
use crate::settings::Entities;

const TWO: &str = "inverters: [{ host: a }, { host: b, prefix: givtcp }]\n";

#[test]
fn two_inverters_that_would_share_ids_of_givtcp_are_a_fault() {
    assert!(load_with(TWO, &[]).is_ok(), "ids of our own have serial numbers");
    let faults = load_with(&format!("{TWO}homeassistant: {{ entities: givtcp }}\n"), &[]).unwrap_err();
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].contains("inverters[1].prefix: must differ from that of inverters[0]"), "{faults:?}");
}

#[test]
fn prefixes_are_those_that_givtcp_gives_by_itself() {
    let text = "inverters: [{ host: a }, { host: b }, { host: c, prefix: Garage }]\nhomeassistant: { entities: givtcp, currency: eur }";
    let settings = load_with(text, &[]).unwrap().settings;
    assert_eq!([0, 1, 2].map(|place| settings.prefix(place)), ["GivTCP", "GivTCP2", "Garage"]);
    assert_eq!(settings.homeassistant.entities, Entities::GivTcp);
    assert_eq!(settings.homeassistant.currency, "EUR");
}
