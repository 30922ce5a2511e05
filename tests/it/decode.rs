//! What `decode` says of recordings of real plants, held against what is known to be in them.

use std::process::Command;

use crate::captures;

/// Runs the comparison that lies beside the captures; its last line.
fn compared(name: &str) -> Option<String> {
    let capture = captures::read(&format!("captures/{name}.log"))?;
    let expected = captures::find(&format!("captures/expected/{name}.json"))?;
    let script = captures::find("tools/compare_decode.py")?;
    let decoded = givtcp::decode::decode(&capture).expect("a recording");
    let folder = tempfile::tempdir().expect("a folder");
    let actual = folder.path().join("actual.json");
    std::fs::write(&actual, decoded.to_string()).expect("written");
    let output = Command::new("python3").arg(script).arg(expected).arg(actual).output().expect("python3 runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{name}: {said}{}", String::from_utf8_lossy(&output.stderr));
    Some(said.lines().last().unwrap_or_default().to_owned())
}

#[test]
fn the_hybrids_recording_is_decoded_without_a_difference() {
    let Some(said) = compared("hybrid_gen1_arm449_0x11_poll_10min") else { return };
    assert_eq!(said, "1459 compared, 1459 equal, 0 differ");
}

#[test]
fn the_ac_coupled_inverters_recording_is_decoded_without_a_difference() {
    let Some(said) = compared("ac_arm282_2x_givbat52_30min") else { return };
    assert_eq!(said, "1459 compared, 1459 equal, 0 differ");
}
