//! One inverter of a running fleet: its tasks, and what others know it by. It is started, told anew and stopped by itself.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::announcer::{Announcer, Found};
use super::answers::Known;
use super::common::Common;
use super::made::{connector, inverter, kind, open_store, time_zone};
use super::recorder::Recorder;
use super::roles::Seat;
use super::share::Place;
use super::succession::{self, Succession};
use super::tasks::{finish, supervise};
use super::{STOPPING, Snapshots, clocks, commands, moved, publisher, seek, shelf, wishes};
use crate::control::{Orders, orders};
use crate::diagnosis::Watched;
use crate::history::Source;
use crate::inverter::{Doing, Hold, Inverter, Parting, Phase};
use crate::link::{Counters, Moves, Tap};
use crate::lock::{Counted, LockManager};
use crate::mqtt::SessionSettings;
use crate::plant::Snapshot;
use crate::settings::{InverterSettings, Settings};
use crate::vitals::Vitals;

/// One inverter and its tasks.
#[derive(Debug)]
pub(super) struct Member {
    /// By which it is known as long as it runs, wherever it stands in the settings.
    pub place: usize,
    pub snapshots: Snapshots,
    pub orders: Orders,
    pub vitals: Vitals,
    /// Where its connection is listened to.
    pub tap: Tap,
    recorder: Recorder,
    hold: watch::Receiver<Hold>,
    wanted: watch::Sender<bool>,
    locks: Arc<dyn LockManager>,
    parting: watch::Sender<Parting>,
    stop_timeout: Duration,
    inverter: Tasks,
    session: Tasks,
    /// Cancelled where Home Assistant is to forget it.
    withdrawn: CancellationToken,
}

/// Tasks that end together.
#[derive(Debug, Default)]
struct Tasks {
    all: JoinSet<()>,
    stop: CancellationToken,
}

impl Member {
    /// Starts polling the inverter at this index of the settings, and publishing it.
    ///
    /// # Errors
    /// As [`App::start`](super::App::start).
    pub(super) fn start(
        common: &mut Common,
        settings: &Settings,
        index: usize,
        each: &InverterSettings,
        session: Option<&SessionSettings>,
    ) -> anyhow::Result<Self> {
        let zone = time_zone(settings)?;
        let locks = common.locks_of(each, settings)?;
        let place = common.next_place();
        common.roles.seat(place, Seat::new(index, each));
        let statuses = common.statuses_of(each, settings);
        let counted = Arc::new(Counted::new(locks));
        let locks = Arc::clone(&counted) as Arc<dyn LockManager>;
        let (sender, receiver) = watch::channel(None::<Arc<Snapshot>>);
        let (standing, hold) = watch::channel(Hold::default());
        let (wanted, is_wanted) = watch::channel(common.shelf.is_none());
        let (parting, its_parting) = watch::channel(Parting::default());
        let ((way_in, inbox), tap) = (orders(), Tap::default());
        let (phase, counters) = (watch::Sender::new(Phase::new(Doing::Resting)), Arc::<Counters>::default());
        let vitals = Vitals {
            name: name(each),
            address: format!("{}:{}", each.host, each.port),
            transport: each.transport.to_string(),
            every: settings.poll.every,
            daily_writes: settings.control.daily_writes,
            link: Arc::clone(&counters),
            phase: phase.subscribe(),
            hold: hold.clone(),
            locks: counted,
            statuses: statuses.clone(),
            members: common.members.subscribe(),
            snapshots: receiver.clone(),
            mqtt: None,
            clock: Arc::clone(&common.clock),
        };
        let mut member = Self {
            place,
            snapshots: receiver,
            orders: way_in,
            vitals,
            tap: tap.clone(),
            recorder: Recorder::default(),
            hold,
            wanted,
            locks: Arc::clone(&locks),
            parting,
            stop_timeout: each.control.stop_timeout.unwrap_or(settings.control.stop_timeout),
            inverter: Tasks::default(),
            session: Tasks::default(),
            withdrawn: CancellationToken::new(),
        };
        let moves = member.follow(each, settings);
        member.keep_clock(common, settings, &zone);
        let (each, all, its_standing) = (each.clone(), settings.clone(), standing.clone());
        let (clock, store, events) = (Arc::clone(&common.clock), common.store.clone(), common.events.clone());
        let (pass_on, sharing, give_way) = (common.pass_on.clone(), common.members.subscribe(), settings.locks.life);
        let (journal, leader) = (common.journal.clone(), common.roles.controller_of(place));
        let make = move || Inverter {
            wanted: is_wanted.clone(),
            parting: its_parting.clone(),
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
        member.inverter.all.spawn(supervise(make, sender, standing, member.inverter.stop.clone()));
        member.publish(common, settings, index, session);
        Ok(member)
    }

    /// Starts what tells others of it.
    fn publish(&mut self, common: &Common, settings: &Settings, index: usize, session: Option<&SessionSettings>) {
        let Tasks { all, stop } = &mut self.session;
        if let Some(redis) = common.shelf.clone() {
            all.spawn(shelf::keep(redis, self.hold.clone(), self.snapshots.clone(), stop.clone()));
        }
        self.vitals.mqtt = session.is_some().then(|| self.vitals.mqtt.take().unwrap_or_default());
        let (Some(session), Some(counters)) = (session, self.vitals.mqtt.clone()) else { return };
        let listening = commands::listen(settings, &self.orders, &self.hold, all, stop);
        let its_name = self.vitals.address.replace(':', "_");
        let (listening, minutes) = wishes::with(listening, common.store.as_ref(), &its_name);
        let found = Found::default();
        let audience = found.audience(settings);
        let session = SessionSettings { commands: listening, audience, counters, ..session.clone() };
        let succession =
            Succession { locks: Arc::clone(&self.locks), hold: self.hold.clone(), members: common.members.subscribe() };
        let source = publisher::Source {
            place: self.place,
            snapshots: self.snapshots.clone(),
            raw: settings.mqtt.raw,
            smoothing: settings.smoothing,
            taken: Arc::clone(&common.taken),
            roles: common.roles.clone(),
            succession,
            announcer: Announcer::new(settings, index, found, minutes, open_store(settings)),
            in_force: common.in_force.subscribe(),
            withdrawn: self.withdrawn.clone(),
        };
        all.spawn(publisher::run(source, session, stop.clone()));
    }

    /// Ends what tells others of it and starts that anew; polling goes on.
    pub(super) async fn publish_anew(
        &mut self,
        common: &Common,
        settings: &Settings,
        index: usize,
        session: Option<&SessionSettings>,
    ) {
        self.end_session(common).await;
        self.session = Tasks::default();
        self.publish(common, settings, index, session);
    }

    /// Sets the inverter's clock now and then, where that is wanted.
    fn keep_clock(&mut self, common: &Common, settings: &Settings, zone: &jiff::tz::TimeZone) {
        let keeping = clocks::Keeping {
            snapshots: self.snapshots.clone(),
            orders: self.orders.clone(),
            clock: Arc::clone(&common.clock),
            zone: zone.clone(),
            store: common.store.clone(),
        };
        if let Some(threshold) = clocks::threshold(settings) {
            self.inverter.all.spawn(keeping.keep(threshold, self.inverter.stop.clone()));
        }
    }

    /// Looks for an inverter whose serial number is known when it is away; where it is found then.
    fn follow(&mut self, each: &InverterSettings, settings: &Settings) -> Moves {
        let moves = Moves::default();
        if let Some(serial) = each.serial {
            let search = seek::search_under(settings, Arc::clone(&self.locks), kind(each.transport), each.port);
            let movable = moved::Movable {
                name: name(each),
                serial,
                hold: self.hold.clone(),
                snapshots: self.snapshots.clone(),
                moves: moves.clone(),
            };
            let look = moved::looking(settings, search, &each.host);
            self.inverter.all.spawn(movable.keep(look, self.inverter.stop.clone()));
        }
        moves
    }

    /// Takes its seat at this index of the settings.
    pub(super) fn sit(&self, common: &Common, index: usize, each: &InverterSettings) {
        common.roles.seat(self.place, Seat::new(index, each));
    }

    /// Its place among those that are shared with other processes.
    pub(super) fn to_share(&self) -> Place {
        Place { hold: self.hold.clone(), wanted: self.wanted.clone() }
    }

    /// Where its history comes from: what was read already is in it.
    pub(super) fn source(&self) -> Source {
        let mut snapshots = self.snapshots.clone();
        if snapshots.borrow().is_some() {
            snapshots.mark_unchanged();
        }
        Source { snapshots, hold: self.hold.clone() }
    }

    /// What programs on this machine are answered of it.
    pub(super) fn known(&self) -> Known {
        Known {
            locks: Arc::clone(&self.locks),
            hold: self.hold.clone(),
            snapshots: self.snapshots.clone(),
            orders: self.orders.clone(),
            tap: self.tap.clone(),
            recorder: self.recorder.clone(),
        }
    }

    /// What is looked at of it to find out what is wrong.
    pub(super) fn to_diagnose(&self) -> Watched {
        Watched { vitals: self.vitals.clone(), tap: self.tap.clone() }
    }

    /// Who has it.
    pub(super) fn hold(&self) -> watch::Receiver<Hold> {
        self.hold.clone()
    }

    /// Its locks.
    pub(super) fn locks(&self) -> Arc<dyn LockManager> {
        Arc::clone(&self.locks)
    }

    /// Stops polling: its link is closed and its lease let go, after what must be undone by then.
    pub(super) async fn end_polling(&mut self, parting: Parting) {
        self.parting.send_replace(parting);
        self.inverter.stop.cancel();
        finish(&mut self.inverter.all, STOPPING + self.stop_timeout).await;
    }

    /// Stops telling others of it; they are told that it is offline, unless another process goes on.
    pub(super) async fn end_session(&mut self, common: &Common) {
        self.session.stop.cancel();
        finish(&mut self.session.all, STOPPING + succession::wait(&common.members.subscribe())).await;
    }

    /// Stops it, as another of this process goes on with it.
    pub(super) async fn make_way(mut self, common: &Common) {
        self.end_polling(Parting::GoesOn).await;
        self.end_session(common).await;
        self.leave(common);
    }

    /// Stops it for good: what was begun on it is undone, and Home Assistant forgets it.
    pub(super) async fn remove(mut self, common: &Common) {
        self.withdrawn.cancel();
        self.end_polling(Parting::Removed).await;
        self.end_session(common).await;
        self.leave(common);
    }

    fn leave(&self, common: &Common) {
        common.roles.leave(self.place);
        common.taken.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, place| *place != self.place);
    }
}

/// What people call it.
pub(super) fn name(each: &InverterSettings) -> String {
    each.name.clone().unwrap_or_else(|| each.host.clone())
}
