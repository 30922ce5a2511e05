//! What a record says: an override or another plan of several registers, what it found, what it writes, and how far it
//! got.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Time;
use serde::{Deserialize, Serialize};

use crate::frame::Serial;
use crate::link::Kind;
use crate::status::{StatusName, as_text};

/// A record has at most so many groups,
pub const MOST_GROUPS: usize = 32;
/// in all at most so many registers,
pub const MOST_REGISTERS: usize = 128;
/// and no text longer than this, bytes.
pub const LONGEST_TEXT: usize = 253;

/// Revisions of one holder; the next holder's begin at the next multiple, so that they are always higher.
const REVISIONS_A_HOLDER: u64 = 1_000_000;

/// What is to be begun: a record before it is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What it is.
    pub what: What,
    /// On which inverter.
    pub inverter: Serial,
    /// Where that is.
    pub reach: Reach,
    /// What is found and what is written, in the order of writing.
    pub groups: Vec<Group>,
    /// When it must end; a plan that does not end has none.
    pub end: Option<End>,
}

/// An override or another plan, and how far it and its undoing got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its name, unlike all others'.
    #[serde(with = "as_text")]
    pub id: RecordId,
    /// What it is.
    pub what: What,
    /// On which inverter.
    #[serde(with = "as_text")]
    pub inverter: Serial,
    /// Where that is, so that it can be undone when the settings no longer say so.
    pub reach: Reach,
    /// When it began.
    pub begun: Timestamp,
    /// When it must end.
    pub end: Option<End>,
    /// So long it had run, by clocks that nobody sets, when this was written; time without a process is not in it.
    pub ran_seconds: u64,
    /// How far it got.
    pub stage: Stage,
    /// When it was done.
    pub done_at: Option<Timestamp>,
    /// What was found and what is written.
    pub groups: Vec<Group>,
    /// One more with each step, and far more with each holder.
    pub revision: u64,
    /// The fence of the lease under which this was written.
    pub fence: u64,
    /// Whether it was to be in Redis too.
    pub shared: bool,
}

/// What a record is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// An override, which is always undone.
    Override(StatusName),
    /// Another plan of several registers, by its name; it is completed, or undone.
    Plan(String),
}

/// Where an inverter is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// What is spoken there.
    #[serde(with = "transport")]
    pub transport: Kind,
}

/// When an override must end: at whichever comes first, since clocks can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// By the wall clock.
    pub at: Timestamp,
    /// By clocks that nobody sets: after so long, seconds.
    pub after_seconds: u64,
    /// When its slot ends by the inverter's clock, if it has one: then it ends though nobody is there.
    pub slot: Option<Time>,
}

/// Registers that mean something together, such as the two ends of a slot; they are restored together or left together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// What people call it.
    pub name: String,
    /// In the order of writing.
    pub registers: Vec<Register>,
}

/// One register of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register {
    /// The device's address.
    pub device: u8,
    /// The holding register.
    pub address: u16,
    /// What it held.
    pub found: u16,
    /// What it is to hold.
    pub write: u16,
    /// What it was to hold before the override was prolonged, as long as it may still hold that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier: Option<u16>,
    /// How far it got.
    pub progress: Progress,
}

/// How far a record got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Not everything is written yet.
    Planned,
    /// Everything is written.
    Applied,
    /// It is being undone.
    Undoing,
    /// Nothing is left to do.
    Done,
}

/// How far a register got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// It was not written.
    Untouched,
    /// It may have been written.
    Writing,
    /// It holds what is written.
    Written,
    /// It may have been restored.
    Restoring,
    /// It holds what was found.
    Restored,
    /// It is somebody else's by now, and was left alone.
    Left,
}

/// A record's name, unlike all others': when it began, and chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId {
    /// Milliseconds of wall time since 1970.
    began: u64,
    chance: u32,
}

// === impl RecordId ===

impl RecordId {
    pub(in crate::overrides) fn new(now: Timestamp, chance: u32) -> Self {
        Self { began: u64::try_from(now.as_millisecond()).unwrap_or(0), chance }
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012x}-{:08x}", self.began, self.chance)
    }
}

impl FromStr for RecordId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (began, chance) = text.split_once('-')?;
            let is_hex = |part: &str| part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            let fits = began.len() == 12 && chance.len() == 8 && is_hex(began) && is_hex(chance);
            let (began, chance) = (u64::from_str_radix(began, 16), u32::from_str_radix(chance, 16));
            fits.then_some(Self { began: began.ok()?, chance: chance.ok()? })
        };
        parse().ok_or_else(|| format!("not the id of a record: {text}"))
    }
}

// === impl Plan ===

impl Plan {
    /// What is wrong with it, if anything is.
    pub(in crate::overrides) fn fault(&self) -> Option<String> {
        let registers: Vec<&Register> = self.groups.iter().flat_map(|group| &group.registers).collect();
        let mut places: Vec<_> = registers.iter().map(|register| (register.device, register.address)).collect();
        places.sort_unstable();
        let twice = places.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
        let name = match &self.what {
            What::Plan(name) => name.as_str(),
            What::Override(_) => "",
        };
        let texts = self.groups.iter().map(|group| group.name.as_str()).chain([self.reach.host.as_str(), name]);
        Some(match twice {
            Some((device, address)) => format!("HR {address} at {device:#04x} is in it twice"),
            None if !self.inverter.is_plausible() => format!("no inverter has this serial number: {}", self.inverter),
            None if registers.is_empty() => "it writes nothing".to_owned(),
            None if self.groups.len() > MOST_GROUPS => format!("more than {MOST_GROUPS} groups"),
            None if registers.len() > MOST_REGISTERS => format!("more than {MOST_REGISTERS} registers"),
            None if registers.iter().any(|register| register.progress != Progress::Untouched) => {
                "a register of it is written already".to_owned()
            }
            None if self.end.is_none() && matches!(self.what, What::Override(_)) => {
                "an override must have an end".to_owned()
            }
            None if texts.map(str::len).max() > Some(LONGEST_TEXT) => format!("a text is longer than {LONGEST_TEXT}"),
            None => return None,
        })
    }

    pub(in crate::overrides) fn into_record(self, id: RecordId, begun: Timestamp, fence: u64, shared: bool) -> Record {
        let Self { what, inverter, reach, groups, end } = self;
        Record {
            id,
            what,
            inverter,
            reach,
            begun,
            end,
            ran_seconds: 0,
            stage: Stage::Planned,
            done_at: None,
            groups,
            revision: 1,
            fence,
            shared,
        }
    }
}

impl Register {
    /// A register that holds `found` and is to hold `write`.
    pub fn new(device: u8, address: u16, found: u16, write: u16) -> Self {
        Self { device, address, found, write, earlier: None, progress: Progress::Untouched }
    }

    /// Whether we may have written it and have not settled it yet.
    pub fn is_open(&self) -> bool {
        matches!(self.progress, Progress::Writing | Progress::Written | Progress::Restoring)
    }

    /// Whether a value that it holds can come from us: what was found, what is written, or what was written before.
    pub fn is_ours(&self, value: u16) -> bool {
        value == self.write || value == self.found || self.earlier == Some(value)
    }
}

// === impl Record ===

impl Record {
    /// Whether something is left to do.
    pub fn is_open(&self) -> bool {
        self.stage != Stage::Done
    }

    /// Whether nothing of it was written, or all of that is settled.
    pub fn is_settled(&self) -> bool {
        !self.registers().any(Register::is_open)
    }

    /// Every register.
    pub fn registers(&self) -> impl Iterator<Item = &Register> {
        self.groups.iter().flat_map(|group| &group.registers)
    }

    /// How long it may still run, by whichever clock says less; `ran` is how long it has run by those that nobody sets.
    /// `None` for what does not end.
    pub fn remaining(&self, now: Timestamp, ran: Duration) -> Option<Duration> {
        let end = self.end?;
        let by_wall = Duration::try_from(end.at.duration_since(now)).unwrap_or(Duration::ZERO);
        Some(by_wall.min(Duration::from_secs(end.after_seconds).saturating_sub(ran)))
    }

    /// For whoever takes it up under a new lease.
    pub(super) fn taken_up(mut self, fence: u64) -> Self {
        self.revision = (self.revision / REVISIONS_A_HOLDER + 1).saturating_mul(REVISIONS_A_HOLDER);
        self.fence = fence;
        self
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Override(name) => f.write_str(name.meaning()),
            Self::Plan(name) => f.write_str(name),
        }
    }
}

/// Transports by their names in the settings.
mod transport {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::link::Kind;

    const NAMES: [(&str, Kind); 3] =
        [("dongle", Kind::Dongle), ("modbus-tcp", Kind::ModbusTcp), ("rtu-over-tcp", Kind::RtuOverTcp)];

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(super) fn serialize<S: Serializer>(kind: &Kind, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(NAMES.iter().find(|(_, named)| named == kind).map_or("", |(name, _)| name))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Kind, D::Error> {
        let text = String::deserialize(from)?;
        let named = NAMES.iter().find(|(name, _)| *name == text);
        named.map(|(_, kind)| *kind).ok_or_else(|| D::Error::custom(format!("not a transport: {text}")))
    }
}
