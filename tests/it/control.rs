//! `docs/control.md` is what is planned; what may be written is what is known to be allowed.

use std::collections::{BTreeMap, BTreeSet};

use givtcp::control::{Abilities, Allowed, Range, control_page};
use givtcp::frame::Bank;
use givtcp::plant::{Capabilities, Identity, Model};

use crate::captures;
use crate::docs;
use crate::register_tables::split;

#[test]
fn the_page_of_commands_is_what_is_planned() {
    docs::is_current("control.md", &control_page(), "control");
}

/// Registers that are written though the collection has them in no family's list, or not at all: GivTCP writes them.
fn is_extra(register: u16) -> bool {
    let is_target = matches!(register, 242..=269 | 272..=299) && register % 3 == 2;
    let is_second_charge_slot = matches!(register, 243 | 244);
    let is_pause = matches!(register, 318..=320);
    let is_rate_of_three_phases = matches!(register, 1108 | 1110);
    is_target || is_second_charge_slot || is_pause || is_rate_of_three_phases
}

/// Registers that owners may write and no command does, and why.
const LEFT_OUT: &[(std::ops::RangeInclusive<u16>, &str)] = &[
    (31..=32, "language and contrast of the display by the vendor's document, and by what recordings hold"),
    (104..=104, "heating, which some hardware has; no command of GivTCP's"),
    (172..=172, "heating, which some hardware has; no command of GivTCP's"),
    (199..=199, "parallel mode: never"),
    (311..=311, "no command of GivTCP's"),
    (317..=317, "no command of GivTCP's"),
    (331..=331, "sustained island operation"),
    (554..=573, "slots of a smart load; no command of GivTCP's"),
    (1005..=1005, "follows HR 166, which enableRTC writes"),
    (2071..=2071, "the grid operator's limit, for installers"),
    (5010..=5010, "restarts a whole system"),
    (5014..=5014, "no command of GivTCP's"),
];

fn abilities(code: u16, arm: u16, extra: &[(Bank, u16)], aios: Option<i64>) -> Abilities {
    let model = Model::of(code, arm);
    let serial = "SD2227G101".parse().unwrap();
    let identity = Identity { serial, model, device_type_code: code, arm_firmware: arm, dsp_firmware: 1 };
    Abilities::of(&Capabilities { extra: extra.to_vec(), ..Capabilities::of(&identity) }, aios)
}

/// Which lists of the collection count for which inverters.
fn inverters() -> Vec<(Abilities, &'static [&'static str])> {
    let both = [(Bank::Holding, 240), (Bank::Holding, 300)];
    vec![
        (abilities(0x2001, 449, &[], None), &["single_phase"]),
        (abilities(0x2001, 312, &[], None), &["single_phase"]),
        (abilities(0x2301, 212, &[], None), &["single_phase"]),
        (abilities(0x3001, 282, &[], None), &["single_phase", "ac_config"]),
        (abilities(0x8001, 620, &[], None), &["single_phase", "ac_config"]),
        (abilities(0x8102, 620, &[], None), &["single_phase"]),
        (abilities(0x4004, 0, &[(Bank::Holding, 240)], None), &["three_phase"]),
        (abilities(0x6001, 0, &both, None), &["three_phase"]),
        (abilities(0x5001, 0, &[], None), &["ems"]),
        (abilities(0x7001, 0, &both, Some(2)), &["single_phase", "ac_config"]),
        (abilities(0x7001, 0, &both, Some(1)), &["single_phase", "ac_config"]),
    ]
}

#[test]
fn what_may_be_written_is_what_owners_may_write() {
    let Some(text) = captures::read("reference/writable_registers.csv") else { return };
    let mut lines = text.lines();
    let header = split(lines.next().expect("a header"));
    let rows: BTreeMap<u16, BTreeMap<&str, String>> = lines
        .map(|line| header.iter().map(String::as_str).zip(split(line)).collect::<BTreeMap<_, _>>())
        .map(|row| (row["address"].parse().expect("an address"), row))
        .collect();
    let inverters = inverters();
    for allowed in Allowed::ALL {
        let register = allowed.register;
        let Some(row) = rows.get(&register) else {
            assert!(is_extra(register), "HR {register} is not in the collection");
            continue;
        };
        assert_eq!(row["tier"], "normal", "HR {register}");
        let number = |name: &str| row[name].parse::<u16>().ok();
        let (least, most) = match allowed.range {
            Range::Between(least, most) => (least, most),
            Range::OneOf(values) => (values[0], *values.last().unwrap()),
            Range::Time => (0, 2359),
        };
        let in_range =
            number("raw_min").is_none_or(|min| least >= min) && number("raw_max").is_none_or(|max| most <= max);
        assert!(in_range, "HR {register} takes {}", allowed.range);
        assert_eq!(allowed.range == Range::Time, row["app_type"] == "time", "HR {register}");
        let families: Vec<&str> = row["families"].split('|').collect();
        for (abilities, lists) in inverters.iter().filter(|(abilities, _)| allowed.is_on(*abilities)) {
            let is_listed = families.iter().any(|family| lists.contains(family));
            assert!(is_listed || is_extra(register), "HR {register} on {:?}: {families:?}", abilities.model);
        }
    }
    let ours: BTreeSet<u16> = Allowed::ALL.iter().map(|allowed| allowed.register).collect();
    let left_out = |register: &u16| LEFT_OUT.iter().any(|(registers, _)| registers.contains(register));
    let normal = rows.iter().filter(|(_, row)| row["tier"] == "normal").map(|(&register, _)| register);
    for register in normal {
        assert_ne!(
            ours.contains(&register),
            left_out(&register),
            "HR {register} must be written, or left out with a reason"
        );
    }
    let extra = ours.iter().filter(|register| is_extra(**register)).count();
    assert_eq!((rows.len(), extra), (269, 27));
}
