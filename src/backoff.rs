//! How long to rest before the next attempt to connect, to a device or a broker.

use std::time::Duration;

use fastrand::Rng;

/// Rests with full jitter: anything up to a bound that doubles with each failure, so that many clients of one device or
/// router do not come back in step. At least a tenth of the bound, so that no attempt follows at once.
#[derive(Clone, Debug)]
pub struct Backoff {
    base: Duration,
    failures: u32,
    rng: Rng,
}

impl Backoff {
    /// Rests whose first bound is `base`.
    pub fn new(base: Duration, seed: u64) -> Self {
        Self { base, failures: 0, rng: Rng::with_seed(seed) }
    }

    /// The next rest, never above `cap`.
    pub fn next_rest(&mut self, cap: Duration) -> Duration {
        let bound = self.base.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX)).min(cap);
        self.failures = self.failures.saturating_add(1).min(31);
        bound.mul_f64(0.1 + 0.9 * self.rng.f64())
    }

    /// Begins again at the first bound. For when a request was answered, not merely when a connection was made: a host
    /// that accepts and says nothing should not be asked every second.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_grow_to_the_cap_and_begin_again_after_a_reset() {
        let (base, cap) = (Duration::from_secs(1), Duration::from_secs(60));
        let mut backoff = Backoff::new(base, 7);
        let mut longest = Duration::ZERO;
        for failures in 0..100 {
            let bound = cap.min(base * (1 << failures.min(6)));
            let rest = backoff.next_rest(cap);
            assert!(rest <= bound && rest >= bound / 10, "{rest:?} of {bound:?}");
            longest = longest.max(rest);
        }
        assert!(longest > cap * 2 / 3, "{longest:?}");
        backoff.reset();
        assert!(backoff.next_rest(cap) <= base);
    }

    #[test]
    fn one_seed_rests_alike_and_two_do_not() {
        let rests = |seed| {
            let mut backoff = Backoff::new(Duration::from_secs(1), seed);
            (0..20).map(|_| backoff.next_rest(Duration::from_secs(60))).collect::<Vec<_>>()
        };
        assert_eq!(rests(1), rests(1));
        assert_ne!(rests(1), rests(2));
    }
}
