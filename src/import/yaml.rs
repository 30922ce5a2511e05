//! A settings file, written.

use std::collections::BTreeMap;
use std::fmt::Write;

/// What stands above the settings.
const HEAD: &str = "\
# Made of GivTCP's settings. What is not named here keeps its default; docs/settings.md has every setting, and
# `givtcp check --config FILE` shows what is in force. It may hold passwords: keep it from others.
";

/// Settings by their names, and those of inverters by place.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Document {
    settings: BTreeMap<String, String>,
    inverters: BTreeMap<usize, BTreeMap<&'static str, String>>,
}

impl Document {
    pub(super) fn set(&mut self, setting: &str, text: String) {
        self.settings.insert(setting.to_owned(), text);
    }

    pub(super) fn set_of_inverter(&mut self, place: usize, name: &'static str, text: String) {
        self.inverters.entry(place).or_default().insert(name, text);
    }

    pub(super) fn set_of_inverter_unless_set(&mut self, place: usize, name: &'static str, text: String) {
        self.inverters.entry(place).or_default().entry(name).or_insert(text);
    }

    /// Takes a setting out, or of an inverter; of one whose host is wrong nothing is left. Says which are gone.
    pub(super) fn remove(&mut self, setting: &str) -> Vec<String> {
        if self.settings.remove(setting).is_some() {
            return vec![setting.to_owned()];
        }
        let parts = setting.strip_prefix("inverters[").and_then(|rest| rest.split_once("]."));
        let Some((place, name)) = parts else { return Vec::new() };
        let Ok(place) = place.parse::<usize>() else { return Vec::new() };
        // Places in the file, of which earlier ones may be gone.
        let Some((&key, _)) = self.inverters.iter().nth(place) else { return Vec::new() };
        if name == "host" {
            let gone = self.inverters.remove(&key).unwrap_or_default();
            return gone.keys().map(|name| format!("inverters[{key}].{name}")).collect();
        }
        let removed = self.inverters.get_mut(&key).and_then(|inverter| inverter.remove(name));
        removed.map(|_| format!("inverters[{key}].{name}")).into_iter().collect()
    }

    /// The file.
    pub(super) fn text(&self) -> String {
        let mut text = HEAD.to_owned();
        if !self.inverters.is_empty() {
            text.push_str("inverters:\n");
        }
        for inverter in self.inverters.values() {
            let mut mark = '-';
            for name in ["host", "serial", "name", "prefix"] {
                if let Some(value) = inverter.get(name) {
                    let _infallible = writeln!(text, "  {mark} {name}: {}", quoted(value));
                    mark = ' ';
                }
            }
        }
        let mut open: Vec<&str> = Vec::new();
        for (setting, value) in &self.settings {
            let mut sections: Vec<&str> = setting.split('.').collect();
            let Some(name) = sections.pop() else { continue };
            let same = open.iter().zip(&sections).take_while(|(open, new)| open == new).count();
            for (depth, section) in sections.iter().enumerate().skip(same) {
                let _infallible = writeln!(text, "{}{section}:", "  ".repeat(depth));
            }
            let _infallible = writeln!(text, "{}{name}: {}", "  ".repeat(sections.len()), quoted(value));
            open = sections;
        }
        text
    }
}

/// As text in quotes where it could be taken for something else.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/');
    let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if begins && text.chars().all(is_plain) && !matches!(text, "null" | "Null" | "NULL") {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(c);
            }
            c if c.is_control() => {
                let _infallible = write!(quoted, "\\x{:02x}", u32::from(c) & 0xff);
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
