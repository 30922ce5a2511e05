use std::time::Duration;

use crate::frame::{BlockKey, Serial};
use crate::registers::{Field, Kind, RegisterImage};

/// A block, new or held, and around it what is held of the same device: what its registers say, as far as it is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading<'a> {
    pub(super) key: BlockKey,
    values: Option<&'a [u16]>,
    image: &'a RegisterImage,
}

impl<'a> Reading<'a> {
    /// A block as it arrived.
    pub(super) fn new(key: BlockKey, values: &'a [u16], image: &'a RegisterImage) -> Self {
        Self { key, values: Some(values), image }
    }

    /// The same block as it is held.
    pub(super) fn held(key: BlockKey, image: &'a RegisterImage) -> Self {
        Self { key, values: None, image }
    }

    /// A register of the device in the block's bank, by its address.
    pub(super) fn get(&self, address: u16) -> Option<u16> {
        let key = self.key;
        match (self.values, address.checked_sub(key.base).filter(|&place| place < key.count)) {
            (Some(values), Some(place)) => values.get(usize::from(place)).copied(),
            _ => self.image.get(key.device, key.bank, address),
        }
    }

    /// A register by its place in the block.
    pub(super) fn at(&self, place: u16) -> Option<u16> {
        if place >= self.key.count {
            return None;
        }
        self.get(self.key.base.checked_add(place)?)
    }

    /// Two registers, the high one first.
    pub(super) fn double(&self, address: u16) -> Option<u32> {
        Some(u32::from(self.get(address)?) << 16 | u32::from(self.get(address.checked_add(1)?)?))
    }

    /// Five registers of a serial number.
    pub(super) fn serial(&self, address: u16) -> Option<Serial> {
        let mut registers = [0; 5];
        for (register, at) in registers.iter_mut().zip(address..) {
            *register = self.get(at)?;
        }
        Some(Serial::from_registers(registers))
    }

    /// A field's number as its registers hold it, before scaling; plausible or not.
    pub(super) fn raw(&self, field: &Field) -> Option<i64> {
        if field.bank != self.key.bank {
            return None;
        }
        Some(match field.kind {
            Kind::I16 | Kind::I16Negated => i64::from(self.get(field.address)? as i16),
            Kind::U32 => i64::from(self.double(field.address)?),
            Kind::I32 => i64::from(self.double(field.address)? as i32),
            Kind::U16 => i64::from(self.get(field.address)?),
            _ => return None,
        })
    }

    /// The block by itself, if all of it is known.
    pub(super) fn page(&self) -> Option<RegisterImage> {
        let values: Option<Vec<u16>> = (0..self.key.count).map(|place| self.at(place)).collect();
        let mut page = RegisterImage::default();
        page.commit(self.key, &values?, Duration::ZERO);
        Some(page)
    }

    /// Whether nothing but zeros is known of the block.
    pub(super) fn is_blank(&self) -> bool {
        (0..self.key.count).all(|place| self.at(place).is_none_or(|value| value == 0))
    }

    /// Whether all of a field stands in the block itself.
    pub(super) fn holds(&self, field: &Field) -> bool {
        super::fields::covers(self.key, field)
    }
}
