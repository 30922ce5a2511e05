//! What others are told of an inverter at topics of their own, against a real Mosquitto.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use givtcp::catalogue::{Leaf, Notice, Tree};
use givtcp::frame::Serial;
use givtcp::mqtt::{Audience, SessionSettings, run};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::mosquitto::Mosquitto;

const SOON: Duration = Duration::from_secs(5);
const TOLD: &str = "home/device/givtcp_SA2114G047/config";
const BIRTH: &str = "home/status";

fn notice(topic: &str, payload: Option<&str>) -> Notice {
    Notice { topic: topic.into(), payload: payload.map(Into::into) }
}

fn tree(notices: &[Notice]) -> Tree {
    Tree {
        serial: Serial::new(*b"SA2114G047"),
        online: true,
        leaves: vec![Leaf { path: "Power/Power/SOC".into(), payload: 62.into() }],
        left_out: Arc::default(),
        notices: notices.into(),
    }
}

#[tokio::test]
async fn whoever_reads_the_notices_is_told_of_them_before_the_values_and_again_when_it_has_begun_anew() {
    let broker = Mosquitto::start().await;
    broker.publish("home/sensor/GivEnergy/SA2114G047_old/config", "{}", &["-r"]).await;
    broker.publish("home/sensor/elsewhere/SA2114G047_old/config", "{}", &["-r"]).await;
    let observer = broker.observe().await;
    let found = Arc::<Mutex<Vec<String>>>::default();
    let taking = Arc::clone(&found);
    let audience = Audience {
        birth_topic: BIRTH.to_owned(),
        kept: vec!["home/+/GivEnergy/+/config".to_owned()],
        found: Arc::new(move |serial, topic, payload| {
            taking.lock().unwrap().push(format!("{serial} {topic} {}", String::from_utf8_lossy(payload)));
        }),
    };
    let settings = SessionSettings {
        republish_every: Duration::ZERO,
        audience: Some(audience),
        ..SessionSettings::new("localhost", broker.port())
    };
    let (trees, newest) = watch::channel(Some(Arc::new(tree(&[notice(TOLD, Some("{1}"))]))));
    let shutdown = CancellationToken::new();
    let session = tokio::spawn(run(settings, newest, shutdown.clone()));
    observer.wait_for("GivEnergy/SA2114G047/Power/Power/SOC", "62", SOON).await;
    let order: Vec<String> = observer.messages().into_iter().map(|message| message.topic).collect();
    let place = |topic: &str| order.iter().position(|known| known == topic).unwrap();
    assert!(place(TOLD) < place("GivEnergy/SA2114G047/Stats/status"), "{order:?}");
    observer.wait_until(SOON, "what was kept is found", |_| !found.lock().unwrap().is_empty()).await;
    assert_eq!(*found.lock().unwrap(), ["SA2114G047 home/sensor/GivEnergy/SA2114G047_old/config {}"]);

    // Only what changed.
    let begin = observer.messages().len();
    let old = notice("home/sensor/GivEnergy/SA2114G047_old/config", None);
    trees.send_replace(Some(Arc::new(tree(&[old.clone(), notice(TOLD, Some("{2}"))]))));
    observer.wait_for(TOLD, "{2}", SOON).await;
    sleep(Duration::from_millis(200)).await;
    assert_eq!(observer.since(begin).len(), 2, "{:?}", observer.since(begin));
    assert!(!observer.state().contains_key("home/sensor/GivEnergy/SA2114G047_old/config"));
    assert!(observer.state().contains_key("home/sensor/elsewhere/SA2114G047_old/config"));

    let begin = observer.messages().len();
    broker.publish(BIRTH, "online", &[]).await;
    let told_again =
        |place: usize, topic: &str| observer.messages().into_iter().skip(place).any(|message| message.topic == topic);
    let all = || told_again(begin, TOLD) && told_again(begin, "GivEnergy/SA2114G047/Power/Power/SOC");
    observer.wait_until(Duration::from_secs(8), "everything is told again", |_| all()).await;
    shutdown.cancel();
    session.await.unwrap();
}
