//! What a plant does, as published: everything that was read and what follows from it.
//!
//! Absent is `None`, never 0. Powers in W, energy in kWh; battery power is positive while discharging, grid power is
//! positive while exporting.

mod ems;
mod energy;
mod gateway;
pub(super) mod health;
mod led;
mod overrides;
mod stack;
mod three_phase;

use std::borrow::Cow;
use std::sync::Arc;

use jiff::{Timestamp, ZonedDateTime};

use super::tariff::Rates;
use super::{Capabilities, Identity, Rejections};
use crate::frame::Serial;
use crate::registers::{RegisterImage, Slot};

pub use ems::{Ems, EmsInverter, EmsMeter, EmsSlot};
pub use energy::Energy;
pub use gateway::{Aio, Gateway};
pub use overrides::{OverrideNote, OverrideNotes, OverrideState, Overrides};
pub use stack::{BatteryStack, Module};
pub use three_phase::ThreePhase;

/// One plant at one time.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Who the inverter is.
    pub identity: Identity,
    /// What is behind it.
    pub capabilities: Arc<Capabilities>,
    /// What happens now.
    pub power: Power,
    /// Where the power goes.
    pub flows: Flows,
    /// Energy since the inverter's midnight.
    pub today: Energy,
    /// Energy since the beginning.
    pub total: Energy,
    /// What the inverter is and how it is.
    pub inverter: InverterDetails,
    /// What is set.
    pub control: Control,
    /// When it charges and discharges.
    pub timeslots: Timeslots,
    /// Minutes that the timed overrides still run; `None` where that is not known, or this model has none.
    pub overrides: Option<Overrides<i64>>,
    /// How those stand that are told.
    pub override_notes: Arc<OverrideNotes>,
    /// The batteries found, by address.
    pub batteries: Vec<Battery>,
    /// The high-voltage battery stacks, in order.
    pub stacks: Vec<BatteryStack>,
    /// The meters found, by address.
    pub meters: Vec<Meter>,
    /// What is in the low-voltage batteries by their calibrated capacities, kWh; once all that there are were found.
    pub measured_kwh: Option<f64>,
    /// Whether everything that may be behind it was asked for often enough: what is not here is not there.
    pub all_probed: bool,
    /// Seconds that the inverter's clock was ahead of the zone's when it was read.
    pub clock_skew: Option<i64>,
    /// What its energy costs, where it counts what comes from the grid.
    pub rates: Option<Rates>,
    /// Addresses of the devices that are known and do not answer. Of them only the serial number is shown.
    pub unavailable: Vec<u8>,
    /// What only a three-phase inverter tells.
    pub three_phase: Option<ThreePhase>,
    /// What only a plant controller tells.
    pub ems: Option<Ems>,
    /// What only a gateway tells.
    pub gateway: Option<Gateway>,
    /// How the reading itself goes.
    pub stats: Stats,
    /// Every register that was read.
    pub image: Arc<RegisterImage>,
}

impl Snapshot {
    /// Whether the device at this address answers, as far as is known.
    pub fn is_available(&self, address: u8) -> bool {
        !self.unavailable.contains(&address)
    }
}

/// What happens now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Power {
    /// Both strings, W.
    pub pv: Option<i64>,
    /// Each string, W.
    pub pv_string: [Option<i64>; 2],
    /// Each string, V.
    pub pv_voltage: [Option<f64>; 2],
    /// Each string, A.
    pub pv_current: [Option<f64>; 2],
    /// V.
    pub grid_voltage: Option<f64>,
    /// A.
    pub grid_current: Option<f64>,
    /// Hz.
    pub grid_frequency: Option<f64>,
    /// Hz, at the inverter's output.
    pub output_frequency: Option<f64>,
    /// W, export positive.
    pub grid: Option<i64>,
    /// W, at the backed-up output.
    pub eps: Option<i64>,
    /// W, at the inverter's terminal, out positive.
    pub inverter: Option<i64>,
    /// W.
    pub load: Option<i64>,
    /// W, discharge positive.
    pub battery: Option<i64>,
    /// V.
    pub battery_voltage: Option<f64>,
    /// A, discharge positive.
    pub battery_current: Option<f64>,
    /// State of charge, %.
    pub soc: Option<i64>,
    /// What is in the battery, kWh.
    pub soc_kwh: Option<f64>,
    /// Minutes to the charge target while charging, else 0.
    pub charge_minutes: Option<i64>,
    /// Minutes to the reserve while discharging, else 0.
    pub discharge_minutes: Option<i64>,
    /// When the charge target will be reached; only while charging.
    pub charge_completion: Option<ZonedDateTime>,
    /// When the reserve will be reached; only while discharging.
    pub discharge_completion: Option<ZonedDateTime>,
    /// W, generation of the whole house, on the models that measure it.
    pub combined_generation: Option<i64>,
}

impl Power {
    /// W taken from the grid.
    pub fn import(&self) -> Option<i64> {
        self.grid.map(|grid| (-grid).max(0))
    }

    /// W given to the grid.
    pub fn export(&self) -> Option<i64> {
        self.grid.map(|grid| grid.max(0))
    }

    /// W into the battery.
    pub fn charge(&self) -> Option<i64> {
        self.battery.map(|battery| (-battery).max(0))
    }

    /// W out of the battery.
    pub fn discharge(&self) -> Option<i64> {
        self.battery.map(|battery| battery.max(0))
    }

    /// W that the inverter takes from the AC side.
    pub fn ac_charge(&self) -> Option<i64> {
        self.inverter.map(|inverter| (-inverter).max(0))
    }

    /// W of the load that did not come from the grid.
    pub fn self_consumption(&self) -> Option<i64> {
        Some((self.load? - self.import()?).max(0))
    }
}

/// Where the power goes, W, never negative.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Flows {
    pub solar_to_house: Option<i64>,
    pub solar_to_battery: Option<i64>,
    pub solar_to_grid: Option<i64>,
    pub battery_to_house: Option<i64>,
    pub battery_to_grid: Option<i64>,
    pub grid_to_battery: Option<i64>,
    pub grid_to_house: Option<i64>,
}

/// What the inverter is and how it is.
#[derive(Clone, Debug, Default)]
pub struct InverterDetails {
    /// Its clock, in the inverter's zone.
    pub time: Option<ZonedDateTime>,
    /// `LITHIUM` and so on.
    pub battery_type: Option<String>,
    /// Capacity as configured, kWh; of a gateway, that of its all-in-ones.
    pub battery_capacity: Option<f64>,
    /// Usable capacity as the high-voltage stacks measure it, kWh.
    pub measured_capacity: Option<f64>,
    /// Version of its register map.
    pub modbus_version: Option<String>,
    /// `D0.<dsp>-A0.<arm>`.
    pub firmware: Option<String>,
    /// `EM115` and so on.
    pub meter_type: Option<String>,
    /// Rated power, W.
    pub max_power: Option<i64>,
    /// What the battery can take and give, W.
    pub max_battery_power: Option<i64>,
    /// Heat sink, °C.
    pub temperature: Option<f64>,
    /// W.
    pub export_limit: Option<i64>,
    /// Stage of the battery calibration.
    pub calibration_status: Option<String>,
    /// Battery, as the inverter measures it, °C.
    pub bms_temperature: Option<f64>,
    /// What is at fault now; empty where nothing is.
    pub faults: Option<Vec<Cow<'static, str>>>,
    /// What it warns of now; empty where that is nothing.
    pub warnings: Option<Vec<Cow<'static, str>>>,
}

/// What is set, as last read.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "units are in the names")]
pub struct Control {
    pub mode: Option<&'static str>,
    pub eco: Option<bool>,
    pub charge_schedule: Option<bool>,
    pub discharge_schedule: Option<bool>,
    pub charge_target_enabled: Option<bool>,
    pub charge_rate_watts: Option<i64>,
    pub discharge_rate_watts: Option<i64>,
    pub charge_rate_ac_percent: Option<i64>,
    pub discharge_rate_ac_percent: Option<i64>,
    pub reserve_percent: Option<i64>,
    pub cutoff_percent: Option<i64>,
    pub target_percent: Option<i64>,
    pub real_time_control: Option<bool>,
    pub pause_mode: Option<String>,
    pub calibration: Option<&'static str>,
    pub active_power_percent: Option<i64>,
    pub charge_slot_targets: [Option<i64>; 10],
    pub discharge_slot_targets: [Option<i64>; 10],
}

/// When it charges, discharges and pauses; only the slots that this model has.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Timeslots {
    pub charge: [Option<Slot>; 10],
    pub discharge: [Option<Slot>; 10],
    pub pause: Option<Slot>,
}

/// A low-voltage battery.
#[derive(Clone, Debug, PartialEq)]
pub struct Battery {
    /// Where it answers.
    pub address: u8,
    /// Its serial number.
    pub serial: Serial,
    /// Cell voltages, V.
    pub cells: [Option<f64>; 16],
    /// Temperatures of the four groups of cells, °C.
    pub cell_temperatures: [Option<f64>; 4],
    /// Sum of the cells, V.
    pub voltage: Option<f64>,
    /// BMS, °C.
    pub temperature: Option<f64>,
    /// Capacity as calibrated, Ah.
    pub capacity: Option<f64>,
    /// Capacity as designed, Ah.
    pub design_capacity: Option<f64>,
    /// What is in it, Ah.
    pub remaining_capacity: Option<f64>,
    /// State of charge, %.
    pub soc: Option<i64>,
    /// How many cells.
    pub cell_count: Option<i64>,
    /// Charge cycles.
    pub cycles: Option<i64>,
    /// BMS firmware.
    pub firmware: Option<i64>,
    /// What is plugged in: 8 stands for a battery's own.
    pub usb: Option<i64>,
}

/// A meter.
#[derive(Clone, Debug, PartialEq)]
pub struct Meter {
    /// Where it answers, and its number.
    pub address: u8,
    /// V.
    pub voltage: [Option<f64>; 3],
    /// A.
    pub current: [Option<f64>; 3],
    /// W.
    pub power: [Option<i64>; 3],
    /// −1 to 1.
    pub power_factor: [Option<f64>; 3],
    /// Hz.
    pub frequency: Option<f64>,
    /// kWh.
    pub import: Option<f64>,
    /// kWh.
    pub export: Option<f64>,
}

/// How the reading itself goes.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Whether the inverter answers.
    pub online: bool,
    /// When a block of it was last taken over.
    pub last_updated: Option<Timestamp>,
    /// Seconds between the last two cycles that brought data.
    pub since_previous: Option<f64>,
    /// Requests that ran out of time.
    pub timeouts: u64,
    /// Cycles that got no lock in time.
    pub skipped_cycles: u64,
    /// Blocks that are due and could not be read.
    pub stale_blocks: u64,
    /// What was rejected, and why.
    pub rejections: Rejections,
    /// Frames with a wrong CRC.
    pub crc_errors: u64,
    /// Connections made after the first.
    pub reconnects: u64,
    /// Cycles that brought data.
    pub cycles: u64,
    /// Registers that were written, ever.
    pub writes: u64,
    /// Registers that commands wrote today, by the inverter's zone.
    pub writes_today: u32,
}
