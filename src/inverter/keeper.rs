//! What of a plant survives a restart: read once, written rarely, and never waited for in a poll.

use std::time::Duration;

use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{Instant, timeout};

use crate::frame::Serial;
use crate::plant::Memory;
use crate::store::{Store, StoreError};

/// No more often is anything written: SD cards wear out.
const SAVE_EVERY: Duration = Duration::from_secs(300);
/// A disk gets this long to say what it holds.
const LOADING: Duration = Duration::from_secs(1);
/// And this long to take something at the end, when the program has two seconds for everything.
const LAST_SAVE: Duration = Duration::from_millis(300);

/// Keeps one inverter's memory in a file of the store, or nowhere.
#[derive(Debug)]
pub(super) struct Keeper {
    name: String,
    store: Option<Store>,
    /// What the file holds, as far as is known.
    kept: Option<Memory>,
    /// What is being written. At most one, so that a disk that hangs holds up one thread.
    saving: Option<(Memory, JoinHandle<Result<(), StoreError>>)>,
    next: Option<Instant>,
    said: bool,
}

impl Keeper {
    /// For the inverter that people call `name`.
    pub(super) fn new(name: String, store: Option<Store>) -> Self {
        Self { name, store, kept: None, saving: None, next: None, said: false }
    }

    /// What was kept of this inverter.
    pub(super) async fn load(&mut self, serial: Serial) -> Option<Memory> {
        let store = self.store.clone()?;
        let loading = spawn_blocking(move || store.load::<Memory>(&file_of(&serial.to_string())));
        let outcome = match timeout(LOADING, loading).await {
            Ok(Ok(Ok(memory))) => Ok(memory),
            Ok(Ok(Err(error))) => Err(error.to_string()),
            Ok(Err(error)) => Err(format!("cannot read what is kept: {error}")),
            Err(_) => Err(format!("what is kept could not be read within {LOADING:?}")),
        };
        self.kept = outcome.unwrap_or_else(|why| {
            self.complain(&why);
            None
        });
        self.kept.clone()
    }

    /// Writes what is new, if it is time.
    pub(super) async fn save(&mut self, memory: Option<Memory>) {
        if self.saving.as_ref().is_some_and(|(_, writing)| writing.is_finished()) {
            self.finish().await;
        }
        if self.next.is_none_or(|next| Instant::now() >= next) {
            self.begin(memory);
        }
    }

    /// Writes what is new, whether or not it is time, and waits a moment for it.
    pub(super) async fn save_at_the_end(&mut self, memory: Option<Memory>) {
        let writing = async {
            self.finish().await;
            self.begin(memory);
            self.finish().await;
        };
        if timeout(LAST_SAVE, writing).await.is_err() {
            self.complain(&format!("what is to be kept could not be written within {LAST_SAVE:?}"));
        }
    }

    fn begin(&mut self, memory: Option<Memory>) {
        let (Some(store), Some(memory), None) = (self.store.clone(), memory, &self.saving) else { return };
        if !self.kept.as_ref().is_none_or(|kept| memory.differs(kept)) {
            return;
        }
        self.next = Some(Instant::now() + SAVE_EVERY);
        let written = memory.clone();
        self.saving = Some((memory, spawn_blocking(move || store.save(&file_of(&written.serial), &written))));
    }

    /// Waits for what is being written.
    async fn finish(&mut self) {
        let Some((_, writing)) = &mut self.saving else { return };
        let outcome = writing.await;
        let Some((memory, _)) = self.saving.take() else { return };
        match outcome {
            Ok(Ok(())) => {
                self.kept = Some(memory);
                self.said = false;
            }
            Ok(Err(error)) => self.complain(&error.to_string()),
            Err(error) => self.complain(&format!("cannot write what is to be kept: {error}")),
        }
    }

    /// That nothing can be kept is said once, and no fault.
    fn complain(&mut self, why: &str) {
        if std::mem::replace(&mut self.said, true) {
            tracing::debug!(inverter.name = %self.name, "data_dir: {why}");
        } else {
            tracing::warn!(
                inverter.name = %self.name,
                "data_dir: {why}; until this is mended, what was learnt is lost at a restart"
            );
        }
    }
}

/// A serial that is plausible is a fine name for a file.
fn file_of(serial: &str) -> String {
    format!("plants/{serial}.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(serial: &str, battery: u8) -> Memory {
        let mut memory = Memory { serial: serial.to_owned(), ..Memory::default() };
        memory.devices.batteries = vec![battery];
        memory
    }

    fn file(directory: &tempfile::TempDir) -> std::path::PathBuf {
        directory.path().join("plants/SA2114G047.json")
    }

    #[tokio::test(start_paused = true)]
    async fn what_changes_is_written_at_once_and_then_every_five_minutes_and_at_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        let on_disk = || store.load::<Memory>("plants/SA2114G047.json").unwrap().map(|kept| kept.devices.batteries);
        let mut keeper = Keeper::new("house".to_owned(), Some(store.clone()));
        assert_eq!(keeper.load("SA2114G047".parse().unwrap()).await, None);
        keeper.save(Some(memory("SA2114G047", 0x32))).await;
        keeper.finish().await;
        assert_eq!(on_disk(), Some(vec![0x32]));
        keeper.save(Some(memory("SA2114G047", 0x33))).await;
        keeper.finish().await;
        assert_eq!(on_disk(), Some(vec![0x32]), "not yet");
        tokio::time::sleep(SAVE_EVERY).await;
        keeper.save(Some(memory("SA2114G047", 0x34))).await;
        keeper.finish().await;
        assert_eq!(on_disk(), Some(vec![0x34]));
        std::fs::remove_file(file(&directory)).unwrap();
        tokio::time::sleep(SAVE_EVERY).await;
        keeper.save(Some(memory("SA2114G047", 0x34))).await;
        keeper.finish().await;
        assert_eq!(on_disk(), None, "nothing new is not written");
        keeper.save_at_the_end(Some(memory("SA2114G047", 0x35))).await;
        assert_eq!(on_disk(), Some(vec![0x35]));
        let mut next = Keeper::new("house".to_owned(), Some(store.clone()));
        assert_eq!(next.load("SA2114G047".parse().unwrap()).await, Some(memory("SA2114G047", 0x35)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_directory_that_takes_nothing_is_no_fault_and_tried_again() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        std::fs::write(directory.path().join("plants"), "in the way").unwrap();
        let mut keeper = Keeper::new("house".to_owned(), Some(store));
        assert_eq!(keeper.load("SA2114G047".parse().unwrap()).await, None);
        for _ in 0..3 {
            keeper.save(Some(memory("SA2114G047", 0x32))).await;
            keeper.finish().await;
            assert!(keeper.said && keeper.kept.is_none());
            tokio::time::sleep(SAVE_EVERY).await;
        }
        std::fs::remove_file(directory.path().join("plants")).unwrap();
        keeper.save(Some(memory("SA2114G047", 0x32))).await;
        keeper.finish().await;
        assert!(!keeper.said && file(&directory).exists());
    }

    #[tokio::test]
    async fn without_a_store_nothing_is_kept() {
        let mut keeper = Keeper::new("house".to_owned(), None);
        keeper.save(Some(memory("SA2114G047", 0x32))).await;
        keeper.save_at_the_end(Some(memory("SA2114G047", 0x32))).await;
        assert_eq!(keeper.load("SA2114G047".parse().unwrap()).await, None);
        assert!(keeper.kept.is_none() && keeper.saving.is_none());
    }
}
