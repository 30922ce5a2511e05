//! What comes with a command's name: bare text, or a JSON object.

use serde_json::{Map, Value};

/// No payload of any command is longer, bytes.
const LONGEST: usize = 4096;

/// A payload, taken apart as far as it is the same for every command.
pub(super) enum Payload {
    /// The text without the space around it.
    Text(String),
    /// The fields of an object.
    Body(Map<String, Value>),
}

// === impl Payload ===

impl Payload {
    /// From text as it arrived; what is wanted instead, if it is neither text nor an object.
    pub(super) fn parse(payload: &str) -> Result<Self, &'static str> {
        if payload.len() > LONGEST {
            return Err("must be no longer than 4096 bytes");
        }
        let text = payload.trim();
        if text.starts_with('{') {
            return serde_json::from_str(text).map(Self::Body).map_err(|_| "must be text or a good JSON object");
        }
        if let Some(Value::String(quoted)) = text.starts_with('"').then(|| serde_json::from_str(text).ok()).flatten() {
            return Ok(Self::Text(quoted.trim().to_owned()));
        }
        Ok(Self::Text(text.to_owned()))
    }

    /// The first of these fields that is there, as text. A bare payload is the field that a command is about.
    pub(super) fn about(&self, keys: &[&str]) -> Result<Option<String>, &'static str> {
        match self {
            Self::Text(text) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
            Self::Body(_) => self.field(keys),
        }
    }

    /// The first of these fields that is there, as text; a bare payload has none.
    pub(super) fn field(&self, keys: &[&str]) -> Result<Option<String>, &'static str> {
        let Self::Body(fields) = self else { return Ok(None) };
        match keys.iter().find_map(|key| fields.get(*key)) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.trim().to_owned())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(Value::Bool(flag)) => Ok(Some(flag.to_string())),
            Some(Value::Array(_) | Value::Object(_)) => Err("must be text or a number"),
        }
    }
}

/// A whole number, written with or without a fraction of zero.
pub(super) fn whole(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let number: f64 = text.parse().ok()?;
    // Within this all whole numbers are told apart.
    (number.fract() == 0.0 && number.abs() < 1e15).then_some(number as i64)
}

/// `enable` and `disable`, and what else people write for them.
pub(super) fn switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "enable" | "enabled" | "on" | "true" | "1" => Some(true),
        "disable" | "disabled" | "off" | "false" | "0" => Some(false),
        _ => None,
    }
}
