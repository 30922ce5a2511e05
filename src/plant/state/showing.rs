//! What is known now, put together from every device and from what was counted.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Known, Plant, SnapshotContext};
use crate::plant::snapshot::{Battery, BatteryStack, Snapshot, health};
use crate::plant::{Family, battery, control, details, ems, flows, gateway, meter, power, stack, stacks, three_phase};
use crate::registers::View;

impl Plant {
    /// What is known now; nothing before HR 0 to 59 were read, nor before it is known what stands where. What it brings is counted for the tariff.
    pub fn snapshot(&mut self, context: &SnapshotContext) -> Option<Snapshot> {
        if self.open_question().is_some() {
            return None;
        }
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
                .batteries_probed()
                .then(|| health::measured_kwh(&batteries, inverter.battery_capacity, power.soc))
                .flatten(),
            all_probed: self.all_probed(),
            batteries,
            flows: flows::read(&power, family, &inverter, aios),
            today: self.ledger.today(0),
            total: self.ledger.total(0),
            timeslots: control::timeslots(view, capabilities, family, aios),
            overrides: control::has_overrides(identity.model, family, aios)
                .then(|| context.overrides.map(|overrides| overrides.left(*now)))
                .flatten(),
            override_notes: Arc::default(),
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
        let known = self.capabilities().map(|known| known.stacks.len()).filter(|_| self.batteries_probed());
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
