//! `givtcp demo`, as someone tries it who has just heard of the program.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::program::Program;

const SOON: Duration = Duration::from_secs(5);
/// Messages of one poll come together.
const PAUSE: Duration = Duration::from_millis(400);

type Message = (Instant, String, String);

/// All that `mosquitto_sub` shows, as the demo's own line says to start it.
fn subscribe(port: &str) -> (Child, Arc<Mutex<Vec<Message>>>) {
    let mut child = Command::new("stdbuf")
        .args(["-oL", "mosquitto_sub", "-h", "127.0.0.1", "-p", port, "-v", "-t", "GivEnergy/#"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("mosquitto_sub is installed (apt-get install mosquitto-clients)");
    let messages = Arc::<Mutex<Vec<Message>>>::default();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let kept = Arc::clone(&messages);
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            let (topic, payload) = line.split_once(' ').unwrap_or((&line, ""));
            let message = (Instant::now(), topic.to_owned(), payload.to_owned());
            kept.lock().unwrap_or_else(PoisonError::into_inner).push(message);
        }
    });
    (child, messages)
}

/// The state after each poll.
fn polls(messages: &[Message]) -> Vec<BTreeMap<&str, &str>> {
    let (mut polls, mut state) = (Vec::new(), BTreeMap::new());
    for (place, (at, topic, payload)) in messages.iter().enumerate() {
        let leaf = topic.splitn(3, '/').nth(2).unwrap_or_default();
        state.insert(leaf, payload.as_str());
        if messages.get(place + 1).is_none_or(|(next, ..)| *next - *at > PAUSE) {
            polls.push(state.clone());
        }
    }
    polls
}

#[tokio::test]
async fn the_demo_shows_a_plant_whose_powers_add_up_and_ends_by_itself() {
    let mut program = Program::start(&["demo", "--port", "0", "--http", "0", "--duration", "17", "--speed", "1"]);
    let look = program.says("Look at it:", SOON).await;
    let page = look.rsplit_once("127.0.0.1:").unwrap().1.trim_end_matches('/').parse().unwrap();
    let line = program.says("mosquitto_sub", SOON).await;
    let words: Vec<&str> = line.split_whitespace().collect();
    let port = words.iter().position(|&word| word == "-p").and_then(|place| words.get(place + 1)).unwrap();
    assert!(line.contains("-h 127.0.0.1") && line.contains("-t 'GivEnergy/SD2227G101/#'"), "{line}");
    let (_subscriber, messages) = subscribe(port);
    let now = || messages.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let topics = || now().into_iter().map(|(_, topic, _)| topic).collect::<BTreeSet<_>>().len();
    while topics() < 150 {
        assert!(program.age() < SOON, "{} leaves", topics());
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(crate::http::ask(page, "GET", "/api/v1/plants", "", "").await.body["plants"][0]["name"], "demo");
    println!("150 leaves {:?} after the demo's start", program.age());

    let status = program.ends(Duration::from_secs(25)).await;
    assert_eq!(status.code(), Some(0), "{:#?}", program.log());
    println!("{} leaves in all", topics());
    assert!(program.log().is_empty(), "{:#?}", program.log());
    assert_eq!(program.left_behind(), [""; 0]);

    let messages = now();
    let polls = polls(&messages);
    assert!(polls.len() >= 3, "{}", polls.len());
    let mut sums = BTreeSet::new();
    for poll in polls.iter().filter(|poll| poll.contains_key("Power/Power/Load_Power")) {
        let watts = |name: &str| -> i64 { poll[format!("Power/Power/{name}").as_str()].parse().unwrap() };
        let (pv, battery, load) = (watts("PV_Power"), watts("Battery_Power"), watts("Load_Power"));
        let (grid, export, import) = (watts("Grid_Power"), watts("Export_Power"), watts("Import_Power"));
        let left = pv + battery - grid - load;
        println!("PV {pv} + battery {battery} - grid export {grid} - load {load} = {left}");
        assert!(left.abs() <= 50, "{left}");
        assert_eq!(grid, export - import);
        sums.insert((pv, battery, load, grid));
    }
    assert!(sums.len() >= 3, "the plant lives: {sums:?}");
}
