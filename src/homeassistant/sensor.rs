//! From what a value measures to what Home Assistant calls it. Which unit goes with which class is its own table; what
//! does not fit loses the entity.

use serde_json::{Map, Value};

use super::object;
use crate::catalogue::Quantity;

/// A class of device, a class of statistics, a unit, and how many decimal places are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub device_class: Option<&'static str>,
    pub state_class: Option<&'static str>,
    pub unit: Option<String>,
    pub precision: Option<u8>,
}

/// What a number is. `key` tells counters from codes, and cells from batteries.
pub(super) fn facts(quantity: Quantity, key: &str, currency: &str) -> Facts {
    use Quantity as Q;
    let measured = |device_class, precision| Facts {
        device_class: Some(device_class),
        state_class: Some("measurement"),
        unit: quantity.unit().map(str::to_owned),
        precision: Some(precision),
    };
    match quantity {
        Q::Power => measured("power", 0),
        Q::EnergyToday | Q::EnergyTotal => Facts { state_class: Some("total_increasing"), ..measured("energy", 1) },
        Q::EnergyStored => measured("energy_storage", 2),
        Q::WattHours => measured("energy_storage", 0),
        Q::ApparentPower => measured("apparent_power", 0),
        Q::Voltage => measured("voltage", if key.contains("cell") { 3 } else { 1 }),
        Q::Current => measured("current", 1),
        Q::Frequency => measured("frequency", 2),
        Q::Temperature => measured("temperature", 1),
        Q::StateOfCharge => measured("battery", 0),
        Q::PowerFactor => measured("power_factor", 2),
        Q::Minutes | Q::Seconds => measured("duration", 0),
        Q::Percent => Facts { device_class: None, ..measured("", 0) },
        Q::Charge => Facts { device_class: None, ..measured("", 1) },
        // A class of money that is summed would count each midnight's fall.
        Q::Money => Facts {
            device_class: Some("monetary"),
            unit: Some(currency.to_owned()),
            precision: Some(2),
            state_class: None,
        },
        Q::Price => Facts {
            device_class: None,
            unit: Some(format!("{currency}/kWh")),
            precision: Some(4),
            state_class: Some("measurement"),
        },
        Q::Count if is_counter(key) => Facts { state_class: Some("total_increasing"), ..Facts::default() },
        Q::Timestamp => Facts { device_class: Some("timestamp"), ..Facts::default() },
        Q::Count | Q::TimeOfDay | Q::Switch | Q::Choice | Q::Text => Facts::default(),
    }
}

impl Facts {
    /// As fields of a payload.
    pub(super) fn fields(self) -> Map<String, Value> {
        let all = object([
            ("device_class", self.device_class.into()),
            ("state_class", self.state_class.into()),
            ("unit_of_measurement", self.unit.into()),
            ("suggested_display_precision", self.precision.into()),
        ]);
        all.into_iter().filter(|(_, value)| !value.is_null()).collect()
    }
}

/// Whether a count only grows.
fn is_counter(key: &str) -> bool {
    key.ends_with("cycles") || key.ends_with("write_count")
}
