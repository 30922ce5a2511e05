use redis::Value;

/// What Redis answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing: a key that is not there, a script without a result.
    Nil,
    /// A number.
    Number(i64),
    /// A text; bytes that are no UTF-8 were replaced.
    Text(String),
    /// Several.
    List(Vec<Answer>),
}

impl Answer {
    /// The number, if it is one or is written as one.
    pub fn as_number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// The text; none if it is nothing.
    pub fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(number) => Some(number.to_string()),
            Self::Nil | Self::List(_) => None,
        }
    }

    /// The items, if it is several.
    pub fn into_list(self) -> Option<Vec<Self>> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The next cursor of a scan and what it found.
    pub(super) fn into_scan(self) -> Option<(String, Vec<String>)> {
        let mut parts = self.into_list()?.into_iter();
        let (cursor, found) = (parts.next()?.into_text()?, parts.next()?.into_list()?);
        Some((cursor, found.into_iter().filter_map(Self::into_text).collect()))
    }
}

impl From<Value> for Answer {
    fn from(value: Value) -> Self {
        match value {
            Value::Int(number) => Self::Number(number),
            Value::BulkString(bytes) => Self::Text(String::from_utf8_lossy(&bytes).into_owned()),
            Value::SimpleString(text) | Value::VerbatimString { text, .. } => Self::Text(text),
            Value::Okay => Self::Text("OK".to_owned()),
            Value::Boolean(yes) => Self::Number(i64::from(yes)),
            Value::Double(number) => Self::Text(number.to_string()),
            Value::Array(items) | Value::Set(items) => Self::List(items.into_iter().map(Self::from).collect()),
            Value::Map(pairs) => {
                Self::List(pairs.into_iter().flat_map(|(key, value)| [key.into(), value.into()]).collect())
            }
            // RESP2, which is what is spoken here, has nothing else.
            _ => Self::Nil,
        }
    }
}
