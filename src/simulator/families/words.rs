//! Numbers as registers have them.

use crate::frame::Serial;
use crate::simulator::bank::{INVERTER, Registers};

/// To the nearest whole number that 16 bits without sign can hold.
pub fn unsigned(value: f64) -> u16 {
    value.round().clamp(0.0, 65_535.0) as u16
}

/// To the nearest whole number that 16 bits with sign can hold.
pub fn signed(value: f64) -> u16 {
    (value.round().clamp(-32_768.0, 32_767.0) as i16) as u16
}

/// To the nearest whole number, in 32 bits with sign.
pub fn long(value: f64) -> u32 {
    (value.round().clamp(f64::from(i32::MIN), f64::from(i32::MAX)) as i32) as u32
}

/// Whole tenths of a kWh. A register of 16 bits shows the low ones, as the wire does when a counter wraps.
pub fn tenths(watt_hours: f64) -> u32 {
    (watt_hours / 100.0).max(0.0) as u32
}

/// Both registers of 32 bits, high word first.
pub fn words(value: u32) -> [u16; 2] {
    [(value >> 16) as u16, value as u16]
}

/// Input registers of one device, to be written one by one.
pub struct Page<'a> {
    registers: &'a mut Registers,
    device: u8,
}

impl<'a> Page<'a> {
    /// The inverter's.
    pub fn inverter(registers: &'a mut Registers) -> Self {
        Self { registers, device: INVERTER }
    }

    /// Another device's; registers 60 to 60 + `count` exist from now on.
    pub fn of(device: u8, count: u16, registers: &'a mut Registers) -> Self {
        for register in 60..60 + count {
            if registers.get(device, crate::frame::Bank::Input, register).is_none() {
                registers.put(device, crate::frame::Bank::Input, register, 0);
            }
        }
        Self { registers, device }
    }

    /// One register.
    pub fn put(&mut self, register: u16, value: u16) {
        self.registers.put(self.device, crate::frame::Bank::Input, register, value);
    }

    /// Several in a row.
    pub fn put_all(&mut self, base: u16, values: &[u16]) {
        self.registers.put_all(self.device, crate::frame::Bank::Input, base, values);
    }

    /// Two, high word first.
    pub fn put_long(&mut self, register: u16, value: u32) {
        self.put_all(register, &words(value));
    }

    /// Five, two characters each.
    pub fn put_serial(&mut self, register: u16, serial: Serial) {
        self.put_all(register, &serial.registers());
    }
}
