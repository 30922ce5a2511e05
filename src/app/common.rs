//! What all inverters of a running fleet share: made once, and kept while settings change.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

use super::locks::{self, Managers};
use super::made::open_store;
use super::passing::Passing;
use super::roles::{self, Roles};
use super::{Taken, statuses};
use crate::clock::{Clock, SystemClock};
use crate::event::Events;
use crate::inverter::PassOn;
use crate::lock::LockManager;
use crate::overrides::journal::Journal;
use crate::redis_server::RedisServer;
use crate::settings::{InForce, InverterSettings, Settings};
use crate::status::StatusManager;
use crate::store::Store;

/// What all inverters share.
pub(super) struct Common {
    pub events: Events,
    pub clock: Arc<dyn Clock>,
    pub store: Option<Store>,
    /// The Redis by which others stand by for inverters.
    pub shelf: Option<RedisServer>,
    pub pass_on: Option<Arc<dyn PassOn>>,
    /// What was begun on any inverter.
    pub journal: Journal,
    /// How many processes live that share these inverters, this one included.
    pub members: watch::Sender<usize>,
    /// Whether it is known that there is no other.
    pub alone: watch::Sender<bool>,
    pub taken: Taken,
    pub roles: Roles,
    /// The settings as they are shown, and what is wrong with those that are not in force.
    pub in_force: watch::Sender<InForce>,
    redis: Option<RedisServer>,
    managers: Managers,
    places: usize,
}

impl Common {
    pub(super) fn new(settings: &Settings) -> Self {
        let clock = crate::clock::system();
        let redis = statuses::redis(settings);
        let (members, alone) = (watch::Sender::new(1), watch::Sender::new(false));
        let shared = locks::Shared { redis: redis.clone(), is_alone: alone.subscribe() };
        let store = open_store(settings);
        // Who shares inverters with others takes none before it is known how many there are.
        let shelf = redis.clone().filter(|_| locks::in_redis(settings));
        Self {
            events: Events::new(),
            pass_on: shelf.clone().map(|redis| Arc::new(Passing::new(redis)) as Arc<dyn PassOn>),
            journal: statuses::journal(settings, redis.as_ref(), &clock),
            roles: Roles::new(roles::kept::load(store.as_ref())),
            managers: Managers::new(settings, Arc::new(SystemClock), shared),
            in_force: watch::Sender::new(InForce::of(settings)),
            taken: Taken::default(),
            clock,
            store,
            shelf,
            members,
            alone,
            redis,
            places: 0,
        }
    }

    /// A place that no other inverter ever had.
    pub(super) fn next_place(&mut self) -> usize {
        let place = self.places;
        self.places += 1;
        place
    }

    /// Where the locks of an inverter are kept.
    ///
    /// # Errors
    /// There can be no locks where the settings want them.
    pub(super) fn locks_of(
        &mut self,
        each: &InverterSettings,
        settings: &Settings,
    ) -> anyhow::Result<Arc<dyn LockManager>> {
        Ok(self.managers.of(each.lock_backend.unwrap_or(settings.locks.backend))?.0)
    }

    /// In one line where the locks of all are kept.
    ///
    /// # Errors
    /// There can be no locks where the settings want them.
    pub(super) fn where_locks_are(&mut self, settings: &Settings) -> anyhow::Result<String> {
        Ok(locks::choose(settings, &mut self.managers)?.1)
    }

    /// Where it is kept which overrides of an inverter run.
    pub(super) fn statuses_of(&self, each: &InverterSettings, settings: &Settings) -> Option<Arc<dyn StatusManager>> {
        let alone = Settings { inverters: vec![each.clone()], ..settings.clone() };
        let chosen = statuses::choose(&alone, self.redis.as_ref(), self.store.as_ref(), &self.clock);
        chosen.into_iter().next().flatten()
    }
}

impl fmt::Debug for Common {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Common").field("store", &self.store).field("journal", &self.journal).finish_non_exhaustive()
    }
}
