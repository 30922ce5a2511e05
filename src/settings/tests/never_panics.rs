//! Nothing from outside makes loading panic, and what is loaded is within its bounds.

use proptest::prelude::*;

use super::*;

fn known_names() -> Vec<String> {
    let parts = keys::KEYS.iter().flat_map(|key| key.path.split(['.', '[', ']'])).filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect::<BTreeSet<_>>().into_iter().collect()
}

fn token() -> impl Strategy<Value = String> {
    let marks = prop::sample::select(vec![
        "\n",
        "\n  ",
        "\n    ",
        " ",
        ":",
        ": ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "'",
        "\"",
        "#",
        "|",
        ">",
        "|+2",
        "&a ",
        "*a",
        "!secret ",
        "!!str ",
        "%YAML 1.2\n",
        "---",
        "...",
        "? ",
        "~",
        "null",
        "\t",
        "\r\n",
        "\\",
        "\u{feff}",
        "\u{85}",
        "<<",
        "\0",
        "@",
        "`",
        "%",
        "é",
        "\u{1f600}",
    ]);
    let values = prop::sample::select(vec![
        "15s",
        "250ms",
        "1h",
        "99999999999999999999h",
        "-1s",
        "1883",
        "70000",
        "true",
        "192.168.1.20",
        "a:1",
        "[::1]:80",
        "redis://x",
        "/",
        "info,a[b{c=",
        "Europe/London",
    ]);
    prop_oneof![
        4 => marks.prop_map(str::to_owned),
        4 => prop::sample::select(known_names()),
        2 => values.prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ]
}

fn yamlish() -> impl Strategy<Value = String> {
    prop::collection::vec(token(), 0..60).prop_map(|tokens| tokens.concat())
}

/// A file whose shape is right and whose values are anything.
fn shaped() -> impl Strategy<Value = String> {
    let key = prop::sample::select(keys::scalars().map(|key| key.path).collect::<Vec<_>>());
    let line = (key, token()).prop_map(|(path, value)| {
        let quoted = value.replace('\'', "''");
        path.split('.').rev().fold(format!("'{quoted}'"), |inner, name| format!("{{ {name}: {inner} }}"))
    });
    line.prop_map(|line| format!("{}, {}", ONE.trim().replace("inverters", "{ inverters"), &line[1..]))
}

fn variable() -> impl Strategy<Value = (String, String)> {
    let ours: Vec<String> = keys::scalars()
        .map(|key| keys::variable(key.path))
        .chain(["GIVTCP_INVERTERS".into(), "GIVTCP_".into()])
        .collect();
    let old =
        ["INVERTOR_IP_1", "INVERTOR_IP_9", "INVERTOR_NAME_1", "SELF_RUN_LOOP_TIMER", "LOG_LEVEL", "TZ", "MQTT_TOPIC"];
    let name = prop_oneof![
        prop::sample::select(ours),
        prop::sample::select(old.to_vec()).prop_map(str::to_owned),
        "GIVTCP_\\PC{0,80}",
    ];
    (name, prop_oneof![token(), prop::collection::vec(token(), 0..5).prop_map(|tokens| tokens.concat())])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn loading_anything_ends_in_settings_or_in_lines_of_faults(
        text in prop_oneof![yamlish(), shaped(), "\\PC{0,100}", any::<String>()],
        env in prop::collection::vec(variable(), 0..6),
    ) {
        match from_text(Some((&text, "givtcp.yaml")), env.into_iter()) {
            Ok(Loaded { settings, warnings, .. }) => {
                prop_assert!(settings.poll.every >= Duration::from_secs(5));
                prop_assert!(settings.inverters.iter().all(|inverter| !inverter.host.is_empty() && inverter.port > 0));
                prop_assert!(warnings.iter().all(|line| !line.contains(char::is_control)), "{:?}", warnings);
            }
            Err(faults) => {
                prop_assert!(!faults.is_empty());
                let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
                prop_assert!(lines.iter().all(|line| !line.contains(char::is_control)), "{:?}", lines);
            }
        }
    }
}
