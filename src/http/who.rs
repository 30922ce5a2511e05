//! Who may do what: pure, from what is known of a request before anything of it is done.
//!
//! Trusted are programs of this machine, and where Home Assistant's Supervisor runs this program its ingress and its
//! other apps. All others need the token to command, and to read too unless the settings let anyone read. What a browser
//! was led to send from a foreign page is refused whoever it comes from; docs/security.md says why.

use std::net::{IpAddr, Ipv4Addr};

use axum::http::{HeaderMap, Method, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use crate::settings::Readers;

mod host;
#[cfg(test)]
mod tests;

use host::{Authority, is_ours};

/// The Supervisor's ingress, which has checked who its user is.
const INGRESS: Ipv4Addr = Ipv4Addr::new(172, 30, 32, 2);
/// Home Assistant's apps: 172.30.33.0/24.
const APPS: [u8; 3] = [172, 30, 33];
/// Headers by which a proxy says that it passes a request on, beside all that begin with `x-forwarded`.
const FORWARDED: [&str; 7] =
    ["forwarded", "via", "x-real-ip", "x-client-ip", "x-original-host", "cf-connecting-ip", "true-client-ip"];

/// Whom this program lets in.
#[derive(Clone, Debug)]
pub struct Rules {
    /// What must be known by those who are not trusted; `None` lets nobody of them command.
    pub token: Option<SecretString>,
    /// Who may read.
    pub readers: Readers,
    /// Names under which this program is reached, beside those that no foreign page can have.
    pub hosts: Vec<String>,
    /// Whether Home Assistant's Supervisor runs this program, so that its addresses are Home Assistant's.
    pub supervised: bool,
}

/// What is let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Whether the request bears the token, which no page of others can make a browser send with a body of its own.
    pub bears_token: bool,
    /// Whether it may do more than read, whatever its method is.
    pub commands: bool,
}

/// Why a request is not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// 400.
    #[error("must name one host, in one Host header")]
    NoHost,
    /// 403.
    #[error("this program is not known under that name: list it in http.hosts if it is its own")]
    UnknownHost,
    /// 403.
    #[error("a page of another site must not ask this program: Origin is foreign")]
    ForeignOrigin,
    /// 403.
    #[error("a page of another site must not ask this program: Sec-Fetch-Site is cross-site")]
    CrossSite,
    /// 401.
    #[error("needs the token of http.token, as a bearer token or as the password of Basic authentication")]
    NoToken,
    /// 401.
    #[error("the token is not that of http.token")]
    WrongToken,
    /// 403.
    #[error("commands from other machines and through proxies are refused until http.token is set")]
    NoTokenSet,
    /// 403.
    #[error("nothing is told to other machines and through proxies until http.token is set, or http.read is anyone")]
    NothingTold,
    /// 415.
    #[error("must be JSON and say so: Content-Type: application/json")]
    NotJson,
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Trusted,
    /// The Supervisor's ingress, whose headers about its user and its address are believed.
    Ingress,
    Other,
}

/// Whether a request from `peer` may do what it asks for. `authority` is that of its target, where it names one.
///
/// # Errors
/// Why not.
pub fn access(
    rules: &Rules,
    peer: IpAddr,
    method: &Method,
    authority: Option<&str>,
    headers: &HeaderMap,
) -> Result<Access, Denied> {
    let from = From::of(rules, peer, headers);
    let host = only_host(authority, headers)?;
    // By ingress people come under whatever name Home Assistant has, and only with a session of its own.
    if from != From::Ingress && !is_ours(host.name, &rules.hosts) {
        return Err(Denied::UnknownHost);
    }
    refuse_other_sites(from, &host, headers)?;
    let token = given_token(headers);
    let bears_token = token.as_deref().is_some_and(|token| rules.is_token(token));
    if bears_token || from != From::Other {
        return Ok(Access { bears_token, commands: true });
    }
    let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    if reads && rules.readers == Readers::Anyone {
        return Ok(Access { bears_token, commands: false });
    }
    Err(match (&rules.token, token) {
        (None, _) if reads => Denied::NothingTold,
        (None, _) => Denied::NoTokenSet,
        (Some(_), None) => Denied::NoToken,
        (Some(_), Some(_)) => Denied::WrongToken,
    })
}

/// Whether the body of a command may be read: a form of another site's page can send anything but JSON unasked.
///
/// # Errors
/// [`Denied::NotJson`].
pub fn body(access: Access, headers: &HeaderMap) -> Result<(), Denied> {
    if access.bears_token {
        return Ok(());
    }
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(only), None) = (types.next(), types.next()) else { return Err(Denied::NotJson) };
    let essence = only.to_str().ok().and_then(|text| text.split(';').next()).unwrap_or_default();
    if essence.trim().eq_ignore_ascii_case("application/json") { Ok(()) } else { Err(Denied::NotJson) }
}

fn refuse_other_sites(from: From, host: &Authority<'_>, headers: &HeaderMap) -> Result<(), Denied> {
    if headers.get_all("sec-fetch-site").iter().any(|site| site.as_bytes() == b"cross-site") {
        return Err(Denied::CrossSite);
    }
    for origin in headers.get_all(header::ORIGIN) {
        let origin = origin.to_str().ok().and_then(Authority::of_origin).ok_or(Denied::ForeignOrigin)?;
        let told_by_ingress = || {
            let there = headers.get("x-forwarded-host").and_then(|value| value.to_str().ok())?;
            Authority::parse(there.split(',').next()?.trim())
        };
        let same = origin.is_same(host)
            || (from == From::Ingress && told_by_ingress().is_some_and(|there| origin.is_same(&there)));
        if !same {
            return Err(Denied::ForeignOrigin);
        }
    }
    Ok(())
}

fn only_host<'a>(authority: Option<&'a str>, headers: &'a HeaderMap) -> Result<Authority<'a>, Denied> {
    let mut named = headers.get_all(header::HOST).iter();
    let (first, second) = (named.next(), named.next());
    let host = match (first, second) {
        (Some(host), None) => host.to_str().ok().and_then(Authority::parse).ok_or(Denied::NoHost)?,
        _ => return Err(Denied::NoHost),
    };
    match authority.map(|target| Authority::parse(target).ok_or(Denied::NoHost)).transpose()? {
        Some(target) if !target.is_same(&host) => Err(Denied::NoHost),
        _ => Ok(host),
    }
}

/// What is given as the token, by whichever of both ways.
fn given_token(headers: &HeaderMap) -> Option<String> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(only), None) = (given.next(), given.next()) else { return None };
    let (scheme, rest) = only.to_str().ok()?.trim().split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
    pair.split_once(':').map(|(_, password)| password.to_owned())
}

// === impl Rules ===

impl Rules {
    /// Takes as long for a wrong token as for the right one, its length aside.
    fn is_token(&self, given: &str) -> bool {
        let Some(token) = &self.token else { return false };
        let token = token.expose_secret();
        !token.is_empty() && bool::from(token.as_bytes().ct_eq(given.as_bytes()))
    }
}

// === impl From ===

impl From {
    fn of(rules: &Rules, peer: IpAddr, headers: &HeaderMap) -> Self {
        let peer = peer.to_canonical();
        if rules.supervised && peer == IpAddr::V4(INGRESS) {
            return Self::Ingress;
        }
        let is_forwarded = headers.keys().any(|name| {
            let name = name.as_str();
            name.starts_with("x-forwarded") || FORWARDED.contains(&name)
        });
        let is_app = |address: IpAddr| matches!(address, IpAddr::V4(v4) if v4.octets().starts_with(&APPS));
        if !is_forwarded && (peer.is_loopback() || (rules.supervised && is_app(peer))) {
            return Self::Trusted;
        }
        Self::Other
    }
}

// === impl Denied ===

impl Denied {
    /// The answer's status.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::NoHost => StatusCode::BAD_REQUEST,
            Self::NoToken | Self::WrongToken => StatusCode::UNAUTHORIZED,
            Self::UnknownHost | Self::ForeignOrigin | Self::CrossSite | Self::NoTokenSet | Self::NothingTold => {
                StatusCode::FORBIDDEN
            }
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }

    /// A word for programs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoHost => "no_host",
            Self::UnknownHost => "unknown_host",
            Self::ForeignOrigin => "foreign_origin",
            Self::CrossSite => "cross_site",
            Self::NoToken => "no_token",
            Self::WrongToken => "wrong_token",
            Self::NoTokenSet => "no_token_set",
            Self::NothingTold => "nothing_told",
            Self::NotJson => "not_json",
        }
    }
}
