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

/// How a timed override stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverrideState {
    /// It runs.
    Running,
    /// It is written, and the battery does not show it.
    NotShown,
    /// It is over or called off, and not undone yet: that is tried on.
    Undoing,
    /// Its record is damaged: it is not undone.
    Lost,
}

/// What is known of a timed override beside how long it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverrideNote {
    /// How it stands.
    pub state: OverrideState,
    /// Since when it does.
    pub since: Timestamp,
    /// What people should know of it; may be empty.
    pub detail: String,
}

/// What is known of the timed overrides that are told, and of those that are lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OverrideNotes {
    /// Of each that is told.
    pub each: Overrides<OverrideNote>,
    /// Where the damaged record lies for whose sake no override can be begun.
    pub lost: Option<String>,
}

impl OverrideState {
    /// A word for programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::NotShown => "not_shown",
            Self::Undoing => "undoing",
            Self::Lost => "lost",
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
