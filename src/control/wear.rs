//! How often registers were written: they wear out. Pure; whoever writes keeps it.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// What of one inverter's control must survive a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wear {
    /// How often each holding register was written.
    registers: BTreeMap<u16, u64>,
    /// The day of which `today` tells, in the inverter's zone.
    day: Option<String>,
    /// Writes of commands on that day.
    today: u32,
    /// The last reserve below 100 % that was seen, %.
    pub last_reserve: Option<u8>,
}

impl Wear {
    /// A register was written on this day. Undoing is not counted against the day's budget.
    pub fn count(&mut self, register: u16, on: Date, is_undoing: bool) {
        let of_register = self.registers.entry(register).or_default();
        *of_register = of_register.saturating_add(1);
        if !is_undoing {
            self.today = self.on(on).saturating_add(1);
            self.day = Some(on.to_string());
        }
    }

    /// Whether so many registers more may be written on this day.
    pub fn allows(&self, more: usize, on: Date, budget: u32) -> bool {
        u32::try_from(more).is_ok_and(|more| self.on(on).saturating_add(more) <= budget)
    }

    /// Writes of commands on this day.
    pub fn on(&self, day: Date) -> u32 {
        if self.day.as_deref() == Some(&day.to_string()) { self.today } else { 0 }
    }

    /// The last day on which a command wrote, and how many registers it was.
    pub fn last_day(&self) -> Option<(Date, u32)> {
        Some((self.day.as_deref()?.parse().ok()?, self.today))
    }

    /// All writes.
    pub fn total(&self) -> u64 {
        self.registers.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// How often this register was written.
    pub fn of(&self, register: u16) -> u64 {
        self.registers.get(&register).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_its_budget_and_undoing_has_none() {
        let (monday, tuesday) = ("2026-06-01".parse().unwrap(), "2026-06-02".parse().unwrap());
        let mut wear = Wear::default();
        for _ in 0..3 {
            wear.count(110, monday, false);
            wear.count(116, monday, true);
        }
        assert!(wear.allows(2, monday, 5) && !wear.allows(3, monday, 5));
        assert!(wear.allows(5, tuesday, 5), "each day anew");
        assert_eq!((wear.total(), wear.of(116), wear.on(monday)), (6, 3, 3));
        assert_eq!((wear.last_day(), Wear::default().last_day()), (Some((monday, 3)), None));
        let kept: Wear = serde_json::from_str(&serde_json::to_string(&wear).unwrap()).unwrap();
        assert_eq!(kept, wear);
    }
}
