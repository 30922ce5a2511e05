//! Layers of values, which the `config` crate lays over each other, and where each of their values came from.

use std::collections::BTreeMap;
use std::fmt;

use config::builder::DefaultState;
use config::{Config, ConfigBuilder, Map, Source, Value, ValueKind};

use super::fault::{Fault, Origin};

/// Where the values of all layers came from. A `config` value's origin is an index into this.
#[derive(Debug)]
pub(super) struct Origins {
    places: Vec<Origin>,
    /// What stands for all sources: the file, if there is one.
    whole: Origin,
}

/// A value's place in [`Origins`], in the form that `config` keeps.
#[derive(Clone, Debug)]
pub(super) struct OriginId(String);

/// Values from one source: every value is text, as it was written.
#[derive(Clone, Default)]
pub(super) struct Layer(Map<String, Value>);

/// The names and values of one inverter in a list.
#[derive(Default)]
pub(super) struct Element(Map<String, Value>);

/// Lays `layers` over each other, later over earlier: tables are merged, lists replaced.
pub(super) fn merge(layers: Vec<Layer>) -> Result<Value, Vec<Fault>> {
    let builder = layers.into_iter().fold(Config::builder(), ConfigBuilder::<DefaultState>::add_source);
    match builder.build() {
        Ok(config) => Ok(config.cache),
        Err(error) => Err(vec![Fault::new(Origin::of("settings"), "", format!("could not be put together: {error}"))]),
    }
}

/// The value at `path` (names joined by dots) below `value`.
pub(super) fn find<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |value, name| match &value.kind {
        ValueKind::Table(table) => table.get(name),
        _ => None,
    })
}

/// The text of a value from a layer.
pub(super) fn text(value: &Value) -> Option<&str> {
    match &value.kind {
        ValueKind::String(text) => Some(text),
        _ => None,
    }
}

/// Whether an element of a list was already known to be wrong.
pub(super) fn is_wrong(element: &Value) -> bool {
    element.kind == ValueKind::Nil
}

/// The elements of a list from a layer.
pub(super) fn elements(value: &Value) -> &[Value] {
    match &value.kind {
        ValueKind::Array(elements) => elements,
        _ => &[],
    }
}

// === impl Origins ===

impl Origins {
    pub(super) const fn new(whole: Origin) -> Self {
        Self { places: Vec::new(), whole }
    }

    pub(super) fn add(&mut self, origin: Origin) -> OriginId {
        self.places.push(origin);
        OriginId((self.places.len() - 1).to_string())
    }

    pub(super) fn whole(&self) -> Origin {
        self.whole.clone()
    }

    /// Where `value` came from.
    pub(super) fn of(&self, value: &Value) -> Origin {
        let index = value.origin().and_then(|id| id.parse::<usize>().ok());
        index.and_then(|index| self.places.get(index)).unwrap_or(&self.whole).clone()
    }
}

impl Origins {
    /// Where each text below this value came from, by its name, as `inverters[0].host`.
    pub(super) fn below(&self, value: &Value) -> BTreeMap<String, Origin> {
        let mut found = BTreeMap::new();
        self.gather(value, String::new(), &mut found);
        found
    }

    fn gather(&self, value: &Value, name: String, found: &mut BTreeMap<String, Origin>) {
        match &value.kind {
            ValueKind::Table(table) => {
                for (key, value) in table {
                    let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                    self.gather(value, name, found);
                }
            }
            ValueKind::Array(elements) => {
                for (index, value) in elements.iter().enumerate() {
                    self.gather(value, format!("{name}[{index}]"), found);
                }
            }
            ValueKind::String(_) => _ = found.insert(name, self.of(value)),
            _ => {}
        }
    }
}

// === impl Layer ===

impl Layer {
    pub(super) fn set(&mut self, path: &str, text: &str, origin: &OriginId) {
        self.0.insert(path.to_owned(), value(text, origin));
    }

    /// `None` stands for an element that is already known to be wrong.
    pub(super) fn set_list(&mut self, path: &str, elements: Vec<(Option<Element>, OriginId)>, origin: &OriginId) {
        let value = |element: Option<Element>| element.map_or(ValueKind::Nil, |element| element.0.into());
        let elements: Vec<Value> =
            elements.into_iter().map(|(element, at)| Value::new(Some(&at.0), value(element))).collect();
        self.0.insert(path.to_owned(), Value::new(Some(&origin.0), elements));
    }

    pub(super) fn get(&self, path: &str) -> Option<&Value> {
        self.0.get(path)
    }
}

impl fmt::Debug for Layer {
    /// Names only: the values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, config::ConfigError> {
        Ok(self.0.clone())
    }
}

// === impl Element ===

impl Element {
    /// Sets the value at `path`, names joined by dots.
    pub(super) fn set(&mut self, path: &str, text: &str, origin: &OriginId) {
        let mut names = path.split('.').rev();
        let last = names.next().unwrap_or_default();
        let mut table = &mut self.0;
        for section in names.rev() {
            let empty = || Value::new(Some(&origin.0), Map::<String, Value>::new());
            let found = table.entry(section.to_owned()).or_insert_with(empty);
            // What is there already is a section too: no name is both.
            let ValueKind::Table(inner) = &mut found.kind else { return };
            table = inner;
        }
        table.insert(last.to_owned(), value(text, origin));
    }
}

fn value(text: &str, origin: &OriginId) -> Value {
    Value::new(Some(&origin.0), text)
}
