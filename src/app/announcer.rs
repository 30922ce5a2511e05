//! What Home Assistant is told of one inverter, kept up with its snapshots, and remembered across restarts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, watch};

use crate::catalogue::{Layout, Leaf, Notice, Quantity, Role, Tree};
use crate::control::{Context, Control, controls};
use crate::frame::Serial;
use crate::homeassistant::{self, Index, Minutes, Options, Plant};
use crate::lane::Lane;
use crate::mqtt::Audience;
use crate::plant::Snapshot;
use crate::settings::{Entities, Settings};
use crate::store::Store;

/// So many topics of earlier runs, or of GivTCP, are taken back.
const MOST_FOUND: usize = 4096;
/// Where the indices are kept.
pub(super) const DIRECTORY: &str = "homeassistant";
/// A disk gets this long.
const SAVING: Duration = Duration::from_secs(5);

/// Topics that were found at the broker, and were told by an earlier run or by GivTCP. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Found(Arc<Findings>);

#[derive(Debug, Default)]
struct Findings {
    topics: Mutex<BTreeMap<Serial, BTreeSet<String>>>,
    news: Notify,
}

/// What is told of one inverter.
#[derive(Debug)]
pub(super) struct Announcer {
    options: Options,
    /// What people call it.
    name: Option<String>,
    /// Whether commands are taken.
    commands: bool,
    minutes: watch::Receiver<Minutes>,
    found: Found,
    store: Option<Store>,
    lane: Lane,
    told: Option<Of>,
}

/// What is known of one inverter.
#[derive(Debug)]
struct Of {
    serial: Serial,
    index: Index,
    kept: Index,
    values: BTreeMap<Arc<str>, Quantity>,
    /// Numbers that were seen outside the range of their control.
    ranges: BTreeMap<String, (i64, i64)>,
    /// How much was rejected, and since when it is so much.
    rejected: (u64, Option<Timestamp>),
    /// Whether all that is behind the inverter was found: before, nothing is taken back.
    is_settled: bool,
    basis: Option<Basis>,
    notices: Arc<[Notice]>,
    /// Paths that only Home Assistant is told of, shared from tree to tree.
    paths: BTreeMap<String, Arc<str>>,
}

/// What the notices were made of; made anew if any of it changes.
#[derive(Debug, PartialEq)]
struct Basis {
    values: usize,
    lines: usize,
    controls: Vec<Control>,
    ranges: BTreeMap<String, (i64, i64)>,
    found: usize,
    is_settled: bool,
    firmware: Vec<Option<String>>,
    devices: usize,
}

// === impl Found ===

impl Found {
    /// Who reads what is told: asks for what was told before.
    pub(super) fn audience(&self, settings: &Settings) -> Option<Audience> {
        let wanted = &settings.homeassistant;
        let (prefix, root) = (wanted.prefix.clone(), settings.mqtt.root.clone());
        let found = self.clone();
        (wanted.entities != Entities::Off).then(|| Audience {
            birth_topic: wanted.birth_topic.clone(),
            kept: homeassistant::kept_topics(&wanted.prefix),
            found: Arc::new(move |serial, topic, payload| {
                if homeassistant::is_left_over(&prefix, &root, serial, topic, payload) {
                    found.put(serial, topic);
                }
            }),
        })
    }

    fn put(&self, serial: Serial, topic: &str) {
        let mut all = self.0.topics.lock().unwrap_or_else(PoisonError::into_inner);
        let topics = all.entry(serial).or_default();
        if topics.len() < MOST_FOUND && topics.insert(topic.to_owned()) {
            self.0.news.notify_one();
        }
    }

    fn of(&self, serial: Serial) -> BTreeSet<String> {
        let all = self.0.topics.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&serial).cloned().unwrap_or_default()
    }

    /// Completes when something more was found.
    pub(super) async fn changed(&self) {
        self.0.news.notified().await;
    }
}

// === impl Announcer ===

impl Announcer {
    /// Of the inverter at this place of the settings; nothing where nothing was ever to be told.
    pub(super) fn new(
        settings: &Settings,
        place: usize,
        found: Found,
        minutes: watch::Receiver<Minutes>,
        store: Option<Store>,
    ) -> Self {
        let wanted = &settings.homeassistant;
        Self {
            options: Options {
                entities: wanted.entities,
                prefix: wanted.prefix.clone(),
                root: settings.mqtt.root.clone(),
                givtcp: settings.prefix(place),
                currency: wanted.currency.clone(),
            },
            name: settings.inverters.get(place).and_then(|inverter| inverter.name.clone()),
            commands: settings.control.enabled && settings.control.mqtt,
            minutes,
            found,
            store,
            lane: Lane::new(),
            told: None,
        }
    }

    /// Completes when there is something to tell that no snapshot brings.
    pub(super) async fn changed(&mut self) {
        tokio::select! {
            Ok(()) = self.minutes.changed() => {}
            () = self.found.changed() => {}
            else => std::future::pending().await,
        }
    }

    /// Adds to a tree what is told of it, and the values that are told to Home Assistant alone.
    pub(super) async fn announce(
        &mut self,
        layout: &Layout,
        snapshot: &Snapshot,
        role: Role,
        led_by: Option<Serial>,
        tree: &mut Tree,
    ) {
        let serial = snapshot.identity.serial;
        if self.told.as_ref().is_none_or(|told| told.serial != serial) {
            let mut index = self.load(serial).await;
            index.begin_anew();
            self.told = Some(Of::new(serial, index));
        }
        let Some(told) = &mut self.told else { return };
        told.learn(layout, snapshot, tree);
        homeassistant::see_ranges(&mut told.ranges, &told.values, tree);
        told.is_settled |= snapshot.all_probed;
        if self.options.entities == Entities::Native {
            let states = homeassistant::states(snapshot, *self.minutes.borrow_and_update(), told.rejected.1);
            for (path, payload) in states {
                let shared = told.paths.entry(path.clone()).or_insert_with(|| path.into());
                tree.leaves.push(Leaf { path: Arc::clone(shared), payload });
            }
        }
        let mut offered = Vec::new();
        if self.commands && self.options.entities != Entities::Off && role_takes_commands(role, led_by) {
            offered = controls(&Context { led_by, ..Context::of(snapshot, None, None) });
        }
        let found = self.found.of(serial);
        let basis = Basis {
            values: told.values.len(),
            lines: layout.paths().count(),
            controls: offered,
            ranges: told.ranges.clone(),
            found: found.len(),
            is_settled: told.is_settled,
            firmware: firmware(snapshot),
            devices: snapshot.batteries.len() + snapshot.stacks.len() + snapshot.meters.len(),
        };
        if told.basis.as_ref() != Some(&basis) {
            let plant = Plant {
                snapshot,
                name: self.name.as_deref(),
                values: &told.values,
                ranges: &told.ranges,
                controls: &basis.controls,
                commands: self.commands && !role.is_read_only(),
            };
            let announced = homeassistant::announce(&self.options, &plant);
            let mut payloads = told.index.payloads(announced, told.is_settled);
            for topic in found.into_iter().filter(|_| told.is_settled) {
                payloads.entry(topic).or_insert(None);
            }
            let notice = |(topic, payload): (String, Option<String>)| Notice {
                topic: topic.into(),
                payload: payload.map(Into::into),
            };
            told.notices = payloads.into_iter().map(notice).collect();
            told.basis = Some(basis);
        }
        tree.notices = Arc::clone(&told.notices);
        self.save().await;
    }

    /// What takes everything back that was told of it.
    pub(super) async fn withdraw(&mut self) -> Arc<[Notice]> {
        let Some(told) = &mut self.told else { return Arc::default() };
        let payloads = told.index.payloads(BTreeMap::new(), true);
        let notices: Arc<[Notice]> =
            payloads.into_keys().map(|topic| Notice { topic: topic.into(), payload: None }).collect();
        told.notices = Arc::clone(&notices);
        told.basis = None;
        self.save().await;
        notices
    }

    async fn load(&self, serial: Serial) -> Index {
        let Some(store) = self.store.clone() else { return Index::default() };
        match self.lane.run(SAVING, move || store.load(&name(serial))).await {
            Ok(Ok(index)) => index.unwrap_or_default(),
            Ok(Err(error)) => {
                tracing::warn!("data_dir: {error}; what Home Assistant was told before is not known");
                Index::default()
            }
            Err(error) => {
                tracing::warn!("data_dir: {error}; what Home Assistant was told before is not known");
                Index::default()
            }
        }
    }

    /// Keeps what was told, when that has changed. What cannot be kept is told all the same.
    async fn save(&mut self) {
        let (Some(store), Some(told)) = (self.store.clone(), &mut self.told) else { return };
        if told.index == told.kept {
            return;
        }
        let (serial, index) = (told.serial, told.index.clone());
        told.kept.clone_from(&index);
        let saved = self.lane.run(SAVING, move || store.save(&name(serial), &index)).await;
        let why = match saved {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::warn!("data_dir: {why}; what Home Assistant was told is forgotten at a restart");
    }
}

/// Where the index of an inverter is kept.
pub(super) fn name(serial: Serial) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    format!("{DIRECTORY}/{}.json", serial.to_string().chars().map(plain).collect::<String>())
}

fn role_takes_commands(role: Role, led_by: Option<Serial>) -> bool {
    // A plant controller leaves its inverters their clocks and restarts.
    !role.is_read_only() || led_by.is_some()
}

fn firmware(snapshot: &Snapshot) -> Vec<Option<String>> {
    let three_phase = snapshot.three_phase.as_ref().and_then(|own| own.firmware.clone());
    let gateway = snapshot.gateway.as_ref().and_then(|gateway| gateway.software.clone());
    let batteries = snapshot.batteries.iter().map(|battery| battery.firmware.map(|version| version.to_string()));
    let stacks = snapshot.stacks.iter().map(|stack| stack.firmware.clone());
    [three_phase, gateway, snapshot.inverter.firmware.clone()].into_iter().chain(batteries).chain(stacks).collect()
}

// === impl Of ===

impl Of {
    fn new(serial: Serial, index: Index) -> Self {
        Self {
            serial,
            kept: index.clone(),
            index,
            values: BTreeMap::new(),
            ranges: BTreeMap::new(),
            rejected: (0, None),
            is_settled: false,
            basis: None,
            notices: Arc::default(),
            paths: BTreeMap::new(),
        }
    }

    /// What was ever published, and can be of these devices, stays; what never was is not told of.
    fn learn(&mut self, layout: &Layout, snapshot: &Snapshot, tree: &Tree) {
        let possible: BTreeMap<&Arc<str>, Quantity> =
            layout.paths().filter_map(|(path, quantity)| Some((path, quantity?))).collect();
        self.values.retain(|path, _| possible.contains_key(path));
        for leaf in &tree.leaves {
            if !self.values.contains_key(&leaf.path)
                && let Some(&quantity) = possible.get(&leaf.path)
            {
                self.values.insert(Arc::clone(&leaf.path), quantity);
                self.index.values.insert(leaf.path.to_string());
            }
        }
        for (path, quantity) in possible {
            let is_known = || self.index.values.contains(&**path) || comes_and_goes(path, &self.values);
            if !self.values.contains_key(path) && is_known() {
                self.values.insert(Arc::clone(path), quantity);
            }
        }
        let total = snapshot.stats.rejections.total();
        if total > self.rejected.0 {
            self.rejected = (total, snapshot.stats.last_updated);
        }
    }
}

/// A time that there is only while the battery charges or discharges.
fn comes_and_goes(path: &str, values: &BTreeMap<Arc<str>, Quantity>) -> bool {
    path.strip_suffix("_Completion_Time").is_some_and(|of| values.contains_key(format!("{of}_Time_Remaining").as_str()))
}

#[cfg(test)]
mod tests;
