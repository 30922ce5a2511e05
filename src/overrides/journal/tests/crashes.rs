//! A real process is ended at every step of the journal and of the inverter, and half-way through every write: what the
//! next one finds on the real disk is complete.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use super::fixture::*;
use crate::overrides::journal::disk::{Directory, Disk};

/// Where the process that is ended works, and before which of its steps it is.
const WHERE: &str = "GIVTCP_TEST_CRASH_IN";
const WHEN: &str = "GIVTCP_TEST_CRASH_AT";

/// Ends the process when so many steps were taken.
#[derive(Debug)]
struct Dying {
    disk: Directory,
    registers: PathBuf,
    left: AtomicUsize,
}

impl Dying {
    /// Whether the process ends in this step; before it, unless it can be half done.
    fn is_last(&self) -> bool {
        self.left.fetch_sub(1, SeqCst) == 0
    }

    fn step(&self) {
        if self.is_last() {
            std::process::abort();
        }
    }
}

impl Disk for Dying {
    fn place(&self) -> String {
        self.disk.place()
    }

    fn prepare(&self) -> io::Result<()> {
        self.disk.prepare()
    }

    fn volatile(&self) -> io::Result<Option<&'static str>> {
        self.disk.volatile()
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.disk.read(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        if self.is_last() {
            let _ = self.disk.write(name, &bytes[..bytes.len() / 2]);
            std::process::abort();
        }
        self.disk.write(name, bytes)
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        self.step();
        self.disk.sync(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.step();
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.step();
        self.disk.remove(name)
    }

    fn sync_names(&self) -> io::Result<()> {
        self.step();
        self.disk.sync_names()
    }
}

impl Inverter for Arc<Dying> {
    fn write(&self, address: u16, value: u16) -> Result<(), String> {
        self.step();
        hold(&self.registers, address, value);
        Ok(())
    }
}

/// A register is a file that bears its value in its name, so that it is never half.
fn hold(registers: &Path, address: u16, value: u16) {
    let name = |value: u16| registers.join(format!("{address}-{value}"));
    let before = held(registers, address);
    std::fs::rename(name(before), name(value)).unwrap();
}

fn held(registers: &Path, address: u16) -> u16 {
    let entries = std::fs::read_dir(registers).unwrap();
    let mut names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.find_map(|name| name.strip_prefix(&format!("{address}-"))?.parse().ok()).unwrap()
}

/// What the process that is ended does. By itself it is no test.
#[tokio::test]
async fn a_process_that_is_ended() {
    let (Ok(place), Ok(at)) = (std::env::var(WHERE), std::env::var(WHEN)) else { return };
    let place = PathBuf::from(place);
    let disk = Directory::trusted(place.join("journal"));
    let dying = Arc::new(Dying { disk, registers: place.join("registers"), left: at.parse::<usize>().unwrap().into() });
    let journal = journal(Arc::clone(&dying) as Arc<dyn Disk>, None);
    execute(&journal, &dying).await.unwrap();
}

#[tokio::test]
async fn no_crash_at_any_step_halves_or_loses_a_record() {
    let mut crashes = 0;
    for at in 0..1000 {
        let place = tempfile::tempdir().unwrap();
        let registers = place.path().join("registers");
        std::fs::create_dir(&registers).unwrap();
        for (address, value) in FOUND {
            std::fs::write(registers.join(format!("{address}-{value}")), "").unwrap();
        }
        let test = "overrides::journal::tests::crashes::a_process_that_is_ended";
        let mut process = Command::new(std::env::current_exe().unwrap());
        process
            .args([test, "--exact", "--nocapture", "--test-threads=1"])
            .env(WHERE, place.path())
            .env(WHEN, at.to_string());
        let ended = process.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        let journal = journal(Arc::new(Directory::trusted(place.path().join("journal"))), None);
        let holds = FOUND.map(|(address, _)| (address, held(&registers, address)));
        judge(&journal.all_records().await, &holds).unwrap_or_else(|why| panic!("ended at step {at}: {why}"));
        // Undoing it each time would take long and show the same.
        let open = if at % 7 == 0 { journal.open_records().await.records } else { Vec::new() };
        for record in open {
            let mut handle = journal.take_up(record.id, FENCE + 1).await.unwrap();
            undo(&mut handle, &Files(&registers)).await.unwrap();
        }
        let restored = FOUND.map(|(address, _)| (address, held(&registers, address)));
        assert!(at % 7 != 0 || restored == FOUND, "ended at step {at}: {restored:?}");
        if ended.success() {
            break;
        }
        crashes += 1;
    }
    assert!((80..1000).contains(&crashes), "{crashes}");
}

struct Files<'a>(&'a Path);

impl Inverter for Files<'_> {
    fn write(&self, address: u16, value: u16) -> Result<(), String> {
        hold(self.0, address, value);
        Ok(())
    }
}
