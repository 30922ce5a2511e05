//! What became of the orders of one inverter, counted.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::{By, Outcome};
use crate::histogram::Histogram;

/// What orders are told apart by, s; each is answered within nine.
const TOOK: [f64; 8] = [0.25, 0.5, 1.0, 2.0, 3.0, 4.5, 6.0, 9.0];

/// How many orders came to what.
#[derive(Debug)]
pub struct Tally {
    counts: Mutex<BTreeMap<Key, u64>>,
    took: Histogram,
}

/// By which way an order came, and the word of its outcome.
type Key = (&'static str, &'static str);

impl Default for Tally {
    /// None yet.
    fn default() -> Self {
        Self { counts: Mutex::default(), took: Histogram::new(&TOOK) }
    }
}

impl Tally {
    pub(super) fn count(&self, by: By, outcome: &Outcome, took: Duration) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((by.name(), outcome.word())).or_default() += 1;
        self.took.observe(took);
    }

    /// How many there were, by the way that they came and the word of their outcome.
    pub fn counts(&self) -> BTreeMap<Key, u64> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How long it took until their outcome was told.
    pub fn took(&self) -> &Histogram {
        &self.took
    }
}
