//! A counter since ever, as published.

use serde::{Deserialize, Serialize};

use super::track::{Flow, Point, Track, Verdict};

/// A fall of no more than this, kWh, is a firmware that counts a little anew: what is published waits for it to catch
/// up, instead of going down.
const SMALL_FALL: f64 = 1.0;

/// A counter since ever.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Total {
    track: Track,
    /// What is published, kWh.
    held: f64,
    /// How often it began anew.
    beginnings: u32,
    /// Whether a reading of this process was believed: nothing else is published.
    #[serde(skip)]
    fresh: bool,
}

// === impl Total ===

impl Total {
    /// Judges a reading; `full` is where the register goes on with 0, kWh.
    pub fn observe(&mut self, reading: Point, flow: Flow, full: Option<f64>) -> Verdict {
        let reading = full.map_or(reading, |full| self.track.unrolled(reading, full, flow, SMALL_FALL));
        let verdict = self.track.observe(reading, flow);
        match verdict {
            Verdict::Believed => self.held = self.held.max(reading.kwh),
            Verdict::Anew if reading.kwh < self.held && reading.kwh >= self.held - SMALL_FALL => {}
            Verdict::Anew => {
                self.held = reading.kwh;
                self.beginnings = self.beginnings.wrapping_add(1);
            }
            _ => return verdict,
        }
        self.fresh = true;
        verdict
    }

    /// What is published, kWh.
    pub fn published(&self) -> Option<f64> {
        self.fresh.then_some(self.held)
    }

    /// What the register shows for certain, kWh; less than what is published after a step back.
    pub fn confirmed(&self) -> Option<f64> {
        Some(self.track.confirmed()?.kwh)
    }

    /// What is published, if it was believed no longer than `ms` ago.
    pub fn recent(&self, now: i64, ms: i64) -> Option<f64> {
        self.published().filter(|_| self.track.last().is_some_and(|last| now - last.at <= ms))
    }

    /// Whether that was read in this process, and nothing newer waits to be believed: sums are made of such alone, or
    /// they would add counters of different hours after an outage.
    pub fn is_settled(&self) -> bool {
        self.fresh && self.track.is_own() && !self.track.is_contradicted()
    }

    /// How often it began anew.
    pub fn beginnings(&self) -> u32 {
        self.beginnings
    }

    /// The same in another process, whose monotonic clock shows `ms` more.
    pub fn restored(self, ms: i64) -> Option<Self> {
        let sane = self.held.is_finite() && self.held >= 0.0;
        sane.then(|| Self { track: self.track.shifted(ms), fresh: false, ..self })
    }
}
