use std::borrow::Cow;

use jiff::civil::DateTime;

use super::{Kind, Slot, Unit, Value, View};
use crate::frame::{Bank, Serial};

/// One field: where it stands and what it means.
#[derive(Debug)]
pub struct Field {
    /// Its name, as `givenergy-modbus` and the decoded captures call it.
    pub name: &'static str,
    /// Which bank.
    pub bank: Bank,
    /// Its first register.
    pub address: u16,
    /// How its registers are read.
    pub kind: Kind,
    /// Decimal places: the number is divided by 10 to this power.
    pub places: u8,
    /// What it is measured in.
    pub unit: Unit,
    /// What is plausible, in `unit`; anything else is unknown, except that zero in all its registers is let through.
    pub range: Option<(f64, f64)>,
    /// What GivTCP calls it below `raw/`, where that differs.
    pub givtcp: Option<&'static str>,
    /// How GivTCP writes it below `raw/`.
    pub style: RawStyle,
}

/// How GivTCP writes a field below `raw/`: it prints what its own decoder holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RawStyle {
    /// Flags as the register's number, everything else as its value.
    Number,
    /// Flags as `True` and `False`.
    PythonBool,
    /// Not from this table: the catalogue has a line of its own for it.
    Elsewhere,
}

macro_rules! units {
    ($($method:ident $unit:ident)*) => {
        $(
            #[doc = concat!("Measured in ", stringify!($unit), ".")]
            pub(super) const fn $method(mut self) -> Self {
                self.unit = Unit::$unit;
                self
            }
        )*
    };
}

impl Field {
    pub(super) const fn new(address: u16, kind: Kind) -> Self {
        Self {
            name: "",
            bank: Bank::Holding,
            address,
            kind,
            places: 0,
            unit: Unit::None,
            range: None,
            givtcp: None,
            style: RawStyle::Number,
        }
    }

    pub(super) const fn named(mut self, name: &'static str, bank: Bank) -> Self {
        self.name = name;
        self.bank = bank;
        self
    }

    pub(super) const fn tenths(mut self) -> Self {
        self.places = 1;
        self
    }

    pub(super) const fn hundredths(mut self) -> Self {
        self.places = 2;
        self
    }

    pub(super) const fn thousandths(mut self) -> Self {
        self.places = 3;
        self
    }

    pub(super) const fn ten_thousandths(mut self) -> Self {
        self.places = 4;
        self
    }

    units! {
        volts Volts  amps Amps  watts Watts  kilowatts KiloWatts  watt_hours WattHours  kwh KiloWattHours
        hertz Hertz  celsius Celsius  percent Percent
        amp_hours AmpHours  seconds Seconds  hours Hours  vars Vars  volt_amps VoltAmps
    }

    pub(super) const fn between(mut self, min: f64, max: f64) -> Self {
        self.range = Some((min, max));
        self
    }

    pub(super) const fn power_factor(mut self) -> Self {
        self.kind = Kind::PowerFactor;
        self
    }

    pub(super) const fn version(mut self) -> Self {
        self.kind = Kind::Version;
        self
    }

    pub(super) const fn givtcp(mut self, name: &'static str) -> Self {
        self.givtcp = Some(name);
        self
    }

    pub(super) const fn python_bool(mut self) -> Self {
        self.style = RawStyle::PythonBool;
        self
    }

    pub(super) const fn elsewhere(mut self) -> Self {
        self.style = RawStyle::Elsewhere;
        self
    }

    /// Its name below GivTCP's `raw/`.
    pub fn raw_name(&self) -> &'static str {
        self.givtcp.unwrap_or(self.name)
    }

    /// The registers that it is read from: the first, and how many follow on.
    pub const fn span(&self) -> (u16, u16) {
        let count = match self.kind {
            Kind::U32 | Kind::U32LowFirst | Kind::I32 | Kind::Hex8 | Kind::Slot | Kind::Bits32(_) => 2,
            Kind::Version8 => 4,
            Kind::DateTime => 6,
            Kind::Text(registers) => registers as u16,
            Kind::Firmware { arm } => arm - self.address + 1,
            _ => 1,
        };
        (self.address, count)
    }

    /// What it says, or nothing where it was not read or says nothing that can be believed.
    pub fn read(&self, view: View<'_>) -> Option<Value> {
        let first = self.register(view, 0)?;
        match self.kind {
            Kind::U16
            | Kind::I16
            | Kind::I16Negated
            | Kind::U32
            | Kind::U32LowFirst
            | Kind::I32
            | Kind::High
            | Kind::Low => {
                let raw = self.integer(view)?;
                Some(if self.places == 0 { Value::Int(raw) } else { Value::Float(self.scaled(raw)) })
            }
            Kind::PowerFactor => Some(Value::Float(self.number(view)?)),
            Kind::Flag => Some(Value::Flag(first)),
            Kind::FlagHigh => Some(Value::Flag(first >> 8)),
            Kind::FlagLow => Some(Value::Flag(first & 0xff)),
            Kind::Code(codes) => Some(Value::Code(first, codes.name(first))),
            Kind::CodePart { shift, width, codes } => {
                let code = part(first, shift, width);
                Some(Value::Code(code, codes.name(code)))
            }
            Kind::Choice(_) => Some(self.integer(view).map_or(Value::Code(first, None), Value::Int)),
            Kind::Slot => self.slot(view).map(Value::Slot),
            Kind::DateTime => self.date_time(view).map(Value::DateTime),
            Kind::Bits16(bits) => Some(Value::Bits(bits.names(u32::from(first)))),
            Kind::Bits32(bits) => Some(Value::Bits(bits.names(self.double(view)?))),
            Kind::Hex4
            | Kind::Hex8
            | Kind::HexPart { .. }
            | Kind::FirstDigit
            | Kind::Text(_)
            | Kind::Firmware { .. }
            | Kind::Version
            | Kind::Version8 => self.text(view).map(|text| Value::Text(Cow::Owned(text))),
        }
    }

    /// As a number in its unit, for the kinds that are one.
    pub fn number(&self, view: View<'_>) -> Option<f64> {
        match self.kind {
            Kind::PowerFactor => {
                let value = f64::from(self.register(view, 0)?) / 10_000.0 - 1.0;
                self.in_range(value, false).then_some(value)
            }
            _ => self.integer(view).map(|raw| self.scaled(raw)),
        }
    }

    /// As the whole number that its registers hold, before scaling, if that is plausible.
    pub fn integer(&self, view: View<'_>) -> Option<i64> {
        let first = self.register(view, 0)?;
        let raw = match self.kind {
            Kind::I16 => i64::from(first as i16),
            Kind::I16Negated => -i64::from(first as i16),
            Kind::I32 => i64::from(self.double(view)? as i32),
            Kind::U32LowFirst => i64::from(self.double(view)?.rotate_left(16)),
            Kind::CodePart { shift, width, .. } | Kind::HexPart { shift, width } => {
                i64::from(part(first, shift, width))
            }
            Kind::Choice(choices) => i64::from(choices.iter().find(|(index, _)| *index == first)?.1),
            Kind::U32 | Kind::Hex8 | Kind::Bits32(_) => i64::from(self.double(view)?),
            Kind::High | Kind::FlagHigh => i64::from(first >> 8),
            Kind::Low | Kind::FlagLow => i64::from(first & 0xff),
            _ => i64::from(first),
        };
        self.in_range(self.scaled(raw), raw == 0).then_some(raw)
    }

    /// As a flag.
    pub fn flag(&self, view: View<'_>) -> Option<bool> {
        self.integer(view).map(|raw| raw != 0)
    }

    /// As a time slot.
    pub fn slot(&self, view: View<'_>) -> Option<Slot> {
        Slot::from_registers(self.register(view, 0)?, self.register(view, 1)?)
    }

    /// As a clock; nothing where it shows an impossible time, such as the month 13 that has been seen at New Year, or
    /// the year 2000 of a clock that was never set.
    pub fn date_time(&self, view: View<'_>) -> Option<DateTime> {
        let mut parts = [0i8; 6];
        for (offset, part) in parts.iter_mut().enumerate() {
            *part = i8::try_from(self.register(view, offset as u16)?).ok()?;
        }
        let [year, month, day, hour, minute, second] = parts;
        if year == 0 {
            return None;
        }
        DateTime::new(2000 + i16::from(year), month, day, hour, minute, second, 0).ok()
    }

    /// As text.
    pub fn text(&self, view: View<'_>) -> Option<String> {
        let first = self.register(view, 0)?;
        match self.kind {
            Kind::Hex4 => Some(format!("{first:04x}")),
            Kind::Hex8 => Some(format!("{:08x}", self.double(view)?)),
            Kind::FirstDigit => Some(format!("{:x}", first >> 12)),
            Kind::HexPart { shift, width } => Some(format!("{:x}", part(first, shift, width))),
            Kind::Version => Some(format!("{:.2}", f64::from(first) / 100.0)),
            Kind::Firmware { arm } => Some(format!("D0.{first}-A0.{}", view.get(self.bank, arm)?)),
            Kind::Text(registers) => self.characters(view, registers),
            Kind::Version8 => {
                let mut text = self.characters(view, 2)?;
                for offset in 2..4 {
                    for byte in self.register(view, offset)?.to_be_bytes() {
                        text.push(char::from_digit(u32::from(byte), 10)?);
                    }
                }
                Some(text)
            }
            _ => None,
        }
    }

    /// ASCII without its NULs, in capitals; nothing if anything else is among it.
    fn characters(&self, view: View<'_>, registers: u8) -> Option<String> {
        let mut text = String::with_capacity(2 * usize::from(registers));
        for offset in 0..u16::from(registers) {
            for byte in self.register(view, offset)?.to_be_bytes() {
                match byte {
                    0 => {}
                    b' '..=b'~' => text.push(byte.to_ascii_uppercase() as char),
                    _ => return None,
                }
            }
        }
        Some(text)
    }

    /// As a serial number, whatever its shape; for text of five registers.
    pub fn serial(&self, view: View<'_>) -> Option<Serial> {
        let mut registers = [0; 5];
        for (offset, register) in registers.iter_mut().enumerate() {
            *register = self.register(view, offset as u16)?;
        }
        Some(Serial::from_registers(registers))
    }

    fn register(&self, view: View<'_>, offset: u16) -> Option<u16> {
        view.get(self.bank, self.address + offset)
    }

    fn double(&self, view: View<'_>) -> Option<u32> {
        Some(u32::from(self.register(view, 0)?) << 16 | u32::from(self.register(view, 1)?))
    }

    fn scaled(&self, raw: i64) -> f64 {
        raw as f64 / [1.0, 10.0, 100.0, 1_000.0, 10_000.0][usize::from(self.places.min(4))]
    }

    fn in_range(&self, value: f64, zero: bool) -> bool {
        zero || self.range.is_none_or(|(min, max)| (min..=max).contains(&value))
    }
}

/// Some bits of a register, counted from the least significant.
fn part(register: u16, shift: u8, width: u8) -> u16 {
    register.checked_shr(u32::from(shift)).unwrap_or(0)
        & 1u16.checked_shl(u32::from(width)).map_or(u16::MAX, |bit| bit - 1)
}
