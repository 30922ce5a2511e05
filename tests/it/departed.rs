//! An inverter that is taken out of the settings leaves nothing at the broker.

use std::time::Duration;

use crate::host::{Face, Host, plant};
use crate::mosquitto::Mosquitto;
use crate::program::{Program, Settings};

const SOON: Duration = Duration::from_secs(30);

#[tokio::test]
async fn what_was_told_of_an_inverter_goes_with_it_and_nothing_that_is_not_ours() {
    let plants = [plant(1), plant(2)];
    let hosts = plants.clone().map(|plant| Host::new(Face::Plant(plant)));
    let broker = Mosquitto::start().await;
    let [gone, stays] = plants.each_ref().map(|plant| plant.inverter_serial().to_string());
    let both = Settings::new(broker.port()).dongle(hosts[0].port()).dongle(hosts[1].port());
    let mut program = Program::run(&both);
    let observer = broker.observe().await;
    let device = |serial: &str| format!("homeassistant/device/givtcp_{serial}/config");
    for serial in [&gone, &stays] {
        observer.wait_until(SOON, "both are told of", |seen| seen.state().contains_key(&device(serial))).await;
    }
    program.signal("TERM").await;
    program.ends(SOON).await;
    let foreign = [format!("homeassistant/device/other_{gone}/config"), "GivEnergy/else".to_owned()];
    for topic in &foreign {
        broker.publish(topic, r#"{"origin":{"name":"other"}}"#, &["-r"]).await;
    }

    // While somebody publishes it, it is left.
    let status = format!("GivEnergy/{gone}/Stats/status");
    broker.publish(&status, "online", &["-r"]).await;
    let one = Settings::new(broker.port()).dongle(hosts[1].port());
    let mut next = Program::run_in(program.directory(), &one);
    next.logs(&format!("inverter {gone} is in the settings no more, but somebody publishes it"), SOON).await;
    next.signal("TERM").await;
    next.ends(SOON).await;
    assert!(observer.state().contains_key(&device(&gone)));
    broker.publish(&status, "offline", &["-r"]).await;

    let last = Program::run_in(next.directory(), &one);
    last.logs(&format!("inverter {gone} is in the settings no more: "), SOON).await;
    observer
        .wait_until(SOON, "its values are gone", |seen| {
            let state = seen.state();
            let left: Vec<&String> = state.keys().filter(|topic| topic.contains(&gone)).collect();
            left == [&foreign[0]] && state.contains_key(&foreign[1]) && state.contains_key(&device(&stays))
        })
        .await;
    assert!(!last.data().join(format!("homeassistant/{gone}.json")).exists());
}
