/// What of an inverter is published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    #[default]
    Whole,
    /// Its batteries, what it is and how it is read: a gateway or plant controller has the totals, and the say.
    BatteryOnly,
}

impl Role {
    /// Whether it takes no commands: who leads it would undo them.
    pub const fn is_read_only(self) -> bool {
        matches!(self, Self::BatteryOnly)
    }

    /// Whether what stands at `path` is published.
    pub(super) fn publishes(self, path: &str) -> bool {
        let section = path.split('/').next().unwrap_or(path);
        match self {
            Self::Whole => true,
            Self::BatteryOnly => {
                !["Power", "Energy", "Control", "Timeslots", "Meter_Details", "Inverters"].contains(&section)
            }
        }
    }
}
