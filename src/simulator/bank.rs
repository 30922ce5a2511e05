//! The registers of every device behind the dongle, and which of them take which values.

use std::collections::BTreeMap;

use crate::frame::{Bank, MAX_REGISTERS};

/// The inverter's address.
pub const INVERTER: u8 = 0x11;
/// Where Gen 1 mirrors the inverter's registers.
pub const MIRROR: u8 = 0x31;
/// The first battery's address.
pub const BATTERY: u8 = 0x32;
/// The meter's address.
pub const METER: u8 = 0x01;

/// Registers that exist, by device, bank and address. What is not here does not answer.
#[derive(Clone, Debug, Default)]
pub struct Registers {
    values: BTreeMap<(u8, Bank, u16), u16>,
    mirrored: bool,
}

impl Registers {
    /// An empty bank. With `mirrored`, what 0x31 has not itself is read from the inverter's holding registers 0–179
    /// and input registers 0–59 and 120–239, as on Gen 1.
    pub fn new(mirrored: bool) -> Self {
        Self { values: BTreeMap::new(), mirrored }
    }

    /// The value of one register, None if it does not exist.
    pub fn get(&self, device: u8, bank: Bank, register: u16) -> Option<u16> {
        self.values.get(&(device, bank, register)).copied().or_else(|| {
            let mirrored = self.mirrored && device == MIRROR && bank != Bank::MeterProduct;
            if mirrored { self.values.get(&(INVERTER, bank, register)).copied() } else { None }
        })
    }

    /// The values of a block, None if any of its registers does not exist.
    pub fn block(&self, device: u8, bank: Bank, base: u16, count: u16) -> Option<Vec<u16>> {
        (0..count).map(|i| self.get(device, bank, base.checked_add(i)?)).collect()
    }

    /// Whether anything answers at this address.
    pub fn has_device(&self, device: u8) -> bool {
        self.values.keys().any(|&(known, ..)| known == device) || (self.mirrored && device == MIRROR)
    }

    /// Creates or changes one register.
    pub fn put(&mut self, device: u8, bank: Bank, register: u16, value: u16) {
        self.values.insert((device, bank, register), value);
    }

    /// Creates or changes registers from `base` on.
    pub fn put_all(&mut self, device: u8, bank: Bank, base: u16, values: &[u16]) {
        for (register, &value) in (base..=u16::MAX).zip(values) {
            self.put(device, bank, register, value);
        }
    }

    /// All registers in runs of at most 60.
    pub fn blocks(&self) -> Vec<(u8, Bank, u16, Vec<u16>)> {
        let mut blocks: Vec<(u8, Bank, u16, Vec<u16>)> = Vec::new();
        for (&(device, bank, register), &value) in &self.values {
            match blocks.last_mut() {
                Some((last_device, last_bank, base, values))
                    if (*last_device, *last_bank) == (device, bank)
                        && values.len() < usize::from(MAX_REGISTERS)
                        && usize::from(*base) + values.len() == usize::from(register) =>
                {
                    values.push(value);
                }
                _ => blocks.push((device, bank, register, vec![value])),
            }
        }
        blocks
    }
}

/// Whether a hybrid Gen 1 takes this value in this holding register: what the protocol's table of writes permits on
/// this family, without what installers alone should write.
pub fn takes(register: u16, value: u16) -> bool {
    let hhmm = value < 2400 && value % 100 < 60;
    match register {
        20 | 27 | 59 | 96 | 166 => value <= 1,
        29 => value <= 3,
        31 | 32 | 44 | 45 | 56 | 57 | 94 | 95 => hhmm,
        50 | 111 | 112 => value <= 100,
        110 | 114 | 116 => (4..=100).contains(&value),
        163 => value == 100,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_with_a_register_that_does_not_exist_does_not_exist() {
        let mut registers = Registers::new(false);
        registers.put_all(INVERTER, Bank::Holding, 0, &[7; 60]);
        assert_eq!(registers.block(INVERTER, Bank::Holding, 0, 60), Some(vec![7; 60]));
        assert_eq!(registers.block(INVERTER, Bank::Holding, 1, 60), None);
        assert_eq!(registers.block(INVERTER, Bank::Holding, u16::MAX, 2), None);
    }

    #[test]
    fn blocks_are_runs_of_one_bank_and_at_most_60_long() {
        let mut registers = Registers::new(false);
        registers.put_all(INVERTER, Bank::Input, 0, &[1; 70]);
        registers.put_all(INVERTER, Bank::Input, 100, &[2; 2]);
        let shapes: Vec<_> = registers.blocks().into_iter().map(|(_, _, base, values)| (base, values.len())).collect();
        assert_eq!(shapes, [(0, 60), (60, 10), (100, 2)]);
    }

    #[test]
    fn a_reboot_takes_100_and_nothing_else() {
        assert!(takes(163, 100));
        assert!(!takes(163, 1) && !takes(163, 101) && !takes(63, 1840) && !takes(0, 0));
    }
}
