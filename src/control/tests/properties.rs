//! What holds of every plan, whatever is asked of whatever inverter with whatever in its registers.

use jiff::civil::{DateTime, date};
use proptest::prelude::*;

use crate::control::{Abilities, Allowed, COMMANDS, Command, Context, Known, Refusal, merge, plan};
use crate::frame::Bank;
use crate::plant::{Capabilities, Identity, Model};

const SERIAL: &str = "SD2227G101";

fn any_abilities() -> impl Strategy<Value = Abilities> {
    let codes = prop::sample::select(vec![
        0x2001, 0x2101, 0x2201, 0x2301, 0x3001, 0x4004, 0x4103, 0x5001, 0x5101, 0x6001, 0x7001, 0x8001, 0x8102, 0x8201,
        0x8304, 0x9001, 0x0000,
    ]);
    let blocks = vec![(Bank::Holding, 240), (Bank::Holding, 300), (Bank::Input, 1000)];
    let some = || prop::sample::subsequence(blocks.clone(), 0..=3);
    (codes, prop::sample::select(vec![0, 302, 312, 449, 912]), some(), some(), prop::option::of(0..4i64)).prop_map(
        |(code, arm, extra, silent, aios)| {
            let model = Model::of(code, arm);
            let serial = SERIAL.parse().unwrap();
            let identity = Identity { serial, model, device_type_code: code, arm_firmware: arm, dsp_firmware: 1 };
            Abilities::of(&Capabilities { extra, silent, ..Capabilities::of(&identity) }, aios)
        },
    )
}

/// Any content, and often such as an inverter has.
fn any_known() -> impl Strategy<Value = Known> {
    let value = prop_oneof![any::<u16>(), 0u16..2, Just(100u16), 0u16..2400];
    let whole = prop::collection::vec(value.clone(), Allowed::ALL.len());
    let all = whole.prop_map(|values| Allowed::ALL.iter().map(|allowed| allowed.register).zip(values).collect());
    let some = prop::collection::btree_map(0u16..2100, value, 0..60).prop_map(Known::from_iter);
    prop_oneof![4 => all, 1 => some]
}

fn any_time() -> impl Strategy<Value = DateTime> {
    (2000i16..2120, 1i8..13, 1i8..29, 0i8..24, 0i8..60).prop_map(|(y, m, d, h, n)| date(y, m, d).at(h, n, 7, 0))
}

fn any_context() -> impl Strategy<Value = Context> {
    let kwh = prop::option::of(prop_oneof![any::<f64>(), 0.1f64..500.0]);
    let watts = prop::option::of(prop_oneof![any::<i64>(), 0..100_000i64]);
    (
        any_abilities(),
        any_known(),
        kwh,
        watts,
        prop::option::of(any_time()),
        any::<Option<u8>>(),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(abilities, known, battery_kwh, battery_watts, wall, last_reserve, led)| Context {
            serial: SERIAL.parse().unwrap(),
            abilities,
            battery_kwh,
            battery_watts,
            known,
            wall,
            last_reserve,
            led_by: led.then(|| "EMS1234567".parse().unwrap()),
        })
}

fn any_payload() -> impl Strategy<Value = String> {
    let time = (0u16..24, 0u16..60).prop_map(|(hour, minute)| format!("{hour:02}:{minute:02}"));
    prop_oneof![
        Just(String::new()),
        (0u32..101).prop_map(|percent| percent.to_string()),
        (0u32..20_000).prop_map(|watts| watts.to_string()),
        prop::sample::select(vec![
            "enable",
            "disable",
            "Eco",
            "Eco (Paused)",
            "Timed Demand",
            "Timed Export",
            "PauseBoth"
        ])
        .prop_map(str::to_owned),
        Just(format!("{{\"state\": \"Start\", \"confirm\": \"{SERIAL}\"}}")),
        Just("{\"state\": \"Off\", \"confirm\": \"SD2227G102\"}".to_owned()),
        Just(SERIAL.to_owned()),
        time.clone(),
        (time.clone(), time, 0u8..101).prop_map(|(start, finish, percent)| format!(
            "{{\"start\": \"{start}\", \"finish\": \"{finish}\", \"chargeToPercent\": {percent}}}"
        )),
        Just("05/06/2026 12:30:15".to_owned()),
    ]
}

fn any_command() -> impl Strategy<Value = Command> {
    let name = (prop::sample::select(COMMANDS), 1u8..11);
    let raw = (name, any_payload()).prop_map(|((name, number), payload)| {
        let called = name.numbered(number.min(name.numbers.max(1)));
        Command::parse(&called, &payload).or_else(|_| Command::parse(&called, name.example())).unwrap()
    });
    raw.boxed()
}

/// HHMM to HHMM, also cleared.
fn any_window() -> impl Strategy<Value = (u16, u16)> {
    let time = || (0u16..24, 0u16..60).prop_map(|(hour, minute)| hour * 100 + minute);
    prop_oneof![8 => (time(), time()), 1 => Just((0, 0))]
}

fn clock(hhmm: u16) -> String {
    format!("{:02}:{:02}", hhmm / 100, hhmm % 100)
}

/// Whether a slot is in force at a minute of the day; one that ends when it begins may be, but at 00:00.
fn holds((start, end): (u16, u16), minute: u16) -> bool {
    let at = |hhmm: u16| hhmm / 100 * 60 + hhmm % 100;
    let since_start = (minute + 1440 - at(start)) % 1440;
    let length = (at(end) + 1440 - at(start)) % 1440;
    if length == 0 { start != 0 } else { since_start < length }
}

fn hybrid_of(code: u16) -> Context {
    let model = Model::of(code, 449);
    let serial = SERIAL.parse().unwrap();
    let identity = Identity { serial, model, device_type_code: code, arm_firmware: 449, dsp_firmware: 1 };
    Context {
        serial,
        abilities: Abilities::of(&Capabilities::of(&identity), None),
        battery_kwh: None,
        battery_watts: None,
        known: Known::default(),
        wall: None,
        last_reserve: None,
        led_by: None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_plan_writes_allowed_registers_in_range_and_none_that_is_another_commands(
        command in any_command(),
        context in any_context(),
    ) {
        let plan = match plan(&command, &context) {
            Ok(plan) => plan,
            Err(Refusal::Unread(registers)) => {
                prop_assert!(registers.iter().all(|&register| context.known.get(register).is_none()));
                return Ok(());
            }
            Err(refusal) => {
                prop_assert!(!refusal.to_string().is_empty());
                return Ok(());
            }
        };
        for step in plan.steps() {
            let (register, value) = (step.write.register(), step.write.value());
            let allowed = Allowed::of(register).unwrap();
            prop_assert!(allowed.is_on(context.abilities) && allowed.range.contains(value), "{plan}");
            prop_assert_eq!(step.write.model(), context.abilities.model);
            prop_assert!(plan.reads().any(|read| read == register));
            match register {
                163 => {
                    let is_meant = matches!(&command, Command::Reboot { confirm: Some(said) } if said == SERIAL);
                    prop_assert!(value == 100 && is_meant);
                }
                166 => prop_assert!(matches!(command, Command::RealTimeControl(_))),
                29 => {
                    let is_its_own = matches!(command, Command::Calibration { .. });
                    prop_assert!(is_its_own);
                }
                35..=40 => prop_assert!(matches!(command, Command::Clock(_))),
                _ => {}
            }
        }
        prop_assert!(!matches!(context.abilities.model, Model::Unknown(_)));
    }

    #[test]
    fn done_once_a_plan_leaves_nothing_to_do_and_flags_as_they_were(
        command in any_command(),
        context in any_context(),
    ) {
        let Ok(plan) = plan(&command, &context) else { return Ok(()) };
        let rest = plan.against(&context.known);
        prop_assert!(rest.steps().len() <= plan.steps().len());
        let mut known = context.known.clone();
        for step in rest.steps() {
            prop_assert!(known.get(step.write.register()) != Some(step.write.value()) || matches!(step.write.register(), 29 | 35..=40 | 163), "{rest}");
            known.put(step.write.register(), step.write.value());
        }
        if !matches!(command, Command::Clock(_) | Command::Reboot { .. } | Command::Calibration { .. }) {
            prop_assert!(plan.against(&known).is_empty(), "{}", plan.against(&known));
            for step in plan.steps() {
                // The last word on each register is what it has in the end.
                let last = plan.steps().iter().rfind(|last| last.write.register() == step.write.register()).unwrap();
                prop_assert_eq!(known.get(step.write.register()), Some(last.write.value()));
            }
        }
        if matches!(command, Command::Slot(_)) {
            for flag in [59, 96, 318, 1112, 1122, 1123, 2040] {
                prop_assert_eq!(known.get(flag), context.known.get(flag), "HR {}", flag);
            }
        }
    }

    #[test]
    fn no_slot_is_in_force_when_nobody_asked_for_it(
        code in prop::sample::select(vec![0x2001u16, 0x4004]),
        charge in any::<bool>(),
        old in any_window(),
        wanted in any_window(),
    ) {
        let kind = if charge { "Charge" } else { "Discharge" };
        let body = format!("{{\"start\": \"{}\", \"finish\": \"{}\"}}", clock(wanted.0), clock(wanted.1));
        let command = Command::parse(&format!("set{kind}Slot1"), &body).unwrap();
        let (start, flag) = match (code, charge) {
            (0x2001, true) => (94, 96),
            (0x2001, false) => (56, 59),
            (_, true) => (1113, 1123),
            (_, false) => (1118, 1122),
        };
        let mut known: Known = [(start, old.0), (start + 1, old.1), (flag, 1)].into_iter().collect();
        // Nothing is far from a time that is not known.
        let context = Context { known: known.clone(), ..hybrid_of(code) };
        let made = plan(&command, &context);
        if wanted.0 == wanted.1 && wanted.0 != 0 {
            prop_assert_eq!(made.unwrap_err().code(), "empty_slot");
            return Ok(());
        }
        let made = made.unwrap();
        for step in made.against(&known).steps() {
            known.put(step.write.register(), step.write.value());
            let now = (known.get(start).unwrap(), known.get(start + 1).unwrap());
            let strange = |minute: &u16| holds(now, *minute) && !holds(old, *minute) && !holds(wanted, *minute);
            prop_assert!(known.get(flag) == Some(0) || !(0..1440).any(|minute| strange(&minute)), "{}: {:?}", made, now);
        }
        prop_assert_eq!((known.get(start), known.get(start + 1)), (Some(wanted.0), Some(wanted.1)));
        prop_assert_eq!(known.get(flag), Some(1));
        let off: Known = [(start, old.0), (start + 1, old.1), (flag, 0)].into_iter().collect();
        let is_flag = |step: &crate::control::Step| step.write.register() == flag;
        prop_assert!(!made.against(&off).steps().iter().any(is_flag), "what somebody else switched off stays off");
    }

    #[test]
    fn two_commands_are_one_only_if_they_are_of_one_slot(first in any_command(), second in any_command()) {
        if let Some(merged) = merge(&first, &second) {
            let (Command::Slot(a), Command::Slot(b), Command::Slot(both)) = (&first, &second, &merged) else { panic!("slots") };
            prop_assert_eq!((a.kind, a.number), (b.kind, b.number));
            prop_assert_eq!((both.start, both.end), (b.start.or(a.start), b.end.or(a.end)));
        }
    }
}
