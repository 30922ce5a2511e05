//! What is set.

use super::{Entry, clock, int, line, switch, text, word};
use crate::catalogue::families::{GATEWAY, SINGLE_PHASE, THREE_PHASE};
use crate::catalogue::{Payload, Quantity as Q};
use crate::plant::snapshot::{Overrides, Snapshot};

/// What is set.
#[rustfmt::skip]
pub static CONTROL: &[Entry<Snapshot>] = &[
    line("Control/Mode", Q::Choice, |s| word(s.control.mode)).of(SINGLE_PHASE.and(GATEWAY), "HR 27, HR 59, HR 110").of(THREE_PHASE, "HR 27, HR 1122, HR 1109"),
    line("Control/Eco_Mode", Q::Switch, |s| switch(s.control.eco)).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 27"),
    line("Control/Enable_Charge_Schedule", Q::Switch, |s| switch(s.control.charge_schedule)).of(SINGLE_PHASE.and(GATEWAY), "HR 96").of(THREE_PHASE, "HR 1123, HR 1112"),
    line("Control/Enable_Discharge_Schedule", Q::Switch, |s| switch(s.control.discharge_schedule)).of(SINGLE_PHASE.and(GATEWAY), "HR 59").of(THREE_PHASE, "HR 1122"),
    line("Control/Enable_Charge_Target", Q::Switch, |s| switch(s.control.charge_target_enabled)).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 20"),
    line("Control/Force_Discharge_Enable", Q::Switch, |s| switch(s.three_phase.as_ref()?.force_discharge)).of(THREE_PHASE, "HR 1122"),
    line("Control/Force_Charge_Enable", Q::Switch, |s| switch(s.three_phase.as_ref()?.force_charge)).of(THREE_PHASE, "HR 1123"),
    line("Control/Force_AC_Charge_Enable", Q::Switch, |s| switch(s.three_phase.as_ref()?.ac_charge_enabled)).of(THREE_PHASE, "HR 1112"),
    line("Control/Battery_Charge_Rate", Q::Power, |s| int(s.control.charge_rate_watts)).of(SINGLE_PHASE, "HR 111, HR 55").of(GATEWAY, "HR 313, IR 1700").of(THREE_PHASE, "HR 1110"),
    line("Control/Battery_Discharge_Rate", Q::Power, |s| int(s.control.discharge_rate_watts)).of(SINGLE_PHASE, "HR 112, HR 55").of(GATEWAY, "HR 314, IR 1700").of(THREE_PHASE, "HR 1108"),
    line("Control/Battery_Charge_Rate_AC", Q::Percent, |s| int(s.control.charge_rate_ac_percent)).of(SINGLE_PHASE.and(GATEWAY), "HR 313").of(THREE_PHASE, "HR 1110"),
    line("Control/Battery_Discharge_Rate_AC", Q::Percent, |s| int(s.control.discharge_rate_ac_percent)).of(SINGLE_PHASE.and(GATEWAY), "HR 314").of(THREE_PHASE, "HR 1108"),
    line("Control/Battery_Power_Reserve", Q::Percent, |s| int(s.control.reserve_percent)).of(SINGLE_PHASE.and(GATEWAY), "HR 110").of(THREE_PHASE, "HR 1109"),
    line("Control/Battery_Power_Cutoff", Q::Percent, |s| int(s.control.cutoff_percent)).of(SINGLE_PHASE.and(GATEWAY), "HR 114").of(THREE_PHASE, "HR 1078"),
    line("Control/Target_SOC", Q::Percent, |s| int(s.control.target_percent)).of(SINGLE_PHASE.and(GATEWAY), "HR 116").of(THREE_PHASE, "HR 1111"),
    line("Control/Real_Time_Control", Q::Switch, |s| switch(s.control.real_time_control)).of(SINGLE_PHASE.and(GATEWAY), "HR 166").of(THREE_PHASE, "HR 1005"),
    line("Control/Battery_pause_mode", Q::Choice, |s| text(s.control.pause_mode.as_ref())).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 318").note("models whose HR 300 to 359 answer"),
    line("Control/Battery_Calibration", Q::Choice, |s| word(s.control.calibration)).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 29"),
    line("Control/Active_Power_Rate", Q::Percent, |s| int(s.control.active_power_percent)).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 50"),
    line("Control/Force_Charge", Q::Choice, |s| running(s, |o| o.force_charge)).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "").note("`Running` or `Normal`"),
    line("Control/Force_Charge_Num", Q::Minutes, |s| minutes(s, |o| o.force_charge)).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "").note("how long it still runs; 0 where it does not"),
    line("Control/Force_Export", Q::Choice, |s| running(s, |o| o.force_export)).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "").note("`Running` or `Normal`"),
    line("Control/Force_Export_Num", Q::Minutes, |s| minutes(s, |o| o.force_export)).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "").note("how long it still runs; 0 where it does not"),
    line("Control/Temp_Pause_Charge", Q::Choice, |s| running(s, |o| o.pause_charge)).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "").note("`Running` or `Normal`"),
    line("Control/Temp_Pause_Charge_Num", Q::Minutes, |s| minutes(s, |o| o.pause_charge)).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "").note("how long it still runs; 0 where it does not"),
    line("Control/Temp_Pause_Discharge", Q::Choice, |s| running(s, |o| o.pause_discharge)).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "").note("`Running` or `Normal`"),
    line("Control/Temp_Pause_Discharge_Num", Q::Minutes, |s| minutes(s, |o| o.pause_discharge)).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "").note("how long it still runs; 0 where it does not"),
    line("Control/Charge_Target_SOC_1", Q::Percent, |s| int(s.control.charge_slot_targets[0])).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 242").note("models with ten slots"),
    line("Control/Charge_Target_SOC_2", Q::Percent, |s| int(s.control.charge_slot_targets[1])).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 245").note("models with ten slots"),
    line("Control/Charge_Target_SOC_3", Q::Percent, |s| int(s.control.charge_slot_targets[2])).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 248").note("models with ten slots"),
    line("Control/Charge_Target_SOC_4", Q::Percent, |s| int(s.control.charge_slot_targets[3])).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 251").note("models with ten slots"),
    line("Control/Charge_Target_SOC_5", Q::Percent, |s| int(s.control.charge_slot_targets[4])).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 254").note("models with ten slots"),
    line("Control/Charge_Target_SOC_6", Q::Percent, |s| int(s.control.charge_slot_targets[5])).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 257").note("models with ten slots"),
    line("Control/Charge_Target_SOC_7", Q::Percent, |s| int(s.control.charge_slot_targets[6])).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 260").note("models with ten slots"),
    line("Control/Charge_Target_SOC_8", Q::Percent, |s| int(s.control.charge_slot_targets[7])).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 263").note("models with ten slots"),
    line("Control/Charge_Target_SOC_9", Q::Percent, |s| int(s.control.charge_slot_targets[8])).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 266").note("models with ten slots"),
    line("Control/Charge_Target_SOC_10", Q::Percent, |s| int(s.control.charge_slot_targets[9])).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 269").note("models with ten slots"),
    line("Control/Discharge_Target_SOC_1", Q::Percent, |s| int(s.control.discharge_slot_targets[0])).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 272").note("models with ten slots"),
    line("Control/Discharge_Target_SOC_2", Q::Percent, |s| int(s.control.discharge_slot_targets[1])).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 275").note("models with ten slots"),
    line("Control/Discharge_Target_SOC_3", Q::Percent, |s| int(s.control.discharge_slot_targets[2])).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 278").note("models with ten slots"),
    line("Control/Discharge_Target_SOC_4", Q::Percent, |s| int(s.control.discharge_slot_targets[3])).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 281").note("models with ten slots"),
    line("Control/Discharge_Target_SOC_5", Q::Percent, |s| int(s.control.discharge_slot_targets[4])).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 284").note("models with ten slots"),
    line("Control/Discharge_Target_SOC_6", Q::Percent, |s| int(s.control.discharge_slot_targets[5])).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 287").note("models with ten slots"),
    line("Control/Discharge_Target_SOC_7", Q::Percent, |s| int(s.control.discharge_slot_targets[6])).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 290").note("models with ten slots"),
    line("Control/Discharge_Target_SOC_8", Q::Percent, |s| int(s.control.discharge_slot_targets[7])).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 293").note("models with ten slots"),
    line("Control/Discharge_Target_SOC_9", Q::Percent, |s| int(s.control.discharge_slot_targets[8])).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 296").note("models with ten slots"),
    line("Control/Discharge_Target_SOC_10", Q::Percent, |s| int(s.control.discharge_slot_targets[9])).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 299").note("models with ten slots"),
];

/// When it charges, discharges and pauses.
#[rustfmt::skip]
pub static TIMESLOTS: &[Entry<Snapshot>] = &[
    line("Timeslots/Charge_start_time_slot_1", Q::TimeOfDay, |s| clock(s.timeslots.charge[0].map(|t| t.start))).of(SINGLE_PHASE.and(GATEWAY), "HR 94").of(THREE_PHASE, "HR 1113"),
    line("Timeslots/Charge_end_time_slot_1", Q::TimeOfDay, |s| clock(s.timeslots.charge[0].map(|t| t.end))).of(SINGLE_PHASE.and(GATEWAY), "HR 95").of(THREE_PHASE, "HR 1114"),
    line("Timeslots/Charge_start_time_slot_2", Q::TimeOfDay, |s| clock(s.timeslots.charge[1].map(|t| t.start))).of(SINGLE_PHASE.and(GATEWAY), "HR 243").of(THREE_PHASE, "HR 1115").note("single-phase models with ten slots"),
    line("Timeslots/Charge_end_time_slot_2", Q::TimeOfDay, |s| clock(s.timeslots.charge[1].map(|t| t.end))).of(SINGLE_PHASE.and(GATEWAY), "HR 244").of(THREE_PHASE, "HR 1116").note("single-phase models with ten slots"),
    line("Timeslots/Charge_start_time_slot_3", Q::TimeOfDay, |s| clock(s.timeslots.charge[2].map(|t| t.start))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 246").note("models with ten slots"),
    line("Timeslots/Charge_end_time_slot_3", Q::TimeOfDay, |s| clock(s.timeslots.charge[2].map(|t| t.end))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 247").note("models with ten slots"),
    line("Timeslots/Charge_start_time_slot_4", Q::TimeOfDay, |s| clock(s.timeslots.charge[3].map(|t| t.start))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 249").note("models with ten slots"),
    line("Timeslots/Charge_end_time_slot_4", Q::TimeOfDay, |s| clock(s.timeslots.charge[3].map(|t| t.end))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 250").note("models with ten slots"),
    line("Timeslots/Charge_start_time_slot_5", Q::TimeOfDay, |s| clock(s.timeslots.charge[4].map(|t| t.start))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 252").note("models with ten slots"),
    line("Timeslots/Charge_end_time_slot_5", Q::TimeOfDay, |s| clock(s.timeslots.charge[4].map(|t| t.end))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 253").note("models with ten slots"),
    line("Timeslots/Charge_start_time_slot_6", Q::TimeOfDay, |s| clock(s.timeslots.charge[5].map(|t| t.start))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 255").note("models with ten slots"),
    line("Timeslots/Charge_end_time_slot_6", Q::TimeOfDay, |s| clock(s.timeslots.charge[5].map(|t| t.end))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 256").note("models with ten slots"),
    line("Timeslots/Charge_start_time_slot_7", Q::TimeOfDay, |s| clock(s.timeslots.charge[6].map(|t| t.start))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 258").note("models with ten slots"),
    line("Timeslots/Charge_end_time_slot_7", Q::TimeOfDay, |s| clock(s.timeslots.charge[6].map(|t| t.end))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 259").note("models with ten slots"),
    line("Timeslots/Charge_start_time_slot_8", Q::TimeOfDay, |s| clock(s.timeslots.charge[7].map(|t| t.start))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 261").note("models with ten slots"),
    line("Timeslots/Charge_end_time_slot_8", Q::TimeOfDay, |s| clock(s.timeslots.charge[7].map(|t| t.end))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 262").note("models with ten slots"),
    line("Timeslots/Charge_start_time_slot_9", Q::TimeOfDay, |s| clock(s.timeslots.charge[8].map(|t| t.start))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 264").note("models with ten slots"),
    line("Timeslots/Charge_end_time_slot_9", Q::TimeOfDay, |s| clock(s.timeslots.charge[8].map(|t| t.end))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 265").note("models with ten slots"),
    line("Timeslots/Charge_start_time_slot_10", Q::TimeOfDay, |s| clock(s.timeslots.charge[9].map(|t| t.start))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 267").note("models with ten slots"),
    line("Timeslots/Charge_end_time_slot_10", Q::TimeOfDay, |s| clock(s.timeslots.charge[9].map(|t| t.end))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 268").note("models with ten slots"),
    line("Timeslots/Discharge_start_time_slot_1", Q::TimeOfDay, |s| clock(s.timeslots.discharge[0].map(|t| t.start))).of(SINGLE_PHASE.and(GATEWAY), "HR 56").of(THREE_PHASE, "HR 1118"),
    line("Timeslots/Discharge_end_time_slot_1", Q::TimeOfDay, |s| clock(s.timeslots.discharge[0].map(|t| t.end))).of(SINGLE_PHASE.and(GATEWAY), "HR 57").of(THREE_PHASE, "HR 1119"),
    line("Timeslots/Discharge_start_time_slot_2", Q::TimeOfDay, |s| clock(s.timeslots.discharge[1].map(|t| t.start))).of(SINGLE_PHASE.and(GATEWAY), "HR 44").of(THREE_PHASE, "HR 1120"),
    line("Timeslots/Discharge_end_time_slot_2", Q::TimeOfDay, |s| clock(s.timeslots.discharge[1].map(|t| t.end))).of(SINGLE_PHASE.and(GATEWAY), "HR 45").of(THREE_PHASE, "HR 1121"),
    line("Timeslots/Discharge_start_time_slot_3", Q::TimeOfDay, |s| clock(s.timeslots.discharge[2].map(|t| t.start))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 276").note("models with ten slots"),
    line("Timeslots/Discharge_end_time_slot_3", Q::TimeOfDay, |s| clock(s.timeslots.discharge[2].map(|t| t.end))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 277").note("models with ten slots"),
    line("Timeslots/Discharge_start_time_slot_4", Q::TimeOfDay, |s| clock(s.timeslots.discharge[3].map(|t| t.start))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 279").note("models with ten slots"),
    line("Timeslots/Discharge_end_time_slot_4", Q::TimeOfDay, |s| clock(s.timeslots.discharge[3].map(|t| t.end))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 280").note("models with ten slots"),
    line("Timeslots/Discharge_start_time_slot_5", Q::TimeOfDay, |s| clock(s.timeslots.discharge[4].map(|t| t.start))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 282").note("models with ten slots"),
    line("Timeslots/Discharge_end_time_slot_5", Q::TimeOfDay, |s| clock(s.timeslots.discharge[4].map(|t| t.end))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 283").note("models with ten slots"),
    line("Timeslots/Discharge_start_time_slot_6", Q::TimeOfDay, |s| clock(s.timeslots.discharge[5].map(|t| t.start))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 285").note("models with ten slots"),
    line("Timeslots/Discharge_end_time_slot_6", Q::TimeOfDay, |s| clock(s.timeslots.discharge[5].map(|t| t.end))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 286").note("models with ten slots"),
    line("Timeslots/Discharge_start_time_slot_7", Q::TimeOfDay, |s| clock(s.timeslots.discharge[6].map(|t| t.start))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 288").note("models with ten slots"),
    line("Timeslots/Discharge_end_time_slot_7", Q::TimeOfDay, |s| clock(s.timeslots.discharge[6].map(|t| t.end))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 289").note("models with ten slots"),
    line("Timeslots/Discharge_start_time_slot_8", Q::TimeOfDay, |s| clock(s.timeslots.discharge[7].map(|t| t.start))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 291").note("models with ten slots"),
    line("Timeslots/Discharge_end_time_slot_8", Q::TimeOfDay, |s| clock(s.timeslots.discharge[7].map(|t| t.end))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 292").note("models with ten slots"),
    line("Timeslots/Discharge_start_time_slot_9", Q::TimeOfDay, |s| clock(s.timeslots.discharge[8].map(|t| t.start))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 294").note("models with ten slots"),
    line("Timeslots/Discharge_end_time_slot_9", Q::TimeOfDay, |s| clock(s.timeslots.discharge[8].map(|t| t.end))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 295").note("models with ten slots"),
    line("Timeslots/Discharge_start_time_slot_10", Q::TimeOfDay, |s| clock(s.timeslots.discharge[9].map(|t| t.start))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 297").note("models with ten slots"),
    line("Timeslots/Discharge_end_time_slot_10", Q::TimeOfDay, |s| clock(s.timeslots.discharge[9].map(|t| t.end))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 298").note("models with ten slots"),
    line("Timeslots/Battery_pause_start_time_slot", Q::TimeOfDay, |s| clock(s.timeslots.pause.map(|t| t.start))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 319").note("models whose HR 300 to 359 answer"),
    line("Timeslots/Battery_pause_end_time_slot", Q::TimeOfDay, |s| clock(s.timeslots.pause.map(|t| t.end))).of(SINGLE_PHASE.and(GATEWAY).and(THREE_PHASE), "HR 320").note("models whose HR 300 to 359 answer"),
];

/// Minutes left of an override that runs; nothing where it does not, or nobody knows.
type Left = fn(&Overrides<i64>) -> Option<i64>;

fn running(snapshot: &Snapshot, left: Left) -> Option<Payload> {
    let overrides = snapshot.overrides.as_ref()?;
    Some(Payload::Word(if left(overrides).is_some() { "Running" } else { "Normal" }))
}

fn minutes(snapshot: &Snapshot, left: Left) -> Option<Payload> {
    let overrides = snapshot.overrides.as_ref()?;
    Some(Payload::Integer(left(overrides).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plant::tests::fixture::{hybrid, plant_of, snapshot};

    #[test]
    fn an_override_that_runs_is_told_with_its_minutes_and_what_is_not_known_is_not_told() {
        let mut snapshot = snapshot(&plant_of(&hybrid()));
        let told = |snapshot: &Snapshot| -> Vec<String> {
            let lines = CONTROL.iter().filter(|line| line.path.contains("Force") || line.path.contains("Temp_Pause"));
            lines.filter_map(|line| Some(format!("{} {}", line.path, (line.get)(snapshot)?))).collect()
        };
        snapshot.overrides = Some(Overrides { force_export: Some(42), pause_charge: Some(0), ..Overrides::default() });
        insta::assert_snapshot!(told(&snapshot).join("\n"), @r"
        Control/Force_Charge Normal
        Control/Force_Charge_Num 0
        Control/Force_Export Running
        Control/Force_Export_Num 42
        Control/Temp_Pause_Charge Running
        Control/Temp_Pause_Charge_Num 0
        Control/Temp_Pause_Discharge Normal
        Control/Temp_Pause_Discharge_Num 0
        ");
        snapshot.overrides = None;
        assert_eq!(told(&snapshot), Vec::<String>::new());
    }
}
