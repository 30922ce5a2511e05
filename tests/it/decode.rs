//! What `decode` says of recordings of real plants, held against what is known to be in them.

use std::process::Command;

use crate::captures;

/// Runs the comparison that lies beside the captures; what it says: a line for each difference, then the counts.
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
    assert!(output.stderr.is_empty(), "{name}: {said}{}", String::from_utf8_lossy(&output.stderr));
    Some(said.trim_end().to_owned())
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

#[test]
fn the_all_in_ones_recordings_differ_in_what_the_reference_reads_wrongly() {
    let Some(said) = compared("aio_arm612_5min") else { return };
    assert_eq!(
        said,
        "decoded.hv_stacks[0].bcu.battery_power: want 0.003, got 0.3\n1631 compared, 1630 equal, 1 differ"
    );
    let Some(said) = compared("aio_arm620_redetect_7min") else { return };
    assert_eq!(
        said,
        "decoded.hv_stacks[0].bcu.battery_power: want 65.533, got -0.3\n1970 compared, 1969 equal, 1 differ"
    );
}

#[test]
fn the_three_phase_hybrids_recording_differs_in_what_the_reference_reads_wrongly() {
    let Some(said) = compared("giv3hy11_da011_detect_10min") else { return };
    assert_eq!(
        said,
        "decoded.hv_stacks[0].bcu.battery_power: want 65.52, got -1.6\n2701 compared, 2700 equal, 1 differ"
    );
}

#[test]
fn the_plant_controllers_recording_is_decoded_without_a_difference() {
    let Some(said) = compared("ems_arm1036_60s") else { return };
    assert_eq!(said, "996 compared, 996 equal, 0 differ");
}

#[test]
fn the_gateways_recordings_are_decoded_without_a_difference() {
    let Some(said) = compared("gateway_gaaa0014_10min_daylight") else { return };
    assert_eq!(said, "1659 compared, 1659 equal, 0 differ");
    let Some(said) = compared("gateway_gaaa0014_10min_night") else { return };
    assert_eq!(said, "1599 compared, 1599 equal, 0 differ");
}

#[test]
fn a_module_whose_firmware_splits_its_serial_has_the_whole_of_it() {
    let Some(capture) = captures::read("captures/aio_arm620_redetect_7min.log") else { return };
    let decoded = givtcp::decode::decode(&capture).expect("a recording");
    let modules = decoded["decoded"]["hv_stacks"][0]["bmus"].as_array().expect("modules");
    let serials: Vec<_> = modules.iter().map(|module| module["serial"].as_str().unwrap_or("none")).collect();
    assert_eq!(serials, ["HX2414G000"; 4]);
}
