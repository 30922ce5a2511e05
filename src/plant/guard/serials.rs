//! Who the devices are that a block tells of: modules, controllers, children of a plant controller or a gateway.

use super::{About, Device, Reading};
use crate::frame::{Bank, Serial};
use crate::plant::Model;
use crate::registers::{ems, gateway, hv_bcu, hv_bmu, single_phase};

/// Where serials stand in the blocks of a device: first registers of five.
fn places(about: About, bank: Bank) -> &'static [u16] {
    match (about.device, bank, about.model) {
        (Device::Inverter, Bank::Holding, _) => &[FIRST_BATTERY],
        (Device::Inverter, Bank::Input, Some(Model::Gateway)) => &GATEWAY,
        (Device::Inverter, Bank::Input, Some(model)) if model.is_ems() => &EMS,
        (Device::Controller, Bank::Input, _) => &[CONTROLLER],
        _ => &[],
    }
}

const FIRST_BATTERY: u16 = single_phase::first_battery_serial_number.address;
const CONTROLLER: u16 = hv_bcu::serial_number.address;
static GATEWAY: [u16; 4] = [
    gateway::first_inverter_serial_number.address,
    gateway::aio1_serial_number.address,
    gateway::aio2_serial_number.address,
    gateway::aio3_serial_number.address,
];
static EMS: [u16; 4] = [
    ems::inverter_1_serial_number.address,
    ems::inverter_2_serial_number.address,
    ems::inverter_3_serial_number.address,
    ems::inverter_4_serial_number.address,
];

/// What is new in the serials that a block tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    None,
    /// Told for the first time.
    First,
    /// Another than before.
    Other,
}

pub(super) fn news(about: About, before: &Reading<'_>, after: &Reading<'_>) -> News {
    let key = after.key;
    if key.bank == Bank::MeterProduct {
        return product(before, after);
    }
    let touched = |first: u16| first < key.base.saturating_add(key.count) && key.base <= first.saturating_add(4);
    let mut news = News::None;
    let mut hold = |was: Option<Serial>, is: Option<Serial>| match (said(was), said(is)) {
        (Some(was), is) if is != Some(was) => news = News::Other,
        (None, Some(_)) if news == News::None => news = News::First,
        _ => {}
    };
    if about.device == Device::Module {
        hold(module(before), module(after));
    }
    for &place in places(about, key.bank).iter().filter(|&&place| touched(place)) {
        hold(before.serial(place), after.serial(place));
    }
    news
}

/// What a meter is does not change: all of it counts as its name.
fn product(before: &Reading<'_>, after: &Reading<'_>) -> News {
    let changed = (0..after.key.count).any(|place| before.at(place) != after.at(place));
    match (before.is_blank(), changed) {
        (true, _) if after.is_blank() => News::None,
        (true, _) => News::First,
        (false, true) => News::Other,
        (false, false) => News::None,
    }
}

/// Blanks say nothing.
fn said(serial: Option<Serial>) -> Option<Serial> {
    serial.filter(|serial| serial.bytes().iter().any(|byte| !matches!(byte, 0 | b' ')))
}

/// A module's serial, put together as [`crate::plant::module_serial`] does.
pub(super) fn module(reading: &Reading<'_>) -> Option<Serial> {
    let mut registers = reading.serial(hv_bmu::serial_number.address)?.registers();
    if registers[0] == 0 {
        registers[0] = reading.get(hv_bmu::t_cell_21.address)?;
    }
    Some(Serial::from_registers(registers))
}
