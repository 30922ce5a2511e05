//! A poll as a line of InfluxDB's protocol: `SA2114G047,tagKey=GivReal pv_power=1234,soc=57 1780660800`.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::catalogue::{Payload, Tree};

/// GivTCP writes the values of the first four of these sections; a plant controller has its powers in the last.
const SECTIONS: [&str; 5] = ["Power/Power/", "Power/Flows/", "Energy/Today/", "Energy/Total/", "Power/"];

/// The numbers of GivTCP's sections, by their names in small letters; `None` where there are none. Text is none of
/// GivTCP's fields.
pub(super) fn of(tree: &Tree, at: Timestamp) -> Option<String> {
    let mut line = format!("{},tagKey=GivReal ", tree.serial);
    let mut is_first = true;
    for leaf in &tree.leaves {
        let Some(name) = SECTIONS.iter().find_map(|section| leaf.path.strip_prefix(section)) else { continue };
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            continue;
        }
        let name = name.to_ascii_lowercase();
        let comma = if is_first { "" } else { "," };
        match leaf.payload {
            Payload::Integer(value) => _ = write!(line, "{comma}{name}={value}"),
            Payload::Float(value) if value.is_finite() => _ = write!(line, "{comma}{name}={value}"),
            _ => continue,
        }
        is_first = false;
    }
    _ = writeln!(line, " {}", at.as_second());
    (!is_first).then_some(line)
}

/// Whether this is a line as [`of`] makes them, and none that was damaged since.
pub(super) fn is_whole(line: &str) -> bool {
    let is_field = |field: &str| {
        field.split_once('=').is_some_and(|(name, value)| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
                && value.parse::<f64>().is_ok_and(f64::is_finite)
        })
    };
    let read = || {
        let (serial, rest) = line.strip_suffix('\n')?.split_once(",tagKey=GivReal ")?;
        let (fields, at) = rest.split_once(' ')?;
        let is_serial = serial.len() == 10 && serial.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',');
        Some(is_serial && fields.split(',').all(is_field) && at.parse::<i64>().is_ok())
    };
    read().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Layout, Role};
    use crate::control::tests::fixture::Bench;
    use crate::plant::tests::fixture::{hybrid, plant_of, snapshot};
    use crate::simulator::Family;

    #[test]
    fn measurement_tag_and_fields_are_givtcps_and_what_was_not_read_is_not_there() {
        let mut read = snapshot(&plant_of(&hybrid()));
        read.power.pv = None;
        let at = read.stats.last_updated.unwrap();
        let line = of(&Layout::new(true).tree(&read), at).unwrap();
        assert!(is_whole(&line) && !is_whole(&line[1..]) && !is_whole(&line.replace("=62", "=6\u{fffd}")));
        insta::assert_snapshot!(line.replace(',', "\n,"), @r"
        SD2227G101
        ,tagKey=GivReal pv_power_string_1=1778
        ,pv_power_string_2=965
        ,pv_voltage_string_1=309.6
        ,pv_voltage_string_2=303
        ,pv_current_string_1=5.7
        ,pv_current_string_2=3.2
        ,grid_power=-6
        ,import_power=6
        ,export_power=0
        ,grid_voltage=243.8
        ,grid_current=0.51
        ,grid_frequency=50.02
        ,inverter_output_frequency=50.02
        ,eps_power=246
        ,invertor_power=289
        ,ac_charge_power=0
        ,load_power=295
        ,self_consumption_power=289
        ,soc=62
        ,soc_kwh=10.99
        ,battery_power=-2440
        ,battery_voltage=52.85
        ,battery_current=-46.17
        ,charge_power=2440
        ,discharge_power=0
        ,charge_time_remaining=78
        ,discharge_time_remaining=0
        ,solar_to_house=295
        ,solar_to_battery=2448
        ,solar_to_grid=0
        ,battery_to_house=0
        ,battery_to_grid=0
        ,grid_to_battery=0
        ,grid_to_house=0
        ,pv_energy_today_kwh=0
        ,import_energy_today_kwh=0
        ,export_energy_today_kwh=0
        ,ac_charge_energy_today_kwh=0
        ,invertor_energy_today_kwh=0
        ,battery_charge_energy_today_kwh=0
        ,battery_discharge_energy_today_kwh=0
        ,battery_throughput_today_kwh=0
        ,load_energy_today_kwh=0
        ,self_consumption_energy_today_kwh=0
        ,pv_energy_total_kwh=21100
        ,import_energy_total_kwh=12650
        ,export_energy_total_kwh=8240
        ,ac_charge_energy_total_kwh=1240
        ,invertor_energy_total_kwh=21520
        ,battery_charge_energy_total_kwh=4310
        ,battery_discharge_energy_total_kwh=3890
        ,battery_throughput_total_kwh=8200
        ,load_energy_total_kwh=24690
        ,self_consumption_energy_total_kwh=12860 1780657200
        ");
        assert!(!line.contains(",pv_power="));
        let led = Layout::new(false).tree_as(Role::BatteryOnly, &read);
        assert_eq!(of(&led, at), None, "its totals are another's");
    }

    #[test]
    fn a_plant_controller_has_its_powers_and_names_with_slashes_are_none() {
        let read = Bench::new(Family::Ems).snapshot();
        let line = of(&Layout::new(true).tree(&read), Timestamp::UNIX_EPOCH).unwrap();
        let (_, fields) = line.split_once(' ').unwrap();
        let names: Vec<&str> =
            fields.split(',').filter_map(|field| field.split_once('=')).map(|(name, _)| name).collect();
        assert!(["grid_power", "battery_power"].iter().all(|name| names.contains(name)), "{line}");
        assert!(!line.contains('/'), "{line}");
    }
}
