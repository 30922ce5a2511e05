//! The program beside an InfluxDB that is away.

use std::sync::Arc;
use std::time::Duration;

use crate::host::{Face, Host, plant};
use crate::http::{ask, first_read, port_of, settings};
use crate::program::{Program, once};

const TOKEN: &str = "s3cret-of-influx";

#[tokio::test]
async fn what_was_read_waits_in_the_data_directory_and_the_token_is_shown_nowhere() {
    let host = Host::new(Face::Plant(plant(1)));
    let environment = [
        ("GIVTCP_INFLUX__ENABLED", "true".to_owned()),
        ("GIVTCP_INFLUX__URL", "http://127.0.0.1:1".to_owned()),
        ("INFLUXTOKEN", TOKEN.to_owned()),
        ("INFLUXORG", "home".to_owned()),
        ("GIVTCP_INFLUX__BUCKET", "solar".to_owned()),
    ];
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let settings = settings("enabled: true").dongle(host.port());
    let mut program = Program::run_told(dir, &settings, &environment);
    let port = port_of(&program, "and /api/v1/").await;
    let read = first_read(port).await;
    let shown = ask(port, "GET", "/REST1/settings", "", "").await.body;
    assert_eq!((&shown["influx.token"], &shown["influx.org"]), (&"(set)".into(), &"home".into()), "{shown}");
    program.stops_on("TERM").await;
    let kept = std::fs::read_to_string(program.data().join("influx/0000000001.lines")).unwrap();
    let serial = read["Stats"].as_object().and(read.as_object()).unwrap();
    let serial = serial.keys().find(|key| read[*key].get("Invertor_Serial_Number").is_some()).unwrap();
    assert!(kept.starts_with(&format!("{serial},tagKey=GivReal ")), "{kept}");
    assert!(kept.contains(",soc=") && kept.contains(",import_energy_today_kwh="), "{kept}");
    let told = format!("{:?}{shown}{kept}", program.log());
    assert!(!told.contains(TOKEN), "{told}");
}

#[tokio::test]
async fn who_wants_it_written_to_must_say_where() {
    let text = "inverters: [{ host: 192.168.1.20 }]\ninflux: { enabled: true, org: home, url: \"nas:8086\" }\n";
    let output = once(&[("givtcp.yaml", text)], &["check", "--config", "givtcp.yaml"], Duration::from_secs(10)).await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    for part in ["influx.url: must be http:// or https://", "influx.token: must be set", "influx.bucket: must be set"] {
        assert!(said.contains(part), "{said}");
    }
    assert!(!said.contains("influx.org: must"), "{said}");
}
