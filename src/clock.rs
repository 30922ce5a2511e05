//! Wall time, as an argument: what the program calls "now" comes from here, so that a test can say what it is.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

/// A source of wall time.
pub trait Clock: Send + Sync + 'static {
    /// What time it is.
    fn now(&self) -> Timestamp;

    /// How long it takes by tokio's clock until so much has passed by this one, if nobody sets it.
    fn takes(&self, passes: Duration) -> Duration {
        passes
    }
}

/// The clock by which inverters and overrides go: the machine's. A debug build alone can be told another one, for tests
/// with whole processes: `TEST_GIVTCP_CLOCK=SINCE:SPEED` goes so much faster since then (unix seconds).
pub fn system() -> Arc<dyn Clock> {
    #[cfg(debug_assertions)]
    if let Some(fast) = std::env::var("TEST_GIVTCP_CLOCK").ok().and_then(|text| Fast::parse(&text)) {
        tracing::warn!("the clock goes {} times faster, for a test", fast.speed);
        return Arc::new(fast);
    }
    Arc::new(SystemClock)
}

/// Goes faster since a moment, also across restarts.
#[cfg(debug_assertions)]
struct Fast {
    since: Timestamp,
    speed: u32,
}

#[cfg(debug_assertions)]
impl Fast {
    fn parse(text: &str) -> Option<Self> {
        let (since, speed) = text.split_once(':')?;
        let speed = speed.parse().ok().filter(|speed| *speed > 0)?;
        Some(Self { since: Timestamp::from_second(since.parse().ok()?).ok()?, speed })
    }
}

#[cfg(debug_assertions)]
impl Clock for Fast {
    fn now(&self) -> Timestamp {
        let passed = SystemClock.now().duration_since(self.since);
        let speed = i32::try_from(self.speed).unwrap_or(i32::MAX);
        passed.checked_mul(speed).and_then(|passed| self.since.checked_add(passed).ok()).unwrap_or(self.since)
    }

    fn takes(&self, passes: Duration) -> Duration {
        passes / self.speed
    }
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
