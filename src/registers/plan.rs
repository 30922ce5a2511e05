//! Which blocks to read: a pure function of what the devices can do and of what is due.

use crate::frame::{Bank, BlockKey};
use crate::plant::{Capabilities, INVERTER, MIRROR, Model};

/// What is due in a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// What is measured: every cycle.
    pub live: bool,
    /// Settings: every few minutes, after start, and on request.
    pub settings: bool,
}

/// The blocks to read, those that carry the first values in front.
///
/// HR 0 to 59 come first when settings are due, since capacity and identity stand there; then what is measured; then the
/// rest of the settings; then what is behind the inverter.
pub fn blocks(capabilities: &Capabilities, due: Due) -> Vec<BlockKey> {
    let inverter = |bank, base| capabilities.inverter_block(bank, base);
    let mut plan = Vec::with_capacity(16);
    let supported = capabilities.model.is_supported();
    if due.settings || (due.live && !supported) {
        plan.push(BlockKey::new(INVERTER, Bank::Holding, 0, 60));
    }
    if !supported {
        return plan;
    }
    if due.live {
        plan.push(inverter(Bank::Input, 0));
        plan.push(inverter(Bank::Input, 180));
    }
    if due.settings {
        plan.push(inverter(Bank::Holding, 60));
    }
    if due.live {
        plan.extend(capabilities.batteries.iter().map(|&device| battery(device)));
        plan.extend(capabilities.lv_bcu.then(lv_bcu));
        plan.extend(capabilities.meters.iter().map(|&device| meter(device)));
    }
    if due.settings {
        plan.push(inverter(Bank::Holding, 120));
        if capabilities.ten_slots() {
            plan.push(inverter(Bank::Holding, 240));
        }
        if capabilities.model.has_ac_settings() {
            plan.push(inverter(Bank::Holding, 300));
        }
    }
    // A block that never answered is asked for with the settings only, so that it does not delay the others.
    plan.retain(|key| due.settings || !capabilities.silent.contains(&(key.bank, key.base)) || !is_inverter(key.device));
    for &(bank, base) in &capabilities.extra {
        // Generation of the house is live where it is measured; elsewhere the block is there and stays zero.
        let live = bank == Bank::Input && capabilities.model.measures_generation();
        if due.settings || (due.live && live) {
            plan.push(inverter(bank, base));
        }
    }
    plan
}

const fn is_inverter(device: u8) -> bool {
    matches!(device, INVERTER | MIRROR)
}

/// Whether a block (bank, base) is one that may be read of this model's inverter.
pub fn is_of(model: Model, block: (Bank, u16)) -> bool {
    model.has_devices() && block != (Bank::Holding, 0) && block.1 < 360 && block.1 % 60 == 0
}

/// A battery's page.
pub const fn battery(device: u8) -> BlockKey {
    BlockKey::new(device, Bank::Input, 60, 60)
}

/// The low-voltage battery controller's page.
pub const fn lv_bcu() -> BlockKey {
    BlockKey::new(MIRROR, Bank::Input, 60, 60)
}

/// A meter's page.
pub const fn meter(device: u8) -> BlockKey {
    BlockKey::new(device, Bank::Input, 60, 30)
}

/// What a meter is.
pub const fn meter_product(device: u8) -> BlockKey {
    BlockKey::new(device, Bank::MeterProduct, 60, 9)
}

/// Blocks of the inverter that some firmware answers and some does not: HR 180 (faults), IR 240 (combined generation).
pub const OPTIONAL: [(Bank, u16); 2] = [(Bank::Holding, 180), (Bank::Input, 240)];
