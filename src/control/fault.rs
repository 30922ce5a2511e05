use std::fmt;

/// The most characters of a value that a fault shows.
const SHOWN: usize = 80;

/// Why a name and a payload are no command: `setChargeRate: must be a whole number of W from 0 to 1000000: abc`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The command's name as it was given, printable.
    pub command: String,
    /// What is wanted in place of the value.
    pub want: String,
    /// The value as it was given, printable and cut to a line; `None` where it lacks.
    pub value: Option<String>,
}

// === impl Fault ===

impl Fault {
    pub(super) fn new(command: &str, want: impl Into<String>, value: Option<&str>) -> Self {
        Self { command: printable(command), want: want.into(), value: value.map(printable) }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.command, self.want)?;
        match &self.value {
            Some(value) => write!(f, ": {value}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Fault {}

/// Without what would spoil a log line, and at most a line long.
fn printable(text: &str) -> String {
    let mut out: String = text.chars().take(SHOWN).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(SHOWN).is_some() {
        out.push('…');
    }
    out
}
