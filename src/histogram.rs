//! How long things took: counted in buckets, by whoever does them, and looked at by whoever wants to know.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Durations in buckets.
#[derive(Debug)]
pub struct Histogram {
    /// Upper bounds of the buckets, s, ascending; what is longer is in one more.
    bounds: &'static [f64],
    counts: Box<[AtomicU64]>,
    /// µs.
    sum: AtomicU64,
    /// Of the last ones, each weighing an eighth less than the one after it, µs; 0 before the first.
    recent: AtomicU64,
}

/// What a [`Histogram`] said at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// Each bound, s, and how many durations were no longer.
    pub buckets: Vec<(f64, u64)>,
    /// How many there were.
    pub count: u64,
    /// All of them together, s.
    pub sum: f64,
}

impl Histogram {
    /// Nothing yet, with these bounds, s, ascending.
    pub fn new(bounds: &'static [f64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, counts, sum: AtomicU64::new(0), recent: AtomicU64::new(0) }
    }

    /// It took so long.
    pub fn observe(&self, took: Duration) {
        let place = self.bounds.partition_point(|bound| *bound < took.as_secs_f64());
        if let Some(count) = self.counts.get(place) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.sum.fetch_add(micros, Ordering::Relaxed);
        let before = self.recent.load(Ordering::Relaxed);
        let recent = if before == 0 { micros } else { before - before / 8 + micros / 8 };
        self.recent.store(recent, Ordering::Relaxed);
    }

    /// How long it takes of late; `None` before the first.
    pub fn recent(&self) -> Option<Duration> {
        Some(self.recent.load(Ordering::Relaxed)).filter(|micros| *micros > 0).map(Duration::from_micros)
    }

    /// All of it as it is now.
    pub fn distribution(&self) -> Distribution {
        let mut count = 0;
        let mut of = |one: &AtomicU64| {
            count += one.load(Ordering::Relaxed);
            count
        };
        let buckets = self.bounds.iter().zip(&self.counts).map(|(bound, one)| (*bound, of(one))).collect();
        if let Some(longer) = self.counts.last() {
            of(longer);
        }
        Distribution { buckets, count, sum: self.sum.load(Ordering::Relaxed) as f64 / 1e6 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_duration_is_in_every_bucket_that_is_long_enough_and_what_is_longer_is_counted_too() {
        let took = Histogram::new(&[0.1, 0.5]);
        assert_eq!((took.recent(), took.distribution().count), (None, 0));
        for millis in [100, 101, 500, 9000] {
            took.observe(Duration::from_millis(millis));
        }
        let told = took.distribution();
        assert_eq!((told.buckets, told.count), (vec![(0.1, 1), (0.5, 3)], 4));
        assert!((told.sum - 9.701).abs() < 1e-9);
        assert!(took.recent().is_some_and(|recent| recent > Duration::from_secs(1)));
    }
}
