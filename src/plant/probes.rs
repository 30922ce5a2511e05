use std::collections::VecDeque;

use super::{BATTERIES, Capabilities, INVERTER, METERS, MIRROR, Model, stacks};
use crate::frame::{Bank, BlockKey};
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
    /// How often it was put and left without a good answer.
    asked: u8,
}

/// Devices fall silent for seconds, so everything is asked for twice before the questions become rare.
const PASSES: u8 = 2;

/// Blocks of settings that decide on which commands there are: the slots 3 to 10, the pause mode.
const SLOTS_AND_MODES: [u16; 2] = [240, 300];

impl Probes {
    pub(super) fn of(model: Model) -> Self {
        let mut probes = Vec::new();
        if model.has_low_voltage_batteries() {
            probes.extend(
                BATTERIES.map(|device| Probe { key: plan::battery(device), patient: device == *BATTERIES.start() }),
            );
        }
        if model.has_high_voltage_batteries() {
            probes.push(Probe { key: plan::bms(), patient: true });
            probes.push(Probe { key: plan::controller(stacks::CONTROLLERS.start), patient: true });
        }
        let optional = plan::optional(model).into_iter();
        probes.extend(optional.map(|block| quick(BlockKey::new(INVERTER, block.bank, block.base, 60))));
        if model.is_supported() {
            probes.extend(METERS.map(|device| quick(plan::meter(device))));
        }
        if model.has_low_voltage_batteries() {
            probes.push(quick(plan::lv_bcu()));
        }
        Self { ring: probes.into_iter().map(unasked).collect() }
    }

    /// The next question, those that were asked least first. It goes to the end of the ring until it is found.
    pub(super) fn next(&mut self) -> Option<Probe> {
        let least = self.ring.iter().map(|question| question.asked).min()?;
        let at = self.ring.iter().position(|question| question.asked == least)?;
        let question = self.ring.remove(at)?;
        let probe = question.probe;
        self.ring.push_back(question);
        Some(probe)
    }

    /// The question was put, and what there was to wait for has come or not.
    pub(super) fn asked(&mut self, key: BlockKey) {
        for question in self.ring.iter_mut().filter(|question| question.probe.key == key) {
            question.asked = question.asked.saturating_add(1);
        }
    }

    /// Whether this was asked often enough to be believed absent.
    pub(super) fn was_asked(&self, key: BlockKey) -> bool {
        let mut questions = self.ring.iter().filter(|question| question.probe.key == key);
        questions.all(|question| question.asked >= PASSES)
    }

    /// The first question about a block of the inverter's settings that was not asked yet.
    pub(super) fn of_settings(&self) -> Option<BlockKey> {
        let unasked = self.ring.iter().filter(|question| question.asked == 0).map(|question| question.probe.key);
        unasked
            .into_iter()
            .find(|key| key.device == INVERTER && key.bank == Bank::Holding && SLOTS_AND_MODES.contains(&key.base))
    }

    /// Whether every question was asked at least once.
    pub(super) fn all_asked_once(&self) -> bool {
        self.ring.iter().all(|question| question.asked > 0)
    }

    /// Whether every question was asked often enough to be asked rarely from now on.
    pub(super) fn all_asked(&self) -> bool {
        self.ring.iter().all(|question| question.asked >= PASSES)
    }

    /// The same of what stores energy alone. A meter that appears raises a question of its own, which says nothing of
    /// the batteries.
    pub(super) fn batteries_asked(&self) -> bool {
        let mut questions = self.ring.iter().filter(|question| is_of_batteries(question.probe.key.device));
        questions.all(|question| question.asked >= PASSES)
    }

    /// This one is there: no more questions.
    pub(super) fn found(&mut self, key: BlockKey) {
        self.ring.retain(|question| question.probe.key != key);
    }

    /// What is known needs no questions.
    pub(super) fn skip(&mut self, known: &Capabilities) {
        self.ring.retain(|question| !is_known(question.probe.key, known));
    }

    /// A new question, to be asked soon, unless it stands already.
    pub(super) fn add(&mut self, key: BlockKey, patient: bool) {
        if !self.ring.iter().any(|question| question.probe.key == key) {
            self.ring.push_front(unasked(Probe { key, patient }));
        }
    }
}

fn is_known(key: BlockKey, known: &Capabilities) -> bool {
    match key.device {
        INVERTER | MIRROR if key == plan::lv_bcu() => known.lv_bcu,
        INVERTER | MIRROR => known.extra.contains(&(key.bank, key.base)),
        device if BATTERIES.contains(&device) => known.batteries.contains(&device),
        device if device == stacks::BMS => known.bms,
        device if stacks::CONTROLLERS.contains(&device) && key == plan::controller(device) => {
            known.stacks.iter().any(|stack| stack.controller == device)
        }
        device if stacks::MODULES.contains(&device) => known.stacks.iter().any(|stack| stack.modules.contains(&device)),
        device if METERS.contains(&device) && key.bank == Bank::Input => known.meters.contains(&device),
        _ => false,
    }
}

fn is_of_batteries(device: u8) -> bool {
    BATTERIES.contains(&device)
        || device == stacks::BMS
        || stacks::CONTROLLERS.contains(&device)
        || stacks::MODULES.contains(&device)
}

const fn unasked(probe: Probe) -> Question {
    Question { probe, asked: 0 }
}

const fn quick(key: BlockKey) -> Probe {
    Probe { key, patient: false }
}
