use std::collections::VecDeque;

use super::{BATTERIES, INVERTER, METERS, MIRROR, Model};
use crate::frame::BlockKey;
use crate::registers::plan;

/// A question whether a device or a block is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// What to read.
    pub key: BlockKey,
    /// Whether to wait as long as for a known device: the first battery answers slowly, and is nearly always there.
    pub patient: bool,
}

/// What may be behind an inverter and was not found yet, in a ring: absence on one pass is no proof.
#[derive(Clone, Debug, Default)]
pub(super) struct Probes {
    ring: VecDeque<Probe>,
    /// How many have not been asked once.
    unasked: usize,
}

impl Probes {
    pub(super) fn of(model: Model) -> Self {
        let mut ring = VecDeque::new();
        if model.is_supported() {
            if model.has_low_voltage_batteries() {
                ring.extend(
                    BATTERIES.map(|device| Probe { key: plan::battery(device), patient: device == *BATTERIES.start() }),
                );
            }
            ring.extend(plan::OPTIONAL.map(|(bank, base)| quick(BlockKey::new(INVERTER, bank, base, 60))));
            ring.extend(METERS.map(|device| quick(plan::meter(device))));
            if model.has_low_voltage_batteries() {
                ring.push_back(quick(plan::lv_bcu()));
            }
        }
        Self { unasked: ring.len(), ring }
    }

    /// The next question. It goes to the end of the ring until it is found.
    pub(super) fn next(&mut self) -> Option<Probe> {
        let probe = self.ring.pop_front()?;
        self.ring.push_back(probe);
        self.unasked = self.unasked.saturating_sub(1);
        Some(probe)
    }

    /// Whether every question was asked at least once.
    pub(super) fn all_asked(&self) -> bool {
        self.unasked == 0
    }

    /// This one is there: no more questions.
    pub(super) fn found(&mut self, key: BlockKey) {
        let before = self.ring.len();
        self.ring.retain(|probe| probe.key != key);
        let removed_unasked = self.unasked > self.ring.len();
        if removed_unasked && self.ring.len() < before {
            self.unasked = self.ring.len();
        }
    }

    /// A new question, to be asked soon.
    pub(super) fn add(&mut self, key: BlockKey) {
        self.ring.push_front(quick(key));
        self.unasked += 1;
    }

    /// An optional block that 0x11 does not answer is asked for at 0x31 from now on.
    pub(super) fn move_to_mirror(&mut self, key: BlockKey) {
        for probe in self.ring.iter_mut().filter(|probe| probe.key == key) {
            probe.key.device = if key.device == INVERTER { MIRROR } else { INVERTER };
        }
    }
}

const fn quick(key: BlockKey) -> Probe {
    Probe { key, patient: false }
}
