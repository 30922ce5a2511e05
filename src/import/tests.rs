use secrecy::ExposeSecret;
use serde_json::json;

use super::*;

/// Every key of version 3's `allsettings.json`.
const OF_VERSION_3: &str = "v3upgrade auto_scan invertorIP_1 invertorIP_2 invertorIP_3 invertorIP_4 invertorIP_5 \
    inverter_enable_1 inverter_enable_2 inverter_enable_3 inverter_enable_4 inverter_enable_5 \
    Model_1 Model_2 Model_3 Model_4 Model_5 inverter_battery_only_1 inverter_battery_only_2 inverter_battery_only_3 \
    inverter_battery_only_4 inverter_battery_only_5 serial_number_1 serial_number_2 serial_number_3 serial_number_4 \
    serial_number_5 inverterName_1 inverterName_2 inverterName_3 inverterName_4 inverterName_5 Host_IP MQTT_Output \
    MQTT_Address MQTT_Port MQTT_Username MQTT_Password MQTT_Retain MQTT_Topic cache_location TZ timezone Log_Level \
    Print_Raw_Registers self_run self_run_timer self_run_timer_full queue_retries data_smoother Influx_Output influxURL \
    influxToken influxBucket influxOrg HA_Auto_D PYTHONPATH dynamic_tariff day_rate night_rate export_rate day_rate_start \
    night_rate_start Web_Dash Web_Dash_Port Smart_Target GE_API SOLCASTAPI SOLCASTSITEID SOLCASTSITEID2 PALM_WINTER \
    PALM_SHOULDER PALM_MIN_SOC_TARGET PALM_MAX_SOC_TARGET PALM_BATT_RESERVE PALM_BATT_UTILISATION PALM_WEIGHT \
    LOAD_HIST_WEIGHT evc_enable evc_ip_address serial_number_evc evc_self_run_timer evc_import_max_current";

/// Every option of version 2's add-on.
const OF_VERSION_2: &str = "NUMINVERTORS INVERTOR_IP_1 INVERTOR_IP_2 INVERTOR_IP_3 INVERTOR_NAME_1 INVERTOR_NAME_2 \
    INVERTOR_NAME_3 NUMBATTERIES_1 NUMBATTERIES_2 NUMBATTERIES_3 INVERTOR_AIO_1 INVERTOR_AIO_2 INVERTOR_AIO_3 \
    INVERTOR_AC_1 INVERTOR_AC_2 INVERTOR_AC_3 HADEVICEPREFIX HADEVICEPREFIX_2 HADEVICEPREFIX_3 MQTT_OUTPUT MQTT_ADDRESS \
    MQTT_USERNAME MQTT_PASSWORD MQTT_TOPIC MQTT_TOPIC_2 MQTT_TOPIC_3 MQTT_PORT MQTT_RETAIN LOG_LEVEL PRINT_RAW SELF_RUN \
    SELF_RUN_LOOP_TIMER SELF_RUN_LOOP_TIMER_FULL QUEUE_RETRIES HA_AUTO_D DYNAMICTARIFF DAYRATE NIGHTRATE EXPORTRATE \
    DAYRATESTART NIGHTRATESTART INFLUX_OUTPUT INFLUXURL INFLUXTOKEN INFLUXBUCKET INFLUXORG PYTHONPATH TZ WEB_DASH \
    WEB_DASH_PORT CACHELOCATION DATASMOOTHER SMARTTARGET PALM_WINTER PALM_SHOULDER PALM_MIN_SOC_TARGET \
    PALM_MAX_SOC_TARGET PALM_BATT_RESERVE PALM_BATT_UTILISATION PALM_WEIGHT GEAPI SOLCASTAPI SOLCASTSITEID SOLCASTSITEID2 \
    LOAD_HIST_WEIGHT EVC_ENABLE EVC_IP_ADDRESS EVC_SELF_RUN_TIMER";

/// Every option of the add-on that was made of it by others.
const OF_ANOTHER: &str = "invertor_ip num_batteries mqtt_address mqtt_username mqtt_password mqtt_topic ha_auto_discovery \
    log_level print_raw self_run_loop_timer queue_retries datasmoother palm_winter influx_output \
    feature_flag_use_new_cache feature_flag_use_new_locks feature_flag_use_new_services USE_NEW_CACHE USE_NEW_LOCKS \
    USE_NEW_SERVICES";

#[test]
fn every_key_of_givtcp_is_a_setting_here_or_has_a_reason_why_not() {
    for key in [OF_VERSION_3, OF_VERSION_2, OF_ANOTHER].into_iter().flat_map(str::split_whitespace) {
        match table::becomes(key) {
            None => panic!("{key} is missing in the table"),
            Some(Becomes::Setting(setting, _)) => assert!(settings::is_setting(setting), "{key}: {setting}"),
            Some(Becomes::Nothing(why)) => assert!(!why.is_empty(), "{key}"),
            Some(Becomes::OfInverter(..)) => {}
        }
    }
    assert_eq!(table::becomes("invertorIP_6"), None, "GivTCP numbers five");
}

fn imported(given: &Value) -> Imported {
    import(&given.to_string()).unwrap()
}

fn good(imported: &Imported) -> settings::Settings {
    settings::parse(&imported.text, "imported")
        .unwrap_or_else(|faults| panic!("{faults:?}\n{}", imported.text))
        .settings
}

fn fates(imported: &Imported) -> String {
    let fate = |word: &Word| match &word.fate {
        Fate::Carried(setting) => format!("{} = {setting}", word.key),
        Fate::Dropped(why) => format!("{}: {why}", word.key),
    };
    imported.words.iter().map(fate).chain(imported.notes.clone()).collect::<Vec<_>>().join("\n")
}

#[test]
fn version_3_comes_over_with_its_entities_its_inverters_and_its_passwords() {
    let imported = imported(&json!({
        "v3upgrade": true, "invertorIP_1": "192.168.1.20", "inverter_enable_1": true, "Model_1": "Hybrid_gen3",
        "serial_number_1": "FD2114G047", "inverterName_1": "House", "invertorIP_2": "192.168.1.21",
        "inverter_enable_2": false, "serial_number_2": "FD2114G048", "inverterName_2": "GivTCP2",
        "invertorIP_3": "192.168.1.22", "inverter_enable_3": true, "serial_number_3": "", "inverterName_3": "GivTCP3",
        "MQTT_Output": true, "MQTT_Address": "192.168.1.2", "MQTT_Port": 1883, "MQTT_Username": "me",
        "MQTT_Password": "pa\"ss: #1\\", "MQTT_Retain": true, "MQTT_Topic": "", "TZ": "Europe/London",
        "timezone": "Europe/Paris", "Log_Level": "Warning", "self_run_timer": 30, "self_run_timer_full": 120,
        "data_smoother": "none", "HA_Auto_D": true, "dynamic_tariff": false, "day_rate": 0.3, "day_rate_start": "05:30",
        "Smart_Target": true, "evc_enable": false, "colour": "red",
    }));
    let settings = good(&imported);
    assert_eq!(settings.mqtt.password.expose_secret(), "pa\"ss: #1\\");
    assert!(!fates(&imported).contains("pa\"ss"));
    let settings_alone: Vec<&str> = imported.text.lines().filter(|line| !line.starts_with('#')).collect();
    insta::assert_snapshot!(settings_alone.join("\n").replace("pa\\\"ss: #1\\\\", "SECRET"), @r#"
    inverters:
      - host: 192.168.1.20
        serial: FD2114G047
        prefix: House
      - host: 192.168.1.22
        prefix: GivTCP3
    homeassistant:
      entities: givtcp
    log:
      level: warn
    mqtt:
      enabled: true
      host: 192.168.1.2
      password: "SECRET"
      port: 1883
      retain: true
      username: me
    poll:
      every: 30s
      settings_every: 120s
    rates:
      day:
        rate: 0.3
        start: "05:30"
      mode: clock
    smoothing: none
    timezone: Europe/Paris
    "#);
    let fates = fates(&imported);
    for line in [
        "invertorIP_3 = inverters[1].host",
        "serial_number_2: inverter 2 is left out: it is off or has no address",
        "MQTT_Password = mqtt.password",
        "MQTT_Topic: it is empty: the default holds",
        "TZ: timezone stands beside it, and was in force",
        "Smart_Target: charge targets are not planned here: use Predbat, which works with this program",
        "evc_enable: EV chargers are not read by this program",
        "colour: is none of GivTCP's settings that are known here",
    ] {
        assert!(fates.lines().any(|said| said == line), "{line}: {fates}");
    }
}

#[test]
fn version_2_comes_over_and_home_assistants_broker_is_left_to_the_app() {
    let imported = imported(&json!({ "options": {
        "NUMINVERTORS": 1, "INVERTOR_IP_1": "192.168.1.20", "INVERTOR_NAME_1": "Garage", "INVERTOR_IP_2": "192.168.1.21",
        "HADEVICEPREFIX": "GivTCP", "MQTT_ADDRESS": "core-mosquitto", "MQTT_USERNAME": "", "MQTT_TOPIC": "Solar/roof",
        "DAYRATE": "0.155", "NIGHTRATESTART": "00:30", "SELF_RUN_LOOP_TIMER": 2, "DATASMOOTHER": "medium",
        "HA_AUTO_D": false, "DYNAMICTARIFF": true,
    } }));
    good(&imported);
    let settings_alone: Vec<&str> = imported.text.lines().filter(|line| !line.starts_with('#')).collect();
    insta::assert_snapshot!(settings_alone.join("\n"), @r#"
    inverters:
      - host: 192.168.1.20
        name: Garage
        prefix: GivTCP
    homeassistant:
      entities: off
    mqtt:
      root: Solar/roof
    poll:
      every: 5s
    rates:
      day:
        rate: 0.155
      mode: external
      night:
        start: "00:30"
    smoothing: medium
    "#);
}

#[test]
fn what_our_settings_do_not_take_is_left_out_and_said_and_the_rest_comes_over() {
    let imported = imported(&json!({
        "invertorIP_1": "not a host!", "serial_number_1": "FD2114G047", "invertorIP_2": "192.168.1.21",
        "serial_number_2": "garage", "MQTT_Port": 99_999, "MQTT_Topic": "a/#", "day_rate": "cheap", "night_rate": 0.1,
        "self_run_timer": "soon", "Log_Level": ["debug"], "timezone": "Mars/Olympus",
    }));
    let settings = good(&imported);
    assert_eq!(settings.inverters.iter().map(|each| each.host.as_str()).collect::<Vec<_>>(), ["192.168.1.21"]);
    assert_eq!(settings.inverters[0].serial, None);
    insta::assert_snapshot!(fates(&imported), @r"
    invertorIP_1: its value is none for inverters[0].host, which must be a host name or an IP address
    serial_number_1: its value is none for inverters[0].host, which must be a host name or an IP address
    invertorIP_2 = inverters[1].host
    serial_number_2: its value is none for inverters[0].serial, which must be an inverter's serial number, as SA2114G047
    MQTT_Port: its value is none for mqtt.port, which must be a port, 1 to 65535
    MQTT_Topic: its value is none for mqtt.root, which must have no wildcard (+ or #)
    day_rate: its value is none for rates.day.rate, which must be the price of a kWh as a number, such as 0.155
    night_rate = rates.night.rate
    self_run_timer: must be a number of seconds
    Log_Level: must be one value
    timezone: its value is none for timezone, which must be the IANA name of a time zone, such as Europe/London
    ");
}

#[test]
fn what_is_no_json_or_none_of_givtcps_says_so_with_line_and_column() {
    let error = |text: &str| import(text).unwrap_err().to_string();
    assert_eq!(error("{\n  \"MQTT_Port\": 1883,\n}"), "3:1: is not valid JSON: trailing comma");
    assert_eq!(error("{\"MQTT_Password\": \"geheim"), "1:25: is not valid JSON: EOF while parsing a string");
    assert_eq!(error("[]"), "must be an object, { \"key\": value, … }");
    let none = "holds none of GivTCP's settings: give its allsettings.json, or the options of its add-on";
    assert_eq!((error("{}").as_str(), error("{\"a\": 1}").as_str()), (none, none));
}

proptest::proptest! {
    #[test]
    fn whatever_the_values_are_the_result_is_good(
        values in proptest::collection::vec(("\\PC{0,12}", 0_u8..4), 12),
        text in proptest::prelude::any::<String>(),
    ) {
        let keys = ["invertorIP_1", "serial_number_1", "inverterName_1", "MQTT_Address", "MQTT_Username", "MQTT_Password",
            "MQTT_Topic", "timezone", "day_rate", "day_rate_start", "data_smoother", "Log_Level"];
        let given: Map<String, Value> = keys.iter().zip(values).map(|(key, (value, kind))| {
            let value = match kind { 0 => json!(value), 1 => json!(value.len()), 2 => json!(text), _ => json!([value]) };
            ((*key).to_owned(), value)
        }).collect();
        let imported = import(&Value::Object(given).to_string()).unwrap();
        proptest::prop_assert!(settings::parse(&imported.text, "x").is_ok(), "{}", imported.text);
    }
}
