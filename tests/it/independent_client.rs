//! The simulator as a client sees it that others wrote: the Python library givenergy-modbus.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use givtcp::frame::Bank;
use givtcp::simulator::{Family, Options, Simulator};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

/// The Python of a virtual environment that has tests/python/requirements.txt.
fn python() -> Option<PathBuf> {
    let given = std::env::var_os("GIVTCP_TEST_PYTHON").map(PathBuf::from);
    let path = given.unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target/venv/bin/python")));
    path.exists().then_some(path)
}

/// What the client prints of the dongles at these ports.
async fn seen(python: PathBuf, ports: &[u16]) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/check_simulator.py");
    let ports = ports.iter().map(u16::to_string);
    let run = Command::new(python).args([script, "127.0.0.1"]).args(ports).kill_on_drop(true).output();
    let output = tokio::time::timeout(Duration::from_secs(120), run).await.expect("the client ends").unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The register that the client calls `HR_12`.
fn register(name: &str) -> (Bank, u16) {
    let (bank, number) = name.split_once('_').unwrap();
    let bank = match bank {
        "HR" => Bank::Holding,
        "IR" => Bank::Input,
        "MR" => Bank::MeterProduct,
        _ => panic!("no such bank: {name}"),
    };
    (bank, number.parse().unwrap())
}

/// What the client must detect: the model, and addresses of batteries, meters, stacks with the number of their modules,
/// and modules.
struct Detected {
    model: &'static str,
    batteries: &'static [&'static str],
    meters: &'static [&'static str],
    stacks: &'static [[u8; 2]],
    modules: u8,
}

fn expected(family: Family) -> Detected {
    let model = match family {
        Family::HybridGen1 => "HYBRID_GEN1",
        Family::HybridGen2 => "HYBRID_GEN2",
        Family::HybridGen3 => "HYBRID_GEN3",
        Family::HybridGen4 => "HYBRID_GEN4",
        Family::Polar => "POLAR",
        Family::AcCoupled => "AC",
        Family::AllInOne => "ALL_IN_ONE",
        Family::AllInOneHybrid => "ALL_IN_ONE_HYBRID",
        Family::AllInOneCommercial => "AIO_COMMERCIAL",
        Family::HvGen3 => "HYBRID_HV_GEN3",
        Family::ThreePhaseHybrid => "HYBRID_3PH",
        Family::ThreePhaseAc => "AC_3PH",
        Family::Ems => "EMS",
        Family::Gateway => "GATEWAY",
        Family::PvOnly => "HYBRID",
        other => panic!("a family that this test does not know: {other}"),
    };
    let grid: &[&str] = &["0x01"];
    let (batteries, meters, stacks, modules): (&[&str], &[&str], &[[u8; 2]], u8) = match family {
        Family::AllInOne | Family::AllInOneHybrid => (&[], grid, &[[0, 4]], 4),
        Family::HvGen3 => (&[], grid, &[[0, 3]], 3),
        Family::ThreePhaseHybrid => (&[], grid, &[[0, 6]], 6),
        Family::ThreePhaseAc => (&[], grid, &[[0, 4], [1, 4]], 8),
        Family::Ems => (&[], &["0x01", "0x03"], &[], 0),
        Family::Gateway => (&[], &["0x01", "0x02"], &[], 0),
        Family::PvOnly | Family::AllInOneCommercial => (&[], grid, &[], 0),
        _ => (&["0x32", "0x33"], grid, &[], 0),
    };
    Detected { model, batteries, meters, stacks, modules }
}

fn is_detected(family: Family, seen: &Value) {
    let found = &seen["detected"];
    let expected = expected(family);
    assert_eq!(found["device_type"], expected.model, "{family}");
    assert_eq!(found["lv_battery_addresses"], json!(expected.batteries), "{family}");
    assert_eq!(found["meter_addresses"], json!(expected.meters), "{family}");
    assert_eq!(found["bcu_stacks"], json!(expected.stacks), "{family}");
    let modules: Vec<String> = (0..expected.modules).map(|module| format!("{:#04x}", 0x50 + module)).collect();
    let (all_in_ones, others) = if family == Family::AllInOne { (modules, vec![]) } else { (vec![], modules) };
    assert_eq!(found["aio_battery_module_addresses"], json!(all_in_ones), "{family}");
    assert_eq!(found["hv_bmu_addresses"], json!(others), "{family}");
    assert_eq!(found["lv_bcu_address"], Value::Null, "{family}");
}

/// Every register that the client read is what the simulator has; how many there are.
fn registers_agree(simulator: &Simulator, seen: &Value) -> usize {
    let mut compared = 0;
    for (address, registers) in seen["registers"].as_object().unwrap() {
        let device = u8::from_str_radix(address.trim_start_matches("0x"), 16).unwrap();
        for (name, value) in registers.as_object().unwrap() {
            let (bank, number) = register(name);
            let truth = simulator.get(device, bank, number).map(u64::from);
            assert_eq!(value.as_u64(), truth, "{} {address} {name}", simulator.family());
            compared += 1;
        }
    }
    compared
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no number: {value}"))
}

/// What the client decodes: sun, battery, house, grid in W, + discharge and + export.
fn powers(family: Family, seen: &Value) -> [f64; 4] {
    let (inverter, ems, gateway) = (&seen["inverter"], &seen["ems"], &seen["gateway"]);
    let sun = || number(&inverter["p_pv1"]) + number(&inverter["p_pv2"]);
    match family {
        Family::Ems => [
            number(&ems["total_generation_load_power"]),
            number(&ems["total_battery_power"]),
            number(&ems["calc_load_power"]),
            -number(&ems["grid_meter_power"]),
        ],
        Family::Gateway => ["p_pv", "p_liberty", "p_load", "p_ac1"].map(|name| number(&gateway[name])),
        Family::ThreePhaseHybrid | Family::ThreePhaseAc | Family::AllInOneCommercial | Family::AllInOneHybrid => [
            sun(),
            number(&inverter["p_battery"]),
            number(&inverter["p_load_all"]),
            number(&inverter["p_meter_export"]) - number(&inverter["p_meter_import"]),
        ],
        _ => {
            [sun(), number(&inverter["p_battery"]), number(&inverter["p_load_demand"]), number(&inverter["p_grid_out"])]
        }
    }
}

fn values_agree(simulator: &Simulator, seen: &Value) {
    let (family, now) = (simulator.family(), simulator.power_now());
    assert_eq!(seen["inverter"]["serial_number"], simulator.inverter_serial().to_string(), "{family}");
    let is_leader = matches!(family, Family::Ems | Family::Gateway);
    // A leader sees its inverters from the AC side.
    let battery = if is_leader { now.battery - now.losses } else { now.battery };
    let read = powers(family, seen);
    for ((what, read), truth) in
        ["sun", "battery", "house", "grid"].into_iter().zip(read).zip([now.pv, battery, now.load, now.grid])
    {
        assert!((read - truth).abs() <= 1.5, "{family}, {what}: {read} where {truth} is");
    }
    let [sun, battery, house, grid] = read;
    assert!((sun + battery - house - grid).abs() <= 50.0, "{family}: {read:?}");
    let meter = -number(&seen["meters"]["0x01"]["p_active_total"]);
    assert!((meter - now.grid).abs() <= 1.0, "{family}, meter: {meter} where {} is", now.grid);
    if !is_leader {
        let soc = number(&seen["inverter"]["battery_soc"]);
        assert!((soc - now.soc).abs() <= 0.5, "{family}, SOC: {soc} where {} is", now.soc);
    }
}

fn parts_agree(family: Family, seen: &Value) {
    let serials = |list: &Value| -> Vec<String> {
        let list = list.as_array().unwrap().iter();
        list.map(|part| part["serial_number"].as_str().unwrap_or("none").to_owned()).collect()
    };
    let expected = expected(family);
    let batteries = seen["batteries"].as_array().unwrap();
    for battery in batteries {
        let cells: f64 = (1..=16).map(|cell| number(&battery[format!("v_cell_{cell:02}")])).sum();
        assert!((cells - number(&battery["v_cells_sum"])).abs() < 0.001, "{family}");
    }
    let mut all = serials(&seen["batteries"]);
    assert_eq!(all.len(), expected.batteries.len());
    for stack in seen["stacks"].as_array().unwrap() {
        let modules = stack["modules"].as_array().unwrap();
        let cells: f64 =
            modules.iter().flat_map(|module| (1..=24).map(|cell| number(&module[format!("v_cell_{cell:02}")]))).sum();
        let volts = number(&stack["bcu"]["battery_voltage"]);
        assert!((cells - volts).abs() < 0.5, "{family}: cells {cells} V, stack {volts} V");
        all.extend(serials(&stack["modules"]));
    }
    let distinct: BTreeSet<&String> = all.iter().collect();
    assert_eq!(distinct.len(), all.len(), "{family}: {all:?}");
    assert!(all.iter().all(|serial| serial.ends_with(|last: char| last.is_ascii_digit())), "{family}: {all:?}");
}

#[tokio::test]
async fn an_independent_client_detects_every_family_and_reads_its_values() {
    let Some(python) = python() else {
        eprintln!("SKIPPED: no Python with givenergy-modbus; scripts/test makes one, or set GIVTCP_TEST_PYTHON");
        return;
    };
    let shutdown = CancellationToken::new();
    let (mut plants, mut served) = (Vec::new(), tokio::task::JoinSet::new());
    for &family in Family::ALL {
        // Plant time stands, so that all that is read belongs to one moment.
        let delay = Duration::from_millis(20);
        let simulator = Simulator::new(Options { family, seed: 11, speed: 0.0, delay, ..Options::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        plants.push((simulator.clone(), listener.local_addr().unwrap().port()));
        let shutdown = shutdown.clone();
        served.spawn(async move { simulator.serve_dongle(listener, shutdown).await });
    }
    let ports: Vec<u16> = plants.iter().map(|(_, port)| *port).collect();
    let all = seen(python, &ports).await;
    shutdown.cancel();
    while let Some(ended) = served.join_next().await {
        ended.unwrap().unwrap();
    }

    for (simulator, port) in &plants {
        let (family, seen) = (simulator.family(), &all[port.to_string()]);
        is_detected(family, seen);
        let compared = registers_agree(simulator, seen);
        println!("{family}: {compared} registers");
        assert!(compared >= 240, "{family}: {compared}");
        values_agree(simulator, seen);
        parts_agree(family, seen);
    }
    let of = |family: Family| {
        let (_, port) = plants.iter().find(|(simulator, _)| simulator.family() == family).unwrap();
        &all[port.to_string()]
    };
    assert_eq!(of(Family::Ems)["children"], json!(["CE2227G701", "CE2227G702"]));
    let gateway = &of(Family::Gateway)["gateway"];
    assert_eq!(
        (&gateway["aio1_serial_number"], &gateway["aio2_serial_number"]),
        (&json!("CH2227G711"), &json!("CH2227G712"))
    );
}
