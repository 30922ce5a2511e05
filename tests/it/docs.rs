//! What the documentation says is held against the program.

use std::path::{Path, PathBuf};
use std::process::Command;

use givtcp::settings::{InverterSettings, PeriodSettings, Settings, Transport, describe};
use givtcp::simulator::Fault;

/// A page of docs/ is what the program makes; with `GIVTCP_BLESS=1` it becomes that. `test` is what to run then.
pub fn is_current(name: &str, page: &str, test: &str) {
    let path = root().join("docs").join(name);
    if std::env::var_os("GIVTCP_BLESS").is_some() {
        std::fs::write(&path, page).expect("the page can be written");
    }
    let current = std::fs::read_to_string(&path).unwrap_or_default();
    let differing = page.lines().zip(current.lines()).find(|(wants, has)| wants != has);
    assert!(
        page == current,
        "docs/{name} is not what the program makes, first here: {differing:?}; run GIVTCP_BLESS=1 cargo test --test it {test}"
    );
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn text(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).expect(name)
}

/// Every page that people read, by its path from the top.
fn pages() -> Vec<String> {
    let docs = std::fs::read_dir(root().join("docs")).unwrap();
    let in_docs = docs.map(|entry| format!("docs/{}", entry.unwrap().file_name().to_string_lossy()));
    let at_top = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"].map(str::to_owned);
    in_docs.filter(|name| Path::new(name).extension().is_some_and(|end| end == "md")).chain(at_top).collect()
}

#[test]
fn every_setting_stands_in_the_documentation_with_its_default_and_its_variable() {
    let page = text("docs/settings.md");
    let inverter = InverterSettings::at("192.168.1.20", None, Transport::Dongle);
    let mut settings = Settings { inverters: vec![inverter], ..Settings::default() };
    settings.rates.periods = vec![PeriodSettings { name: "peak".into(), rate: settings.rates.day }];
    let mut missing = Vec::new();
    for line in describe(&settings).lines() {
        let (key, value) = line.split_once(": ").unwrap();
        let key = key.replace("[0]", "[]");
        let Some(row) = page.lines().find(|row| row.starts_with(&format!("| `{key}` |")) && row.split('|').count() > 5)
        else {
            missing.push(key);
            continue;
        };
        let default = row.split('|').nth(2).unwrap();
        let has_none = ["inverters[].host"].contains(&&*key) || key.starts_with("rates.periods");
        if !value.starts_with('(') && !has_none && !default.contains(&format!("`{value}`")) {
            missing.push(format!("{key}: default {value}"));
        }
        let variable = format!("`GIVTCP_{}`", key.to_uppercase().replace('.', "__"));
        if !key.contains('[') && !row.contains(&variable) {
            missing.push(format!("{key}: variable {variable}"));
        }
    }
    assert!(missing.is_empty(), "not in docs/settings.md, or otherwise: {missing:#?}");
}

#[test]
fn every_fault_of_the_simulator_stands_in_the_documentation() {
    let page = text("docs/simulator.md");
    for fault in Fault::ALL {
        assert!(page.contains(&format!("\n| `{fault}` |")), "{fault}");
    }
}

#[test]
fn the_settings_that_the_documentation_shows_are_good() {
    let directory = tempfile::tempdir().unwrap();
    let mut checked = 0;
    for page in pages() {
        for example in text(&page).split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()) {
            let file = directory.path().join("givtcp.yaml");
            std::fs::write(&file, example).unwrap();
            let mut check = Command::new(env!("CARGO_BIN_EXE_givtcp"));
            let output = check
                .env_clear()
                .env("GIVTCP_DATA_DIR", env!("CARGO_TARGET_TMPDIR"))
                .arg("check")
                .arg("--config")
                .arg(&file)
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            // Files of certificates are not there.
            let is_missing = |line: &str| line.contains("cannot be read") || line.ends_with(" in the settings");
            let is_good = output.status.success() && said.is_empty();
            assert!(is_good || said.lines().all(is_missing), "{page}: {said}\n{example}");
            checked += 1;
        }
    }
    assert!(checked >= 4, "{checked}");
}

#[test]
fn links_between_pages_lead_somewhere() {
    for page in pages() {
        let text = text(&page);
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.starts_with("http")) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = root().join(&page).parent().unwrap().join(file);
            let path = if file.is_empty() { root().join(&page) } else { path };
            assert!(path.exists(), "{page} links to {target}");
            if !anchor.is_empty() {
                let text = std::fs::read_to_string(&path).unwrap();
                let is_it = |line: &str| line.starts_with('#') && anchor_of(line) == anchor;
                assert!(text.lines().any(is_it), "{page} links to {target}");
            }
        }
    }
}

/// As the sites that show Markdown make it of a heading.
fn anchor_of(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    heading.trim_start_matches('#').trim().to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")
}
