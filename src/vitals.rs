//! How an inverter is kept: what health, readiness and metrics are told from. Counters of others, and what they say of
//! themselves at this moment; looking changes nothing and waits for no inverter.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::clock::Clock;
use crate::fleet::Standing;
use crate::inverter::{Doing, Hold, Phase};
use crate::link::Counters;
use crate::lock::{Counted, Holder, LockManager};
use crate::mqtt::MqttCounters;
use crate::plant::Snapshot;
use crate::status::StatusManager;

/// What keeps locks and statuses may take so long to be asked.
pub const PATIENCE: Duration = Duration::from_secs(1);
/// What was read counts as new for so many periods, and for a minute at least.
const NEW_FOR: u32 = 4;
/// The same, at least.
const MINUTE: Duration = Duration::from_secs(60);

/// What is known of how one inverter is kept. Clones are of the same inverter.
#[derive(Clone)]
pub struct Vitals {
    /// What the settings call it: its name, or its host.
    pub name: String,
    /// Host and port of the settings.
    pub address: String,
    /// What is spoken there.
    pub transport: String,
    /// How often it is polled.
    pub every: Duration,
    /// How many registers commands may write a day.
    pub daily_writes: u32,
    /// Its connections.
    pub link: Arc<Counters>,
    /// What is done about its connection.
    pub phase: watch::Receiver<Phase>,
    /// Whether this process has it.
    pub hold: watch::Receiver<Hold>,
    /// Its locks.
    pub locks: Arc<Counted>,
    /// Which timed overrides run; `None`: nobody knows.
    pub statuses: Option<Arc<dyn StatusManager>>,
    /// How many processes share it, this one included.
    pub members: watch::Receiver<usize>,
    /// What was read of it.
    pub snapshots: watch::Receiver<Option<Arc<Snapshot>>>,
    /// The session that publishes it; `None`: it is not published.
    pub mqtt: Option<Arc<MqttCounters>>,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
}

/// Whether an inverter is kept as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// This process polls it.
    Polled,
    /// Another process has it, and this one would take it over.
    Standby,
    /// Neither: a word for programs, and why, for people.
    Not(&'static str, &'static str),
}

impl Readiness {
    /// Whether it is as it should be.
    pub const fn is_ready(self) -> bool {
        !matches!(self, Self::Not(..))
    }
}

impl Vitals {
    /// What was read last, unless it is too old to be called present, or the inverter does not answer.
    pub fn fresh(&self) -> Option<Arc<Snapshot>> {
        let snapshot = self.snapshots.borrow().clone()?;
        let age = self.clock.now().duration_since(snapshot.stats.last_updated?);
        let longest = SignedDuration::try_from((self.every * NEW_FOR).max(MINUTE)).unwrap_or(SignedDuration::MAX);
        (snapshot.stats.online && age <= longest).then_some(snapshot)
    }

    /// Whether this process has it, and it does not answer.
    pub fn is_missed(&self) -> bool {
        self.hold.borrow().standing == Standing::Holding && self.fresh().is_none()
    }

    /// Whether it is polled, by this process or by another for which this one stands by.
    pub async fn readiness(&self) -> Readiness {
        let Hold { standing, resource } = self.hold.borrow().clone();
        if standing == Standing::Holding {
            return match (self.fresh(), self.snapshots.borrow().is_some()) {
                (Some(_), _) => Readiness::Polled,
                (None, true) => Readiness::Not("silent", "it does not answer any more"),
                (None, false) => Readiness::Not("unread", "nothing was read of it yet"),
            };
        }
        let is_shared = *self.members.borrow() > 1;
        let Some(resource) = resource else {
            return if is_shared { Readiness::Standby } else { Readiness::Not("unread", "nothing was read of it yet") };
        };
        match timeout(PATIENCE, self.locks.holder(&resource)).await {
            Ok(Ok(Some(holder))) if !holder.is_this_process() => Readiness::Standby,
            Ok(Ok(_)) => Readiness::Not("untaken", "nobody polls it; it is taken as soon as it can be reached"),
            _ => Readiness::Not("no_lock", "what keeps its lock cannot be asked"),
        }
    }

    /// `connected`, `connecting`, `resting` or `standby`, and since when where that is known.
    pub fn link_state(&self) -> (&'static str, Option<Timestamp>) {
        let phase = *self.phase.borrow();
        let standing = self.hold.borrow().standing;
        let is_shared = *self.members.borrow() > 1;
        let doing = match (standing, phase.doing) {
            (Standing::Waiting, _) => return ("standby", None),
            (Standing::Idle, _) if is_shared => return ("standby", None),
            (_, Doing::Connected) => "connected",
            (_, Doing::Connecting) => "connecting",
            (_, Doing::Resting) => "resting",
        };
        (doing, Some(self.wall(phase.since)))
    }

    /// Who has these locks; those that cannot be asked for in time are left out.
    pub async fn holders(&self, resources: Vec<String>) -> Vec<(String, Option<Holder>)> {
        let asking = resources.into_iter().map(|resource| async move {
            let holder = timeout(PATIENCE, self.locks.holder(&resource)).await.ok()?.ok()?;
            Some((resource, holder))
        });
        futures::future::join_all(asking).await.into_iter().flatten().collect()
    }

    /// The wall time of a moment that is past.
    pub fn wall(&self, at: Instant) -> Timestamp {
        let ago = SignedDuration::try_from(at.elapsed()).unwrap_or(SignedDuration::ZERO);
        self.clock.now().checked_sub(ago).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

impl fmt::Debug for Vitals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vitals").field("name", &self.name).field("address", &self.address).finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests;
