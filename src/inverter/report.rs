use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use tokio::sync::watch;
use tokio::time::Instant;

use super::Inverter;
use crate::control::Wear;
use crate::plant::snapshot::{OverrideNotes, Overrides, Stats};
use crate::plant::{Plant, Snapshot, SnapshotContext};

/// After this many cycles without an answer the inverter is offline.
const CYCLES_TO_OFFLINE: u32 = 3;

/// What the world is told, and how the reading goes.
#[derive(Debug)]
pub(super) struct Report {
    snapshots: watch::Sender<Option<Arc<Snapshot>>>,
    /// Where the process' monotonic clock begins for the plant.
    began: Instant,
    patience: Duration,
    online: bool,
    answers: u64,
    answered_at: Instant,
    silent_blocks: u32,
    last_updated: Option<Timestamp>,
    cycles: u64,
    cycle_at: Option<Instant>,
    since_previous: Option<f64>,
    skipped_cycles: u64,
    overrides: Option<Overrides<Timestamp>>,
    override_notes: Arc<OverrideNotes>,
    writes: u64,
    last_day: Option<(Date, u32)>,
}

impl Report {
    pub(super) fn new(snapshots: watch::Sender<Option<Arc<Snapshot>>>, every: Duration, now: Instant) -> Self {
        Self {
            snapshots,
            began: now,
            patience: every * CYCLES_TO_OFFLINE,
            online: false,
            answers: 0,
            answered_at: now,
            silent_blocks: 0,
            last_updated: None,
            cycles: 0,
            cycle_at: None,
            since_previous: None,
            skipped_cycles: 0,
            overrides: None,
            override_notes: Arc::default(),
            writes: 0,
            last_day: None,
        }
    }

    /// A block of the inverter was taken over.
    pub(super) fn answered(&mut self, at: Instant, now: Timestamp) {
        self.answers += 1;
        self.silent_blocks = 0;
        self.answered_at = at;
        self.last_updated = Some(now);
        self.online = true;
    }

    /// A block could not be read: nothing came, or what came was of no use.
    pub(super) fn failed(&mut self, silent: bool) {
        self.silent_blocks = if silent { self.silent_blocks.saturating_add(1) } else { 0 };
    }

    /// How many blocks in a row were not answered.
    pub(super) fn silent_blocks(&self) -> u32 {
        self.silent_blocks
    }

    /// How long nothing has been taken over.
    pub(super) fn silence(&self) -> Duration {
        self.answered_at.elapsed()
    }

    /// How many blocks were taken over so far.
    pub(super) fn answers(&self) -> u64 {
        self.answers
    }

    /// A cycle that brought data has ended.
    pub(super) fn cycle_done(&mut self) {
        self.cycles += 1;
        let now = Instant::now();
        self.since_previous = self.cycle_at.replace(now).map(|before| (now - before).as_secs_f64());
    }

    /// How many cycles brought data so far.
    pub(super) fn cycles(&self) -> u64 {
        self.cycles
    }

    /// A cycle got no lock in time.
    pub(super) fn skipped(&mut self) {
        self.skipped_cycles += 1;
    }

    /// When the timed overrides that run end; `None` if nobody knows.
    pub(super) fn overrides_are(&mut self, overrides: Option<Overrides<Timestamp>>) {
        self.overrides = overrides;
    }

    /// How those stand that run.
    pub(super) fn override_notes_are(&mut self, notes: OverrideNotes) {
        if *self.override_notes != notes {
            self.override_notes = Arc::new(notes);
        }
    }

    /// How many registers were written.
    pub(super) fn writes_are(&mut self, wear: &Wear) {
        (self.writes, self.last_day) = (wear.total(), wear.last_day());
    }

    /// When the inverter will have been silent for too long, while it still counts as online.
    pub(super) fn offline_at(&self) -> Option<Instant> {
        self.online.then(|| self.answered_at + self.patience)
    }

    /// Whether it has been silent for too long by now.
    pub(super) fn is_overdue(&self) -> bool {
        self.offline_at().is_some_and(|at| Instant::now() >= at)
    }

    /// The inverter no longer answers, or nobody will ask it.
    pub(super) fn offline(&mut self, plant: &mut Plant, inverter: &Inverter) {
        if std::mem::take(&mut self.online) {
            self.publish(plant, inverter);
        }
    }

    /// From here nothing is known of the inverter any more.
    pub(super) fn nothing(&mut self) {
        self.online = false;
        self.last_updated = None;
        (self.cycle_at, self.since_previous) = (None, None);
        self.snapshots.send_if_modified(|newest| newest.take().is_some());
    }

    /// Shows what is known now.
    pub(super) fn publish(&self, plant: &mut Plant, inverter: &Inverter) {
        if let Some(snapshot) = self.snapshot(plant, inverter) {
            self.snapshots.send_replace(Some(Arc::new(snapshot)));
        }
    }

    /// What is known now, if it is known whose it is.
    pub(super) fn snapshot(&self, plant: &mut Plant, inverter: &Inverter) -> Option<Snapshot> {
        let counts = inverter.counters.snapshot();
        let today = inverter.clock.now().to_zoned_datetime(inverter.zone.clone()).date();
        let stats = Stats {
            online: self.online,
            last_updated: self.last_updated,
            since_previous: self.since_previous,
            timeouts: counts.timeouts,
            skipped_cycles: self.skipped_cycles,
            crc_errors: counts.crc_errors,
            reconnects: counts.reconnects(),
            cycles: self.cycles,
            writes: self.writes,
            writes_today: self.last_day.filter(|(day, _)| *day == today).map_or(0, |(_, writes)| writes),
            ..Stats::default()
        };
        let context = SnapshotContext {
            now: inverter.clock.now(),
            elapsed: self.began.elapsed(),
            zone: inverter.zone.clone(),
            stats,
            prices: Arc::clone(&inverter.prices),
            overrides: self.overrides,
        };
        let snapshot = plant.snapshot(&context)?;
        Some(Snapshot { override_notes: Arc::clone(&self.override_notes), ..snapshot })
    }
}
