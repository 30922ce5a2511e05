use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::plant::INVERTER;
use crate::plant::tests::fixture::{FIRST, block, first_block_of, hybrid, plant_of};

fn later() -> Timestamp {
    "2026-06-06T00:00:00Z".parse().unwrap()
}

fn remembering(code: u16, arm: u16, memory: Memory) -> Plant {
    let mut plant = plant_of(&[(FIRST, first_block_of(code, arm))]);
    plant.remember(memory, later(), Duration::ZERO);
    plant
}

#[test]
fn what_was_found_is_known_again_after_a_restart_and_not_asked_for() {
    let before = plant_of(&hybrid());
    let memory = before.memory(later()).unwrap();
    let text = serde_json::to_string(&memory).unwrap();
    let mut after = plant_of(&[(FIRST, block(FIRST))]);
    assert!(after.capabilities().unwrap().batteries.is_empty());
    after.remember(serde_json::from_str(&text).unwrap(), later(), Duration::ZERO);
    assert_eq!(after.capabilities(), before.capabilities());
    assert_eq!(after.memory(later()).unwrap().devices, memory.devices);
    let asked: Vec<_> = (0..40).filter_map(|_| after.next_probe()).collect();
    assert!(asked.iter().all(|probe| ![0x32, 0x33].contains(&probe.key.device)), "{asked:?}");
}

#[test]
fn memory_of_another_inverter_or_model_says_nothing() {
    let memory = plant_of(&hybrid()).memory(later()).unwrap();
    let other = Memory { serial: "SA2114G047".to_owned(), ..memory.clone() };
    assert!(remembering(0x2001, 449, other).capabilities().unwrap().batteries.is_empty());
    let (all_in_one, unknown) = (remembering(0x8001, 612, memory.clone()), remembering(0x9001, 1, memory));
    assert!(all_in_one.capabilities().unwrap().batteries.is_empty());
    assert!(unknown.capabilities().unwrap().meters.is_empty());
}

#[test]
fn another_firmware_has_the_same_devices_and_perhaps_other_blocks() {
    let mut memory = plant_of(&hybrid()).memory(later()).unwrap();
    memory.devices.silent.push((Bank::Input, 180));
    memory.devices.extra.push((Bank::Holding, 180));
    let same = remembering(0x2001, 449, memory.clone());
    assert_eq!(same.capabilities().unwrap().silent, [(Bank::Input, 180)]);
    let newer = remembering(0x2001, 450, memory);
    let found = newer.capabilities().unwrap();
    assert_eq!(found.batteries, [0x32, 0x33]);
    assert!(found.silent.is_empty() && found.extra.is_empty());
}

#[test]
fn nonsense_in_a_file_is_left_out() {
    let serial = plant_of(&hybrid()).identity().unwrap().serial.to_string();
    let text = format!(
        r#"{{"serial":"{serial}","devices":{{"device_type_code":8193,"arm_firmware":449,"dsp_firmware":449,
        "batteries":[55,50,50,17,255],"meters":[9,8,0],"silent":[["IR",7],["HR",60000],["HR",0]],
        "stacks":[{{"controller":112,"modules":[80]}}],"bms":true,"later":1}}}}"#
    );
    let mut plant = plant_of(&[(FIRST, block(FIRST))]);
    let memory: Memory = serde_json::from_str(&text).unwrap();
    assert_eq!(memory.saved_at, Timestamp::UNIX_EPOCH);
    plant.remember(memory, later(), Duration::ZERO);
    let found = plant.capabilities().unwrap();
    assert_eq!((&found.batteries[..], &found.meters[..]), (&[50, 55][..], &[8][..]));
    assert!(found.silent.is_empty(), "no such blocks, and the first is read whatever happens: {:?}", found.silent);
    assert!(found.stacks.is_empty() && !found.bms, "a hybrid has none");
    let plausible = stacks::plausible(
        &[
            Stack { controller: 0x71, modules: vec![0x52, 0x51, 0x51, 0x11] },
            Stack { controller: 0x70, modules: vec![0x50, 0x51] },
            Stack { controller: INVERTER, modules: vec![0x53] },
        ],
        Model::HybridThreePhase,
    );
    assert_eq!(
        plausible,
        [Stack { controller: 0x70, modules: vec![0x50, 0x51] }, Stack { controller: 0x71, modules: vec![0x52] }]
    );
}
