use crate::settings::LogSettings;

/// The level of commands that end with one line of what went wrong, which tells of locks what these say.
pub(super) const OF_COMMANDS: &str = "error,givtcp::lock=off";

/// Logs from now on, at this level; the rest as the defaults of the settings have it.
pub(super) fn init(level: &str) {
    crate::logging::init(&LogSettings::at(level));
}
