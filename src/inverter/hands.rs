//! The link of an inverter as the executor has it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::commands::Stop;
use super::{Ended, Task};
use crate::control::execute::{Cut, Line};
use crate::control::{Known, Outcome};
use crate::frame::{BlockKey, Serial};
use crate::link::{Connection, Permit, Writer};
use crate::lock::Lease;

/// Says whether a lease is held for long enough.
pub(super) type Holds = Arc<dyn Fn() -> bool + Send + Sync>;

/// What the executor works with.
pub(super) struct Hands<'a> {
    pub(super) task: &'a mut Task,
    connection: &'a mut Connection,
    /// The lease for writing, where there is one.
    lease: Option<Lease>,
    /// Why the connection ended, if it did.
    pub(super) ended: Option<Ended>,
}

/// As long as it lives, an order or an undoing is at work, which is stopped at a register and not anywhere.
#[derive(Debug)]
pub(super) struct Busy(watch::Sender<bool>);

impl<'a> Hands<'a> {
    pub(super) fn new(task: &'a mut Task, connection: &'a mut Connection, lease: Option<Lease>) -> Self {
        Self { task, connection, lease, ended: None }
    }

    /// The blocks in which these registers are read.
    fn blocks_of(&self, registers: &[u16]) -> Result<BTreeSet<BlockKey>, Cut> {
        let block = |register: &u16| {
            let key = self.task.block_of(*register);
            key.ok_or_else(|| Cut::Unread(format!("HR {register} is in no block that is read")))
        };
        registers.iter().map(block).collect()
    }

    async fn read_blocks(&mut self, keys: BTreeSet<BlockKey>, by: Instant) -> Result<Known, Cut> {
        for key in keys {
            match self.task.read_now(key, by, self.connection).await {
                Ok(()) => {}
                Err(Stop::Ended(ended)) => {
                    let why = ended.to_string();
                    self.ended = Some(ended);
                    return Err(Cut::Over(why));
                }
                Err(Stop::Outcome(Outcome::Unreachable { why })) => return Err(Cut::Unread(why)),
                Err(Stop::Outcome(outcome)) => return Err(Cut::Unread(outcome.to_string())),
            }
        }
        self.task.context().map(|context| context.known).map_err(|outcome| Cut::Unread(outcome.to_string()))
    }
}

impl Line for Hands<'_> {
    async fn read(&mut self, registers: &[u16], by: Instant) -> Result<Known, Cut> {
        let keys = self.blocks_of(registers)?;
        self.read_blocks(keys, by).await
    }

    async fn read_unless_fresh(&mut self, registers: &[u16], by: Instant) -> Result<Known, Cut> {
        let mut keys = self.blocks_of(registers)?;
        let fresh = self.task.fresh_blocks();
        keys.retain(|key| !fresh.contains(key));
        self.read_blocks(keys, by).await
    }

    fn writer(&mut self) -> &mut Writer {
        &mut self.connection.writer
    }

    fn patience(&self) -> Duration {
        self.task.inverter.timeout
    }

    fn permit(&self, least: Duration) -> Permit {
        let link = self.task.link_holds.clone();
        match &self.lease {
            Some(lease) => {
                let writing = lease.holds_for(least);
                Box::new(move || writing() && link.as_ref().is_some_and(|link| link()))
            }
            None => Box::new(move || link.as_ref().is_some_and(|link| link())),
        }
    }

    fn stops(&self) -> bool {
        self.task.stop.is_cancelled() || self.lease.as_ref().is_some_and(Lease::is_lost)
    }

    fn is_other(&mut self, serial: Serial) {
        self.ended = Some(Ended::OtherInverter(serial));
    }

    fn wrote(&mut self, register: u16, is_undoing: bool) {
        let today = self.task.inverter.zone.to_datetime(self.task.inverter.clock.now()).date();
        self.task.ours.insert(register);
        // It may have changed what stands elsewhere too.
        self.task.lately.clear();
        self.task.worn.count(register, today, is_undoing);
    }
}

// === impl Busy ===

impl Busy {
    pub(super) fn of(busy: &watch::Sender<bool>) -> Self {
        busy.send_replace(true);
        Self(busy.clone())
    }

    /// Completes when nothing is at work.
    pub(super) async fn over(mut busy: watch::Receiver<bool>) {
        // Nobody is left who could be at work.
        let _ = busy.wait_for(|busy| !busy).await;
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.send_replace(false);
    }
}
