use std::collections::VecDeque;

use super::{BATTERIES, INVERTER, METERS, Model};
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
    ring: VecDeque<Question>,
}

#[derive(Clone, Debug)]
struct Question {
    probe: Probe,
    asked: bool,
}

impl Probes {
    pub(super) fn of(model: Model) -> Self {
        let mut probes = Vec::new();
        if model.is_supported() {
            if model.has_low_voltage_batteries() {
                probes.extend(
                    BATTERIES.map(|device| Probe { key: plan::battery(device), patient: device == *BATTERIES.start() }),
                );
            }
            probes.extend(plan::OPTIONAL.map(|(bank, base)| quick(BlockKey::new(INVERTER, bank, base, 60))));
            probes.extend(METERS.map(|device| quick(plan::meter(device))));
            if model.has_low_voltage_batteries() {
                probes.push(quick(plan::lv_bcu()));
            }
        }
        Self { ring: probes.into_iter().map(unasked).collect() }
    }

    /// The next question, those that were never asked first. It goes to the end of the ring until it is found.
    pub(super) fn next(&mut self) -> Option<Probe> {
        let at = self.ring.iter().position(|question| !question.asked).unwrap_or(0);
        let probe = self.ring.remove(at)?.probe;
        self.ring.push_back(Question { probe, asked: true });
        Some(probe)
    }

    /// Whether every question was asked at least once.
    pub(super) fn all_asked(&self) -> bool {
        self.ring.iter().all(|question| question.asked)
    }

    /// This one is there: no more questions.
    pub(super) fn found(&mut self, key: BlockKey) {
        self.ring.retain(|question| question.probe.key != key);
    }

    /// A new question, to be asked soon, unless it stands already.
    pub(super) fn add(&mut self, key: BlockKey) {
        if !self.ring.iter().any(|question| question.probe.key == key) {
            self.ring.push_front(unasked(quick(key)));
        }
    }
}

const fn unasked(probe: Probe) -> Question {
    Question { probe, asked: false }
}

const fn quick(key: BlockKey) -> Probe {
    Probe { key, patient: false }
}
