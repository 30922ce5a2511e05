//! Fields whose value cannot be: they are unknown to everyone (`registers` sees to that), and counted here.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{About, Device, Reading};
use crate::frame::BlockKey;
use crate::plant::Model;
use crate::registers::{
    Field, RegisterImage, ems, gateway, hv_bcu, hv_bmu, lv_battery, meter, single_phase, three_phase,
};

/// How often each field came to a value that cannot be. Its names are those of the tables.
#[derive(Clone, Debug, Default)]
pub(super) struct Implausible {
    counts: BTreeMap<&'static str, u64>,
    /// Those that have one now, by device.
    now: BTreeSet<(u8, &'static str)>,
}

/// Some firmware keeps the beginning of a module's serial where the temperature of its cell 21 would be.
const SPLIT_SERIAL: u16 = hv_bmu::t_cell_21.address;

impl Implausible {
    /// Counts the fields of a block whose value cannot be, unless it could not be the last time either; whether there
    /// are any.
    pub(super) fn count(&mut self, about: About, key: BlockKey, values: &[u16]) -> bool {
        let mut image = RegisterImage::default();
        image.commit(key, values, Duration::ZERO);
        // A block of nothing but zeros says nothing, so nothing in it can be wrong.
        let view = image.view(key.device).with_blanks();
        let mut any = false;
        for field in limited(about, key) {
            let place = (key.device, field.name);
            if field.number(view).is_some() {
                self.now.remove(&place);
            } else if self.now.insert(place) {
                *self.counts.entry(field.name).or_default() += 1;
                any = true;
            }
        }
        any
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.counts.iter().map(|(&name, &count)| (name, count))
    }
}

/// Whether a block has a value that cannot be where it had one that can.
pub(super) fn is_any_lost(about: About, before: &Reading<'_>, after: &Reading<'_>) -> bool {
    let Some(page) = after.page() else { return false };
    let view = page.view(after.key.device).with_blanks();
    // A true meter's power factors are beyond 1 in one read and not in the next, where little flows.
    let steady = |field: &&Field| !field.name.starts_with("pf_");
    let impossible = limited(about, after.key).filter(steady).filter(|field| field.number(view).is_none());
    let mut impossible = impossible.peekable();
    impossible.peek().is_some()
        && before.page().is_some_and(|page| {
            let view = page.view(before.key.device);
            impossible.any(|field| field.number(view).is_some())
        })
}

/// Whether the inverter's clock shows a time that does not exist, where it showed one that does.
pub(super) fn is_clock_lost(about: About, before: &Reading<'_>, after: &Reading<'_>) -> bool {
    let shows = |reading: &Reading<'_>| {
        let page = reading.page()?;
        single_phase::system_time.date_time(page.view(reading.key.device))
    };
    about.device == Device::Inverter
        && covers(after.key, &single_phase::system_time)
        && shows(after).is_none()
        && shows(before).is_some()
}

/// The fields that a block holds all of, and of which it is known what they can be.
fn limited(about: About, key: BlockKey) -> impl Iterator<Item = &'static Field> {
    let limited = |field: &&Field| field.range.is_some() && field.address != SPLIT_SERIAL;
    tables(about).iter().copied().flatten().copied().filter(limited).filter(move |field| covers(key, field))
}

/// Whether all of a field stands in a block.
pub(super) fn covers(key: BlockKey, field: &Field) -> bool {
    let (first, count) = field.span();
    let end = u32::from(key.base) + u32::from(key.count);
    field.bank == key.bank && first >= key.base && u32::from(first) + u32::from(count) <= end
}

fn tables(about: About) -> &'static [&'static [&'static Field]] {
    static BATTERY: [&[&Field]; 1] = [lv_battery::FIELDS];
    static MODULE: [&[&Field]; 1] = [hv_bmu::FIELDS];
    static CONTROLLER: [&[&Field]; 1] = [hv_bcu::FIELDS];
    static METER: [&[&Field]; 1] = [meter::FIELDS];
    static GATEWAY: [&[&Field]; 1] = [gateway::FIELDS];
    static EMS: [&[&Field]; 1] = [ems::FIELDS];
    static THREE_PHASE: [&[&Field]; 1] = [three_phase::FIELDS];
    static SINGLE_PHASE: [&[&Field]; 1] = [single_phase::FIELDS];
    match (about.device, about.model) {
        (Device::Battery, _) => &BATTERY,
        (Device::Module, _) => &MODULE,
        (Device::Controller, _) => &CONTROLLER,
        (Device::Meter, _) => &METER,
        (Device::Inverter, Some(Model::Gateway)) => &GATEWAY,
        (Device::Inverter, Some(model)) if model.is_ems() => &EMS,
        (Device::Inverter, Some(model)) if model.has_three_phase_bank() => &THREE_PHASE,
        (Device::Inverter, Some(model)) if model.is_supported() => &SINGLE_PHASE,
        _ => &[],
    }
}
