//! What the settings say of commands.

use std::time::Duration;

/// So many registers are written a day at most, unless the settings say otherwise.
pub const DAILY_WRITES: u32 = 300;
/// So long it takes at most to undo overrides at a stop, unless the settings say otherwise.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(20);

/// What the settings say of commands. Undoing what was begun heeds none of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Whether anything may be asked for.
    pub enabled: bool,
    /// Whether every order is a dry run.
    pub dry_run: bool,
    /// How many registers are written a day at most: they wear out.
    pub daily_writes: u32,
    /// Where a force export stops, %, instead of at the owner's reserve.
    pub export_floor: Option<u8>,
    /// Whether every override is undone before the program stops, those too that the inverter ends by itself.
    pub undo_all_at_stop: bool,
    /// So long the program takes at most to undo overrides before it stops.
    pub stop_timeout: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            enabled: true,
            dry_run: false,
            daily_writes: DAILY_WRITES,
            export_floor: None,
            undo_all_at_stop: false,
            stop_timeout: STOP_TIMEOUT,
        }
    }
}
