use std::fmt::Write;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use serde_json::{Map, Value};

use super::print;
use crate::capture::{received, salvage};
use crate::diagnosis::archive::{is_archive, unpack};
use crate::settings::turns_text_around;

/// A day of one dongle is some 20 MB.
const LARGEST: u64 = 256 << 20;

/// So many lines that were left out are named.
const MOST_TOLD: usize = 20;

#[derive(Debug, clap::Args)]
pub(super) struct DecodeArgs {
    /// The recording: lines of `<time> <rx|tx> <hex>` or `rx: <hex>`; or an archive of `givtcp diagnose`.
    capture: PathBuf,
}

pub(super) fn run(args: DecodeArgs) -> anyhow::Result<ExitCode> {
    let name = args.capture.display().to_string().escape_debug().to_string();
    let mut recording = Vec::new();
    std::fs::File::open(&args.capture)
        .and_then(|file| file.take(LARGEST).read_to_end(&mut recording))
        .with_context(|| format!("cannot read {name}"))?;
    let decoded = if is_archive(&recording) { of_archive(&name, &recording)? } else { decode(&name, &recording)? };
    print(&harmless(serde_json::to_string_pretty(&decoded)?))
}

/// The same JSON without what a terminal may heed: JSON itself escapes only the first of the control characters.
fn harmless(json: String) -> String {
    let is_harmful = |c: char| matches!(c, '\u{7f}'..='\u{9f}') || turns_text_around(c);
    if !json.contains(is_harmful) {
        return json;
    }
    json.chars().fold(String::with_capacity(json.len()), |mut out, c| {
        // They stand in texts only.
        _ = if is_harmful(c) { write!(out, "\\u{:04x}", u32::from(c)) } else { out.write_char(c) };
        out
    })
}

/// Every text of it by its name: recordings decoded, JSON as it is, everything else as its lines.
fn of_archive(name: &str, archive: &[u8]) -> anyhow::Result<Value> {
    let texts = unpack(archive).with_context(|| format!("{name}: no archive of `givtcp diagnose`, or damaged"))?;
    let mut told = Map::new();
    for text in texts {
        let is_recording = ["-registers.log", "-wire.log"].iter().any(|end| text.name.ends_with(end));
        let value = if is_recording {
            // Nothing may have been recorded.
            decode(&format!("{name}: {}", text.name), text.text.as_bytes())
                .unwrap_or_else(|error| error.to_string().into())
        } else {
            let lines = || text.text.lines().map(Value::from).collect();
            let is_json = Path::new(&text.name).extension().is_some_and(|end| end == "json");
            is_json.then(|| serde_json::from_str(&text.text).ok()).flatten().unwrap_or_else(lines)
        };
        told.insert(text.name, value);
    }
    Ok(told.into())
}

fn decode(name: &str, recording: &[u8]) -> anyhow::Result<Value> {
    let (text, faults) = salvage(recording);
    let frames = received(&text).map_err(|error| anyhow::anyhow!("{name}: {error}"))?;
    if !frames.iter().any(|(_, frame)| frame.is_ok()) {
        let first = faults.first().map(|fault| format!("; {fault}")).unwrap_or_default();
        anyhow::bail!("{name}: no frame of a dongle is in it{first}");
    }
    for fault in faults.iter().take(MOST_TOLD) {
        eprintln!("warning: {name}: left out {fault}");
    }
    if faults.len() > MOST_TOLD {
        eprintln!("warning: {name}: left out {} lines more", faults.len() - MOST_TOLD);
    }
    crate::decode::decode(&text).map_err(|error| anyhow::anyhow!("{name}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_commands_the_terminal() {
        let text = "é\u{9b}31m\u{1b}]0;x\u{7}\u{202e}";
        let json = harmless(serde_json::to_string(text).unwrap());
        assert_eq!(json, r#""é\u009b31m\u001b]0;x\u0007\u202e""#);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        let faults = salvage(format!("rx: {text}\n").as_bytes()).1;
        assert!(faults[0].chars().all(|c| !c.is_control()), "{faults:?}");
    }
}
