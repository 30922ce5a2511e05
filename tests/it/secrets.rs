//! No secret of the settings appears in anything that comes out.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use givtcp::diagnosis::archive::unpack;

use crate::host::{Face, Host, plant};
use crate::http::port_of;
use crate::mosquitto::{Mosquitto, Options};
use crate::program::{Program, Settings};
use crate::supervisor::{Supervisor, TOKEN as TOKEN_OF_SUPERVISOR};

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
        let lines = self.0.iter().flat_map(|(what, text)| text.lines().map(move |line| (what, line)));
        let found: Vec<_> = lines.filter(|(_, line)| line.contains(MARK)).collect();
        assert!(found.is_empty(), "a secret comes out: {found:#?}");
    }
}

async fn ask(port: u16, method: &str, path: &str, headers: &str, body: &str) -> String {
    String::from_utf8_lossy(&ask_bytes(port, method, path, headers, body).await).into_owned()
}

/// The whole answer as it comes.
async fn ask_bytes(port: u16, method: &str, path: &str, headers: &str, body: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let length = body.len();
    let text = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n{headers}Content-Type: \
         application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    timeout(SOON, stream.read_to_end(&mut answer)).await.expect("an answer in time").unwrap();
    answer
}

/// What an archive holds, unpacked.
fn unpacked(archive: &[u8]) -> String {
    let texts = unpack(archive).expect("an archive");
    assert!(texts.iter().any(|text| text.name == "settings.txt") && texts.iter().any(|text| text.name == "log.txt"));
    texts.iter().map(|text| [&*text.name, "\n", &text.text, "\n"].concat()).collect()
}

/// An archive by HTTP, and by the command line.
async fn archives(program: &Program, port: u16, bearer: &str, config: &[&str], out: &mut Out) {
    out.put("asking for an archive", ask(port, "POST", "/api/v1/diagnosis", bearer, "{}").await);
    let begun = Instant::now();
    while !ask(port, "GET", "/api/v1/diagnosis", bearer, "").await.contains("\"ready\"") {
        assert!(begun.elapsed() < SOON, "the archive is made");
        sleep(Duration::from_millis(50)).await;
    }
    let answer = ask_bytes(port, "GET", "/api/v1/diagnosis/archive", bearer, "").await;
    let body = answer.windows(4).position(|end| end == b"\r\n\r\n").expect("a body") + 4;
    out.put("the archive of the page", unpacked(&answer[body..]));
    let file = program.data().join("it.tar.gz");
    let name = file.display().to_string();
    let output = program.beside(&[&["diagnose"], config, &[&name]].concat(), SOON).await;
    assert!(output.status.success(), "{output:?}");
    out.output("diagnose", &output);
    out.put("the archive of the command line", unpacked(&std::fs::read(file).unwrap()));
}

#[tokio::test]
async fn no_secret_appears_in_the_log_answers_errors_messages_or_archives() {
    let secret = |of: &str| format!("{MARK}-of-{of}-0123456789");
    let (password, token, redis, influx) = (secret("mqtt"), secret("http"), secret("redis"), secret("influx"));
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
    // It answers no InfluxDB's way.
    let told = [
        ("GIVTCP_INFLUX__ENABLED", "true".to_owned()),
        ("GIVTCP_INFLUX__URL", format!("http://127.0.0.1:{}", mute.port())),
        ("GIVTCP_INFLUX__TOKEN", influx),
        ("GIVTCP_INFLUX__ORG", "home".to_owned()),
        ("GIVTCP_INFLUX__BUCKET", "solar".to_owned()),
    ];
    let program = Program::run_told(Arc::new(tempfile::tempdir().unwrap()), &settings, &told);
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
    std::fs::write(&file, &good).unwrap();
    archives(&program, port, &bearer, &["--config", "givtcp.yaml"], &mut out).await;
    // A broker that takes everything, and TLS where there is none.
    let open =
        good.replace(&format!("port: {}, username", broker.port()), &format!("port: {}, username", watched.port()));
    std::fs::write(&file, &open).unwrap();
    observer.wait_until(SOON, "values arrive", |seen| seen.messages().len() > 50).await;
    std::fs::write(&file, &faults[0]).unwrap();
    observer.wait_until(SOON, "faults are told", |seen| seen.since(0).concat().contains("http.token: must")).await;
    std::fs::write(&file, good.replace("mqtt: {", "mqtt: { tls: { enabled: true },")).unwrap();
    program.logs("tls", SOON).await;
    out.output("check", &program.beside(&["check", "--config", "givtcp.yaml"], SOON).await);
    out.output("read", &program.beside(&["read", "--config", "givtcp.yaml"], SOON).await);
    out.put("messages", observer.since(0).join("\n"));
    out.put("the log", program.log().join("\n"));
    assert!(program.log().len() > 30 && observer.since(0).len() > 50, "something to search: {:#?}", program.log());
    let shown = |text: &str| out.0.iter().any(|(_, all)| all.contains(text));
    assert!(shown("mqtt.password") && shown("redis.url") && shown("(hidden)"), "secrets are named");
    assert!(shown("influx.token"), "and so is this one");
    out.has_none();
}

#[tokio::test]
async fn nothing_that_the_supervisor_tells_appears_either() {
    let supervisor = Supervisor::start().await;
    let broker = Mosquitto::with(Options { password: Some(("addons", "another")), ..Options::default() }).await;
    supervisor.has_broker(broker.port(), "addons", &format!("{MARK}-of-the-broker"));
    let dongle = Host::new(Face::Plant(plant(1)));
    let root = Arc::new(tempfile::tempdir().unwrap());
    for directory in ["config", "data"] {
        std::fs::create_dir(root.path().join(directory)).unwrap();
    }
    let options = format!(
        "{{\"inverters\": [{{\"host\": \"127.0.0.1\", \"port\": {}}}], \"mqtt\": {{}}, \"token\": \"{MARK}-of-http-0123456789\"}}",
        dongle.port()
    );
    std::fs::write(root.path().join("data/options.json"), options).unwrap();
    let mut told = supervisor.environment(root.path());
    told.push(("GIVTCP_LOG__LEVEL", "debug,givtcp=trace".to_owned()));
    let program = Program::start_told(Arc::clone(&root), &["run"], &told);
    let port = port_of(&program, "and /api/v1/").await;
    program.logs("refused the user name or password", SOON).await;
    let bearer = format!("Authorization: Bearer {MARK}-of-http-0123456789\r\n");
    let mut out = Out::default();
    for path in ["/", "/api/v1/settings", "/REST1/settings", "/metrics", "/api/v1/events"] {
        out.put(path, ask(port, "GET", path, &bearer, "").await);
    }
    out.put("the log", program.log().join("\n"));
    assert!(out.0.iter().any(|(_, text)| text.contains("http.token")), "secrets are named");
    out.has_none();
    assert!(out.0.iter().all(|(_, text)| !text.contains(TOKEN_OF_SUPERVISOR)), "the Supervisor's own token");
}
