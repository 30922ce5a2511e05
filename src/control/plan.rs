//! The writes that carry a command out, in their order.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::allowed::{Allowed, Own, WriteStep};
use super::context::Place;
use super::{Context, Known, Refusal};
use crate::frame::Serial;

/// What is to be written, in this order, one register after the other, each read back.
///
/// Whatever else happens, a plan whose first step was written is to be completed or undone.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What was asked for, in words.
    pub asked: String,
    /// What was asked for and what there will be, where rounding or a limit comes between.
    pub amount: Option<Amount>,
    /// What whoever asked should know besides.
    pub notes: Vec<&'static str>,
    steps: Vec<Step>,
    reads: BTreeSet<u16>,
}

/// One write and what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What is written.
    pub write: WriteStep,
    /// What that does, in words.
    pub meaning: &'static str,
    /// Which setting it belongs to.
    pub group: Group,
    /// What the register must say afterwards.
    pub check: Check,
    part: Part,
}

/// What a step belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "groups name themselves")]
pub enum Group {
    Rate,
    Target,
    Reserve,
    Slot,
    Schedule,
    Mode,
    Pause,
    Power,
    Plant,
    Clock,
    System,
}

/// What a register must say after it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// What was written.
    Same,
    /// What was written and the time since, as all six registers of the clock together.
    Clock,
    /// Anything but 0: what was begun goes through stages.
    Begun,
    /// Nothing: the inverter restarts.
    Nothing,
}

/// How a step stands to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// A setting: needless where it is so already.
    Setting,
    /// An act: done whatever is there.
    Act,
    /// A flag that is taken back while others change, and needless without them.
    Off,
    /// The same flag set again, if it had to be taken back.
    On,
}

/// A quantity as it was asked for, and as there will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// As it was asked for.
    pub asked: i64,
    /// As the register will have it.
    pub achieved: i64,
    /// Of both.
    pub unit: Unit,
}

/// What an amount is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// W.
    #[serde(rename = "W")]
    Watts,
    /// %.
    #[serde(rename = "%")]
    Percent,
}

/// A plan that is being made.
pub(super) struct Draft<'a> {
    context: &'a Context,
    plan: Plan,
}

// === impl Plan ===

impl Plan {
    /// What is to be written.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether all is so already.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The holding registers that must be read afresh before it is executed: those that it writes, and those that
    /// decided on what it writes. If one of the latter turns out to be another than the plan was made from, a new plan
    /// is to be made.
    pub fn reads(&self) -> impl Iterator<Item = u16> + '_ {
        self.reads.iter().copied()
    }

    /// The same without what these registers hold already. A register that was not read is written.
    ///
    /// Steps come one after the other, so each is judged by what the ones before it leave. A flag that is only taken back
    /// while others change stays as it is when nothing else is left to be written; and it is not set again if it was
    /// found not to be set.
    #[must_use]
    pub fn against(&self, registers: &Known) -> Self {
        let mut now: BTreeMap<u16, u16> = BTreeMap::new();
        let mut off = BTreeSet::new();
        let mut steps = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            let (register, value) = (step.write.register(), step.write.value());
            let holds = now.get(&register).copied().or_else(|| registers.get(register));
            let is_needed = match step.part {
                Part::Act => true,
                Part::Setting | Part::Off => holds != Some(value),
                Part::On => off.contains(&register),
            };
            if is_needed {
                if step.part == Part::Off {
                    off.insert(register);
                }
                now.insert(register, value);
                steps.push(step.clone());
            }
        }
        if !steps.iter().any(|step| matches!(step.part, Part::Setting | Part::Act)) {
            steps.clear();
        }
        Self { steps, ..self.clone() }
    }
}

/// `charge rate 2600 W: HR 111 = 32 (charge rate); 2621 W`, for the log.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.asked)?;
        if self.steps.is_empty() {
            f.write_str(" nothing to write")?;
        }
        for (place, step) in self.steps.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            write!(f, "{comma} HR {} = {} ({})", step.write.register(), step.write.value(), step.meaning)?;
        }
        match self.amount {
            Some(Amount { achieved, unit: Unit::Watts, .. }) => write!(f, "; {achieved} W"),
            Some(Amount { achieved, unit: Unit::Percent, .. }) => write!(f, "; {achieved} %"),
            None => Ok(()),
        }
    }
}

// === impl Draft ===

impl<'a> Draft<'a> {
    pub(super) fn new(context: &'a Context, asked: String) -> Self {
        let plan = Plan { asked, amount: None, notes: Vec::new(), steps: Vec::new(), reads: BTreeSet::new() };
        Self { context, plan }
    }

    pub(super) fn context(&self) -> &'a Context {
        self.context
    }

    /// Where the inverter's settings stand.
    pub(super) fn place(&self) -> Result<Place, Refusal> {
        self.context.abilities.place()
    }

    /// What is asked for is nothing that this model has.
    pub(super) fn unsupported(&self, why: &'static str) -> Refusal {
        self.context.unsupported(&self.plan.asked, why)
    }

    /// What is asked for must be meant.
    pub(super) fn not_confirmed(&self, serial: Serial) -> Refusal {
        Refusal::NotConfirmed { what: self.plan.asked.clone(), serial }
    }

    /// A slot that lasts no time, or all day.
    pub(super) fn empty_slot(&self) -> Refusal {
        Refusal::EmptySlot(self.plan.asked.clone())
    }

    /// What these registers hold, on which the plan depends.
    pub(super) fn read<const N: usize>(&mut self, registers: [u16; N]) -> Result<[u16; N], Refusal> {
        self.plan.reads.extend(registers);
        let known = &self.context.known;
        let unread: Vec<u16> = registers.into_iter().filter(|&register| known.get(register).is_none()).collect();
        if !unread.is_empty() {
            return Err(Refusal::Unread(unread));
        }
        Ok(registers.map(|register| known.get(register).unwrap_or_default()))
    }

    /// A setting.
    pub(super) fn set(
        &mut self,
        register: u16,
        value: u16,
        group: Group,
        meaning: &'static str,
    ) -> Result<(), Refusal> {
        let write = Allowed::check(register, value, self.context.abilities)?;
        self.push(Step { write, meaning, group, check: Check::Same, part: Part::Setting });
        Ok(())
    }

    /// A flag of one setting.
    pub(super) fn flag(
        &mut self,
        register: u16,
        on: bool,
        group: Group,
        meaning: [&'static str; 2],
    ) -> Result<(), Refusal> {
        self.set(register, u16::from(on), group, meaning[usize::from(on)])
    }

    /// A flag taken back while others change.
    pub(super) fn take_back(&mut self, register: u16, group: Group, meaning: &'static str) -> Result<(), Refusal> {
        let write = Allowed::check(register, 0, self.context.abilities)?;
        self.push(Step { write, meaning, group, check: Check::Same, part: Part::Off });
        Ok(())
    }

    /// The same flag set again.
    pub(super) fn set_again(&mut self, register: u16, group: Group, meaning: &'static str) -> Result<(), Refusal> {
        let write = Allowed::check(register, 1, self.context.abilities)?;
        self.push(Step { write, meaning, group, check: Check::Same, part: Part::On });
        Ok(())
    }

    /// A register of the command's own. Only real-time control is a setting, the others are acts.
    pub(super) fn own(&mut self, register: u16, value: u16, own: Own, meaning: &'static str) -> Result<(), Refusal> {
        let write = Allowed::check_own(register, value, self.context.abilities, own)?;
        let (group, check, part) = match own {
            Own::Clock => (Group::Clock, Check::Clock, Part::Act),
            Own::Reboot => (Group::System, Check::Nothing, Part::Act),
            Own::Calibration if value == 0 => (Group::System, Check::Same, Part::Setting),
            Own::Calibration => (Group::System, Check::Begun, Part::Act),
            Own::RealTimeControl => (Group::System, Check::Same, Part::Setting),
        };
        self.push(Step { write, meaning, group, check, part });
        Ok(())
    }

    pub(super) fn achieve(&mut self, asked: i64, achieved: i64, unit: Unit) {
        self.plan.amount = Some(Amount { asked, achieved, unit });
    }

    pub(super) fn note(&mut self, note: &'static str) {
        self.plan.notes.push(note);
    }

    fn push(&mut self, step: Step) {
        self.plan.reads.insert(step.write.register());
        self.plan.steps.push(step);
    }

    pub(super) fn finish(self) -> Plan {
        self.plan
    }
}
