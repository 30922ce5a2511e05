//! The last polls, as GivTCP's `fullCache` shows them.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::plants::{Shared, locked};
use crate::catalogue::Leaf;
use crate::catalogue::leaf_json;

/// So many polls GivTCP kept.
const MOST: usize = 11;

/// Keeps what was published of an inverter in the last polls, until the program stops.
pub(super) async fn keep(shared: Arc<Shared>, place: usize) {
    let Some(mut snapshots) = shared.plants.get(place).map(|plant| plant.snapshots.clone()) else { return };
    let mut last = None;
    while let Some(Ok(())) = shared.shutdown.run_until_cancelled(snapshots.changed()).await {
        // There are several snapshots of one poll.
        let poll = snapshots.borrow_and_update().as_ref().map(|snapshot| snapshot.stats.cycles);
        let Some(past) = shared.pasts.get(place).filter(|_| poll.is_some() && poll != last) else { continue };
        last = poll;
        let Some(tree) = shared.tree(place) else { continue };
        // The registers are four fifths of it, and GivTCP left them out too.
        let leaves: Vec<Leaf> = tree.leaves.into_iter().filter(|leaf| !leaf.path.starts_with("raw/")).collect();
        let mut past = locked(past);
        past.push_back(leaves);
        if past.len() > MOST {
            past.pop_front();
        }
    }
}

/// Each leaf by its path, with its values from the oldest poll to the newest.
pub(super) fn shown(shared: &Shared, place: usize) -> Option<Value> {
    let past = locked(shared.pasts.get(place)?);
    let mut all: Map<String, Value> = Map::new();
    for leaf in past.iter().flatten() {
        let values = all.entry(&*leaf.path).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(values) = values {
            values.push(leaf_json(&leaf.payload));
        }
    }
    (!all.is_empty()).then_some(Value::Object(all))
}
