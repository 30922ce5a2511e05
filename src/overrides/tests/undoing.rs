//! Whatever came between, and whoever else has written: what is ours is put back, and nothing else.

use super::fixture::{Registers, SETTINGS, acts, applied, model, noon, perform, recipes, record, registers};
use crate::control::{Context, OverrideKind};
use crate::overrides::journal::{Record, Stage, Step, Which};
use crate::overrides::recipe::{Options, recipe};
use crate::overrides::undo::{Foreign, Undoing, reads, taken_over, undo};

fn undoing(record: &Record, registers: &Registers) -> Undoing {
    undo(record, |_, address| registers.get(&address).copied()).unwrap()
}

/// Registers that stand beside what their group is about.
const BESIDE: &[u16] = &[20, 96, 110, 116, 242, 272, 319, 320, 1109, 1111, 1112, 2055, 2064];

/// What registers must hold in the end, after somebody changed one of them.
fn expected(record: &Record, before: &Registers, foreign: Option<u16>) -> Registers {
    let mut expected = before.clone();
    for group in &record.groups {
        let of = |address| group.registers.iter().any(|register| register.address == address);
        let is_flag_beside = |address| address == 1123 && of(1113);
        let is_theirs = foreign.is_some_and(|address| {
            let stands_alone = group.registers.len() == 1;
            of(address) && (stands_alone || !BESIDE.contains(&address) && !is_flag_beside(address))
        });
        for register in group.registers.iter().filter(|register| Some(register.address) != foreign && !is_theirs) {
            expected.insert(register.address, register.found);
        }
    }
    expected
}

/// Undoes it, and is killed after so many writes; then does all of it.
fn undo_with_a_crash(record: &mut Record, registers: &mut Registers, after: usize) {
    *record = record.after(&Step::Undo, noon()).unwrap();
    for write in undoing(record, registers).writes.into_iter().take(after) {
        *record = record.after(&Step::Restoring(write.which), noon()).unwrap();
        registers.insert(write.address, write.value);
        if after.is_multiple_of(2) {
            *record = record.after(&Step::Restored(write.which), noon()).unwrap();
        }
    }
    let undoing = undoing(record, registers);
    for write in undoing.writes {
        *record = record.after(&Step::Restoring(write.which), noon()).unwrap();
        registers.insert(write.address, write.value);
        *record = record.after(&Step::Restored(write.which), noon()).unwrap();
    }
    for step in undoing.settled {
        *record = record.after(&step, noon()).unwrap();
    }
    *record = record.after(&Step::Done, noon()).unwrap();
}

/// A value that nobody here wrote.
fn other(record: &Record, address: u16) -> u16 {
    let register = record.registers().find(|register| register.address == address).unwrap();
    (0..=u16::MAX).find(|value| !register.is_ours(*value)).unwrap()
}

#[test]
fn wherever_a_crash_came_and_whatever_somebody_changed_what_is_ours_is_put_back() {
    let mut runs = 0_u64;
    for settings in SETTINGS {
        for (name, _, recipe) in recipes(settings) {
            let begun = record(&recipe);
            let addresses: Vec<u16> = begun.registers().map(|register| register.address).collect();
            for by_group in [false, true] {
                let acts = acts(&begun, by_group);
                for crash in 0..=acts.len() {
                    for foreign in std::iter::once(None).chain(addresses.iter().copied().map(Some)) {
                        let (mut record, mut registers) = (begun.clone(), registers(&begun));
                        perform(&acts[..crash], &mut record, &mut registers);
                        if let Some(address) = foreign {
                            registers.insert(address, other(&record, address));
                        }
                        let expected = expected(&record, &registers, foreign);
                        undo_with_a_crash(&mut record, &mut registers, crash % 5);
                        assert_eq!(registers, expected, "{name}, crash {crash} of {acts:?}, {foreign:?} changed");
                        assert_eq!(record.stage, Stage::Done);
                        assert_eq!(undoing(&record, &registers), Undoing::default(), "{name}");
                        runs += 1;
                    }
                }
            }
        }
    }
    assert!(runs > 30_000, "{runs}");
}

#[test]
fn what_already_holds_what_was_found_needs_no_write() {
    for (name, _, recipe) in recipes(3) {
        let (record, _) = applied(&recipe);
        let record = record.after(&Step::Undo, noon()).unwrap();
        let found = registers(&record);
        let undoing = undoing(&record, &found);
        assert!(undoing.is_settled() && undoing.left.is_empty(), "{name}: {undoing:?}");
    }
}

fn force_export(context: &Context) -> (Record, Registers) {
    applied(&recipe(OverrideKind::ForceExport, 30, context, Options::default()).unwrap())
}

#[test]
fn what_gives_most_away_is_taken_back_first() {
    let mut context = model("HYBRID_GEN1", 0);
    context.known.put(27, 1);
    context.known.put(110, 20);
    let (record, registers) = force_export(&context);
    let order: Vec<u16> = undoing(&record, &registers).writes.into_iter().map(|write| write.address).collect();
    assert_eq!(order, [27, 59, 56, 57, 112]);
}

#[test]
fn a_group_that_somebody_changed_is_told() {
    let (record, mut registers) = force_export(&model("HYBRID_GEN1", 3));
    registers.insert(56, 1805);
    registers.insert(110, 33);
    let Undoing { settled, left, .. } = undoing(&record, &registers);
    let slot = record.groups.iter().position(|group| group.name == "discharge slot").unwrap();
    assert!(settled.contains(&Step::Left(Which::Group(slot))));
    let told = |group: &str, whole, address, holds| Foreign { group: group.to_owned(), whole, address, holds };
    assert_eq!(left, [told("mode", false, 110, 33), told("discharge slot", true, 56, 1805)]);
}

#[test]
fn a_mode_that_somebody_changed_to_what_one_of_its_registers_held_before_is_theirs() {
    let mut context = model("HYBRID_GEN1", 0);
    context.known.put(27, 1);
    context.known.put(110, 20);
    let (record, mut registers) = force_export(&context);
    registers.insert(27, 1);
    let holds = |registers: &Registers, address: u16| registers.get(&address).copied();
    assert_eq!(taken_over(&record, |_, address| holds(&registers, address)), Some("mode"));
    let Undoing { writes, left, .. } = undoing(&record, &registers);
    assert_eq!(left, [Foreign { group: "mode".to_owned(), whole: true, address: 27, holds: 1 }]);
    assert!(writes.iter().all(|write| ![27, 59, 110].contains(&write.address)), "{writes:?}");
    // What this program itself has put back so far is not somebody else's doing.
    let mode = record.groups.iter().position(|group| group.name == "mode").unwrap();
    let place = record.groups[mode].registers.iter().position(|register| register.address == 27).unwrap();
    let record = record.after(&Step::Undo, noon()).unwrap();
    let record = record.after(&Step::Restoring(Which::Register(mode, place)), noon()).unwrap();
    let Undoing { writes, left, .. } = undoing(&record, &registers);
    assert!(left.is_empty() && writes.iter().any(|write| write.address == 59), "{left:?}");
}

#[test]
fn what_was_not_read_is_not_judged() {
    let (record, mut registers) = force_export(&model("HYBRID_GEN1", 3));
    assert_eq!(reads(&record).count(), record.registers().count());
    registers.remove(&27);
    let unread = undo(&record, |_, address| registers.get(&address).copied()).unwrap_err();
    assert_eq!(unread.to_string(), "must be read first: HR 27 at 0x11");
}
