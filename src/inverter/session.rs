//! One connection, from its lease to its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::foreign::Seen;
use super::hands::Busy;
use super::hold::unwanted;
use super::{Ended, Parting, Phase, Request, Task};
use crate::frame::{Bank, BlockKey};
use crate::link::{self, Block, Connection, LinkError, Patience};
use crate::lock::{Lease, LockError};
use crate::plant::snapshot::OverrideNotes;
use crate::plant::{INVERTER, Identity, Plant, Refused};
use crate::poll::Cycle;
use crate::registers::plan::Due;

/// A link that is closing gets this long to say goodbye.
pub(super) const CLOSING: Duration = Duration::from_millis(500);

/// What is being written when the connection is called off gets this long to come to the next register.
const BOUNDARY: Duration = Duration::from_millis(500);

/// No reply is later than this: 2.8 s is the longest that was measured.
const LATE: Duration = Duration::from_secs(6);

/// An inverter that was not known is read at most so often, until two reads of it agree.
const READS_OF_A_STRANGER: u8 = 4;

/// What became of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Believed,
    /// It should be read again at once: it is believed if that agrees.
    Held,
    Rejected,
}

/// Completes when the connection must end, whatever goes on in it.
async fn called_off(lease: &Lease, mut wanted: watch::Receiver<bool>, shutdown: &CancellationToken) -> Ended {
    tokio::select! {
        biased;
        () = shutdown.cancelled() => Ended::Shutdown,
        () = lease.lost() => LockError::Lost { resource: lease.resource().to_owned() }.into(),
        () = unwanted(&mut wanted) => Ended::Unwanted,
    }
}

impl Task {
    /// Connects, polls until something ends the connection, and closes it properly: dongles have few sockets.
    pub(super) async fn connection(&mut self, shutdown: &CancellationToken) -> Ended {
        let address = tokio::select! {
            biased;
            () = shutdown.cancelled() => return Ended::Shutdown,
            found = self.address() => match found {
                Ok(address) => address,
                Err(error) => return error.into(),
            },
        };
        let resource = self.link_resource(address);
        let lease = match self.hold(&resource, shutdown).await {
            Ok(lease) => lease,
            Err(ended) => return ended,
        };
        let ended = self.connection_under(&lease, address, shutdown).await;
        self.keep_hold(lease).await;
        ended
    }

    async fn connection_under(
        &mut self,
        lease: &Lease,
        address: Option<SocketAddr>,
        shutdown: &CancellationToken,
    ) -> Ended {
        let wanted = self.inverter.wanted.clone();
        let mut connection = tokio::select! {
            biased;
            ended = called_off(lease, wanted.clone(), shutdown) => return ended,
            opened = self.open(address) => match opened {
                Ok(connection) => connection,
                Err(error) => {
                    self.unreached = self.unreached.wrapping_add(1);
                    return error.into();
                }
            },
        };
        self.unreached = 0;
        self.inverter.phase.send_replace(Phase::connected(lease.fence()));
        self.link_holds = Some(Arc::new(lease.holds_for(self.inverter.timeout)));
        self.link_fence = lease.fence();
        self.settle_at = Some(Instant::now());
        self.timed.begin_connection();
        self.lately.clear();
        let (busy, stop) = (self.busy.subscribe(), CancellationToken::new());
        self.stop = stop.clone();
        let (closing, must_undo) = (CancellationToken::new(), self.timed.must_undo());
        self.closing = closing.clone();
        let (stop_timeout, parting) = (self.inverter.policy.stop_timeout, self.inverter.parting.clone());
        let must_undo = || match *parting.borrow() {
            Parting::Stops => *must_undo.borrow(),
            Parting::GoesOn => false,
            Parting::Removed => true,
        };
        let mut stop_by = None;
        let ended = {
            let mut polling = std::pin::pin!(self.poll(&mut connection));
            tokio::select! {
                biased;
                ended = called_off(lease, wanted, shutdown) => {
                    stop.cancel();
                    stop_by = Some(Instant::now() + stop_timeout);
                    // What is being written comes to the next register.
                    let is_polling = tokio::select! {
                        biased;
                        _ = timeout(BOUNDARY, Busy::over(busy)) => true,
                        _ = &mut polling => false,
                    };
                    if is_polling && matches!(ended, Ended::Shutdown) && must_undo() {
                        closing.cancel();
                        // What is read comes to its end, and then what may not be left is undone.
                        let _ = timeout(stop_timeout, &mut polling).await;
                    }
                    ended
                }
                ended = &mut polling => ended,
            }
        };
        self.link_holds = None;
        self.stop_by = stop_by;
        connection.close(CLOSING).await;
        ended
    }

    /// Connects, reads everything once, and closes. Where silence ends a connection, it takes one for each absent device.
    pub(super) async fn one_cycle(&mut self) -> Result<(), Ended> {
        let address = self.address().await?;
        let resource = self.link_resource(address);
        let _lease = self.inverter.locks.acquire(&resource, &self.owner, Some(self.inverter.lock_timeout)).await?;
        let until = Instant::now() + self.inverter.every;
        let mut due = Due { live: true, settings: true };
        loop {
            let lasts = until.saturating_duration_since(Instant::now());
            match self.one_connection(address, Cycle { due, lasts, probes: u8::MAX }).await {
                Err(Ended::Unanswered) if self.plant.all_probed_once() || Instant::now() >= until => return Ok(()),
                Err(Ended::Unanswered) => due = Due { live: false, settings: false },
                outcome => return outcome,
            }
        }
    }

    /// Where to connect to: looked up for each attempt, and of several addresses another after each that was not reached.
    pub(super) async fn address(&self) -> Result<Option<SocketAddr>, LinkError> {
        let found = link::resolve(&*self.inverter.connector, &self.inverter.link).await?;
        Ok(self.unreached.checked_rem(found.len()).and_then(|index| found.get(index).copied()))
    }

    pub(super) async fn open(&self, address: Option<SocketAddr>) -> Result<Connection, LinkError> {
        let inverter = &self.inverter;
        link::open(&*inverter.connector, address, inverter.kind, &inverter.link, &inverter.counters).await
    }

    async fn one_connection(&mut self, address: Option<SocketAddr>, cycle: Cycle) -> Result<(), Ended> {
        let mut connection = self.open(address).await?;
        let outcome = match self.identify(&mut connection).await {
            Ok(()) => self.locked_cycle(cycle, &mut connection, true).await,
            Err(ended) => Err(ended),
        };
        connection.close(CLOSING).await;
        outcome
    }

    /// Polls until something ends it; what may not be left is undone before the program stops.
    async fn poll(&mut self, connection: &mut Connection) -> Ended {
        let ended = self.poll_on(connection).await;
        if self.closing.is_cancelled() && matches!(ended, Ended::Shutdown) {
            let by = Instant::now() + self.inverter.policy.stop_timeout;
            self.undo_at_stop(by, connection).await;
        }
        ended
    }

    async fn poll_on(&mut self, connection: &mut Connection) -> Ended {
        if let Err(ended) = self.identify(connection).await {
            return ended;
        }
        self.say_taken();
        let mut first = true;
        loop {
            if let Err(ended) = self.wait_for_cycle(connection).await {
                return ended;
            }
            let cycle = self.schedule.begin(self.elapsed(), self.plant.all_probed());
            let (began, cycles) = (Instant::now(), self.report.cycles());
            if let Err(ended) = self.locked_cycle(cycle, connection, first).await {
                return ended;
            }
            first = false;
            if let Err(ended) = self.settle_records(connection).await {
                return ended;
            }
            if let Err(ended) = self.look_at_overrides(connection).await {
                return ended;
            }
            // A cycle that was skipped tells nothing new.
            if self.report.cycles() > cycles {
                self.judge_overrides(began).await;
            }
            if cycle.due.settings {
                self.notice();
                self.remember_reserve().await;
            }
            self.keep().await;
            if self.plant.in_doubt() {
                self.schedule.want_settings();
            }
        }
    }

    /// The first exchange binds the connection to the serial that answers. One that is not known yet must be read twice
    /// alike: nothing else would tell a bit that was turned over on the way.
    pub(super) async fn identify(&mut self, connection: &mut Connection) -> Result<(), Ended> {
        let mut fresh = Plant::new();
        for _ in 0..READS_OF_A_STRANGER {
            let block = self.read_identity(connection).await?;
            let seen = Identity::of_block(&block.values);
            if seen.is_some_and(|seen| self.plant.identity().is_some_and(|known| known.serial == seen.serial)) {
                // The same inverter: what was found behind it is still known. Its model is judged by the latch.
                self.take(block)?;
                return Ok(());
            }
            match fresh.accept(block.key, &block.values, block.serial, self.elapsed()) {
                Ok(()) => return self.become_acquainted(fresh, block.at).await,
                Err(Refused::Held(_)) => {}
                Err(refused) => return Err(Ended::NoInverter(refused.to_string())),
            }
        }
        Err(Ended::NoInverter("it tells another identity with each read".to_owned()))
    }

    async fn read_identity(&mut self, connection: &mut Connection) -> Result<Block, Ended> {
        let key = BlockKey::new(INVERTER, Bank::Holding, 0, 60);
        let before = self.inverter.counters.snapshot();
        let reading = connection.reader.read(key, Patience::detect(self.inverter.timeout));
        reading.await.map_err(|error| {
            let now = self.inverter.counters.snapshot();
            let spoke_otherwise = now.resyncs > before.resyncs && now.replies == before.replies;
            match error {
                _ if spoke_otherwise => Ended::NoDongle,
                LinkError::Timeout { .. } | LinkError::Refused { .. } => Ended::NoAnswer,
                LinkError::Lost(_) => Ended::Closed,
                error => error.into(),
            }
        })
    }

    /// An inverter that was not known here: everything begins anew.
    async fn become_acquainted(&mut self, fresh: Plant, at: Instant) -> Result<(), Ended> {
        let Some(seen) = fresh.identity().cloned() else {
            return Err(Ended::NoInverter("it tells no serial number".to_owned()));
        };
        if let Some(wanted) = self.inverter.serial.filter(|wanted| *wanted != seen.serial) {
            return Err(Ended::NotThisOne { seen: seen.serial, wanted });
        }
        if let Some(known) = self.plant.identity() {
            tracing::warn!(
                inverter.name = %self.inverter.name,
                "inverter {} answers where {} did; what is known of that one is dropped", seen.serial, known.serial
            );
            self.keep_now().await;
        }
        let model = seen.model;
        tracing::info!(inverter.name = %self.inverter.name, "inverter {} is a {}", seen.serial, model.name());
        if !model.is_supported() {
            tracing::warn!(
                inverter.name = %self.inverter.name,
                "of a {} this version reads HR 0 to 59 only, and publishes what stands there", model.name()
            );
        }
        let is_another = self.plant.identity().is_some_and(|known| known.serial != seen.serial);
        if is_another {
            self.late.clear();
        }
        self.seen = Seen::default();
        self.plant = fresh;
        self.overrides.watch(self.inverter.statuses.as_ref(), seen.serial, &self.inverter.clock);
        // What is known already of the same inverter is not told again.
        self.report.overrides_are(if is_another { None } else { self.overrides_shown() });
        self.report.override_notes_are(if is_another { OverrideNotes::default() } else { self.override_notes() });
        self.worn.load(seen.serial).await;
        self.report.writes_are(self.worn.wear());
        if let Some(memory) = self.keeper.load(seen.serial).await {
            self.plant.remember(memory, self.inverter.clock.now(), self.elapsed());
        }
        self.report.answered(at, self.inverter.clock.now());
        Ok(())
    }

    /// The reserve as its owner has it, for when it was set to 100 % to rest the battery.
    async fn remember_reserve(&mut self) {
        // One that a force export has set is not the owner's.
        if !self.timed.may_hold_reserve()
            && let Ok(context) = self.context()
        {
            self.worn.remember_reserve(context.reserve_to_remember());
            self.worn.save().await;
        }
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
            let look_at = self.look_at();
            let overrides_at = self.timed.look_at();
            let closing = self.closing.clone();
            tokio::select! {
                // Time first: a device that never stops talking does not hold up the others' turn.
                biased;
                () = closing.cancelled() => return Err(Ended::Shutdown),
                () = sleep_until(at) => return Ok(()),
                () = sleep_until(offline_at.unwrap_or(at)), if offline_at.is_some_and(|offline| offline < at) => {
                    self.report.offline(&mut self.plant, &self.inverter);
                }
                () = sleep_until(look_at.unwrap_or(at)), if look_at.is_some() => self.look_after(connection).await?,
                () = sleep_until(overrides_at.unwrap_or(at)), if overrides_at.is_some() => {
                    self.look_at_overrides(connection).await?;
                }
                job = self.desk.next() => self.carry_out(job, connection).await?,
                () = self.overrides.changed() => self.tell_overrides(),
                Some(request) = self.requests.recv() => match request {
                    Request::ReadSettings => self.schedule.want_settings(),
                    Request::SwitchRate(rate, at) => {
                        self.plant.switch_rate(rate, at);
                        self.report.publish(&mut self.plant, &self.inverter);
                    }
                },
                block = connection.reader.unsolicited() => match block {
                    Some(block) => self.take_foreign(block)?,
                    None => return Err(Ended::Link(LinkError::Lost("the other side closed it".to_owned()))),
                },
            }
        }
    }

    /// Commits a block that was asked for. What a guard rejects counts as not read.
    pub(super) fn take(&mut self, block: Block) -> Result<Taken, Ended> {
        let arrived = block.at.saturating_duration_since(self.began);
        let taken = match self.plant.accept(block.key, &block.values, block.serial, arrived) {
            Ok(()) => {
                self.report.answered(block.at, self.inverter.clock.now());
                Taken::Believed
            }
            Err(refused @ Refused::Rejected(_)) => {
                tracing::debug!(inverter.name = %self.inverter.name, "{}: {refused}", block.key);
                Taken::Rejected
            }
            Err(refused @ Refused::Held(_)) => {
                tracing::debug!(inverter.name = %self.inverter.name, "{}: {refused}", block.key);
                Taken::Held
            }
            Err(Refused::OtherInverter(serial)) => return Err(Ended::OtherInverter(serial)),
        };
        self.tell();
        Ok(taken)
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
            Err(Refused::Rejected(_) | Refused::Held(_)) => Ok(()),
            Err(Refused::OtherInverter(serial)) => Err(Ended::OtherInverter(serial)),
        }
    }
}
