use super::Energy;
use crate::frame::Serial;

/// A high-voltage battery stack.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BatteryStack {
    /// 1 and on.
    pub number: usize,
    /// Where its controller answers.
    pub controller: u8,
    /// How many modules its controller leads.
    pub module_count: Option<i64>,
    /// V.
    pub voltage: Option<f64>,
    /// V, at the load.
    pub load_voltage: Option<f64>,
    /// A, charge positive, as the controller has it.
    pub current: Option<f64>,
    /// W, charge positive, as the controller has it.
    pub power: Option<i64>,
    /// State of health, %.
    pub soh: Option<i64>,
    /// Charge cycles.
    pub cycles: Option<f64>,
    /// State of charge of the fullest module, %.
    pub soc_high: Option<i64>,
    /// State of charge of the emptiest module, %.
    pub soc_low: Option<i64>,
    /// Such as `BAAA0013`.
    pub firmware: Option<String>,
    /// Capacity of one module by its Ah, kWh.
    pub module_capacity: Option<f64>,
    /// What is in one module by its Ah, kWh.
    pub module_remaining: Option<f64>,
    /// Usable capacity of all modules, kWh.
    pub design_capacity: Option<f64>,
    /// What is in it, kWh.
    pub soc_kwh: Option<f64>,
    /// Since midnight: `battery_charge` and `battery_discharge`.
    pub today: Energy,
    /// Since the beginning: `battery_charge` and `battery_discharge`.
    pub total: Energy,
    /// Its modules that say who they are, by address.
    pub modules: Vec<Module>,
}

/// A module of a high-voltage battery stack.
#[derive(Clone, Debug, PartialEq)]
pub struct Module {
    /// Where it answers.
    pub address: u8,
    /// Its serial number.
    pub serial: Serial,
    /// Cell voltages, V; nothing of cells that it does not have.
    pub cells: [Option<f64>; 24],
    /// Temperatures, °C; nothing of sensors that it does not have.
    pub temperatures: [Option<f64>; 24],
}
