//! Captures of real plants, served by the simulator. They are not part of the repository.

use givtcp::frame::Bank;
use givtcp::simulator::{Options, Simulator};
use serde_json::Value;

use crate::captures;

#[tokio::test]
async fn the_registers_of_every_capture_are_those_at_its_end() {
    let Some(captures) = captures::find("captures") else { return };
    let mut compared = 0;
    for entry in std::fs::read_dir(&captures).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "log") {
            continue;
        }
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let simulator = Simulator::from_capture(&text, Options::default()).unwrap();
        let expected = std::fs::read_to_string(captures.join(format!("expected/{name}.json"))).unwrap();
        let expected: Value = serde_json::from_str(&expected).unwrap();
        assert_eq!(simulator.inverter_serial().to_string(), expected["inverter_serial"], "{name}");
        assert_eq!(simulator.dongle_serial().to_string(), expected["adapter"], "{name}");
        for (address, registers) in expected["registers"].as_object().unwrap() {
            let device = u8::from_str_radix(address.trim_start_matches("0x"), 16).unwrap();
            for (register, value) in registers.as_object().unwrap() {
                let (bank, number) = register.split_at(2);
                let bank = match bank {
                    "HR" => Bank::Holding,
                    "IR" => Bank::Input,
                    _ => Bank::MeterProduct,
                };
                let served = simulator.get(device, bank, number.parse().unwrap());
                assert_eq!(served.map(u64::from), value.as_u64(), "{name} {address} {register}");
                compared += 1;
            }
        }
    }
    assert!(compared > 1000, "{compared}");
}
