//! Settings in, tasks out, and the order of shutdown.

mod announcer;
mod answers;
mod broker;
mod clocks;
mod commands;
mod company;
mod departed;
mod left;
mod locks;
mod made;
mod moved;
mod passing;
mod publisher;
mod recorder;
mod roles;
mod seek;
mod share;
mod shelf;
mod statuses;
mod succession;
mod tasks;
mod web;
mod wishes;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, SystemClock};
use crate::control::{Orders, orders};
use crate::diagnosis::{Diagnosis, Watched};
use crate::event::{Events, Subscription};
use crate::frame::Serial;
use crate::history::{History, Source};
use crate::homeassistant::Minutes;
use crate::influx::{self, Influx, InfluxCounters};
use crate::inverter::{Doing, Hold, Inverter, PassOn, Phase};
use crate::link::{Counters, Moves, Tap};
use crate::lock::{Counted, LockManager};
use crate::mqtt::{self, SessionSettings};
use crate::overrides::journal::Journal;
use crate::plant::Snapshot;
use crate::settings::{InverterSettings, Settings};
use crate::status::StatusManager;
use crate::store::Store;
use crate::vitals::Vitals;
use announcer::{Announcer, Found};
use answers::{Answers, Known};
use company::Company;
use departed::Departed;
pub use made::inverter_at;
use made::{connector, inverter, kind, longest_stop, open_store, session_settings, time_zone};
use passing::{Passing, Taking};
use recorder::Recorder;
use roles::Roles;
use share::Place;
use succession::Succession;
use tasks::{finish, supervise};

/// Inverters get this long to close their links at the end, and the sessions behind them as long again to say `offline`.
const STOPPING: Duration = Duration::from_millis(900);

/// What is on its way back to Redis gets this long.
const SETTLING: Duration = Duration::from_millis(700);

/// What others left may be so old, or three polls.
const MINUTE: Duration = Duration::from_secs(60);

/// Which inverter of the settings has which serial, so that one inverter that is reached twice is published once.
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
    events: Events,
    inverters: JoinSet<()>,
    sessions: JoinSet<()>,
    stop_inverters: CancellationToken,
    stop_sessions: CancellationToken,
    /// How many processes live that share these inverters, this one included.
    members: watch::Receiver<usize>,
    /// What was taken of them is given back before the program ends.
    locks: Vec<Arc<dyn LockManager>>,
    /// So long inverters may take to undo overrides.
    stop_timeout: Duration,
    /// What was begun on any inverter, and where it is told what runs on the first.
    journal: Journal,
    statuses: Option<Arc<dyn StatusManager>>,
    history: Option<History>,
    /// What became of what the InfluxDB is told, if one is.
    influx: Option<Arc<InfluxCounters>>,
}

impl App {
    /// Starts a task for each inverter, and one that publishes it.
    ///
    /// # Errors
    /// What of the settings cannot be used after all: a time zone that this system does not know, a certificate that
    /// cannot be read, a data directory that takes no locks though they are to be there.
    pub fn start(settings: &Settings) -> anyhow::Result<Self> {
        let zone = time_zone(settings)?;
        let events = Events::new();
        let session = settings.mqtt.enabled.then(|| session_settings(settings, &events)).transpose()?;
        let influx = made::influx(settings)?.map(|target| Influx::new(target, settings.data_dir.clone()));
        let clock = crate::clock::system();
        let redis = statuses::redis(settings);
        let (members, group) = watch::channel(1);
        let (alone, is_alone) = watch::channel(false);
        let shared = locks::Shared { redis: redis.as_ref(), is_alone };
        let (locks, kept) = locks::choose(settings, &(Arc::new(SystemClock) as Arc<dyn Clock>), &shared)?;
        tracing::info!("{kept}");
        commands::warn_of_open_broker(settings);
        let store = open_store(settings);
        // Who shares inverters with others takes none before it is known how many there are.
        let shelf = redis.clone().filter(|_| locks::in_redis(settings));
        let pass_on = shelf.clone().map(|redis| Arc::new(Passing::new(redis)) as Arc<dyn PassOn>);
        let statuses = statuses::choose(settings, redis.as_ref(), store.as_ref(), &clock);
        let journal = statuses::journal(settings, redis.as_ref(), &clock);
        let (taken, roles) = (Taken::default(), Roles::new(settings, &roles::kept::load(store.as_ref())));
        let (mut places, mut known, mut takings, mut sources) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut diagnosis = Diagnosis {
            settings: settings.clone(),
            inverters: Vec::new(),
            clock: Arc::clone(&clock),
            since: Instant::now(),
        };
        let mut app = Self {
            snapshots: Vec::new(),
            orders: Vec::new(),
            vitals: Vec::new(),
            taps: Vec::new(),
            restart: CancellationToken::new(),
            events,
            inverters: JoinSet::new(),
            sessions: JoinSet::new(),
            stop_inverters: CancellationToken::new(),
            stop_sessions: CancellationToken::new(),
            members: group.clone(),
            locks: locks.clone(),
            stop_timeout: longest_stop(settings),
            journal: journal.clone(),
            statuses: statuses.first().cloned().flatten(),
            history: settings.history.enabled.then(|| {
                History::new(settings.data_dir.clone(), settings.history.days, zone.clone(), Arc::clone(&clock))
            }),
            influx: influx.as_ref().map(Influx::counters),
        };
        if let (Some(store), true) = (&store, session.is_some()) {
            app.sessions.spawn(roles::kept::keep(roles.clone(), store.clone(), app.stop_sessions.clone()));
        }
        let data_dir = settings.data_dir.clone();
        let report = journal.clone();
        app.sessions.spawn(async move { statuses::report(report, &data_dir).await });
        for (place, ((each, locks), statuses)) in settings.inverters.iter().zip(locks).zip(statuses).enumerate() {
            let counted = Arc::new(Counted::new(locks));
            let locks = Arc::clone(&counted) as Arc<dyn LockManager>;
            let (sender, receiver) = watch::channel(None);
            let its_name = format!("{}_{}", each.host, each.port);
            let (each, all, zone) = (each.clone(), settings.clone(), zone.clone());
            let pass_on = pass_on.clone();
            let clock = Arc::clone(&clock);
            let (store, events) = (store.clone(), app.events.clone());
            let (standing, hold) = watch::channel(Hold::default());
            let (sharing, give_way) = (group.clone(), settings.locks.life);
            let (wanted, is_wanted) = watch::channel(shelf.is_none());
            let succession = Succession { locks: Arc::clone(&locks), hold: hold.clone(), members: group.clone() };
            let (way_in, inbox) = orders();
            let tap = Tap::default();
            let (journal, leader) = (journal.clone(), roles.controller_of(place));
            takings.push(Taking { hold: hold.clone(), orders: way_in.clone() });
            let listening = commands::listen(settings, &way_in, &hold, &mut app.sessions, &app.stop_sessions);
            let (listening, minutes) = with_wishes(listening, store.as_ref(), &its_name);
            app.orders.push(way_in.clone());
            let keeping = clocks::Keeping {
                snapshots: receiver.clone(),
                orders: way_in.clone(),
                clock: Arc::clone(&clock),
                zone: zone.clone(),
                store: store.clone(),
            };
            if let Some(threshold) = clocks::threshold(settings) {
                app.inverters.spawn(keeping.keep(threshold, app.stop_inverters.clone()));
            }
            sources.push(Source { snapshots: receiver.clone(), hold: hold.clone() });
            known.push(Known {
                locks: Arc::clone(&locks),
                hold: hold.clone(),
                snapshots: receiver.clone(),
                orders: way_in,
                tap: tap.clone(),
                recorder: Recorder::default(),
            });
            app.taps.push(tap.clone());
            if let Some(redis) = shelf.clone() {
                app.sessions.spawn(shelf::keep(redis, hold.clone(), receiver.clone(), app.stop_sessions.clone()));
            }
            let (phase, counters) = (watch::Sender::new(Phase::new(Doing::Resting)), Arc::<Counters>::default());
            app.vitals.push(Vitals {
                name: each.name.clone().unwrap_or_else(|| each.host.clone()),
                address: format!("{}:{}", each.host, each.port),
                transport: each.transport.to_string(),
                every: settings.poll.every,
                daily_writes: settings.control.daily_writes,
                link: Arc::clone(&counters),
                phase: phase.subscribe(),
                hold: hold.clone(),
                locks: counted,
                statuses: statuses.clone(),
                members: group.clone(),
                snapshots: receiver.clone(),
                mqtt: session.is_some().then(Arc::default),
                clock: Arc::clone(&clock),
            });
            diagnosis.inverters.extend(app.vitals.last().cloned().map(|vitals| Watched { vitals, tap: tap.clone() }));
            let its_broker = app.vitals.last().and_then(|vitals| vitals.mqtt.clone()).unwrap_or_default();
            let hold_of = hold.clone();
            places.push(Place { hold, wanted });
            let its_standing = standing.clone();
            let moves = app.follow(&each, &all, &locks, &hold_of, &receiver);
            let make = move || Inverter {
                wanted: is_wanted.clone(),
                standing: its_standing.clone(),
                pass_on: pass_on.clone(),
                members: sharing.clone(),
                give_way,
                statuses: statuses.clone(),
                orders: inbox.clone(),
                journal: Some(journal.clone()),
                leader: Some(leader.clone()),
                counters: Arc::clone(&counters),
                phase: phase.clone(),
                connector: connector(&each, &moves, &tap, &clock),
                ..inverter(&each, &all, &zone, Arc::clone(&locks), Arc::clone(&clock), store.clone(), events.clone())
            };
            app.inverters.spawn(supervise(make, sender, standing, app.stop_inverters.clone()));
            if let Some(session) = &session {
                let found = Found::default();
                let audience = found.audience(settings);
                let session =
                    SessionSettings { commands: listening, audience, counters: its_broker, ..session.clone() };
                let source = publisher::Source {
                    place,
                    snapshots: receiver.clone(),
                    raw: settings.mqtt.raw,
                    smoothing: settings.smoothing,
                    taken: Arc::clone(&taken),
                    roles: roles.clone(),
                    succession,
                    announcer: Announcer::new(settings, place, found, minutes, open_store(settings)),
                };
                app.sessions.spawn(publisher::run(source, session, app.stop_sessions.clone()));
            }
            app.snapshots.push(receiver);
        }
        if let Some(influx) = influx {
            let told = |(place, source): (usize, &Source)| {
                let roles = roles.clone();
                let role: influx::RoleOf = Arc::new(move |serial| roles.of(place, serial));
                influx::Source { snapshots: source.snapshots.clone(), hold: source.hold.clone(), role }
            };
            let sources = sources.iter().enumerate().map(told).collect();
            app.sessions.spawn(influx.keep(sources, app.stop_sessions.clone()));
        }
        if let Some(history) = app.history.clone() {
            app.sessions.spawn(history.keep(sources, app.stop_sessions.clone()));
        }
        // With the inverters, since commands are refused first.
        let oldest = (settings.poll.every * 3).max(MINUTE);
        let left = |known: &Known| Some(shelf::elsewhere(shelf.clone()?, known.hold.clone(), oldest));
        let web = web::of(&app, settings, &roles, &diagnosis, known.iter().map(left).collect());
        app.inverters.spawn(web::serve(web, app.stop_inverters.clone()));
        if let Some(redis) = shelf.clone() {
            app.inverters.spawn(passing::serve(redis, takings, app.stop_inverters.clone()));
        }
        let shutdown = app.stop_inverters.clone();
        let sharing = share::keep(places, group, shutdown.clone());
        match shelf.clone() {
            Some(redis) => {
                let company = Company::new(redis, settings, store, members, alone);
                app.inverters.spawn(company.keep(sharing, shutdown.clone()));
            }
            None => _ = app.inverters.spawn(sharing),
        }
        let (data_dir, answers) = (settings.data_dir.clone(), Answers { known, shelf, oldest, diagnosis });
        app.inverters.spawn(async move { answers::serve(&data_dir, answers, shutdown).await });
        Ok(app)
    }

    /// Looks for an inverter whose serial number is known when it is away; where it is found then.
    fn follow(
        &mut self,
        each: &InverterSettings,
        settings: &Settings,
        locks: &Arc<dyn LockManager>,
        hold: &watch::Receiver<Hold>,
        snapshots: &Snapshots,
    ) -> Moves {
        let moves = Moves::default();
        if let Some(serial) = each.serial {
            let search = seek::search_under(settings, Arc::clone(locks), kind(each.transport), each.port);
            let movable = moved::Movable {
                name: each.name.clone().unwrap_or_else(|| each.host.clone()),
                serial,
                hold: hold.clone(),
                snapshots: snapshots.clone(),
                moves: moves.clone(),
            };
            let look = moved::looking(settings, search, &each.host);
            self.inverters.spawn(movable.keep(look, self.stop_inverters.clone()));
        }
        moves
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

    /// Undoes what was begun on inverters that the settings no longer name, under the locks of those that they name.
    ///
    /// # Errors
    /// The time zone is not known to this system.
    pub fn undo_left(&mut self, settings: &Settings) -> anyhow::Result<()> {
        let Some(locks) = self.locks.first().cloned() else { return Ok(()) };
        let (clock, zone) = (crate::clock::system(), time_zone(settings)?);
        let (store, events) = (open_store(settings), self.events.clone());
        let (journal, statuses) = (self.journal.clone(), self.statuses.clone());
        let (all, kept) = (settings.clone(), journal.clone());
        let make = move |each: &InverterSettings| Inverter {
            statuses: statuses.clone(),
            journal: Some(kept.clone()),
            ..inverter(each, &all, &zone, Arc::clone(&locks), Arc::clone(&clock), store.clone(), events.clone())
        };
        self.inverters.spawn(left::undo(settings.clone(), journal, make, self.stop_inverters.child_token()));
        Ok(())
    }

    /// Takes back what was told of inverters that the settings no longer name, once each that they name is known.
    ///
    /// # Errors
    /// A certificate that cannot be read.
    pub fn take_back_departed(&mut self, settings: &Settings) -> anyhow::Result<()> {
        if let (true, Some(store)) = (settings.mqtt.enabled, open_store(settings)) {
            let session = session_settings(settings, &self.events)?;
            let (settings, snapshots) = (settings.clone(), self.snapshots.clone());
            let departed = Departed { settings, session, store, snapshots };
            self.sessions.spawn(departed.take_back(self.stop_sessions.clone()));
        }
        Ok(())
    }

    /// What happens to the inverters from now on.
    pub fn events(&self) -> Subscription {
        self.events.subscribe()
    }

    /// Stops in order: links are closed and leases let go, then availability is told, unless another process of the
    /// group goes on.
    pub async fn stop(mut self) {
        self.stop_inverters.cancel();
        finish(&mut self.inverters, STOPPING + self.stop_timeout).await;
        self.stop_sessions.cancel();
        finish(&mut self.sessions, STOPPING + succession::wait(&self.members)).await;
        let settling = self.locks.iter().map(|locks| locks.settled());
        _ = tokio::time::timeout(SETTLING, futures::future::join_all(settling)).await;
    }
}

/// Commands with the wishes of Home Assistant's entities before them.
fn with_wishes(
    listening: Option<mqtt::Listening>,
    store: Option<&Store>,
    of: &str,
) -> (Option<mqtt::Listening>, watch::Receiver<Minutes>) {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name = format!("homeassistant/minutes_{}.json", of.chars().map(plain).collect::<String>());
    match listening {
        Some(listening) => {
            let (listening, minutes) = wishes::before(listening, store.cloned(), name);
            (Some(listening), minutes)
        }
        None => (None, watch::channel(Minutes::default()).1),
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
