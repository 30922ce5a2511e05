use super::power::{self, round2};
use super::snapshot::{BatteryStack, Energy, Power, ThreePhase};
use crate::registers::{View, single_phase, three_phase as reg};

pub(super) fn read(view: View<'_>) -> ThreePhase {
    let pv_string = [reg::p_pv1.number(view), reg::p_pv2.number(view)];
    let currents = [reg::i_pv1.number(view), reg::i_pv2.number(view)];
    ThreePhase {
        pv: sum(pv_string),
        pv_string,
        pv_current: sum(currents),
        export: reg::p_export.number(view),
        meter_2: reg::p_meter2.number(view),
        eps: [&reg::p_eps_ac1, &reg::p_eps_ac2, &reg::p_eps_ac3].map(|field| field.number(view)),
        charge: reg::p_battery_charge.number(view),
        discharge: reg::p_battery_discharge.number(view),
        inverter_out: reg::p_inverter_out.number(view),
        ac_charge: reg::p_inverter_ac_charge.number(view),
        grid_apparent: reg::p_grid_apparent.number(view),
        meter_import: reg::p_meter_import.number(view),
        meter_export: reg::p_meter_export.number(view),
        load_phase: [&reg::p_meter_active_ac1, &reg::p_meter_active_ac2, &reg::p_meter_active_ac3]
            .map(|field| field.integer(view)),
        load: reg::p_load_all.number(view),
        export_phase: [&reg::p_inverter_active_ac1, &reg::p_inverter_active_ac2, &reg::p_inverter_active_ac3]
            .map(|field| field.integer(view)),
        grid_voltage: [&reg::v_ac1, &reg::v_ac2, &reg::v_ac3].map(|field| field.number(view)),
        grid_current: [&reg::i_ac1, &reg::i_ac2, &reg::i_ac3].map(|field| field.number(view)),
        output_voltage: [&reg::v_out_ac1, &reg::v_out_ac2, &reg::v_out_ac3].map(|field| field.number(view)),
        pcs_voltage: reg::v_battery_pcs.number(view),
        eps_frequency: reg::f_nominal_eps.number(view),
        status: super::details::name_of(&reg::status, view),
        dc_status: super::details::name_of(&reg::dc_status, view),
        system_mode: reg::system_mode.integer(view),
        start_delay: reg::start_delay_time.integer(view),
        power_factor: reg::power_factor.integer(view),
        battery_priority: reg::battery_priority.integer(view),
        temperature: reg::t_inverter.number(view),
        boost_temperature: reg::t_boost.number(view),
        buck_boost_temperature: reg::t_buck_boost.number(view),
        software: reg::tph_software_version.text(view).filter(|text| !text.is_empty()),
        firmware: reg::tph_firmware_version.text(view).filter(|text| !text.is_empty()),
        force_discharge: reg::force_discharge_enable.flag(view),
        force_charge: reg::force_charge_enable.flag(view),
        ac_charge_enabled: reg::ac_charge_enable.flag(view),
    }
}

/// What it does now, in the words that all families share.
pub(super) fn power(view: View<'_>, own: &ThreePhase, stacks: &[BatteryStack], measures_generation: bool) -> Power {
    let whole = |watts: Option<f64>| watts.map(|watts| watts.round() as i64);
    let difference = |out: Option<f64>, into: Option<f64>| whole(out.zip(into).map(|(out, into)| out - into));
    Power {
        pv: whole(own.pv),
        pv_string: own.pv_string.map(whole),
        pv_voltage: [reg::v_pv1.number(view), reg::v_pv2.number(view)],
        pv_current: [reg::i_pv1.number(view), reg::i_pv2.number(view)],
        grid_frequency: reg::f_ac1.number(view),
        grid: difference(own.meter_export, own.meter_import),
        inverter: whole(own.inverter_out),
        load: whole(own.load),
        battery: difference(own.discharge, own.charge),
        battery_voltage: reg::v_battery_bms.number(view),
        battery_current: reg::i_battery.number(view),
        soc: reg::battery_soc.integer(view),
        soc_kwh: power::sum_of(stacks, |stack| stack.soc_kwh),
        combined_generation: single_phase::p_combined_generation.integer(view).filter(|_| measures_generation),
        ..Power::default()
    }
}

/// Energy since the inverter's midnight.
pub(super) fn today(view: View<'_>) -> Energy {
    Energy {
        pv: reg::e_pv_today.number(view),
        pv_string_1: reg::e_pv1_today.number(view),
        pv_string_2: reg::e_pv2_today.number(view),
        import: reg::e_import_today.number(view),
        export: reg::e_export_today.number(view),
        export_2: reg::e_export2_today.number(view),
        ac_charge: reg::e_ac_charge_today.number(view),
        inverter: reg::e_inverter_out_today.number(view),
        battery_charge: reg::e_battery_charge_today.number(view),
        battery_discharge: reg::e_battery_discharge_today.number(view),
        load: reg::e_load_today.number(view),
        ..Energy::default()
    }
}

/// Energy since the beginning.
pub(super) fn total(view: View<'_>) -> Energy {
    Energy {
        pv: reg::e_pv_total.number(view),
        pv_string_1: reg::e_pv1_total.number(view),
        pv_string_2: reg::e_pv2_total.number(view),
        import: reg::e_import_total.number(view),
        export: reg::e_export_total.number(view),
        export_2: reg::e_export2_total.number(view),
        ac_charge: reg::e_ac_charge_total.number(view),
        inverter: reg::e_inverter_out_total.number(view),
        battery_charge: reg::e_battery_charge_total.number(view),
        battery_discharge: reg::e_battery_discharge_total.number(view),
        load: reg::e_load_total.number(view),
        ..Energy::default()
    }
}

fn sum(both: [Option<f64>; 2]) -> Option<f64> {
    Some(round2(both[0]? + both[1]?))
}
