//! Roles across restarts: a small file of the store.

use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{Memory, Roles};
use crate::store::Store;

const NAME: &str = "roles.json";
/// Leaders that tell something else all the time wear out no SD card.
const SAVE_EVERY: Duration = Duration::from_secs(300);
/// A disk gets this long to take it, also at the end, when the program has two seconds for everything.
const SAVING: Duration = Duration::from_millis(300);

/// What was kept; nothing if it cannot be read, which is said.
pub(in crate::app) fn load(store: Option<&Store>) -> Memory {
    let Some(store) = store else { return Memory::default() };
    match store.load(NAME) {
        Ok(memory) => memory.unwrap_or_default(),
        Err(error) => {
            tracing::warn!("data_dir: {error}; who is led is found out again");
            Memory::default()
        }
    }
}

/// Keeps what becomes known until `shutdown`, and then what is not kept yet.
pub(in crate::app) async fn keep(roles: Roles, store: Store, shutdown: CancellationToken) {
    let mut kept = roles.memory();
    let mut changes = roles.changes();
    let mut said = false;
    loop {
        let stopping = shutdown.run_until_cancelled(changes.changed()).await.is_none();
        let memory = roles.memory();
        if memory != kept {
            match save(&store, &memory).await {
                Ok(()) => kept = memory,
                Err(why) if !said => {
                    said = true;
                    tracing::warn!("data_dir: {why}; until this is mended, who is led is found out again at a restart");
                }
                Err(_) => {}
            }
            if !stopping {
                shutdown.run_until_cancelled(sleep(SAVE_EVERY)).await;
            }
        }
        if stopping {
            return;
        }
    }
}

async fn save(store: &Store, memory: &Memory) -> Result<(), String> {
    let (store, memory) = (store.clone(), memory.clone());
    match timeout(SAVING, spawn_blocking(move || store.save(NAME, &memory))).await {
        Ok(Ok(outcome)) => outcome.map_err(|error| error.to_string()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("what is to be kept could not be written within {SAVING:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_becomes_known_is_kept_at_once_and_what_came_since_at_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        assert_eq!(load(Some(&store)), Memory::default());
        let roles = Roles::of_two(&Memory::default());
        let shutdown = CancellationToken::new();
        let keeping = tokio::spawn(keep(roles.clone(), store.clone(), shutdown.clone()));
        let (leader, one, other) = ("GW2414G001", "CH2414G001", "CH2414G002");
        let leads = |serials: &[&str]| {
            let led = serials.iter().map(|serial| serial.parse().unwrap()).collect();
            roles.leads(0, leader.parse().unwrap(), led, false);
        };
        tokio::task::yield_now().await;
        leads(&[one]);
        let kept = async {
            while load(Some(&store)) != roles.memory() {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(Duration::from_secs(5), kept).await.expect("it is kept");
        leads(&[one, other]);
        shutdown.cancel();
        keeping.await.unwrap();
        assert_eq!(load(Some(&store)), roles.memory());
        assert_eq!(Roles::new(load(Some(&store))).memory(), Memory::default());
    }
}
