//! Why connections end.

use std::time::Duration;

use crate::frame::Serial;
use crate::link::LinkError;
use crate::lock::LockError;

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
