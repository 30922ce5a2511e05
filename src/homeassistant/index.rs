//! What was ever told, so that what no longer exists can be taken back, also after a restart.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Told;

/// What was told of one inverter, and which values of it were ever published.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Index {
    /// Each topic with the entities that were ever told there, and their kinds.
    topics: BTreeMap<String, BTreeMap<String, String>>,
    /// Topics that were emptied: forgotten at the next start.
    emptied: BTreeSet<String>,
    /// Paths of values that were published: one that has none now keeps its entity.
    pub values: BTreeSet<String>,
}

// === impl Index ===

impl Index {
    /// A run begins: what the last one emptied is empty. Were it not, it would be found.
    pub fn begin_anew(&mut self) {
        for topic in std::mem::take(&mut self.emptied) {
            self.topics.remove(&topic);
        }
    }

    /// The payloads of what is told now, and, once it `is_settled` what there is, `None` at the topics of what is told no
    /// more. What a device had before and
    /// has not now stays in its payload as a bare kind, by which Home Assistant removes it.
    pub fn payloads(&mut self, told: BTreeMap<String, Told>, is_settled: bool) -> BTreeMap<String, Option<String>> {
        let mut payloads: BTreeMap<String, Option<String>> = BTreeMap::new();
        if is_settled {
            let gone = self.topics.keys().filter(|topic| !told.contains_key(*topic));
            payloads = gone.map(|topic| (topic.clone(), None)).collect();
            self.emptied.extend(payloads.keys().cloned());
        }
        for (topic, Told { mut payload, components }) in told {
            self.emptied.remove(&topic);
            let known = self.topics.entry(topic.clone()).or_default();
            if !components.is_empty() {
                payload.insert("components".to_owned(), with_gone(known, components).into());
            }
            payloads.insert(topic, Some(Value::Object(payload).to_string()));
        }
        payloads
    }
}

fn with_gone(known: &mut BTreeMap<String, String>, components: BTreeMap<String, Value>) -> Map<String, Value> {
    for (key, config) in &components {
        let kind = config.get("platform").and_then(Value::as_str).unwrap_or_default();
        known.insert(key.clone(), kind.to_owned());
    }
    let gone = known.iter().filter(|(key, _)| !components.contains_key(*key));
    let gone: Vec<_> = gone.map(|(key, kind)| (key.clone(), json!({ "platform": kind }))).collect();
    components.into_iter().chain(gone).collect()
}
