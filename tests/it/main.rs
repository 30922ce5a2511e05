//! Everything that needs a real socket, broker, file or process.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may panic, and so may what helps it"
)]

mod log;
mod mosquitto;
mod mqtt;
