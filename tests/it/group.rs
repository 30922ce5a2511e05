//! Several processes with one Redis and the same settings: one reads each inverter, the others stand by.

use std::process::Output;
use std::sync::Arc;
use std::time::Duration;

use givtcp::frame::Bank;
use givtcp::simulator::Simulator;
use tokio::time::{Instant, sleep};

use crate::host::{Face, Host, plant};
use crate::http;
use crate::mosquitto::{Mosquitto, Observer};
use crate::program::{Program, Settings};
use crate::redis::Redis;

const LIFE: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_secs(5);
/// Beside a life and a poll: starting, connecting, and a machine that has other things to do.
const SLACK: Duration = Duration::from_secs(4);
const SOON: Duration = Duration::from_secs(20);

struct Site {
    simulators: Vec<Simulator>,
    hosts: Vec<Host>,
    broker: Mosquitto,
    redis: Redis,
}

impl Site {
    async fn with(inverters: u8) -> Self {
        let simulators: Vec<Simulator> = (1..=inverters).map(plant).collect();
        let hosts = simulators.iter().map(|simulator| Host::new(Face::Plant(simulator.clone()))).collect();
        Self { simulators, hosts, broker: Mosquitto::start().await, redis: Redis::start().await }
    }

    fn settings(&self) -> Settings {
        let settings = Settings {
            locks: "life: 2s",
            redis: format!("url: \"{}\"", self.redis.url()),
            ..Settings::new(self.broker.port())
        };
        self.hosts.iter().fold(settings, |settings, host| settings.dongle(host.port()))
    }

    /// One more process, on a machine of its own as far as its data are.
    fn process(&self) -> Program {
        Program::run(&self.settings())
    }

    fn topic(&self, place: usize, leaf: &str) -> String {
        format!("GivEnergy/{}/{leaf}", self.simulators[place].inverter_serial())
    }

    /// Never more than one connection to any dongle, for so long.
    async fn nobody_meets(&self, within: Duration, until: impl Fn() -> bool) {
        let begun = Instant::now();
        while !until() {
            assert!(begun.elapsed() < within, "not within {within:?}");
            for simulator in &self.simulators {
                assert!(simulator.clients() <= 1, "two pollers at once");
            }
            sleep(Duration::from_millis(5)).await;
        }
    }
}

fn said(observer: &Observer, topic: &str) -> Vec<String> {
    observer.messages().into_iter().filter(|message| message.topic == topic).map(|message| message.payload).collect()
}

fn polls(observer: &Observer, topic: &str) -> usize {
    observer.messages().iter().filter(|message| message.topic == topic && !message.stale).count()
}

fn kills() -> usize {
    if std::env::var_os("GIVTCP_SOAK").is_some() { 20 } else { 2 }
}

#[tokio::test]
async fn when_the_active_process_is_killed_another_polls_on_within_a_life_and_a_poll() {
    let site = Site::with(1).await;
    let observer = site.broker.observe().await;
    let (status, updated) = (site.topic(0, "Stats/status"), site.topic(0, "Stats/Last_Updated_Time"));
    let mut active = site.process();
    observer.wait_for(&status, "online", SOON).await;
    let mut standby = site.process();
    standby.logs("standing by until it lets go", SOON).await;
    let mut longest = Duration::ZERO;
    for kill in 0..kills() {
        let before = polls(&observer, &updated);
        let killed = Instant::now();
        active.signal("KILL").await;
        site.nobody_meets(LIFE + POLL + SLACK, || polls(&observer, &updated) > before).await;
        longest = longest.max(killed.elapsed());
        active = std::mem::replace(&mut standby, site.process());
        standby.logs("standing by until it lets go", SOON).await;
        assert_eq!(said(&observer, &status).last().map(String::as_str), Some("online"), "after kill {kill}");
    }
    println!("polled on at most {longest:?} after a kill");
    assert!(!said(&observer, &status).contains(&"offline".to_owned()), "{:?}", said(&observer, &status));

    // A standby that is killed changes nothing.
    let accepted = site.hosts[0].accepted().len();
    standby.signal("KILL").await;
    let before = polls(&observer, &updated);
    site.nobody_meets(POLL * 2 + SLACK, || polls(&observer, &updated) > before + 1).await;
    assert_eq!(site.hosts[0].accepted().len(), accepted);
    active.stops_on("TERM").await;
}

/// The same with the times that the settings have by themselves, once, in the long form.
#[tokio::test]
async fn with_default_times_another_polls_on_within_a_life_and_a_poll() {
    if std::env::var_os("GIVTCP_SOAK").is_none() {
        println!("this runs with GIVTCP_SOAK=1");
        return;
    }
    let site = Site::with(1).await;
    let (life, poll) = (Duration::from_secs(30), Duration::from_secs(15));
    let settings = Settings { locks: "life: 30s", poll: "every: 15s", ..site.settings() };
    let observer = site.broker.observe().await;
    let (status, updated) = (site.topic(0, "Stats/status"), site.topic(0, "Stats/Last_Updated_Time"));
    let active = Program::run(&settings);
    observer.wait_for(&status, "online", SOON).await;
    let mut standby = Program::run(&settings);
    standby.logs("standing by until it lets go", SOON).await;
    let (before, killed) = (polls(&observer, &updated), Instant::now());
    active.signal("KILL").await;
    site.nobody_meets(life + poll + SLACK, || polls(&observer, &updated) > before).await;
    println!("polled on {:?} after a kill, with a life of 30 s", killed.elapsed());
    assert!(!said(&observer, &status).contains(&"offline".to_owned()), "{:?}", said(&observer, &status));
    standby.stops_on("TERM").await;
}

#[tokio::test]
async fn a_process_that_stops_leaves_the_inverter_to_the_next_without_saying_offline() {
    let site = Site::with(1).await;
    let observer = site.broker.observe().await;
    let (status, updated) = (site.topic(0, "Stats/status"), site.topic(0, "Stats/Last_Updated_Time"));
    let active = site.process();
    observer.wait_for(&status, "online", SOON).await;
    let mut standby = site.process();
    standby.logs("standing by until it lets go", SOON).await;

    // What the active one read, the standby can tell.
    let port = site.hosts[0].port().to_string();
    let read = standby.beside(&["read", "--host", "127.0.0.1", "--port", &port, "--no-raw"], SOON).await;
    assert_eq!(read.status.code(), Some(0), "{}", String::from_utf8_lossy(&read.stderr));
    let values: serde_json::Value = serde_json::from_slice(&read.stdout).unwrap();
    assert_eq!((values["Power"]["Power"]["SOC"].clone(), values.get("raw")), (62.into(), None));

    // Both have counted each other.
    active.logs("2 processes share these inverters", SOON).await;
    let before = polls(&observer, &updated);
    active.signal("TERM").await;
    let stopped = Instant::now();
    site.nobody_meets(POLL + SLACK, || polls(&observer, &updated) > before).await;
    println!("polled on {:?} after the other was told to stop", stopped.elapsed());
    sleep(Duration::from_secs(2)).await;
    assert_eq!(said(&observer, &status).iter().filter(|payload| *payload == "offline").count(), 0);
    standby.stops_on("TERM").await;
    observer.wait_for(&status, "offline", SOON).await;
}

#[tokio::test]
async fn two_processes_part_four_inverters_and_one_takes_all_when_the_other_has_gone() {
    let site = Site::with(4).await;
    let observer = site.broker.observe().await;
    let mut first = site.process();
    for place in 0..4 {
        observer.wait_for(&site.topic(place, "Stats/status"), "online", SOON).await;
    }
    let mut second = site.process();
    second.logs("2 processes share these inverters", SOON).await;
    // Half of four, and one more.
    first.logs("inverters[3] is left to another of the 2 processes", SOON).await;
    second.logs(" is a HYBRID", SOON).await;
    first.signal("KILL").await;
    observer
        .wait_until(SOON, "all four polled by the second", |observer| {
            (0..4).all(|place| polls(observer, &site.topic(place, "Stats/Last_Updated_Time")) > 3)
        })
        .await;
    assert!(site.simulators.iter().all(|simulator| simulator.clients() <= 1));
    first.ends(SOON).await;
    second.stops_on("TERM").await;
}

#[tokio::test]
async fn alone_a_process_goes_on_without_redis_and_says_so_once() {
    let mut site = Site::with(1).await;
    let observer = site.broker.observe().await;
    let updated = site.topic(0, "Stats/Last_Updated_Time");
    let mut alone = site.process();
    observer.wait_for(&site.topic(0, "Stats/status"), "online", SOON).await;
    site.redis.kill().await;
    alone.logs("locks reach this machine only", SOON).await;
    let before = polls(&observer, &updated);
    observer.wait_until(SOON, "polls without Redis", |observer| polls(observer, &updated) > before + 1).await;
    site.redis.start_again().await;
    alone.logs("locks reach other machines again", SOON).await;
    let before = polls(&observer, &updated);
    observer.wait_until(SOON, "polls with Redis", |observer| polls(observer, &updated) > before + 1).await;
    assert_eq!(alone.log_with("locks reach this machine only").len(), 1, "{:#?}", alone.log());
    assert_eq!(site.hosts[0].accepted().len(), 1, "it kept its connection: {:#?}", alone.log());
    assert_eq!(said(&observer, &site.topic(0, "Stats/status")), ["online"], "{:#?}", alone.log());
    alone.stops_on("TERM").await;
}

#[tokio::test]
async fn alone_a_process_goes_on_steadily_while_redis_may_only_be_read() {
    let site = Site::with(1).await;
    let observer = site.broker.observe().await;
    let updated = site.topic(0, "Stats/Last_Updated_Time");
    let mut alone = site.process();
    observer.wait_for(&site.topic(0, "Stats/status"), "online", SOON).await;
    site.redis.cli(&["REPLICAOF", "127.0.0.1", "1"]).await;
    alone.logs("is a read-only replica, set redis.url to the primary; until it can be asked again", SOON).await;
    let before = polls(&observer, &updated);
    observer.wait_until(SOON, "polls", |observer| polls(observer, &updated) > before + 1).await;
    site.redis.cli(&["REPLICAOF", "NO", "ONE"]).await;
    alone.logs("locks reach other machines again", SOON).await;
    assert_eq!(site.hosts[0].accepted().len(), 1, "it kept its connection: {:#?}", alone.log());
    assert_eq!(said(&observer, &site.topic(0, "Stats/status")), ["online"], "{:#?}", alone.log());
    alone.stops_on("TERM").await;
}

/// One that has just begun in a group, and one that waits for a file.
#[tokio::test]
async fn a_successor_that_nobody_has_counted_is_looked_for_before_offline_is_said() {
    for in_redis in [true, false] {
        let site = Site::with(1).await;
        let observer = site.broker.observe().await;
        let status = site.topic(0, "Stats/status");
        let settings = Settings { locks: if in_redis { "life: 30s" } else { "backend: file" }, ..site.settings() };
        let dir = Arc::new(tempfile::tempdir().unwrap());
        let mut active = Program::run_in(Arc::clone(&dir), &settings);
        observer.wait_for(&status, "online", SOON).await;
        let mut next = if in_redis { Program::run(&settings) } else { Program::run_in(Arc::clone(&dir), &settings) };
        next.logs("standing by until it lets go", SOON).await;
        assert_eq!(active.log_with("2 processes share these inverters").len(), 0, "{:#?}", active.log());
        active.stops_on("TERM").await;
        next.logs("takes the inverter over", SOON).await;
        sleep(Duration::from_secs(1)).await;
        assert!(
            !said(&observer, &status).contains(&"offline".to_owned()),
            "{in_redis}: {:?}",
            said(&observer, &status)
        );
        next.stops_on("TERM").await;
        observer.wait_for(&status, "offline", SOON).await;
    }
}

#[tokio::test]
async fn a_process_that_is_stopped_as_soon_as_it_has_begun_leaves_no_lease() {
    let site = Site::with(1).await;
    for delay in (2..11).map(|step| Duration::from_millis(step * 10)) {
        let mut program = site.process();
        sleep(delay).await;
        program.signal("TERM").await;
        program.ends(SOON).await;
        let left = site.redis.cli(&["--scan", "--pattern", "givtcp:lock:*"]).await;
        assert_eq!(left, "", "stopped after {delay:?}");
    }
}

#[tokio::test]
async fn a_foreign_key_of_another_type_is_waited_for_and_said_with_what_to_do() {
    let site = Site::with(1).await;
    let key = format!("givtcp:lock:inverter_link:127.0.0.1:{}", site.hosts[0].port());
    site.redis.cli(&["HSET", &key, "a", "b"]).await;
    let mut waiting = site.process();
    waiting.logs("holds what givtcp did not write; standing by until that is gone", SOON).await;
    waiting.logs(&format!("redis-cli DEL '{key}'"), SOON).await;
    site.redis.cli(&["DEL", &key]).await;
    waiting.logs(" is a HYBRID", SOON).await;
    waiting.stops_on("TERM").await;
}

#[tokio::test]
async fn files_are_refused_while_another_has_the_inverter_by_redis() {
    let site = Site::with(1).await;
    let mut active = site.process();
    active.logs(" is a HYBRID", SOON).await;
    let back = Settings { locks: "backend: file", ..site.settings() };
    let mut refused = Program::run(&back);
    let said = refused.logs("locks.backend: cannot be file while", SOON).await;
    assert_eq!(refused.ends(SOON).await.code(), Some(1));
    assert!(said.contains(&format!("in process {}", active.id().unwrap())), "{:#?}", refused.log());
    active.stops_on("TERM").await;
    let mut allowed = Program::run(&back);
    allowed.logs(" is a HYBRID", SOON).await;
    allowed.stops_on("TERM").await;
}

/// Whoever is asked carries it out, by whoever has the inverter; an override too, from beginning to end.
#[tokio::test]
async fn a_standby_passes_commands_on_to_the_process_that_has_the_inverter() {
    let site = Site::with(1).await;
    let (observer, port) = (site.broker.observe().await, site.hosts[0].port().to_string());
    let active = site.process();
    observer.wait_for(&site.topic(0, "Stats/status"), "online", SOON).await;
    let mut standby = site.process();
    standby.logs("standing by until it lets go", SOON).await;
    let reserve = || site.simulators[0].get(0x11, Bank::Holding, 110);
    let give = async |what: &[&str]| {
        let target = ["--config", "givtcp.yaml", "--host", "127.0.0.1", "--port", &port];
        let Output { status, stdout, stderr } = standby.beside(&[what, &target].concat(), SOON).await;
        let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        (status.code(), said)
    };
    let (code, said) = give(&["set", "setBatteryReserve", "23"]).await;
    assert_eq!((code, reserve()), (Some(0), Some(23)), "{said}");
    assert!(said.contains("applied; HR 110 4 to 23"), "{said}");
    let (code, said) = give(&["set", "setBatteryReserve", "2"]).await;
    assert!(code == Some(1) && said.contains("out_of_range"), "as the one that has it would say: {said}");

    let force_charge = site.topic(0, "Control/Force_Charge");
    let (code, said) = give(&["override", "start", "force-charge", "30"]).await;
    assert_eq!(code, Some(0), "{said}");
    observer.wait_for(&force_charge, "Running", SOON).await;
    let (code, said) = give(&["override", "stop", "force-charge"]).await;
    assert_eq!(code, Some(0), "{said}");
    observer.wait_for(&force_charge, "Normal", SOON).await;
    assert_eq!(site.simulators[0].clients(), 1, "nobody else connected");

    // It reads what the other one read, and says so.
    let web = http::port_of(&standby, "and /api/v1/").await;
    let data = http::first_read(web).await;
    assert_eq!(data["Control"]["Battery_Power_Reserve"], 23, "{}", data["Control"]);
    assert!(data["Stats"]["Age"].as_u64().is_some_and(|age| age < 60), "{}", data["Stats"]);
    let serial = site.simulators[0].inverter_serial();
    for plant in ["1".to_owned(), serial.to_string()] {
        let answer = http::ask(web, "GET", &format!("/api/v1/plants/{plant}/snapshot"), "", "").await;
        assert_eq!((answer.status, answer.body["serial"].as_str()), (200, Some(&*serial.to_string())), "{plant}");
        assert!(answer.body["age"].is_u64(), "{plant}");
    }
    let own = http::first_read(http::port_of(&active, "and /api/v1/").await).await;
    assert!(own["Stats"].get("Age").is_none(), "{}", own["Stats"]);

    // The one that has it is stopped for a moment: nothing is done that nobody waits for any more.
    active.signal("STOP").await;
    let (code, said) = give(&["set", "setBatteryReserve", "24"]).await;
    assert!(code == Some(1) && said.contains("unreachable"), "{said}");
    active.signal("CONT").await;
    sleep(Duration::from_secs(3)).await;
    assert_eq!(reserve(), Some(23));
    standby.stops_on("TERM").await;
}
