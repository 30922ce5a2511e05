//! What follows from what the batteries say of themselves.

use super::Battery;

/// Nominal voltage of a low-voltage battery, V.
const NOMINAL: f64 = 51.2;

impl Battery {
    /// The lowest cell's voltage, V.
    pub fn lowest_cell(&self) -> Option<f64> {
        self.live_cells()?.min_by(f64::total_cmp)
    }

    /// The highest cell's voltage, V.
    pub fn highest_cell(&self) -> Option<f64> {
        self.live_cells()?.max_by(f64::total_cmp)
    }

    /// From the lowest cell to the highest, V.
    pub fn cell_spread(&self) -> Option<f64> {
        Some(self.highest_cell()? - self.lowest_cell()?)
    }

    /// State of health, %: what of its designed capacity it is calibrated to. A new battery can have more; that is 100.
    pub fn health(&self) -> Option<f64> {
        let designed = self.design_capacity.filter(|amp_hours| *amp_hours > 0.0)?;
        let calibrated = self.capacity.filter(|amp_hours| *amp_hours > 0.0)?;
        Some((calibrated / designed * 100.0).min(100.0))
    }

    /// Once all were read; batteries with fewer cells say 0 V of the rest.
    fn live_cells(&self) -> Option<impl Iterator<Item = f64> + '_> {
        let all_read = self.cells.iter().all(Option::is_some);
        all_read.then(|| self.cells.iter().flatten().copied().filter(|volts| *volts > 0.0))
    }
}

/// Batteries that hold less than this share of what the inverter is set to are not all that there are: one that never
/// answered may be among them, and few are as worn as that.
const LEAST_SHARE: f64 = 0.6;

/// What these batteries hold by their calibrated capacities, kWh; nothing unless each tells its own. `nominal` is the
/// capacity that the inverter is set to, kWh.
pub(in crate::plant) fn measured_kwh(batteries: &[Battery], nominal: Option<f64>, soc: Option<i64>) -> Option<f64> {
    let amp_hours: f64 = batteries.iter().map(|battery| battery.capacity).sum::<Option<f64>>()?;
    let (capacity, soc) = (amp_hours * NOMINAL / 1000.0, soc?);
    (capacity > LEAST_SHARE * nominal?).then(|| capacity * soc as f64 / 100.0)
}
