use secrecy::SecretString;

use super::*;
use crate::clock::SystemClock;
use crate::control::tests::fixture::Bench;
use crate::decode::decode;
use crate::frame::Bank;
use crate::settings::{InverterSettings, Transport};
use crate::simulator::Family;
use crate::vitals::tests::Kept;

fn diagnosis(family: Family) -> (Bench, Diagnosis) {
    let bench = Bench::new(family);
    let mut settings = Settings::default();
    settings.inverters.push(InverterSettings::at("dongle.lan", None, Transport::Dongle));
    settings.mqtt.username = "someone".to_owned();
    settings.mqtt.password = SecretString::from("swordfish");
    settings.redis.url = SecretString::from("redis://user:opensesame@10.0.0.9/0");
    let watched = Watched { vitals: Kept::new(Some(bench.snapshot())).vitals, tap: Tap::default() };
    let clock = Arc::new(SystemClock);
    (bench, Diagnosis { settings, inverters: vec![watched], clock, since: Instant::now() })
}

fn text(texts: &[Text], name: &str) -> String {
    texts.iter().find(|text| text.name == name).unwrap_or_else(|| panic!("{name} is not in it")).text.clone()
}

#[tokio::test(start_paused = true)]
async fn it_tells_everything_but_whose_it_is() {
    let (bench, diagnosis) = diagnosis(Family::HybridGen1);
    let mut earlier = Settings::default();
    earlier.mqtt.password = SecretString::from("pickerel");
    earlier.inverters.push(InverterSettings::at("old-dongle.lan", None, Transport::Dongle));
    earlier.influx.url = "https://influx.lan:8086/x".to_owned();
    earlier.influx.org = "me@home.org".to_owned();
    earlier.http.hosts = vec!["solar.home.org".to_owned()];
    remember(&earlier);
    recent::keep("swordfish was refused by dongle.lan, 10.0.0.9\n");
    recent::keep("pickerel by old-dongle.lan, influx.lan:8086, solar.home.org for me@home.org\n");
    let texts = archive::unpack(&diagnosis.make(Duration::ZERO).await.unwrap()).unwrap();
    let names: Vec<&str> = texts.iter().map(|text| &*text.name).collect();
    assert_eq!(
        names,
        ["about.txt", "settings.txt", "log.txt", "inverter-1.txt", "inverter-1.json", "inverter-1-registers.log",]
    );
    let serial = bench.simulator.inverter_serial().to_string();
    let of_then = ["pickerel", "old-dongle", "influx.lan", "home.org"];
    for secret in ["swordfish", "opensesame", "someone", "dongle.lan", "10.0.0.9", &serial].into_iter().chain(of_then) {
        for text in &texts {
            assert!(!text.text.contains(secret), "{secret} in {}", text.name);
        }
    }
    assert!(text(&texts, "settings.txt").contains("mqtt.password: (set)\n"));
    assert!(text(&texts, "log.txt").contains("(secret) was refused by host-1, address-"));
    assert!(text(&texts, "inverter-1.json").contains("\"SOC\""));
}

#[tokio::test(start_paused = true)]
async fn registers_are_told_as_a_recording_of_the_same_meaning() {
    for family in [Family::HybridGen1, Family::AllInOne, Family::Ems, Family::ThreePhaseHybrid] {
        let (bench, diagnosis) = diagnosis(family);
        let texts = archive::unpack(&diagnosis.make(Duration::ZERO).await.unwrap()).unwrap();
        let decoded = decode(&text(&texts, "inverter-1-registers.log")).unwrap();
        assert_eq!((&decoded["invalid"], &decoded["rejected"]), (&0.into(), &0.into()), "{family:?}");
        let snapshot = bench.snapshot();
        let mut told = 0;
        for (device, bank, address, value) in snapshot.image.iter() {
            let found = decoded["registers"][format!("{device:#04x}")][format!("{bank}{address}")].as_u64();
            let is_text = |value: u16| value.to_be_bytes().iter().all(u8::is_ascii_alphanumeric);
            let renamed =
                bank == Bank::MeterProduct || is_text(value) && found.is_some_and(|found| is_text(found as u16));
            assert!(
                found == Some(value.into()) || renamed,
                "{family:?} {device:#04x} {bank}{address}: {found:?}, {value}"
            );
            told += 1;
        }
        assert!(told > 100, "{family:?}: {told}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_wire_is_recorded_for_as_long_as_is_asked_and_no_more_than_there_is_room_for() {
    let (_, diagnosis) = diagnosis(Family::HybridGen1);
    let begun = Instant::now();
    let texts = archive::unpack(&diagnosis.make(Duration::from_secs(60)).await.unwrap()).unwrap();
    assert_eq!((begun.elapsed(), &*text(&texts, "inverter-1-wire.log")), (Duration::from_secs(60), ""));
    let heard = diagnosis.inverters[0].tap.listen();
    let texts = archive::unpack(&diagnosis.make(Duration::from_secs(1)).await.unwrap()).unwrap();
    assert!(text(&texts, "inverter-1-wire.log").starts_with("# not recorded"));
    drop(heard);
    let (sender, mut receiver) = mpsc::channel(2);
    for _ in 0..2 {
        let line = Line { at: None, direction: crate::capture::Direction::Sent, bytes: vec![0; 100] };
        sender.send(line).await.unwrap();
    }
    let mut lines = Vec::new();
    assert!(!listen(&mut receiver, Instant::now() + Duration::from_secs(1), 200, &mut lines).await);
    assert_eq!(lines.len(), 1);
}
