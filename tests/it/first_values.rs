//! What people see first, and how soon.

use std::collections::BTreeSet;
use std::time::Duration;

use givtcp::catalogue::PLANT;
use givtcp::plant::Family;
use givtcp::simulator::{Options, Simulator};
use tokio::time::sleep;

use crate::host::{Face, Host};
use crate::mosquitto::Mosquitto;
use crate::program::{Program, Settings};

/// What a hybrid of the first generation does not measure; and of the two completion times there is one at most.
const ABSENT: [&str; 3] = ["Combined_Generation_Power", "Charge_Completion_Time", "Discharge_Completion_Time"];

#[tokio::test]
async fn power_and_energy_of_the_day_are_there_within_two_seconds_of_connecting() {
    // The simulator's dongle answers in 100 ms, and what is absent behind it is silent. All else is at its default.
    let simulator = Simulator::new(Options::default());
    let (broker, host) = (Mosquitto::start().await, Host::new(Face::Plant(simulator.clone())));
    let observer = broker.observe().await;
    let mut settings = Settings::new(broker.port()).dongle(host.port());
    settings.poll = "every: 15s";
    settings.link = "timeout: 2s";
    let program = Program::run(&settings);
    let connected = host.first_client(Duration::from_secs(10)).await;
    let root = format!("GivEnergy/{}/", simulator.inverter_serial());
    let wanted: BTreeSet<String> = PLANT
        .iter()
        .copied()
        .flatten()
        .filter(|entry| entry.is_of(Family::SinglePhase))
        .filter(|entry| ["Power/Power/", "Energy/Today/"].iter().any(|part| entry.path.starts_with(part)))
        .filter(|entry| !ABSENT.iter().any(|absent| entry.path.ends_with(absent)))
        .map(|entry| format!("{root}{}", entry.path))
        .collect();
    assert_eq!(wanted.len(), 28 + 10);
    let begins = |part: &'static str| {
        let part = format!("{root}{part}");
        move |topic: &String| topic.starts_with(&part)
    };
    observer
        .wait_until(Duration::from_secs(10), "all first values", |observer| {
            let state = observer.state();
            wanted.iter().all(|topic| state.contains_key(topic))
        })
        .await;
    let messages = observer.messages();
    let first = |topic: &String| messages.iter().find(|message| &message.topic == topic).map(|message| message.at);
    let last = wanted.iter().filter_map(first).max().unwrap();
    println!("{} first values were complete {:?} after connecting", wanted.len(), last - connected);
    assert!(last - connected < Duration::from_secs(2), "{:?}", last - connected);
    assert!(!observer.state().keys().any(begins("Meter_Details/")), "what is behind the inverter comes later");

    // And what is behind it does come, without a word about what is absent.
    observer
        .wait_until(Duration::from_secs(15), "a battery is found", |observer| {
            observer.state().keys().any(begins("Battery_Details/Battery_Stack_1/BG"))
        })
        .await;
    sleep(Duration::from_millis(100)).await;
    assert!(program.complaints().is_empty(), "{:#?}", program.log());
}
