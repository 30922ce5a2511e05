use std::time::Duration;

use tokio::time::Instant;

use super::{Journal, JournalError, Record, Step};

/// An open record in the hands of whoever executes it.
#[derive(Debug)]
pub struct Handle {
    journal: Journal,
    record: Record,
    /// What it had run when this process got it.
    ran_before: Duration,
    since: Instant,
}

impl Handle {
    pub(super) fn new(journal: Journal, record: Record) -> Self {
        Self { ran_before: Duration::from_secs(record.ran_seconds), since: Instant::now(), journal, record }
    }

    /// How far it is.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// How long it has run by clocks that nobody sets.
    pub fn ran(&self) -> Duration {
        self.ran_before + self.since.elapsed()
    }

    /// It has run for so long at least, as whoever held it before in this process has counted.
    pub fn has_run(&mut self, ran: Duration) {
        self.ran_before += ran.saturating_sub(self.ran());
    }

    /// How long it may still run, by whichever clock says less; `None` for what does not end.
    pub fn remaining(&self) -> Option<Duration> {
        self.record.remaining(self.journal.clock.now(), self.ran())
    }

    /// Takes a step. It is on the local disk when this returns, and in Redis if that can be reached.
    ///
    /// # Errors
    /// [`JournalError::Step`]; [`JournalError::Overtaken`], after which nothing may be written to the inverter;
    /// [`JournalError::NotKept`], after which nothing may be written either, except that an undoing goes on: its step
    /// counts. A step that failed can be tried again.
    pub async fn advance(&mut self, step: Step) -> Result<(), JournalError> {
        let mut next = self.record.after(&step, self.journal.clock.now())?;
        // It is used up though the step may fail: the disk may have taken it.
        self.record.revision += 1;
        next.revision = self.record.revision;
        next.ran_seconds = self.ran().as_secs();
        let kept = self.journal.local.put(&next).await.map_err(|error| error.of(next.id));
        match &kept {
            Ok(()) => {}
            Err(JournalError::NotKept(_)) if step.is_of_undoing() => {}
            Err(error) => return Err(error.clone()),
        }
        self.record = next;
        self.journal.share_if_possible(&self.record).await?;
        kept
    }

    /// What was begun and never written is done.
    pub(super) async fn give_up(&mut self) {
        for step in [Step::Undo, Step::Done] {
            if let Err(error) = self.advance(step).await {
                tracing::debug!("journal: {error}");
            }
        }
    }
}
