use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::{Timestamp, tz::TimeZone};

use super::guard::{Guards, Occurrence, Rejection, Rejections};
use super::identity::Latch;
use super::ledger::Ledger;
use super::probes::Probes;
use super::snapshot::{Overrides, Stats};
use super::tariff::{Prices, Tariff};
use super::{Capabilities, Identity};
use crate::frame::{Bank, BlockKey, Serial};
use crate::registers::{self, RegisterImage, single_phase};

mod available;
mod counting;
mod judge;
mod notice;
mod probing;
mod rates;
mod showing;
mod stale;

/// One connection and all behind it: what was found and what was read.
#[derive(Clone, Debug, Default)]
pub struct Plant {
    image: Arc<RegisterImage>,
    known: Option<Known>,
    guards: Guards,
    /// What its energy counters are believed to show.
    ledger: Ledger,
    /// How often in a row a block that is due was not read.
    stale: BTreeMap<BlockKey, u32>,
    /// What the inverter's clock showed when it was last read, and when that was.
    clock_read: Option<(DateTime, Duration)>,
    tariff: Tariff,
    /// Devices that were told to be lost, by their addresses.
    lost: BTreeSet<u8>,
    /// Blocks to be read once more in this cycle, for the ledger. It cannot do with [`Refused::Held`]: what it doubts is
    /// a counter, while the rest of the block is believed and shown; and that a counter fell makes another block
    /// doubtful, the one with the clock. Where the guards held a block, its counters come with it twice, and nothing is
    /// asked for here.
    again: BTreeSet<BlockKey>,
    /// When the newest block arrived.
    pub(super) latest: Duration,
}

#[derive(Clone, Debug)]
struct Known {
    latch: Latch,
    capabilities: Arc<Capabilities>,
    probes: Probes,
}

/// No more blocks are to be read once more.
const MOST_AGAIN: usize = 64;

/// Why a block was not taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A guard did not believe it.
    #[error("block rejected: {0}")]
    Rejected(Rejection),
    /// It is doubtful, and will be believed if further reads of the same block agree: it should be read again at once.
    #[error("block held until it is read again: {0}")]
    Held(Rejection),
    /// It comes from another inverter: this connection must end.
    #[error("another inverter answers on this connection: {0}")]
    OtherInverter(Serial),
}

impl From<Rejection> for Refused {
    fn from(reason: Rejection) -> Self {
        Self::Rejected(reason)
    }
}

/// What a snapshot needs besides the registers.
#[derive(Clone, Debug)]
pub struct SnapshotContext {
    /// What time it is.
    pub now: Timestamp,
    /// The same on the process' monotonic clock, by which blocks arrive.
    pub elapsed: Duration,
    /// The inverter's zone.
    pub zone: TimeZone,
    /// How the reading goes; stale blocks and rejections are filled in.
    pub stats: Stats,
    /// What energy costs.
    pub prices: Arc<Prices>,
    /// When the timed overrides that run end; `None` where it is not known whether any does.
    pub overrides: Option<Overrides<Timestamp>>,
}

impl Plant {
    /// Nothing known, nothing read.
    pub fn new() -> Self {
        Self::default()
    }

    /// Who the inverter is, once HR 0 to 59 were read.
    pub fn identity(&self) -> Option<&Identity> {
        self.known.as_ref().map(|known| known.latch.held())
    }

    /// What is behind the connection, once HR 0 to 59 were read.
    pub fn capabilities(&self) -> Option<&Capabilities> {
        self.known.as_ref().map(|known| &*known.capabilities)
    }

    pub(super) fn change_capabilities(&mut self, change: impl FnOnce(&mut Capabilities)) {
        if let Some(known) = &mut self.known {
            change(Arc::make_mut(&mut known.capabilities));
            known.probes.skip(&known.capabilities);
        }
    }

    /// Every register that was read.
    pub fn image(&self) -> &RegisterImage {
        &self.image
    }

    /// What was rejected so far.
    pub fn rejections(&self) -> Rejections {
        self.guards.rejections()
    }

    /// How often each field came to a value that cannot be, by its name in the tables.
    pub fn implausible_fields(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.guards.implausible()
    }

    /// The blocks that wait for a further read of them to agree.
    pub fn held(&self) -> impl Iterator<Item = BlockKey> + '_ {
        self.guards.held()
    }

    /// What happened since the last call: data rejected and believed again, batteries frozen, devices lost and back,
    /// another model.
    pub fn occurrences(&mut self, at: Duration) -> Vec<Occurrence> {
        self.watch_devices();
        self.guards.occurrences(at)
    }

    /// Reports a battery as frozen when its page stays the same for so long while the battery works; 60 minutes unless
    /// said otherwise.
    pub fn report_frozen_after(&mut self, limit: Duration) {
        self.guards.report_frozen_after(limit);
    }

    /// Takes over what waits for a further read, because there will be none: a recording is over.
    pub fn settle(&mut self, at: Duration) {
        let (first, others): (Vec<_>, Vec<_>) =
            self.guards.give_up_waiting().into_iter().partition(|(key, _)| key.bank == Bank::Holding && key.base < 60);
        for (key, values) in first {
            self.settle_identity(key, &values);
            self.take_over(key, &values, at);
        }
        for (key, values) in others {
            self.take_over(key, &values, at);
        }
    }

    /// Takes a block over, whole, or says why not. `envelope` is the serial that the reply bore (the standard
    /// transports have none); `at` is the process' monotonic time of arrival.
    pub fn accept(
        &mut self,
        key: BlockKey,
        values: &[u16],
        envelope: Option<Serial>,
        at: Duration,
    ) -> Result<(), Refused> {
        let was_known = self.known.is_some();
        let verdict = self.judge(key, values, envelope, at);
        if let Err(Refused::Rejected(reason)) = verdict {
            self.guards.count(reason, key, at);
        }
        let earlier = verdict?;
        self.count_earlier(key, earlier);
        self.take_over(key, values, at);
        if !was_known {
            // What arrived before the inverter told who it is counts too.
            self.notice_earlier();
        }
        self.count(key, at);
        Ok(())
    }

    fn take_over(&mut self, key: BlockKey, values: &[u16], at: Duration) {
        let about = self.about(key);
        Arc::make_mut(&mut self.image).commit(key, values, at);
        self.latest = self.latest.max(at);
        self.stale.retain(|&stale, _| !covers(key, stale));
        self.guards.took(about, key, values, at);
        let battery = self.battery_power();
        self.guards.watch_frozen(about, key, values, battery, at);
        if self.is_impossible_clock(key) {
            self.guards.count(Rejection::ImpossibleClock, key, at);
        }
        self.notice_clock(key, at);
        self.notice(key);
    }

    /// What goes out of the batteries, or into them, W.
    fn battery_power(&self) -> Option<i64> {
        let view = self.capabilities()?.inverter_view(&self.image);
        if self.identity()?.model.has_three_phase_bank() {
            let watts = |field: &crate::registers::Field| field.number(view);
            let power = watts(&registers::three_phase::p_battery_discharge)?
                - watts(&registers::three_phase::p_battery_charge)?;
            return Some(power as i64);
        }
        single_phase::p_battery.integer(view)
    }

    /// Whether a block was read in the time before `now`.
    pub fn read_within(&self, key: BlockKey, now: Duration, time: Duration) -> bool {
        self.read_at(key).is_some_and(|at| now.saturating_sub(at) < time)
    }

    /// When a block was read last, on the process' monotonic clock.
    pub fn read_at(&self, key: BlockKey) -> Option<Duration> {
        self.image.read_at(key.device, key.bank, key.base)
    }

    /// Asks for a block to be read once more in this cycle, so that what it says is confirmed or not.
    pub fn want_again(&mut self, key: BlockKey) {
        if self.again.len() < MOST_AGAIN {
            self.again.insert(key);
        }
    }

    /// The next block to be read once more; each is named once.
    pub fn wants_again(&mut self) -> Option<BlockKey> {
        self.again.pop_first()
    }

    /// Whether what was read last contradicts what is held, so that settings should be read again soon.
    pub fn in_doubt(&self) -> bool {
        self.known.as_ref().is_some_and(|known| known.latch.has_rival())
    }
}

/// Whether a block holds all of another.
fn covers(key: BlockKey, wanted: BlockKey) -> bool {
    (key.device, key.bank) == (wanted.device, wanted.bank)
        && key.base <= wanted.base
        && u32::from(key.base) + u32::from(key.count) >= u32::from(wanted.base) + u32::from(wanted.count)
}
