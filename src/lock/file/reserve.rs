//! Fences that may be given without writing them down: up to the one that stands in the file already.
//!
//! What stands in a file is at least every fence that was given, so that whoever finds it there after a crash goes on
//! above. Who takes a lock again and again, and finds that nobody else has, reserves fences for ever longer; who takes
//! turns with others reserves none, and so does who has just begun: fences run no further ahead of the clock than their
//! process has lived.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How far ahead is reserved at first and at most, µs.
const MINUTE: u64 = 60_000_000;
const HOUR: u64 = 60 * MINUTE;
/// Of no more resources is remembered what is reserved: who has forgotten it writes once more.
const MOST: usize = 1_024;

/// What this process has reserved of each resource.
#[derive(Debug, Default)]
pub(super) struct Reserves(Mutex<HashMap<Arc<str>, Reserve>>);

#[derive(Clone, Copy, Debug)]
struct Reserve {
    /// The last that was given.
    last: u64,
    /// The last that may be: it stands in the file.
    until: u64,
    ahead: u64,
}

/// A fence, and what must stand in the file before it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Given {
    pub fence: u64,
    pub until: u64,
    /// It does not stand there yet.
    pub is_new: bool,
    ahead: u64,
}

impl Reserves {
    /// The next fence of a resource whose lock is held: at least `least`, above all that were given. `found` stands in its
    /// file; `anew` asks to write it even if it would do. It counts when it is kept.
    pub(super) fn next(&self, resource: &str, found: Option<u64>, least: u64, anew: bool) -> Given {
        let kept = self.table().get(resource).copied();
        let last = kept.map_or(0, |kept| kept.last);
        // Everybody else who had it wrote more.
        let Some(ours) = kept.filter(|kept| found == Some(kept.until)) else {
            let fence = last.max(found.unwrap_or_default()).saturating_add(1).max(least);
            return Given { fence, until: fence, is_new: true, ahead: 0 };
        };
        let fence = last.saturating_add(1).max(least);
        let is_over = fence > ours.until;
        if !is_over && !anew {
            return Given { fence, until: ours.until, is_new: false, ahead: ours.ahead };
        }
        let ahead = if is_over { (ours.ahead * 2).clamp(MINUTE, HOUR) } else { ours.ahead };
        let until = fence.saturating_add(ahead).max(ours.until.saturating_add(1));
        Given { fence, until, is_new: true, ahead }
    }

    /// It is given, and stands in the file.
    pub(super) fn keep(&self, resource: &str, given: Given) {
        let mut table = self.table();
        if table.len() >= MOST && !table.contains_key(resource) {
            table.clear();
        }
        table.insert(resource.into(), Reserve { last: given.fence, until: given.until, ahead: given.ahead });
    }

    fn table(&self) -> MutexGuard<'_, HashMap<Arc<str>, Reserve>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const READ: &str = "inverter_read:SA2114G047";
    const NOON: u64 = 1_790_000_000_000_000;

    #[test]
    fn who_is_alone_writes_ever_more_seldom_and_at_least_once_an_hour() {
        let (reserves, mut found, mut written) = (Reserves::default(), None, Vec::new());
        // A poll each 15 s, for a day.
        for poll in 0..4 * 60 * 24 {
            let now = NOON + poll * 15_000_000;
            let given = reserves.next(READ, found, now, false);
            reserves.keep(READ, given);
            assert_eq!(given.fence, now, "the wall time, as long as it goes on");
            if given.is_new {
                written.push(poll);
                found = Some(given.until);
            }
            assert!(given.fence <= found.unwrap());
        }
        assert_eq!(written[..4], [0, 1, 6, 15]);
        assert!((24..32).contains(&written.len()), "{}", written.len());
    }

    #[test]
    fn who_takes_turns_reserves_nothing() {
        let (one, other, mut found) = (Reserves::default(), Reserves::default(), None);
        for turn in 0..1_000 {
            let now = NOON + turn;
            let reserves = [&one, &other][turn as usize % 2];
            let given = reserves.next(READ, found, now, false);
            reserves.keep(READ, given);
            assert_eq!((given.fence, given.until, given.is_new), (now, now, true));
            found = Some(given.until);
        }
    }

    #[test]
    fn what_is_written_anew_is_more_than_what_stood_there() {
        let (reserves, mut found) = (Reserves::default(), None);
        for (step, anew) in [false, false, true, true].into_iter().enumerate() {
            let given = reserves.next(READ, found, NOON + step as u64, anew);
            reserves.keep(READ, given);
            assert!(given.is_new && Some(given.until) > found && given.fence == NOON + step as u64);
            found = Some(given.until);
        }
    }

    proptest! {
        /// Processes that come, crash and begin anew, with clocks that go any way, and a file that may not be written.
        #[test]
        fn fences_grow_whoever_gives_them_and_whatever_the_clock_says(
            steps in prop::collection::vec((0..3_usize, 0..20_u64 * MINUTE, any::<bool>(), 0..12_u8), 1..300)
        ) {
            let mut processes = [const { None::<Reserves> }; 3];
            let (mut found, mut last) = (None, 0);
            for (process, now, anew, fate) in steps {
                let reserves = processes[process].get_or_insert_default();
                let given = reserves.next(READ, found, now, anew);
                prop_assert!(given.fence > last && given.fence >= now && given.until >= given.fence);
                match fate {
                    // It cannot be written, and the fence is not given.
                    0 if given.is_new => continue,
                    // It crashes with the lock in its hands.
                    1 => processes[process] = None,
                    _ => reserves.keep(READ, given),
                }
                if given.is_new {
                    prop_assert!(found.is_none_or(|found| found < given.until));
                    found = Some(given.until);
                }
                last = given.fence;
                prop_assert!(found >= Some(last));
            }
        }
    }
}
