use super::power::round2;
use super::snapshot::Energy;
use super::{Family, Identity, Model, ems, gateway, three_phase};
use crate::registers::{Field, View, lv_battery, single_phase as reg};

/// Energy since the inverter's midnight, as its counters stand.
pub(super) fn today(view: View<'_>, identity: &Identity) -> Energy {
    match identity.family() {
        Family::ThreePhase => three_phase::today(view),
        Family::Ems => ems::today(view),
        Family::Gateway => gateway::today(view),
        Family::SinglePhase => single_phase_today(view, identity.model),
        Family::PvOnly => without_battery(single_phase_today(view, identity.model)),
    }
}

fn single_phase_today(view: View<'_>, model: Model) -> Energy {
    let sum = |one: Option<f64>, two: Option<f64>| Some(round2(one? + two?));
    let battery_charge = reg::e_battery_charge_today_alt1.number(view);
    let battery_discharge = reg::e_battery_discharge_today_alt1.number(view);
    derived(
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
        },
        model,
    )
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

/// Energy since the beginning, as its counters stand.
pub(super) fn total(view: View<'_>, counters: BatteryCounters<'_>, identity: &Identity) -> Energy {
    match identity.family() {
        Family::ThreePhase => three_phase::total(view),
        Family::Ems => ems::total(view),
        Family::Gateway => gateway::total(view),
        Family::SinglePhase => single_phase_total(view, counters, identity.model),
        Family::PvOnly => without_battery(single_phase_total(view, counters, identity.model)),
    }
}

/// What nothing but a battery can have moved is no fact about an inverter without one.
fn without_battery(energy: Energy) -> Energy {
    Energy { ac_charge: None, battery_charge: None, battery_discharge: None, battery_throughput: None, ..energy }
}

/// Where the batteries' own counters are zero (some BMS firmware), IR 180 and 181 are battery energy, but only on
/// first-generation hybrids (elsewhere they have been documented as an EV charger's voltages). Until it is known which
/// of them counts there is no value: the two differ, and a total that jumps back reads as a meter that was changed.
fn single_phase_total(view: View<'_>, counters: BatteryCounters<'_>, model: Model) -> Energy {
    let battery = |own: &Field, inverters: &Field| {
        let pack = match counters {
            BatteryCounters::Of(pack) => own.number(pack).filter(|&kwh| kwh > 0.0),
            BatteryCounters::None => None,
            BatteryCounters::Unasked => return None,
        };
        pack.or_else(|| (model == Model::HybridGen1).then(|| inverters.number(view)).flatten())
    };
    derived(
        Energy {
            pv: reg::e_pv_total.number(view),
            import: reg::e_grid_in_total.number(view),
            export: reg::e_grid_out_total.number(view),
            ac_charge: reg::e_inverter_in_total.number(view),
            inverter: reg::e_pv_generation_total.number(view),
            battery_charge: battery(&lv_battery::e_battery_charge_total, &reg::e_battery_charge_total_alt1),
            battery_discharge: battery(&lv_battery::e_battery_discharge_total, &reg::e_battery_discharge_total_alt1),
            battery_throughput: reg::e_battery_throughput.number(view),
            ..Energy::default()
        },
        model,
    )
}

/// Load is what left the inverter for good, less what went on to the grid, plus what came from there; where the sun
/// does not pass through this inverter it is added.
fn derived(mut energy: Energy, model: Model) -> Energy {
    energy.load = (|| {
        let inside = energy.inverter? - energy.ac_charge? - (energy.export? - energy.import?);
        let sun = if model.is_hybrid() { 0.0 } else { energy.pv? };
        Some(round2(inside + sun).max(0.0))
    })();
    energy.self_consumption = energy.pv.zip(energy.export).map(|(pv, export)| round2(pv - export).max(0.0));
    energy
}
