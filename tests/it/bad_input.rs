//! What people's networks have at the places that the settings name: each is one clear line in the log, is tried again,
//! and disturbs nobody.

use std::time::Duration;

use givtcp::simulator::Simulator;
use tokio::time::sleep;

use crate::host::{Face, Host, plant};
use crate::mosquitto::{Mosquitto, Observer, Options};
use crate::program::{Program, Settings};

const SOON: Duration = Duration::from_secs(10);

fn topic(simulator: &Simulator, leaf: &str) -> String {
    format!("GivEnergy/{}/{leaf}", simulator.inverter_serial())
}

async fn online(observer: &Observer, simulator: &Simulator) {
    // A broker that said no is not asked again for up to a minute.
    observer.wait_for(&topic(simulator, "Stats/status"), "online", Duration::from_secs(62)).await;
    let soc = simulator.power_now().soc.round().to_string();
    observer.wait_for(&topic(simulator, "Power/Power/SOC"), &soc, SOON).await;
}

/// The one line that the log has of whom `part` names.
fn the_complaint(program: &Program, part: &str) -> String {
    let lines: Vec<String> = program.complaints().into_iter().filter(|line| line.contains(part)).collect();
    assert_eq!(lines.len(), 1, "one line of {part}: {:#?}", program.log());
    lines.concat()
}

#[tokio::test]
async fn hosts_that_are_no_inverters_are_named_once_and_tried_until_they_are() {
    let faces = [
        ("a web server", Face::Http, "no GivEnergy dongle"),
        ("a camera", Face::Camera, "no GivEnergy dongle"),
        ("a mute one", Face::Mute, "no inverter answers"),
        ("one that closes", Face::Closing, "closed"),
        ("nobody", Face::Nobody, "refused"),
    ];
    let good = plant(1);
    let (broker, good_host) = (Mosquitto::start().await, Host::new(Face::Plant(good.clone())));
    let observer = broker.observe().await;
    let mut hosts: Vec<Host> = faces.iter().map(|(_, face, _)| Host::new(face.clone())).collect();
    let mut settings = hosts.iter().fold(Settings::new(broker.port()), |all, host| all.dongle(host.port()));
    settings = settings.dongle(good_host.port());
    settings.inverters.push("host: no-such-host.invalid".to_owned());
    // The attempts that are not complained of are seen here.
    settings.log = "info,givtcp::inverter=debug";
    let program = Program::run(&settings);
    let peer = |host: &Host| format!("127.0.0.1:{}:", host.port());

    sleep(Duration::from_secs(14)).await;
    for (host, (who, _, wanted)) in hosts.iter().zip(&faces) {
        let line = the_complaint(&program, &peer(host));
        println!("{who}: {line}");
        assert!(line.contains(wanted), "{who}: {line}");
        let attempts = program.log_with(&peer(host)).iter().filter(|line| line.contains("trying again")).count();
        assert!((3..=40).contains(&attempts), "{who} was tried {attempts} times: {:#?}", program.log());
    }
    println!("{}", the_complaint(&program, "no-such-host.invalid:8899:"));

    for (number, host) in (2..).zip(&mut hosts) {
        host.become_(Face::Plant(plant(number))).await;
    }
    for number in 2..2 + hosts.len() as u8 {
        online(&observer, &plant(number)).await;
    }

    // Beside all this the good one was read in its period.
    online(&observer, &good).await;
    let since = topic(&good, "Stats/Time_Since_Last_Update");
    let messages = observer.messages();
    let periods: Vec<f64> =
        messages.iter().filter(|message| message.topic == since).map(|m| m.payload.parse().unwrap()).collect();
    println!("the good one's periods: {periods:?}");
    assert!(periods.len() >= 2, "{periods:?}");
    assert!(periods.iter().all(|period| (3.5..6.5).contains(period)), "{periods:?}");
    assert!(!observer.messages().iter().any(|message| message.payload == "offline"));
    assert_eq!(good_host.accepted().len(), 1);
}

#[tokio::test]
async fn a_broker_that_refuses_the_password_is_named_once_and_tried_until_it_takes_it() {
    let simulator = plant(1);
    let refusing = Options { password: Some(("house", "another")), ..Options::default() };
    let (mut broker, host) = (Mosquitto::with(refusing).await, Host::new(Face::Plant(simulator.clone())));
    let mut settings = Settings::new(broker.port()).dongle(host.port());
    settings.mqtt.push_str(", username: house, password: sesame-77");
    let program = Program::run(&settings);
    program.logs("refused the user name or password", SOON).await;
    sleep(Duration::from_secs(3)).await;
    println!("{}", the_complaint(&program, "mqtt broker"));
    assert_eq!(program.complaints().len(), 1, "{:#?}", program.log());
    assert!(program.log_with("sesame-77").is_empty(), "{:#?}", program.log());

    broker.kill().await;
    broker.start_again_with(Options { password: Some(("house", "sesame-77")), ..Options::default() }).await;
    online(&broker.observe().await, &simulator).await;
    assert_eq!(host.accepted().len(), 1, "polling went on");
}

#[tokio::test]
async fn a_broker_that_is_none_is_named_once_and_tried_until_it_is_one() {
    let broker = Mosquitto::start().await;
    let observer = broker.observe().await;
    let faces = [(Face::Http, 4), (Face::Closing, 4), (Face::Nobody, 4), (Face::Mute, 11)];
    let mut tried = Vec::new();
    for (number, (face, patience)) in (1..).zip(faces) {
        let simulator = plant(number);
        let (place, host) = (Host::new(face), Host::new(Face::Plant(simulator.clone())));
        let program = Program::run(&Settings::new(place.port()).dongle(host.port()));
        tried.push((simulator, place, host, program, Duration::from_secs(patience)));
    }
    for (_, place, _, program, patience) in &mut tried {
        // Long enough for some attempts.
        sleep(patience.saturating_sub(program.age())).await;
        println!("{}", the_complaint(program, &format!("mqtt broker 127.0.0.1:{}", place.port())));
        assert_eq!(program.complaints().len(), 1, "{:#?}", program.log());
        place.become_(Face::Port(broker.port())).await;
    }
    for (simulator, place, host, ..) in &tried {
        online(&observer, simulator).await;
        assert!(place.accepted().len() < 40, "{}", place.accepted().len());
        assert_eq!(host.accepted().len(), 1, "polling went on");
    }
}
