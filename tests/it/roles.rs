//! An all-in-one behind a gateway that is polled too: one set of totals, across restarts.

use std::time::Duration;

use givtcp::frame::{Bank, Serial};
use givtcp::simulator::{Family, Options, Simulator};

use crate::host::{Face, Host, quick};
use crate::mosquitto::Mosquitto;
use crate::program::{Program, Settings};

const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn after_a_restart_an_inverter_that_is_led_has_no_totals_from_its_first_leaf_on() {
    let gateway = Simulator::new(Options { family: Family::Gateway, ..quick() });
    let own = [1841, 1842, 1843, 1844, 1845].map(|at| gateway.get(0x11, Bank::Input, at).unwrap());
    let own = Serial::from_registers(own);
    let child = Simulator::new(Options { family: Family::AllInOne, inverter: Some(own), plant: 2, ..quick() });
    let broker = Mosquitto::start().await;
    let (mut gateways, children) = (Host::new(Face::Plant(gateway.clone())), Host::new(Face::Plant(child)));
    let topic = |leaf: &str| format!("GivEnergy/{own}/{leaf}");
    let is_total = |topic: &String| {
        ["Power", "Energy", "Control", "Timeslots"]
            .iter()
            .any(|part| topic.starts_with(&format!("GivEnergy/{own}/{part}/")))
    };
    let both = Settings::new(broker.port()).dongle(gateways.port()).dongle(children.port());

    // Alone it is whole, and all of it stays retained.
    let alone = Settings::new(broker.port()).dongle(children.port());
    let mut program = Program::run(&alone);
    let observer = broker.observe().await;
    observer
        .wait_until(SOON, "its totals", |seen| seen.state().keys().filter(|topic| is_total(topic)).count() > 60)
        .await;
    program.stops_on("TERM").await;
    observer.wait_for(&topic("Stats/status"), "offline", SOON).await;

    // With its gateway it is led, once that was read.
    let mut program = Program::run(&both);
    program.logs("is led by inverters[0]", SOON).await;
    observer.wait_until(SOON, "no totals any more", |seen| !seen.state().keys().any(is_total)).await;
    assert_eq!(observer.state()[&topic("Stats/status")], "online");
    assert_eq!(observer.state()[&topic("Stats/GivTCP_Version")].split('+').next(), Some("3.5"));
    program.stops_on("TERM").await;
    let dir = program.directory();

    // Another program leaves it whole at the broker.
    let mut other = Program::run(&alone);
    observer
        .wait_until(SOON, "its totals again", |seen| seen.state().keys().filter(|topic| is_total(topic)).count() > 60)
        .await;
    other.stops_on("TERM").await;
    observer.wait_for(&topic("Stats/status"), "offline", SOON).await;

    // The gateway is away when the first one starts again: it is known whom it leads.
    gateways.become_(Face::Nobody).await;
    let begin = observer.messages().len();
    let mut program = Program::run_in(dir, &both);
    observer.wait_for(&topic("Stats/status"), "online", SOON).await;
    observer.wait_until(SOON, "nothing left of its totals", |seen| !seen.state().keys().any(is_total)).await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    let said = observer.messages();
    let totals: Vec<_> =
        said[begin..].iter().filter(|message| is_total(&message.topic) && !message.payload.is_empty()).collect();
    assert!(totals.is_empty(), "{totals:?}");
    program.stops_on("TERM").await;
    observer.wait_for(&topic("Stats/status"), "offline", SOON).await;
}
