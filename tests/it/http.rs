//! The program over HTTP, as its users reach it.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};

use crate::host::{Face, Host, plant};
use crate::program::{Program, Settings};

const SOON: Duration = Duration::from_secs(20);
const JSON: &str = "Content-Type: application/json\r\n";

/// An answer.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Value,
}

/// Asks 127.0.0.1 once.
pub async fn ask(port: u16, method: &str, path: &str, headers: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let length = if method == "GET" { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    let text = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n{headers}{length}\r\n{body}"
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    timeout(SOON, stream.read_to_end(&mut answer)).await.expect("an answer in time").unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    Answer {
        status: head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default(),
        head: head.to_ascii_lowercase(),
        body: serde_json::from_str(body).unwrap_or(Value::Null),
    }
}

async fn get(port: u16, path: &str) -> Answer {
    ask(port, "GET", path, "", "").await
}

/// Where a program listens for this, by its log.
pub async fn port_of(program: &Program, what: &str) -> u16 {
    let line = program.logs(&format!(": GivTCP's REST {what}"), SOON).await;
    let rest = line.split("http://127.0.0.1:").nth(1).unwrap();
    rest.split(':').next().unwrap().parse().unwrap()
}

/// What an inverter does, as soon as something was read of it.
pub async fn first_read(port: u16) -> Value {
    let begun = Instant::now();
    loop {
        let answer = get(port, "/REST1/readData").await;
        if answer.status == 200 && answer.body.pointer("/Control/Battery_Power_Reserve").is_some() {
            return answer.body;
        }
        assert!(begun.elapsed() < SOON, "{}: {}", answer.head, answer.body);
        sleep(Duration::from_millis(200)).await;
    }
}

/// Settings without a broker.
pub fn settings(http: &str) -> Settings {
    Settings { mqtt: "enabled: false".to_owned(), http: http.to_owned(), ..Settings::new(1) }
}

async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn a_command_is_done_before_it_is_answered_and_the_next_read_shows_it() {
    let host = Host::new(Face::Plant(plant(1)));
    let first = free_port().await;
    let mut program = Program::run(&settings(&format!("per_inverter_ports: {first}")).dongle(host.port()));
    let port = port_of(&program, "and /api/v1/").await;
    let read = first_read(port).await;
    assert!(read["Power"]["Power"]["SOC"].is_i64(), "{read}");
    // Predbat asks at the port of the inverter, without anything before the route.
    let alone = port_of(&program, "for inverters[0]").await;
    assert_eq!(alone, first);
    for (reserve, path) in [(37, "/REST1/setBatteryReserve"), (12, "/api/v1/plants/1/commands/setBatteryReserve")] {
        let body = format!("{{\"reservePercent\": {reserve}}}");
        let answer = ask(port, "POST", path, JSON, &body).await;
        assert_eq!((answer.status, &answer.body["outcome"]), (200, &"applied".into()), "{}", answer.body);
        let read = get(alone, "/runAll").await;
        assert_eq!(read.body["Control"]["Battery_Power_Reserve"], reserve);
        let again = ask(alone, "POST", "/setBatteryReserve", JSON, &body).await;
        assert_eq!((again.status, &again.body["outcome"]), (200, &"unchanged".into()), "{}", again.body);
    }
    let planned = ask(port, "POST", "/REST1/setBatteryReserve?dry_run=true", JSON, "{\"reservePercent\": 50}").await;
    assert_eq!((planned.status, &planned.body["outcome"]), (200, &"planned".into()), "{}", planned.body);
    assert_eq!(get(port, "/REST1/runAll").await.body["Control"]["Battery_Power_Reserve"], 12);
    let range = ask(port, "POST", "/REST1/setBatteryReserve", JSON, "{\"reservePercent\": 2}").await;
    assert_eq!((range.status, &range.body["outcome"]), (409, &"refused".into()), "{}", range.body);
    program.stops_on("TERM").await;
}

#[tokio::test]
async fn an_override_is_started_listed_and_called_off_and_the_clock_is_not_set_meanwhile() {
    let host = Host::new(Face::Plant(plant(1)));
    let mut program = Program::run(&settings("").dongle(host.port()));
    let port = port_of(&program, "and /api/v1/").await;
    first_read(port).await;
    let post = async |path: &str, body: &str| {
        let answer = ask(port, "POST", path, JSON, body).await;
        (answer.status, answer.body["outcome"].as_str().unwrap_or_default().to_owned(), answer.body)
    };
    let runs = async || get(port, "/api/v1/plants/1/overrides").await.body;
    for (name, leaf) in [
        ("forceCharge", "Force_Charge"),
        ("forceExport", "Force_Export"),
        ("tempPauseCharge", "Temp_Pause_Charge"),
        ("tempPauseDischarge", "Temp_Pause_Discharge"),
    ] {
        for route in ["/REST1/", "/api/v1/plants/1/commands/"] {
            let path = format!("{route}{name}");
            let shown = async || {
                let control = get(port, "/REST1/readData").await.body["Control"].clone();
                (control[leaf].clone(), control[format!("{leaf}_Num")].clone())
            };
            let (status, outcome, body) = post(&path, "{\"duration\": 30}").await;
            assert_eq!((status, &*outcome), (200, "applied"), "{path}: {body}");
            let told = runs().await;
            let [one] = &told["overrides"].as_array().unwrap()[..] else { panic!("{told}") };
            assert_eq!((&one["command"], &one["minutes_left"]), (&json!(name), &json!(30)), "{told}");
            assert!(["running", "not_shown"].contains(&one["state"].as_str().unwrap()), "{told}");
            assert_eq!(shown().await, ("Running".into(), 30.into()), "{path}");
            for clock in ["syncDateTime", "setDateTime"] {
                let (status, outcome, body) =
                    post(&format!("{route}{clock}"), "{\"dateTime\": \"05/06/2026 12:00:00\"}").await;
                assert_eq!((status, &*outcome), (409, "refused"), "{clock}: {body}");
            }
            let (status, outcome, body) = post(&path, "{\"duration\": \"Cancel\"}").await;
            assert_eq!((status, &*outcome), (200, "applied"), "{path}: {body}");
            assert_eq!(runs().await, json!({"known": true, "overrides": []}));
            assert_eq!(shown().await, ("Normal".into(), 0.into()), "{path}");
        }
    }
    let (status, _, body) = post("/REST1/syncDateTime", "{}").await;
    assert_eq!(status, 200, "{body}");
    program.stops_on("TERM").await;
}

#[tokio::test]
async fn a_program_that_is_asked_to_restart_begins_anew_as_the_same_process() {
    let host = Host::new(Face::Plant(plant(1)));
    let mut program = Program::run(&settings("").dongle(host.port()));
    let port = port_of(&program, "and /api/v1/").await;
    let id = program.id();
    assert_eq!(get(port, "/REST1/restart").await.status, 405);
    let answer = ask(port, "POST", "/REST1/restart", JSON, "{}").await;
    assert_eq!((answer.status, &answer.body["outcome"]), (200, &"applied".into()));
    let begun = Instant::now();
    while program.log_with("listening on http://").len() < 2 {
        assert!(begun.elapsed() < SOON, "{:#?}", program.log());
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(program.id(), id);
    program.stops_on("TERM").await;
}

#[tokio::test]
async fn who_is_slow_or_holds_on_keeps_neither_others_nor_the_end_waiting() {
    let host = Host::new(Face::Plant(plant(1)));
    let mut program = Program::run(&settings("").dongle(host.port()));
    let port = port_of(&program, "and /api/v1/").await;
    first_read(port).await;
    // One sends its head a byte at a time, one nothing, one a body that never ends.
    let connect = || async { TcpStream::connect(("127.0.0.1", port)).await.unwrap() };
    let (mut slow, mut silent, mut endless) = (connect().await, connect().await, connect().await);
    let begun = Instant::now();
    slow.write_all(b"GET /REST1/readData HTTP/1.1\r\nHost: ").await.unwrap();
    let head = format!(
        "POST /REST1/setBatteryReserve HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{JSON}Content-Length: 100\r\n\r\n{{"
    );
    endless.write_all(head.as_bytes()).await.unwrap();
    let mut stream = connect().await;
    let wanted = format!("GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/event-stream\r\n\r\n");
    stream.write_all(wanted.as_bytes()).await.unwrap();
    let mut heard = [0; 1024];
    let count = timeout(SOON, stream.read(&mut heard)).await.unwrap().unwrap();
    let head = String::from_utf8_lossy(&heard[..count]).to_ascii_lowercase();
    assert!(head.contains(" 200 ") && head.contains("text/event-stream"), "{head}");
    assert_eq!(get(port, "/REST1/readData").await.status, 200);
    // One sender has so many connections and no more.
    let mut many = Vec::new();
    for _ in 0..30 {
        many.push(connect().await);
    }
    sleep(Duration::from_millis(200)).await;
    let closed = many.iter().filter(|stream| is_closed(stream)).count();
    assert!((15..30).contains(&closed), "some are there already, 16 is the most: {closed}");
    drop(many);
    let mut rest = Vec::new();
    for stream in [&mut slow, &mut silent] {
        timeout(SOON, stream.read_to_end(&mut rest)).await.expect("it is closed in time").unwrap();
    }
    timeout(SOON, endless.read_exact(&mut heard[..12])).await.expect("it is answered in time").unwrap();
    assert_eq!(&heard[..12], b"HTTP/1.1 503");
    assert!(begun.elapsed() > Duration::from_secs(10));
    assert_eq!(get(port, "/REST1/readData").await.status, 200);
    // A stream of events is open all the time.
    program.stops_on("TERM").await;
}

fn is_closed(stream: &TcpStream) -> bool {
    match stream.try_read(&mut [0; 1]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_said_and_polling_goes_on_without_it() {
    let host = Host::new(Face::Plant(plant(1)));
    let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = other.local_addr().unwrap().port();
    let mut program = Program::run(&settings(&format!("per_inverter_ports: {taken}")).dongle(host.port()));
    program.logs(&format!("cannot listen on 127.0.0.1:{taken}"), SOON).await;
    let port = port_of(&program, "and /api/v1/").await;
    first_read(port).await;
    drop(other);
    assert_eq!(port_of(&program, "for inverters[0]").await, taken);
    assert_eq!(get(taken, "/readData").await.status, 200);
    assert_eq!(program.log_with("cannot listen").len(), 1, "once");
    program.stops_on("TERM").await;
}

#[tokio::test]
async fn what_a_browser_was_led_to_send_is_refused_by_the_program_too() {
    let host = Host::new(Face::Plant(plant(1)));
    let mut program = Program::run(&settings("token: correct-horse-battery").dongle(host.port()));
    let port = port_of(&program, "and /api/v1/").await;
    let foreign = "Origin: https://cats.example\r\nContent-Type: text/plain\r\nSec-Fetch-Site: cross-site\r\n";
    let answer = ask(port, "POST", "/REST1/rebootInverter", foreign, "{}").await;
    assert_eq!((answer.status, &answer.body["code"]), (403, &"cross_site".into()));
    assert!(!answer.head.contains("access-control"), "no other page may read: {}", answer.head);
    let forwarded = format!("{JSON}X-Forwarded-For: 192.168.1.7\r\n");
    let answer = ask(port, "POST", "/REST1/setBatteryReserve", &forwarded, "{\"reservePercent\": 20}").await;
    assert_eq!((answer.status, &answer.body["code"]), (401, &"no_token".into()));
    // A head that never ends, and one that is none.
    for nonsense in [&b"GET / HTTP/1.1\r\nX: "[..], b"\x00\xff\r\n\r\n", b"GET  HTTP/9\r\n\r\n"] {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        _ = stream.write_all(nonsense).await;
        _ = stream.write_all(&vec![b'x'; 40_000]).await;
        let mut answer = Vec::new();
        _ = timeout(SOON, stream.read_to_end(&mut answer)).await.expect("it is closed in time");
    }
    assert!(program.complaints().is_empty(), "{:#?}", program.complaints());
    program.stops_on("TERM").await;
}
