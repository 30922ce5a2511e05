use super::details::name_of;
use super::power::round2;
use super::snapshot::{Aio, Energy, Gateway, InverterDetails, Power};
use crate::frame::Serial;
use crate::registers::{Field, View, gateway as reg};

/// What an all-in-one behind a gateway holds, kWh.
pub(super) const AIO_CAPACITY: f64 = 13.5;
/// What an all-in-one behind a gateway can take and give, W.
pub(super) const AIO_POWER: i64 = 6000;

/// Serial number, state of charge, power; then charge and discharge of today and since the beginning.
static AIOS: [[&Field; 7]; 3] = [
    [
        &reg::aio1_serial_number,
        &reg::aio1_soc,
        &reg::p_aio1_inverter,
        &reg::e_aio1_charge_today,
        &reg::e_aio1_discharge_today,
        &reg::e_aio1_charge_total,
        &reg::e_aio1_discharge_total,
    ],
    [
        &reg::aio2_serial_number,
        &reg::aio2_soc,
        &reg::p_aio2_inverter,
        &reg::e_aio2_charge_today,
        &reg::e_aio2_discharge_today,
        &reg::e_aio2_charge_total,
        &reg::e_aio2_discharge_total,
    ],
    [
        &reg::aio3_serial_number,
        &reg::aio3_soc,
        &reg::p_aio3_inverter,
        &reg::e_aio3_charge_today,
        &reg::e_aio3_discharge_today,
        &reg::e_aio3_charge_total,
        &reg::e_aio3_discharge_total,
    ],
];

pub(super) fn read(view: View<'_>) -> Gateway {
    let words = |field| name_of(field, view).map(|name| name.replace('_', " "));
    Gateway {
        software: reg::software_version.text(view),
        mode: words(&reg::work_mode),
        state: words(&reg::aio_state),
        aio_count: reg::parallel_aio_num.integer(view),
        aio_online: reg::parallel_aio_online_num.integer(view),
        load_voltage: reg::v_load.number(view),
        load_current: reg::i_load.number(view),
        pv_current: reg::i_pv.number(view),
        liberty: reg::p_liberty.integer(view),
        grid_relay_voltage: reg::v_grid_relay.number(view),
        inverter_relay_voltage: reg::v_inverter_relay.number(view),
        aios: (1..).zip(&AIOS).filter_map(|(number, fields)| aio(number, fields, view)).collect(),
    }
}

fn aio(number: u8, fields: &[&Field; 7], view: View<'_>) -> Option<Aio> {
    let [serial, soc, power, ..] = fields;
    let (today, total) = aio_energy(fields, view);
    Some(Aio {
        number,
        serial: serial.serial(view).filter(Serial::is_plausible)?,
        soc: soc.integer(view),
        power: power.integer(view),
        today,
        total,
    })
}

/// What each all-in-one's registers show of its energy, of today and since the beginning, in the order of their
/// numbers.
pub(super) fn aio_energies(view: View<'_>) -> impl Iterator<Item = (Energy, Energy)> {
    AIOS.iter().map(move |fields| aio_energy(fields, view))
}

fn aio_energy(fields: &[&Field; 7], view: View<'_>) -> (Energy, Energy) {
    let [_, _, _, charge_today, discharge_today, charge_total, discharge_total] = fields;
    let energy = |charge: &Field, discharge: &Field| Energy {
        ac_charge: charge.number(view),
        ac_discharge: discharge.number(view),
        ..Energy::default()
    };
    (energy(charge_today, discharge_today), energy(charge_total, discharge_total))
}

/// What the plant does now, in the words that all families share.
pub(super) fn power(view: View<'_>, own: &Gateway, details: &InverterDetails) -> Power {
    let battery = reg::p_aio_total.integer(view);
    let soc = mean_soc(own);
    Power {
        pv: reg::p_pv.integer(view),
        grid_voltage: reg::v_grid.number(view),
        grid_current: reg::i_grid.number(view),
        grid: reg::p_ac1.integer(view),
        load: reg::p_load.integer(view),
        inverter: battery,
        battery,
        soc,
        soc_kwh: soc.zip(details.battery_capacity).map(|(soc, kwh)| round2(soc as f64 * kwh / 100.0)),
        ..Power::default()
    }
}

/// The mean of all of them; nothing while one is not known, of which the mean of the others would say nothing.
fn mean_soc(own: &Gateway) -> Option<i64> {
    let known: Option<Vec<i64>> = own.aios.iter().map(|aio| aio.soc).collect();
    let known = known.filter(|known| i64::try_from(known.len()).ok() == own.aio_count && !known.is_empty())?;
    Some((known.iter().sum::<i64>() as f64 / known.len() as f64).round() as i64)
}

/// Energy since midnight.
pub(super) fn today(view: View<'_>) -> Energy {
    Energy {
        pv: reg::e_pv_today.number(view),
        import: reg::e_grid_import_today.number(view),
        export: reg::e_grid_export_today.number(view),
        battery_charge: reg::e_battery_charge_today.number(view),
        battery_discharge: reg::e_battery_discharge_today.number(view),
        parallel_charge: reg::e_aio_charge_today.number(view),
        parallel_discharge: reg::e_aio_discharge_today.number(view),
        load: reg::e_load_today.number(view),
        ..Energy::default()
    }
}

/// Energy since the beginning.
pub(super) fn total(view: View<'_>) -> Energy {
    Energy {
        pv: reg::e_pv_total.number(view),
        import: reg::e_grid_import_total.number(view),
        export: reg::e_grid_export_total.number(view),
        battery_charge: reg::e_battery_charge_total.number(view),
        battery_discharge: reg::e_battery_discharge_total.number(view),
        parallel_charge: reg::e_aio_charge_total.number(view),
        parallel_discharge: reg::e_aio_discharge_total.number(view),
        load: reg::e_load_total.number(view),
        ..Energy::default()
    }
}
