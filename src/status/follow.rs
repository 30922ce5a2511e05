//! One inverter's statuses, at hand: looked for every few seconds, read only when something may have changed.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::{Stamp, Status, StatusError, StatusManager};
use crate::clock::Clock;
use crate::frame::Serial;

/// How often it is looked whether anything has changed.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often all is read though nothing seems to have changed.
const READ_EVERY: Duration = Duration::from_secs(60);
/// What was known is no longer told after so many looks in a row that failed.
const FAILURES: u32 = 3;

/// What is known of an inverter's statuses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Seen {
    /// Nothing: what keeps them cannot be asked, or was not yet.
    #[default]
    Unknown,
    /// These are set.
    Known(Vec<Status>),
}

/// What is known of an inverter's statuses now. Dropping it ends the looking.
#[derive(Debug)]
pub struct Following {
    newest: watch::Receiver<Seen>,
    _looking: AbortOnDropHandle<()>,
}

impl Following {
    /// What is known now.
    pub fn now(&self) -> Seen {
        self.newest.borrow().clone()
    }

    /// Completes when something else is known than was when this was last called.
    pub async fn changed(&mut self) {
        if self.newest.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// What one look needs to know of those before.
#[derive(Default)]
pub(super) struct Looking {
    read_at: Option<Instant>,
    stamp: Option<Stamp>,
    held: Vec<Status>,
    failures: u32,
}

/// Follows the statuses of one inverter, from now until what is returned is dropped.
pub fn follow(manager: Arc<dyn StatusManager>, inverter: Serial, clock: Arc<dyn Clock>) -> Following {
    let (sender, newest) = watch::channel(Seen::Unknown);
    let task = tokio::spawn(async move {
        let mut looking = Looking::default();
        loop {
            let outcome = looking.look(&*manager, inverter).await;
            let seen = looking.seen(outcome, &*clock);
            if let Some(seen) = seen {
                sender.send_if_modified(|known| {
                    let differs = *known != seen;
                    *known = seen;
                    differs
                });
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    });
    Following { newest, _looking: AbortOnDropHandle::new(task) }
}

impl Looking {
    /// Reads what is set, unless nothing can have changed.
    pub(super) async fn look(&mut self, manager: &dyn StatusManager, inverter: Serial) -> Result<(), StatusError> {
        let stamp = manager.stamp(inverter).await?;
        let is_fresh = self.read_at.is_some_and(|at| at.elapsed() < READ_EVERY);
        if is_fresh && stamp.is_some() && stamp == self.stamp {
            return Ok(());
        }
        // What is changed after this look at the stamp changes the next one.
        self.held = manager.list(inverter).await?;
        (self.read_at, self.stamp) = (Some(Instant::now()), stamp);
        Ok(())
    }

    /// What is known after a look; nothing new where it failed and may succeed soon.
    pub(super) fn seen(&mut self, outcome: Result<(), StatusError>, clock: &dyn Clock) -> Option<Seen> {
        match outcome {
            Ok(()) => {
                if self.failures >= FAILURES {
                    tracing::info!("statuses can be read again, and so it is known whether an override runs");
                }
                self.failures = 0;
                let now = clock.now();
                Some(Seen::Known(self.held.iter().filter(|status| !status.is_over(now)).cloned().collect()))
            }
            Err(error) => {
                self.failures = self.failures.saturating_add(1);
                self.read_at = None;
                if self.failures == FAILURES {
                    tracing::warn!("{error}; until this is mended it is not known whether an override runs");
                }
                (self.failures >= FAILURES).then_some(Seen::Unknown)
            }
        }
    }
}
