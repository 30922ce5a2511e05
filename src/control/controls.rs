//! What of all commands an inverter has, as data for those who offer them.

use super::context::Place;
use super::plan::Unit;
use super::{Allowed, Calibration, Command, Context, Mode, PauseMode, Range, plan};
use crate::catalogue;
use crate::plant::Family;

/// Something that can be set on an inverter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// The command that sets it; its payload is the bare value.
    pub command: String,
    /// Where its value is published, as a path of the catalogue; `None` for what has no value or is not published.
    pub leaf: Option<String>,
    /// What it is.
    pub kind: ControlKind,
    /// Whether the inverter's serial number must come with it, as `confirm` in a JSON body.
    pub confirm: bool,
}

/// What kind of thing can be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlKind {
    /// A whole number.
    Number {
        /// The least that is taken.
        min: i64,
        /// The most.
        max: i64,
        /// What one step of the register is, rounded.
        step: i64,
        /// What it is counted in.
        unit: Unit,
    },
    /// One of these.
    Select(Vec<&'static str>),
    /// `enable` or `disable`.
    Switch,
    /// Something that is done.
    Button,
    /// A time of the day, HH:MM.
    Time,
}

/// What is asked for when it is tried whether an inverter has a control.
enum Kind {
    Watts,
    Percent,
    Switch,
    Time,
    Mode,
    Pause,
    Calibration,
    Clock,
    Reboot,
}

/// Once by itself: command, leaf, kind.
const SINGLE: &[(&str, &str, Kind)] = &[
    ("setBatteryMode", "Control/Mode", Kind::Mode),
    ("setEcoMode", "Control/Eco_Mode", Kind::Switch),
    ("enableChargeSchedule", "Control/Enable_Charge_Schedule", Kind::Switch),
    ("enableDischargeSchedule", "Control/Enable_Discharge_Schedule", Kind::Switch),
    ("setChargeTarget", "Control/Target_SOC", Kind::Percent),
    ("enableChargeTarget", "Control/Enable_Charge_Target", Kind::Switch),
    ("setBatteryReserve", "Control/Battery_Power_Reserve", Kind::Percent),
    ("setBatteryCutoff", "Control/Battery_Power_Cutoff", Kind::Percent),
    ("setChargeRate", "Control/Battery_Charge_Rate", Kind::Watts),
    ("setDischargeRate", "Control/Battery_Discharge_Rate", Kind::Watts),
    ("setChargeRateAC", "Control/Battery_Charge_Rate_AC", Kind::Percent),
    ("setDischargeRateAC", "Control/Battery_Discharge_Rate_AC", Kind::Percent),
    ("setActivePowerRate", "Control/Active_Power_Rate", Kind::Percent),
    ("setBatteryPauseMode", "Control/Battery_pause_mode", Kind::Pause),
    ("setPauseStart", "Timeslots/Battery_pause_start_time_slot", Kind::Time),
    ("setPauseEnd", "Timeslots/Battery_pause_end_time_slot", Kind::Time),
    ("setForceCharge", "Control/Force_Charge_Enable", Kind::Switch),
    ("setForceDischarge", "Control/Force_Discharge_Enable", Kind::Switch),
    ("setACCharge", "Control/Force_AC_Charge_Enable", Kind::Switch),
    ("enableRTC", "Control/Real_Time_Control", Kind::Switch),
    ("setEmsPlant", "", Kind::Switch),
    ("setBatteryCalibration", "Control/Battery_Calibration", Kind::Calibration),
    ("syncDateTime", "", Kind::Clock),
    ("rebootInverter", "", Kind::Reboot),
];

/// By number: command, leaf, kind; of an inverter.
const SLOTS: &[(&str, &str, Kind)] = &[
    ("setChargeStart", "Timeslots/Charge_start_time_slot_", Kind::Time),
    ("setChargeEnd", "Timeslots/Charge_end_time_slot_", Kind::Time),
    ("setChargeTarget", "Control/Charge_Target_SOC_", Kind::Percent),
    ("setDischargeStart", "Timeslots/Discharge_start_time_slot_", Kind::Time),
    ("setDischargeEnd", "Timeslots/Discharge_end_time_slot_", Kind::Time),
    ("setDischargeTarget", "Control/Discharge_Target_SOC_", Kind::Percent),
];

/// The same of a plant controller.
const EMS_SLOTS: &[(&str, &str, Kind)] = &[
    ("setEMSChargeStart", "Timeslots/EMS_Charge_start_time_slot_", Kind::Time),
    ("setEMSChargeEnd", "Timeslots/EMS_Charge_end_time_slot_", Kind::Time),
    ("setEMSChargeTarget", "Control/EMS_Charge_Target_SOC_", Kind::Percent),
    ("setEMSDischargeStart", "Timeslots/EMS_Discharge_start_time_slot_", Kind::Time),
    ("setEMSDischargeEnd", "Timeslots/EMS_Discharge_end_time_slot_", Kind::Time),
    ("setEMSDischargeTarget", "Control/EMS_Discharge_Target_SOC_", Kind::Percent),
    ("setExportStart", "Timeslots/Export_start_time_slot_", Kind::Time),
    ("setExportEnd", "Timeslots/Export_end_time_slot_", Kind::Time),
    ("setExportTarget", "Control/Export_Target_SOC_", Kind::Percent),
];

/// What can be set on this inverter: every command that has a plan on it, the timed overrides aside.
pub fn controls(context: &Context) -> Vec<Control> {
    let Ok(place) = context.abilities.place() else { return Vec::new() };
    let (slots, most) = if place == Place::Ems { (EMS_SLOTS, 3) } else { (SLOTS, 10) };
    let single = SINGLE.iter().map(|(command, leaf, kind)| ((*command).to_owned(), (*leaf).to_owned(), kind));
    let slots = (1..=most).flat_map(|number| {
        slots.iter().map(move |(command, leaf, kind)| (format!("{command}{number}"), format!("{leaf}{number}"), kind))
    });
    single.chain(slots).filter_map(|(command, leaf, kind)| control(context, place, command, leaf, kind)).collect()
}

/// The command that sets what is published at a path of the catalogue, on whatever inverter has it.
pub fn command_of(path: &str) -> Option<String> {
    let single = SINGLE.iter().find(|(_, leaf, _)| *leaf == path).map(|(command, ..)| (*command).to_owned());
    let slot = || {
        SLOTS.iter().chain(EMS_SLOTS).find_map(|(command, leaf, _)| {
            let number: u8 = path.strip_prefix(leaf)?.parse().ok()?;
            Some(format!("{command}{number}"))
        })
    };
    single.or_else(slot)
}

fn control(context: &Context, place: Place, command: String, leaf: String, kind: &Kind) -> Option<Control> {
    let serial = context.serial.to_string();
    let sample = match kind {
        Kind::Watts => "1000",
        Kind::Percent => "50",
        Kind::Switch => "enable",
        Kind::Time => "12:00",
        Kind::Mode => Mode::TimedDemand.name(),
        Kind::Pause => PauseMode::Both.name(),
        Kind::Calibration => Calibration::Off.name(),
        Kind::Clock => "",
        Kind::Reboot => serial.as_str(),
    };
    let planned = plan(&Command::parse(&command, sample).ok()?, context);
    if planned.as_ref().is_err_and(super::Refusal::is_for_good) {
        return None;
    }
    let first = planned.ok().and_then(|plan| plan.steps().first().map(|step| step.write.register()));
    let kind = match kind {
        Kind::Watts => watts(context, place)?,
        Kind::Percent => match Allowed::of(first?)?.range {
            Range::Between(min, max) => {
                ControlKind::Number { min: min.into(), max: max.into(), step: 1, unit: Unit::Percent }
            }
            Range::OneOf(_) | Range::Time => return None,
        },
        Kind::Switch => ControlKind::Switch,
        Kind::Time => ControlKind::Time,
        Kind::Mode => ControlKind::Select(Mode::ALL.map(Mode::name).to_vec()),
        Kind::Pause => ControlKind::Select(PauseMode::ALL.map(PauseMode::name).to_vec()),
        Kind::Calibration => ControlKind::Select(Calibration::ALL.map(Calibration::name).to_vec()),
        Kind::Clock | Kind::Reboot => ControlKind::Button,
    };
    let confirm = command == "setBatteryCalibration" || command == "rebootInverter";
    let leaf = Some(leaf).filter(|leaf| is_published(leaf, place));
    Some(Control { command, leaf, kind, confirm })
}

/// Up to what the battery can do and its register can say, in steps of the register; nothing while that is not known.
fn watts(context: &Context, place: Place) -> Option<ControlKind> {
    let power = context.battery_watts.filter(|&watts| watts > 0);
    let (min, max, step) = if place == Place::SinglePhase {
        let kwh = context.battery_kwh.filter(|kwh| kwh.is_finite() && *kwh > 0.0)?;
        let half = (kwh * 500.0) as i64;
        (0, power.map_or(half, |power| power.min(half)), (kwh * 10.0) as i64)
    } else {
        (power? / 100, power?, power? / 100)
    };
    Some(ControlKind::Number { min, max, step: step.max(1), unit: Unit::Watts })
}

fn is_published(leaf: &str, place: Place) -> bool {
    // A three-phase inverter shows HR 1005 there, which is not what is written.
    if place == Place::ThreePhase && leaf == "Control/Real_Time_Control" {
        return false;
    }
    let family = match place {
        Place::SinglePhase => Family::SinglePhase,
        Place::PvOnly => Family::PvOnly,
        Place::ThreePhase => Family::ThreePhase,
        Place::Ems => Family::Ems,
        Place::Gateway => Family::Gateway,
        Place::IdleGateway => return false,
    };
    catalogue::PLANT.iter().copied().flatten().any(|entry| entry.path == leaf && entry.is_of(family))
}
