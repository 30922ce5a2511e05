//! The layers of variables, and GivTCP's own names.

use super::*;

#[test]
fn later_layers_override_earlier_ones() {
    let text = format!("{ONE}mqtt: {{ host: file, port: 1, username: file }}\n");
    let env = [("GIVTCP_MQTT__HOST", "env"), ("GIVTCP_MQTT__PORT", "2"), ("MQTT_ADDRESS", "old")];
    let mqtt = load_with(&text, &env).unwrap().settings.mqtt;
    assert_eq!(
        (mqtt.host.as_str(), mqtt.port, mqtt.username.as_str(), mqtt.root.as_str()),
        ("old", 2, "file", "GivEnergy")
    );
}

#[test]
fn a_variable_mends_a_wrong_value_in_the_file() {
    let text = format!("{ONE}poll: {{ every: 1s }}\n");
    assert_eq!(load_with(&text, &[("GIVTCP_POLL__EVERY", "6s")]).unwrap().settings.poll.every, Duration::from_secs(6));
}

#[test]
fn inverters_come_from_one_variable() {
    let env = [("GIVTCP_INVERTERS", "192.168.1.20, dongle.lan:8900,[fe80::1]:502,fe80::2")];
    let inverters = from_text(None, vars(&env)).unwrap().settings.inverters;
    let addresses: Vec<(&str, u16)> =
        inverters.iter().map(|inverter| (inverter.host.as_str(), inverter.port)).collect();
    assert_eq!(addresses, [("192.168.1.20", 8899), ("dongle.lan", 8900), ("fe80::1", 502), ("fe80::2", 8899)]);
}

#[test]
fn faults_of_variables_name_the_variable() {
    let env = [
        ("GIVTCP_INVERTERS", "192.168.1.20,,192.168.1.20:8899,a:b"),
        ("GIVTCP_POLL__EVERY", "1s"),
        ("GIVTCP_MQTT__PORT", "many"),
        ("GIVTCP_MQTT__USERNAME", "caf\u{fffd}"),
        ("GIVTCP_MQTT__RAW", ""),
    ];
    insta::assert_snapshot!(shown(from_text(None, vars(&env))).join("\n"), @"");
}

#[test]
fn an_unknown_variable_is_a_warning_with_a_suggestion() {
    let env = [
        ("GIVTCP_MQTT__HOTS", "a"),
        ("GIVTCP_MQTT_HOST", "a"),
        ("GIVTCP_INVERTER", "a"),
        ("GIVTCP_NONSENSE", "a"),
        ("GIVTCP_CAPTURES", "/captures"),
        ("HOME", "/root"),
    ];
    insta::assert_snapshot!(load_with(ONE, &env).unwrap().warnings.join("\n"), @"");
}

#[test]
fn givtcps_names_are_taken_with_a_note_of_the_new_name() {
    let env = [
        ("NUMINVERTORS", "2"),
        ("INVERTOR_IP_1", "192.168.1.20"),
        ("INVERTOR_NAME_1", "Garage"),
        ("INVERTOR_IP_2", ""),
        ("invertorIP_3", "192.168.1.22"),
        ("NUMBATTERIES_1", "2"),
        ("MQTT_OUTPUT", "True"),
        ("MQTT_ADDRESS", "127.0.0.1"),
        ("MQTT_PORT", "1884"),
        ("MQTT_USERNAME", "me"),
        ("MQTT_PASSWORD", "s3cret"),
        ("MQTT_TOPIC", "Solar"),
        ("MQTT_RETAIN", "False"),
        ("PRINT_RAW", "false"),
        ("LOG_LEVEL", "Warning"),
        ("SELF_RUN", "True"),
        ("SELF_RUN_LOOP_TIMER", "20"),
        ("SELF_RUN_LOOP_TIMER_FULL", "120"),
        ("CACHELOCATION", "/config/GivTCP"),
        ("TZ", "Europe/London"),
        ("HA_AUTO_D", "True"),
        ("DAYRATE", "0.155"),
        ("NIGHTRATE", "0.055"),
        ("PALM_WINTER", "01,02"),
        ("PYTHONPATH", "/app"),
    ];
    let Loaded { settings, warnings } = from_text(None, vars(&env)).unwrap();
    assert_eq!(settings.mqtt.password.expose_secret(), "s3cret");
    insta::assert_snapshot!(describe(&settings), @"");
    insta::assert_snapshot!(warnings.join("\n"), @"");
}

#[test]
fn an_old_name_that_overrides_a_new_one_says_so() {
    let text = format!("{ONE}mqtt: {{ host: file, port: 1884, password: a }}\ntimezone: Europe/Paris\n");
    let env = [
        ("MQTT_ADDRESS", "old"),
        ("MQTT_PORT", "1884"),
        ("MQTT_PASSWORD", "b"),
        ("GIVTCP_MQTT__PASSWORD", "c"),
        ("INVERTOR_IP_1", "192.168.1.21"),
        ("TZ", "Europe/London"),
    ];
    let Loaded { settings, warnings } = load_with(&text, &env).unwrap();
    assert_eq!(settings.timezone.as_deref(), Some("Europe/Paris"));
    assert_eq!(settings.inverters.len(), 1);
    assert_eq!(settings.inverters[0].host, "192.168.1.21");
    let overrides: Vec<&String> = warnings.iter().filter(|line| !line.contains("now")).collect();
    insta::assert_debug_snapshot!(overrides, @"");
}

#[test]
fn wrong_values_of_old_names_are_faults_that_name_both() {
    let env = [
        ("INVERTOR_IP_1", "192.168.1.20"),
        ("INVERTOR_IP_2", "not an address"),
        ("SELF_RUN_LOOP_TIMER", "3"),
        ("SELF_RUN_LOOP_TIMER_FULL", "5m"),
        ("LOG_LEVEL", "chatty"),
        ("MQTT_TOPIC", "/Solar"),
    ];
    insta::assert_snapshot!(shown(from_text(None, vars(&env))).join("\n"), @"");
}

#[test]
fn a_zone_that_only_the_system_understands_is_left_to_it() {
    let env = [("TZ", ":/etc/localtime"), ("GIVTCP_INVERTERS", "a")];
    assert_eq!(from_text(None, vars(&env)).unwrap().settings.timezone, None);
}
