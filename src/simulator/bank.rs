//! The registers of every device behind the dongle, and which of them take which values.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

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
    /// Banks of the inverter that it refuses.
    refused: Vec<(Bank, RangeInclusive<u16>)>,
}

impl Registers {
    /// An empty bank. With `mirrored`, what 0x31 has not itself is read from the inverter's holding registers 0–179
    /// and input registers 0–59 and 120–239, as on Gen 1.
    pub fn new(mirrored: bool) -> Self {
        Self { values: BTreeMap::new(), mirrored, refused: Vec::new() }
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

    /// Makes the inverter answer an error where it would be silent, in these registers.
    pub fn refuse(&mut self, bank: Bank, registers: RangeInclusive<u16>) {
        self.refused.push((bank, registers));
    }

    /// Whether the device refuses what begins here.
    pub fn refuses(&self, device: u8, bank: Bank, base: u16) -> bool {
        device == INVERTER && self.refused.iter().any(|(of, registers)| *of == bank && registers.contains(&base))
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
    fn what_is_refused_is_of_the_inverter_and_its_bank() {
        let mut registers = Registers::new(true);
        registers.refuse(Bank::Holding, 1000..=1199);
        assert!(registers.refuses(INVERTER, Bank::Holding, 1060) && !registers.refuses(INVERTER, Bank::Holding, 1200));
        assert!(!registers.refuses(INVERTER, Bank::Input, 1060) && !registers.refuses(MIRROR, Bank::Holding, 1060));
    }

    #[test]
    fn blocks_are_runs_of_one_bank_and_at_most_60_long() {
        let mut registers = Registers::new(false);
        registers.put_all(INVERTER, Bank::Input, 0, &[1; 70]);
        registers.put_all(INVERTER, Bank::Input, 100, &[2; 2]);
        let shapes: Vec<_> = registers.blocks().into_iter().map(|(_, _, base, values)| (base, values.len())).collect();
        assert_eq!(shapes, [(0, 60), (60, 10), (100, 2)]);
    }
}
