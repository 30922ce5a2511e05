//! Every command on every family: its plan, or why there is none.

use std::fmt::Write;

use super::fixture::{Bench, writes};
use crate::control::{COMMANDS, Refusal};
use crate::simulator::Family;

const NOT_SUPPORTED: &str = "not supported";

/// What becomes of a command on a family.
fn outcome(bench: &Bench, name: &str, payload: &str) -> String {
    match bench.plan(name, payload) {
        Ok(plan) => writes(&plan),
        Err(Refusal::NotSupported { .. }) => NOT_SUPPORTED.to_owned(),
        Err(refusal) => refusal.code().to_owned(),
    }
}

/// `name payload`, and below it each plan or refusal with the families that have it; on all others it is not supported.
fn table(commands: &[(String, &str)]) -> String {
    let benches: Vec<Bench> = Family::ALL.iter().map(|&family| Bench::new(family)).collect();
    let mut table = String::new();
    for (name, payload) in commands {
        let _ = writeln!(table, "{name} {payload}");
        let mut outcomes: Vec<(String, Vec<&str>)> = Vec::new();
        for (bench, family) in benches.iter().zip(Family::ALL) {
            let outcome = outcome(bench, name, payload);
            match outcomes.iter_mut().find(|(known, _)| *known == outcome) {
                Some((_, families)) => families.push(family.name()),
                None => outcomes.push((outcome, vec![family.name()])),
            }
        }
        for (outcome, families) in outcomes.iter().filter(|(outcome, _)| outcome != NOT_SUPPORTED) {
            let families = if outcomes.len() == 1 { "all".to_owned() } else { families.join(" ") };
            let _ = writeln!(table, "    {outcome}: {families}");
        }
    }
    table
}

fn examples(numbered: bool) -> Vec<(String, &'static str)> {
    let mut commands = Vec::new();
    for name in COMMANDS.iter().filter(|name| (name.numbers > 0) == numbered) {
        let payload = if name.example().contains("confirm") || name.name == "rebootInverter" {
            r#"{"state": "Start", "confirm": "SERIAL"}"#
        } else {
            name.example()
        };
        match name.numbers {
            0 => commands.extend([payload].iter().chain(name.more).map(|payload| (name.name.to_owned(), *payload))),
            most => commands.extend([1, 2, most].map(|number| (name.numbered(number), payload))),
        }
    }
    commands.dedup();
    commands
}

#[test]
fn every_command_without_a_number_on_every_family() {
    insta::assert_snapshot!(table(&examples(false)), @r#"
    setChargeRate 2000
        111=11: hybrid-gen1 hybrid-gen2 hybrid-gen3 hybrid-gen4 polar ac-coupled
        111=12: all-in-one
        1110=25: all-in-one-hybrid
        not_known: all-in-one-commercial
        111=16: hv-gen3
        1110=17: three-phase-hybrid
        1110=13: three-phase-ac
        313=17: gateway
    setDischargeRate 2000
        112=11: hybrid-gen1 hybrid-gen2 hybrid-gen3 hybrid-gen4 polar ac-coupled
        112=12: all-in-one
        1108=25: all-in-one-hybrid
        not_known: all-in-one-commercial
        112=16: hv-gen3
        1108=17: three-phase-hybrid
        1108=13: three-phase-ac
        314=17: gateway
    setChargeRateAC 50
        313=50: ac-coupled all-in-one gateway
        1110=50: all-in-one-hybrid all-in-one-commercial three-phase-hybrid three-phase-ac
    setDischargeRateAC 50
        314=50: ac-coupled all-in-one gateway
        1108=50: all-in-one-hybrid all-in-one-commercial three-phase-hybrid three-phase-ac
    setChargeTarget 80
        116=80 20=1: hybrid-gen1 hybrid-gen2 hybrid-gen3 hybrid-gen4 polar ac-coupled all-in-one hv-gen3 gateway
        1111=80 20=1: all-in-one-hybrid all-in-one-commercial three-phase-hybrid three-phase-ac
    setChargeTarget 100
        20=0 116=100: hybrid-gen1 hybrid-gen2 hybrid-gen3 hybrid-gen4 polar ac-coupled all-in-one hv-gen3 gateway
        20=0 1111=100: all-in-one-hybrid all-in-one-commercial three-phase-hybrid three-phase-ac
    enableChargeTarget enable
        20=1: hybrid-gen1 hybrid-gen2 hybrid-gen3 hybrid-gen4 polar ac-coupled all-in-one all-in-one-hybrid all-in-one-commercial hv-gen3 three-phase-hybrid three-phase-ac gateway
    enableChargeTarget disable
        20=0 116=100: hybrid-gen1 hybrid-gen2 hybrid-gen3 hybrid-gen4 polar ac-coupled all-in-one hv-gen3 gateway
        20=0 1111=100: all-in-one-hybrid all-in-one-commercial three-phase-hybrid three-phase-ac
    setBatteryReserve 20
        110=20: hybrid-gen1 hybrid-gen2 hybrid-gen3 hybrid-gen4 polar ac-coupled all-in-one hv-gen3 gateway
        1109=20: all-in-one-hybrid all-in-one-commercial three-phase-hybrid three-phase-ac
    setBatteryCutoff 4
        114=4: hybrid-gen1 hybrid-gen2 hybrid-gen3 hybrid-gen4 polar ac-coupled all-in-one hv-gen3 gateway
        out_of_range: all-in-one-hybrid all-in-one-commercial three-phase-hybrid three-phase-ac
    setActivePowerRate 100
        50=100: hybrid-gen1 hybrid-gen2 hybrid-gen3 hybrid-gen4 polar ac-coupled all-in-one all-in-one-hybrid all-in-one-commercial hv-gen3 three-phase-hybrid three-phase-ac gateway pv-only
    setBatteryMode Eco
        27=1 59=0: hybrid-gen1 hybrid-gen2 hybrid-gen3 hybrid-gen4 polar ac-coupled all-in-one hv-gen3 gateway
        27=1 59=0 1122=0: all-in-one-hybrid all-in-one-commercial three-phase-hybrid three-phase-ac
    setBatteryMode Eco (Paused)
        27=1 59=0 110=100: hybrid-gen1 hybrid-gen2 hybrid-gen3 hybrid-gen4 polar ac-coupled all-in-one hv-gen3 gateway
        27=1 59=0 1122=0 1109=100: all-in-one-hybrid all-in-one-commercial three-phase-hybrid three-phase-ac
    setBatteryMode Timed Demand
        27=1 59=1: hybrid-gen1 hybrid-gen2 hybrid-gen3 hybrid-gen4 polar ac-coupled all-in-one hv-gen3 gateway
        27=1 59=1 1122=1: all-in-one-hybrid all-in-one-commercial three-phase-hybrid three-phase-ac
    setBatteryMode Timed Export
        59=1 27=0: hybrid-gen1 hybrid-gen2 hybrid-gen3 hybrid-gen4 polar ac-coupled all-in-one hv-gen3 gateway
        59=1 1122=1 27=0: all-in-one-hybrid all-in-one-commercial three-phase-hybrid three-phase-ac
    setEcoMode enable
        27=1: hybrid-gen1 hybrid-gen2 hybrid-gen3 hybrid-gen4 polar ac-coupled all-in-one all-in-one-hybrid all-in-one-commercial hv-gen3 three-phase-hybrid three-phase-ac gateway
    enableChargeSchedule enable
        96=1: hybrid-gen1 hybrid-gen2 hybrid-gen3 hybrid-gen4 polar ac-coupled all-in-one hv-gen3 gateway
        1112=1 1123=1: all-in-one-hybrid all-in-one-commercial three-phase-hybrid three-phase-ac
    enableChargeSchedule disable
        96=0: hybrid-gen1 hybrid-gen2 hybrid-gen3 hybrid-gen4 polar ac-coupled all-in-one hv-gen3 gateway
        1123=0 1112=0: all-in-one-hybrid all-in-one-commercial three-phase-hybrid three-phase-ac
    enableDischargeSchedule enable
        59=1: hybrid-gen1 hybrid-gen2 hybrid-gen3 hybrid-gen4 polar ac-coupled all-in-one hv-gen3 gateway
        1122=1: all-in-one-hybrid all-in-one-commercial three-phase-hybrid three-phase-ac
    setBatteryPauseMode PauseDischarge
        318=2: ac-coupled all-in-one three-phase-ac gateway
    setPauseStart 16:00
        319=1600: all-in-one three-phase-ac gateway
    setPauseEnd 19:00
        320=1900: all-in-one three-phase-ac gateway
    setPauseSlot {"start": "16:00", "finish": "19:00"}
        319=1600 320=1900: all-in-one three-phase-ac gateway
    setEmsPlant enable
        2040=1: ems
    setForceCharge enable
        1123=1: all-in-one-hybrid all-in-one-commercial three-phase-hybrid three-phase-ac
    setForceDischarge enable
        1122=1: all-in-one-hybrid all-in-one-commercial three-phase-hybrid three-phase-ac
    setACCharge enable
        1112=1: all-in-one-hybrid all-in-one-commercial three-phase-hybrid three-phase-ac
    enableRTC enable
        166=1: hybrid-gen1 hybrid-gen2 hybrid-gen3 hybrid-gen4 polar ac-coupled all-in-one all-in-one-hybrid all-in-one-commercial hv-gen3 three-phase-hybrid three-phase-ac gateway
    syncDateTime {}
        40=0 38=9 39=0 40=0: hybrid-gen1 hybrid-gen2 hybrid-gen3 hybrid-gen4 polar ac-coupled all-in-one all-in-one-hybrid all-in-one-commercial hv-gen3 three-phase-hybrid three-phase-ac gateway pv-only
    setDateTime 05/06/2026 12:00:00
        40=0 38=12 39=0 40=0: hybrid-gen1 hybrid-gen2 hybrid-gen3 hybrid-gen4 polar ac-coupled all-in-one all-in-one-hybrid all-in-one-commercial hv-gen3 three-phase-hybrid three-phase-ac gateway pv-only
    setBatteryCalibration Off
        29=0: hybrid-gen1 hybrid-gen2 hybrid-gen3 hybrid-gen4 polar ac-coupled all-in-one all-in-one-hybrid all-in-one-commercial hv-gen3 three-phase-hybrid three-phase-ac gateway
    rebootInverter {"state": "Start", "confirm": "SERIAL"}
        163=100: hybrid-gen1 hybrid-gen2 hybrid-gen3 hybrid-gen4 polar ac-coupled all-in-one all-in-one-hybrid all-in-one-commercial hv-gen3 three-phase-hybrid three-phase-ac gateway pv-only
    forceCharge 30
        elsewhere: all
    forceExport 30
        elsewhere: all
    tempPauseCharge 30
        elsewhere: all
    tempPauseDischarge 30
        elsewhere: all
    switchRate day
        elsewhere: all
    rebootAddon {}
        elsewhere: all
    enableDischarge enable
    setExportLimit 3600
    setCarChargeBoost 3000
    setPVInputMode Independent
    setLocalControlMode Load
    "#);
}

#[test]
fn every_command_with_a_number_on_every_family() {
    insta::assert_snapshot!(table(&examples(true)), @r#"
    setChargeStart1 00:30
        94=30: hybrid-gen1 hybrid-gen2 hybrid-gen3 hybrid-gen4 polar ac-coupled all-in-one hv-gen3 gateway
        1113=30: all-in-one-hybrid all-in-one-commercial three-phase-hybrid three-phase-ac
        2053=30: ems
    setChargeStart2 00:30
        243=30: hybrid-gen3 hybrid-gen4 all-in-one hv-gen3 gateway
        1115=30: all-in-one-hybrid all-in-one-commercial three-phase-hybrid three-phase-ac
        2056=30: ems
    setChargeStart10 00:30
        267=30: hybrid-gen3 hybrid-gen4 all-in-one all-in-one-hybrid hv-gen3 gateway
    setChargeEnd1 04:30
        95=430: hybrid-gen1 hybrid-gen2 hybrid-gen3 hybrid-gen4 polar ac-coupled all-in-one hv-gen3 gateway
        1114=430: all-in-one-hybrid all-in-one-commercial three-phase-hybrid three-phase-ac
        2054=430: ems
    setChargeEnd2 04:30
        244=430: hybrid-gen3 hybrid-gen4 all-in-one hv-gen3 gateway
        1116=430: all-in-one-hybrid all-in-one-commercial three-phase-hybrid three-phase-ac
        2057=430: ems
    setChargeEnd10 04:30
        268=430: hybrid-gen3 hybrid-gen4 all-in-one all-in-one-hybrid hv-gen3 gateway
    setChargeSlot1 {"start": "00:30", "finish": "04:30"}
        94=30 95=430: hybrid-gen1 hybrid-gen2 hybrid-gen3 hybrid-gen4 polar ac-coupled all-in-one hv-gen3 gateway
        1113=30 1114=430: all-in-one-hybrid all-in-one-commercial three-phase-hybrid three-phase-ac
        2053=30 2054=430: ems
    setChargeSlot2 {"start": "00:30", "finish": "04:30"}
        244=430 243=30: hybrid-gen3 hybrid-gen4 all-in-one hv-gen3 gateway
        1116=430 1115=30: all-in-one-hybrid all-in-one-commercial three-phase-hybrid three-phase-ac
        2057=430 2056=30: ems
    setChargeSlot10 {"start": "00:30", "finish": "04:30"}
        268=430 267=30: hybrid-gen3 hybrid-gen4 all-in-one all-in-one-hybrid hv-gen3 gateway
    setChargeTarget1 90
        242=90: hybrid-gen3 hybrid-gen4 all-in-one all-in-one-hybrid hv-gen3 gateway
        2055=90: ems
    setChargeTarget2 90
        245=90: hybrid-gen3 hybrid-gen4 all-in-one all-in-one-hybrid hv-gen3 gateway
        2058=90: ems
    setChargeTarget10 90
        269=90: hybrid-gen3 hybrid-gen4 all-in-one all-in-one-hybrid hv-gen3 gateway
    setDischargeStart1 16:00
        56=1600: hybrid-gen1 hybrid-gen2 hybrid-gen3 hybrid-gen4 polar ac-coupled all-in-one hv-gen3 gateway
        1118=1600: all-in-one-hybrid all-in-one-commercial three-phase-hybrid three-phase-ac
        2044=1600: ems
    setDischargeStart2 16:00
        44=1600: hybrid-gen1 hybrid-gen2 hybrid-gen3 hybrid-gen4 polar ac-coupled all-in-one hv-gen3 gateway
        1120=1600: all-in-one-hybrid all-in-one-commercial three-phase-hybrid three-phase-ac
        2047=1600: ems
    setDischargeStart10 16:00
        297=1600: hybrid-gen3 hybrid-gen4 all-in-one all-in-one-hybrid hv-gen3 gateway
    setDischargeEnd1 19:00
        57=1900: hybrid-gen1 hybrid-gen2 hybrid-gen3 hybrid-gen4 polar ac-coupled all-in-one hv-gen3 gateway
        1119=1900: all-in-one-hybrid all-in-one-commercial three-phase-hybrid three-phase-ac
        2045=1900: ems
    setDischargeEnd2 19:00
        45=1900: hybrid-gen1 hybrid-gen2 hybrid-gen3 hybrid-gen4 polar ac-coupled all-in-one hv-gen3 gateway
        1121=1900: all-in-one-hybrid all-in-one-commercial three-phase-hybrid three-phase-ac
        2048=1900: ems
    setDischargeEnd10 19:00
        298=1900: hybrid-gen3 hybrid-gen4 all-in-one all-in-one-hybrid hv-gen3 gateway
    setDischargeSlot1 {"start": "16:00", "finish": "19:00"}
        56=1600 57=1900: hybrid-gen1 hybrid-gen2 hybrid-gen3 hybrid-gen4 polar ac-coupled all-in-one hv-gen3 gateway
        1118=1600 1119=1900: all-in-one-hybrid all-in-one-commercial three-phase-hybrid three-phase-ac
        2044=1600 2045=1900: ems
    setDischargeSlot2 {"start": "16:00", "finish": "19:00"}
        44=1600 45=1900: hybrid-gen1 hybrid-gen2 hybrid-gen3 hybrid-gen4 polar ac-coupled all-in-one hv-gen3 gateway
        1120=1600 1121=1900: all-in-one-hybrid all-in-one-commercial three-phase-hybrid three-phase-ac
        2047=1600 2048=1900: ems
    setDischargeSlot10 {"start": "16:00", "finish": "19:00"}
        297=1600 298=1900: hybrid-gen3 hybrid-gen4 all-in-one all-in-one-hybrid hv-gen3 gateway
    setDischargeTarget1 20
        272=20: hybrid-gen3 hybrid-gen4 all-in-one all-in-one-hybrid hv-gen3 gateway
        2046=20: ems
    setDischargeTarget2 20
        275=20: hybrid-gen3 hybrid-gen4 all-in-one all-in-one-hybrid hv-gen3 gateway
        2049=20: ems
    setDischargeTarget10 20
        299=20: hybrid-gen3 hybrid-gen4 all-in-one all-in-one-hybrid hv-gen3 gateway
    setExportStart1 16:00
        2062=1600: ems
    setExportStart2 16:00
        2065=1600: ems
    setExportStart3 16:00
        2068=1600: ems
    setExportEnd1 19:00
        2063=1900: ems
    setExportEnd2 19:00
        2066=1900: ems
    setExportEnd3 19:00
        2069=1900: ems
    setExportSlot1 {"start": "16:00", "finish": "19:00"}
        2062=1600 2063=1900: ems
    setExportSlot2 {"start": "16:00", "finish": "19:00"}
        2065=1600 2066=1900: ems
    setExportSlot3 {"start": "16:00", "finish": "19:00"}
        2068=1600 2069=1900: ems
    setExportTarget1 20
        2064=20: ems
    setExportTarget2 20
        2067=20: ems
    setExportTarget3 20
        2070=20: ems
    setEMSChargeStart1 00:30
        2053=30: ems
    setEMSChargeStart2 00:30
        2056=30: ems
    setEMSChargeStart3 00:30
        2059=30: ems
    setEMSChargeEnd1 04:30
        2054=430: ems
    setEMSChargeEnd2 04:30
        2057=430: ems
    setEMSChargeEnd3 04:30
        2060=430: ems
    setEMSChargeSlot1 {"start": "00:30", "finish": "04:30"}
        2053=30 2054=430: ems
    setEMSChargeSlot2 {"start": "00:30", "finish": "04:30"}
        2057=430 2056=30: ems
    setEMSChargeSlot3 {"start": "00:30", "finish": "04:30"}
        2060=430 2059=30: ems
    setEMSChargeTarget1 90
        2055=90: ems
    setEMSChargeTarget2 90
        2058=90: ems
    setEMSChargeTarget3 90
        2061=90: ems
    setEMSDischargeStart1 16:00
        2044=1600: ems
    setEMSDischargeStart2 16:00
        2047=1600: ems
    setEMSDischargeStart3 16:00
        2050=1600: ems
    setEMSDischargeEnd1 19:00
        2045=1900: ems
    setEMSDischargeEnd2 19:00
        2048=1900: ems
    setEMSDischargeEnd3 19:00
        2051=1900: ems
    setEMSDischargeSlot1 {"start": "16:00", "finish": "19:00"}
        2044=1600 2045=1900: ems
    setEMSDischargeSlot2 {"start": "16:00", "finish": "19:00"}
        2047=1600 2048=1900: ems
    setEMSDischargeSlot3 {"start": "16:00", "finish": "19:00"}
        2050=1600 2051=1900: ems
    setEMSDischargeTarget1 20
        2046=20: ems
    setEMSDischargeTarget2 20
        2049=20: ems
    setEMSDischargeTarget3 20
        2052=20: ems
    "#);
}
