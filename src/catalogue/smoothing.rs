//! Holding back leaps of measured values, as GivTCP's smoother does, for who asks for it. It is no guard: what is wrong
//! has been stopped before; this only makes curves calmer, and shows every leap one poll later.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{Payload, Tree};
use crate::settings::Smoothing;

/// A value that stood so long may leap.
const CALM: SignedDuration = SignedDuration::from_secs(60);
/// Beside the ratio a leap has at least this size, in the value's unit.
const LEAST: f64 = 1.0;

/// Names of the leaves that GivTCP smooths, a `#` standing for a number; sorted. Energy counters are not among them:
/// what they may do has rules of its own.
static SMOOTH: &[&str] = &[
    "AC_Charge_Power",
    "BMS_Voltage",
    "Battery_Capacity",
    "Battery_Capacity_kWh",
    "Battery_Capacity_kWh_calc",
    "Battery_Cell_#_Temperature",
    "Battery_Cell_#_Voltage",
    "Battery_Cells",
    "Battery_Charge_Power",
    "Battery_Cycles",
    "Battery_Design_Capacity",
    "Battery_Discharge_Power",
    "Battery_Power",
    "Battery_Remaining_Capacity",
    "Battery_Voltage",
    "Battery_to_Grid",
    "Battery_to_House",
    "Boost_Temperature",
    "Buck_Boost_Temperature",
    "Calculated_Load_Power",
    "Charge_Power",
    "Combined_Generation_Power",
    "Discharge_Power",
    "EPS_Nominal_Frequency",
    "EPS_Phase#_Power",
    "EPS_Power",
    "Export_Phase#_Power",
    "Export_Power",
    "Frequency",
    "Gateway_Inverter_Power",
    "Generation_Load_Power",
    "Grid_Apparent_Power",
    "Grid_Phase#_Current",
    "Grid_Phase#_Voltage",
    "Grid_Power",
    "Grid_Relay_Voltage",
    "Grid_Voltage",
    "Grid_to_Battery",
    "Grid_to_House",
    "Import_Power",
    "Inverter_Current",
    "Inverter_Output_Frequency",
    "Inverter_Power_Out",
    "Inverter_Relay_Voltage",
    "Inverter_Temperature",
    "Invertor_Power",
    "Liberty_Power",
    "Load_Current",
    "Load_Phase#_Power",
    "Load_Power",
    "Load_Voltage",
    "Measured_Load_Power",
    "Meter#_Power",
    "Meter_#_Power",
    "Meter_Export_Power",
    "Meter_Import_Power",
    "Other_Battery_Power",
    "Output_Phase#_Voltage",
    "PCS_Voltage",
    "PV_Current",
    "PV_Power",
    "PV_Power_String_#",
    "Phase_#_Current",
    "Phase_#_Power",
    "Phase_#_Power_Factor",
    "Phase_#_Voltage",
    "Power",
    "Remaining_Battery_Wh",
    "SOC",
    "Self_Consumption_Power",
    "Solar_to_Battery",
    "Solar_to_Grid",
    "Solar_to_House",
    "Stack_Current",
    "Stack_Design_Capacity",
    "Stack_Load_Voltage",
    "Stack_Power",
    "Stack_Voltage",
    "Temperature",
    "Total_Battery_Power",
    "Total_Gateway_Power",
    "Total_Power",
];

/// What leaves showed before, of one inverter. It holds no more leaves than the last tree had.
#[derive(Debug, Default)]
pub struct Smoother {
    limits: Option<Limits>,
    shown: HashMap<Arc<str>, Shown>,
}

/// How far a value may leap from one poll to the next.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Limits {
    /// As a part of what it was.
    ratio: f64,
    /// W, for powers.
    watts: f64,
}

/// What a leaf shows.
#[derive(Clone, Debug)]
struct Shown {
    payload: Payload,
    /// When that was read.
    at: Timestamp,
    /// The cycle in which a leap was held back last.
    held_in: Option<u64>,
}

impl Smoother {
    /// Of this degree; `none` changes nothing.
    pub fn new(degree: Smoothing) -> Self {
        Self { limits: Limits::of(degree), shown: HashMap::new() }
    }

    /// Shows what a leaf showed before where it leaps; a leap that is still there in the next cycle is let through.
    /// `at` is when the tree was read, `cycle` the number of the poll: trees of one poll count as one.
    pub fn smooth(&mut self, tree: &mut Tree, at: Timestamp, cycle: u64) {
        let Some(limits) = self.limits else { return };
        let mut before = std::mem::take(&mut self.shown);
        for leaf in &mut tree.leaves {
            let known = before.remove_entry(&leaf.path);
            if known.is_none() && !is_smooth(&leaf.path) {
                continue;
            }
            let (path, shown) = match known {
                Some((path, shown)) if limits.holds(&path, &shown, &leaf.payload, at, cycle) => {
                    leaf.payload = shown.payload.clone();
                    (path, Shown { held_in: Some(cycle), ..shown })
                }
                // The leap of this cycle is through: what it shows in the rest of the cycle is as good.
                _ => (Arc::clone(&leaf.path), Shown { payload: leaf.payload.clone(), at, held_in: None }),
            };
            self.shown.insert(path, shown);
        }
    }
}

impl Limits {
    const fn of(degree: Smoothing) -> Option<Self> {
        match degree {
            Smoothing::None => None,
            Smoothing::Low => Some(Self { ratio: 0.50, watts: 7000.0 }),
            Smoothing::Medium => Some(Self { ratio: 0.35, watts: 5000.0 }),
            Smoothing::High => Some(Self { ratio: 0.25, watts: 1000.0 }),
        }
    }

    fn holds(self, path: &str, shown: &Shown, new: &Payload, at: Timestamp, cycle: u64) -> bool {
        let was_held_before = shown.held_in.is_some_and(|held_in| held_in != cycle);
        let is_old = at.duration_since(shown.at).abs() >= CALM;
        let (Some(old), Some(new)) = (number(&shown.payload), number(new)) else { return false };
        !was_held_before && !is_old && self.is_leap(path, old, new)
    }

    fn is_leap(self, path: &str, old: f64, new: f64) -> bool {
        let leap = (new - old).abs();
        let name = name_of(path);
        if is_power(name) {
            return leap > self.watts;
        }
        old != 0.0 && leap / old.abs() > self.ratio && leap >= LEAST
    }
}

fn number(payload: &Payload) -> Option<f64> {
    match payload {
        Payload::Integer(number) => Some(*number as f64),
        Payload::Float(number) => Some(*number),
        Payload::Word(_) | Payload::Text(_) => None,
    }
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// GivTCP's rule: by the name. A power factor is none.
fn is_power(name: &str) -> bool {
    (name.contains("Power") && !name.contains("Power_Factor")) || name.contains("_to_")
}

fn is_smooth(path: &str) -> bool {
    if path.starts_with("raw/") {
        return false;
    }
    let name = name_of(path);
    if !name.contains(|c: char| c.is_ascii_digit()) {
        return SMOOTH.binary_search(&name).is_ok();
    }
    SMOOTH.binary_search(&numbered(name).as_str()).is_ok()
}

/// The name with `#` for each number.
fn numbered(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        if !c.is_ascii_digit() {
            out.push(c);
        } else if !out.ends_with('#') {
            out.push('#');
        }
    }
    out
}

#[cfg(test)]
mod tests;
