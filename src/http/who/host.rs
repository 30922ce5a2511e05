//! Names of hosts, as requests and pages bear them.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Endings that no name on the internet has.
const LOCAL: [&str; 5] = [".localhost", ".local", ".lan", ".home.arpa", ".internal"];

/// `name:port`, from a Host header, a request's target or an Origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Authority<'a> {
    /// The name or address, an IPv6 address with its brackets.
    pub name: &'a str,
    /// Where it is given.
    pub port: Option<u16>,
}

impl<'a> Authority<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let after_address = text.starts_with('[').then(|| text.find(']')).flatten().map_or(0, |end| end + 1);
        let (name, port) = match text.get(after_address..)?.find(':') {
            Some(colon) => {
                let (name, port) = text.split_at_checked(after_address + colon)?;
                (name, Some(port.get(1..)?.parse().ok()?))
            }
            None => (text, None),
        };
        let is_clean = |c: char| c.is_ascii_alphanumeric() || "-_.[]:".contains(c);
        (!name.is_empty() && name.chars().all(is_clean)).then_some(Self { name, port })
    }

    /// The host of an Origin; `null` has none. A port that goes without saying is none.
    pub(super) fn of_origin(origin: &'a str) -> Option<Self> {
        let (scheme, rest) = origin.split_once("://")?;
        let usual = match scheme {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        let found = Self::parse(rest)?;
        Some(Self { port: found.port.filter(|&port| port != usual), ..found })
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        // A Host header of a page without a port may yet say the usual one.
        let port = |authority: &Self| authority.port.filter(|&port| port != 80 && port != 443);
        self.name.eq_ignore_ascii_case(other.name) && port(self) == port(other)
    }
}

/// Whether a name can be this program's: an address, a name that only the local network gives, or one of the settings'.
/// A page of the internet can have a name lead here and then ask under it, but only under a name of the internet.
pub(super) fn is_ours(name: &str, hosts: &[String]) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let in_brackets = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_address = name.parse::<Ipv4Addr>().is_ok() || in_brackets.is_some_and(|v6| v6.parse::<Ipv6Addr>().is_ok());
    let lower = name.to_ascii_lowercase();
    let is_local = !lower.is_empty() && !lower.contains(['.', '[', ':', ']'])
        || LOCAL.iter().any(|end| lower.len() > end.len() && lower.ends_with(end));
    // A name of digits alone would be read as an address by some.
    let is_number = lower.chars().all(|c| c.is_ascii_digit());
    is_address || (is_local && !is_number) || hosts.iter().any(|host| host.eq_ignore_ascii_case(name))
}
