use super::Family;
use super::snapshot::{Flows, InverterDetails, Power};

/// Where the power goes, of the families of which that can be told: of a gateway only with several all-in-ones.
pub(super) fn read(power: &Power, family: Family, details: &InverterDetails, aios: Option<i64>) -> Flows {
    match family {
        Family::SinglePhase => of(power, details.battery_capacity.is_some_and(|kwh| kwh > 0.0)),
        Family::PvOnly => of(power, false),
        Family::Gateway if aios.is_some_and(|count| count > 1) => of(power, true),
        Family::Gateway | Family::ThreePhase | Family::Ems => Flows::default(),
    }
}

/// GivTCP's formulas, except that a flow is never negative.
fn of(power: &Power, has_battery: bool) -> Flows {
    let (Some(pv), Some(load), Some(import), Some(export)) = (power.pv, power.load, power.import(), power.export())
    else {
        return Flows::default();
    };
    let (charge, discharge) = if has_battery {
        let (Some(charge), Some(discharge)) = (power.charge(), power.discharge()) else { return Flows::default() };
        (charge, discharge)
    } else {
        return Flows {
            solar_to_house: Some(pv.min(load).max(0)),
            solar_to_grid: Some(export),
            grid_to_house: Some(import),
            ..Flows::default()
        };
    };
    let solar_to_house = if pv > 0 { pv.min(load).max(0) } else { 0 };
    let solar_to_battery = if pv > 0 { (pv - solar_to_house - export).max(0) } else { 0 };
    let battery_to_house = (discharge - export).max(0);
    let importing = import > 0;
    Flows {
        solar_to_house: Some(solar_to_house),
        solar_to_battery: Some(solar_to_battery),
        solar_to_grid: Some(if pv > 0 { (pv - solar_to_house - solar_to_battery).max(0) } else { 0 }),
        battery_to_house: Some(battery_to_house),
        battery_to_grid: Some(if export > 0 { (discharge - battery_to_house).max(0) } else { 0 }),
        grid_to_battery: Some(if importing { (charge - (pv - load).max(0)).max(0) } else { 0 }),
        grid_to_house: Some(if importing { (import - charge).max(0) } else { 0 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn power(pv: i64, load: i64, grid: i64, battery: i64) -> Power {
        Power { pv: Some(pv), load: Some(load), grid: Some(grid), battery: Some(battery), ..Power::default() }
    }

    #[test]
    fn an_unread_value_leaves_the_flows_absent() {
        let unread = Power { load: None, ..power(1000, 0, 0, 0) };
        assert_eq!(of(&unread, true), Flows::default());
    }

    #[test]
    fn by_day_the_sun_feeds_house_battery_and_grid() {
        let flows = of(&power(3000, 800, 500, -1700), true);
        assert_eq!(
            (flows.solar_to_house, flows.solar_to_battery, flows.solar_to_grid, flows.grid_to_house),
            (Some(800), Some(1700), Some(500), Some(0))
        );
    }

    proptest! {
        #[test]
        fn no_flow_is_negative(pv in 0i64..9000, load in 0i64..9000, grid in -9000i64..9000, battery in -5000i64..5000) {
            for has_battery in [true, false] {
                let f = of(&power(pv, load, grid, battery), has_battery);
                let all = [f.solar_to_house, f.solar_to_battery, f.solar_to_grid, f.battery_to_house, f.battery_to_grid,
                    f.grid_to_battery, f.grid_to_house];
                prop_assert!(all.iter().flatten().all(|&watts| watts >= 0), "{f:?}");
            }
        }
    }
}
