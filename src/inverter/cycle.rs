//! One poll: under its lock, block by block, until all are read or its time is over.

use tokio::time::{Instant, timeout_at};

use super::{Ended, Task};
use crate::frame::BlockKey;
use crate::link::{Connection, LinkError, Patience};
use crate::lock::LockError;
use crate::poll::Cycle;
use crate::registers::plan;

/// After this many blocks in a row without an answer, in one cycle or several, the connection is given up.
const SILENT_BLOCKS: u32 = 6;

/// How a block's read went.
enum Outcome {
    Read,
    /// Refused, rejected, or not answered.
    Failed {
        silent: bool,
    },
    /// The cycle's time was over first.
    OutOfTime,
}

impl Task {
    /// A cycle that gets no lock in time is skipped: what is known stays.
    pub(super) async fn locked_cycle(
        &mut self,
        cycle: Cycle,
        connection: &mut Connection,
        first: bool,
    ) -> Result<(), Ended> {
        let Some(serial) = self.plant.identity().map(|identity| identity.serial) else { return Ok(()) };
        let resource = format!("inverter_read:{serial}");
        match self.inverter.locks.acquire(&resource, &self.owner, Some(self.inverter.lock_timeout)).await {
            Ok(lease) => {
                let outcome = tokio::select! {
                    biased;
                    () = lease.lost() => Err(LockError::Lost { resource: resource.clone() }.into()),
                    outcome = self.cycle(cycle, connection, first) => outcome,
                };
                drop(lease);
                outcome
            }
            Err(LockError::Timeout { .. }) => {
                self.report.skipped();
                self.report.publish(&self.plant, &self.inverter);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn cycle(&mut self, cycle: Cycle, connection: &mut Connection, first: bool) -> Result<(), Ended> {
        let end = Instant::now() + cycle.lasts;
        let before = self.report.answers();
        let Some(mut blocks) = self.plant.capabilities().map(|found| plan::blocks(found, cycle.due)) else {
            return Ok(());
        };
        if first && cycle.due.settings {
            // The first exchange of the connection has just read it.
            blocks.remove(0);
        }
        for key in blocks {
            match self.read(key, Patience::live(self.inverter.timeout), end, connection).await? {
                Outcome::Read => {}
                Outcome::Failed { silent } => {
                    self.report.failed(silent);
                    if self.report.is_overdue() {
                        self.report.offline(&self.plant, &self.inverter);
                    }
                    self.plant.failed(key);
                    self.try_mirror(key, end, connection).await?;
                }
                Outcome::OutOfTime => {
                    self.plant.failed(key);
                    break;
                }
            }
            let silent = self.report.silent_blocks();
            if silent >= SILENT_BLOCKS {
                self.report.publish(&self.plant, &self.inverter);
                return Err(Ended::Silent(silent));
            }
            if first {
                self.report.publish(&self.plant, &self.inverter);
            }
        }
        self.end_of_cycle(before);
        self.probe(cycle, end, connection).await
    }

    /// Shows the cycle's values before anything absent is looked for.
    fn end_of_cycle(&mut self, answers_before: u64) {
        if self.report.answers() > answers_before {
            self.report.cycle_done();
        } else if self.report.is_overdue() {
            self.report.offline(&self.plant, &self.inverter);
        }
        self.report.publish(&self.plant, &self.inverter);
    }

    /// Looks for what may be there, until enough of it was not.
    async fn probe(&mut self, cycle: Cycle, end: Instant, connection: &mut Connection) -> Result<(), Ended> {
        let mut failures = 0;
        let mut asked = 0;
        while failures < cycle.probes && !(self.plant.all_probed() && asked >= cycle.probes) {
            let Some(probe) = self.plant.next_probe() else { break };
            asked += 1;
            let patience = if probe.patient { Patience::live(self.inverter.timeout) } else { Patience::PROBE };
            match self.read(probe.key, patience, end, connection).await? {
                Outcome::Read => self.report.publish(&self.plant, &self.inverter),
                Outcome::Failed { .. } => {
                    failures += 1;
                    self.plant.probe_failed(probe.key);
                    if connection.reader.is_lost() {
                        return Err(Ended::ProbeUnanswered);
                    }
                }
                Outcome::OutOfTime => break,
            }
            if cycle.probes == u8::MAX && self.plant.all_probed() {
                break;
            }
        }
        Ok(())
    }

    /// What 0x11 does not answer may stand at 0x31.
    async fn try_mirror(&mut self, key: BlockKey, end: Instant, connection: &mut Connection) -> Result<(), Ended> {
        let Some(mirror) = self.plant.mirror_of(key) else { return Ok(()) };
        if let Outcome::Read = self.read(mirror, Patience::PROBE, end, connection).await? {
            self.plant.use_mirror(mirror);
        }
        Ok(())
    }

    async fn read(
        &mut self,
        key: BlockKey,
        patience: Patience,
        end: Instant,
        connection: &mut Connection,
    ) -> Result<Outcome, Ended> {
        while let Some(block) = connection.reader.try_unsolicited() {
            self.take_foreign(block)?;
        }
        match timeout_at(end, connection.reader.read(key, patience)).await {
            Ok(Ok(block)) => Ok(if self.take(block)? { Outcome::Read } else { Outcome::Failed { silent: false } }),
            Ok(Err(error @ (LinkError::Lost(_) | LinkError::Connect { .. }))) => Err(error.into()),
            Ok(Err(error)) => {
                tracing::debug!(inverter.name = %self.inverter.name, "{error}");
                Ok(Outcome::Failed { silent: matches!(error, LinkError::Timeout { .. }) })
            }
            Err(_) => Ok(Outcome::OutOfTime),
        }
    }
}
