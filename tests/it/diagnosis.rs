//! What is handed over to whoever helps, by the program as people start it.

use std::os::unix::fs::PermissionsExt;
use std::process::Output;
use std::time::Duration;

use givtcp::decode::decode;
use serde_json::Value;

use crate::host::{Face, Host, plant};
use crate::mosquitto::Mosquitto;
use crate::program::{Program, Settings, once};

const SOON: Duration = Duration::from_secs(20);

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn a_running_program_is_recorded_and_diagnosed_and_nothing_tells_whose_it_is() {
    let simulator = plant(1);
    let (broker, host) = (Mosquitto::start().await, Host::new(Face::Plant(simulator.clone())));
    let observer = broker.observe().await;
    let settings = Settings::new(broker.port()).dongle(host.port());
    let serial = simulator.inverter_serial().to_string();
    let mut daemon = Program::run(&settings);
    observer.wait_for(&format!("GivEnergy/{serial}/Power/Power/SOC"), "62", SOON).await;
    let said = async |args: &[&str]| {
        let Output { status, stdout, stderr } = daemon.beside(args, SOON).await;
        assert_eq!(status.code(), Some(0), "{args:?}: {}", text(&stderr));
        text(&stdout)
    };

    let recorded = said(&["record", "--for", "6s", "--config", "givtcp.yaml"]).await;
    assert!(!recorded.contains(&hex(&serial)), "{recorded}");
    let decoded = decode(&recorded).unwrap();
    assert!(decoded["messages"].as_u64() > Some(2) && decoded["invalid"] == 0, "{decoded}");
    assert_eq!(host.accepted().len(), 1, "nobody else connected");

    said(&["diagnose", "--config", "givtcp.yaml", "--record", "6s", "help.tar.gz"]).await;
    let archive = daemon.data().parent().unwrap().join("help.tar.gz");
    assert_eq!(archive.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let told = said(&["decode", "help.tar.gz"]).await;
    assert!(!told.contains(&serial), "{told}");
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["inverter-1.json"]["Power"]["Power"]["SOC"], 62);
    assert_eq!(told["inverter-1-registers.log"]["registers"]["0x11"]["IR59"], 62);
    assert!(told["inverter-1-wire.log"]["messages"].as_u64() > Some(1));
    assert!(
        told["log.txt"]
            .as_array()
            .unwrap()
            .iter()
            .any(|line| text(line.as_str().unwrap().as_bytes()).contains("polls"))
    );
    let Output { status, stderr, .. } =
        daemon.beside(&["diagnose", "--config", "givtcp.yaml", "help.tar.gz"], SOON).await;
    assert!(status.code() == Some(1) && text(&stderr).contains("exists"), "nothing is written over: {}", text(&stderr));
    daemon.stops_on("TERM").await;

    let alone = daemon.beside(&["record", "--for", "3s", "--serials", "--config", "givtcp.yaml"], SOON).await;
    assert_eq!(alone.status.code(), Some(0), "without a daemon it polls itself: {}", text(&alone.stderr));
    let recorded = text(&alone.stdout);
    assert!(decode(&recorded).unwrap()["messages"].as_u64() > Some(2) && recorded.contains(&hex(&serial)));
    let bare = daemon.beside(&["diagnose", "--config", "givtcp.yaml", "bare.tar.gz"], SOON).await;
    assert!(
        bare.status.success() && text(&bare.stderr).contains("only versions and settings"),
        "{}",
        text(&bare.stderr)
    );
}

#[tokio::test]
async fn what_is_no_archive_is_told() {
    let files = [("x.tar.gz", "\u{1f}\u{8b}nonsense"), ("givtcp.yaml", "data_dir: data\n")];
    let Output { status, stderr, .. } = once(&files, &["decode", "x.tar.gz"], SOON).await;
    assert!(status.code() == Some(1) && text(&stderr).contains("x.tar.gz"), "{}", text(&stderr));
    let Output { status, stderr, .. } = once(&files, &["record", "--for", "1d"], SOON).await;
    assert!(status.code() == Some(2) && text(&stderr).contains("with its unit"), "{}", text(&stderr));
    let Output { status, .. } = once(&files, &["diagnose", "--record", "6m"], SOON).await;
    assert_eq!(status.code(), Some(2));
}

/// As it stands in a recording.
fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}
