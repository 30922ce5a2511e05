//! Statuses in files, for the processes of one machine.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::future::{BoxFuture, FutureExt};
use jiff::Timestamp;

use super::{Stamp, Status, StatusError, StatusManager, StatusName};
use crate::clock::Clock;
use crate::frame::Serial;
use crate::lane::Lane;
use crate::store::{Store, StoreError};

/// A disk gets this long for one file.
const DEADLINE: Duration = Duration::from_secs(5);
/// What was changed so lately may be changed again without its time telling: file systems count in ticks, some in whole
/// seconds.
const TICK: Duration = Duration::from_secs(2);

/// One file a status, `status/<serial>/<name>.json` below the data directory: replaced whole or not at all, and on disk
/// when [`StatusManager::set`] returns. A damaged one is set aside and reported, and counts as not set.
pub struct FileStatusManager {
    store: Store,
    clock: Arc<dyn Clock>,
    lane: Lane,
}

impl FileStatusManager {
    /// In the data directory that `store` is.
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, lane: Lane::new() }
    }

    async fn on_disk<T: Send + 'static>(
        &self,
        inverter: Serial,
        name: StatusName,
        work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StatusError> {
        let store = self.store.clone();
        let why = match self.lane.run(DEADLINE, move || work(&store)).await {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(error)) => error.to_string(),
            Err(error) => format!("the data directory gives {error}"),
        };
        Err(StatusError::Backend { name, inverter, why })
    }

    async fn read(&self, inverter: Serial, name: StatusName) -> Result<Option<Status>, StatusError> {
        let file = file_of(inverter, name);
        let load = move |store: &Store| {
            let status = store.load::<Status>(&file)?;
            // One that was copied from another tells nothing of this.
            let fitting = status.filter(|status| (status.inverter, status.name) == (inverter, name));
            Ok(fitting)
        };
        let status = self.on_disk(inverter, name, load).await?;
        Ok(status.filter(|status| !status.is_over(self.clock.now())))
    }
}

impl std::fmt::Debug for FileStatusManager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileStatusManager").field("store", &self.store).finish_non_exhaustive()
    }
}

impl StatusManager for FileStatusManager {
    fn set<'a>(&'a self, status: &'a Status) -> BoxFuture<'a, Result<(), StatusError>> {
        async move {
            status.check(self.clock.now())?;
            let (inverter, name, status) = (status.inverter, status.name, status.shortened());
            let file = file_of(inverter, name);
            self.on_disk(inverter, name, move |store| store.save(&file, &status)).await
        }
        .boxed()
    }

    fn clear(&self, inverter: Serial, name: StatusName) -> BoxFuture<'_, Result<bool, StatusError>> {
        async move {
            let was_set = self.read(inverter, name).await?.is_some();
            let file = file_of(inverter, name);
            let removed = self.on_disk(inverter, name, move |store| store.remove(&file)).await?;
            Ok(was_set && removed)
        }
        .boxed()
    }

    fn get(&self, inverter: Serial, name: StatusName) -> BoxFuture<'_, Result<Option<Status>, StatusError>> {
        self.read(inverter, name).boxed()
    }

    fn stamp(&self, inverter: Serial) -> BoxFuture<'_, Result<Option<Stamp>, StatusError>> {
        async move {
            let directory = directory_of(inverter);
            let first = StatusName::ALL[0];
            let changed = self.on_disk(inverter, first, move |store| store.changed(&directory)).await?;
            let now = system_time(self.clock.now());
            let is_settled = |at: SystemTime| match now.duration_since(at) {
                Ok(age) => age > TICK,
                Err(ahead) => ahead.duration() > TICK,
            };
            Ok(changed.is_none_or(is_settled).then_some(Stamp(changed)))
        }
        .boxed()
    }
}

fn system_time(at: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(at.as_millisecond()).unwrap_or(0))
}

fn directory_of(inverter: Serial) -> String {
    format!("status/{inverter}")
}

fn file_of(inverter: Serial, name: StatusName) -> String {
    format!("{}/{name}.json", directory_of(inverter))
}
