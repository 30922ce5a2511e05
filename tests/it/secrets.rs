//! No secret of the settings appears in anything that comes out.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::host::{Face, Host, plant};
use crate::http::port_of;
use crate::mosquitto::{Mosquitto, Options};
use crate::program::{Program, Settings};

const SOON: Duration = Duration::from_secs(30);
/// In every secret.
const MARK: &str = "S3CR3Tmark";

/// What came out, by where.
#[derive(Default)]
struct Out(Vec<(String, String)>);

impl Out {
    fn put(&mut self, what: &str, text: impl Into<String>) {
        self.0.push((what.to_owned(), text.into()));
    }

    fn output(&mut self, what: &str, output: &std::process::Output) {
        self.put(what, String::from_utf8_lossy(&output.stdout));
        self.put(what, String::from_utf8_lossy(&output.stderr));
    }

    /// # Panics
    /// Where one of them holds a part of a secret.
    fn has_none(&self) {
        for (what, text) in &self.0 {
            let line = text.lines().find(|line| line.contains(MARK));
            assert!(line.is_none(), "{what} has a secret: {line:?}");
        }
    }
}

/// The whole answer as it comes.
async fn ask(port: u16, method: &str, path: &str, headers: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let length = body.len();
    let text = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n{headers}Content-Type: \
         application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    timeout(SOON, stream.read_to_end(&mut answer)).await.expect("an answer in time").unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn no_secret_appears_in_the_log_answers_errors_or_messages() {
    let secret = |of: &str| format!("{MARK}-of-{of}-0123456789");
    let (password, token, redis) = (secret("mqtt"), secret("http"), secret("redis"));
    // It refuses the password, and so does a Redis that is none.
    let broker = Mosquitto::with(Options { password: Some(("givtcp", "another")), ..Options::default() }).await;
    let watched = Mosquitto::start().await;
    let observer = watched.observe().await;
    let dongle = Host::new(Face::Plant(plant(1)));
    let mute = Host::new(Face::Http);
    let mut settings = Settings::new(broker.port()).dongle(dongle.port());
    settings.mqtt = format!("host: 127.0.0.1, port: {}, username: givtcp, password: {password}", broker.port());
    settings.http = format!("token: {token}, read: anyone");
    settings.redis = format!("url: \"redis://user:{redis}@127.0.0.1:{}\"", mute.port());
    settings.locks = "backend: file";
    settings.log = "debug,givtcp=trace";
    let program = Program::run(&settings);
    let mut out = Out::default();
    let port = port_of(&program, "and /api/v1/").await;
    program.logs("refused", SOON).await;
    let bearer = format!("Authorization: Bearer {token}\r\nX-Forwarded-For: 192.0.2.1\r\n");
    let wrong = format!("Authorization: Bearer {token}x\r\nX-Forwarded-For: 192.0.2.1\r\n");
    let paths = ["/", "/api/v1/settings", "/api/v1/plants", "/api/v1/plants/1/snapshot", "/api/v1/plants/1/health"];
    let more = ["/api/v1/events", "/api/v1/openapi.json", "/REST1/settings", "/metrics", "/readyz", "/nothing"];
    for path in paths.into_iter().chain(more) {
        for headers in ["", &bearer, &wrong] {
            let answer = ask(port, "GET", path, headers, "").await;
            out.put(path, answer);
        }
    }
    for body in ["{\"reservePercent\": 3000}", "no"] {
        let answer = ask(port, "POST", "/api/v1/plants/1/commands/setBatteryReserve", &bearer, body).await;
        out.put("a command", answer);
    }
    // Faults beside and inside secrets, while it runs and at the command line.
    let file = program.data().parent().unwrap().join("givtcp.yaml");
    let good = settings.text();
    let faults = [
        good.replace(&format!("token: {token}"), &format!("token: \"{MARK}\"")),
        good.replace("redis://", "reddis://"),
        good.replace("every: 5s", "every: 1s"),
        good.replace(&format!("password: {password}"), &format!("password: [{password}]")),
        good.replace(&format!("password: {password}"), &format!("password: \"{password}")),
        good.replace("password:", "pasword:"),
        good.replace("redis:", "redis: {password: "),
    ];
    let mut refused = 0;
    for text in &faults {
        std::fs::write(&file, text).unwrap();
        program.signal("HUP").await;
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < SOON, "the fault is told: {text}");
            let count = program.log_with("the settings are not taken").len();
            if count > refused {
                refused = count;
                break;
            }
            sleep(Duration::from_millis(20)).await;
        }
        out.put("faults", ask(port, "GET", "/api/v1/settings", "", "").await);
        out.output("check of faults", &program.beside(&["check", "--config", "givtcp.yaml"], SOON).await);
    }
    // A broker that takes everything, and TLS where there is none.
    let open =
        good.replace(&format!("port: {}, username", broker.port()), &format!("port: {}, username", watched.port()));
    std::fs::write(&file, &open).unwrap();
    observer.wait_until(SOON, "values arrive", |seen| seen.messages().len() > 50).await;
    std::fs::write(&file, good.replace("mqtt: {", "mqtt: { tls: { enabled: true },")).unwrap();
    program.logs("tls", SOON).await;
    out.output("check", &program.beside(&["check", "--config", "givtcp.yaml"], SOON).await);
    out.output("read", &program.beside(&["read", "--config", "givtcp.yaml"], SOON).await);
    out.put("messages", observer.since(0).join("\n"));
    out.put("the log", program.log().join("\n"));
    assert!(program.log().len() > 50 && observer.since(0).len() > 50, "there is something to search");
    let shown = |text: &str| out.0.iter().any(|(_, all)| all.contains(text));
    assert!(shown("mqtt.password") && shown("redis.url") && shown("(hidden)"), "secrets are named");
    out.has_none();
}
