//! Which families publish what.

use super::*;
use crate::frame::Bank;
use crate::plant::Family;
use crate::plant::tariff::{Period, Prices};
use crate::registers::{
    Field, ems, gateway, hv_bcu, hv_bmu, lv_battery, lv_bcu, meter, meter_product, single_phase, three_phase,
};

const CODES: [(Family, u16); 5] = [
    (Family::SinglePhase, 0x8001),
    (Family::PvOnly, 0x2301),
    (Family::ThreePhase, 0x4001),
    (Family::Ems, 0x5001),
    (Family::Gateway, 0x7001),
];

/// Plants of a family that together show what it can publish: with the battery charging and discharging, too.
fn plants_of(family: Family) -> Vec<Snapshot> {
    let (_, code) = CODES[family as usize];
    let mut plants = vec![filled_plant(code, 612)];
    for power in [1500u16, 1500u16.wrapping_neg()] {
        let mut blocks = filled_plant(code, 612);
        for (key, values) in &mut blocks {
            match (key.bank, key.base) {
                (Bank::Input, 0) => values[52] = power,
                (Bank::Input, 1680) => values[22] = power,
                _ => {}
            }
        }
        plants.push(blocks);
    }
    if family == Family::SinglePhase {
        plants.extend([hybrid(), filled_plant(0x2001, 303)]);
    }
    plants.iter().map(|blocks| priced(plant_of(blocks))).collect()
}

/// What a plant shows once all was asked for, with a tariff of two named periods.
fn priced(mut plant: Plant) -> Snapshot {
    while !plant.all_probed() {
        plant.next_probe().into_iter().for_each(|probe| plant.probe_failed(probe.key));
    }
    let band = Prices::default().day;
    let periods = ["peak", "low"].map(|name| Period { name: name.into(), band }).into();
    let prices = Arc::new(Prices { periods, ..Prices::default() });
    plant.snapshot(&SnapshotContext { prices, ..context(NOON, "Europe/London") }).unwrap()
}

#[test]
fn every_value_can_be_had_from_some_plant_of_each_family_that_has_it() {
    let mut unreachable = Vec::new();
    for family in Family::ALL {
        let seen = plants_of(family);
        assert!(seen.iter().all(|seen| seen.capabilities.family() == family));
        let lines = plant().filter(|entry| entry.is_of(family));
        let silent = lines.filter(|entry| !seen.iter().any(|seen| (entry.get)(seen).is_some()));
        unreachable.extend(silent.map(|entry| format!("{}: {}", family.name(), entry.path)));
    }
    assert_eq!(unreachable, [""; 0]);
}

#[test]
fn every_value_of_a_device_can_be_had() {
    let gets_all = |name: &str, some: bool| assert!(some, "{name}");
    let seen = snapshot(&plant_of(&hybrid()));
    for entry in BATTERY {
        gets_all(entry.path, seen.batteries.iter().all(|battery| (entry.get)(battery).is_some()));
    }
    for entry in METER {
        gets_all(entry.path, seen.meters.iter().all(|meter| (entry.get)(meter).is_some()));
    }
    for family in [Family::SinglePhase, Family::ThreePhase] {
        let seen = &plants_of(family)[0];
        assert!(seen.stacks.len() == 1 && seen.stacks[0].modules.len() == 1);
        for entry in STACK {
            gets_all(entry.path, (entry.get)(&seen.stacks[0]).is_some());
        }
        for entry in MODULE {
            gets_all(entry.path, (entry.get)(&seen.stacks[0].modules[0]).is_some());
        }
    }
    let seen = plants_of(Family::SinglePhase).remove(0).rates.unwrap();
    assert_eq!(seen.periods.len(), 2);
    for entry in PERIOD {
        gets_all(entry.path, (entry.get)(&seen.periods[0]).is_some());
    }
    let seen = &plants_of(Family::Gateway)[0];
    let aios = &seen.gateway.as_ref().unwrap().aios;
    assert_eq!(aios.len(), 3);
    for entry in AIO {
        gets_all(entry.path, aios.iter().all(|aio| (entry.get)(aio).is_some()));
    }
    let seen = &plants_of(Family::Ems)[0];
    let inverters = &seen.ems.as_ref().unwrap().inverters;
    assert_eq!(inverters.len(), 4);
    for entry in EMS_INVERTER {
        gets_all(entry.path, inverters.iter().all(|one| (entry.get)(one).is_some()));
    }
}

#[test]
fn no_two_values_of_any_family_share_a_topic() {
    for family in Family::ALL {
        for seen in plants_of(family) {
            let tree = Layout::new(true).tree(&seen);
            let paths: BTreeSet<&str> = tree.leaves.iter().map(|leaf| &*leaf.path).collect();
            assert_eq!(paths.len(), tree.leaves.len(), "{}", family.name());
        }
    }
}

/// The only model with ten slots whose family has a table of its own.
#[test]
fn an_all_in_one_hybrid_publishes_charge_slot_2_once() {
    let slots_of_both_tables = [(243, 100), (244, 200), (1115, 300), (1116, 400)];
    let tree = Layout::new(true).tree(&measuring(0x8201, 612, &slots_of_both_tables, &[]));
    let slots = tree.leaves.iter().filter(|leaf| &*leaf.path == "raw/invertor/charge_slot_2");
    assert_eq!(slots.count(), 1);
}

#[test]
fn every_leaf_belongs_to_a_line_that_lists_the_family() {
    for family in Family::ALL {
        for seen in plants_of(family) {
            let serial = seen.identity.serial.to_string();
            for leaf in Layout::new(false).tree(&seen).leaves {
                let path = leaf.path.replacen(&serial, "<serial>", usize::from(leaf.path.starts_with(&serial)));
                let of_plant = plant().any(|entry| entry.path == path && entry.is_of(family));
                let (top, device) = path.split_once('/').unwrap();
                let of_device = match top {
                    "Battery_Details" => matches!(family, Family::SinglePhase | Family::ThreePhase),
                    "Energy" => PERIOD.iter().any(|entry| {
                        device == format!("Rates/Periods/peak/{}", entry.path)
                            || device == format!("Rates/Periods/low/{}", entry.path)
                    }),
                    "Inverters" => matches!(family, Family::Gateway | Family::Ems),
                    "Meter_Details" => METER.iter().any(|entry| device.ends_with(entry.path) && entry.is_of(family)),
                    _ => false,
                };
                assert!(of_plant || of_device, "{}: {path}", family.name());
            }
        }
    }
}

/// Banks and addresses in a line's text.
fn addresses(registers: &str) -> Vec<(Bank, u16)> {
    let mut bank = None;
    let mut found = Vec::new();
    for word in registers.split(|c: char| !c.is_ascii_alphanumeric()) {
        match word {
            "IR" => bank = Some(Bank::Input),
            "HR" => bank = Some(Bank::Holding),
            _ => found.extend(bank.zip(word.parse().ok())),
        }
    }
    found
}

#[test]
fn the_registers_that_a_line_names_are_in_the_tables() {
    let tables: [&[&Field]; 11] = [
        single_phase::FIELDS,
        three_phase::FIELDS,
        ems::FIELDS,
        gateway::FIELDS,
        lv_battery::FIELDS,
        lv_bcu::FIELDS,
        hv_bcu::FIELDS,
        hv_bmu::FIELDS,
        meter::FIELDS,
        meter_product::FIELDS,
        &[],
    ];
    let known = |(bank, address): (Bank, u16)| {
        tables.iter().copied().flatten().any(|field| {
            let (first, count) = field.span();
            field.bank == bank && (first..first + count).contains(&address)
        })
    };
    let of_plant = plant().flat_map(|entry| entry.sources.iter().flatten().map(|source| (entry.path, source)));
    let of_stacks = STACK.iter().flat_map(|entry| entry.sources.iter().flatten().map(|source| (entry.path, source)));
    let mut checked = 0;
    for (path, source) in of_plant.chain(of_stacks) {
        for address in addresses(source.registers) {
            assert!(known(address), "{path}: {}", source.registers);
            checked += 1;
        }
    }
    assert!(checked > 300, "{checked}");
}

/// The paths of a family's values, a line each section, common beginnings of a path left out.
fn topics(family: Family) -> String {
    let mut seen = BTreeMap::<String, Vec<String>>::new();
    for snapshot in plants_of(family).iter().take(3) {
        for leaf in Layout::new(false).tree(snapshot).leaves {
            let (section, name) = leaf.path.rsplit_once('/').unwrap();
            let names = seen.entry(section.to_owned()).or_default();
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
    }
    // What is alike in all families and pinned elsewhere.
    seen.retain(|section, _| {
        section != "Stats" && !["Meter_Details", "Energy/Rates"].iter().any(|alike| section.starts_with(alike))
    });
    seen.iter().map(|(section, names)| format!("{section}: {}", names.join(" "))).collect::<Vec<_>>().join("\n")
}

#[test]
fn an_all_in_one_has_these_topics() {
    insta::assert_snapshot!(topics(Family::SinglePhase), @r"
    Battery_Details/Battery_Stack_1: BMS_Temperature Stack_Voltage Stack_Load_Voltage Stack_Current Stack_Power Stack_SOC_High Stack_SOC_Low Stack_SOC_Difference Stack_SOH Stack_Cycles Stack_Firmware Stack_Design_Capacity Stack_SOC_kWh Stack_Charge_Energy_Total_kWh Stack_Discharge_Energy_Total_kWh
    Battery_Details/Battery_Stack_1/CE2530G114: Battery_Serial_Number Battery_Cell_1_Voltage Battery_Cell_2_Voltage Battery_Cell_3_Voltage Battery_Cell_4_Voltage Battery_Cell_5_Voltage Battery_Cell_6_Voltage Battery_Cell_7_Voltage Battery_Cell_8_Voltage Battery_Cell_9_Voltage Battery_Cell_10_Voltage Battery_Cell_11_Voltage Battery_Cell_12_Voltage Battery_Cell_13_Voltage Battery_Cell_14_Voltage Battery_Cell_15_Voltage Battery_Cell_16_Voltage Battery_Cell_17_Voltage Battery_Cell_18_Voltage Battery_Cell_19_Voltage Battery_Cell_20_Voltage Battery_Cell_21_Voltage Battery_Cell_22_Voltage Battery_Cell_23_Voltage Battery_Cell_24_Voltage Battery_Cell_1_Temperature Battery_Cell_2_Temperature Battery_Cell_3_Temperature Battery_Cell_4_Temperature Battery_Cell_5_Temperature Battery_Cell_6_Temperature Battery_Cell_7_Temperature Battery_Cell_8_Temperature Battery_Cell_9_Temperature Battery_Cell_10_Temperature Battery_Cell_11_Temperature Battery_Cell_12_Temperature Battery_Cell_13_Temperature Battery_Cell_14_Temperature Battery_Cell_15_Temperature Battery_Cell_16_Temperature Battery_Cell_17_Temperature Battery_Cell_18_Temperature Battery_Cell_19_Temperature Battery_Cell_20_Temperature Battery_Cell_21_Temperature Battery_Cell_22_Temperature Battery_Cell_23_Temperature Battery_Cell_24_Temperature
    Control: Mode Eco_Mode Enable_Charge_Schedule Enable_Discharge_Schedule Enable_Charge_Target Battery_Charge_Rate Battery_Discharge_Rate Battery_Charge_Rate_AC Battery_Discharge_Rate_AC Battery_Power_Reserve Battery_Power_Cutoff Target_SOC Real_Time_Control Battery_pause_mode Battery_Calibration Active_Power_Rate Force_Charge Force_Charge_Num Force_Export Force_Export_Num Temp_Pause_Charge Temp_Pause_Charge_Num Temp_Pause_Discharge Temp_Pause_Discharge_Num Charge_Target_SOC_1 Charge_Target_SOC_2 Charge_Target_SOC_3 Charge_Target_SOC_4 Charge_Target_SOC_5 Charge_Target_SOC_6 Charge_Target_SOC_7 Charge_Target_SOC_8 Charge_Target_SOC_9 Charge_Target_SOC_10 Discharge_Target_SOC_1 Discharge_Target_SOC_2 Discharge_Target_SOC_3 Discharge_Target_SOC_4 Discharge_Target_SOC_5 Discharge_Target_SOC_6 Discharge_Target_SOC_7 Discharge_Target_SOC_8 Discharge_Target_SOC_9 Discharge_Target_SOC_10
    Energy/Today: PV_Energy_Today_kWh Import_Energy_Today_kWh Export_Energy_Today_kWh AC_Charge_Energy_Today_kWh Invertor_Energy_Today_kWh Battery_Charge_Energy_Today_kWh Battery_Discharge_Energy_Today_kWh Battery_Throughput_Today_kWh Load_Energy_Today_kWh Self_Consumption_Energy_Today_kWh
    Energy/Total: PV_Energy_Total_kWh Import_Energy_Total_kWh Export_Energy_Total_kWh AC_Charge_Energy_Total_kWh Invertor_Energy_Total_kWh Battery_Throughput_Total_kWh Load_Energy_Total_kWh Self_Consumption_Energy_Total_kWh
    Power/Flows: Solar_to_House Solar_to_Battery Solar_to_Grid Battery_to_House Battery_to_Grid Grid_to_Battery Grid_to_House
    Power/Power: PV_Power PV_Power_String_1 PV_Power_String_2 PV_Voltage_String_1 PV_Voltage_String_2 PV_Current_String_1 PV_Current_String_2 Grid_Power Import_Power Export_Power Grid_Voltage Grid_Current Grid_Frequency Inverter_Output_Frequency EPS_Power Invertor_Power AC_Charge_Power Load_Power Self_Consumption_Power SOC SOC_kWh Battery_Power Battery_Voltage Battery_Current Charge_Power Discharge_Power Charge_Time_Remaining Discharge_Time_Remaining Discharge_Completion_Time Charge_Completion_Time
    SD2227G101: Invertor_Serial_Number Invertor_Type Invertor_Firmware Invertor_Time Clock_Skew Invertor_Max_Inv_Rate Invertor_Max_Bat_Rate Invertor_Temperature Export_Limit Battery_Type Battery_Capacity_kWh Battery_Capacity_kWh_calc Battery_Calibration_Status Meter_Type Modbus_Version Faults Warnings
    Stats/Rejections: length stray_packet all_zero part_zero serial_shape serial_contradiction other_model impossible_clock cells_zero temperatures_zero first_block battery_step splice battery_kind serial_change implausible_field jump imbalance other_block state_change counter_jump counter_fall late_yesterday counter_anew
    Timeslots: Charge_start_time_slot_1 Charge_end_time_slot_1 Charge_start_time_slot_2 Charge_end_time_slot_2 Charge_start_time_slot_3 Charge_end_time_slot_3 Charge_start_time_slot_4 Charge_end_time_slot_4 Charge_start_time_slot_5 Charge_end_time_slot_5 Charge_start_time_slot_6 Charge_end_time_slot_6 Charge_start_time_slot_7 Charge_end_time_slot_7 Charge_start_time_slot_8 Charge_end_time_slot_8 Charge_start_time_slot_9 Charge_end_time_slot_9 Charge_start_time_slot_10 Charge_end_time_slot_10 Discharge_start_time_slot_1 Discharge_end_time_slot_1 Discharge_start_time_slot_2 Discharge_end_time_slot_2 Discharge_start_time_slot_3 Discharge_end_time_slot_3 Discharge_start_time_slot_4 Discharge_end_time_slot_4 Discharge_start_time_slot_5 Discharge_end_time_slot_5 Discharge_start_time_slot_6 Discharge_end_time_slot_6 Discharge_start_time_slot_7 Discharge_end_time_slot_7 Discharge_start_time_slot_8 Discharge_end_time_slot_8 Discharge_start_time_slot_9 Discharge_end_time_slot_9 Discharge_start_time_slot_10 Discharge_end_time_slot_10 Battery_pause_start_time_slot Battery_pause_end_time_slot
    ");
}

#[test]
fn an_inverter_without_a_battery_has_these_topics() {
    insta::assert_snapshot!(topics(Family::PvOnly), @r"
    Energy/Today: PV_Energy_Today_kWh Import_Energy_Today_kWh Export_Energy_Today_kWh Invertor_Energy_Today_kWh Load_Energy_Today_kWh Self_Consumption_Energy_Today_kWh
    Energy/Total: PV_Energy_Total_kWh Import_Energy_Total_kWh Export_Energy_Total_kWh Invertor_Energy_Total_kWh Load_Energy_Total_kWh Self_Consumption_Energy_Total_kWh
    Power/Flows: Solar_to_House Solar_to_Grid Grid_to_House
    Power/Power: PV_Power PV_Power_String_1 PV_Power_String_2 PV_Voltage_String_1 PV_Voltage_String_2 PV_Current_String_1 PV_Current_String_2 Grid_Power Import_Power Export_Power Grid_Voltage Grid_Current Grid_Frequency Inverter_Output_Frequency EPS_Power Invertor_Power Load_Power Self_Consumption_Power
    SD2227G101: Invertor_Serial_Number Invertor_Type Invertor_Firmware Invertor_Time Clock_Skew Invertor_Max_Inv_Rate Invertor_Temperature Export_Limit Meter_Type Modbus_Version Faults
    Stats/Rejections: length stray_packet all_zero part_zero serial_shape serial_contradiction other_model impossible_clock cells_zero temperatures_zero first_block battery_step splice battery_kind serial_change implausible_field jump imbalance other_block state_change counter_jump counter_fall late_yesterday counter_anew
    ");
}

#[test]
fn a_three_phase_inverter_has_these_topics() {
    insta::assert_snapshot!(topics(Family::ThreePhase), @r"
    Battery_Details/Battery_Stack_1: Stack_Voltage Stack_Load_Voltage Stack_Current Stack_Power Stack_SOC_High Stack_SOC_Low Stack_SOC_Difference Stack_SOH Stack_Cycles Stack_Firmware Stack_Design_Capacity Stack_SOC_kWh Stack_Charge_Energy_Total_kWh Stack_Discharge_Energy_Total_kWh
    Battery_Details/Battery_Stack_1/CE2530G114: Battery_Serial_Number Battery_Cell_1_Voltage Battery_Cell_2_Voltage Battery_Cell_3_Voltage Battery_Cell_4_Voltage Battery_Cell_5_Voltage Battery_Cell_6_Voltage Battery_Cell_7_Voltage Battery_Cell_8_Voltage Battery_Cell_9_Voltage Battery_Cell_10_Voltage Battery_Cell_11_Voltage Battery_Cell_12_Voltage Battery_Cell_13_Voltage Battery_Cell_14_Voltage Battery_Cell_15_Voltage Battery_Cell_16_Voltage Battery_Cell_17_Voltage Battery_Cell_18_Voltage Battery_Cell_19_Voltage Battery_Cell_20_Voltage Battery_Cell_21_Voltage Battery_Cell_22_Voltage Battery_Cell_23_Voltage Battery_Cell_24_Voltage Battery_Cell_1_Temperature Battery_Cell_2_Temperature Battery_Cell_3_Temperature Battery_Cell_4_Temperature Battery_Cell_5_Temperature Battery_Cell_6_Temperature Battery_Cell_7_Temperature Battery_Cell_8_Temperature Battery_Cell_9_Temperature Battery_Cell_10_Temperature Battery_Cell_11_Temperature Battery_Cell_12_Temperature Battery_Cell_13_Temperature Battery_Cell_14_Temperature Battery_Cell_15_Temperature Battery_Cell_16_Temperature Battery_Cell_17_Temperature Battery_Cell_18_Temperature Battery_Cell_19_Temperature Battery_Cell_20_Temperature Battery_Cell_21_Temperature Battery_Cell_22_Temperature Battery_Cell_23_Temperature Battery_Cell_24_Temperature
    Control: Mode Eco_Mode Enable_Charge_Schedule Enable_Discharge_Schedule Enable_Charge_Target Force_Discharge_Enable Force_Charge_Enable Force_AC_Charge_Enable Battery_Charge_Rate Battery_Discharge_Rate Battery_Charge_Rate_AC Battery_Discharge_Rate_AC Battery_Power_Reserve Battery_Power_Cutoff Target_SOC Real_Time_Control Battery_pause_mode Battery_Calibration Active_Power_Rate Force_Charge Force_Charge_Num Force_Export Force_Export_Num Temp_Pause_Charge Temp_Pause_Charge_Num Temp_Pause_Discharge Temp_Pause_Discharge_Num Charge_Target_SOC_1 Charge_Target_SOC_2 Charge_Target_SOC_3 Charge_Target_SOC_4 Charge_Target_SOC_5 Charge_Target_SOC_6 Charge_Target_SOC_7 Charge_Target_SOC_8 Charge_Target_SOC_9 Charge_Target_SOC_10 Discharge_Target_SOC_1 Discharge_Target_SOC_2 Discharge_Target_SOC_3 Discharge_Target_SOC_4 Discharge_Target_SOC_5 Discharge_Target_SOC_6 Discharge_Target_SOC_7 Discharge_Target_SOC_8 Discharge_Target_SOC_9 Discharge_Target_SOC_10
    Energy/Total: PV_Energy_Total_kWh PV1_Energy_Total_kWh PV2_Energy_Total_kWh Import_Energy_Total_kWh Export_Energy_Total_kWh Export2_Energy_Total_kWh AC_Charge_Energy_Total_kWh Inverter_Out_Energy_Total_kWh Battery_Charge_Energy_Total_kWh Battery_Discharge_Energy_Total_kWh Load_Energy_Total_kWh
    Power/Power: PV_Power PV_Power_String_1 PV_Power_String_2 PV_Voltage_String_1 PV_Voltage_String_2 PV_Current_String_1 PV_Current_String_2 PV_Current Grid_Power Export_Power Grid_Frequency AC_Charge_Power Load_Power Combined_Generation_Power SOC SOC_kWh Battery_Power Battery_Current Battery_Charge_Power Battery_Discharge_Power Inverter_Power_Out Grid_Apparent_Power Meter_Import_Power Meter_Export_Power Meter2_Power EPS_Phase1_Power EPS_Phase2_Power EPS_Phase3_Power Load_Phase1_Power Load_Phase2_Power Load_Phase3_Power Export_Phase1_Power Export_Phase2_Power Export_Phase3_Power Grid_Phase1_Voltage Grid_Phase2_Voltage Grid_Phase3_Voltage Grid_Phase1_Current Grid_Phase2_Current Grid_Phase3_Current Output_Phase1_Voltage Output_Phase2_Voltage Output_Phase3_Voltage PCS_Voltage BMS_Voltage EPS_Nominal_Frequency
    SD2227G101: Invertor_Serial_Number Invertor_Type Invertor_Firmware Invertor_Time Clock_Skew Invertor_Max_Inv_Rate Invertor_Max_Bat_Rate Export_Limit Battery_Type Battery_Capacity_kWh Battery_Capacity_kWh_calc Battery_Calibration_Status Meter_Type Modbus_Version Faults Warnings status DC_Status System_Mode Start_Delay_Time Power_Factor Battery_Priority Inverter_Temperature Boost_Temperature Buck_Boost_Temperature Invertor_Software
    Stats/Rejections: length stray_packet all_zero part_zero serial_shape serial_contradiction other_model impossible_clock cells_zero temperatures_zero first_block battery_step splice battery_kind serial_change implausible_field jump imbalance other_block state_change counter_jump counter_fall late_yesterday counter_anew
    Timeslots: Charge_start_time_slot_1 Charge_end_time_slot_1 Charge_start_time_slot_2 Charge_end_time_slot_2 Charge_start_time_slot_3 Charge_end_time_slot_3 Charge_start_time_slot_4 Charge_end_time_slot_4 Charge_start_time_slot_5 Charge_end_time_slot_5 Charge_start_time_slot_6 Charge_end_time_slot_6 Charge_start_time_slot_7 Charge_end_time_slot_7 Charge_start_time_slot_8 Charge_end_time_slot_8 Charge_start_time_slot_9 Charge_end_time_slot_9 Charge_start_time_slot_10 Charge_end_time_slot_10 Discharge_start_time_slot_1 Discharge_end_time_slot_1 Discharge_start_time_slot_2 Discharge_end_time_slot_2 Discharge_start_time_slot_3 Discharge_end_time_slot_3 Discharge_start_time_slot_4 Discharge_end_time_slot_4 Discharge_start_time_slot_5 Discharge_end_time_slot_5 Discharge_start_time_slot_6 Discharge_end_time_slot_6 Discharge_start_time_slot_7 Discharge_end_time_slot_7 Discharge_start_time_slot_8 Discharge_end_time_slot_8 Discharge_start_time_slot_9 Discharge_end_time_slot_9 Discharge_start_time_slot_10 Discharge_end_time_slot_10 Battery_pause_start_time_slot Battery_pause_end_time_slot
    ");
}

#[test]
fn a_plant_controller_has_these_topics() {
    insta::assert_snapshot!(topics(Family::Ems), @r"
    Control: EMS_Charge_Target_SOC_1 EMS_Charge_Target_SOC_2 EMS_Charge_Target_SOC_3 EMS_Discharge_Target_SOC_1 EMS_Discharge_Target_SOC_2 EMS_Discharge_Target_SOC_3 Export_Target_SOC_1 Export_Target_SOC_2 Export_Target_SOC_3 Car_Charge_Mode Car_Charge_Boost Plant_Charge_Compensation Plant_Discharge_Compensation
    Energy/Today: Import_Energy_Today_kWh Export_Energy_Today_kWh Inverter_Out_Energy_Today_kWh Inverter_In_Energy_Today_kWh Generation_Energy_Today_kWh
    Energy/Total: Import_Energy_Total_kWh Export_Energy_Total_kWh Inverter_Out_Energy_Total_kWh Inverter_In_Energy_Total_kWh Generation_Energy_Total_kWh
    Inverters/CE2530G066: Serial_Number Power SOC Temperature status
    Inverters/CE2530G071: Serial_Number Power SOC Temperature status
    Inverters/CE2530G076: Serial_Number Power SOC Temperature status
    Inverters/CE2530G081: Serial_Number Power SOC Temperature status
    Power: Grid_Power Calculated_Load_Power Measured_Load_Power Generation_Load_Power Total_Power Battery_Power Other_Battery_Power
    Power/Meters: Meter_1_Power Meter_1_Status Meter_2_Power Meter_2_Status Meter_3_Power Meter_3_Status Meter_4_Power Meter_4_Status Meter_5_Power Meter_5_Status Meter_6_Power Meter_6_Status Meter_7_Power Meter_7_Status Meter_8_Power Meter_8_Status
    SD2227G101: Invertor_Serial_Number Invertor_Type Invertor_Firmware Invertor_Time Clock_Skew Export_Limit status Serial_Number Inverter_Count Meter_Count Car_Charge_Count Remaining_Battery_Wh
    Stats/Rejections: length stray_packet all_zero part_zero serial_shape serial_contradiction other_model impossible_clock cells_zero temperatures_zero first_block battery_step splice battery_kind serial_change implausible_field jump imbalance other_block state_change counter_jump counter_fall late_yesterday counter_anew
    Timeslots: EMS_Charge_start_time_slot_1 EMS_Charge_end_time_slot_1 EMS_Charge_start_time_slot_2 EMS_Charge_end_time_slot_2 EMS_Charge_start_time_slot_3 EMS_Charge_end_time_slot_3 EMS_Discharge_start_time_slot_1 EMS_Discharge_end_time_slot_1 EMS_Discharge_start_time_slot_2 EMS_Discharge_end_time_slot_2 EMS_Discharge_start_time_slot_3 EMS_Discharge_end_time_slot_3 Export_start_time_slot_1 Export_end_time_slot_1 Export_start_time_slot_2 Export_end_time_slot_2 Export_start_time_slot_3 Export_end_time_slot_3
    ");
}

#[test]
fn a_gateway_has_these_topics() {
    insta::assert_snapshot!(topics(Family::Gateway), @r"
    Control: Mode Eco_Mode Enable_Charge_Schedule Enable_Discharge_Schedule Enable_Charge_Target Battery_Charge_Rate Battery_Discharge_Rate Battery_Charge_Rate_AC Battery_Discharge_Rate_AC Battery_Power_Reserve Battery_Power_Cutoff Target_SOC Real_Time_Control Battery_pause_mode Battery_Calibration Active_Power_Rate Force_Charge Force_Charge_Num Force_Export Force_Export_Num Temp_Pause_Charge Temp_Pause_Charge_Num Temp_Pause_Discharge Temp_Pause_Discharge_Num Charge_Target_SOC_1 Charge_Target_SOC_2 Charge_Target_SOC_3 Charge_Target_SOC_4 Charge_Target_SOC_5 Charge_Target_SOC_6 Charge_Target_SOC_7 Charge_Target_SOC_8 Charge_Target_SOC_9 Charge_Target_SOC_10 Discharge_Target_SOC_1 Discharge_Target_SOC_2 Discharge_Target_SOC_3 Discharge_Target_SOC_4 Discharge_Target_SOC_5 Discharge_Target_SOC_6 Discharge_Target_SOC_7 Discharge_Target_SOC_8 Discharge_Target_SOC_9 Discharge_Target_SOC_10
    Energy/Lifetime: PV_Energy_Lifetime_kWh Import_Energy_Lifetime_kWh Export_Energy_Lifetime_kWh Battery_Charge_Energy_Lifetime_kWh Battery_Discharge_Energy_Lifetime_kWh Parallel_Total_Charge_Energy_Lifetime_kWh Parallel_Total_Discharge_Energy_Lifetime_kWh Load_Energy_Lifetime_kWh
    Energy/Today: PV_Energy_Today_kWh Import_Energy_Today_kWh Export_Energy_Today_kWh Battery_Charge_Energy_Today_kWh Battery_Discharge_Energy_Today_kWh Parallel_Total_Charge_Energy_Today_kWh Parallel_Total_Discharge_Energy_Today_kWh Load_Energy_Today_kWh
    Energy/Total: PV_Energy_Total_kWh Import_Energy_Total_kWh Export_Energy_Total_kWh Battery_Charge_Energy_Total_kWh Battery_Discharge_Energy_Total_kWh Parallel_Total_Charge_Energy_Total_kWh Parallel_Total_Discharge_Energy_Total_kWh Load_Energy_Total_kWh
    Inverters/AIO_1: AIO_1_Serial_Number SOC Invertor_Power AC_Charge_Energy_Today_kWh AC_Discharge_Energy_Today_kWh AC_Charge_Energy_Total_kWh AC_Discharge_Energy_Total_kWh AC_Charge_Energy_Lifetime_kWh AC_Discharge_Energy_Lifetime_kWh
    Inverters/AIO_2: AIO_2_Serial_Number SOC Invertor_Power AC_Charge_Energy_Today_kWh AC_Discharge_Energy_Today_kWh AC_Charge_Energy_Total_kWh AC_Discharge_Energy_Total_kWh AC_Charge_Energy_Lifetime_kWh AC_Discharge_Energy_Lifetime_kWh
    Inverters/AIO_3: AIO_3_Serial_Number SOC Invertor_Power AC_Charge_Energy_Today_kWh AC_Discharge_Energy_Today_kWh AC_Charge_Energy_Total_kWh AC_Discharge_Energy_Total_kWh AC_Charge_Energy_Lifetime_kWh AC_Discharge_Energy_Lifetime_kWh
    Power/Flows: Solar_to_House Solar_to_Battery Solar_to_Grid Battery_to_House Battery_to_Grid Grid_to_Battery Grid_to_House
    Power/Power: PV_Power PV_Current Grid_Power Grid_Voltage Grid_Current Invertor_Power Load_Power SOC SOC_kWh Battery_Power Charge_Time_Remaining Discharge_Time_Remaining Charge_Completion_Time Load_Voltage Load_Current Liberty_Power Grid_Relay_Voltage Inverter_Relay_Voltage Discharge_Completion_Time
    SD2227G101: Invertor_Serial_Number Invertor_Type Invertor_Time Clock_Skew Invertor_Max_Inv_Rate Invertor_Max_Bat_Rate Export_Limit Battery_Capacity_kWh Faults Gateway_Software_Version Gateway_Mode Gateway_State Parallel_Total_AIO_Number Parallel_Total_AIO_Online_Number
    Stats/Rejections: length stray_packet all_zero part_zero serial_shape serial_contradiction other_model impossible_clock cells_zero temperatures_zero first_block battery_step splice battery_kind serial_change implausible_field jump imbalance other_block state_change counter_jump counter_fall late_yesterday counter_anew
    Timeslots: Charge_start_time_slot_1 Charge_end_time_slot_1 Charge_start_time_slot_2 Charge_end_time_slot_2 Charge_start_time_slot_3 Charge_end_time_slot_3 Charge_start_time_slot_4 Charge_end_time_slot_4 Charge_start_time_slot_5 Charge_end_time_slot_5 Charge_start_time_slot_6 Charge_end_time_slot_6 Charge_start_time_slot_7 Charge_end_time_slot_7 Charge_start_time_slot_8 Charge_end_time_slot_8 Charge_start_time_slot_9 Charge_end_time_slot_9 Charge_start_time_slot_10 Charge_end_time_slot_10 Discharge_start_time_slot_1 Discharge_end_time_slot_1 Discharge_start_time_slot_2 Discharge_end_time_slot_2 Discharge_start_time_slot_3 Discharge_end_time_slot_3 Discharge_start_time_slot_4 Discharge_end_time_slot_4 Discharge_start_time_slot_5 Discharge_end_time_slot_5 Discharge_start_time_slot_6 Discharge_end_time_slot_6 Discharge_start_time_slot_7 Discharge_end_time_slot_7 Discharge_start_time_slot_8 Discharge_end_time_slot_8 Discharge_start_time_slot_9 Discharge_end_time_slot_9 Discharge_start_time_slot_10 Discharge_end_time_slot_10 Battery_pause_start_time_slot Battery_pause_end_time_slot
    ");
}
