//! What may be written at all.

use super::fixture::Bench;
use crate::control::{Abilities, Allowed, Refusal};
use crate::plant::{Capabilities, Identity, Model};
use crate::simulator::Family;

fn abilities(code: u16, arm: u16) -> Abilities {
    let serial = "SD2227G101".parse().unwrap();
    let model = Model::of(code, arm);
    let identity = Identity { serial, model, device_type_code: code, arm_firmware: arm, dsp_firmware: 1 };
    Abilities::of(&Capabilities::of(&identity), None)
}

#[test]
fn the_table_is_sorted_and_has_each_register_once() {
    assert!(Allowed::ALL.is_sorted_by(|one, next| one.register < next.register));
}

#[test]
fn a_step_says_what_it_writes_and_for_which_model() {
    let hybrid = abilities(0x2001, 449);
    let step = Allowed::check(110, 20, hybrid).unwrap();
    assert_eq!((step.register(), step.value(), step.model()), (110, 20, Model::HybridGen1));
}

#[test]
fn what_is_not_allowed_is_refused_and_says_why() {
    let hybrid = abilities(0x2001, 449);
    let refusals: Vec<String> = [
        Allowed::check(110, 3, hybrid),
        Allowed::check(94, 2360, hybrid),
        Allowed::check(94, 2400, hybrid),
        Allowed::check(111, 51, hybrid),
        Allowed::check(0, 0, hybrid),
        Allowed::check(63, 1840, hybrid),
        Allowed::check(2071, 0, abilities(0x5001, 1)),
        Allowed::check(242, 50, hybrid),
        Allowed::check(31, 0, hybrid),
        Allowed::check(1109, 50, hybrid),
        Allowed::check(163, 100, hybrid),
        Allowed::check(166, 1, hybrid),
        Allowed::check(29, 1, hybrid),
        Allowed::check(40, 1, hybrid),
        Allowed::check(110, 20, abilities(0x9001, 1)),
        Allowed::check(110, 20, abilities(0x8201, 1)),
    ]
    .into_iter()
    .map(|outcome| outcome.unwrap_err().to_string())
    .collect();
    insta::assert_snapshot!(refusals.join("\n"), @"
    reserve (HR 110) is out of range: must be 4..100: 3
    charge slot 1 start (HR 94) is out of range: must be 0000..2359: 2360
    charge slot 1 start (HR 94) is out of range: must be 0000..2359: 2400
    charge rate, hundredths of the capacity (HR 111) is out of range: must be 0..50: 51
    HR 0 is read-only
    HR 63 is read-only
    HR 2071 is read-only
    HR 242 (charge slot 1 target) cannot be written on HYBRID_GEN1
    HR 31 is read-only
    HR 1109 (reserve) cannot be written on HYBRID_GEN1
    HR 163 (restart) is written by its own command only
    HR 166 (real-time control) is written by its own command only
    HR 29 (calibration) is written by its own command only
    HR 40 (clock: second) is written by its own command only
    unknown model, which is only read: unknown (9001)
    only read until it is known where its settings stand: ALL_IN_ONE_HYBRID
    ");
}

#[test]
fn no_installers_register_and_no_dangerous_one_is_in_the_table() {
    let dangerous = (0..=19).chain([26, 28, 30, 53, 54, 55]).chain(60..=93).chain(97..=109).chain([113, 115]);
    let dangerous = dangerous.chain(117..=162).chain([164, 165]).chain(167..=241).chain(300..=312).chain(315..=317);
    let dangerous = dangerous.chain(321..=1077).chain(1079..=1107).chain([1117]).chain(1124..=2039);
    for register in dangerous.chain(2041..=2043).chain(2071..=u16::MAX) {
        assert_eq!(Allowed::of(register), None, "HR {register}");
    }
    assert!((0..=u16::MAX).all(|value| Allowed::of(163).unwrap().range.contains(value) == (value == 100)));
}

/// A register of the table that is on a model, with every value that is not in its range, and one that is.
#[test]
fn ranges_are_kept_on_every_family() {
    for &family in Family::ALL {
        let abilities = Bench::new(family).context().abilities;
        for allowed in Allowed::ALL {
            for value in (0..=120).chain([559, 560, 1259, 1260, 2359, 2360, 2400, u16::MAX]) {
                match Allowed::check(allowed.register, value, abilities) {
                    Ok(_) => assert!(allowed.is_on(abilities) && allowed.range.contains(value)),
                    Err(Refusal::OutOfRange { .. }) => assert!(!allowed.range.contains(value)),
                    Err(Refusal::NotOnModel { .. }) => assert!(!allowed.is_on(abilities)),
                    Err(Refusal::OwnCommand { register, .. }) => {
                        assert!(matches!(register, 29 | 35..=40 | 163 | 166), "HR {register}");
                    }
                    Err(other) => panic!("{family}: {other}"),
                }
            }
        }
    }
}

#[test]
fn the_simulated_inverter_takes_whatever_is_allowed() {
    for &family in Family::ALL {
        let bench = Bench::new(family);
        let abilities = bench.context().abilities;
        for allowed in Allowed::ALL.iter().filter(|allowed| allowed.is_on(abilities)) {
            let register = allowed.register;
            assert!(bench.holds(register).is_some(), "{family} has no HR {register}");
            let values = (0..=100).chain([1259, 2359]).filter(|&value| allowed.range.contains(value));
            for value in values {
                assert!(
                    bench.simulator.write(register, value) || (35..=40).contains(&register),
                    "{family}: HR {register} = {value}"
                );
            }
        }
    }
}
