//! What a broker keeps of an inverter that nobody publishes any more: found and emptied, over a connection of its own.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout, timeout_at};

use super::SessionSettings;
use super::connection::{Arrived, Connection, Event, Identity};
use super::projection::Due;
use crate::frame::Serial;

/// The broker has told what it keeps when it was silent for so long.
const SILENCE: Duration = Duration::from_secs(1);
/// It is listened to no longer than this.
const GATHERING: Duration = Duration::from_secs(15);
/// It takes what empties topics within this.
const EMPTYING: Duration = Duration::from_secs(30);
/// The goodbye may take so long.
const GOODBYE: Duration = Duration::from_millis(800);
/// So many topics are emptied at once.
const MOST: usize = 16 * 1024;
/// What stands at an inverter's availability while somebody publishes it.
const ONLINE: &[u8] = b"online";

/// What became of the topics of an inverter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleared {
    /// So many were emptied; with none there were none.
    Emptied(usize),
    /// Somebody publishes that inverter: nothing was touched.
    InUse,
}

/// Empties what the broker keeps of an inverter's values, and those of the topics which `filters` name that are told of it,
/// by `is_told` from topic and payload. Nothing else is touched, and nothing at all while somebody publishes that inverter.
///
/// # Errors
/// The broker is away, refuses, or breaks off; in words that follow "the broker". What was emptied by then is.
pub async fn clear(
    settings: &SessionSettings,
    inverter: Serial,
    filters: &[String],
    is_told: impl Fn(&str, &[u8]) -> bool,
) -> Result<Cleared, String> {
    let mut settings = SessionSettings { will_delay: Duration::ZERO, ..settings.clone() };
    // Nobody pings meanwhile.
    settings.keep_alive = (SILENCE + GATHERING + EMPTYING) * 2;
    if let Some(known_by) = settings.known_by.clone() {
        settings.use_access(known_by.access().await?);
    }
    // Not the name that its session has, or had: two of one name put each other out.
    let identity = Identity { client_id: format!("givtcp-gone-{inverter}"), status_topic: Bytes::new() };
    let below = format!("{}/{inverter}/", settings.root);
    let asked: Vec<String> = std::iter::once(format!("{below}#")).chain(filters.iter().cloned()).collect();
    let mut connection = Connection::open(&settings, &identity).await.map_err(|error| error.to_string())?;
    connection.ask_for_kept(&asked);
    let found = gather(&mut connection, &below, is_told).await?;
    connection.leave_kept(&asked);
    let cleared = match found {
        Some(topics) => {
            let emptied = Cleared::Emptied(topics.len());
            timeout(EMPTYING, empty(&mut connection, topics)).await.map_err(|_| "does not take it in time")??;
            emptied
        }
        None => Cleared::InUse,
    };
    connection.leave(GOODBYE).await;
    Ok(cleared)
}

/// The topics to empty; none if somebody publishes that inverter.
async fn gather(
    connection: &mut Connection,
    below: &str,
    is_told: impl Fn(&str, &[u8]) -> bool,
) -> Result<Option<BTreeSet<String>>, String> {
    let status = format!("{below}Stats/status");
    let mut topics = BTreeSet::new();
    let end = Instant::now() + GATHERING;
    while let Ok(event) = timeout_at(end.min(Instant::now() + SILENCE), connection.exchange()).await {
        let arrived = match event.map_err(|error| error.to_string())? {
            Event::RefusedAudience(why) => {
                return Err(format!("refused a subscription, check its access rules: {why}"));
            }
            Event::Arrived(arrived) => arrived,
            _ => continue,
        };
        let Arrived { topic, payload, retain, .. } = arrived;
        let Ok(topic) = std::str::from_utf8(&topic) else { continue };
        let is_value = topic.starts_with(below);
        if is_value && (!retain || topic == status && *payload == *ONLINE) {
            return Ok(None);
        }
        if retain && topics.len() < MOST && (is_value || is_told(topic, &payload)) {
            topics.insert(topic.to_owned());
        }
    }
    Ok(Some(topics))
}

async fn empty(connection: &mut Connection, topics: BTreeSet<String>) -> Result<(), String> {
    let mut refused = None;
    let mut topics = topics.into_iter().peekable();
    while topics.peek().is_some() || !connection.is_quiet() {
        while connection.has_room_for_notice()
            && let Some(topic) = topics.next()
        {
            connection.publish_notice(&Due { topic: &Bytes::from(topic), payload: None, retain: true });
        }
        if let Event::RefusedPublish(why) = connection.exchange().await.map_err(|error| error.to_string())? {
            refused = Some(format!("refused a publish, check its access rules: {why}"));
        }
    }
    refused.map_or(Ok(()), Err)
}
