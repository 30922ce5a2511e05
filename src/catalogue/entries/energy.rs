//! What flowed today and since the beginning.

use super::{Entry, float, line, total};
use crate::catalogue::Quantity as Q;
use crate::catalogue::families::{EMS, GATEWAY, SINGLE_PHASE, STRINGS, THREE_PHASE};
use crate::plant::snapshot::Snapshot;

/// What flowed today and since the beginning.
#[rustfmt::skip]
pub static ENERGY: &[Entry<Snapshot>] = &[
    line("Energy/Today/PV_Energy_Today_kWh", Q::EnergyToday, |s| float(s.today.pv)).of(STRINGS, "IR 17 + IR 19").of(THREE_PHASE, "IR 1412-1413").of(GATEWAY, "IR 1643"),
    line("Energy/Today/PV1_Energy_Today_kWh", Q::EnergyToday, |s| float(s.today.pv_string_1)).of(THREE_PHASE, "IR 1366-1367"),
    line("Energy/Today/PV2_Energy_Today_kWh", Q::EnergyToday, |s| float(s.today.pv_string_2)).of(THREE_PHASE, "IR 1370-1371"),
    line("Energy/Today/Import_Energy_Today_kWh", Q::EnergyToday, |s| float(s.today.import)).of(STRINGS, "IR 26").of(EMS, "IR 26").of(THREE_PHASE, "IR 1380-1381").of(GATEWAY, "IR 1640"),
    line("Energy/Today/Export_Energy_Today_kWh", Q::EnergyToday, |s| float(s.today.export)).of(STRINGS, "IR 25").of(EMS, "IR 25").of(THREE_PHASE, "IR 1384-1385").of(GATEWAY, "IR 1646"),
    line("Energy/Today/Export2_Energy_Today_kWh", Q::EnergyToday, |s| float(s.today.export_2)).of(THREE_PHASE, "IR 1400-1401"),
    line("Energy/Today/AC_Charge_Energy_Today_kWh", Q::EnergyToday, |s| float(s.today.ac_charge)).of(SINGLE_PHASE, "IR 35").of(THREE_PHASE, "IR 1376-1377"),
    line("Energy/Today/Invertor_Energy_Today_kWh", Q::EnergyToday, |s| float(s.today.inverter)).of(STRINGS, "IR 44"),
    line("Energy/Today/Inverter_Out_Energy_Today_kWh", Q::EnergyToday, |s| float(s.today.inverter)).of(THREE_PHASE, "IR 1360-1361").of(EMS, "IR 37"),
    line("Energy/Today/Inverter_In_Energy_Today_kWh", Q::EnergyToday, |s| float(s.today.ac_charge)).of(EMS, "IR 35"),
    line("Energy/Today/Generation_Energy_Today_kWh", Q::EnergyToday, |s| float(s.today.generation)).of(EMS, "IR 44"),
    line("Energy/Today/Battery_Charge_Energy_Today_kWh", Q::EnergyToday, |s| float(s.today.battery_charge)).of(SINGLE_PHASE, "IR 36").of(THREE_PHASE, "IR 1392-1393").of(GATEWAY, "IR 1795"),
    line("Energy/Today/Battery_Discharge_Energy_Today_kWh", Q::EnergyToday, |s| float(s.today.battery_discharge)).of(SINGLE_PHASE, "IR 37").of(THREE_PHASE, "IR 1388-1389").of(GATEWAY, "IR 1798"),
    line("Energy/Today/Battery_Throughput_Today_kWh", Q::EnergyToday, |s| float(s.today.battery_throughput)).of(SINGLE_PHASE, "IR 36 + IR 37"),
    line("Energy/Today/Parallel_Total_Charge_Energy_Today_kWh", Q::EnergyToday, |s| float(s.today.parallel_charge)).of(GATEWAY, "IR 1649"),
    line("Energy/Today/Parallel_Total_Discharge_Energy_Today_kWh", Q::EnergyToday, |s| float(s.today.parallel_discharge)).of(GATEWAY, "IR 1652"),
    line("Energy/Today/Load_Energy_Today_kWh", Q::EnergyToday, |s| float(s.today.load)).of(STRINGS, "IR 44, IR 35, IR 25, IR 26, IR 17, IR 19").of(THREE_PHASE, "IR 1396-1397").of(GATEWAY, "IR 1655"),
    line("Energy/Today/Self_Consumption_Energy_Today_kWh", Q::EnergyToday, |s| float(s.today.self_consumption)).of(STRINGS, "IR 17, IR 19, IR 25"),
    line("Energy/Total/PV_Energy_Total_kWh", Q::EnergyTotal, |s| float(total(s, s.total.pv))).of(STRINGS, "IR 11-12").of(THREE_PHASE, "IR 1374-1375").of(GATEWAY, "IR 1644-1645"),
    line("Energy/Total/PV1_Energy_Total_kWh", Q::EnergyTotal, |s| float(s.total.pv_string_1)).of(THREE_PHASE, "IR 1368-1369"),
    line("Energy/Total/PV2_Energy_Total_kWh", Q::EnergyTotal, |s| float(s.total.pv_string_2)).of(THREE_PHASE, "IR 1372-1373"),
    line("Energy/Total/Import_Energy_Total_kWh", Q::EnergyTotal, |s| float(total(s, s.total.import))).of(STRINGS, "IR 32-33").of(EMS, "IR 32-33").of(THREE_PHASE, "IR 1382-1383").of(GATEWAY, "IR 1641-1642"),
    line("Energy/Total/Export_Energy_Total_kWh", Q::EnergyTotal, |s| float(total(s, s.total.export))).of(STRINGS, "IR 21-22").of(EMS, "IR 21-22").of(THREE_PHASE, "IR 1386-1387").of(GATEWAY, "IR 1647-1648"),
    line("Energy/Total/Export2_Energy_Total_kWh", Q::EnergyTotal, |s| float(s.total.export_2)).of(THREE_PHASE, "IR 1402-1403"),
    line("Energy/Total/AC_Charge_Energy_Total_kWh", Q::EnergyTotal, |s| float(s.total.ac_charge)).of(SINGLE_PHASE, "IR 27-28").of(THREE_PHASE, "IR 1378-1379"),
    line("Energy/Total/Invertor_Energy_Total_kWh", Q::EnergyTotal, |s| float(s.total.inverter)).of(STRINGS, "IR 45-46"),
    line("Energy/Total/Inverter_Out_Energy_Total_kWh", Q::EnergyTotal, |s| float(s.total.inverter)).of(THREE_PHASE, "IR 1362-1363").of(EMS, "IR 6-7"),
    line("Energy/Total/Inverter_In_Energy_Total_kWh", Q::EnergyTotal, |s| float(s.total.ac_charge)).of(EMS, "IR 27-28"),
    line("Energy/Total/Generation_Energy_Total_kWh", Q::EnergyTotal, |s| float(s.total.generation)).of(EMS, "IR 45-46"),
    line("Energy/Total/Battery_Charge_Energy_Total_kWh", Q::EnergyTotal, |s| float(total(s, s.total.battery_charge))).of(SINGLE_PHASE, "IR 106 of the first battery, IR 181").of(THREE_PHASE, "IR 1394-1395").of(GATEWAY, "IR 1796-1797"),
    line("Energy/Total/Battery_Discharge_Energy_Total_kWh", Q::EnergyTotal, |s| float(total(s, s.total.battery_discharge))).of(SINGLE_PHASE, "IR 105 of the first battery, IR 180").of(THREE_PHASE, "IR 1390-1391").of(GATEWAY, "IR 1799-1800"),
    line("Energy/Total/Battery_Throughput_Total_kWh", Q::EnergyTotal, |s| float(s.total.battery_throughput)).of(SINGLE_PHASE, "IR 6-7"),
    line("Energy/Total/Parallel_Total_Charge_Energy_Total_kWh", Q::EnergyTotal, |s| float(total(s, s.total.parallel_charge))).of(GATEWAY, "IR 1650-1651"),
    line("Energy/Total/Parallel_Total_Discharge_Energy_Total_kWh", Q::EnergyTotal, |s| float(total(s, s.total.parallel_discharge))).of(GATEWAY, "IR 1653-1654"),
    line("Energy/Total/Load_Energy_Total_kWh", Q::EnergyTotal, |s| float(total(s, s.total.load))).of(STRINGS, "IR 45-46, IR 27-28, IR 21-22, IR 32-33, IR 11-12").of(THREE_PHASE, "IR 1398-1399").of(GATEWAY, "IR 1656-1657"),
    line("Energy/Total/Self_Consumption_Energy_Total_kWh", Q::EnergyTotal, |s| float(s.total.self_consumption)).of(STRINGS, "IR 11-12, IR 21-22"),
    line("Energy/Lifetime/PV_Energy_Lifetime_kWh", Q::EnergyTotal, |s| float(s.total.pv)).of(GATEWAY, "IR 1644-1645").note("the true total: that below `Energy/Total/` is a thousandth of it"),
    line("Energy/Lifetime/Import_Energy_Lifetime_kWh", Q::EnergyTotal, |s| float(s.total.import)).of(GATEWAY, "IR 1641-1642").note("the true total: that below `Energy/Total/` is a thousandth of it"),
    line("Energy/Lifetime/Export_Energy_Lifetime_kWh", Q::EnergyTotal, |s| float(s.total.export)).of(GATEWAY, "IR 1647-1648").note("the true total: that below `Energy/Total/` is a thousandth of it"),
    line("Energy/Lifetime/Battery_Charge_Energy_Lifetime_kWh", Q::EnergyTotal, |s| float(s.total.battery_charge)).of(GATEWAY, "IR 1796-1797").note("the true total: that below `Energy/Total/` is a thousandth of it"),
    line("Energy/Lifetime/Battery_Discharge_Energy_Lifetime_kWh", Q::EnergyTotal, |s| float(s.total.battery_discharge)).of(GATEWAY, "IR 1799-1800").note("the true total: that below `Energy/Total/` is a thousandth of it"),
    line("Energy/Lifetime/Parallel_Total_Charge_Energy_Lifetime_kWh", Q::EnergyTotal, |s| float(s.total.parallel_charge)).of(GATEWAY, "IR 1650-1651").note("the true total: that below `Energy/Total/` is a thousandth of it"),
    line("Energy/Lifetime/Parallel_Total_Discharge_Energy_Lifetime_kWh", Q::EnergyTotal, |s| float(s.total.parallel_discharge)).of(GATEWAY, "IR 1653-1654").note("the true total: that below `Energy/Total/` is a thousandth of it"),
    line("Energy/Lifetime/Load_Energy_Lifetime_kWh", Q::EnergyTotal, |s| float(s.total.load)).of(GATEWAY, "IR 1656-1657").note("the true total: that below `Energy/Total/` is a thousandth of it"),
];
