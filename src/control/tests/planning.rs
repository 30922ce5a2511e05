//! Single plans: their order, their amounts, what they leave out, and why there is none.

use super::fixture::{Bench, at, writes};
use crate::control::{Command, Context, Refusal, merge, plan, reads};
use crate::simulator::Family;

fn hybrid() -> Context {
    Bench::new(Family::HybridGen1).context()
}

fn with(mut context: Context, registers: &[(u16, u16)]) -> Context {
    for &(register, value) in registers {
        context.known.put(register, value);
    }
    context
}

fn planned(context: &Context, name: &str, payload: &str) -> String {
    match plan(&Command::parse(name, payload).unwrap(), context) {
        Ok(plan) => writes(&plan.against(&context.known)),
        Err(refusal) => refusal.to_string(),
    }
}

const NIGHT: &str = r#"{"start": "23:30", "finish": "05:30"}"#;

#[test]
fn a_slot_that_would_be_wrong_in_between_is_off_meanwhile() {
    let morning = with(hybrid(), &[(94, 1100), (95, 1110), (96, 1)]);
    let later = r#"{"start": "11:20", "finish": "11:30"}"#;
    let now = |time: &str| Context { wall: Some(at(time)), ..morning.clone() };
    assert_eq!(
        planned(&now("2026-06-05T11:00:00"), "setChargeSlot1", later),
        "96=0 94=1120 95=1130 96=1",
        "11:20 to 11:10 is nearly always, 11:00 to 11:30 holds the ten minutes between"
    );
    assert_eq!(
        planned(&now("2026-06-05T15:00:00"), "setChargeSlot1", later),
        "95=1130 94=1120",
        "11:00 to 11:30 is over"
    );
    let unknown = Context { wall: None, ..morning.clone() };
    assert_eq!(planned(&unknown, "setChargeSlot1", later), "96=0 94=1120 95=1130 96=1");
    let off = with(unknown, &[(96, 0)]);
    assert_eq!(planned(&off, "setChargeSlot1", later), "94=1120 95=1130", "not in force anyway");
    let shifted = with(hybrid(), &[(94, 2300), (95, 500), (96, 1)]);
    assert_eq!(
        planned(&Context { wall: None, ..shifted }, "setChargeSlot1", NIGHT),
        "94=2330 95=530",
        "no minute is new"
    );
}

#[test]
fn nothing_is_switched_off_for_a_slot_that_is_so_already() {
    let context = Context { wall: None, ..with(hybrid(), &[(94, 1100), (95, 1400), (96, 1)]) };
    let command = Command::parse("setChargeSlot1", NIGHT).unwrap();
    let made = plan(&command, &context).unwrap();
    assert_eq!(writes(&made), "96=0 94=2330 95=530 96=1");
    let found = with(context.clone(), &[(94, 2330), (95, 530)]);
    assert!(made.against(&found.known).is_empty());
    let found_off = with(context, &[(96, 0)]);
    assert_eq!(writes(&made.against(&found_off.known)), "94=2330 95=530", "what somebody else switched off stays off");
}

#[test]
fn export_is_switched_on_last_and_off_first() {
    let eco = with(hybrid(), &[(27, 1), (59, 0), (110, 20)]);
    assert_eq!(planned(&eco, "setBatteryMode", "Timed Export"), "59=1 27=0");
    let export = with(hybrid(), &[(27, 0), (59, 1), (110, 20)]);
    assert_eq!(planned(&export, "setBatteryMode", "Eco"), "27=1 59=0");
    assert_eq!(planned(&export, "setBatteryMode", "Timed Demand"), "27=1");
    assert_eq!(planned(&export, "setBatteryMode", "Eco (Paused)"), "27=1 59=0 110=100");
}

#[test]
fn eco_restores_what_is_remembered_and_else_the_least() {
    let paused = with(hybrid(), &[(27, 1), (59, 0), (110, 100)]);
    for (last_reserve, wants) in [(Some(30), "110=30"), (Some(100), "110=4"), (Some(2), "110=4"), (None, "110=4")] {
        let context = Context { last_reserve, ..paused.clone() };
        assert_eq!(planned(&context, "setBatteryMode", "Eco"), wants);
    }
    let three = with(Bench::new(Family::ThreePhaseHybrid).context(), &[(1109, 100), (27, 1), (59, 0), (1122, 1)]);
    let three = Context { last_reserve: Some(4), ..three };
    assert_eq!(planned(&three, "setBatteryMode", "Eco"), "1122=0 1109=5");
}

#[test]
fn a_target_of_all_is_none() {
    let context = with(hybrid(), &[(20, 1), (116, 80)]);
    assert_eq!(planned(&context, "setChargeTarget", "100"), "20=0 116=100");
    let context = with(hybrid(), &[(20, 0), (116, 100)]);
    assert_eq!(planned(&context, "setChargeTarget", "80"), "116=80 20=1", "in force once it is right");
    assert_eq!(planned(&context, "enableChargeTarget", "enable"), "20=1");
}

#[test]
fn rates_are_hundredths_of_the_capacity_and_never_more_than_50() {
    let context = Context { battery_kwh: Some(8.2), battery_watts: Some(2600), ..hybrid() };
    let rate = |watts: &str| {
        let plan = plan(&Command::parse("setChargeRate", watts).unwrap(), &context).unwrap();
        (plan.steps()[0].write.value(), plan.amount.unwrap().achieved)
    };
    let rates = ["0", "40", "1000", "2000", "2599", "2600", "9000"].map(rate);
    assert_eq!(rates, [(0, 0), (0, 0), (12, 983), (24, 1967), (32, 2600), (50, 2600), (50, 2600)]);
    let unknown = Context { battery_kwh: None, ..context.clone() };
    assert_eq!(
        planned(&unknown, "setChargeRate", "1000"),
        "cannot be reckoned while it is not known: the battery's capacity (HR 55)"
    );
    assert_eq!(planned(&with(unknown, &[(111, 50)]), "setChargeRate", "0"), "111=0", "none of it is none of anything");
}

#[test]
fn a_rate_of_nothing_is_one_per_cent_where_there_is_no_0() {
    let context = Bench::new(Family::ThreePhaseHybrid).context();
    let plan = plan(&Command::parse("setDischargeRate", "0").unwrap(), &context).unwrap();
    assert_eq!((writes(&plan).as_str(), plan.amount.unwrap().achieved), ("1108=1", 120));
    assert_eq!(plan.notes, ["the inverter takes no rate below 1 %"]);
    assert_eq!(
        planned(&context, "setChargeRateAC", "0"),
        "charge rate, % of the inverter (HR 1110) is out of range: must be 1..100: 0"
    );
}

#[test]
fn what_decides_must_be_read_first() {
    let mut context = hybrid();
    context.known = [(27, 0), (59, 1)].into_iter().collect();
    let eco = Command::parse("setBatteryMode", "Eco").unwrap();
    assert_eq!(plan(&eco, &context), Err(Refusal::Unread(vec![110])));
    assert_eq!(reads(&eco, &context), Ok(vec![110]));
    context.known.put(110, 20);
    assert_eq!(reads(&eco, &context), Ok(vec![27, 59, 110]));
    let slot = Command::parse("setChargeSlot1", NIGHT).unwrap();
    assert_eq!(reads(&slot, &context), Ok(vec![94, 95]));
}

#[test]
fn a_clock_is_set_seconds_first_and_last() {
    let context = with(hybrid(), &[(35, 26), (36, 6), (37, 4), (38, 22), (39, 10)]);
    let context = Context { wall: Some(at("2026-06-05T09:08:07")), ..context };
    assert_eq!(planned(&context, "syncDateTime", ""), "40=0 37=5 38=9 39=8 40=7");
    for time in ["2026-06-05T23:57:00", "2026-06-05T00:02:59"] {
        let context = Context { wall: Some(at(time)), ..context.clone() };
        assert!(planned(&context, "syncDateTime", "").contains("within three minutes of midnight"), "{time}");
    }
    let context = Context { wall: None, ..context };
    assert_eq!(
        planned(&context, "syncDateTime", ""),
        "cannot be reckoned while it is not known: the time in the inverter's zone"
    );
}

#[test]
fn a_restart_and_a_calibration_must_be_meant() {
    let context = hybrid();
    let wants = "must be confirmed with the inverter's serial number, as in {\"confirm\": \"SD2227G101\"}";
    assert_eq!(planned(&context, "rebootInverter", "restart"), format!("{wants}: restart of the inverter"));
    assert_eq!(planned(&context, "rebootInverter", "sd2227g101"), "163=100");
    assert_eq!(planned(&context, "setBatteryCalibration", "Start"), format!("{wants}: calibration Start"));
    assert_eq!(planned(&context, "setBatteryCalibration", r#"{"state": "Start", "confirm": "SD2227G101"}"#), "29=1");
    let running = with(context, &[(29, 3)]);
    assert_eq!(planned(&running, "setBatteryCalibration", "Off"), "29=0", "to end it, no word is needed");
    assert_eq!(planned(&running, "setBatteryCalibration", r#"{"state": "Start", "confirm": "SD2227G101"}"#), "");
}

#[test]
fn two_times_that_come_one_by_one_are_one_command() {
    let start = Command::parse("setChargeStart1", "23:30").unwrap();
    let end = Command::parse("setChargeEnd1", "05:30:00").unwrap();
    let whole = Command::parse("setChargeSlot1", NIGHT).unwrap();
    assert_eq!(merge(&start, &end), Some(whole.clone()));
    assert_eq!(merge(&end, &start), Some(whole));
    assert_eq!(merge(&start, &Command::parse("setChargeEnd2", "05:30").unwrap()), None);
    assert_eq!(merge(&start, &Command::parse("setDischargeEnd1", "05:30").unwrap()), None);
    assert_eq!(merge(&start, &Command::Reserve(20)), None);
}

#[test]
fn a_slot_that_ends_when_it_begins_is_refused_unless_it_is_cleared() {
    let context = hybrid();
    let same = r#"{"start": "05:30", "finish": "05:30"}"#;
    assert!(planned(&context, "setChargeSlot1", same).starts_with("a slot must not end when it begins"));
    let clear = r#"{"start": "00:00", "finish": "00:00"}"#;
    assert_eq!(planned(&with(context, &[(96, 0), (94, 30), (95, 430)]), "setChargeSlot1", clear), "94=0 95=0");
}

#[test]
fn one_time_alone_does_not_make_a_slot_end_when_it_begins_either() {
    let context = with(hybrid(), &[(94, 300), (95, 400), (56, 1600), (57, 1900)]);
    for (name, time) in [
        ("setChargeStart1", "04:00"),
        ("setChargeEnd1", "03:00"),
        ("setDischargeStart1", "19:00"),
        ("setDischargeEnd1", "16:00"),
    ] {
        assert!(planned(&context, name, time).starts_with("a slot must not end when it begins"), "{name}");
    }
    assert_eq!(planned(&context, "setChargeStart1", "03:30"), "94=330");
    // A slot that is being cleared, one time after the other.
    assert_eq!(planned(&with(hybrid(), &[(94, 0), (95, 400)]), "setChargeEnd1", "00:00"), "95=0");
}

#[test]
fn a_discharge_slots_target_is_never_the_reserve() {
    let body = r#"{"start": "16:00", "finish": "19:00", "dischargeToPercent": 30}"#;
    assert!(planned(&hybrid(), "setDischargeSlot1", body).contains("not supported by this model (HYBRID_GEN1)"));
    let gen3 = with(Bench::new(Family::HybridGen3).context(), &[(59, 0)]);
    assert_eq!(planned(&gen3, "setDischargeSlot1", body), "272=30 56=1600 57=1900");
}

#[test]
fn an_inverter_that_is_led_takes_the_clock_and_a_restart() {
    let context = Context { led_by: Some("EMS1234567".parse().unwrap()), ..hybrid() };
    assert_eq!(
        planned(&context, "setBatteryReserve", "20"),
        "the inverter is led by a plant controller, which has these settings: EMS1234567"
    );
    assert_eq!(planned(&context, "rebootInverter", "SD2227G101"), "163=100");
}

#[test]
fn a_full_reserve_is_told_when_something_is_to_be_discharged() {
    let context = with(hybrid(), &[(110, 100)]);
    let plan = plan(&Command::parse("setBatteryMode", "Timed Export").unwrap(), &context).unwrap();
    assert_eq!(plan.notes, ["the reserve is 100 %: nothing will be discharged until it is lowered"]);
    insta::assert_snapshot!(plan, @"
    mode Timed Export: HR 59 = 1 (discharge slots in force), HR 27 = 0 (give all there is)
    ");
}

#[test]
fn overrides_are_planned_elsewhere() {
    assert!(planned(&hybrid(), "forceCharge", "30").contains("timed overrides"));
}
