//! Overrides that are called off.

use tokio::time::Instant;

use super::super::Task;
use super::super::commands::Stop;
use super::ending::UNDOING;
use super::order::one;
use crate::control::{LEFT, Outcome, OverrideKind, Report, Touched};
use crate::link::Connection;
use crate::overrides::journal::{JournalError, Register, Step};

impl Task {
    /// Keeps that what runs of this kind is called off: from here on it is undone, whether or not the inverter answers
    /// now.
    pub(in crate::inverter) async fn keep_called_off(&mut self, kind: OverrideKind) {
        self.take_up_overrides().await;
        let Some(running) = self.timed.of_kind(kind).and_then(|place| self.timed.running.get_mut(place)) else {
            return;
        };
        if running.is_undoing() {
            return;
        }
        match running.handle.advance(Step::Undo).await {
            Ok(()) | Err(JournalError::NotKept(_)) => {}
            Err(error) => {
                return tracing::warn!(inverter.name = %self.inverter.name, "{} is called off: {error}", kind.name());
            }
        }
        running.undo_at = None;
        running.fault = Some("called off, and not undone yet".to_owned());
        self.timed.look_by(Instant::now());
        self.weigh_overrides();
    }

    /// Ends what runs of this kind.
    pub(super) async fn call_off(
        &mut self,
        kind: OverrideKind,
        asked: String,
        is_dry_run: bool,
        deadline: Instant,
        connection: &mut Connection,
    ) -> Result<Report, Stop> {
        let running = self.timed.of_kind(kind).and_then(|place| Some((place, self.timed.running.get(place)?)));
        let Some((place, running)) = running else {
            let outcome = self.timed.unread.as_ref().map_or(Outcome::Unchanged, |why| {
                let why = format!("whether it runs cannot be known: {why}; try again when that can be read");
                Outcome::unreachable(why)
            });
            return Ok(Report::new(asked, outcome));
        };
        let open: Vec<Register> =
            running.handle.record().registers().filter(|register| register.is_open()).cloned().collect();
        if is_dry_run {
            let plan = open.iter().map(|register| one(register.address, register.found)).collect();
            return Ok(Report { plan, ..Report::new(asked, Outcome::Planned) });
        }
        // One that nobody waits for any more is undone all the same.
        let now = Instant::now();
        let by = if now < deadline { deadline } else { now + UNDOING };
        match self.undo_override(place, "it was called off", by, connection).await? {
            None => {
                let left = std::mem::take(&mut self.timed.undone.left);
                let touched = open.iter().filter(|register| register.found != register.write);
                let touched = touched.filter(|register| !left.contains(&register.address));
                let touched = touched
                    .map(|register| Touched::new(register.address, Some(register.write), self.known(register.address)));
                let registers = touched.collect();
                let notes = self.left_to_others(&left).map(Into::into).into_iter().collect();
                Ok(Report { registers, notes, ..Report::new(asked, Outcome::Applied) })
            }
            Some(why) => {
                let why = format!("it is not undone yet, and tried on: {why}");
                Ok(Report::new(asked, Outcome::unreachable(why)))
            }
        }
    }

    /// What is told of registers that were left to whoever changed them.
    fn left_to_others(&mut self, left: &[u16]) -> Option<String> {
        let shown = |register: &u16| {
            let holds = self.known(*register).map_or_else(|| "?".to_owned(), |holds| holds.to_string());
            format!("HR {register} at {holds}")
        };
        let all: Vec<String> = left.iter().map(shown).collect();
        (!all.is_empty()).then(|| format!("{LEFT} to whoever changed it: {}", all.join(", ")))
    }
}
