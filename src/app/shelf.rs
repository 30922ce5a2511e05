//! The newest values of each inverter in Redis, so that a process that stands by can answer for the one that polls.

use std::sync::Arc;
use std::time::Duration;

use futures::future::FutureExt;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Snapshots;
use crate::catalogue::{Layout, as_json};
use crate::clock::{Clock, SystemClock};
use crate::fleet::Standing;
use crate::http::{Elsewhere, Left};
use crate::inverter::Hold;
use crate::redis_server::RedisServer;

/// Before the serial of each inverter.
const PREFIX: &str = "givtcp:snapshot:";
/// No value is kept longer without a new one.
const LIFE: Duration = Duration::from_secs(3600);

/// What is kept of an inverter.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    /// The lease of the link by which it was read.
    link: String,
    /// When, in wall time.
    at: Timestamp,
    /// Its leaves, registers included.
    values: Value,
}

/// Puts each new snapshot there until `shutdown`. A Redis that is away or slow gets the next one.
pub(super) async fn keep(
    redis: RedisServer,
    hold: watch::Receiver<Hold>,
    mut snapshots: Snapshots,
    shutdown: CancellationToken,
) {
    let mut layout = Layout::new(true);
    let following = async {
        while snapshots.changed().await.is_ok() {
            let newest = snapshots.borrow_and_update().clone();
            let (Some(snapshot), Some(link)) = (newest, held(&hold)) else { continue };
            let Some(at) = snapshot.stats.last_updated else { continue };
            let kept = Kept { link: link.to_string(), at, values: as_json(&layout.tree(&snapshot)) };
            let Ok(text) = serde_json::to_string(&kept) else { continue };
            // That it is away is said by the room of Redis.
            _ = redis.set(&format!("{PREFIX}{}", snapshot.identity.serial), &text, Some(LIFE)).await;
        }
    };
    shutdown.run_until_cancelled(following).await;
}

/// The link that this process holds: what it read by one that it lost is no news.
fn held(hold: &watch::Receiver<Hold>) -> Option<Arc<str>> {
    let hold = hold.borrow();
    (hold.standing == Standing::Holding).then(|| hold.resource.clone()).flatten()
}

/// The newest values of the inverter behind one of these links, unless they are older than `most`.
pub(super) async fn find(redis: &RedisServer, links: &[String], most: Duration) -> Option<Left> {
    let mut newest: Option<Left> = None;
    for key in redis.scan(PREFIX).await.ok()? {
        let Ok(Some(text)) = redis.get(&key).await else { continue };
        let Ok(Kept { link, at, values }) = serde_json::from_str::<Kept>(&text) else { continue };
        let age = SystemClock.now().duration_since(at).unsigned_abs();
        let is_newer = newest.as_ref().is_none_or(|newest| newest.at < at);
        if links.contains(&link) && age <= most && is_newer && values.is_object() {
            let serial = key.strip_prefix(PREFIX).unwrap_or_default().to_owned();
            newest = Some(Left { serial, at, age: age.as_secs(), values });
        }
    }
    newest
}

/// What others left of an inverter while this process waits for its link.
pub(super) fn elsewhere(redis: RedisServer, hold: watch::Receiver<Hold>, most: Duration) -> Elsewhere {
    Arc::new(move || {
        let (redis, waits_for) = (redis.clone(), waited_for(&hold));
        async move { find(&redis, &[waits_for?.to_string()], most).await }.boxed()
    })
}

fn waited_for(hold: &watch::Receiver<Hold>) -> Option<Arc<str>> {
    let hold = hold.borrow();
    (hold.standing == Standing::Waiting).then(|| hold.resource.clone()).flatten()
}
