//! What only Home Assistant knows, and what only it is told.

pub mod addon;
pub mod supervisor;
