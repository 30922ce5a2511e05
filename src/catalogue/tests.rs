mod families;
mod golden;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};

use super::*;
use crate::plant::snapshot::{Overrides, Snapshot, Stats};
use crate::plant::tests::fixture::*;
use crate::plant::{Plant, SnapshotContext};
use crate::registers::plan;

const NOON: &str = "2026-06-05T11:00:00Z";

fn leaves(snapshot: &Snapshot) -> BTreeMap<String, String> {
    let tree = Layout::new(true).tree(snapshot);
    tree.leaves.into_iter().map(|leaf| (leaf.path.to_string(), leaf.payload.to_string())).collect()
}

/// The hybrid with some registers of a block set otherwise, by their place in it.
fn hybrid_with(key: crate::frame::BlockKey, changes: &[(usize, u16)]) -> Plant {
    let mut blocks = hybrid();
    for (known, values) in &mut blocks {
        if *known == key {
            *values = with(std::mem::take(values), changes);
        }
    }
    plant_of(&blocks)
}

/// What a plant publishes once.
fn plant() -> impl Iterator<Item = &'static Entry<Snapshot>> {
    PLANT.iter().copied().flatten()
}

fn leaf(snapshot: &Snapshot, path: &str) -> Option<String> {
    leaves(snapshot).remove(path)
}

fn at(plant: &Plant, now: &str, zone: &str) -> Snapshot {
    plant.clone().snapshot(&context(now, zone)).unwrap()
}

fn context(now: &str, zone: &str) -> SnapshotContext {
    let now: Timestamp = now.parse().unwrap();
    let stats = Stats { last_updated: Some(now), since_previous: Some(15.25), ..Stats::default() };
    let zone = TimeZone::get(zone).unwrap();
    SnapshotContext {
        now,
        elapsed: Duration::from_secs(1),
        zone,
        stats,
        prices: Arc::default(),
        overrides: Some(Overrides::default()),
    }
}

#[test]
fn no_two_values_share_a_topic_and_every_topic_can_be_one() {
    let catalogue: Vec<&str> = plant()
        .map(|entry| entry.path)
        .chain(BATTERY.iter().map(|entry| entry.path))
        .chain(METER.iter().map(|entry| entry.path))
        .chain(STACK.iter().map(|entry| entry.path))
        .chain(PERIOD.iter().map(|entry| entry.path))
        .collect();
    let tree = Layout::new(true).tree(&snapshot(&plant_of(&hybrid())));
    let published: Vec<&str> = tree.leaves.iter().map(|leaf| &*leaf.path).collect();
    for paths in [catalogue, published] {
        assert_eq!(paths.iter().collect::<BTreeSet<_>>().len(), paths.len());
        for path in paths {
            assert!(path.split('/').all(|level| !level.is_empty()), "{path}");
            assert!(path.chars().all(|c| c.is_ascii_graphic() && !"+#\"'".contains(c)), "{path}");
        }
    }
}

#[test]
fn names_tell_the_quantity() {
    let all = plant().map(|entry| (entry.path, entry.quantity));
    let all = all.chain(BATTERY.iter().map(|entry| (entry.path, entry.quantity)));
    let all = all.chain(STACK.iter().map(|entry| (entry.path, entry.quantity)));
    let all = all.chain(MODULE.iter().map(|entry| (entry.path, entry.quantity)));
    let all = all.chain(AIO.iter().map(|entry| (entry.path, entry.quantity)));
    let all = all.chain(EMS_INVERTER.iter().map(|entry| (entry.path, entry.quantity)));
    for (path, quantity) in all.chain(METER.iter().map(|entry| (entry.path, entry.quantity))) {
        let name = path.rsplit('/').next().unwrap();
        let wants: &[Option<&str>] = match name {
            "Current_Rate" | "Current_Rate_Type" | "Current_Period" | "Current_Period_Rate" => &[None],
            _ if name.ends_with("_kWh") => &[Some("kWh")],
            _ if name.ends_with("_Wh") => &[Some("Wh")],
            _ if name.contains("Apparent") => &[Some("VA")],
            _ if name.contains("Voltage") => &[Some("V")],
            _ if name.contains("Current") => &[Some("A")],
            _ if name.contains("Frequency") => &[Some("Hz")],
            _ if name.contains("Temperature") => &[Some("\u{b0}C")],
            _ if name.contains("SOC") => &[Some("%")],
            _ if name.ends_with("Time_Remaining") => &[Some("min")],
            _ if name.contains("Power_Factor") || name.ends_with("_Count") => &[None],
            _ if name.ends_with("_Power") => &[Some("W")],
            _ if name.contains("_time_slot_") => &[None],
            _ => continue,
        };
        assert!(wants.contains(&quantity.unit()), "{path}: {:?}", quantity.unit());
    }
}

#[test]
fn a_number_that_cannot_be_true_is_not_published() {
    for (quantity, possible, nonsense) in [
        (Quantity::Power, -3600.0, 100_001.0),
        (Quantity::EnergyToday, 0.0, -0.1),
        (Quantity::EnergyTotal, 7000.3, -1.0),
        (Quantity::EnergyStored, 9.52, 501.0),
        (Quantity::Voltage, 241.7, -1.0),
        (Quantity::Current, -60.0, 501.0),
        (Quantity::Frequency, 50.02, 70.1),
        (Quantity::Temperature, -12.5, -273.0),
        (Quantity::Percent, 100.0, 101.0),
        (Quantity::StateOfCharge, 0.0, -1.0),
        (Quantity::Charge, 186.0, -0.01),
        (Quantity::Minutes, 20_000.0, 20_001.0),
        (Quantity::PowerFactor, -1.0, 1.001),
        (Quantity::Seconds, 15.0, f64::NAN),
        (Quantity::Count, 3.0, f64::INFINITY),
    ] {
        assert!(quantity.admits(possible) && !quantity.admits(nonsense), "{quantity:?}");
    }
    let reserve = "Control/Battery_Power_Reserve";
    assert_eq!(leaf(&snapshot(&hybrid_with(holding(60), &[(50, 100)])), reserve).as_deref(), Some("100"));
    assert_eq!(leaf(&snapshot(&hybrid_with(holding(60), &[(50, 101)])), reserve), None);
}

#[test]
fn numbers_are_written_as_givtcp_writes_them() {
    let plant = hybrid_with(input(0), &[(5, 2400), (13, 5002), (30, 65_036), (59, 50)]);
    let seen = snapshot(&plant);
    for (path, wants) in [
        ("Power/Power/Grid_Voltage", "240.0"),
        ("Power/Power/Grid_Frequency", "50.02"),
        ("Power/Power/Grid_Power", "-500"),
        ("Power/Power/SOC", "50"),
        ("raw/invertor/v_ac1", "240.0"),
    ] {
        assert_eq!(leaf(&seen, path).as_deref(), Some(wants), "{path}");
    }
    let rounded = [0.000_4, 0.000_5, 2.345_678, 50.0, -1.234_56].map(|number| entries::float(Some(number)).unwrap());
    assert_eq!(rounded.map(|payload| payload.to_string()), ["0.0", "0.001", "2.346", "50.0", "-1.235"]);
}

#[test]
fn switches_and_times_of_day_are_written_as_givtcp_writes_them() {
    let plant = hybrid_with(holding(60), &[(94 - 60, 30), (95 - 60, 2359), (96 - 60, 1)]);
    let seen = snapshot(&plant);
    for (path, wants) in [
        ("Control/Enable_Charge_Schedule", "enable"),
        ("Timeslots/Charge_start_time_slot_1", "00:30:00"),
        ("Timeslots/Charge_end_time_slot_1", "23:59:00"),
        ("raw/invertor/charge_slot_1", "TimeSlot(start=datetime.time(0, 30), end=datetime.time(23, 59))"),
        ("raw/invertor/charge_slot_1_start", "30"),
        ("raw/invertor/enable_charge", "1"),
    ] {
        assert_eq!(leaf(&seen, path).as_deref(), Some(wants), "{path}");
    }
    let off = snapshot(&hybrid_with(holding(60), &[(94 - 60, 60), (95 - 60, 60), (96 - 60, 0)]));
    assert_eq!(leaf(&off, "Control/Enable_Charge_Schedule").as_deref(), Some("disable"));
    for path in ["Timeslots/Charge_start_time_slot_1", "raw/invertor/charge_slot_1", "raw/invertor/charge_slot_1_end"] {
        assert_eq!(leaf(&off, path), None, "{path}");
    }
}

#[test]
fn times_are_iso_8601_with_the_zones_offset_of_that_day() {
    let clock = |month, day, hour| {
        let plant = hybrid_with(FIRST, &[(35, 26), (36, month), (37, day), (38, hour), (39, 30), (40, 5)]);
        let seen = at(&plant, NOON, "Europe/London");
        let serial = seen.identity.serial;
        leaf(&seen, &format!("{serial}/Invertor_Time")).unwrap()
    };
    assert_eq!(clock(3, 29, 0), "2026-03-29T00:30:05+00:00");
    assert_eq!(clock(3, 29, 2), "2026-03-29T02:30:05+01:00");
    assert_eq!(clock(10, 25, 0), "2026-10-25T00:30:05+01:00");
    assert_eq!(clock(10, 25, 2), "2026-10-25T02:30:05+00:00");
    // 01:30 of that spring morning does not exist, and of that autumn morning it comes twice.
    assert_eq!(clock(3, 29, 1), "2026-03-29T02:30:05+01:00");
    assert_eq!(clock(10, 25, 1), "2026-10-25T01:30:05+01:00");
    let seen = at(&plant_of(&hybrid()), "2026-12-05T11:00:00.25Z", "Europe/London");
    assert_eq!(leaf(&seen, "Stats/Last_Updated_Time").as_deref(), Some("2026-12-05T11:00:00.250000+00:00"));
    assert_eq!(leaf(&seen, "Stats/Time_Since_Last_Update").as_deref(), Some("15.25"));
}

#[test]
fn a_completion_time_follows_the_zone_over_the_change() {
    // Half full, 700 W: some twelve hours, over the night in which summer time ends.
    let plant = hybrid_with(input(0), &[(52, 700), (59, 50)]);
    let seen = at(&plant, "2026-10-24T20:00:00Z", "Europe/London");
    let minutes = seen.power.discharge_minutes.unwrap();
    assert!((300..1200).contains(&minutes), "{minutes}");
    let end = leaf(&seen, "Power/Power/Discharge_Completion_Time").unwrap();
    let wants: Timestamp =
        "2026-10-24T20:00:00Z".parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_mins(minutes);
    assert!(end.ends_with("+00:00") && end.parse::<Timestamp>().unwrap() == wants, "{end}");
}

#[test]
fn registers_are_published_only_when_they_are_wanted() {
    let seen = snapshot(&plant_of(&hybrid()));
    let tree = Layout::new(false).tree(&seen);
    assert!(tree.leaves.len() > 150 && tree.leaves.iter().all(|leaf| !leaf.path.starts_with("raw/")));
}

#[test]
fn a_layout_follows_the_devices() {
    let blocks = hybrid();
    let mut layout = Layout::new(true);
    let mut plant = plant_of(&[(FIRST, block(FIRST))]);
    let batteries = |tree: &Tree| tree.leaves.iter().filter(|leaf| leaf.path.ends_with("/Battery_SOC")).count();
    assert_eq!(batteries(&layout.tree(&snapshot(&plant))), 0);
    for (key, values) in &blocks {
        take(&mut plant, *key, values);
    }
    let first = layout.tree(&snapshot(&plant));
    assert_eq!(batteries(&first), 2);
    let second = layout.tree(&snapshot(&plant));
    assert_eq!(first, second);
    assert!(std::sync::Arc::ptr_eq(&first.leaves[0].path, &second.leaves[0].path), "paths are made once");
}

#[test]
fn a_battery_at_another_address_is_asked_there() {
    let page = block(plan::battery(0x32));
    let mut layout = Layout::new(true);
    let serial = snapshot(&plant_of(&hybrid())).batteries[0].serial;
    let path = format!("raw/batteries/{serial}/soc");
    let mut soc_at = |device, soc| {
        let page = with(page.clone(), &[(100 - 60, soc)]);
        let plant = plant_of(&[(FIRST, block(FIRST)), (plan::battery(device), page)]);
        let tree = layout.tree(&snapshot(&plant));
        tree.leaves.iter().find(|leaf| *leaf.path == *path).map(|leaf| leaf.payload.to_string())
    };
    assert_eq!((soc_at(0x32, 40).as_deref(), soc_at(0x34, 41).as_deref()), (Some("40"), Some("41")));
}

#[test]
fn text_of_nuls_is_not_published() {
    let mut plant = hybrid_with(FIRST, &[(8, 0), (9, 0), (10, 0), (11, 0), (12, 0)]);
    assert_eq!(leaf(&snapshot(&plant), "raw/invertor/first_battery_serial_number"), None);
    take(&mut plant, plan::meter_product(1), &with(block(plan::meter_product(1)), &[(0, 0), (1, 0)]));
    assert!(leaves(&snapshot(&plant)).values().all(|payload| !payload.is_empty()));
}

#[test]
fn json_nests_as_the_topics_do() {
    let seen = snapshot(&hybrid_with(input(0), &[(59, 50)]));
    let json = as_json(&Layout::new(true).tree(&seen));
    assert_eq!(json["Power"]["Power"]["SOC"], 50);
    assert_eq!(json["Control"]["Mode"], leaf(&seen, "Control/Mode").unwrap().as_str());
    assert!(json["raw"]["invertor"]["v_ac1"].is_f64());
}
