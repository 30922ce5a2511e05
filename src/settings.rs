//! Typed settings, put together from layers; every fault at once, each with its place.
//!
//! From the lowest layer to the highest, each overriding those before it:
//!
//! 1. the defaults (`config/givtcp.yaml` shows them all);
//! 2. the settings file, YAML or JSON;
//! 3. `GIVTCP_…` variables: `GIVTCP_MQTT__HOST` for `mqtt.host`, `GIVTCP_INVERTERS=host,host:port` for the inverters;
//! 4. GivTCP's own names (`INVERTOR_IP_1`, `MQTT_ADDRESS`, …), each with a note of its new name, and a warning where
//!    it overrides another value. Only `TZ`, which is not GivTCP's alone, stays below all others;
//! 5. where Home Assistant's Supervisor runs the program, the [`Options`] that its users see.
//!
//! An unknown name in a file is a fault, an unknown `GIVTCP_…` variable a warning. Values are taken as they are
//! written: an unquoted `password: 0123` keeps its zero. This room reads the settings file and nothing else; variables
//! are passed in.

mod env;
mod fault;
mod file;
mod in_force;
mod keys;
mod layer;
mod marked;
mod old;
mod options;
mod places;
mod scalar;
mod types;
mod view;
mod walk;

#[cfg(test)]
mod tests;

pub use fault::{Fault, Origin};
pub use in_force::{InForce, ShownFault, ShownSetting};
pub use options::Options;
pub use places::{DATA_DIR, data_dir_for, default_paths};
pub use scalar::turns_text_around;
pub use types::{
    ControlSettings, Entities, HistorySettings, HomeAssistantSettings, HttpSettings, InfluxSettings, InverterSettings,
    LinkSettings, LockBackend, LocksSettings, LogFormat, LogSettings, MqttSettings, OnStop, OwnControl, PeriodSettings,
    PollSettings, Qos, RateSettings, RatesMode, RatesSettings, Readers, RedisSettings, Role, Settings, Smoothing,
    SupervisorSettings, TlsSettings, Transport, WhenRedisIsDown,
};
pub use view::{describe, hosts, secrets};

/// A whole number with its unit, such as `90s`, within `range`. The error says what is wanted.
pub fn parse_duration(text: &str, range: RangeInclusive<Duration>) -> Result<Duration, String> {
    scalar::duration(text, &range).map_err(in_words)
}

/// A host name or an IP address, without scheme and port, as the settings take it. The error says what is wanted.
pub fn parse_host(text: &str) -> Result<String, String> {
    scalar::host(text).map_err(in_words)
}

fn in_words(want: fault::Want) -> String {
    match want.suggestion {
        Some(suggestion) => format!("{}; did you mean {suggestion}?", want.wanted),
        None => want.wanted,
    }
}

/// A level of the log, or a list of them with modules, as the settings take it. The error says what is wanted.
pub fn parse_log_level(text: &str) -> Result<String, String> {
    scalar::log_level(text).map_err(in_words)
}

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::ExposeSecret;

/// Good settings, and what their user should know.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// One line each: variables that are no settings, GivTCP's names with their new ones, settings set in vain.
    pub warnings: Vec<String>,
    /// Whether a broker's address is among them, so that no other is to be looked for.
    pub names_broker: bool,
}

/// Puts the settings together from `file` and the environment.
///
/// # Errors
///
/// Every fault, in the order of the layers. A file that cannot be read or is no YAML is the only fault reported.
pub fn load(file: Option<&Path>, env: impl Iterator<Item = (String, String)>) -> Result<Loaded, Vec<Fault>> {
    load_below(file, env, None)
}

/// As [`load`], below the Supervisor's options, if that runs the program.
///
/// # Errors
///
/// As [`load`].
pub fn load_below(
    file: Option<&Path>,
    env: impl Iterator<Item = (String, String)>,
    options: Option<&Options>,
) -> Result<Loaded, Vec<Fault>> {
    let text = file.map(file::read).transpose()?;
    let source = file.map(|file| file.display().to_string());
    from_text_below(text.as_deref().zip(source.as_deref()), env, options)
}

/// The data directory that they name, whatever else may be wrong with them; `None` if nothing of them can be read.
pub fn data_dir(
    file: Option<&Path>,
    env: impl Iterator<Item = (String, String)>,
    options: Option<&Options>,
) -> Option<PathBuf> {
    let text = file.map(file::read).transpose().ok()?;
    let put = put_together(text.as_deref().map(|text| (text, "settings")), env, options).ok()?;
    Some(put.settings.data_dir)
}

/// What a file of this text would set by itself; `source` is what faults call it.
///
/// # Errors
///
/// As [`load`].
pub fn parse(text: &str, source: &str) -> Result<Loaded, Vec<Fault>> {
    from_text_below(Some((text, source)), std::iter::empty(), None)
}

/// Whether there is a setting of this name, `inverters[].host` for one of each inverter.
pub fn is_setting(path: &str) -> bool {
    keys::place(path) == keys::Place::Value
}

/// As [`load`], with the file's text and name.
#[cfg(test)]
fn from_text(file: Option<(&str, &str)>, env: impl Iterator<Item = (String, String)>) -> Result<Loaded, Vec<Fault>> {
    from_text_below(file, env, None)
}

/// As [`load_below`], with the file's text and name.
fn from_text_below(
    file: Option<(&str, &str)>,
    env: impl Iterator<Item = (String, String)>,
    options: Option<&Options>,
) -> Result<Loaded, Vec<Fault>> {
    let Put { settings, faults, mut warnings, names_broker } = put_together(file, env, options)?;
    if !faults.is_empty() {
        return Err(faults);
    }
    warnings.extend(in_vain(&settings));
    warnings.extend(settings.inverters.is_empty().then(|| NONE_NAMED.to_owned()));
    Ok(Loaded { settings, warnings, names_broker })
}

/// The layers put together, defaults where they are wrong.
struct Put {
    settings: Settings,
    faults: Vec<Fault>,
    warnings: Vec<String>,
    names_broker: bool,
}

fn put_together(
    file: Option<(&str, &str)>,
    env: impl Iterator<Item = (String, String)>,
    options: Option<&Options>,
) -> Result<Put, Vec<Fault>> {
    let env: BTreeMap<String, String> = env.collect();
    let mut origins = layer::Origins::new(Origin::of(file.map_or("settings", |(_, source)| source)));
    let (from_file, mut faults) =
        file.map(|(text, source)| file::layer(text, source, &mut origins)).unwrap_or_default();
    if faults.iter().any(|fault| fault.key.is_empty()) {
        return Err(faults);
    }
    let (from_env, env_faults, mut warnings) = env::layer(&env, &mut origins);
    let (from_old, old_faults, notes) = old::layer(&env, &[&from_file, &from_env], &mut origins);
    warnings.extend(notes);
    let lower = [&from_file, &from_env, &from_old];
    let read = options.map(|options| options::layer(options, &lower, &mut origins));
    let (from_options, option_faults, notes) = read.unwrap_or_default();
    warnings.extend(notes);
    let merged = layer::merge(vec![from_file, from_env, from_old, from_options])?;
    let (settings, walk_faults) = walk::settings(&merged, &origins);
    let names_broker = layer::find(&merged, "mqtt.host").is_some();
    faults.extend(env_faults.into_iter().chain(old_faults).chain(option_faults).chain(walk_faults));
    faults.sort_by_key(|fault| (fault.origin.line.unwrap_or(usize::MAX), fault.origin.column));
    Ok(Put { settings, faults, warnings, names_broker })
}

/// What is done where no inverter is named.
const NONE_NAMED: &str = "inverters: none is named, so that those are polled that are found in the local network; `givtcp discover` shows them";

/// A warning for each setting whose effect another one takes away.
fn in_vain(settings: &Settings) -> Vec<String> {
    let TlsSettings { enabled, ca_file, cert_file, .. } = &settings.mqtt.tls;
    let set_in_vain = !enabled && (ca_file.is_some() || cert_file.is_some());
    let mqtt =
        set_in_vain.then_some("mqtt.tls: files are named, but mqtt.tls.enabled is false, so nothing is encrypted");
    let RedisSettings { url, ca_file } = &settings.redis;
    let set_in_vain = ca_file.is_some() && !url.expose_secret().starts_with("rediss://");
    let redis = set_in_vain.then_some("redis.ca_file: is set, but redis.url is not rediss://, so nothing is encrypted");
    mqtt.into_iter().chain(redis).map(ToOwned::to_owned).collect()
}
