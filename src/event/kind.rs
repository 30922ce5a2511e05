//! The kinds of events, as programs read them.

use std::fmt;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::frame::BlockKey;
use crate::plant::{Model, Rejection};
use crate::status::StatusName;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventKind {
    /// A guard begins to reject what a device says.
    DataRejected {
        /// Why.
        #[serde(serialize_with = "shown")]
        reason: Rejection,
        /// Where it answers.
        #[serde(serialize_with = "address")]
        device: u8,
        /// Which block was the first.
        #[serde(serialize_with = "shown")]
        block: BlockKey,
    },
    /// It has not done so for ten minutes, and believed the device meanwhile.
    RejectionEnded {
        /// Why it did.
        #[serde(serialize_with = "shown")]
        reason: Rejection,
        /// Where the device answers.
        #[serde(serialize_with = "address")]
        device: u8,
        /// How many blocks or fields were rejected.
        count: u64,
    },
    /// A battery works and says the same for so long, that what it says is old.
    BatteryFrozen {
        /// Where it answers.
        #[serde(serialize_with = "address")]
        device: u8,
        /// For how long, in minutes of work.
        minutes: u64,
    },
    /// It says something new again.
    BatteryThawed {
        /// Where it answers.
        #[serde(serialize_with = "address")]
        device: u8,
    },
    /// A device that was there no longer answers.
    DeviceLost {
        /// Where it answered.
        #[serde(serialize_with = "address")]
        device: u8,
    },
    /// It answers again.
    DeviceBack {
        /// Where it answers.
        #[serde(serialize_with = "address")]
        device: u8,
    },
    /// The inverter is believed to be another model.
    ModelChanged {
        /// What it was.
        #[serde(serialize_with = "model")]
        from: Model,
        /// What it is.
        #[serde(serialize_with = "model")]
        to: Model,
    },
    /// A timed override runs, whoever began it.
    OverrideStarted {
        /// Which.
        name: StatusName,
        /// When it is to end.
        #[serde(serialize_with = "shown")]
        until: Timestamp,
    },
    /// It runs no more.
    OverrideEnded {
        /// Which.
        name: StatusName,
    },
    /// It must end and could not be undone yet; that is tried on.
    OverrideNotUndone {
        /// Which.
        name: StatusName,
        /// What stands in the way.
        why: String,
    },
    /// It is written, and the battery did not show it in three polls.
    OverrideNotShown {
        /// Which.
        name: StatusName,
        /// What the battery does instead.
        why: String,
    },
    /// The battery shows it after all.
    OverrideShown {
        /// Which.
        name: StatusName,
    },
    /// The record of an override is damaged: what was set before is not known, and it is not undone.
    OverrideLost {
        /// Where the record was set aside.
        place: String,
    },
    /// It was undone, but for what somebody else has changed meanwhile.
    OverrideLeft {
        /// Which.
        name: StatusName,
        /// Holding registers that were left as they are.
        registers: Vec<u16>,
    },
    /// Somebody else changed a setting: the vendor's app or portal, or the inverter's display.
    SettingChanged {
        /// Which holding register.
        register: u16,
        /// What it is.
        what: &'static str,
        /// What it held.
        from: u16,
        /// What it holds.
        to: u16,
    },
    /// A write that was reported to have failed had its effect after all, and was undone.
    LateChangeUndone {
        /// Which holding register.
        register: u16,
        /// What it had become.
        held: u16,
        /// What it holds again.
        restored: u16,
    },
    /// A command that was cut short by a crash or a lost connection came to its end.
    CommandSettled {
        /// What was asked for.
        command: String,
        /// Whether it was done after all; else its registers hold what they held before.
        completed: bool,
        /// Registers that were left alone, since they hold something else by now.
        left: Vec<u16>,
    },
}

pub(super) fn shown<S: Serializer>(value: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn address<S: Serializer>(device: &u8, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{device:#04x}"))
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn model<S: Serializer>(model: &Model, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&model.name())
}
