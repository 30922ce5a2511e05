//! What a running `givtcp` answers to programs of the same user on the same machine, by a Unix socket in its data
//! directory: a dongle serves few connections, so that whoever wants to read or command an inverter which a daemon holds
//! asks that daemon.
//!
//! One line of JSON goes in, one comes out, and the connection ends. Who may connect is decided by the file's mode (0600)
//! and its directory's (0700).

mod client;
mod server;

pub use client::{AskError, ask, ask_within};
pub use server::{Answering, serve};

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::control::Report;

/// No line is longer, bytes: all leaves and registers of the largest plant are some 200 KiB.
const LONGEST: u64 = 4 * 1024 * 1024;
/// How long one side waits for the other, the daemon's own work not counted.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    /// Whether it is there.
    Alive,
    /// The newest values of the inverter at one of these addresses.
    Read {
        /// Where its dongle is.
        at: Vec<SocketAddr>,
        /// With the registers.
        raw: bool,
    },
    /// A command for the inverter at one of these addresses.
    Order {
        /// Where its dongle is.
        at: Vec<SocketAddr>,
        /// What is wanted.
        wanted: Wanted,
    },
    /// What goes over the connection of the inverter at one of these addresses: from when it is asked first, as long as it
    /// is asked again within some seconds.
    Record {
        /// Where its dongle is.
        at: Vec<SocketAddr>,
    },
    /// Everything that helps to find out what is wrong, in an archive.
    Diagnose {
        /// So long the wire is recorded before, s; at most five minutes.
        record_seconds: u64,
    },
}

/// A command, as somebody typed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// One of the names of docs/control.md.
    pub command: String,
    /// Its payload: bare text, or a JSON object.
    pub payload: String,
    /// Whether it is only to be told what would be written.
    pub dry_run: bool,
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// It is there.
    Alive,
    /// The values, as the subcommand `read` prints them.
    Values {
        /// A tree of leaves.
        values: serde_json::Value,
    },
    /// What became of a command.
    Report {
        /// As every way in tells it.
        report: Report,
    },
    /// What went over the wire since the last time.
    Recorded {
        /// Lines, as docs/diagnosis.md tells of them.
        lines: String,
    },
    /// The archive.
    Archive {
        /// Its bytes, in base 64.
        content: String,
    },
    /// This daemon does not hold that inverter.
    NotHeld {
        /// Who does, as far as it knows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// It holds it, and has read nothing of it yet.
    NothingRead,
    /// The question is none.
    Fault {
        /// What is wrong with it.
        why: String,
    },
}

/// Where the daemon of a data directory listens.
pub fn socket(data_dir: &Path) -> PathBuf {
    data_dir.join("givtcp.sock")
}

#[cfg(test)]
mod tests;
