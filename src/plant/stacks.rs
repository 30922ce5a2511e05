use serde::{Deserialize, Serialize};

use super::{Capabilities, Model, Plant};
use crate::frame::{Bank, Serial};
use crate::registers::{RegisterImage, View, hv_bcu, hv_bmu};

/// Where a device with high-voltage stacks tells how many it has.
pub(super) const BMS: u8 = 0xa0;
/// Input register of it: how many stacks.
const STACKS: u16 = 61;
/// The first stack's controller.
pub(super) const CONTROLLERS: std::ops::Range<u8> = 0x70..0x80;
/// The modules of all stacks, those of the first stack in front.
pub(super) const MODULES: std::ops::Range<u8> = 0x50..0x70;

/// A high-voltage battery stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stack {
    /// Address of its controller (BCU).
    pub controller: u8,
    /// Addresses of its modules (BMUs) that say who they are, in order.
    pub modules: Vec<u8>,
}

impl Plant {
    /// The high-voltage battery stacks that are known: those of which something was read, whatever the order in which
    /// it arrived, and those that were there before a restart.
    pub fn stacks(&self) -> Vec<Stack> {
        self.capabilities().map(|found| found.stacks.clone()).unwrap_or_default()
    }
}

/// The stacks that the registers tell of, with those of their modules that say who they are.
pub(super) fn found(model: Model, image: &RegisterImage) -> Vec<Stack> {
    let mut stacks = expected(model, image);
    for stack in &mut stacks {
        stack.modules.retain(|&module| is_module(image, module));
    }
    stacks
}

/// The same, with the modules that should be there by their number.
pub(super) fn expected(model: Model, image: &RegisterImage) -> Vec<Stack> {
    let count = number(image).unwrap_or(CONTROLLERS.len());
    let mut addresses = MODULES;
    let mut stacks = Vec::new();
    for controller in CONTROLLERS.take(count) {
        let modules = hv_bcu::number_of_modules.integer(image.view(controller)).and_then(|n| usize::try_from(n).ok());
        // The addresses run on over the stacks: without this number nothing is known of those that follow.
        let Some(modules) = modules else { break };
        stacks
            .push(Stack { controller, modules: addresses.by_ref().take(modules.min(model.most_modules())).collect() });
    }
    stacks
}

/// How many stacks there are, where something tells it.
pub(super) fn number(image: &RegisterImage) -> Option<usize> {
    image.view(BMS).get(Bank::Input, STACKS).map(usize::from).filter(|&number| number > 0)
}

/// Whether something of high-voltage stacks answers at this address.
pub(super) fn is_part(device: u8) -> bool {
    device == BMS || CONTROLLERS.contains(&device) || MODULES.contains(&device)
}

/// The controllers to look for: as many as there are said to be, and the next one where nothing says it.
pub(super) fn controllers(image: &RegisterImage, known: &[Stack]) -> impl Iterator<Item = u8> + use<> {
    CONTROLLERS.take(number(image).unwrap_or(known.len() + 1))
}

/// Adds what was found to what is known. A module that is not found this time is kept, unless it is another stack's
/// now.
pub(super) fn merge(known: &mut Vec<Stack>, found: &[Stack]) {
    for stack in found {
        for other in known.iter_mut().filter(|other| other.controller != stack.controller) {
            other.modules.retain(|module| !stack.modules.contains(module));
        }
        match known.binary_search_by_key(&stack.controller, |known| known.controller) {
            Ok(at) => {
                for &module in &stack.modules {
                    Capabilities::insert(&mut known[at].modules, module);
                }
            }
            Err(at) => known.insert(at, stack.clone()),
        }
    }
}

/// What of stacks that come from outside can be true of this model: addresses in their ranges, sorted, none twice.
pub(super) fn plausible(stacks: &[Stack], model: Model) -> Vec<Stack> {
    let mut plausible: Vec<Stack> = Vec::new();
    for stack in stacks.iter().filter(|stack| CONTROLLERS.contains(&stack.controller)) {
        let mut modules = Vec::new();
        for &module in stack.modules.iter().filter(|module| MODULES.contains(module)).take(model.most_modules()) {
            Capabilities::insert(&mut modules, module);
        }
        merge(&mut plausible, &[Stack { controller: stack.controller, modules }]);
    }
    plausible
}

/// A module is there if it says who it is; an address without one may answer zeros.
fn is_module(image: &RegisterImage, address: u8) -> bool {
    hv_bmu::serial_number.text(image.view(address)).is_some_and(|serial| !serial.trim().is_empty())
}

/// Who a module is. Some firmware (BAAA0013 of an all-in-one) keeps the first two characters four registers before the
/// others, where the temperature of a cell would be.
pub fn module_serial(view: View<'_>) -> Option<Serial> {
    let mut registers = [0; 5];
    for (register, address) in registers.iter_mut().zip(hv_bmu::serial_number.address..) {
        *register = view.get(Bank::Input, address)?;
    }
    if let Some(elsewhere) = serial_begins_at(view) {
        registers[0] = view.get(Bank::Input, elsewhere)?;
    }
    Some(Serial::from_registers(registers)).filter(Serial::is_plausible)
}

/// Where the first two characters of a module's serial stand, if not with the others.
pub(super) fn serial_begins_at(view: View<'_>) -> Option<u16> {
    (view.get(Bank::Input, hv_bmu::serial_number.address)? == 0).then_some(hv_bmu::t_cell_21.address)
}

/// What GivTCP calls a module, which does not know of what is elsewhere.
pub fn givtcp_serial(serial: Serial, view: View<'_>) -> String {
    let serial = serial.to_string();
    let known = serial.get(2..).filter(|_| serial_begins_at(view).is_some());
    known.map(str::to_owned).unwrap_or(serial)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::frame::BlockKey;

    fn page(image: &mut RegisterImage, device: u8, registers: &[(usize, u16)]) {
        let mut values = [0; 60];
        for &(register, value) in registers {
            values[register - 60] = value;
        }
        image.commit(BlockKey::new(device, Bank::Input, 60, 60), &values, Duration::ZERO);
    }

    fn modules(image: &mut RegisterImage, devices: std::ops::Range<u8>) {
        devices.for_each(|device| page(image, device, &[(60, 3300), (114, 0x4858), (115, 0x3030)]));
    }

    #[test]
    fn the_addresses_of_modules_run_on_over_the_stacks() {
        let mut image = RegisterImage::default();
        page(&mut image, 0xa0, &[(61, 2)]);
        page(&mut image, 0x70, &[(64, 3)]);
        page(&mut image, 0x71, &[(64, 2)]);
        page(&mut image, 0x72, &[(64, 6)]);
        modules(&mut image, 0x50..0x5f);
        assert_eq!(
            found(Model::HybridThreePhase, &image),
            [
                Stack { controller: 0x70, modules: vec![0x50, 0x51, 0x52] },
                Stack { controller: 0x71, modules: vec![0x53, 0x54] },
            ]
        );
    }

    #[test]
    fn a_module_without_a_serial_is_not_there() {
        let mut image = RegisterImage::default();
        page(&mut image, 0x70, &[(64, 3)]);
        modules(&mut image, 0x50..0x51);
        page(&mut image, 0x51, &[(60, 3300)]);
        modules(&mut image, 0x52..0x53);
        let found = found(Model::AllInOne, &image);
        assert_eq!(found, [Stack { controller: 0x70, modules: vec![0x50, 0x52] }]);
    }

    #[test]
    fn a_serial_in_two_pieces_is_put_together() {
        let whole = [(114, 0x4858), (115, 0x3234), (116, 0x3134), (117, 0x4730), (118, 0x3030)];
        let split = [(110, 0x4858), (115, 0x3234), (116, 0x3134), (117, 0x4730), (118, 0x3030)];
        let serial = |registers: &[(usize, u16)]| {
            let mut image = RegisterImage::default();
            page(&mut image, 0x50, registers);
            module_serial(image.view(0x50)).map(|serial| serial.to_string())
        };
        assert_eq!(serial(&whole).as_deref(), Some("HX2414G000"));
        assert_eq!(serial(&split).as_deref(), Some("HX2414G000"));
        assert_eq!(serial(&split[1..]), None, "without its beginning it is no serial");
        assert_eq!(serial(&[(60, 3300)]), None);
    }

    #[test]
    fn nonsense_in_the_counts_is_bounded_by_the_addresses() {
        let mut image = RegisterImage::default();
        page(&mut image, 0xa0, &[(61, u16::MAX)]);
        (0x70..0x80).for_each(|device| page(&mut image, device, &[(64, u16::MAX)]));
        modules(&mut image, 0x50..0x70);
        let found = found(Model::HybridThreePhase, &image);
        assert_eq!(found.len(), 16);
        assert_eq!(found.iter().map(|stack| stack.modules.len()).sum::<usize>(), 32);
        assert_eq!(super::found(Model::AllInOne, &image)[0].modules.len(), 4, "an all-in-one has four at most");
    }
}
