//! What the log of this process may tell of a house: hosts and secrets of all settings that were in force in it, also of
//! those that are no more.

use std::sync::{Mutex, PoisonError};

use secrecy::{ExposeSecret, SecretString};

use super::aliases::Aliases;
use crate::settings::{Settings, hosts, secrets};

/// So many of each are remembered, the newest.
const MOST: usize = 200;

static KNOWN: Mutex<Known> = Mutex::new(Known { hosts: Vec::new(), secrets: Vec::new() });

struct Known {
    hosts: Vec<String>,
    secrets: Vec<SecretString>,
}

/// Remembers what these settings, which are in force, have of that.
pub fn remember(settings: &Settings) {
    add(hosts(settings), secrets(settings).into_iter().map(SecretString::from));
}

/// The same of a broker that others tell.
pub fn remember_broker(host: &str, password: &SecretString) {
    add([host.to_owned()], [password.clone()]);
}

fn add(hosts: impl IntoIterator<Item = String>, secrets: impl IntoIterator<Item = SecretString>) {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    for host in hosts {
        if !known.hosts.contains(&host) {
            known.hosts.push(host);
        }
    }
    for secret in secrets {
        if !known.secrets.iter().any(|known| known.expose_secret() == secret.expose_secret()) {
            known.secrets.push(secret);
        }
    }
    let (hosts, secrets) = (known.hosts.len().saturating_sub(MOST), known.secrets.len().saturating_sub(MOST));
    known.hosts.drain(..hosts);
    known.secrets.drain(..secrets);
}

/// Other names for what these settings have, and for what is remembered.
pub(super) fn aliases(settings: &Settings) -> Aliases {
    let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let earlier = known.secrets.iter().map(|secret| secret.expose_secret().to_owned());
    let mut aliases = Aliases::with_secrets(secrets(settings).into_iter().chain(earlier));
    for host in hosts(settings).iter().chain(&known.hosts) {
        aliases.host(host);
    }
    aliases
}
