use super::fixture::*;
use crate::catalogue::Layout;
use crate::frame::{Bank, BlockKey};
use crate::plant::snapshot::Snapshot;
use crate::plant::{INVERTER, Plant};
use crate::registers::hv_bcu;

fn watts(power: i16) -> u16 {
    power as u16
}

fn leaf(snapshot: &Snapshot, path: &str) -> Option<String> {
    let tree = Layout::new(true).tree(snapshot);
    tree.leaves.iter().find(|leaf| *leaf.path == *path).map(|leaf| leaf.payload.to_string())
}

/// A filled plant with some registers of the inverter set otherwise.
fn plant_with(code: u16, changes: &[(Bank, u16, u16)]) -> Plant {
    let mut blocks = filled_plant(code, 612);
    for &(bank, address, value) in changes {
        let held = |key: &BlockKey| key.holds(INVERTER, bank, address);
        let (key, values) = blocks.iter_mut().find(|(key, _)| held(key)).expect("a block with this register");
        values[usize::from(address - key.base)] = value;
    }
    plant_of(&blocks)
}

fn measuring_as(code: u16, measured: &[(u16, u16)]) -> Snapshot {
    let changes: Vec<_> = measured.iter().map(|&(address, value)| (Bank::Input, address, value)).collect();
    snapshot(&plant_with(code, &changes))
}

#[test]
fn a_three_phase_inverters_battery_power_is_what_it_gives_less_what_it_takes() {
    let charging = measuring_as(0x4001, &[(1136, 0), (1137, 0), (1138, 0), (1139, 17_048)]);
    assert_eq!(leaf(&charging, "Power/Power/Battery_Power").as_deref(), Some("-1705"));
    assert_eq!(leaf(&charging, "Power/Power/Battery_Charge_Power").as_deref(), Some("1704.8"));
    let discharging = measuring_as(0x4001, &[(1136, 0), (1137, 17_048), (1138, 0), (1139, 0), (1140, 361)]);
    assert_eq!(leaf(&discharging, "Power/Power/Battery_Power").as_deref(), Some("1705"));
    assert_eq!(leaf(&discharging, "Power/Power/Battery_Current").as_deref(), Some("3.61"));
}

#[test]
fn a_three_phase_inverters_signs_are_right() {
    let seen = measuring_as(
        0x4001,
        &[(1069, 0xffff), (1070, 0xfff6), (1083, watts(-536)), (1079, 0), (1080, 5000), (1081, 0), (1082, 0)],
    );
    assert_eq!(leaf(&seen, "Power/Power/Inverter_Power_Out").as_deref(), Some("-1.0"));
    assert_eq!(leaf(&seen, "Power/Power/Load_Phase1_Power").as_deref(), Some("-536"));
    assert_eq!(leaf(&seen, "Power/Power/Grid_Power").as_deref(), Some("-500"), "import is negative");
}

#[test]
fn both_strings_of_a_three_phase_inverter_are_added_up() {
    let seen = measuring_as(0x4001, &[(1017, 0), (1018, 12_345), (1019, 0), (1020, 5000), (1009, 31), (1010, 20)]);
    assert_eq!(leaf(&seen, "Power/Power/PV_Power").as_deref(), Some("1734.5"));
    assert_eq!(leaf(&seen, "Power/Power/PV_Current").as_deref(), Some("5.1"));
}

#[test]
fn without_a_configured_capacity_a_three_phase_battery_holds_what_its_stacks_say() {
    let capacity = |amp_hours| {
        let seen = snapshot(&plant_with(0x4001, &[(Bank::Holding, 55, amp_hours)]));
        (seen.inverter.battery_capacity, seen.inverter.measured_capacity, seen.power.soc_kwh)
    };
    // One module: 0.1 Ah at 76.8 V are 0.01 kWh, of which nine tenths are usable.
    assert_eq!(capacity(0), (Some(0.01), Some(0.01), Some(0.01)));
    assert_eq!(capacity(100), (Some(7.68), Some(0.01), Some(0.01)));
}

#[test]
fn a_plant_controllers_grid_power_keeps_its_sign_and_is_turned_for_the_house() {
    let seen = measuring_as(0x5001, &[(2089, watts(-1834)), (2090, 2511)]);
    assert_eq!(leaf(&seen, "Power/Grid_Power").as_deref(), Some("-1834"));
    assert_eq!((seen.power.grid, seen.power.export(), seen.power.battery), (Some(1834), Some(1834), Some(2511)));
}

#[test]
fn what_a_plant_controllers_settings_say_of_a_battery_is_not_shown() {
    let seen = measuring_as(0x5001, &[]);
    let leaves = Layout::new(true).tree(&seen).leaves;
    assert!(seen.inverter.battery_type.is_none() && seen.inverter.calibration_status.is_none());
    for name in ["Battery_Type", "Battery_Capacity_kWh", "Battery_Calibration_Status", "battery_nominal_capacity"] {
        assert!(leaves.iter().all(|leaf| !leaf.path.ends_with(name)), "{name}");
    }
    assert!(measuring_as(0x2001, &[]).inverter.battery_capacity.is_some());
}

#[test]
fn a_meter_that_is_not_there_has_no_power() {
    let seen = measuring_as(0x5001, &[(2043, 0b10_01), (2046, 0), (2047, 7), (2048, 9)]);
    let power = |meter: usize| leaf(&seen, &format!("Power/Meters/Meter_{meter}_Power"));
    let status = |meter: usize| leaf(&seen, &format!("Power/Meters/Meter_{meter}_Status"));
    assert_eq!([1, 2, 3].map(power), [Some("0".into()), Some("7".into()), None]);
    assert_eq!([1, 2, 3].map(status), [Some("Online".into()), Some("Offline".into()), Some("Disabled".into())]);
}

#[test]
fn a_gateways_old_totals_keep_givtcps_thousandth_beside_the_true_ones() {
    let mut blocks = filled_plant(0x7001, 612);
    for (register, value) in [(1641, 1), (1642, 61_572), (1706, 1), (1707, 13_182)] {
        let page = |key: BlockKey| key.bank == Bank::Input && (key.base..key.base + 60).contains(&register);
        let (key, values) = blocks.iter_mut().find(|(key, _)| page(*key)).unwrap();
        values[usize::from(register - key.base)] = value;
    }
    let seen = snapshot(&plant_of(&blocks));
    assert_eq!(seen.total.import, Some(12_710.8));
    assert_eq!(leaf(&seen, "Energy/Total/Import_Energy_Total_kWh").as_deref(), Some("12.71"));
    assert_eq!(leaf(&seen, "Energy/Lifetime/Import_Energy_Lifetime_kWh").as_deref(), Some("12710.8"));
    assert_eq!(leaf(&seen, "Inverters/AIO_1/AC_Charge_Energy_Total_kWh").as_deref(), Some("7.87"));
    assert_eq!(leaf(&seen, "Inverters/AIO_1/AC_Charge_Energy_Lifetime_kWh").as_deref(), Some("7871.8"));
}

#[test]
fn a_gateways_battery_is_that_of_all_its_all_in_ones() {
    let seen = measuring_as(0x7001, &[(1702, 154), (1801, 94), (1802, 96), (1803, 95)]);
    assert_eq!((seen.power.battery, seen.power.soc, seen.power.soc_kwh), (Some(-154), Some(95), Some(38.48)));
    assert_eq!((seen.inverter.battery_capacity, seen.inverter.max_battery_power), (Some(40.5), Some(18_000)));
    let one_unknown = measuring_as(0x7001, &[(1803, 200)]);
    assert_eq!(one_unknown.power.soc, None, "the mean of the others would be another plant's");
}

#[test]
fn a_gateway_with_one_all_in_one_has_no_flows_and_no_settings() {
    let one = measuring_as(0x7001, &[(1700, 1)]);
    assert_eq!((leaf(&one, "Power/Flows/Solar_to_House"), leaf(&one, "Control/Mode")), (None, None));
    let three = measuring_as(0x7001, &[(1700, 3), (1701, 1)]);
    assert!(leaf(&three, "Power/Flows/Solar_to_House").is_some() && leaf(&three, "Control/Mode").is_some());
}

#[test]
fn an_inverter_without_a_battery_feeds_the_house_first() {
    let seen = measuring_as(0x2301, &[(18, 2000), (20, 500), (42, 800), (30, 1700)]);
    let flow = |leaf_name: &str| leaf(&seen, &format!("Power/Flows/{leaf_name}"));
    assert_eq!(flow("Solar_to_House").as_deref(), Some("800"));
    assert_eq!(flow("Solar_to_Grid").as_deref(), Some("1700"));
    assert_eq!(flow("Battery_to_House"), None);
    assert_eq!((leaf(&seen, "Power/Power/SOC"), leaf(&seen, "Control/Mode")), (None, None));
}

/// The filled all-in-one with its stack's page changed.
fn stack_with(changes: &[(usize, u16)]) -> Snapshot {
    let mut blocks = filled_plant(0x8001, 612);
    for (key, values) in &mut blocks {
        if key.device == 0x70 {
            *values = with(std::mem::take(values), changes);
        }
    }
    snapshot(&plant_of(&blocks))
}

#[test]
fn a_stacks_power_and_current_are_signed() {
    let seen = stack_with(&[(73 - 60, 3146), (76 - 60, watts(-12)), (79 - 60, watts(-3)), (80 - 60, 0x2a28)]);
    let stack = |name: &str| leaf(&seen, &format!("Battery_Details/Battery_Stack_1/{name}"));
    assert_eq!(stack("Stack_Current").as_deref(), Some("-1.2"));
    assert_eq!(stack("Stack_Power").as_deref(), Some("-300"));
    assert_eq!(stack("Stack_SOC_Difference").as_deref(), Some("2"));
}

#[test]
fn a_module_has_as_many_sensors_as_its_stack_says() {
    let temperatures = |sensors| {
        let seen = stack_with(&[(usize::from(hv_bcu::total_temperature_sensor_count.address) - 60, sensors)]);
        seen.stacks[0].modules[0].temperatures.iter().flatten().count()
    };
    assert_eq!([12, 24, 0].map(temperatures), [12, 24, 24], "0 is no answer");
}

#[test]
fn faults_and_warnings_are_text_and_none_of_them_is_lost() {
    let path = |what: &str| format!("{}/{what}", snapshot(&plant_of(&hybrid())).identity.serial);
    let faults = |code, changes: &[(Bank, u16, u16)], what| leaf(&snapshot(&plant_with(code, changes)), &path(what));
    let (high, low) = ((Bank::Holding, 223, 1 << 6), (Bank::Holding, 224, 0b101));
    assert_eq!(
        faults(0x8001, &[high, low], "Faults").as_deref(),
        Some("Inverter NTC Fault, Grid voltage Fault, EEPROM Fault")
    );
    assert_eq!(faults(0x8001, &[(Bank::Holding, 223, 0), (Bank::Holding, 224, 0)], "Faults").as_deref(), Some("none"));
    let unnamed = [(Bank::Holding, 223, 1 << 15), (Bank::Holding, 224, 0)];
    assert_eq!(faults(0x8001, &unnamed, "Faults").as_deref(), Some("unknown (223:31)"));
    assert_eq!(faults(0x8001, &[(Bank::Input, 57, 1 << 13)], "Warnings").as_deref(), Some("Battery voltage low"));
    let quiet: Vec<_> = (1300..1308).map(|address| (Bank::Input, address, 0)).collect();
    assert_eq!(faults(0x4001, &quiet, "Faults").as_deref(), Some("none"));
    let fan: Vec<_> =
        quiet.iter().copied().chain([(Bank::Input, 1306, 1 << 12), (Bank::Input, 1307, 1 << 14)]).collect();
    assert_eq!(faults(0x4001, &fan, "Faults").as_deref(), Some("Fan fault"));
    assert_eq!(faults(0x4001, &fan, "Warnings").as_deref(), Some("Fan warning"));
    assert_eq!(
        faults(0x7001, &[(Bank::Input, 1622, 0), (Bank::Input, 1623, 1)], "Faults").as_deref(),
        Some("Grid mode Off")
    );
}

#[test]
fn an_empty_battery_is_at_0() {
    assert_eq!(leaf(&measuring_as(0x8001, &[(59, 0)]), "Power/Power/SOC").as_deref(), Some("0"));
    assert_eq!(leaf(&measuring_as(0x4001, &[(1132, 0)]), "Power/Power/SOC").as_deref(), Some("0"));
}
