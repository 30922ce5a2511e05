//! Whether a block is believed: past the guards, and from the inverter that is known.

use std::sync::Arc;
use std::time::Duration;

use super::{Known, Plant, Refused};
use crate::frame::{Bank, BlockKey, Serial};
use crate::plant::guard::{About, Earlier, Guards, Occurrence, Rejection, Verdict};
use crate::plant::identity::Latch;
use crate::plant::probes::Probes;
use crate::plant::{Capabilities, INVERTER, Identity};
use crate::registers::{RegisterImage, plan, single_phase};

impl Plant {
    pub(super) fn judge(
        &mut self,
        key: BlockKey,
        values: &[u16],
        envelope: Option<Serial>,
        at: Duration,
    ) -> Result<Option<Earlier>, Refused> {
        if values.len() != usize::from(key.count) {
            return Err(Rejection::Length.into());
        }
        if plan::is_inverter(key.device) {
            self.judge_envelope(envelope)?;
        }
        let about = self.about(key);
        Guards::check(about, key, values, &self.image)?;
        let seen = if plan::is_inverter(key.device) && key.bank == Bank::Holding && key.base < 60 {
            self.judge_identity(key, values, envelope)?
        } else {
            None
        };
        let earlier = match self.guards.weigh(about, key, values, &self.image, at) {
            Verdict::Held(reason) => return Err(Refused::Held(reason)),
            Verdict::Rejected(reason) => return Err(reason.into()),
            Verdict::Believed(earlier) => earlier,
        };
        if let Some(seen) = seen {
            self.learn(seen);
        }
        Ok(earlier)
    }

    /// What the guards need to know of where a block comes from.
    pub(super) fn about(&self, key: BlockKey) -> About {
        About::new(key, self.identity())
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

    /// HR 0 to 59 as they would be with this block must tell of the inverter that is known. Who it is, if it is to be
    /// learned once the block is believed.
    fn judge_identity(
        &mut self,
        key: BlockKey,
        values: &[u16],
        envelope: Option<Serial>,
    ) -> Result<Option<Identity>, Refused> {
        let whole = BlockKey::new(key.device, Bank::Holding, 0, 60);
        let page = self.page_with(whole, key, values);
        if page.block(whole).is_none() {
            return Ok(None);
        }
        let seen = Identity::read(page.view(key.device)).ok_or(Rejection::SerialShape)?;
        if envelope.is_some_and(|serial| serial != seen.serial) {
            return Err(Rejection::SerialContradiction.into());
        }
        let Some(known) = &mut self.known else { return Ok(Some(seen)) };
        if known.latch.held().serial != seen.serial {
            return Err(Refused::OtherInverter(seen.serial));
        }
        let agrees = known.latch.agrees(&seen);
        if known.latch.observe(seen.clone()) {
            return Ok(Some(seen));
        }
        if agrees {
            // Where the guards held the block in which it changed, that is still to be learned.
            let is_new = !known.capabilities.is_of(&seen);
            return Ok(is_new.then_some(seen));
        }
        Err(Rejection::OtherModel.into())
    }

    /// Who the inverter is, from a block that no further read will confirm.
    pub(super) fn settle_identity(&mut self, key: BlockKey, values: &[u16]) {
        let page = self.page_with(BlockKey::new(key.device, Bank::Holding, 0, 60), key, values);
        if let (None, Some(seen)) = (&self.known, Identity::read(page.view(key.device))) {
            self.learn(seen);
        }
    }

    /// Who the inverter is, or what it has become.
    fn learn(&mut self, seen: Identity) {
        match &mut self.known {
            None => {
                let capabilities = Arc::new(Capabilities::of(&seen));
                self.known = Some(Known { probes: Probes::of(seen.model), latch: Latch::new(seen), capabilities });
            }
            Some(known) => {
                let capabilities = Arc::make_mut(&mut known.capabilities);
                let from = capabilities.model;
                capabilities.change_to(&seen);
                known.probes = Probes::of(seen.model);
                known.probes.skip(capabilities);
                if from != seen.model {
                    self.guards.tell(Occurrence::ModelChanged { from, to: seen.model });
                }
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
