use super::power::round2;
use super::snapshot::Energy;
use super::{Family, Model, ems, gateway, three_phase};
use crate::registers::{Field, View, lv_battery, single_phase as reg};

/// What the registers show of the energy since the inverter's midnight.
pub(super) fn today(view: View<'_>, family: Family) -> Energy {
    match family {
        Family::ThreePhase => three_phase::today(view),
        Family::Ems => ems::today(view),
        Family::Gateway => gateway::today(view),
        Family::SinglePhase | Family::PvOnly => single_phase_today(view),
    }
}

fn single_phase_today(view: View<'_>) -> Energy {
    let sum = |one: Option<f64>, two: Option<f64>| Some(round2(one? + two?));
    let battery_charge = reg::e_battery_charge_today_alt1.number(view);
    let battery_discharge = reg::e_battery_discharge_today_alt1.number(view);
    Energy {
        pv: sum(reg::e_pv1_day.number(view), reg::e_pv2_day.number(view)),
        import: reg::e_grid_in_day.number(view),
        export: reg::e_grid_out_day.number(view),
        ac_charge: reg::e_ac_charge_today.number(view),
        inverter: reg::e_pv_generation_today.number(view),
        battery_charge,
        battery_discharge,
        battery_throughput: sum(battery_charge, battery_discharge),
        ..Energy::default()
    }
}

/// Where the batteries' own energy counters stand.
#[derive(Clone, Copy, Debug)]
pub(super) enum BatteryCounters<'a> {
    /// In the page of this battery.
    Of(View<'a>),
    /// Nowhere: there is no battery that answers.
    None,
    /// Not known yet.
    Unasked,
}

/// What the registers show of the energy since the beginning.
pub(super) fn total(view: View<'_>, counters: BatteryCounters<'_>, family: Family, model: Model) -> Energy {
    match family {
        Family::ThreePhase => three_phase::total(view),
        Family::Ems => ems::total(view),
        Family::Gateway => gateway::total(view),
        Family::SinglePhase | Family::PvOnly => single_phase_total(view, counters, model),
    }
}

/// The batteries' own counters.
const CHARGED: &Field = &lv_battery::e_battery_charge_total;
const DISCHARGED: &Field = &lv_battery::e_battery_discharge_total;

/// Where the batteries' own counters are both zero (some BMS firmware), IR 180 and 181 are battery energy, but only on
/// first-generation hybrids (elsewhere they have been documented as an EV charger's voltages). Until it is known which
/// of them counts there is no value: the two differ, and a total that jumps back reads as a meter that was changed.
fn single_phase_total(view: View<'_>, counters: BatteryCounters<'_>, model: Model) -> Energy {
    let of_inverter = |field: &Field| (model == Model::HybridGen1).then(|| field.number(view)).flatten();
    let battery = |own: &Field, inverters: &Field| match counters {
        BatteryCounters::Of(pack) => match [CHARGED, DISCHARGED].map(|own| own.number(pack)) {
            // One of them may be 0 for good reason: it is new, or has just been full.
            [one, other] if one > Some(0.0) || other > Some(0.0) => own.number(pack),
            [Some(_), Some(_)] => of_inverter(inverters),
            _ => None,
        },
        BatteryCounters::None => of_inverter(inverters),
        BatteryCounters::Unasked => None,
    };
    Energy {
        pv: reg::e_pv_total.number(view),
        import: reg::e_grid_in_total.number(view),
        export: reg::e_grid_out_total.number(view),
        ac_charge: reg::e_inverter_in_total.number(view),
        inverter: reg::e_pv_generation_total.number(view),
        battery_charge: battery(CHARGED, &reg::e_battery_charge_total_alt1),
        battery_discharge: battery(DISCHARGED, &reg::e_battery_discharge_total_alt1),
        battery_throughput: reg::e_battery_throughput.number(view),
        ..Energy::default()
    }
}

/// Adds what follows from the counters that are believed, where the registers do not tell it themselves.
///
/// Load is what left the inverter for good, less what went on to the grid, plus what came from there; where the sun
/// does not pass through this inverter it is added.
pub(super) fn derived(mut energy: Energy, model: Model) -> Energy {
    let load = || {
        let inside = energy.inverter? - energy.ac_charge? - (energy.export? - energy.import?);
        let sun = if model.passes_sun() { 0.0 } else { energy.pv? };
        Some(round2(inside + sun).max(0.0))
    };
    energy.load = energy.load.or_else(load);
    let own = energy.pv.zip(energy.export).map(|(pv, export)| round2(pv - export).max(0.0));
    energy.self_consumption = energy.self_consumption.or(own);
    energy
}
