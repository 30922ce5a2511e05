//! The settings are edited while inverters are polled.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use givtcp::app::App;
use givtcp::app::watch_file::{self, Watched};
use givtcp::control::{By, Command, Order};
use givtcp::frame::Bank;
use givtcp::overrides::journal::Journal;
use givtcp::settings::{self, Settings, ShownFault};
use givtcp::simulator::Simulator;
use tokio::time::{Instant, sleep, timeout};

use crate::host::{Face, Host, plant};
use crate::mosquitto::Mosquitto;

/// A program whose settings file is edited, as far as it is in this process.
struct Bench {
    directory: tempfile::TempDir,
    plants: Vec<(Simulator, Host)>,
    app: App,
    watched: Watched,
    data: PathBuf,
}

fn file(directory: &tempfile::TempDir) -> PathBuf {
    directory.path().join("givtcp.yaml")
}

/// What the file says, polled faster than people may ask for.
fn load(file: &std::path::Path, data: &std::path::Path) -> Result<Settings, Vec<ShownFault>> {
    let loaded = settings::load(Some(file), std::iter::empty()).map_err(|faults| ShownFault::all(&faults))?;
    let mut settings = loaded.settings;
    data.clone_into(&mut settings.data_dir);
    if settings.poll.every == Duration::from_secs(15) {
        settings.poll.every = Duration::from_millis(200);
    }
    (settings.link.gap, settings.link.jitter) = (Duration::ZERO, Duration::ZERO);
    (settings.http.enabled, settings.history.enabled) = (false, false);
    settings.control.clock_sync.enabled = false;
    Ok(settings)
}

/// An entry of the list.
fn entry(host: &Host, more: &str) -> String {
    format!("  - {{ host: 127.0.0.1, port: {}{more} }}\n", host.port())
}

impl Bench {
    /// With so many plants, of which the settings name those that `text` does.
    async fn new(plants: u8, text: impl FnOnce(&[(Simulator, Host)]) -> String) -> Self {
        let plants: Vec<_> = (1..=plants)
            .map(|number| {
                let plant = plant(number);
                let host = Host::new(Face::Plant(plant.clone()));
                (plant, host)
            })
            .collect();
        // What must survive a power cut is not kept in memory, where the system's directory for such things may be.
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        std::fs::write(file(&directory), text(&plants)).unwrap();
        let (path, data) = (file(&directory), directory.path().join("data"));
        let watched = Watched::new(move || Some(path.clone())).every(Duration::from_millis(20));
        let app = App::start(&load(&file(&directory), &data).unwrap()).unwrap();
        let bench = Self { directory, plants, app, watched, data };
        for place in 0..bench.app.snapshots.len() {
            bench.polled(place, 1).await;
        }
        bench
    }

    fn write(&self, text: &str) {
        std::fs::write(file(&self.directory), text).unwrap();
    }

    /// Does what the next news ask for.
    async fn follow(&mut self) {
        let news = timeout(Duration::from_secs(10), self.watched.news()).await.expect("the change is seen");
        let (file, data) = (file(&self.directory), self.data.clone());
        watch_file::take(&mut self.app, news, || load(&file, &data)).await;
    }

    async fn edit(&mut self, text: &str) {
        self.write(text);
        self.follow().await;
    }

    fn host(&self, number: usize) -> &Host {
        &self.plants[number].1
    }

    fn connections(&self, number: usize) -> usize {
        self.host(number).accepted().len()
    }

    fn names(&self) -> Vec<&str> {
        self.app.vitals.iter().map(|vitals| &*vitals.name).collect()
    }

    fn cycles(&self, place: usize) -> u64 {
        self.app.snapshots[place].borrow().as_ref().map_or(0, |snapshot| snapshot.stats.cycles)
    }

    /// Waits until the inverter at this place was polled so often more.
    async fn polled(&self, place: usize, times: u64) {
        let (begun, before) = (Instant::now(), self.cycles(place));
        while self.cycles(place) < before + times {
            assert!(begun.elapsed() < Duration::from_secs(30), "inverter {place} is polled");
            sleep(Duration::from_millis(10)).await;
        }
    }

    fn faults(&self) -> Vec<ShownFault> {
        self.app.in_force().borrow().faults.clone()
    }
}

const QUIET: &str = "mqtt: { enabled: false }\ntimezone: UTC\n";

fn two(plants: &[(Simulator, Host)], more: &str) -> String {
    format!("{QUIET}inverters:\n{}{}", entry(&plants[0].1, more), entry(&plants[1].1, ", name: other"))
}

#[tokio::test]
async fn a_change_of_one_inverter_leaves_the_other_alone_and_faults_change_nothing() {
    let mut bench = Bench::new(3, |plants| two(plants, ", name: one")).await;
    let before = bench.app.snapshots[1].clone();
    bench.edit(&two(&bench.plants, ", name: won, control: { export_floor: 20 }")).await;
    bench.polled(0, 1).await;
    assert_eq!(bench.names(), ["won", "other"]);
    assert_eq!([bench.connections(0), bench.connections(1)], [2, 1], "only the first is polled anew");
    assert!(before.same_channel(&bench.app.snapshots[1]), "the other is the same as before");
    // Broken: nothing changes, and it is said where the fault is.
    bench.edit(&format!("{}poll: {{ every: 1s }}\n", two(&bench.plants, ", name: wrong"))).await;
    let faults = bench.faults();
    assert_eq!((faults.len(), faults[0].key.as_deref()), (1, Some("poll.every")));
    assert_eq!((faults[0].line, faults[0].column), (Some(6), Some(16)), "{faults:?}");
    assert_eq!(bench.names(), ["won", "other"]);
    bench.edit("inverters: [\n").await;
    assert!(bench.faults()[0].line.is_some(), "{:?}", bench.faults());
    // A disk that is full leaves it empty, and a pipe in its place holds up nobody.
    bench.edit("# later\n").await;
    assert!(bench.faults()[0].message.contains("holds no setting any more"), "{:?}", bench.faults());
    std::fs::remove_file(file(&bench.directory)).unwrap();
    let made = tokio::process::Command::new("mkfifo").arg(file(&bench.directory)).status().await.unwrap();
    assert!(made.success());
    bench.follow().await;
    assert!(bench.faults()[0].message.contains("is not a file"), "{:?}", bench.faults());
    assert_eq!(bench.names(), ["won", "other"]);
    // Gone, and there again: nothing changes, and what was wrong is mended.
    std::fs::remove_file(file(&bench.directory)).unwrap();
    bench.follow().await;
    assert_eq!(bench.names(), ["won", "other"]);
    bench.edit(&two(&bench.plants, ", name: won, control: { export_floor: 20 }")).await;
    assert_eq!(bench.faults(), []);
    assert_eq!([bench.connections(0), bench.connections(1)], [2, 1]);
    // Added, and moved in the list; and then moved to another address.
    let all = format!("{}{}", two(&bench.plants, ", name: won"), entry(bench.host(2), ", name: third"));
    bench.edit(&all).await;
    bench.polled(2, 2).await;
    bench
        .edit(&format!(
            "{QUIET}inverters:\n{}{}",
            entry(bench.host(2), ", name: third"),
            entry(bench.host(1), ", name: other")
        ))
        .await;
    assert_eq!(bench.names(), ["third", "other"]);
    bench.polled(1, 2).await;
    assert_eq!([bench.connections(1), bench.connections(2)], [1, 1]);
    assert!(before.same_channel(&bench.app.snapshots[1]));
    // What only a start can change is said, and the rest is taken.
    bench.edit(&format!("{}data_dir: /elsewhere\nlocks: {{ life: 20s }}\n", two(&bench.plants, ", name: back"))).await;
    assert_eq!(bench.names(), ["back", "other"]);
    let waiting = bench.app.in_force().borrow().waiting.clone();
    assert_eq!(waiting, ["locks: takes effect at the next start"]);
    bench.edit(QUIET).await;
    assert_eq!(bench.names(), ["back", "other"], "where none is named those that are polled are kept");
    assert_eq!(bench.connections(1), 1);
    // The interval of all.
    bench.edit(&format!("{}poll: {{ every: 5s }}\n", two(&bench.plants, ", name: back"))).await;
    assert_eq!(bench.app.vitals[1].every, Duration::from_secs(5));
    bench.app.stop().await;
}

#[tokio::test]
async fn what_was_begun_on_an_inverter_is_undone_before_it_is_left_and_goes_on_when_only_its_settings_change() {
    let mut bench = Bench::new(2, |plants| two(plants, ", name: one")).await;
    let plant = bench.plants[0].0.clone();
    let holds = || [94, 95, 96, 20, 59].map(|register| plant.get(0x11, Bank::Holding, register));
    let before = holds();
    let order = Order::new(Command::parse("forceCharge", "30").unwrap(), By::Api);
    let begun = Instant::now();
    while holds() == before {
        assert!(begun.elapsed() < Duration::from_secs(30));
        let report = bench.app.orders[0].give(order.clone()).await;
        println!("{report}");
    }
    let journal = Journal::new(&bench.data, givtcp::clock::system());
    assert_eq!(journal.open_records().await.records.len(), 1);
    let during = holds();
    bench.edit(&two(&bench.plants, ", name: renamed")).await;
    bench.polled(0, 2).await;
    assert_eq!((holds(), journal.open_records().await.records.len()), (during, 1), "it goes on");
    bench.edit(&format!("{QUIET}inverters:\n{}", entry(bench.host(1), ", name: other"))).await;
    assert_eq!((holds(), journal.open_records().await.records.len()), (before, 0), "it is undone");
    assert_eq!((bench.names(), bench.connections(1)), (vec!["other"], 1));
    bench.app.stop().await;
}

#[tokio::test]
async fn the_broker_is_changed_while_polling_goes_on_and_what_is_gone_is_taken_back() {
    let brokers = [Mosquitto::start().await, Mosquitto::start().await];
    let mqtt =
        |broker: usize| format!("timezone: UTC\nmqtt: {{ host: 127.0.0.1, port: {} }}\n", brokers[broker].port());
    let seen = [brokers[0].observe().await, brokers[1].observe().await];
    let list =
        |plants: &[(Simulator, Host)]| format!("inverters:\n{}{}", entry(&plants[0].1, ""), entry(&plants[1].1, ""));
    let mut bench = Bench::new(2, |plants| mqtt(0) + &list(plants)).await;
    let serials = [0, 1].map(|number: usize| bench.plants[number].0.inverter_serial().to_string());
    let status = serials.clone().map(|serial| format!("GivEnergy/{serial}/Stats/status"));
    let within = Duration::from_secs(20);
    for topic in &status {
        seen[0].wait_for(topic, "online", within).await;
    }
    // Faults are told, and taken back.
    let faults = format!("GivEnergy/{}/Settings/Faults", serials[1]);
    bench.edit(&format!("{}{}poll: {{ every: 1s }}\n", mqtt(0), list(&bench.plants))).await;
    seen[0]
        .wait_until(within, "the fault is told", |seen| {
            seen.state().get(&faults).is_some_and(|text| text.contains("\"line\":6"))
        })
        .await;
    bench.edit(&(mqtt(0) + &list(&bench.plants))).await;
    seen[0].wait_until(within, "it is taken back", |seen| !seen.state().contains_key(&faults)).await;
    // Also where what mends them begins the session anew.
    bench.edit(&format!("{}{}poll: {{ every: 1s }}\n", mqtt(0), list(&bench.plants))).await;
    seen[0].wait_until(within, "the fault is told", |seen| seen.state().contains_key(&faults)).await;
    bench.edit(&(mqtt(0).replace(" }", ", qos: 1 }") + &list(&bench.plants))).await;
    seen[0].wait_until(within, "it is taken back", |seen| !seen.state().contains_key(&faults)).await;
    // Another broker: polling goes on.
    bench.edit(&(mqtt(1) + &list(&bench.plants))).await;
    for topic in &status {
        seen[0].wait_for(topic, "offline", within).await;
        seen[1].wait_for(topic, "online", within).await;
    }
    assert_eq!([bench.connections(0), bench.connections(1)], [1, 1]);
    // The first is removed: Home Assistant forgets it.
    let of_first = |topic: &String| topic.starts_with("homeassistant/") && topic.contains(&serials[0]);
    let told = |seen: &crate::mosquitto::Observer| seen.state().keys().filter(|topic| of_first(topic)).count();
    seen[1].wait_until(within, "Home Assistant is told of it", |seen| told(seen) > 0).await;
    bench.edit(&format!("{}inverters:\n{}", mqtt(1), entry(bench.host(1), ""))).await;
    seen[1].wait_for(&status[0], "offline", within).await;
    seen[1].wait_until(within, "Home Assistant forgets it", |seen| told(seen) == 0).await;
    assert_eq!(seen[1].state()[&status[1]], "online");
    assert_eq!(bench.connections(1), 1);
    bench.app.stop().await;
}

/// 200 edits with `GIVTCP_SOAK=1`, else 20.
fn edits() -> usize {
    if std::env::var_os("GIVTCP_SOAK").is_some() { 200 } else { 20 }
}

#[tokio::test]
async fn the_settings_file_edited_at_random_leaves_the_untouched_inverter_alone_and_the_last_valid_file_in_force() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut bench = Bench::new(2, |plants| two(plants, ", name: one")).await;
    let untouched = bench.app.snapshots[1].clone();
    let mut valid = "one".to_owned();
    // How many polls came, and the longest time without one.
    let (mut newest, polls) = (untouched.clone(), Arc::new(Mutex::new((0, Duration::ZERO))));
    let (kept, mut last) = (Arc::clone(&polls), (bench.cycles(1), Instant::now()));
    let counting = tokio::spawn(async move {
        while newest.changed().await.is_ok() {
            let cycles = newest.borrow_and_update().as_ref().map_or(0, |snapshot| snapshot.stats.cycles);
            if cycles != last.0 {
                assert_eq!(cycles, last.0 + 1, "polls are counted on");
                let mut polls = kept.lock().unwrap();
                *polls = (polls.0 + 1, polls.1.max(last.1.elapsed()));
                last = (cycles, Instant::now());
            }
        }
    });
    for number in 0..edits() {
        let name = format!("n{number}");
        let good = two(&bench.plants, &format!(", name: {name}"));
        let path = file(&bench.directory);
        match random.u8(..6) {
            0 => bench.write(&good),
            1 => bench.write(&format!("{good}poll: {{ every: no }}\n")),
            // Half of it, at least of the entry that has no end.
            2 => bench.write(&good[..good.len() - random.usize(2..20)]),
            3 => {
                let new = bench.directory.path().join("new");
                std::fs::write(&new, &good).unwrap();
                std::fs::rename(&new, &path).unwrap();
            }
            4 => {
                std::fs::remove_file(&path).unwrap();
                bench.follow().await;
                assert_eq!(bench.names()[0], valid);
                bench.write(&good);
            }
            _ => {
                // As folders that are mounted from elsewhere change: a link to a link is turned.
                let new = bench.directory.path().join(format!("version{number}.yaml"));
                std::fs::write(&new, &good).unwrap();
                let link = bench.directory.path().join("link");
                std::os::unix::fs::symlink(&new, &link).unwrap();
                std::fs::rename(&link, &path).unwrap();
            }
        }
        bench.follow().await;
        let text = std::fs::read_to_string(&path).unwrap();
        match settings::parse(&text, "file") {
            Ok(_) => {
                valid = name;
                assert_eq!(bench.faults(), []);
            }
            Err(_) => assert_ne!(bench.faults(), []),
        }
        assert_eq!(bench.names(), [&valid, "other"], "after edit {number} of seed {seed}: {text}");
        if std::fs::symlink_metadata(&path).unwrap().is_symlink() {
            // What is written next replaces the link.
            std::fs::remove_file(&path).unwrap();
            std::fs::write(&path, &text).unwrap();
            sleep(Duration::from_millis(100)).await;
        }
    }
    bench.polled(0, 1).await;
    bench.polled(1, 1).await;
    assert!(untouched.same_channel(&bench.app.snapshots[1]));
    assert_eq!(bench.connections(1), 1, "the other inverter's connection was never disturbed");
    assert!(!counting.is_finished(), "polls are counted on");
    counting.abort();
    let (count, longest) = *polls.lock().unwrap();
    println!("{count} polls, none for {longest:?} at most");
    // A poll takes a second on a machine that has no time; making a connection anew, and reading all, several.
    assert!(count > 1 && longest < Duration::from_secs(5), "{count} polls, none for {longest:?}");
    bench.app.stop().await;
}
