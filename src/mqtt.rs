//! MQTT: one session per inverter that keeps the broker's retained topics equal to the newest [`Tree`].
//!
//! The session is a projection of state: whatever happens to the connection, each one that the broker acknowledges
//! begins with the availability and every leaf, and carries what changed from then on. Nothing that a broker does, or
//! fails to do, reaches the sender of trees: the session reads a `watch`, and keeps one value per topic.
//!
//! The protocol is rumqttc's (its MQTT 5 packets), the connection is ours: rumqttc's own event loop writes and flushes
//! each packet by itself, which costs one system call and one TLS record a leaf, and has no deadline on a write.
//! `connection` puts what is due into one buffer and writes that; nothing but it and `error` names rumqttc.

mod audience;
mod clearing;
mod commands;
mod connection;
mod error;
mod happenings;
mod inflight;
mod notices;
mod projection;
mod session;
mod timers;
mod tls;

pub use crate::settings::Qos;
pub use audience::{Audience, Found};
pub use clearing::{Cleared, clear};
pub use commands::{Answers, Arrival, Listening};
pub use session::run;
pub use tls::{TlsError, tls_config, tls_trusting};

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use rustls::ClientConfig;
use secrecy::SecretString;
use tokio::time::Instant;

use crate::event::Events;

/// What a session needs to know; the same for all inverters but for [`seed`](Self::seed).
#[derive(Clone, Debug)]
pub struct SessionSettings {
    /// The broker's name or address; with TLS it is what the certificate must be for.
    pub host: String,
    /// The broker's port, as a rule 1883, with TLS 8883.
    pub port: u16,
    /// The user's name; empty connects without credentials.
    pub username: String,
    /// The user's password; not sent without a name.
    pub password: SecretString,
    /// The first level of every topic, `GivEnergy` unless set; it may hold several levels.
    pub root: String,
    /// Whether leaves are retained. The availability always is.
    pub retain: bool,
    /// Quality of service of everything published.
    pub qos: Qos,
    /// Within this time each leaf is published again, changed or not; zero never does.
    pub republish_every: Duration,
    /// How long the broker waits for the session to come back before it publishes `offline`; whole seconds.
    pub will_delay: Duration,
    /// Time between two pings, whole seconds, held within 2 s and 18 h. A broker that does not answer one within half
    /// of it has gone.
    pub keep_alive: Duration,
    /// TLS from [`tls_config`]; none speaks plainly.
    pub tls: Option<Arc<ClientConfig>>,
    /// Who is asked before each connection where the broker is and who may use it; without, it is as above.
    pub known_by: Option<Arc<dyn KnowsBroker>>,
    /// What happens to inverters; each session publishes what happens to its own.
    pub events: Events,
    /// Who takes commands; without, none are.
    pub commands: Option<Listening>,
    /// Who reads the notices of the trees; without, they are published all the same.
    pub audience: Option<Audience>,
    /// Where the session counts; sessions may share one.
    pub counters: Arc<MqttCounters>,
    /// Seeds the jitter of reconnects.
    pub seed: u64,
}

/// Where a broker is, and who may use it.
#[derive(Clone, Debug)]
pub struct Access {
    /// As [`SessionSettings::host`].
    pub host: String,
    /// As [`SessionSettings::port`].
    pub port: u16,
    /// As [`SessionSettings::username`].
    pub username: String,
    /// As [`SessionSettings::password`].
    pub password: SecretString,
    /// As [`SessionSettings::tls`].
    pub tls: Option<Arc<ClientConfig>>,
}

/// Somebody who knows a broker that may come later, move, or take another password.
pub trait KnowsBroker: fmt::Debug + Send + Sync {
    /// What is known now, within seconds; or why nothing is, and what to do.
    fn access(&self) -> BoxFuture<'_, Result<Access, String>>;
}

impl SessionSettings {
    /// Takes over what is known of the broker now.
    fn use_access(&mut self, access: Access) {
        let Access { host, port, username, password, tls } = access;
        (self.host, self.port, self.username, self.password, self.tls) = (host, port, username, password, tls);
    }

    /// Settings for a broker, the rest as the program's defaults have it.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
            username: String::new(),
            password: SecretString::from(String::new()),
            root: "GivEnergy".to_owned(),
            retain: true,
            qos: Qos::AtMostOnce,
            republish_every: Duration::from_secs(300),
            will_delay: Duration::from_secs(30),
            keep_alive: Duration::from_secs(30),
            tls: None,
            known_by: None,
            events: Events::new(),
            commands: None,
            audience: None,
            counters: Arc::default(),
            seed: 0,
        }
    }
}

/// What sessions count, since the start of the program.
#[derive(Debug, Default)]
pub struct MqttCounters {
    published: AtomicU64,
    failed: AtomicU64,
    connects: AtomicU64,
    reconnects: AtomicU64,
    events_dropped: AtomicU64,
    contact: Mutex<Option<Contact>>,
}

/// How it stands with the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Host and port.
    pub broker: String,
    /// Whether there is a connection that it acknowledged.
    pub connected: bool,
    /// Since when.
    pub since: Instant,
}

impl MqttCounters {
    /// How it stands with the broker; `None` before a connection was tried.
    pub fn contact(&self) -> Option<Contact> {
        self.contact.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn contact_is(&self, broker: &Broker, connected: bool) {
        let broker = broker.address();
        let mut contact = self.contact.lock().unwrap_or_else(PoisonError::into_inner);
        if contact.as_ref().is_none_or(|known| (&known.broker, known.connected) != (&broker, connected)) {
            *contact = Some(Contact { broker, connected, since: Instant::now() });
        }
    }

    /// Publishes handed to the network.
    pub fn published(&self) -> u64 {
        self.published.load(Ordering::Relaxed)
    }

    /// Publishes that a breaking connection swallowed or the broker refused. Those swallowed are repeated on the next
    /// connection.
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// Connections that a broker acknowledged, first ones included.
    pub fn connects(&self) -> u64 {
        self.connects.load(Ordering::Relaxed)
    }

    /// Connections that a broker acknowledged after a session had lost one.
    pub fn reconnects(&self) -> u64 {
        self.reconnects.load(Ordering::Relaxed)
    }

    /// Events that no broker was told of: there was no connection, or more happened than it could take.
    pub fn events_dropped(&self) -> u64 {
        self.events_dropped.load(Ordering::Relaxed)
    }

    fn count_events_dropped(&self, events: u64) {
        self.events_dropped.fetch_add(events, Ordering::Relaxed);
    }

    fn count_published(&self, publishes: u64) {
        self.published.fetch_add(publishes, Ordering::Relaxed);
    }

    fn count_failed(&self, publishes: u64) {
        self.failed.fetch_add(publishes, Ordering::Relaxed);
    }

    fn count_connect(&self, again: bool) {
        self.connects.fetch_add(1, Ordering::Relaxed);
        self.reconnects.fetch_add(u64::from(again), Ordering::Relaxed);
    }
}

/// The broker as it stands in log lines and errors; without a host while it is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Broker {
    host: String,
    port: u16,
}

impl Broker {
    /// Host and port; empty while it is not known.
    fn address(&self) -> String {
        if self.host.is_empty() { String::new() } else { format!("{}:{}", self.host, self.port) }
    }
}

impl fmt::Display for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.is_empty() {
            return f.write_str("mqtt broker");
        }
        write!(f, "mqtt broker {}:{}", self.host, self.port)
    }
}
