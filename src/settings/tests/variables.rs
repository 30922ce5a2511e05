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
    insta::assert_snapshot!(shown(from_text(None, vars(&env))).join("\n"), @r"
    GIVTCP_INVERTERS: inverters[1]: must be a host name or an IP address, or one with a port (host:8899): (empty)
    GIVTCP_INVERTERS: inverters[3]: must be a port, 1 to 65535: a:b
    GIVTCP_MQTT__USERNAME: must be UTF-8 text
    GIVTCP_INVERTERS: inverters[2].host: must differ from the address of inverters[0]: 192.168.1.20:8899
    GIVTCP_POLL__EVERY: poll.every: must be at least 5s: 1s
    GIVTCP_MQTT__PORT: mqtt.port: must be a port, 1 to 65535: many
    ");
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
    insta::assert_snapshot!(load_with(ONE, &env).unwrap().warnings.join("\n"), @r"
    GIVTCP_INVERTER: is not a setting and has no effect (did you mean GIVTCP_INVERTERS?)
    GIVTCP_MQTT_HOST: is not a setting and has no effect (did you mean GIVTCP_MQTT__HOST?)
    GIVTCP_MQTT__HOTS: is not a setting and has no effect (did you mean GIVTCP_MQTT__HOST?)
    GIVTCP_NONSENSE: is not a setting and has no effect
    ");
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
    let Loaded { settings, warnings, .. } = from_text(None, vars(&env)).unwrap();
    assert_eq!(settings.mqtt.password.expose_secret(), "s3cret");
    insta::assert_snapshot!(describe(&settings), @r"
    data_dir: /config/GivTCP
    timezone: Europe/London
    inverters[0].name: Garage
    inverters[0].host: 192.168.1.20
    inverters[0].port: 8899
    inverters[0].transport: dongle
    inverters[0].role: auto
    inverters[0].prefix: (GivTCP, GivTCP2, ... by its place)
    inverters[0].serial: (whichever is there)
    inverters[0].locks.backend: (as locks.backend)
    inverters[0].control.export_floor: (as control.export_floor)
    inverters[0].control.on_stop: (as control.on_stop)
    inverters[0].control.stop_timeout: (as control.stop_timeout)
    inverters[1].name: (its address)
    inverters[1].host: 192.168.1.22
    inverters[1].port: 8899
    inverters[1].transport: dongle
    inverters[1].role: auto
    inverters[1].prefix: (GivTCP, GivTCP2, ... by its place)
    inverters[1].serial: (whichever is there)
    inverters[1].locks.backend: (as locks.backend)
    inverters[1].control.export_floor: (as control.export_floor)
    inverters[1].control.on_stop: (as control.on_stop)
    inverters[1].control.stop_timeout: (as control.stop_timeout)
    poll.every: 20s
    poll.settings_every: 2m
    link.gap: 250ms
    link.jitter: 100ms
    link.timeout: 2s
    link.connect_timeout: 5s
    link.backoff_max: 1m
    mqtt.enabled: true
    mqtt.host: 127.0.0.1
    mqtt.port: 1884
    mqtt.username: me
    mqtt.password: (set)
    mqtt.root: Solar
    mqtt.raw: false
    mqtt.retain: false
    mqtt.qos: 0
    mqtt.republish_every: 5m
    mqtt.will_delay: 30s
    mqtt.tls.enabled: false
    mqtt.tls.ca_file: (not set)
    mqtt.tls.cert_file: (not set)
    mqtt.tls.key_file: (not set)
    homeassistant.entities: native
    homeassistant.prefix: homeassistant
    homeassistant.birth_topic: homeassistant/status
    homeassistant.currency: GBP
    rates.mode: clock
    rates.day.rate: 0.155
    rates.day.start: 05:30
    rates.night.rate: 0.055
    rates.night.start: 23:30
    rates.export_rate: 0.04
    smoothing: none
    locks.backend: auto
    locks.timeout: 30s
    locks.life: 30s
    locks.when_redis_is_down: wait
    redis.url: (not set)
    redis.ca_file: (not set)
    http.enabled: true
    http.listen: (127.0.0.1:8099; 0.0.0.0:8099 in a container)
    http.token: (not set)
    http.read: token
    http.per_inverter_ports: off
    http.hosts: (none)
    history.enabled: true
    history.days: 730
    influx.enabled: false
    influx.url: (not set)
    influx.token: (not set)
    influx.org: (not set)
    influx.bucket: (not set)
    influx.ca_file: (not set)
    control.enabled: true
    control.mqtt: true
    control.dry_run: false
    control.clock_sync.enabled: true
    control.clock_sync.threshold: 1m
    control.daily_writes: 300
    control.export_floor: reserve
    control.on_stop: auto
    control.stop_timeout: 20s
    log.level: warn
    log.format: text
    log.serials: false
    log.repeats: false
    ");
    insta::assert_snapshot!(warnings.join("\n"), @r"
    MQTT_OUTPUT: is now mqtt.enabled in the settings file, or GIVTCP_MQTT__ENABLED
    MQTT_ADDRESS: is now mqtt.host in the settings file, or GIVTCP_MQTT__HOST
    MQTT_ADDRESS: GivTCP started a broker of its own for 127.0.0.1, which this program does not
    MQTT_PORT: is now mqtt.port in the settings file, or GIVTCP_MQTT__PORT
    MQTT_USERNAME: is now mqtt.username in the settings file, or GIVTCP_MQTT__USERNAME
    MQTT_PASSWORD: is now mqtt.password in the settings file, or GIVTCP_MQTT__PASSWORD
    MQTT_TOPIC: is now mqtt.root in the settings file, or GIVTCP_MQTT__ROOT
    MQTT_RETAIN: is now mqtt.retain in the settings file, or GIVTCP_MQTT__RETAIN
    PRINT_RAW: is now mqtt.raw in the settings file, or GIVTCP_MQTT__RAW
    LOG_LEVEL: is now log.level in the settings file, or GIVTCP_LOG__LEVEL
    SELF_RUN_LOOP_TIMER: is now poll.every in the settings file, or GIVTCP_POLL__EVERY
    SELF_RUN_LOOP_TIMER_FULL: is now poll.settings_every in the settings file, or GIVTCP_POLL__SETTINGS_EVERY
    DAYRATE: is now rates.day.rate in the settings file, or GIVTCP_RATES__DAY__RATE
    NIGHTRATE: is now rates.night.rate in the settings file, or GIVTCP_RATES__NIGHT__RATE
    CACHELOCATION: is now data_dir in the settings file, or GIVTCP_DATA_DIR
    INVERTOR_IP_1, INVERTOR_NAME_1, invertorIP_3: now in the list of inverters in the settings file, or GIVTCP_INVERTERS
    NUMINVERTORS: no effect: every INVERTOR_IP_n that is set is polled
    HA_AUTO_D: no effect: homeassistant.entities says what Home Assistant is told; givtcp keeps GivTCP's ids, with inverters[].prefix
    NUMBATTERIES_1: no effect: models and batteries are detected
    SELF_RUN: no effect: polling always runs
    PALM_WINTER: no effect: this version does not plan charge targets
    ");
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
    let Loaded { settings, warnings, .. } = load_with(&text, &env).unwrap();
    assert_eq!(settings.timezone.as_deref(), Some("Europe/Paris"));
    assert_eq!(settings.inverters.len(), 1);
    assert_eq!(settings.inverters[0].host, "192.168.1.21");
    let overrides: Vec<&String> = warnings.iter().filter(|line| !line.contains("now")).collect();
    insta::assert_debug_snapshot!(overrides, @r#"
    [
        "MQTT_ADDRESS: overrides mqtt.host of givtcp.yaml:2:15",
        "MQTT_PASSWORD: overrides mqtt.password of GIVTCP_MQTT__PASSWORD",
        "INVERTOR_IP_1: replaces the list of inverters of givtcp.yaml:1:12",
    ]
    "#);
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
        ("MQTT_PASSWORD", "caf\u{fffd}"),
    ];
    insta::assert_snapshot!(shown(from_text(None, vars(&env))).join("\n"), @r"
    MQTT_PASSWORD: mqtt.password: must be UTF-8 text
    SELF_RUN_LOOP_TIMER_FULL: poll.settings_every: must be a whole number of seconds: 5m
    INVERTOR_IP_2: inverters[1].host: must be a host name or an IP address: not an address
    SELF_RUN_LOOP_TIMER: poll.every: must be at least 5s: 3s
    MQTT_TOPIC: mqtt.root: must have no empty level: no / at its ends, no // (did you mean Solar?): /Solar
    LOG_LEVEL: log.level: must be one of trace, debug, info, warn, error, off, or a list such as info,givtcp::link=debug: chatty
    ");
}

#[test]
fn a_zone_that_only_the_system_understands_is_left_to_it() {
    let env = [("TZ", ":/etc/localtime"), ("GIVTCP_INVERTERS", "a")];
    assert_eq!(from_text(None, vars(&env)).unwrap().settings.timezone, None);
}
