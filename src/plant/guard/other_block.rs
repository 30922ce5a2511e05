//! What one block says, in the reply for another: right in all but in whose it is.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Reading;
use crate::frame::{Bank, BlockKey};
use crate::plant::{INVERTER, MIRROR};

/// More blocks than any plant has; what comes beyond them is not compared.
const MOST: usize = 160;
/// Too few registers to tell blocks apart.
const FEW: u16 = 20;
/// So many registers that are not zero tell something.
const TELLING: usize = 8;
/// From this share of equal registers on, two blocks say the same.
const SAME: f64 = 0.9;
/// Below this share a block has not much to do with the one before.
const UNLIKE: f64 = 0.5;
/// Below this share it has nothing to do with it: settings, and what is measured. In some blocks of a
/// three-phase inverter, and in a meter's and a module's, everything changes all the time.
const ALIEN: (f64, f64) = (0.3, 0.15);
const ALL_CHANGES: std::ops::Range<u16> = 1000..1420;
/// Where first-generation and AC-coupled inverters answer with their own blocks too.
const MIRRORS: [u8; 4] = [INVERTER, 0x30, MIRROR, 0x32];

/// The blocks that were taken over last.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent(BTreeMap<(u8, Bank, u16), (Vec<u16>, Duration)>);

impl Recent {
    pub(super) fn keep(&mut self, key: BlockKey, values: &[u16], at: Duration) {
        let place = (key.device, key.bank, key.base);
        if key.count >= FEW && (self.0.len() < MOST || self.0.contains_key(&place)) {
            self.0.insert(place, (values.to_vec(), at));
        }
    }

    /// Whether a block is more likely another one's, or nobody's. `before` is the same block as it was.
    pub(super) fn is_another(&self, before: &Reading<'_>, after: &Reading<'_>) -> bool {
        let key = after.key;
        if key.count < FEW || told(after) < TELLING {
            return false;
        }
        let own = (told(before) >= TELLING).then(|| share(key.count, |at| before.at(at), |at| after.at(at)));
        if own.is_some_and(|own| own >= UNLIKE) {
            return false;
        }
        let alien = match key.bank {
            Bank::Input if !matches!(key.device, INVERTER | MIRROR) || ALL_CHANGES.contains(&key.base) => 0.0,
            Bank::Input => ALIEN.1,
            Bank::Holding | Bank::MeterProduct => ALIEN.0,
        };
        if own.is_some_and(|own| own < alien) {
            return true;
        }
        self.0.iter().any(|(&place, (values, _))| {
            !is_mirrored(key, place)
                && share(key.count, |at| values.get(usize::from(at)).copied(), |at| after.at(at)) >= SAME
        })
    }
}

/// Whether the same is said there as a rule.
fn is_mirrored(key: BlockKey, (device, bank, base): (u8, Bank, u16)) -> bool {
    // A page of its own each: of a battery, of a controller.
    let is_page = (bank, base) == (Bank::Input, 60);
    (bank, base) == (key.bank, key.base)
        && (device == key.device || (MIRRORS.contains(&device) && MIRRORS.contains(&key.device) && !is_page))
}

fn told(reading: &Reading<'_>) -> usize {
    (0..reading.key.count).filter(|&at| reading.at(at).is_some_and(|value| value != 0)).count()
}

/// Of the registers that are not zero in both, the share of those that are equal.
fn share(count: u16, one: impl Fn(u16) -> Option<u16>, other: impl Fn(u16) -> Option<u16>) -> f64 {
    let pairs = (0..count).map(|at| (one(at).unwrap_or(0), other(at).unwrap_or(0)));
    let (mut equal, mut all) = (0u32, 0u32);
    for (one, other) in pairs.filter(|pair| *pair != (0, 0)) {
        all += 1;
        equal += u32::from(one == other);
    }
    if all == 0 { 1.0 } else { f64::from(equal) / f64::from(all) }
}
