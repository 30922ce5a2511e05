//! Two programs on one machine, and one inverter: whoever comes second asks the first.

use std::process::Output;
use std::sync::Arc;
use std::time::Duration;

use givtcp::clock::SystemClock;
use givtcp::frame::Bank;
use givtcp::lock::{FileLockManager, LockManager, Owner};
use givtcp::simulator::Simulator;
use serde_json::Value;
use tokio::time::Instant;

use crate::host::{Face, Host, plant};
use crate::mosquitto::Mosquitto;
use crate::program::{Program, Settings};

const SOON: Duration = Duration::from_secs(15);

/// HR 110, %.
fn reserve(simulator: &Simulator) -> u16 {
    simulator.get(0x11, Bank::Holding, 110).unwrap()
}

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
async fn set_and_override_ask_the_daemon_that_holds_the_inverter_and_say_what_became_of_it() {
    let simulator = plant(1);
    let (broker, host) = (Mosquitto::start().await, Host::new(Face::Plant(simulator.clone())));
    let observer = broker.observe().await;
    let mut daemon = Program::run(&Settings::new(broker.port()).dongle(host.port()));
    let topic = format!("GivEnergy/{}/Control/Battery_Power_Reserve", simulator.inverter_serial());
    observer.wait_for(&topic, "4", SOON).await;
    let before = reserve(&simulator);
    let set = async |args: &[&str]| {
        let all: Vec<&str> = ["set", "--config", "givtcp.yaml"].iter().chain(args).copied().collect();
        let Output { status, stdout, stderr } = daemon.beside(&all, SOON).await;
        (status.code().unwrap(), text(&stdout), text(&stderr))
    };
    let (code, said, _) = set(&["--dry-run", "setBatteryReserve", "20"]).await;
    assert_eq!((code, reserve(&simulator)), (0, before), "{said}");
    assert!(said.contains("planned") && said.contains("HR 110 would be 20"), "{said}");

    let (code, said, _) = set(&["setBatteryReserve", "20"]).await;
    assert_eq!((code, reserve(&simulator)), (0, 20), "{said}");
    assert!(said.starts_with("reserve 20 %: applied; HR 110 4 to 20"), "{said}");
    observer.wait_for(&topic, "20", SOON).await;
    let (code, said, _) = set(&["setBatteryReserve", "20", "--json"]).await;
    let report: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, report["outcome"].as_str()), (0, Some("unchanged")), "{said}");

    for (wrong, code, what) in [
        (&["setBatteryReserve", "3"][..], 1, "refused (out_of_range)"),
        (&["setBatteryReserve", "much"], 2, "givtcp: setBatteryReserve"),
        (&["setNothing", "1"], 2, "givtcp: setNothing"),
        (&["rebootInverter"], 1, "refused"),
    ] {
        let (ended, out, err) = set(wrong).await;
        assert!(ended == code && format!("{out}{err}").contains(what), "{wrong:?}: {ended} {out} {err}");
    }
    let overriding = async |words: &[&str]| {
        let all: Vec<&str> = ["override"].iter().chain(words).chain(&["--config", "givtcp.yaml"]).copied().collect();
        let Output { status, stdout, stderr } = daemon.beside(&all, SOON).await;
        assert_eq!(status.code(), Some(0), "{words:?}: {} {}", text(&stdout), text(&stderr));
        text(&stdout)
    };
    assert!(overriding(&["start", "force-charge", "30"]).await.contains("applied"));
    let listed = overriding(&["list"]).await;
    assert!(listed.starts_with(&format!("force charge of {}", simulator.inverter_serial())), "{listed}");
    assert!(overriding(&["stop"]).await.contains("applied"));
    assert_eq!(overriding(&["list"]).await, "");
    assert_eq!((host.accepted().len(), reserve(&simulator)), (1, 20), "nobody else connected, nothing else written");
    daemon.stops_on("TERM").await;
}

#[tokio::test]
async fn without_a_daemon_set_goes_to_the_inverter_under_the_same_locks_and_begins_no_override() {
    let simulator = plant(1);
    let (broker, host) = (Mosquitto::start().await, Host::new(Face::Plant(simulator.clone())));
    let mut settings = Settings::new(broker.port()).dongle(host.port());
    settings.locks = "timeout: 2s";
    let mut daemon = Program::run(&settings);
    daemon.logs(" is a HYBRID", SOON).await;
    daemon.stops_on("TERM").await;
    let (connections, long) = (host.accepted().len(), SOON * 6);
    let port = host.port().to_string();
    let target = ["--config", "givtcp.yaml", "--host", "127.0.0.1", "--port", &port];
    let args = |words: &[&'static str]| [words, &target].concat();
    let Output { status, stdout, stderr } = daemon.beside(&args(&["set", "setBatteryReserve", "20"]), long).await;
    assert_eq!((status.code(), reserve(&simulator)), (Some(0), 20), "{} {}", text(&stdout), text(&stderr));
    assert!(text(&stdout).starts_with("reserve 20 %: applied"), "{}", text(&stdout));
    assert!(host.accepted().len() > connections);

    let start = args(&["override", "start", "force-charge", "30"]);
    let Output { status, stderr, .. } = daemon.beside(&start, SOON).await;
    assert_eq!(status.code(), Some(1));
    assert!(text(&stderr).contains("start `givtcp run` first"), "{}", text(&stderr));
    let Output { status, stdout, .. } = daemon.beside(&["override", "list", "--config", "givtcp.yaml"], SOON).await;
    assert_eq!((status.code(), text(&stdout)), (Some(0), String::new()));
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

#[tokio::test]
async fn read_waits_for_whoever_else_has_the_inverter_and_names_it() {
    let (broker, host) = (Mosquitto::start().await, Host::new(Face::Plant(plant(1))));
    let mut settings = Settings::new(broker.port()).dongle(host.port());
    settings.locks = "timeout: 2s";
    let data = tempfile::tempdir().unwrap();
    std::fs::create_dir(data.path().join("data")).unwrap();
    let locks = FileLockManager::open(&data.path().join("data"), Arc::new(SystemClock)).unwrap();
    let link = format!("inverter_link:127.0.0.1:{}", host.port());
    let lease = locks.acquire(&link, &Owner::new("a test"), Some(SOON)).await.unwrap();
    // It has the socket, and stands by.
    let mut daemon = Program::run_in(Arc::new(data), &settings);
    daemon.logs("has this inverter; standing by until it lets go", SOON).await;
    let port = host.port().to_string();
    let read = ["read", "--config", "givtcp.yaml", "--host", "127.0.0.1", "--port", &port, "--no-raw"];
    let begun = Instant::now();
    let Output { status, stderr, .. } = daemon.beside(&read, SOON).await;
    let holder = format!("127.0.0.1:{port}: a test in process {} on ", std::process::id());
    let said = text(&stderr);
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(begun.elapsed() >= Duration::from_secs(2), "it waits its turn: {:?}", begun.elapsed());
    assert_eq!(said.matches(&holder).count(), 2, "{said}");
    assert!(said.contains("waiting until it lets go, for at most 2s"), "{said}");
    assert!(said.contains("has this inverter, and did not let go within 2s"), "{said}");
    assert_eq!(host.accepted().len(), 0, "nobody connected beside the holder");

    // Who has it lets go while it is waited for.
    let (read, ()) = tokio::join!(daemon.beside(&read, SOON), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        lease.release().await.unwrap();
    });
    assert_eq!(read.status.code(), Some(0), "{}", text(&read.stderr));
    assert_eq!(serde_json::from_slice::<Value>(&read.stdout).unwrap()["Power"]["Power"]["SOC"], 62);
    assert_eq!(host.accepted().len(), 1, "the daemon's");
    daemon.stops_on("TERM").await;
}

#[tokio::test]
async fn read_names_the_process_that_holds_what_the_daemon_does_not_know_of() {
    let broker = Mosquitto::start().await;
    let hosts = [1, 2].map(|number| Host::new(Face::Plant(plant(number))));
    let settings = |host: &Host| Settings { locks: "timeout: 1s", ..Settings::new(broker.port()).dongle(host.port()) };
    let mut first = Program::run(&settings(&hosts[0]));
    first.logs(" is a HYBRID", SOON).await;
    let data = first.data();
    let mut second = Program::run_with(&settings(&hosts[1]), |own| {
        std::fs::remove_dir(own).unwrap();
        std::os::unix::fs::symlink(&data, own).unwrap();
    });
    second.logs(" is a HYBRID", SOON).await;
    let port = hosts[1].port().to_string();
    let read = ["read", "--config", "givtcp.yaml", "--host", "127.0.0.1", "--port", &port];
    let Output { status, stderr, .. } = second.beside(&read, SOON).await;
    let said = text(&stderr);
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("in process {} on ", second.id().unwrap())), "{said}");
    assert!(said.contains("within 1s; inverter 127.0.0.1 in process"), "{said}");
    assert_eq!(hosts[1].accepted().len(), 1);
    first.stops_on("TERM").await;
    second.stops_on("TERM").await;
}
