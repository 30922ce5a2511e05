//! One write to an InfluxDB, and what its answer means.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::http::uri::{Scheme, Uri};
use rustls::ClientConfig;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::http::client::{self, Authorization, Endpoint};
use crate::mqtt::{TlsError, tls_config, tls_trusting};

/// No more of what a server says is shown, characters.
const SHOWN: usize = 200;

/// Where it is written, and what for.
#[derive(Clone, Debug)]
pub struct Target {
    endpoint: Endpoint,
    path: String,
    token: SecretString,
}

/// Why there can be none.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The address is none.
    #[error("influx.url must be http:// or https:// and a host, as http://192.168.1.5:8086: {0}")]
    Url(String),
    /// Its certificate could not be checked.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Why a write was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    /// It is not there, or cannot do it now.
    #[error("{0}; what is read is kept, 32 MiB at most, and sent when it is back")]
    Away(String),
    /// It wants to be left alone for so long.
    #[error("{0}; what is read is kept, 32 MiB at most, and sent in {seconds}s, as it asks", seconds = .1.as_secs())]
    Busy(String, Duration),
    /// It does not know who asks.
    #[error(
        "it does not take the token, check influx.token and that it may write to the bucket{0}; what is read is kept"
    )]
    Token(String),
    /// It has no such place.
    #[error("it has no such organisation or bucket, check influx.org and influx.bucket{0}; what is read is kept")]
    Place(String),
    /// It does not take what was sent, and never will.
    #[error("it does not take a line, which is dropped{0}")]
    Data(String),
    /// It does not take so much at a time.
    #[error("what is sent is too long for it, be it a single line; what is read is kept")]
    TooLong,
}

impl Target {
    /// The server at `url`, with what is between its host and `/api` kept. Reads the file of certificates.
    ///
    /// # Errors
    /// [`TargetError`].
    pub fn new(
        url: &str,
        org: &str,
        bucket: &str,
        token: SecretString,
        ca_file: Option<&Path>,
    ) -> Result<Self, TargetError> {
        let wrong = || TargetError::Url(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let (Some(scheme), Some(host)) = (uri.scheme(), uri.host()) else { return Err(wrong()) };
        let is_encrypted = *scheme == Scheme::HTTPS;
        let authority = uri.authority().map(axum::http::uri::Authority::as_str).unwrap_or_default();
        if !is_encrypted && *scheme != Scheme::HTTP || uri.query().is_some() || authority.contains('@') {
            return Err(wrong());
        }
        let tls: Option<Arc<ClientConfig>> = match (is_encrypted, ca_file) {
            (false, _) => None,
            (true, Some(file)) => Some(tls_trusting("influx.ca_file", file)?),
            (true, None) => Some(tls_config(None, None, None)?),
        };
        let port = uri.port_u16().unwrap_or(if is_encrypted { 443 } else { 80 });
        let before = uri.path().trim_end_matches('/');
        let path = format!("{before}/api/v2/write?org={}&bucket={}&precision=s", encoded(org), encoded(bucket));
        // An address of IPv6 has brackets in a URL.
        let host = host.trim_matches(['[', ']']).to_owned();
        Ok(Self { endpoint: Endpoint { host, port, tls }, path, token })
    }
}

/// `InfluxDB at 192.168.1.5:8086`.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InfluxDB at {}", self.endpoint)
    }
}

/// Writes lines, each with its end; waits at most `within`.
pub(super) async fn write(target: &Target, lines: String, within: Duration) -> Result<(), Refused> {
    let Target { endpoint, path, token } = target;
    let authorization = Authorization { scheme: "Token", secret: token };
    let reply = client::post(endpoint, path, authorization, "text/plain; charset=utf-8", lines, within).await;
    let reply = reply.map_err(|error| Refused::Away(error.to_string()))?;
    let said = said(&reply.body, token);
    Err(match reply.status.as_u16() {
        200..300 => return Ok(()),
        400 | 422 => Refused::Data(said),
        413 => Refused::TooLong,
        401 | 403 => Refused::Token(said),
        404 => Refused::Place(said),
        status => {
            let said = format!("it answers {status}{said}");
            match reply.retry_after {
                Some(rest) => Refused::Busy(said, rest),
                None => Refused::Away(said),
            }
        }
    })
}

/// What the server says, in one line; it may be anybody, who may say anything, also what it was told.
fn said(body: &[u8], token: &SecretString) -> String {
    #[derive(Deserialize)]
    struct Said {
        #[serde(alias = "error")]
        message: String,
    }
    let Ok(Said { message }) = serde_json::from_slice::<Said>(body) else { return String::new() };
    let hidden = message.replace(token.expose_secret(), "(token)");
    let shown: String = hidden.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if shown.trim().is_empty() { String::new() } else { format!(": {}", shown.trim()) }
}

/// As a part of a query.
fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Result<Target, TargetError> {
        Target::new(url, "my house", "givtcp/autogen", SecretString::from("t0ken"), None)
    }

    #[test]
    fn an_address_is_taken_apart_and_names_are_encoded() {
        let plain = target("http://192.168.1.5:8086").unwrap();
        assert_eq!(plain.to_string(), "InfluxDB at 192.168.1.5:8086");
        assert_eq!(plain.path, "/api/v2/write?org=my%20house&bucket=givtcp%2Fautogen&precision=s");
        let below = target("http://nas/influx/").unwrap();
        assert_eq!((below.endpoint.port, below.path.starts_with("/influx/api/v2/write?")), (80, true));
        assert_eq!(target("http://[::1]:8086").unwrap().endpoint.host, "::1");
        for wrong in ["192.168.1.5:8086", "ftp://nas", "http://", "/api", "http://me:secret@nas", "http://nas/?db=x"] {
            assert!(matches!(target(wrong), Err(TargetError::Url(_))), "{wrong}");
        }
    }

    #[test]
    fn what_a_server_says_is_one_short_line_without_the_token() {
        let token = SecretString::from("t0ken");
        let body = format!(r#"{{"code":"invalid","message":"not t0ken\n{}"}}"#, "x".repeat(500));
        let shown = said(body.as_bytes(), &token);
        assert!(shown.starts_with(": not (token) xxx") && shown.len() < 210, "{shown}");
        assert_eq!(said(b"<html>", &token), "");
    }
}
