//! Tests against real parts: captures of real plants, an independent client, brokers, processes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that fails says so"
)]

mod captures;
mod decode;
mod faults;
mod independent_client;
mod log;
mod mosquitto;
mod mqtt;
mod parity;
mod register_tables;
mod replayed_captures;
