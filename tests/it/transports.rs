//! What arrives at the broker: the same over every transport, as GivTCP lays it out, and what `read` prints.

use std::collections::BTreeMap;
use std::process::Output;
use std::time::Duration;

use givtcp::frame::Bank;
use givtcp::simulator::{Options, Simulator};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::host::{Face, Host, quick};
use crate::mosquitto::Mosquitto;
use crate::program::{Program, Settings, once};

/// Plants of one seed whose time stands are alike but for their serials.
fn standing(number: u8) -> Simulator {
    Simulator::new(Options { plant: number, speed: 0.0, ..quick() })
}

fn below(state: &BTreeMap<String, String>, root: &str) -> BTreeMap<String, String> {
    state
        .iter()
        .filter_map(|(topic, value)| Some((topic.strip_prefix(root)?.to_owned(), value.clone())))
        .filter(|(topic, _)| !topic.ends_with("_Completion_Time"))
        .collect()
}

#[tokio::test]
async fn every_transport_brings_the_same_values() {
    let [dongle, tcp, rtu] = [1, 2, 3].map(standing);
    let (broker, host) = (Mosquitto::start().await, Host::new(Face::Plant(dongle.clone())));
    let observer = broker.observe().await;
    let (shutdown, any) = (CancellationToken::new(), "127.0.0.1:0");
    let _served_until_the_end = shutdown.clone().drop_guard();
    let mut settings = Settings::new(broker.port()).dongle(host.port());
    let mut gateways = Vec::new();
    for (name, plant) in [("modbus-tcp", &tcp), ("rtu-over-tcp", &rtu)] {
        let listener = TcpListener::bind(any).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        settings.inverters.push(format!("host: 127.0.0.1, port: {port}, transport: {name}"));
        gateways.push((name, port.to_string()));
        let (plant, token) = (plant.clone(), shutdown.clone());
        tokio::spawn(async move {
            match name {
                "modbus-tcp" => plant.serve_modbus_tcp(listener, token).await,
                _ => plant.serve_rtu_over_tcp(listener, token).await,
            }
        });
    }
    let program = Program::run(&settings);
    let root = |plant: &Simulator, part: &str| format!("GivEnergy/{}/{part}", plant.inverter_serial());
    let found = observer.wait_until(Duration::from_secs(40), "batteries and meter were found by all", |observer| {
        let state = observer.state();
        [&dongle, &tcp, &rtu].iter().all(|plant| {
            let count = |part| state.keys().filter(|topic| topic.starts_with(&root(plant, part))).count();
            count("Battery_Details/Battery_Stack_1/BG") >= 2 * 31 && count("Meter_Details/Meter_ID1/") >= 7
        })
    });
    let [(name_tcp, tcp_port), (name_rtu, rtu_port)] = &gateways[..] else { panic!("two gateways") };
    let (tcp_args, rtu_args) =
        (["--port", tcp_port, "--transport", name_tcp], ["--port", rtu_port, "--transport", name_rtu]);
    let printed = tokio::join!(found, read(&tcp_args), read(&rtu_args));
    let state = observer.state();
    for part in ["Power/Power/", "Power/Flows/", "Energy/Today/", "Control/", "Timeslots/", "Meter_Details/"] {
        let expected = below(&state, &root(&dongle, part));
        assert!(!expected.is_empty(), "{part}");
        for plant in [&tcp, &rtu] {
            assert_eq!(below(&state, &root(plant, part)), expected, "{part} of {}", plant.inverter_serial());
        }
    }
    assert!(below(&state, &root(&dongle, "Power/Power/")).len() >= 28);
    // An absent device, which is silent, ends a connection of RTU over TCP, since a late reply would be taken for the
    // next; but nobody has to hear of that.
    assert!(program.complaints().is_empty(), "{:#?}", program.log());
    assert!(!observer.messages().iter().any(|message| message.payload == "offline"));

    for read in [printed.1, printed.2] {
        assert_eq!(read["Power"]["Power"]["SOC"], 62, "{read:#}");
        // Two batteries and the stack's own two values.
        assert_eq!(read["Battery_Details"]["Battery_Stack_1"].as_object().unwrap().len(), 4, "{read:#}");
        assert!(read["Meter_Details"]["Meter_ID1"]["Phase_1_Voltage"].is_f64(), "{read:#}");
    }
}

/// What `givtcp read` prints of a device on this machine.
async fn read(args: &[&str]) -> Value {
    let args = [&["read", "--host", "127.0.0.1"], args].concat();
    let Output { status, stdout, stderr } = once(&[], &args, Duration::from_secs(30)).await;
    assert_eq!((status.code(), String::from_utf8(stderr).unwrap().as_str()), (Some(0), ""), "{args:?}");
    serde_json::from_slice(&stdout).unwrap()
}

/// The leaves of what `read` prints.
fn leaves(prefix: &str, value: &Value, into: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(level) => {
            for (name, below) in level {
                let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
                leaves(&path, below, into);
            }
        }
        Value::String(text) => _ = into.insert(prefix.to_owned(), text.clone()),
        number => _ = into.insert(prefix.to_owned(), number.to_string()),
    }
}

#[tokio::test]
async fn read_prints_what_the_registers_hold_and_what_is_on_mqtt() {
    let simulator = standing(1);
    let (broker, host) = (Mosquitto::start().await, Host::new(Face::Plant(simulator.clone())));
    let observer = broker.observe().await;
    let mut settings = Settings::new(broker.port()).dongle(host.port());
    settings.mqtt.push_str(", root: House/Cellar, raw: false");
    settings.entities = "off";
    let _program = Program::run(&settings);
    let port = host.port().to_string();
    let read = read(&["--port", &port]).await;

    let input = |register| simulator.get(0x11, Bank::Input, register).map(u64::from);
    let power = &read["Power"]["Power"];
    assert_eq!(power["SOC"].as_u64(), input(59));
    assert_eq!(power["Load_Power"].as_u64(), input(42));
    assert_eq!(power["PV_Power"].as_u64(), Some(input(18).unwrap() + input(20).unwrap()));
    assert_eq!(power["Battery_Power"].as_i64(), input(52).map(|value| i64::from(value as u16 as i16)));
    assert!(read["raw"]["invertor"].as_object().unwrap().len() > 140, "{read:#}");
    assert!(read["Battery_Details"]["Battery_Stack_1"]["BG2227G202"]["Battery_SOC"].is_u64(), "{read:#}");
    assert!(read["Meter_Details"]["Meter_ID1"]["Phase_1_Voltage"].is_f64(), "{read:#}");

    let root = format!("House/Cellar/{}/", simulator.inverter_serial());
    let mut expected = BTreeMap::new();
    leaves("", &read, &mut expected);
    expected.retain(|leaf, _| !["raw/", "Stats/"].iter().any(|part| leaf.starts_with(part)) && !is_of_the_moment(leaf));
    // Which overrides run is what a daemon knows, and not who reads an inverter once.
    let is_of_an_override = |leaf: &str| leaf.starts_with("Control/Force_") || leaf.starts_with("Control/Temp_Pause_");
    assert!(!expected.keys().any(|leaf| is_of_an_override(leaf)));
    let published = |state| {
        let mut published = below(&state, &root);
        published.retain(|leaf, _| !leaf.starts_with("Stats/") && !is_of_the_moment(leaf) && !is_of_an_override(leaf));
        published
    };
    observer
        .wait_until(Duration::from_secs(30), "all was found", |observer| {
            published(observer.state()).keys().any(|leaf| leaf.starts_with("Meter_Details/"))
        })
        .await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    // As the broker has kept it.
    let late = broker.observe().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(published(late.state()), expected);
    let messages = late.messages();
    assert!(messages.iter().filter(|message| message.stale).count() >= expected.len());
    for message in messages {
        assert!(message.topic.starts_with(&root) && !message.topic.contains(' '), "{}", message.topic);
        assert!(!message.topic.contains("/raw/"), "{}", message.topic);
    }
}

#[tokio::test]
async fn what_is_not_to_be_kept_is_not_but_availability() {
    let simulator = standing(1);
    let (broker, host) = (Mosquitto::start().await, Host::new(Face::Plant(simulator.clone())));
    let observer = broker.observe().await;
    let mut settings = Settings::new(broker.port()).dongle(host.port());
    settings.mqtt.push_str(", retain: false");
    settings.entities = "off";
    let mut program = Program::run(&settings);
    let soc = format!("GivEnergy/{}/Power/Power/SOC", simulator.inverter_serial());
    observer.wait_for(&soc, "62", Duration::from_secs(10)).await;
    program.stops_on("TERM").await;
    let late = broker.observe().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let kept = late.state();
    let status = format!("GivEnergy/{}/Stats/status", simulator.inverter_serial());
    assert_eq!(kept, BTreeMap::from([(status, "offline".to_owned())]));
}

/// What depends on when it was read.
fn is_of_the_moment(leaf: &str) -> bool {
    ["_Completion_Time", "/Clock_Skew"].iter().any(|end| leaf.ends_with(end))
}
