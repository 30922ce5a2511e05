//! Simulated inverters of every family: each override shows in the battery's power, and is gone when it is undone.

use std::fmt::Write;
use std::time::Duration;

use super::fixture::{applied, noon};
use crate::control::OverrideKind;
use crate::control::tests::fixture::Bench;
use crate::overrides::journal::Step;
use crate::overrides::meeting::outlasts_its_slot;
use crate::overrides::recipe::{Options, Recipe, recipe};
use crate::overrides::shown::{Reading, Shown, shown};
use crate::overrides::undo::undo;
use crate::simulator::{Family, Options as Simulated};

async fn power(bench: &Bench) -> i64 {
    tokio::time::sleep(Duration::from_secs(5)).await;
    bench.simulator.power_now().battery.round() as i64
}

/// An evening on which the battery serves the house, and no slot is in force.
fn evening(family: Family) -> Bench {
    let start = jiff::civil::date(2026, 6, 5).at(20, 30, 0, 0);
    let bench = Bench::with(Simulated { family, start, soc: 60.0, ..Simulated::default() });
    for switch in [96, 1112] {
        assert!(bench.holds(switch).is_none() || bench.holds(switch) == Some(0) || bench.simulator.write(switch, 0));
    }
    bench
}

fn begin(bench: &Bench, recipe: &Recipe) {
    for register in recipe.groups.iter().flat_map(|group| &group.registers) {
        let (address, value) = (register.address, register.write);
        assert!(register.found == value || bench.simulator.write(address, value), "HR {address} = {value}");
    }
}

/// The battery charges before a pause of charging: the owner has a charge slot.
fn charge(bench: &Bench) {
    let recipe = recipe(OverrideKind::ForceCharge, 60, &bench.context(), Options::default()).unwrap();
    begin(bench, &recipe);
}

#[tokio::test(start_paused = true)]
async fn each_override_shows_on_every_family_and_goes_when_it_is_undone() {
    let mut table = String::new();
    for kind in OverrideKind::ALL {
        for &family in Family::ALL {
            let bench = evening(family);
            let can_charge = recipe(OverrideKind::ForceCharge, 60, &bench.context(), Options::default()).is_ok();
            if kind == OverrideKind::PauseCharge && can_charge {
                charge(&bench);
            }
            let before = power(&bench).await;
            let context = bench.context();
            let recipe = match recipe(kind, 30, &context, Options::default()) {
                Ok(recipe) => recipe,
                Err(refused) => {
                    let _ = writeln!(table, "{} {family}: {}", kind.name(), refused.code());
                    continue;
                }
            };
            begin(&bench, &recipe);
            let during = power(&bench).await;
            let reading = Reading { battery: Some(during), soc: Some(60) };
            let most = context.battery_watts.or(Some(before.abs()));
            if shown(kind, &[reading; 3], most, None) != Shown::Shows || (during - before).abs() < 100 {
                let _ = writeln!(table, "{} {family}: {before} W, then {during} W", kind.name());
            }

            let record = applied(&recipe).0.after(&Step::Undo, noon()).unwrap();
            let undoing = undo(&record, |_, address| bench.holds(address)).unwrap();
            assert!(undoing.left.is_empty());
            for write in undoing.writes {
                assert!(bench.simulator.write(write.address, write.value), "{family} {write:?}");
            }
            for register in record.registers() {
                assert_eq!(bench.holds(register.address), Some(register.found), "{family}");
            }
            let after = power(&bench).await;
            if (after - before).abs() > 150 {
                let _ = writeln!(table, "{} {family}: {before} W, afterwards {after} W", kind.name());
            }
        }
    }
    // Of the commercial one, 1 % is 500 W, and what its battery can do is not known.
    insta::assert_snapshot!(table, @r"
    forceCharge pv-only: not_supported
    forceExport pv-only: not_supported
    tempPauseCharge ems: not_supported
    tempPauseCharge pv-only: not_supported
    tempPauseDischarge all-in-one-commercial: 920 W, then 500 W
    tempPauseDischarge ems: not_supported
    tempPauseDischarge pv-only: not_supported
    ");
}

#[tokio::test(start_paused = true)]
async fn what_the_inverter_is_told_the_end_of_ends_without_anybody() {
    let mut count = 0;
    for kind in OverrideKind::ALL {
        for &family in Family::ALL {
            let bench = evening(family);
            let before = power(&bench).await;
            let Ok(recipe) = recipe(kind, 2, &bench.context(), Options::default()) else { continue };
            if kind == OverrideKind::PauseCharge || outlasts_its_slot(&applied(&recipe).0) {
                continue;
            }
            begin(&bench, &recipe);
            let during = power(&bench).await;
            tokio::time::sleep(Duration::from_secs(180)).await;
            let after = power(&bench).await;
            let ends = (during - before).abs() > 100 && (after - before).abs() < 150;
            assert!(ends, "{} on {family}: {before} W, {during} W, {after} W", kind.name());
            count += 1;
        }
    }
    assert!(count > 10, "{count}");
}
