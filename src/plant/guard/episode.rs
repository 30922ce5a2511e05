//! Rejections as people want to hear of them: once when they begin, once when they are over.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Rejection;
use crate::frame::BlockKey;
use crate::plant::Model;

/// More than go on at a time; what begins beyond them is counted and not told.
const MOST: usize = 64;
/// More than happens between two reads; what comes beyond them is not told.
const MOST_TOLD: usize = 64;
/// An episode is over after this time without a rejection, if the device was believed meanwhile: on a disturbed line
/// good and bad replies take turns, and that is one episode.
const QUIET: Duration = Duration::from_secs(600);

/// Something that happened to a plant's data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Occurrence {
    /// A guard begins to reject what a device says.
    Rejected {
        /// Why.
        reason: Rejection,
        /// Which block was the first.
        block: BlockKey,
    },
    /// It has not done so for a while.
    RejectionEnded {
        /// Why it did.
        reason: Rejection,
        /// Whose blocks.
        device: u8,
        /// How many.
        count: u64,
    },
    /// A battery says the same for so long although it works, that what it says is old.
    BatteryFrozen {
        /// Where it answers.
        device: u8,
        /// For how long.
        lasting: Duration,
    },
    /// It says something new again.
    BatteryThawed {
        /// Where it answers.
        device: u8,
    },
    /// A device that answered no longer does.
    DeviceLost {
        /// Where it answered.
        device: u8,
    },
    /// It answers again.
    DeviceBack {
        /// Where it answers.
        device: u8,
    },
    /// The inverter is believed to be another model.
    ModelChanged {
        /// What it was.
        from: Model,
        /// What it is.
        to: Model,
    },
}

#[derive(Clone, Debug)]
struct Episode {
    last: Duration,
    count: u64,
    /// Whether a block of the device was believed since.
    good: bool,
}

/// What goes on, and what is still to be told.
#[derive(Clone, Debug, Default)]
pub(super) struct Episodes {
    going_on: BTreeMap<(u8, Rejection), Episode>,
    told: Vec<Occurrence>,
}

impl Episodes {
    pub(super) fn bad(&mut self, reason: Rejection, block: BlockKey, at: Duration) {
        self.expire(at);
        let full = self.going_on.len() >= MOST;
        match self.going_on.entry((block.device, reason)) {
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                let episode = entry.get_mut();
                *episode = Episode { last: at, count: episode.count.saturating_add(1), good: false };
            }
            std::collections::btree_map::Entry::Vacant(entry) if !full => {
                entry.insert(Episode { last: at, count: 1, good: false });
                self.tell(Occurrence::Rejected { reason, block });
            }
            std::collections::btree_map::Entry::Vacant(_) => {}
        }
    }

    /// A block of a device was believed.
    pub(super) fn good(&mut self, device: u8, at: Duration) {
        for (_, episode) in
            self.going_on.range_mut((device, Rejection::ALL[0])..).take_while(|((of, _), _)| *of == device)
        {
            episode.good |= episode.last != at;
        }
        self.expire(at);
    }

    pub(super) fn tell(&mut self, occurrence: Occurrence) {
        if self.told.len() < MOST_TOLD {
            self.told.push(occurrence);
        }
    }

    /// What is to be told since the last call.
    pub(super) fn take(&mut self, at: Duration) -> Vec<Occurrence> {
        self.expire(at);
        std::mem::take(&mut self.told)
    }

    fn expire(&mut self, at: Duration) {
        let told = &mut self.told;
        self.going_on.retain(|&(device, reason), episode| {
            let over = episode.good && at.saturating_sub(episode.last) >= QUIET;
            if over && told.len() < MOST_TOLD {
                told.push(Occurrence::RejectionEnded { reason, device, count: episode.count });
            }
            !over
        });
    }
}
