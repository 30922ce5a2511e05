//! Which families publish a value.

use crate::plant::Family;

/// Some of the families.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Families(u8);

pub(super) const SINGLE_PHASE: Families = Families::one(Family::SinglePhase);
pub(super) const PV_ONLY: Families = Families::one(Family::PvOnly);
pub(super) const THREE_PHASE: Families = Families::one(Family::ThreePhase);
pub(super) const EMS: Families = Families::one(Family::Ems);
pub(super) const GATEWAY: Families = Families::one(Family::Gateway);
/// Those whose strings are read where a single-phase inverter has them.
pub(super) const STRINGS: Families = SINGLE_PHASE.and(PV_ONLY);
pub(super) const ALL: Families = STRINGS.and(THREE_PHASE).and(EMS).and(GATEWAY);

impl Families {
    pub(super) const fn one(family: Family) -> Self {
        Self(1 << family as u8)
    }

    /// These and those.
    pub(super) const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether a family is among them.
    pub const fn contains(self, family: Family) -> bool {
        self.0 & Self::one(family).0 != 0
    }

    /// Their names, for people.
    pub fn names(self) -> String {
        if self == ALL {
            return "all".to_owned();
        }
        let names: Vec<&str> =
            Family::ALL.into_iter().filter(|&family| self.contains(family)).map(Family::name).collect();
        names.join(", ")
    }
}
