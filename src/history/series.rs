//! Which values are kept. A place in the list is an id in the file: the list grows at its end only.

use super::cell::Cell;
use crate::plant::Snapshot;
use crate::plant::snapshot::Energy;

/// One value that is kept over time.
#[derive(Clone, Copy)]
pub struct Series {
    /// Its name, for programs.
    pub name: &'static str,
    /// In what it is measured.
    pub unit: &'static str,
    /// What it is.
    pub description: &'static str,
    /// So many steps make one of its unit; it is kept in whole steps.
    pub(super) scale: f64,
    read: fn(&Snapshot) -> Option<f64>,
}

/// How many there are.
pub(super) const COUNT: usize = SERIES.len();

/// All of them.
pub static SERIES: [Series; 9] = [
    series("soc", "%", "State of charge", 10.0, |s| number(s.power.soc)),
    series("pv_power", "W", "Power of the sun", 1.0, |s| number(s.power.pv)),
    series("battery_power", "W", "Power of the battery, positive while it discharges", 1.0, |s| {
        number(s.battery_power())
    }),
    series("grid_power", "W", "Power of the grid, positive while exporting", 1.0, |s| number(s.grid_power())),
    series("load_power", "W", "Power that the house takes", 1.0, |s| number(s.load_power())),
    series("inverter_temperature", "°C", "Temperature of the heat sink", 10.0, |s| s.inverter.temperature),
    series(
        "battery_temperature",
        "°C",
        "Temperature of the warmest battery, or as the inverter measures it",
        10.0,
        warmest,
    ),
    series("grid_voltage", "V", "Voltage of the grid", 10.0, |s| s.power.grid_voltage),
    series("grid_frequency", "Hz", "Frequency of the grid", 100.0, |s| s.power.grid_frequency),
];

/// The energies of a day that are kept, in the order of their columns.
pub(super) const ENERGIES: [&str; 6] = ["pv", "import", "export", "load", "charge", "discharge"];

/// The energies of a day as read, kWh, in the order of [`ENERGIES`].
pub(super) fn energies(today: &Energy) -> [Option<f64>; ENERGIES.len()] {
    [today.pv, today.import, today.export, today.load, today.battery_charge, today.battery_discharge]
}

const fn series(
    name: &'static str,
    unit: &'static str,
    description: &'static str,
    scale: f64,
    read: fn(&Snapshot) -> Option<f64>,
) -> Series {
    Series { name, unit, description, scale, read }
}

fn number(value: Option<i64>) -> Option<f64> {
    value.map(|value| value as f64)
}

fn warmest(snapshot: &Snapshot) -> Option<f64> {
    let known = snapshot.batteries.iter().filter(|battery| snapshot.is_available(battery.address));
    known.filter_map(|battery| battery.temperature).reduce(f64::max).or(snapshot.inverter.bms_temperature)
}

impl Series {
    /// The place of the series of this name.
    pub fn find(name: &str) -> Option<usize> {
        SERIES.iter().position(|series| series.name == name)
    }

    /// Mean, least and greatest value in its unit, the mean to a tenth of a step.
    pub fn values(&self, cell: Cell) -> Option<(f64, f64, f64)> {
        let mean = (cell.mean() * 10.0).round() / (10.0 * self.scale);
        let of = |steps: i32| f64::from(steps) / self.scale;
        mean.is_finite().then(|| (mean, of(cell.min), of(cell.max)))
    }

    /// Its value, in whole steps; `None` where nothing was read.
    pub(super) fn steps(&self, snapshot: &Snapshot) -> Option<i32> {
        let steps = ((self.read)(snapshot)? * self.scale).round();
        (steps.is_finite() && steps.abs() < f64::from(i32::MAX)).then_some(steps as i32)
    }
}

impl std::fmt::Debug for Series {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Series({})", self.name)
    }
}
