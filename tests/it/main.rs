//! Everything that needs a real socket, broker, file or process.

mod independent_client;
mod replayed_captures;
