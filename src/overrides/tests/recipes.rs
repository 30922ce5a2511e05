//! What recipes write.

use std::collections::BTreeSet;

use super::fixture::{SETTINGS, model, models, noon, reach, recipes, set};
use crate::control::{Allowed, Context, Known, Override, OverrideKind, Refusal};
use crate::overrides::recipe::{Options, Recipe, Refused, reads, recipe};
use crate::status::StatusName;

fn force_export(context: &Context, floor: Option<u8>) -> Result<Recipe, Refused> {
    recipe(OverrideKind::ForceExport, 30, context, Options { export_floor: floor })
}

fn written(recipe: &Recipe, register: u16) -> Option<u16> {
    let all = recipe.groups.iter().flat_map(|group| &group.registers);
    all.into_iter().find(|known| known.address == register).map(|known| known.write)
}

fn line(recipe: &Recipe) -> String {
    let groups = recipe.groups.iter().map(|group| {
        let writes: Vec<_> = group.registers.iter().map(|at| format!("{}={}", at.address, at.write)).collect();
        format!("{}: {}", group.name, writes.join(" "))
    });
    groups.collect::<Vec<_>>().join("; ")
}

#[test]
fn every_recipe_is_a_plan_of_registers_that_may_be_written_and_were_read() {
    let mut count = 0;
    for settings in SETTINGS {
        for (name, context, recipe) in recipes(settings) {
            let plan = recipe.plan(reach(), noon());
            assert_eq!(plan.fault(), None, "{name}");
            for register in plan.groups.iter().flat_map(|group| &group.registers) {
                assert!(Allowed::check(register.address, register.write, context.abilities).is_ok(), "{name}");
                assert!(Allowed::restore(register.address, register.found, context.abilities).is_ok(), "{name}");
                assert_eq!(Some(register.found), context.known.get(register.address), "{name}");
                assert!(recipe.reads.contains(&register.address), "{name}");
            }
            count += 1;
        }
    }
    assert!(count > 200, "{count}");
}

#[test]
fn the_end_of_a_slot_comes_before_its_beginning_and_what_gives_most_away_last() {
    for settings in SETTINGS {
        for (name, _, recipe) in recipes(settings) {
            let order: Vec<u16> =
                recipe.groups.iter().flat_map(|group| &group.registers).map(|register| register.address).collect();
            let place = |register: u16| order.iter().position(|&address| address == register);
            for start in [56, 94, 319, 1113, 1118, 2053, 2062] {
                assert!(place(start + 1) <= place(start), "{name}: {order:?}");
            }
            for last in [27, 96, 318, 2040] {
                let in_group_of_its_own = recipe.kind == OverrideKind::ForceExport && last == 96;
                let lifted =
                    matches!(recipe.kind, OverrideKind::ForceCharge | OverrideKind::ForceExport) && last == 318;
                assert!(in_group_of_its_own || lifted || place(last).is_none_or(|at| at + 1 == order.len()), "{name}");
            }
        }
    }
}

#[test]
fn a_force_export_stops_at_the_owners_reserve_or_where_the_settings_say() {
    let mut context = model("HYBRID_GEN1", 0);
    let floor =
        |context: &Context, setting| force_export(context, setting).map(|recipe| written(&recipe, 110).unwrap());
    context.known.put(110, 20);
    assert_eq!([None, Some(35), Some(8)].map(|setting| floor(&context, setting)), [Ok(20), Ok(35), Ok(8)]);
    assert_eq!(floor(&context, Some(1)), Ok(4), "the register takes no less");
    context.known.put(110, 100);
    assert_eq!(floor(&context, None), Ok(15), "of Eco (Paused), the last below 100 %");
    context.last_reserve = None;
    let refused = floor(&context, None).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "nothing may be discharged: HR 110 is 100 %; lower it, or set control.export_floor"
    );
    assert_eq!(floor(&context, Some(30)), Ok(30));

    for settings in SETTINGS {
        for (title, context) in models(settings) {
            for setting in [None, Some(40)] {
                let Ok(recipe) = force_export(&context, setting) else { continue };
                for (reserve, floor) in [110, 1109, 2064, 272].map(|at| (at, written(&recipe, at))) {
                    let of_owner = if reserve == 272 { 110 } else { reserve };
                    let found = context.known.get(of_owner).filter(|&found| found < 100).unwrap_or(15);
                    let least = setting.map_or(found, u16::from);
                    let on_three_phases = reserve == 272 && written(&recipe, 1109).is_some();
                    assert!(on_three_phases || floor.is_none_or(|floor| floor >= least), "{title}: {floor:?} {least}");
                }
            }
        }
    }
}

#[test]
fn a_slot_is_set_by_the_inverters_clock_across_midnight() {
    let mut context = model("HYBRID_GEN1", 0);
    context.wall = None;
    let slot = |context: &Context, minutes| {
        let recipe = recipe(OverrideKind::ForceCharge, minutes, context, Options::default()).unwrap();
        let end = recipe.plan(reach(), noon()).end.unwrap();
        assert_eq!(end.at.duration_since(noon()).as_mins(), i64::from(minutes));
        assert_eq!(end.after_seconds, u64::from(minutes) * 60 + 120);
        (written(&recipe, 94).unwrap(), written(&recipe, 95).unwrap(), end.slot.unwrap().to_string())
    };
    assert_eq!(slot(&context, 30), (1234, 1305, "13:05:00".to_owned()), "it is 12:34:56");
    context.known.put(40, 0);
    assert_eq!(slot(&context, 30), (1234, 1304, "13:04:00".to_owned()));
    assert_eq!(slot(&context, 1439), (1234, 1233, "12:33:00".to_owned()), "a minute short of a day");
    set(&mut context, &[(38, 23), (39, 50), (40, 1)]);
    assert_eq!(slot(&context, 9), (2350, 0, "00:00:00".to_owned()));
    assert_eq!(slot(&context, 30), (2350, 21, "00:21:00".to_owned()));
    assert_eq!(slot(&context, 1439), (2350, 2349, "23:49:00".to_owned()), "never all day");
}

#[test]
fn an_override_without_a_clock_or_a_time_is_refused() {
    let mut context = model("HYBRID_GEN1", 0);
    let of = |kind, minutes, context: &Context| recipe(kind, minutes, context, Options::default());
    assert_eq!(of(OverrideKind::ForceCharge, 0, &context), Err(Refused::Duration(0)));
    let too_long = of(OverrideKind::PauseCharge, Override::MOST_MINUTES + 1, &context).unwrap_err();
    assert_eq!(too_long.to_string(), "an override lasts 1 to 1439 minutes: 1440");
    context.known.put(36, 13);
    assert_eq!(of(OverrideKind::ForceCharge, 30, &context).unwrap_err().code(), "not_known");
    assert!(of(OverrideKind::PauseCharge, 30, &context).is_ok(), "a rate needs no clock");
    context.led_by = Some(context.serial);
    assert_eq!(of(OverrideKind::PauseCharge, 30, &context).unwrap_err().code(), "led");
}

#[test]
fn what_was_not_read_is_asked_for_and_that_is_enough() {
    for (title, whole) in models(3) {
        for kind in OverrideKind::ALL {
            let mut context = Context { known: Known::default(), ..whole.clone() };
            let planned = recipe(kind, 30, &whole, Options::default());
            if planned.as_ref().is_err_and(|refused| matches!(refused, Refused::Command(why) if why.is_for_good())) {
                continue;
            }
            let mut asked = BTreeSet::new();
            for _ in 0..4 {
                for register in reads(kind, 30, &context, Options::default()).unwrap_or_default() {
                    asked.insert(register);
                    context.known.put(register, whole.known.get(register).unwrap());
                }
            }
            assert_eq!(recipe(kind, 30, &context, Options::default()), planned, "{title}");
            assert!(planned.is_err() || asked == planned.unwrap().reads.into_iter().collect(), "{title}");
        }
    }
}

#[test]
fn who_leads_no_battery_has_no_override() {
    for (title, context) in models(2) {
        let of = |kind| recipe(kind, 30, &context, Options::default());
        if title.starts_with("PV only") || title.ends_with("of one all-in-one") {
            for kind in OverrideKind::ALL {
                assert!(matches!(of(kind), Err(Refused::Command(Refusal::NotSupported { .. }))), "{title}");
            }
        } else {
            assert!(of(OverrideKind::ForceCharge).is_ok() && of(OverrideKind::ForceExport).is_ok(), "{title}");
        }
    }
    assert!(recipe(OverrideKind::PauseCharge, 30, &model("EMS, EMS_COMMERCIAL", 2), Options::default()).is_err());
}

#[test]
fn a_pause_leaves_what_the_owner_has_paused() {
    let mut context = model("ALL_IN_ONE", 0);
    let pause = |context: &Context| line(&recipe(OverrideKind::PauseCharge, 30, context, Options::default()).unwrap());
    assert_eq!(pause(&context), "pause: 320=1305 319=1234 318=1");
    context.known.put(318, 2);
    assert_eq!(pause(&context), "pause: 320=1305 319=1234 318=3", "no slot may mean always");
    set(&mut context, &[(319, 1300), (320, 1900)]);
    assert_eq!(pause(&context), "pause: 320=1305 319=1234 318=3");
    set(&mut context, &[(319, 1600), (320, 1900)]);
    assert_eq!(pause(&context), "pause: 320=1305 319=1234 318=1", "that is over by then");
    let mut ac = model("AC", 0);
    ac.known.put(318, 2);
    assert_eq!(pause(&ac), "pause: 318=3", "without a slot, it is always");
}

#[test]
fn what_is_paused_or_in_the_way_is_lifted_where_it_hinders() {
    let mut context = model("ALL_IN_ONE", 0);
    let forced = |context: &Context, kind| line(&recipe(kind, 30, context, Options::default()).unwrap());
    context.known.put(110, 4);
    context.known.put(318, 1);
    assert!(forced(&context, OverrideKind::ForceCharge).contains("pause: 318=0"));
    assert!(!forced(&context, OverrideKind::ForceExport).contains("318"));
    set(&mut context, &[(96, 1), (249, 1300), (250, 1400)]);
    assert!(forced(&context, OverrideKind::ForceExport).contains("charge schedule: 96=0"), "slot 4 would charge");
    context.known.put(249, 1310);
    assert!(!forced(&context, OverrideKind::ForceExport).contains("charge schedule"));
}

#[test]
fn kinds_have_statuses() {
    for kind in OverrideKind::ALL {
        assert_eq!(OverrideKind::from(StatusName::from(kind)), kind);
    }
}
