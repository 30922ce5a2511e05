//! What happened and must not be missed: numbered, in the log and to every reader, by one function each, so that the two
//! cannot drift apart.
//!
//! A snapshot says what is; only the newest one counts. An event says what happened, each one counts, and a reader that
//! was too slow is told how many it missed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::broadcast::{self, error::RecvError, error::TryRecvError};

use crate::frame::{BlockKey, Serial};
use crate::plant::{Model, Occurrence, Rejection};
use crate::status::{Status, StatusName};
use kind::shown;

mod kind;

pub use kind::EventKind;

/// So many events wait for a slow reader; it misses the older ones.
const MOST: usize = 256;

/// Something that happened to an inverter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Its number, one more than that of the event before; from 1 since the start of the program.
    pub number: u64,
    /// When.
    #[serde(serialize_with = "shown")]
    pub at: Timestamp,
    /// Which inverter's.
    #[serde(serialize_with = "shown")]
    pub inverter: Serial,
    /// What.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// Where events are made and read; a handle, cheap to clone.
#[derive(Clone, Debug)]
pub struct Events {
    readers: broadcast::Sender<Arc<Event>>,
    last: Arc<Mutex<u64>>,
}

impl Default for Events {
    fn default() -> Self {
        Self { readers: broadcast::Sender::new(MOST), last: Arc::default() }
    }
}

/// Whose event it is, and when: the same for all that come out of one read.
#[derive(Clone, Copy, Debug)]
pub struct Whose<'a> {
    /// What people call the inverter, in the log.
    pub name: &'a str,
    /// The inverter.
    pub inverter: Serial,
    /// Wall time.
    pub at: Timestamp,
}

impl Events {
    /// Nobody reads yet, nothing has happened.
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything that happens from now on.
    pub fn subscribe(&self) -> Subscription {
        Subscription(self.readers.subscribe())
    }

    /// Tells what happened to a plant's data.
    pub fn occurred(&self, whose: Whose<'_>, occurrence: &Occurrence) {
        match *occurrence {
            Occurrence::Rejected { reason, block } => self.data_rejected(whose, reason, block),
            Occurrence::RejectionEnded { reason, device, count } => self.rejection_ended(whose, reason, device, count),
            Occurrence::BatteryFrozen { device, lasting } => self.battery_frozen(whose, device, lasting),
            Occurrence::BatteryThawed { device } => self.battery_thawed(whose, device),
            Occurrence::DeviceLost { device } => self.device_lost(whose, device),
            Occurrence::DeviceBack { device } => self.device_back(whose, device),
            Occurrence::ModelChanged { from, to } => self.model_changed(whose, from, to),
        }
    }

    /// A guard begins to reject what a device says.
    pub fn data_rejected(&self, whose: Whose<'_>, reason: Rejection, block: BlockKey) {
        tracing::warn!(
            inverter.name = %whose.name,
            "{block} is not believed ({reason}): {}; this is said once, and again when it is over", reason.meaning()
        );
        self.emit(whose, EventKind::DataRejected { reason, device: block.device, block });
    }

    /// It has not done so for a while.
    pub fn rejection_ended(&self, whose: Whose<'_>, reason: Rejection, device: u8, count: u64) {
        let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
        tracing::info!(
            inverter.name = %whose.name,
            "device {device:#04x} is believed again, its data were rejected {times} ({reason})"
        );
        self.emit(whose, EventKind::RejectionEnded { reason, device, count });
    }

    /// A battery works and says the same all the time.
    pub fn battery_frozen(&self, whose: Whose<'_>, device: u8, lasting: Duration) {
        let minutes = lasting.as_secs() / 60;
        tracing::warn!(
            inverter.name = %whose.name,
            "battery at {device:#04x} works, and has said exactly the same for {minutes} minutes: its BMS may have stopped, \
             restart the battery if this lasts"
        );
        self.emit(whose, EventKind::BatteryFrozen { device, minutes });
    }

    /// It says something new again.
    pub fn battery_thawed(&self, whose: Whose<'_>, device: u8) {
        tracing::info!(inverter.name = %whose.name, "battery at {device:#04x} says something new again");
        self.emit(whose, EventKind::BatteryThawed { device });
    }

    /// A device that was there no longer answers.
    pub fn device_lost(&self, whose: Whose<'_>, device: u8) {
        tracing::warn!(inverter.name = %whose.name, "device {device:#04x} no longer answers: its values are withheld until it does, it is asked on");
        self.emit(whose, EventKind::DeviceLost { device });
    }

    /// It answers again.
    pub fn device_back(&self, whose: Whose<'_>, device: u8) {
        tracing::info!(inverter.name = %whose.name, "device {device:#04x} answers again");
        self.emit(whose, EventKind::DeviceBack { device });
    }

    /// The inverter is believed to be another model.
    pub fn model_changed(&self, whose: Whose<'_>, from: Model, to: Model) {
        tracing::warn!(
            inverter.name = %whose.name,
            "inverter {} was a {} and is a {} now", whose.inverter, from.name(), to.name()
        );
        self.emit(whose, EventKind::ModelChanged { from, to });
    }

    /// A timed override runs.
    pub fn override_started(&self, whose: Whose<'_>, status: &Status) {
        let Status { name, until, ref holder, ref detail, .. } = *status;
        tracing::info!(
            inverter.name = %whose.name,
            "{} runs until {until:.0} ({name}, by {holder}{}{detail})",
            name.meaning(),
            if detail.is_empty() { "" } else { ", " }
        );
        self.emit(whose, EventKind::OverrideStarted { name, until });
    }

    /// A timed override runs no more.
    pub fn override_ended(&self, whose: Whose<'_>, name: StatusName) {
        tracing::info!(inverter.name = %whose.name, "{} runs no more ({name})", name.meaning());
        self.emit(whose, EventKind::OverrideEnded { name });
    }

    /// An override is to be undone and cannot be; it is tried on.
    pub fn override_not_undone(&self, whose: Whose<'_>, name: StatusName, cause: &str, why: &str) {
        tracing::error!(
            inverter.name = %whose.name,
            "{} must end ({cause}) and is not undone yet, it is tried on: {why} ({name})", name.meaning()
        );
        self.emit(whose, EventKind::OverrideNotUndone { name, why: why.to_owned() });
    }

    /// An override is written, and the battery does not show it.
    pub fn override_not_shown(&self, whose: Whose<'_>, name: StatusName, why: &str) {
        tracing::warn!(inverter.name = %whose.name, "{} is written, and does not show: {why} ({name})", name.meaning());
        self.emit(whose, EventKind::OverrideNotShown { name, why: why.to_owned() });
    }

    /// The battery shows it after all.
    pub fn override_shown(&self, whose: Whose<'_>, name: StatusName) {
        tracing::info!(inverter.name = %whose.name, "{} shows after all ({name})", name.meaning());
        self.emit(whose, EventKind::OverrideShown { name });
    }

    /// The record of an override is damaged, so that it cannot be undone.
    pub fn override_lost(&self, whose: Whose<'_>, place: &str) {
        tracing::error!(
            inverter.name = %whose.name,
            "the record of an override of inverter {} is damaged ({place}): what was set before is not known, so it is not \
             undone, and no override is begun upon what it has set. Call an override off (any of them), which puts the \
             inverter into a safe state, and check its settings",
            whose.inverter
        );
        self.emit(whose, EventKind::OverrideLost { place: place.to_owned() });
    }

    /// An override was undone but for what somebody else has changed.
    pub fn override_left(&self, whose: Whose<'_>, name: StatusName, registers: &[u16]) {
        tracing::warn!(
            inverter.name = %whose.name,
            "{} is undone, but for what somebody else has changed meanwhile: HR {registers:?}", name.meaning()
        );
        self.emit(whose, EventKind::OverrideLeft { name, registers: registers.to_vec() });
    }

    /// Somebody else changed a setting.
    pub fn setting_changed(&self, whose: Whose<'_>, register: u16, what: &'static str, from: u16, to: u16) {
        tracing::info!(inverter.name = %whose.name, "{what} (HR {register}) was changed elsewhere, from {from} to {to}");
        self.emit(whose, EventKind::SettingChanged { register, what, from, to });
    }

    /// A write that was reported to have failed had its effect after all.
    pub fn late_change_undone(&self, whose: Whose<'_>, register: u16, held: u16, restored: u16) {
        tracing::warn!(
            inverter.name = %whose.name,
            "HR {register} became {held} long after that was written and given up; it holds {restored} again"
        );
        self.emit(whose, EventKind::LateChangeUndone { register, held, restored });
    }

    /// A command that was cut short came to its end.
    pub fn command_settled(&self, whose: Whose<'_>, command: &str, completed: bool, left: &[u16]) {
        let ended = if completed { "done after all" } else { "rolled back" };
        if left.is_empty() {
            tracing::warn!(inverter.name = %whose.name, "{command}: cut short, and {ended}");
        } else {
            let left: Vec<String> = left.iter().map(ToString::to_string).collect();
            tracing::warn!(
                inverter.name = %whose.name,
                "{command}: cut short, and {ended}; left as they are, since they hold something else by now: HR {}",
                left.join(", ")
            );
        }
        self.emit(whose, EventKind::CommandSettled { command: command.to_owned(), completed, left: left.to_vec() });
    }

    /// Numbers and hands out, in one step: nobody sees a later number first.
    fn emit(&self, whose: Whose<'_>, kind: EventKind) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last += 1;
        let event = Event { number: *last, at: whose.at, inverter: whose.inverter, kind };
        // Nobody may be reading.
        let _ = self.readers.send(Arc::new(event));
    }
}

/// One reader's place among the events.
#[derive(Debug)]
pub struct Subscription(broadcast::Receiver<Arc<Event>>);

/// What a reader is told next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The next event.
    Event(Arc<Event>),
    /// It was too slow, and so many events are gone: it should read the state again.
    Missed(u64),
}

impl Subscription {
    /// The next event, as soon as there is one; nothing more once nobody can make one.
    pub async fn next(&mut self) -> Option<News> {
        match self.0.recv().await {
            Ok(event) => Some(News::Event(event)),
            Err(RecvError::Lagged(missed)) => Some(News::Missed(missed)),
            Err(RecvError::Closed) => None,
        }
    }

    /// The next event that has happened already.
    pub fn try_next(&mut self) -> Option<News> {
        match self.0.try_recv() {
            Ok(event) => Some(News::Event(event)),
            Err(TryRecvError::Lagged(missed)) => Some(News::Missed(missed)),
            Err(TryRecvError::Empty | TryRecvError::Closed) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Bank;

    const BLOCK: BlockKey = BlockKey::new(0x32, Bank::Input, 60, 60);

    fn whose() -> Whose<'static> {
        let at = "2026-06-05T11:09:54Z".parse().unwrap();
        Whose { name: "garage", inverter: "SA2114G047".parse().unwrap(), at }
    }

    #[tokio::test]
    async fn every_reader_gets_every_event_in_order() {
        let events = Events::new();
        let (mut one, mut two) = (events.subscribe(), events.subscribe());
        events.data_rejected(whose(), Rejection::AllZero, BLOCK);
        events.device_lost(whose(), 0x33);
        for reader in [&mut one, &mut two] {
            for number in 1..=2 {
                let Some(News::Event(event)) = reader.next().await else { panic!("an event") };
                assert_eq!((event.number, event.inverter), (number, whose().inverter));
            }
        }
        drop(events);
        assert_eq!(one.next().await, None);
    }

    #[tokio::test]
    async fn a_reader_that_lags_is_told_how_many_it_missed() {
        let events = Events::new();
        let mut slow = events.subscribe();
        for _ in 0..MOST + 10 {
            events.device_back(whose(), 0x32);
        }
        assert_eq!(slow.next().await, Some(News::Missed(10)));
        let Some(News::Event(event)) = slow.next().await else { panic!("an event") };
        assert_eq!(event.number, 11);
    }

    #[tokio::test]
    async fn events_as_programs_read_them() {
        let events = Events::new();
        let mut reader = events.subscribe();
        for occurrence in [
            Occurrence::Rejected { reason: Rejection::Splice, block: BLOCK },
            Occurrence::RejectionEnded { reason: Rejection::Splice, device: 0x32, count: 3 },
            Occurrence::BatteryFrozen { device: 0x33, lasting: Duration::from_secs(3630) },
            Occurrence::ModelChanged { from: Model::HybridGen1, to: Model::HybridGen2 },
        ] {
            events.occurred(whose(), &occurrence);
        }
        let until = "2026-06-05T12:09:54Z".parse().unwrap();
        let (name, inverter, since) = (StatusName::ForceCharge, whose().inverter, whose().at);
        let status = Status { name, inverter, since, until, holder: "givtcp".to_owned(), detail: String::new() };
        events.override_started(whose(), &status);
        events.override_ended(whose(), name);
        let mut lines = String::new();
        for _ in 0..6 {
            let Some(News::Event(event)) = reader.next().await else { panic!("an event") };
            lines += &serde_json::to_string(&*event).unwrap();
            lines += "\n";
        }
        insta::assert_snapshot!(lines, @r#"
        {"number":1,"at":"2026-06-05T11:09:54Z","inverter":"SA2114G047","kind":"data_rejected","reason":"splice","device":"0x32","block":"IR 60+60 at 0x32"}
        {"number":2,"at":"2026-06-05T11:09:54Z","inverter":"SA2114G047","kind":"rejection_ended","reason":"splice","device":"0x32","count":3}
        {"number":3,"at":"2026-06-05T11:09:54Z","inverter":"SA2114G047","kind":"battery_frozen","device":"0x33","minutes":60}
        {"number":4,"at":"2026-06-05T11:09:54Z","inverter":"SA2114G047","kind":"model_changed","from":"HYBRID_GEN1","to":"HYBRID_GEN2"}
        {"number":5,"at":"2026-06-05T11:09:54Z","inverter":"SA2114G047","kind":"override_started","name":"FCRunning","until":"2026-06-05T12:09:54Z"}
        {"number":6,"at":"2026-06-05T11:09:54Z","inverter":"SA2114G047","kind":"override_ended","name":"FCRunning"}
        "#);
    }
}
