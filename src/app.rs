//! Settings in, tasks out, what changes while it runs, and the order of shutdown.
//!
//! What all inverters share (`common`) is made once. Each inverter is a `member` with tasks of its own, so that one can
//! be started, told anew or stopped while the others go on; what sees all of them at once (`whole`) is begun anew when
//! the list changes. `reload` does what new settings ask for.

mod alike;
mod announcer;
mod answers;
mod broker;
mod clocks;
mod commands;
mod common;
mod company;
mod departed;
mod left;
mod locks;
mod made;
mod member;
mod moved;
mod passing;
mod publisher;
mod recorder;
mod reload;
mod roles;
mod seek;
mod share;
mod shelf;
mod statuses;
mod succession;
mod tasks;
pub mod watch_file;
mod web;
mod whole;
mod wishes;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::control::Orders;
use crate::diagnosis::Diagnosis;
use crate::event::{Events, Subscription};
use crate::frame::Serial;
use crate::history::History;
use crate::influx::{Influx, InfluxCounters};
use crate::inverter::{Inverter, Parting};
use crate::link::Tap;
use crate::overrides::journal::Journal;
use crate::plant::Snapshot;
use crate::settings::{InForce, InverterSettings, Settings};
use crate::vitals::Vitals;
use answers::{Answers, Known};
use common::Common;
use departed::Departed;
pub use made::inverter_at;
use made::{inverter, open_store, session_settings, time_zone};
use member::Member;
use tasks::finish;
use whole::Round;

/// Inverters get this long to close their links at the end, and the sessions behind them as long again to say `offline`.
const STOPPING: Duration = Duration::from_millis(900);

/// What is on its way back to Redis gets this long.
const SETTLING: Duration = Duration::from_millis(700);

/// What others left may be so old, or three polls.
const MINUTE: Duration = Duration::from_secs(60);

/// Which inverter has which serial, so that one inverter that is reached twice is published once.
pub type Taken = Arc<Mutex<HashMap<Serial, usize>>>;

/// The newest snapshot of one inverter.
pub type Snapshots = watch::Receiver<Option<Arc<Snapshot>>>;

/// A running fleet.
#[derive(Debug)]
pub struct App {
    /// The newest snapshot of each inverter, in the order of the settings.
    pub snapshots: Vec<Snapshots>,
    /// The way in for commands to each of them, in the same order.
    pub orders: Vec<Orders>,
    /// How each of them is kept, in the same order.
    pub vitals: Vec<Vitals>,
    /// Where the connection to each of them is listened to.
    pub taps: Vec<Tap>,
    /// Cancelled by whoever asks for a restart of the program.
    pub restart: CancellationToken,
    /// What is in force.
    settings: Settings,
    common: Common,
    members: Vec<Member>,
    sharing: Round,
    web: Round,
    remembering: Round,
    feeding: Round,
    /// What became of what the InfluxDB is told, if one is.
    influx: Option<Arc<InfluxCounters>>,
    /// Undoes what was begun on inverters that the settings do not name; `None`: that is nobody's task here.
    left: Option<Round>,
    /// Takes back what was told of inverters that the settings do not name; `None`: as above.
    departed: Option<Round>,
    /// What programs on this machine are answered from.
    known: watch::Sender<Arc<[Known]>>,
    diagnosis: watch::Sender<Diagnosis>,
    since: Instant,
    /// With the inverters, since commands are refused first.
    answering: JoinSet<()>,
    sessions: JoinSet<()>,
    stop_inverters: CancellationToken,
    stop_sessions: CancellationToken,
    history: Option<History>,
}

impl App {
    /// Starts a task for each inverter, and one that publishes it.
    ///
    /// # Errors
    /// What of the settings cannot be used after all: a time zone that this system does not know, a certificate that
    /// cannot be read, a data directory that takes no locks though they are to be there.
    pub fn start(settings: &Settings) -> anyhow::Result<Self> {
        let zone = time_zone(settings)?;
        let mut common = Common::new(settings);
        let session = settings.mqtt.enabled.then(|| session_settings(settings, &common.events)).transpose()?;
        made::influx(settings)?;
        tracing::info!("{}", common.where_locks_are(settings)?);
        commands::warn_of_open_broker(settings);
        let (stop_inverters, stop_sessions) = (CancellationToken::new(), CancellationToken::new());
        let (mut sessions, mut answering) = (JoinSet::new(), JoinSet::new());
        if let (Some(store), true) = (&common.store, session.is_some()) {
            sessions.spawn(roles::kept::keep(common.roles.clone(), store.clone(), stop_sessions.clone()));
        }
        let (report, data_dir) = (common.journal.clone(), settings.data_dir.clone());
        sessions.spawn(async move { statuses::report(report, &data_dir).await });
        let mut members = Vec::new();
        for (index, each) in settings.inverters.iter().enumerate() {
            members.push(Member::start(&mut common, settings, index, each, session.as_ref())?);
        }
        let history = settings
            .history
            .enabled
            .then(|| History::new(settings.data_dir.clone(), settings.history.days, zone, Arc::clone(&common.clock)));
        let (known, is_known) = watch::channel(whole::known(&members));
        let since = Instant::now();
        let diagnosis = watch::Sender::new(whole::diagnosis(&common, settings, &members, since));
        let answers = Answers {
            known: is_known,
            shelf: common.shelf.clone(),
            oldest: whole::oldest(settings),
            diagnosis: diagnosis.subscribe(),
        };
        let (data_dir, shutdown) = (settings.data_dir.clone(), stop_inverters.clone());
        answering.spawn(async move { answers::serve(&data_dir, answers, shutdown).await });
        let mut app = Self {
            snapshots: Vec::new(),
            orders: Vec::new(),
            vitals: Vec::new(),
            taps: Vec::new(),
            restart: CancellationToken::new(),
            settings: settings.clone(),
            common,
            members,
            sharing: Round::default(),
            web: Round::default(),
            remembering: Round::default(),
            feeding: Round::default(),
            influx: None,
            left: None,
            departed: None,
            diagnosis,
            since,
            known,
            answering,
            sessions,
            stop_inverters,
            stop_sessions,
            history,
        };
        app.list();
        app.begin_rounds();
        Ok(app)
    }

    /// Tells everybody who sees all inverters which there are.
    fn list(&mut self) {
        self.snapshots = self.members.iter().map(|each| each.snapshots.clone()).collect();
        self.orders = self.members.iter().map(|each| each.orders.clone()).collect();
        self.vitals = self.members.iter().map(|each| each.vitals.clone()).collect();
        self.taps = self.members.iter().map(|each| each.tap.clone()).collect();
        self.known.send_replace(whole::known(&self.members));
        self.diagnosis.send_replace(whole::diagnosis(&self.common, &self.settings, &self.members, self.since));
    }

    fn begin_rounds(&mut self) {
        self.remembering.remember(&self.members, self.history.clone());
        self.feed();
        self.sharing.share(&self.common, &self.settings, &self.members);
        self.serve();
    }

    /// Tells an InfluxDB, where the settings name one; it was tried whether they can.
    fn feed(&mut self) {
        let target = made::influx(&self.settings).ok().flatten();
        let influx = target.map(|target| Influx::new(target, self.settings.data_dir.clone()));
        self.influx = influx.as_ref().map(Influx::counters);
        if let Some(influx) = influx {
            self.feeding.feed(&self.common, &self.members, influx);
        }
    }

    fn serve(&mut self) {
        let beside = web::Beside {
            history: self.history.clone(),
            diagnosis: self.diagnosis.borrow().clone(),
            influx: self.influx.clone(),
        };
        self.web.serve(&self.common, &self.settings, &self.members, beside, &self.restart);
    }

    /// One inverter alone, for a command that no daemon here can be asked to give: under the same locks, with the same
    /// journal, and told to nobody.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn start_alone(settings: &Settings, each: InverterSettings) -> anyhow::Result<Self> {
        let mut settings = Settings { inverters: vec![each], ..settings.clone() };
        (settings.mqtt.enabled, settings.http.enabled, settings.history.enabled) = (false, false, false);
        (settings.control.clock_sync.enabled, settings.influx.enabled) = (false, false);
        Self::start(&settings)
    }

    /// Undoes what was begun on inverters that the settings do not name, under the locks of those that they name; from
    /// now on, and as they change.
    ///
    /// # Errors
    /// The time zone is not known to this system.
    pub fn undo_left(&mut self) -> anyhow::Result<()> {
        let mut round = Round::default();
        if let Some(locks) = self.members.first().map(Member::locks) {
            let settings = self.settings.clone();
            let statuses = settings.inverters.first().and_then(|first| self.common.statuses_of(first, &settings));
            let (clock, zone) = (crate::clock::system(), time_zone(&settings)?);
            let (store, events) = (open_store(&settings), self.common.events.clone());
            let (journal, all) = (self.common.journal.clone(), settings.clone());
            let kept = journal.clone();
            let make = move |each: &InverterSettings| Inverter {
                statuses: statuses.clone(),
                journal: Some(kept.clone()),
                ..inverter(each, &all, &zone, Arc::clone(&locks), Arc::clone(&clock), store.clone(), events.clone())
            };
            round.spawn(|stop| left::undo(settings, journal, make, stop));
        }
        self.left = Some(round);
        Ok(())
    }

    /// Takes back what was told of inverters that the settings do not name, once each that they name is known; from now
    /// on, and as they change.
    ///
    /// # Errors
    /// A certificate that cannot be read.
    pub fn take_back_departed(&mut self) -> anyhow::Result<()> {
        let mut round = Round::default();
        if let (true, Some(store)) = (self.settings.mqtt.enabled, open_store(&self.settings)) {
            let session = session_settings(&self.settings, &self.common.events)?;
            let (settings, snapshots) = (self.settings.clone(), self.snapshots.clone());
            let departed = Departed { settings, session, store, snapshots };
            round.spawn(|stop| departed.take_back(stop));
        }
        self.departed = Some(round);
        Ok(())
    }

    /// What happens to the inverters from now on.
    pub fn events(&self) -> Subscription {
        self.common.events.subscribe()
    }

    /// The settings that are in force, as they are shown, and what is wrong with those that are not.
    pub fn in_force(&self) -> watch::Receiver<InForce> {
        self.common.in_force.subscribe()
    }

    /// Stops in order: links are closed and leases let go, then availability is told, unless another process of the
    /// group goes on.
    pub async fn stop(mut self) {
        self.stop_inverters.cancel();
        let mut rounds = [&mut self.sharing, &mut self.web];
        let rounds = join_all(rounds.iter_mut().map(|round| round.end()));
        let left = async {
            if let Some(left) = &mut self.left {
                left.end().await;
            }
            if let Some(departed) = &mut self.departed {
                departed.end().await;
            }
        };
        let ending = join_all(self.members.iter_mut().map(|each| each.end_polling(Parting::Stops)));
        tokio::join!(ending, rounds, left, finish(&mut self.answering, STOPPING));
        self.stop_sessions.cancel();
        let common = &self.common;
        let ending = join_all(self.members.iter_mut().map(|each| each.end_session(common)));
        tokio::join!(ending, self.remembering.end(), self.feeding.end(), finish(&mut self.sessions, STOPPING));
        let locks: Vec<_> = self.members.iter().map(Member::locks).collect();
        let settling = locks.iter().map(|locks| locks.settled());
        _ = tokio::time::timeout(SETTLING, join_all(settling)).await;
    }
}

pub use locks::refuse_while_held;
pub use seek::{found_before, search, seek};

/// Address and port where a fleet of these settings answers over HTTP; `None` where it does not.
pub fn listens_at(settings: &Settings) -> Option<String> {
    settings.http.enabled.then(|| web::listen(settings))
}

/// What [`App::start`] would refuse of settings that are well formed, with what each names on this machine: a time zone,
/// files of certificates, a Redis.
pub fn faults(settings: &Settings) -> Vec<String> {
    let zone = time_zone(settings).err();
    let mqtt = settings.mqtt.enabled.then(|| session_settings(settings, &Events::new()).err()).flatten();
    let redis = statuses::redis_of(settings).err();
    let influx = made::influx(settings).err().map(anyhow::Error::from);
    zone.into_iter().chain(mqtt).chain(redis).chain(influx).map(|error| format!("{error:#}")).collect()
}

/// The journal of these settings, as a running fleet has it.
pub fn journal(settings: &Settings, clock: Arc<dyn Clock>) -> Journal {
    statuses::journal(settings, statuses::redis(settings).as_ref(), &clock)
}
