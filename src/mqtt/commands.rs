//! Commands that are published for an inverter, and what is told of them. What they mean is no matter of this room.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::SessionSettings;
use super::connection::{Arrived, Connection};
use super::projection::Due;
use crate::catalogue::Payload;
use crate::frame::Serial;

/// How long the answer to a subscription is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// So many results wait for the network; more are not told.
const MOST: usize = 1024;
/// No name of a command is longer, bytes.
const LONGEST: usize = 64;

/// Who takes the commands of one inverter. Clones are the same.
#[derive(Clone)]
pub struct Listening {
    /// Subscribed while this is true.
    pub wanted: watch::Receiver<bool>,
    /// Takes each command. It must not wait.
    pub take: Arc<dyn Fn(Arrival) + Send + Sync>,
}

/// A command as it was published.
#[derive(Debug)]
pub struct Arrival {
    /// The inverter whose topic it is.
    pub serial: Serial,
    /// The topic's last level, as it was written; 1 to 64 bytes.
    pub name: String,
    /// What came with it.
    pub payload: Bytes,
    /// Whether it was published to be kept.
    pub retained: bool,
    /// When it is over, if it says so.
    pub expires: Option<Instant>,
    /// Where its result goes.
    pub answers: Answers,
}

/// Publishes results, not retained. Clones are the same.
#[derive(Clone, Debug)]
pub struct Answers(mpsc::Sender<Answer>);

/// A result on its way.
#[derive(Debug)]
struct Answer {
    /// The last level of its topic.
    topic: Bytes,
    json: Payload,
}

/// How far a subscription is on this connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Off,
    /// Asked for; the answer is due then.
    Asked(Instant),
    On,
    Refused,
}

/// The commands of one session.
#[derive(Debug)]
pub(super) struct Ears {
    listening: Option<Listening>,
    serial: Serial,
    /// What all topics of commands begin with.
    prefix: String,
    results: String,
    answers: Answers,
    told: mpsc::Receiver<Answer>,
    next: Option<Answer>,
    stage: Stage,
    /// Whether an earlier connection may have left its subscription.
    is_left_over: bool,
    has_said: bool,
}

// === impl Listening ===

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listening").field("wanted", &*self.wanted.borrow()).finish_non_exhaustive()
    }
}

// === impl Arrival ===

impl Arrival {
    /// Publishes what became of it.
    pub fn answer(&self, json: String) {
        self.answers.tell(self.serial, &self.name, json);
    }
}

// === impl Answers ===

impl Answers {
    /// Publishes what became of a command of this name, as JSON.
    pub fn tell(&self, serial: Serial, name: &str, json: String) {
        let answer = Answer { topic: Bytes::from(name.to_owned()), json: json.into() };
        if self.0.try_send(answer).is_err() {
            tracing::debug!(inverter.serial = %serial, "the result of {name} is not told: too many wait, or the session is over");
        }
    }
}

#[cfg(test)]
impl Answers {
    /// Answers that go to a test, as the name of the command and its JSON.
    pub(crate) fn to_test() -> (Self, impl FnMut() -> Option<(String, String)>) {
        let (sender, mut told) = mpsc::channel(MOST);
        let next = move || {
            let Answer { topic, json } = told.try_recv().ok()?;
            Some((String::from_utf8_lossy(&topic).into_owned(), json.to_string()))
        };
        (Self(sender), next)
    }
}

// === impl Ears ===

impl Ears {
    pub(super) fn new(settings: &SessionSettings, serial: Serial) -> Self {
        let (answers, told) = mpsc::channel(MOST);
        Self {
            listening: settings.commands.clone(),
            serial,
            prefix: format!("{}/control/{serial}/", settings.root),
            results: format!("{}/result/{serial}/", settings.root),
            answers: Answers(answers),
            told,
            next: None,
            stage: Stage::Off,
            is_left_over: false,
            has_said: false,
        }
    }

    /// A connection begins. What an earlier one subscribed to may still be delivered, and is not listened to: it was
    /// published before this connection was.
    pub(super) fn connected(&mut self, is_resumed: bool) {
        (self.stage, self.is_left_over, self.has_said) = (Stage::Off, is_resumed, false);
    }

    /// Subscribes, or takes that back, as it is wanted now.
    pub(super) fn adjust(&mut self, connection: &mut Connection) {
        let is_wanted = self.listening.as_mut().is_some_and(|listening| *listening.wanted.borrow_and_update());
        let filter = || format!("{}#", self.prefix);
        match (is_wanted, self.stage) {
            (true, Stage::Off) => {
                connection.subscribe(&filter());
                self.stage = Stage::Asked(Instant::now() + PATIENCE);
            }
            (false, stage) if stage != Stage::Off || self.is_left_over => {
                connection.unsubscribe(&filter());
                (self.stage, self.is_left_over) = (Stage::Off, false);
            }
            _ => {}
        }
    }

    /// When the answer to a subscription is due at the latest.
    pub(super) fn deadline(&self) -> Option<Instant> {
        if let Stage::Asked(by) = self.stage { Some(by) } else { None }
    }

    pub(super) fn subscribed(&mut self) {
        if matches!(self.stage, Stage::Asked(_)) {
            self.stage = Stage::On;
            tracing::debug!(inverter.serial = %self.serial, "commands are taken from {}", self.prefix);
        }
    }

    pub(super) fn refused(&mut self) {
        if matches!(self.stage, Stage::Asked(_)) {
            self.stage = Stage::Refused;
        }
    }

    /// Completes when there is something to do for it. May be dropped at any await.
    pub(super) async fn news(&mut self) {
        let Self { listening, told, next, .. } = self;
        tokio::select! {
            Some(answer) = told.recv(), if next.is_none() => *next = Some(answer),
            Ok(()) = changed(listening) => {}
            else => std::future::pending().await,
        }
    }

    /// Hands a command on.
    pub(super) fn arrived(&mut self, arrived: Arrived) {
        let Some(listening) = &self.listening else { return };
        let topic = std::str::from_utf8(&arrived.topic).ok();
        let Some(rest) = topic.and_then(|topic| topic.strip_prefix(&self.prefix)) else { return };
        let name = rest.rsplit('/').next().unwrap_or_default();
        if self.stage != Stage::On {
            if !std::mem::replace(&mut self.has_said, true) {
                tracing::warn!(inverter.serial = %self.serial, "commands from before this connection are ignored: {name:?}");
            }
            return;
        }
        if name.is_empty() || name.len() > LONGEST {
            tracing::warn!(inverter.serial = %self.serial, "a command's name has 1 to {LONGEST} bytes; one is ignored");
            return;
        }
        (listening.take)(Arrival {
            serial: self.serial,
            name: name.to_owned(),
            payload: arrived.payload,
            retained: arrived.retain,
            expires: arrived.expiry.map(|left| Instant::now() + left),
            answers: self.answers.clone(),
        });
    }

    /// The next result to publish, if any; it counts as sent once `publish` took it.
    pub(super) fn publish_next(&mut self, publish: impl FnOnce(&Due<'_>) -> bool) -> Option<bool> {
        let Answer { topic, json } = self.next.take().or_else(|| self.told.try_recv().ok())?;
        let topic = Bytes::from([self.results.as_bytes(), &topic].concat());
        Some(publish(&Due { topic: &topic, payload: Some(&json), retain: false }))
    }
}

async fn changed(listening: &mut Option<Listening>) -> Result<(), watch::error::RecvError> {
    match listening {
        Some(listening) => listening.wanted.changed().await,
        None => std::future::pending().await,
    }
}
