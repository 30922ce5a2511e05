//! What is due when: a pure schedule over the process' monotonic time.

use std::time::Duration;

use crate::registers::plan::Due;

/// No cycle lasts longer, however long its period.
const LONGEST_CYCLE: Duration = Duration::from_secs(20);
/// Once everything was asked for, one probe in this time looks for what is new.
const PROBE_EVERY: Duration = Duration::from_secs(600);
/// How many probes of absent devices a cycle may lose time with.
const PROBES_A_CYCLE: u8 = 2;

/// When the next cycle begins, and what it reads.
#[derive(Clone, Debug)]
pub struct Schedule {
    every: Duration,
    settings_every: Duration,
    next: Duration,
    settings_at: Duration,
    probe_at: Duration,
}

/// One cycle's share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// What is read.
    pub due: Due,
    /// How long it may last, whatever is left to read.
    pub lasts: Duration,
    /// How many probes may fail in it.
    pub probes: u8,
}

impl Schedule {
    /// Everything is due at once; then live blocks every `every`, settings every `settings_every`.
    pub fn new(every: Duration, settings_every: Duration) -> Self {
        Self { every, settings_every, next: Duration::ZERO, settings_at: Duration::ZERO, probe_at: PROBE_EVERY }
    }

    /// Everything is due at once again: the connection was lost, and who knows what happened meanwhile.
    pub fn restart(&mut self) {
        self.next = Duration::ZERO;
        self.settings_at = Duration::ZERO;
    }

    /// When the next cycle begins.
    pub fn next(&self) -> Duration {
        self.next
    }

    /// Settings are read in the next cycle.
    pub fn want_settings(&mut self) {
        self.settings_at = Duration::ZERO;
    }

    /// Begins the cycle at `now`. Cycles keep to their grid; those that were missed are not made up for.
    pub fn begin(&mut self, now: Duration, all_probed: bool) -> Cycle {
        let settings = now >= self.settings_at;
        if settings {
            self.settings_at = now + self.settings_every;
        }
        self.next = self.after(now);
        let probes = if all_probed { u8::from(now >= self.probe_at) } else { PROBES_A_CYCLE };
        if probes > 0 {
            self.probe_at = now + PROBE_EVERY;
        }
        Cycle { due: Due { live: true, settings }, lasts: self.every.min(LONGEST_CYCLE), probes }
    }

    /// The next time on the grid of this cycle; after a restart the grid begins at `now`.
    fn after(&self, now: Duration) -> Duration {
        if self.next.is_zero() {
            return now + self.every;
        }
        let missed = (now.saturating_sub(self.next).as_nanos() / self.every.as_nanos().max(1)) as u32;
        self.next + self.every * missed.saturating_add(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn live_blocks_are_due_each_period_and_settings_each_of_theirs() {
        let mut schedule = Schedule::new(s(15), s(300));
        let mut settings_at = Vec::new();
        for cycle in 0..41 {
            let now = s(7 + 15 * cycle);
            assert!(cycle == 0 || schedule.next() == now);
            if schedule.begin(now, true).due.settings {
                settings_at.push(cycle);
            }
        }
        assert_eq!(settings_at, [0, 20, 40]);
    }

    #[test]
    fn missed_cycles_are_not_made_up_for() {
        let mut schedule = Schedule::new(s(10), s(300));
        schedule.begin(s(0), true);
        schedule.begin(s(47), true);
        assert_eq!(schedule.next(), s(50));
    }

    #[test]
    fn a_cycle_lasts_the_shorter_of_its_period_and_twenty_seconds() {
        assert_eq!(Schedule::new(s(15), s(300)).begin(s(5), true).lasts, s(15));
        assert_eq!(Schedule::new(s(60), s(300)).begin(s(5), true).lasts, s(20));
    }

    #[test]
    fn settings_can_be_wanted_sooner() {
        let mut schedule = Schedule::new(s(15), s(300));
        schedule.begin(s(0), true);
        assert!(!schedule.clone().begin(s(15), true).due.settings);
        schedule.want_settings();
        assert!(schedule.begin(s(15), true).due.settings);
    }

    #[test]
    fn probes_are_two_a_cycle_until_all_were_asked_and_then_rare() {
        let mut schedule = Schedule::new(s(15), s(300));
        let probes: Vec<u8> = (0..90).map(|cycle| schedule.begin(s(15 * cycle), cycle >= 7).probes).collect();
        assert_eq!(probes[..7], [2; 7]);
        let at: Vec<usize> = (7..90).filter(|&cycle| probes[cycle] > 0).collect();
        assert_eq!(at, [46, 86], "600 s after the last, and again");
    }

    #[test]
    fn after_a_restart_everything_is_due_at_once_and_the_grid_begins_anew() {
        let mut schedule = Schedule::new(s(15), s(300));
        schedule.begin(s(0), true);
        schedule.restart();
        assert!(schedule.next() <= s(20));
        assert!(schedule.begin(s(20), true).due.settings);
        assert_eq!(schedule.next(), s(35));
    }
}
