use std::fmt;

use super::choices::name_of;

/// The log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// A level (`trace`, `debug`, `info`, `warn`, `error`, `off`), or a list of them with targets, as
    /// `info,givtcp::link=debug`. Default `info`.
    pub level: String,
    /// What a line looks like. Default text.
    pub format: LogFormat,
    /// Whether serial numbers are whole in lines above `debug` too. Default false: `SA...047`.
    pub serials: bool,
    /// Whether a line that repeats is written each time. Default false: it is counted.
    pub repeats: bool,
}

/// What a line of the log looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LogFormat {
    /// For people: `text`.
    #[default]
    Text,
    /// An object of JSON a line, for programs: `json`.
    Json,
}

impl LogSettings {
    /// At this level; the rest as the defaults have it.
    pub fn at(level: impl Into<String>) -> Self {
        Self { level: level.into(), format: LogFormat::default(), serials: false, repeats: false }
    }
}

impl Default for LogSettings {
    fn default() -> Self {
        Self::at("info")
    }
}

impl LogFormat {
    /// Every form, with its name in the settings.
    pub const NAMES: [(&str, Self); 2] = [("text", Self::Text), ("json", Self::Json)];
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(&Self::NAMES, self))
    }
}
