//! A recipe that is being made.

use std::collections::BTreeSet;

use crate::control::{Allowed, Context, Place, Refusal};
use crate::overrides::journal::{Group, Register};
use crate::plant::INVERTER;

/// What is found, read and written so far.
pub(super) struct Sheet<'a> {
    pub(super) context: &'a Context,
    pub(super) place: Place,
    what: &'static str,
    groups: Vec<Group>,
    reads: BTreeSet<u16>,
    notes: Vec<&'static str>,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(context: &'a Context, what: &'static str) -> Result<Self, Refusal> {
        let place = context.abilities.place()?;
        Ok(Self { context, place, what, groups: Vec::new(), reads: BTreeSet::new(), notes: Vec::new() })
    }

    /// What a register holds. 0 where it was not read, which is an error in the end.
    pub(super) fn holds(&mut self, register: u16) -> u16 {
        self.reads.insert(register);
        self.context.known.get(register).unwrap_or(0)
    }

    /// Registers that mean something together, in the order of writing.
    pub(super) fn group(&mut self, name: &'static str, writes: &[(u16, u16)]) -> Result<(), Refusal> {
        let abilities = self.context.abilities;
        let mut registers = Vec::with_capacity(writes.len());
        for &(register, value) in writes {
            Allowed::check(register, value, abilities)?;
            let found = self.holds(register);
            Allowed::restore(register, found, abilities)?;
            registers.push(Register::new(INVERTER, register, found, value));
        }
        self.groups.push(Group { name: name.to_owned(), registers });
        Ok(())
    }

    /// Whether such an inverter has this register.
    pub(super) fn has(&self, register: u16) -> bool {
        Allowed::of(register).is_some_and(|allowed| allowed.is_on(self.context.abilities))
    }

    /// This model has nothing that could do it.
    pub(super) fn unsupported(&self, why: &'static str) -> Refusal {
        let model = self.context.abilities.model.name();
        Refusal::NotSupported { what: self.what.to_owned(), model, why }
    }

    pub(super) fn note(&mut self, note: &'static str) {
        self.notes.push(note);
    }

    /// An error that names what was needed and not read.
    pub(super) fn all_read(&self) -> Result<(), Refusal> {
        let is_unread = |register: &u16| self.context.known.get(*register).is_none();
        let unread: Vec<u16> = self.reads.iter().copied().filter(is_unread).collect();
        if unread.is_empty() { Ok(()) } else { Err(Refusal::Unread(unread)) }
    }

    pub(super) fn finish(self) -> (Vec<Group>, Vec<u16>, Vec<&'static str>) {
        (self.groups, self.reads.into_iter().collect(), self.notes)
    }
}
