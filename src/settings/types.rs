//! The settings themselves. Each field's comment is its documentation: meaning, unit, default and range.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::fault::Origin;
use crate::frame::Serial;

mod choices;
mod control;
mod homeassistant;
mod influx;
mod log;
mod rates;

pub use choices::{Entities, LockBackend, OnStop, Qos, Readers, Role, Smoothing, Transport, WhenRedisIsDown};
pub use control::{ClockSyncSettings, ControlSettings, OwnControl};
pub use homeassistant::HomeAssistantSettings;
pub use influx::InfluxSettings;
pub use log::{LogFormat, LogSettings};
pub use rates::{PeriodSettings, RateSettings, RatesMode, RatesSettings};

/// Everything that can be set. Never serialised: what is shown of it comes from [`describe`](super::describe).
#[derive(Clone, Debug)]
pub struct Settings {
    /// Directory of what must survive a restart. Default [`DATA_DIR`](super::DATA_DIR); see
    /// [`data_dir_for`](super::data_dir_for) for where an ordinary user's lies.
    pub data_dir: PathBuf,
    /// IANA name of the inverters' time zone. `None` is the system's zone (`TZ`).
    pub timezone: Option<String>,
    /// The inverters to poll, no address twice. None: those that are found in the local network.
    pub inverters: Vec<InverterSettings>,
    /// How often they are read.
    pub poll: PollSettings,
    /// How the connection to each of them behaves.
    pub link: LinkSettings,
    /// The broker, and what is published there.
    pub mqtt: MqttSettings,
    /// What Home Assistant is told.
    pub homeassistant: HomeAssistantSettings,
    /// What energy costs.
    pub rates: RatesSettings,
    /// How leaps of measured values are held back. Default `none`.
    pub smoothing: Smoothing,
    /// Locks between pollers and writers.
    pub locks: LocksSettings,
    /// The Redis server that several processes may share.
    pub redis: RedisSettings,
    /// The web interface.
    pub http: HttpSettings,
    /// What was, over time.
    pub history: HistorySettings,
    /// The InfluxDB that is told what is read.
    pub influx: InfluxSettings,
    /// Commands to the inverters.
    pub control: ControlSettings,
    /// The log.
    pub log: LogSettings,
    /// Home Assistant's Supervisor, if that runs the program: of the surroundings, and nothing that is set.
    pub supervisor: Option<SupervisorSettings>,
    /// Where each setting came from that is not the default, by its name as [`describe`](super::describe) has it.
    pub origins: BTreeMap<String, Origin>,
}

/// Home Assistant's Supervisor.
#[derive(Clone, Debug)]
pub struct SupervisorSettings {
    /// Host and port of its interface.
    pub at: String,
    /// What it knows this program by.
    pub token: SecretString,
    /// Whether it is asked where the broker is, since no setting says so.
    pub gives_broker: bool,
}

/// One inverter's connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InverterSettings {
    /// What people call it, in logs. `None`: its host is used.
    pub name: Option<String>,
    /// Host name or IP address of the dongle or gateway.
    pub host: String,
    /// TCP port. Default: [`Transport::default_port`].
    pub port: u16,
    /// What is spoken there. Default: the dongle's framing.
    pub transport: Transport,
    /// What of it is published. Default `auto`.
    pub role: Role,
    /// What the ids of its entities begin with where `homeassistant.entities` is `givtcp`; letters, digits and `_`. `None`:
    /// `GivTCP`, then `GivTCP2` and so on, by its place in the list; [`Settings::prefix`] says it.
    pub prefix: Option<String>,
    /// Its serial number, by which it is found again when its address has changed, and without which no other inverter is
    /// taken for it. `None`: whichever is there.
    pub serial: Option<Serial>,
    /// Where its locks are kept, `inverters[].locks.backend`. `None`: where `locks.backend` says.
    pub lock_backend: Option<LockBackend>,
    /// What of its commands is otherwise than `control` says, `inverters[].control`.
    pub control: OwnControl,
}

/// How often the inverters are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollSettings {
    /// Period of the live blocks. Default 15 s, 5 s to 1 h.
    pub every: Duration,
    /// Period of the settings blocks. Default 5 min, 5 s to 24 h.
    pub settings_every: Duration,
}

/// How the connection to an inverter behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkSettings {
    /// The least time from one request to the next. Default 250 ms, at most 5 s; dongles lose requests that come sooner.
    pub gap: Duration,
    /// The most that chance adds to `gap`. Default 100 ms, at most 5 s.
    pub jitter: Duration,
    /// Deadline of one request. Default 2 s, 100 ms to 30 s.
    pub timeout: Duration,
    /// Deadline of connecting. Default 5 s, 100 ms to 1 min.
    pub connect_timeout: Duration,
    /// The longest rest between two attempts to connect. Default 60 s, 1 s to 1 h.
    pub backoff_max: Duration,
}

/// The broker, and what is published there.
#[derive(Clone, Debug)]
pub struct MqttSettings {
    /// Whether anything is published. Default true.
    pub enabled: bool,
    /// Host name or IP address of the broker. Default `127.0.0.1`.
    pub host: String,
    /// TCP port. Default 1883, or 8883 with TLS.
    pub port: u16,
    /// User name. Default empty: none is sent.
    pub username: String,
    /// Password. Default empty: none is sent.
    pub password: SecretString,
    /// First levels of every topic. Default `GivEnergy`; no wildcard, no empty level.
    pub root: String,
    /// Whether register values are published below `raw/`. Default true.
    pub raw: bool,
    /// Whether the broker keeps the values for those who subscribe later. Default true.
    pub retain: bool,
    /// Quality of service of what is published. Default 0, as GivTCP.
    pub qos: Qos,
    /// Period in which every value is published again. Default 5 min, 10 s to 24 h.
    pub republish_every: Duration,
    /// How long the broker waits after a lost connection before it publishes `offline`. Default 30 s, at most 1 h.
    pub will_delay: Duration,
    /// TLS to the broker.
    pub tls: TlsSettings,
}

/// TLS to the broker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// Whether the connection is encrypted. Default false.
    pub enabled: bool,
    /// PEM file of the authority that signed the broker's certificate. Without it the system's authorities are trusted.
    pub ca_file: Option<PathBuf>,
    /// PEM file of the client's certificate. Only together with `key_file`.
    pub cert_file: Option<PathBuf>,
    /// PEM file of the client's key. Only together with `cert_file`.
    pub key_file: Option<PathBuf>,
}

/// Locks between pollers and writers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocksSettings {
    /// Where locks are kept. Default `auto`.
    pub backend: LockBackend,
    /// How long a poll waits for its lock. Default 30 s, 100 ms to 10 min.
    pub timeout: Duration,
    /// How long a lease in Redis lives unless it is renewed. Default 30 s, 2 s to 5 min.
    pub life: Duration,
    /// What becomes of polls while Redis cannot be reached. Default `wait`.
    pub when_redis_is_down: WhenRedisIsDown,
}

/// The Redis server that several processes may share.
#[derive(Clone, Debug)]
pub struct RedisSettings {
    /// `redis://`, `rediss://` or `unix://` address, possibly with a password. Default empty: none is used.
    pub url: SecretString,
    /// PEM file of the authority that signed its certificate, with `rediss://`. Without it the system's authorities are
    /// trusted.
    pub ca_file: Option<PathBuf>,
}

/// What is answered over HTTP: GivTCP's REST interface, and our own.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// Whether anything is. Default true.
    pub enabled: bool,
    /// Address and port it listens on. `None`: port [`HttpSettings::PORT`] of 127.0.0.1, in a container of all addresses.
    pub listen: Option<String>,
    /// What other machines, and whoever comes through a proxy, must send to command, at least
    /// [`HttpSettings::SHORTEST_TOKEN`] characters. Default empty: they command nothing.
    pub token: SecretString,
    /// Whether they must send it to read too. Default `token`.
    pub read: Readers,
    /// The first of further ports, one an inverter in their order, each with GivTCP's routes at its top. `None`: none.
    pub per_inverter_ports: Option<u16>,
    /// Names under which the program is reached, beside addresses and names of the local network.
    pub hosts: Vec<String>,
}

/// What was, over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistorySettings {
    /// Whether it is kept. Default true.
    pub enabled: bool,
    /// For how many days means of five minutes and of hours are kept. Default 730, 40 to 3650.
    pub days: u16,
}

// === impl InverterSettings ===

impl InverterSettings {
    /// One at this host, with the transport's port unless another is given; the rest as the defaults have it.
    pub fn at(host: impl Into<String>, port: Option<u16>, transport: Transport) -> Self {
        Self {
            name: None,
            host: host.into(),
            port: port.unwrap_or_else(|| transport.default_port()),
            transport,
            role: Role::Auto,
            prefix: None,
            serial: None,
            lock_backend: None,
            control: OwnControl::default(),
        }
    }
}

// === impl Settings ===

impl Settings {
    /// What the ids of the entities of the inverter at this place begin with, where they are GivTCP's.
    pub fn prefix(&self, place: usize) -> String {
        let own = self.inverters.get(place).and_then(|inverter| inverter.prefix.clone());
        own.unwrap_or_else(|| if place == 0 { "GivTCP".to_owned() } else { format!("GivTCP{}", place + 1) })
    }
}

impl Default for Settings {
    /// The defaults. Without an inverter.
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from(super::DATA_DIR),
            timezone: None,
            inverters: Vec::new(),
            poll: PollSettings::default(),
            link: LinkSettings::default(),
            mqtt: MqttSettings::default(),
            homeassistant: HomeAssistantSettings::default(),
            rates: RatesSettings::default(),
            smoothing: Smoothing::None,
            locks: LocksSettings::default(),
            redis: RedisSettings { url: SecretString::from(String::new()), ca_file: None },
            http: HttpSettings::default(),
            history: HistorySettings::default(),
            influx: InfluxSettings::default(),
            control: ControlSettings::default(),
            log: LogSettings::default(),
            supervisor: None,
            origins: BTreeMap::new(),
        }
    }
}

impl Default for HistorySettings {
    fn default() -> Self {
        Self { enabled: true, days: 730 }
    }
}

impl Default for PollSettings {
    fn default() -> Self {
        Self { every: Duration::from_secs(15), settings_every: Duration::from_secs(300) }
    }
}

impl Default for LinkSettings {
    fn default() -> Self {
        Self {
            gap: Duration::from_millis(250),
            jitter: Duration::from_millis(100),
            timeout: Duration::from_secs(2),
            connect_timeout: Duration::from_secs(5),
            backoff_max: Duration::from_secs(60),
        }
    }
}

impl Default for MqttSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            host: "127.0.0.1".into(),
            port: Self::PORT,
            username: String::new(),
            password: SecretString::from(String::new()),
            root: "GivEnergy".into(),
            raw: true,
            retain: true,
            qos: Qos::AtMostOnce,
            republish_every: Duration::from_secs(300),
            will_delay: Duration::from_secs(30),
            tls: TlsSettings::default(),
        }
    }
}

impl Default for LocksSettings {
    fn default() -> Self {
        Self {
            backend: LockBackend::Auto,
            timeout: Duration::from_secs(30),
            life: Duration::from_secs(30),
            when_redis_is_down: WhenRedisIsDown::Wait,
        }
    }
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            listen: None,
            token: SecretString::from(String::new()),
            read: Readers::Token,
            per_inverter_ports: None,
            hosts: Vec::new(),
        }
    }
}

impl HttpSettings {
    /// GivTCP's port.
    pub const PORT: u16 = 8099;
    /// The first of GivTCP's ports of single inverters, where Predbat asks.
    pub const FIRST_INVERTER_PORT: u16 = 6345;
    /// What is shorter could be guessed.
    pub const SHORTEST_TOKEN: usize = 16;
}

impl MqttSettings {
    /// The port without TLS.
    pub const PORT: u16 = 1883;
    /// The port with TLS.
    pub const TLS_PORT: u16 = 8883;
}
