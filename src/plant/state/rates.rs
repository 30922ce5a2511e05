//! From a snapshot to what its energy costs.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};

use super::counting::{CLOCK, millis};
use super::{Plant, SnapshotContext, covers};
use crate::frame::BlockKey;
use crate::plant::Family;
use crate::plant::ledger::civil_ms;
use crate::plant::snapshot::Snapshot;
use crate::plant::tariff::{Rate, Rates, Seen, Tariff};
use crate::registers::{Field, gateway, plan, single_phase, three_phase};

impl Plant {
    /// What was counted of the tariff, to be kept.
    pub fn tariff(&self) -> &Tariff {
        &self.tariff
    }

    /// Goes on counting where another process stopped.
    pub fn restore_tariff(&mut self, tariff: Tariff) {
        self.tariff = tariff;
    }

    /// Another rate is in force from `at` on, where the settings leave that to others.
    pub fn switch_rate(&mut self, rate: Rate, at: Timestamp) {
        self.tariff.switch(rate, at);
    }

    /// Keeps what the inverter's clock shows, if `key` holds it, and when it was read.
    pub(super) fn notice_clock(&mut self, key: BlockKey, at: Duration) {
        if plan::is_inverter(key.device) && covers(key, BlockKey { device: key.device, ..CLOCK }) {
            let shown = single_phase::system_time.date_time(self.image.view(key.device));
            self.clock_read = shown.map(|shown| (shown, at));
        }
    }

    /// Seconds that the inverter's clock is ahead of the zone's.
    pub(super) fn clock_skew(&self, context: &SnapshotContext) -> Option<i64> {
        let (shown, read_at) = self.clock_read?;
        let wall: DateTime = read_on(read_at, context)?.to_zoned_datetime(context.zone.clone()).datetime();
        Some(shown.duration_since(wall).as_secs())
    }

    /// The same of the clock that the days of counters go by: one that was read once and contradicts what it was is not
    /// believed, and one that shows no date goes on as it did.
    fn believed_skew(&self, context: &SnapshotContext) -> Option<i64> {
        let shows = self.ledger.inverter_shows(millis(context.elapsed))?;
        let wall = civil_ms(context.zone.to_datetime(context.now));
        Some((shows - wall).div_euclid(1000))
    }

    /// Counts what a snapshot brings, and says what it comes to.
    pub(super) fn rates(&mut self, snapshot: &Snapshot, context: &SnapshotContext) -> Option<Rates> {
        let import = snapshot.total.import?;
        let seen = Seen {
            at: self.counters_read_on(snapshot.capabilities.family(), context)?,
            skew: self.believed_skew(context).unwrap_or(0),
            import: Some(import),
            import_today: snapshot.today.import,
            ac_charge: snapshot.total.ac_charge,
            held: snapshot.power.soc_kwh,
        };
        self.tariff.observe(&context.prices, &context.zone, &seen);
        Some(self.tariff.rates(&context.prices, &context.zone, context.now, snapshot.today.export))
    }

    fn counters_read_on(&self, family: Family, context: &SnapshotContext) -> Option<Timestamp> {
        let field = import_total(family);
        let base = field.address / 60 * 60;
        let device = self.capabilities()?.inverter_block(field.bank, base).device;
        read_on(self.image.read_at(device, field.bank, base)?, context)
    }
}

/// The wall time of a moment on the process' monotonic clock.
fn read_on(read_at: Duration, context: &SnapshotContext) -> Option<Timestamp> {
    let age = SignedDuration::try_from(context.elapsed.saturating_sub(read_at)).ok()?;
    context.now.checked_sub(age).ok()
}

/// Where a family counts what comes from the grid.
fn import_total(family: Family) -> &'static Field {
    match family {
        Family::ThreePhase => &three_phase::e_import_total,
        Family::Gateway => &gateway::e_grid_import_total,
        Family::SinglePhase | Family::PvOnly | Family::Ems => &single_phase::e_grid_in_total,
    }
}
