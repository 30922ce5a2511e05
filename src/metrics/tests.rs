use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::Value;

use super::*;
use crate::control::{By, Command, Order, Orders, Outcome, Report, orders};
use crate::lock::{LockManager, Owner};
use crate::plant::Snapshot;
use crate::plant::snapshot::Overrides;
use crate::plant::tests::fixture::{filled_plant, plant_of, snapshot};
use crate::vitals::tests::{Kept as Fixture, read_ago};

const WHOLE: fn(Serial) -> Role = |_| Role::Whole;

fn told(kept: &Fixture, orders: &Orders, role: fn(Serial) -> Role) -> String {
    let kept = Kept { vitals: &kept.vitals, orders: orders.tally(), role: &role };
    render(Program { history: Some((3, 0)), influx: Some(InfluxCounts::default()) }, &[kept])
}

/// What is told of an inverter that was read now.
fn of(read: Snapshot) -> String {
    told(&Fixture::new(Some(read)), &orders().0, WHOLE)
}

/// The families in a text.
fn families(text: &str) -> BTreeSet<&str> {
    text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect()
}

/// The series in a text that hold all of these.
fn with<'a>(text: &'a str, parts: &[&str]) -> Vec<&'a str> {
    let series = text.lines().filter(|line| !line.starts_with('#'));
    series.filter(|line| parts.iter().all(|part| line.contains(part))).collect()
}

/// What is told of a house in which something of everything happened.
async fn busy() -> String {
    let mut read = read_ago(SignedDuration::ZERO);
    read.overrides = Some(Overrides { force_charge: Some(30), ..Overrides::default() });
    let kept = Fixture::new(Some(read));
    let (orders, inbox) = orders();
    let owner = Owner::new("inverter");
    let _lease = kept.vitals.locks.acquire("inverter_read:SD2227G101", &owner, None).await.unwrap();
    tokio::join!(orders.give(Order::new(Command::Reserve(20), By::Mqtt)), async {
        inbox.take().await.next().await.answer(Report::new("reserve 20 %", Outcome::Applied));
    });
    told(&kept, &orders, WHOLE)
}

/// The same, and of a three-phase inverter with stacks, a plant controller and a gateway.
async fn everything() -> Vec<String> {
    let mut texts = vec![busy().await];
    for code in [0x4001, 0x5001, 0x7001] {
        let mut read = snapshot(&plant_of(&filled_plant(code, 612)));
        read.stats.last_updated = read_ago(SignedDuration::ZERO).stats.last_updated;
        texts.push(of(read));
    }
    texts
}

#[tokio::test]
async fn every_name_of_the_dashboard_and_the_alerts_is_told_of_simulated_plants() {
    let texts = everything().await;
    let families: BTreeSet<&str> = texts.iter().flat_map(|text| families(text)).collect();
    let root = env!("CARGO_MANIFEST_DIR");
    let read = |name: &str| std::fs::read_to_string(format!("{root}/docs/grafana/{name}")).unwrap();
    let dashboard: Value = serde_json::from_str(&read("givtcp.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    let queries: Vec<&str> = targets.map(|target| target["expr"].as_str().unwrap()).collect();
    assert!(queries.len() > 30, "{}", queries.len());
    let alerts = read("alerts.yml");
    let rules = alerts.lines().filter_map(|line| line.trim().strip_prefix("expr: "));
    let mut used = BTreeSet::new();
    for query in queries.into_iter().chain(rules) {
        let words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        used.extend(words.filter(|word| word.starts_with("givtcp_")));
    }
    assert!(used.len() > 30, "{used:?}");
    for name in used {
        let family = name.trim_end_matches("_bucket");
        assert!(families.contains(family), "{name} is not told");
    }
}

#[tokio::test]
async fn every_family_stands_in_the_documentation_and_the_other_way_round() {
    let texts = everything().await;
    let told: BTreeSet<&str> = texts.iter().flat_map(|text| families(text)).collect();
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `givtcp_")?.split('`').next());
    let documented: BTreeSet<String> = rows.map(|rest| format!("givtcp_{rest}")).collect();
    let documented: BTreeSet<&str> = documented.iter().map(String::as_str).collect();
    assert_eq!(told, documented);
}

#[test]
fn series_vanish_with_their_battery_and_with_an_inverter_that_does_not_answer() {
    let mut read = read_ago(SignedDuration::ZERO);
    let batteries: Vec<(String, u8)> =
        read.batteries.iter().map(|battery| (battery.serial.to_string(), battery.address)).collect();
    let (lost, address) = batteries[1].clone();
    let kept = Fixture::new(Some(read.clone()));
    let ask = || told(&kept, &orders().0, WHOLE);
    assert!(with(&ask(), &[&lost]).len() > 20);
    read.unavailable.push(address);
    kept.snapshots.send_replace(Some(Arc::new(read.clone())));
    let text = ask();
    assert_eq!(with(&text, &[&lost]), Vec::<&str>::new());
    assert!(with(&text, &[&batteries[0].0]).len() > 20);
    read.stats.online = false;
    kept.snapshots.send_replace(Some(Arc::new(read)));
    let text = ask();
    assert_eq!(with(&text, &["_watts"]), Vec::<&str>::new());
    assert_eq!(with(&text, &["givtcp_inverter_up"]), ["givtcp_inverter_up{inverter=\"garage\"} 0"]);
    assert_eq!(with(&text, &["givtcp_polls_total"]).len(), 1, "counters do not grow old");
    // What another process has is forgotten whole.
    kept.snapshots.send_replace(None);
    assert_eq!(with(&ask(), &["givtcp_polls_total"]), Vec::<&str>::new());
}

#[test]
fn values_are_in_base_units_and_what_was_not_read_is_not_there() {
    let mut read = read_ago(SignedDuration::ZERO);
    read.power.soc = Some(57);
    read.power.pv = None;
    read.power.battery = Some(0);
    read.today.import = Some(12.3);
    read.stats.writes_today = 7;
    let text = of(read);
    for line in [
        "givtcp_battery_soc_ratio{inverter=\"garage\"} 0.57",
        "givtcp_battery_power_watts{inverter=\"garage\"} 0",
        "givtcp_energy_today_joules{inverter=\"garage\",flow=\"import\"} 44280000",
        "givtcp_register_writes_today{inverter=\"garage\"} 7",
        "givtcp_history_writes_total{outcome=\"written\"} 3",
    ] {
        assert!(text.lines().any(|told| told == line), "{line}");
    }
    assert_eq!(with(&text, &["givtcp_pv_power_watts"]), Vec::<&str>::new());
}

#[test]
fn an_inverter_that_another_leads_has_no_totals() {
    let kept = Fixture::new(Some(read_ago(SignedDuration::ZERO)));
    let text = told(&kept, &orders().0, |_| Role::BatteryOnly);
    for name in ["givtcp_pv_power_watts", "givtcp_energy_joules_total", "givtcp_mode_info"] {
        assert_eq!(with(&text, &[name]), Vec::<&str>::new());
    }
    assert!(!with(&text, &["givtcp_battery_pack_soc_ratio"]).is_empty());
}

#[test]
fn two_inverters_of_one_name_are_told_apart_by_their_numbers() {
    let (one, other) = (Fixture::new(None), Fixture::new(None));
    let (orders, _inbox) = orders();
    let [one, other] = [&one, &other].map(|kept| Kept { vitals: &kept.vitals, orders: orders.tally(), role: &WHOLE });
    assert_eq!(labels(&[one, other]), ["garage (1)", "garage (2)"]);
}
