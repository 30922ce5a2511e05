//! From a value's text to its type: pure, and every refusal says what is wanted.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use jiff::civil::Time;
use secrecy::SecretString;
use tracing_subscriber::EnvFilter;

use super::fault::Want;
use super::keys;
use super::types::HttpSettings;
use crate::frame::Serial;

/// The longest text that any setting takes, in bytes.
const LONGEST: usize = 1024;

/// A duration's units, the largest first, with their length in milliseconds.
const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// Names of the log's levels.
const LEVELS: [&str; 6] = ["trace", "debug", "info", "warn", "error", "off"];

/// A duration within `range`, as `15s`.
pub(super) fn duration(text: &str, range: &RangeInclusive<Duration>) -> Result<Duration, Want> {
    let found = parse_duration(text).ok_or_else(|| not_a_duration(text, range))?;
    if found < *range.start() {
        return Err(format!("must be at least {}", show_duration(*range.start())).into());
    }
    if found > *range.end() {
        return Err(format!("must be at most {}", show_duration(*range.end())).into());
    }
    Ok(found)
}

/// Suggests the unit that brings a bare number within `range`.
fn not_a_duration(text: &str, range: &RangeInclusive<Duration>) -> Want {
    let want = Want::from("must be a whole number with its unit, such as 250ms, 15s, 5m or 1h");
    let with = |unit: &str| Some(format!("{text}{unit}")).filter(|text| parse_duration(text).is_some());
    let fits = |text: &String| parse_duration(text).is_some_and(|found| range.contains(&found));
    let meant = ["s", "ms", "m"].iter().filter_map(|unit| with(unit)).find(fits).or_else(|| with("s"));
    match meant {
        Some(meant) => want.suggesting(meant),
        None => want,
    }
}

fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at_checked(text.find(|c: char| !c.is_ascii_digit())?)?;
    let (_, milliseconds) = UNITS.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*milliseconds).map(Duration::from_millis)
}

/// `duration` as the settings write it, to the millisecond: `90s`, `5m`.
pub(super) fn show_duration(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    let fits = |(_, length): &&(&str, u64)| milliseconds.is_multiple_of(u128::from(*length));
    match UNITS.iter().find(fits) {
        Some((unit, length)) if milliseconds > 0 => format!("{}{unit}", milliseconds / u128::from(*length)),
        _ => "0s".into(),
    }
}

/// `true` or `false`; `yes`, `no`, `on` and `off` are taken too.
pub(super) fn boolean(text: &str) -> Result<bool, Want> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Ok(true),
        "false" | "no" | "off" => Ok(false),
        _ => Err("must be true or false".into()),
    }
}

/// A TCP port.
pub(super) fn port(text: &str) -> Result<u16, Want> {
    text.parse().ok().filter(|port| *port > 0).ok_or_else(|| "must be a port, 1 to 65535".into())
}

/// How many registers may be written a day.
pub(super) fn daily_writes(text: &str) -> Result<u32, Want> {
    let found = text.parse().ok().filter(|writes| (1..=10_000).contains(writes));
    found.ok_or_else(|| "must be a whole number of registers a day, 1 to 10000".into())
}

/// For how many days history is kept.
pub(super) fn history_days(text: &str) -> Result<u16, Want> {
    let found = text.parse().ok().filter(|days| (40..=3650).contains(days));
    found.ok_or_else(|| "must be a whole number of days, 40 to 3650".into())
}

/// Where a force export stops.
pub(super) fn export_floor(text: &str) -> Result<Option<u8>, Want> {
    if text == "reserve" {
        return Ok(None);
    }
    let found = text.parse().ok().filter(|floor| (4..=99).contains(floor));
    found.map(Some).ok_or_else(|| "must be reserve, or a whole number of per cent, 4 to 99".into())
}

/// Money per kWh.
pub(super) fn rate(text: &str) -> Result<f64, Want> {
    let found = text.parse::<f64>().ok().filter(|rate| rate.is_finite() && rate.abs() <= 1000.0);
    found.ok_or_else(|| {
        let want = Want::from("must be the price of a kWh as a number, such as 0.155");
        match text.trim_start_matches(|c: char| !c.is_ascii_digit() && c != '-').replacen(',', ".", 1) {
            meant if meant != text && meant.parse::<f64>().is_ok() => want.suggesting(meant),
            _ => want,
        }
    })
}

/// A time of day, as `05:30`.
pub(super) fn time_of_day(text: &str) -> Result<Time, Want> {
    let number = |text: &str| (1..=2).contains(&text.len()).then(|| text.parse::<i8>().ok()).flatten();
    let parts = text.split_once(':').and_then(|(hour, minute)| Some((number(hour)?, number(minute)?)));
    let time = parts.and_then(|(hour, minute)| Time::new(hour, minute, 0, 0).ok());
    time.ok_or_else(|| "must be a time of day, 00:00 to 23:59, such as 05:30".into())
}

/// A time of day as the settings write it.
pub(super) fn show_time(time: Time) -> String {
    format!("{:02}:{:02}", time.hour(), time.minute())
}

/// A name that can stand in a topic.
pub(super) fn topic_name(text: &str) -> Result<String, Want> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if (1..=32).contains(&text.len()) && text.chars().all(fits) {
        return Ok(text.to_owned());
    }
    let want = Want::from("must be 1 to 32 letters, digits, - and _");
    let meant: String = text.trim().chars().map(|c| if c == ' ' { '_' } else { c }).collect();
    Err(if meant != text && topic_name(&meant).is_ok() { want.suggesting(meant) } else { want })
}

/// One of `names`.
pub(super) fn one_of<T: Copy>(text: &str, names: &[(&'static str, T)]) -> Result<T, Want> {
    let known = || names.iter().map(|(name, _)| *name);
    names.iter().find(|(name, _)| *name == text).map(|(_, value)| *value).ok_or_else(|| {
        let list: Vec<&str> = known().collect();
        Want {
            suggestion: keys::nearest(text, known()).map(str::to_owned),
            ..format!("must be one of {}", list.join(", ")).into()
        }
    })
}

/// Any text on one line.
pub(super) fn line(text: &str) -> Result<String, Want> {
    if text.len() > LONGEST {
        return Err(format!("must be at most {LONGEST} bytes long").into());
    }
    if text.contains(|c: char| c.is_control() || turns_text_around(c)) {
        return Err("must be one line without control characters".into());
    }
    Ok(text.to_owned())
}

/// Characters by which text is shown in another order than it is written.
pub const fn turns_text_around(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Any text on one line, but some.
pub(super) fn filled_line(text: &str) -> Result<String, Want> {
    if text.trim().is_empty() {
        return Err("must not be empty".into());
    }
    line(text)
}

/// A secret on one line.
pub(super) fn secret(text: &str) -> Result<SecretString, Want> {
    line(text).map(SecretString::from)
}

/// A file's or directory's path.
pub(super) fn path(text: &str) -> Result<PathBuf, Want> {
    let text = filled_line(text)?;
    if text.starts_with('~') {
        return Err("must be a path without ~, which only a shell replaces".into());
    }
    Ok(PathBuf::from(text))
}

/// A host name or an IP address, without a port.
pub(super) fn host(text: &str) -> Result<String, Want> {
    let want = || Want { hide: text.contains('@'), ..Want::from("must be a host name or an IP address") };
    if let Some((_, rest)) = text.split_once("://") {
        let bare = rest.split(['/', ':']).next().unwrap_or_default();
        let want = Want { wanted: format!("{} without a scheme", want().wanted), ..want() };
        return Err(if is_host(bare) { want.suggesting(bare) } else { want });
    }
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    if bare.parse::<Ipv6Addr>().is_ok() || is_host(text) {
        return Ok(bare.to_owned());
    }
    match text.rsplit_once(':') {
        Some((bare, port)) if is_host(bare) && port.parse::<u16>().is_ok() => {
            let want = Want { wanted: format!("{}; the port is a setting of its own", want().wanted), ..want() };
            Err(want.suggesting(format!("{bare} with port {port}")))
        }
        _ => Err(want()),
    }
}

fn is_host(text: &str) -> bool {
    let looks_like_an_address = text.chars().all(|c| c.is_ascii_digit() || c == '.');
    if looks_like_an_address {
        return text.parse::<Ipv4Addr>().is_ok();
    }
    let label = |label: &str| {
        let inside = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        (1..=63).contains(&label.len()) && label.chars().all(inside) && !label.starts_with('-') && !label.ends_with('-')
    };
    text.len() <= 253 && text.strip_suffix('.').unwrap_or(text).split('.').all(label)
}

/// `host`, `host:port` or `[IPv6]:port`.
/// A serial number of an inverter, in any case.
pub(super) fn serial(text: &str) -> Result<Serial, Want> {
    let serial = text.trim().to_ascii_uppercase().parse::<Serial>().ok().filter(Serial::is_plausible);
    serial.ok_or_else(|| "must be an inverter's serial number, as SA2114G047".into())
}

pub(super) fn address(text: &str) -> Result<(String, Option<u16>), Want> {
    if let Ok(bare) = host(text) {
        return Ok((bare, None));
    }
    match text.rsplit_once(':') {
        Some((bare, number)) if !bare.contains(':') || bare.ends_with(']') => Ok((host(bare)?, Some(port(number)?))),
        _ => Err("must be a host name or an IP address, or one with a port (host:8899)".into()),
    }
}

/// `address:port` to listen on.
pub(super) fn listen(text: &str) -> Result<String, Want> {
    let named = || text.rsplit_once(':').is_some_and(|(name, port)| is_host(name) && port.parse::<u16>().is_ok());
    if text.parse::<SocketAddr>().is_ok() || named() {
        return Ok(text.to_owned());
    }
    let want = Want::from("must be an address with a port, such as 127.0.0.1:8099 or 0.0.0.0:8099");
    Err(match (text.parse::<IpAddr>(), text.trim_start_matches(':').parse::<u16>()) {
        (Ok(address), _) => want.suggesting(SocketAddr::new(address, 8099).to_string()),
        (_, Ok(port)) => want.suggesting(format!("127.0.0.1:{port}")),
        _ => want,
    })
}

/// What others must send to command, or nothing.
pub(super) fn token(text: &str) -> Result<SecretString, Want> {
    let shortest = HttpSettings::SHORTEST_TOKEN;
    if !text.is_empty() && (text.len() < shortest || !text.bytes().all(|byte| byte.is_ascii_graphic())) {
        return Err(format!("must be at least {shortest} letters, digits and signs without spaces").into());
    }
    secret(text)
}

/// The first of the ports of single inverters, if there are to be any.
pub(super) fn first_port(text: &str) -> Result<Option<u16>, Want> {
    match boolean(text) {
        Ok(true) => Ok(Some(HttpSettings::FIRST_INVERTER_PORT)),
        Ok(false) => Ok(None),
        Err(_) => port(text).map(Some).map_err(|_| {
            let first = HttpSettings::FIRST_INVERTER_PORT;
            Want::from(format!("must be off, on (from port {first}), or the first of the ports, 1 to 65535"))
        }),
    }
}

/// Names of hosts with commas between them.
pub(super) fn hosts(text: &str) -> Result<Vec<String>, Want> {
    text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(host).collect()
}

/// The first levels of a topic.
pub(super) fn topic_root(text: &str) -> Result<String, Want> {
    let root = filled_line(text)?;
    if root.contains(['+', '#']) {
        return Err("must have no wildcard (+ or #)".into());
    }
    if root.starts_with('$') {
        return Err("must not begin with $, which is the broker's own".into());
    }
    if root.split('/').any(str::is_empty) {
        let levels: Vec<&str> = root.split('/').filter(|level| !level.is_empty()).collect();
        let want = Want::from("must have no empty level: no / at its ends, no //");
        return Err(if levels.is_empty() { want } else { want.suggesting(levels.join("/")) });
    }
    if root.len() > 200 {
        return Err("must be at most 200 bytes long".into());
    }
    Ok(root)
}

/// What ids begin with.
pub(super) fn id_prefix(text: &str) -> Result<String, Want> {
    let is_fine = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if text.is_empty() || text.len() > 32 || !text.chars().all(is_fine) {
        return Err("must be 1 to 32 letters (a to z), digits and _".into());
    }
    Ok(text.to_owned())
}

/// A currency by its code.
pub(super) fn currency(text: &str) -> Result<String, Want> {
    let code = text.trim().to_ascii_uppercase();
    if code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err("must be a currency's three letters, as GBP or EUR".into());
    }
    Ok(code)
}

/// A level, or a list of levels and targets.
pub(super) fn log_level(text: &str) -> Result<String, Want> {
    let want =
        || Want::from(format!("must be one of {}, or a list such as info,givtcp::link=debug", LEVELS.join(", ")));
    let text = line(text)?.trim().to_ascii_lowercase();
    if text.contains('[') {
        return Err(want());
    }
    let unknown = text.split(',').map(str::trim).find(|part| !part.contains('=') && !LEVELS.contains(part));
    if let Some(part) = unknown {
        return Err(Want { suggestion: keys::nearest(part, LEVELS.into_iter()).map(str::to_owned), ..want() });
    }
    EnvFilter::builder().parse(&text).map(|_| text.clone()).map_err(|_| want())
}

/// The IANA name of a time zone, if this machine knows any.
pub(super) fn timezone(text: &str) -> Result<String, Want> {
    let zones = jiff::tz::db();
    if zones.get(text).is_ok() || (zones.is_definitively_empty() && is_zone_name(text)) {
        return Ok(text.to_owned());
    }
    Err("must be the IANA name of a time zone, such as Europe/London".into())
}

fn is_zone_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+'))
}

/// Where an HTTP server is, or nothing. Names and passwords have no place there.
pub(super) fn http_url(text: &str) -> Result<String, Want> {
    let is_good = |rest: &str| {
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        !host.is_empty() && !host.contains('@') && !path.contains(['?', '#'])
    };
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let is_plain = text.chars().all(|c| c.is_ascii_graphic());
    if text.is_empty() || rest.is_some_and(is_good) && is_plain {
        return Ok(text.to_owned());
    }
    let want = "must be http:// or https:// and a host, as http://192.168.1.5:8086";
    // A password may stand before it.
    Err(Want { hide: text.contains('@'), ..Want::from(want) })
}

/// A secret of one line that can stand in a header.
pub(super) fn secret_line(text: &str) -> Result<SecretString, Want> {
    if text.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
        return secret(text);
    }
    Err("must be of plain characters".into())
}

/// Redis's address, or nothing.
pub(super) fn redis_url(text: &str) -> Result<SecretString, Want> {
    let known = ["redis://", "rediss://", "unix://"];
    if text.is_empty() || known.iter().any(|scheme| text.len() > scheme.len() && text.starts_with(scheme)) {
        return secret(text);
    }
    Err(format!("must be empty or begin with one of {}", known.join(", ")).into())
}
