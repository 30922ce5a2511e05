//! Lines that repeat are counted: the first is written at once, and then, after longer and longer times, how often it
//! came.

use std::collections::VecDeque;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use tokio::time::Instant;
use tracing::Level;

/// A line that comes again within this is counted; the next time within twice this, and so on
const FIRST: Duration = Duration::from_secs(5);
/// up to this. A line that did not come for so long is a new one.
const LONGEST: Duration = Duration::from_secs(600);
/// So many lines are known at most; where they are more, those beyond are written each time,
const MOST: usize = 64;
/// and so are longer ones, bytes.
const LONGEST_LINE: usize = 2048;

/// How often a line came that is written now, beside the one that was written before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Times {
    count: u64,
    within: Duration,
}

impl Times {
    /// The same as a field of JSON.
    pub(super) fn as_field(self) -> String {
        match self.count {
            0 => String::new(),
            count => format!(",\"repeated\":{count},\"within_seconds\":{}", self.within.as_secs()),
        }
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            0 => Ok(()),
            1 => write!(f, " (again, within {}s)", self.within.as_secs()),
            count => write!(f, " ({count} times more within {}s)", self.within.as_secs()),
        }
    }
}

/// The lines that came lately.
#[derive(Debug, Default)]
pub(super) struct Repeats(VecDeque<Known>);

#[derive(Debug)]
struct Known {
    hash: u64,
    level: Level,
    body: Box<str>,
    /// So often it came since it was written.
    count: u64,
    written: Instant,
    seen: Instant,
    /// So long it is counted from then on.
    quiet: Duration,
}

impl Repeats {
    /// Whether this line is written now, and how often it came meanwhile.
    pub(super) fn take(&mut self, level: Level, body: &str, now: Instant) -> Option<Times> {
        if body.len() > LONGEST_LINE {
            return Some(Times::default());
        }
        let mut hasher = DefaultHasher::new();
        (level.as_str(), body).hash(&mut hasher);
        let hash = hasher.finish();
        self.0.retain(|known| known.count > 0 || now.duration_since(known.seen) < LONGEST);
        let Some(known) = self.0.iter_mut().find(|known| known.hash == hash) else {
            self.learn(Known { hash, level, body: body.into(), count: 0, written: now, seen: now, quiet: FIRST });
            return Some(Times::default());
        };
        known.seen = now;
        if now.duration_since(known.written) < known.quiet {
            known.count += 1;
            return None;
        }
        let is_first = known.count == 0;
        known.count += u64::from(!is_first);
        Some(known.tell(now))
    }

    fn learn(&mut self, new: Known) {
        if self.0.len() >= MOST {
            // One whose count is still to be told stays.
            let oldest = self.0.iter().enumerate().filter(|(_, known)| known.count == 0).min_by_key(|(_, k)| k.seen);
            match oldest.map(|(place, _)| place) {
                Some(place) => drop(self.0.remove(place)),
                None => return,
            }
        }
        self.0.push_back(new);
    }

    /// The lines that were counted for long enough.
    pub(super) fn due(&mut self, now: Instant) -> Vec<(Level, Box<str>, Times)> {
        self.told(now, |known| now.duration_since(known.written) >= known.quiet)
    }

    /// All lines that were counted.
    pub(super) fn all_counted(&mut self, now: Instant) -> Vec<(Level, Box<str>, Times)> {
        self.told(now, |_| true)
    }

    fn told(&mut self, now: Instant, is_due: impl Fn(&Known) -> bool) -> Vec<(Level, Box<str>, Times)> {
        let due = self.0.iter_mut().filter(|known| known.count > 0 && is_due(known));
        due.map(|known| (known.level, known.body.clone(), known.tell(now))).collect()
    }
}

impl Known {
    /// It is written; it rests for longer from now on.
    fn tell(&mut self, now: Instant) -> Times {
        let times = Times { count: std::mem::take(&mut self.count), within: now.duration_since(self.written) };
        self.written = now;
        self.quiet = (self.quiet * 2).min(LONGEST);
        times
    }
}
