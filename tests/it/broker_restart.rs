//! A broker that dies and comes back has forgotten everything; within ten seconds it knows all of it again.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::host::{Face, Host, quick};
use crate::mosquitto::Mosquitto;
use crate::program::{Program, Settings};
use givtcp::simulator::{Options, Simulator};

/// All but how the reading goes, which changes by itself.
fn plant_state(mut state: BTreeMap<String, String>) -> BTreeMap<String, String> {
    // What Home Assistant is told grows as values come.
    state.retain(|topic, _| !topic.starts_with("homeassistant/"));
    state.retain(|topic, _| !topic.contains("/Stats/") && !topic.ends_with("_Completion_Time"));
    state
}

#[tokio::test]
async fn availability_and_state_are_back_within_ten_seconds_of_the_brokers_return() {
    // Plant time stands, so that the state before and after is the same.
    let simulator = Simulator::new(Options { speed: 0.0, ..quick() });
    let (mut broker, host) = (Mosquitto::start().await, Host::new(Face::Plant(simulator.clone())));
    let program = Program::run(&Settings::new(broker.port()).dongle(host.port()));
    let status = format!("GivEnergy/{}/Stats/status", simulator.inverter_serial());
    let observer = broker.observe().await;
    observer.wait_for(&status, "online", Duration::from_secs(10)).await;
    let battery = format!("GivEnergy/{}/raw/batteries/BG", simulator.inverter_serial());
    observer
        .wait_until(Duration::from_secs(20), "the batteries were found", |observer| {
            observer.state().keys().any(|topic| topic.starts_with(&battery))
        })
        .await;
    sleep(Duration::from_secs(1)).await;
    let before = plant_state(observer.state());
    assert!(before.len() > 300, "{}", before.len());

    broker.kill().await;
    // Long enough for the attempts to have become rare.
    sleep(Duration::from_secs(6)).await;
    broker.start_again().await;
    let returned = Instant::now();
    let observer = broker.observe().await;
    observer.wait_for(&status, "online", Duration::from_secs(10)).await;
    let complete = |state: BTreeMap<String, String>| before.keys().all(|topic| state.contains_key(topic));
    let left = Duration::from_secs(10).saturating_sub(returned.elapsed());
    observer.wait_until(left, "the whole state is back", |observer| complete(observer.state())).await;
    println!("{} topics back {:?} after the broker's return", before.len(), returned.elapsed());
    let after = plant_state(observer.state());
    let changed: Vec<_> = before.iter().filter(|(topic, value)| after.get(*topic) != Some(value)).collect();
    assert!(changed.is_empty(), "{changed:#?}");
    // That it broke, and why it cannot be had; not once an attempt.
    assert!(program.complaints().len() <= 2, "{:#?}", program.log());
    program.logs("is back after", Duration::from_secs(1)).await;
    assert_eq!(host.accepted().len(), 1, "the inverter's connection was not touched");
}
