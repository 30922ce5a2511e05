//! The way of an energy counter from its registers, past the ledger, to the snapshot.

use std::sync::Arc;
use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};

use super::{Known, Plant, covers};
use crate::frame::{Bank, BlockKey};
use crate::plant::energy::{self, BatteryCounters};
use crate::plant::guard::Earlier;
use crate::plant::ledger::{AIO, Memory, Rating, Reading, Verdict};
use crate::plant::model::rated_power;
use crate::plant::snapshot::{BatteryStack, Energy, Gateway, Meter};
use crate::plant::stacks::CONTROLLERS;
use crate::plant::{Family, INVERTER, METERS, Model, Rejection, gateway, meter, stack};
use crate::registers::{View, lv_battery, single_phase};

/// Where the inverter's clock stands.
pub(super) const CLOCK: BlockKey = BlockKey::new(INVERTER, Bank::Holding, 35, 6);

/// An all-in-one behind a gateway does not tell what it is rated for: no more than this, W.
const MOST_OF_AN_AIO: u32 = 12_000;

/// Fewer registers are no block of the plan, and may all be zero.
const WHOLE: u16 = 8;

/// The block that it is read with.
const FIRST: BlockKey = BlockKey::new(INVERTER, Bank::Holding, 0, 60);

impl Plant {
    /// What time it is in the inverter's zone, at this monotonic time of the process: counters of the day go by it where
    /// the inverter's own clock is not known.
    pub fn wall_is(&mut self, now: Timestamp, zone: &TimeZone, at: Duration) {
        self.ledger.wall_is(zone.to_datetime(now), millis(at));
    }

    /// What of its energy counters must survive a restart, as of `at` on the process' monotonic clock.
    pub fn counters(&self, at: Duration) -> Memory {
        self.ledger.memory(millis(at))
    }

    /// Takes up what another process believed of the counters of this plant, `pause` ago by wall time; now it is `at` on
    /// this one's monotonic clock. Nothing of it is published before it is read again.
    pub fn restore_counters(&mut self, memory: Memory, pause: Duration, at: Duration) {
        if !self.ledger.restore(memory, pause, millis(at)) {
            self.want_again(FIRST);
        }
    }

    /// The read that confirmed a block, or was confirmed by it, tells its counters as well as the block itself does.
    pub(super) fn count_earlier(&mut self, key: BlockKey, earlier: Option<Earlier>) {
        if let Some(Earlier { values, at }) = earlier.filter(|_| key.bank == Bank::Input) {
            Arc::make_mut(&mut self.image).commit(key, &values, at);
            let wanted = self.again.contains(&key);
            self.count(key, at);
            // What that one left open this one settles.
            if !wanted {
                self.again.remove(&key);
            }
        }
    }

    /// Lets the ledger judge the counters that a block has brought.
    pub(super) fn count(&mut self, key: BlockKey, at: Duration) {
        let (arrived, at) = (at, millis(at));
        if covers(key, CLOCK) {
            let shows = single_phase::system_time.date_time(self.image.view(INVERTER));
            if !self.ledger.clock_read(shows, at) {
                self.want_again(key);
            }
        }
        let Some(Known { capabilities, .. }) = &self.known else { return };
        if key.bank != Bank::Input || !capabilities.model.is_supported() || self.is_nothing_but_zeros(key) {
            return;
        }
        let model = capabilities.model;
        let mut doubts = Vec::new();
        for (rating, reading) in self.readings(key, at) {
            doubts.extend(self.ledger.observe(&reading, rating, &|energy| energy::derived(energy, model)));
        }
        if doubts.iter().any(|&(_, verdict)| verdict == Verdict::Unconfirmed) {
            self.want_again(key);
        }
        if doubts.iter().any(|&(_, verdict)| verdict == Verdict::Fall) {
            // Perhaps the inverter's clock was set over midnight.
            self.want_again(FIRST);
        }
        for (_, verdict) in doubts {
            if let Some(reason) = rejection(verdict) {
                self.guards.count(reason, key, arrived);
            }
        }
    }

    /// Whether a whole block of zeros was read: it says nothing, though the page that it stands in may do so elsewhere.
    fn is_nothing_but_zeros(&self, key: BlockKey) -> bool {
        let mut registers = (0..key.count).map_while(|at| key.base.checked_add(at));
        key.count >= WHOLE && registers.all(|at| self.image.get(key.device, key.bank, at).is_none_or(|raw| raw == 0))
    }

    /// The counters that this block brought, by device, and what bounds them.
    fn readings(&self, key: BlockKey, at: i64) -> Vec<(Rating, Reading)> {
        let Some(Known { latch, capabilities, .. }) = &self.known else { return Vec::new() };
        let (model, family) = (capabilities.model, capabilities.family());
        let rating = Rating { model, family, watts: rated_power(latch.held().device_type_code) };
        if METERS.contains(&key.device) {
            return vec![(rating, self.of_page(key, at, |view| (Energy::default(), metered(key.device, view))))];
        }
        if CONTROLLERS.contains(&key.device) {
            return vec![(rating, self.of_page(key, at, stack::energy))];
        }
        let view = capabilities.inverter_view(&self.image);
        let total = |view, without| energy::total(view, self.battery_counters(without), family, model);
        let own = Reading {
            at,
            device: 0,
            total: brought(total(view, None), &total(view.without(key), Some(key))),
            today: brought(energy::today(view, family), &energy::today(view.without(key), family)),
        };
        let mut readings = vec![(rating, own)];
        if family == Family::Gateway {
            let rating = Rating { model: Model::AllInOne, family, watts: Some(MOST_OF_AN_AIO) };
            readings.extend(
                (AIO + 1..).zip(gateway::aio_energies(view)).zip(gateway::aio_energies(view.without(key))).map(
                    |((device, (today, total)), (no_today, no_total))| {
                        let (today, total) = (brought(today, &no_today), brought(total, &no_total));
                        (rating, Reading { at, device, total, today })
                    },
                ),
            );
        }
        readings
    }

    /// The counters of a device with a page of its own; `read` tells those of the day and those since ever.
    fn of_page(&self, key: BlockKey, at: i64, read: impl Fn(View<'_>) -> (Energy, Energy)) -> Reading {
        let view = self.image.view(key.device);
        let ((today, total), (no_today, no_total)) = (read(view), read(view.without(key)));
        Reading { at, device: key.device, total: brought(total, &no_total), today: brought(today, &no_today) }
    }

    /// Meters as published: with the counters that are believed.
    pub(super) fn counted(&self, mut meters: Vec<Meter>) -> Vec<Meter> {
        for meter in &mut meters {
            let believed = self.ledger.total(meter.address);
            (meter.import, meter.export) = (believed.import, believed.export);
        }
        meters
    }

    /// The same of stacks.
    pub(super) fn counted_stacks(&self, mut stacks: Vec<BatteryStack>) -> Vec<BatteryStack> {
        for stack in &mut stacks {
            (stack.today, stack.total) = (self.ledger.today(stack.controller), self.ledger.total(stack.controller));
        }
        stacks
    }

    /// The same of the all-in-ones behind a gateway.
    pub(super) fn counted_aios(&self, mut gateway: Gateway) -> Gateway {
        for aio in &mut gateway.aios {
            let device = AIO.saturating_add(aio.number);
            (aio.today, aio.total) = (self.ledger.today(device), self.ledger.total(device));
        }
        gateway
    }

    /// The batteries' own energy counters, those of the first that answers: they are the whole stack's, and equal in every pack.
    fn battery_counters(&self, without: Option<BlockKey>) -> BatteryCounters<'_> {
        let batteries = self.capabilities().map_or(&[][..], |found| &found.batteries);
        let has_counters = |view: &View<'_>| lv_battery::e_battery_charge_total.number(*view).is_some();
        let pack = batteries.iter().map(|&device| self.image.view(device)).find(has_counters);
        match (pack, without) {
            (Some(pack), Some(block)) => BatteryCounters::Of(pack.without(block)),
            (Some(pack), None) => BatteryCounters::Of(pack),
            (None, _) if batteries.is_empty() && self.batteries_probed() => BatteryCounters::None,
            (None, _) => BatteryCounters::Unasked,
        }
    }
}

/// A meter's counters since ever.
fn metered(address: u8, view: View<'_>) -> Energy {
    meter::read(address, view).map_or_else(Energy::default, |meter| Energy {
        import: meter.import,
        export: meter.export,
        ..Energy::default()
    })
}

/// The counters that are not there without the block.
fn brought(mut with: Energy, without: &Energy) -> Energy {
    for ((_, counter), (_, other)) in with.each_mut().zip(without.each()) {
        *counter = counter.filter(|_| other.is_none());
    }
    with
}

pub(super) fn millis(at: Duration) -> i64 {
    i64::try_from(at.as_millis()).unwrap_or(i64::MAX)
}

fn rejection(verdict: Verdict) -> Option<Rejection> {
    match verdict {
        Verdict::Believed | Verdict::Unconfirmed => None,
        Verdict::Jump => Some(Rejection::CounterJump),
        Verdict::Fall => Some(Rejection::CounterFall),
        Verdict::LateYesterday => Some(Rejection::LateYesterday),
        Verdict::Anew => Some(Rejection::CounterAnew),
    }
}
