//! GivTCP's settings as ours: from `allsettings.json` of its version 3, or the add-on options of version 2, to a settings
//! file, and a word on each key: what it has become, or why it is not carried over. Pure, but for asking our own settings
//! whether the result is good.

mod table;
mod yaml;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::settings::{self, Fault};
use table::{As, Becomes, OfInverter};
use yaml::Document;

/// The most inverters that GivTCP numbers.
const MOST: u8 = 5;

/// What has become of one of GivTCP's keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// GivTCP's key, as it stands in the file.
    pub key: String,
    /// What has become of it.
    pub fate: Fate,
}

/// Whether a key is carried over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is this setting now.
    Carried(String),
    /// It is not carried over, for this reason.
    Dropped(String),
}

/// A settings file that our own settings take, and what it was made of.
#[derive(Clone, PartialEq, Eq)]
pub struct Imported {
    /// The file's text. It may hold passwords.
    pub text: String,
    /// One for each key, in GivTCP's order.
    pub words: Vec<Word>,
    /// What its user should know beyond that.
    pub notes: Vec<String>,
}

/// Why a text is no file of GivTCP's settings: line and column from 1, where it has one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{what}", .at.map(|(line, column)| format!("{line}:{column}: ")).unwrap_or_default())]
pub struct NotImported {
    /// Line and column.
    pub at: Option<(usize, usize)>,
    /// What is wrong.
    pub what: String,
}

/// Makes our settings of GivTCP's.
///
/// # Errors
/// The text is no JSON object, or has no key of GivTCP's.
pub fn import(text: &str) -> Result<Imported, NotImported> {
    let given = parse(text)?;
    let mut importing =
        Importing { given: &given, document: Document::default(), words: Vec::new(), notes: Vec::new() };
    importing.all();
    if importing.words.iter().all(|word| matches!(&word.fate, Fate::Dropped(why) if why == table::UNKNOWN)) {
        let what =
            "holds none of GivTCP's settings: give its allsettings.json, or the options of its add-on".to_owned();
        return Err(NotImported { at: None, what });
    }
    importing.drop_what_is_wrong();
    let Importing { document, words, notes, .. } = importing;
    Ok(Imported { text: document.text(), words, notes })
}

fn parse(text: &str) -> Result<Map<String, Value>, NotImported> {
    match serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(text)) {
        // As the add-on's page of options is saved, or as an export of it.
        Ok(Value::Object(mut object)) => match object.remove("options") {
            Some(Value::Object(options)) => Ok(options),
            _ => Ok(object),
        },
        Ok(_) => Err(NotImported { at: None, what: "must be an object, { \"key\": value, … }".to_owned() }),
        Err(error) => {
            let said = error.to_string();
            let what = said.split(" at line ").next().unwrap_or_default();
            Err(NotImported { at: Some((error.line(), error.column())), what: format!("is not valid JSON: {what}") })
        }
    }
}

struct Importing<'a> {
    given: &'a Map<String, Value>,
    document: Document,
    words: Vec<Word>,
    notes: Vec<String>,
}

impl Importing<'_> {
    fn all(&mut self) {
        let places = self.places();
        for (key, value) in self.given {
            let fate = match table::becomes(key) {
                None => Fate::Dropped(table::UNKNOWN.to_owned()),
                Some(Becomes::Nothing(why)) => Fate::Dropped(why.to_owned()),
                Some(Becomes::Setting(setting, kind)) => self.setting(setting, kind, key, value),
                Some(Becomes::OfInverter(what, number)) => self.of_inverter(what, number, places.get(&number), value),
            };
            self.words.push(Word { key: key.clone(), fate });
        }
        self.prefixes(&places);
        if places.is_empty() {
            self.notes
                .push("no inverter is named in it: those are polled that are found in the local network".to_owned());
        }
    }

    /// The value of one of these keys, in any case.
    fn value(&self, names: &[&str]) -> Option<String> {
        let found = self.given.iter().find(|(key, _)| names.iter().any(|name| key.eq_ignore_ascii_case(name)));
        found.and_then(|(_, value)| scalar(value)).filter(|text| !text.is_empty())
    }

    /// Which of GivTCP's numbers become inverters, and their places in our list.
    fn places(&self) -> BTreeMap<u8, usize> {
        let count: Option<u8> = self.value(&["NUMINVERTORS"]).and_then(|count| count.parse().ok());
        let is_wanted = |number: &u8| {
            let has_address =
                self.value(&[&format!("INVERTORIP_{number}"), &format!("INVERTOR_IP_{number}")]).is_some()
                    || (*number == 1 && self.value(&["INVERTOR_IP"]).is_some());
            let enabled = self.value(&[&format!("INVERTER_ENABLE_{number}")]);
            has_address && enabled.is_none_or(|enabled| is_true(&enabled)) && count.is_none_or(|count| *number <= count)
        };
        (1..=MOST).filter(is_wanted).enumerate().map(|(place, number)| (number, place)).collect()
    }

    fn of_inverter(&mut self, what: OfInverter, number: u8, place: Option<&usize>, value: &Value) -> Fate {
        let text = match text(value) {
            Ok(Some(text)) => text,
            Ok(None) => return Fate::Dropped(table::EMPTY.to_owned()),
            Err(why) => return Fate::Dropped(why),
        };
        let (name, why_not) = match what {
            OfInverter::Enabled => {
                return Fate::Dropped(match place {
                    Some(_) => "every inverter of the list is polled".to_owned(),
                    None => "it is off or has no address: this inverter is left out".to_owned(),
                });
            }
            OfInverter::Host => ("host", None),
            OfInverter::Name => ("name", None),
            OfInverter::Serial => ("serial", None),
            OfInverter::Prefix => {
                ("prefix", (!settings::is_setting("inverters[].prefix")).then_some(table::NO_ENTITIES))
            }
        };
        match (place, why_not) {
            (None, _) => Fate::Dropped(format!("inverter {number} is left out: it is off or has no address")),
            (_, Some(why)) => Fate::Dropped(why.to_owned()),
            (Some(place), None) => {
                self.document.set_of_inverter(*place, name, text);
                Fate::Carried(format!("inverters[{place}].{name}"))
            }
        }
    }

    /// What GivTCP's ids begin with goes by its numbers, ours by places in the list: they are written out.
    fn prefixes(&mut self, places: &BTreeMap<u8, usize>) {
        if !settings::is_setting("inverters[].prefix") {
            return;
        }
        for (number, place) in places {
            let usual = if *number == 1 { "GivTCP".to_owned() } else { format!("GivTCP{number}") };
            self.document.set_of_inverter_unless_set(*place, "prefix", usual);
        }
    }

    fn setting(&mut self, setting: &'static str, kind: As, key: &str, value: &Value) -> Fate {
        let text = match text(value) {
            Ok(Some(text)) => text,
            Ok(None) => return Fate::Dropped(table::EMPTY.to_owned()),
            Err(why) => return Fate::Dropped(why),
        };
        if !settings::is_setting(setting) {
            return Fate::Dropped(table::NO_ENTITIES.to_owned());
        }
        let converted = match kind {
            As::Broker => match self.broker(text) {
                Ok(host) => Ok(host),
                Err(why) => return Fate::Dropped(why),
            },
            // The one that was in force.
            As::Zone if key.eq_ignore_ascii_case("TZ") && self.value(&["timezone"]).is_some() => {
                return Fate::Dropped("timezone stands beside it, and was in force".to_owned());
            }
            kind => kind.converted(&text),
        };
        match converted {
            Ok(text) => {
                self.document.set(setting, text);
                Fate::Carried(setting.to_owned())
            }
            Err(why) => Fate::Dropped(why),
        }
    }

    fn broker(&mut self, host: String) -> Result<String, String> {
        if host == "core-mosquitto" && self.value(&["MQTT_USERNAME"]).is_none() {
            return Err("it is Home Assistant's own broker, which the app asks Home Assistant for".to_owned());
        }
        if host == "127.0.0.1" {
            self.notes.push(
                "MQTT_Address 127.0.0.1: there GivTCP started a broker of its own, which this program does not: \
                 run one, or name another in mqtt.host"
                    .to_owned(),
            );
        }
        Ok(host)
    }

    /// What our own settings do not take is left out, and said.
    fn drop_what_is_wrong(&mut self) {
        for _ in 0..=self.words.len() {
            let Err(faults) = settings::parse(&self.document.text(), "imported") else { return };
            let before = self.document.clone();
            for fault in faults {
                self.drop_one(&fault);
            }
            if self.document == before {
                return;
            }
        }
    }

    fn drop_one(&mut self, fault: &Fault) {
        let removed = self.document.remove(&fault.key);
        let why = format!("its value is none for {}, which {}", fault.key, fault.want);
        for word in &mut self.words {
            let is_it = matches!(&word.fate, Fate::Carried(setting) if removed.contains(setting));
            if is_it {
                word.fate = Fate::Dropped(why.clone());
            }
        }
    }
}

/// One value as text; `None` where it is empty.
fn text(value: &Value) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::Array(_) | Value::Object(_) => Err("must be one value".to_owned()),
        value => Ok(scalar(value).filter(|text| !text.is_empty())),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(on) => Some(on.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn is_true(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "1")
}

/// Without the text, which may hold passwords.
impl std::fmt::Debug for Imported {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Imported").field("words", &self.words).field("notes", &self.notes).finish_non_exhaustive()
    }
}
