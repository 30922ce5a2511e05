use super::allowed::Range;
use crate::frame::Serial;

/// Why an inverter will not have a command. Nothing was written, and nothing must be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// What it is is not known, so that nothing is known of its registers either.
    #[error("unknown model, which is only read: {0}")]
    UnknownModel(String),
    /// Its model is known, and no unit of it has shown which registers are its settings.
    #[error("only read until it is known where its settings stand: {0}")]
    Unproven(String),
    /// This model has nothing that could do it.
    #[error("{what} is not supported by this model ({model}): {why}")]
    NotSupported {
        /// What was asked for.
        what: String,
        /// Which model.
        model: String,
        /// What would be needed.
        why: &'static str,
    },
    /// A value that the register does not take.
    #[error("{what} (HR {register}) is out of range: must be {range}: {value}")]
    OutOfRange {
        /// What the register is.
        what: &'static str,
        /// Which holding register.
        register: u16,
        /// What it takes.
        range: Range,
        /// What was to be written.
        value: u16,
    },
    /// A register that nobody may write here.
    #[error("HR {0} is read-only")]
    ReadOnly(u16),
    /// A register that this inverter does not have, or that means something else on it.
    #[error("HR {register} ({what}) cannot be written on {model}")]
    NotOnModel {
        /// What the register is elsewhere.
        what: &'static str,
        /// Which holding register.
        register: u16,
        /// Which model.
        model: String,
    },
    /// A register that is written by the one command that says so, and by nothing else.
    #[error("HR {register} ({what}) is written by its own command only")]
    OwnCommand {
        /// What the register is.
        what: &'static str,
        /// Which holding register.
        register: u16,
    },
    /// It must be meant.
    #[error("must be confirmed with the inverter's serial number, as in {{\"confirm\": \"{serial}\"}}: {what}")]
    NotConfirmed {
        /// What was asked for.
        what: String,
        /// The inverter's serial number.
        serial: Serial,
    },
    /// What the registers hold decides on what is written, and they were not read.
    #[error("must be read first: HR {}", list(.0))]
    Unread(Vec<u16>),
    /// Something of the inverter is not known that the value is reckoned from.
    #[error("cannot be reckoned while it is not known: {0}")]
    NotKnown(&'static str),
    /// The clock is not set while a day begins.
    #[error("the clock is not set within three minutes of midnight, when the day's counters begin anew: {0}")]
    AroundMidnight(String),
    /// The inverter belongs to a plant controller, which would undo it.
    #[error("the inverter is led by a plant controller, which has these settings: {0}")]
    Led(Serial),
    /// A slot that begins when it ends, of which nobody knows whether it lasts no time or all day.
    #[error("a slot must not end when it begins, unless both are 00:00 to clear it: {0}")]
    EmptySlot(String),
    /// It is no matter of registers.
    #[error("no matter of the inverter's registers; this belongs to {0}")]
    Elsewhere(&'static str),
}

// === impl Refusal ===

impl Refusal {
    /// A word for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownModel(_) => "unknown_model",
            Self::Unproven(_) => "unproven_model",
            Self::NotSupported { .. } | Self::NotOnModel { .. } => "not_supported",
            Self::OutOfRange { .. } => "out_of_range",
            Self::ReadOnly(_) => "read_only",
            Self::OwnCommand { .. } => "own_command",
            Self::NotConfirmed { .. } => "not_confirmed",
            Self::Unread(_) => "unread",
            Self::NotKnown(_) => "not_known",
            Self::AroundMidnight(_) => "around_midnight",
            Self::Led(_) => "led",
            Self::EmptySlot(_) => "empty_slot",
            Self::Elsewhere(_) => "elsewhere",
        }
    }

    /// Whether this model cannot do it at all, whatever value is asked for and whatever is read meanwhile: such a
    /// control is not offered.
    pub const fn is_for_good(&self) -> bool {
        matches!(
            self,
            Self::UnknownModel(_)
                | Self::Unproven(_)
                | Self::NotSupported { .. }
                | Self::NotOnModel { .. }
                | Self::ReadOnly(_)
                | Self::Led(_)
                | Self::Elsewhere(_)
        )
    }
}

fn list(registers: &[u16]) -> String {
    registers.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}
