//! Tests against real parts: captures of real plants, an independent client, brokers, processes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that fails says so"
)]

mod addon;
mod bad_input;
mod broker_restart;
mod captures;
mod commands;
mod content;
mod control;
mod counters;
mod daemon;
mod decode;
mod demo;
mod departed;
mod detection;
mod diagnosis;
mod discovery;
mod docs;
mod editing;
mod execution;
mod exit_codes;
mod faults;
mod first_minute;
mod first_values;
mod fleet;
mod group;
mod guards;
mod healthy;
mod history;
mod host;
mod http;
mod independent_client;
mod influx;
mod journal;
mod json_log;
mod kill;
mod left;
mod locks;
mod log;
mod manager;
mod metrics;
mod mosquitto;
mod mqtt;
mod notices;
mod overrides_page;
mod parity;
mod past;
mod plant_day;
mod poller;
mod predbat;
mod program;
mod redis;
mod register_tables;
mod replayed_captures;
mod roles;
mod secrets;
mod shutdown;
mod statuses;
mod supervisor;
mod torture;
mod transports;
mod values;
mod year;
