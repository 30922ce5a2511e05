//! Finding inverters among whatever else answers, on addresses of this machine.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use givtcp::simulator::{Options, Simulator};
use serde_json::{Value, json};

use crate::host::{Face, Host, plant, quick};
use crate::program::{Program, Settings, once};
use crate::supervisor::Supervisor;

const SOON: Duration = Duration::from_secs(10);
const PORT: u16 = 8899;

fn at(third: u8, last: u8) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::new(127, 0, third, last), PORT))
}

fn gone() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn among_all_who_answer_those_that_tell_a_serial_number_are_inverters() {
    let (first, second) = (plant(1), plant(2));
    let _hosts = [
        Host::at(at(77, 1), Face::Plant(first.clone())),
        Host::at(at(77, 2), Face::Camera),
        Host::at(at(77, 3), Face::Mute),
        Host::at(at(77, 4), Face::Closing),
        Host::at(at(77, 5), Face::Http),
        Host::at(at(77, 6), Face::Plant(second.clone())),
    ];
    let output = once(&[], &["discover", "127.0.77.0/29"], Duration::from_secs(20)).await;
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said} {}", String::from_utf8_lossy(&output.stderr));
    let said = said
        .replace(&first.inverter_serial().to_string(), "FIRST")
        .replace(&second.inverter_serial().to_string(), "SECOND");
    insta::assert_snapshot!(said, @r"
    127.0.77.1:8899  FIRST  HYBRID_GEN1
    127.0.77.2 answers on 8899, but not as an inverter: it sent what is none of a dongle's frames
    127.0.77.3 answers on 8899, but not as an inverter: it says nothing; if it is a dongle, is its inverter on?
    127.0.77.4 answers on 8899, but not as an inverter: it closes the connection; if it is a dongle, what else is connected to it?
    127.0.77.5 answers on 8899, but not as an inverter: it sent what is none of a dongle's frames
    127.0.77.6:8899  SECOND  HYBRID_GEN1
    ");
    let output = once(&[], &["discover", "127.0.77.6", "--json"], SOON).await;
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let serial = second.inverter_serial().to_string();
    let model = found["found"][0]["model"].clone();
    let expected = json!({ "host": "127.0.77.6", "port": PORT, "serial": serial, "model": model });
    assert_eq!(found, json!({ "searched": ["127.0.77.6/32"], "port": PORT, "found": [expected] }));
}

#[tokio::test]
async fn nothing_found_is_one_line_and_ends_with_1_and_wrong_networks_with_2() {
    let _camera = Host::at(at(78, 2), Face::Camera);
    let output = once(&[], &["discover", "127.0.78.0/30"], SOON).await;
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(String::from_utf8(output.stdout).unwrap(), @"no inverter found in 127.0.78.0/30 (port 8899); 127.0.78.2 answers on 8899, but not as an inverter: it sent what is none of a dongle's frames; write the dongle's address into /etc/givtcp/givtcp.yaml (inverters: [{ host: 192.168.1.20 }]), or search another network: givtcp discover 192.168.1.0/24");
    for wrong in ["10.0.0.0/8", "house", "fe80::1"] {
        let output = once(&[], &["discover", wrong], SOON).await;
        assert_eq!(output.status.code(), Some(2), "{wrong}");
    }
}

#[tokio::test]
async fn an_inverter_that_a_running_program_has_is_not_disturbed_and_that_program_is_asked() {
    let simulator = plant(1);
    let host = Host::at(at(79, 2), Face::Plant(simulator.clone()));
    let mut settings = Settings { mqtt: "enabled: false".into(), ..Settings::new(1883) };
    settings.inverters.push(format!("host: 127.0.79.2, port: {PORT}"));
    let program = Program::run(&settings);
    program.logs("is a ", SOON).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let output = program.beside(&["discover", "127.0.79.0/30"], SOON).await;
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with(&format!("127.0.79.2:{PORT}  {}  ", simulator.inverter_serial())), "{said}");
    assert_eq!((output.status.code(), host.accepted().len()), (Some(0), 1));
}

#[tokio::test]
async fn without_an_inverter_in_the_settings_it_searches_answers_health_checks_meanwhile_and_polls_what_it_finds() {
    let (supervisor, simulator) = (Supervisor::start().await, plant(1));
    supervisor.has_networks(&["127.0.80.1/29"]);
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(root.path().join("config")).unwrap();
    std::fs::create_dir_all(root.path().join("data")).unwrap();
    std::fs::write(root.path().join("data/options.json"), r#"{"inverters": [], "mqtt": {}}"#).unwrap();
    let root = Arc::new(root);
    let mut told = supervisor.environment(root.path());
    told.push(("GIVTCP_LOG__SERIALS", "true".to_owned()));
    let nobody = Program::start_told(Arc::clone(&root), &["run"], &told);
    let line = nobody.logs("no inverter found in 127.0.80.0/29 (port 8899); nobody answers on 8899; ", SOON).await;
    assert!(line.contains("write the dongle's address into the app's option inverters (host)"), "{line}");
    assert_eq!(nobody.beside_told(&["healthy"], &told, SOON).await.status.code(), Some(0));
    let mut nobody = nobody;
    nobody.stops_on("TERM").await;

    let mut host = Host::at(at(80, 3), Face::Plant(simulator.clone()));
    let mut finding = Program::start_told(Arc::clone(&root), &["run"], &told);
    let serial = simulator.inverter_serial();
    finding.logs(&format!("found 127.0.80.3:8899  {serial}  "), SOON).await;
    finding.logs(&format!("inverter {serial} is a "), SOON).await;
    finding.stops_on("TERM").await;

    // What was found once is polled though it does not answer now.
    host.become_(Face::Nobody).await;
    let remembering = Program::start_told(root, &["run"], &told);
    remembering.logs("was found earlier at 127.0.80.3, and does not answer there now", SOON).await;
    remembering.logs("givtcp 0.1.0 polls 127.0.80.3", SOON).await;
    host.become_(Face::Plant(simulator)).await;
    remembering.logs(&format!("inverter {serial} is a "), SOON).await;
}

#[tokio::test]
async fn an_inverter_whose_address_changes_is_found_again_and_another_at_its_place_is_not_taken_for_it() {
    let simulator = Simulator::new(Options { speed: 0.0, ..quick() });
    let serial = simulator.inverter_serial();
    let mut old = Host::at(at(81, 2), Face::Plant(simulator.clone()));
    let mut settings = Settings { mqtt: "enabled: false".into(), ..Settings::new(1883) };
    settings.inverters.push(format!("host: 127.0.81.2, port: {PORT}, serial: {serial}"));
    settings.http = format!("listen: \"127.0.0.1:{}\"", gone());
    let told = [("TEST_GIVTCP_MOVED_AFTER", "1".to_owned())];
    let mut program = Program::run_told(Arc::new(tempfile::tempdir().unwrap()), &settings, &told);
    program.logs(&format!("inverter {serial} is a "), SOON).await;
    // The router gives its address to another one.
    let new = Host::at(at(81, 77), Face::Plant(simulator));
    old.become_(Face::Plant(plant(5))).await;
    program.logs(&format!(", and not {serial}, which inverters[].serial names"), Duration::from_secs(20)).await;
    program.logs(&format!("inverter {serial} has moved to 127.0.81.77:8899"), Duration::from_secs(40)).await;
    new.first_client(Duration::from_secs(20)).await;
    let link = program.data().join("locks/inverter_link%3A127.0.81.77%3A8899.lock");
    assert!(link.exists(), "the lease is that of the new address");
    program.stops_on("TERM").await;
}

#[tokio::test]
async fn settings_of_givtcp_become_a_file_that_is_good_and_only_its_owners() {
    let given = r#"{"invertorIP_1": "192.168.1.20", "inverter_enable_1": true, "MQTT_Password": "geheim", "Smart_Target": true}"#;
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("all.json"), given).unwrap();
    let run = |args: &'static [&'static str]| crate::program::once_in(&directory, args, SOON);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let output = run(&["import", "all.json"]).await;
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(said.contains("MQTT_Password: is now mqtt.password\n") && !said.contains("geheim"), "{said}");
    assert!(
        said.contains("Smart_Target: not carried over: charge targets are not planned here: use Predbat"),
        "{said}"
    );
    let file = directory.path().join("givtcp.yaml");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    assert!(std::fs::read_to_string(&file).unwrap().contains("  password: geheim\n"));
    assert_eq!(run(&["check", "--config", "givtcp.yaml"]).await.status.code(), Some(0));
    let again = run(&["import", "all.json"]).await;
    assert_eq!(again.status.code(), Some(1));
    assert_eq!(
        text(&again.stderr),
        "givtcp: givtcp.yaml: is there already; --out names another file, --force overwrites it\n"
    );
    assert_eq!(run(&["import", "all.json", "--force"]).await.status.code(), Some(0));
    std::fs::write(directory.path().join("all.json"), "{\n  \"MQTT_Port\": 1883,\n}").unwrap();
    let bad = run(&["import", "all.json", "--out", "other.yaml"]).await;
    assert_eq!(
        (bad.status.code(), &*text(&bad.stderr)),
        (Some(2), "givtcp: all.json:3:1: is not valid JSON: trailing comma\n")
    );
    let left: Vec<_> = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}
