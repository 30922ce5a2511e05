/// What a value measures. Its unit and the range in which it can be true follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "quantities name themselves")]
pub enum Quantity {
    /// W.
    Power,
    /// kWh since midnight, only growing until then.
    EnergyToday,
    /// kWh since the beginning, only growing.
    EnergyTotal,
    /// kWh held.
    EnergyStored,
    /// Wh held.
    WattHours,
    /// VA.
    ApparentPower,
    /// V.
    Voltage,
    /// A.
    Current,
    /// Hz.
    Frequency,
    /// °C.
    Temperature,
    /// %.
    Percent,
    /// % of charge.
    StateOfCharge,
    /// Ah.
    Charge,
    /// Minutes.
    Minutes,
    /// Seconds.
    Seconds,
    /// −1 to 1.
    PowerFactor,
    /// Money.
    Money,
    /// Money per kWh.
    Price,
    /// How many.
    Count,
    /// A point in time, ISO 8601.
    Timestamp,
    /// A time of day.
    TimeOfDay,
    /// `enable` or `disable`.
    Switch,
    /// One of several names.
    Choice,
    /// Text.
    Text,
}

impl Quantity {
    /// Its unit, as people write it.
    pub const fn unit(self) -> Option<&'static str> {
        Some(match self {
            Self::Power => "W",
            Self::EnergyToday | Self::EnergyTotal | Self::EnergyStored => "kWh",
            Self::WattHours => "Wh",
            Self::ApparentPower => "VA",
            Self::Voltage => "V",
            Self::Current => "A",
            Self::Frequency => "Hz",
            Self::Temperature => "°C",
            Self::Percent | Self::StateOfCharge => "%",
            Self::Charge => "Ah",
            Self::Minutes => "min",
            Self::Seconds => "s",
            _ => return None,
        })
    }

    /// Where a number of this kind can be true; outside it is not published. The bounds are GivTCP's, widened to those
    /// of the largest device.
    pub const fn range(self) -> Option<(f64, f64)> {
        Some(match self {
            Self::Power | Self::ApparentPower => (-100_000.0, 100_000.0),
            Self::EnergyToday => (0.0, 1_000.0),
            Self::EnergyTotal => (0.0, 100_000_000.0),
            Self::EnergyStored => (0.0, 500.0),
            Self::WattHours => (0.0, 500_000.0),
            Self::Voltage => (0.0, 2_000.0),
            Self::Current => (-500.0, 500.0),
            Self::Frequency => (0.0, 70.0),
            Self::Temperature => (-60.0, 150.0),
            Self::Percent | Self::StateOfCharge => (0.0, 100.0),
            Self::Charge => (0.0, 10_000.0),
            Self::Minutes => (0.0, 20_000.0),
            Self::PowerFactor => (-1.0, 1.0),
            _ => return None,
        })
    }

    /// Whether a number can be true.
    pub fn admits(self, value: f64) -> bool {
        value.is_finite() && self.range().is_none_or(|(min, max)| (min..=max).contains(&value))
    }
}
