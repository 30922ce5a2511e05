use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::ExposeSecret;

use super::*;

mod bad_files;
mod homeassistant;
mod never_panics;
mod options;
mod rates;
mod variables;

const EXAMPLE: &str = include_str!("../../config/givtcp.yaml");
const ONE: &str = "inverters: [{ host: 192.168.1.20 }]\n";

fn no_env() -> std::iter::Empty<(String, String)> {
    std::iter::empty()
}

fn vars(pairs: &[(&str, &str)]) -> impl Iterator<Item = (String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>().into_iter()
}

/// Loads `text` as the file `givtcp.yaml` with variables.
fn load_with(text: &str, env: &[(&str, &str)]) -> Result<Loaded, Vec<Fault>> {
    from_text(Some((text, "givtcp.yaml")), vars(env))
}

/// The settings of `text` beside one inverter.
fn good(text: &str) -> Settings {
    load_with(&format!("{ONE}{text}"), &[]).unwrap().settings
}

/// The faults as people read them.
fn shown(result: Result<Loaded, Vec<Fault>>) -> Vec<String> {
    result.unwrap_err().iter().map(ToString::to_string).collect()
}

/// The faults of `text` beside one inverter, which stands in line 1.
fn faults(text: &str) -> Vec<String> {
    shown(load_with(&format!("{ONE}{text}"), &[]))
}

#[test]
fn the_example_file_holds_exactly_the_defaults() {
    let Loaded { settings, warnings, .. } = from_text(Some((EXAMPLE, "config/givtcp.yaml")), no_env()).unwrap();
    let inverter = InverterSettings::at("192.168.1.20", None, Transport::Dongle);
    assert_eq!(settings.origins["poll.every"].to_string().split(':').next(), Some("config/givtcp.yaml"));
    let settings = Settings { origins: BTreeMap::new(), ..settings };
    let defaults = Settings { inverters: vec![inverter], ..Settings::default() };
    assert_eq!(format!("{settings:?}"), format!("{defaults:?}"));
    assert_eq!(describe(&settings), describe(&defaults));
    assert_eq!(settings.mqtt.password.expose_secret(), "");
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn every_key_stands_in_the_example_file_and_in_the_description() {
    let known: BTreeSet<String> = keys::KEYS.iter().map(|key| key.path.to_owned()).collect();
    // There are no periods by default.
    let example = EXAMPLE.replace("periods: []", "periods: [{ name: peak, rate: 0.5, start: '16:00' }]");
    let described: BTreeSet<String> = {
        let settings = from_text(Some((&example, "x")), no_env()).unwrap().settings;
        describe(&settings).lines().map(|line| line.split(": ").next().unwrap().replace("[0]", "[]")).collect()
    };
    assert_eq!(described, known);
    assert_eq!(leaves(&marked::parse(&example).unwrap().unwrap(), ""), known);
}

fn leaves(node: &marked::Node, path: &str) -> BTreeSet<String> {
    match &node.kind {
        marked::Kind::Table(entries) => entries
            .iter()
            .flat_map(|(name, _, node)| {
                leaves(node, &if path.is_empty() { name.clone() } else { format!("{path}.{name}") })
            })
            .collect(),
        marked::Kind::List(items) => items.iter().flat_map(|node| leaves(node, &format!("{path}[]"))).collect(),
        _ => BTreeSet::from([path.to_owned()]),
    }
}

/// Each key is given a value that is either wrong, and so a fault of that key, or shown in the description.
#[test]
fn every_key_is_read_from_the_file_and_from_its_variable() {
    let before = describe(&good(""));
    for key in keys::scalars() {
        for text in ["odd", "true", "false"] {
            let changed = |result: Result<Loaded, Vec<Fault>>| match result {
                Ok(loaded) => describe(&loaded.settings) != before,
                Err(faults) => faults.iter().any(|fault| fault.key == key.path || fault.want.contains(key.path)),
            };
            let nested =
                key.path.split('.').rev().fold(text.to_owned(), |inner, name| format!("{{ {name}: {inner} }}"));
            let file = format!("{}, {}", ONE.trim().replace("inverters", "{ inverters"), &nested[1..]);
            let by_file = changed(load_with(&file, &[]));
            let by_variable = changed(load_with(ONE, &[(&keys::variable(key.path), text)]));
            // A switch that may be a number has words of its own for off.
            let off = key.path == "http.per_inverter_ports" && text == "false";
            let is_default = !by_file && (off || before.contains(&format!("{}: {text}\n", key.path)));
            assert!(by_file || is_default, "{} in {file}", key.path);
            assert_eq!(by_file, by_variable, "{}", key.path);
        }
    }
}

#[test]
fn settings_of_http_are_read_and_wrong_ones_told_with_their_places() {
    let settings = good(
        "http: { listen: '0.0.0.0:80', token: 0123456789abcdef, read: anyone, per_inverter_ports: on, hosts: 'a.example, b.example' }\n",
    )
    .http;
    assert_eq!((settings.listen.as_deref(), settings.read), (Some("0.0.0.0:80"), Readers::Anyone));
    assert_eq!((settings.token.expose_secret(), settings.per_inverter_ports), ("0123456789abcdef", Some(6345)));
    assert_eq!(settings.hosts, ["a.example", "b.example"]);
    assert_eq!(good("http: { per_inverter_ports: off }\n").http.per_inverter_ports, None);
    let wrong = "http:\n  token: short\n  read: everybody\n  per_inverter_ports: many\n  hosts: 'a, http://b'\n";
    insta::assert_snapshot!(faults(wrong).join("\n"), @r"
        givtcp.yaml:3:10: http.token: must be at least 16 letters, digits and signs without spaces: (hidden)
        givtcp.yaml:4:9: http.read: must be one of token, anyone: everybody
        givtcp.yaml:5:23: http.per_inverter_ports: must be off, on (from port 6345), or the first of the ports, 1 to 65535: many
        givtcp.yaml:6:10: http.hosts: must be a host name or an IP address without a scheme (did you mean b?): a, http://b
        ");
    let taken =
        ["http: { listen: '127.0.0.1:6345', per_inverter_ports: 6345 }\n", "http: { per_inverter_ports: 8099 }\n"];
    insta::assert_snapshot!(taken.map(|text| faults(text).join(" ")).join("\n"), @r"
        givtcp.yaml:2:55: http.per_inverter_ports: must leave out port 6345, which is that of http.listen: 6345 to 6345
        givtcp.yaml:2:29: http.per_inverter_ports: must leave out port 8099, which is that of http.listen: 8099 to 8099
        ");
    let two = "inverters: [{ host: a }, { host: b }]\nhttp: { per_inverter_ports: 65535 }\n";
    insta::assert_snapshot!(shown(load_with(two, &[])).join("\n"), @"givtcp.yaml:2:29: http.per_inverter_ports: must leave a port for each of 2 inverters: 65535");
}

#[test]
fn values_in_the_file_override_the_defaults() {
    let settings = good(
        "data_dir: /data\ntimezone: Europe/London\npoll: { every: 5s, settings_every: 24h }\n\
         link: { gap: 0ms, jitter: 0s, timeout: 100ms, connect_timeout: 1m, backoff_max: 1h }\n\
         mqtt: { enabled: no, host: '::1', username: me, root: a/b, raw: false, retain: False, qos: 2, will_delay: 0s }\n\
         log: { level: 'Info,givtcp::link=debug' }\n",
    );
    assert_eq!(settings.data_dir, PathBuf::from("/data"));
    assert_eq!(settings.timezone.as_deref(), Some("Europe/London"));
    assert_eq!(
        settings.poll,
        PollSettings { every: Duration::from_secs(5), settings_every: Duration::from_secs(86400) }
    );
    assert_eq!(settings.link.gap, Duration::ZERO);
    assert_eq!(settings.link.timeout, Duration::from_millis(100));
    assert_eq!((settings.mqtt.host.as_str(), settings.mqtt.root.as_str()), ("::1", "a/b"));
    assert_eq!((settings.mqtt.enabled, settings.mqtt.raw, settings.mqtt.retain), (false, false, false));
    assert_eq!(settings.mqtt.qos, Qos::ExactlyOnce);
    assert_eq!(settings.log.level, "info,givtcp::link=debug");
}

#[test]
fn ports_follow_from_what_is_spoken() {
    let text = "inverters:\n  - host: a\n  - { host: b, transport: modbus-tcp }\n  - { host: c, transport: rtu-over-tcp }\n\
                \x20 - { host: a, port: 8900, name: Garage }\nmqtt: { tls: { enabled: true } }\n";
    let settings = load_with(text, &[]).unwrap().settings;
    let ports: Vec<u16> = settings.inverters.iter().map(|inverter| inverter.port).collect();
    assert_eq!(ports, [8899, 502, 502, 8900]);
    assert_eq!(settings.inverters[3].name.as_deref(), Some("Garage"));
    assert_eq!(settings.mqtt.port, 8883);
    assert_eq!(good("mqtt: { port: 1884, tls: { enabled: true } }").mqtt.port, 1884);
}

#[test]
fn json_is_read_as_well_also_when_tabs_indent_it() {
    let text =
        "{\n\t\"inverters\": [{\"host\": \"192.168.1.20\", \"port\": 8900}],\n\t\"mqtt\": {\"retain\": false}\n}";
    let settings = from_text(Some((text, "givtcp.json")), no_env()).unwrap().settings;
    assert_eq!(settings.inverters[0].port, 8900);
    assert!(!settings.mqtt.retain);
}

#[test]
fn an_unquoted_password_keeps_every_character() {
    for password in ["0123", "1e3", "0x1F", "no", "1_000", "+5", "12:30", "'null'", "\"~\"", "1.50"] {
        let settings = good(&format!("mqtt: {{ password: {password} }}"));
        assert_eq!(settings.mqtt.password.expose_secret(), password.trim_matches(['\'', '"']));
        let variable = load_with(ONE, &[("GIVTCP_MQTT__PASSWORD", password)]).unwrap().settings;
        assert_eq!(variable.mqtt.password.expose_secret(), password);
    }
}

#[test]
fn nothing_that_is_shown_holds_a_secret() {
    let text = format!("{ONE}mqtt: {{ username: me, password: s3cret }}\nredis: {{ url: 'redis://:s3cret@host' }}\n");
    let loaded = load_with(&text, &[("MQTT_PASSWORD", "s3cret2")]).unwrap();
    assert_eq!(loaded.settings.mqtt.password.expose_secret(), "s3cret2");
    let described = describe(&loaded.settings);
    assert!(described.contains("mqtt.password: (set)\n") && described.contains("redis.url: (set)\n"));
    assert!(!format!("{loaded:?}{described}").contains("s3cret"));
    let wrong = "mqtt: { password: \"s3cret\\n\", passwort: s3cret, host: 'mqtt://me:s3cret@broker' }\n\
                 redis: { url: 'http://:s3cret@host' }\n";
    let all = faults(wrong);
    assert_eq!(all.len(), 4, "{all:?}");
    assert!(!all.join("\n").contains("s3cret"), "{all:?}");
}

#[test]
fn each_inverter_may_have_an_end_of_its_overrides_of_its_own() {
    let text = "inverters:\n  - { host: a, control: { export_floor: reserve, on_stop: undo } }\n  \
                - { host: b, control: { export_floor: 30, stop_timeout: 1m } }\n  - host: c\n\
                control: { export_floor: 20 }\n";
    let settings = load_with(text, &[]).unwrap().settings;
    let own: Vec<_> = settings.inverters.iter().map(|inverter| inverter.control).collect();
    assert_eq!((own[0].export_floor, own[0].on_stop, own[0].stop_timeout), (Some(None), Some(OnStop::Undo), None));
    assert_eq!((own[1].export_floor, own[1].stop_timeout), (Some(Some(30)), Some(Duration::from_secs(60))));
    assert_eq!(own[2], OwnControl::default());
    let text = describe(&settings);
    assert!(text.contains("\ninverters[0].control.export_floor: reserve\n"), "{text}");
    assert!(text.contains("\ninverters[2].control.export_floor: (as control.export_floor)\n"), "{text}");
    let wrong =
        "inverters: [{ host: a, control: { export_floor: 3, on_stop: stop, stop_timeout: 1h, enabled: false } }]\n";
    let faults = shown(load_with(wrong, &[]));
    for key in
        ["export_floor: must be reserve", "on_stop: must be one of auto", "stop_timeout: must be", "enabled: is not"]
    {
        let fault = format!(": inverters[0].control.{key}");
        assert!(faults.iter().any(|line| line.contains(&fault)), "{key}: {faults:#?}");
    }
    assert_eq!(faults.len(), 4, "{faults:#?}");
}

#[test]
fn each_inverter_may_say_where_its_locks_are_kept() {
    let text = "inverters:\n  - { host: a, locks: { backend: file } }\n  - { host: b, locks: ~ }\n  - host: c\n\
                locks: { backend: local, life: 5m, when_redis_is_down: local, timeout: 1s }\n";
    let settings = load_with(text, &[]).unwrap().settings;
    let backends = settings.inverters.iter().map(|inverter| inverter.lock_backend);
    assert_eq!(backends.collect::<Vec<_>>(), [Some(LockBackend::File), None, None]);
    let locks = LocksSettings {
        backend: LockBackend::Local,
        timeout: Duration::from_secs(1),
        life: Duration::from_secs(300),
        when_redis_is_down: WhenRedisIsDown::Local,
    };
    assert_eq!(settings.locks, locks);
    assert!(describe(&settings).contains("\ninverters[0].locks.backend: file\n"));
}

#[test]
fn wrong_settings_of_locks_are_told_with_their_places() {
    let text = "inverters:\n  - host: a\n    locks: { backend: files, timeout: 1s }\n  - { host: b, locks: file }\n  \
                - { host: c, locks.backend: file, locks: { backend: file, backend: local } }\n\
                locks: { life: 1s, when_redis_is_down: go_on }\n";
    insta::assert_snapshot!(shown(load_with(text, &[])).join("\n"), @r"
    givtcp.yaml:3:23: inverters[0].locks.backend: must be one of auto, local, file, redis (did you mean file?): files
    givtcp.yaml:3:30: inverters[0].locks.timeout: is not a setting (did you mean link.timeout?)
    givtcp.yaml:4:23: inverters[1].locks: must be names and values, not one value
    givtcp.yaml:5:16: inverters[2].locks.backend: is not a setting: names stand below each other, without dots or brackets
    givtcp.yaml:5:61: inverters[2].locks.backend: stands a second time, first in line 5
    givtcp.yaml:6:16: locks.life: must be at least 2s: 1s
    givtcp.yaml:6:40: locks.when_redis_is_down: must be one of wait, local: go_on
    ");
}

#[test]
fn locks_in_redis_want_its_address() {
    for text in ["locks: { backend: redis }\n", "locks: { backend: redis }\nredis: { url: '' }\n"] {
        let want = "redis.url: must be set, as redis://host:6379, since locks are to be kept in Redis";
        assert_eq!(faults(text), [format!("givtcp.yaml:2:19: {want}")]);
    }
    let one = "inverters: [{ host: a, locks: { backend: redis } }]\n";
    assert_eq!(shown(load_with(one, &[])).len(), 1);
    assert!(load_with(one, &[("GIVTCP_REDIS__URL", "redis://host")]).is_ok());
    assert_eq!(faults("locks: { backend: redis }\nredis: { url: 'http://host' }\n").len(), 1);
}

#[test]
fn givtcps_switch_of_the_new_locks_chooses_where_they_are_kept() {
    let redis = format!("{ONE}redis: {{ url: 'redis://host' }}\n");
    for (value, backend) in [("false", LockBackend::File), ("true", LockBackend::Auto), ("False", LockBackend::File)] {
        let Loaded { settings, warnings, .. } = load_with(&redis, &[("USE_NEW_LOCKS", value)]).unwrap();
        assert_eq!(settings.locks.backend, backend);
        let note = "USE_NEW_LOCKS: is now locks.backend in the settings file, or GIVTCP_LOCKS__BACKEND";
        assert_eq!(warnings.first().map(String::as_str), Some(note));
    }
    let wrong = shown(load_with(&redis, &[("USE_NEW_LOCKS", "maybe")]));
    assert_eq!(wrong, ["USE_NEW_LOCKS: locks.backend: must be true or false: maybe"]);
}

#[test]
fn files_for_tls_without_tls_are_a_warning() {
    let warnings = load_with(&format!("{ONE}mqtt: {{ tls: {{ ca_file: /ca.pem }} }}"), &[]).unwrap().warnings;
    assert_eq!(warnings, ["mqtt.tls: files are named, but mqtt.tls.enabled is false, so nothing is encrypted"]);
    let with = |url: &str| {
        let text = format!("{ONE}redis: {{ url: '{url}', ca_file: /ca.pem }}");
        load_with(&text, &[("GIVTCP_REDIS__CA_FILE", "/other.pem")]).unwrap()
    };
    let Loaded { settings, warnings, .. } = with("rediss://host");
    assert_eq!((settings.redis.ca_file, warnings.len()), (Some("/other.pem".into()), 0));
    let warnings = with("redis://host").warnings;
    assert_eq!(warnings, ["redis.ca_file: is set, but redis.url is not rediss://, so nothing is encrypted"]);
}

#[test]
fn the_users_settings_file_comes_before_the_machines() {
    let paths = |env: &'static [(&str, &str)]| {
        default_paths(move |name| env.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    };
    let etc = PathBuf::from("/etc/givtcp/givtcp.yaml");
    assert_eq!(paths(&[]), std::slice::from_ref(&etc));
    assert_eq!(paths(&[("HOME", "/home/a")]), [PathBuf::from("/home/a/.config/givtcp/givtcp.yaml"), etc.clone()]);
    let xdg = paths(&[("HOME", "/home/a"), ("XDG_CONFIG_HOME", "/x")]);
    assert_eq!(xdg, [PathBuf::from("/x/givtcp/givtcp.yaml"), etc.clone()]);
    assert_eq!(paths(&[("XDG_CONFIG_HOME", "x")]), [etc]);
}

#[test]
fn an_ordinary_users_data_lie_in_the_state_directory() {
    let home = |name: &str| (name == "HOME").then(|| "/home/a".to_owned());
    let none = |_: &str| None;
    let own = PathBuf::from("/home/a/.local/state/givtcp");
    assert_eq!(data_dir_for(None, home, |_| true), Path::new(DATA_DIR));
    assert_eq!(data_dir_for(None, home, |_| false), own);
    assert_eq!(data_dir_for(Some(DATA_DIR.into()), home, |_| false), own);
    assert_eq!(data_dir_for(Some("/data".into()), home, |_| false), Path::new("/data"));
    assert_eq!(data_dir_for(None, none, |_| false), Path::new(DATA_DIR));
    let xdg = |name: &str| (name == "XDG_STATE_HOME").then(|| "/state".to_owned());
    assert_eq!(data_dir_for(None, xdg, |_| false), Path::new("/state/givtcp"));
}

#[test]
fn durations_are_shown_as_they_are_written() {
    for text in ["0s", "1ms", "250ms", "1500ms", "15s", "90s", "1m", "5m", "1h", "36h"] {
        let duration = scalar::duration(text, &(Duration::ZERO..=Duration::MAX)).unwrap();
        assert_eq!(scalar::show_duration(duration), text);
    }
}
