//! Which devices still answer, and what is shown of those that do not.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::Plant;
use crate::frame::BlockKey;
use crate::plant::{BATTERIES, METERS, Occurrence, stacks};
use crate::registers::{RegisterImage, hv_bcu, hv_bmu, lv_battery, plan};

/// A device whose page failed three times in a row is unavailable when it was read this long ago: pages that fail a few
/// times are everyday, and their values are not that old.
const UNAVAILABLE_AFTER: Duration = Duration::from_secs(300);

impl Plant {
    /// Addresses of the devices that are known and do not answer, in order. They are kept, and asked for again.
    pub fn unavailable(&self) -> Vec<u8> {
        let mut unavailable: Vec<u8> =
            self.pages().filter(|page| !self.is_available(*page)).map(|page| page.device).collect();
        unavailable.sort_unstable();
        unavailable
    }

    /// Tells of devices that no longer answer, and of those that do so again. One that did not answer since the start is
    /// not told of: nothing was lost.
    pub(super) fn watch_devices(&mut self) {
        let is_lost = |page: &BlockKey| self.read_at(*page).is_some() && !self.is_available(*page);
        let lost: BTreeSet<u8> = self.pages().filter(is_lost).map(|page| page.device).collect();
        for &device in lost.difference(&self.lost) {
            self.guards.tell(Occurrence::DeviceLost { device });
        }
        for &device in self.lost.difference(&lost) {
            self.guards.tell(Occurrence::DeviceBack { device });
        }
        self.lost = lost;
    }

    /// The page by which each known device is judged.
    fn pages(&self) -> impl Iterator<Item = BlockKey> + '_ {
        self.capabilities().into_iter().flat_map(|found| {
            let batteries = found.batteries.iter().map(|&device| plan::battery(device));
            let meters = found.meters.iter().map(|&device| plan::meter(device));
            let controllers = found.stacks.iter().map(|stack| plan::controller(stack.controller));
            let modules = found.stacks.iter().flat_map(|stack| &stack.modules).map(|&device| plan::module(device));
            batteries.chain(meters).chain(controllers).chain(modules)
        })
    }

    /// One that was not read since the start shows nothing anyway; time is that of the newest block.
    fn is_available(&self, page: BlockKey) -> bool {
        let Some(read_at) = self.read_at(page) else { return false };
        !self.keeps_failing(page) || self.latest.saturating_sub(read_at) < UNAVAILABLE_AFTER
    }

    /// The plant as it is shown: without the pages of devices that do not answer, except who they are. `None` if all do.
    pub(super) fn without(&self, unavailable: &[u8]) -> Option<Self> {
        let stripped = unavailable.iter().any(|&device| self.image.holds(device));
        stripped.then(|| {
            let mut image: RegisterImage = (*self.image).clone();
            image
                .retain(|device, _, address| !unavailable.contains(&device) || is_serial(&self.image, device, address));
            Self { image: Arc::new(image), ..self.clone() }
        })
    }
}

/// Whether a device says who it is in this register.
fn is_serial(image: &RegisterImage, device: u8, address: u16) -> bool {
    let five_from = |first: u16| (first..first + 5).contains(&address);
    match device {
        device if BATTERIES.contains(&device) => five_from(lv_battery::serial_number.address),
        device if METERS.contains(&device) => false,
        device if stacks::CONTROLLERS.contains(&device) => five_from(hv_bcu::serial_number.address),
        device => {
            five_from(hv_bmu::serial_number.address) || stacks::serial_begins_at(image.view(device)) == Some(address)
        }
    }
}
