use super::*;
use crate::plant::tests::fixture::{hybrid, plant_of, snapshot};

const INVERTER: &str = "homeassistant/device/givtcp_SA2114G047/config";

fn settings(entities: Entities) -> Settings {
    let mut settings = Settings::default();
    settings.homeassistant.entities = entities;
    settings
}

/// One poll's tree, as it is told.
async fn told(announcer: &mut Announcer, snapshot: &Snapshot) -> BTreeMap<String, Option<String>> {
    let mut layout = Layout::new(false);
    let mut tree = layout.tree(snapshot);
    announcer.announce(&layout, snapshot, Role::Whole, None, &mut tree).await;
    let told = |notice: &Notice| (notice.topic.to_string(), notice.payload.as_ref().map(ToString::to_string));
    tree.notices.iter().map(told).collect()
}

fn announcer(entities: Entities, found: &Found, store: Option<&Store>) -> Announcer {
    let minutes = watch::channel(Minutes::default()).1;
    Announcer::new(&settings(entities), 0, found.clone(), minutes, store.cloned())
}

fn seen() -> Snapshot {
    let mut snapshot = snapshot(&plant_of(&hybrid()));
    snapshot.all_probed = true;
    snapshot
}

fn inverter(snapshot: &Snapshot) -> String {
    INVERTER.replace("SA2114G047", &snapshot.identity.serial.to_string())
}

#[tokio::test]
async fn a_value_that_goes_keeps_its_entity_after_a_restart_too() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let whole = seen();
    let topic = inverter(&whole);
    let before = told(&mut announcer(Entities::Native, &Found::default(), Some(&store)), &whole).await;
    assert!(before[&topic].as_ref().unwrap().contains("_pv_power\""));
    let mut dark = whole.clone();
    dark.power.pv = None;
    let after = told(&mut announcer(Entities::Native, &Found::default(), Some(&store)), &dark).await;
    assert_eq!(after[&topic], before[&topic]);
    let new = told(&mut announcer(Entities::Native, &Found::default(), None), &dark).await;
    assert!(!new[&topic].as_ref().unwrap().contains("_pv_power\""), "who never saw it does not tell of it");
}

#[tokio::test]
async fn what_is_told_no_more_is_taken_back_once_everything_was_looked_for() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let mut whole = seen();
    let native = told(&mut announcer(Entities::Native, &Found::default(), Some(&store)), &whole).await;
    for profile in [Entities::GivTcp, Entities::Off] {
        whole.all_probed = false;
        let mut next = announcer(profile, &Found::default(), Some(&store));
        let early = told(&mut next, &whole).await;
        assert!(early.values().all(Option::is_some), "{profile}");
        whole.all_probed = true;
        let settled = told(&mut next, &whole).await;
        let taken_back: Vec<_> =
            settled.iter().filter(|(_, payload)| payload.is_none()).map(|(topic, _)| topic).collect();
        if profile == Entities::GivTcp {
            assert_eq!(taken_back, native.keys().collect::<Vec<_>>());
        } else {
            assert!(taken_back.len() > 150, "all of GivTCP's: {}", taken_back.len());
        }
    }
}

#[tokio::test]
async fn what_was_found_is_taken_back_unless_it_is_told() {
    let found = Found::default();
    let whole = seen();
    let (serial, topic) = (whole.identity.serial, inverter(&whole));
    let old = format!("homeassistant/sensor/GivEnergy/{serial}_Old/config");
    found.put(serial, &old);
    found.put(serial, &topic);
    found.put("SA2114G999".parse().unwrap(), "homeassistant/sensor/GivEnergy/SA2114G999_Old/config");
    let told = told(&mut announcer(Entities::Native, &found, None), &whole).await;
    assert_eq!(told.get(&old), Some(&None));
    assert!(told[&topic].is_some());
    assert_eq!(told.values().filter(|payload| payload.is_none()).count(), 1);
}

#[tokio::test]
async fn a_battery_that_is_gone_takes_its_device_with_it() {
    let mut announcer = announcer(Entities::Native, &Found::default(), None);
    let mut whole = seen();
    let with_all = told(&mut announcer, &whole).await;
    let gone = whole.batteries.pop().expect("a battery").serial;
    let without = told(&mut announcer, &whole).await;
    let taken_back: Vec<_> = without.iter().filter(|(_, payload)| payload.is_none()).map(|(topic, _)| topic).collect();
    assert_eq!(taken_back.len(), 1);
    assert!(taken_back[0].contains(&gone.to_string()) && with_all[taken_back[0]].is_some());
}
