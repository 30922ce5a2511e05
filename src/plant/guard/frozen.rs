//! Batteries whose page stays the same although they work: the inverter goes on to answer from its cache when their BMS
//! has stopped. It is told, and nothing is rejected.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Occurrence;

/// How long a page may stay the same while the battery works, unless said otherwise.
const LIMIT: Duration = Duration::from_secs(60 * 60);
/// A battery that works moves more than this, W.
const WORKS: i64 = 100;
/// Between two reads no more than this counts.
const LONGEST_STEP: Duration = Duration::from_secs(300);

#[derive(Clone, Debug)]
struct Page {
    values: Vec<u16>,
    last: Duration,
    worked: Duration,
    told: bool,
}

/// The pages of all batteries, by address.
#[derive(Clone, Debug)]
pub(super) struct Frozen {
    limit: Duration,
    pages: BTreeMap<u8, Page>,
}

impl Default for Frozen {
    fn default() -> Self {
        Self { limit: LIMIT, pages: BTreeMap::new() }
    }
}

impl Frozen {
    pub(super) fn report_after(&mut self, limit: Duration) {
        self.limit = limit;
    }

    /// A page was read while the batteries gave or took so much, W.
    pub(super) fn observe(
        &mut self,
        device: u8,
        values: &[u16],
        power: Option<i64>,
        at: Duration,
    ) -> Option<Occurrence> {
        let fresh = || Page { values: values.to_vec(), last: at, worked: Duration::ZERO, told: false };
        let page = self.pages.entry(device).or_insert_with(fresh);
        if page.values != values {
            let told = page.told;
            *page = fresh();
            return told.then_some(Occurrence::BatteryThawed { device });
        }
        let step = at.saturating_sub(std::mem::replace(&mut page.last, at)).min(LONGEST_STEP);
        if power.is_some_and(|power| power.abs() > WORKS) {
            page.worked += step;
        }
        if page.told || page.worked < self.limit {
            return None;
        }
        page.told = true;
        Some(Occurrence::BatteryFrozen { device, lasting: page.worked })
    }
}
