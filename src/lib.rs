//! `givtcp` keeps GivEnergy inverters on MQTT: it polls their registers under a lock, turns them into a snapshot of
//! the plant, and publishes it.
//!
//! ARCHITECTURE.md has the map of the rooms.

pub mod clock;
pub mod frame;
pub mod link;
pub mod lock;
