//! Where it is kept which overrides run, and what an earlier process, or GivTCP, left behind.

use std::path::Path;
use std::sync::Arc;

use secrecy::ExposeSecret;

use crate::clock::Clock;
use crate::overrides::journal::Journal;
use crate::redis_server::RedisServer;
use crate::settings::{LockBackend, Settings};
use crate::status::{FileStatusManager, RedisStatusManager, StatusManager, givtcp_flags};
use crate::store::Store;

/// The Redis that the settings name, if they name one that can be one.
pub(super) fn redis(settings: &Settings) -> Option<RedisServer> {
    if settings.redis.url.expose_secret().is_empty() {
        return None;
    }
    RedisServer::new(&settings.redis.url, None).map_err(|error| tracing::error!("{error}")).ok()
}

/// Statuses in Redis where locks are; else in the data directory, or nowhere if there is none, which was said.
pub(super) fn open(
    settings: &Settings,
    redis: Option<&RedisServer>,
    store: Option<&Store>,
    clock: &Arc<dyn Clock>,
) -> Option<Arc<dyn StatusManager>> {
    let clock = Arc::clone(clock);
    match (settings.locks.backend, redis) {
        (LockBackend::Auto | LockBackend::Redis, Some(redis)) => {
            Some(Arc::new(RedisStatusManager::new(redis.clone(), clock)))
        }
        _ => Some(Arc::new(FileStatusManager::new(store?.clone(), clock))),
    }
}

/// The journal, in Redis too if the settings name one, whatever keeps the locks.
pub(super) fn journal(settings: &Settings, redis: Option<&RedisServer>, clock: &Arc<dyn Clock>) -> Journal {
    let journal = Journal::new(&settings.data_dir, Arc::clone(clock));
    match redis {
        Some(redis) => journal.with_redis(redis.clone()),
        None => journal,
    }
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
