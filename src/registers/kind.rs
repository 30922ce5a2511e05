use super::enums::{Bits, Codes};

/// How registers become a value.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Unsigned.
    U16,
    /// Two's complement.
    I16,
    /// Unsigned, two registers, the high one first.
    U32,
    /// Unsigned, two registers, the low one first.
    U32LowFirst,
    /// Two's complement, two registers, the high one first.
    I32,
    /// Two's complement, sign turned.
    I16Negated,
    /// High byte.
    High,
    /// Low byte.
    Low,
    /// Zero or not.
    Flag,
    /// High byte, zero or not.
    FlagHigh,
    /// Low byte, zero or not.
    FlagLow,
    /// Four hexadecimal digits.
    Hex4,
    /// Eight hexadecimal digits, two registers.
    Hex8,
    /// First hexadecimal digit.
    FirstDigit,
    /// ASCII, this many registers.
    Text(u8),
    /// Two registers, each decimal HHMM.
    Slot,
    /// Six registers.
    DateTime,
    /// DSP version here, ARM version there.
    Firmware {
        /// Register of the ARM version.
        arm: u16,
    },
    /// `raw / 10000 − 1`.
    PowerFactor,
    /// `raw / 100`, as text with two places.
    Version,
    /// A number with a name.
    Code(&'static Codes),
    /// Flags, one register.
    Bits16(&'static Bits),
    /// Flags, two registers, the high one first.
    Bits32(&'static Bits),
    /// A number with a name, in some bits of a register.
    CodePart {
        /// Its lowest bit, counted from the least significant.
        shift: u8,
        /// How many bits.
        width: u8,
        /// The names.
        codes: &'static Codes,
    },
    /// One hexadecimal digit, in some bits of a register.
    HexPart {
        /// Its lowest bit, counted from the least significant.
        shift: u8,
        /// How many bits, at most 4.
        width: u8,
    },
    /// An index, and the number that it stands for.
    Choice(&'static [(u16, u16)]),
    /// Four registers: four letters, then four digits of a byte each.
    Version8,
}

/// What a number is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "units name themselves")]
pub enum Unit {
    None,
    Volts,
    Amps,
    Watts,
    KiloWatts,
    WattHours,
    KiloWattHours,
    Hertz,
    Celsius,
    Percent,
    AmpHours,
    Seconds,
    Hours,
    Vars,
    VoltAmps,
}

impl Unit {
    /// As people write it.
    pub const fn symbol(self) -> Option<&'static str> {
        Some(match self {
            Self::None => return None,
            Self::Volts => "V",
            Self::Amps => "A",
            Self::Watts => "W",
            Self::KiloWatts => "kW",
            Self::WattHours => "Wh",
            Self::KiloWattHours => "kWh",
            Self::Hertz => "Hz",
            Self::Celsius => "°C",
            Self::Percent => "%",
            Self::AmpHours => "Ah",
            Self::Seconds => "s",
            Self::Hours => "h",
            Self::Vars => "var",
            Self::VoltAmps => "VA",
        })
    }
}
