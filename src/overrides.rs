//! Timed overrides: force charge, force export and pauses, which always end.
//!
//! What is here is pure, but for the [`journal`]: no I/O, no clock; what registers hold and what time it is are arguments.
//! A [`recipe`] says what an override writes on an inverter; [`end`] when it is over, whatever clocks do; [`undo`] what is
//! put back, and what is somebody else's by now; [`meeting`] how it stands to other overrides and to commands; [`shown`]
//! whether the battery follows; [`running`] what is told of it. docs/overrides.md is made from here.
//!
//! Whoever carries an override out begins a record in the journal before the first register is written.

pub mod end;
pub mod journal;
pub mod meeting;
mod page;
pub mod recipe;
pub mod running;
pub mod shown;
pub mod undo;

pub use page::override_page;

#[cfg(test)]
mod tests;
