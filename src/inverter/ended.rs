//! Why connections end.

use std::time::Duration;

use super::Task;
use crate::frame::Serial;
use crate::link::LinkError;
use crate::lock::LockError;

/// The most different failures that are told of one outage.
const MOST_SAID: usize = 16;

/// Why a connection was ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    #[error("asked to stop")]
    Shutdown,
    #[error("{}", without_peer(.0))]
    Link(#[from] LinkError),
    #[error("what answers is no GivEnergy inverter: {0}")]
    NoInverter(String),
    #[error("what answers is no GivEnergy dongle: it sent what is none of its frames; check host and port")]
    NoDongle,
    #[error("closed the connection without an answer: check host and port, and what else is connected to the dongle")]
    Closed,
    #[error("connected, but no inverter answers: check that the inverter is on, and host and port")]
    NoAnswer,
    #[error("another inverter answers on this connection: {0}")]
    OtherInverter(Serial),
    #[error("inverter {seen} answers, and not {wanted}, which inverters[].serial names")]
    NotThisOne { seen: Serial, wanted: Serial },
    /// On the standard transports a request without a reply ends the connection; by itself that is no fault.
    #[error("a request was not answered, so that the connection could not be trusted any more")]
    Unanswered,
    #[error("{0} blocks in a row were not answered")]
    Silent(u32),
    #[error("nothing was answered for {:.0}s", .0.as_secs_f64())]
    Mute(Duration),
    #[error("could not lock the connection: {0}")]
    Lock(#[from] LockError),
    #[error("left to other processes of the group")]
    Unwanted,
}

impl Ended {
    /// Whether what keeps the locks could not be asked.
    pub(super) fn is_of_lock_backend(&self) -> bool {
        matches!(self, Self::Lock(LockError::Backend { .. }))
    }
}

/// The line begins with the peer already.
fn without_peer(error: &LinkError) -> String {
    match error {
        LinkError::Connect { why, .. } => format!("cannot connect: {why}"),
        error => error.to_string(),
    }
}

impl Task {
    /// A failure is said once until the inverter has answered again, also where several take turns.
    pub(super) fn say(&mut self, ended: &Ended, rest: Duration) {
        let (name, peer) = (&self.inverter.name, self.inverter.connector.peer());
        let text = ended.to_string();
        // That one block is not there is no failure.
        let expected = matches!(ended, Ended::Unanswered);
        if expected || self.said.contains(&text) || self.said.len() >= MOST_SAID {
            tracing::debug!(inverter.name = %name, "{peer}: {text}; trying again in {:.1}s", rest.as_secs_f64());
        } else {
            tracing::warn!(inverter.name = %name, "{peer}: {text}; trying again in {:.1}s, and on", rest.as_secs_f64());
            self.said.push(text);
            self.was_away |= !matches!(ended, Ended::Lock(_));
        }
    }
}
