//! The processes that share inverters by one Redis: each says that it lives, and counts those that do.

use std::time::Duration;

use crc::{CRC_32_ISO_HDLC, Crc};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, SystemClock};
use crate::redis_server::{RedisServer, RedisServerError, Script};
use crate::settings::Settings;
use crate::store::Store;

/// What is kept of the others across a restart.
const KEPT: &str = "company.json";
/// Who saw others within this time does not believe to be alone while Redis cannot be asked.
const REMEMBERED: Duration = Duration::from_secs(7 * 24 * 3600);

/// How many of the keys are of processes that live: what has no life is none of ours.
const LIVING: &str = "local living = 0
for _, key in ipairs(KEYS) do
  if redis.call('PTTL', key) > 0 then living = living + 1 end
end
return living";

/// When others were seen last.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Seen {
    at: Timestamp,
}

/// This process among those that share its inverters.
#[derive(Debug)]
pub(super) struct Company {
    redis: RedisServer,
    /// The key of this process, below that of the group.
    key: String,
    group: String,
    living: Script,
    life: Duration,
    store: Option<Store>,
    members: watch::Sender<usize>,
    /// Whether Redis has answered, shows no other, and none was seen for long.
    alone: watch::Sender<bool>,
    seen: Option<Timestamp>,
}

impl Company {
    /// Of all processes that have the same inverters and this Redis; whoever says nothing for the life of a lease is
    /// dead.
    pub(super) fn new(
        redis: RedisServer,
        settings: &Settings,
        store: Option<Store>,
        members: watch::Sender<usize>,
        alone: watch::Sender<bool>,
    ) -> Self {
        let group = format!("givtcp:member:{}:", name_of_group(settings));
        let key = format!("{group}{:016x}", fastrand::u64(..));
        Self {
            redis,
            key,
            group,
            living: Script::new(LIVING),
            life: settings.locks.life,
            store,
            members,
            alone,
            seen: None,
        }
    }

    /// Counts, and does `sharing` from then on, until `shutdown`.
    pub(super) async fn keep(mut self, sharing: impl Future<Output = ()>, shutdown: CancellationToken) {
        if shutdown.run_until_cancelled(self.join()).await.is_some() {
            tokio::join!(self.go_on(shutdown), sharing);
        }
    }

    /// Says that this process lives, and counts, for the first time. A Redis that is away leaves what was known when
    /// the program ran last.
    async fn join(&mut self) {
        self.seen = self.load().await;
        if self.round().await.is_err() {
            self.count(if self.saw_others_within(REMEMBERED) { 2 } else { 1 });
        }
    }

    /// Goes on saying and counting until `shutdown`, and then takes its leave.
    async fn go_on(mut self, shutdown: CancellationToken) {
        while shutdown.run_until_cancelled(sleep(self.life / 3)).await.is_some() {
            // What was known stays true while it cannot be asked; the outage was said.
            _ = self.round().await;
        }
        _ = self.redis.delete(&self.key).await;
    }

    async fn round(&mut self) -> Result<(), RedisServerError> {
        self.redis.set(&self.key, &std::process::id().to_string(), Some(self.life)).await?;
        let keys = self.redis.scan(&self.group).await?;
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let living = self.redis.eval(&self.living, &keys, &[]).await?.as_number();
        let members = living.and_then(|living| usize::try_from(living).ok()).unwrap_or_default().max(1);
        self.count(members);
        if members > 1 {
            self.remember().await;
        }
        self.alone.send_replace(members == 1 && !self.saw_others_within(REMEMBERED));
        Ok(())
    }

    fn saw_others_within(&self, time: Duration) -> bool {
        self.seen.is_some_and(|at| SystemClock.now().duration_since(at).unsigned_abs() < time)
    }

    fn count(&self, members: usize) {
        self.members.send_if_modified(|known| {
            let changed = *known != members;
            if changed && members > 1 {
                tracing::info!("{members} processes share these inverters");
            }
            *known = members;
            changed
        });
    }

    async fn load(&self) -> Option<Timestamp> {
        let store = self.store.clone()?;
        let loading = tokio::task::spawn_blocking(move || store.load::<Seen>(KEPT));
        // Without it nobody was seen.
        loading.await.ok()?.ok()?.map(|seen| seen.at)
    }

    /// Once an hour: cards wear out.
    async fn remember(&mut self) {
        let now = SystemClock.now();
        if self.saw_others_within(Duration::from_secs(3600)) {
            return;
        }
        self.seen = Some(now);
        if let Some(store) = self.store.clone() {
            let saving = tokio::task::spawn_blocking(move || store.save(KEPT, &Seen { at: now }));
            if let Ok(Err(error)) = saving.await {
                tracing::debug!("{error}");
            }
        }
    }
}

/// The same for all processes with the same inverters, whatever their order.
fn name_of_group(settings: &Settings) -> String {
    let mut addresses: Vec<String> =
        settings.inverters.iter().map(|each| format!("{}:{}", each.host.to_lowercase(), each.port)).collect();
    addresses.sort();
    format!("{:08x}", Crc::<u32>::new(&CRC_32_ISO_HDLC).checksum(addresses.join(",").as_bytes()))
}
