//! GivTCP's own names, from its add-on options and `allsettings.json`: those that have an equal here are taken, each
//! with a note of its new name; of the others it is said that they have no effect, and why.

use std::collections::BTreeMap;

use super::fault::{Fault, Origin, Want};
use super::keys::{self, INVERTERS};
use super::layer::{self, Element, Layer, OriginId, Origins};

/// What a value of GivTCP's is, where ours is written otherwise.
#[derive(Clone, Copy)]
enum As {
    /// The same as ours.
    Same,
    /// A number of seconds.
    Seconds,
    /// `Info`, `Warning`, `Critical`, `write_debug` and the like.
    Level,
    /// Whether others switch between day and night.
    External,
    /// `Off`, `None`, `Low`, `Medium` or `High`.
    Smoothing,
    /// Whether the new locks are used: the old ones were files.
    NewLocks,
}

/// GivTCP's names for a setting, ours, and what the value is.
const RENAMED: &[(&[&str], &str, As)] = &[
    (&["MQTT_OUTPUT"], "mqtt.enabled", As::Same),
    (&["MQTT_ADDRESS"], "mqtt.host", As::Same),
    (&["MQTT_PORT"], "mqtt.port", As::Same),
    (&["MQTT_USERNAME"], "mqtt.username", As::Same),
    (&["MQTT_PASSWORD"], "mqtt.password", As::Same),
    (&["MQTT_TOPIC"], "mqtt.root", As::Same),
    (&["MQTT_RETAIN"], "mqtt.retain", As::Same),
    (&["PRINT_RAW", "PRINT_RAW_REGISTERS"], "mqtt.raw", As::Same),
    (&["LOG_LEVEL"], "log.level", As::Level),
    (&["SELF_RUN_LOOP_TIMER", "SELF_RUN_TIMER"], "poll.every", As::Seconds),
    (&["SELF_RUN_LOOP_TIMER_FULL", "SELF_RUN_TIMER_FULL"], "poll.settings_every", As::Seconds),
    (&["DYNAMICTARIFF", "DYNAMIC_TARIFF"], "rates.mode", As::External),
    (&["DAYRATE", "DAY_RATE"], "rates.day.rate", As::Same),
    (&["DAYRATESTART", "DAY_RATE_START"], "rates.day.start", As::Same),
    (&["NIGHTRATE", "NIGHT_RATE"], "rates.night.rate", As::Same),
    (&["NIGHTRATESTART", "NIGHT_RATE_START"], "rates.night.start", As::Same),
    (&["EXPORTRATE", "EXPORT_RATE"], "rates.export_rate", As::Same),
    (&["INFLUX_OUTPUT"], "influx.enabled", As::Same),
    (&["INFLUXURL"], "influx.url", As::Same),
    (&["INFLUXTOKEN"], "influx.token", As::Same),
    (&["INFLUXORG"], "influx.org", As::Same),
    (&["INFLUXBUCKET"], "influx.bucket", As::Same),
    (&["DATASMOOTHER", "DATA_SMOOTHER"], "smoothing", As::Smoothing),
    (&["USE_NEW_LOCKS"], "locks.backend", As::NewLocks),
    (&["CACHELOCATION", "CACHE_LOCATION"], "data_dir", As::Same),
];

/// The beginnings of GivTCP's names for an inverter's address and name, each followed by a number from 1.
const ADDRESSES: [&str; 2] = ["INVERTOR_IP_", "INVERTORIP_"];
const NAMES: [&str; 2] = ["INVERTOR_NAME_", "INVERTERNAME_"];

/// The most inverters that GivTCP numbers.
const MOST: u8 = 5;

/// Names without an equal here, with the reason. A `*` at the end stands for any rest.
const WITHOUT_EFFECT: &[(&[&str], &str)] = &[
    (&["NUMINVERTORS"], "every INVERTOR_IP_n that is set is polled"),
    (&["NUMBATTERIES_*", "INVERTOR_AIO_*", "INVERTOR_AC_*"], "models and batteries are detected"),
    (&["MQTT_TOPIC_*"], "all inverters are published below one root, mqtt.root"),
    (&["SELF_RUN"], "polling always runs"),
    (&["QUEUE_RETRIES"], "how often a request is tried again depends on what it reads"),
    (&["USE_NEW_CACHE", "USE_NEW_SERVICES"], "cache and services are always in use"),
    (
        &["HA_AUTO_D", "HADEVICEPREFIX", "HADEVICEPREFIX_*"],
        "homeassistant.entities says what Home Assistant is told; givtcp keeps GivTCP's ids, with inverters[].prefix",
    ),
    (&["WEB_DASH", "WEB_DASH_PORT"], "the page is where http.listen says, without a port of its own"),
    (
        &["SMARTTARGET", "SMART_TARGET", "PALM_*", "GEAPI", "GE_API", "SOLCASTAPI", "SOLCASTSITEID", "SOLCASTSITEID2"],
        "this version does not plan charge targets",
    ),
    (&["LOAD_HIST_WEIGHT"], "this version does not plan charge targets"),
    (&["EVC_*"], "this version does not read EV chargers"),
];

/// Our name for GivTCP's `name`, in any case, if there is one.
pub(super) fn new_name(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_uppercase();
    let numbered = |beginnings: [&str; 2]| beginnings.iter().any(|beginning| number(&name, beginning).is_some());
    let renamed = RENAMED.iter().find(|(names, _, _)| names.contains(&name.as_str())).map(|(_, new, _)| *new);
    match renamed {
        None if numbered(ADDRESSES) => Some("inverters[].host"),
        None if numbered(NAMES) => Some("inverters[].name"),
        renamed => renamed,
    }
}

/// The layer of GivTCP's own names, over `lower` layers (the highest last), with its faults and notes.
pub(super) fn layer(
    env: &BTreeMap<String, String>,
    lower: &[&Layer],
    origins: &mut Origins,
) -> (Layer, Vec<Fault>, Vec<String>) {
    let mut reading = Reading { lower, origins, layer: Layer::default(), faults: Vec::new(), notes: Vec::new() };
    let given: BTreeMap<String, (&str, &str)> = env
        .iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| (name.to_ascii_uppercase(), (name.as_str(), text.as_str())))
        .collect();
    for (names, new, is) in RENAMED {
        let found = names.iter().find_map(|name| given.get(*name));
        if let Some((name, text)) = found {
            reading.scalar(name, text, new, *is);
        }
    }
    reading.inverters(&given);
    reading.notes.extend(without_effect(&given));
    reading.timezone(&given);
    (reading.layer, reading.faults, reading.notes)
}

struct Reading<'a> {
    lower: &'a [&'a Layer],
    origins: &'a mut Origins,
    layer: Layer,
    faults: Vec<Fault>,
    notes: Vec<String>,
}

impl Reading<'_> {
    fn scalar(&mut self, name: &str, text: &str, new: &str, is: As) {
        self.notes.push(format!("{name}: is now {new} in the settings file, or {}", keys::variable(new)));
        if name == "MQTT_ADDRESS" && text == "127.0.0.1" {
            self.notes
                .push(format!("{name}: GivTCP started a broker of its own for 127.0.0.1, which this program does not"));
        }
        let id = self.origins.add(Origin::of(name));
        if text.contains('\u{fffd}') {
            self.faults.push(Fault::new(Origin::of(name), new, "must be UTF-8 text"));
            return;
        }
        match is.converted(text) {
            Ok(text) => {
                let overridden = self.below(new).filter(|value| layer::text(value) != Some(text.as_str()));
                if let Some(origin) = overridden.map(|value| self.origins.of(value)) {
                    self.notes.push(format!("{name}: overrides {new} of {origin}"));
                }
                self.layer.set(new, &text, &id);
            }
            Err(want) => self.faults.push(Fault::of(want, Origin::of(name), new, text, keys::is_secret(new))),
        }
    }

    /// What the layers below say of `path`.
    fn below(&self, path: &str) -> Option<&config::Value> {
        self.lower.iter().rev().find_map(|layer| layer.get(path))
    }

    fn inverters(&mut self, given: &BTreeMap<String, (&str, &str)>) {
        let numbered = |beginnings: [&str; 2], n: u8| {
            beginnings.iter().find_map(|beginning| given.get(&format!("{beginning}{n}"))).copied()
        };
        let mut elements: Vec<(Option<Element>, OriginId)> = Vec::new();
        let mut hosts = Vec::new();
        let mut names = Vec::new();
        for n in 1..=MOST {
            let Some((variable, host)) = numbered(ADDRESSES, n) else { continue };
            let id = self.origins.add(Origin::of(variable));
            names.push(variable);
            let mut element = Element::default();
            element.set("host", host, &id);
            if let Some((variable, name)) = numbered(NAMES, n) {
                element.set("name", name, &self.origins.add(Origin::of(variable)));
                names.push(variable);
            }
            hosts.push(host);
            elements.push((Some(element), id));
        }
        let Some((_, id)) = elements.first() else { return };
        let id = id.clone();
        let list = names.join(", ");
        self.notes.push(format!(
            "{list}: now in the list of inverters in the settings file, or {}",
            keys::variable(INVERTERS)
        ));
        let replaced = self.below(INVERTERS).filter(|list| !names_the_same(list, &hosts));
        if let Some(origin) = replaced.map(|list| self.origins.of(list)) {
            self.notes.push(format!("{list}: replaces the list of inverters of {origin}"));
        }
        self.layer.set_list(INVERTERS, elements, &id);
    }

    /// `TZ` is the machine's as much as GivTCP's: it fills only what nothing else has set.
    fn timezone(&mut self, given: &BTreeMap<String, (&str, &str)>) {
        let Some((name, zone)) = given.get("TZ").filter(|(_, zone)| !zone.is_empty() && !zone.starts_with(':')) else {
            return;
        };
        if self.below("timezone").is_some() {
            return;
        }
        if super::scalar::timezone(zone).is_ok() {
            let id = self.origins.add(Origin::of(*name));
            self.layer.set("timezone", zone, &id);
        } else {
            let shown: String = zone.chars().take(60).collect();
            self.notes.push(format!(
                "{name}: no time zone such as Europe/London, the system's is used: {}",
                shown.escape_debug()
            ));
        }
    }
}

fn names_the_same(list: &config::Value, hosts: &[&str]) -> bool {
    let theirs = layer::elements(list).iter().map(|element| layer::find(element, "host").and_then(layer::text));
    theirs.eq(hosts.iter().map(|host| Some(*host)))
}

/// One note for each reason, with all the names it is true of.
fn without_effect(given: &BTreeMap<String, (&str, &str)>) -> Vec<String> {
    let matches = |pattern: &str, name: &str| match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    };
    let mut notes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (upper, (name, _)) in given {
        let reason = WITHOUT_EFFECT.iter().find(|(patterns, _)| patterns.iter().any(|pattern| matches(pattern, upper)));
        if let Some((_, reason)) = reason {
            notes.entry(reason).or_default().push(name);
        }
    }
    notes.into_iter().map(|(reason, names)| format!("{}: no effect: {reason}", names.join(", "))).collect()
}

fn number(name: &str, beginning: &str) -> Option<u8> {
    name.strip_prefix(beginning)?.parse().ok().filter(|n| (1..=MOST).contains(n))
}

// === impl As ===

impl As {
    fn converted(self, text: &str) -> Result<String, Want> {
        let level = |text: &str| match text.to_ascii_lowercase().as_str() {
            "warning" => "warn".to_owned(),
            "critical" => "error".to_owned(),
            "write_debug" => "debug".to_owned(),
            other => other.to_owned(),
        };
        match self {
            Self::Same => Ok(text.to_owned()),
            Self::Level => Ok(level(text)),
            Self::External => super::scalar::boolean(text).map(|on| if on { "external" } else { "clock" }.to_owned()),
            Self::NewLocks => super::scalar::boolean(text).map(|new| if new { "auto" } else { "file" }.to_owned()),
            Self::Smoothing => Ok(match text.to_ascii_lowercase().as_str() {
                "off" => "none".to_owned(),
                other => other.to_owned(),
            }),
            Self::Seconds => match text.trim().parse::<u32>() {
                Ok(seconds) => Ok(format!("{seconds}s")),
                Err(_) => Err("must be a whole number of seconds".into()),
            },
        }
    }
}
