use jiff::Timestamp;

/// What is known of the timed overrides, each `None` where it does not run. A snapshot has the minutes that each still
/// runs, never negative; what it is made with, when each ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overrides<T> {
    /// The battery is charged from the grid at full power.
    pub force_charge: Option<T>,
    /// It is discharged into the grid at full power.
    pub force_export: Option<T>,
    /// It does not charge.
    pub pause_charge: Option<T>,
    /// It does not discharge.
    pub pause_discharge: Option<T>,
}

impl<T> Default for Overrides<T> {
    /// None runs.
    fn default() -> Self {
        Self { force_charge: None, force_export: None, pause_charge: None, pause_discharge: None }
    }
}

impl Overrides<Timestamp> {
    /// How many minutes of each are left; of one that begins its last minute, 1.
    pub(in crate::plant) fn left(self, now: Timestamp) -> Overrides<i64> {
        let minutes = |until: Timestamp| (until.duration_since(now).as_secs().max(0) + 59) / 60;
        Overrides {
            force_charge: self.force_charge.map(minutes),
            force_export: self.force_export.map(minutes),
            pause_charge: self.pause_charge.map(minutes),
            pause_discharge: self.pause_discharge.map(minutes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_counted_up_and_end_at_none() {
        let now: Timestamp = "2026-06-05T12:00:00Z".parse().unwrap();
        let left = |seconds: i64| {
            let until = now + jiff::SignedDuration::from_secs(seconds);
            Overrides { force_charge: Some(until), ..Overrides::default() }.left(now).force_charge
        };
        assert_eq!([3600, 61, 60, 1, 0, -90].map(left), [60, 2, 1, 1, 0, 0].map(Some));
        assert_eq!(Overrides::default().left(now), Overrides::default());
    }
}
