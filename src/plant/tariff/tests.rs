use jiff::Timestamp;
use jiff::civil::time;
use jiff::tz::TimeZone;

use super::prices::Period;
use super::*;

fn london() -> TimeZone {
    TimeZone::get("Europe/London").unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn seen(when: &str, import: f64) -> Seen {
    Seen { at: at(when), skew: 0, import: Some(import), import_today: None, ac_charge: None, held: None }
}

/// Day from 05:30 at 0.30, night from 00:30 at 0.10.
fn economy() -> Prices {
    Prices {
        day: Band { rate: 0.30, start: time(5, 30, 0, 0) },
        night: Band { rate: 0.10, start: time(0, 30, 0, 0) },
        ..Prices::default()
    }
}

/// What these readings come to at the last of them.
fn after(prices: &Prices, readings: &[Seen]) -> Rates {
    let mut tariff = Tariff::default();
    readings.iter().for_each(|seen| tariff.observe(prices, &london(), seen));
    tariff.rates(prices, &london(), readings.last().unwrap().at, None)
}

fn round(value: Option<f64>) -> f64 {
    (value.unwrap() * 1000.0).round() / 1000.0
}

fn energies(rates: &Rates) -> (f64, f64) {
    (round(rates.day.energy), round(rates.night.energy))
}

/// A reading a minute from one time to another, of a meter through which 6 kW flow.
fn minutes(from: &str, to: &str, import: f64) -> Vec<Seen> {
    let (from, to) = (at(from), at(to));
    let count = to.duration_since(from).as_mins();
    (0..=count)
        .map(|minute| {
            let when = from + jiff::SignedDuration::from_mins(minute);
            Seen { at: when, ..seen("2026-06-05T00:00:00Z", import + minute as f64 * 0.1) }
        })
        .collect()
}

#[test]
fn energy_counts_to_the_rate_in_force() {
    let rates = after(&economy(), &minutes("2026-06-04T23:00:00Z", "2026-06-05T11:00:00Z", 1000.0));
    // From midnight: half an hour of day, five hours of night, then day until noon.
    assert_eq!(energies(&rates), (42.0, 30.0));
    assert_eq!((rates.day.cost, rates.night.cost), (Some(12.6), Some(3.0)));
    assert_eq!((rates.current, rates.current_rate), (Rate::Day, 0.30));
    assert_eq!((round(rates.day.start), round(rates.night.start)), (1030.0, 1003.0));
    assert_eq!(round(Some(rates.import_price)), 0.217);
    assert_eq!((round(rates.day.at_switch), round(rates.night.at_switch)), (3.0, 30.0));
}

#[test]
fn days_of_23_and_25_hours_have_shorter_and_longer_nights() {
    let spring = after(&economy(), &minutes("2026-03-29T00:00:00Z", "2026-03-29T22:59:00Z", 0.0));
    assert_eq!(energies(&spring), (113.9, 24.0));
    let autumn = after(&economy(), &minutes("2026-10-24T23:00:00Z", "2026-10-25T23:59:00Z", 0.0));
    assert_eq!(energies(&autumn), (113.9, 36.0));
}

#[test]
fn an_outage_across_a_switch_is_split_by_time() {
    let rates = after(&economy(), &[seen("2026-06-05T02:30:00Z", 10.0), seen("2026-06-05T06:30:00Z", 18.0)]);
    assert_eq!(energies(&rates), (4.0, 4.0));
    assert_eq!((rates.current, round(rates.day.start)), (Rate::Day, 14.0));
}

#[test]
fn the_day_ends_with_the_inverters_own_midnight() {
    let prices = economy();
    for (skew, before, after_it) in
        [(0, "22:59:00", "23:00:30"), (600, "22:49:00", "22:50:30"), (-600, "23:09:00", "23:10:30")]
    {
        let one = Seen { skew, ..seen("2026-06-05T20:00:00Z", 10.0) };
        let two = Seen { skew, ..seen(&format!("2026-06-05T{before}Z"), 12.0) };
        let three = Seen { skew, ..seen(&format!("2026-06-05T{after_it}Z"), 12.1) };
        assert_eq!(energies(&after(&prices, &[one, two])), (2.0, 0.0), "{skew}");
        let rates = after(&prices, &[one, two, three]);
        assert_eq!((round(rates.day.energy), rates.day.at_switch), (0.033, None), "{skew}");
        assert_eq!(round(rates.night.start), 12.067, "{skew}");
    }
}

#[test]
fn after_an_outage_across_midnight_the_inverters_own_counter_says_what_is_todays() {
    let before = seen("2026-06-05T20:00:00Z", 10.0);
    let known = Seen { import_today: Some(6.0), ..seen("2026-06-06T05:00:00Z", 22.0) };
    assert_eq!(energies(&after(&economy(), &[before, known])), (1.0, 5.0));
    let unknown = Seen { import_today: None, ..known };
    // Six of nine hours, and of these one by day.
    assert_eq!(energies(&after(&economy(), &[before, unknown])), (1.333, 6.667));
    let days = Seen { import_today: Some(6.0), ..seen("2026-07-06T05:00:00Z", 222.0) };
    assert_eq!(energies(&after(&economy(), &[before, days])), (1.0, 5.0));
}

#[test]
fn just_after_midnight_a_counter_that_is_still_yesterdays_is_not_believed() {
    let before = seen("2026-06-05T22:00:00Z", 10.0);
    let late = Seen { import_today: Some(9.0), ..seen("2026-06-05T23:05:00Z", 16.5) };
    assert_eq!(energies(&after(&economy(), &[before, late])), (0.5, 0.0));
}

#[test]
fn what_was_counted_survives_a_restart() {
    let prices = Prices { periods: vec![period("all", 0)], ..economy() };
    let readings = minutes("2026-06-05T00:00:00Z", "2026-06-05T06:00:00Z", 5.0);
    let mut one = Tariff::default();
    let mut other = Tariff::default();
    for seen in &readings {
        one.observe(&prices, &london(), seen);
        other.observe(&prices, &london(), seen);
        other = serde_json::from_str(&serde_json::to_string(&other).unwrap()).unwrap();
    }
    assert_eq!(one, other);
    assert_eq!(serde_json::from_str::<Tariff>("{}").unwrap(), Tariff::default());
}

#[test]
fn the_same_reading_again_and_no_reading_change_nothing() {
    let mut tariff = Tariff::default();
    tariff.observe(&economy(), &london(), &seen("2026-06-05T12:00:00Z", 10.0));
    tariff.observe(&economy(), &london(), &seen("2026-06-05T13:00:00Z", 12.0));
    let before = tariff.clone();
    tariff.observe(&economy(), &london(), &seen("2026-06-05T13:00:00Z", 12.0));
    tariff.observe(&economy(), &london(), &Seen { import: None, ..seen("2026-06-05T14:00:00Z", 0.0) });
    assert_eq!(tariff, before);
    let unread = Tariff::default().rates(&economy(), &london(), at("2026-06-05T12:00:00Z"), None);
    assert_eq!((unread.day.energy, unread.day.cost, unread.export_income), (None, None, None));
    assert_eq!(unread.current_rate, 0.30);
}

#[test]
fn a_total_that_falls_a_little_is_held_and_one_that_falls_far_is_another_counters() {
    let readings = [10.0, 12.0, 11.9, 12.1, 3.0, 3.5].map(|kwh| kwh);
    let readings: Vec<Seen> =
        readings.iter().enumerate().map(|(minute, kwh)| seen(&format!("2026-06-05T12:0{minute}:00Z"), *kwh)).collect();
    let rates = after(&economy(), &readings);
    assert_eq!(energies(&rates), (2.6, 0.0));
    assert_eq!(round(rates.day.start), 0.9);
}

#[test]
fn a_clock_that_was_set_back_does_not_lose_energy() {
    let readings =
        [seen("2026-06-05T12:00:00Z", 10.0), seen("2026-06-05T11:00:00Z", 10.5), seen("2026-06-05T12:00:00Z", 11.0)];
    assert_eq!(energies(&after(&economy(), &readings)), (1.0, 0.0));
}

#[test]
fn others_switch_and_the_clock_does_not() {
    let prices = Prices { mode: Mode::External, ..economy() };
    let mut tariff = Tariff::default();
    let zone = london();
    tariff.observe(&prices, &zone, &seen("2026-06-05T00:00:00Z", 10.0));
    tariff.observe(&prices, &zone, &seen("2026-06-05T02:00:00Z", 12.0));
    assert_eq!(tariff.rates(&prices, &zone, at("2026-06-05T02:00:00Z"), None).current, Rate::Day);
    tariff.switch(Rate::Night, at("2026-06-05T03:00:00Z"));
    assert_eq!(tariff.rates(&prices, &zone, at("2026-06-05T03:00:00Z"), None).current, Rate::Night);
    tariff.switch(Rate::Day, at("2026-06-05T03:30:00Z"));
    tariff.switch(Rate::Night, at("2026-06-05T04:00:00Z"));
    tariff.observe(&prices, &zone, &seen("2026-06-05T06:00:00Z", 16.0));
    let rates = tariff.rates(&prices, &zone, at("2026-06-05T06:00:00Z"), None);
    assert_eq!(energies(&rates), (3.5, 2.5));
    assert_eq!((rates.current, rates.current_rate), (Rate::Night, 0.10));
    assert_eq!((round(rates.day.at_switch), round(rates.night.at_switch)), (3.5, 0.5));
    let restarted: Tariff = serde_json::from_str(&serde_json::to_string(&tariff).unwrap()).unwrap();
    assert_eq!(restarted.rates(&prices, &zone, at("2026-06-05T12:00:00Z"), None).current, Rate::Night);
}

#[test]
fn without_readings_no_more_switches_are_kept_than_a_day_has() {
    let mut tariff = Tariff::default();
    tariff.observe(&economy(), &london(), &seen("2026-06-05T00:00:00Z", 10.0));
    let empty = serde_json::to_string(&tariff).unwrap().len();
    for second in 0..10_000 {
        tariff.switch(if second % 2 == 0 { Rate::Night } else { Rate::Day }, Timestamp::from_second(second).unwrap());
    }
    assert!(serde_json::to_string(&tariff).unwrap().len() < empty + 48 * 60);
    tariff.observe(&economy(), &london(), &seen("2026-06-05T00:01:00Z", 10.0));
    assert_eq!(serde_json::to_string(&tariff).unwrap().len(), empty, "by the clock they mean nothing");
}

fn period(name: &str, hour: i8) -> Period {
    Period { name: name.into(), band: Band { rate: f64::from(hour) / 100.0, start: time(hour, 0, 0, 0) } }
}

#[test]
fn named_periods_divide_the_day_beside_day_and_night() {
    let periods = vec![period("peak", 16), period("day", 5), period("night", 19)];
    let prices = Prices { periods, mode: Mode::External, ..economy() };
    let rates = after(&prices, &minutes("2026-06-05T14:00:00Z", "2026-06-05T20:00:00Z", 0.0));
    let shown: Vec<(&str, f64, f64)> =
        rates.periods.iter().map(|p| (&*p.name, round(p.energy), round(p.cost))).collect();
    assert_eq!(shown, [("peak", 18.0, 2.88), ("day", 6.0, 0.3), ("night", 12.0, 2.28)]);
    assert_eq!(rates.current_period, Some(2));
    assert_eq!(energies(&rates), (36.0, 0.0));
    assert_eq!(after(&economy(), &[seen("2026-06-05T14:00:00Z", 1.0)]).current_period, None);
}

#[test]
fn export_earns_what_the_inverter_counted_today() {
    let rates = Tariff::default().rates(&economy(), &london(), at("2026-06-05T12:00:00Z"), Some(12.34));
    assert_eq!((rates.export_rate, rates.export_income), (0.04, Some(0.49)));
}

fn charging(when: &str, ac_charge: f64, held: f64) -> Seen {
    Seen { ac_charge: Some(ac_charge), held: Some(held), ..seen(when, 10.0) }
}

#[test]
fn the_battery_is_worth_what_was_paid_for_what_is_in_it() {
    let night = [
        charging("2026-06-05T00:30:00Z", 100.0, 1.0),
        charging("2026-06-05T00:50:00Z", 101.0, 2.0),
        // At 0:59 and a little: 2 kWh at 0.10.
        charging("2026-06-05T00:59:30Z", 102.0, 3.0),
    ];
    assert_eq!(after(&economy(), &night[..2]).battery_value, Some(0.0), "not yet");
    let full = after(&economy(), &night);
    assert_eq!((round(full.battery_value), round(full.battery_price)), (0.2, 0.067));
    let used = [&night[..], &[charging("2026-06-05T01:31:00Z", 102.0, 1.5)]].concat();
    let used = after(&economy(), &used);
    assert_eq!((round(used.battery_value), round(used.battery_price)), (0.1, 0.067));
}

#[test]
fn a_missed_minute_does_not_miss_the_batterys_value() {
    let late = [charging("2026-06-05T00:30:00Z", 100.0, 1.0), charging("2026-06-05T03:17:00Z", 105.0, 6.0)];
    assert_eq!(round(after(&economy(), &late).battery_value), 0.5);
}

#[test]
fn without_a_battery_nothing_is_worth_anything() {
    let rates = after(&economy(), &minutes("2026-06-05T00:00:00Z", "2026-06-05T02:00:00Z", 0.0));
    assert_eq!((rates.battery_value, rates.battery_price), (None, None));
}

proptest::proptest! {
    /// Whatever is read, in whatever order: no panic, and day and night are the periods' sum and never negative.
    #[test]
    fn day_and_night_and_the_periods_count_the_same(
        readings in proptest::collection::vec((0i64..40_000_000, 0.0f64..200.0, proptest::option::of(0.0f64..50.0), -100_000i64..100_000), 1..40),
        external: bool,
    ) {
        let mode = if external { Mode::External } else { Mode::Clock };
        let prices = Prices { mode, periods: vec![period("a", 3), period("b", 17)], ..economy() };
        let mut tariff = Tariff::default();
        let mut now = at("2026-01-01T00:00:00Z");
        let mut import = 0.0;
        for (seconds, energy, import_today, skew) in readings {
            now += jiff::SignedDuration::from_secs(seconds / 40 - 5000);
            import += energy;
            tariff.observe(&prices, &london(), &Seen { skew, import_today, at: now, ..seen("2026-06-05T00:00:00Z", import) });
            let rates = tariff.rates(&prices, &london(), now, None);
            let (day, night) = (rates.day.energy.unwrap(), rates.night.energy.unwrap());
            let periods: f64 = rates.periods.iter().map(|p| p.energy.unwrap()).sum();
            proptest::prop_assert!(day >= 0.0 && night >= 0.0);
            proptest::prop_assert!((day + night - periods).abs() < 1e-6, "{day} {night} {periods}");
            proptest::prop_assert!(day + night <= import + 1e-6);
        }
    }
}
