//! What is published: a tree of leaves for one inverter.

use std::fmt;
use std::sync::Arc;

use crate::frame::Serial;

/// What one inverter publishes now.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// Whose tree it is; names the topics and the client.
    pub serial: Serial,
    /// Whether the inverter answers; the availability topic says it.
    pub online: bool,
    /// Every value that there is. A leaf that was in the last tree and is not in this one is taken back.
    ///
    /// Kept in the same order from tree to tree they are compared without a search.
    pub leaves: Vec<Leaf>,
    /// Paths that are not published of this inverter, and that an earlier run may have left retained. Shared from tree to
    /// tree they are compared by their address.
    pub left_out: Arc<[Arc<str>]>,
    /// What stands at topics of others' and tells them of the tree. Shared from tree to tree they are compared by their
    /// address.
    pub notices: Arc<[Notice]>,
}

/// What a broker is to keep at a topic that is no tree's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The whole topic.
    pub topic: Arc<str>,
    /// What it holds; `None` empties it.
    pub payload: Option<Arc<str>>,
}

/// One value and where it goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// The topic below `<root>/<serial>/`, as `Power/Power/PV_Power`. Spaces become `_`. Shared from tree to tree it
    /// is compared by its address.
    pub path: Arc<str>,
    /// What is published there.
    pub payload: Payload,
}

/// A value as it is published: bare, without unit.
#[derive(Clone, Debug)]
pub enum Payload {
    /// Digits and sign.
    Integer(i64),
    /// The shortest digits that name the number, with at least one decimal place (`50.0`), as Python prints it; who
    /// makes it rounds it.
    Float(f64),
    /// Text that the program knows beforehand.
    Word(&'static str),
    /// Any other text.
    Text(Arc<str>),
}

impl PartialEq for Payload {
    /// Equal when they are published alike; numbers by their bits, so that one that is not a number is not always new.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (Self::Word(_) | Self::Text(_), Self::Word(_) | Self::Text(_)) => self.text() == other.text(),
            _ => false,
        }
    }
}

impl Payload {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Word(text) => Some(text),
            Self::Text(text) => Some(text),
            Self::Integer(_) | Self::Float(_) => None,
        }
    }
}

impl fmt::Display for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(number) => write!(f, "{number}"),
            Self::Float(number) => write!(f, "{number:?}"),
            Self::Word(text) => f.write_str(text),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl From<i64> for Payload {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<f64> for Payload {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<&'static str> for Payload {
    fn from(text: &'static str) -> Self {
        Self::Word(text)
    }
}

impl From<String> for Payload {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_published_as_python_prints_them() {
        let shown = [
            Payload::Integer(-42),
            Payload::Float(50.0),
            Payload::Float(230.1),
            Payload::Float(-0.003),
            Payload::Word("True"),
            Payload::from("  as is \u{b0}".to_owned()),
        ]
        .map(|payload| payload.to_string());
        assert_eq!(shown, ["-42", "50.0", "230.1", "-0.003", "True", "  as is \u{b0}"]);
    }

    #[test]
    fn payloads_are_equal_when_they_are_published_alike() {
        assert_eq!(Payload::Float(f64::NAN), Payload::Float(f64::NAN));
        assert_eq!(Payload::Word("Paused"), Payload::from("Paused".to_owned()));
        assert_ne!(Payload::Integer(1), Payload::Float(1.0));
        assert_ne!(Payload::Float(0.1), Payload::Float(0.2));
    }
}
