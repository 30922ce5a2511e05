use super::snapshot::{Control, InverterDetails, Timeslots};
use super::{Capabilities, Family, Model};
use crate::registers::{Field, View, enums, single_phase as reg, three_phase};

/// What is set. `family` tells where; a plant controller has settings of its own, and an inverter without a battery
/// none of these.
pub(super) fn read(
    view: View<'_>,
    capabilities: &Capabilities,
    details: &InverterDetails,
    family: Family,
    aios: Option<i64>,
) -> Control {
    match family {
        Family::SinglePhase => single_phase(view, details, capabilities.ten_slots()),
        Family::Gateway if leads_several(aios) => of_rated_power(single_phase(view, details, true), details),
        Family::ThreePhase => of_rated_power(of_three_phases(view, details), details),
        Family::PvOnly | Family::Ems | Family::Gateway => Control::default(),
    }
}

/// The only all-in-one behind a gateway keeps its settings itself.
fn leads_several(aios: Option<i64>) -> bool {
    aios.is_some_and(|count| count > 1)
}

/// Whether there is a battery here whose settings a timed override could change.
pub(super) fn has_overrides(model: Model, family: Family, aios: Option<i64>) -> bool {
    model.is_supported()
        && match family {
            Family::SinglePhase | Family::ThreePhase => true,
            Family::Gateway => leads_several(aios),
            Family::PvOnly | Family::Ems => false,
        }
}

/// A gateway's and a three-phase inverter's rates are percentages of what the battery can do.
fn of_rated_power(control: Control, details: &InverterDetails) -> Control {
    let watts = |percent: Option<i64>| Some(details.max_battery_power? * percent? / 100);
    Control {
        charge_rate_watts: watts(control.charge_rate_ac_percent),
        discharge_rate_watts: watts(control.discharge_rate_ac_percent),
        ..control
    }
}

fn of_three_phases(view: View<'_>, details: &InverterDetails) -> Control {
    let control = single_phase(view, details, true);
    let reserve_percent = three_phase::battery_soc_reserve.integer(view);
    let discharge_schedule = three_phase::force_discharge_enable.flag(view);
    Control {
        mode: mode(control.eco, discharge_schedule, reserve_percent),
        charge_schedule: three_phase::force_charge_enable
            .flag(view)
            .zip(three_phase::ac_charge_enable.flag(view))
            .map(|(forced, from_ac)| forced && from_ac),
        discharge_schedule,
        charge_rate_ac_percent: three_phase::battery_charge_limit_ac.integer(view),
        discharge_rate_ac_percent: three_phase::battery_discharge_limit_ac.integer(view),
        reserve_percent,
        cutoff_percent: three_phase::battery_reserve_soc.integer(view),
        target_percent: three_phase::charge_target_soc.integer(view),
        real_time_control: three_phase::real_time_control.flag(view),
        ..control
    }
}

fn single_phase(view: View<'_>, details: &InverterDetails, ten: bool) -> Control {
    let eco = reg::battery_power_mode.flag(view);
    let discharge_schedule = reg::enable_discharge.flag(view);
    let reserve_percent = reg::battery_soc_reserve.integer(view);
    Control {
        mode: mode(eco, discharge_schedule, reserve_percent),
        eco,
        charge_schedule: reg::enable_charge.flag(view),
        discharge_schedule,
        charge_target_enabled: reg::enable_charge_target.flag(view),
        charge_rate_watts: rate(&reg::battery_charge_limit, view, details),
        discharge_rate_watts: rate(&reg::battery_discharge_limit, view, details),
        charge_rate_ac_percent: reg::battery_charge_limit_ac.integer(view),
        discharge_rate_ac_percent: reg::battery_discharge_limit_ac.integer(view),
        reserve_percent,
        cutoff_percent: reg::battery_discharge_min_power_reserve.integer(view),
        target_percent: reg::charge_target_soc.integer(view),
        real_time_control: reg::enable_rtc.flag(view),
        pause_mode: pause_mode(view),
        calibration: reg::battery_calibration_stage
            .integer(view)
            .map(|stage| if stage == 0 { "Off" } else { "Running" }),
        active_power_percent: reg::active_power_rate.integer(view),
        charge_slot_targets: if ten { CHARGE_TARGETS.map(|field| field.integer(view)) } else { [None; 10] },
        discharge_slot_targets: if ten { DISCHARGE_TARGETS.map(|field| field.integer(view)) } else { [None; 10] },
    }
}

/// What the flags amount to. With eco on, discharge off and the reserve at 100 the battery rests.
fn mode(eco: Option<bool>, discharge: Option<bool>, reserve: Option<i64>) -> Option<&'static str> {
    Some(match (eco?, discharge?) {
        (true, false) => match reserve? {
            100 => "Eco (Paused)",
            _ => "Eco",
        },
        (true, true) => "Timed Demand",
        (false, true) => "Timed Export",
        (false, false) => "Export (Paused)",
    })
}

/// A rate in hundredths of the battery's capacity, as W, at most what the battery can do.
fn rate(field: &Field, view: View<'_>, details: &InverterDetails) -> Option<i64> {
    let watts = field.integer(view)? as f64 / 100.0 * details.battery_capacity? * 1000.0;
    Some(details.max_battery_power.map_or(watts as i64, |most| (watts as i64).min(most)))
}

fn pause_mode(view: View<'_>) -> Option<String> {
    let code = u16::try_from(reg::battery_pause_mode.integer(view)?).ok()?;
    Some(match enums::BATTERY_PAUSE_MODE.name(code) {
        Some("DISABLED") => "Disabled".to_owned(),
        Some("PAUSE_CHARGE") => "PauseCharge".to_owned(),
        Some("PAUSE_DISCHARGE") => "PauseDischarge".to_owned(),
        Some("PAUSE_BOTH") => "PauseBoth".to_owned(),
        _ => format!("unknown ({code})"),
    })
}

/// When it charges, discharges and pauses.
pub(super) fn timeslots(view: View<'_>, capabilities: &Capabilities, family: Family, aios: Option<i64>) -> Timeslots {
    match family {
        Family::SinglePhase => slots(view, capabilities.model, capabilities.ten_slots()),
        Family::Gateway if leads_several(aios) => slots(view, capabilities.model, true),
        Family::ThreePhase => {
            let mut slots = slots(view, capabilities.model, true);
            slots.charge[0] = three_phase::charge_slot_1.slot(view);
            slots.charge[1] = three_phase::charge_slot_2.slot(view);
            slots.discharge[0] = three_phase::discharge_slot_1.slot(view);
            slots.discharge[1] = three_phase::discharge_slot_2.slot(view);
            slots
        }
        Family::PvOnly | Family::Ems | Family::Gateway => Timeslots::default(),
    }
}

fn slots(view: View<'_>, model: Model, ten: bool) -> Timeslots {
    let mut slots = Timeslots::default();
    slots.charge[0] = reg::charge_slot_1.slot(view);
    slots.discharge[0] = reg::discharge_slot_1.slot(view);
    slots.discharge[1] = reg::discharge_slot_2.slot(view);
    if ten {
        for (slot, field) in slots.charge[1..].iter_mut().zip(CHARGE_SLOTS) {
            *slot = field.slot(view);
        }
        for (slot, field) in slots.discharge[2..].iter_mut().zip(DISCHARGE_SLOTS) {
            *slot = field.slot(view);
        }
    }
    if !matches!(model, Model::HybridGen1 | Model::Ac) {
        slots.pause = reg::battery_pause_slot_1.slot(view);
    }
    slots
}

/// Charge slots 2 to 10 of models that have ten.
static CHARGE_SLOTS: [&Field; 9] = [
    &reg::charge_slot_2_x,
    &reg::charge_slot_3,
    &reg::charge_slot_4,
    &reg::charge_slot_5,
    &reg::charge_slot_6,
    &reg::charge_slot_7,
    &reg::charge_slot_8,
    &reg::charge_slot_9,
    &reg::charge_slot_10,
];

/// Discharge slots 3 to 10 of models that have ten.
static DISCHARGE_SLOTS: [&Field; 8] = [
    &reg::discharge_slot_3,
    &reg::discharge_slot_4,
    &reg::discharge_slot_5,
    &reg::discharge_slot_6,
    &reg::discharge_slot_7,
    &reg::discharge_slot_8,
    &reg::discharge_slot_9,
    &reg::discharge_slot_10,
];

static CHARGE_TARGETS: [&Field; 10] = [
    &reg::charge_target_soc_1,
    &reg::charge_target_soc_2,
    &reg::charge_target_soc_3,
    &reg::charge_target_soc_4,
    &reg::charge_target_soc_5,
    &reg::charge_target_soc_6,
    &reg::charge_target_soc_7,
    &reg::charge_target_soc_8,
    &reg::charge_target_soc_9,
    &reg::charge_target_soc_10,
];

static DISCHARGE_TARGETS: [&Field; 10] = [
    &reg::discharge_target_soc_1,
    &reg::discharge_target_soc_2,
    &reg::discharge_target_soc_3,
    &reg::discharge_target_soc_4,
    &reg::discharge_target_soc_5,
    &reg::discharge_target_soc_6,
    &reg::discharge_target_soc_7,
    &reg::discharge_target_soc_8,
    &reg::discharge_target_soc_9,
    &reg::discharge_target_soc_10,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_needs_what_it_is_made_of() {
        assert_eq!(mode(Some(true), Some(false), Some(4)), Some("Eco"));
        assert_eq!(mode(Some(true), Some(false), Some(100)), Some("Eco (Paused)"));
        assert_eq!(mode(Some(true), Some(true), None), Some("Timed Demand"));
        assert_eq!(mode(Some(false), Some(true), None), Some("Timed Export"));
        assert_eq!(mode(Some(false), Some(false), None), Some("Export (Paused)"));
        assert_eq!(mode(Some(true), Some(false), None), None);
        assert_eq!(mode(None, Some(true), Some(4)), None);
    }
}
