//! The end: on SIGTERM and Ctrl-C within two seconds, with exit code 0, the socket closed and `offline` said, whatever
//! the program was doing.

use std::net::SocketAddr;
use std::time::Duration;

use givtcp::simulator::{Options, Simulator};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

use crate::host::{Face, Host, Left, plant, quick};
use crate::mosquitto::Mosquitto;
use crate::program::{Program, Settings};

const SOON: Duration = Duration::from_secs(10);

fn status_of(simulator: &Simulator) -> String {
    format!("GivEnergy/{}/Stats/status", simulator.inverter_serial())
}

/// Polls a plant until it is online on MQTT.
async fn polling(broker: &Mosquitto, host: &Host, simulator: &Simulator) -> Program {
    let program = Program::run(&Settings::new(broker.port()).dongle(host.port()));
    broker.observe().await.wait_for(&status_of(simulator), "online", SOON).await;
    program
}

/// What the broker has kept, as one sees it who subscribes now.
async fn kept(broker: &Mosquitto, topic: &str) -> Option<String> {
    let observer = broker.observe().await;
    sleep(Duration::from_millis(200)).await;
    let kept = observer.messages().into_iter().find(|message| message.topic == topic)?;
    assert!(kept.stale, "it comes from the broker's memory");
    Some(kept.payload)
}

async fn wait_until_left(host: &Host, simulator: &Simulator) -> Vec<Left> {
    let gone = async {
        while host.left().is_empty() || simulator.clients() > 0 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(1), gone).await.expect("the dongle's sockets are free again");
    host.left()
}

async fn ends_well_on(signal: &str) {
    let simulator = plant(1);
    let (broker, host) = (Mosquitto::start().await, Host::new(Face::Plant(simulator.clone())));
    let mut program = polling(&broker, &host, &simulator).await;
    let took = program.stops_on(signal).await;
    println!("{signal}: ended after {took:?}");
    assert_eq!(wait_until_left(&host, &simulator).await, [Left::Fin]);
    assert_eq!(kept(&broker, &status_of(&simulator)).await.as_deref(), Some("offline"));
    assert!(program.complaints().is_empty(), "{:#?}", program.log());
    let memory = program.kept(&format!("plants/{}.json", simulator.inverter_serial()));
    assert_eq!(memory.map(|memory| memory.devices.arm_firmware), Some(449), "what was found is kept");
}

#[tokio::test]
async fn sigterm_ends_it_with_the_socket_closed_and_offline_said() {
    ends_well_on("TERM").await;
}

#[tokio::test]
async fn ctrl_c_ends_it_with_the_socket_closed_and_offline_said() {
    ends_well_on("INT").await;
}

#[tokio::test]
async fn it_ends_in_the_middle_of_a_cycle() {
    // A cycle takes longer than its period here, so that one is always under way.
    let simulator = Simulator::new(Options { delay: Duration::from_millis(700), ..quick() });
    let (broker, host) = (Mosquitto::start().await, Host::new(Face::Plant(simulator.clone())));
    let mut settings = Settings::new(broker.port()).dongle(host.port());
    settings.link = "timeout: 2s";
    let mut program = Program::run(&settings);
    broker.observe().await.wait_for(&status_of(&simulator), "online", SOON).await;
    sleep(Duration::from_millis(300)).await;
    program.stops_on("TERM").await;
    assert_eq!(wait_until_left(&host, &simulator).await, [Left::Fin]);
    assert_eq!(kept(&broker, &status_of(&simulator)).await.as_deref(), Some("offline"));
}

#[tokio::test]
async fn it_ends_while_the_inverter_is_unreachable() {
    let simulator = plant(1);
    let (broker, mut host) = (Mosquitto::start().await, Host::new(Face::Plant(simulator.clone())));
    let mut program = polling(&broker, &host, &simulator).await;
    host.become_(Face::Nobody).await;
    program.logs("trying again", SOON).await;
    program.stops_on("TERM").await;
    assert_eq!(kept(&broker, &status_of(&simulator)).await.as_deref(), Some("offline"));
}

#[tokio::test]
async fn it_ends_while_an_attempt_to_connect_hangs() {
    // A full backlog makes further attempts wait, as those to a host behind a firewall do.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = socket.local_addr().unwrap();
    let _full = socket.listen(0).unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
        waiting.push(stream.unwrap());
        assert!(waiting.len() < 100, "the backlog fills up");
    }
    let broker = Mosquitto::start().await;
    let mut settings = Settings::new(broker.port()).dongle(address.port());
    settings.link = "connect_timeout: 30s";
    let mut program = Program::run(&settings);
    program.logs("polls", SOON).await;
    sleep(Duration::from_millis(200)).await;
    program.stops_on("TERM").await;
}

#[tokio::test]
async fn it_ends_while_the_broker_is_down_or_stuck() {
    for frozen in [false, true] {
        let simulator = plant(1);
        let (mut broker, host) = (Mosquitto::start().await, Host::new(Face::Plant(simulator.clone())));
        let mut program = polling(&broker, &host, &simulator).await;
        if frozen {
            broker.freeze().await;
        } else {
            broker.kill().await;
            program.logs("mqtt broker", SOON).await;
        }
        let took = program.stops_on("TERM").await;
        println!("broker frozen: {frozen}: ended after {took:?}");
        assert_eq!(wait_until_left(&host, &simulator).await, [Left::Fin]);
        if frozen {
            broker.thaw().await;
        }
    }
}

#[tokio::test]
async fn the_simulator_ends_on_sigterm_too() {
    let mut program = Program::start(&["simulate", "--listen", "127.0.0.1:0"]);
    program.logs("listens on", SOON).await;
    program.stops_on("TERM").await;
}
