//! Which blocks that are due do not come, and for how long.

use std::sync::Arc;

use super::Plant;
use crate::frame::{Bank, BlockKey};
use crate::registers::plan;

/// A block that has never answered is believed absent after so many attempts.
const SILENT_AFTER: u32 = 3;

impl Plant {
    /// A block that was due could not be read: what is held of it is stale from now on.
    pub fn failed(&mut self, key: BlockKey) {
        let times = self.stale.entry(key).or_default();
        *times += 1;
        let never_read = self.image.get(key.device, key.bank, key.base).is_none();
        if *times == SILENT_AFTER
            && never_read
            && plan::is_inverter(key.device)
            && let Some(known) = &mut self.known
            && !known.capabilities.is_silent(key)
        {
            Arc::make_mut(&mut known.capabilities).silent.push((key.bank, key.base));
        }
    }

    /// A block that was due was not asked for, because there was no time: it is stale, and nothing else is known.
    pub fn missed(&mut self, key: BlockKey) {
        self.stale.entry(key).or_default();
    }

    /// Whether a block that is due was left unanswered so often that others should not wait for it.
    pub fn keeps_failing(&self, key: BlockKey) -> bool {
        self.failures(key) >= SILENT_AFTER
    }

    /// How often in a row a block that is due was asked for and not read.
    pub fn failures(&self, key: BlockKey) -> u32 {
        self.stale.get(&key).copied().unwrap_or_default()
    }

    /// Whether settings that are due are still to be read.
    pub fn lacks_settings(&self) -> bool {
        self.stale().any(|key| key.bank == Bank::Holding)
    }

    /// Blocks that were due and could not be read since, without those that are believed absent.
    pub fn stale(&self) -> impl Iterator<Item = BlockKey> + '_ {
        let is_silent = |key: BlockKey| self.capabilities().is_some_and(|found| found.is_silent(key));
        self.stale.keys().copied().filter(move |key| !is_silent(*key))
    }
}
