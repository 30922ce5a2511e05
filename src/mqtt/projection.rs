//! What the broker should hold, and what of it is still to be sent. Pure: no sockets, no clock.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::catalogue::{Leaf, Payload, Tree};
use crate::frame::Serial;

/// Where the availability stands, below `<root>/<serial>/`.
const STATUS: &str = "Stats/status";
const STATUS_SLOT: usize = 0;
/// Where events are told, below `<root>/<serial>/`.
const EVENT: &str = "Event";

/// The availability of an inverter that answers.
pub(super) const ONLINE: Payload = Payload::Word("online");
/// The availability of one that does not, or whose program has gone.
pub(super) const OFFLINE: Payload = Payload::Word("offline");

/// One topic of the broker's.
#[derive(Debug)]
struct Entry {
    path: Arc<str>,
    topic: Bytes,
    /// What it should hold; none once its leaf has vanished.
    value: Option<Payload>,
    retain: bool,
    /// Whether it stands in the queue.
    queued: bool,
    /// Whether the broker may hold a value of it.
    published: bool,
    /// The tree that it was last seen in.
    generation: u64,
    /// When in each period it is published again.
    phase: Duration,
}

/// One publish that is due.
#[derive(Debug, PartialEq)]
pub(super) struct Due<'a> {
    pub(super) topic: &'a Bytes,
    /// None takes a retained value back.
    pub(super) payload: Option<&'a Payload>,
    pub(super) retain: bool,
}

/// The newest value of each topic, and a queue that holds each topic at most once.
#[derive(Debug)]
pub(super) struct Projection {
    prefix: String,
    retain: bool,
    period: Duration,
    entries: Vec<Option<Entry>>,
    vacant: Vec<usize>,
    by_path: HashMap<Arc<str>, usize>,
    /// The slot of each leaf of the last tree: the next tree mostly has the same leaves in the same order.
    order: Vec<usize>,
    queue: VecDeque<usize>,
    /// What was taken back because the tree leaves it out.
    left_out: Arc<[Arc<str>]>,
    generation: u64,
    spread_until: Duration,
}

impl Projection {
    /// Nothing known but the availability, which is `offline` until a tree comes. `period` is the time within which
    /// all is published again; zero never does.
    pub(super) fn new(root: &str, serial: Serial, retain: bool, period: Duration) -> Self {
        let mut projection = Self {
            prefix: prefix(root, serial),
            retain,
            period,
            entries: Vec::new(),
            vacant: Vec::new(),
            by_path: HashMap::new(),
            order: Vec::new(),
            queue: VecDeque::new(),
            left_out: Arc::default(),
            generation: 0,
            spread_until: Duration::ZERO,
        };
        let slot = projection.insert(STATUS.into(), Some(OFFLINE), true);
        debug_assert_eq!(slot, STATUS_SLOT, "the availability is the first entry");
        projection
    }

    /// The topic of the availability.
    pub(super) fn status_topic(&self) -> Bytes {
        topic(&self.prefix, STATUS)
    }

    /// The topic of events. No leaf of a tree stands there.
    pub(super) fn event_topic(&self) -> Bytes {
        topic(&self.prefix, EVENT)
    }

    /// How many publishes are due.
    #[cfg(test)]
    pub(super) fn due(&self) -> usize {
        self.queue.len()
    }

    /// Takes over a tree: queues what differs from the last one, and takes back what vanished.
    pub(super) fn apply(&mut self, tree: &Tree) {
        self.generation += 1;
        self.set(STATUS_SLOT, if tree.online { &ONLINE } else { &OFFLINE });
        for (position, leaf) in tree.leaves.iter().enumerate() {
            let slot = self.slot(position, leaf);
            self.set(slot, &leaf.payload);
        }
        self.order.truncate(tree.leaves.len());
        self.take_back_unseen();
        if !Arc::ptr_eq(&self.left_out, &tree.left_out) {
            self.take_back_left_out(&tree.left_out);
        }
    }

    /// Takes back what an earlier run may have left retained, once: what it published is not known here.
    fn take_back_left_out(&mut self, left_out: &Arc<[Arc<str>]>) {
        let before = std::mem::replace(&mut self.left_out, Arc::clone(left_out));
        for path in left_out.iter().filter(|path| !before.contains(path)) {
            if !self.by_path.contains_key(path) {
                self.insert(Arc::clone(path), None, true);
            }
        }
    }

    /// Queues everything, the availability first: a connection begins.
    pub(super) fn everything(&mut self) {
        self.queue.clear();
        for (slot, entry) in self.entries.iter_mut().enumerate() {
            if let Some(entry) = entry {
                entry.queued = true;
                self.queue.push_back(slot);
            }
        }
    }

    /// Queues each topic whose turn came since the last call, so that all come once a period. `now` is the time since
    /// the session began.
    pub(super) fn spread(&mut self, now: Duration) {
        let since = std::mem::replace(&mut self.spread_until, now);
        if self.period.is_zero() {
            return;
        }
        for slot in 0..self.entries.len() {
            let Some(Some(entry)) = self.entries.get(slot) else { continue };
            if !falls_within(entry.phase, since, now, self.period) {
                continue;
            }
            if entry.value.is_some() {
                self.enqueue(slot);
            } else if !entry.queued {
                self.remove(slot);
            }
        }
    }

    /// The next publish that is due; it counts as sent.
    pub(super) fn next(&mut self) -> Option<Due<'_>> {
        let slot = loop {
            let slot = self.queue.pop_front()?;
            let Some(Some(entry)) = self.entries.get_mut(slot) else { continue };
            entry.queued = false;
            if entry.value.is_some() || (entry.published && entry.retain) {
                break slot;
            }
            self.remove(slot);
        };
        let entry = self.entries.get_mut(slot)?.as_mut()?;
        entry.published = true;
        Some(Due { topic: &entry.topic, payload: entry.value.as_ref(), retain: entry.retain })
    }

    fn slot(&mut self, position: usize, leaf: &Leaf) -> usize {
        if let Some(&hint) = self.order.get(position)
            && let Some(Some(entry)) = self.entries.get(hint)
            && (Arc::ptr_eq(&entry.path, &leaf.path) || entry.path == leaf.path)
        {
            return hint;
        }
        let slot = match self.by_path.get(&leaf.path) {
            Some(&slot) => {
                if let (Some(Some(entry)), true) = (self.entries.get_mut(slot), slot != STATUS_SLOT) {
                    entry.retain = self.retain;
                }
                slot
            }
            None => self.insert(Arc::clone(&leaf.path), Some(leaf.payload.clone()), self.retain),
        };
        match self.order.get_mut(position) {
            Some(hint) => *hint = slot,
            None => self.order.push(slot),
        }
        slot
    }

    /// A topic that is new here, to be sent; without a value the broker may hold one of it.
    fn insert(&mut self, path: Arc<str>, value: Option<Payload>, retain: bool) -> usize {
        let topic = topic(&self.prefix, &path);
        let phase = phase(&topic, self.period);
        let entry = Entry {
            path: Arc::clone(&path),
            topic,
            published: value.is_none(),
            value,
            retain,
            queued: false,
            generation: 0,
            phase,
        };
        let slot = self.vacant.pop().unwrap_or(self.entries.len());
        match self.entries.get_mut(slot) {
            Some(vacant) => *vacant = Some(entry),
            None => self.entries.push(Some(entry)),
        }
        self.by_path.insert(path, slot);
        self.enqueue(slot);
        slot
    }

    /// The first value of a tree for a topic holds: a second one, and a leaf in the availability's place, would make
    /// the topic change with each tree.
    fn set(&mut self, slot: usize, payload: &Payload) {
        let Some(Some(entry)) = self.entries.get_mut(slot) else { return };
        if entry.generation == self.generation {
            return;
        }
        entry.generation = self.generation;
        if entry.value.as_ref() != Some(payload) {
            entry.value = Some(payload.clone());
            self.enqueue(slot);
        }
    }

    fn take_back_unseen(&mut self) {
        for slot in 0..self.entries.len() {
            let Some(Some(entry)) = self.entries.get_mut(slot) else { continue };
            if entry.generation == self.generation || entry.value.is_none() {
                continue;
            }
            entry.value = None;
            self.enqueue(slot);
        }
    }

    fn enqueue(&mut self, slot: usize) {
        if let Some(Some(entry)) = self.entries.get_mut(slot)
            && !entry.queued
        {
            entry.queued = true;
            self.queue.push_back(slot);
        }
    }

    fn remove(&mut self, slot: usize) {
        if let Some(entry) = self.entries.get_mut(slot).and_then(Option::take) {
            self.by_path.remove(&entry.path);
            self.vacant.push(slot);
        }
    }
}

/// `<root>/<serial>/`. A serial holds whatever arrived; no character of it may split or widen the topic.
fn prefix(root: &str, serial: Serial) -> String {
    let serial = serial.to_string().replace('/', "_");
    format!("{}/{serial}/", root.trim_matches('/'))
}

/// Spaces become `_`, as GivTCP has it, and so do the characters that no topic may hold.
fn topic(prefix: &str, path: &str) -> Bytes {
    let plain = |c: char| if matches!(c, ' ' | '+' | '#' | '\0') { '_' } else { c };
    prefix.chars().chain(path.chars()).map(plain).collect::<String>().into()
}

/// A point of the period that depends on the topic only.
fn phase(topic: &Bytes, period: Duration) -> Duration {
    let mut hasher = DefaultHasher::new();
    topic.hash(&mut hasher);
    Duration::from_millis(hasher.finish() % (period.as_millis() as u64).max(1))
}

/// Whether `phase` comes in the half-open time `since..now` of an endless row of periods.
fn falls_within(phase: Duration, since: Duration, now: Duration, period: Duration) -> bool {
    let turns = |time: Duration| (time + period).saturating_sub(phase).as_nanos().div_ceil(period.as_nanos());
    turns(now) > turns(since)
}

#[cfg(test)]
mod tests;
