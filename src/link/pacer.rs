use std::time::Duration;

use fastrand::Rng;
use tokio::time::Instant;

use super::Options;

/// Keeps requests apart, from one being transmitted to the next.
#[derive(Debug)]
pub(super) struct Pacer {
    gap: Duration,
    jitter: Duration,
    rng: Rng,
    due: Option<Instant>,
}

impl Pacer {
    pub(super) fn new(options: &Options) -> Self {
        Self { gap: options.gap, jitter: options.jitter, rng: Rng::with_seed(options.seed), due: None }
    }

    /// When the next request may go; the first may at once.
    pub(super) fn due(&self, now: Instant) -> Instant {
        self.due.unwrap_or(now).max(now)
    }

    pub(super) fn transmitted(&mut self, now: Instant) {
        self.due = Some(now + self.gap + self.jitter.mul_f64(self.rng.f64()));
    }
}
