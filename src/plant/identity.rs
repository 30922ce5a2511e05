use std::time::Duration;

use super::{INVERTER, Model};
use crate::frame::{Bank, BlockKey, Serial};
use crate::registers::{RegisterImage, View, single_phase};

/// Who an inverter is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its serial number (HR 13 to 17).
    pub serial: Serial,
    /// What it is.
    pub model: Model,
    /// Device type code (HR 0).
    pub device_type_code: u16,
    /// ARM firmware (HR 21).
    pub arm_firmware: u16,
    /// DSP firmware (HR 19).
    pub dsp_firmware: u16,
}

impl Identity {
    /// From the values of HR 0 to 59, if they are as many and hold a plausible serial.
    pub fn of_block(values: &[u16]) -> Option<Self> {
        let key = BlockKey::new(INVERTER, Bank::Holding, 0, 60);
        let mut image = RegisterImage::default();
        image.commit(key, values, Duration::ZERO);
        Self::read(image.view(key.device))
    }

    /// From HR 0 to 59, if they hold a plausible serial.
    pub fn read(view: View<'_>) -> Option<Self> {
        let serial = single_phase::serial_number.serial(view).filter(Serial::is_plausible)?;
        let number = |field: &crate::registers::Field| field.integer(view).and_then(|n| u16::try_from(n).ok());
        let device_type_code = number(&single_phase::device_type_code)?;
        let arm_firmware = number(&single_phase::arm_firmware_version)?;
        let dsp_firmware = number(&single_phase::dsp_firmware_version)?;
        Some(Self {
            serial,
            model: Model::of(device_type_code, arm_firmware),
            device_type_code,
            arm_firmware,
            dsp_firmware,
        })
    }
}

/// How often a changed model must be read in a row before it is believed.
const AGREEING: u8 = 3;

/// An identity that does not flip: it changes only after three agreeing reads.
#[derive(Clone, Debug)]
pub(super) struct Latch {
    held: Identity,
    rival: Option<(Identity, u8)>,
}

impl Latch {
    pub(super) fn new(identity: Identity) -> Self {
        Self { held: identity, rival: None }
    }

    pub(super) fn held(&self) -> &Identity {
        &self.held
    }

    /// Takes a new reading of the same serial; says whether what is held changed.
    pub(super) fn observe(&mut self, seen: Identity) -> bool {
        if seen == self.held {
            self.rival = None;
            return false;
        }
        let count = match &self.rival {
            Some((rival, count)) if *rival == seen => count + 1,
            _ => 1,
        };
        if count >= AGREEING {
            self.held = seen;
            self.rival = None;
            return true;
        }
        self.rival = Some((seen, count));
        false
    }

    pub(super) fn has_rival(&self) -> bool {
        self.rival.is_some()
    }

    /// Whether `seen` may be committed to the image: it is what is held.
    pub(super) fn agrees(&self, seen: &Identity) -> bool {
        *seen == self.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(code: u16, arm: u16) -> Identity {
        Identity {
            serial: "SA2114G047".parse().unwrap(),
            model: Model::of(code, arm),
            device_type_code: code,
            arm_firmware: arm,
            dsp_firmware: 449,
        }
    }

    #[test]
    fn a_model_changes_only_after_three_agreeing_reads() {
        let (old, new) = (identity(0x2001, 449), identity(0x2001, 912));
        let mut latch = Latch::new(old.clone());
        assert!(!latch.observe(new.clone()) && !latch.observe(new.clone()));
        assert!(!latch.observe(old.clone()), "back to what is held: the count begins again");
        assert!(!latch.observe(new.clone()) && !latch.observe(new.clone()));
        assert_eq!(latch.held(), &old);
        assert!(latch.observe(new.clone()));
        assert_eq!(latch.held(), &new);
    }
}
