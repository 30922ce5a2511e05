//! Threads that wait for files: the kernel wakes whoever blocks in its call, and nothing else would be told.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::directory::{Locked, NoFileLocks, Unlocked};

/// The most threads that wait, one a resource: those whose waiters gave up wait on until the file is let go.
const MOST: usize = 128;
/// They need little.
const STACK: usize = 128 * 1024;

type Outcome = Result<Locked, NoFileLocks>;

/// For each resource that a thread waits for, who wants it now. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting(Arc<Mutex<HashMap<Arc<str>, oneshot::Sender<Outcome>>>>);

impl Waiting {
    /// Waits for the lock that somebody else has. Dropping the future gives up; the thread stays until it has the lock,
    /// and lets go of it at once unless it is wanted again by then.
    pub(super) async fn wait(&self, resource: &str, file: Unlocked) -> Outcome {
        let ended = file.trouble("cannot wait for", io::Error::other("the thread that waited has failed"));
        let (sender, receiver) = oneshot::channel();
        self.begin(resource, file, sender)?;
        receiver.await.unwrap_or(Err(ended))
    }

    fn begin(&self, resource: &str, file: Unlocked, sender: oneshot::Sender<Outcome>) -> Result<(), NoFileLocks> {
        let mut table = self.table();
        if let Some(wanted) = table.get_mut(resource) {
            *wanted = sender;
            return Ok(());
        }
        if table.len() >= MOST {
            return Err(file.trouble("cannot wait for", io::Error::other(format!("{MOST} threads wait already"))));
        }
        let resource: Arc<str> = resource.into();
        let path = file.path().to_owned();
        let (waiting, for_it) = (self.clone(), resource.clone());
        let thread = std::thread::Builder::new().name("lock-waiter".to_owned()).stack_size(STACK);
        thread
            .spawn(move || waiting.block(&for_it, file))
            .map_err(|error| NoFileLocks::new("cannot wait for", path, error))?;
        table.insert(resource, sender);
        Ok(())
    }

    fn block(&self, resource: &str, file: Unlocked) {
        let outcome = file.wait();
        let wanted = self.table().remove(resource);
        // Where nobody wants it any more, the lock is let go by being dropped.
        if let Some(wanted) = wanted {
            _ = wanted.send(outcome);
        }
    }

    /// For how many resources a thread waits.
    #[cfg(test)]
    pub(super) fn threads(&self) -> usize {
        self.table().len()
    }

    fn table(&self) -> MutexGuard<'_, HashMap<Arc<str>, oneshot::Sender<Outcome>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
