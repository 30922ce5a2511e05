//! Timed overrides of the inverter that answers, in the hands of the task that owns its link: begun, watched, and always
//! undone.
//!
//! What is to be undone is in the journal. What is kept here is what this process knows beside it: how long each has run,
//! whether the battery shows it, and when an undoing that failed is tried again.

mod cancel;
mod ending;
mod look;
mod lost;
mod order;
mod stopping;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::control::OverrideKind;
use crate::overrides::end::Look;
use crate::overrides::journal::{Handle, Lost, Record, RecordId, Register, Stage, What};
use crate::overrides::meeting::undone_at_stop;
use crate::overrides::running::status;
use crate::overrides::shown::Reading;
use crate::plant::snapshot::{OverrideNote, OverrideState};
use crate::status::{Status, StatusName};

/// The first rest after an undoing that failed is at most this,
const FIRST_REST: Duration = Duration::from_secs(5);
/// and the longest, for as long as it takes.
const LONGEST_REST: Duration = Duration::from_secs(300);

/// So many statuses that were cleared are remembered.
const MOST_CLEARED: usize = 16;

/// The overrides that are open.
#[derive(Debug)]
pub(super) struct Timed {
    running: Vec<Running>,
    /// Whether the journal was asked under this lease what is open.
    is_taken_up: bool,
    /// When they are looked at next, if there are any, or if the journal is to be asked again.
    look_at: Option<Instant>,
    asking: Backoff,
    /// When the journal is asked again, if a place of it could not be read.
    ask_at: Option<Instant>,
    /// Why not all of the journal could be read when it was asked last.
    unread: Option<String>,
    /// Statuses that were cleared here, each with when its override began, the last few: whoever follows them may
    /// see them a little later still.
    cleared: Vec<(StatusName, Timestamp)>,
    /// Records of this inverter that are damaged beyond mending,
    lost: Vec<Lost>,
    /// and those of them that were told.
    told_lost: BTreeSet<RecordId>,
    /// What the last undoing came to.
    undone: Undone,
    /// Whether the process may not stop before it has undone something.
    must_undo: watch::Sender<bool>,
}

/// What an undoing came to, for the report.
#[derive(Debug, Default)]
struct Undone {
    /// How many registers were written.
    writes: usize,
    /// Registers that are left to whoever changed them, or what they mean together.
    left: Vec<u16>,
}

/// One of them.
#[derive(Debug)]
struct Running {
    handle: Handle,
    kind: OverrideKind,
    /// When its clocks were looked at last, and what they showed.
    looked: Option<Look>,
    /// When it was begun or prolonged here: polls that began before say nothing of it.
    since: Instant,
    /// What polls said of the battery since then; `None` when it was shown.
    polls: Option<Vec<Reading>>,
    /// What of its recipe people should know.
    notes: String,
    /// What is not as it should be.
    fault: Option<String>,
    /// The status as it was set last.
    told: Option<(Timestamp, String)>,
    rest: Backoff,
    /// When its undoing is tried again.
    undo_at: Option<Instant>,
    /// How often its undoing failed.
    failures: u32,
    /// How it stands, and since when.
    stands: Option<(OverrideState, Timestamp)>,
}

impl Default for Timed {
    fn default() -> Self {
        Self {
            running: Vec::new(),
            is_taken_up: false,
            look_at: None,
            asking: Backoff::new(FIRST_REST, 0),
            ask_at: None,
            unread: None,
            cleared: Vec::new(),
            lost: Vec::new(),
            told_lost: BTreeSet::new(),
            undone: Undone::default(),
            must_undo: watch::Sender::new(false),
        }
    }
}

impl Timed {
    /// A new lease: its fence is another one, and somebody else may have gone on meanwhile.
    pub(super) fn begin_connection(&mut self) {
        (self.is_taken_up, self.look_at) = (false, Some(Instant::now()));
    }

    /// When they are to be looked at.
    pub(super) fn look_at(&self) -> Option<Instant> {
        self.look_at
    }

    /// Says whether something is to be undone before the process stops.
    pub(super) fn must_undo(&self) -> watch::Receiver<bool> {
        self.must_undo.subscribe()
    }

    /// Whether an override has set the reserve, which is not the owner's then; also while that is not known yet.
    pub(super) fn may_hold_reserve(&self) -> bool {
        let is_reserve = |register: &Register| matches!(register.address, 110 | 1109);
        !self.is_taken_up || self.has_lost() || self.records().any(|record| record.registers().any(is_reserve))
    }

    fn records(&self) -> impl Iterator<Item = &Record> {
        self.running.iter().map(|running| running.handle.record())
    }

    fn note_cleared(&mut self, name: StatusName, begun: Timestamp) {
        if self.cleared.len() >= MOST_CLEARED {
            self.cleared.remove(0);
        }
        self.cleared.push((name, begun));
    }

    /// The statuses of those that run here.
    pub(super) fn statuses(&self, now: Timestamp, holder: &str) -> Vec<Status> {
        let all = self.running.iter();
        all.filter_map(|running| status(running.handle.record(), &running.look(now), holder, &running.detail()))
            .collect()
    }

    pub(super) fn was_cleared(&self, status: &Status) -> bool {
        self.cleared.contains(&(status.name, status.since))
    }

    fn of_kind(&self, kind: OverrideKind) -> Option<usize> {
        self.running.iter().position(|running| running.kind == kind)
    }

    /// Whether an override of this kind is called off or over, and not undone yet.
    pub(super) fn is_undoing(&self, kind: OverrideKind) -> bool {
        self.of_kind(kind).and_then(|place| self.running.get(place)).is_some_and(Running::is_undoing)
    }

    fn place_of(&self, id: RecordId) -> Option<usize> {
        self.running.iter().position(|running| running.handle.record().id == id)
    }

    /// One that was begun, or taken up.
    fn add(&mut self, handle: Handle, seed: u64) {
        let What::Override(name) = handle.record().what else { return };
        self.running.push(Running {
            handle,
            kind: name.into(),
            looked: None,
            since: Instant::now(),
            polls: Some(Vec::new()),
            notes: String::new(),
            fault: None,
            told: None,
            rest: Backoff::new(FIRST_REST, seed),
            undo_at: None,
            failures: 0,
            stands: None,
        });
    }

    /// Whether the process must undo something before it stops has changed.
    fn weigh(&self, all: bool) {
        let must = self.records().any(|record| undone_at_stop(record, all));
        self.must_undo.send_if_modified(|known| std::mem::replace(known, must) != must);
    }

    /// They are looked at then, or earlier.
    fn look_by(&mut self, at: Instant) {
        self.look_at = Some(self.look_at.map_or(at, |known| known.min(at)));
    }
}

impl Running {
    fn is_undoing(&self) -> bool {
        self.handle.record().stage == Stage::Undoing
    }

    /// How it stands.
    fn state(&self) -> OverrideState {
        match self.handle.record().stage {
            _ if self.failures > 0 => OverrideState::Undoing,
            Stage::Undoing | Stage::Done => OverrideState::Undoing,
            Stage::Planned | Stage::Applied if self.fault.is_some() => OverrideState::NotShown,
            Stage::Planned | Stage::Applied => OverrideState::Running,
        }
    }

    /// Since when it stands like this, if that is new: one that runs since it began, one that is over since then.
    fn note_state(&mut self, now: Timestamp) {
        let state = self.state();
        if self.stands.is_some_and(|(known, _)| known == state) {
            return;
        }
        let record = self.handle.record();
        let since = match state {
            OverrideState::Running => record.begun,
            OverrideState::Undoing => record.end.map_or(now, |end| end.at.min(now)),
            OverrideState::NotShown | OverrideState::Lost => now,
        };
        self.stands = Some((state, since));
    }

    fn note(&self) -> OverrideNote {
        let (state, since) = self.stands.unwrap_or_else(|| (self.state(), self.handle.record().begun));
        OverrideNote { state, since, detail: self.detail() }
    }

    /// When its clocks were looked at last; now, if it is to be undone or was not looked at.
    fn look(&self, now: Timestamp) -> Look {
        let fresh = Look { now, ran: self.handle.ran(), inverter: None };
        if self.is_undoing() || self.failures > 0 { fresh } else { self.looked.unwrap_or(fresh) }
    }

    /// What its status says beside: first what is not as it should be.
    fn detail(&self) -> String {
        let parts = [self.fault.as_deref(), Some(self.notes.as_str())];
        parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
    }
}
