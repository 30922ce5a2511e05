//! Those who read the notices of a session: when they have begun anew, and what was told them by an earlier run, or by
//! another program, and is still kept.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::connection::{Arrived, Connection};
use crate::frame::Serial;

/// For so long what the broker kept is taken after it was asked for.
const GATHERING: Duration = Duration::from_secs(3);
/// Who has begun anew is told after a time between these: several inverters, and other programs, hear of it at once.
const SOONEST: Duration = Duration::from_millis(500);
const LATEST: Duration = Duration::from_millis(2500);
/// So long after the notices come the values, which were not heard before somebody was told of them.
const VALUES_AFTER: Duration = Duration::from_secs(3);
/// What they say who have begun.
const BIRTH: &[u8] = b"online";

/// Takes what the broker kept: whose session it is, topic, payload. It must not wait.
pub type Found = Arc<dyn Fn(Serial, &str, &[u8]) + Send + Sync>;

/// Who reads the notices. Clones are the same.
#[derive(Clone)]
pub struct Audience {
    /// Where they say `online` when they have begun anew.
    pub birth_topic: String,
    /// Where earlier notices may stand.
    pub kept: Vec<String>,
    /// Takes what stands there, once a session.
    pub found: Found,
}

/// What is due to an audience on one connection.
#[derive(Debug)]
pub(super) struct Hearing {
    audience: Option<Audience>,
    serial: Serial,
    chance: fastrand::Rng,
    has_gathered: bool,
    gathering_until: Option<Instant>,
    notices_at: Option<Instant>,
    values_at: Option<Instant>,
}

/// What is to be told again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    Notices,
    Values,
}

// === impl Audience ===

impl fmt::Debug for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { birth_topic, kept, .. } = self;
        f.debug_struct("Audience").field("birth_topic", birth_topic).field("kept", kept).finish_non_exhaustive()
    }
}

// === impl Hearing ===

impl Hearing {
    pub(super) fn new(audience: Option<Audience>, serial: Serial, seed: u64) -> Self {
        Self {
            audience,
            serial,
            chance: fastrand::Rng::with_seed(seed),
            has_gathered: false,
            gathering_until: None,
            notices_at: None,
            values_at: None,
        }
    }

    /// A connection begins: everything is told anyway, and once more where nobody keeps the values.
    pub(super) fn connected(&mut self, connection: &mut Connection, retains: bool) {
        (self.gathering_until, self.notices_at, self.values_at) = (None, None, None);
        let Some(audience) = &self.audience else { return };
        connection.subscribe_to_audience(&audience.birth_topic);
        if !retains {
            self.values_at = Some(Instant::now() + VALUES_AFTER);
        }
        if !std::mem::replace(&mut self.has_gathered, true) && !audience.kept.is_empty() {
            connection.ask_for_kept(&audience.kept);
            self.gathering_until = Some(Instant::now() + GATHERING);
        }
    }

    /// Notices were changed; their values follow where nobody keeps them.
    pub(super) fn told(&mut self, retains: bool) {
        if self.audience.is_some() && !retains {
            self.values_at.get_or_insert(Instant::now() + VALUES_AFTER);
        }
    }

    /// Whether it is the audience's; nothing else is done with it then.
    pub(super) fn takes(&mut self, arrived: &Arrived) -> bool {
        let Some(audience) = &self.audience else { return false };
        if arrived.topic == audience.birth_topic.as_bytes() {
            if arrived.payload == BIRTH && self.notices_at.is_none() {
                let most = LATEST.saturating_sub(SOONEST).as_millis() as u64;
                let wait = SOONEST + Duration::from_millis(self.chance.u64(..=most));
                self.notices_at = Some(Instant::now() + wait);
            }
            return true;
        }
        let Ok(topic) = std::str::from_utf8(&arrived.topic) else { return false };
        let is_kept = audience.kept.iter().any(|filter| matches(filter, topic));
        if is_kept && self.gathering_until.is_some() {
            (audience.found)(self.serial, topic, &arrived.payload);
        }
        is_kept
    }

    /// When the next thing is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        [self.gathering_until, self.notices_at, self.values_at].into_iter().flatten().min()
    }

    /// What is due now.
    pub(super) fn tick(&mut self, connection: &mut Connection) -> Option<Again> {
        let now = Instant::now();
        if self.gathering_until.take_if(|until| *until <= now).is_some()
            && let Some(audience) = &self.audience
        {
            connection.leave_kept(&audience.kept);
        }
        if self.notices_at.take_if(|at| *at <= now).is_some() {
            self.values_at = Some(now + VALUES_AFTER);
            return Some(Again::Notices);
        }
        self.values_at.take_if(|at| *at <= now).map(|_| Again::Values)
    }
}

/// Whether a topic is one of a filter's, which has no `#`.
fn matches(filter: &str, topic: &str) -> bool {
    let (mut filter, mut topic) = (filter.split('/'), topic.split('/'));
    loop {
        match (filter.next(), topic.next()) {
            (None, None) => return true,
            (Some("+"), Some(_)) => {}
            (Some(wanted), Some(level)) if wanted == level => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plus_stands_for_one_level() {
        let filter = "homeassistant/+/GivEnergy/+/config";
        assert!(matches(filter, "homeassistant/sensor/GivEnergy/SA2114G047_SOC/config"));
        assert!(!matches(filter, "homeassistant/sensor/GivEnergy/SA2114G047_SOC"));
        assert!(!matches(filter, "homeassistant/sensor/other/SA2114G047_SOC/config"));
        assert!(!matches(filter, "homeassistant/sensor/GivEnergy/a/b/config"));
    }
}
