//! Where it is kept which overrides run, and what an earlier process, or GivTCP, left behind.

use std::path::Path;
use std::sync::Arc;

use secrecy::ExposeSecret;

use super::locks;
use crate::clock::Clock;
use crate::mqtt::tls_trusting;
use crate::overrides::journal::Journal;
use crate::redis_server::RedisServer;
use crate::settings::{LockBackend, RedisSettings, Settings};
use crate::status::{FileStatusManager, RedisStatusManager, StatusManager, givtcp_flags};
use crate::store::Store;

/// The Redis that the settings name, if they name one that can be one; what is wrong with it is said.
pub(super) fn redis(settings: &Settings) -> Option<RedisServer> {
    redis_of(settings).map_err(|error| tracing::error!("{error:#}")).ok().flatten()
}

/// The Redis that the settings name, if they name one.
///
/// # Errors
/// It can be none, or the file of its authorities cannot be read.
pub(super) fn redis_of(settings: &Settings) -> anyhow::Result<Option<RedisServer>> {
    let RedisSettings { url, ca_file } = &settings.redis;
    if url.expose_secret().is_empty() {
        return Ok(None);
    }
    let trusted = ca_file.as_deref().map(|file| tls_trusting("redis.ca_file", file)).transpose()?;
    Ok(Some(RedisServer::new(url, trusted)?))
}

/// The manager of each inverter in the order of the settings: statuses lie in Redis where its locks do; else in the data
/// directory, or nowhere if there is none, which was said.
pub(super) fn choose(
    settings: &Settings,
    redis: Option<&RedisServer>,
    store: Option<&Store>,
    clock: &Arc<dyn Clock>,
) -> Vec<Option<Arc<dyn StatusManager>>> {
    let in_redis = redis
        .map(|redis| -> Arc<dyn StatusManager> { Arc::new(RedisStatusManager::new(redis.clone(), Arc::clone(clock))) });
    let in_files = store
        .map(|store| -> Arc<dyn StatusManager> { Arc::new(FileStatusManager::new(store.clone(), Arc::clone(clock))) });
    let of = |backend| match backend {
        LockBackend::Redis => in_redis.clone().or_else(|| in_files.clone()),
        _ => in_files.clone(),
    };
    locks::effective(settings).map(of).collect()
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
