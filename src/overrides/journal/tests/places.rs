//! Two places, one of which may be away; and what a directory may be like.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use futures::future::{BoxFuture, FutureExt};

use super::fixture::*;
use crate::overrides::journal::disk::Directory;
use crate::overrides::journal::shared::{NotShared, Shared};
use crate::overrides::journal::*;

/// The other place, in memory.
#[derive(Debug, Default)]
struct Memory {
    records: Mutex<Vec<Record>>,
    is_away: AtomicBool,
}

impl Memory {
    fn why(&self) -> Option<String> {
        self.is_away.load(SeqCst).then(|| "redis is away".to_owned())
    }
}

impl Shared for Memory {
    fn put<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<(), NotShared>> {
        async move {
            if let Some(why) = self.why() {
                return Err(NotShared::Unreachable(why));
            }
            let mut records = self.records.lock().unwrap();
            let kept = records.iter().position(|kept| kept.id == record.id);
            match kept.map(|place| &records[place]) {
                Some(kept) if kept == record => return Ok(()),
                Some(kept) if kept.revision >= record.revision || kept.fence > record.fence => {
                    return Err(NotShared::Overtaken);
                }
                _ => {}
            }
            kept.map(|place| records.swap_remove(place));
            records.push(record.clone());
            Ok(())
        }
        .boxed()
    }

    fn all(&self) -> BoxFuture<'_, Result<Found, String>> {
        async move {
            let found = |records: &Vec<Record>| Found { records: records.clone(), ..Found::default() };
            self.why().map_or_else(|| Ok(found(&self.records.lock().unwrap())), Err)
        }
        .boxed()
    }
}

struct Nobody;

impl Inverter for Nobody {
    fn write(&self, _: u16, _: u16) -> Result<(), String> {
        Ok(())
    }
}

fn on_disk(directory: &tempfile::TempDir, shared: Option<&Arc<Memory>>) -> Journal {
    let shared = shared.map(|shared| Arc::clone(shared) as Arc<dyn Shared>);
    journal(Arc::new(Directory::trusted(directory.path().join("journal"))), shared)
}

#[expect(clippy::print_stdout, reason = "so that it is seen")]
fn skipped(why: &str) {
    println!("SKIPPED: {why}");
}

fn files(directory: &tempfile::TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(directory.path().join("journal")).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_record_is_its_users_alone_and_found_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let mut handle = on_disk(&directory, None).begin(plan(), FENCE).await.unwrap();
    handle.advance(Step::Writing(Which::Group(0))).await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let name = format!("SA2114G047-{}.json", handle.record().id);
    let copy = name.replace(".json", ".copy");
    assert_eq!(files(&directory).into_iter().collect::<BTreeSet<_>>(), [copy.clone(), name.clone()].into());
    assert_eq!(mode(&directory.path().join("journal")), 0o700);
    for file in [name, copy] {
        assert_eq!(mode(&directory.path().join("journal").join(file)), 0o600);
    }
    let found = on_disk(&directory, None).open_records().await;
    assert_eq!(found, Found { records: vec![handle.record().clone()], ..Found::default() });
}

#[tokio::test]
async fn both_places_know_a_record_before_the_first_register_is_written() {
    let (directory, shared) = (tempfile::tempdir().unwrap(), Arc::new(Memory::default()));
    let handle = on_disk(&directory, Some(&shared)).begin(plan(), FENCE).await.unwrap();
    assert_eq!(*shared.records.lock().unwrap(), [handle.record().clone()]);
    assert!(handle.record().shared);
    shared.is_away.store(true, SeqCst);
    let refused = on_disk(&directory, Some(&shared)).begin(plan(), FENCE).await.unwrap_err();
    let expected = "no override can start, since what it must undo cannot be kept in redis too: redis is away";
    assert_eq!(refused.to_string(), expected);
    assert_eq!(on_disk(&directory, None).open_records().await.records.len(), 1, "what did not begin is not open");
}

#[tokio::test]
async fn what_was_begun_goes_on_without_redis_which_learns_it_later() {
    let (directory, shared) = (tempfile::tempdir().unwrap(), Arc::new(Memory::default()));
    let journal = on_disk(&directory, Some(&shared));
    let mut handle = journal.begin(plan(), FENCE).await.unwrap();
    shared.is_away.store(true, SeqCst);
    handle.advance(Step::Writing(Which::Group(0))).await.unwrap();
    undo(&mut handle, &Nobody).await.unwrap();
    let found = journal.open_records().await;
    assert_eq!((found.records, found.unread), (Vec::new(), vec!["redis is away".to_owned()]));
    assert!(shared.records.lock().unwrap()[0].is_open());
    shared.is_away.store(false, SeqCst);
    assert_eq!(journal.open_records().await, Found::default(), "it is not undone twice");
    assert_eq!(shared.records.lock().unwrap()[0].stage, Stage::Done);
}

#[tokio::test]
async fn another_machine_takes_up_what_the_first_left_and_the_first_is_refused_from_then_on() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let shared = Arc::new(Memory::default());
    let mut first = on_disk(&one, Some(&shared)).begin(plan(), FENCE).await.unwrap();
    first.advance(Step::Writing(Which::Group(0))).await.unwrap();
    let there = on_disk(&other, Some(&shared));
    let [record] = &there.open_records().await.records[..] else { panic!("one record") };
    assert_eq!(there.take_up(record.id, FENCE - 1).await.unwrap_err(), JournalError::Overtaken(record.id));
    let mut second = there.take_up(record.id, FENCE + 1).await.unwrap();
    let overtaken = Err(JournalError::Overtaken(record.id));
    assert_eq!(first.advance(Step::Written(Which::Group(0))).await, overtaken);
    assert_eq!(first.advance(Step::Undo).await, overtaken);
    undo(&mut second, &Nobody).await.unwrap();
    // The first machine starts again, with its old record on its own disk.
    let back = on_disk(&one, Some(&shared));
    assert_eq!(back.open_records().await, Found::default());
    assert_eq!(back.all_records().await.records[0].stage, Stage::Done);
    assert!(matches!(back.take_up(record.id, FENCE + 2).await, Err(JournalError::Gone(_))));
}

#[tokio::test]
async fn an_open_record_in_either_place_is_taken_up_and_brought_to_the_other() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let shared = Arc::new(Memory::default());
    let record = on_disk(&one, None).begin(plan(), FENCE).await.unwrap().record().clone();
    // Redis is configured only now, and was emptied since.
    for _ in 0..2 {
        assert_eq!(on_disk(&one, Some(&shared)).open_records().await.records, std::slice::from_ref(&record));
        assert_eq!(*shared.records.lock().unwrap(), std::slice::from_ref(&record));
        shared.records.lock().unwrap().clear();
    }
    shared.records.lock().unwrap().push(record.clone());
    assert_eq!(on_disk(&other, Some(&shared)).open_records().await.records, std::slice::from_ref(&record));
    assert_eq!(on_disk(&other, None).open_records().await.records, [record], "it is on this disk too");
}

#[tokio::test]
async fn a_directory_that_cannot_keep_anything_lets_no_override_start() {
    let directory = tempfile::tempdir().unwrap();
    let in_the_way = directory.path().join("journal");
    std::fs::write(&in_the_way, "").unwrap();
    let refused = on_disk(&directory, None).begin(plan(), FENCE).await.unwrap_err().to_string();
    assert!(
        refused.starts_with("no override can start, since what it must undo cannot be kept: cannot make "),
        "{refused}"
    );
    let own = tempfile::tempdir().unwrap();
    std::fs::write(own.path().join("journal"), "a file in its place").unwrap();
    assert!(check(own.path()).unwrap().ends_with("journal is no directory, nor a link to one"));
    let dangling = own.path().join("dangling");
    std::os::unix::fs::symlink("nowhere", &dangling).unwrap();
    assert!(check(&dangling).unwrap().ends_with("dangling is no directory, nor a link to one"));
    let memory = Path::new("/dev/shm");
    if memory.is_dir() && matches!(disk::Disk::volatile(&Directory::new(memory.to_owned())), Ok(Some("tmpfs"))) {
        let own = tempfile::tempdir_in(memory).unwrap();
        let journal = Journal::new(own.path(), Arc::new(SetClock::noon()));
        let refused = journal.begin(plan(), FENCE).await.unwrap_err().to_string();
        assert!(
            refused.ends_with("is on a tmpfs, which a restart empties; set data_dir to a directory on a disk"),
            "{refused}"
        );
        assert!(check(own.path()).unwrap().contains("is on a tmpfs"));
        assert!(
            check(&own.path().join("later"))
                .unwrap()
                .starts_with(&format!("{}/later is not there yet; ", own.path().display()))
        );
    } else {
        skipped("there is no tmpfs at /dev/shm");
    }
}

#[tokio::test]
async fn a_full_disk_lets_none_start_and_stops_no_undoing() {
    if !Path::new("/dev/full").exists() {
        skipped("there is no /dev/full");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let journal = on_disk(&directory, None);
    let mut handle = journal.begin(plan(), FENCE).await.unwrap();
    handle.advance(Step::Writing(Which::Group(0))).await.unwrap();
    let full = Journal {
        local: Local::new(Arc::new(Full(Directory::trusted(directory.path().join("journal"))))),
        ..journal.clone()
    };
    let refused = full.begin(plan(), FENCE).await.unwrap_err();
    assert!(matches!(refused, JournalError::Unfit(_)), "{refused}");
    let id = handle.record().id;
    let mut handle = full.take_up(id, FENCE + 1).await.unwrap();
    assert!(matches!(handle.advance(Step::Written(Which::Group(0))).await, Err(JournalError::NotKept(_))));
    assert_eq!(handle.record().stage, Stage::Planned);
    assert!(matches!(handle.advance(Step::Undo).await, Err(JournalError::NotKept(_))));
    assert_eq!(handle.record().stage, Stage::Undoing, "it goes on all the same");
    assert!(matches!(handle.advance(Step::Restoring(Which::Group(0))).await, Err(JournalError::NotKept(_))));
    assert!(matches!(handle.advance(Step::Restored(Which::Group(0))).await, Err(JournalError::NotKept(_))));
    assert!(matches!(handle.advance(Step::Done).await, Err(JournalError::NotKept(_))));
    assert!(journal.open_records().await.records[0].is_open(), "after a restart it is undone once more");
}

#[tokio::test]
async fn a_record_of_a_later_version_stays_and_blocks_its_inverter_alone() {
    let directory = tempfile::tempdir().unwrap();
    let journal = on_disk(&directory, None);
    let handle = journal.begin(plan(), FENCE).await.unwrap();
    let path = directory.path().join("journal").join(format!("SA2114G047-{}.json", handle.record().id));
    let newer = std::fs::read_to_string(&path).unwrap().replace("\"version\":1", "\"version\":9");
    std::fs::write(&path, &newer).unwrap();
    let refused = journal.begin(plan(), FENCE).await.unwrap_err().to_string();
    let shown = refused.replace(&path.display().to_string(), "FILE").replace(&handle.record().id.to_string(), "ID");
    insta::assert_snapshot!(shown, @"no override can start on SA2114G047: record ID at FILE: written by a later version of givtcp, in form 9, where this one knows form 1; run that version until its override is undone");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), newer);
    journal.begin(Plan { inverter: "CE2530G114".parse().unwrap(), ..plan() }, FENCE).await.unwrap();
    assert_eq!(journal.open_records().await.faults.len(), 1);
}

#[tokio::test]
async fn a_damaged_record_is_set_aside_and_the_others_are_found() {
    let directory = tempfile::tempdir().unwrap();
    let journal = on_disk(&directory, None);
    // One of a command: there is no copy of it.
    let broken = Plan { what: What::Plan("reserve 20 %".to_owned()), end: None, ..plan() };
    let broken = journal.begin(broken, FENCE).await.unwrap();
    let whole = journal.begin(plan(), FENCE).await.unwrap();
    let name = format!("SA2114G047-{}.json", broken.record().id);
    std::fs::write(directory.path().join("journal").join(&name), "{\"version\":1").unwrap();
    let found = journal.open_records().await;
    assert_eq!(found.records, [whole.record().clone()]);
    let [Fault { kind: FaultKind::Damaged, inverter, id, .. }] = found.faults[..] else { panic!("{:?}", found.faults) };
    assert_eq!((inverter, id), (serial(), broken.record().id));
    assert!(files(&directory).contains(&format!("{name}.damaged")) && !files(&directory).contains(&name));
    assert_eq!(journal.open_records().await.faults, [], "it is told once");
}

#[tokio::test]
async fn what_was_left_unfinished_is_swept_away_and_a_few_that_are_done_are_kept() {
    let directory = tempfile::tempdir().unwrap();
    let journal = on_disk(&directory, None);
    for _ in 0..20 {
        let mut handle = journal.begin(plan(), FENCE).await.unwrap();
        undo(&mut handle, &Nobody).await.unwrap();
    }
    let open = journal.begin(plan(), FENCE).await.unwrap();
    std::fs::write(directory.path().join("journal/.half.json.4711-0.new"), "{").unwrap();
    for number in 0..40 {
        std::fs::write(directory.path().join(format!("journal/SA2114G047-{number:012x}-00000000.json.damaged")), "")
            .unwrap();
    }
    assert_eq!(journal.open_records().await.records, [open.record().clone()]);
    let names = files(&directory);
    let count = |end: &str| names.iter().filter(|name| name.ends_with(end)).count();
    assert_eq!((count(".json"), count(".damaged"), count(".new")), (17, 32, 0), "{names:?}");
    assert!(names.iter().any(|name| name.contains("-000000000027-")), "the newest of them");
}

#[tokio::test]
async fn no_more_than_so_many_are_open() {
    let directory = tempfile::tempdir().unwrap();
    let journal = on_disk(&directory, None);
    for _ in 0..64 {
        journal.begin(plan(), FENCE).await.unwrap();
    }
    assert_eq!(journal.begin(plan(), FENCE).await.unwrap_err(), JournalError::TooMany);
}

/// A directory on a disk that is full.
#[derive(Debug)]
struct Full(Directory);

impl disk::Disk for Full {
    fn place(&self) -> String {
        self.0.place()
    }
    fn prepare(&self) -> std::io::Result<()> {
        self.0.prepare()
    }
    fn volatile(&self) -> std::io::Result<Option<&'static str>> {
        self.0.volatile()
    }
    fn list(&self) -> std::io::Result<Vec<String>> {
        self.0.list()
    }
    fn read(&self, name: &str) -> std::io::Result<Vec<u8>> {
        self.0.read(name)
    }
    fn write(&self, _: &str, bytes: &[u8]) -> std::io::Result<()> {
        std::io::Write::write_all(&mut std::fs::OpenOptions::new().write(true).open("/dev/full")?, bytes)
    }
    fn sync(&self, name: &str) -> std::io::Result<()> {
        self.0.sync(name)
    }
    fn rename(&self, from: &str, to: &str) -> std::io::Result<()> {
        self.0.rename(from, to)
    }
    fn remove(&self, name: &str) -> std::io::Result<()> {
        self.0.remove(name)
    }
    fn sync_names(&self) -> std::io::Result<()> {
        self.0.sync_names()
    }
}
