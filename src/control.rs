//! Commands that do what they say: each control of GivTCP as a typed [`Command`], and its compilation to a [`Plan`] of
//! register writes for one inverter, or to a [`Refusal`].
//!
//! All of it is pure: no I/O, no clock; what an inverter can do, what its registers hold and what time it is are in the
//! [`Context`]. A plan is made of [`WriteStep`]s, which only the table of allowed registers hands out: nothing else can be
//! written. docs/control.md has every command with its registers, and is made from here.
//!
//! Whoever executes a plan reads [`reads`] first, puts what was read into the context, makes the plan from that, and
//! takes out what is so already ([`Plan::against`]).

mod allowed;
mod battery;
mod clock;
mod clock_sync;
mod command;
mod context;
mod controls;
pub mod execute;
mod fault;
mod merge;
mod mode;
mod names;
mod orders;
mod page;
mod parse;
mod payload;
mod plan;
mod policy;
mod rates;
mod refusal;
mod report;
mod safe;
mod slots;
mod switches;
mod tally;
mod wear;

pub use allowed::{Allowed, Range, WriteStep};
pub use clock_sync::{CLOCK_THRESHOLD, is_clock_due};
pub use command::{
    Calibration, ClockSetting, Command, Direction, Mode, Override, OverrideKind, PauseMode, SlotChange, SlotKind,
};
pub(crate) use context::Place;
pub use context::{Abilities, Context, Known};
pub use controls::{Control, ControlKind, command_of, controls};
pub use fault::Fault;
pub use merge::{MERGE_WITHIN, merge};
pub use names::{COMMANDS, Name, is_command};
pub(crate) use orders::ENDED_LATER;
pub use orders::{By, Given, Inbox, Order, Orders, Taking, WITHIN, orders};
pub use page::control_page;
pub(crate) use page::{Sample, samples};
pub use plan::{Amount, Check, Group, Plan, Step, Unit};
pub use policy::{DAILY_WRITES, Policy, STOP_TIMEOUT};
pub use refusal::Refusal;
pub(crate) use report::LEFT;
pub use report::{Outcome, Planned, Report, Touched};
pub use safe::safe_state;
pub use tally::Tally;
pub use wear::Wear;

use plan::Draft;

/// Compiles a command to the writes that carry it out on this inverter.
///
/// # Errors
/// Why this inverter will not have it; nothing is to be written then. [`Refusal::Unread`] is none for good: it names
/// registers that must be read first.
pub fn plan(command: &Command, context: &Context) -> Result<Plan, Refusal> {
    context.may_take(command)?;
    let mut draft = Draft::new(context, command.to_string());
    match command {
        Command::Rate { direction, watts } => rates::watts(&mut draft, *direction, *watts),
        Command::RateAc { direction, percent } => rates::percent(&mut draft, *direction, *percent),
        Command::Target(percent) => battery::target(&mut draft, *percent),
        Command::TargetFlag(on) => battery::target_flag(&mut draft, *on),
        Command::Reserve(percent) => battery::reserve(&mut draft, *percent),
        Command::Cutoff(percent) => battery::cutoff(&mut draft, *percent),
        Command::ActivePower(percent) => switches::active_power(&mut draft, *percent),
        Command::Slot(change) => slots::slot(&mut draft, change),
        Command::SlotTarget { kind, number, percent } => slots::target(&mut draft, *kind, *number, *percent),
        Command::ChargeSchedule(on) => switches::charge_schedule(&mut draft, *on),
        Command::DischargeSchedule(on) => switches::discharge_schedule(&mut draft, *on),
        Command::Eco(on) => switches::eco(&mut draft, *on),
        Command::Mode(wanted) => mode::mode(&mut draft, *wanted),
        Command::PauseMode(wanted) => mode::pause(&mut draft, *wanted),
        Command::ForceCharge(on) => switches::force_charge(&mut draft, *on),
        Command::ForceDischarge(on) => switches::force_discharge(&mut draft, *on),
        Command::AcCharge(on) => switches::ac_charge(&mut draft, *on),
        Command::Plant(on) => switches::plant(&mut draft, *on),
        Command::RealTimeControl(on) => switches::real_time_control(&mut draft, *on),
        Command::Clock(setting) => clock::clock(&mut draft, *setting),
        Command::Calibration { stage, confirm } => switches::calibration(&mut draft, *stage, confirm.as_deref()),
        Command::Reboot { confirm } => switches::reboot(&mut draft, confirm.as_deref()),
        Command::Override(_) => Err(Refusal::Elsewhere("timed overrides, which have recipes and not plans")),
        Command::SwitchRate(_) => {
            Err(Refusal::Elsewhere("the tariff of the settings, in which day and night have times"))
        }
        Command::RestartProgram => Err(Refusal::Elsewhere("whatever runs this program")),
        Command::Unavailable(name) => Err(context.unsupported(name, names::why_unavailable(name))),
    }?;
    Ok(draft.finish())
}

/// The holding registers that must be read afresh before a command is planned and executed: what it writes, and what
/// decides on how.
///
/// # Errors
/// As [`plan`], but for [`Refusal::Unread`].
pub fn reads(command: &Command, context: &Context) -> Result<Vec<u16>, Refusal> {
    match plan(command, context) {
        Ok(plan) => Ok(plan.reads().collect()),
        Err(Refusal::Unread(registers)) => Ok(registers),
        Err(refusal) => Err(refusal),
    }
}

#[cfg(test)]
pub(crate) mod tests;
