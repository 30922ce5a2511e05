//! The log as programs read it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::host::{Face, Host, plant};
use crate::mosquitto::Mosquitto;
use crate::program::{Program, Settings};

const SOON: Duration = Duration::from_secs(30);

#[tokio::test]
async fn each_line_is_an_object_with_short_serials_and_repeats_are_counted() {
    let broker = Mosquitto::start().await;
    let dongle = Host::new(Face::Plant(plant(1)));
    let settings = Settings::new(broker.port()).dongle(dongle.port());
    let told = [("FORMAT", "json"), ("SERIALS", "false"), ("REPEATS", "false")]
        .map(|(name, value)| (["GIVTCP_LOG__", name].concat(), value.to_owned()));
    let told: Vec<(&str, String)> = told.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    let directory = Arc::new(tempfile::tempdir().unwrap());
    let mut program = Program::run_told(Arc::clone(&directory), &settings, &told);
    program.logs("connected as", SOON).await;
    let file = directory.path().join("givtcp.yaml");
    for faults in 1..=4 {
        std::fs::write(&file, format!("poll: {{ every: {faults}s }}")).unwrap();
        program.logs(&format!("{faults}s"), SOON).await;
    }
    program.stops_on("TERM").await;
    let lines: Vec<Value> = program.log().iter().map(|line| serde_json::from_str(line).expect(line)).collect();
    for line in &lines {
        assert!(line["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{line}");
        assert!(line["level"].is_string() && line["message"].is_string() && line["target"].is_string(), "{line}");
    }
    let connected = lines.iter().find(|line| line["message"].as_str().unwrap().contains("connected as")).unwrap();
    let serial = connected["inverter.serial"].as_str().unwrap();
    assert!(serial.len() == 8 && serial[2..5] == *"...", "{serial}");
    let refused = lines.iter().filter(|line| line["message"].as_str().unwrap().contains("are not taken"));
    let counts: Vec<u64> = refused.map(|line| line["repeated"].as_u64().unwrap_or_default()).collect();
    assert!(counts.len() == 2 && counts[0] == 0 && counts[1] == 3, "{counts:?}");
}
