//! What an override writes on this inverter, and what it will put back: pure.
//!
//! Registers come in groups that mean something together. Within a plan they come in an order in which no state between
//! is harmful: what makes an override begin is written last, and the end of a slot before its beginning, so that whatever
//! has begun also ends. Undoing goes the other way round.

mod charge;
mod export;
mod pause;
mod sheet;
mod window;

use jiff::civil::Time;
use jiff::{SignedDuration, Timestamp};

use self::sheet::Sheet;
pub(super) use self::window::Window;
use super::end::SPARE;
use super::journal::{End, Group, Plan, Reach, What};
use crate::control::{Context, Override, OverrideKind, Refusal};
use crate::frame::Serial;
use crate::status::StatusName;

/// What the settings say of overrides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Where a force export stops, %, instead of at the owner's reserve (`control.export_floor`).
    pub export_floor: Option<u8>,
}

/// How an override is carried out on one inverter, made from what its registers held when they were read right before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// Which.
    pub kind: OverrideKind,
    /// On which inverter.
    pub inverter: Serial,
    /// For how long.
    pub minutes: u16,
    /// What is found and what is written, in the order of writing. A register that holds already what is to be written
    /// is in it too, and need not be written.
    pub groups: Vec<Group>,
    /// When it ends by the inverter's clock, if the inverter is told.
    pub slot: Option<Time>,
    /// The holding registers that it was made from, which must have been read right before.
    pub reads: Vec<u16>,
    /// What whoever asked should know besides.
    pub notes: Vec<&'static str>,
}

/// Why an override cannot be. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// As for any command; [`Refusal::Unread`] names what must be read first.
    #[error(transparent)]
    Command(#[from] Refusal),
    /// It would last no time, or as long as a day, in which its slot begins again.
    #[error("an override lasts 1 to {most} minutes: {0}", most = Override::MOST_MINUTES)]
    Duration(u16),
    /// Nothing may be discharged.
    #[error("nothing may be discharged: HR {register} is {holds} %; lower it, or set control.export_floor")]
    NothingToGive {
        /// The reserve, or the target of a plant controller's export slot.
        register: u16,
        /// What it holds, %.
        holds: u16,
    },
}

/// What this override writes on this inverter.
///
/// # Errors
/// [`Refused`]. With [`Refusal::Unread`] it is to be asked for again once those registers were read.
pub fn recipe(kind: OverrideKind, minutes: u16, context: &Context, options: Options) -> Result<Recipe, Refused> {
    if !(1..=Override::MOST_MINUTES).contains(&minutes) {
        return Err(Refused::Duration(minutes));
    }
    if let Some(leader) = context.led_by {
        return Err(Refusal::Led(leader).into());
    }
    let mut sheet = Sheet::new(context, kind.name())?;
    let outcome = match kind {
        OverrideKind::ForceCharge => charge::force(&mut sheet, minutes),
        OverrideKind::ForceExport => export::force(&mut sheet, minutes, options),
        OverrideKind::PauseCharge => pause::pause(&mut sheet, minutes, pause::CHARGE),
        OverrideKind::PauseDischarge => pause::pause(&mut sheet, minutes, pause::DISCHARGE),
    };
    // Whatever else was found wrong may have been reckoned from registers that nobody has read.
    let is_for_good = matches!(&outcome, Err(Refused::Command(refusal)) if refusal.is_for_good());
    if !is_for_good {
        sheet.all_read()?;
    }
    let slot = outcome?;
    let (groups, reads, notes) = sheet.finish();
    Ok(Recipe { kind, inverter: context.serial, minutes, groups, slot, reads, notes })
}

/// The holding registers that must be read afresh before this override is begun: what it writes, and what decides on how.
/// What is read may ask for more.
///
/// # Errors
/// As [`recipe`], but for [`Refusal::Unread`].
pub fn reads(kind: OverrideKind, minutes: u16, context: &Context, options: Options) -> Result<Vec<u16>, Refused> {
    match recipe(kind, minutes, context, options) {
        Ok(recipe) => Ok(recipe.reads),
        Err(Refused::Command(Refusal::Unread(registers))) => Ok(registers),
        Err(refused) => Err(refused),
    }
}

impl Recipe {
    /// The plan for the journal; its time begins now.
    pub fn plan(&self, reach: Reach, now: Timestamp) -> Plan {
        Plan {
            what: What::Override(self.kind.into()),
            inverter: self.inverter,
            reach,
            groups: self.groups.clone(),
            end: Some(end(now, 0, self.minutes, self.slot)),
        }
    }
}

/// The end of what has run for so many seconds and is to go on for so many minutes.
pub(super) fn end(now: Timestamp, ran: u64, minutes: u16, slot: Option<Time>) -> End {
    let seconds = u64::from(minutes) * 60;
    let at = now.checked_add(SignedDuration::from_mins(minutes.into())).unwrap_or(Timestamp::MAX);
    End { at, after_seconds: ran.saturating_add(seconds).saturating_add(SPARE.as_secs()), slot }
}

// === impl Refused ===

impl Refused {
    /// A word for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Command(refusal) => refusal.code(),
            Self::Duration(_) => "out_of_range",
            Self::NothingToGive { .. } => "nothing_to_give",
        }
    }
}

impl From<OverrideKind> for StatusName {
    fn from(kind: OverrideKind) -> Self {
        match kind {
            OverrideKind::ForceCharge => Self::ForceCharge,
            OverrideKind::ForceExport => Self::ForceExport,
            OverrideKind::PauseCharge => Self::PauseCharge,
            OverrideKind::PauseDischarge => Self::PauseDischarge,
        }
    }
}

impl From<StatusName> for OverrideKind {
    fn from(name: StatusName) -> Self {
        match name {
            StatusName::ForceCharge => Self::ForceCharge,
            StatusName::ForceExport => Self::ForceExport,
            StatusName::PauseCharge => Self::PauseCharge,
            StatusName::PauseDischarge => Self::PauseDischarge,
        }
    }
}
