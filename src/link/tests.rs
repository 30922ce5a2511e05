//! The dongle link against a peer that a test scripts by hand, in paused time; the standard transports against
//! tokio-modbus's own servers.

mod dongle;
mod peer;
mod standard;
