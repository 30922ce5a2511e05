//! What follows from what the batteries say of themselves.

use super::Battery;

/// Nominal voltage of a low-voltage battery, V.
const NOMINAL: f64 = 51.2;

impl Battery {
    /// The lowest cell's voltage, V.
    pub fn lowest_cell(&self) -> Option<f64> {
        self.live_cells().min_by(f64::total_cmp)
    }

    /// The highest cell's voltage, V.
    pub fn highest_cell(&self) -> Option<f64> {
        self.live_cells().max_by(f64::total_cmp)
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

    /// Batteries with fewer cells say 0 V of the rest.
    fn live_cells(&self) -> impl Iterator<Item = f64> + '_ {
        self.cells.iter().flatten().copied().filter(|volts| *volts > 0.0)
    }
}

/// What these batteries, which must be all that there are, hold by their calibrated capacities, kWh; nothing unless each
/// tells its own.
pub(in crate::plant) fn measured_kwh(batteries: &[Battery], soc: Option<i64>) -> Option<f64> {
    let amp_hours: f64 = batteries.iter().map(|battery| battery.capacity).sum::<Option<f64>>()?;
    let soc = soc?;
    (amp_hours > 0.0).then(|| amp_hours * NOMINAL / 1000.0 * soc as f64 / 100.0)
}
