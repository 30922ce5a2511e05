use super::{Identity, MIRROR, Model, Stack};
use crate::frame::{Bank, BlockKey};
use crate::registers::{RegisterImage, View, plan};

/// What is behind a connection and what it can do; the plan of blocks follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// What the inverter is.
    pub model: Model,
    /// Its ARM firmware, which decides on slots.
    pub arm_firmware: u16,
    /// Addresses of the low-voltage batteries found, in order.
    pub batteries: Vec<u8>,
    /// Addresses of the meters found, in order.
    pub meters: Vec<u8>,
    /// Whether the low-voltage battery controller's page at 0x31 says anything.
    pub lv_bcu: bool,
    /// Whether something at 0xA0 tells how many high-voltage stacks there are.
    pub bms: bool,
    /// The high-voltage stacks found, in order.
    pub stacks: Vec<Stack>,
    /// Optional blocks of the inverter (bank, base) that were found to answer.
    pub extra: Vec<(Bank, u16)>,
    /// Blocks of the inverter (bank, base) that were asked for several times and never answered.
    pub silent: Vec<(Bank, u16)>,
    /// Blocks of the inverter (bank, base) that 0x11 does not answer and 0x31 does.
    pub mirrored: Vec<(Bank, u16)>,
}

impl Capabilities {
    /// What follows from the inverter itself, before anything else was probed.
    pub fn of(identity: &Identity) -> Self {
        Self {
            model: identity.model,
            arm_firmware: identity.arm_firmware,
            batteries: Vec::new(),
            meters: Vec::new(),
            lv_bcu: false,
            bms: false,
            stacks: Vec::new(),
            extra: Vec::new(),
            silent: Vec::new(),
            mirrored: Vec::new(),
        }
    }

    /// The inverter is another one than was thought, or has other firmware: which blocks it answers is open again, and
    /// what it cannot have behind it is none.
    pub(super) fn change_to(&mut self, identity: &Identity) {
        let mut changed = Self::of(identity);
        if identity.model.has_low_voltage_batteries() {
            changed.batteries = std::mem::take(&mut self.batteries);
            changed.lv_bcu = self.lv_bcu;
        }
        if identity.model.has_high_voltage_batteries() {
            changed.stacks = std::mem::take(&mut self.stacks);
            changed.bms = self.bms;
        }
        if identity.model.is_supported() {
            changed.meters = std::mem::take(&mut self.meters);
        }
        *self = changed;
    }

    /// Whether this is what follows from the inverter.
    pub(super) fn is_of(&self, identity: &Identity) -> bool {
        (self.model, self.arm_firmware) == (identity.model, identity.arm_firmware)
    }

    /// Ten charge and discharge slots, rather than two.
    pub fn ten_slots(&self) -> bool {
        self.model.has_ten_slots(self.arm_firmware)
    }

    /// Whether its live values stand in IR 1000 and on; of a model that has not shown it yet, if that was found.
    pub fn has_three_phase_bank(&self) -> bool {
        let shown = self.model != Model::AllInOneHybrid || self.extra.contains(&(Bank::Input, 1000));
        self.model.has_three_phase_bank() && shown
    }

    /// Whether this is a block of the inverter that never answered.
    pub fn is_silent(&self, key: BlockKey) -> bool {
        plan::is_inverter(key.device) && self.silent.contains(&(key.bank, key.base))
    }

    /// Where a block of the inverter is read.
    pub fn inverter_block(&self, bank: Bank, base: u16) -> BlockKey {
        let device = if self.mirrored.contains(&(bank, base)) { MIRROR } else { super::INVERTER };
        BlockKey::new(device, bank, base, 60)
    }

    /// What the inverter says, wherever it is read. Of a model that is not supported only HR 0 to 59 mean anything
    /// here, though another client's replies may have brought more.
    pub fn inverter_view<'a>(&'a self, image: &'a RegisterImage) -> View<'a> {
        let view = image.view(super::INVERTER);
        if self.model.is_supported() { view.mirrored(MIRROR, &self.mirrored) } else { view.only((Bank::Holding, 0)) }
    }

    /// Adds a device to a sorted list, once.
    pub(super) fn insert(list: &mut Vec<u8>, device: u8) {
        if let Err(at) = list.binary_search(&device) {
            list.insert(at, device);
        }
    }
}
