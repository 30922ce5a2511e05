//! The simulator as a client sees it that others wrote: the Python library givenergy-modbus.

use std::path::PathBuf;
use std::time::Duration;

use givtcp::frame::Bank;
use givtcp::simulator::{Options, Simulator};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

/// The Python of a virtual environment that has tests/python/requirements.txt.
fn python() -> Option<PathBuf> {
    let given = std::env::var_os("GIVTCP_TEST_PYTHON").map(PathBuf::from);
    let path = given.unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target/venv/bin/python")));
    path.exists().then_some(path)
}

/// What the client prints of the dongle at this port.
async fn seen(python: PathBuf, port: u16) -> Value {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/check_simulator.py");
    let run = Command::new(python).args([script, "127.0.0.1", &port.to_string()]).kill_on_drop(true).output();
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

#[tokio::test]
async fn an_independent_client_detects_the_plant_and_reads_its_values() {
    let Some(python) = python() else {
        eprintln!("SKIPPED: no Python with givenergy-modbus; scripts/test makes one, or set GIVTCP_TEST_PYTHON");
        return;
    };
    // Plant time stands, so that all that is read belongs to one moment.
    let simulator = Simulator::new(Options { seed: 11, speed: 0.0, ..Options::default() });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let shutdown = CancellationToken::new();
    let served = tokio::spawn({
        let (simulator, shutdown) = (simulator.clone(), shutdown.clone());
        async move { simulator.serve_dongle(listener, shutdown).await }
    });

    let seen = seen(python, port).await;
    shutdown.cancel();
    served.await.unwrap().unwrap();

    assert_eq!(seen["detected"]["device_type"], "HYBRID_GEN1");
    assert_eq!(seen["detected"]["lv_battery_addresses"], serde_json::json!(["0x32", "0x33"]));
    assert_eq!(seen["detected"]["meter_addresses"], serde_json::json!(["0x01"]));

    let mut compared = 0;
    for (address, registers) in seen["registers"].as_object().unwrap() {
        let device = u8::from_str_radix(address.trim_start_matches("0x"), 16).unwrap();
        for (name, value) in registers.as_object().unwrap() {
            let (bank, number) = register(name);
            let truth = simulator.get(device, bank, number).map(u64::from);
            assert_eq!(value.as_u64(), truth, "{address} {name}");
            compared += 1;
        }
    }
    assert!(compared >= 500, "{compared}");

    let now = simulator.power_now();
    let number = |value: &Value| value.as_f64().unwrap();
    let inverter = &seen["inverter"];
    assert_eq!(inverter["serial_number"], simulator.inverter_serial().to_string());
    let pv = number(&inverter["p_pv1"]) + number(&inverter["p_pv2"]);
    for (what, read, truth) in [
        ("sun", pv, now.pv),
        ("battery", number(&inverter["p_battery"]), now.battery),
        ("house", number(&inverter["p_load_demand"]), now.load),
        ("grid", number(&inverter["p_grid_out"]), now.grid),
        ("meter", -number(&seen["meters"]["0x01"]["p_active_total"]), now.grid),
        ("SOC", number(&inverter["battery_soc"]), now.soc),
    ] {
        assert!((read - truth).abs() <= 1.0, "{what}: {read} where {truth} is");
    }
    let batteries = seen["batteries"].as_array().unwrap();
    let serials: Vec<&Value> = batteries.iter().map(|battery| &battery["serial_number"]).collect();
    assert_eq!(serials, ["BG2227G201", "BG2227G202"]);
    for battery in batteries {
        let cells: f64 = (1..=16).map(|cell| number(&battery[format!("v_cell_{cell:02}")])).sum();
        assert!((cells - number(&battery["v_cells_sum"])).abs() < 0.001);
    }
}
