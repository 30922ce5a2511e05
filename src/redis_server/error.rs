use std::time::Duration;

use redis::{ErrorKind, RedisError};

/// How Redis begins to say within a script what it calls NOPERM elsewhere.
const NOT_PERMITTED_IN_SCRIPT: &str = "The user executing the script can't";

/// Why Redis did not do what was asked. `place` is its address without user and password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedisServerError {
    /// The address is none.
    #[error(
        "redis.url must be redis://, rediss:// or unix:// with host, port and database, as redis://user:password@host:6379/0: {0}"
    )]
    Address(String),
    /// TLS cannot be set up.
    #[error(
        "this machine has no certificate authorities to trust redis.url with, install ca-certificates or set redis.ca_file: {0}"
    )]
    Tls(String),
    /// There is no connection, or there is none any more.
    #[error("redis at {place} cannot be reached, check that it runs and that redis.url is right: {why}")]
    Unreachable {
        /// Where it is.
        place: String,
        /// What happened.
        why: String,
    },
    /// It did not answer in time. What was asked may have been done, or may yet be.
    #[error("redis at {place} did not answer within {}s, check its load and the network{}", after.as_secs_f64(), tls_hint(.place))]
    TimedOut {
        /// Where it is.
        place: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// It does not know the user or the password.
    #[error("redis at {place} refused the user or the password, set them in redis.url: {why}")]
    Refused {
        /// Where it is.
        place: String,
        /// What it says.
        why: String,
    },
    /// The user may not do this.
    #[error(
        "redis at {place} does not permit this to the user of redis.url, grant it `~givtcp:* &givtcp:* +@all -@admin -@dangerous` with ACL SETUSER: {why}"
    )]
    NotPermitted {
        /// Where it is.
        place: String,
        /// What it says.
        why: String,
    },
    /// It only copies another.
    #[error("redis at {place} is a read-only replica, set redis.url to the primary")]
    ReadOnly {
        /// Where it is.
        place: String,
    },
    /// It takes nothing more.
    #[error("redis at {place} is out of memory, raise its maxmemory or delete what is not needed")]
    OutOfMemory {
        /// Where it is.
        place: String,
    },
    /// It reads its data, or runs a script for long.
    #[error("redis at {place} is busy, wait until it has loaded its data: {why}")]
    Busy {
        /// Where it is.
        place: String,
        /// What it says.
        why: String,
    },
    /// It does not know a script's hash; [`super::RedisServer::eval`] sends the text then.
    #[error("redis at {place} does not know the script")]
    NoScript {
        /// Where it is.
        place: String,
    },
    /// A key of ours holds what is none of ours.
    #[error(
        "redis at {place}: the key {key} holds what givtcp did not write, of another type; if no other program uses it, remove it: redis-cli DEL '{key}'"
    )]
    WrongType {
        /// Where it is.
        place: String,
        /// Which key; empty where that is not known yet.
        key: String,
    },
    /// Anything else.
    #[error("redis at {place} failed: {why}")]
    Failed {
        /// Where it is.
        place: String,
        /// What it says.
        why: String,
    },
}

/// A server that speaks no TLS says nothing to who begins with it.
fn tls_hint(place: &str) -> &'static str {
    if place.starts_with("rediss:") { ", and that it speaks TLS on this port: without, it is redis://" } else { "" }
}

impl RedisServerError {
    /// Whether what was asked may have been done although this is the answer.
    pub fn is_doubtful(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::TimedOut { .. })
    }

    /// Whether the connection is of no use any more.
    pub(super) fn ends_connection(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::TimedOut { .. } | Self::Refused { .. })
    }

    /// Names the key that is of the wrong type, if that is what is wrong.
    #[must_use]
    pub fn about(self, key: &str) -> Self {
        match self {
            Self::WrongType { place, .. } => Self::WrongType { place, key: key.to_owned() },
            error => error,
        }
    }

    pub(super) fn unreachable(place: &str, why: impl ToString) -> Self {
        Self::Unreachable { place: place.to_owned(), why: why.to_string() }
    }

    pub(super) fn of(place: &str, error: &RedisError) -> Self {
        let (place, why) = (place.to_owned(), error.to_string());
        if error.kind() == ErrorKind::AuthenticationFailed {
            // The crate keeps the server's own words to itself, as a rule.
            let said = error.detail().unwrap_or_default();
            let why = "wrong user or password".to_owned();
            return if said.contains("LOADING") {
                Self::Busy { place, why: said.to_owned() }
            } else {
                Self::Refused { place, why }
            };
        }
        if matches!(error.kind(), ErrorKind::Io | ErrorKind::Parse | ErrorKind::Client) {
            return Self::Unreachable { place, why };
        }
        let code = error.code().unwrap_or_default();
        let why = error.detail().map_or_else(|| why.clone(), ToOwned::to_owned);
        // Within a script, older servers put the code into the text.
        let says = |wanted: &str| code == wanted || (code == "ERR" && why.contains(wanted));
        match () {
            () if says("NOSCRIPT") => Self::NoScript { place },
            () if says("NOAUTH") || says("WRONGPASS") => Self::Refused { place, why },
            () if says("NOPERM") || why.starts_with(NOT_PERMITTED_IN_SCRIPT) => Self::NotPermitted { place, why },
            () if says("READONLY") => Self::ReadOnly { place },
            () if says("OOM") => Self::OutOfMemory { place },
            () if says("WRONGTYPE") => Self::WrongType { place, key: String::new() },
            () if says("LOADING") || says("BUSY") || says("MASTERDOWN") => Self::Busy { place, why },
            () => Self::Failed { place, why: format!("{code} {why}").trim().to_owned() },
        }
    }
}
