use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::{Timestamp, tz::TimeZone};

use super::guard::{Guards, Occurrence, Rejection, Rejections};
use super::identity::Latch;
use super::ledger::Ledger;
use super::probes::{Probe, Probes};
use super::snapshot::{Battery, BatteryStack, Snapshot, Stats, health};
use super::tariff::{Prices, Tariff};
use super::{
    Capabilities, Family, INVERTER, Identity, MIRROR, battery, control, details, ems, flows, gateway, meter, power,
    stack, stacks, three_phase,
};
use crate::frame::{Bank, BlockKey, Serial};
use crate::registers::{self, RegisterImage, View, plan, plan::Due, single_phase};

mod available;
mod counting;
mod judge;
mod notice;
mod rates;

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
    /// Blocks to be read once more in this cycle.
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

/// A block that has never answered is believed absent after so many attempts.
const SILENT_AFTER: u32 = 3;

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

    /// What happened since the last call: data rejected and believed again, batteries frozen, another model.
    pub fn occurrences(&mut self, at: Duration) -> Vec<Occurrence> {
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
        verdict?;
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

    /// A block that was due could not be read: what is held of it is stale from now on.
    pub fn failed(&mut self, key: BlockKey) {
        let times = self.stale.entry(key).or_default();
        *times += 1;
        let never_read = self.image.get(key.device, key.bank, key.base).is_none();
        if *times == SILENT_AFTER
            && never_read
            && plan::is_inverter(key.device)
            && let Some(known) = &mut self.known
            && !known.capabilities.is_silent(key)
        {
            Arc::make_mut(&mut known.capabilities).silent.push((key.bank, key.base));
        }
    }

    /// A block that was due was not asked for, because there was no time: it is stale, and nothing else is known.
    pub fn missed(&mut self, key: BlockKey) {
        self.stale.entry(key).or_default();
    }

    /// Whether a block that is due was left unanswered so often that others should not wait for it.
    pub fn keeps_failing(&self, key: BlockKey) -> bool {
        self.failures(key) >= SILENT_AFTER
    }

    /// How often in a row a block that is due was asked for and not read.
    pub fn failures(&self, key: BlockKey) -> u32 {
        self.stale.get(&key).copied().unwrap_or_default()
    }

    /// Whether settings that are due are still to be read.
    pub fn lacks_settings(&self) -> bool {
        self.stale().any(|key| key.bank == Bank::Holding)
    }

    /// Blocks that were due and could not be read since, without those that are believed absent.
    pub fn stale(&self) -> impl Iterator<Item = BlockKey> + '_ {
        let is_silent = |key: BlockKey| self.capabilities().is_some_and(|found| found.is_silent(key));
        self.stale.keys().copied().filter(move |key| !is_silent(*key))
    }

    /// A block of the inverter that 0x11 has never answered may answer at 0x31: where to try, if this model has a mirror.
    pub fn mirror_of(&self, key: BlockKey) -> Option<BlockKey> {
        let unanswered = key.device == INVERTER && self.image.get(INVERTER, key.bank, key.base).is_none();
        (unanswered && self.capabilities()?.model.has_mirror()).then_some(BlockKey { device: MIRROR, ..key })
    }

    /// It does: from now on it is read there, if there is more than zeros; says whether it is.
    pub fn use_mirror(&mut self, key: BlockKey) -> bool {
        if self.image.view(key.device).get(key.bank, key.base).is_none() {
            return false;
        }
        self.stale.remove(&BlockKey { device: INVERTER, ..key });
        if let Some(known) = &mut self.known {
            let mirrored = &mut Arc::make_mut(&mut known.capabilities).mirrored;
            if !mirrored.contains(&(key.bank, key.base)) {
                mirrored.push((key.bank, key.base));
            }
        }
        true
    }

    /// Whether blocks that every inverter of this model has are read at 0x31.
    pub fn uses_mirror(&self) -> bool {
        let is_certain = |block: &(Bank, u16)| !plan::OPTIONAL.contains(block);
        self.capabilities().is_some_and(|found| found.mirrored.iter().any(is_certain))
    }

    /// Whether this is a block of the inverter's settings that was never read: it may not have it.
    pub fn is_new_setting(&self, key: BlockKey) -> bool {
        let Some(found) = self.capabilities() else { return false };
        let is_live = || plan::blocks(found, Due { live: true, settings: false }).contains(&key);
        plan::is_inverter(key.device) && self.read_at(key).is_none() && !is_live()
    }

    /// The next question whether something is there.
    pub fn next_probe(&mut self) -> Option<Probe> {
        self.known.as_mut()?.probes.next()
    }

    /// Whether everything that may be there was asked for at least once.
    pub fn all_probed_once(&self) -> bool {
        self.known.as_ref().is_some_and(|known| known.probes.all_asked_once())
    }

    /// Whether everything that may be there was asked for often enough: what was not found is believed absent.
    pub fn all_probed(&self) -> bool {
        self.known.as_ref().is_some_and(|known| known.probes.all_asked())
    }

    /// A probe was answered; if that showed something, it is no longer asked for.
    pub fn probe_answered(&mut self, key: BlockKey) {
        if let Some(known) = &mut self.known {
            known.probes.asked(key);
        }
    }

    /// A probe found nothing this time. What 0x11 does not answer is asked for at 0x31 too, where this model has a
    /// mirror.
    pub fn probe_failed(&mut self, key: BlockKey) {
        if let Some(known) = &mut self.known {
            known.probes.asked(key);
        }
        if let (Some(mirror), Some(known)) = (self.mirror_of(key), &mut self.known) {
            known.probes.add(mirror, false);
        }
    }

    /// Whether what was read last contradicts what is held, so that settings should be read again soon.
    pub fn in_doubt(&self) -> bool {
        self.known.as_ref().is_some_and(|known| known.latch.has_rival())
    }

    /// What is known now; nothing before HR 0 to 59 were read. What it brings is counted for the tariff.
    pub fn snapshot(&mut self, context: &SnapshotContext) -> Option<Snapshot> {
        let unavailable = self.unavailable();
        let shown = self.without(&unavailable);
        let mut snapshot = shown.as_ref().unwrap_or(self).snapshot_of_all(context)?;
        snapshot.unavailable = unavailable;
        snapshot.rates = self.rates(&snapshot, context);
        Some(snapshot)
    }

    fn snapshot_of_all(&self, context: &SnapshotContext) -> Option<Snapshot> {
        let Known { latch, capabilities, .. } = self.known.as_ref()?;
        let SnapshotContext { now, zone, .. } = context;
        let mut stats = context.stats.clone();
        let identity = latch.held();
        let view = capabilities.inverter_view(&self.image);
        stats.stale_blocks = self.stale().count() as u64;
        stats.rejections = self.guards.rejections();
        let family = capabilities.family();
        let stacks = self.counted_stacks(stack::read(&self.stacks(), &self.image));
        let counted = if self.has_all(&stacks) { &stacks[..] } else { &[] };
        let inverter = details::read(view, identity, family, counted, zone);
        let three_phase = (family == Family::ThreePhase).then(|| three_phase::read(view));
        let ems = (family == Family::Ems).then(|| ems::read(view));
        let gateway = (family == Family::Gateway).then(|| self.counted_aios(gateway::read(view)));
        let aios = gateway.as_ref().and_then(|gateway| gateway.aio_count);
        let control = control::read(view, capabilities, &inverter, family, aios);
        let generation = identity.model.measures_generation();
        let mut power = match (&three_phase, &ems, &gateway) {
            (Some(own), _, _) => three_phase::power(view, own, counted, generation),
            (_, Some(own), _) => ems::power(own),
            (_, _, Some(own)) => gateway::power(view, own, &inverter),
            _ => power::read(view, &inverter, generation),
        };
        power::add_times(&mut power, &inverter, &control, *now, zone);
        // Behind a model whose devices are not polled nothing would tell that they are gone.
        let supported = identity.model.is_supported();
        let batteries = if supported { &capabilities.batteries[..] } else { &[] };
        let meters = if supported { &capabilities.meters[..] } else { &[] };
        let batteries = different(self.each(batteries, battery::read));
        Some(Snapshot {
            measured_kwh: self
                .all_probed()
                .then(|| health::measured_kwh(&batteries, inverter.battery_capacity, power.soc))
                .flatten(),
            batteries,
            flows: flows::read(&power, family, &inverter, aios),
            today: self.ledger.today(0),
            total: self.ledger.total(0),
            timeslots: control::timeslots(view, capabilities, family, aios),
            meters: self.counted(self.each(meters, meter::read)),
            unavailable: Vec::new(),
            identity: identity.clone(),
            capabilities: Arc::clone(capabilities),
            image: Arc::clone(&self.image),
            stacks,
            three_phase,
            ems,
            gateway,
            power,
            inverter,
            control,
            clock_skew: self.clock_skew(context),
            rates: None,
            stats,
        })
    }

    /// Whether these are all the stacks that there are, so that they can be added up.
    fn has_all(&self, stacks: &[BatteryStack]) -> bool {
        let known = self.capabilities().map(|known| known.stacks.len()).filter(|_| self.all_probed());
        stacks::number(&self.image).or(known) == Some(stacks.len())
    }

    fn each<T>(&self, devices: &[u8], read: fn(u8, View<'_>) -> Option<T>) -> Vec<T> {
        devices.iter().filter_map(|&device| read(device, self.image.view(device))).collect()
    }
}

/// Without those that bear the serial of one before: two batteries cannot share their topics.
fn different(mut batteries: Vec<Battery>) -> Vec<Battery> {
    let mut seen = BTreeSet::new();
    batteries.retain(|battery| seen.insert(battery.serial));
    batteries
}

/// Whether a block holds all of another.
fn covers(key: BlockKey, wanted: BlockKey) -> bool {
    (key.device, key.bank) == (wanted.device, wanted.bank)
        && key.base <= wanted.base
        && u32::from(key.base) + u32::from(key.count) >= u32::from(wanted.base) + u32::from(wanted.count)
}
