//! What of a plant must survive a restart.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::tariff::Tariff;
use super::{BATTERIES, Capabilities, Identity, METERS, Model, Plant, Stack, ledger, stacks};
use crate::frame::{Bank, Serial};
use crate::registers::plan;

/// What of one plant must survive a restart. A field that a file lacks is at its default, so that an older one is
/// still good for the others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// Serial number of the inverter.
    pub serial: String,
    /// When this was so.
    pub saved_at: Timestamp,
    /// What was found behind the connection.
    pub devices: Devices,
    /// What was counted of the tariff.
    pub tariff: Tariff,
    /// What was believed of the energy counters.
    pub counters: ledger::Memory,
}

/// What was found behind a connection.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Devices {
    /// The inverter's device type code (HR 0).
    pub device_type_code: u16,
    /// Its ARM firmware (HR 21).
    pub arm_firmware: u16,
    /// Its DSP firmware (HR 19).
    pub dsp_firmware: u16,
    /// Addresses of low-voltage batteries.
    pub batteries: Vec<u8>,
    /// Addresses of meters.
    pub meters: Vec<u8>,
    /// Whether the low-voltage battery controller's page says anything.
    pub lv_bcu: bool,
    /// Whether something tells how many high-voltage stacks there are.
    pub bms: bool,
    /// High-voltage stacks.
    pub stacks: Vec<Stack>,
    /// Optional blocks of the inverter (bank, base) that answer.
    pub extra: Vec<(Bank, u16)>,
    /// Blocks of the inverter (bank, base) that do not.
    pub silent: Vec<(Bank, u16)>,
    /// Blocks of the inverter (bank, base) that answer at 0x31 only.
    pub mirrored: Vec<(Bank, u16)>,
}

impl Memory {
    /// Whether it was saved by this inverter, with this firmware: such an identity need not be confirmed.
    pub fn is_of(&self, identity: &Identity) -> bool {
        self.serial == identity.serial.to_string() && self.devices.is_of(identity)
    }

    /// Whether the two differ in more than their time.
    pub fn differs(&self, other: &Self) -> bool {
        Self { saved_at: other.saved_at, ..self.clone() } != *other
    }
}

impl Devices {
    fn of(identity: &Identity, found: &Capabilities) -> Self {
        Self {
            device_type_code: identity.device_type_code,
            arm_firmware: identity.arm_firmware,
            dsp_firmware: identity.dsp_firmware,
            batteries: found.batteries.clone(),
            meters: found.meters.clone(),
            lv_bcu: found.lv_bcu,
            bms: found.bms,
            stacks: found.stacks.clone(),
            extra: found.extra.clone(),
            silent: found.silent.clone(),
            mirrored: found.mirrored.clone(),
        }
    }

    fn is_of(&self, identity: &Identity) -> bool {
        (self.device_type_code, self.arm_firmware, self.dsp_firmware)
            == (identity.device_type_code, identity.arm_firmware, identity.dsp_firmware)
    }

    /// What of it can be true of this inverter, added to what is known already. A file may hold anything, and what
    /// another firmware answered says nothing.
    fn recall(&self, identity: &Identity, found: &mut Capabilities) {
        let model = identity.model;
        if Model::of(self.device_type_code, self.arm_firmware) != model {
            return;
        }
        let insert = |list: &mut Vec<u8>, addresses: &[u8], valid: std::ops::RangeInclusive<u8>| {
            for &address in addresses.iter().filter(|address| valid.contains(address)) {
                Capabilities::insert(list, address);
            }
        };
        if model.has_low_voltage_batteries() {
            insert(&mut found.batteries, &self.batteries, BATTERIES);
            found.lv_bcu |= self.lv_bcu;
        }
        if model.is_supported() {
            insert(&mut found.meters, &self.meters, METERS);
        }
        if model.has_high_voltage_batteries() {
            found.bms |= self.bms;
            stacks::merge(&mut found.stacks, &stacks::plausible(&self.stacks, model));
        }
        if self.is_of(identity) {
            let may_be = |block: &&(Bank, u16)| plan::is_of_inverter(**block);
            for (from, into) in [
                (&self.extra, &mut found.extra),
                (&self.silent, &mut found.silent),
                (&self.mirrored, &mut found.mirrored),
            ] {
                for &block in from.iter().filter(may_be) {
                    if !into.contains(&block) {
                        into.push(block);
                    }
                }
            }
        }
    }
}

impl Plant {
    /// What must survive a restart, as of `now`; nothing before the inverter is known.
    pub fn memory(&self, now: Timestamp) -> Option<Memory> {
        let (identity, found) = (self.identity()?, self.capabilities()?);
        Some(Memory {
            serial: identity.serial.to_string(),
            saved_at: now,
            devices: Devices::of(identity, found),
            tariff: self.tariff().clone(),
            counters: self.counters(self.latest),
        })
    }

    /// Takes up what was kept of this plant. `now` is the wall time, and `at` the process' monotonic time; memory of
    /// another inverter is ignored.
    pub fn remember(&mut self, memory: Memory, now: Timestamp, at: Duration) {
        let Some(identity) = self.identity().cloned() else { return };
        if memory.serial.parse::<Serial>() != Ok(identity.serial) {
            return;
        }
        self.restore_tariff(memory.tariff);
        self.change_capabilities(|found| memory.devices.recall(&identity, found));
        let pause = Duration::try_from(now.duration_since(memory.saved_at)).unwrap_or_default();
        self.restore_counters(memory.counters, pause, at);
    }
}

#[cfg(test)]
mod tests;
