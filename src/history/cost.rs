//! What a day's energy from the grid costs so far.

use crate::plant::tariff::Rates;

/// The costs of all rates that were in force today together, in money; `None` where none is known. Named periods stand
/// for themselves: where there are any, they have all that was imported.
pub(super) fn of(rates: &Rates) -> Option<f64> {
    let periods: Vec<f64> = rates.periods.iter().filter_map(|period| period.cost).collect();
    if !periods.is_empty() {
        return Some(periods.iter().sum());
    }
    let sides: Vec<f64> = [rates.day.cost, rates.night.cost].into_iter().flatten().collect();
    (!sides.is_empty()).then(|| sides.iter().sum())
}
