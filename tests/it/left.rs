//! What was begun on an inverter that is taken out of the settings.

use std::time::Duration;

use givtcp::clock::SystemClock;
use givtcp::frame::Bank;
use givtcp::overrides::journal::Journal;
use givtcp::simulator::Simulator;

use crate::host::{Face, Host, plant};
use crate::mosquitto::Mosquitto;
use crate::program::{Program, Settings};

const SOON: Duration = Duration::from_secs(30);

/// What an owner sets, without the clock, which goes on.
fn held(plant: &Simulator) -> Vec<Option<u16>> {
    let registers = (0..120).filter(|register| !(35..=40).contains(register));
    registers.map(|register| plant.get(0x11, Bank::Holding, register)).collect()
}

#[tokio::test]
async fn an_override_is_undone_where_it_was_begun_though_the_settings_name_that_inverter_no_more() {
    let plants = [plant(1), plant(2)];
    let hosts = plants.clone().map(|plant| Host::new(Face::Plant(plant)));
    let broker = Mosquitto::start().await;
    let observer = broker.observe().await;
    let before = held(&plants[0]);
    let mut program = Program::run(&Settings::new(broker.port()).dongle(hosts[0].port()));
    program.logs(" is a HYBRID", SOON).await;
    let start = ["override", "start", "force-charge", "30", "--config", "givtcp.yaml"];
    let started = program.beside(&start, SOON).await;
    assert_eq!(started.status.code(), Some(0), "{started:?}");
    assert_ne!(held(&plants[0]), before);
    program.signal("KILL").await;
    program.ends(SOON).await;
    let (data, connections) = (program.data(), hosts[0].accepted().len());

    let next = Program::run_in(program.directory(), &Settings::new(broker.port()).dongle(hosts[1].port()));
    next.logs("is in the settings no more, and force charge of inverter", SOON).await;
    observer.wait_until(SOON, "all is as before", |_| held(&plants[0]) == before).await;
    next.logs("what was begun on inverters that are in the settings no more is undone", SOON).await;
    let journal = Journal::new(&data, std::sync::Arc::new(SystemClock));
    assert!(journal.open_records().await.records.is_empty());
    observer.wait_until(SOON, "it is let go", |_| plants[0].clients() == 0).await;
    assert_eq!(hosts[0].accepted().len(), connections + 1);
    // Nothing else is done there, and nothing told of it.
    let topic = format!("GivEnergy/{}/Stats/status", plants[1].inverter_serial());
    observer.wait_for(&topic, "online", SOON).await;
}

#[tokio::test]
async fn another_name_of_the_same_inverter_is_no_other_inverter_and_the_override_goes_on() {
    let (plant, broker) = (plant(1), Mosquitto::start().await);
    let host = Host::new(Face::Plant(plant.clone()));
    let observer = broker.observe().await;
    let mut program = Program::run(&Settings::new(broker.port()).dongle(host.port()));
    program.logs(" is a HYBRID", SOON).await;
    let start = ["override", "start", "force-charge", "30", "--config", "givtcp.yaml"];
    assert_eq!(program.beside(&start, SOON).await.status.code(), Some(0));
    let during = held(&plant);
    program.signal("KILL").await;
    program.ends(SOON).await;
    let mut renamed = Settings::new(broker.port()).dongle(host.port());
    renamed.inverters = renamed.inverters.iter().map(|each| each.replace("127.0.0.1", "localhost")).collect();
    assert!(renamed.inverters.iter().all(|each| each.contains("localhost")), "{:?}", renamed.inverters);
    let mut next = Program::run_in(program.directory(), &renamed);
    next.logs(" is a HYBRID", SOON).await;
    let topic = format!("GivEnergy/{}/Control/Force_Charge", plant.inverter_serial());
    observer.wait_for(&topic, "Running", SOON).await;
    // That it is another one would be said right away.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!((next.log_with("in the settings no more").len(), held(&plant)), (0, during), "{:#?}", next.log());
    next.stops_on("TERM").await;
}
