//! What is carried out on a simulated inverter of each family reads back as it was asked for.

use super::fixture::Bench;
use crate::catalogue::Layout;
use crate::control::{Control, ControlKind, Unit, controls};
use crate::simulator::Family;

/// What a leaf shows.
fn leaf(bench: &Bench, path: &str) -> String {
    let tree = Layout::new(false).tree(&bench.snapshot());
    let leaf = tree.leaves.iter().find(|leaf| *leaf.path == *path);
    leaf.map_or_else(|| format!("no {path}"), |leaf| leaf.payload.to_string())
}

fn set(bench: &Bench, command: &str, payload: &str) {
    let plan = bench.plan(command, payload).unwrap_or_else(|why| panic!("{command} {payload}: {why}"));
    bench.apply(&plan);
    let again = bench.plan(command, payload).unwrap().against(&bench.context().known);
    assert!(again.is_empty(), "{command} {payload} leaves {again}");
}

fn times(times: [&str; 3]) -> Vec<(String, String)> {
    times.map(|time| (time.to_owned(), format!("{time}:00"))).into()
}

/// Payloads to set, and what is read then.
fn samples(control: &Control) -> Vec<(String, String)> {
    match &control.kind {
        ControlKind::Number { min, max, unit: Unit::Percent, .. } => {
            [*min, 50, *max].map(|percent| (percent.to_string(), percent.to_string())).into()
        }
        ControlKind::Number { .. } | ControlKind::Button => Vec::new(),
        ControlKind::Select(options) if control.confirm => {
            options.iter().take(1).map(|&off| (off.into(), off.into())).collect()
        }
        // Both ways, since each must undo the others.
        ControlKind::Select(options) => {
            options.iter().chain(options.iter().rev()).map(|&option| (option.into(), option.into())).collect()
        }
        ControlKind::Switch => ["enable", "disable", "enable"].map(|state| (state.into(), state.into())).into(),
        // A slot does not end when it begins, unless it is cleared.
        ControlKind::Time if control.command.contains("End") => times(["12:35", "00:00", "23:58"]),
        ControlKind::Time => times(["12:34", "00:00", "23:59"]),
    }
}

#[test]
fn what_is_set_is_read_back() {
    let mut seen = 0;
    for &family in Family::ALL {
        let bench = Bench::new(family);
        for control in controls(&bench.context()) {
            let Some(path) = &control.leaf else { continue };
            // Three-phase inverters show it in HR 1005, which follows on its own if it does.
            if control.command == "enableRTC" && path.contains("Real_Time") && bench.holds(1005).is_some() {
                continue;
            }
            for (payload, wants) in samples(&control) {
                set(&bench, &control.command, &payload);
                assert_eq!(leaf(&bench, path), wants, "{family}: {} {payload}", control.command);
                seen += 1;
            }
        }
    }
    assert!(seen > 1000, "{seen}");
}

#[test]
fn a_rate_is_what_the_plan_said_and_near_what_was_asked() {
    let mut seen = 0;
    for &family in Family::ALL {
        let bench = Bench::new(family);
        for control in controls(&bench.context()) {
            let ControlKind::Number { min, max, step, unit: Unit::Watts } = control.kind else { continue };
            let path = control.leaf.as_ref().unwrap();
            for watts in [min, min + 1, max / 3, max / 2, max - 1, max, max + 5000] {
                let amount = bench.plan(&control.command, &watts.to_string()).unwrap().amount.unwrap();
                set(&bench, &control.command, &watts.to_string());
                assert_eq!(leaf(&bench, path), amount.achieved.to_string(), "{family}: {} {watts}", control.command);
                let off = (amount.achieved - watts.min(max)).abs();
                assert!(
                    off <= step / 2 + 1 || watts < step,
                    "{family}: {} {watts} is {}",
                    control.command,
                    amount.achieved
                );
                assert!(
                    off <= max / 25,
                    "{family}: {watts} W came to {}, which Predbat takes for a failure",
                    amount.achieved
                );
                seen += 1;
            }
        }
    }
    assert!(seen >= 100, "{seen}");
}

#[test]
fn both_times_of_every_slot_are_read_back() {
    for &family in Family::ALL {
        let bench = Bench::new(family);
        for control in controls(&bench.context()) {
            let Some((kind, number)) = control.command.split_once("Start") else { continue };
            let command = if kind == "setPause" { "setPauseSlot".to_owned() } else { format!("{kind}Slot{number}") };
            let path = control.leaf.unwrap();
            for (start, finish) in [("09:10", "10:00"), ("23:30", "05:30"), ("08:00", "09:30"), ("00:00", "00:00")] {
                set(&bench, &command, &format!("{{\"start\": \"{start}\", \"finish\": \"{finish}\"}}"));
                assert_eq!(leaf(&bench, &path), format!("{start}:00"), "{family}: {command}");
                assert_eq!(leaf(&bench, &path.replace("start", "end")), format!("{finish}:00"), "{family}: {command}");
            }
        }
    }
}

#[test]
fn eco_puts_the_reserve_back_that_was_there_before_the_pause() {
    for family in [Family::HybridGen1, Family::AllInOne, Family::ThreePhaseHybrid, Family::Gateway] {
        let bench = Bench::new(family);
        set(&bench, "setBatteryReserve", "37");
        assert_eq!(bench.context().reserve_to_remember(), Some(37));
        set(&bench, "setBatteryMode", "Eco");
        assert_eq!(leaf(&bench, "Control/Battery_Power_Reserve"), "37", "{family}: it is the owner's");
        set(&bench, "setBatteryMode", "Eco (Paused)");
        assert_eq!(
            (leaf(&bench, "Control/Mode"), bench.context().reserve_to_remember()),
            ("Eco (Paused)".into(), None)
        );
        set(&bench, "setBatteryMode", "Eco");
        assert_eq!(leaf(&bench, "Control/Battery_Power_Reserve"), "15", "{family}: what the context remembers");
        assert_eq!(leaf(&bench, "Control/Mode"), "Eco", "{family}");
    }
}

#[test]
fn a_target_and_its_flag_are_as_predbat_reads_them() {
    for family in [Family::HybridGen1, Family::AcCoupled, Family::AllInOne, Family::ThreePhaseAc, Family::Gateway] {
        let bench = Bench::new(family);
        let both = || (leaf(&bench, "Control/Target_SOC"), leaf(&bench, "Control/Enable_Charge_Target"));
        let is = |target: &str, flag: &str| (target.to_owned(), flag.to_owned());
        set(&bench, "setChargeTarget", "73");
        assert_eq!(both(), is("73", "enable"), "{family}");
        set(&bench, "setChargeTarget", "100");
        assert_eq!(both(), is("100", "disable"), "{family}");
        set(&bench, "enableChargeTarget", "enable");
        assert_eq!(both(), is("100", "enable"), "{family}: the flag is as it is asked for");
        set(&bench, "setChargeTarget", "60");
        set(&bench, "enableChargeTarget", "disable");
        assert_eq!(both(), is("100", "disable"), "{family}");
    }
}

#[test]
fn the_clock_shows_what_it_was_set_to() {
    for &family in Family::ALL {
        let bench = Bench::new(family);
        for time in ["29/02/2028 12:30:15", "31/12/2027 23:50:59", "01/03/2027 04:05:06"] {
            match bench.plan("setDateTime", time) {
                Ok(plan) => bench.apply(&plan),
                Err(why) => assert_eq!((family, why.code()), (Family::Ems, "not_supported")),
            }
            if family != Family::Ems {
                assert_eq!(
                    bench.simulator.inverter_clock().strftime("%d/%m/%Y %H:%M:%S").to_string(),
                    time,
                    "{family}"
                );
            }
        }
    }
}
