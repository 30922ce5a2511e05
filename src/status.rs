//! Which timed overrides run: known to every process, through crashes and restarts.
//!
//! A [`Status`] says that force charge, force export or a pause runs on an inverter, since when, until when, and who
//! holds it. It ends with its operation and not after a fixed time: it lives until its `until` and [`GRACE`] more, and its
//! owner prolongs it by setting it again. That a backend cannot be asked is an error, never "not set".
//!
//! A status only tells. What an override will undo is in the journal (`overrides::journal`), which does not forget.

mod file;
mod flags;
mod follow;
mod redis;

pub use file::FileStatusManager;
pub use flags::{Flag, givtcp_flags};
pub use follow::{Following, Seen, follow};
pub use redis::RedisStatusManager;

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use futures::future::{BoxFuture, FutureExt};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::frame::Serial;

/// So long after its end a status still holds: what it tells of is being undone.
pub const GRACE: Duration = Duration::from_secs(120);

/// Texts of a status are cut to so many bytes.
const LONGEST_TEXT: usize = 200;

/// Which override.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum StatusName {
    /// The battery is charged from the grid at full power.
    #[serde(rename = "FCRunning")]
    ForceCharge,
    /// The battery is discharged into the grid at full power.
    #[serde(rename = "FERunning")]
    ForceExport,
    /// The battery does not charge.
    #[serde(rename = "TPCRunning")]
    PauseCharge,
    /// The battery does not discharge.
    #[serde(rename = "TPDRunning")]
    PauseDischarge,
}

/// That an override runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Which.
    pub name: StatusName,
    /// On which inverter.
    #[serde(with = "as_text")]
    pub inverter: Serial,
    /// When it began.
    pub since: Timestamp,
    /// When it is to end.
    pub until: Timestamp,
    /// Who runs it: a process and its machine, for people.
    pub holder: String,
    /// What else people should know of it.
    pub detail: String,
}

/// Why nothing is known of a status, or why it could not be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatusError {
    /// What keeps it could not be asked.
    #[error("status {name} of {inverter}: {why}")]
    Backend {
        /// Which.
        name: StatusName,
        /// Whose.
        inverter: Serial,
        /// What happened.
        why: String,
    },
    /// It is over, and its grace too.
    #[error("status {name} of {inverter} is over already, since it was to end at {until}")]
    Over {
        /// Which.
        name: StatusName,
        /// Whose.
        inverter: Serial,
        /// When.
        until: Timestamp,
    },
}

/// Keeps the statuses of all inverters, where every process that shares it finds them.
pub trait StatusManager: fmt::Debug + Send + Sync + 'static {
    /// Sets a status, or changes it: it holds until its end and [`GRACE`] more. It is kept, durably as far as the backend
    /// can, when this returns. Texts are cut to 200 bytes.
    ///
    /// # Errors
    /// [`StatusError::Over`] if that time has passed; [`StatusError::Backend`].
    fn set<'a>(&'a self, status: &'a Status) -> BoxFuture<'a, Result<(), StatusError>>;

    /// Clears a status; false if it was not set.
    ///
    /// # Errors
    /// [`StatusError::Backend`].
    fn clear(&self, inverter: Serial, name: StatusName) -> BoxFuture<'_, Result<bool, StatusError>>;

    /// The status, if it is set.
    ///
    /// # Errors
    /// [`StatusError::Backend`].
    fn get(&self, inverter: Serial, name: StatusName) -> BoxFuture<'_, Result<Option<Status>, StatusError>>;

    /// Something that is not the same after a status of this inverter was changed, where that can be had for less than
    /// the statuses; it says nothing of statuses that are over.
    ///
    /// # Errors
    /// [`StatusError::Backend`].
    fn stamp(&self, _inverter: Serial) -> BoxFuture<'_, Result<Option<Stamp>, StatusError>> {
        async { Ok(None) }.boxed()
    }

    /// Whether it is set.
    ///
    /// # Errors
    /// As [`StatusManager::get`].
    fn is_set(&self, inverter: Serial, name: StatusName) -> BoxFuture<'_, Result<bool, StatusError>> {
        self.get(inverter, name).map(|status| Ok(status?.is_some())).boxed()
    }

    /// All that are set on an inverter, in the order of [`StatusName::ALL`].
    ///
    /// # Errors
    /// As [`StatusManager::get`], if one of them cannot be told.
    fn list(&self, inverter: Serial) -> BoxFuture<'_, Result<Vec<Status>, StatusError>> {
        async move {
            let mut all = Vec::new();
            for name in StatusName::ALL {
                all.extend(self.get(inverter, name).await?);
            }
            Ok(all)
        }
        .boxed()
    }

    /// Clears all of an inverter, and says how many were set.
    ///
    /// # Errors
    /// As [`StatusManager::clear`]; the others are cleared all the same.
    fn clear_all(&self, inverter: Serial) -> BoxFuture<'_, Result<usize, StatusError>> {
        async move {
            let (mut cleared, mut failed) = (0, None);
            for name in StatusName::ALL {
                match self.clear(inverter, name).await {
                    Ok(was_set) => cleared += usize::from(was_set),
                    Err(error) => failed = Some(error),
                }
            }
            failed.map_or(Ok(cleared), Err)
        }
        .boxed()
    }
}

/// When an inverter's statuses were last changed, by the clock of what keeps them; nothing where none ever was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp(Option<SystemTime>);

// === impl StatusName ===

impl StatusName {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::ForceCharge, Self::ForceExport, Self::PauseCharge, Self::PauseDischarge];

    /// How it is called in files, in Redis and in events; GivTCP's flags are called alike.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ForceCharge => "FCRunning",
            Self::ForceExport => "FERunning",
            Self::PauseCharge => "TPCRunning",
            Self::PauseDischarge => "TPDRunning",
        }
    }

    /// What people call it.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::ForceCharge => "force charge",
            Self::ForceExport => "force export",
            Self::PauseCharge => "pause of charging",
            Self::PauseDischarge => "pause of discharging",
        }
    }
}

impl fmt::Display for StatusName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for StatusName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = Self::ALL.into_iter().find(|name| name.name() == text);
        named.ok_or_else(|| format!("not the name of a status: {text}"))
    }
}

// === impl Status ===

impl Status {
    /// How long it still holds, its grace included; zero when it is over.
    pub fn life(&self, now: Timestamp) -> Duration {
        let left = self.until.duration_since(now) + jiff::SignedDuration::try_from(GRACE).unwrap_or_default();
        left.try_into().unwrap_or(Duration::ZERO)
    }

    /// Whether it no longer holds.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.life(now).is_zero()
    }

    /// With texts that are not too long.
    fn shortened(&self) -> Self {
        let cut = |text: &str| {
            let end = (0..=LONGEST_TEXT.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
            text[..end.unwrap_or(0)].to_owned()
        };
        Self { holder: cut(&self.holder), detail: cut(&self.detail), ..self.clone() }
    }

    /// An error unless it still holds.
    fn check(&self, now: Timestamp) -> Result<(), StatusError> {
        let Self { name, inverter, until, .. } = *self;
        if self.is_over(now) { Err(StatusError::Over { name, inverter, until }) } else { Ok(()) }
    }
}

/// For what is text in JSON.
pub(crate) mod as_text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(value: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(crate) fn deserialize<'de, T: FromStr<Err = String>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests;
