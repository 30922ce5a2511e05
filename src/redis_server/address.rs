use std::path::PathBuf;
use std::sync::Arc;

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use secrecy::{ExposeSecret, SecretString};

use super::RedisServerError;
use crate::mqtt::{TlsError, tls_config};

/// Where the server is and who asks it.
pub(super) struct Address {
    /// As people read it: without user and password.
    pub(super) place: String,
    pub(super) target: Target,
    /// User, password, database.
    pub(super) login: RedisConnectionInfo,
}

/// What is connected to.
pub(super) enum Target {
    Tcp { host: String, port: u16 },
    Tls { host: String, port: u16, name: ServerName<'static>, config: Arc<ClientConfig> },
    Unix(PathBuf),
}

impl Address {
    pub(super) fn parse(url: &SecretString, tls: Option<Arc<ClientConfig>>) -> Result<Self, RedisServerError> {
        let url = url.expose_secret().trim();
        let wrong = |why: &str| RedisServerError::Address(why.to_owned());
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("it has no scheme"))?;
        if !["redis", "rediss", "unix"].contains(&scheme) {
            return Err(wrong("the scheme is another"));
        }
        if rest.contains('#') {
            return Err(wrong("nothing may follow a #"));
        }
        // The crate is built without its own TLS, and so does not take its scheme.
        let plain = if scheme == "rediss" { format!("redis://{rest}") } else { url.to_owned() };
        // Its error may repeat what was in the address, the password too.
        let info: ConnectionInfo = plain.into_connection_info().map_err(|_| {
            wrong("host, port or database cannot be understood; special characters in a password are written as %40")
        })?;
        let login = info.redis_settings().clone();
        let (place, target) = match info.addr() {
            ConnectionAddr::Tcp(host, port) => {
                let (host, port) = (host.clone(), *port);
                let shown = if host.contains(':') { format!("[{host}]") } else { host.clone() };
                let place = format!("{scheme}://{shown}:{port}");
                match scheme {
                    "rediss" => (place, Target::tls(host, port, tls)?),
                    _ => (place, Target::Tcp { host, port }),
                }
            }
            ConnectionAddr::Unix(path) => (format!("unix://{}", path.display()), Target::Unix(path.clone())),
            _ => return Err(wrong("the scheme is another")),
        };
        Ok(Self { place, target, login })
    }
}

impl Target {
    fn tls(host: String, port: u16, config: Option<Arc<ClientConfig>>) -> Result<Self, RedisServerError> {
        let name = ServerName::try_from(host.clone())
            .map_err(|_| RedisServerError::Address("no certificate can be for this host".to_owned()))?;
        let config = match config {
            Some(config) => config,
            None => tls_config(None, None, None).map_err(|error| match error {
                TlsError::NoSystemRoots(why) => RedisServerError::Tls(why),
                error => RedisServerError::Tls(error.to_string()),
            })?,
        };
        Ok(Self::Tls { host, port, name, config })
    }
}
