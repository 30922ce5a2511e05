//! Everything that needs a real socket, broker, file or process.

mod mosquitto;
mod mqtt;
