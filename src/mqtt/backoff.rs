//! How long to wait before the next attempt: full jitter, so that many sessions do not return together.

use std::time::Duration;

const BASE: Duration = Duration::from_millis(250);

/// Attempts since the last good connection, and the dice.
#[derive(Debug)]
pub(super) struct Backoff {
    rng: fastrand::Rng,
    attempts: u32,
}

impl Backoff {
    pub(super) fn new(seed: u64) -> Self {
        Self { rng: fastrand::Rng::with_seed(seed), attempts: 0 }
    }

    /// Between nothing and `BASE` doubled with each attempt, never above `cap`.
    pub(super) fn next(&mut self, cap: Duration) -> Duration {
        let ceiling = BASE.saturating_mul(1 << self.attempts.min(16)).min(cap);
        self.attempts = self.attempts.saturating_add(1);
        ceiling.mul_f64(self.rng.f64())
    }

    /// Begins anew after a connection that held.
    pub(super) fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_retry_is_quick_and_later_ones_stay_under_the_cap() {
        let cap = Duration::from_secs(5);
        for seed in 0..200 {
            let mut backoff = Backoff::new(seed);
            assert!(backoff.next(cap) <= BASE);
            assert!((0..100).all(|_| backoff.next(cap) <= cap));
            backoff.reset();
            assert!(backoff.next(cap) <= BASE);
        }
    }

    #[test]
    fn long_waits_happen_once_there_were_many_attempts() {
        let mut backoff = Backoff::new(7);
        let longest = (0..60).map(|_| backoff.next(Duration::from_secs(60))).max();
        assert!(longest > Some(Duration::from_secs(40)), "{longest:?}");
    }
}
