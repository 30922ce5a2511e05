//! What is taken back.

use super::*;

const SERIAL: &str = "SD2227G101";

fn told(topics: &[(&str, &[&str])]) -> BTreeMap<String, Told> {
    let component = |key: &&str| ((*key).to_owned(), serde_json::json!({ "platform": "sensor", "unique_id": key }));
    let told = |keys: &[&str]| Told { payload: Map::new(), components: keys.iter().map(component).collect() };
    topics.iter().map(|(topic, keys)| ((*topic).to_owned(), told(keys))).collect()
}

#[test]
fn an_entity_that_is_gone_stays_as_a_bare_kind_and_a_device_that_is_gone_is_emptied() {
    let mut index = Index::default();
    index.payloads(told(&[("a", &["x", "y"]), ("b", &["z"])]), true);
    // As after a restart.
    let mut index: Index = serde_json::from_str(&serde_json::to_string(&index).unwrap()).unwrap();
    assert_eq!(index.payloads(told(&[("a", &["x"])]), false).keys().collect::<Vec<_>>(), ["a"], "not yet");
    let payloads = index.payloads(told(&[("a", &["x"])]), true);
    let payloads: Vec<_> = payloads.iter().map(|(topic, payload)| format!("{topic} {payload:?}")).collect();
    insta::assert_snapshot!(payloads.join("\n"), @r#"
    a Some("{\"components\":{\"x\":{\"platform\":\"sensor\",\"unique_id\":\"x\"},\"y\":{\"platform\":\"sensor\"}}}")
    b None
    "#);
    let mut index: Index = serde_json::from_str(&serde_json::to_string(&index).unwrap()).unwrap();
    index.begin_anew();
    assert!(!index.payloads(told(&[("a", &["x"])]), true).contains_key("b"), "it was emptied in the run before");
}

#[test]
fn only_what_is_ours_or_givtcps_of_this_inverter_is_left_over() {
    let ours = r#"{"origin":{"name":"givtcp"},"components":{}}"#;
    let givtcp = r#"{"stat_t":"GivEnergy/SD2227G101/Power/Power/SOC","device":{"manufacturer":"GivEnergy"}}"#;
    let is = |topic: &str, payload: &str| {
        is_left_over("homeassistant", "GivEnergy", SERIAL.parse().unwrap(), topic, payload.as_bytes())
    };
    assert!(is("homeassistant/device/givtcp_SD2227G101/config", ours));
    assert!(is("homeassistant/device/givtcp_SD2227G101_BG2227G201/config", ours));
    assert!(is("homeassistant/sensor/GivEnergy/SD2227G101_SOC/config", givtcp));
    for (topic, payload) in [
        ("homeassistant/device/givtcp_SD2227G102/config", ours),
        ("homeassistant/device/givtcp_SD2227G1011/config", ours),
        ("homeassistant/device/givtcp_SD2227G101/config", r#"{"origin":{"name":"other"}}"#),
        ("homeassistant/device/other_SD2227G101/config", ours),
        ("homeassistant/device/givtcp_SD2227G101/config", "no JSON"),
        ("homeassistant/sensor/GivEnergy/SD2227G102_SOC/config", givtcp),
        ("homeassistant/sensor/other/SD2227G101_SOC/config", givtcp),
        ("homeassistant/sensor/GivEnergy/SD2227G101_SOC/config", r#"{"stat_t":"GivEnergy/SD2227G101/x"}"#),
        ("homeassistant/sensor/GivEnergy/SD2227G101_SOC/config", &givtcp.replace("GivEnergy/SD", "house/SD")),
        ("elsewhere/device/givtcp_SD2227G101/config", ours),
    ] {
        assert!(!is(topic, payload), "{topic} {payload}");
    }
}

#[test]
fn every_topic_that_is_told_is_known_again() {
    for profile in [Entities::Native, Entities::GivTcp] {
        for shown in every_family() {
            let serial = shown.snapshot.identity.serial;
            for (topic, payload) in Index::default().payloads(shown.told(profile), true) {
                let payload = payload.unwrap();
                assert!(is_left_over("homeassistant", "GivEnergy", serial, &topic, payload.as_bytes()), "{topic}");
            }
        }
    }
}
