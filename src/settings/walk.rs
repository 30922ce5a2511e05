//! From the merged layers to typed settings, with every fault that stands in the way.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use config::Value;
use secrecy::ExposeSecret;

use super::fault::{Fault, Want};
use super::keys::{self, INVERTERS};
use super::layer::{self, Origins};
use super::scalar;
use super::types::{
    ClockSyncSettings, ControlSettings, Entities, HistorySettings, HomeAssistantSettings, HttpSettings,
    InverterSettings, LinkSettings, LockBackend, LocksSettings, LogFormat, LogSettings, MqttSettings, OnStop,
    OwnControl, PollSettings, Qos, Readers, RedisSettings, Role, Settings, Smoothing, TlsSettings, Transport,
    WhenRedisIsDown,
};

mod influx;
mod rates;

/// The settings that `root` holds, defaults where it holds none or a wrong one, and all faults.
pub(super) fn settings(root: &Value, origins: &Origins) -> (Settings, Vec<Fault>) {
    let mut walk = Walk { origins, faults: Vec::new() };
    let scope = Scope { value: root, prefix: String::new(), known: "" };
    let defaults = Settings::default();
    let settings = Settings {
        data_dir: walk.read(&scope, "data_dir", defaults.data_dir, scalar::path),
        timezone: walk.read(&scope, "timezone", None, |text| scalar::timezone(text).map(Some)),
        inverters: walk.inverters(root),
        poll: walk.poll(&scope),
        link: walk.link(&scope),
        mqtt: walk.mqtt(&scope),
        homeassistant: walk.homeassistant(&scope),
        rates: walk.rates(&scope),
        smoothing: walk.read(&scope, "smoothing", defaults.smoothing, |text| scalar::one_of(text, &Smoothing::NAMES)),
        locks: walk.locks(&scope),
        redis: RedisSettings {
            url: walk.read(&scope, "redis.url", defaults.redis.url, scalar::redis_url),
            ca_file: walk.read(&scope, "redis.ca_file", None, |text| scalar::path(text).map(Some)),
        },
        http: walk.http(&scope),
        history: walk.history(&scope),
        influx: walk.influx(&scope),
        control: walk.control(&scope),
        log: walk.log(&scope),
        supervisor: None,
        origins: origins.below(root),
    };
    walk.redis_where_it_is_asked_for(root, &settings);
    walk.all_of_influx(root, &settings);
    walk.a_port_for_each_inverter(root, &settings);
    walk.a_prefix_for_each_inverter(root, &settings);
    (settings, walk.faults)
}

/// How long undoing at a stop may take.
const STOP_TIMEOUT: RangeInclusive<Duration> = SEC..=Duration::from_secs(300);
const MS_100: Duration = Duration::from_millis(100);
const SEC: Duration = Duration::from_secs(1);
const MIN: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Where names are looked up: the whole, or one element of a list.
struct Scope<'v> {
    value: &'v Value,
    /// What faults put before a name: `inverters[0].`
    prefix: String,
    /// The same in the table of keys: `inverters[].`
    known: &'static str,
}

struct Walk<'v> {
    origins: &'v Origins,
    faults: Vec<Fault>,
}

impl Walk<'_> {
    /// The value at `key`, or `default` when there is none or it is wrong.
    fn read<T>(&mut self, scope: &Scope<'_>, key: &str, default: T, parse: impl Fn(&str) -> Result<T, Want>) -> T {
        let found = layer::find(scope.value, key).and_then(|value| Some((value, layer::text(value)?)));
        let Some((value, text)) = found else { return default };
        parse(text).unwrap_or_else(|want| {
            let secret = keys::is_secret(&format!("{}{key}", scope.known));
            let shown = format!("{}{key}", scope.prefix);
            self.faults.push(Fault::of(want, self.origins.of(value), shown, text, secret));
            default
        })
    }

    fn duration(
        &mut self,
        scope: &Scope<'_>,
        key: &str,
        default: Duration,
        range: RangeInclusive<Duration>,
    ) -> Duration {
        self.read(scope, key, default, |text| scalar::duration(text, &range))
    }

    fn log(&mut self, scope: &Scope<'_>) -> LogSettings {
        let defaults = LogSettings::default();
        LogSettings {
            level: self.read(scope, "log.level", defaults.level, scalar::log_level),
            format: self.read(scope, "log.format", defaults.format, |text| scalar::one_of(text, &LogFormat::NAMES)),
            serials: self.read(scope, "log.serials", defaults.serials, scalar::boolean),
            repeats: self.read(scope, "log.repeats", defaults.repeats, scalar::boolean),
        }
    }

    fn poll(&mut self, scope: &Scope<'_>) -> PollSettings {
        let defaults = PollSettings::default();
        PollSettings {
            every: self.duration(scope, "poll.every", defaults.every, SEC * 5..=HOUR),
            settings_every: self.duration(scope, "poll.settings_every", defaults.settings_every, SEC * 5..=HOUR * 24),
        }
    }

    fn link(&mut self, scope: &Scope<'_>) -> LinkSettings {
        let defaults = LinkSettings::default();
        LinkSettings {
            gap: self.duration(scope, "link.gap", defaults.gap, Duration::ZERO..=SEC * 5),
            jitter: self.duration(scope, "link.jitter", defaults.jitter, Duration::ZERO..=SEC * 5),
            timeout: self.duration(scope, "link.timeout", defaults.timeout, MS_100..=SEC * 30),
            connect_timeout: self.duration(scope, "link.connect_timeout", defaults.connect_timeout, MS_100..=MIN),
            backoff_max: self.duration(scope, "link.backoff_max", defaults.backoff_max, SEC..=HOUR),
        }
    }

    fn mqtt(&mut self, scope: &Scope<'_>) -> MqttSettings {
        let defaults = MqttSettings::default();
        let tls = self.tls(scope);
        let port = if tls.enabled { MqttSettings::TLS_PORT } else { MqttSettings::PORT };
        MqttSettings {
            enabled: self.read(scope, "mqtt.enabled", defaults.enabled, scalar::boolean),
            host: self.read(scope, "mqtt.host", defaults.host, scalar::host),
            port: self.read(scope, "mqtt.port", port, scalar::port),
            username: self.read(scope, "mqtt.username", defaults.username, scalar::line),
            password: self.read(scope, "mqtt.password", defaults.password, scalar::secret),
            root: self.read(scope, "mqtt.root", defaults.root, scalar::topic_root),
            raw: self.read(scope, "mqtt.raw", defaults.raw, scalar::boolean),
            retain: self.read(scope, "mqtt.retain", defaults.retain, scalar::boolean),
            qos: self.read(scope, "mqtt.qos", defaults.qos, |text| scalar::one_of(text, &Qos::NAMES)),
            republish_every: self.duration(
                scope,
                "mqtt.republish_every",
                defaults.republish_every,
                SEC * 10..=HOUR * 24,
            ),
            will_delay: self.duration(scope, "mqtt.will_delay", defaults.will_delay, Duration::ZERO..=HOUR),
            tls,
        }
    }

    fn homeassistant(&mut self, scope: &Scope<'_>) -> HomeAssistantSettings {
        let defaults = HomeAssistantSettings::default();
        HomeAssistantSettings {
            entities: self.read(scope, "homeassistant.entities", defaults.entities, |text| {
                scalar::one_of(text, &Entities::NAMES)
            }),
            prefix: self.read(scope, "homeassistant.prefix", defaults.prefix, scalar::topic_root),
            birth_topic: self.read(scope, "homeassistant.birth_topic", defaults.birth_topic, scalar::topic_root),
            currency: self.read(scope, "homeassistant.currency", defaults.currency, scalar::currency),
        }
    }

    /// GivTCP's ids of stacks and meters have no serial number: two inverters of one prefix would share them.
    fn a_prefix_for_each_inverter(&mut self, root: &Value, settings: &Settings) {
        if settings.homeassistant.entities != Entities::GivTcp {
            return;
        }
        let elements = layer::find(root, INVERTERS).map(layer::elements).unwrap_or_default();
        let prefixes: Vec<String> =
            (0..settings.inverters.len()).map(|place| settings.prefix(place).to_lowercase()).collect();
        for (place, prefix) in prefixes.iter().enumerate() {
            let Some(first) = prefixes.iter().position(|other| other == prefix).filter(|first| *first < place) else {
                continue;
            };
            let Some(element) = elements.get(place) else { continue };
            let want = format!(
                "must differ from that of {INVERTERS}[{first}]: GivTCP's ids of batteries' stacks and of meters have no serial number"
            );
            let at = self.origins.of(layer::find(element, "prefix").unwrap_or(element));
            let key = format!("{INVERTERS}[{place}].prefix");
            self.faults.push(Fault::of(want.into(), at, key, &settings.prefix(place), false));
        }
    }

    fn tls(&mut self, scope: &Scope<'_>) -> TlsSettings {
        let mut file = |key: &str| self.read(scope, key, None, |text| scalar::path(text).map(Some));
        let (ca_file, cert_file, key_file) =
            (file("mqtt.tls.ca_file"), file("mqtt.tls.cert_file"), file("mqtt.tls.key_file"));
        let enabled = self.read(scope, "mqtt.tls.enabled", false, scalar::boolean);
        for (here, there) in [("mqtt.tls.cert_file", "mqtt.tls.key_file"), ("mqtt.tls.key_file", "mqtt.tls.cert_file")]
        {
            if let (Some(value), None) = (layer::find(scope.value, here), layer::find(scope.value, there)) {
                self.faults.push(Fault::new(
                    self.origins.of(value),
                    there,
                    format!("must be set together with {here}"),
                ));
            }
        }
        TlsSettings { enabled, ca_file, cert_file, key_file }
    }

    fn locks(&mut self, scope: &Scope<'_>) -> LocksSettings {
        let defaults = LocksSettings::default();
        LocksSettings {
            backend: self
                .read(scope, "locks.backend", defaults.backend, |text| scalar::one_of(text, &LockBackend::NAMES)),
            timeout: self.duration(scope, "locks.timeout", defaults.timeout, MS_100..=MIN * 10),
            life: self.duration(scope, "locks.life", defaults.life, SEC * 2..=MIN * 5),
            when_redis_is_down: self.read(scope, "locks.when_redis_is_down", defaults.when_redis_is_down, |text| {
                scalar::one_of(text, &WhenRedisIsDown::NAMES)
            }),
        }
    }

    fn http(&mut self, scope: &Scope<'_>) -> HttpSettings {
        let defaults = HttpSettings::default();
        HttpSettings {
            enabled: self.read(scope, "http.enabled", defaults.enabled, scalar::boolean),
            listen: self.read(scope, "http.listen", defaults.listen, |text| scalar::listen(text).map(Some)),
            token: self.read(scope, "http.token", defaults.token, scalar::token),
            read: self.read(scope, "http.read", defaults.read, |text| scalar::one_of(text, &Readers::NAMES)),
            per_inverter_ports: self.read(
                scope,
                "http.per_inverter_ports",
                defaults.per_inverter_ports,
                scalar::first_port,
            ),
            hosts: self.read(scope, "http.hosts", defaults.hosts, scalar::hosts),
        }
    }

    fn history(&mut self, scope: &Scope<'_>) -> HistorySettings {
        let defaults = HistorySettings::default();
        HistorySettings {
            enabled: self.read(scope, "history.enabled", defaults.enabled, scalar::boolean),
            days: self.read(scope, "history.days", defaults.days, scalar::history_days),
        }
    }

    /// There must be as many ports as inverters, and the web interface's is none of them.
    fn a_port_for_each_inverter(&mut self, root: &Value, settings: &Settings) {
        const KEY: &str = "http.per_inverter_ports";
        let (Some(first), Some(value)) = (settings.http.per_inverter_ports, layer::find(root, KEY)) else { return };
        let count = u16::try_from(settings.inverters.len()).unwrap_or(u16::MAX);
        let Some(last) = first.checked_add(count.saturating_sub(1)) else {
            let want = format!("must leave a port for each of {count} inverters");
            self.faults.push(Fault::of(want.into(), self.origins.of(value), KEY, &first.to_string(), false));
            return;
        };
        let own = settings.http.listen.as_deref().and_then(|listen| listen.rsplit_once(':')?.1.parse().ok());
        let own = own.unwrap_or(HttpSettings::PORT);
        if (first..=last).contains(&own) {
            let want = format!("must leave out port {own}, which is that of http.listen");
            self.faults.push(Fault::of(want.into(), self.origins.of(value), KEY, &format!("{first} to {last}"), false));
        }
    }

    /// Who asks for Redis must say where it is.
    fn redis_where_it_is_asked_for(&mut self, root: &Value, settings: &Settings) {
        // One that is wrong is a fault of its own.
        let is_there = layer::find(root, "redis.url").and_then(layer::text).is_some_and(|url| !url.is_empty());
        if is_there || !settings.redis.url.expose_secret().is_empty() {
            return;
        }
        let asked = |value: &&Value| layer::text(value) == Some("redis");
        let everywhere = layer::find(root, "locks.backend").filter(asked);
        let elements = layer::find(root, INVERTERS).map(layer::elements).unwrap_or_default();
        let asking = everywhere
            .or_else(|| elements.iter().find_map(|element| layer::find(element, "locks.backend").filter(asked)));
        if let Some(value) = asking {
            let want = "must be set, as redis://host:6379, since locks are to be kept in Redis";
            self.faults.push(Fault::new(self.origins.of(value), "redis.url", want));
        }
    }

    fn control(&mut self, scope: &Scope<'_>) -> ControlSettings {
        let defaults = ControlSettings::default();
        ControlSettings {
            enabled: self.read(scope, "control.enabled", defaults.enabled, scalar::boolean),
            mqtt: self.read(scope, "control.mqtt", defaults.mqtt, scalar::boolean),
            dry_run: self.read(scope, "control.dry_run", defaults.dry_run, scalar::boolean),
            clock_sync: ClockSyncSettings {
                enabled: self.read(scope, "control.clock_sync.enabled", defaults.clock_sync.enabled, scalar::boolean),
                threshold: self.duration(
                    scope,
                    "control.clock_sync.threshold",
                    defaults.clock_sync.threshold,
                    SEC * 10..=HOUR * 12,
                ),
            },
            daily_writes: self.read(scope, "control.daily_writes", defaults.daily_writes, scalar::daily_writes),
            export_floor: self.read(scope, "control.export_floor", defaults.export_floor, scalar::export_floor),
            on_stop: self.read(scope, "control.on_stop", defaults.on_stop, |text| scalar::one_of(text, &OnStop::NAMES)),
            stop_timeout: self.duration(scope, "control.stop_timeout", defaults.stop_timeout, STOP_TIMEOUT),
        }
    }

    fn own_control(&mut self, scope: &Scope<'_>) -> OwnControl {
        let on_stop = |text: &str| scalar::one_of(text, &OnStop::NAMES).map(Some);
        let stop_timeout = |text: &str| scalar::duration(text, &STOP_TIMEOUT).map(Some);
        OwnControl {
            export_floor: self.read(scope, "control.export_floor", None, |text| scalar::export_floor(text).map(Some)),
            on_stop: self.read(scope, "control.on_stop", None, on_stop),
            stop_timeout: self.read(scope, "control.stop_timeout", None, stop_timeout),
        }
    }

    fn inverters(&mut self, root: &Value) -> Vec<InverterSettings> {
        let list = layer::find(root, INVERTERS);
        let elements = list.map(layer::elements).unwrap_or_default();
        let mut addresses = BTreeMap::new();
        let looked_at = elements.iter().enumerate().filter(|(_, element)| !layer::is_wrong(element));
        looked_at.map(|(index, element)| self.inverter(index, element, &mut addresses)).collect()
    }

    fn inverter(
        &mut self,
        index: usize,
        element: &Value,
        addresses: &mut BTreeMap<(String, u16), usize>,
    ) -> InverterSettings {
        let scope = Scope { value: element, prefix: format!("{INVERTERS}[{index}]."), known: "inverters[]." };
        let transport =
            self.read(&scope, "transport", Transport::Dongle, |text| scalar::one_of(text, &Transport::NAMES));
        let inverter = InverterSettings {
            name: self.read(&scope, "name", None, |text| scalar::filled_line(text).map(Some)),
            host: self.read(&scope, "host", String::new(), scalar::host),
            port: self.read(&scope, "port", transport.default_port(), scalar::port),
            transport,
            role: self.read(&scope, "role", Role::Auto, |text| scalar::one_of(text, &Role::NAMES)),
            prefix: self.read(&scope, "prefix", None, |text| scalar::id_prefix(text).map(Some)),
            serial: self.read(&scope, "serial", None, |text| scalar::serial(text).map(Some)),
            lock_backend: self
                .read(&scope, "locks.backend", None, |text| scalar::one_of(text, &LockBackend::NAMES).map(Some)),
            control: self.own_control(&scope),
        };
        let Some(host) = layer::find(element, "host") else {
            let want = "must be the dongle's host name or IP address";
            self.faults.push(Fault::new(self.origins.of(element), format!("{}host", scope.prefix), want));
            return inverter;
        };
        let address = (inverter.host.to_ascii_lowercase(), inverter.port);
        if let Some(first) = addresses.get(&address).filter(|_| !inverter.host.is_empty()) {
            let want = Want::from(format!("must differ from the address of {INVERTERS}[{first}]"));
            let shown = format!("{}:{}", inverter.host, inverter.port);
            self.faults.push(Fault::of(want, self.origins.of(host), format!("{}host", scope.prefix), &shown, false));
        } else {
            addresses.insert(address, index);
        }
        inverter
    }
}
