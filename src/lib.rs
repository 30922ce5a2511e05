//! `givtcp` keeps GivEnergy inverters on MQTT: it polls their registers under a lock, turns them into a snapshot of
//! the plant, and publishes it.
//!
//! ARCHITECTURE.md has the map of the rooms.

pub mod app;
pub mod backoff;
pub mod capture;
pub mod catalogue;
pub mod cli;
pub mod clock;
pub mod control;
pub mod decode;
pub mod diagnosis;
pub mod discovery;
pub mod event;
pub mod fleet;
pub mod frame;
pub mod histogram;
pub mod history;
pub mod homeassistant;
pub mod http;
pub mod import;
pub mod influx;
pub mod inverter;
pub mod ipc;
pub mod lane;
pub mod link;
pub mod lock;
pub mod logging;
pub mod metrics;
pub mod mqtt;
pub mod overrides;
pub mod plant;
pub mod poll;
pub mod redis_server;
pub mod registers;
pub mod settings;
pub mod simulator;
pub mod status;
pub mod store;
pub mod vitals;
