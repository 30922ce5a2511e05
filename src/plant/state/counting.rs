//! The way of an energy counter from its registers, past the ledger, to the snapshot.

use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};

use super::{Known, Plant, covers};
use crate::frame::{Bank, BlockKey};
use crate::plant::energy::{self, BatteryCounters};
use crate::plant::ledger::{Memory, Rating, Reading, Verdict};
use crate::plant::model::rated_power;
use crate::plant::snapshot::{Energy, Meter};
use crate::plant::{INVERTER, METERS, Rejection, meter};
use crate::registers::{View, lv_battery, single_phase};

/// Where the inverter's clock stands.
const CLOCK: BlockKey = BlockKey::new(INVERTER, Bank::Holding, 35, 6);

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

    /// Lets the ledger judge the counters that a block has brought.
    pub(super) fn count(&mut self, key: BlockKey, at: Duration) {
        let (arrived, at) = (at, millis(at));
        if covers(key, CLOCK) {
            let shows = single_phase::system_time.date_time(self.image.view(INVERTER));
            if !self.ledger.clock_read(shows, at) {
                self.want_again(key);
            }
        }
        let Some(Known { latch, capabilities, .. }) = &self.known else { return };
        if key.bank != Bank::Input || !capabilities.model.is_supported() {
            return;
        }
        let (identity, family) = (latch.held(), capabilities.family());
        let model = identity.model;
        let rating = Rating { model, watts: rated_power(identity.device_type_code) };
        let reading = if METERS.contains(&key.device) {
            Reading { at, device: key.device, total: self.metered(key), today: Energy::default() }
        } else {
            let view = capabilities.inverter_view(&self.image);
            let total = |view, without| energy::total(view, self.battery_counters(without), family, model);
            Reading {
                at,
                device: 0,
                total: brought(total(view, None), &total(view.without(key), Some(key))),
                today: brought(energy::today(view, family), &energy::today(view.without(key), family)),
            }
        };
        let doubts = self.ledger.observe(&reading, rating, &|energy| energy::derived(energy, model));
        if doubts.iter().any(|&(_, verdict)| verdict == Verdict::Unconfirmed) {
            self.want_again(key);
        }
        for (_, verdict) in doubts {
            if let Some(reason) = rejection(verdict) {
                self.guards.count(reason, key, arrived);
            }
        }
    }

    /// A meter's counters, if this block brought them.
    fn metered(&self, key: BlockKey) -> Energy {
        let read = |view: View<'_>| {
            let meter = meter::read(key.device, view);
            meter.map_or_else(Energy::default, |meter| Energy {
                import: meter.import,
                export: meter.export,
                ..Energy::default()
            })
        };
        let view = self.image.view(key.device);
        brought(read(view), &read(view.without(key)))
    }

    /// Meters as published: with the counters that are believed.
    pub(super) fn counted(&self, mut meters: Vec<Meter>) -> Vec<Meter> {
        for meter in &mut meters {
            let believed = self.ledger.total(meter.address);
            (meter.import, meter.export) = (believed.import, believed.export);
        }
        meters
    }

    /// The batteries' own energy counters, those of the first that answers: they are the whole stack's, and equal in every pack.
    fn battery_counters(&self, without: Option<BlockKey>) -> BatteryCounters<'_> {
        let batteries = self.capabilities().map_or(&[][..], |found| &found.batteries);
        let has_counters = |view: &View<'_>| lv_battery::e_battery_charge_total.number(*view).is_some();
        let pack = batteries.iter().map(|&device| self.image.view(device)).find(has_counters);
        match (pack, without) {
            (Some(pack), Some(block)) => BatteryCounters::Of(pack.without(block)),
            (Some(pack), None) => BatteryCounters::Of(pack),
            (None, _) if batteries.is_empty() && self.all_probed() => BatteryCounters::None,
            (None, _) => BatteryCounters::Unasked,
        }
    }
}

/// The counters that are not there without the block.
fn brought(mut with: Energy, without: &Energy) -> Energy {
    for ((_, counter), (_, other)) in with.each_mut().zip(without.each()) {
        *counter = counter.filter(|_| other.is_none());
    }
    with
}

fn millis(at: Duration) -> i64 {
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
