//! The power is cut at every step of the journal and of the inverter, in memory: what was not synced may be lost, in any
//! way that a file system may lose it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex};

use super::fixture::*;
use crate::overrides::journal::disk::Disk;
use crate::overrides::journal::*;

/// How the disk, or this program in its place, is broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Broken {
    /// Files are not synced.
    files: bool,
    /// Names are not synced.
    names: bool,
    /// Files are renamed before they are synced.
    order: bool,
}

/// What a power cut leaves of what was not synced.
#[derive(Clone, Copy, Debug)]
struct Cut {
    /// How many of the changes of names that were not synced are kept, the first ones.
    names: usize,
    /// How much of a file that was not synced is kept, of four parts.
    quarters: usize,
}

#[derive(Debug, Default)]
struct State {
    /// What every process sees.
    names: BTreeMap<String, usize>,
    /// What is on disk.
    names_on_disk: BTreeMap<String, usize>,
    /// What was done to names since.
    changes: Vec<Change>,
    files: Vec<Contents>,
    broken: Broken,
    /// A file that is to be synced after it was renamed.
    late: Option<usize>,
    /// So many more steps until the power is cut.
    left: usize,
    steps: usize,
    registers: BTreeMap<u16, u16>,
}

#[derive(Debug, Default)]
struct Contents {
    now: Vec<u8>,
    synced: bool,
}

#[derive(Clone, Debug)]
enum Change {
    Link(String, usize),
    Rename(String, String),
    Remove(String),
}

/// A machine: a disk in memory and the inverter beside it, whose power is cut after so many steps.
#[derive(Clone, Debug)]
struct Machine(Arc<Mutex<State>>);

fn change(names: &mut BTreeMap<String, usize>, change: &Change) {
    match change {
        Change::Link(name, file) => drop(names.insert(name.clone(), *file)),
        Change::Rename(from, to) => {
            if let Some(file) = names.remove(from) {
                names.insert(to.clone(), file);
            }
        }
        Change::Remove(name) => drop(names.remove(name)),
    }
}

impl Machine {
    fn new(broken: Broken, steps: usize) -> Self {
        let registers = FOUND.into_iter().collect();
        Self(Arc::new(Mutex::new(State { broken, left: steps, registers, ..State::default() })))
    }

    /// One more step, unless the power is cut.
    fn step<T>(&self, step: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.0.lock().unwrap();
        if state.left == 0 {
            return Err(io::Error::other("the power is cut"));
        }
        state.left -= 1;
        state.steps += 1;
        step(&mut state)
    }

    fn steps(&self) -> usize {
        self.0.lock().unwrap().steps
    }

    fn is_off(&self) -> bool {
        self.0.lock().unwrap().left == 0
    }

    fn unsynced_names(&self) -> usize {
        self.0.lock().unwrap().changes.len()
    }

    /// What every file holds, by its name.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.0.lock().unwrap();
        state.names.iter().map(|(name, file)| (name.clone(), state.files[*file].now.clone())).collect()
    }

    fn holds(&self) -> Vec<(u16, u16)> {
        let state = self.0.lock().unwrap();
        FOUND.iter().map(|(address, _)| (*address, state.registers[address])).collect()
    }

    /// The machine after the power came back, without a further cut.
    fn restarted(&self, cut: Cut) -> Self {
        let state = self.0.lock().unwrap();
        let mut names = state.names_on_disk.clone();
        state.changes.iter().take(cut.names).for_each(|each| change(&mut names, each));
        let contents = |file: &Contents| {
            let kept = if file.synced { file.now.len() } else { file.now.len() * cut.quarters / 4 };
            Contents { now: file.now[..kept].to_vec(), synced: true }
        };
        Self(Arc::new(Mutex::new(State {
            names: names.clone(),
            names_on_disk: names,
            files: state.files.iter().map(contents).collect(),
            left: usize::MAX,
            registers: state.registers.clone(),
            ..State::default()
        })))
    }
}

impl Disk for Machine {
    fn place(&self) -> String {
        "memory".to_owned()
    }

    fn prepare(&self) -> io::Result<()> {
        Ok(())
    }

    fn volatile(&self) -> io::Result<Option<&'static str>> {
        Ok(None)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.0.lock().unwrap().names.keys().cloned().collect())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let state = self.0.lock().unwrap();
        let file = state.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(state.files[*file].now.clone())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.step(|state| {
            state.files.push(Contents { now: bytes.to_vec(), synced: false });
            let link = Change::Link(name.to_owned(), state.files.len() - 1);
            change(&mut state.names, &link);
            state.changes.push(link);
            Ok(())
        })
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        self.step(|state| {
            let file = *state.names.get(name).ok_or(io::ErrorKind::NotFound)?;
            match state.broken {
                Broken { files: true, .. } => {}
                Broken { order: true, .. } => state.late = Some(file),
                _ => state.files[file].synced = true,
            }
            Ok(())
        })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.step(|state| {
            let rename = Change::Rename(from.to_owned(), to.to_owned());
            change(&mut state.names, &rename);
            state.changes.push(rename);
            Ok(())
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.step(|state| {
            let remove = Change::Remove(name.to_owned());
            change(&mut state.names, &remove);
            state.changes.push(remove);
            Ok(())
        })
    }

    fn sync_names(&self) -> io::Result<()> {
        self.step(|state| {
            if !state.broken.names {
                state.names_on_disk = state.names.clone();
                state.changes.clear();
            }
            if let Some(late) = state.late.take() {
                state.files[late].synced = true;
            }
            Ok(())
        })
    }
}

impl Inverter for Machine {
    fn write(&self, address: u16, value: u16) -> Result<(), String> {
        let written = self.step(|state| {
            state.registers.insert(address, value);
            Ok(())
        });
        written.map_err(|error| error.to_string())
    }
}

/// Cuts the power after each step in turn, and judges what every kind of cut leaves; then undoes it and judges that. How
/// many cuts were judged, and what was wrong.
async fn cut_everywhere(broken: Broken) -> (usize, Vec<String>) {
    let (mut judged, mut wrong) = (0, Vec::new());
    for steps in 0.. {
        let machine = Machine::new(broken, steps);
        let outcome = execute(&journal(Arc::new(machine.clone()), None), &machine).await;
        let mut seen = BTreeSet::new();
        for names in 0..=machine.unsynced_names() {
            for quarters in 0..=4 {
                let cut = Cut { names, quarters };
                let restarted = machine.restarted(cut);
                if !seen.insert(restarted.files()) {
                    continue;
                }
                let journal = journal(Arc::new(restarted.clone()), None);
                let found = journal.all_records().await;
                judged += 1;
                if let Err(why) = judge(&found, &restarted.holds()) {
                    wrong.push(format!("after {steps} steps, {cut:?}: {why}"));
                    continue;
                }
                for record in journal.open_records().await.records {
                    let mut handle = journal.take_up(record.id, FENCE + 1).await.unwrap();
                    undo(&mut handle, &restarted).await.unwrap();
                }
                assert_eq!(restarted.holds(), FOUND, "after {steps} steps, {cut:?}");
                assert_eq!(journal.open_records().await, Found::default());
            }
        }
        if outcome.is_ok() {
            assert!(machine.steps() > 80, "{}", machine.steps());
            return (judged, wrong);
        }
        assert!(machine.is_off(), "{outcome:?}");
    }
    unreachable!("it ends")
}

#[tokio::test]
async fn no_power_cut_halves_or_loses_a_record() {
    let (judged, wrong) = cut_everywhere(Broken::default()).await;
    assert!(wrong.is_empty(), "{} of {judged}, the first: {}", wrong.len(), wrong[0]);
    assert!(judged > 150, "{judged}");
}

/// That the test above can fail.
#[tokio::test]
async fn without_syncs_or_in_another_order_power_cuts_halve_and_lose_records() {
    let cases = [
        (Broken { files: true, ..Broken::default() }, "half a record"),
        (Broken { names: true, ..Broken::default() }, "no record, and"),
        (Broken { order: true, ..Broken::default() }, "half a record"),
    ];
    for (broken, expected) in cases {
        let (judged, wrong) = cut_everywhere(broken).await;
        assert!(wrong.iter().any(|wrong| wrong.contains(expected)), "{broken:?}: {} of {judged}", wrong.len());
    }
}
