//! Which overrides run, from one process to another and on to the broker.

use std::sync::Arc;
use std::time::Duration;

use givtcp::clock::{Clock, SystemClock};
use givtcp::link::Kind;
use givtcp::overrides::journal::{End, Group, Journal, Plan, Reach, Register, What};
use givtcp::redis_server::RedisServer;
use givtcp::simulator::{Options, Simulator};
use givtcp::status::{FileStatusManager, RedisStatusManager, Status, StatusManager, StatusName};
use givtcp::store::Store;
use jiff::SignedDuration;

use crate::host::{Face, Host, plant};
use crate::mosquitto::Mosquitto;
use crate::program::{Program, Settings, once};
use crate::redis::Redis;

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn an_override_of_another_process_is_shown_and_told_within_seconds() {
    let simulator = Simulator::new(Options::default());
    let (broker, host) = (Mosquitto::start().await, Host::new(Face::Plant(simulator.clone())));
    let observer = broker.observe().await;
    let program = Program::run(&Settings::new(broker.port()).dongle(host.port()));
    let root = format!("GivEnergy/{}", simulator.inverter_serial());
    let shows = async |leaf: &str, value: &str| {
        let topic = format!("{root}/Control/{leaf}");
        let shown =
            |observer: &crate::mosquitto::Observer| observer.state().get(&topic).is_some_and(|shown| shown == value);
        observer.wait_until(SOON, &format!("{leaf} {value}"), shown).await;
    };
    shows("Force_Charge", "Normal").await;
    let other = FileStatusManager::new(Store::open(program.data()).unwrap(), Arc::new(SystemClock));
    let since = SystemClock.now();
    let status = Status {
        name: StatusName::ForceCharge,
        inverter: simulator.inverter_serial(),
        since,
        until: since + SignedDuration::from_mins(30),
        holder: "a test".to_owned(),
        detail: String::new(),
    };
    other.set(&status).await.unwrap();
    shows("Force_Charge", "Running").await;
    shows("Force_Charge_Num", "30").await;
    shows("Force_Export", "Normal").await;
    other.clear(status.inverter, status.name).await.unwrap();
    shows("Force_Charge", "Normal").await;
    shows("Force_Charge_Num", "0").await;
    let told = |kind: &str| {
        let (topic, kind) = (format!("{root}/Event"), format!("\"kind\":\"{kind}\",\"name\":\"FCRunning\""));
        let messages = observer.messages();
        messages.iter().filter(|message| message.topic == topic && message.payload.contains(&kind)).count()
    };
    observer.wait_until(SOON, "events", |_| told("override_started") == 1 && told("override_ended") == 1).await;
    assert_eq!(program.log_with("force charge runs ").len(), 2, "{:#?}", program.log());
    assert!(program.complaints().is_empty(), "{:#?}", program.log());
}

/// One inverter's statuses lie where its own locks do, whatever the others have.
#[tokio::test]
async fn the_status_of_an_inverter_lies_where_its_own_locks_are() {
    let broker = Mosquitto::start().await;
    let redis = Redis::start().await;
    let plants = [plant(1), plant(2)];
    let hosts = plants.clone().map(|simulator| Host::new(Face::Plant(simulator)));
    let observer = broker.observe().await;
    let mut settings = Settings::new(broker.port());
    settings.redis = format!("url: \"{}\"", redis.url());
    settings.inverters = vec![
        format!("host: 127.0.0.1, port: {}, locks: {{ backend: file }}", hosts[0].port()),
        format!("host: 127.0.0.1, port: {}", hosts[1].port()),
    ];
    let program = Program::run(&settings);
    let topic = |place: usize| format!("GivEnergy/{}/Control/Force_Charge", plants[place].inverter_serial());
    let shows = |observer: &crate::mosquitto::Observer, place: usize, value: &str| {
        observer.state().get(&topic(place)).is_some_and(|shown| shown == value)
    };
    let both_normal = |observer: &crate::mosquitto::Observer| (0..2).all(|place| shows(observer, place, "Normal"));
    observer.wait_until(SOON, "both normal", both_normal).await;
    let files = FileStatusManager::new(Store::open(program.data()).unwrap(), Arc::new(SystemClock));
    let server = RedisServer::new(&redis.url().into(), None).unwrap();
    let in_redis = RedisStatusManager::new(server, Arc::new(SystemClock));
    let since = SystemClock.now();
    let status = |place: usize| Status {
        name: StatusName::ForceCharge,
        inverter: plants[place].inverter_serial(),
        since,
        until: since + SignedDuration::from_mins(30),
        holder: "a test".to_owned(),
        detail: String::new(),
    };
    // Each where it does not belong: that is seen by nobody.
    in_redis.set(&status(0)).await.unwrap();
    files.set(&status(1)).await.unwrap();
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(both_normal(&observer), "{:#?}", program.log_with("force charge runs"));
    files.set(&status(0)).await.unwrap();
    in_redis.set(&status(1)).await.unwrap();
    observer.wait_until(SOON, "both running", |observer| (0..2).all(|place| shows(observer, place, "Running"))).await;
}

#[tokio::test]
async fn what_others_left_behind_is_said_at_the_start() {
    let broker = Mosquitto::start().await;
    let data = tempfile::tempdir().unwrap();
    let journal = Journal::trusting(data.path(), Arc::new(SystemClock));
    let plan = Plan {
        what: What::Override(StatusName::ForceExport),
        inverter: "SA2114G047".parse().unwrap(),
        reach: Reach { host: "192.168.1.20".to_owned(), port: 8899, transport: Kind::Dongle },
        groups: vec![Group { name: "mode".to_owned(), registers: vec![Register::new(0x11, 27, 1, 0)] }],
        end: Some(End { at: SystemClock.now(), after_seconds: 60, slot: None }),
    };
    let id = journal.begin(plan, 1).await.unwrap().record().id;
    let mut settings = Settings::new(broker.port()).dongle(1);
    settings.link = "connect_timeout: 1s";
    let program = Program::run_with(&settings, |own| {
        std::fs::create_dir(own.join("journal")).unwrap();
        let name = format!("journal/SA2114G047-{id}.json");
        std::fs::copy(data.path().join(&name), own.join(&name)).unwrap();
        std::fs::write(own.join(".tpcRunning_1"), "job\n14:30").unwrap();
    });
    let said = program.logs("is not undone yet", SOON).await;
    assert!(said.contains("force export of inverter SA2114G047 at 192.168.1.20:8899 was begun at "), "{said}");
    let said = program.logs("GivTCP began a pause of charging here, to end at 14:30", SOON).await;
    assert!(said.contains(" WARN ") && said.contains("check the charge rate"), "{said}");
}

#[tokio::test]
async fn check_says_where_no_override_could_start() {
    let settings = "inverters: [{ host: 192.168.1.20 }]\n";
    let checked = async |data: &[(&str, &str)]| {
        let files = [&[("S.yaml", settings)], data].concat();
        let output = once(&files, &["check", "--config", "S.yaml"], SOON).await;
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let said = checked(&[("data", "")]).await;
    let expected = "warning: data_dir: no override can start, since what it must undo cannot be kept: ";
    assert!(said.starts_with(expected) && said.ends_with("/data is no directory, nor a link to one\n"), "{said}");
    let said = checked(&[]).await;
    assert!(said.is_empty() || said.contains(" is on a tmpfs"), "{said}");
}
