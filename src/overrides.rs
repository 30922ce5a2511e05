//! Timed overrides: what they will undo, kept where a crash does not reach it.
//!
//! The engine that starts and undoes them comes later; here is what it stands on, the [`journal`].

pub mod journal;
