//! Blocks that are doubted, until further reads of them agree or not.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Doubt, Earlier, FIRST, Rejection, Until, Verdict};
use crate::frame::BlockKey;

/// More than any plant has in doubt at a time.
const MOST: usize = 64;
/// What was read so long ago agrees with nothing any more.
const LASTS: Duration = Duration::from_secs(900);
/// And a block that has told nothing yet agrees with no other than those of the same cycle: at an address where nothing
/// is, replies of others have nothing to be held against.
const LASTS_AS_FIRST: Duration = Duration::from_secs(60);
/// What stays for so long, over so many reads, is true after all.
const LONG: (Duration, u8) = (Duration::from_secs(900), 10);
/// What was doubted so often in a row and never read alike changes all the time.
const UNSTEADY: u8 = 8;

#[derive(Clone, Debug)]
struct Kept {
    doubt: Doubt,
    values: Vec<u16>,
    since: Duration,
    last: Duration,
    /// How many agree, this one included.
    reads: u8,
    /// How many were doubted in a row, agreeing or not.
    doubted: u8,
}

/// What waits, by block.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting(BTreeMap<BlockKey, Kept>);

impl Waiting {
    /// What becomes of a block that is doubted or not, and why one that was held is dropped for it. `agrees` says
    /// whether the block says the same as another one.
    pub(super) fn settle(
        &mut self,
        key: BlockKey,
        values: &[u16],
        doubt: Option<Doubt>,
        agrees: impl Fn(&[u16]) -> bool,
        at: Duration,
    ) -> (Verdict, Option<Rejection>) {
        let kept = self.0.remove(&key);
        let Some(doubt) = doubt else {
            let contradicted = kept.filter(|kept| !agrees(&kept.values));
            return (Verdict::Believed(None), contradicted.and_then(|kept| kept.was_held()));
        };
        let kept = kept.filter(|kept| at.saturating_sub(kept.last) < kept.lasts());
        let doubted = kept.as_ref().map_or(0, |kept| kept.doubted).saturating_add(1);
        let (kept, dropped) = match kept {
            Some(kept) if agrees(&kept.values) => (Some(kept), None),
            other => (None, other.and_then(|kept| kept.was_held())),
        };
        let (since, reads) = kept.as_ref().map_or((at, 0), |kept| (kept.since, kept.reads));
        let (doubt, earlier) = match kept {
            Some(kept) => (kept.doubt, Some(Earlier { values: kept.values, at: kept.last })),
            None => (doubt, None),
        };
        let kept = Kept { doubt, values: values.to_vec(), since, last: at, reads: reads.saturating_add(1), doubted };
        if kept.is_settled() {
            return (Verdict::Believed(earlier), dropped);
        }
        let verdict = match kept.doubt.until {
            Until::Reads(_) | Until::Steady(_) => Verdict::Held(kept.doubt.reason),
            Until::Long => Verdict::Rejected(kept.doubt.reason),
        };
        self.make_room();
        self.0.insert(key, kept);
        (verdict, dropped)
    }

    /// The blocks that a further read would settle.
    pub(super) fn held(&self) -> impl Iterator<Item = BlockKey> + '_ {
        self.0.iter().filter(|(_, kept)| kept.was_held().is_some()).map(|(&key, _)| key)
    }

    /// Hands out what is held, and forgets everything.
    pub(super) fn drain(&mut self) -> Vec<(BlockKey, Vec<u16>)> {
        let all = std::mem::take(&mut self.0).into_iter();
        all.filter(|(_, kept)| kept.was_held().is_some()).map(|(key, kept)| (key, kept.values)).collect()
    }

    /// What waited longest goes first.
    fn make_room(&mut self) {
        if self.0.len() < MOST {
            return;
        }
        if let Some(oldest) = self.0.iter().min_by_key(|(_, kept)| kept.last).map(|(&key, _)| key) {
            self.0.remove(&oldest);
        }
    }
}

impl Kept {
    fn lasts(&self) -> Duration {
        if self.doubt == FIRST { LASTS_AS_FIRST } else { LASTS }
    }

    fn is_settled(&self) -> bool {
        match self.doubt.until {
            Until::Reads(reads) => self.reads >= reads,
            Until::Steady(reads) => self.reads >= reads || self.doubted >= UNSTEADY,
            Until::Long => self.reads >= LONG.1 && self.last.saturating_sub(self.since) >= LONG.0,
        }
    }

    /// Its reason, if it was not rejected and counted already.
    fn was_held(&self) -> Option<Rejection> {
        (self.doubt.until != Until::Long).then_some(self.doubt.reason)
    }
}
