//! Blocking work, one piece after another, with a deadline: a disk that hangs holds up one thread and no task.
//!
//! What ran out of time is not stopped, since nothing can stop it; but what comes after it waits for its end, so that an
//! old write never lands on a newer one.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// One piece of work at a time. Clones are the same lane.
#[derive(Clone, Debug, Default)]
pub struct Lane(Arc<Mutex<()>>);

/// Why work has no outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LaneError {
    /// It, or what was before it, takes too long. It may still be done.
    #[error("no answer within {}s", .0.as_secs_f64())]
    Late(Duration),
    /// It panicked.
    #[error("failed inside, please report this")]
    Panicked,
}

impl Lane {
    /// Nothing is at work.
    pub fn new() -> Self {
        Self::default()
    }

    /// Does `work` on a thread of its own, after what was begun before, in all at most `deadline`. Work that was begun is
    /// done even if the future is dropped.
    ///
    /// # Errors
    /// [`LaneError`].
    pub async fn run<T: Send + 'static>(
        &self,
        deadline: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, LaneError> {
        let working = async {
            let turn = Arc::clone(&self.0).lock_owned().await;
            let task = spawn_blocking(move || {
                let outcome = work();
                drop(turn);
                outcome
            });
            task.await.map_err(|_| LaneError::Panicked)
        };
        timeout(deadline, working).await.unwrap_or(Err(LaneError::Late(deadline)))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn what_hangs_is_reported_and_what_follows_waits_for_its_end() {
        let lane = Lane::new();
        let (go, wait) = mpsc::channel::<()>();
        let soon = Duration::from_millis(30);
        assert_eq!(lane.run(soon, move || wait.recv().is_ok()).await, Err(LaneError::Late(soon)));
        assert_eq!(lane.run(soon, || 1).await, Err(LaneError::Late(soon)), "it is not overtaken");
        go.send(()).unwrap();
        assert_eq!(lane.run(Duration::from_secs(5), || 2).await, Ok(2));
    }

    #[tokio::test]
    async fn work_that_panics_leaves_the_lane_free() {
        let lane = Lane::new();
        let deadline = Duration::from_secs(5);
        assert_eq!(lane.run::<()>(deadline, || panic!("on purpose")).await, Err(LaneError::Panicked));
        assert_eq!(lane.run(deadline, || 1).await, Ok(1));
    }
}
