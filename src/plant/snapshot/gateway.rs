use super::Energy;
use crate::frame::Serial;

/// What only a gateway tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gateway {
    /// Such as `GAAA0014`.
    pub software: Option<String>,
    /// `On grid` and so on.
    pub mode: Option<String>,
    /// `Static`, `Charge`, `Discharge`.
    pub state: Option<String>,
    /// How many all-in-ones it is told to expect.
    pub aio_count: Option<i64>,
    /// How many of them answer.
    pub aio_online: Option<i64>,
    /// V.
    pub load_voltage: Option<f64>,
    /// A.
    pub load_current: Option<f64>,
    /// A.
    pub pv_current: Option<f64>,
    /// W, out of the all-in-ones' side positive.
    pub liberty: Option<i64>,
    /// V, before the relay to the grid.
    pub grid_relay_voltage: Option<f64>,
    /// V, before the relay to the inverters.
    pub inverter_relay_voltage: Option<f64>,
    /// The all-in-ones that say who they are.
    pub aios: Vec<Aio>,
}

/// An all-in-one behind a gateway, as the gateway tells of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Aio {
    /// 1 to 3.
    pub number: u8,
    /// Its serial number.
    pub serial: Serial,
    /// State of charge, %.
    pub soc: Option<i64>,
    /// W, discharge positive.
    pub power: Option<i64>,
    /// Since midnight: `ac_charge` and `ac_discharge`.
    pub today: Energy,
    /// Since the beginning: `ac_charge` and `ac_discharge`.
    pub total: Energy,
}
