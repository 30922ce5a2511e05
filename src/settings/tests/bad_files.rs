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
    insta::assert_snapshot!(shown(load_with(text, &[])).join("\n"), @"");
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
        "",
        "# nothing\n",
        "---\n",
        "just words\n",
        "- a\n- b\n",
        "a: [1, 2\n",
        "a: 'x\n",
        "a: b: c\n",
        "\ta: 1\n",
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
    insta::assert_snapshot!(lines.join("\n"), @"");
}

#[test]
fn nesting_without_end_is_a_fault() {
    for text in ["[".repeat(500_000), "{a: ".repeat(100_000), "- ".repeat(100_000), "a:\n".repeat(3)] {
        assert_eq!(shown(load_with(&text, &[])).len().min(2), if text.starts_with("a:") { 2 } else { 1 });
    }
}

#[test]
fn a_name_that_stands_twice_is_a_fault() {
    insta::assert_snapshot!(faults("mqtt:\n  host: a\n  port: 1\n  host: b\nmqtt: {}\n").join("\n"), @"");
}

#[test]
fn names_joined_by_dots_are_not_taken_for_nested_ones() {
    insta::assert_snapshot!(faults("mqtt.host: a\n'inverters[]': { host: b }\n'inverters[0].host': b\n").join("\n"), @"");
}

#[test]
fn an_empty_list_of_inverters_is_a_fault() {
    insta::assert_snapshot!(shown(load_with("inverters: []\n", &[])).join("\n"), @"");
    insta::assert_snapshot!(shown(load_with("mqtt: {}\n", &[])).join("\n"), @"");
    insta::assert_snapshot!(shown(load_with("inverters: 192.168.1.20\n", &[])).join("\n"), @"");
    insta::assert_snapshot!(shown(from_text(None, no_env())).join("\n"), @"");
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
    let text: String = (0..50_000).map(|n| format!("name{n}: 1\n")).collect();
    assert!((100..110).contains(&faults(&text).len()));
}
