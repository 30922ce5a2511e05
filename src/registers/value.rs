use std::borrow::Cow;

use jiff::civil::{DateTime, Time};

/// What a field says.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A whole number.
    Int(i64),
    /// A number with a scale.
    Float(f64),
    /// Zero or not; the register's own number is kept, since some hold more than 0 and 1.
    Flag(u16),
    /// Text.
    Text(Cow<'static, str>),
    /// A number that has a name, and its name if it is known.
    Code(u16, Option<&'static str>),
    /// A time slot.
    Slot(Slot),
    /// A clock in the inverter's zone.
    DateTime(DateTime),
    /// The names of the bits that are set.
    Bits(Vec<&'static str>),
}

/// A daily window, start to end, by the inverter's clock; it may cross midnight, and 00:00 to 00:00 means cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// When it begins.
    pub start: Time,
    /// When it ends.
    pub end: Time,
}

impl Slot {
    /// From two registers, each decimal HHMM. `None` where either is no time: 60 stands for "not set" on some
    /// firmware, and other nonsense has been seen.
    pub fn from_registers(start: u16, end: u16) -> Option<Self> {
        Some(Self { start: time(start)?, end: time(end)? })
    }
}

fn time(hhmm: u16) -> Option<Time> {
    Time::new(i8::try_from(hhmm / 100).ok()?, i8::try_from(hhmm % 100).ok()?, 0, 0).ok()
}
