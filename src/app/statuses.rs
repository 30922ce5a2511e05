//! Where it is kept which overrides run, and what an earlier process, or GivTCP, left behind.

use std::path::Path;
use std::sync::Arc;

use crate::clock::Clock;
use crate::overrides::journal::Journal;
use crate::status::{FileStatusManager, StatusManager, givtcp_flags};
use crate::store::Store;

/// Statuses in the data directory; `None` where there is none, which was said.
pub(super) fn open(store: Option<&Store>, clock: &Arc<dyn Clock>) -> Option<Arc<dyn StatusManager>> {
    let store = store?.clone();
    Some(Arc::new(FileStatusManager::new(store, Arc::clone(clock))))
}

/// Says what was begun and not undone: what the journal has, and GivTCP's flags.
pub(super) async fn report(journal: Journal, data_dir: &Path) {
    for record in journal.open_records().await.records {
        tracing::warn!(
            "{} of inverter {} at {}:{} was begun at {} and is not undone yet: record {}",
            record.what,
            record.inverter,
            record.reach.host,
            record.reach.port,
            record.begun,
            record.id
        );
    }
    let directory = data_dir.to_owned();
    let flags = tokio::task::spawn_blocking(move || givtcp_flags(&directory)).await.unwrap_or_default();
    for flag in flags {
        tracing::warn!("{flag}");
    }
}
