//! Everything that needs a real socket, broker, file or process.

mod log;
mod mosquitto;
mod mqtt;
