//! The steps that a record may take: pure.

use jiff::Timestamp;

use super::record::{End, Group, Progress, Record, Register, Stage, What};

/// One step of a plan or of its undoing. Each is recorded before what it announces is done (`Writing`, `Restoring`,
/// `Undo`), or after it was seen to be done (the others).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// These registers are about to be written.
    Writing(Which),
    /// These registers hold what was to be written: that was read back. Not written at all is right where a register
    /// holds it already.
    Written(Which),
    /// All is written.
    Applied,
    /// An override that is applied goes on until another end; these registers are about to be written for that, as
    /// `(group, register, value)`. What was found stays what it was.
    Prolong(End, Vec<(usize, usize, u16)>),
    /// From here on it is undone.
    Undo,
    /// These registers, as far as they may have been written, are about to be restored.
    Restoring(Which),
    /// These registers hold what was found: that was read back. Not written at all is right where a register holds it
    /// already.
    Restored(Which),
    /// These registers hold something that nobody here wrote: somebody else's, and left alone.
    Left(Which),
    /// Nothing is left to do.
    Done,
}

/// Which registers a step is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// A whole group, by its place in the record.
    Group(usize),
    /// One register, by its group's place and its own.
    Register(usize, usize),
}

/// Why a record may not take a step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// The record is not so far, or farther.
    #[error("{step} is no step of a record that is {stage:?}")]
    Stage {
        /// The step.
        step: &'static str,
        /// How far the record is.
        stage: Stage,
    },
    /// There is no such group or register.
    #[error("there is no register at {0:?}")]
    NoRegister(Which),
    /// A register is not so far, or farther.
    #[error("{step} is no step of HR {address}, which is {progress:?}")]
    Progress {
        /// The step.
        step: &'static str,
        /// Which register.
        address: u16,
        /// How far it is.
        progress: Progress,
    },
    /// An override ends by being undone.
    #[error("an override is not done before it was undone")]
    NotUndone,
}

impl Step {
    /// What it is called.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Writing(_) => "writing",
            Self::Written(_) => "written",
            Self::Applied => "applied",
            Self::Prolong(..) => "prolong",
            Self::Undo => "undo",
            Self::Restoring(_) => "restoring",
            Self::Restored(_) => "restored",
            Self::Left(_) => "left",
            Self::Done => "done",
        }
    }

    /// Whether it leads to the end: nothing may stop it.
    pub const fn is_of_undoing(&self) -> bool {
        matches!(self, Self::Undo | Self::Restoring(_) | Self::Restored(_) | Self::Left(_) | Self::Done)
    }
}

impl Record {
    /// The record after a step, at this time; its revision is its caller's to raise.
    ///
    /// # Errors
    /// [`StepError`]: the step is not allowed, and the record is as it was.
    pub fn after(&self, step: &Step, now: Timestamp) -> Result<Self, StepError> {
        let mut next = self.clone();
        let name = step.name();
        match step {
            Step::Writing(which) => {
                self.must_be(name, &[Stage::Planned])?;
                next.turn(name, *which, |register| match register.progress {
                    Progress::Untouched | Progress::Writing => Some(Progress::Writing),
                    _ => None,
                })?;
            }
            Step::Written(which) => {
                self.must_be(name, &[Stage::Planned])?;
                next.turn(name, *which, |register| match register.progress {
                    Progress::Writing | Progress::Written => Some(Progress::Written),
                    Progress::Untouched if register.found == register.write => Some(Progress::Written),
                    _ => None,
                })?;
                next.registers_of(*which)?.for_each(|register| register.earlier = None);
            }
            Step::Applied => {
                self.must_be(name, &[Stage::Planned])?;
                self.all_must_be(name, |register| register.progress == Progress::Written)?;
                next.stage = Stage::Applied;
            }
            Step::Prolong(end, changes) => {
                self.must_be(name, &[Stage::Applied])?;
                next.prolong(*end, changes)?;
            }
            Step::Undo => {
                self.must_be(name, &[Stage::Planned, Stage::Applied])?;
                next.stage = Stage::Undoing;
            }
            Step::Restoring(which) => {
                self.must_be(name, &[Stage::Undoing])?;
                next.turn_open(*which, Progress::Restoring)?;
            }
            Step::Restored(which) => {
                self.must_be(name, &[Stage::Undoing])?;
                next.turn_open(*which, Progress::Restored)?;
            }
            Step::Left(which) => {
                self.must_be(name, &[Stage::Undoing])?;
                next.turn_open(*which, Progress::Left)?;
            }
            Step::Done => {
                self.may_be_done()?;
                next.stage = Stage::Done;
                next.done_at = Some(now);
            }
        }
        Ok(next)
    }

    fn may_be_done(&self) -> Result<(), StepError> {
        self.must_be("done", &[Stage::Applied, Stage::Undoing])?;
        match (&self.what, self.stage) {
            (What::Override(_), Stage::Applied) => Err(StepError::NotUndone),
            (What::Plan(_), Stage::Applied) => Ok(()),
            _ => self.all_must_be("done", |register| !register.is_open()),
        }
    }

    fn prolong(&mut self, end: End, changes: &[(usize, usize, u16)]) -> Result<(), StepError> {
        for &(group, place, value) in changes {
            for register in self.registers_of(Which::Register(group, place))? {
                register.earlier = Some(register.write);
                register.write = value;
                register.progress = Progress::Writing;
            }
        }
        self.end = Some(end);
        if !changes.is_empty() {
            self.stage = Stage::Planned;
        }
        Ok(())
    }

    fn must_be(&self, step: &'static str, allowed: &[Stage]) -> Result<(), StepError> {
        if allowed.contains(&self.stage) { Ok(()) } else { Err(StepError::Stage { step, stage: self.stage }) }
    }

    fn all_must_be(&self, step: &'static str, is_so: fn(&Register) -> bool) -> Result<(), StepError> {
        match self.registers().find(|register| !is_so(register)) {
            Some(&Register { address, progress, .. }) => Err(StepError::Progress { step, address, progress }),
            None => Ok(()),
        }
    }

    fn registers_of(&mut self, which: Which) -> Result<std::slice::IterMut<'_, Register>, StepError> {
        let none = StepError::NoRegister(which);
        let (Which::Group(group) | Which::Register(group, _)) = which;
        let Group { registers, .. } = self.groups.get_mut(group).ok_or_else(|| none.clone())?;
        match which {
            Which::Group(_) => Ok(registers.iter_mut()),
            Which::Register(_, place) => Ok(registers.get_mut(place..=place).ok_or(none)?.iter_mut()),
        }
    }

    /// Each of these registers becomes what `next` says, all or none.
    fn turn(
        &mut self,
        step: &'static str,
        which: Which,
        next: fn(&Register) -> Option<Progress>,
    ) -> Result<(), StepError> {
        for register in self.registers_of(which)? {
            let Register { address, progress, .. } = *register;
            register.progress = next(register).ok_or(StepError::Progress { step, address, progress })?;
        }
        Ok(())
    }

    /// Those of these registers that are not settled become `next`.
    fn turn_open(&mut self, which: Which, next: Progress) -> Result<(), StepError> {
        for register in self.registers_of(which)?.filter(|register| register.is_open()) {
            register.progress = next;
        }
        Ok(())
    }
}
