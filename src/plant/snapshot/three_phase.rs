/// What only a three-phase inverter tells. Powers have tenths of a watt where its registers have them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ThreePhase {
    /// Both strings, W.
    pub pv: Option<f64>,
    /// Each string, W.
    pub pv_string: [Option<f64>; 2],
    /// Both strings, A.
    pub pv_current: Option<f64>,
    /// To the grid, W.
    pub export: Option<f64>,
    /// At the second meter, W.
    pub meter_2: Option<f64>,
    /// At the backed-up output, each phase, W.
    pub eps: [Option<f64>; 3],
    /// Into the battery, W.
    pub charge: Option<f64>,
    /// Out of the battery, W.
    pub discharge: Option<f64>,
    /// Out of the inverter, W; negative into it.
    pub inverter_out: Option<f64>,
    /// Into the inverter from the AC side, W.
    pub ac_charge: Option<f64>,
    /// VA.
    pub grid_apparent: Option<f64>,
    /// From the grid by the meter, W.
    pub meter_import: Option<f64>,
    /// To the grid by the meter, W.
    pub meter_export: Option<f64>,
    /// The house's load, each phase, W; signed.
    pub load_phase: [Option<i64>; 3],
    /// The house's load, W.
    pub load: Option<f64>,
    /// What the inverter gives, each phase, W; signed.
    pub export_phase: [Option<i64>; 3],
    /// V, between phases.
    pub grid_voltage: [Option<f64>; 3],
    /// A.
    pub grid_current: [Option<f64>; 3],
    /// V, to the neutral.
    pub output_voltage: [Option<f64>; 3],
    /// Battery, as the power stage measures it, V.
    pub pcs_voltage: Option<f64>,
    /// Hz.
    pub eps_frequency: Option<f64>,
    /// `Normal` and so on.
    pub status: Option<String>,
    /// `Normal` and so on, of the DC side.
    pub dc_status: Option<String>,
    /// As a number.
    pub system_mode: Option<i64>,
    /// As a number.
    pub start_delay: Option<i64>,
    /// As its register holds it.
    pub power_factor: Option<i64>,
    /// As a number.
    pub battery_priority: Option<i64>,
    /// °C.
    pub temperature: Option<f64>,
    /// °C.
    pub boost_temperature: Option<f64>,
    /// °C.
    pub buck_boost_temperature: Option<f64>,
    /// Version of its software.
    pub software: Option<String>,
    /// Version of its firmware.
    pub firmware: Option<String>,
    /// Whether a discharge is forced.
    pub force_discharge: Option<bool>,
    /// Whether a charge is forced.
    pub force_charge: Option<bool>,
    /// Whether it may charge from the AC side.
    pub ac_charge_enabled: Option<bool>,
}
