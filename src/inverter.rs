//! The owner of one inverter: its link, what was read of it, and the snapshot that everyone else sees.
//!
//! One task an inverter, for as long as the program runs: it connects, polls, reconnects after ever longer rests, and
//! never needs its process restarted. It decodes nothing itself and plans nothing itself.

mod commands;
mod cycle;
mod desk;
mod ended;
mod execution;
mod foreign;
mod hands;
mod hold;
mod keeper;
mod overrides;
mod passing;
mod phase;
mod polls;
mod probing;
mod report;
mod session;
mod timed;
mod worn;

pub use hold::{Hold, link_resource};
pub use passing::PassOn;
pub use phase::{Doing, Phase};
pub use polls::OwnPolls;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::clock::Clock;
use crate::control::{Inbox, Policy};
use crate::event::{Events, Whose};
use crate::frame::{BlockKey, Serial};
use crate::link::{self, Connector};
use crate::lock::{Lease, LockManager, Owner};
use crate::overrides::journal::Journal;
use crate::plant::tariff::{Prices, Rate};
use crate::plant::{Plant, Snapshot};
use crate::poll::Schedule;
use crate::status::StatusManager;
use crate::store::Store;
use desk::Desk;
use ended::Ended;
use execution::Late;
use foreign::Seen;
use hands::Holds;
use hold::Turns;
use keeper::Keeper;
use overrides::Watched;
use report::Report;
use timed::Timed;
use worn::Worn;

/// The first rest after a failure is at most this.
const FIRST_REST: Duration = Duration::from_secs(1);
/// The first rest after an undoing that failed is at most this.
const FIRST_UNDO_REST: Duration = Duration::from_secs(15);

/// What one inverter needs from its surroundings.
pub struct Inverter {
    /// What people call it, in the log.
    pub name: String,
    /// Where it is.
    pub connector: Box<dyn Connector>,
    /// Its serial number, where no other inverter may be taken for it.
    pub serial: Option<Serial>,
    /// What is spoken there.
    pub kind: link::Kind,
    /// Pacing of its link.
    pub link: link::Options,
    /// How long one request waits for its reply.
    pub timeout: Duration,
    /// The longest rest between two attempts to connect.
    pub backoff_max: Duration,
    /// How often live blocks are read.
    pub every: Duration,
    /// How often settings are read.
    pub settings_every: Duration,
    /// How long a poll waits for its lock.
    pub lock_timeout: Duration,
    /// The inverter's zone.
    pub zone: TimeZone,
    /// What energy costs.
    pub prices: Arc<Prices>,
    /// Locks that keep others off this inverter.
    pub locks: Arc<dyn LockManager>,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// How the link does.
    pub counters: Arc<link::Counters>,
    /// Where is kept what must survive a restart; `None`: nowhere.
    pub store: Option<Store>,
    /// Where it is told what happened.
    pub events: Events,
    /// Whether it is to be held: of a group's inverters a process holds its share.
    pub wanted: watch::Receiver<bool>,
    /// Why it is let go of when it is.
    pub parting: watch::Receiver<Parting>,
    /// What is done about it now.
    pub standing: watch::Sender<Hold>,
    /// What is done about its connection now.
    pub phase: watch::Sender<Phase>,
    /// How many processes share it, this one included.
    pub members: watch::Receiver<usize>,
    /// Others may reach what this process cannot: while there are any, it is left to them after so long without an
    /// answer.
    pub give_way: Duration,
    /// Who gives orders to the process that has the inverter while this one waits for it; `None`: nobody.
    pub pass_on: Option<Arc<dyn PassOn>>,
    /// Which timed overrides run; `None`: nobody knows.
    pub statuses: Option<Arc<dyn StatusManager>>,
    /// Where commands for it arrive.
    pub orders: Inbox,
    /// What the settings say of them.
    pub policy: Policy,
    /// Where it is kept what a command of several registers would undo; `None`: nowhere, and there are none such.
    pub journal: Option<Journal>,
    /// The plant controller that leads an inverter, as far as is known.
    pub leader: Option<Leader>,
}

/// Why an inverter is let go of: what is undone before depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Parting {
    /// The program stops: what the settings say.
    #[default]
    Stops,
    /// Another task of this process goes on with it at once: nothing.
    GoesOn,
    /// The settings name it no more: every override.
    Removed,
}

/// Tells which plant controller leads the inverter with this serial number.
pub type Leader = Arc<dyn Fn(Serial) -> Option<Serial> + Send + Sync>;

impl Inverter {
    /// One that a dongle reaches, read every 15 s, its settings every 5 minutes; nothing of it is kept, nothing costs.
    pub fn new(name: &str, connector: Box<dyn Connector>, locks: Arc<dyn LockManager>, clock: Arc<dyn Clock>) -> Self {
        Self {
            name: name.to_owned(),
            connector,
            serial: None,
            kind: link::Kind::Dongle,
            link: link::Options::default(),
            timeout: Duration::from_secs(2),
            backoff_max: Duration::from_secs(60),
            every: Duration::from_secs(15),
            settings_every: Duration::from_secs(300),
            lock_timeout: Duration::from_secs(30),
            zone: TimeZone::UTC,
            prices: Arc::default(),
            locks,
            clock,
            counters: Arc::default(),
            store: None,
            events: Events::new(),
            wanted: watch::channel(true).1,
            parting: watch::channel(Parting::default()).1,
            standing: watch::Sender::default(),
            phase: watch::Sender::new(Phase::new(Doing::Resting)),
            members: watch::channel(1).1,
            give_way: Duration::from_secs(30),
            pass_on: None,
            statuses: None,
            orders: Inbox::closed(),
            policy: Policy::default(),
            journal: None,
            leader: None,
        }
    }
}

/// What others ask of an inverter's task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Read the settings in the next cycle.
    ReadSettings,
    /// Another rate is in force since then, where the settings leave that to others.
    SwitchRate(Rate, Timestamp),
}

/// Everything that outlives one connection.
struct Task {
    inverter: Inverter,
    owner: Owner,
    /// The lease of the link, between two connections.
    link: Option<Lease>,
    turns: Turns,
    plant: Plant,
    report: Report,
    overrides: Watched,
    keeper: Keeper,
    schedule: Schedule,
    /// How often in a row settings were asked for again.
    settings_retries: u8,
    requests: mpsc::Receiver<Request>,
    desk: Desk,
    worn: Worn,
    /// Whether an order or an undoing is at work.
    busy: watch::Sender<bool>,
    /// What is at work is to stop at the next register.
    stop: CancellationToken,
    /// Whether the link's lease is held for as long as a write takes.
    link_holds: Option<Holds>,
    /// The fence of the link's lease.
    link_fence: u64,
    /// Overrides that are open.
    timed: Timed,
    /// The program stops, and what may not be left is to be undone.
    closing: CancellationToken,
    /// By when that is to be done, once it was begun.
    stop_by: Option<Instant>,
    /// Writes that were not confirmed, and may still come.
    late: Vec<Late>,
    /// The settings as they were last looked at.
    seen: Seen,
    /// Registers that were written here since then.
    ours: BTreeSet<u16>,
    /// Blocks of settings that were read for what is at work, and when, since anything was written.
    lately: BTreeMap<BlockKey, Instant>,
    /// When open records are looked for, if they are.
    settle_at: Option<Instant>,
    settle_rest: Backoff,
    began: Instant,
    /// How many attempts to connect have failed since one did not.
    unreached: usize,
    /// The failures that were told since the inverter answered last.
    said: Vec<String>,
    /// Among them one of the inverter, or of the way to it: locks say nothing of these.
    was_away: bool,
    /// Which inverter answered last.
    answered: Option<Serial>,
    /// How many cycles in a row had no time for all that they were to ask.
    cut_short: u32,
    /// That the period is too short was said.
    said_short: bool,
}

/// Keeps one inverter read until `shutdown`; its snapshots go to `snapshots`.
///
/// It returns within two seconds of `shutdown`, with the socket closed and every lease let go.
pub async fn run(
    inverter: Inverter,
    snapshots: watch::Sender<Option<Arc<Snapshot>>>,
    requests: mpsc::Receiver<Request>,
    shutdown: CancellationToken,
) {
    let mut backoff = Backoff::new(FIRST_REST, inverter.link.seed);
    let mut lock_backoff = Backoff::new(FIRST_REST, inverter.link.seed);
    let owner = Owner::new(&format!("inverter {}", inverter.name));
    let inbox = inverter.orders.clone();
    let mut task = Task::new(inverter, owner, snapshots, requests);
    task.desk = Desk::new(inbox.take().await);
    loop {
        let cycles_before = task.report.cycles();
        task.inverter.phase.send_replace(Phase::new(Doing::Connecting));
        let ended = task.connection(&shutdown).await;
        task.inverter.phase.send_replace(Phase::new(Doing::Resting));
        if matches!(ended, Ended::Shutdown) {
            break;
        }
        if matches!(ended, Ended::Unwanted) {
            task.let_go().await;
            continue;
        }
        if task.report.cycles() > cycles_before {
            backoff.reset();
        }
        if !matches!(ended, Ended::Unanswered) {
            task.schedule.restart();
        }
        // Whether locks can be had says nothing of the link, and is known soon.
        let rest = if ended.is_of_lock_backend() {
            lock_backoff.next_rest(FIRST_REST)
        } else {
            backoff.next_rest(task.inverter.backoff_max)
        };
        task.say(&ended, rest);
        if task.is_to_be_left(&ended) {
            task.leave_to_others().await;
        }
        if !task.rest(rest, &ended, &shutdown).await {
            break;
        }
    }
    let by = task.stop_by.unwrap_or_else(|| Instant::now() + task.inverter.policy.stop_timeout);
    task.undo_without_a_link(by).await;
    task.let_go().await;
}

/// Reads one inverter once, whatever is behind it included, and lets go of it.
///
/// # Errors
/// What went wrong, in one line that begins with where.
pub async fn read_once(inverter: Inverter) -> Result<Arc<Snapshot>, String> {
    let peer = inverter.connector.peer();
    let (snapshots, newest) = watch::channel(None);
    let (_requests, none) = mpsc::channel(1);
    let mut task = Task::new(inverter, Owner::new("read"), snapshots, none);
    task.one_cycle().await.map_err(|ended| format!("{peer}: {ended}"))?;
    let snapshot = newest.borrow().clone();
    snapshot.ok_or_else(|| format!("{peer}: nothing could be read"))
}

impl Task {
    fn new(
        inverter: Inverter,
        owner: Owner,
        snapshots: watch::Sender<Option<Arc<Snapshot>>>,
        requests: mpsc::Receiver<Request>,
    ) -> Self {
        let began = Instant::now();
        Self {
            owner,
            link: None,
            turns: Turns::default(),
            plant: Plant::new(),
            report: Report::new(snapshots, inverter.every, began),
            overrides: Watched::default(),
            keeper: Keeper::new(inverter.name.clone(), inverter.store.clone()),
            schedule: Schedule::new(inverter.every, inverter.settings_every),
            settings_retries: 0,
            requests,
            desk: Desk::default(),
            worn: Worn::new(inverter.name.clone(), inverter.store.clone()),
            busy: watch::Sender::new(false),
            stop: CancellationToken::new(),
            link_holds: None,
            link_fence: 0,
            timed: Timed::default(),
            closing: CancellationToken::new(),
            stop_by: None,
            late: Vec::new(),
            seen: Seen::default(),
            ours: BTreeSet::new(),
            lately: BTreeMap::new(),
            settle_at: Some(began),
            settle_rest: Backoff::new(FIRST_UNDO_REST, inverter.link.seed),
            began,
            unreached: 0,
            said: Vec::new(),
            was_away: false,
            answered: None,
            cut_short: 0,
            said_short: false,
            inverter,
        }
    }

    fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Tells what happened to the data since the last time.
    fn tell(&mut self) {
        let elapsed = self.elapsed();
        let occurrences = self.plant.occurrences(elapsed);
        let Some(identity) = self.plant.identity() else { return };
        let whose = Whose { name: &self.inverter.name, inverter: identity.serial, at: self.inverter.clock.now() };
        for occurrence in &occurrences {
            self.inverter.events.occurred(whose, occurrence);
        }
    }

    /// Counters of the day go by wall time where the inverter's clock is not known.
    fn tell_time(&mut self) {
        let at = self.elapsed();
        self.plant.wall_is(self.inverter.clock.now(), &self.inverter.zone, at);
    }

    /// Rests before the next attempt, and says `offline` when it is time; false when asked to stop.
    async fn rest(&mut self, rest: Duration, ended: &Ended, shutdown: &CancellationToken) -> bool {
        let until = Instant::now() + rest;
        // That one block is not there is no failure, and the connection is soon back.
        let is_away = !matches!(ended, Ended::Unanswered);
        if is_away {
            self.are_not_undone(&ended.to_string()).await;
        }
        loop {
            let offline_at = self.report.offline_at();
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return false,
                () = tokio::time::sleep_until(until) => return true,
                () = tokio::time::sleep_until(offline_at.unwrap_or(until)), if offline_at.is_some() => {
                    self.report.offline(&mut self.plant, &self.inverter);
                }
                () = hold::lost(self.link.as_ref()) => self.let_go().await,
                () = self.overrides.changed() => self.tell_overrides(),
                job = self.desk.next(), if is_away => self.answer_away(job, &ended.to_string()).await,
            }
        }
    }
}

#[cfg(test)]
mod tests;
