//! What keeps nonsense out: each guard is a named reason, and each rejection is counted.

use std::fmt;

use crate::frame::BlockKey;
use crate::registers::{RegisterImage, plan};

/// Why something that arrived whole was not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rejection {
    /// A block of zeros where there were values.
    AllZero,
    /// A serial that no device has.
    SerialShape,
    /// A frame bears one serial, and the registers in it another.
    SerialContradiction,
    /// HR 0 to 59 tell of another model, and did not yet do so three times.
    OtherModel,
    /// The inverter's clock shows a time that does not exist. Only the clock is dropped.
    ImpossibleClock,
    /// More or fewer registers than the block has.
    Length,
    /// An energy counter shows more than can have flowed. Only the counter keeps its value.
    CounterJump,
    /// An energy counter shows less than it did. Only the counter keeps its value.
    CounterFall,
    /// A counter of the day shows what the day before ended with. Only the counter keeps its value.
    LateYesterday,
    /// An energy counter has contradicted what was believed for so long that it is believed now.
    CounterAnew,
}

impl Rejection {
    /// Every reason, in the order of the counters.
    pub const ALL: [Self; 10] = [
        Self::AllZero,
        Self::SerialShape,
        Self::SerialContradiction,
        Self::OtherModel,
        Self::ImpossibleClock,
        Self::Length,
        Self::CounterJump,
        Self::CounterFall,
        Self::LateYesterday,
        Self::CounterAnew,
    ];

    /// Its name, as counted.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AllZero => "all_zero",
            Self::SerialShape => "serial_shape",
            Self::SerialContradiction => "serial_contradiction",
            Self::OtherModel => "other_model",
            Self::ImpossibleClock => "impossible_clock",
            Self::Length => "length",
            Self::CounterJump => "counter_jump",
            Self::CounterFall => "counter_fall",
            Self::LateYesterday => "late_yesterday",
            Self::CounterAnew => "counter_anew",
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How often each guard rejected something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rejections([u64; Rejection::ALL.len()]);

impl Rejections {
    pub(super) fn count(&mut self, reason: Rejection) {
        self.0[reason as usize] += 1;
    }

    /// How often this one did.
    pub fn of(&self, reason: Rejection) -> u64 {
        self.0[reason as usize]
    }

    /// How often any did.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

/// A block of zeros over one that held more is not believed, except of the blocks that may well be zero (flags of
/// faults, and generation by night). Where nothing was before, zeros mean that the device has no such block.
pub(super) fn all_zero(key: BlockKey, values: &[u16], image: &RegisterImage) -> Result<(), Rejection> {
    let zeros = values.iter().all(|&value| value == 0);
    if !zeros || key.count < MANY || plan::OPTIONAL.contains(&(key.bank, key.base)) {
        return Ok(());
    }
    let held = (0..key.count).filter_map(|offset| image.get(key.device, key.bank, key.base.checked_add(offset)?));
    if held.into_iter().any(|value| value != 0) { Err(Rejection::AllZero) } else { Ok(()) }
}

/// Fewer zeros than this are a setting, not a failed read.
const MANY: u16 = 8;
