//! Exit codes: 0 good, 1 failed, 2 wrong usage or settings; and what is said beside them.

use std::process::Output;
use std::time::Duration;

use crate::program::once;

const SOON: Duration = Duration::from_secs(10);
const GOOD: &str = "inverters:\n  - host: 192.168.1.20\n";
const FAULTY: &str = "inverters:\n  - host: 192.168.1.20\n    prot: 8899\npoll: { every: 1s }\nmqtt: { port: many }\n";

async fn ended(files: &[(&str, &str)], args: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = once(files, args, SOON).await;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[tokio::test]
async fn wrong_usage_ends_with_2() {
    let wrong: [&[&str]; 7] = [
        &[],
        &["polll"],
        &["run", "--no-such-flag"],
        &["read"],
        &["read", "--host", "127.0.0.1", "--transport", "pigeon"],
        &["completions", "tcsh2"],
        &["decode"],
    ];
    for args in wrong {
        let (code, _, said) = ended(&[], args).await;
        assert_eq!(code, Some(2), "{args:?}: {said}");
        assert!(said.contains("--help") || said.contains("Usage"), "{args:?}: {said}");
    }
}

#[tokio::test]
async fn faulty_settings_are_all_named_and_end_with_2() {
    for args in [["run", "--config", "F.yaml"], ["check", "--config", "F.yaml"]] {
        let (code, _, said) = ended(&[("F.yaml", FAULTY)], &args).await;
        assert_eq!(code, Some(2), "{said}");
        insta::allow_duplicates! {
            insta::assert_snapshot!(said, @r"
            F.yaml:3:5: inverters[0].prot: is not a setting (did you mean inverters[0].port?)
            F.yaml:4:16: poll.every: must be at least 5s: 1s
            F.yaml:5:15: mqtt.port: must be a port, 1 to 65535: many
            3 faults in the settings
            ");
        }
    }
}

#[tokio::test]
async fn settings_that_cannot_be_read_end_with_2() {
    for command in ["run", "check"] {
        let (code, _, said) = ended(&[], &[command, "--config", "nowhere.yaml"]).await;
        assert_eq!(code, Some(2), "{command}: {said}");
        assert!(said.contains("nowhere.yaml"), "{command}: {said}");
    }
    let (code, _, said) = ended(&[("E.yaml", "mqtt: { port: 1883 }\n")], &["check", "--config", "E.yaml"]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("warning: inverters: none is named"), "{said}");
}

#[tokio::test]
async fn good_settings_are_shown_and_end_with_0() {
    let (code, shown, said) = ended(&[("G.yaml", GOOD)], &["check", "--config", "G.yaml"]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(shown.contains("192.168.1.20") && shown.ends_with("settings are good\n"), "{shown}");
}

#[tokio::test]
async fn settings_that_this_machine_cannot_follow_end_with_2_whether_checked_or_run() {
    for (wrong, what) in [
        ("redis:\n  url: redis://127.0.0.1:99999/0\n", "redis.url"),
        ("redis:\n  url: rediss://127.0.0.1/0\n  ca_file: /no/such/ca.pem\n", "redis.ca_file cannot be read"),
        ("mqtt:\n  tls:\n    enabled: true\n    ca_file: /no/such/ca.pem\n", "/no/such/ca.pem"),
    ] {
        let text = format!("{GOOD}{wrong}");
        for command in ["check", "run"] {
            let (code, shown, said) = ended(&[("G.yaml", &text)], &[command, "--config", "G.yaml"]).await;
            assert_eq!((code, &*shown), (Some(2), ""), "{command}: {said}");
            assert!(said.contains(what) && said.ends_with("1 fault in the settings\n"), "{command}: {said}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_decoded_ends_with_1_and_one_line() {
    let (code, shown, said) = ended(&[], &["decode", "nowhere.log"]).await;
    assert_eq!((code, &*shown), (Some(1), ""), "{said}");
    insta::assert_snapshot!(
        said.trim_end(),
        @"givtcp: cannot read nowhere.log: No such file or directory (os error 2)"
    );
    let (code, shown, said) = ended(&[("no.log", "this is no capture\n")], &["decode", "no.log"]).await;
    assert_eq!((code, &*shown), (Some(1), ""), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[tokio::test]
async fn reading_where_nobody_listens_ends_with_1_and_one_line() {
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port().to_string();
    let (code, shown, said) = ended(&[], &["read", "--host", "127.0.0.1", "--port", &port]).await;
    assert_eq!((code, &*shown), (Some(1), ""), "{said}");
    insta::assert_snapshot!(
        said.trim_end().replace(&port, "PORT"),
        @"givtcp: 127.0.0.1:PORT: cannot connect: Connection refused (os error 111)"
    );
}

#[tokio::test]
async fn a_port_in_use_ends_the_simulator_with_1_and_one_line() {
    let holder = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = holder.local_addr().unwrap().to_string();
    let (code, _, said) = ended(&[], &["simulate", "--listen", &address]).await;
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[tokio::test]
async fn version_help_and_completions_end_with_0() {
    let (code, shown, _) = ended(&[], &["--version"]).await;
    assert_eq!((code, shown.trim()), (Some(0), concat!("givtcp ", env!("CARGO_PKG_VERSION"))));
    let (code, shown, _) = ended(&[], &["--help"]).await;
    assert_eq!(code, Some(0));
    for command in ["run", "simulate", "read", "check", "decode", "completions"] {
        assert!(shown.contains(command), "{command}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let (code, shown, said) = ended(&[], &["completions", shell]).await;
        assert_eq!((code, &*said), (Some(0), ""), "{shell}");
        assert!(
            shown.contains("simulate") && shown.contains("--rtu-over-tcp") | shown.contains("rtu-over-tcp"),
            "{shell}"
        );
    }
}
