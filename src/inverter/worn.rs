//! What of an inverter's control survives a restart: how often its registers were written, the last reserve.

use std::time::Duration;

use jiff::civil::Date;

use crate::control::Wear;
use crate::frame::Serial;
use crate::lane::{Lane, LaneError};
use crate::store::{Store, StoreError};

/// A disk gets this long.
const PATIENCE: Duration = Duration::from_millis(500);

/// The wear of the inverter that answers, in a file of the store, or nowhere.
#[derive(Debug)]
pub(super) struct Worn {
    name: String,
    store: Option<Store>,
    lane: Lane,
    /// Whose it is, once its file was read.
    of: Option<Serial>,
    wear: Wear,
    kept: Wear,
    said: bool,
}

impl Worn {
    /// For the inverter that people call `name`.
    pub(super) fn new(name: String, store: Option<Store>) -> Self {
        Self { name, store, lane: Lane::new(), of: None, wear: Wear::default(), kept: Wear::default(), said: false }
    }

    /// Takes over what was kept of this inverter.
    pub(super) async fn load(&mut self, serial: Serial) {
        if self.of == Some(serial) {
            return;
        }
        (self.of, self.wear) = (None, Wear::default());
        let Some(store) = self.store.clone() else { return };
        match self.lane.run(PATIENCE, move || store.load::<Wear>(&file_of(serial))).await {
            Ok(Ok(wear)) => (self.of, self.wear) = (Some(serial), wear.unwrap_or_default()),
            outcome => self.complain(outcome.map(|outcome| outcome.map(|_| ()))),
        }
        self.kept = self.wear.clone();
    }

    /// What others may write meanwhile is read again.
    pub(super) fn forget(&mut self) {
        self.of = None;
    }

    /// Writes what is new. What could not be read is not written over.
    pub(super) async fn save(&mut self) {
        let (Some(store), Some(serial)) = (self.store.clone(), self.of) else { return };
        if self.kept == self.wear {
            return;
        }
        let wear = self.wear.clone();
        match self.lane.run(PATIENCE, move || store.save(&file_of(serial), &wear)).await {
            Ok(Ok(())) => (self.kept, self.said) = (self.wear.clone(), false),
            outcome => self.complain(outcome),
        }
    }

    pub(super) fn count(&mut self, register: u16, on: Date, is_undoing: bool) {
        self.wear.count(register, on, is_undoing);
    }

    pub(super) fn wear(&self) -> &Wear {
        &self.wear
    }

    /// The last reserve below 100 % that was seen.
    pub(super) fn remember_reserve(&mut self, reserve: Option<u8>) {
        if reserve.is_some() {
            self.wear.last_reserve = reserve;
        }
    }

    fn complain(&mut self, outcome: Result<Result<(), StoreError>, LaneError>) {
        let why = match outcome {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        if !std::mem::replace(&mut self.said, true) {
            tracing::warn!(
                inverter.name = %self.name,
                "data_dir: {why}; until this is mended, counts of writes are lost at a restart"
            );
        }
    }
}

fn file_of(serial: Serial) -> String {
    format!("control/{serial}.json")
}
