//! What became of an order.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Allowed, Amount, Plan, Refusal, Step};

/// How a note begins that tells what an undoing left to somebody else: whoever reads one line only reads it too.
pub(crate) const LEFT: &str = "left";

/// What became of an order, for whoever gave it. As JSON, `outcome` is a word that stays what it is:
/// `{"asked": "reserve 20 %", "outcome": "applied", "registers": [{"register": 110, "what": "reserve", "before": 4,
/// "after": 20}], …}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What was asked for, in words.
    pub asked: String,
    /// How it went.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The registers that were written, in their order, and what they hold now.
    pub registers: Vec<Touched>,
    /// What was asked for and what there is, where rounding or a limit comes between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
    /// Whether all that was written before a failure holds again what it held; nothing where nothing had to be put back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub put_back: Option<bool>,
    /// What whoever asked should know besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Cow<'static, str>>,
    /// What would be written, of a dry run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plan: Vec<Planned>,
    /// What the order bore, to be known by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// How an order went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It is done: what was written was read back.
    Applied,
    /// It was so already; nothing was written.
    Unchanged,
    /// It is done as far as the inverter can.
    Clamped {
        /// What there is in place of what was asked for, in the unit of the amount.
        achieved: i64,
    },
    /// The inverter did not take it.
    Rejected {
        /// Which register.
        register: u16,
        /// What that is.
        what: Cow<'static, str>,
        /// What it should hold.
        wanted: u16,
        /// What it holds, as far as that could be read.
        holds: Option<u16>,
        /// How it was seen.
        why: String,
    },
    /// It was not begun: nothing was written.
    Refused {
        /// A word for programs, as in docs/control.md.
        code: Cow<'static, str>,
        /// The same for people.
        why: String,
    },
    /// The inverter could not be reached, or not to the end.
    Unreachable {
        /// What stood in the way.
        why: String,
    },
    /// A dry run: nothing was written.
    Planned,
}

/// A register that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touched {
    /// Which holding register.
    pub register: u16,
    /// What it is.
    pub what: Cow<'static, str>,
    /// What it held.
    pub before: Option<u16>,
    /// What it holds now, as far as it could be read.
    pub after: Option<u16>,
}

/// A write of a dry run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// Which holding register.
    pub register: u16,
    /// What it would hold.
    pub value: u16,
    /// What that does.
    pub meaning: Cow<'static, str>,
}

// === impl Report ===

impl Report {
    /// Of an order of which nothing came.
    pub fn new(asked: impl Into<String>, outcome: Outcome) -> Self {
        Self {
            asked: asked.into(),
            outcome,
            registers: Vec::new(),
            amount: None,
            put_back: None,
            notes: Vec::new(),
            plan: Vec::new(),
            id: None,
        }
    }

    /// Of a dry run.
    pub(crate) fn planned(plan: &Plan) -> Self {
        let planned = |step: &Step| Planned {
            register: step.write.register(),
            value: step.write.value(),
            meaning: step.meaning.into(),
        };
        Self { plan: plan.steps().iter().map(planned).collect(), ..Self::of(plan, Outcome::Planned) }
    }

    /// Of a plan that came to this.
    pub(crate) fn of(plan: &Plan, outcome: Outcome) -> Self {
        Self {
            amount: plan.amount,
            notes: plan.notes.iter().map(|&note| note.into()).collect(),
            ..Self::new(plan.asked.clone(), outcome)
        }
    }
}

/// `reserve 20 %: applied`, for the log.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.asked, self.outcome)?;
        for (place, Touched { register, before, after, .. }) in self.registers.iter().enumerate() {
            write!(f, "{} HR {register} {} to {}", if place == 0 { ";" } else { "," }, shown(*before), shown(*after))?;
        }
        for left in self.notes.iter().filter(|note| note.starts_with(LEFT)) {
            write!(f, "; {left}")?;
        }
        match self.put_back {
            Some(true) => f.write_str("; what was written before was put back"),
            Some(false) => f.write_str("; what was written before is not put back yet"),
            None => Ok(()),
        }
    }
}

fn shown(value: Option<u16>) -> String {
    value.map_or_else(|| "?".to_owned(), |value| value.to_string())
}

// === impl Outcome ===

impl Outcome {
    /// A refusal by one of the codes that are not the planner's.
    pub fn refused(code: &'static str, why: impl Into<String>) -> Self {
        Self::Refused { code: code.into(), why: why.into() }
    }

    /// The inverter could not be reached.
    pub fn unreachable(why: impl Into<String>) -> Self {
        Self::Unreachable { why: why.into() }
    }

    /// The word that it has as JSON.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::Clamped { .. } => "clamped",
            Self::Rejected { .. } => "rejected",
            Self::Refused { .. } => "refused",
            Self::Unreachable { .. } => "unreachable",
            Self::Planned => "planned",
        }
    }

    /// Whether what was asked for is so now, as far as this inverter can.
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Applied | Self::Unchanged | Self::Clamped { .. })
    }
}

impl From<&Refusal> for Outcome {
    fn from(refusal: &Refusal) -> Self {
        Self::refused(refusal.code(), refusal.to_string())
    }
}

/// `rejected, HR 110 (reserve) holds 4: the write had no effect`.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        match self {
            Self::Applied | Self::Unchanged | Self::Planned => Ok(()),
            Self::Clamped { achieved } => write!(f, " ({achieved})"),
            Self::Rejected { register, what, holds, why, .. } => {
                write!(f, ", HR {register} ({what}) holds {}: {why}", shown(*holds))
            }
            Self::Refused { code, why } => write!(f, " ({code}): {why}"),
            Self::Unreachable { why } => write!(f, ": {why}"),
        }
    }
}

// === impl Touched ===

impl Touched {
    /// By its address, whatever it holds.
    pub fn new(register: u16, before: Option<u16>, after: Option<u16>) -> Self {
        let what = Allowed::of(register).map_or("", |allowed| allowed.what);
        Self { register, what: what.into(), before, after }
    }
}
