//! Before the process stops: what the battery would follow on is undone.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::super::session::CLOSING;
use super::super::{Ended, Parting, Task};
use crate::link::Connection;
use crate::overrides::journal::{Record, RecordId};
use crate::overrides::meeting::undone_at_stop;

/// An undoing that failed is tried again after this.
const AGAIN: Duration = Duration::from_secs(1);

impl Task {
    /// Undoes what may not be left, as far as there is time until then.
    pub(in crate::inverter) async fn undo_at_stop(&mut self, by: Instant, connection: &mut Connection) {
        // What was at work has stopped at its register; this is not to.
        self.stop = CancellationToken::new();
        self.take_up_overrides().await;
        let why = match *self.inverter.parting.borrow() {
            Parting::Removed => "it is in the settings no more",
            Parting::Stops | Parting::GoesOn => "the program stops",
        };
        let records = self.timed.records().filter(|record| self.is_undone_at_stop(record));
        let ids: Vec<RecordId> = records.map(|record| record.id).collect();
        for id in ids {
            // One that fails is tried on for as long as there is time.
            while let Some(place) = self.timed.place_of(id) {
                match self.undo_override(place, why, by, connection).await {
                    Ok(None) => break,
                    Ok(Some(_)) if Instant::now() + AGAIN < by => sleep(AGAIN).await,
                    Ok(Some(_)) | Err(_) => return,
                }
            }
        }
    }

    /// What may not be left and could not be undone, since the link is down: it is connected to again while there is time
    /// until `by`. What is left on then is said.
    pub(in crate::inverter) async fn undo_without_a_link(&mut self, by: Instant) {
        let mut why = "no time was left".to_owned();
        while self.has_to_undo() && self.holds_link() && Instant::now() + AGAIN < by {
            match timeout_at(by, self.reconnect_and_undo(by)).await {
                Ok(Ok(())) => "it was not undone in time".clone_into(&mut why),
                Ok(Err(ended)) => why = ended.to_string(),
                Err(_) => break,
            }
            if self.has_to_undo() {
                sleep_until(by.min(Instant::now() + AGAIN)).await;
            }
        }
        if self.has_to_undo() && self.holds_link() {
            self.say_left_on(&why);
        }
        if *self.inverter.parting.borrow() == Parting::Stops && self.holds_link() {
            self.say_goes_on();
        }
    }

    fn has_to_undo(&self) -> bool {
        self.timed.records().any(|record| self.is_undone_at_stop(record))
    }

    fn is_undone_at_stop(&self, record: &Record) -> bool {
        match *self.inverter.parting.borrow() {
            Parting::Stops => undone_at_stop(record, self.inverter.policy.undo_all_at_stop),
            Parting::GoesOn => false,
            Parting::Removed => undone_at_stop(record, true),
        }
    }

    /// Whoever stands by leaves it to the process that has the inverter.
    fn holds_link(&self) -> bool {
        self.link.as_ref().is_some_and(|lease| !lease.is_lost())
    }

    async fn reconnect_and_undo(&mut self, by: Instant) -> Result<(), Ended> {
        let address = self.address().await?;
        let resource = self.link_resource(address);
        let Some(lease) = self.link.as_ref().filter(|lease| lease.resource() == resource) else {
            return Err(Ended::Unwanted);
        };
        self.link_holds = Some(Arc::new(lease.holds_for(self.inverter.timeout)));
        self.link_fence = lease.fence();
        let mut connection = self.open(address).await?;
        self.timed.begin_connection();
        self.lately.clear();
        let outcome = self.identify(&mut connection).await;
        if outcome.is_ok() {
            self.undo_at_stop(by, &mut connection).await;
        }
        self.link_holds = None;
        connection.close(CLOSING).await;
        outcome
    }

    /// What goes on without the program, as the settings want it.
    fn say_goes_on(&self) {
        for record in self.timed.records().filter(|record| !self.is_undone_at_stop(record)) {
            let until = record.end.map_or_else(|| "for ever".to_owned(), |end| format!("until {:.0}", end.at));
            let set: Vec<String> = record
                .registers()
                .map(|register| format!("HR {}, which was {}", register.address, register.found))
                .collect();
            tracing::info!(
                inverter.name = %self.inverter.name,
                "{} goes on in inverter {} {until} without this program (control.on_stop); the next start puts back what it has set: {}",
                record.what, record.inverter, set.join("; ")
            );
        }
    }

    fn say_left_on(&self, why: &str) {
        for record in self.timed.records().filter(|record| self.is_undone_at_stop(record)) {
            let until = record.end.map_or_else(|| "for ever".to_owned(), |end| format!("beyond {:.0}", end.at));
            let open = record.registers().filter(|register| register.is_open() && register.found != register.write);
            let by_hand: Vec<String> =
                open.map(|register| format!("HR {} to {}", register.address, register.found)).collect();
            tracing::error!(
                inverter.name = %self.inverter.name,
                "{} is left on in inverter {}, {until}: it could not be undone before the program stops ({why}). The next \
                 start undoes it; by hand: `givtcp override stop --all` when the inverter answers, or its settings as they \
                 were ({})",
                record.what, record.inverter, by_hand.join(", ")
            );
        }
    }
}
