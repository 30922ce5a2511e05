//! What a session does by the clock, and what it knows of the time without a connection.

use std::time::Duration;

use tokio::time::Instant;

/// Into how many steps a republishing period is cut.
const STEPS: u32 = 30;
/// The most different failures that are told of one outage.
const MOST_REPORTED: usize = 16;

/// What is known of the time without a connection.
#[derive(Default)]
pub(super) struct Outage {
    pub(super) since: Option<Instant>,
    pub(super) attempts: u32,
    pub(super) reported: Vec<String>,
    pub(super) ever_connected: bool,
}

/// The two things that a connection does by the clock.
pub(super) struct Timers {
    pub(super) ping_every: Duration,
    pub(super) ping_at: Instant,
    /// When an answer to the last ping is due at the latest.
    pub(super) answer_by: Option<Instant>,
    pub(super) spread_every: Option<Duration>,
    pub(super) spread_at: Instant,
}

impl Outage {
    pub(super) fn is_new(&mut self, line: &str) -> bool {
        let new = self.reported.len() < MOST_REPORTED && self.reported.iter().all(|reported| reported != line);
        if new {
            self.reported.push(line.to_owned());
        }
        new
    }
}

impl Timers {
    pub(super) fn new(ping_every: Duration, republish_every: Duration) -> Self {
        let now = Instant::now();
        let spread_every =
            (!republish_every.is_zero()).then(|| (republish_every / STEPS).max(Duration::from_millis(100)));
        Self {
            ping_every,
            ping_at: now + ping_every,
            answer_by: None,
            spread_every,
            spread_at: now + spread_every.unwrap_or_default(),
        }
    }

    /// How long an answer to a ping is waited for.
    pub(super) fn patience(&self) -> Duration {
        self.ping_every / 2
    }

    pub(super) fn next(&self) -> Instant {
        let spread = self.spread_every.map(|_| self.spread_at);
        [self.answer_by, spread].into_iter().flatten().fold(self.ping_at, Instant::min)
    }
}
