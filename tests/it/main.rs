//! Tests against real parts: captures of real plants, Mosquitto, processes.

mod captures;
mod parity;
