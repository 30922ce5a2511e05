//! What is wrong with a setting, and where it stands.

use std::fmt;

/// What stands in place of a secret.
pub(super) const HIDDEN: &str = "(hidden)";

/// The most characters of a value that a fault shows.
const SHOWN: usize = 80;

/// One thing that is wrong with the settings.
///
/// Shown as `givtcp.yaml:12:9: poll.every: must be at least 5s: 1s`: where, what is wanted, the value last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where the value stands.
    pub origin: Origin,
    /// The setting, as `inverters[0].host`; empty when the fault is the whole file's.
    pub key: String,
    /// The value as it was given, printable and cut to a line; `(hidden)` for secrets, `None` when there is none to show.
    pub value: Option<String>,
    /// What is wanted in its place.
    pub want: String,
    /// What was probably meant.
    pub suggestion: Option<String>,
}

/// Where a value stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The file's path, or the environment variable's name.
    pub source: String,
    /// Line in the file, from 1.
    pub line: Option<usize>,
    /// Column in the file in characters, from 1.
    pub column: Option<usize>,
}

/// What a value should have been: the part of a [`Fault`] that a parser knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Want {
    pub wanted: String,
    pub suggestion: Option<String>,
    /// Whether the value may hold a secret although its key is none.
    pub hide: bool,
}

// === impl Fault ===

impl Fault {
    /// A fault without a value to show.
    pub(super) fn new(origin: Origin, key: impl Into<String>, want: impl Into<String>) -> Self {
        Self { origin, key: key.into(), value: None, want: want.into(), suggestion: None }
    }

    pub(super) fn with_suggestion(mut self, suggestion: Option<String>) -> Self {
        self.suggestion = suggestion;
        self
    }

    /// The fault of a value that a parser refused.
    pub(super) fn of(want: Want, origin: Origin, key: impl Into<String>, value: &str, secret: bool) -> Self {
        let hidden = secret || want.hide;
        let (value, suggestion) = if hidden {
            (HIDDEN.to_owned(), None)
        } else {
            (printable(value), want.suggestion.as_deref().map(printable))
        };
        Self { origin, key: key.into(), value: Some(value), want: want.wanted, suggestion }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.origin)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.want)?;
        if let Some(suggestion) = &self.suggestion {
            write!(f, " (did you mean {suggestion}?)")?;
        }
        if let Some(value) = &self.value {
            write!(f, ": {}", if value.is_empty() { "(empty)" } else { value })?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}

// === impl Origin ===

impl Origin {
    /// The whole of a file, or a variable.
    pub(super) fn of(source: impl Into<String>) -> Self {
        Self { source: source.into(), line: None, column: None }
    }

    /// A place in a file.
    pub(super) fn at(source: impl Into<String>, line: usize, column: usize) -> Self {
        Self { source: source.into(), line: Some(line), column: Some(column) }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)?;
        for number in [self.line, self.column].into_iter().flatten() {
            write!(f, ":{number}")?;
        }
        Ok(())
    }
}

// === impl Want ===

impl<T: Into<String>> From<T> for Want {
    fn from(wanted: T) -> Self {
        Self { wanted: wanted.into(), suggestion: None, hide: false }
    }
}

impl Want {
    pub(super) fn suggesting(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }
}

/// `text` on one line: control characters escaped, the end cut off when it is long.
pub(super) fn printable(text: &str) -> String {
    let mut shown = one_line(text.chars().take(SHOWN));
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// All of `text` on one line, control characters escaped.
pub(super) fn one_line(text: impl IntoIterator<Item = char>) -> String {
    text.into_iter().flat_map(escaped).collect()
}

fn escaped(c: char) -> impl Iterator<Item = char> {
    let invisible =
        c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let (escape, plain) = if invisible { (Some(c.escape_default()), None) } else { (None, Some(c)) };
    escape.into_iter().flatten().chain(plain)
}
