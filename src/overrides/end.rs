//! When an override is over, whatever clocks do.
//!
//! Three clocks know of its end, and the earliest counts: the inverter's, by which its slot ends; the host's wall clock;
//! and one that nobody sets, which counts how long it has run while a process was there, with [`SPARE`] for the others to
//! come first. Wall clocks that show a time before it began are not believed. If neither of them is, it is over at once,
//! since nobody knows what time it is.
//!
//! A wall clock that jumps says nothing of how long an override has run: its end is derived anew ([`rederived`]).

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};

use super::journal::{End, Record};

/// By so much an override may outlast what was asked for, by the clock that nobody sets.
pub const SPARE: Duration = Duration::from_secs(120);
/// A clock that moved by more than this against the one that nobody sets has jumped.
pub const JUMP: Duration = Duration::from_secs(120);

const DAY: i64 = 24 * 3600;
/// A slot may be longer than what was asked for, as far as its end is a whole minute, s.
const ROUNDED: i64 = 59;

/// What clocks show at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// The host's wall clock.
    pub now: Timestamp,
    /// How long the override has run: what its record says, and what this process has counted since.
    pub ran: Duration,
    /// The inverter's clock, if it was read just now and shows a time.
    pub inverter: Option<DateTime>,
}

/// Whether an override goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// For so long at most. It is to be looked at again before, since clocks jump.
    Runs(Duration),
    /// It must be undone now.
    Over(Why),
}

/// By what an override is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Its slot has ended by the inverter's clock.
    Slot,
    /// The host's wall clock says so.
    Wall,
    /// It has run for so long.
    Ran,
    /// Neither the host's clock nor the inverter's shows a time that it can be.
    NoClock,
    /// It has no end, which no override is to be without.
    NoEnd,
}

/// Where the inverter's clock is.
enum Position {
    /// In the slot, which ends in so long.
    Within(Duration),
    /// Past its end.
    Past,
    /// Before it began, or nowhere.
    Unbelieved,
}

/// Whether this record goes on.
pub fn verdict(record: &Record, look: &Look) -> Verdict {
    record.end.map_or(Verdict::Over(Why::NoEnd), |end| judge(record.begun, &end, look))
}

fn judge(begun: Timestamp, end: &End, look: &Look) -> Verdict {
    let by_ran = Duration::from_secs(end.after_seconds).saturating_sub(look.ran);
    let by_wall = (look.now >= begun).then(|| positive(end.at.duration_since(look.now)));
    let by_slot = match position(end, look.inverter) {
        Position::Within(left) => Some(left),
        Position::Past => return Verdict::Over(Why::Slot),
        Position::Unbelieved => None,
    };
    match (by_wall, by_slot) {
        (None, None) => Verdict::Over(Why::NoClock),
        _ if by_ran.is_zero() => Verdict::Over(Why::Ran),
        (Some(Duration::ZERO), _) => Verdict::Over(Why::Wall),
        (by_wall, by_slot) => Verdict::Runs([by_wall, by_slot].into_iter().flatten().fold(by_ran, Duration::min)),
    }
}

/// Outside of its slot it is nearer to the end or to the beginning, and taken to be there.
fn position(end: &End, inverter: Option<DateTime>) -> Position {
    let (Some(slot), Some(shows)) = (end.slot, inverter) else { return Position::Unbelieved };
    let planned = i64::try_from(planned(end).as_secs()).unwrap_or(i64::MAX);
    let seconds = |time: jiff::civil::Time| {
        i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second())
    };
    let past = (seconds(shows.time()) - seconds(slot)).rem_euclid(DAY);
    let left = DAY - past;
    let length = planned.min(DAY - 60 - ROUNDED) + ROUNDED;
    if left <= length {
        Position::Within(Duration::from_secs(left.unsigned_abs()))
    } else if past <= left - length {
        Position::Past
    } else {
        Position::Unbelieved
    }
}

/// The end anew, if the host's clock jumped between two looks at it. What has run does not change by that.
///
/// That a clock went forward can also mean that this machine slept, while the override went on; then it is over when the
/// clock says so. Only the inverter's clock can tell: unless it went as far as the one that nobody sets, the end stays.
pub fn rederived(record: &Record, before: &Look, after: &Look) -> Option<End> {
    let end = record.end?;
    let counted = SignedDuration::try_from(after.ran.saturating_sub(before.ran)).ok()?;
    let went = after.now.duration_since(before.now);
    if !differs(went, counted) || after.now < record.begun {
        return None;
    }
    let is_witnessed = || {
        let (earlier, later) = (before.inverter?, after.inverter?);
        Some(!differs(later.duration_since(earlier), counted))
    };
    if went > counted && is_witnessed() != Some(true) {
        return None;
    }
    let left = SignedDuration::try_from(planned(&end).saturating_sub(after.ran)).ok()?;
    Some(End { at: after.now.checked_add(left).ok()?, ..end })
}

fn differs(one: SignedDuration, other: SignedDuration) -> bool {
    (one - other).unsigned_abs() > JUMP
}

/// For how long it is to run in all.
fn planned(end: &End) -> Duration {
    Duration::from_secs(end.after_seconds).saturating_sub(SPARE)
}

fn positive(duration: SignedDuration) -> Duration {
    Duration::try_from(duration).unwrap_or(Duration::ZERO)
}
