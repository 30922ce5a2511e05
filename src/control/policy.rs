//! What the settings say of commands.

/// So many registers are written a day at most, unless the settings say otherwise.
pub const DAILY_WRITES: u32 = 300;

/// What the settings say of commands. Undoing what was begun heeds none of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whether anything may be asked for.
    pub enabled: bool,
    /// Whether every order is a dry run.
    pub dry_run: bool,
    /// How many registers are written a day at most: they wear out.
    pub daily_writes: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self { enabled: true, dry_run: false, daily_writes: DAILY_WRITES }
    }
}
