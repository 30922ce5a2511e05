//! Rates, smoothing and roles.

use super::*;

#[test]
fn rates_and_periods_are_read_from_the_file() {
    let settings = good(
        "rates:\n  mode: external\n  day: { rate: 0.30, start: 7:00 }\n  night: { rate: -0.02, start: '00:30' }\n\
         \x20 export_rate: 0.15\n  periods:\n    - { name: peak, rate: 0.38, start: 16:00 }\n\
         \x20   - { name: off_peak, rate: 0.1, start: '19:00' }\nsmoothing: high\n",
    );
    insta::assert_snapshot!(
        describe(&settings).lines().filter(|line| line.starts_with("rates") || line.starts_with("smoothing")).collect::<Vec<_>>().join("\n"),
        @r"
    rates.mode: external
    rates.day.rate: 0.3
    rates.day.start: 07:00
    rates.night.rate: -0.02
    rates.night.start: 00:30
    rates.export_rate: 0.15
    rates.periods[0].name: peak
    rates.periods[0].rate: 0.38
    rates.periods[0].start: 16:00
    rates.periods[1].name: off_peak
    rates.periods[1].rate: 0.1
    rates.periods[1].start: 19:00
    smoothing: high
    "
    );
}

#[test]
fn wrong_rates_are_faults_at_their_places() {
    let text = "rates:\n  mode: clocks\n  day: { rate: '£0.30', start: 5.30 }\n  night: { rate: 5000, start: '24:00' }\n\
                \x20 export_rate: nan\n  periods:\n    - { name: a b, rate: 1, start: '16:00' }\n    - { rate: 1, start: '16:00' }\n\
                \x20   - { name: peak, rate: 1, start: '16:00', end: '17:00' }\n    - { name: Peak, rate: 1, start: '16:00' }\n\
                \x20   - peak\nsmoothing: much\n";
    insta::assert_snapshot!(faults(text).join("\n"), @r"
    givtcp.yaml:3:9: rates.mode: must be one of clock, external (did you mean clock?): clocks
    givtcp.yaml:4:16: rates.day.rate: must be the price of a kWh as a number, such as 0.155 (did you mean 0.30?): £0.30
    givtcp.yaml:4:32: rates.day.start: must be a time of day, 00:00 to 23:59, such as 05:30: 5.30
    givtcp.yaml:5:18: rates.night.rate: must be the price of a kWh as a number, such as 0.155: 5000
    givtcp.yaml:5:31: rates.night.start: must be a time of day, 00:00 to 23:59, such as 05:30: 24:00
    givtcp.yaml:6:16: rates.export_rate: must be the price of a kWh as a number, such as 0.155: nan
    givtcp.yaml:8:15: rates.periods[0].name: must be 1 to 32 letters, digits, - and _ (did you mean a_b?): a b
    givtcp.yaml:9:7: rates.periods[1].name: must be set
    givtcp.yaml:10:46: rates.periods[2].end: is not a setting
    givtcp.yaml:11:15: rates.periods[3].name: must differ from the name of rates.periods[2]: peak
    givtcp.yaml:11:37: rates.periods[3].start: must differ from the start of rates.periods[2]: 16:00
    givtcp.yaml:12:7: rates.periods[4]: must be a period's names and values (did you mean name: peak?)
    givtcp.yaml:13:12: smoothing: must be one of none, low, medium, high: much
    ");
}

#[test]
fn day_and_night_cannot_begin_at_once() {
    assert_eq!(
        faults("rates: { night: { start: '05:30' } }"),
        ["givtcp.yaml:2:26: rates.night.start: must differ from rates.day.start: 05:30"]
    );
    assert_eq!(
        faults("rates: { day: { start: '23:30' } }"),
        ["givtcp.yaml:2:24: rates.night.start: must differ from rates.day.start: 23:30"]
    );
}

#[test]
fn periods_are_a_list_of_at_most_24() {
    assert_eq!(
        faults("rates: { periods: peak }"),
        ["givtcp.yaml:2:19: rates.periods: must be a list of periods, not one value"]
    );
    let periods = |count: usize| {
        let each = (0..count).map(|n| format!("{{ name: p{n}, rate: 0.1, start: '{:02}:{:02}' }}", n / 2, n % 2 * 30));
        format!("rates: {{ periods: [{}] }}", each.collect::<Vec<_>>().join(", "))
    };
    assert_eq!(good(&periods(24)).rates.periods.len(), 24);
    assert_eq!(faults(&periods(25)), ["givtcp.yaml:2:19: rates.periods: must be at most 24 periods: 25"]);
    assert_eq!(good("rates: { periods: [] }").rates.periods, []);
}

#[test]
fn a_role_is_read_for_each_inverter() {
    let text = "inverters:\n  - { host: a, role: battery_only }\n  - { host: b }\n  - { host: c, role: auto }\n";
    let settings = load_with(text, &[]).unwrap().settings;
    let roles: Vec<Role> = settings.inverters.iter().map(|inverter| inverter.role).collect();
    assert_eq!(roles, [Role::BatteryOnly, Role::Auto, Role::Auto]);
    let wrong = load_with("inverters: [{ host: a, role: battery-only }]", &[]);
    assert_eq!(
        shown(wrong),
        [
            "givtcp.yaml:1:30: inverters[0].role: must be one of auto, battery_only (did you mean battery_only?): battery-only"
        ]
    );
}

#[test]
fn givtcps_names_of_the_tariff_are_taken_in_both_spellings() {
    for env in [
        [
            ("DYNAMICTARIFF", "True"),
            ("DAYRATE", "0.155"),
            ("NIGHTRATE", "0.055"),
            ("EXPORTRATE", "0.05"),
            ("DAYRATESTART", "04:30"),
            ("NIGHTRATESTART", "00:30"),
            ("DATASMOOTHER", "Medium"),
        ],
        [
            ("dynamic_tariff", "true"),
            ("day_rate", "0.155"),
            ("night_rate", "0.055"),
            ("export_rate", "0.05"),
            ("day_rate_start", "04:30"),
            ("night_rate_start", "00:30"),
            ("data_smoother", "medium"),
        ],
    ] {
        let settings = load_with(ONE, &env).unwrap().settings;
        let RatesSettings { mode, day, night, export_rate, periods } = settings.rates;
        assert_eq!((mode, export_rate, periods.len()), (RatesMode::External, 0.05, 0));
        assert_eq!((day.rate, day.start.hour(), night.rate, night.start.minute()), (0.155, 4, 0.055, 30));
        assert_eq!(settings.smoothing, Smoothing::Medium);
    }
    assert_eq!(load_with(ONE, &[("DATASMOOTHER", "Off")]).unwrap().settings.smoothing, Smoothing::None);
    assert_eq!(load_with(ONE, &[("DYNAMICTARIFF", "False")]).unwrap().settings.rates.mode, RatesMode::Clock);
    let wrong = shown(load_with(ONE, &[("DAYRATE", "a lot"), ("DATASMOOTHER", "strong")]));
    assert_eq!(wrong.len(), 2, "{wrong:?}");
}
