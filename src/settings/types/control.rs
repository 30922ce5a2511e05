use std::time::Duration;

use super::choices::OnStop;
use crate::control::{CLOCK_THRESHOLD, DAILY_WRITES, STOP_TIMEOUT};

/// What one inverter has otherwise than [`ControlSettings`]; `None`: as there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnControl {
    /// Where a force export stops.
    pub export_floor: Option<Option<u8>>,
    /// Which overrides are undone before the program stops.
    pub on_stop: Option<OnStop>,
    /// So long that may take.
    pub stop_timeout: Option<Duration>,
}

/// Commands to the inverters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlSettings {
    /// Whether commands are taken; undoing what was begun goes on without. Default true.
    pub enabled: bool,
    /// Whether commands are taken from the broker, where they are taken at all. Default true.
    pub mqtt: bool,
    /// Whether every command is only planned, and answered with the plan. Default false.
    pub dry_run: bool,
    /// When an inverter's clock is set by the program itself.
    pub clock_sync: ClockSyncSettings,
    /// How many registers commands may write a day, for each inverter: they wear out. Default 300, 1 to 10000.
    pub daily_writes: u32,
    /// Where a force export stops, %; `None`, the default: at the owner's reserve. 4 to 99.
    pub export_floor: Option<u8>,
    /// Which overrides are undone before the program stops. Default `auto`.
    pub on_stop: OnStop,
    /// So long that may take. Default 20 s, 1 s to 5 minutes.
    pub stop_timeout: Duration,
}

/// Inverters' clocks, which drift, and which nobody sets to summer time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockSyncSettings {
    /// Whether they are set, once a day at most. Default true.
    pub enabled: bool,
    /// From how far off. Default 60 s, 10 s to 12 h.
    pub threshold: Duration,
}

impl Default for ControlSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            mqtt: true,
            dry_run: false,
            clock_sync: ClockSyncSettings { enabled: true, threshold: CLOCK_THRESHOLD },
            daily_writes: DAILY_WRITES,
            export_floor: None,
            on_stop: OnStop::Auto,
            stop_timeout: STOP_TIMEOUT,
        }
    }
}
