//! The options of an app of Home Assistant, over the settings file.

use super::*;

const FILE: &str =
    "inverters: [{ host: 192.168.1.20, name: mine }]\nmqtt: { root: Solar, host: mine }\nlog: { level: error }\n";

fn with_options(file: Option<&str>, options: &str) -> Result<Loaded, Vec<Fault>> {
    let text = Ok(options.to_owned());
    let options = Options { text, source: "/data/options.json".into(), data_dir: "/data".into() };
    from_text_below(file.map(|text| (text, "givtcp.yaml")), no_env(), Some(&options))
}

#[test]
fn options_win_over_the_file_and_what_they_leave_empty_stays() {
    let options = r#"{"inverters": [{"host": " 192.168.1.30 "}, {"host": "192.168.1.31", "port": 8898, "prefix": "House"}],
        "mqtt": {"host": "broker", "port": "1884", "username": "", "password": "geheim"}, "log_level": "debug",
        "token": "correct-horse-battery"}"#;
    let Loaded { settings, warnings, names_broker } = with_options(Some(FILE), options).unwrap();
    let hosts: Vec<_> = settings.inverters.iter().map(|each| (each.host.as_str(), each.port)).collect();
    assert_eq!(hosts, [("192.168.1.30", 8899), ("192.168.1.31", 8898)]);
    let mqtt = &settings.mqtt;
    assert_eq!((mqtt.host.as_str(), mqtt.port, mqtt.root.as_str()), ("broker", 1884, "Solar"));
    assert_eq!((mqtt.username.as_str(), mqtt.password.expose_secret()), ("", "geheim"));
    assert_eq!(settings.log.level, "debug");
    assert_eq!(settings.http.token.expose_secret(), "correct-horse-battery");
    assert_eq!(settings.data_dir, Path::new("/data"));
    assert_eq!((warnings, names_broker), (Vec::new(), true));
}

#[test]
fn empty_options_leave_the_file_in_force_and_the_broker_to_be_asked_for() {
    for options in [r#"{"inverters": [], "mqtt": {}}"#, "{}", r#"{"inverters": null, "mqtt": null, "token": null}"#] {
        let loaded = with_options(Some(ONE), options).unwrap();
        assert_eq!(loaded.settings.inverters.len(), 1);
        assert!(!loaded.names_broker);
    }
}

#[test]
fn what_is_wrong_in_an_option_is_named_with_what_is_wanted() {
    let options = r#"{"inverters": [{"port": 8899}, 7, {"host": "http://192.168.1.20", "port": 99999}],
        "mqtt": {"port": "many", "host": ["x"], "hots": "x"}, "log_level": "verbose", "token": "short", "colour": 1}"#;
    insta::assert_snapshot!(shown(with_options(Some("mqtt: { port: no }\n"), options)).join("\n"), @r"
    option inverters[1]: must hold an inverter's host, and its port and prefix where they are set
    option mqtt.host: must be one value
    option inverters[0]: inverters[0].host: must be the dongle's host name or IP address
    option inverters[2].host: inverters[2].host: must be a host name or an IP address without a scheme (did you mean 192.168.1.20?): http://192.168.1.20
    option inverters[2].port: inverters[2].port: must be a port, 1 to 65535: 99999
    option mqtt.port: mqtt.port: must be a port, 1 to 65535: many
    option token: http.token: must be at least 16 letters, digits and signs without spaces: (hidden)
    option log_level: log.level: must be one of trace, debug, info, warn, error, off, or a list such as info,givtcp::link=debug: verbose
    ");
    insta::assert_snapshot!(shown(with_options(Some(FILE), r#"{"inverters": "192.168.1.20", "mqtt": 7}"#)).join("\n"), @r"
    option inverters: must be a list of inverters, each with its host
    option mqtt: must hold host, port, username and password, as far as they are set
    ");
}

#[test]
fn an_option_that_is_none_and_a_data_directory_that_would_be_lost_are_warned_of() {
    let file = format!("{ONE}data_dir: /var/lib/givtcp\n");
    let warnings =
        with_options(Some(&file), r#"{"colour": 1, "inverters": [{"host": "a", "Host": "b"}]}"#).unwrap().warnings;
    insta::assert_snapshot!(warnings.join("\n"), @r"
    data_dir: has no effect here, since only /data is kept over a restart: givtcp.yaml:2:11
    option colour: is none of this version's, and has no effect
    option inverters[0].Host: is none of this version's, and has no effect
    ");
}

#[test]
fn options_that_cannot_be_read_are_one_fault() {
    for text in ["", "[]", "{\"token\": \"geheim", "7"] {
        let faults = shown(with_options(Some(ONE), text));
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].starts_with("/data/options.json: ") && !faults[0].contains("geheim"), "{faults:?}");
    }
}
