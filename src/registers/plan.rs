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

/// Registers of the inverter: bank, first one, how many.
type Shape = (Bank, u16, u16);

const fn holding(base: u16) -> Shape {
    (Bank::Holding, base, 60)
}

const fn input(base: u16) -> Shape {
    (Bank::Input, base, 60)
}

/// Every inverter but a plant controller answers these.
const COMMON: [Shape; 2] = [input(0), input(180)];
/// Where a three-phase inverter's live values stand.
const THREE_PHASE: [Shape; 7] =
    [input(1000), input(1060), input(1120), input(1180), input(1240), input(1300), (Bank::Input, 1360, 54)];
/// Where a gateway's stand, with those of its all-in-ones.
const GATEWAY: [Shape; 5] = [input(1600), input(1660), input(1720), input(1780), (Bank::Input, 1840, 20)];
/// Where a plant controller's stand, with those of its inverters and meters.
const EMS: [Shape; 1] = [(Bank::Input, 2040, 55)];

/// Settings that are read right after what is measured: powers and rates.
const SETTINGS: Shape = holding(60);
const SETTINGS_LATER: [Shape; 2] = [holding(120), input(120)];
const SETTINGS_SLOTS: Shape = holding(240);
const SETTINGS_AC: Shape = holding(300);
const SETTINGS_THREE_PHASE: [Shape; 3] = [holding(1000), holding(1060), (Bank::Holding, 1120, 5)];
const SETTINGS_EMS: Shape = (Bank::Holding, 2040, 36);

/// The blocks to read, those that carry the first values in front.
///
/// HR 0 to 59 come first when settings are due, since capacity and identity stand there; then what is measured, and
/// before the last of it, which has only a few counters, the first of the settings; then what is behind the inverter;
/// and the rest of the settings.
pub fn blocks(capabilities: &Capabilities, due: Due) -> Vec<BlockKey> {
    let mut plan = Vec::with_capacity(32);
    let supported = capabilities.model.is_supported();
    if due.settings || (due.live && !supported) {
        plan.push(BlockKey::new(INVERTER, Bank::Holding, 0, 60));
    }
    if !supported {
        return plan;
    }
    let key = |(bank, base, count)| BlockKey { count, ..capabilities.inverter_block(bank, base) };
    if due.live {
        plan.extend(live(capabilities).into_iter().map(key));
    }
    let mut settings = if due.settings { settings(capabilities) } else { Vec::new() }.into_iter().map(key);
    let counters = plan.iter().position(|key| (key.bank, key.base) == (Bank::Input, 180)).unwrap_or(plan.len());
    if let Some(first) = settings.next() {
        plan.insert(counters, first);
    }
    if due.live {
        plan.extend(devices(capabilities));
    }
    plan.extend(settings);
    if due.settings && capabilities.bms {
        plan.push(bms());
    }
    // A block that never answered is asked for with the settings only, so that it does not delay the others.
    plan.retain(|key| due.settings || !capabilities.is_silent(*key));
    plan
}

/// What of the inverter is read in each cycle: that which carries most in front.
fn live(capabilities: &Capabilities) -> Vec<Shape> {
    let model = capabilities.model;
    let mut live = Vec::with_capacity(12);
    if model.is_ems() {
        live.extend(EMS);
    } else {
        if capabilities.has_three_phase_bank() {
            live.extend(THREE_PHASE);
        }
        if model == Model::Gateway {
            live.extend(GATEWAY);
        }
        live.extend(COMMON);
    }
    live.extend(found(capabilities, true).filter(|shape| !THREE_PHASE.contains(shape)));
    live
}

fn settings(capabilities: &Capabilities) -> Vec<Shape> {
    let model = capabilities.model;
    if model.is_ems() {
        return vec![SETTINGS_EMS];
    }
    let mut settings = vec![SETTINGS];
    settings.extend(SETTINGS_LATER);
    if capabilities.has_three_phase_bank() {
        settings.extend(SETTINGS_THREE_PHASE);
    }
    if capabilities.ten_slots() {
        settings.push(SETTINGS_SLOTS);
    }
    if model.has_ac_settings() {
        settings.push(SETTINGS_AC);
    }
    settings.extend(found(capabilities, false));
    settings
}

/// The optional blocks that were found to answer.
fn found(capabilities: &Capabilities, live: bool) -> impl Iterator<Item = Shape> + '_ {
    let wanted = optional(capabilities.model).into_iter().filter(move |optional| optional.live == live);
    wanted.map(Optional::shape).filter(|&(bank, base, _)| capabilities.extra.contains(&(bank, base)))
}

/// The pages of what is behind the inverter.
fn devices(capabilities: &Capabilities) -> impl Iterator<Item = BlockKey> + '_ {
    let batteries = capabilities.batteries.iter().map(|&device| battery(device));
    let lv_bcu = capabilities.lv_bcu.then(lv_bcu);
    let stacks = capabilities.stacks.iter().flat_map(|stack| {
        std::iter::once(controller(stack.controller)).chain(stack.modules.iter().map(|&device| module(device)))
    });
    batteries.chain(lv_bcu).chain(stacks).chain(capabilities.meters.iter().map(|&device| meter(device)))
}

/// A battery's page.
pub const fn battery(device: u8) -> BlockKey {
    BlockKey::new(device, Bank::Input, 60, 60)
}

/// The low-voltage battery controller's page.
pub const fn lv_bcu() -> BlockKey {
    BlockKey::new(MIRROR, Bank::Input, 60, 60)
}

/// Where it stands how many high-voltage stacks there are.
pub const fn bms() -> BlockKey {
    BlockKey::new(0xa0, Bank::Input, 60, 5)
}

/// The page of a high-voltage stack's controller.
pub const fn controller(device: u8) -> BlockKey {
    BlockKey::new(device, Bank::Input, 60, 60)
}

/// Who a high-voltage stack's controller is.
pub const fn controller_serial(device: u8) -> BlockKey {
    BlockKey::new(device, Bank::Input, 120, 60)
}

/// The page of a module of a high-voltage stack.
pub const fn module(device: u8) -> BlockKey {
    BlockKey::new(device, Bank::Input, 60, 60)
}

/// A meter's page.
pub const fn meter(device: u8) -> BlockKey {
    BlockKey::new(device, Bank::Input, 60, 30)
}

/// What a meter is.
pub const fn meter_product(device: u8) -> BlockKey {
    BlockKey::new(device, Bank::MeterProduct, 60, 9)
}

/// Blocks of the inverter that some firmware answers and some does not, and that may well be all zeros: HR 180 (faults),
/// IR 240 (combined generation).
pub const OPTIONAL: [(Bank, u16); 2] = [(Bank::Holding, 180), (Bank::Input, 240)];

/// A block of the inverter that a model may answer: it is asked for, and read once it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Optional {
    /// Its bank.
    pub bank: Bank,
    /// Its first register.
    pub base: u16,
    /// Whether it is read in each cycle, rather than with the settings.
    pub live: bool,
}

impl Optional {
    const fn new(bank: Bank, base: u16, live: bool) -> Self {
        Self { bank, base, live }
    }

    fn shape(self) -> Shape {
        (self.bank, self.base, 60)
    }
}

/// What this model may answer besides the blocks that it has for certain.
pub fn optional(model: Model) -> Vec<Optional> {
    if !model.is_supported() {
        return Vec::new();
    }
    if model.is_ems() {
        // GivTCP publishes a plant controller's energies from there.
        return vec![Optional::new(Bank::Input, 0, true)];
    }
    let mut blocks = Vec::with_capacity(4);
    if model == Model::AllInOneHybrid {
        // No unit has shown whether it has a three-phase inverter's registers. Their first block stands for all.
        blocks.push(Optional::new(Bank::Input, 1000, true));
    }
    blocks.extend(OPTIONAL.map(|(bank, base)| {
        // Generation of the house is live where it is measured; elsewhere the block is there and stays zero.
        Optional::new(bank, base, bank == Bank::Input && model.measures_generation())
    }));
    if model == Model::Gateway || (model.has_three_phase_bank() && model != Model::AllInOneHybrid) {
        blocks.push(Optional::new(Bank::Holding, 240, false));
    }
    if model == Model::Gateway {
        blocks.push(Optional::new(Bank::Holding, 300, false));
    }
    blocks
}

/// Whether a block (bank, base) is one that is read of some inverter, HR 0 to 59 aside.
pub fn is_of_inverter(block: (Bank, u16)) -> bool {
    let all = COMMON.iter().chain(&THREE_PHASE).chain(&GATEWAY).chain(&EMS).chain(&SETTINGS_LATER);
    let all = all.chain(&SETTINGS_THREE_PHASE).chain([&SETTINGS, &SETTINGS_SLOTS, &SETTINGS_AC, &SETTINGS_EMS]);
    OPTIONAL.contains(&block) || all.into_iter().any(|&(bank, base, _)| (bank, base) == block)
}

/// Whether an address is the inverter's.
pub const fn is_inverter(device: u8) -> bool {
    matches!(device, INVERTER | MIRROR)
}
