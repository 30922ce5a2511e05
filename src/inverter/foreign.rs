//! Settings that somebody else changed: the vendor's app or portal, the inverter's own display.

use std::collections::BTreeSet;

use super::Task;
use super::execution::Late;
use crate::control::{Allowed, Known};
use crate::event::Whose;

/// Registers that change by themselves, or by their own command only: the clock, stages of a calibration, a restart.
const OWN: [u16; 8] = [29, 35, 36, 37, 38, 39, 40, 163];

/// What the settings were when they were last looked at.
#[derive(Debug, Default)]
pub(super) struct Seen(Known);

/// A setting that is another now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    register: u16,
    from: u16,
    to: u16,
}

impl Seen {
    /// What changed since the last look, but for what was written here. What was never seen before is no change.
    fn look(&mut self, now: &Known, ours: &BTreeSet<u16>) -> Vec<Change> {
        let mut changes = Vec::new();
        for &Allowed { register, .. } in Allowed::ALL.iter().filter(|allowed| !OWN.contains(&allowed.register)) {
            let Some(to) = now.get(register) else { continue };
            if let Some(from) = self.0.get(register).filter(|from| *from != to && !ours.contains(&register)) {
                changes.push(Change { register, from, to });
            }
            self.0.put(register, to);
        }
        changes
    }
}

impl Task {
    /// Tells which settings somebody else changed since the last look. What leads an inverter sets its registers all the
    /// time, and is not told of.
    pub(super) fn notice(&mut self) {
        let Ok(context) = self.context() else { return };
        // One that may still come is ours too.
        let mut ours = std::mem::take(&mut self.ours);
        ours.extend(self.late.iter().map(Late::register));
        let changes = self.seen.look(&context.known, &ours);
        if context.led_by.is_some() {
            return;
        }
        let whose = Whose { name: &self.inverter.name, inverter: context.serial, at: self.inverter.clock.now() };
        for Change { register, from, to } in changes {
            let what = Allowed::of(register).map_or("", |allowed| allowed.what);
            self.inverter.events.setting_changed(whose, register, what, from, to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_change_is_told_once_and_what_is_ours_or_new_is_not() {
        let mut seen = Seen::default();
        let known = |values: &[(u16, u16)]| values.iter().copied().collect::<Known>();
        let none = BTreeSet::new();
        assert_eq!(seen.look(&known(&[(110, 4), (40, 1)]), &none), []);
        let changes = seen.look(&known(&[(110, 20), (116, 80), (40, 2)]), &none);
        assert_eq!(changes, [Change { register: 110, from: 4, to: 20 }]);
        assert_eq!(seen.look(&known(&[(110, 20), (116, 80)]), &none), []);
        assert_eq!(seen.look(&known(&[(110, 30), (116, 80)]), &BTreeSet::from([110])), []);
        assert_eq!(seen.look(&known(&[(110, 30)]), &none), []);
    }
}
