//! The layer of the options that Home Assistant's Supervisor shows to its users and writes into a JSON file: few, and
//! above all others, since who changes them there looks nowhere else.

use std::path::PathBuf;

use serde_json::{Map, Value};

use super::fault::{Fault, Origin, printable};
use super::keys::INVERTERS;
use super::layer::{self, Element, Layer, Origins};

/// What holds where Home Assistant's Supervisor runs the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The text of the options file, or why there is none.
    pub text: Result<String, String>,
    /// Where the file is, for whoever looks.
    pub source: String,
    /// The only directory that is kept over a restart.
    pub data_dir: PathBuf,
}

/// Options and the settings that they are.
const SCALARS: [(&str, &str); 6] = [
    ("log_level", "log.level"),
    ("token", "http.token"),
    ("mqtt.host", "mqtt.host"),
    ("mqtt.port", "mqtt.port"),
    ("mqtt.username", "mqtt.username"),
    ("mqtt.password", "mqtt.password"),
];

/// What an inverter has there, by the same names as in the settings file.
const OF_AN_INVERTER: [&str; 3] = ["host", "port", "prefix"];

/// The layer, what is wrong with the options, and what their user should know. `lower` are the layers below.
pub(super) fn layer(options: &Options, lower: &[&Layer], origins: &mut Origins) -> (Layer, Vec<Fault>, Vec<String>) {
    let mut reading = Reading { origins, layer: Layer::default(), faults: Vec::new(), notes: Vec::new() };
    reading.data_dir(options, lower);
    match object(options) {
        Ok(object) => reading.all(&object),
        Err(want) => reading.faults.push(Fault::new(Origin::of(&options.source), "", want)),
    }
    (reading.layer, reading.faults, reading.notes)
}

fn object(options: &Options) -> Result<Map<String, Value>, String> {
    let text = options.text.as_ref().map_err(Clone::clone)?;
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err("must be an object of options".to_owned()),
        Err(error) => Err(format!("is not valid JSON: {error}")),
    }
}

struct Reading<'a> {
    origins: &'a mut Origins,
    layer: Layer,
    faults: Vec<Fault>,
    notes: Vec<String>,
}

impl Reading<'_> {
    fn data_dir(&mut self, options: &Options, lower: &[&Layer]) {
        let ours = options.data_dir.display().to_string();
        let theirs = lower.iter().rev().find_map(|layer| layer.get("data_dir"));
        if let Some(value) = theirs.filter(|value| layer::text(value) != Some(&*ours)) {
            let origin = self.origins.of(value);
            self.notes
                .push(format!("data_dir: has no effect here, since only {ours} is kept over a restart: {origin}"));
        }
        let id = self.origins.add(Origin::of("the app's directory"));
        self.layer.set("data_dir", &ours, &id);
    }

    fn all(&mut self, object: &Map<String, Value>) {
        for (name, value) in object {
            match (name.as_str(), value) {
                (INVERTERS, Value::Array(items)) => self.inverters(items),
                ("mqtt", Value::Object(mqtt)) => {
                    for (name, value) in mqtt {
                        self.scalar(&format!("mqtt.{name}"), value);
                    }
                }
                (INVERTERS | "mqtt", Value::Null) => {}
                (INVERTERS, _) => self.fault(name, "must be a list of inverters, each with its host"),
                ("mqtt", _) => self.fault(name, "must hold host, port, username and password, as far as they are set"),
                _ => self.scalar(name, value),
            }
        }
    }

    fn scalar(&mut self, name: &str, value: &Value) {
        let Some((_, setting)) = SCALARS.iter().find(|(option, _)| *option == name) else {
            self.notes.push(format!("option {}: is none of this version's, and has no effect", printable(name)));
            return;
        };
        match text(value) {
            Ok(Some(text)) => {
                let id = self.origins.add(Origin::of(format!("option {name}")));
                self.layer.set(setting, &text, &id);
            }
            Ok(None) => {}
            Err(want) => self.fault(name, want),
        }
    }

    /// An empty list leaves the inverters of the settings file in force.
    fn inverters(&mut self, items: &[Value]) {
        let mut elements = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let name = format!("{INVERTERS}[{index}]");
            let id = self.origins.add(Origin::of(format!("option {name}")));
            let Value::Object(entries) = item else {
                self.fault(&name, "must hold an inverter's host, and its port and prefix where they are set");
                elements.push((None, id));
                continue;
            };
            let mut element = Element::default();
            for (entry, value) in entries {
                let shown = format!("{name}.{entry}");
                match text(value) {
                    _ if !OF_AN_INVERTER.contains(&&**entry) => {
                        self.notes.push(format!(
                            "option {}: is none of this version's, and has no effect",
                            printable(&shown)
                        ));
                    }
                    Ok(Some(text)) => {
                        let id = self.origins.add(Origin::of(format!("option {shown}")));
                        element.set(entry, &text, &id);
                    }
                    Ok(None) => {}
                    Err(want) => self.fault(&shown, want),
                }
            }
            elements.push((Some(element), id));
        }
        if !elements.is_empty() {
            let id = self.origins.add(Origin::of(format!("option {INVERTERS}")));
            self.layer.set_list(INVERTERS, elements, &id);
        }
    }

    fn fault(&mut self, option: &str, want: &str) {
        self.faults.push(Fault::new(Origin::of(format!("option {}", printable(option))), "", want));
    }
}

/// What is left empty sets nothing.
fn text(value: &Value) -> Result<Option<String>, &'static str> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        Value::Number(number) => Ok(Some(number.to_string())),
        Value::Bool(on) => Ok(Some(on.to_string())),
        Value::Array(_) | Value::Object(_) => Err("must be one value"),
    }
}
