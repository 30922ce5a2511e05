//! What is shown of the settings: a type of its own, in which secrets are only `(set)` or `(not set)`.

use std::fmt;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

use super::keys::PERIODS;
use super::scalar::{show_duration, show_time};
use super::types::{InverterSettings, OwnControl, RateSettings, RatesSettings, Settings};

/// Every setting with its value in words, in the order of the settings file.
struct View(Vec<(String, String)>);

/// Every setting, one line each, as `mqtt.port: 1883`; secrets as `(set)` or `(not set)`.
pub fn describe(settings: &Settings) -> String {
    View::of(settings).to_string()
}

/// Every secret of the settings, so that a text can be searched for them.
pub fn secrets(settings: &Settings) -> Vec<String> {
    let url = settings.redis.url.expose_secret();
    // What stands between the user and the host.
    let password = url.rsplit_once('@').and_then(|(user, _)| user.rsplit_once(':')).map(|(_, password)| password);
    let mut secrets = vec![url.to_owned(), password.unwrap_or_default().to_owned()];
    let others = [&settings.mqtt.password, &settings.http.token, &settings.influx.token];
    let supervisor = settings.supervisor.iter().map(|supervisor| &supervisor.token);
    secrets.extend(others.into_iter().chain(supervisor).map(|secret| secret.expose_secret().to_owned()));
    secrets.retain(|secret| !secret.is_empty());
    secrets
}

/// Every host of the settings, and what else is a name in some network, so that a text can be searched for them.
pub fn hosts(settings: &Settings) -> Vec<String> {
    let Settings { inverters, mqtt, http, influx, redis, .. } = settings;
    let mut hosts: Vec<String> = inverters.iter().map(|inverter| inverter.host.clone()).collect();
    hosts.push(mqtt.host.clone());
    hosts.extend(http.hosts.iter().cloned());
    hosts.extend([&*influx.url, redis.url.expose_secret()].into_iter().filter_map(host_of).map(str::to_owned));
    hosts.extend(Some(influx.org.clone()).filter(|org| org.contains('@')));
    hosts
}

/// The host of a URL, without brackets.
fn host_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    let host = match place.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next()?,
        None => place.split(':').next()?,
    };
    (!host.is_empty()).then_some(host)
}

fn or_not_set(text: &str) -> &str {
    if text.is_empty() { "(not set)" } else { text }
}

/// The same, name and value.
pub(super) fn lines(settings: &Settings) -> Vec<(String, String)> {
    View::of(settings).0
}

fn floor(floor: Option<u8>) -> String {
    floor.map_or_else(|| "reserve".to_owned(), |floor| floor.to_string())
}

impl View {
    fn of(settings: &Settings) -> Self {
        let Settings {
            data_dir,
            timezone,
            inverters,
            poll,
            link,
            mqtt,
            homeassistant,
            rates,
            smoothing,
            locks,
            redis,
            http,
            history,
            influx,
            control,
            log,
            supervisor: _,
            origins: _,
        } = settings;
        let mut lines = View(Vec::new());
        lines.put("data_dir", data_dir.display());
        lines.put("timezone", timezone.as_deref().unwrap_or("(the system's)"));
        for (index, inverter) in inverters.iter().enumerate() {
            lines.inverter(index, inverter);
        }
        lines.put("poll.every", show_duration(poll.every));
        lines.put("poll.settings_every", show_duration(poll.settings_every));
        lines.put("link.gap", show_duration(link.gap));
        lines.put("link.jitter", show_duration(link.jitter));
        lines.put("link.timeout", show_duration(link.timeout));
        lines.put("link.connect_timeout", show_duration(link.connect_timeout));
        lines.put("link.backoff_max", show_duration(link.backoff_max));
        lines.put("mqtt.enabled", mqtt.enabled);
        lines.put("mqtt.host", &mqtt.host);
        lines.put("mqtt.port", mqtt.port);
        lines.put("mqtt.username", or_not_set(&mqtt.username));
        lines.put("mqtt.password", presence(&mqtt.password));
        lines.put("mqtt.root", &mqtt.root);
        lines.put("mqtt.raw", mqtt.raw);
        lines.put("mqtt.retain", mqtt.retain);
        lines.put("mqtt.qos", mqtt.qos);
        lines.put("mqtt.republish_every", show_duration(mqtt.republish_every));
        lines.put("mqtt.will_delay", show_duration(mqtt.will_delay));
        lines.put("mqtt.tls.enabled", mqtt.tls.enabled);
        lines.put("mqtt.tls.ca_file", path(mqtt.tls.ca_file.as_ref()));
        lines.put("mqtt.tls.cert_file", path(mqtt.tls.cert_file.as_ref()));
        lines.put("mqtt.tls.key_file", path(mqtt.tls.key_file.as_ref()));
        lines.put("homeassistant.entities", homeassistant.entities);
        lines.put("homeassistant.prefix", &homeassistant.prefix);
        lines.put("homeassistant.birth_topic", &homeassistant.birth_topic);
        lines.put("homeassistant.currency", &homeassistant.currency);
        lines.rates(rates);
        lines.put("smoothing", smoothing);
        lines.put("locks.backend", locks.backend);
        lines.put("locks.timeout", show_duration(locks.timeout));
        lines.put("locks.life", show_duration(locks.life));
        lines.put("locks.when_redis_is_down", locks.when_redis_is_down);
        lines.put("redis.url", presence(&redis.url));
        lines.put("redis.ca_file", path(redis.ca_file.as_ref()));
        lines.put("http.enabled", http.enabled);
        lines.put("http.listen", http.listen.as_deref().unwrap_or("(127.0.0.1:8099; 0.0.0.0:8099 in a container)"));
        lines.put("http.token", presence(&http.token));
        lines.put("http.read", http.read);
        lines.put("http.per_inverter_ports", http.per_inverter_ports.map_or("off".into(), |port| port.to_string()));
        lines.put("http.hosts", if http.hosts.is_empty() { "(none)".into() } else { http.hosts.join(", ") });
        lines.put("history.enabled", history.enabled);
        lines.put("history.days", history.days);
        lines.put("influx.enabled", influx.enabled);
        lines.put("influx.url", or_not_set(&influx.url));
        lines.put("influx.token", presence(&influx.token));
        lines.put("influx.org", or_not_set(&influx.org));
        lines.put("influx.bucket", or_not_set(&influx.bucket));
        lines.put("influx.ca_file", path(influx.ca_file.as_ref()));
        lines.put("control.enabled", control.enabled);
        lines.put("control.mqtt", control.mqtt);
        lines.put("control.dry_run", control.dry_run);
        lines.put("control.clock_sync.enabled", control.clock_sync.enabled);
        lines.put("control.clock_sync.threshold", show_duration(control.clock_sync.threshold));
        lines.put("control.daily_writes", control.daily_writes);
        lines.put("control.export_floor", floor(control.export_floor));
        lines.put("control.on_stop", control.on_stop);
        lines.put("control.stop_timeout", show_duration(control.stop_timeout));
        lines.put("log.level", &log.level);
        lines.put("log.format", log.format);
        lines.put("log.serials", log.serials);
        lines.put("log.repeats", log.repeats);
        lines
    }

    fn put(&mut self, key: impl Into<String>, value: impl fmt::Display) {
        self.0.push((key.into(), value.to_string()));
    }

    fn inverter(&mut self, index: usize, inverter: &InverterSettings) {
        let key = |name: &str| format!("inverters[{index}].{name}");
        self.put(key("name"), inverter.name.as_deref().unwrap_or("(its address)"));
        self.put(key("host"), &inverter.host);
        self.put(key("port"), inverter.port);
        self.put(key("transport"), inverter.transport);
        self.put(key("role"), inverter.role);
        self.put(key("prefix"), inverter.prefix.as_deref().unwrap_or("(GivTCP, GivTCP2, ... by its place)"));
        match inverter.serial {
            Some(serial) => self.put(key("serial"), serial),
            None => self.put(key("serial"), "(whichever is there)"),
        }
        match inverter.lock_backend {
            Some(backend) => self.put(key("locks.backend"), backend),
            None => self.put(key("locks.backend"), "(as locks.backend)"),
        }
        let or_as = |own: Option<String>, name: &str| own.unwrap_or_else(|| format!("(as {name})"));
        let OwnControl { export_floor, on_stop, stop_timeout } = inverter.control;
        for (name, own) in [
            ("control.export_floor", export_floor.map(floor)),
            ("control.on_stop", on_stop.map(|on_stop| on_stop.to_string())),
            ("control.stop_timeout", stop_timeout.map(show_duration)),
        ] {
            self.put(key(name), or_as(own, name));
        }
    }

    fn rates(&mut self, rates: &RatesSettings) {
        let RatesSettings { mode, day, night, export_rate, periods } = rates;
        self.put("rates.mode", mode);
        self.rate("rates.day", *day);
        self.rate("rates.night", *night);
        self.put("rates.export_rate", export_rate);
        for (index, period) in periods.iter().enumerate() {
            self.put(format!("{PERIODS}[{index}].name"), &period.name);
            self.rate(&format!("{PERIODS}[{index}]"), period.rate);
        }
    }

    fn rate(&mut self, key: &str, rate: RateSettings) {
        self.put(format!("{key}.rate"), rate.rate);
        self.put(format!("{key}.start"), show_time(rate.start));
    }
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(key, value)| writeln!(f, "{key}: {value}"))
    }
}

fn presence(secret: &SecretString) -> &'static str {
    if secret.expose_secret().is_empty() { "(not set)" } else { "(set)" }
}

fn path(path: Option<&PathBuf>) -> String {
    path.map_or_else(|| "(not set)".into(), |path| path.display().to_string())
}
