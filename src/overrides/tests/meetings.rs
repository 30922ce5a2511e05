//! Overrides that meet: the same again, another one, a command, a stop.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::fixture::{Act, applied, model, models, noon, perform, reach, record, set};
use crate::control::{Command, Context, OverrideKind, plan};
use crate::overrides::end::Look;
use crate::overrides::journal::{Record, Stage, Step, Which};
use crate::overrides::meeting::{
    Extension, contradicted, extension, is_open_of, outlasts_its_slot, touched, undone_at_stop,
};
use crate::overrides::recipe::{Options, recipe};
use crate::overrides::running::{leaves, overrides, status, until};
use crate::overrides::undo::undo;
use crate::plant::snapshot::Overrides;
use crate::status::StatusName;

fn begun(kind: OverrideKind, context: &Context) -> Record {
    applied(&recipe(kind, 30, context, Options::default()).unwrap()).0
}

/// Its registers as the override has set them, at this time by its clock.
fn later(record: &Record, context: &Context, hour: u16, minute: u16) -> Context {
    let mut context = context.clone();
    record.registers().for_each(|register| context.known.put(register.address, register.write));
    set(&mut context, &[(38, hour), (39, minute), (40, 0)]);
    context
}

fn in_minutes(minutes: i64) -> Timestamp {
    noon() + SignedDuration::from_mins(minutes)
}

#[test]
fn the_same_again_goes_on_and_keeps_what_was_found_first() {
    let context = model("HYBRID_GEN1", 3);
    let (mut record, mut registers) =
        applied(&recipe(OverrideKind::ForceCharge, 30, &context, Options::default()).unwrap());
    let then = later(&record, &context, 12, 50);
    let Ok(Extension::Prolong(step)) = extension(&record, 60, &then, in_minutes(15), Duration::from_secs(900)) else {
        panic!("it goes on");
    };
    let slot = record.groups.iter().position(|group| group.name == "charge slot").unwrap();
    let Step::Prolong(end, changes) = &step else { panic!("{step:?}") };
    assert_eq!(changes, &[(slot, 2, 1350)], "its end, and nothing else");
    assert_eq!((end.at, end.after_seconds), (in_minutes(75), 900 + 3600 + 120));
    assert_eq!(end.slot.unwrap().to_string(), "13:50:00");
    // Killed before the new end is written, or after: what was found first is put back.
    for is_written in [false, true] {
        let (mut record, mut registers) = (record.clone(), registers.clone());
        perform(&[Act::Record(step.clone())], &mut record, &mut registers);
        if is_written {
            perform(&[Act::Write(95, 1350)], &mut record, &mut registers);
        }
        record = record.after(&Step::Undo, noon()).unwrap();
        for write in undo(&record, |_, address| registers.get(&address).copied()).unwrap().writes {
            registers.insert(write.address, write.value);
        }
        record.registers().for_each(|register| {
            assert_eq!(registers[&register.address], context.known.get(register.address).unwrap());
        });
    }
    perform(&[Act::Record(step), Act::Write(95, 1350)], &mut record, &mut registers);
    perform(&[Step::Written(Which::Group(slot)), Step::Applied].map(Act::Record), &mut record, &mut registers);
    assert_eq!(record.stage, Stage::Applied);
}

#[test]
fn what_goes_on_for_a_day_and_more_begins_anew_by_the_inverters_clock() {
    let context = model("HYBRID_GEN1", 3);
    let record = begun(OverrideKind::ForceCharge, &context);
    let then = later(&record, &context, 12, 50);
    let Ok(Extension::Prolong(Step::Prolong(_, changes))) =
        extension(&record, 1439, &then, in_minutes(15), Duration::from_secs(900))
    else {
        panic!("it goes on");
    };
    assert_eq!(changes.iter().map(|change| change.2).collect::<Vec<_>>(), [1249, 1250]);
    let at_the_edge = extension(&record, 1424, &then, in_minutes(15), Duration::from_secs(900));
    assert!(matches!(at_the_edge, Ok(Extension::Prolong(Step::Prolong(_, changes))) if changes.len() == 2));
}

#[test]
fn a_pause_by_a_rate_goes_on_without_a_write_and_what_is_not_whole_begins_anew() {
    let context = model("HYBRID_GEN1", 3);
    let record = begun(OverrideKind::PauseCharge, &context);
    let mut then = later(&record, &context, 12, 50);
    let prolonged = extension(&record, 60, &then, in_minutes(15), Duration::from_secs(900));
    assert!(matches!(prolonged, Ok(Extension::Prolong(Step::Prolong(_, changes))) if changes.is_empty()));
    let undoing = record.after(&Step::Undo, noon()).unwrap();
    assert_eq!(extension(&undoing, 60, &then, noon(), Duration::ZERO), Ok(Extension::Anew));
    then.known.put(111, 17);
    assert_eq!(extension(&record, 60, &then, noon(), Duration::ZERO), Ok(Extension::Anew), "it is somebody else's");
    assert!(extension(&record, 0, &then, noon(), Duration::ZERO).is_err());
}

#[test]
fn the_newer_of_two_that_contradict_ends_the_older() {
    use OverrideKind::{ForceCharge, ForceExport, PauseCharge, PauseDischarge};
    let ends = |title: &str, newer, older| {
        let mut context = model(title, 0);
        set(&mut context, &[(110, 10), (1109, 10)]);
        let older = begun(older, &context);
        let plan = recipe(newer, 30, &context, Options::default()).unwrap().plan(reach(), noon());
        contradicted(&plan, [&older]) == [older.id]
    };
    for title in ["HYBRID_GEN1", "ALL_IN_ONE", "HYBRID_3PH"] {
        for (one, other) in [(ForceCharge, ForceExport), (ForceCharge, PauseCharge), (ForceExport, PauseDischarge)] {
            assert!(ends(title, one, other) && ends(title, other, one), "{title}");
        }
        assert!(!ends(title, ForceExport, PauseCharge) && !ends(title, PauseDischarge, ForceCharge), "{title}");
    }
    assert!(!ends("HYBRID_GEN1", PauseCharge, PauseDischarge), "each has a rate");
    assert!(ends("ALL_IN_ONE", PauseCharge, PauseDischarge), "both are one pause mode");
}

#[test]
fn a_command_that_touches_what_is_held_ends_it_first() {
    let context = model("HYBRID_GEN1", 3);
    let record = begun(OverrideKind::ForceCharge, &context);
    let touches = |name: &str, payload: &str| {
        let plan = plan(&Command::parse(name, payload).unwrap(), &context).unwrap();
        !touched(&plan, [&record]).is_empty()
    };
    assert!(touches("setChargeTarget", "80") && touches("setChargeStart1", "00:30"));
    assert!(touches("enableChargeSchedule", "enable"), "what it has set itself is meant to stay now");
    assert!(!touches("setDischargeRate", "1000") && !touches("setBatteryReserve", "20"));
    let done = Record { stage: Stage::Done, ..record.clone() };
    let plan = plan(&Command::parse("setChargeTarget", "80").unwrap(), &context).unwrap();
    assert!(touched(&plan, [&done]).is_empty());
}

#[test]
fn what_the_battery_would_follow_for_ever_is_undone_at_a_stop() {
    for (title, mut context) in models(0) {
        set(&mut context, &[(110, 10), (1109, 10), (2064, 10)]);
        for kind in OverrideKind::ALL {
            let Ok(recipe) = recipe(kind, 30, &context, Options::default()) else { continue };
            let record = applied(&recipe).0;
            let is_three_phases = recipe.groups.iter().any(|group| group.registers.iter().any(|at| at.address == 1123));
            let outlasts = match kind {
                OverrideKind::ForceCharge => is_three_phases,
                OverrideKind::ForceExport => true,
                _ => !recipe.groups[0].registers.iter().any(|register| register.address == 319),
            };
            assert_eq!(outlasts_its_slot(&record), outlasts, "{} on {title}", kind.name());
            assert_eq!(undone_at_stop(&record, false), outlasts);
            assert!(undone_at_stop(&record, true) && is_open_of(&record, kind));
        }
    }
}

#[test]
fn minutes_are_told_until_it_is_undone() {
    let context = model("HYBRID_GEN1", 3);
    let record = begun(OverrideKind::ForceCharge, &context);
    let look =
        |minutes: i64, ran: u64| Look { now: in_minutes(minutes), ran: Duration::from_secs(ran), inverter: None };
    let told = |record: &Record, look: &Look| leaves(until(record, look), look.now);
    assert_eq!(told(&record, &look(0, 0)), ("Running", 30));
    assert_eq!(told(&record, &look(29, 29 * 60)), ("Running", 1));
    assert_eq!(told(&record, &look(40, 40 * 60)), ("Running", 0), "it is to be undone");
    assert_eq!(told(&record, &look(-600, 29 * 60)), ("Running", 0), "no clock is believed");
    let undoing = record.after(&Step::Undo, noon()).unwrap();
    assert_eq!(told(&undoing, &look(5, 300)), ("Running", 0));
    let done = Record { stage: Stage::Done, ..undoing };
    assert_eq!(told(&done, &look(5, 300)), ("Normal", 0));
    assert_eq!(status(&done, &look(5, 300), "here", ""), None);
    let status = status(&record, &look(5, 300), "here", "").unwrap();
    assert_eq!((status.name, status.since, status.until), (StatusName::ForceCharge, noon(), in_minutes(30)));
    let all = overrides([(&record, look(5, 300)), (&done, look(5, 300))]);
    assert_eq!(all, Overrides { force_charge: Some(in_minutes(30)), ..Overrides::default() });
    assert_eq!(
        self::record(&recipe(OverrideKind::ForceCharge, 30, &context, Options::default()).unwrap()).id,
        record.id
    );
}
