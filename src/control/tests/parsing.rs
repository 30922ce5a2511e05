//! Names and payloads as they come.

use proptest::prelude::*;

use crate::control::{
    COMMANDS, Calibration, ClockSetting, Command, Direction, Mode, Override, OverrideKind, PauseMode, SlotChange,
    SlotKind,
};

fn parsed(name: &str, payload: &str) -> Command {
    Command::parse(name, payload).unwrap_or_else(|fault| panic!("{fault}"))
}

fn fault(name: &str, payload: &str) -> String {
    Command::parse(name, payload).expect_err("a fault").to_string()
}

#[test]
fn a_bare_payload_and_a_body_are_the_same_command() {
    for name in COMMANDS.iter().filter(|name| !name.text.is_empty() && name.body.len() > 2) {
        if name.name == "setBatteryCalibration" {
            continue;
        }
        let called = name.numbered(name.numbers.max(1));
        assert_eq!(parsed(&called, name.text), parsed(&called, name.body), "{called}");
    }
}

#[test]
fn a_dry_run_is_asked_for_in_any_spelling_of_a_switch_and_never_overheard() {
    let asked = |payload: &str| Command::parse_dry_run("setBatteryReserve", payload).map_err(|fault| fault.to_string());
    for yes in ["true", "\"true\"", "1", "\"on\"", "\"True\"", "\"enable\""] {
        assert_eq!(asked(&format!("{{\"reservePercent\": 33, \"dry_run\": {yes}}}")), Ok(true), "{yes}");
    }
    for no in ["{}", "33", "", "{\"dry_run\": false}", "{\"dry_run\": null}", "{\"dry_run\": \"0\"}"] {
        assert_eq!(asked(no), Ok(false), "{no}");
    }
    for unclear in ["\"maybe\"", "2", "[]", "{}", "\"\""] {
        let fault = asked(&format!("{{\"dry_run\": {unclear}}}")).unwrap_err();
        assert!(fault.contains("a dry_run that is neither true nor false"), "{unclear}: {fault}");
    }
}

#[test]
fn every_name_its_aliases_and_any_capitals_are_understood() {
    for name in COMMANDS {
        let numbers = if name.numbers == 0 { 1..=1 } else { 1..=name.numbers };
        for number in numbers {
            let called = name.numbered(number);
            let command = parsed(&called, name.example());
            assert_eq!(parsed(&called.to_uppercase(), name.example()), command);
            for alias in name.aliases {
                assert_eq!(parsed(alias, name.example()), command);
            }
        }
    }
}

#[test]
fn what_predbat_posts_is_understood() {
    for (name, body, wants) in [
        ("setChargeTarget", r#"{"chargeToPercent":90}"#, Command::Target(90)),
        ("enableChargeTarget", r#"{"state":"disable"}"#, Command::TargetFlag(false)),
        ("setChargeRate", r#"{"chargeRate":2600}"#, Command::Rate { direction: Direction::Charge, watts: 2600 }),
        ("setDischargeRate", r#"{"dischargeRate":0}"#, Command::Rate { direction: Direction::Discharge, watts: 0 }),
        ("setBatteryMode", r#"{"mode":"Timed Export"}"#, Command::Mode(Mode::TimedExport)),
        ("setBatteryReserve", r#"{"reservePercent":4}"#, Command::Reserve(4)),
        ("enableChargeSchedule", r#"{"state":"enable"}"#, Command::ChargeSchedule(true)),
        ("enableDischargeSchedule", r#"{"state":"enable"}"#, Command::DischargeSchedule(true)),
        ("setBatteryPauseMode", r#"{"state":"PauseBoth"}"#, Command::PauseMode(PauseMode::Both)),
        (
            "setDischargeTarget",
            r#"{"dischargeToPercent":20,"slot":1}"#,
            Command::SlotTarget { kind: SlotKind::Discharge, number: 1, percent: 20 },
        ),
    ] {
        assert_eq!(parsed(name, body), wants, "{name}");
    }
    let slot = |kind| SlotChange {
        kind,
        number: 1,
        start: Some(jiff::civil::time(23, 30, 0, 0)),
        end: Some(jiff::civil::time(5, 30, 0, 0)),
        target: None,
    };
    let body = r#"{"start":"23:30","finish":"05:30"}"#;
    assert_eq!(parsed("setChargeSlot1", body), Command::Slot(slot(SlotKind::Charge)));
    assert_eq!(parsed("setDischargeSlot1", body), Command::Slot(slot(SlotKind::Discharge)));
    assert_eq!(parsed("setPauseSlot", body), Command::Slot(slot(SlotKind::Pause)));
}

#[test]
fn numbers_may_be_quoted_and_have_a_fraction_of_zero() {
    for payload in ["80", " 80 ", "80.0", "\"80\"", r#"{"chargeToPercent": "80"}"#, r#"{"chargeToPercent": 80.0}"#] {
        assert_eq!(parsed("setChargeTarget", payload), Command::Target(80), "{payload}");
    }
}

#[test]
fn times_have_seconds_or_none_or_no_colon() {
    for payload in ["05:30", "05:30:00", "0530", r#"{"start": "05:30"}"#] {
        let Command::Slot(change) = parsed("setChargeStart2", payload) else { panic!("a slot") };
        assert_eq!((change.number, change.start), (2, Some(jiff::civil::time(5, 30, 0, 0))), "{payload}");
        assert_eq!((change.end, change.target), (None, None));
    }
    for payload in ["24:00", "05:60", "5:30", "05:30:60", "０5:3", "-1:30", "", "05.30", "\u{e9}5:30:0"] {
        assert!(fault("setChargeStart2", payload).contains("must be HH:MM from 00:00 to 23:59"), "{payload}");
    }
}

#[test]
fn overrides_last_a_minute_to_a_minute_less_than_a_day() {
    for (payload, minutes) in [
        ("30", Some(30)),
        ("30.0", Some(30)),
        (r#"{"duration": 30}"#, Some(30)),
        ("1439", Some(1439)),
        ("1", Some(1)),
        ("0", None),
        ("Cancel", None),
        ("normal", None),
        (r#"{"duration": "Cancel"}"#, None),
    ] {
        for kind in OverrideKind::ALL {
            assert_eq!(parsed(kind.name(), payload), Command::Override(Override { kind, minutes }), "{payload}");
        }
    }
    for payload in ["1440", "-5", "0.5", "Running", "", "{}", "1e9"] {
        assert!(fault("forceCharge", payload).contains("must be 1 to 1439 minutes, or Cancel or Normal"), "{payload}");
    }
}

#[test]
fn what_must_be_confirmed_carries_it() {
    let confirm = Some("SD2227G101".to_owned());
    assert_eq!(parsed("reboot", r#"{"confirm": "SD2227G101"}"#), Command::Reboot { confirm: confirm.clone() });
    assert_eq!(parsed("rebootInverter", "SD2227G101"), Command::Reboot { confirm: confirm.clone() });
    assert_eq!(parsed("reboot", ""), Command::Reboot { confirm: None });
    let body = r#"{"state": "Charge Only", "confirm": "SD2227G101"}"#;
    let stage = Calibration::ChargeOnly;
    assert_eq!(parsed("setBatteryCalibration", body), Command::Calibration { stage, confirm });
}

#[test]
fn a_clock_is_set_to_days_that_exist() {
    let time = jiff::civil::date(2026, 6, 5).at(12, 30, 15, 0);
    assert_eq!(parsed("setDateTime", "05/06/2026 12:30:15"), Command::Clock(ClockSetting::At(time)));
    for payload in ["31/02/2026 12:00:00", "05/06/1999 12:00:00", "05/06/2100 12:00:00", "2026-06-05 12:00:00"] {
        assert!(fault("setDateTime", payload).contains("must be DD/MM/YYYY HH:MM:SS"), "{payload}");
    }
}

#[test]
fn a_fault_says_what_is_wanted() {
    let faults = [
        ("setChargeRate", "fast"),
        ("setChargeRate", "-1"),
        ("setChargeTarget", "101"),
        ("setChargeTarget", "80.5"),
        ("setChargeTarget", "NaN"),
        ("setChargeTarget", ""),
        ("setChargeTarget", r#"{"percent": 80}"#),
        ("setChargeTarget", r#"{"chargeToPercent": [80]}"#),
        ("setChargeTarget", "{80"),
        ("setBatteryMode", "Export (Paused)"),
        ("enableChargeSchedule", "maybe"),
        ("setChargeSlot1", "05:30"),
        ("setChargeSlot1", r#"{"start": "05:30"}"#),
        ("setChargeSlot11", r#"{"start": "05:30", "finish": "06:30"}"#),
        ("setChargeSlot", r#"{"start": "05:30", "finish": "06:30"}"#),
        ("setChargeSlot1", r#"{"start": "05:30", "finish": "06:30", "slot": 2}"#),
        ("setExportStart4", "05:30"),
        ("setChargeStart01", "05:30"),
        ("setChargeStart999", "05:30"),
        ("setImportCap", "10"),
        ("set\nCharge", "10"),
    ];
    let faults: Vec<_> = faults.iter().map(|(name, payload)| fault(name, payload)).collect();
    insta::assert_snapshot!(faults.join("\n"), @r#"
    setChargeRate: must be a whole number of W from 0 to 1000000: fast
    setChargeRate: must be a whole number of W from 0 to 1000000: -1
    setChargeTarget: must be a whole percentage from 0 to 100: 101
    setChargeTarget: must be a whole percentage from 0 to 100: 80.5
    setChargeTarget: must be a whole percentage from 0 to 100: NaN
    setChargeTarget: must be a whole percentage from 0 to 100
    setChargeTarget: must be a whole percentage from 0 to 100, in a field `chargeToPercent`: {"percent": 80}
    setChargeTarget: must be text or a number: {"chargeToPercent": [80]}
    setChargeTarget: must be text or a good JSON object: {80
    setBatteryMode: must be one of Eco, Eco (Paused), Timed Demand, Timed Export: Export (Paused)
    enableChargeSchedule: must be enable or disable: maybe
    setChargeSlot1: must be a JSON object with start and finish, as in {"start": "00:30", "finish": "04:30"}: 05:30
    setChargeSlot1: must be a JSON object with start and finish, as in {"start": "00:30", "finish": "04:30"}: {"start": "05:30"}
    setChargeSlot11: must be of a slot from 1 to 10: {"start": "05:30", "finish": "06:30"}
    setChargeSlot: must say which slot, as a number in its name or in a field `slot`: {"start": "05:30", "finish": "06:30"}
    setChargeSlot1: must name one slot, not two: {"start": "05:30", "finish": "06:30", "slot": 2}
    setExportStart4: must be of a slot from 1 to 3: 05:30
    setChargeStart01: no such command; docs/control.md has them all
    setChargeStart999: no such command; docs/control.md has them all
    setImportCap: no such command; docs/control.md has them all
    set�Charge: no such command; docs/control.md has them all
    "#);
}

/// Names that are none, names that are, and those with a number.
fn any_name() -> impl Strategy<Value = String> {
    let known = prop::sample::select(COMMANDS);
    prop_oneof![
        1 => any::<String>(),
        8 => (known, 0u8..13).prop_map(|(name, number)| name.numbered(number)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn whatever_comes_is_a_command_or_a_fault(name in any_name(), payload in any::<String>()) {
        if let Err(fault) = Command::parse(&name, &payload) {
            prop_assert!(!fault.want.is_empty());
            prop_assert!(!fault.to_string().contains('\n'));
        }
    }

    #[test]
    fn so_is_whatever_comes_in_a_body(
        name in any_name(),
        key in prop::sample::select(vec!["state", "start", "finish", "slot", "duration", "chargeToPercent", "confirm"]),
        value in prop_oneof![any::<String>(), any::<f64>().prop_map(|n| n.to_string()), any::<i64>().prop_map(|n| n.to_string())],
        quoted in any::<bool>(),
    ) {
        let value = if quoted { serde_json::Value::String(value).to_string() } else { value };
        let _ = Command::parse(&name, &format!("{{\"{key}\": {value}}}"));
    }
}
