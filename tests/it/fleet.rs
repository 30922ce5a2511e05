//! Several inverters in one process.

use std::time::Duration;

use givtcp::simulator::Simulator;
use tokio::time::sleep;

use crate::host::{Face, Host, plant};
use crate::mosquitto::Mosquitto;
use crate::program::{Program, Settings};

const SOON: Duration = Duration::from_secs(10);

fn topic(simulator: &Simulator, leaf: &str) -> String {
    format!("GivEnergy/{}/{leaf}", simulator.inverter_serial())
}

#[tokio::test]
async fn an_inverter_that_goes_is_offline_and_nothing_changes_for_the_others() {
    let (one, two) = (plant(1), plant(2));
    two.set_soc(35.0);
    let broker = Mosquitto::start().await;
    let (host_one, mut host_two) = (Host::new(Face::Plant(one.clone())), Host::new(Face::Plant(two.clone())));
    let observer = broker.observe().await;
    let mut program = Program::run(&Settings::new(broker.port()).dongle(host_one.port()).dongle(host_two.port()));
    for (plant, soc) in [(&one, "62"), (&two, "35")] {
        observer.wait_for(&topic(plant, "Power/Power/SOC"), soc, SOON).await;
        observer.wait_for(&topic(plant, "Stats/status"), "online", SOON).await;
    }

    host_two.become_(Face::Nobody).await;
    // Three periods of 5 s, the first of which may just have begun.
    observer.wait_for(&topic(&two, "Stats/status"), "offline", Duration::from_secs(22)).await;
    let kept = observer.state();
    assert_eq!(kept[&topic(&two, "Power/Power/SOC")], "35", "its last values stay");
    // That it broke, and why it cannot be had.
    assert!((1..=3).contains(&program.complaints().len()), "{:#?}", program.log());
    host_two.become_(Face::Plant(two.clone())).await;
    observer.wait_for(&topic(&two, "Stats/status"), "online", SOON).await;

    let messages = observer.messages();
    let of_one = |leaf: &str| {
        let topic = topic(&one, leaf);
        messages.iter().filter(|message| message.topic == topic).map(|m| m.payload.clone()).collect::<Vec<_>>()
    };
    assert_eq!(of_one("Stats/status"), ["online"]);
    let periods: Vec<f64> =
        of_one("Stats/Time_Since_Last_Update").iter().map(|period| period.parse().unwrap()).collect();
    assert!(periods.len() >= 3 && periods.iter().all(|period| (3.5..6.5).contains(period)), "{periods:?}");

    program.stops_on("TERM").await;
    let late = broker.observe().await;
    for plant in [&one, &two] {
        late.wait_for(&topic(plant, "Stats/status"), "offline", SOON).await;
    }
}

#[tokio::test]
async fn an_inverter_that_is_named_twice_is_published_once() {
    let simulator = plant(1);
    let broker = Mosquitto::start().await;
    let hosts = [(); 2].map(|()| Host::new(Face::Plant(simulator.clone())));
    let observer = broker.observe().await;
    let settings = hosts.iter().fold(Settings::new(broker.port()), |all, host| all.dongle(host.port()));
    let program = Program::run(&settings);
    observer.wait_for(&topic(&simulator, "Stats/status"), "online", SOON).await;
    program.logs("another entry reaches too", SOON).await;
    sleep(Duration::from_secs(6)).await;
    assert_eq!(program.complaints().len(), 1, "{:#?}", program.log());
    let status = topic(&simulator, "Stats/status");
    let said: Vec<String> =
        observer.messages().into_iter().filter(|message| message.topic == status).map(|m| m.payload).collect();
    assert_eq!(said, ["online"], "no two sessions that throw each other out");
}
