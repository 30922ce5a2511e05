//! What Prometheus scrapes, held against Prometheus' own tool.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::timeout;

use crate::host::{Face, Host, plant};
use crate::http::{ask, first_read, port_of, settings};
use crate::program::Program;

const SOON: Duration = Duration::from_secs(20);

/// Head and text of what is scraped.
async fn scrape(port: u16) -> (String, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let asked = format!("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(asked.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(SOON, stream.read_to_string(&mut answer)).await.expect("an answer in time").unwrap();
    let (head, text) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), text.to_owned())
}

/// What promtool says of this on its standard input; empty where it finds nothing.
async fn promtool(args: &[&str], input: &str) -> String {
    let mut command = Command::new("promtool");
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut tool = command.spawn().expect("promtool is installed (Debian: prometheus)");
    tool.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
    let output = timeout(SOON, tool.wait_with_output()).await.expect("it ends in time").unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    said
}

#[tokio::test]
async fn what_is_scraped_is_as_prometheus_wants_it() {
    let host = Host::new(Face::Plant(plant(1)));
    let mut program = Program::run(&settings("enabled: true").dongle(host.port()));
    let port = port_of(&program, "and /api/v1/").await;
    first_read(port).await;
    let json = "Content-Type: application/json\r\n";
    let answer =
        ask(port, "POST", "/api/v1/plants/1/commands/setBatteryReserve", json, r#"{"reservePercent": 37}"#).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let (head, text) = scrape(port).await;
    assert!(head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{head}");
    for line in [
        "givtcp_inverter_up{inverter=\"127.0.0.1\"} 1",
        "givtcp_link_connected{inverter=\"127.0.0.1\"} 1",
        "givtcp_commands_total{inverter=\"127.0.0.1\",by=\"api\",outcome=\"applied\"} 1",
        "givtcp_battery_reserve_ratio{inverter=\"127.0.0.1\"} 0.37",
    ] {
        assert!(text.lines().any(|told| told == line), "{line}:\n{text}");
    }
    assert_eq!(promtool(&["check", "metrics"], &text).await, "", "{text}");
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/grafana/alerts.yml");
    promtool(&["check", "rules", rules.to_str().unwrap()], "").await;
    let ready = ask(port, "GET", "/readyz", "", "").await;
    assert_eq!((ready.status, &ready.body["ready"]), (200, &true.into()), "{}", ready.body);
    let health = ask(port, "GET", "/api/v1/plants/1/health", "", "").await.body;
    assert_eq!(health["link"]["state"], "connected", "{health}");
    assert!(health["link"]["requests"].as_u64() > Some(5) && health["link"]["latency_ms"].is_u64(), "{health}");
    assert_eq!((&health["locks"][0]["ours"], &health["writes"]["today"]), (&true.into(), &1.into()), "{health}");
    program.stops_on("TERM").await;
}
