//! The MQTT session against a real Mosquitto.

use std::sync::Arc;
use std::time::Duration;

use givtcp::catalogue::{Leaf, Payload, Tree};
use givtcp::event::Whose;
use givtcp::frame::Serial;
use givtcp::mqtt::{MqttCounters, Qos, SessionSettings, run, tls_config};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::log::Log;
use crate::mosquitto::{Mosquitto, Observer, Options};

const SOON: Duration = Duration::from_secs(5);
const STATUS: &str = "GivEnergy/SA2114G047/Stats/status";

fn leaf(path: &str, payload: impl Into<Payload>) -> Leaf {
    Leaf { path: path.into(), payload: payload.into() }
}

fn tree(leaves: Vec<Leaf>) -> Tree {
    Tree {
        serial: Serial::new(*b"SA2114G047"),
        online: true,
        leaves,
        left_out: Arc::default(),
        notices: Arc::default(),
    }
}

/// `count` leaves with one value.
fn wide(count: usize, value: i64) -> Tree {
    tree((0..count).map(|n| leaf(&format!("Power/Power/Leaf_{n}"), value)).collect())
}

fn topic(path: &str) -> String {
    format!("GivEnergy/SA2114G047/{path}")
}

fn settings(port: u16) -> SessionSettings {
    SessionSettings {
        republish_every: Duration::ZERO,
        will_delay: Duration::ZERO,
        ..SessionSettings::new("localhost", port)
    }
}

/// A session in its own task; dropped it is cut off as a crash would.
struct Session {
    tree: watch::Sender<Option<Arc<Tree>>>,
    shutdown: CancellationToken,
    counters: Arc<MqttCounters>,
    task: JoinHandle<()>,
}

impl Session {
    fn start(settings: SessionSettings) -> Self {
        let (tree, receiver) = watch::channel(None);
        let shutdown = CancellationToken::new();
        let counters = Arc::clone(&settings.counters);
        let task = tokio::spawn(run(settings, receiver, shutdown.clone()));
        Self { tree, shutdown, counters, task }
    }

    fn send(&self, tree: Tree) {
        self.tree.send_replace(Some(Arc::new(tree)));
    }

    async fn stop(mut self) -> Duration {
        let begun = Instant::now();
        self.shutdown.cancel();
        timeout(SOON, &mut self.task).await.expect("the session ends").expect("without a panic");
        begun.elapsed()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Forwards to a broker, and can cut what it forwards.
struct Line {
    port: u16,
    cut: tokio::sync::mpsc::Sender<()>,
}

impl Line {
    async fn to(broker: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (cut, mut cuts) = tokio::sync::mpsc::channel(1);
        tokio::spawn(async move {
            let mut open = JoinSet::new();
            loop {
                tokio::select! {
                    biased;
                    cut = cuts.recv() => match cut {
                        Some(()) => open.shutdown().await,
                        None => return,
                    },
                    near = listener.accept() => {
                        let (mut near, _) = near.unwrap();
                        open.spawn(async move {
                            if let Ok(mut far) = TcpStream::connect(("127.0.0.1", broker)).await {
                                let _ended = copy_bidirectional(&mut near, &mut far).await;
                            }
                        });
                    }
                }
            }
        });
        Self { port, cut }
    }

    async fn cut(&self) {
        self.cut.send(()).await.unwrap();
    }
}

#[tokio::test]
async fn only_what_changed_is_published_and_payloads_arrive_as_they_are() {
    let broker = Mosquitto::start().await;
    let observer = broker.observe().await;
    let session = Session::start(settings(broker.port()));
    let leaves = |soc: i64| {
        vec![
            leaf("Power/Power/SOC", soc),
            leaf("Power/Power/Battery_Voltage", 50.0),
            leaf("Power/Power/Grid_Power", -42),
            leaf("Energy/Today/PV Energy Today kWh", 12.3),
            leaf("Stats/Last_Updated_Time", "2026-01-31T10:00:00.000000+00:00"),
            leaf("Control/Enable_Charge_Schedule", "enable"),
            leaf("Battery_Details/Battery_1/name", "  spaces \u{fc}ml\u{e4}ut ".to_owned()),
        ]
    };
    session.send(tree(leaves(57)));
    observer.wait_until(SOON, "everything is there", |observer| observer.state().len() == 8).await;
    let state = observer.state().into_iter().map(|(topic, payload)| format!("{topic}={payload}")).collect::<Vec<_>>();
    assert_eq!(
        state,
        [
            "GivEnergy/SA2114G047/Battery_Details/Battery_1/name=  spaces \u{fc}ml\u{e4}ut ",
            "GivEnergy/SA2114G047/Control/Enable_Charge_Schedule=enable",
            "GivEnergy/SA2114G047/Energy/Today/PV_Energy_Today_kWh=12.3",
            "GivEnergy/SA2114G047/Power/Power/Battery_Voltage=50.0",
            "GivEnergy/SA2114G047/Power/Power/Grid_Power=-42",
            "GivEnergy/SA2114G047/Power/Power/SOC=57",
            "GivEnergy/SA2114G047/Stats/Last_Updated_Time=2026-01-31T10:00:00.000000+00:00",
            "GivEnergy/SA2114G047/Stats/status=online",
        ]
    );
    let before = observer.messages().len();
    for soc in [57, 58, 58, 59] {
        session.send(tree(leaves(soc)));
        sleep(Duration::from_millis(100)).await;
    }
    observer.wait_for(&topic("Power/Power/SOC"), "59", SOON).await;
    assert_eq!(
        observer.since(before),
        [format!("{} 58", topic("Power/Power/SOC")), format!("{} 59", topic("Power/Power/SOC"))]
    );
    assert_eq!((session.counters.published(), session.counters.failed()), (10, 0));
}

#[tokio::test]
async fn what_happens_is_told_once_and_not_retained() {
    let broker = Mosquitto::start().await;
    let observer = broker.observe().await;
    let settings = settings(broker.port());
    let events = settings.events.clone();
    let session = Session::start(settings);
    session.send(wide(1, 1));
    observer.wait_for(STATUS, "online", SOON).await;
    let whose = |serial: &[u8; 10]| Whose {
        name: "garage",
        inverter: Serial::new(*serial),
        at: "2026-01-31T10:00:00Z".parse().unwrap(),
    };
    events.device_lost(whose(b"SA2114G999"), 0x32);
    events.device_lost(whose(b"SA2114G047"), 0x33);
    let told = "{\"number\":2,\"at\":\"2026-01-31T10:00:00Z\",\"inverter\":\"SA2114G047\",\
                \"kind\":\"device_lost\",\"device\":\"0x33\"}";
    observer.wait_for(&topic("Event"), told, SOON).await;
    let later = broker.observe().await;
    later.wait_for(STATUS, "online", SOON).await;
    assert!(!later.state().contains_key(&topic("Event")), "not retained");
    assert_eq!(session.counters.events_dropped(), 0);
}

#[tokio::test]
async fn everything_is_back_after_the_broker_was_killed_and_forgot_it() {
    let log = Log::capture();
    let mut broker = Mosquitto::start().await;
    let session = Session::start(SessionSettings { will_delay: Duration::from_secs(30), ..settings(broker.port()) });
    let observer = broker.observe().await;
    session.send(wide(300, 1));
    observer.wait_until(SOON, "everything is there", |observer| observer.state().len() == 301).await;
    broker.kill().await;
    log.wait_for("cannot be reached").await;
    session.send(wide(300, 2));
    sleep(Duration::from_secs(2)).await;
    broker.start_again().await;
    let back = Instant::now();
    let observer = broker.observe().await;
    let all = |observer: &Observer| {
        observer.state().len() == 301 && observer.state().values().all(|v| v == "2" || v == "online")
    };
    observer.wait_until(Duration::from_secs(10), "everything is back", all).await;
    assert!(back.elapsed() < Duration::from_secs(10), "{:?}", back.elapsed());
    assert_eq!((session.counters.connects(), session.counters.reconnects()), (2, 1));
    let lines = log.lines();
    assert_eq!((log.count("cannot be reached"), log.count("is back after")), (1, 1), "{lines:#?}");
}

#[tokio::test]
async fn the_will_says_offline_when_the_program_dies() {
    let broker = Mosquitto::start().await;
    let observer = broker.observe().await;
    let session = Session::start(settings(broker.port()));
    session.send(wide(1, 1));
    observer.wait_for(STATUS, "online", SOON).await;
    drop(session);
    observer.wait_for(STATUS, "offline", SOON).await;
    let later = broker.observe().await;
    later.wait_for(STATUS, "offline", SOON).await;
    assert!(later.messages().iter().all(|message| message.stale), "the will is retained");
}

#[tokio::test]
async fn the_will_waits_for_its_delay() {
    let broker = Mosquitto::start().await;
    let observer = broker.observe().await;
    let session = Session::start(SessionSettings { will_delay: Duration::from_secs(3), ..settings(broker.port()) });
    session.send(wide(1, 1));
    observer.wait_for(STATUS, "online", SOON).await;
    let died = Instant::now();
    drop(session);
    observer.wait_for(STATUS, "offline", 2 * SOON).await;
    assert!(died.elapsed() > Duration::from_millis(1900), "{:?}", died.elapsed());
}

#[tokio::test]
async fn a_break_shorter_than_the_wills_delay_never_says_offline() {
    let broker = Mosquitto::start().await;
    let line = Line::to(broker.port()).await;
    let observer = broker.observe().await;
    let session = Session::start(SessionSettings { will_delay: Duration::from_secs(3), ..settings(line.port) });
    session.send(wide(1, 1));
    observer.wait_for(&topic("Power/Power/Leaf_0"), "1", SOON).await;
    line.cut().await;
    observer.wait_until(SOON, "the session is back", |_| session.counters.reconnects() == 1).await;
    sleep(Duration::from_secs(5)).await;
    let said: Vec<_> = observer.messages().into_iter().filter(|m| m.topic == STATUS).map(|m| m.payload).collect();
    assert_eq!(said, ["online", "online"]);
}

#[tokio::test]
async fn availability_follows_the_inverter_and_shutdown_says_offline() {
    for qos in [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce] {
        let broker = Mosquitto::start().await;
        let observer = broker.observe().await;
        let session =
            Session::start(SessionSettings { qos, will_delay: Duration::from_secs(30), ..settings(broker.port()) });
        session.send(wide(200, 1));
        observer.wait_for(STATUS, "online", SOON).await;
        session.send(Tree { online: false, ..wide(200, 1) });
        observer.wait_for(STATUS, "offline", SOON).await;
        session.send(wide(200, 2));
        observer.wait_for(STATUS, "online", SOON).await;
        let took = session.stop().await;
        assert!(took < Duration::from_secs(1), "{took:?}");
        observer.wait_for(STATUS, "offline", SOON).await;
        let later = broker.observe().await;
        later.wait_for(STATUS, "offline", SOON).await;
    }
}

#[tokio::test]
async fn shutdown_does_not_wait_for_a_broker_that_hangs_or_is_away() {
    let mut broker = Mosquitto::start().await;
    let observer = broker.observe().await;
    let session = Session::start(settings(broker.port()));
    session.send(wide(1, 1));
    observer.wait_for(STATUS, "online", SOON).await;
    broker.freeze().await;
    let took = session.stop().await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    broker.kill().await;
    let session = Session::start(settings(broker.port()));
    session.send(wide(1, 1));
    sleep(Duration::from_millis(300)).await;
    let took = session.stop().await;
    assert!(took < Duration::from_millis(100), "{took:?}");
}

#[tokio::test]
async fn a_refused_password_is_one_clear_line_and_tried_again() {
    // No line has it by chance: one of a broker that is away says what must be right.
    const PASSWORD: &str = "4f-sesame";
    let log = Log::capture();
    let right = Options { password: Some(("giv", PASSWORD)), ..Options::default() };
    let wrong = Options { password: Some(("giv", "other")), ..Options::default() };
    let mut broker = Mosquitto::with(wrong).await;
    let mut settings = settings(broker.port());
    settings.host = "127.0.0.1".to_owned();
    settings.username = "giv".to_owned();
    settings.password = PASSWORD.to_owned().into();
    let session = Session::start(settings);
    session.send(wide(3, 1));
    log.wait_for("refused").await;
    sleep(Duration::from_secs(1)).await;
    let refused = format!(
        "WARN mqtt broker 127.0.0.1:{} refused the user name or password: check mqtt.username and mqtt.password \
         inverter.serial=SA2114G047",
        broker.port()
    );
    assert_eq!(log.lines(), [refused]);
    broker.kill().await;
    broker.start_again_with(right).await;
    let observer = broker.observe().await;
    observer.wait_for(STATUS, "online", 2 * SOON).await;
    assert_eq!(log.count("refused the user name"), 1);
    assert_eq!(log.count("is back after"), 1);
    assert!(!log.lines().iter().any(|line| line.contains(PASSWORD)), "no line holds the password");
}

#[tokio::test]
async fn tls_trusts_the_ca_file_and_nothing_else() {
    let log = Log::capture();
    let broker = Mosquitto::with(Options { tls: true, ..Options::default() }).await;
    let stranger = Mosquitto::with(Options { tls: true, ..Options::default() }).await;
    let observer = broker.observe().await;
    let ca = broker.certificates().ca;
    let trusting = SessionSettings { tls: Some(tls_config(Some(&ca), None, None).unwrap()), ..settings(broker.port()) };
    let session = Session::start(trusting.clone());
    session.send(wide(300, 1));
    observer.wait_until(SOON, "everything is there", |observer| observer.state().len() == 301).await;
    session.stop().await;
    observer.wait_for(STATUS, "offline", SOON).await;

    let session = Session::start(SessionSettings { port: stranger.port(), ..trusting.clone() });
    session.send(wide(1, 1));
    log.wait_for("cannot be trusted, check mqtt.tls.ca_file and that the certificate is for mqtt.host").await;
    assert_eq!(session.counters.connects(), 1);
    let plain = Mosquitto::start().await;
    let session = Session::start(SessionSettings { port: plain.port(), ..trusting.clone() });
    session.send(wide(1, 1));
    let closed = "closed the connection before it was acknowledged, check mqtt.port and whether the broker wants tls";
    log.wait_for(&format!("mqtt broker localhost:{} {closed}", plain.port())).await;
    let session = Session::start(SessionSettings { tls: None, ..trusting });
    session.send(wide(1, 1));
    log.wait_for(&format!("mqtt broker localhost:{} {closed}", broker.port())).await;
}

#[tokio::test]
async fn tls_shows_the_client_certificate() {
    let log = Log::capture();
    let broker = Mosquitto::with(Options { tls: true, client_certificate: true, ..Options::default() }).await;
    let observer = broker.observe().await;
    let files = broker.certificates();
    let without = tls_config(Some(&files.ca), None, None).unwrap();
    let session = Session::start(SessionSettings { tls: Some(without), ..settings(broker.port()) });
    session.send(wide(1, 1));
    log.wait_for("refused the client certificate, check mqtt.tls.cert_file and mqtt.tls.key_file").await;
    drop(session);
    let with = tls_config(Some(&files.ca), Some(&files.client), Some(&files.client_key)).unwrap();
    let session = Session::start(SessionSettings { tls: Some(with), ..settings(broker.port()) });
    session.send(wide(300, 1));
    observer.wait_until(SOON, "everything is there", |observer| observer.state().len() == 301).await;
    assert_eq!(session.counters.connects(), 1);
}

/// A hundred trees of 300 leaves of 1 kB: more than the sockets between take.
#[tokio::test]
async fn a_broker_that_hangs_never_holds_the_sender_and_gets_the_newest_values() {
    let broker = Mosquitto::start().await;
    let observer = broker.observe().await;
    let session = Session::start(SessionSettings { keep_alive: Duration::from_secs(60), ..settings(broker.port()) });
    let filled = |value: usize| {
        let text: Arc<str> = format!("{value}{}", "-".repeat(1000)).into();
        tree((0..300).map(|n| leaf(&format!("Leaf_{n}"), Payload::Text(Arc::clone(&text)))).collect())
    };
    session.send(filled(0));
    observer.wait_until(SOON, "everything is there", |observer| observer.state().len() == 301).await;
    broker.freeze().await;
    let frozen = Instant::now();
    let mut longest = Duration::ZERO;
    for value in 1..=100 {
        let next = filled(value);
        let begun = Instant::now();
        session.send(next);
        longest = longest.max(begun.elapsed());
        sleep(Duration::from_millis(200)).await;
    }
    assert!(frozen.elapsed() >= Duration::from_secs(20));
    assert!(longest < Duration::from_millis(5), "{longest:?}");
    broker.thaw().await;
    let newest =
        |observer: &Observer| observer.state().values().filter(|value| value.starts_with("100-")).count() == 300;
    observer.wait_until(2 * SOON, "the newest values are there", newest).await;
    assert!(session.counters.published() < 300 * 100, "what was old was not sent: {}", session.counters.published());
    assert_eq!(session.counters.reconnects(), 0);
}

#[tokio::test]
async fn a_broker_that_does_not_answer_a_ping_is_left_and_found_again() {
    let log = Log::capture();
    let broker = Mosquitto::start().await;
    let observer = broker.observe().await;
    let session = Session::start(SessionSettings { keep_alive: Duration::from_secs(2), ..settings(broker.port()) });
    session.send(wide(10, 1));
    observer.wait_for(STATUS, "online", SOON).await;
    broker.freeze().await;
    log.wait_for("did not answer a ping within: 1s").await;
    session.send(wide(10, 2));
    broker.thaw().await;
    observer.wait_for(&topic("Power/Power/Leaf_9"), "2", 2 * SOON).await;
    observer.wait_for(STATUS, "online", SOON).await;
    assert_eq!(session.counters.reconnects(), 1);
}

#[tokio::test]
async fn a_vanished_leaf_is_taken_off_the_broker() {
    let broker = Mosquitto::start().await;
    let session = Session::start(settings(broker.port()));
    let observer = broker.observe().await;
    session.send(wide(3, 1));
    observer.wait_until(SOON, "everything is there", |observer| observer.state().len() == 4).await;
    session.send(wide(2, 1));
    observer.wait_for(&topic("Power/Power/Leaf_2"), "", SOON).await;
    let later = broker.observe().await;
    later.wait_until(SOON, "the rest is there", |later| later.state().len() == 3).await;
    sleep(Duration::from_millis(200)).await;
    assert!(later.messages().iter().all(|message| !message.topic.ends_with("Leaf_2")));
    assert_eq!(observer.messages().iter().filter(|message| message.payload.is_empty()).count(), 1);
}

#[tokio::test]
async fn without_retain_only_the_availability_is_kept() {
    let broker = Mosquitto::start().await;
    let observer = broker.observe().await;
    let session = Session::start(SessionSettings { retain: false, ..settings(broker.port()) });
    session.send(wide(3, 1));
    observer.wait_until(SOON, "everything is there", |observer| observer.state().len() == 4).await;
    let later = broker.observe().await;
    later.wait_for(STATUS, "online", SOON).await;
    sleep(Duration::from_millis(200)).await;
    assert_eq!(later.messages().len(), 1);
}

#[tokio::test]
async fn all_is_published_again_within_the_period_but_not_at_once() {
    let broker = Mosquitto::start().await;
    let observer = broker.observe().await;
    let session =
        Session::start(SessionSettings { republish_every: Duration::from_secs(3), ..settings(broker.port()) });
    session.send(wide(100, 1));
    observer.wait_until(SOON, "everything is there", |observer| observer.state().len() == 101).await;
    let (begun, before) = (Instant::now(), observer.messages().len());
    sleep(Duration::from_millis(3300)).await;
    let again: Vec<_> = observer.messages().into_iter().skip(before).collect();
    let mut topics: Vec<_> = again.iter().map(|message| message.topic.clone()).collect();
    topics.sort();
    topics.dedup();
    assert_eq!(topics.len(), 101);
    assert!(again.len() < 150, "{} publishes in 1.1 periods", again.len());
    for half_second in 0..6 {
        let bin = |message: &&crate::mosquitto::Message| (message.at - begun).as_millis() / 500 == half_second;
        let count = again.iter().filter(bin).count();
        assert!((3..40).contains(&count), "{count} of 101 in one sixth of the period");
    }
}

#[tokio::test]
async fn acknowledged_publishes_arrive_once_and_more_than_fit_in_flight() {
    for (qos, number) in [(Qos::AtLeastOnce, 1), (Qos::ExactlyOnce, 2)] {
        let broker = Mosquitto::start().await;
        let observer = broker.observe().await;
        let session = Session::start(SessionSettings { qos, ..settings(broker.port()) });
        for value in 1..=3 {
            session.send(wide(300, value));
            let all = |observer: &Observer| observer.messages().len() == 301 + 300 * (value as usize - 1);
            observer.wait_until(SOON, "everything is there", all).await;
        }
        sleep(Duration::from_millis(100)).await;
        assert_eq!(observer.messages().len(), 901, "each arrived once");
        assert!(observer.messages().iter().all(|message| message.qos == number));
        assert!(observer.state().values().all(|value| value == "3" || value == "online"));
        assert_eq!((session.counters.published(), session.counters.failed()), (901, 0));
    }
}

#[tokio::test]
async fn what_is_no_broker_is_said_to_be_none() {
    let log = Log::capture();
    for (answer, line) in [
        (&b""[..], "closed the connection before it was acknowledged"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak mqtt 5 on this port"),
        (b"\x20\x02\x00\x01", "does not speak mqtt 5 on this port"),
        (b"\xd0\x00", "does not speak mqtt 5 on this port"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let session = Session::start(settings(port));
        session.send(wide(1, 1));
        let (mut socket, _) = timeout(SOON, listener.accept()).await.unwrap().unwrap();
        assert!(socket.read(&mut [0; 1024]).await.unwrap() > 0);
        socket.write_all(answer).await.unwrap();
        drop(socket);
        log.wait_for(&format!("mqtt broker localhost:{port} {line}")).await;
    }
}

#[tokio::test]
async fn another_inverter_begins_another_session() {
    let broker = Mosquitto::start().await;
    let observer = broker.observe().await;
    let session = Session::start(settings(broker.port()));
    session.send(wide(1, 1));
    observer.wait_for(STATUS, "online", SOON).await;
    session.send(Tree { serial: Serial::new(*b"CE2218G001"), ..wide(1, 7) });
    observer.wait_for("GivEnergy/CE2218G001/Power/Power/Leaf_0", "7", SOON).await;
    observer.wait_for("GivEnergy/CE2218G001/Stats/status", "online", SOON).await;
    observer.wait_for(STATUS, "offline", SOON).await;
    assert_eq!(observer.state().get(&topic("Power/Power/Leaf_0")).map(String::as_str), Some("1"));
}

#[tokio::test]
async fn the_session_ends_with_the_sender_of_trees() {
    let broker = Mosquitto::start().await;
    let observer = broker.observe().await;
    let mut session = Session::start(settings(broker.port()));
    session.send(wide(1, 1));
    observer.wait_for(STATUS, "online", SOON).await;
    drop(std::mem::replace(&mut session.tree, watch::channel(None).0));
    timeout(SOON, &mut session.task).await.expect("the session ends").expect("without a panic");
    observer.wait_for(STATUS, "offline", SOON).await;
}
