//! What of the settings concerns whom: only who is concerned by a change is disturbed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use secrecy::{ExposeSecret, SecretString};

use crate::settings::{Entities, InForce, InverterSettings, LocksSettings, Settings};

/// Whether both lead to the same inverter, so that its tasks can go on or make way for one another.
pub(super) fn is_same(a: &InverterSettings, b: &InverterSettings) -> bool {
    a.host.eq_ignore_ascii_case(&b.host) && a.port == b.port
}

/// Whether polling an inverter is the same under both.
pub(super) fn polls(a: (&Settings, &InverterSettings), b: (&Settings, &InverterSettings)) -> bool {
    let of = |(all, each): (&Settings, &InverterSettings)| {
        let mut control = all.control.clone();
        // Commands from the broker come by the session.
        control.mqtt = true;
        let own = shown(&(&each.name, each.transport, each.serial, each.control));
        own + &shown(&(&all.timezone, &all.poll, &all.link, &all.rates, all.locks.timeout, control))
    };
    of(a) == of(b)
}

/// Whether what is told of an inverter is the same under both; each with its index.
pub(super) fn tells(a: (&Settings, usize), b: (&Settings, usize)) -> bool {
    let of = |(all, index): (&Settings, usize)| {
        let takes = (all.control.enabled, all.control.mqtt);
        // By its place in the list, where it has none of its own.
        let prefix = (all.homeassistant.entities == Entities::GivTcp).then(|| all.prefix(index));
        shown(&(&all.mqtt, &all.homeassistant, all.smoothing, takes, prefix))
    };
    of(a) == of(b) && same(&a.0.mqtt.password, &b.0.mqtt.password)
}

/// Whether the same is served over HTTP and told to an InfluxDB, apart from the inverters.
pub(super) fn serves(a: &Settings, b: &Settings) -> bool {
    let of = |all: &Settings| shown(&(&all.http, &all.influx, all.mqtt.enabled));
    of(a) == of(b) && same(&a.http.token, &b.http.token) && same(&a.influx.token, &b.influx.token)
}

/// The names of the settings that differ, some of them where there are many; never their values.
pub(super) fn changed(before: &Settings, now: &Settings) -> Vec<String> {
    /// No more are named.
    const MOST: usize = 12;
    let of = |settings: &Settings| -> BTreeMap<String, String> {
        InForce::of(settings).settings.into_iter().map(|shown| (shown.key, shown.value)).collect()
    };
    let (old, new) = (of(before), of(now));
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let mut changed: Vec<String> = keys.into_iter().filter(|key| old.get(*key) != new.get(*key)).cloned().collect();
    let secrets = [
        ("mqtt.password", &before.mqtt.password, &now.mqtt.password),
        ("http.token", &before.http.token, &now.http.token),
        ("influx.token", &before.influx.token, &now.influx.token),
    ];
    // Whether one is set is shown, not what it is.
    for (key, old, new) in secrets {
        if !same(old, new) && !changed.iter().any(|known| known == key) {
            changed.push(key.to_owned());
        }
    }
    if changed.len() > MOST {
        let more = changed.len() - MOST;
        changed.truncate(MOST);
        changed.push(format!("{more} more"));
    }
    changed
}

/// Puts back what only a start can change, and says what that is.
pub(super) fn hold_back(now: &Settings, wanted: &mut Settings) -> Vec<String> {
    let mut waiting = Vec::new();
    let mut later = |what: &str, is_same: bool| {
        if !is_same {
            waiting.push(format!("{what}: takes effect at the next start"));
        }
    };
    later("data_dir", now.data_dir == wanted.data_dir);
    later("redis", shown(&now.redis) == shown(&wanted.redis) && same(&now.redis.url, &wanted.redis.url));
    let of_locks = |locks: &LocksSettings| LocksSettings { timeout: now.locks.timeout, ..locks.clone() };
    later("locks", of_locks(&now.locks) == of_locks(&wanted.locks));
    later("history", now.history == wanted.history);
    (wanted.data_dir, wanted.redis) = (now.data_dir.clone(), now.redis.clone());
    wanted.locks = LocksSettings { timeout: wanted.locks.timeout, ..now.locks.clone() };
    wanted.history = now.history;
    for (index, each) in wanted.inverters.iter_mut().enumerate() {
        if let Some(old) = now.inverters.iter().find(|old| is_same(old, each)) {
            later(&format!("inverters[{index}].locks.backend"), old.lock_backend == each.lock_backend);
            each.lock_backend = old.lock_backend;
        }
    }
    if wanted.inverters.is_empty() && !now.inverters.is_empty() {
        if now
            .inverters
            .iter()
            .enumerate()
            .any(|(index, _)| now.origins.contains_key(&format!("inverters[{index}].host")))
        {
            waiting.push("inverters: none is named; those that are polled are kept until the next start".to_owned());
        }
        wanted.inverters.clone_from(&now.inverters);
        let named = now.origins.iter().filter(|(key, _)| key.starts_with("inverters["));
        wanted.origins.extend(named.map(|(key, origin)| (key.clone(), origin.clone())));
    }
    waiting
}

fn same(a: &SecretString, b: &SecretString) -> bool {
    a.expose_secret() == b.expose_secret()
}

/// Everything but secrets, which hide themselves.
fn shown(what: &impl Debug) -> String {
    format!("{what:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_named_and_never_shown() {
        let before = Settings::default();
        assert_eq!(changed(&before, &before), [""; 0]);
        let mut now = before.clone();
        now.mqtt.password = SecretString::from("swordfish");
        let mut later = now.clone();
        later.mqtt.password = SecretString::from("pickerel");
        later.poll.every *= 2;
        assert_eq!(changed(&before, &now), ["mqtt.password"]);
        assert_eq!(changed(&now, &later), ["poll.every", "mqtt.password"]);
        later.inverters = vec![InverterSettings::at("a", None, crate::settings::Transport::Dongle)];
        let all = changed(&now, &later);
        assert!(all.len() == 13 && all[12].ends_with(" more"), "{all:?}");
    }
}
