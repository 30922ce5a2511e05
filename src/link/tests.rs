//! The dongle link against a peer that a test scripts by hand, in paused time; the standard transports against
//! tokio-modbus's own servers.

mod line;
mod peer;
mod reads;
mod standard;
mod writes;
