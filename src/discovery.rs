//! Finding inverters in the local network: which addresses are asked, in what order, and what to make of who answers.
//!
//! Every address is knocked at, many at once; whoever opens is read one block of, through `link` and under the lease of
//! its link, before anything is claimed of it. An address whose lease somebody holds is not touched.
//!
//! What is pure stands here and in `subnets`; `scan` and `networks` ask the world.

mod networks;
mod scan;
mod subnets;

#[cfg(test)]
mod tests;

pub use networks::{Machines, networks};
pub use scan::{Search, search};
pub use subnets::{BadSubnet, Plan, Subnet};

use std::fmt;
use std::net::SocketAddr;

use crate::frame::Serial;
use crate::link::{Block, LinkError};
use crate::plant::{Identity, Model};

/// Somebody who answers where an inverter could be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where.
    pub at: SocketAddr,
    /// What it is.
    pub verdict: Verdict,
}

/// What somebody is who answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// An inverter: it told its identity.
    Inverter {
        /// Serial number.
        serial: Serial,
        /// Model.
        model: Model,
    },
    /// Another program, or another part of this one, has it; it was not asked.
    Taken {
        /// Who, in words.
        by: String,
    },
    /// Something else.
    NoInverter(Otherwise),
}

/// How that shows which is no inverter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Otherwise {
    /// It sent what is none of a dongle's frames: a camera, a web server.
    Strange,
    /// It opens and says nothing, as a dongle does whose inverter is off.
    Mute,
    /// It opens and closes, as a dongle does that has all its connections.
    Closes,
    /// It speaks as a dongle, and tells no identity that an inverter could have.
    Nameless,
}

/// What to make of the answer to the one block that tells an inverter's identity. `spoke` is whether bytes came that are
/// none of a dongle's frames.
pub fn verdict(answer: Result<&Block, &LinkError>, spoke: bool) -> Verdict {
    Verdict::NoInverter(match answer {
        Ok(block) => match Identity::of_block(&block.values) {
            Some(Identity { serial, model, .. }) => return Verdict::Inverter { serial, model },
            None => Otherwise::Nameless,
        },
        Err(_) if spoke => Otherwise::Strange,
        Err(LinkError::Lost(_)) => Otherwise::Closes,
        Err(LinkError::Refused { .. }) => Otherwise::Nameless,
        Err(_) => Otherwise::Mute,
    })
}

/// Who it is that answers, for a line of its own.
impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.at.port();
        match &self.verdict {
            Verdict::Inverter { serial, model } => write!(f, "{}  {serial}  {}", self.at, model.name()),
            Verdict::Taken { by } => write!(f, "{}  not asked: {by} has what is there", self.at),
            Verdict::NoInverter(how) => write!(f, "{} answers on {port}, but not as an inverter: {how}", self.at.ip()),
        }
    }
}

impl fmt::Display for Otherwise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Strange => "it sent what is none of a dongle's frames",
            Self::Mute => "it says nothing; if it is a dongle, is its inverter on?",
            Self::Closes => "it closes the connection; if it is a dongle, what else is connected to it?",
            Self::Nameless => "it tells no serial number",
        })
    }
}

/// What came of a search in which no inverter was found, in one line: where was searched, who answered, and `advice`.
pub fn nothing_found(plan: &Plan, port: u16, found: &[Found], advice: &str) -> String {
    let searched = match plan.searched() {
        searched if searched.is_empty() => {
            "no inverter found: this machine is in no network that could be searched".to_owned()
        }
        searched => format!("no inverter found in {searched} (port {port})"),
    };
    let strangers: Vec<String> = found.iter().map(ToString::to_string).collect();
    let strangers = if strangers.is_empty() { format!("nobody answers on {port}") } else { strangers.join("; ") };
    let left_out: Vec<String> = plan.left_out.iter().map(|whole| format!("; of {whole} only a part")).collect();
    let left_out = left_out.concat();
    format!("{searched}{left_out}; {strangers}; {advice}")
}
