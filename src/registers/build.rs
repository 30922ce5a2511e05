//! The words that the tables are written in: each makes a [`Field`] at an address.

use super::enums::{Bits, Codes};
use super::{Field, Kind};

/// Unsigned, one register.
pub(super) const fn u16(address: u16) -> Field {
    Field::new(address, Kind::U16)
}

/// Two's complement, one register.
pub(super) const fn i16(address: u16) -> Field {
    Field::new(address, Kind::I16)
}

/// Unsigned, two registers, the high one first.
pub(super) const fn u32(address: u16) -> Field {
    Field::new(address, Kind::U32)
}

/// Unsigned, two registers, the low one first.
pub(super) const fn u32_low_first(address: u16) -> Field {
    Field::new(address, Kind::U32LowFirst)
}

/// Two's complement, two registers, the high one first.
pub(super) const fn i32(address: u16) -> Field {
    Field::new(address, Kind::I32)
}

/// Two's complement, one register, with the other sign.
pub(super) const fn i16_negated(address: u16) -> Field {
    Field::new(address, Kind::I16Negated)
}

/// The high byte of a register.
pub(super) const fn high(address: u16) -> Field {
    Field::new(address, Kind::High)
}

/// The low byte of a register.
pub(super) const fn low(address: u16) -> Field {
    Field::new(address, Kind::Low)
}

/// Zero or not.
pub(super) const fn flag(address: u16) -> Field {
    Field::new(address, Kind::Flag)
}

/// The high byte, zero or not.
pub(super) const fn flag_high(address: u16) -> Field {
    Field::new(address, Kind::FlagHigh)
}

/// The low byte, zero or not.
pub(super) const fn flag_low(address: u16) -> Field {
    Field::new(address, Kind::FlagLow)
}

/// Shown as four hexadecimal digits.
pub(super) const fn hex4(address: u16) -> Field {
    Field::new(address, Kind::Hex4)
}

/// Two registers, shown as eight hexadecimal digits.
pub(super) const fn hex8(address: u16) -> Field {
    Field::new(address, Kind::Hex8)
}

/// The first hexadecimal digit: the coarse model.
pub(super) const fn first_digit(address: u16) -> Field {
    Field::new(address, Kind::FirstDigit)
}

/// ASCII, two characters a register.
pub(super) const fn text(address: u16, registers: u8) -> Field {
    Field::new(address, Kind::Text(registers))
}

/// Start and end of a time slot, each decimal HHMM.
pub(super) const fn slot(address: u16) -> Field {
    Field::new(address, Kind::Slot)
}

/// Year − 2000, month, day, hour, minute, second.
pub(super) const fn datetime(address: u16) -> Field {
    Field::new(address, Kind::DateTime)
}

/// `D0.<dsp>-A0.<arm>`.
pub(super) const fn firmware(dsp: u16, arm: u16) -> Field {
    Field::new(dsp, Kind::Firmware { arm })
}

/// A number with a name.
pub(super) const fn code(address: u16, codes: &'static Codes) -> Field {
    Field::new(address, Kind::Code(codes))
}

/// Sixteen flags with names.
pub(super) const fn bits16(address: u16, bits: &'static Bits) -> Field {
    Field::new(address, Kind::Bits16(bits))
}

/// Thirty-two flags with names, the high register first.
pub(super) const fn bits32(address: u16, bits: &'static Bits) -> Field {
    Field::new(address, Kind::Bits32(bits))
}

/// Some bits of a register, a number with a name: `shift` counts from the least significant.
pub(super) const fn code_part(address: u16, shift: u8, width: u8, codes: &'static Codes) -> Field {
    Field::new(address, Kind::CodePart { shift, width, codes })
}

/// Some bits of a register, shown as one hexadecimal digit.
pub(super) const fn hex_part(address: u16, shift: u8, width: u8) -> Field {
    Field::new(address, Kind::HexPart { shift, width })
}

/// One of a few numbers, chosen by its index.
pub(super) const fn choice(address: u16, choices: &'static [(u16, u16)]) -> Field {
    Field::new(address, Kind::Choice(choices))
}

/// Four letters and four digits, such as `GAAA0014`.
pub(super) const fn version8(address: u16) -> Field {
    Field::new(address, Kind::Version8)
}
