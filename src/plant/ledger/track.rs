//! What one counting register is believed to have shown.
//!
//! A counter rises, by no more than could have flowed. A reading is believed at once if it continues the last ones by
//! little; by more, if a second reading agrees; and against all that was believed, only if many agree for long.

use serde::{Deserialize, Serialize};

/// No more than this is believed at once, kWh. A reading that is wrong by so little and is believed is found out by the
/// next, and leaves what is published less than 0.3 kWh off.
const AT_ONCE: f64 = 0.2;
/// What rounding of decimal fractions may add.
const EPSILON: f64 = 1e-6;
/// How many readings are remembered: a stale one among them does not hide when the last true one was.
const REMEMBERED: usize = 4;
/// So many readings in a row that agree with each other, and with nothing before, are a counter that began anew, …
const ANEW_READS: u32 = 10;
/// … if they are spread over this long, ms.
const ANEW_AFTER: i64 = 10 * 60_000;
/// What flows, as measured, may be more than what the inverter is rated for.
const MARGIN: f64 = 1.2;
/// Watts for a millisecond, in kWh.
const KWH_PER_WATT_MS: f64 = 1.0 / 3.6e9;

/// A reading: kWh, and when on the process' monotonic clock, ms. What was read before this process is negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    pub kwh: f64,
    pub at: i64,
}

/// How fast a counter can rise, and how finely it is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flow {
    /// Most that flows, W.
    pub watts: f64,
    /// What two readings of one true value may differ by, kWh: also how far a firmware steps back.
    pub resolution: f64,
    /// How many registers it is the sum of: each may go on by a resolution at once.
    pub registers: u8,
    /// So many readings in a row must agree on a rise that is not believed at once.
    pub agree: u32,
}

impl Flow {
    /// As fast and as finely as this; two readings agree on what is not believed at once.
    pub const fn new(watts: f64, resolution: f64) -> Self {
        Self { watts, resolution, registers: 1, agree: 2 }
    }

    /// The same of a counter that is the sum of so many registers.
    pub const fn summed(self, registers: u8) -> Self {
        Self { registers, ..self }
    }

    /// The same of a counter whose rise its other part, since ever or of the day, does not show.
    pub const fn doubted(self) -> Self {
        Self { agree: 4, ..self }
    }

    /// Most by which the counter rises in `ms`, kWh.
    pub fn within(self, ms: i64) -> f64 {
        self.resolution * f64::from(self.registers) + MARGIN * self.watts * ms.max(0) as f64 * KWH_PER_WATT_MS
    }

    /// As [`Self::within`], and no more than is believed at once.
    fn at_once(self, ms: i64) -> f64 {
        self.within(ms).min(AT_ONCE.max(self.resolution))
    }

    /// Whether a counter that begins anew at 0 is believed at once to stand here.
    pub fn is_little(self, kwh: f64) -> bool {
        kwh <= AT_ONCE.max(self.resolution) + EPSILON
    }

    /// Whether `next` can follow `point` on the same counter.
    pub fn connects(self, point: Point, next: Point) -> bool {
        next.kwh >= point.kwh - self.resolution - EPSILON
            && next.kwh <= point.kwh + self.within(next.at - point.at) + EPSILON
    }
}

/// What a reading was taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is what the counter shows.
    Believed,
    /// It may be; a second reading tells.
    Unconfirmed,
    /// More than can have flowed.
    Jump,
    /// Less than it was.
    Fall,
    /// A day's counter shows the value of the day before.
    LateYesterday,
    /// It contradicts what was believed, and was read so often that it is believed now.
    Anew,
}

/// What one counting register is believed to have shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Track {
    /// The last readings that were believed, oldest first.
    trail: Vec<Point>,
    /// Where it began, while few readings are known: so much may have come since, if two readings agree.
    began: Option<Point>,
    /// How many of them are of this process.
    #[serde(skip)]
    own: usize,
    #[serde(skip)]
    rival: Option<Rival>,
}

/// Readings that agree with each other and not with the trail.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rival {
    since: i64,
    last: Point,
    reads: u32,
}

// === impl Track ===

impl Track {
    /// A counter of which one reading is believed.
    pub fn at(point: Point) -> Self {
        Self { trail: vec![point], began: None, own: REMEMBERED, rival: None }
    }

    /// The same of one that began at 0 no sooner than this, ms.
    pub fn begun(point: Point, since: i64) -> Self {
        Self { began: Some(Point { kwh: 0.0, at: since }), ..Self::at(point) }
    }

    /// The last reading that was believed.
    pub fn last(&self) -> Option<Point> {
        self.trail.last().copied()
    }

    /// What is certain, if not new: the middle one of the last three readings, so that no single one moves it.
    pub fn confirmed(&self) -> Option<Point> {
        let mut newest: Vec<Point> = self.trail.iter().rev().take(3).copied().collect();
        if newest.len() < 3 {
            return newest.last().copied();
        }
        newest.sort_by(|one, other| one.kwh.total_cmp(&other.kwh));
        newest.get(1).copied()
    }

    /// Whether that was read in this process.
    pub fn is_own(&self) -> bool {
        self.own > 1
    }

    /// Whether a reading that was not believed waits for others that agree: what is certain may be old by now.
    pub fn is_contradicted(&self) -> bool {
        self.rival.is_some()
    }

    /// A reading of a register that goes on with 0 at `full` kWh, as if it had room for more: with so many times `full`
    /// as bring it to what was believed last, or `near` kWh below that. Another one is left as it is: a counter that was
    /// replaced is not full.
    pub fn unrolled(&self, reading: Point, full: f64, flow: Flow, near: f64) -> Point {
        let (Some(last), Some(oldest)) = (self.last(), self.trail.first()) else { return reading };
        let times = ((last.kwh - reading.kwh) / full).round().max(0.0);
        let kwh = reading.kwh + times * full;
        let most = flow.within(reading.at - oldest.at).max(near);
        if (last.kwh - near..=last.kwh + most).contains(&kwh) { Point { kwh, ..reading } } else { reading }
    }

    /// Judges a reading.
    pub fn observe(&mut self, reading: Point, flow: Flow) -> Verdict {
        let (Some(last), Some(oldest)) = (self.last(), self.trail.first().copied()) else {
            return self.begin(reading, flow);
        };
        let oldest = self.began.unwrap_or(oldest);
        let sure = self.sure().unwrap_or(last);
        if continues(last, last.kwh.max(sure.kwh), reading, flow) {
            self.rival = None;
            self.trail.push(reading);
            self.own = (self.own + 1).min(REMEMBERED);
            if self.trail.len() > REMEMBERED {
                self.trail.remove(0);
                self.began = None;
            }
            return Verdict::Believed;
        }
        if continues(sure, sure.kwh, reading, flow) {
            // The last one was wrong, then, or this is: the next one tells.
            self.rival = None;
            if let Some(last) = self.trail.last_mut() {
                *last = reading;
            }
            self.own = self.own.max(1);
            return Verdict::Believed;
        }
        let possible = reading.kwh > last.kwh && flow.connects(oldest, reading);
        self.contradict(reading, last, possible, flow)
    }

    /// The counter's first reading counts for nothing until a second one agrees.
    fn begin(&mut self, reading: Point, flow: Flow) -> Verdict {
        match self.rival.take() {
            Some(rival) if flow.connects(rival.last, reading) => {
                self.replace(rival.last, reading);
                Verdict::Believed
            }
            _ => {
                self.rival = Some(Rival { since: reading.at, last: reading, reads: 1 });
                Verdict::Unconfirmed
            }
        }
    }

    /// Highest of the readings that a later one has confirmed, and when the last of those was.
    fn sure(&self) -> Option<Point> {
        let confirmed = self.trail.split_last()?.1;
        let at = confirmed.last()?.at;
        let kwh = confirmed.iter().map(|point| point.kwh).fold(f64::MIN, f64::max);
        Some(Point { kwh, at })
    }

    fn contradict(&mut self, reading: Point, last: Point, possible: bool, flow: Flow) -> Verdict {
        let before = self.rival.filter(|rival| flow.connects(rival.last, reading));
        let rival = match before {
            Some(rival) => Rival { last: reading, reads: rival.reads.saturating_add(1), ..rival },
            None => Rival { since: reading.at, last: reading, reads: 1 },
        };
        self.rival = Some(rival);
        if let Some(before) = before.filter(|_| possible && rival.reads >= flow.agree) {
            self.replace(before.last, reading);
            return Verdict::Believed;
        }
        if let Some(before) = before.filter(|_| rival.reads >= ANEW_READS && reading.at - rival.since >= ANEW_AFTER) {
            self.replace(before.last, reading);
            return Verdict::Anew;
        }
        match reading.kwh > last.kwh {
            true if possible => Verdict::Unconfirmed,
            true => Verdict::Jump,
            false => Verdict::Fall,
        }
    }

    fn replace(&mut self, before: Point, reading: Point) {
        self.trail = vec![before, reading];
        self.began = None;
        self.own = self.trail.len();
        self.rival = None;
    }

    /// The same, told on a clock that shows `ms` more; nothing that a file may not hold is left in it.
    pub fn shifted(mut self, ms: i64) -> Self {
        self.trail.retain(|point| point.kwh.is_finite() && point.kwh >= 0.0);
        self.trail.truncate(REMEMBERED);
        self.own = 0;
        self.began = self.began.filter(|point| point.kwh.is_finite());
        for point in self.trail.iter_mut().chain(&mut self.began) {
            point.at = point.at.saturating_add(ms);
        }
        self
    }
}

/// Whether a reading is at least `floor`, steps back apart, and at most what is believed at once after `point`.
fn continues(point: Point, floor: f64, reading: Point, flow: Flow) -> bool {
    reading.kwh >= floor - flow.resolution - EPSILON
        && reading.kwh <= point.kwh + flow.at_once(reading.at - point.at) + EPSILON
}

#[cfg(test)]
mod tests;
