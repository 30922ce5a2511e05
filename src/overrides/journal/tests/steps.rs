//! The state machine, and the merging of two places.

use std::time::Duration;

use proptest::prelude::*;

use super::fixture::*;
use crate::overrides::journal::*;

fn step(record: &Record, step: &Step) -> Record {
    let mut next = record.after(step, noon()).unwrap_or_else(|error| panic!("{step:?}: {error}"));
    next.revision += 1;
    next
}

fn applied() -> Record {
    let mut record = record();
    for group in 0..3 {
        record = step(&record, &Step::Writing(Which::Group(group)));
        record = step(&record, &Step::Written(Which::Group(group)));
    }
    step(&record, &Step::Applied)
}

#[test]
fn a_record_is_planned_applied_undone_and_done() {
    let mut record = applied();
    assert_eq!(record.stage, Stage::Applied);
    record = step(&record, &Step::Undo);
    for group in 0..3 {
        record = step(&record, &Step::Restoring(Which::Group(group)));
        record = step(&record, &Step::Restored(Which::Group(group)));
    }
    record = step(&record, &Step::Done);
    assert_eq!((record.stage, record.done_at, record.is_open()), (Stage::Done, Some(noon()), false));
}

#[test]
fn no_step_is_taken_too_early_or_twice() {
    let fresh = record();
    let refused = |record: &Record, step: Step| record.after(&step, noon()).unwrap_err().to_string();
    insta::assert_snapshot!(refused(&fresh, Step::Applied), @"applied is no step of HR 94, which is Untouched");
    insta::assert_snapshot!(refused(&fresh, Step::Written(Which::Group(0))), @"written is no step of HR 94, which is Untouched");
    insta::assert_snapshot!(refused(&fresh, Step::Restoring(Which::Group(0))), @"restoring is no step of a record that is Planned");
    insta::assert_snapshot!(refused(&fresh, Step::Done), @"done is no step of a record that is Planned");
    insta::assert_snapshot!(refused(&fresh, Step::Prolong(end_in(2), Vec::new())), @"prolong is no step of a record that is Planned");
    insta::assert_snapshot!(refused(&fresh, Step::Writing(Which::Register(0, 2))), @"there is no register at Register(0, 2)");
    insta::assert_snapshot!(refused(&fresh, Step::Writing(Which::Group(3))), @"there is no register at Group(3)");
    let applied = applied();
    insta::assert_snapshot!(refused(&applied, Step::Done), @"an override is not done before it was undone");
    insta::assert_snapshot!(refused(&applied, Step::Writing(Which::Group(0))), @"writing is no step of a record that is Applied");
    let undoing = step(&applied, &Step::Undo);
    insta::assert_snapshot!(refused(&undoing, Step::Undo), @"undo is no step of a record that is Undoing");
    insta::assert_snapshot!(refused(&undoing, Step::Done), @"done is no step of HR 94, which is Written");
    insta::assert_snapshot!(refused(&undoing, Step::Writing(Which::Group(0))), @"writing is no step of a record that is Undoing");
}

#[test]
fn what_was_not_written_needs_no_restoring() {
    let mut record = step(&record(), &Step::Writing(Which::Register(0, 0)));
    record = step(&record, &Step::Undo);
    assert!(record.after(&Step::Done, noon()).is_err(), "HR 94 may have been written");
    record = step(&record, &Step::Restoring(Which::Group(0)));
    assert_eq!(record.groups[0].registers[1].progress, Progress::Untouched);
    record = step(&record, &Step::Left(Which::Register(0, 0)));
    assert_eq!(step(&record, &Step::Done).stage, Stage::Done);
    let nothing = step(&super::fixture::record(), &Step::Undo);
    assert_eq!(step(&nothing, &Step::Done).stage, Stage::Done);
}

#[test]
fn a_register_that_holds_its_value_already_need_not_be_written() {
    let mut record = record();
    record.groups[1].registers[0].write = record.groups[1].registers[0].found;
    record = step(&record, &Step::Written(Which::Group(1)));
    assert_eq!(record.groups[1].registers[0].progress, Progress::Written);
}

#[test]
fn a_prolonged_override_keeps_what_was_found_at_first_and_knows_what_it_wrote_before() {
    let record = step(&applied(), &Step::Prolong(end_in(2), vec![(0, 1, 1400)]));
    let register = &record.groups[0].registers[1];
    assert_eq!((register.found, register.write, register.earlier), (430, 1400, Some(1300)));
    assert_eq!((register.progress, record.stage, record.end), (Progress::Writing, Stage::Planned, Some(end_in(2))));
    assert!([430, 1300, 1400].into_iter().all(|value| register.is_ours(value)) && !register.is_ours(1500));
    let record = step(&record, &Step::Written(Which::Group(0)));
    assert_eq!(record.groups[0].registers[1].earlier, None);
    assert_eq!(step(&record, &Step::Applied).stage, Stage::Applied);
    let only_longer = step(&applied(), &Step::Prolong(end_in(3), Vec::new()));
    assert_eq!((only_longer.stage, only_longer.end), (Stage::Applied, Some(end_in(3))));
}

#[test]
fn another_plan_is_completed_or_undone() {
    let plan = Plan { what: What::Plan("charge slot 1".to_owned()), end: None, ..plan() };
    assert_eq!(plan.fault(), None);
    let mut record = Record { what: plan.what, end: None, ..applied() };
    assert_eq!(step(&record, &Step::Done).stage, Stage::Done);
    record = step(&record, &Step::Undo);
    assert!(record.after(&Step::Done, noon()).is_err());
}

#[test]
fn an_override_ends_by_whichever_clock_says_so_first() {
    let record = record();
    let at = |minutes: i64| noon() + jiff::SignedDuration::from_mins(minutes);
    let ran = |minutes: u64| Duration::from_secs(minutes * 60);
    assert_eq!(record.remaining(at(10), ran(10)), Some(ran(50)));
    assert_eq!(record.remaining(at(-600), ran(10)), Some(ran(50)), "the wall clock was set back");
    assert_eq!(record.remaining(at(20), ran(10)), Some(ran(40)), "there was no process for a while");
    assert_eq!(record.remaining(at(61), ran(10)), Some(Duration::ZERO));
}

#[test]
fn plans_that_cannot_be_kept_are_none() {
    let fault = |change: fn(&mut Plan)| {
        let mut plan = plan();
        change(&mut plan);
        plan.fault().unwrap_or_default()
    };
    let faults = [
        fault(|plan| plan.groups.clear()),
        fault(|plan| plan.groups[1].registers[0].address = 94),
        fault(|plan| plan.groups[1].registers[0].progress = Progress::Written),
        fault(|plan| plan.inverter = Serial::BLANK),
        fault(|plan| plan.end = None),
        fault(|plan| plan.reach.host = "h".repeat(LONGEST_TEXT + 1)),
        fault(|plan| {
            let group = |address| Group { name: String::new(), registers: vec![Register::new(0x11, address, 0, 1)] };
            plan.groups = (0..=MOST_GROUPS as u16).map(group).collect();
        }),
        fault(|plan| plan.groups[0].registers = (200..400).map(|at| Register::new(0x11, at, 0, 1)).collect()),
    ];
    insta::assert_snapshot!(faults.join("\n"), @r"
    it writes nothing
    HR 94 at 0x11 is in it twice
    a register of it is written already
    no inverter has this serial number: ??????????
    an override must have an end
    a text is longer than 253
    more than 32 groups
    more than 128 registers
    ");
}

fn any_which() -> impl Strategy<Value = Which> {
    prop_oneof![
        (0..4usize).prop_map(Which::Group),
        (0..4usize, 0..3usize).prop_map(|(group, place)| Which::Register(group, place))
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any_which().prop_map(Step::Writing),
        4 => any_which().prop_map(Step::Written),
        1 => Just(Step::Applied),
        1 => Just(Step::Prolong(end_in(2), vec![(0, 1, 1400)])),
        1 => Just(Step::Undo),
        4 => any_which().prop_map(Step::Restoring),
        4 => any_which().prop_map(Step::Restored),
        2 => any_which().prop_map(Step::Left),
        1 => Just(Step::Done),
    ]
}

proptest! {
    /// Whatever is asked in whatever order: a record only goes on, what was found stays, and nothing that may have been
    /// written is done without having been settled.
    #[test]
    fn records_go_one_way(steps in proptest::collection::vec(any_step(), 0..60)) {
        let mut record = record();
        for step in &steps {
            let Ok(next) = record.after(step, noon()) else { continue };
            let prolonged = matches!(step, Step::Prolong(..));
            prop_assert!(next.stage >= record.stage || prolonged);
            prop_assert_eq!(record.stage != Stage::Done, true, "nothing follows the end");
            for (before, after) in record.registers().zip(next.registers()) {
                prop_assert_eq!(before.found, after.found);
                prop_assert!(!before.is_open() || after.progress != Progress::Untouched);
            }
            prop_assert!(next.stage != Stage::Done || next.is_settled());
            record = next;
        }
    }

    /// Which place is asked first makes no difference, and nothing that either knows is lost.
    #[test]
    fn merging_takes_the_farther(revisions in proptest::collection::vec((0u64..6, 0u64..6), 0..5)) {
        let of = |pick: fn(&(u64, u64)) -> u64| -> Vec<Record> {
            let records = revisions.iter().enumerate().filter(|(_, pair)| pick(pair) > 0);
            records.map(|(place, pair)| Record {
                id: RecordId::new(noon(), place as u32), revision: pick(pair), fence: pick(pair), ..record()
            }).collect()
        };
        let (local, shared) = (of(|pair| pair.0), of(|pair| pair.1));
        let (one, other) = (merge(&local, &shared), merge(&shared, &local));
        prop_assert_eq!(&one.records, &other.records);
        prop_assert_eq!(&one.local_lacks, &other.shared_lacks);
        for (place, (local, shared)) in revisions.iter().enumerate() {
            let id = RecordId::new(noon(), place as u32);
            let farther = *local.max(shared);
            prop_assert_eq!(one.records.get(&id).map_or(0, |record| record.revision), farther);
            prop_assert_eq!(one.local_lacks.contains(&id), *local < farther);
            prop_assert_eq!(one.shared_lacks.contains(&id), *shared < farther);
        }
    }

    /// What was turned over on the way or cut off is no record, and nothing panics.
    #[test]
    fn what_is_damaged_is_not_taken_for_a_record(at in any::<prop::sample::Index>(), bit in 0u8..8, cut in any::<bool>()) {
        let mut bytes = document::write(&record()).unwrap().into_bytes();
        let at = at.index(bytes.len());
        if cut {
            bytes.truncate(at);
        } else {
            bytes[at] ^= 1 << bit;
        }
        if let Ok(read) = document::read(&bytes) {
            prop_assert_eq!(read, record());
        }
    }
}

#[test]
fn whoever_takes_a_record_up_is_ahead_of_whoever_had_it() {
    let mut first = record();
    first.revision = 40;
    let second = first.clone().taken_up(FENCE + 1);
    let third = second.clone().taken_up(FENCE + 2);
    assert!(second.revision > 100_000 && third.revision > second.revision + 100_000);
    assert_eq!(merge(&[first], std::slice::from_ref(&second)).records[&second.id], second);
}

#[test]
fn a_record_as_it_is_kept() {
    let record = step(&record(), &Step::Writing(Which::Group(0)));
    let text = document::write(&record).unwrap();
    assert_eq!(document::read(text.as_bytes()), Ok(record));
    insta::assert_snapshot!(text.replace("},", "},\n"), @r#"
    {"version":1,"checksum":"8ed78d3b","record":{"id":"019e97a78a00-00000007","what":{"override":"FCRunning"},
    "inverter":"SA2114G047","reach":{"host":"192.168.1.20","port":8899,"transport":"dongle"},
    "begun":"2026-06-05T12:00:00Z","end":{"at":"2026-06-05T13:00:00Z","after_seconds":3600,"slot":"13:00:00"},
    "ran_seconds":0,"stage":"planned","done_at":null,"groups":[{"name":"charge slot 1","registers":[{"device":17,"address":94,"found":30,"write":1200,"progress":"writing"},
    {"device":17,"address":95,"found":430,"write":1300,"progress":"writing"}]},
    {"name":"schedule","registers":[{"device":17,"address":96,"found":0,"write":1,"progress":"untouched"}]},
    {"name":"target","registers":[{"device":17,"address":116,"found":80,"write":100,"progress":"untouched"}]}],"revision":2,"fence":1780000000000000,"shared":false}}
    "#);
    let newer = text.replace("\"version\":1", "\"version\":2").replace("\"stage\"", "\"phase\"");
    assert_eq!(document::read(newer.as_bytes()), Err(document::Unreadable::Newer(2)));
}
