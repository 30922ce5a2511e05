//! How an entity is shown: its name, whether it is a setting or something for those who look closer, and whether it is on
//! from the beginning.

use crate::catalogue::Quantity;
use crate::plant::Family;

/// Words that keep their capitals.
const CAPITALS: &[&str] =
    &["PV", "SOC", "AC", "DC", "EPS", "BMS", "PCS", "EMS", "AIO", "CRC", "USB", "SOH", "HV", "GivTCP", "PV1", "PV2"];

/// What people read, from a leaf: `Invertor_Max_Bat_Rate` is `Inverter max battery rate`. Home Assistant puts the
/// device's name before it.
pub(super) fn name(leaf: &str) -> String {
    let leaf = leaf.replace("SOC_kWh", "stored_energy").replace("_kWh", "").replace("ID", "").replace("ppkwh", "price");
    let mut words: Vec<String> = leaf.split(['_', '/', ' ']).filter(|word| !word.is_empty()).map(word).collect();
    if let Some(first) = words.first_mut()
        && let Some(initial) = first.get(..1).map(str::to_uppercase)
    {
        first.replace_range(..1, &initial);
    }
    words.join(" ")
}

fn word(word: &str) -> String {
    if CAPITALS.contains(&word) {
        return word.to_owned();
    }
    match word.to_lowercase().as_str() {
        "invertor" | "inv" => "inverter".to_owned(),
        "bat" => "battery".to_owned(),
        "num" => "minutes".to_owned(),
        lower => lower.to_owned(),
    }
}

/// Whether a value is for those who look closer.
pub(super) fn is_diagnostic(path: &str, quantity: Quantity) -> bool {
    let section = path.split('/').next().unwrap_or(path);
    match section {
        "Stats" => true,
        "Power" | "Energy" | "Control" | "Timeslots" | "Meter_Details" => {
            matches!(quantity, Quantity::Text | Quantity::Frequency | Quantity::PowerFactor)
        }
        "Battery_Details" | "Inverters" => {
            !matches!(
                quantity,
                Quantity::StateOfCharge
                    | Quantity::Power
                    | Quantity::EnergyToday
                    | Quantity::EnergyTotal
                    | Quantity::EnergyStored
            ) || path.contains("Cell_")
        }
        // What the inverter is, below its own serial number.
        _ => !matches!(quantity, Quantity::Temperature | Quantity::EnergyStored | Quantity::WattHours),
    }
}

/// Whether a value is on from the beginning: what many look at, and what changes with each poll only if it does.
pub(super) fn is_enabled(path: &str, key: &str, family: Family) -> bool {
    const OFF: &[&str] = &[
        "inverter_serial_number",
        "inverter_type",
        "inverter_firmware",
        "inverter_software",
        "inverter_time",
        "modbus_version",
        "meter_type",
        "battery_type",
        "battery_serial_number",
        "battery_firmware_version",
        "battery_cells",
        "battery_usb_present",
        "battery_calibration_status",
        "serial_number",
        "stack_firmware",
        "stack_load_voltage",
        "stack_soc_difference",
        "gateway_software_version",
        "system_mode",
        "start_delay_time",
        "power_factor",
        "battery_priority",
        "frequency",
        "inverter_output_frequency",
        "eps_nominal_frequency",
        "dc_status",
        "export_limit",
        "measured_soc_kwh",
        "day_start_energy_kwh",
        "night_start_energy_kwh",
        "day_energy_total_kwh",
        "night_energy_total_kwh",
        "car_charge_mode",
        "car_charge_boost",
        "plant_charge_compensation",
        "plant_discharge_compensation",
        "active_power_rate",
    ];
    let of_stats = path.starts_with("Stats/") && !matches!(key, "write_count" | "stale_blocks");
    let is_cell = key.starts_with("battery_cell_") && key.bytes().any(|byte| byte.is_ascii_digit());
    let is_phase = key.ends_with("_power_factor") || (path.starts_with("Meter_Details/") && key.ends_with("_current"));
    // GivTCP's totals of a gateway are a thousandth of what is true; these stand beside them.
    let is_thousandth = family == Family::Gateway && key.ends_with("_energy_total_kwh");
    let is_late_slot = slot(key).is_some_and(|number| number > 2) && family != Family::Ems;
    !(OFF.contains(&key) || of_stats || is_cell || is_phase || is_thousandth || is_late_slot)
}

/// The number of a slot's time or target.
fn slot(key: &str) -> Option<u8> {
    let (name, number) = key.rsplit_once('_')?;
    (name.ends_with("time_slot") || name.ends_with("target_soc")).then(|| number.parse().ok()).flatten()
}

/// A picture, where the device's class brings none.
pub(super) fn icon(key: &str, quantity: Quantity) -> Option<&'static str> {
    Some(match quantity {
        Quantity::Money | Quantity::Price => "mdi:cash",
        Quantity::TimeOfDay => "mdi:clock-outline",
        Quantity::Charge => "mdi:battery-high",
        Quantity::Percent if key.ends_with("soh") => "mdi:battery-heart-variant",
        Quantity::Percent => "mdi:percent",
        Quantity::Switch => "mdi:calendar-clock",
        Quantity::Choice => "mdi:cog-outline",
        _ if key.ends_with("cycles") => "mdi:battery-sync",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_as_people_write() {
        let names = [
            "PV_Power",
            "Invertor_Max_Bat_Rate",
            "Import_Energy_Today_kWh",
            "Charge_start_time_slot_1",
            "Import_ppkwh_Today",
            "SOC_kWh",
            "peak/Cost_Today",
            "status",
            "Battery_Capacity_kWh_calc",
        ]
        .map(name);
        insta::assert_snapshot!(names.join("\n"), @r"
        PV power
        Inverter max battery rate
        Import energy today
        Charge start time slot 1
        Import price today
        Stored energy
        Peak cost today
        Status
        Battery capacity calc
        ");
    }
}
