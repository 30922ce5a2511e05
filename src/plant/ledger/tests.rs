use std::time::Duration;

use jiff::civil::DateTime;

use super::*;

const RATING: Rating = Rating { model: Model::HybridGen1, family: Family::SinglePhase, watts: Some(5000) };
const NOON: DateTime = DateTime::constant(2026, 6, 5, 12, 0, 0, 0);
const MINUTE: i64 = 60_000;

fn load(energy: Energy) -> Energy {
    let load = (|| Some(energy.inverter? + energy.import? - energy.export?))();
    Energy { load: load.map(round3), ..energy }
}

fn read(ledger: &mut Ledger, at: i64, [inverter, import, export]: [f64; 3]) -> Vec<(Counter, Verdict)> {
    let total = Energy { inverter: Some(inverter), import: Some(import), export: Some(export), ..Energy::default() };
    let reading = Reading { at, device: 0, total, today: Energy { import: Some(import), ..Energy::default() } };
    ledger.observe(&reading, RATING, &load)
}

fn settled() -> Ledger {
    let mut ledger = Ledger::default();
    assert!(ledger.clock_read(Some(NOON), 0));
    for at in 0..4 {
        read(&mut ledger, at * MINUTE, [20.0, 9.0, 4.0]);
    }
    ledger
}

fn restarted(ledger: &Ledger, saved: i64, pause: u64) -> Ledger {
    let text = serde_json::to_string(&ledger.memory(saved)).unwrap();
    let mut next = Ledger::default();
    next.restore(serde_json::from_str(&text).unwrap(), Duration::from_secs(pause), 5000);
    next
}

#[test]
fn nothing_is_published_before_it_is_confirmed() {
    let mut ledger = Ledger::default();
    let doubts = read(&mut ledger, 0, [20.0, 9.0, 4.0]);
    assert!(doubts.len() == 4 && doubts.iter().all(|&(_, verdict)| verdict == Verdict::Unconfirmed));
    assert_eq!((ledger.total(0), ledger.today(0)), (Energy::default(), Energy::default()));
    assert!(read(&mut ledger, 300, [20.0, 9.0, 4.0]).is_empty());
    assert_eq!(
        (ledger.total(0).import, ledger.total(0).load, ledger.today(0).import),
        (Some(9.0), Some(25.0), Some(9.0))
    );
}

#[test]
fn after_a_restart_one_reading_that_fits_is_enough_and_nothing_is_published_before() {
    let mut next = restarted(&settled(), 3 * MINUTE, 20);
    assert_eq!((next.total(0), next.today(0)), (Energy::default(), Energy::default()));
    assert!(read(&mut next, 5300, [20.0, 9.1, 4.0]).is_empty());
    assert_eq!((next.total(0).import, next.today(0).import), (Some(9.1), Some(9.1)));
}

#[test]
fn after_a_restart_a_jump_is_a_jump() {
    let mut next = restarted(&settled(), 3 * MINUTE, 20);
    let doubts = read(&mut next, 5300, [20.0, 6562.6, 4.0]);
    assert!(doubts.contains(&(Counter { name: "import", device: 0 }, Verdict::Jump)));
    assert_eq!(next.total(0).import, None);
}

#[test]
fn after_a_restart_a_sum_waits_until_it_cannot_be_less_than_what_was_published() {
    let mut before = settled();
    let memory = before.clone();
    // Published, and not saved: 25.1 while the export is still at 4.0.
    read(&mut before, 4 * MINUTE, [20.1, 9.0, 4.0]);
    read(&mut before, 5 * MINUTE, [20.1, 9.0, 4.1]);
    assert_eq!(before.total(0).load, Some(25.1));
    let mut next = restarted(&memory, 3 * MINUTE, 200);
    read(&mut next, 5300, [20.1, 9.0, 4.1]);
    read(&mut next, 5600, [20.1, 9.0, 4.1]);
    assert_eq!((next.total(0).inverter, next.total(0).load), (Some(20.1), None));
    read(&mut next, 9000, [20.1, 9.1, 4.1]);
    read(&mut next, 9900, [20.1, 9.1, 4.1]);
    assert_eq!(next.total(0).load, Some(25.1));
}

#[test]
fn a_wrong_reading_that_was_believed_does_not_stay_in_what_follows_from_it() {
    let mut ledger = settled();
    read(&mut ledger, 4 * MINUTE, [20.0, 9.0, 4.2]);
    read(&mut ledger, 5 * MINUTE, [20.0, 9.0, 4.0]);
    read(&mut ledger, 6 * MINUTE, [20.1, 9.0, 4.0]);
    read(&mut ledger, 7 * MINUTE, [20.1, 9.0, 4.0]);
    assert_eq!((ledger.total(0).export, ledger.total(0).load), (Some(4.2), Some(25.1)));
}

#[test]
fn a_meters_counters_are_its_own() {
    let mut ledger = settled();
    let total = Energy { import: Some(77.0), ..Energy::default() };
    let reading = Reading { at: 4 * MINUTE, device: 1, total, today: Energy::default() };
    ledger.observe(&reading, RATING, &load);
    ledger.observe(&reading, RATING, &load);
    assert_eq!((ledger.total(1).import, ledger.total(0).import), (Some(77.0), Some(9.0)));
}

#[test]
fn counters_of_another_version_in_a_file_are_left_out() {
    let text = r#"{"counters":[{"name":"flux","device":0},{"name":"pv","device":0,"total":{"held":-1.0}}],"more":1}"#;
    let mut ledger = Ledger::default();
    ledger.restore(serde_json::from_str(text).unwrap(), Duration::from_secs(u64::MAX), i64::MAX);
    assert_eq!(ledger.total(0), Energy::default());
    read(&mut ledger, 0, [20.0, 9.0, 4.0]);
}

#[test]
fn a_counter_of_16_bits_goes_on_when_it_is_full() {
    let pack = |ledger: &mut Ledger, at, kwh| {
        let total = Energy { battery_charge: Some(kwh), pv: Some(kwh), ..Energy::default() };
        ledger.observe(&Reading { at, device: 0, total, today: Energy::default() }, RATING, &|energy| energy)
    };
    let mut ledger = Ledger::default();
    for (minute, kwh) in [6553.3, 6553.3, 6553.4, 6553.5].into_iter().enumerate() {
        pack(&mut ledger, minute as i64 * MINUTE, kwh);
    }
    let doubts = pack(&mut ledger, 4 * MINUTE, 0.0);
    assert_eq!(doubts, [(Counter { name: "pv", device: 0 }, Verdict::Fall)], "that one has 32 bits");
    assert_eq!(ledger.total(0).battery_charge, Some(6553.6));
    pack(&mut ledger, 5 * MINUTE, 0.1);
    // A late reply, and a step back.
    pack(&mut ledger, 6 * MINUTE, 6553.5);
    pack(&mut ledger, 7 * MINUTE, 0.1);
    assert_eq!(ledger.total(0).battery_charge, Some(6553.7));

    let mut next = restarted(&ledger, 7 * MINUTE, 7200);
    pack(&mut next, 5300, 1.5);
    assert_eq!(next.total(0).battery_charge, None, "more than is believed at once");
    pack(&mut next, 5600, 1.5);
    assert_eq!(next.total(0).battery_charge, Some(6555.1));
}

#[test]
fn a_counter_that_was_not_full_begins_anew_instead() {
    let mut ledger = Ledger::default();
    let read = |ledger: &mut Ledger, at, kwh| {
        let total = Energy { import: Some(kwh), ..Energy::default() };
        ledger.observe(&Reading { at, device: 3, total, today: Energy::default() }, RATING, &|energy| energy)
    };
    for minute in 0..4 {
        read(&mut ledger, minute * MINUTE, 6000.0);
    }
    for minute in 4..20 {
        read(&mut ledger, minute * MINUTE, 0.0);
    }
    assert_eq!(ledger.total(3).import, Some(0.0));
}

#[test]
fn a_rise_that_the_other_part_does_not_show_is_not_believed_at_a_second_reading() {
    let mut ledger = Ledger::default();
    let mut read = |at, total, today| {
        let total = Energy { battery_discharge: Some(total), ..Energy::default() };
        let today = Energy { battery_discharge: Some(today), ..Energy::default() };
        ledger.observe(&Reading { at, device: 0, total, today }, RATING, &|energy| energy);
        (ledger.total(0).battery_discharge, ledger.today(0).battery_discharge)
    };
    for minute in 0..4 {
        read(minute * MINUTE, 3892.5, 0.1);
    }
    read(10 * MINUTE, 3892.5, 1.0);
    assert_eq!(read(10 * MINUTE + 2000, 3892.5, 1.0), (Some(3892.5), Some(0.1)));
    read(11 * MINUTE, 3892.5, 0.1);
    read(12 * MINUTE, 3893.4, 0.1);
    assert_eq!(read(12 * MINUTE + 2000, 3893.4, 0.1), (Some(3892.5), Some(0.1)));
    read(13 * MINUTE, 3893.4, 1.0);
    assert_eq!(read(13 * MINUTE + 2000, 3893.4, 1.0), (Some(3893.4), Some(1.0)), "both, and they agree");
}

#[test]
fn a_sum_takes_no_counter_of_before_an_outage_and_another_of_after_it() {
    let mut ledger = settled();
    let after = 180 * MINUTE;
    read(&mut ledger, after, [20.0, 13.0, 8.0]);
    // The second reading, which is to confirm it, is wrong in what is taken off.
    read(&mut ledger, after + 2_000, [20.0, 13.0, 80.0]);
    let total = ledger.total(0);
    assert_eq!((total.import, total.export, total.load), (Some(13.0), Some(4.0), Some(25.0)), "not 29");
    read(&mut ledger, after + MINUTE, [20.0, 13.0, 8.0]);
    assert_eq!(ledger.total(0).load, Some(25.0));
    read(&mut ledger, after + MINUTE + 2_000, [20.0, 13.2, 8.0]);
    read(&mut ledger, after + 2 * MINUTE, [20.0, 13.2, 8.0]);
    let total = ledger.total(0);
    assert_eq!((total.import, total.export, total.load), (Some(13.2), Some(8.0), Some(25.2)));
}

#[test]
fn a_tick_of_both_strings_at_once_is_no_jump() {
    let tick = |name: &'static str, family| {
        let mut ledger = Ledger::default();
        let mut observe = |at, kwh| {
            let mut today = Energy::default();
            let counter = today.each_mut().find(|(of, _)| *of == name).unwrap().1;
            *counter = Some(kwh);
            let reading = Reading { at, device: 0, total: Energy::default(), today };
            ledger.observe(&reading, Rating { family, ..RATING }, &load).first().map(|&(_, verdict)| verdict)
        };
        for poll in 0..4 {
            observe(poll * 5_000, 4.0);
        }
        observe(20_000, 4.2)
    };
    for name in ["pv", "battery_throughput"] {
        for family in [Family::SinglePhase, Family::PvOnly] {
            assert_eq!(tick(name, family), None, "{name} {family:?}");
        }
        assert_eq!(tick(name, Family::ThreePhase), Some(Verdict::Jump), "one register: {name}");
    }
    assert_eq!(tick("inverter", Family::SinglePhase), Some(Verdict::Jump), "one register");
}
