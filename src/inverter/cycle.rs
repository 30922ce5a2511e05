//! One poll: under its lock, block by block, until all are read or its time is over.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use super::hands::Busy;
use super::session::Taken;
use super::{Ended, Task};
use crate::frame::{Bank, BlockKey};
use crate::link::{Connection, Kind, LinkError, Patience};
use crate::lock::{Lease, LockError};
use crate::poll::Cycle;
use crate::registers::plan;

/// After this many blocks in a row without an answer, in one cycle or several, the connection is given up.
const SILENT_BLOCKS: u32 = 6;

/// A connection without any answer for so many cycles is given up.
const SILENT_CYCLES: u32 = 3;
/// How often a block is read in a row until it is believed: what is held wants one further read that agrees, or two.
const READS_OF_HELD: u8 = 4;
/// How often in a cycle it is tried to confirm what a block said.
const READS_TO_CONFIRM: u8 = 2;
/// How often settings that could not be read are asked for again in the next cycle.
const SETTINGS_RETRIES: u8 = 3;

/// How many devices that keep failing are asked in a cycle: each may cost as long as a request waits.
const FAILING_DEVICES: usize = 2;

/// After so many failures in a row a device is thought to be gone rather than disturbed.
const GONE_AFTER: u32 = 10;

/// How a block's read went.
pub(super) enum Outcome {
    Read,
    /// Refused, rejected, or not answered.
    Failed {
        silent: bool,
    },
    /// The cycle's time was over first.
    OutOfTime,
}

const fn once(timeout: Duration) -> Patience {
    Patience { deadline: timeout, retries: 0, pause: Duration::ZERO }
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
        match self.lease(&resource).await {
            Ok(lease) => {
                let busy = self.busy.subscribe();
                let outcome = tokio::select! {
                    biased;
                    // An order goes to its end: it has leases of its own.
                    () = async { lease.lost().await; Busy::over(busy).await } => None,
                    outcome = self.cycle(cycle, connection, first) => Some(outcome),
                };
                drop(lease);
                outcome.unwrap_or_else(|| {
                    self.skip();
                    Ok(())
                })
            }
            // The link's lease is held as long as this runs, and keeps others off by itself.
            Err(error @ LockError::Backend { .. }) => {
                tracing::debug!(inverter.name = %self.inverter.name, "polling under the link's lock alone: {error}");
                self.cycle(cycle, connection, first).await
            }
            Err(LockError::Timeout { .. }) => {
                self.skip();
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A cycle that is not read, or not to its end, is counted.
    fn skip(&mut self) {
        self.report.skipped();
        self.report.publish(&mut self.plant, &self.inverter);
    }

    /// Waits for a lock; that the inverter has been silent for too long is said meanwhile too.
    pub(super) async fn lease(&mut self, resource: &str) -> Result<Lease, LockError> {
        let (locks, owner) = (Arc::clone(&self.inverter.locks), self.owner.clone());
        let acquiring = locks.acquire(resource, &owner, Some(self.inverter.lock_timeout));
        let mut acquiring = std::pin::pin!(acquiring);
        loop {
            let offline_at = self.report.offline_at();
            tokio::select! {
                biased;
                lease = &mut acquiring => return lease,
                () = sleep_until(offline_at.unwrap_or_else(Instant::now)), if offline_at.is_some() => {
                    self.report.offline(&mut self.plant, &self.inverter);
                }
            }
        }
    }

    async fn cycle(&mut self, cycle: Cycle, connection: &mut Connection, first: bool) -> Result<(), Ended> {
        let mut end = Instant::now() + cycle.lasts;
        let (began, before) = (Instant::now(), self.report.answers());
        self.ask_what_it_is(end, connection).await?;
        let mut blocks = self.due_blocks(cycle, first).into_iter();
        let (due, mut undisturbed) = (blocks.len(), true);
        let mut confirmed = BTreeSet::new();
        let mut in_time = true;
        self.tell_time();
        while in_time && let Some(key) = blocks.next() {
            self.take_an_order(&mut end, connection).await?;
            // That it keeps failing says nothing of the connection.
            let (failing, asked) = (self.plant.keeps_failing(key), Instant::now());
            let outcome = self.read_due(key, end, connection).await?;
            // How long a block takes is not told by one for which an answer was waited in vain before.
            undisturbed &= asked.elapsed() < self.inverter.timeout;
            match outcome {
                Outcome::Read => {}
                Outcome::Failed { silent } => {
                    undisturbed = false;
                    self.plant.failed(key);
                    self.say_offline_in_time();
                    if !failing {
                        self.give_up_if_silent(silent)?;
                    }
                    if connection.reader.is_lost() {
                        blocks.for_each(|rest| self.plant.missed(rest));
                        self.end_of_cycle(cycle, before)?;
                        return Err(Ended::Unanswered);
                    }
                    self.try_mirror(key, end, connection).await?;
                }
                Outcome::OutOfTime => {
                    in_time = false;
                    if undisturbed && !cycle.due.settings {
                        self.say_period_is_short(began.elapsed(), due, blocks.len() + 1);
                    }
                    self.plant.missed(key);
                }
            }
            if first {
                self.confirm(&mut confirmed, end, connection).await?;
                self.report.publish(&mut self.plant, &self.inverter);
            }
        }
        blocks.for_each(|rest| self.plant.missed(rest));
        if in_time {
            self.confirm(&mut confirmed, end, connection).await?;
        }
        self.end_of_cycle(cycle, before)?;
        self.probe_in_time(in_time, cycle, end, connection).await
    }

    /// Reads once more what the plant wants confirmed: each block at most once a cycle, twice if the first of these
    /// reads fails. What is wanted again after that waits for its next turn.
    pub(super) async fn confirm(
        &mut self,
        confirmed: &mut BTreeSet<BlockKey>,
        end: Instant,
        connection: &mut Connection,
    ) -> Result<(), Ended> {
        while let Some(key) = self.plant.wants_again() {
            if !confirmed.insert(key) {
                continue;
            }
            for _ in 0..READS_TO_CONFIRM {
                if connection.reader.is_lost() {
                    return Ok(());
                }
                match self.read(key, once(self.inverter.timeout), end, connection).await? {
                    Outcome::Read => break,
                    Outcome::Failed { .. } => {}
                    Outcome::OutOfTime => return Ok(()),
                }
            }
        }
        Ok(())
    }

    /// What is due: the inverter's own blocks in the order of the plan, then those that were read longest ago, so that
    /// all get their turn where a cycle has not time for all; and what keeps failing last. Of devices that keep failing
    /// a few are asked in each cycle. Where silence ends the connection, they are asked with the settings only.
    fn due_blocks(&self, cycle: Cycle, first: bool) -> Vec<BlockKey> {
        let Some(mut blocks) = self.plant.capabilities().map(|found| plan::blocks(found, cycle.due)) else {
            return Vec::new();
        };
        if first && cycle.due.settings && !blocks.is_empty() {
            // The first exchange of the connection has just read it.
            blocks.remove(0);
        }
        let (failing, mut blocks): (Vec<_>, Vec<_>) =
            blocks.into_iter().partition(|key| self.plant.keeps_failing(*key));
        let own = blocks.iter().take_while(|key| plan::is_inverter(key.device)).count();
        blocks[own..].sort_by_key(|key| self.plant.read_at(*key));
        if self.cut_short > 0 {
            // The inverter's own settings take turns too, or the last of them would never have theirs.
            blocks[..own].sort_by_key(|key| (key.bank == Bank::Holding).then(|| self.plant.read_at(*key)));
        }
        if self.inverter.kind == Kind::Dongle || cycle.due.settings {
            let (own, mut devices): (Vec<_>, Vec<_>) =
                failing.into_iter().partition(|key| plan::is_inverter(key.device));
            devices.sort_by_key(|key| self.plant.failures(*key));
            blocks.extend(own.into_iter().chain(devices.into_iter().take(FAILING_DEVICES)));
        }
        blocks
    }

    /// After a whole cycle with data what was wrong is over.
    fn say_recovered(&mut self) {
        self.said.clear();
        let was_away = std::mem::take(&mut self.was_away);
        let Some(serial) = self.plant.identity().map(|identity| identity.serial) else { return };
        let again = if self.answered.replace(serial) == Some(serial) { " again" } else { "" };
        if was_away {
            tracing::info!(inverter.name = %self.inverter.name, "inverter {serial} answers{again}");
        }
    }

    fn say_offline_in_time(&mut self) {
        if self.report.is_overdue() {
            self.report.offline(&mut self.plant, &self.inverter);
        }
    }

    fn give_up_if_silent(&mut self, silent: bool) -> Result<(), Ended> {
        self.report.failed(silent);
        let blocks = self.report.silent_blocks();
        if blocks < SILENT_BLOCKS {
            return Ok(());
        }
        self.report.publish(&mut self.plant, &self.inverter);
        Err(Ended::Silent(blocks))
    }

    /// Shows the cycle's values before anything absent is looked for.
    fn end_of_cycle(&mut self, cycle: Cycle, answers_before: u64) -> Result<(), Ended> {
        let answered = self.report.answers() > answers_before;
        if answered {
            self.report.cycle_done();
            self.say_recovered();
        }
        self.say_offline_in_time();
        self.report.publish(&mut self.plant, &self.inverter);
        self.want_missing_settings(cycle);
        match self.report.silence() {
            // However long one block may take, and however short a cycle is.
            silence if !answered && silence >= self.inverter.every * SILENT_CYCLES => Err(Ended::Mute(silence)),
            _ => Ok(()),
        }
    }

    /// Settings that could not be read are asked for again in the next cycle, a few times.
    fn want_missing_settings(&mut self, cycle: Cycle) {
        if !cycle.due.settings {
            return;
        }
        if self.plant.lacks_settings() && self.settings_retries < SETTINGS_RETRIES {
            self.settings_retries += 1;
            self.schedule.want_settings();
        } else {
            self.settings_retries = 0;
        }
    }

    /// Reads a block that is due. Where other settings stand at 0x31, one that was not read yet is looked for there
    /// first. What may well be absent gets one chance: waiting for it delays what is not.
    async fn read_due(&mut self, key: BlockKey, end: Instant, connection: &mut Connection) -> Result<Outcome, Ended> {
        let is_new = self.plant.is_new_setting(key);
        if is_new && self.plant.uses_mirror() && self.try_mirror(key, end, connection).await? {
            return Ok(Outcome::Read);
        }
        let may_be_absent = is_new || self.plant.failures(key) >= GONE_AFTER;
        let patience = if may_be_absent { once(self.inverter.timeout) } else { Patience::live(self.inverter.timeout) };
        self.read(key, patience, end, connection).await
    }

    /// What 0x11 does not answer may stand at 0x31; says whether it does.
    async fn try_mirror(&mut self, key: BlockKey, end: Instant, connection: &mut Connection) -> Result<bool, Ended> {
        let Some(mirror) = self.plant.mirror_of(key) else { return Ok(false) };
        let outcome = self.read(mirror, Patience::PROBE, end, connection).await?;
        Ok(matches!(outcome, Outcome::Read) && self.plant.use_mirror(mirror))
    }

    pub(super) async fn read(
        &mut self,
        key: BlockKey,
        patience: Patience,
        end: Instant,
        connection: &mut Connection,
    ) -> Result<Outcome, Ended> {
        while let Some(block) = connection.reader.try_unsolicited() {
            self.take_foreign(block)?;
        }
        // What is held is believed if it reads alike again: at once, so that nothing is a cycle late.
        for _ in 0..READS_OF_HELD {
            match timeout_at(end, connection.reader.read(key, patience)).await {
                Ok(Ok(block)) => match self.take(block)? {
                    Taken::Believed => return Ok(Outcome::Read),
                    Taken::Rejected => break,
                    Taken::Held => {}
                },
                Ok(Err(error @ (LinkError::Lost(_) | LinkError::Connect { .. }))) => return Err(error.into()),
                Ok(Err(error)) => {
                    tracing::debug!(inverter.name = %self.inverter.name, "{error}");
                    return Ok(Outcome::Failed { silent: matches!(error, LinkError::Timeout { .. }) });
                }
                Err(_) => return Ok(Outcome::OutOfTime),
            }
        }
        Ok(Outcome::Failed { silent: false })
    }
}
