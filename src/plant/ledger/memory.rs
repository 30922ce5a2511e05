//! What of the counters survives a restart.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::clock::Clock;
use super::derived::Derivations;
use super::today::Today;
use super::total::Total;
use super::{Counter, Ledger, Parts, certain_today, certain_total};
use crate::plant::snapshot::Energy;

/// A machine without a clock of its own starts with the time at which it was stopped: at least so much may have passed
/// since, ms.
const LEAST_PAUSE: i64 = 3_600_000;

/// What of the counters survives a restart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// When this was so, on the monotonic clock of that process, ms.
    at: i64,
    clock: Clock,
    counters: Vec<Remembered>,
    derived: Derivations,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Remembered {
    name: String,
    device: u8,
    #[serde(default)]
    total: Option<Total>,
    #[serde(default)]
    today: Option<Today>,
}

impl Ledger {
    /// What must survive a restart, as of `at` on the process' monotonic clock, ms.
    pub fn memory(&self, at: i64) -> Memory {
        let counters = self.counters.iter().map(|(counter, parts)| Remembered {
            name: counter.name.to_owned(),
            device: counter.device,
            total: parts.total.clone(),
            today: parts.today.clone(),
        });
        Memory { at, clock: self.clock.clone(), counters: counters.collect(), derived: self.derived.clone() }
    }

    /// Takes up what another process believed `pause` ago by wall time; `at` is this one's monotonic time, ms. What was
    /// read here already is forgotten, the clock apart: says whether that goes with what it was.
    pub fn restore(&mut self, memory: Memory, pause: Duration, at: i64) -> bool {
        let pause = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
        // Times that were x become x + shift, so that the save lies `pause` back.
        let shift = |pause: i64| at.saturating_sub(pause).saturating_sub(memory.at);
        let (exact, long) = (shift(pause), shift(pause.max(LEAST_PAUSE)));
        let mut counters = std::collections::BTreeMap::new();
        for Remembered { name, device, total, today } in memory.counters {
            let Some(&name) = Energy::NAMES.iter().find(|known| **known == name) else { continue };
            let total = total.and_then(|total| total.restored(long));
            let today = today.and_then(|today| today.restored(exact, long));
            counters.insert(Counter { name, device }, Parts { total, today, together: None });
        }
        self.counters = counters;
        let agrees = self.clock.restore(memory.clock.shifted(exact));
        let (total, today) = (self.collect(0, certain_total), self.collect(0, certain_today));
        self.derived = memory.derived.restored(total, today);
        agrees
    }
}
