//! What keeps nonsense out: each guard is a named reason, each rejection is counted, and what is merely doubtful waits
//! until it is read again.
//!
//! They stand in this order: length, a stray packet, zeros over values, whose serial it is, and then what the block says
//! beside what it said before. Nothing is smoothed here: a block is taken over whole, later, or not at all.

mod all_zero;
mod episode;
mod fields;
mod frozen;
mod lv_battery;
mod other_block;
mod part_zero;
mod power;
mod reading;
mod rejection;
mod serials;
mod steps;
mod stray_packet;
mod told;
mod waiting;

use std::collections::BTreeMap;
use std::time::Duration;

pub use episode::Occurrence;
pub use rejection::{Rejection, Rejections};

use super::model::rated_power;
use super::{BATTERIES, INVERTER, Identity, METERS, MIRROR, Model};
use crate::frame::{Bank, BlockKey};
use crate::registers::{RegisterImage, hv_bmu};
use episode::Episodes;
use fields::Implausible;
use frozen::Frozen;
use other_block::Recent;
use reading::Reading;
use serials::News;
use waiting::Waiting;

#[cfg(test)]
pub(crate) use stray_packet::packet;

/// What a block says is compared with what it said no longer ago than this.
const COMPARABLE: Duration = Duration::from_secs(300);

/// What is known of where a block comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct About {
    device: Device,
    /// What the inverter is; none before HR 0 to 59 were believed.
    model: Option<Model>,
    /// Its rated power, W.
    rated: Option<u32>,
    /// What its battery can take and give, W.
    battery: Option<u16>,
}

/// What answers at an address, as far as the guards differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Device {
    Inverter,
    Battery,
    Module,
    Controller,
    Meter,
    Other,
}

impl About {
    /// Of a block, and of the inverter if it is known.
    pub(super) fn new(key: BlockKey, identity: Option<&Identity>) -> Self {
        let code = identity.map(|identity| identity.device_type_code);
        let model = identity.map(|identity| identity.model);
        let has_batteries = model.is_none_or(Model::has_low_voltage_batteries);
        let device = match key.device {
            INVERTER | MIRROR => Device::Inverter,
            _ if key.bank != Bank::Input => Device::Other,
            device if METERS.contains(&device) => Device::Meter,
            device if BATTERIES.contains(&device) && has_batteries && touches_page(key) => Device::Battery,
            0x50..=0x6f => Device::Module,
            0x70..=0x7f => Device::Controller,
            _ => Device::Other,
        };
        let battery = model.zip(code).and_then(|(model, code)| model.battery_power(code));
        Self { device, model, rated: code.and_then(rated_power), battery }
    }
}

/// Whether any of a block lies in IR 60 to 119.
fn touches_page(key: BlockKey) -> bool {
    key.base < 120 && u32::from(key.base) + u32::from(key.count) > 60
}

/// Why a block is not believed yet, and what would change that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Doubt {
    reason: Rejection,
    until: Until,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    /// So many reads that agree, the first included.
    Reads(u8),
    /// The same; or eight that were doubted in a row, since what never reads alike is not wrong but changes all the time.
    Steady(u8),
    /// Ten reads that agree, over a quarter of an hour: what stays so long is true after all.
    Long,
}

impl Doubt {
    const fn new(reason: Rejection, until: Until) -> Self {
        Self { reason, until }
    }
}

/// A block as it was read before, when it was doubted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Earlier {
    pub(super) values: Vec<u16>,
    pub(super) at: Duration,
}

/// A block that has told nothing yet.
const FIRST: Doubt = Doubt::new(Rejection::FirstBlock, Until::Steady(2));

/// What the guards say of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// With the read before it, if it was that which confirmed it.
    Believed(Option<Earlier>),
    /// Kept until a further read agrees.
    Held(Rejection),
    Rejected(Rejection),
}

/// The guards' memory of one plant. What it keeps is bounded by the addresses that can exist.
#[derive(Clone, Debug, Default)]
pub(super) struct Guards {
    rejections: Rejections,
    implausible: Implausible,
    waiting: Waiting,
    recent: Recent,
    /// When a battery's page was last seen, believed or not, since one was believed.
    seen: BTreeMap<u8, Duration>,
    frozen: Frozen,
    episodes: Episodes,
}

impl Guards {
    /// What is wrong with a block, whatever else is known: it is not kept.
    pub(super) fn check(about: About, key: BlockKey, values: &[u16], image: &RegisterImage) -> Result<(), Rejection> {
        let (before, after) = (Reading::held(key, image), Reading::new(key, values, image));
        stray_packet::check(&after)?;
        all_zero::check(about, &before, &after)?;
        match about.device {
            Device::Battery => lv_battery::check(&before, &after),
            Device::Module => check_module(&before, &after),
            _ => Ok(()),
        }
    }

    /// Whether a block that passed [`Self::check`] is believed beside what was read before.
    pub(super) fn weigh(
        &mut self,
        about: About,
        key: BlockKey,
        values: &[u16],
        image: &RegisterImage,
        at: Duration,
    ) -> Verdict {
        let (before, after) = (Reading::held(key, image), Reading::new(key, values, image));
        let seen = match about.device {
            Device::Battery | Device::Module => self.seen.get(&key.device).copied(),
            _ => image.read_at(key.device, key.bank, key.base),
        };
        let tells = !before.is_blank() || all_zero::is_often(&before);
        let fresh = tells && seen.is_some_and(|seen| at.saturating_sub(seen) < COMPARABLE);
        let doubt = match self.doubt(about, &before, &after, fresh) {
            Ok(doubt) => doubt,
            Err(reason) => return Verdict::Rejected(reason),
        };
        let agrees = |kept: &[u16]| {
            let kept = Reading::new(key, kept, image);
            who(about, &kept, &after)
                && compare(about, &kept, &after).is_none()
                && lacking(about, &after, &kept).is_none()
        };
        let (verdict, dropped) = self.waiting.settle(key, values, doubt, agrees, at);
        if let Some(reason) = dropped {
            self.count(reason, key, at);
        }
        // After a pause what was before it is nothing to compare with until a page is believed, however many come.
        let believed = matches!(verdict, Verdict::Believed(_));
        if matches!(about.device, Device::Battery | Device::Module) && (fresh || believed) {
            self.seen.insert(key.device, at);
        }
        verdict
    }

    fn doubt(
        &self,
        about: About,
        before: &Reading<'_>,
        after: &Reading<'_>,
        fresh: bool,
    ) -> Result<Option<Doubt>, Rejection> {
        let first = Doubt::new(Rejection::FirstBlock, Until::Reads(2));
        let key = after.key;
        if about.device == Device::Battery {
            let comparable = fresh && lv_battery::serial(before).is_some();
            return if comparable { Ok(compare(about, before, after)) } else { lv_battery::first(after).transpose() };
        }
        if about.model.is_none() && about.device == Device::Inverter && key.bank == Bank::Holding && key.base < 60 {
            return Ok(Some(first));
        }
        if let Some(doubt) = all_zero::doubt(about, before, after) {
            return Ok(Some(doubt));
        }
        match serials::news(about, before, after) {
            News::First => return Ok(Some(first)),
            News::Other => return Ok(Some(Doubt::new(Rejection::SerialChange, Until::Reads(3)))),
            News::None => {}
        }
        // Modules say who they are, and are much alike otherwise.
        if about.device != Device::Module && self.recent.is_another(before, after) {
            return Ok(Some(Doubt::new(Rejection::OtherBlock, Until::Reads(2))));
        }
        let told_nothing = before.is_blank() && !all_zero::is_often(before);
        if told_nothing && !after.is_blank() {
            return Ok(Some(FIRST));
        }
        Ok(if fresh { compare(about, before, after) } else { at_any_time(about, before, after) })
    }

    /// A block was taken over.
    pub(super) fn took(&mut self, about: About, key: BlockKey, values: &[u16], at: Duration) {
        self.recent.keep(key, values, at);
        self.episodes.good(key.device, at);
        // An address without a battery may answer with temperatures of -273 °C, and nobody shows them.
        let page = RegisterImage::default();
        let empty = about.device == Device::Battery && lv_battery::serial(&Reading::new(key, values, &page)).is_none();
        if !empty && self.implausible.count(about, key, values) {
            self.count(Rejection::ImplausibleField, key, at);
        }
    }

    /// A battery's page was taken over while so much went in or out of the batteries, W.
    pub(super) fn watch_frozen(
        &mut self,
        about: About,
        key: BlockKey,
        values: &[u16],
        battery: Option<i64>,
        at: Duration,
    ) {
        if matches!(about.device, Device::Battery | Device::Module | Device::Controller)
            && key.base == 60
            && let Some(occurrence) = self.frozen.observe(key.device, values, battery, at)
        {
            self.episodes.tell(occurrence);
        }
    }

    /// Counts a rejection, and tells of it if it begins an episode.
    pub(super) fn count(&mut self, reason: Rejection, key: BlockKey, at: Duration) {
        self.rejections.count(reason);
        self.episodes.bad(reason, key, at);
    }

    /// Tells of something that happened.
    pub(super) fn tell(&mut self, occurrence: Occurrence) {
        self.episodes.tell(occurrence);
    }

    /// What happened since the last call; time passes for what is over.
    pub(super) fn occurrences(&mut self, at: Duration) -> Vec<Occurrence> {
        self.episodes.take(at)
    }

    pub(super) fn rejections(&self) -> Rejections {
        self.rejections
    }

    /// How often a field had a value that cannot be, by the field's name.
    pub(super) fn implausible(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.implausible.iter()
    }

    /// The blocks that wait for a read that agrees.
    pub(super) fn held(&self) -> impl Iterator<Item = BlockKey> + '_ {
        self.waiting.held()
    }

    /// Hands out what waits: nothing will be read that could agree or not.
    pub(super) fn give_up_waiting(&mut self) -> Vec<(BlockKey, Vec<u16>)> {
        self.waiting.drain()
    }

    /// How long a battery's page may stay the same while the battery works, before that is told.
    pub(super) fn report_frozen_after(&mut self, limit: Duration) {
        self.frozen.report_after(limit);
    }
}

/// Whether two readings tell of the same devices, and of the same inverter where that is not known yet.
fn who(about: About, before: &Reading<'_>, after: &Reading<'_>) -> bool {
    let same = |at: &u16| before.get(*at) == after.get(*at);
    let inverter = about.model.is_some()
        || about.device != Device::Inverter
        || after.key.bank != Bank::Holding
        || IDENTITY.iter().all(same);
    inverter && serials::news(about, before, after) == News::None
}

/// Registers that tell who and what an inverter is (HR).
const IDENTITY: [u16; 8] = [0, 13, 14, 15, 16, 17, 19, 21];

/// What is doubtful about a block beside another of the same place that can be compared with it.
fn compare(about: About, before: &Reading<'_>, after: &Reading<'_>) -> Option<Doubt> {
    moved(about, before, after).or_else(|| at_any_time(about, before, after))
}

/// What moved further than it can in a few minutes.
fn moved(about: About, before: &Reading<'_>, after: &Reading<'_>) -> Option<Doubt> {
    let twice = |reason| Some(Doubt::new(reason, Until::Reads(2)));
    match about.device {
        Device::Battery => return lv_battery::doubt(before, after),
        Device::Module => {
            return match steps::too_far(steps::MODULE, before, after) {
                0 => None,
                1 => twice(Rejection::BatteryStep),
                _ => Some(Doubt::new(Rejection::Splice, Until::Long)),
            };
        }
        Device::Controller if steps::too_far(steps::CONTROLLER, before, after) > 0 => return twice(Rejection::Jump),
        Device::Meter if steps::too_far(steps::METER, before, after) > 0 => return twice(Rejection::Jump),
        _ => {}
    }
    if power::jumps(about, before, after) {
        return twice(Rejection::Jump);
    }
    if power::is_out_of_balance(about, before, after) { twice(Rejection::Imbalance) } else { None }
}

/// What is doubtful however long ago the other was read.
fn at_any_time(about: About, before: &Reading<'_>, after: &Reading<'_>) -> Option<Doubt> {
    if power::is_beyond_rating(about, before, after) {
        return Some(Doubt::new(Rejection::Jump, Until::Reads(2)));
    }
    if let Some(reads) = told::reads_wanted(about, before, after) {
        return Some(Doubt::new(Rejection::StateChange, Until::Steady(reads)));
    }
    lacking(about, before, after).map(|reason| Doubt::new(reason, Until::Steady(2)))
}

/// What a block no longer tells that it told before, and that makes it doubtful.
fn lacking(about: About, before: &Reading<'_>, after: &Reading<'_>) -> Option<Rejection> {
    if fields::is_clock_lost(about, before, after) {
        return Some(Rejection::ImpossibleClock);
    }
    if fields::is_any_lost(about, before, after) {
        return Some(Rejection::ImplausibleField);
    }
    part_zero::is_doubtful(before, after).then_some(Rejection::PartZero)
}

/// A module that lives has cells and a serial.
fn check_module(before: &Reading<'_>, after: &Reading<'_>) -> Result<(), Rejection> {
    let plausible = |reading: &Reading<'_>| serials::module(reading).is_some_and(|serial| serial.is_plausible());
    if plausible(before) && !plausible(after) {
        return Err(Rejection::SerialShape);
    }
    let cells = hv_bmu::v_cell_01.address..=hv_bmu::v_cell_24.address;
    let live = |reading: &Reading<'_>| cells.clone().any(|at| reading.get(at).is_some_and(|value| value != 0));
    if live(before) && !live(after) { Err(Rejection::CellsZero) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
