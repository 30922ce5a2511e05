//! Records that are damaged on disk, and what is known of them nevertheless.

use std::path::PathBuf;
use std::sync::Arc;

use super::fixture::*;
use crate::overrides::journal::disk::Directory;
use crate::overrides::journal::*;

struct Nobody;

impl Inverter for Nobody {
    fn write(&self, _: u16, _: u16) -> Result<(), String> {
        Ok(())
    }
}

fn on_disk(directory: &tempfile::TempDir) -> Journal {
    journal(Arc::new(Directory::trusted(directory.path().join("journal"))), None)
}

fn file(directory: &tempfile::TempDir, record: &Record, end: &str) -> PathBuf {
    directory.path().join(format!("journal/{}-{}.{end}", record.inverter, record.id))
}

fn names(directory: &tempfile::TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(directory.path().join("journal")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Each in another way.
fn damage(path: &PathBuf, way: usize) {
    let bytes = std::fs::read(path).unwrap();
    let damaged = match way % 4 {
        0 => Vec::new(),
        1 => bytes[..bytes.len() / 2].to_vec(),
        2 => vec![0; bytes.len()],
        _ => String::from_utf8(bytes).unwrap().replacen("\"found\":30", "\"found\":31", 1).into_bytes(),
    };
    std::fs::write(path, damaged).unwrap();
}

/// Takes an override so far.
async fn begun(journal: &Journal, steps: usize) -> Handle {
    let mut handle = journal.begin(plan(), FENCE).await.unwrap();
    let groups = 0..handle.record().groups.len();
    let writing =
        groups.clone().flat_map(|group| [Step::Writing(Which::Group(group)), Step::Written(Which::Group(group))]);
    let undoing = groups.flat_map(|group| [Step::Restoring(Which::Group(group)), Step::Restored(Which::Group(group))]);
    let all = writing.chain([Step::Applied, Step::Undo]).chain(undoing);
    for step in all.take(steps) {
        handle.advance(step).await.unwrap();
    }
    handle
}

#[tokio::test]
async fn what_a_damaged_record_would_undo_is_known_from_its_copy_at_every_step() {
    for steps in 0..14 {
        let directory = tempfile::tempdir().unwrap();
        let record = begun(&on_disk(&directory), steps).await.record().clone();
        damage(&file(&directory, &record, "json"), steps);
        let found = on_disk(&directory).open_records().await;
        let [known] = &found.records[..] else { panic!("{steps}: {found:?}") };
        assert_eq!((known.id, known.stage, known.end), (record.id, record.stage, record.end), "{steps}");
        assert!(matches!(found.faults[..], [Fault { kind: FaultKind::Mended, .. }]), "{steps}: {:?}", found.faults);
        assert_eq!(found.lost, [], "{steps}");
        for (was, is) in record.registers().zip(known.registers()) {
            assert_eq!((was.address, was.found, was.write), (is.address, is.found, is.write), "{steps}");
            assert!(is.is_open() || !was.is_open(), "{steps}: HR {} would not be undone", was.address);
        }
        assert_eq!(on_disk(&directory).open_records().await.faults, [], "{steps}: it is whole again");
        let mut handle = on_disk(&directory).take_up(record.id, FENCE + 1).await.unwrap();
        undo(&mut handle, &Nobody).await.unwrap();
        assert_eq!(names(&directory), [format!("{}-{}.json", record.inverter, record.id)], "{steps}");
    }
}

#[tokio::test]
async fn a_prolonged_one_has_its_new_end_in_its_copy() {
    let directory = tempfile::tempdir().unwrap();
    let mut handle = begun(&on_disk(&directory), 7).await;
    handle.advance(Step::Prolong(end_in(2), vec![(0, 1, 1400)])).await.unwrap();
    damage(&file(&directory, handle.record(), "json"), 2);
    let [known] = &on_disk(&directory).open_records().await.records[..] else { panic!("a record") };
    assert_eq!(known.end, Some(end_in(2)));
    let end = known.registers().find(|register| register.address == 95).unwrap();
    assert!(end.is_ours(1400) && end.is_ours(1300) && end.is_open(), "{end:?}");
}

#[tokio::test]
async fn one_that_is_damaged_with_its_copy_is_lost_until_somebody_gives_it_up() {
    let directory = tempfile::tempdir().unwrap();
    let record = begun(&on_disk(&directory), 7).await.record().clone();
    damage(&file(&directory, &record, "json"), 1);
    damage(&file(&directory, &record, "copy"), 3);
    for _ in 0..2 {
        let found = on_disk(&directory).open_records().await;
        assert_eq!(found.records, []);
        let [Lost { inverter, id, was_open: true, .. }] = found.lost[..] else { panic!("{:?}", found.lost) };
        assert_eq!((inverter, id), (record.inverter, record.id));
    }
    let other = "CE2530G114".parse().unwrap();
    assert_eq!(on_disk(&directory).give_up_lost(other).await, Ok(0));
    assert_eq!(on_disk(&directory).give_up_lost(record.inverter).await, Ok(1));
    assert_eq!((on_disk(&directory).open_records().await.lost, names(&directory)), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn whoever_holds_a_record_that_is_lost_on_disk_keeps_it_on() {
    let directory = tempfile::tempdir().unwrap();
    let record = begun(&on_disk(&directory), 7).await.record().clone();
    damage(&file(&directory, &record, "json"), 0);
    damage(&file(&directory, &record, "copy"), 0);
    assert_eq!(on_disk(&directory).open_records().await.lost.len(), 1);
    on_disk(&directory).keep_on(record.clone(), FENCE + 1).await.unwrap();
    let found = on_disk(&directory).open_records().await;
    assert_eq!((found.lost, found.records.len(), names(&directory).len()), (Vec::new(), 1, 2));
    assert_eq!(found.records[0].groups, record.groups);
}

#[tokio::test]
async fn one_that_was_done_is_not_taken_for_open_and_a_copy_without_its_record_counts_for_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut handle = begun(&on_disk(&directory), 7).await;
    let copy = std::fs::read(file(&directory, handle.record(), "copy")).unwrap();
    undo(&mut handle, &Nobody).await.unwrap();
    damage(&file(&directory, handle.record(), "json"), 0);
    let found = on_disk(&directory).open_records().await;
    assert!(matches!(found.lost[..], [Lost { was_open: false, .. }]), "{:?}", found.lost);
    on_disk(&directory).give_up_lost(serial()).await.unwrap();
    // Somebody has removed a record by hand, to be rid of it.
    std::fs::write(file(&directory, handle.record(), "copy"), copy).unwrap();
    assert_eq!(on_disk(&directory).open_records().await, Found::default());
    assert_eq!(names(&directory), Vec::<String>::new());
}
