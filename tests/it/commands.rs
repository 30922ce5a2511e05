//! Commands over a real Mosquitto: from `mosquitto_pub` to the simulator's register, and what is told of them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use givtcp::catalogue::Tree;
use givtcp::control::{Outcome, Report};
use givtcp::frame::{Bank, Serial};
use givtcp::mqtt::{Listening, SessionSettings, run};
use givtcp::simulator::{Options, Simulator};
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::host::{Face, Host, quick};
use crate::mosquitto::{self, Mosquitto, Observer};
use crate::program::{Program, Settings};

const SOON: Duration = Duration::from_secs(15);
const RESERVE: u16 = 110;

struct House {
    broker: Mosquitto,
    plant: Simulator,
    host: Host,
    observer: Observer,
    program: Program,
    settings: Settings,
}

impl House {
    async fn with(control: &'static str, options: mosquitto::Options, plant: Options) -> Self {
        let plant = Simulator::new(plant);
        let (broker, host) = (Mosquitto::with(options).await, Host::new(Face::Plant(plant.clone())));
        let settings = Settings {
            control,
            log: "info,givtcp::mqtt=debug",
            link: "gap: 0ms, jitter: 0s, timeout: 500ms, connect_timeout: 1s, backoff_max: 1s",
            ..Settings::new(broker.port()).dongle(host.port())
        };
        let observer = broker.observe().await;
        let program = Program::run(&settings);
        let house = Self { broker, plant, host, observer, program, settings };
        house.settled().await;
        house
    }

    async fn new(control: &'static str) -> Self {
        Self::with(control, mosquitto::Options::default(), quick()).await
    }

    async fn settled(&self) {
        self.observer.wait_for(&self.topic("GivEnergy/SERIAL/Stats/status"), "online", SOON).await;
        // Past the look for devices.
        sleep(Duration::from_secs(1)).await;
    }

    async fn listens(&self) {
        self.program.logs("commands are taken from", SOON).await;
    }

    fn topic(&self, topic: &str) -> String {
        topic.replace("SERIAL", &self.plant.inverter_serial().to_string())
    }

    async fn publish(&self, name: &str, payload: &str, more: &[&str]) {
        self.broker.publish(&self.topic(&format!("GivEnergy/control/SERIAL/{name}")), payload, more).await;
    }

    /// All results of a command until now; none of them retained.
    fn results(&self, name: &str) -> Vec<Report> {
        let topic = self.topic(&format!("GivEnergy/result/SERIAL/{name}"));
        let all = self.observer.messages().into_iter().filter(|message| message.topic == topic);
        all.map(|message| serde_json::from_str(&message.payload).unwrap()).collect()
    }

    /// Publishes, and waits for one more result of this command.
    async fn ask(&self, name: &str, payload: &str, more: &[&str]) -> Report {
        let before = self.results(name).len();
        self.publish(name, payload, more).await;
        let what = format!("the result of {name} {payload}");
        self.observer.wait_until(SOON, &what, |_| self.results(name).len() > before).await;
        self.results(name).pop().unwrap()
    }

    fn reserve(&self) -> Option<u16> {
        self.plant.get(0x11, Bank::Holding, RESERVE)
    }
}

fn code(report: &Report) -> &str {
    match &report.outcome {
        Outcome::Refused { code, .. } => code,
        other => other.word(),
    }
}

#[tokio::test]
async fn a_command_reaches_the_register_and_its_result_arrives_and_what_is_no_command_is_refused() {
    let house = House::new("enabled: true").await;
    house.listens().await;
    assert_eq!(house.ask("setBatteryReserve", "27", &[]).await.outcome, Outcome::Applied);
    assert_eq!(house.reserve(), Some(27));
    assert_eq!(house.ask("setBatteryReserve", "27", &["-q", "2"]).await.outcome, Outcome::Unchanged);
    let report = house.ask("setBatteryReserve", r#"{"reservePercent": 31, "id": "one"}"#, &["-q", "1"]).await;
    assert_eq!((&report.outcome, report.id.as_deref(), house.reserve()), (&Outcome::Applied, Some("one"), Some(31)));
    let report = house.ask("setBatteryReserve", r#"{"reservePercent": 40, "dry_run": true}"#, &[]).await;
    assert_eq!((report.outcome, house.reserve()), (Outcome::Planned, Some(31)));

    assert_eq!(code(&house.ask("setBatteryReserve", "lots", &[]).await), "invalid");
    assert_eq!(code(&house.ask("openTheDoor", "1", &[]).await), "invalid");
    assert_eq!(code(&house.ask("setBatteryReserve", "45", &["-r"]).await), "retained");
    assert_eq!(code(&house.ask("rebootInverter", "", &[]).await), "not_confirmed");
    assert_eq!(code(&house.ask("rebootInverter", "SD9999G999", &[]).await), "not_confirmed");

    let again = house.ask("setBatteryReserve", r#"{"reservePercent": 31, "id": "one"}"#, &[]).await;
    assert_eq!((code(&again), again.id.as_deref()), ("duplicate", Some("one")));

    // Nobody hears these: another inverter, and another root.
    let told = house.results("setBatteryReserve").len();
    house.broker.publish("GivEnergy/control/SD9999G999/setBatteryReserve", "51", &[]).await;
    house.broker.publish(&house.topic("givenergy/control/SERIAL/setBatteryReserve"), "52", &[]).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!((house.results("setBatteryReserve").len(), house.reserve()), (told, Some(31)));
    let results = house.topic("GivEnergy/result/SERIAL/setBatteryReserve");
    let late = house.broker.observe().await;
    sleep(Duration::from_millis(500)).await;
    assert!(!late.state().contains_key(&results), "no result is retained");
    assert_eq!(house.ask("setBatteryReserve", "33", &[]).await.outcome, Outcome::Applied);
}

#[tokio::test]
async fn an_override_runs_until_it_is_called_off_and_the_clock_is_not_set_meanwhile() {
    let house = House::new("enabled: true").await;
    house.listens().await;
    let leaf = house.topic("GivEnergy/SERIAL/Control/Force_Charge");
    assert_eq!(house.ask("forceCharge", "30", &[]).await.outcome, Outcome::Applied);
    house.observer.wait_for(&leaf, "Running", SOON).await;
    for (command, payload) in [("syncDateTime", ""), ("setDateTime", "05/06/2026 12:00:00")] {
        assert_eq!(code(&house.ask(command, payload, &[]).await), "override_runs");
    }
    assert_eq!(house.ask("forceCharge", "Cancel", &[]).await.outcome, Outcome::Applied);
    house.observer.wait_for(&leaf, "Normal", SOON).await;
}

#[tokio::test]
async fn a_flood_is_answered_whole_and_the_newest_wins() {
    let house = House::new("enabled: true").await;
    house.listens().await;
    let mut publisher = house.broker.publisher(&house.topic("GivEnergy/control/SERIAL/setBatteryReserve"));
    let lines: Vec<String> = (0..499).map(|n| format!("{}\n", 10 + n % 30)).collect();
    let mut input = publisher.stdin.take().unwrap();
    input.write_all(format!("{}77\n", lines.concat()).as_bytes()).await.unwrap();
    drop(input);
    house
        .observer
        .wait_until(Duration::from_secs(30), "500 results", |_| house.results("setBatteryReserve").len() == 500)
        .await;
    assert_eq!(house.reserve(), Some(77));
    let results = house.results("setBatteryReserve");
    let superseded = results.iter().filter(|report| code(report) == "superseded").count();
    println!("of 500 commands {} were carried out", 500 - superseded);
    assert!(superseded > 300, "{superseded}");
}

#[tokio::test]
async fn what_was_published_while_the_program_was_away_is_not_carried_out() {
    let options = mosquitto::Options { more: "queue_qos0_messages true\n", ..mosquitto::Options::default() };
    let house = House::with("enabled: true", options, quick()).await;
    house.listens().await;
    assert_eq!(house.ask("setBatteryReserve", "21", &[]).await.outcome, Outcome::Applied);
    house.program.signal("KILL").await;
    sleep(Duration::from_millis(300)).await;
    for qos in ["0", "1", "2"] {
        house.publish("setBatteryReserve", "66", &["-q", qos]).await;
        house.publish("setBatteryReserve", "67", &["-q", qos, "-r"]).await;
    }
    let House { broker, plant, host, program, settings, .. } = house;
    let observer = broker.observe().await;
    let program = Program::run_in(program.directory(), &settings);
    let house = House { broker, plant, host, observer, program, settings };
    house.listens().await;
    // The broker did deliver them.
    house.program.logs("commands from before this connection are ignored", SOON).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!((house.results("setBatteryReserve"), house.reserve()), (Vec::new(), Some(21)));
    assert_eq!(house.ask("setBatteryReserve", "22", &[]).await.outcome, Outcome::Applied);
}

#[tokio::test]
async fn where_commands_are_switched_off_that_is_the_answer_and_a_dry_run_only_plans() {
    let house = House::new("mqtt: false").await;
    let before = house.reserve();
    house.publish("setBatteryReserve", "61", &[]).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!((house.results("setBatteryReserve"), house.reserve()), (Vec::new(), before));
    assert!(house.program.log_with("commands are taken from").is_empty());

    let house = House::new("enabled: false").await;
    house.listens().await;
    let before = house.reserve();
    let report = house.ask("setBatteryReserve", "61", &[]).await;
    assert_eq!((report.outcome.word(), house.reserve()), ("refused", before));
    assert!(report.to_string().contains("disabled"), "{report}");
    let report = house.ask("forceCharge", "Cancel", &[]).await;
    assert_eq!(report.outcome, Outcome::Unchanged, "none runs, and one that did could be called off");

    let house = House::new("dry_run: true").await;
    house.listens().await;
    let before = house.reserve();
    let report = house.ask("setBatteryReserve", "61", &[]).await;
    assert_eq!((report.outcome, house.reserve()), (Outcome::Planned, before));
}

#[tokio::test]
async fn a_session_is_subscribed_only_while_it_is_wanted() {
    const TOPIC: &str = "GivEnergy/control/SA2114G047/setBatteryReserve";
    let broker = Mosquitto::start().await;
    let (wants, wanted) = watch::channel(false);
    let arrived = Arc::<Mutex<Vec<(String, bool)>>>::default();
    let taking = Arc::clone(&arrived);
    let take = Arc::new(move |arrival: givtcp::mqtt::Arrival| {
        let payload = String::from_utf8_lossy(&arrival.payload).into_owned();
        taking.lock().unwrap().push((payload, arrival.expires.is_some()));
    });
    let settings = SessionSettings {
        commands: Some(Listening { wanted, take }),
        ..SessionSettings::new("localhost", broker.port())
    };
    let tree = Tree {
        serial: Serial::new(*b"SA2114G047"),
        online: true,
        leaves: Vec::new(),
        left_out: Arc::default(),
        notices: Arc::default(),
    };
    let (_trees, newest) = watch::channel(Some(Arc::new(tree)));
    let stop = CancellationToken::new();
    let session = tokio::spawn(run(settings, newest, stop.clone()));
    let rest = || sleep(Duration::from_millis(500));
    rest().await;
    for round in 0..2 {
        broker.publish(TOPIC, &format!("early {round}"), &[]).await;
        rest().await;
        wants.send_replace(true);
        rest().await;
        broker.publish(TOPIC, &format!("while {round}"), &["-D", "publish", "message-expiry-interval", "60"]).await;
        rest().await;
        wants.send_replace(false);
        rest().await;
        broker.publish(TOPIC, &format!("late {round}"), &[]).await;
        rest().await;
    }
    let wanted = [("while 0".to_owned(), true), ("while 1".to_owned(), true)];
    assert_eq!(*arrived.lock().unwrap(), wanted);
    stop.cancel();
    session.await.unwrap();
}

#[tokio::test]
async fn a_commands_way_over_the_broker_is_short() {
    let plant = Options { delay: Duration::ZERO, delay_jitter: Duration::ZERO, ..quick() };
    let house = House::with("enabled: true", mosquitto::Options::default(), plant).await;
    house.listens().await;
    sleep(Duration::from_secs(2)).await;
    let mut publisher = house.broker.publisher(&house.topic("GivEnergy/control/SERIAL/setBatteryReserve"));
    let mut input = publisher.stdin.take().unwrap();
    let mut took = Vec::new();
    for round in 0..50u16 {
        let percent = 20 + round;
        sleep(Duration::from_millis(50)).await;
        let begun = Instant::now();
        input.write_all(format!("{percent}\n").as_bytes()).await.unwrap();
        while house.reserve() != Some(percent) {
            assert!(begun.elapsed() < SOON, "{percent}");
            tokio::task::yield_now().await;
        }
        took.push(begun.elapsed());
    }
    took.sort();
    println!("mosquitto_pub to the register: median {:?}, 48 of 50 {:?}, longest {:?}", took[25], took[47], took[49]);
    assert!(took[25] < Duration::from_millis(50), "{:?}", took[25]);
    assert!(house.host.accepted().len() == 1);
}
