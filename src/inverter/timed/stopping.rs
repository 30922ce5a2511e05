//! Before the process stops: what the battery would follow on is undone.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::super::Task;
use crate::link::Connection;
use crate::overrides::journal::RecordId;
use crate::overrides::meeting::undone_at_stop;

/// An undoing that failed is tried again after this.
const AGAIN: Duration = Duration::from_secs(1);

impl Task {
    /// Undoes what may not be left, as far as there is time.
    pub(in crate::inverter) async fn undo_at_stop(&mut self, connection: &mut Connection) {
        // What was at work has stopped at its register; this is not to.
        self.stop = CancellationToken::new();
        self.take_up_overrides().await;
        let by = Instant::now() + self.inverter.policy.stop_timeout;
        let all = self.inverter.policy.undo_all_at_stop;
        let records = self.timed.records().filter(|record| undone_at_stop(record, all));
        let ids: Vec<RecordId> = records.map(|record| record.id).collect();
        for id in ids {
            // One that fails is tried on for as long as there is time.
            while let Some(place) = self.timed.place_of(id) {
                match self.undo_override(place, "the program stops", by, connection).await {
                    Ok(None) => break,
                    Ok(Some(_)) if Instant::now() + AGAIN < by => sleep(AGAIN).await,
                    Ok(Some(_)) | Err(_) => return,
                }
            }
        }
    }
}
