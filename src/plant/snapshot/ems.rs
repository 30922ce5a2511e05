use std::borrow::Cow;

use super::Snapshot;
use crate::frame::Serial;
use crate::registers::Slot;

/// What only a plant controller tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ems {
    /// `Normal` and so on.
    pub status: Option<String>,
    /// How many inverters it leads.
    pub inverter_count: Option<i64>,
    /// How many meters it reads.
    pub meter_count: Option<i64>,
    /// How many car chargers it is told to expect.
    pub car_charger_count: Option<i64>,
    /// What is in all batteries, Wh.
    pub remaining: Option<i64>,
    /// At the grid, W: import positive, unlike everywhere else.
    pub grid: Option<i64>,
    /// The house's load as it works it out, W.
    pub calculated_load: Option<i64>,
    /// The house's load as a meter has it, W.
    pub measured_load: Option<i64>,
    /// What generators give, W.
    pub generation: Option<i64>,
    /// All inverters, W.
    pub total: Option<i64>,
    /// All batteries, W, discharge positive.
    pub battery: Option<i64>,
    /// Batteries that are not behind its inverters, W.
    pub other_battery: Option<i64>,
    /// Its meters, by number.
    pub meters: [EmsMeter; 8],
    /// The inverters that it leads and that say who they are.
    pub inverters: Vec<EmsInverter>,
    /// When it charges.
    pub charge: [EmsSlot; 3],
    /// When it discharges.
    pub discharge: [EmsSlot; 3],
    /// When it exports.
    pub export: [EmsSlot; 3],
    /// As a number.
    pub car_charge_mode: Option<i64>,
    /// As a number.
    pub car_charge_boost: Option<i64>,
    /// As a number.
    pub charge_compensation: Option<i64>,
    /// As a number.
    pub discharge_compensation: Option<i64>,
}

/// A meter of a plant controller.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EmsMeter {
    /// W; nothing of a meter that is not there.
    pub power: Option<i64>,
    /// `Online` and so on.
    pub status: Option<Cow<'static, str>>,
}

/// An inverter that a plant controller leads.
#[derive(Clone, Debug, PartialEq)]
pub struct EmsInverter {
    /// Its serial number.
    pub serial: Serial,
    /// W.
    pub power: Option<i64>,
    /// State of charge, %.
    pub soc: Option<i64>,
    /// °C.
    pub temperature: Option<f64>,
    /// `Online` and so on.
    pub status: Option<Cow<'static, str>>,
}

/// A slot of a plant controller and the state of charge that ends it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EmsSlot {
    /// When.
    pub slot: Option<Slot>,
    /// %.
    pub target: Option<i64>,
}

/// What every kind of inverter has, a plant controller in places of its own. Signs are those of everywhere else.
impl Snapshot {
    /// Power at the grid, W, positive while exporting.
    pub fn grid_power(&self) -> Option<i64> {
        self.power.grid.or_else(|| Some(-self.ems.as_ref()?.grid?))
    }

    /// Power of the battery, W, positive while it discharges.
    pub fn battery_power(&self) -> Option<i64> {
        self.power.battery.or_else(|| self.ems.as_ref()?.battery)
    }

    /// Power that the house takes, W; of a plant controller rather by its meter than as it works it out.
    pub fn load_power(&self) -> Option<i64> {
        let of_ems = || self.ems.as_ref().and_then(|ems| ems.measured_load.or(ems.calculated_load));
        self.power.load.or_else(of_ems)
    }
}
