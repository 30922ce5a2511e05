//! The program as an app of Home Assistant: options, the settings file, the broker that the Supervisor knows.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use givtcp::homeassistant::addon::Addon;
use givtcp::simulator::Simulator;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::host::{Face, Host, plant, quick};
use crate::mosquitto::{Mosquitto, Options};
use crate::program::Program;
use crate::supervisor::{Supervisor, TOKEN};

const SOON: Duration = Duration::from_secs(10);
const USER: &str = "addons";

/// Directories as the Supervisor hands them to an app, with these options.
fn app(options: &Value) -> Arc<TempDir> {
    let root = tempfile::tempdir().unwrap();
    for directory in ["config", "data"] {
        std::fs::create_dir(root.path().join(directory)).unwrap();
    }
    std::fs::write(root.path().join("data/options.json"), options.to_string()).unwrap();
    Arc::new(root)
}

fn start(root: &Arc<TempDir>, supervisor: &Supervisor) -> Program {
    Program::start_told(Arc::clone(root), &["run"], &supervisor.environment(root.path()))
}

fn with_password(password: &'static str) -> Options {
    Options { password: Some((USER, password)), ..Options::default() }
}

#[tokio::test]
async fn the_broker_may_come_late_and_change_its_password_and_is_asked_for_at_each_attempt() {
    let (supervisor, host) = (Supervisor::start().await, Host::new(Face::Plant(plant(1))));
    let root = app(&json!({ "inverters": [{ "host": "127.0.0.1", "port": host.port() }], "mqtt": {} }));
    let mut program = start(&root, &supervisor);
    program.logs("/config/givtcp.yaml: made, with every setting switched off", SOON).await;
    let absent = program.logs("mqtt broker is not known yet: ", SOON).await;
    assert!(absent.contains("install and start the app \"Mosquitto broker\", or name another one"), "{absent}");

    let mut broker = Mosquitto::with(with_password("first-password")).await;
    supervisor.has_broker(broker.port(), USER, "first-password");
    program.logs(&format!("mqtt broker 127.0.0.1:{} is back after", broker.port()), SOON).await;

    broker.kill().await;
    broker.start_again_with(with_password("second-password")).await;
    program.logs("refused the user name or password", SOON).await;
    let back = program.log_with("is back after").len();
    supervisor.has_broker(broker.port(), USER, "second-password");
    let begun = tokio::time::Instant::now();
    while program.log_with("is back after").len() == back {
        assert!(begun.elapsed() < Duration::from_secs(20), "{:#?}", program.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    program.stops_on("TERM").await;
    let log = program.log().concat();
    assert!(!log.contains("-password") && !log.contains(TOKEN), "{log}");
    assert_eq!(program.log_with("is not known yet").len(), 1, "{log}");
    let made = std::fs::metadata(root.path().join("config/givtcp.yaml")).unwrap();
    assert_eq!(made.permissions().mode() & 0o777, 0o600);
    assert!(root.path().join("data/locks").exists(), "its state is where it is kept");
}

#[tokio::test]
async fn a_broker_that_is_named_is_taken_and_the_supervisor_not_asked() {
    let (supervisor, host, broker) =
        (Supervisor::start().await, Host::new(Face::Plant(Simulator::new(quick()))), Mosquitto::start().await);
    supervisor.has_broker(9, USER, "not-this-one");
    let mqtt = json!({ "host": "127.0.0.1", "port": broker.port() });
    let root = app(&json!({ "inverters": [{ "host": "127.0.0.1", "port": host.port() }], "mqtt": mqtt }));
    let program = start(&root, &supervisor);
    program.logs(&format!("mqtt broker 127.0.0.1:{} connected as givtcp-", broker.port()), SOON).await;
    assert!(!supervisor.asked().contains(&"/services/mqtt".to_owned()));
    assert!(program.log_with("listening on").len() == 1, "{:#?}", program.log());
}

#[tokio::test]
async fn a_supervisor_that_forbids_it_and_one_that_is_away_are_told_apart() {
    let host = Host::new(Face::Plant(plant(1)));
    let options = json!({ "inverters": [{ "host": "127.0.0.1", "port": host.port() }], "mqtt": {} });
    let supervisor = Supervisor::start().await;
    supervisor.forbids(true);
    let root = app(&options);
    let program = start(&root, &supervisor);
    program.logs("the Supervisor does not let this app ask for the broker: update or reinstall the app", SOON).await;
    drop(supervisor);
    program.logs("the Supervisor cannot be asked: cannot connect to 127.0.0.1:", SOON).await;
}

#[tokio::test]
async fn the_supervisor_tells_the_time_zone_and_the_networks() {
    let supervisor = Supervisor::start().await;
    supervisor.has_networks(&["192.168.1.100/24", "10.0.0.7/22"]);
    let environment = supervisor.environment(std::path::Path::new("/"));
    let variable = |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
    let asked = Addon::find(false, variable).unwrap().supervisor().clone();
    assert_eq!(asked.time_zone().await.unwrap().as_deref(), Some("Europe/Paris"));
    assert_eq!(asked.networks().await.unwrap(), [([10, 0, 0, 7].into(), 22), ([192, 168, 1, 100].into(), 24)]);
}

#[tokio::test]
async fn wrong_options_end_the_start_with_2_and_are_named() {
    let supervisor = Supervisor::start().await;
    let root = app(&json!({ "inverters": [{ "host": "192.168.1.20:8899" }], "log_level": "loud", "mqtt": {} }));
    let mut program = start(&root, &supervisor);
    assert_eq!(program.ends(SOON).await.code(), Some(2));
    program.logs("option inverters[0].host: inverters[0].host: ", SOON).await;
    program.logs("option log_level: log.level: must be one of ", SOON).await;
    program.logs("2 faults in the settings", SOON).await;
}
