use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What was paid for what is in the battery, by GivTCP's rule: every half hour, at 29 and 59 past, what was charged from
/// the AC side is added at its price if the battery holds more than before; else the value shrinks with what it holds.
/// What is in it at first is taken to be free.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct BatteryValue {
    /// Money.
    pub value: f64,
    /// Money per kWh.
    pub price: f64,
    /// Where the AC charge total stood last, kWh.
    ac_charge: Option<f64>,
    /// What was charged since the last half hour, as money.
    pending: f64,
    /// What the battery held then, kWh.
    held: Option<f64>,
    /// Which half hour that was.
    half_hour: Option<i64>,
}

impl BatteryValue {
    /// Whether there is a battery at all, as far as is known.
    pub(super) fn has_been_seen(&self) -> bool {
        self.held.is_some()
    }

    /// Takes a reading: `rate` is the mean price since the one before.
    pub(super) fn observe(&mut self, at: Timestamp, ac_charge: Option<f64>, held: Option<f64>, rate: f64) {
        let (Some(ac_charge), Some(held)) = (ac_charge, held) else { return };
        let charged = self.ac_charge.replace(ac_charge).map_or(0.0, |before| (ac_charge - before).max(0.0));
        self.pending += charged * rate;
        // A minute is added, since half hours end at 29 and 59 past.
        let half_hour = (at.as_second().div_euclid(60) + 1).div_euclid(30);
        let (Some(before), Some(last)) = (self.held, self.half_hour) else {
            (self.held, self.half_hour) = (Some(held), Some(half_hour));
            return;
        };
        if half_hour <= last {
            // A clock that was set back by more than an hour.
            self.half_hour = Some(last.min(half_hour + 2));
            return;
        }
        if held > before {
            self.value += self.pending;
            self.price = self.value / held;
        } else {
            self.value = self.price * held;
        }
        (self.held, self.half_hour, self.pending) = (Some(held), Some(half_hour), 0.0);
    }
}
