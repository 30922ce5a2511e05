/// The level of commands that end with one line of what went wrong, which tells of locks what these say.
pub(super) const OF_COMMANDS: &str = "error,givtcp::lock=off";

pub(super) use crate::logging::init;
