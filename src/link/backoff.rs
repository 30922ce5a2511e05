use std::time::Duration;

use fastrand::Rng;

/// How long to rest before the next attempt to connect.
///
/// Full jitter: anything up to a bound that doubles from 1 s with each failure, so that many clients of one device or
/// router do not come back in step. At least a tenth of the bound, so that no attempt follows at once.
#[derive(Clone, Debug)]
pub struct Backoff {
    cap: Duration,
    failures: u32,
    rng: Rng,
}

impl Backoff {
    /// The first bound.
    pub const BASE: Duration = Duration::from_secs(1);
    /// The highest bound, unless another is set.
    pub const CAP: Duration = Duration::from_secs(60);

    /// Rests that grow up to `cap`.
    pub fn new(cap: Duration, seed: u64) -> Self {
        Self { cap, failures: 0, rng: Rng::with_seed(seed) }
    }

    /// The next rest.
    pub fn next_rest(&mut self) -> Duration {
        let bound = Self::BASE.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX)).min(self.cap);
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
        let mut backoff = Backoff::new(Backoff::CAP, 7);
        for failures in 0..100 {
            let bound = Backoff::CAP.min(Duration::from_secs(1 << failures.min(6)));
            let rest = backoff.next_rest();
            assert!(rest >= bound / 10 && rest <= bound, "{rest:?} after {failures} failures");
        }
        backoff.reset();
        assert!(backoff.next_rest() <= Backoff::BASE);
    }

    #[test]
    fn the_seed_decides() {
        let rests = |seed| {
            let mut backoff = Backoff::new(Backoff::CAP, seed);
            [(); 5].map(|()| backoff.next_rest())
        };
        assert_eq!(rests(1), rests(1));
        assert_ne!(rests(1), rests(2));
    }
}
