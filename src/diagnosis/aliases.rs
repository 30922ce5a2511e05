//! Other names for what tells a house apart, the same for the same thing wherever it stands.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use crate::frame::{Serial, replace_serials};

/// So many devices and addresses get a name of their own; more than a house has.
const MOST: u16 = 999;
/// A serial's length.
const LENGTH: usize = 10;
/// What stands for a secret.
const SECRET: &str = "(secret)";

/// Names that were given.
///
/// A serial keeps what tells its model and its week, and ends in a number of its own: `SA2114G123` becomes `SA2114G001`.
#[derive(Debug, Default)]
pub struct Aliases {
    /// By what follows a serial's first two characters, since some modules tell these elsewhere.
    serials: HashMap<[u8; 8], u16>,
    words: HashMap<String, u16>,
    secrets: Vec<String>,
}

impl Aliases {
    /// With texts that must not be seen at all. One of under four characters hides nothing and would be found everywhere.
    pub fn with_secrets(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut secrets: Vec<String> = secrets.into_iter().filter(|secret| secret.len() >= 4).collect();
        // One may be a part of another.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        Self { secrets, ..Self::default() }
    }

    /// Another serial for this one. That of a client, which is everybody's, stays, and so does none.
    pub fn serial(&mut self, serial: Serial) -> Serial {
        if serial == Serial::CLIENT || serial == Serial::BLANK {
            return serial;
        }
        let mut bytes = *serial.bytes();
        self.rename(&mut bytes);
        Serial::new(bytes)
    }

    /// Gives every serial in these bytes, at any place, its other name.
    pub fn bytes(&mut self, bytes: &mut [u8]) {
        let mut at = 0;
        while let Some(Ok(window)) = bytes.get(at..at + LENGTH).map(<[u8; LENGTH]>::try_from) {
            if Serial::new(window).is_plausible() {
                bytes[at..at + LENGTH].copy_from_slice(self.serial(Serial::new(window)).bytes());
                at += LENGTH;
            } else {
                at += 1;
            }
        }
    }

    /// Names a host of the settings from now on.
    pub fn host(&mut self, host: &str) {
        if !host.is_empty() && host.parse::<IpAddr>().is_err() && host != "localhost" {
            number(&mut self.words, host.to_owned());
        }
    }

    /// The text without secrets, with serials, addresses and hosts under their other names.
    pub fn text(&mut self, text: &str) -> String {
        let mut text = self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret, SECRET));
        text = self.serials_of(&text);
        let mut hosts: Vec<(String, u16)> = self
            .words
            .iter()
            .filter(|(word, _)| word.parse::<IpAddr>().is_err())
            .map(|(w, n)| (w.clone(), *n))
            .collect();
        hosts.sort_by_key(|(host, _)| std::cmp::Reverse(host.len()));
        for (host, number) in hosts {
            text = replace_words(&text, &host, &format!("host-{number}"));
        }
        self.addresses_of(&text)
    }

    fn serials_of(&mut self, text: &str) -> String {
        replace_serials(text, |word, serial| {
            let named = self.serial(serial).to_string();
            if word.bytes().any(|byte| byte.is_ascii_lowercase()) { named.to_lowercase() } else { named }
        })
    }

    /// Addresses, but for those that every machine has.
    fn addresses_of(&mut self, text: &str) -> String {
        let is_of_address = |c: char| c.is_ascii_hexdigit() || matches!(c, '.' | ':');
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while !rest.is_empty() {
            let others = rest.find(is_of_address).unwrap_or(rest.len());
            out.push_str(&rest[..others]);
            rest = &rest[others..];
            let end = rest.find(|c: char| !is_of_address(c)).unwrap_or(rest.len());
            out.push_str(&self.run(&rest[..end]));
            rest = &rest[end..];
        }
        out
    }

    /// A run of what may stand in an address.
    fn run(&mut self, run: &str) -> String {
        let core = run.trim_matches([':', '.']);
        // `::1` loses its colons above.
        let whole = [run, run.trim_end_matches([':', '.']), core];
        for candidate in whole {
            let found = candidate.parse::<IpAddr>().map(|ip| (ip, None));
            let found = found.or_else(|_| candidate.parse::<SocketAddr>().map(|at| (at.ip(), Some(at.port()))));
            if let Ok((ip, port)) = found {
                let named = self.address(ip) + &port.map(|port| format!(":{port}")).unwrap_or_default();
                return run.replacen(candidate, &named, 1);
            }
        }
        // `face:192.168.1.4` is a word and an address.
        match core.split_once(':') {
            Some((head, tail)) if tail.contains('.') => {
                let head_ends = run.len() - run.trim_start_matches([':', '.']).len() + head.len() + 1;
                let (head, tail) = run.split_at(head_ends);
                format!("{head}{}", self.run(tail))
            }
            _ => run.to_owned(),
        }
    }

    fn address(&mut self, ip: IpAddr) -> String {
        if ip.is_loopback() || ip.is_unspecified() {
            return ip.to_string();
        }
        format!("address-{}", number(&mut self.words, ip.to_string()))
    }

    fn rename(&mut self, bytes: &mut [u8; LENGTH]) {
        let Some(key) = bytes.last_chunk::<8>().copied() else { return };
        let number = number(&mut self.serials, key);
        bytes[LENGTH - 3..].copy_from_slice(format!("{number:03}").as_bytes());
    }
}

/// The number of a thing, from 1; all that come too late share the last.
fn number<K: std::hash::Hash + Eq>(known: &mut HashMap<K, u16>, key: K) -> u16 {
    let next = u16::try_from(known.len() + 1).unwrap_or(MOST).min(MOST);
    if known.len() >= usize::from(MOST) {
        known.get(&key).copied().unwrap_or(MOST)
    } else {
        *known.entry(key).or_insert(next)
    }
}

/// Replaces a word where no letter, digit or hyphen is at its sides.
fn replace_words(text: &str, word: &str, with: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let (mut out, mut from) = (String::with_capacity(text.len()), 0);
    while let Some(at) = text[from..].find(word).map(|at| at + from) {
        let end = at + word.len();
        let alone = !text[..at].ends_with(is_part) && !text[end..].starts_with(is_part);
        out.push_str(&text[from..at]);
        out.push_str(if alone { with } else { word });
        from = end;
    }
    out + &text[from..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_has_the_same_other_name_everywhere() {
        let mut aliases = Aliases::default();
        let serial: Serial = "SA2114G123".parse().unwrap();
        assert_eq!(aliases.serial(serial).to_string(), "SA2114G001");
        let text = "givtcp/SA2114G123/raw sa2114g123_soc, CE2212G777; EMS2522456 and XSA2114G123";
        let wants = "givtcp/SA2114G001/raw sa2114g001_soc, CE2212G002; EMS2522003 and XSA2114G123";
        assert_eq!(aliases.text(text), wants);
        let mut bytes = *b"\x01SA2114G123\0SA2114G12";
        aliases.bytes(&mut bytes);
        assert_eq!(&bytes, b"\x01SA2114G001\0SA2114G12");
        assert_eq!(aliases.serial(Serial::CLIENT), Serial::CLIENT);
    }

    #[test]
    fn addresses_and_hosts_get_other_names_and_times_do_not() {
        let mut aliases = Aliases::default();
        aliases.host("dongle.lan");
        aliases.host("192.168.1.20");
        let text = "12:30:45 dongle.lan:8899 at 192.168.1.20:8899, inverter_link:192.168.1.20:8899. fe80::1 [::1]:80 127.0.0.1:1 \
                    cafe:10.0.0.9 mydongle.lan 3.5.1 2026-11-29T02:00:00Z";
        let wants = "12:30:45 host-1:8899 at address-2:8899, inverter_link:address-2:8899. address-3 [::1]:80 127.0.0.1:1 \
                     cafe:address-4 mydongle.lan 3.5.1 2026-11-29T02:00:00Z";
        assert_eq!(aliases.text(text), wants);
    }

    #[test]
    fn secrets_are_gone_the_longer_first() {
        let secrets = ["hunter2", "hunter2-and-more", "abc"].map(str::to_owned);
        let mut aliases = Aliases::with_secrets(secrets);
        assert_eq!(aliases.text("a=hunter2-and-more b=hunter2 abc"), "a=(secret) b=(secret) abc");
    }

    #[test]
    fn more_devices_than_there_are_names_are_no_trouble() {
        let mut aliases = Aliases::default();
        for n in 0..2000u16 {
            let serial: Serial = format!("SA{:04}G{:03}", n / 1000, n % 1000).parse().unwrap();
            assert!(aliases.serial(serial).is_plausible());
        }
        assert_eq!(aliases.serials.len(), 999);
    }
}
