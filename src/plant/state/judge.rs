//! Whether a block is believed: past the guards, and from the inverter that is known.

use std::sync::Arc;
use std::time::Duration;

use super::{Known, Plant, Refused};
use crate::frame::{Bank, BlockKey, Serial};
use crate::plant::guard::{self, Rejection};
use crate::plant::identity::Latch;
use crate::plant::probes::Probes;
use crate::plant::{Capabilities, INVERTER, Identity, battery};
use crate::registers::{RegisterImage, plan, single_phase};

impl Plant {
    pub(super) fn judge(&mut self, key: BlockKey, values: &[u16], envelope: Option<Serial>) -> Result<(), Refused> {
        if values.len() != usize::from(key.count) {
            return Err(Rejection::Length.into());
        }
        if plan::is_inverter(key.device) {
            self.judge_envelope(envelope)?;
        }
        guard::all_zero(key, values, &self.image)?;
        if plan::is_inverter(key.device) && key.bank == Bank::Holding && key.base < 60 {
            self.judge_identity(key, values, envelope)?;
        }
        let known_battery = self.capabilities().is_some_and(|found| found.batteries.contains(&key.device));
        if known_battery && key.bank == Bank::Input {
            let page = self.page_with(plan::battery(key.device), key, values);
            battery::read(key.device, page.view(key.device)).ok_or(Rejection::SerialShape)?;
        }
        Ok(())
    }

    fn judge_envelope(&self, envelope: Option<Serial>) -> Result<(), Refused> {
        let Some(serial) = envelope else { return Ok(()) };
        if !serial.is_plausible() {
            return Err(Rejection::SerialShape.into());
        }
        match self.identity() {
            Some(identity) if identity.serial != serial => Err(Refused::OtherInverter(serial)),
            _ => Ok(()),
        }
    }

    /// What is held of `whole`, with the values of `key` over it.
    fn page_with(&self, whole: BlockKey, key: BlockKey, values: &[u16]) -> RegisterImage {
        let mut page = RegisterImage::default();
        if let Some(held) = self.image.block(whole) {
            page.commit(whole, &held, Duration::ZERO);
        }
        page.commit(key, values, Duration::ZERO);
        page
    }

    /// HR 0 to 59 as they would be with this block must tell of the inverter that is known.
    fn judge_identity(&mut self, key: BlockKey, values: &[u16], envelope: Option<Serial>) -> Result<(), Refused> {
        let whole = BlockKey::new(key.device, Bank::Holding, 0, 60);
        let page = self.page_with(whole, key, values);
        if page.block(whole).is_none() {
            return Ok(());
        }
        let seen = Identity::read(page.view(key.device)).ok_or(Rejection::SerialShape)?;
        if envelope.is_some_and(|serial| serial != seen.serial) {
            return Err(Rejection::SerialContradiction.into());
        }
        match &mut self.known {
            None => {
                let capabilities = Arc::new(Capabilities::of(&seen));
                self.known = Some(Known { probes: Probes::of(seen.model), latch: Latch::new(seen), capabilities });
                Ok(())
            }
            Some(known) if known.latch.held().serial != seen.serial => Err(Refused::OtherInverter(seen.serial)),
            Some(known) if known.latch.agrees(&seen) => {
                known.latch.observe(seen);
                Ok(())
            }
            Some(known) => {
                if !known.latch.observe(seen.clone()) {
                    return Err(Rejection::OtherModel.into());
                }
                let capabilities = Arc::make_mut(&mut known.capabilities);
                capabilities.change_to(&seen);
                known.probes = Probes::of(seen.model);
                known.probes.skip(capabilities);
                Ok(())
            }
        }
    }

    pub(super) fn is_impossible_clock(&self, key: BlockKey) -> bool {
        key.device == INVERTER
            && key.bank == Bank::Holding
            && key.base <= 35
            && key.base.saturating_add(key.count) > 40
            && single_phase::system_time.date_time(self.image.view(INVERTER)).is_none()
    }
}
