//! What is known of a record in two places, put together: pure.

use std::collections::BTreeMap;

use super::record::{Record, RecordId};

/// Every record, each as whichever place is farther has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// By their ids, so the oldest first.
    pub records: BTreeMap<RecordId, Record>,
    /// Those that this machine has not, or older.
    pub local_lacks: Vec<RecordId>,
    /// Those that Redis has not, or older.
    pub shared_lacks: Vec<RecordId>,
}

/// The higher revision wins. Of two that are equally high, which no fault but a clash of two machines yields, the one
/// that was written under the later lease, and then the one that is farther.
pub fn merge(local: &[Record], shared: &[Record]) -> Merged {
    let mut merged = Merged::default();
    for record in local.iter().chain(shared) {
        let known = merged.records.entry(record.id).or_insert_with(|| record.clone());
        if rank(record) > rank(known) {
            *known = record.clone();
        }
    }
    let lacks = |place: &[Record]| {
        let has = |record: &Record| place.iter().any(|kept| kept == record);
        merged.records.values().filter(|record| !has(record)).map(|record| record.id).collect()
    };
    (merged.local_lacks, merged.shared_lacks) = (lacks(local), lacks(shared));
    merged
}

fn rank(record: &Record) -> impl Ord + use<> {
    (record.revision, record.fence, record.stage)
}
