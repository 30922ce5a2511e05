//! Two programs on one machine, and one inverter: whoever comes second asks the first.

use std::process::Output;
use std::time::Duration;

use serde_json::Value;

use crate::host::{Face, Host, plant};
use crate::mosquitto::Mosquitto;
use crate::program::{Program, Settings};

const SOON: Duration = Duration::from_secs(15);

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn read_asks_the_daemon_that_holds_the_inverter_and_makes_no_second_connection() {
    let simulator = plant(1);
    let (broker, mut host) = (Mosquitto::start().await, Host::new(Face::Plant(simulator.clone())));
    let observer = broker.observe().await;
    let mut daemon = Program::run(&Settings::new(broker.port()).dongle(host.port()));
    let soc = format!("GivEnergy/{}/Power/Power/SOC", simulator.inverter_serial());
    observer.wait_for(&soc, "62", SOON).await;

    let port = host.port().to_string();
    let read = ["read", "--host", "localhost", "--port", &port, "--no-raw"];
    let Output { status, stdout, stderr } = daemon.beside(&read, SOON).await;
    assert_eq!((status.code(), text(&stderr)), (Some(0), String::new()));
    let values: Value = serde_json::from_slice(&stdout).unwrap();
    assert_eq!(values["Power"]["Power"]["SOC"], 62);
    assert_eq!(values.get("raw"), None, "as asked");
    assert_eq!(host.accepted().len(), 1, "nobody else connected");

    // Of another address the daemon knows nothing: it is read as ever.
    let other = Host::new(Face::Plant(plant(2)));
    let port = other.port().to_string();
    let Output { status, stdout, .. } =
        daemon.beside(&["read", "--host", "127.0.0.1", "--port", &port], SOON * 3).await;
    let values: Value = serde_json::from_slice(&stdout).unwrap();
    assert_eq!((status.code(), values["Power"]["Power"]["SOC"].clone()), (Some(0), 62.into()));

    // One whose dongle has gone is still the daemon's.
    host.become_(Face::Nobody).await;
    let Output { status, .. } = daemon.beside(&read, SOON).await;
    assert_eq!(status.code(), Some(0), "the last that it read");
    daemon.stops_on("TERM").await;
    let Output { status, stderr, .. } = daemon.beside(&read, SOON).await;
    assert_eq!(status.code(), Some(1));
    assert!(text(&stderr).contains("cannot connect"), "now it is read itself: {}", text(&stderr));
}

#[tokio::test]
async fn a_second_daemon_stands_by_until_the_first_has_gone() {
    let simulator = plant(1);
    let (broker, host) = (Mosquitto::start().await, Host::new(Face::Plant(simulator.clone())));
    let observer = broker.observe().await;
    let settings = Settings::new(broker.port()).dongle(host.port());
    let first = Program::run(&settings);
    let status = format!("GivEnergy/{}/Stats/status", simulator.inverter_serial());
    observer.wait_for(&status, "online", SOON).await;
    let mut second = first.another();
    second.logs("has this inverter; standing by until it lets go", SOON).await;
    assert_eq!(host.accepted().len(), 1);
    first.signal("KILL").await;
    second.logs("takes the inverter over", SOON).await;
    observer.wait_until(SOON, "a second connection", |_| host.accepted().len() == 2).await;
    second.stops_on("TERM").await;
}
