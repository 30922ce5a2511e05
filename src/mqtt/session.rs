//! The session of one inverter: from the first tree to the goodbye, over as many connections as it takes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::audience::{Again, Hearing};
use super::commands::{Ears, PATIENCE};
use super::connection::{Connection, Event, Identity};
use super::error::ConnectionError;
use super::happenings::Happenings;
use super::notices::Notices;
use super::projection::Projection;
use super::timers::{Outage, Timers};
use super::{Broker, SessionSettings};
use crate::backoff::Backoff;
use crate::catalogue::Tree;
use crate::frame::Serial;

/// A connection that lasted this long was good: the next attempt after it is quick again.
const GOOD: Duration = Duration::from_secs(10);
/// The first wait after a broken connection is at most this.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// The longest wait where another is asked who may use the broker: it may know of a new password by then.
const ASK_AGAIN: Duration = Duration::from_secs(15);
/// What shutting down may take, out of the second that it is given.
const GOODBYE: Duration = Duration::from_millis(800);

/// Keeps the broker equal to the newest tree, from the first one until `shutdown`, or until the sender of trees has
/// gone; then publishes `offline` and disconnects, within a second. Never ends by itself.
///
/// The first tree's serial names topics and client. A tree of another serial ends the session as a shutdown does and
/// begins one for that serial. Where there is no tree any more at the shutdown, another process goes on with the
/// session: it ends without a word.
pub async fn run(settings: SessionSettings, mut tree: watch::Receiver<Option<Arc<Tree>>>, shutdown: CancellationToken) {
    let mut seed = settings.seed;
    loop {
        let first = tokio::select! {
            biased;
            () = shutdown.cancelled() => return,
            first = tree.wait_for(Option::is_some) => first.ok().and_then(|first| first.clone()),
        };
        let Some(first) = first else { return };
        let session = Session::new(&settings, &first, seed);
        match session.run(&mut tree, &shutdown).await {
            End::Finished | End::HandedOver => return,
            End::OtherSerial => seed = seed.wrapping_add(1),
        }
    }
}

/// Why a session ended.
enum End {
    Finished,
    OtherSerial,
    HandedOver,
}

/// Why a connection is no longer served.
enum Served {
    Ended(End),
    Broken(ConnectionError),
}

struct Session {
    settings: SessionSettings,
    broker: Broker,
    serial: Serial,
    identity: Identity,
    projection: Projection,
    happenings: Happenings,
    notices: Notices,
    hearing: Hearing,
    ears: Ears,
    begun: Instant,
    backoff: Backoff,
    outage: Outage,
}

impl Session {
    fn new(settings: &SessionSettings, first: &Tree, seed: u64) -> Self {
        let mut projection = Projection::new(&settings.root, first.serial, settings.retain, settings.republish_every);
        projection.apply(first);
        let mut notices = Notices::default();
        notices.apply(&first.notices);
        let identity =
            Identity { client_id: format!("givtcp-{}", first.serial), status_topic: projection.status_topic() };
        let happenings = Happenings::new(settings.events.subscribe(), first.serial, projection.event_topic());
        let host = if settings.known_by.is_some() { String::new() } else { settings.host.clone() };
        Self {
            happenings,
            notices,
            hearing: Hearing::new(settings.audience.clone(), first.serial, seed),
            ears: Ears::new(settings, first.serial),
            broker: Broker { host, port: settings.port },
            settings: settings.clone(),
            serial: first.serial,
            identity,
            projection,
            begun: Instant::now(),
            backoff: Backoff::new(FIRST_WAIT, seed),
            outage: Outage::default(),
        }
    }

    async fn run(mut self, tree: &mut watch::Receiver<Option<Arc<Tree>>>, shutdown: &CancellationToken) -> End {
        loop {
            let attempt = tokio::select! {
                biased;
                () = shutdown.cancelled() => return End::Finished,
                attempt = self.connect() => attempt,
            };
            let failure = match attempt {
                Ok(connection) => {
                    self.connected();
                    let began = Instant::now();
                    let served = self.serve(connection, tree, shutdown).await;
                    self.settings.counters.contact_is(&self.broker, false);
                    match served {
                        Served::Ended(end) => return end,
                        Served::Broken(failure) => {
                            if began.elapsed() >= GOOD {
                                self.backoff.reset();
                            }
                            failure
                        }
                    }
                }
                Err(failure) => failure,
            };
            self.failed(&failure);
            let longest = failure.longest_wait();
            let longest = if self.settings.known_by.is_some() { longest.min(ASK_AGAIN) } else { longest };
            let pause = self.backoff.next_rest(longest);
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return End::Finished,
                () = sleep(pause) => {}
            }
        }
    }

    /// One attempt, where the broker is known to be now.
    async fn connect(&mut self) -> Result<Connection, ConnectionError> {
        if let Some(known_by) = self.settings.known_by.clone() {
            let access = known_by.access().await.map_err(ConnectionError::NotKnown)?;
            self.settings.use_access(access);
            self.broker = Broker { host: self.settings.host.clone(), port: self.settings.port };
        }
        Connection::open(&self.settings, &self.identity).await
    }

    /// Carries the projection over one connection, until it breaks or the session ends.
    async fn serve(
        &mut self,
        mut connection: Connection,
        tree: &mut watch::Receiver<Option<Arc<Tree>>>,
        shutdown: &CancellationToken,
    ) -> Served {
        let mut timers = Timers::new(connection.keep_alive(), self.settings.republish_every);
        if let Some(end) = self.take(tree, &mut timers) {
            self.goodbye(connection, &end).await;
            return Served::Ended(end);
        }
        self.notices.everything();
        self.projection.everything();
        self.hearing.connected(&mut connection, self.settings.retain);
        self.happenings.forget(&self.settings.counters);
        self.ears.connected(connection.is_resumed());
        loop {
            self.ears.adjust(&mut connection);
            let due = [self.ears.deadline(), self.hearing.deadline()].into_iter().flatten();
            let due = due.fold(timers.next(), Instant::min);
            self.fill(&mut connection);
            let end = tokio::select! {
                biased;
                () = shutdown.cancelled() => Some(if tree.borrow().is_some() { End::Finished } else { End::HandedOver }),
                news = tree.changed() => match news {
                    Ok(()) => self.take(tree, &mut timers),
                    Err(_) => Some(End::Finished),
                },
                news = self.happenings.news() => {
                    self.happenings.take(news, &self.settings.counters);
                    None
                }
                () = self.ears.news() => None,
                event = connection.exchange() => match event {
                    Ok(event) => {
                        self.happened(event, &mut timers);
                        None
                    }
                    Err(failure) => return self.broken(&connection, failure),
                },
                () = sleep_until(due) => match self.tick(&mut connection, &mut timers) {
                    Ok(()) => None,
                    Err(failure) => return self.broken(&connection, failure),
                },
            };
            if let Some(end) = end {
                self.goodbye(connection, &end).await;
                return Served::Ended(end);
            }
        }
    }

    /// Takes over the newest tree.
    fn take(&mut self, tree: &mut watch::Receiver<Option<Arc<Tree>>>, timers: &mut Timers) -> Option<End> {
        let newest = tree.borrow_and_update().clone()?;
        if newest.serial != self.serial {
            tracing::warn!(inverter.serial = %self.serial, "mqtt session ends, the inverter is another one now: {}", newest.serial);
            return Some(End::OtherSerial);
        }
        self.projection.apply(&newest);
        self.notices.apply(&newest.notices);
        if self.notices.are_due() {
            self.hearing.told(self.settings.retain);
        }
        self.spread(timers);
        None
    }

    /// Gives the connection what is due, once the last batch is written.
    fn fill(&mut self, connection: &mut Connection) {
        if !connection.is_idle() {
            return;
        }
        while connection.has_room() {
            if let Some(taken) = self.ears.publish_next(|due| connection.publish(due)) {
                self.settings.counters.count_failed(u64::from(!taken));
                continue;
            }
            if let Some(taken) = self.happenings.publish_next(|due| connection.publish(due)) {
                self.settings.counters.count_failed(u64::from(!taken));
                continue;
            }
            if self.notices.are_due() {
                if !connection.has_room_for_notice() {
                    return;
                }
                let taken = self.notices.publish_next(|due| connection.publish_notice(due));
                if taken == Some(false) {
                    self.settings.counters.count_failed(1);
                }
                continue;
            }
            let Some(due) = self.projection.next() else { return };
            if !connection.publish(&due) {
                self.settings.counters.count_failed(1);
            }
        }
    }

    fn happened(&mut self, event: Event, timers: &mut Timers) {
        match event {
            Event::Written(publishes) => self.settings.counters.count_published(publishes),
            Event::Pong => timers.answer_by = None,
            Event::RefusedPublish(reason) => {
                self.settings.counters.count_failed(1);
                let line = format!("refused a publish, check its access rules: {reason}");
                if self.outage.is_new(&line) {
                    tracing::warn!(inverter.serial = %self.serial, "{} {line}", self.broker);
                }
            }
            Event::Subscribed(Ok(())) => self.ears.subscribed(),
            Event::Subscribed(Err(reason)) => {
                self.ears.refused();
                let line = format!("refused the subscription to commands, check its access rules: {reason}");
                if self.outage.is_new(&line) {
                    tracing::warn!(inverter.serial = %self.serial, "{} {line}", self.broker);
                }
            }
            Event::RefusedAudience(reason) => {
                let line = format!("refused a subscription for Home Assistant, check its access rules: {reason}");
                if self.outage.is_new(&line) {
                    tracing::warn!(inverter.serial = %self.serial, "{} {line}", self.broker);
                }
            }
            Event::Arrived(arrived) => {
                if !self.hearing.takes(&arrived) {
                    self.ears.arrived(arrived);
                }
            }
            Event::Other => {}
        }
    }

    fn tick(&mut self, connection: &mut Connection, timers: &mut Timers) -> Result<(), ConnectionError> {
        let now = Instant::now();
        if timers.answer_by.is_some_and(|by| by <= now) {
            return Err(ConnectionError::NoAnswer(timers.patience()));
        }
        if self.ears.deadline().is_some_and(|by| by <= now) {
            return Err(ConnectionError::NotSubscribed(PATIENCE));
        }
        match self.hearing.tick(connection) {
            Some(Again::Notices) => self.notices.everything(),
            Some(Again::Values) => self.projection.everything(),
            None => {}
        }
        if timers.ping_at <= now {
            connection.ping();
            timers.answer_by.get_or_insert(now + timers.patience());
            timers.ping_at = now + timers.ping_every;
        }
        if timers.spread_every.is_some() && timers.spread_at <= now {
            self.spread(timers);
        }
        Ok(())
    }

    fn spread(&mut self, timers: &mut Timers) {
        self.projection.spread(self.begun.elapsed());
        if let Some(every) = timers.spread_every {
            timers.spread_at = Instant::now() + every;
        }
    }

    fn broken(&self, connection: &Connection, failure: ConnectionError) -> Served {
        self.settings.counters.count_failed(connection.unwritten());
        Served::Broken(failure)
    }

    async fn goodbye(&self, connection: Connection, end: &End) {
        if matches!(end, End::HandedOver) {
            let told = connection.hand_over(GOODBYE).await;
            tracing::debug!(inverter.serial = %self.serial, "{} left to another process (told it: {told})", self.broker);
        } else if connection.close(&self.identity.status_topic, GOODBYE).await {
            tracing::debug!(inverter.serial = %self.serial, "{} disconnected, the inverter is offline there", self.broker);
        } else {
            tracing::warn!(inverter.serial = %self.serial, "{} did not take the goodbye, its last will says offline", self.broker);
        }
    }

    fn connected(&mut self) {
        let (broker, attempts) = (&self.broker, self.outage.attempts + 1);
        if let Some(since) = self.outage.since {
            let away = since.elapsed().as_secs_f64();
            tracing::info!(inverter.serial = %self.serial, "{broker} is back after {away:.1}s and {attempts} attempts");
        } else {
            tracing::info!(inverter.serial = %self.serial, "{broker} connected as {}", self.identity.client_id);
        }
        self.settings.counters.count_connect(self.outage.ever_connected);
        self.settings.counters.contact_is(&self.broker, true);
        self.outage = Outage { ever_connected: true, ..Outage::default() };
    }

    /// Says each failure once in an outage.
    fn failed(&mut self, failure: &ConnectionError) {
        self.settings.counters.contact_is(&self.broker, false);
        self.outage.since.get_or_insert_with(Instant::now);
        self.outage.attempts = self.outage.attempts.saturating_add(1);
        let line = failure.to_string();
        if self.outage.is_new(&line) {
            tracing::warn!(inverter.serial = %self.serial, "{} {line}", self.broker);
        }
    }
}
