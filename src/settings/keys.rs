//! The names of all settings, and what was probably meant by a name that is none.

use super::old;

/// Names longer than this are compared with nothing.
const LONGEST: usize = 64;

/// A setting's name and what the layers must know about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    /// `mqtt.host`; `inverters[].host` for each inverter's.
    pub path: &'static str,
    /// Whether its value is never shown.
    pub secret: bool,
}

const fn key(path: &'static str) -> Key {
    Key { path, secret: false }
}

const fn secret(path: &'static str) -> Key {
    Key { path, secret: true }
}

/// The list of inverters.
pub(super) const INVERTERS: &str = "inverters";

/// The list of named periods.
pub(super) const PERIODS: &str = "rates.periods";

/// The keys that hold a list of sections, and what is in it.
const LISTS: [(&str, Listed); 2] = [
    (INVERTERS, Listed { one: "an inverter", several: "inverters", first: "host" }),
    (PERIODS, Listed { one: "a period", several: "periods", first: "name" }),
];

/// What a list holds, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub one: &'static str,
    pub several: &'static str,
    /// The name of what each has, and what a bare text was probably meant to be.
    pub first: &'static str,
}

/// Every setting.
pub(super) const KEYS: &[Key] = &[
    key("data_dir"),
    key("timezone"),
    key("inverters[].name"),
    key("inverters[].host"),
    key("inverters[].port"),
    key("inverters[].transport"),
    key("inverters[].role"),
    key("inverters[].prefix"),
    key("inverters[].serial"),
    key("inverters[].locks.backend"),
    key("inverters[].control.export_floor"),
    key("inverters[].control.on_stop"),
    key("inverters[].control.stop_timeout"),
    key("poll.every"),
    key("poll.settings_every"),
    key("link.gap"),
    key("link.jitter"),
    key("link.timeout"),
    key("link.connect_timeout"),
    key("link.backoff_max"),
    key("mqtt.enabled"),
    key("mqtt.host"),
    key("mqtt.port"),
    key("mqtt.username"),
    secret("mqtt.password"),
    key("mqtt.root"),
    key("mqtt.raw"),
    key("mqtt.retain"),
    key("mqtt.qos"),
    key("mqtt.republish_every"),
    key("mqtt.will_delay"),
    key("mqtt.tls.enabled"),
    key("mqtt.tls.ca_file"),
    key("mqtt.tls.cert_file"),
    key("mqtt.tls.key_file"),
    key("homeassistant.entities"),
    key("homeassistant.prefix"),
    key("homeassistant.birth_topic"),
    key("homeassistant.currency"),
    key("rates.mode"),
    key("rates.day.rate"),
    key("rates.day.start"),
    key("rates.night.rate"),
    key("rates.night.start"),
    key("rates.export_rate"),
    key("rates.periods[].name"),
    key("rates.periods[].rate"),
    key("rates.periods[].start"),
    key("smoothing"),
    key("locks.backend"),
    key("locks.timeout"),
    key("locks.life"),
    key("locks.when_redis_is_down"),
    secret("redis.url"),
    key("redis.ca_file"),
    key("http.enabled"),
    key("http.listen"),
    secret("http.token"),
    key("http.read"),
    key("http.per_inverter_ports"),
    key("http.hosts"),
    key("history.enabled"),
    key("history.days"),
    key("influx.enabled"),
    key("influx.url"),
    secret("influx.token"),
    key("influx.org"),
    key("influx.bucket"),
    key("influx.ca_file"),
    key("control.enabled"),
    key("control.mqtt"),
    key("control.dry_run"),
    key("control.clock_sync.enabled"),
    key("control.clock_sync.threshold"),
    key("control.daily_writes"),
    key("control.export_floor"),
    key("control.on_stop"),
    key("control.stop_timeout"),
    key("log.level"),
    key("log.format"),
    key("log.serials"),
    key("log.repeats"),
];

/// What a name in a file may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// One value.
    Value,
    /// Further names.
    Section,
    /// A list of sections.
    List(Listed),
    /// Nothing: it is no setting.
    Unknown,
}

/// What may stand at `path`, in which an index is left out (`inverters[].host`).
pub(super) fn place(path: &str) -> Place {
    if let Some((_, listed)) = LISTS.iter().find(|(list, _)| *list == path) {
        return Place::List(*listed);
    }
    let inside = |key: &Key| key.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
    if KEYS.iter().any(|key| key.path == path) {
        Place::Value
    } else if KEYS.iter().any(inside) {
        Place::Section
    } else {
        Place::Unknown
    }
}

/// Whether the value at `path` is never shown.
pub(super) fn is_secret(path: &str) -> bool {
    KEYS.iter().any(|key| key.secret && key.path == path)
}

/// The environment variable that sets `path`; what stands in a list has none of its own.
pub(super) fn variable(path: &str) -> String {
    format!("GIVTCP_{}", path.to_uppercase().replace('.', "__"))
}

/// The settings that one variable can set.
pub(super) fn scalars() -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(|key| !key.path.contains('['))
}

/// What was probably meant by `path`, which is no setting: GivTCP's name for one, one spelt nearly so in the same
/// section, or one of that name in another section.
pub(super) fn suggestion(path: &str) -> Option<String> {
    let (section, name) = path.rsplit_once('.').map_or(("", path), |(section, name)| (section, name));
    if name.chars().count() > LONGEST {
        return None;
    }
    if let Some(new) = old::new_name(name) {
        return Some(new.to_owned());
    }
    let siblings = names_in(section);
    let near = nearest(name, siblings.iter().copied()).map(|name| joined(section, name));
    let elsewhere = || KEYS.iter().map(|key| key.path).find(|path| path.rsplit('.').next() == Some(name));
    near.or_else(|| elsewhere().map(str::to_owned))
}

/// The variable that was probably meant by `name`.
pub(super) fn suggested_variable(name: &str) -> Option<String> {
    let names: Vec<String> = scalars().map(|key| variable(key.path)).chain([variable(INVERTERS)]).collect();
    let single = |text: &str| text.to_uppercase().replace("__", "_");
    let joined_wrongly = names.iter().find(|known| single(known) == single(name));
    joined_wrongly.map(String::as_str).or_else(|| nearest(name, names.iter().map(String::as_str))).map(str::to_owned)
}

/// The one of `names` that differs least from `name`, if it is close enough to have been meant.
pub(super) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    if length > LONGEST {
        return None;
    }
    let (distance, found) = names.map(|known| (distance(name, known), known)).min_by_key(|(distance, _)| *distance)?;
    (distance <= (length / 2).min(2 + length / 10)).then_some(found)
}

fn joined(section: &str, name: &str) -> String {
    if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") }
}

/// The names that may stand directly in `section`.
fn names_in(section: &str) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = KEYS
        .iter()
        .filter_map(
            |key| if section.is_empty() { Some(key.path) } else { key.path.strip_prefix(section)?.strip_prefix('.') },
        )
        .filter_map(|rest| rest.split(['.', '[']).next())
        .collect();
    names.dedup();
    names
}

/// How many characters must be put in, taken out or changed to make `a` from `b`, case aside.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.to_lowercase().chars().enumerate() {
        let (mut diagonal, mut left) = (i, i + 1);
        for (cell, to) in row.iter_mut().zip(std::iter::once(None).chain(b.iter().map(Some))) {
            let above = *cell;
            left = match to {
                None => i + 1,
                Some(to) => (diagonal + usize::from(from != *to)).min(above + 1).min(left + 1),
            };
            diagonal = above;
            *cell = left;
        }
    }
    row.last().copied().unwrap_or(0)
}
