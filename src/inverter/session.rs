//! One connection, from its lease to its end.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{Ended, Request, Task};
use crate::frame::{Bank, BlockKey};
use crate::link::{self, Block, Connection, Connector, Patience};
use crate::lock::LockError;
use crate::plant::{INVERTER, Identity, Memory, Plant, Refused};
use crate::poll::Cycle;
use crate::registers::plan::Due;

/// A link that is closing gets this long to say goodbye.
const CLOSING: Duration = Duration::from_millis(500);

/// No reply is later than this: 2.8 s is the longest that was measured.
const LATE: Duration = Duration::from_secs(6);

/// So often is an inverter asked who it is until it says the same twice.
const MOST_FIRST_READS: u32 = 5;

/// The lease without which no connection is opened.
fn link_resource(connector: &dyn Connector) -> String {
    format!("inverter_link:{}", connector.peer())
}

impl Task {
    /// Connects, polls until something ends the connection, and closes it properly: dongles have few sockets.
    pub(super) async fn connection(&mut self, shutdown: &CancellationToken) -> Ended {
        let resource = link_resource(&*self.inverter.connector);
        let lease = tokio::select! {
            biased;
            () = shutdown.cancelled() => return Ended::Shutdown,
            lease = self.lease(&resource) => match lease {
                Ok(lease) => lease,
                Err(error) => return error.into(),
            },
        };
        let opening =
            link::open(&*self.inverter.connector, self.inverter.kind, &self.inverter.link, &self.inverter.counters);
        let mut connection = tokio::select! {
            biased;
            () = shutdown.cancelled() => return Ended::Shutdown,
            opened = opening => match opened {
                Ok(connection) => connection,
                Err(error) => return error.into(),
            },
        };
        let ended = tokio::select! {
            biased;
            () = shutdown.cancelled() => Ended::Shutdown,
            () = lease.lost() => LockError::Lost { resource: resource.clone() }.into(),
            ended = self.poll(&mut connection) => ended,
        };
        connection.close(CLOSING).await;
        drop(lease);
        ended
    }

    /// Connects, reads everything once, and closes. Where silence ends a connection, it takes one for each absent device.
    pub(super) async fn one_cycle(&mut self) -> Result<(), Ended> {
        let resource = link_resource(&*self.inverter.connector);
        let _lease = self.inverter.locks.acquire(&resource, &self.owner, Some(self.inverter.lock_timeout)).await?;
        let until = Instant::now() + self.inverter.every;
        let mut due = Due { live: true, settings: true };
        loop {
            let lasts = until.saturating_duration_since(Instant::now());
            match self.one_connection(Cycle { due, lasts, probes: u8::MAX }).await {
                Err(Ended::Unanswered) if self.plant.all_probed_once() || Instant::now() >= until => return Ok(()),
                Err(Ended::Unanswered) => due = Due { live: false, settings: false },
                outcome => return outcome,
            }
        }
    }

    async fn one_connection(&mut self, cycle: Cycle) -> Result<(), Ended> {
        let inverter = &self.inverter;
        let mut connection =
            link::open(&*inverter.connector, inverter.kind, &inverter.link, &inverter.counters).await?;
        let outcome = match self.identify(&mut connection).await {
            Ok(()) => self.locked_cycle(cycle, &mut connection, true).await,
            Err(ended) => Err(ended),
        };
        connection.close(CLOSING).await;
        outcome
    }

    async fn poll(&mut self, connection: &mut Connection) -> Ended {
        if let Err(ended) = self.identify(connection).await {
            return ended;
        }
        let mut first = true;
        loop {
            if let Err(ended) = self.wait_for_cycle(connection).await {
                return ended;
            }
            let cycle = self.schedule.begin(self.elapsed(), self.plant.all_probed());
            if let Err(ended) = self.locked_cycle(cycle, connection, first).await {
                return ended;
            }
            first = false;
            self.keep().await;
            if self.plant.in_doubt() {
                self.schedule.want_settings();
            }
        }
    }

    /// The first exchange binds the connection to the serial that answers.
    pub(super) async fn identify(&mut self, connection: &mut Connection) -> Result<(), Ended> {
        let (mut block, mut seen) = self.first_block(connection).await?;
        let mut memory = None;
        if self.plant.identity().is_none() {
            memory = self.keeper.load(seen.serial).await;
        }
        if !self.is_known(&seen) && !memory.as_ref().is_some_and(|memory| memory.is_of(&seen)) {
            let first = seen.serial;
            (block, seen) = self.confirmed(seen, connection).await?;
            memory = memory.filter(|_| seen.serial == first);
        }
        if self.is_known(&seen) {
            // The same inverter: what was found behind it is still known. Its model is judged by the latch.
            self.take(block)?;
            return Ok(());
        }
        if let Some(known) = self.plant.identity() {
            tracing::warn!(
                inverter.name = %self.inverter.name,
                "inverter {} answers where {} did; what is known of that one is dropped", seen.serial, known.serial
            );
            self.keep_now().await;
        }
        self.begin_anew(block, &seen, memory).await
    }

    fn is_known(&self, seen: &Identity) -> bool {
        self.plant.identity().is_some_and(|known| known.serial == seen.serial)
    }

    /// Who the inverter says it is, with the block in which it says so.
    async fn first_block(&mut self, connection: &mut Connection) -> Result<(Block, Identity), Ended> {
        let key = BlockKey::new(INVERTER, Bank::Holding, 0, 60);
        let before = self.inverter.counters.snapshot();
        let reading = connection.reader.read(key, Patience::detect(self.inverter.timeout));
        let block = match reading.await {
            Ok(block) => block,
            Err(error) => {
                let now = self.inverter.counters.snapshot();
                let spoke_otherwise = now.resyncs > before.resyncs && now.replies == before.replies;
                return Err(match error {
                    _ if spoke_otherwise => Ended::NoDongle,
                    link::LinkError::Timeout { .. } | link::LinkError::Refused { .. } => Ended::NoAnswer,
                    link::LinkError::Lost(_) => Ended::Closed,
                    error => error.into(),
                });
            }
        };
        let seen = self.plant_of(&block)?.identity().cloned();
        let seen = seen.ok_or_else(|| Ended::NoInverter("it tells no serial number".to_owned()))?;
        Ok((block, seen))
    }

    fn plant_of(&self, block: &Block) -> Result<Plant, Ended> {
        let mut fresh = Plant::new();
        let arrived = block.at.saturating_duration_since(self.began);
        fresh.wall_is(self.inverter.clock.now(), &self.inverter.zone, arrived);
        fresh
            .accept(block.key, &block.values, block.serial, arrived)
            .map_err(|refused| Ended::NoInverter(refused.to_string()))?;
        Ok(fresh)
    }

    /// Nothing is known of who this is, and one block may be wrong: it is asked until it says the same twice.
    async fn confirmed(&mut self, mut seen: Identity, connection: &mut Connection) -> Result<(Block, Identity), Ended> {
        for _ in 0..MOST_FIRST_READS {
            let (block, next) = self.first_block(connection).await?;
            if next == seen {
                return Ok((block, next));
            }
            seen = next;
        }
        Err(Ended::NoInverter("it says something else of itself each time".to_owned()))
    }

    /// Another inverter than before, or the first.
    async fn begin_anew(&mut self, block: Block, seen: &Identity, memory: Option<Memory>) -> Result<(), Ended> {
        let model = seen.model;
        tracing::info!(inverter.name = %self.inverter.name, "inverter {} is a {}", seen.serial, model.name());
        if !model.is_supported() {
            tracing::warn!(
                inverter.name = %self.inverter.name,
                "of a {} this version reads HR 0 to 59 only, and publishes what stands there", model.name()
            );
        }
        self.plant = self.plant_of(&block)?;
        let memory = match memory {
            None => self.keeper.load(seen.serial).await,
            known => known,
        };
        if let Some(memory) = memory {
            self.plant.remember(memory, self.inverter.clock.now(), self.elapsed());
        }
        self.report.answered(block.at, self.inverter.clock.now());
        Ok(())
    }

    /// Keeps what must survive a restart, whether or not it is time.
    pub(super) async fn keep_now(&mut self) {
        if self.inverter.store.is_some() {
            self.keeper.save_at_the_end(self.plant.memory(self.inverter.clock.now())).await;
        }
    }

    /// Keeps what must survive a restart, if it is time.
    async fn keep(&mut self) {
        if self.inverter.store.is_some() {
            self.keeper.save(self.plant.memory(self.inverter.clock.now())).await;
        }
    }

    /// Until the next cycle begins: takes what arrives unasked, and requests.
    async fn wait_for_cycle(&mut self, connection: &mut Connection) -> Result<(), Ended> {
        loop {
            let at = self.began + self.schedule.next();
            let offline_at = self.report.offline_at();
            tokio::select! {
                // Time first: a device that never stops talking does not hold up the others' turn.
                biased;
                () = sleep_until(at) => return Ok(()),
                () = sleep_until(offline_at.unwrap_or(at)), if offline_at.is_some_and(|offline| offline < at) => {
                    self.report.offline(&self.plant, &self.inverter);
                }
                Some(request) = self.requests.recv() => match request {
                    Request::ReadSettings => self.schedule.want_settings(),
                },
                block = connection.reader.unsolicited() => match block {
                    Some(block) => self.take_foreign(block)?,
                    None => return Err(Ended::Link(link::LinkError::Lost("the other side closed it".to_owned()))),
                },
            }
        }
    }

    /// Commits a block that was asked for. What a guard rejects counts as not read.
    pub(super) fn take(&mut self, block: Block) -> Result<bool, Ended> {
        let arrived = block.at.saturating_duration_since(self.began);
        match self.plant.accept(block.key, &block.values, block.serial, arrived) {
            Ok(()) => {
                self.report.answered(block.at, self.inverter.clock.now());
                Ok(true)
            }
            Err(Refused::Rejected(reason)) => {
                tracing::debug!(inverter.name = %self.inverter.name, "{} rejected: {reason}", block.key);
                Ok(false)
            }
            Err(Refused::OtherInverter(serial)) => Err(Ended::OtherInverter(serial)),
        }
    }

    /// Commits a block that nobody asked for, if it can be believed: another client's reply is data too. But it may be a
    /// late reply of our own, so it does not replace what was read a moment ago: counters would seem to run backwards.
    pub(super) fn take_foreign(&mut self, block: Block) -> Result<(), Ended> {
        let arrived = block.at.saturating_duration_since(self.began);
        if self.plant.read_within(block.key, arrived, LATE) {
            return Ok(());
        }
        match self.plant.accept(block.key, &block.values, block.serial, arrived) {
            Ok(()) => {
                self.report.answered(block.at, self.inverter.clock.now());
                Ok(())
            }
            Err(Refused::Rejected(_)) => Ok(()),
            Err(Refused::OtherInverter(serial)) => Err(Ended::OtherInverter(serial)),
        }
    }
}
