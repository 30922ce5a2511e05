//! What the routes share: the inverters, and what was read of them.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value, json};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::api::Desk;
use super::document;
use super::elsewhere::Elsewhere;
use super::limits::Limits;
use super::recent::Recent;
use super::who::Rules;
use crate::catalogue::{Layout, Leaf, Role, Tree, as_json};
use crate::control::Orders;
use crate::frame::Serial;
use crate::history::History;
use crate::influx::InfluxCounters;
use crate::plant::Snapshot;
use crate::settings::InForce;
use crate::vitals::Vitals;

/// So many streams of events there are at a time.
const MOST_STREAMS: usize = 16;

/// In which role an inverter is published.
pub type RoleOf = Arc<dyn Fn(Serial) -> Role + Send + Sync>;

/// One inverter of the settings.
pub struct Plant {
    /// What people call it.
    pub name: String,
    /// What was read of it.
    pub snapshots: watch::Receiver<Option<Arc<Snapshot>>>,
    /// The way in for commands.
    pub orders: Orders,
    /// Whether another inverter leads it.
    pub role: RoleOf,
    /// Where what another process has read of it is found, if there may be one.
    pub elsewhere: Option<Elsewhere>,
    /// How it is kept.
    pub vitals: Vitals,
}

/// Everything that the routes know.
pub(super) struct Shared {
    pub plants: Vec<Plant>,
    /// The paths of each plant's leaves, made once.
    pub layouts: Vec<Mutex<Layout>>,
    /// What was published of each in the last polls.
    pub pasts: Vec<Mutex<VecDeque<Vec<Leaf>>>>,
    pub recent: Recent,
    pub rules: Rules,
    pub limits: Mutex<Limits>,
    /// The settings as they are shown, without secrets.
    pub in_force: watch::Receiver<InForce>,
    /// The OpenAPI document, as JSON.
    pub document: String,
    pub restart: CancellationToken,
    pub shutdown: CancellationToken,
    pub streams: Arc<Semaphore>,
    /// What was, where it is kept.
    pub history: Option<History>,
    /// Who makes archives for those who help.
    pub diagnosis: Option<Desk>,
    /// What became of what an InfluxDB is told, if one is.
    pub influx: Option<Arc<InfluxCounters>>,
}

impl Shared {
    pub(super) fn new(
        plants: Vec<Plant>,
        rules: Rules,
        in_force: watch::Receiver<InForce>,
        restart: CancellationToken,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            layouts: plants.iter().map(|_| Mutex::new(Layout::new(true))).collect(),
            pasts: plants.iter().map(|_| Mutex::default()).collect(),
            recent: Recent::new(),
            rules,
            limits: Mutex::default(),
            in_force,
            document: document::of(plants.len()),
            restart,
            shutdown,
            streams: Arc::new(Semaphore::new(MOST_STREAMS)),
            history: None,
            diagnosis: None,
            influx: None,
            plants,
        }
    }

    /// The settings in the shape of GivTCP: names and values.
    pub(super) fn settings(&self) -> String {
        let shown = self.in_force.borrow();
        let all: Map<String, Value> =
            shown.settings.iter().map(|setting| (setting.key.clone(), setting.value.as_str().into())).collect();
        Value::Object(all).to_string()
    }

    /// What was read last of the inverter at this place.
    pub(super) fn snapshot(&self, place: usize) -> Option<Arc<Snapshot>> {
        self.plants.get(place)?.snapshots.borrow().clone()
    }

    /// The same as it is published.
    pub(super) fn tree(&self, place: usize) -> Option<Tree> {
        let (plant, snapshot) = (self.plants.get(place)?, self.snapshot(place)?);
        let role = (plant.role)(snapshot.identity.serial);
        Some(locked(self.layouts.get(place)?).tree_as(role, &snapshot))
    }

    /// The same in the shape of GivTCP's `readData`: with its availability among the statistics, and its sections of
    /// devices even where there are none.
    pub(super) fn read_data(&self, place: usize) -> Option<Value> {
        let tree = self.tree(place)?;
        let mut data = as_json(&tree);
        complete(&mut data, tree.online);
        Some(data)
    }

    /// The place of an inverter by its number, from 1, or its serial number.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        if let Ok(number) = name.parse::<usize>() {
            return number.checked_sub(1).filter(|place| *place < self.plants.len());
        }
        let serial: Serial = name.parse().ok()?;
        (0..self.plants.len())
            .find(|&place| self.snapshot(place).is_some_and(|snapshot| snapshot.identity.serial == serial))
    }
}

/// Adds what GivTCP's `readData` always has.
pub(super) fn complete(data: &mut Value, online: bool) {
    let Some(sections) = data.as_object_mut() else { return };
    for always in ["Battery_Details", "Meter_Details"] {
        sections.entry(always).or_insert_with(|| json!({}));
    }
    if let Some(stats) = sections.get_mut("Stats").and_then(Value::as_object_mut) {
        stats.insert("status".to_owned(), if online { "online" } else { "offline" }.into());
    }
}

impl fmt::Debug for Plant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plant").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What a mutex guards, whoever panicked with it.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
