//! Faults in files: each is one clear line with its place.

use super::*;

#[test]
fn all_faults_come_at_once_each_with_its_place() {
    let text = "\
inverters:
  - host: 192.168.1.300
    prot: 8899
  - { host: http://192.168.1.21/, transport: modbus }
  - 192.168.1.22
  - port: 70000
  - { host: a }
  - { host: A, port: 8899 }
poll:
  every: 1s
  settings_every: 300
link: { gap: 10s, timeout: 2, jitter: fast }
mqtt:
  hots: broker
  host: broker:1883
  port: 0
  root: /GivEnergy/
  retain: maybe
  qos: 3
  tls: { cert_file: a.pem, ca_file: '~/ca.pem' }
  password: [a]
locks: { backend: rediss }
redis: { url: http://x }
http: { listen: 8099 }
control: yes
log: { level: wran }
host: 1.2.3.4
MQTT_Address: 1.2.3.4
timezone: Europe/Lundon
";
    insta::assert_snapshot!(shown(load_with(text, &[])).join("\n"), @r"
    givtcp.yaml:2:11: inverters[0].host: must be a host name or an IP address: 192.168.1.300
    givtcp.yaml:3:5: inverters[0].prot: is not a setting (did you mean inverters[0].port?)
    givtcp.yaml:4:13: inverters[1].host: must be a host name or an IP address without a scheme (did you mean 192.168.1.21?): http://192.168.1.21/
    givtcp.yaml:4:46: inverters[1].transport: must be one of dongle, modbus-tcp, rtu-over-tcp: modbus
    givtcp.yaml:5:5: inverters[2]: must be an inverter's names and values (did you mean host: 192.168.1.22?)
    givtcp.yaml:6:9: inverters[3].host: must be the dongle's host name or IP address
    givtcp.yaml:6:11: inverters[3].port: must be a port, 1 to 65535: 70000
    givtcp.yaml:8:13: inverters[5].host: must differ from the address of inverters[4]: A:8899
    givtcp.yaml:10:10: poll.every: must be at least 5s: 1s
    givtcp.yaml:11:19: poll.settings_every: must be a whole number with its unit, such as 250ms, 15s, 5m or 1h (did you mean 300s?): 300
    givtcp.yaml:12:14: link.gap: must be at most 5s: 10s
    givtcp.yaml:12:28: link.timeout: must be a whole number with its unit, such as 250ms, 15s, 5m or 1h (did you mean 2s?): 2
    givtcp.yaml:12:39: link.jitter: must be a whole number with its unit, such as 250ms, 15s, 5m or 1h: fast
    givtcp.yaml:14:3: mqtt.hots: is not a setting (did you mean mqtt.host?)
    givtcp.yaml:15:9: mqtt.host: must be a host name or an IP address; the port is a setting of its own (did you mean broker with port 1883?): broker:1883
    givtcp.yaml:16:9: mqtt.port: must be a port, 1 to 65535: 0
    givtcp.yaml:17:9: mqtt.root: must have no empty level: no / at its ends, no // (did you mean GivEnergy?): /GivEnergy/
    givtcp.yaml:18:11: mqtt.retain: must be true or false: maybe
    givtcp.yaml:19:8: mqtt.qos: must be one of 0, 1, 2: 3
    givtcp.yaml:20:21: mqtt.tls.key_file: must be set together with mqtt.tls.cert_file
    givtcp.yaml:20:37: mqtt.tls.ca_file: must be a path without ~, which only a shell replaces: ~/ca.pem
    givtcp.yaml:21:13: mqtt.password: must be one value, not a list
    givtcp.yaml:22:19: locks.backend: must be one of auto, local, file, redis (did you mean redis?): rediss
    givtcp.yaml:23:15: redis.url: must be empty or begin with one of redis://, rediss://, unix://: (hidden)
    givtcp.yaml:24:17: http.listen: must be an address with a port, such as 127.0.0.1:8099 or 0.0.0.0:8099 (did you mean 127.0.0.1:8099?): 8099
    givtcp.yaml:25:10: control: must be names and values, not one value
    givtcp.yaml:26:15: log.level: must be one of trace, debug, info, warn, error, off, or a list such as info,givtcp::link=debug (did you mean warn?): wran
    givtcp.yaml:27:1: host: is not a setting (did you mean inverters[].host?)
    givtcp.yaml:28:1: MQTT_Address: is not a setting (did you mean mqtt.host?)
    givtcp.yaml:29:11: timezone: must be the IANA name of a time zone, such as Europe/London: Europe/Lundon
    ");
}

#[test]
fn a_fault_tells_its_parts() {
    let fault = load_with(&format!("{ONE}poll: {{ every: 15 }}"), &[]).unwrap_err().remove(0);
    assert_eq!(fault.origin, Origin { source: "givtcp.yaml".into(), line: Some(2), column: Some(16) });
    assert_eq!((fault.key.as_str(), fault.value.as_deref()), ("poll.every", Some("15")));
    assert_eq!(fault.suggestion.as_deref(), Some("15s"));
}

#[test]
fn a_whole_file_that_is_no_settings_file_is_one_fault() {
    let cases = [
        "just words\n",
        "- a\n- b\n",
        "a: [1, 2\n",
        "a: 'x\n",
        "a: b: c\n",
        "inverters: []\n--- \nb: 2\n",
        "a: &x 1\nb: *x\n",
        "mqtt: { password: !secret broker }\n",
        "a\0b: 1\n",
        "? [a]\n: 1\n",
        "a: *x\n",
    ];
    let lines: Vec<String> = cases
        .iter()
        .map(|text| {
            let faults = shown(load_with(text, &[]));
            assert_eq!(faults.len(), 1, "{text}: {faults:?}");
            format!("{text:?} => {}", faults[0])
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @r##"
    "just words\n" => givtcp.yaml:1:1: must hold names and values, not one value
    "- a\n- b\n" => givtcp.yaml:1:1: must hold names and values, not a list
    "a: [1, 2\n" => givtcp.yaml:2:1: is not valid YAML: while parsing a flow sequence, expected ',' or ']'
    "a: 'x\n" => givtcp.yaml:1:4: is not valid YAML: while scanning a quoted scalar, found unexpected end of stream
    "a: b: c\n" => givtcp.yaml:1:5: is not valid YAML: mapping values are not allowed in this context
    "inverters: []\n--- \nb: 2\n" => givtcp.yaml:2:1: holds a second document
    "a: &x 1\nb: *x\n" => givtcp.yaml:1:7: holds an anchor (&name): write the value where it is wanted
    "mqtt: { password: !secret broker }\n" => givtcp.yaml:1:27: holds a tag such as !secret: write the value itself, or set its environment variable
    "a\0b: 1\n" => givtcp.yaml:1:2: holds a NUL character
    "? [a]\n: 1\n" => givtcp.yaml:1:3: has a value where a name must stand
    "a: *x\n" => givtcp.yaml:1:4: is not valid YAML: while parsing node, found unknown anchor
    "##);
}

#[test]
fn nesting_without_end_is_a_fault() {
    for text in ["[".repeat(500_000), "{a: ".repeat(100_000), "- ".repeat(100_000), "a:\n".repeat(3)] {
        assert_eq!(shown(load_with(&text, &[])).len().min(2), if text.starts_with("a:") { 2 } else { 1 });
    }
}

#[test]
fn a_name_that_stands_twice_is_a_fault() {
    insta::assert_snapshot!(faults("mqtt:\n  host: a\n  port: 1\n  host: b\nmqtt: {}\n").join("\n"), @r"
    givtcp.yaml:5:3: mqtt.host: stands a second time, first in line 3
    givtcp.yaml:6:1: mqtt: stands a second time, first in line 2
    ");
}

#[test]
fn names_joined_by_dots_are_not_taken_for_nested_ones() {
    insta::assert_snapshot!(faults("mqtt.host: a\n'inverters[]': { host: b }\n'inverters[0].host': b\n").join("\n"), @r"
    givtcp.yaml:2:1: mqtt.host: is not a setting: names stand below each other, without dots or brackets
    givtcp.yaml:3:1: inverters[]: is not a setting: names stand below each other, without dots or brackets
    givtcp.yaml:4:1: inverters[0].host: is not a setting: names stand below each other, without dots or brackets
    ");
}

#[test]
fn without_an_inverter_those_are_polled_that_are_found_which_is_said() {
    for text in ["", "# nothing\n", "---\n", "inverters: []\n", "inverters: ~\n", "mqtt: {}\n"] {
        let Loaded { settings, warnings, .. } = load_with(text, &[]).unwrap();
        assert!(settings.inverters.is_empty(), "{text}");
        insta::allow_duplicates! {
            insta::assert_snapshot!(warnings.join("\n"), @"inverters: none is named, so that those are polled that are found in the local network; `givtcp discover` shows them");
        }
    }
    assert!(from_text(None, no_env()).unwrap().settings.inverters.is_empty());
    insta::assert_snapshot!(shown(load_with("inverters: 192.168.1.20\n", &[])).join("\n"), @"givtcp.yaml:1:12: inverters: must be a list of inverters, not one value");
}

#[test]
fn a_serial_number_is_taken_in_any_case_and_nothing_else_is_one() {
    let one = |serial: &str| format!("inverters: [{{ host: a, serial: {serial} }}]\n");
    let serial = load_with(&one("sa2114g047"), &[]).unwrap().settings.inverters[0].serial;
    assert_eq!(serial, "SA2114G047".parse().ok());
    insta::assert_snapshot!(shown(load_with(&one("garage"), &[])).join("\n"), @"givtcp.yaml:1:32: inverters[0].serial: must be an inverter's serial number, as SA2114G047: garage");
}

#[test]
fn files_that_cannot_be_read_are_one_fault_each() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let load = |path: &Path| {
        let faults = shown(load(Some(path), no_env()));
        assert_eq!(faults.len(), 1, "{faults:?}");
        faults[0].replace(&directory.path().display().to_string(), "")
    };
    assert_eq!(load(&at("none.yaml")), "/none.yaml: there is no such file");
    assert_eq!(load(directory.path()), ": is not a file but a directory");
    assert_eq!(load(Path::new("/dev/zero")), "/dev/zero: is not a file but a device");
    std::fs::write(at("huge.yaml"), "#".repeat((1 << 20) + 1)).unwrap();
    assert_eq!(load(&at("huge.yaml")), "/huge.yaml: is larger than 1 MiB, so it cannot be a settings file");
    std::fs::write(at("latin1.yaml"), b"a: 1\nb: caf\xe9\n").unwrap();
    assert_eq!(load(&at("latin1.yaml")), "/latin1.yaml:2:7: must be UTF-8 text");
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_do_no_harm() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "\u{feff}inverters:\r\n  - host: a\r\nmqtt:\r\n  port: 70000\r\n").unwrap();
    let fault = load(Some(file.path()), no_env()).unwrap_err().remove(0);
    assert_eq!((fault.origin.line, fault.origin.column), (Some(4), Some(9)));
}

#[test]
fn a_long_or_strange_value_is_shown_on_one_line() {
    let all =
        faults(&format!("poll: {{ every: \"{}\\n\\e[31m\" }}\nlink: {{ gap: \"a\\n\\e[31m\" }}\n", "x".repeat(500)));
    assert_eq!(all.len(), 2);
    assert!(all.iter().all(|line| line.chars().count() < 220 && !line.contains(char::is_control)), "{all:?}");
}

#[test]
fn a_file_of_nothing_but_faults_ends_after_a_hundred() {
    let text: String = (0..50_000).flat_map(|n| ["name".into(), n.to_string(), ": 1\n".into()]).collect();
    assert!((100..110).contains(&faults(&text).len()));
}
