//! Tests against real parts: captures of real plants, an independent client, brokers, processes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails says so")]

mod captures;
mod docs;
mod independent_client;
mod parity;
mod replayed_captures;
