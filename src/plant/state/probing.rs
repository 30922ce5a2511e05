//! Where blocks are looked for that may not be there.

use std::sync::Arc;

use super::{Known, Plant};
use crate::frame::{Bank, BlockKey};
use crate::plant::probes::Probe;
use crate::plant::{INVERTER, MIRROR};
use crate::registers::plan::{self, Due};

impl Plant {
    /// A block of the inverter that 0x11 has never answered may answer at 0x31: where to try, if this model has a mirror.
    pub fn mirror_of(&self, key: BlockKey) -> Option<BlockKey> {
        let unanswered = key.device == INVERTER && self.image.get(INVERTER, key.bank, key.base).is_none();
        (unanswered && self.capabilities()?.model.has_mirror()).then_some(BlockKey { device: MIRROR, ..key })
    }

    /// It does: from now on it is read there, if there is more than zeros; says whether it is.
    pub fn use_mirror(&mut self, key: BlockKey) -> bool {
        if self.image.view(key.device).get(key.bank, key.base).is_none() {
            return false;
        }
        self.stale.remove(&BlockKey { device: INVERTER, ..key });
        if let Some(known) = &mut self.known {
            let mirrored = &mut Arc::make_mut(&mut known.capabilities).mirrored;
            if !mirrored.contains(&(key.bank, key.base)) {
                mirrored.push((key.bank, key.base));
            }
        }
        true
    }

    /// Whether blocks that every inverter of this model has are read at 0x31.
    pub fn uses_mirror(&self) -> bool {
        let is_certain = |block: &(Bank, u16)| !plan::OPTIONAL.contains(block);
        self.capabilities().is_some_and(|found| found.mirrored.iter().any(is_certain))
    }

    /// Whether this is a block of the inverter's settings that was never read: it may not have it.
    pub fn is_new_setting(&self, key: BlockKey) -> bool {
        let Some(found) = self.capabilities() else { return false };
        let is_live = || plan::blocks(found, Due { live: true, settings: false }).contains(&key);
        plan::is_inverter(key.device) && self.read_at(key).is_none() && !is_live()
    }

    /// What must be asked before anything is shown, since it decides which registers mean what: whether an inverter that
    /// may be three-phase has that bank.
    pub fn open_question(&self) -> Option<BlockKey> {
        let Known { capabilities, probes, .. } = self.known.as_ref()?;
        let bank = BlockKey::new(INVERTER, Bank::Input, 1000, 60);
        let is_open = capabilities.model.has_three_phase_bank() && !capabilities.has_three_phase_bank();
        (is_open && !probes.was_asked(bank)).then_some(bank)
    }

    /// What must be asked before a command is planned, since it decides on which settings there are.
    pub fn question_of_commands(&self) -> Option<BlockKey> {
        self.open_question().or_else(|| self.known.as_ref()?.probes.of_settings())
    }

    /// The next question whether something is there.
    pub fn next_probe(&mut self) -> Option<Probe> {
        self.known.as_mut()?.probes.next()
    }

    /// Whether everything that may be there was asked for at least once.
    pub fn all_probed_once(&self) -> bool {
        self.known.as_ref().is_some_and(|known| known.probes.all_asked_once())
    }

    /// Whether everything that may be there was asked for often enough: what was not found is believed absent.
    pub fn all_probed(&self) -> bool {
        self.known.as_ref().is_some_and(|known| known.probes.all_asked())
    }

    /// Whether every battery, stack and module that may be there was asked for often enough: those that were found are
    /// all that there are.
    pub(in crate::plant) fn batteries_probed(&self) -> bool {
        self.known.as_ref().is_some_and(|known| known.probes.batteries_asked())
    }

    /// A probe was answered; if that showed something, it is no longer asked for.
    pub fn probe_answered(&mut self, key: BlockKey) {
        if let Some(known) = &mut self.known {
            known.probes.asked(key);
        }
    }

    /// A probe found nothing this time. What 0x11 does not answer is asked for at 0x31 too, where this model has a
    /// mirror.
    pub fn probe_failed(&mut self, key: BlockKey) {
        if let Some(known) = &mut self.known {
            known.probes.asked(key);
        }
        if let (Some(mirror), Some(known)) = (self.mirror_of(key), &mut self.known) {
            known.probes.add(mirror, false);
        }
    }
}
