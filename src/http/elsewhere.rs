//! What another process of the group has read, where this one stands by.

use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::plants::{Shared, complete};

/// Asks for what whoever has the inverter left of its last poll; `None` where this process has it, where nothing is left,
/// or where that is too old.
pub type Elsewhere = Arc<dyn Fn() -> BoxFuture<'static, Option<Left>> + Send + Sync>;

/// What is left of a poll.
#[derive(Clone, Debug, PartialEq)]
pub struct Left {
    /// Serial number of the inverter.
    pub serial: String,
    /// When it was read, in wall time.
    pub at: Timestamp,
    /// How old that is, s.
    pub age: u64,
    /// Its leaves as nested JSON, registers included.
    pub values: Value,
}

impl Shared {
    /// What another process left of the inverter at this place.
    pub(super) async fn left(&self, place: usize) -> Option<Left> {
        (self.plants.get(place)?.elsewhere.as_ref()?)().await
    }

    /// The same by the serial number of the inverter.
    pub(super) async fn left_of(&self, serial: &str) -> Option<Left> {
        for place in 0..self.plants.len() {
            if let Some(left) = self.left(place).await
                && left.serial.eq_ignore_ascii_case(serial)
            {
                return Some(left);
            }
        }
        None
    }
}

impl Left {
    /// In the shape of GivTCP's `readData`; that it comes from elsewhere, and how old it is, stands among the statistics.
    pub(super) fn read_data(self) -> Value {
        let mut values = self.values;
        complete(&mut values, true);
        if let Some(stats) = values.get_mut("Stats").and_then(Value::as_object_mut) {
            stats.insert("Read_By".to_owned(), "another process of this group".into());
            stats.insert("Age".to_owned(), self.age.into());
        }
        values
    }

    /// Each value by its path, without registers unless these are wanted.
    pub(super) fn leaves(&self, raw: bool) -> Vec<(String, Value)> {
        let mut all = Vec::new();
        if let Some(sections) = self.values.as_object() {
            let shown = sections.iter().filter(|(name, _)| raw || *name != "raw");
            collect("", &shown.map(|(name, value)| (name.clone(), value.clone())).collect(), &mut all);
        }
        all
    }
}

fn collect(above: &str, level: &Map<String, Value>, all: &mut Vec<(String, Value)>) {
    for (name, value) in level {
        let path = if above.is_empty() { name.clone() } else { format!("{above}/{name}") };
        match value {
            Value::Object(below) => collect(&path, below, all),
            other => all.push((path, other.clone())),
        }
    }
}

#[cfg(test)]
impl Left {
    pub(super) fn of(values: Value) -> Self {
        Self { serial: "SA2114G047".to_owned(), at: Timestamp::constant(1_780_650_000, 0), age: 7, values }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_left_is_told_by_its_paths_and_with_its_age() {
        let left = Left::of(json!({"Power": {"SOC": 50}, "Stats": {"cycles": 3}, "raw": {"a": {"b": 1}}}));
        assert_eq!(left.leaves(false), [("Power/SOC".to_owned(), 50.into()), ("Stats/cycles".to_owned(), 3.into())]);
        assert_eq!(left.leaves(true).len(), 3);
        let data = left.read_data();
        assert_eq!((&data["Stats"]["Age"], &data["Stats"]["status"]), (&json!(7), &json!("online")));
        assert_eq!(data["Battery_Details"], json!({}));
    }
}
