//! Which devices a connection has, what they can do, and what they read.
//!
//! Registers go in ([`Plant::accept`]), past the guards; a [`Snapshot`] comes out. No I/O, and time is an argument.

mod battery;
mod capabilities;
mod control;
mod details;
mod ems;
mod energy;
mod family;
mod faults;
mod flows;
mod gateway;
mod guard;
mod identity;
pub mod ledger;
mod memory;
mod meter;
mod model;
mod power;
mod probes;
pub mod snapshot;
mod stack;
mod stacks;
mod state;
pub mod tariff;
mod three_phase;

pub use capabilities::Capabilities;
pub use family::Family;
pub use guard::{Occurrence, Rejection, Rejections};
pub use identity::Identity;
pub use memory::{Devices, Memory};
pub use model::Model;
pub use probes::Probe;
pub use snapshot::Snapshot;
pub use stacks::{Stack, givtcp_serial, module_serial};
pub use state::{Plant, Refused, SnapshotContext};

/// Where an inverter answers, whatever its model.
pub const INVERTER: u8 = 0x11;
/// Where AC-coupled and first-generation inverters answer too; and the low-voltage battery controller's page.
pub const MIRROR: u8 = 0x31;
/// Where low-voltage batteries answer. They may be non-contiguous.
pub const BATTERIES: std::ops::RangeInclusive<u8> = 0x32..=0x37;
/// Where meters answer.
pub const METERS: std::ops::RangeInclusive<u8> = 0x01..=0x08;

#[cfg(test)]
pub(crate) mod tests;
