//! What can be asked for.

use std::borrow::Cow;
use std::fmt;

use jiff::civil::{DateTime, Time};
use serde::{Deserialize, Serialize};

/// One thing that somebody wants of an inverter. Percentages are whole, 0 to 100; what an inverter takes of them is for
/// [`super::plan`] to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// How fast the battery charges or discharges at most.
    Rate {
        /// Which of both.
        direction: Direction,
        /// W; 0 pauses where the inverter can.
        watts: u32,
    },
    /// The same as a share of the inverter's power.
    RateAc {
        /// Which of both.
        direction: Direction,
        /// %.
        percent: u8,
    },
    /// Charge from the grid up to this, and no further unless it is 100 %.
    Target(u8),
    /// Whether the target is in force, and nothing else but that it is 100 % when it is not.
    TargetFlag(bool),
    /// No discharge below this, %.
    Reserve(u8),
    /// The battery's own lower end, %.
    Cutoff(u8),
    /// Share of its power that the inverter gives at most, %.
    ActivePower(u8),
    /// A slot's times, and with them perhaps its target.
    Slot(SlotChange),
    /// The state of charge at which a slot ends, %.
    SlotTarget {
        /// Whose slot.
        kind: SlotKind,
        /// Which, from 1.
        number: u8,
        /// %.
        percent: u8,
    },
    /// Whether charge slots are in force.
    ChargeSchedule(bool),
    /// Whether discharge slots are in force.
    DischargeSchedule(bool),
    /// Whether the inverter matches the house's demand.
    Eco(bool),
    /// Several flags under one name.
    Mode(Mode),
    /// What the battery must not do.
    PauseMode(PauseMode),
    /// A three-phase inverter's flag.
    ForceCharge(bool),
    /// A three-phase inverter's flag.
    ForceDischarge(bool),
    /// Whether a three-phase inverter may charge from the AC side.
    AcCharge(bool),
    /// Whether a plant controller leads its inverters.
    Plant(bool),
    /// Real-time control, whose effect is disputed; see docs/control.md.
    RealTimeControl(bool),
    /// Sets the inverter's clock.
    Clock(ClockSetting),
    /// A full cycle of the battery that takes hours, or its end.
    Calibration {
        /// What of it.
        stage: Calibration,
        /// Serial number of the inverter, said again by whoever means it.
        confirm: Option<String>,
    },
    /// Restarts the inverter.
    Reboot {
        /// Serial number of the inverter, said again by whoever means it.
        confirm: Option<String>,
    },
    /// Something for a while, after which all is as before. Planned by `overrides/`, not here.
    Override(Override),
    /// Tells that another tariff has begun: day, or else night.
    SwitchRate(bool),
    /// Restarts this program.
    RestartProgram,
    /// What GivTCP lists and nobody can do, by its name.
    Unavailable(Cow<'static, str>),
}

/// Into the battery or out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// Into it.
    Charge,
    /// Out of it.
    Discharge,
}

/// Whose slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SlotKind {
    /// An inverter's charge slots; a plant controller's too.
    Charge,
    /// An inverter's discharge slots; a plant controller's too.
    Discharge,
    /// A plant controller's charge slots, under the name that only it has.
    EmsCharge,
    /// A plant controller's discharge slots, under the name that only it has.
    EmsDischarge,
    /// A plant controller's export slots.
    Export,
    /// When the pause mode is in force; there is one.
    Pause,
}

/// New times of a slot. What is `None` stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotChange {
    /// Whose slot.
    pub kind: SlotKind,
    /// Which, from 1.
    pub number: u8,
    /// When it begins, by the inverter's clock.
    pub start: Option<Time>,
    /// When it ends. Both at 00:00 clear the slot.
    pub end: Option<Time>,
    /// The state of charge at which it ends, %.
    pub target: Option<u8>,
}

/// What the flags of an inverter amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// The battery serves the house and takes the sun's surplus.
    Eco,
    /// As before, but with a reserve of 100 %: the battery rests.
    EcoPaused,
    /// The battery serves the house in its slots.
    TimedDemand,
    /// The battery gives all it can in its slots.
    TimedExport,
}

/// What the battery must not do. The numbers are those of HR 318.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PauseMode {
    /// Nothing is paused.
    Disabled = 0,
    /// No charging.
    Charge = 1,
    /// No discharging.
    Discharge = 2,
    /// Neither.
    Both = 3,
}

/// What of a calibration. The numbers are those of HR 29.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Calibration {
    /// End it.
    Off = 0,
    /// The whole cycle.
    Start = 1,
    /// Only its charge.
    ChargeOnly = 3,
}

/// What the clock shall show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClockSetting {
    /// The time of the inverter's zone when it is written.
    Now,
    /// This.
    At(DateTime),
}

/// Something for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// What.
    pub kind: OverrideKind,
    /// For how many minutes, 1 to [`Override::MOST_MINUTES`]; `None` ends it.
    pub minutes: Option<u16>,
}

/// What is done for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OverrideKind {
    /// Charge with full power.
    ForceCharge,
    /// Discharge with full power.
    ForceExport,
    /// No charging.
    PauseCharge,
    /// No discharging.
    PauseDischarge,
}

// === impl Command ===

/// As people say it: `charge rate 2600 W`.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rate { direction, watts } => write!(f, "{direction} rate {watts} W"),
            Self::RateAc { direction, percent } => write!(f, "{direction} rate {percent} % of the inverter's power"),
            Self::Target(percent) => write!(f, "charge target {percent} %"),
            Self::TargetFlag(on) => write!(f, "charge target {}", switch(*on)),
            Self::Reserve(percent) => write!(f, "reserve {percent} %"),
            Self::Cutoff(percent) => write!(f, "cutoff {percent} %"),
            Self::ActivePower(percent) => write!(f, "active power {percent} %"),
            Self::Slot(change) => write!(f, "{change}"),
            Self::SlotTarget { kind: SlotKind::Pause, percent, .. } => write!(f, "pause target {percent} %"),
            Self::SlotTarget { kind, number, percent } => write!(f, "{kind} slot {number} to {percent} %"),
            Self::ChargeSchedule(on) => write!(f, "charge schedule {}", switch(*on)),
            Self::DischargeSchedule(on) => write!(f, "discharge schedule {}", switch(*on)),
            Self::Eco(on) => write!(f, "eco {}", switch(*on)),
            Self::Mode(mode) => write!(f, "mode {}", mode.name()),
            Self::PauseMode(mode) => write!(f, "pause mode {}", mode.name()),
            Self::ForceCharge(on) => write!(f, "force charge {}", switch(*on)),
            Self::ForceDischarge(on) => write!(f, "force discharge {}", switch(*on)),
            Self::AcCharge(on) => write!(f, "charging from AC {}", switch(*on)),
            Self::Plant(on) => write!(f, "plant control {}", switch(*on)),
            Self::RealTimeControl(on) => write!(f, "real-time control {}", switch(*on)),
            Self::Clock(ClockSetting::Now) => f.write_str("clock to now"),
            Self::Clock(ClockSetting::At(time)) => write!(f, "clock to {time}"),
            Self::Calibration { stage, .. } => write!(f, "calibration {}", stage.name()),
            Self::Reboot { .. } => f.write_str("restart of the inverter"),
            Self::Override(Override { kind, minutes: Some(minutes) }) => write!(f, "{} for {minutes} min", kind.name()),
            Self::Override(Override { kind, minutes: None }) => write!(f, "{} ended", kind.name()),
            Self::SwitchRate(day) => write!(f, "{} rate", if *day { "day" } else { "night" }),
            Self::RestartProgram => f.write_str("restart of this program"),
            Self::Unavailable(name) => f.write_str(name),
        }
    }
}

fn switch(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

// === impl Direction, SlotKind, SlotChange ===

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Charge => "charge",
            Self::Discharge => "discharge",
        })
    }
}

impl fmt::Display for SlotKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Charge => "charge",
            Self::Discharge => "discharge",
            Self::EmsCharge => "EMS charge",
            Self::EmsDischarge => "EMS discharge",
            Self::Export => "export",
            Self::Pause => "pause",
        })
    }
}

/// `charge slot 1 from 00:30 to 04:30, until 80 %`.
impl fmt::Display for SlotChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            SlotKind::Pause => write!(f, "pause slot")?,
            kind => write!(f, "{kind} slot {}", self.number)?,
        }
        if let Some(start) = self.start {
            write!(f, " from {:02}:{:02}", start.hour(), start.minute())?;
        }
        if let Some(end) = self.end {
            write!(f, " to {:02}:{:02}", end.hour(), end.minute())?;
        }
        if let Some(target) = self.target {
            write!(f, ", until {target} %")?;
        }
        Ok(())
    }
}

// === impl Mode, PauseMode, Calibration ===

impl Mode {
    /// Every mode that can be set.
    pub const ALL: [Self; 4] = [Self::Eco, Self::EcoPaused, Self::TimedDemand, Self::TimedExport];

    /// As GivTCP writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eco => "Eco",
            Self::EcoPaused => "Eco (Paused)",
            Self::TimedDemand => "Timed Demand",
            Self::TimedExport => "Timed Export",
        }
    }
}

impl PauseMode {
    /// Every pause mode.
    pub const ALL: [Self; 4] = [Self::Disabled, Self::Charge, Self::Discharge, Self::Both];

    /// As GivTCP writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Disabled => "Disabled",
            Self::Charge => "PauseCharge",
            Self::Discharge => "PauseDischarge",
            Self::Both => "PauseBoth",
        }
    }
}

impl Calibration {
    /// Every stage that can be asked for.
    pub const ALL: [Self; 3] = [Self::Off, Self::Start, Self::ChargeOnly];

    /// As GivTCP writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "Off",
            Self::Start => "Start",
            Self::ChargeOnly => "Charge Only",
        }
    }
}

// === impl Override, OverrideKind ===

impl Override {
    /// 23 hours and 59 minutes: a slot ends before it begins again.
    pub const MOST_MINUTES: u16 = 23 * 60 + 59;
}

impl OverrideKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::ForceCharge, Self::ForceExport, Self::PauseCharge, Self::PauseDischarge];

    /// As GivTCP's command is named.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ForceCharge => "forceCharge",
            Self::ForceExport => "forceExport",
            Self::PauseCharge => "tempPauseCharge",
            Self::PauseDischarge => "tempPauseDischarge",
        }
    }
}
