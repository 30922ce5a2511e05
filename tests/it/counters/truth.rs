//! What the counters of each family truly are, by plain arithmetic on registers.

use std::collections::BTreeMap;

use givtcp::frame::{Bank, BlockKey};
use givtcp::plant::snapshot::{Energy, Snapshot};
use givtcp::simulator::Family;

use super::bench::Block;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Total,
    Today,
}

/// One counter: of the plant (0), a meter, a stack, or an all-in-one behind a gateway (0xf1 and on).
pub type Name = (u8, Part, &'static str);

/// A register, or two with the high word first, in tenths of a kWh.
#[derive(Clone, Copy, Debug)]
enum Tenths {
    Of16(u8, u16),
    Of32(u8, u16),
}

use Tenths::{Of16, Of32};

/// A counter and what it is made of, each added or taken off.
#[derive(Clone, Debug)]
pub struct Made {
    pub name: Name,
    of: Vec<(f64, Tenths)>,
    /// What follows from other counters, whose tenths are cut off, wavers; its truth is between what it is now and the
    /// highest it was.
    pub wavers: bool,
}

const INVERTER: u8 = 0x11;
const PACK: u8 = 0x32;

fn own(part: Part, name: &'static str, of: Tenths) -> Made {
    Made { name: (0, part, name), of: vec![(1.0, of)], wavers: false }
}

fn sum(part: Part, name: &'static str, plus: &[Tenths], minus: &[Tenths], wavers: bool) -> Made {
    let plus = plus.iter().map(|&of| (1.0, of));
    Made { name: (0, part, name), of: plus.chain(minus.iter().map(|&of| (-1.0, of))).collect(), wavers }
}

fn of_device(device: u8, part: Part, name: &'static str, of: Tenths) -> Made {
    Made { name: (device, part, name), of: vec![(1.0, of)], wavers: false }
}

/// Every counter that a plant of this family publishes.
pub fn counters(family: Family) -> Vec<Made> {
    let mut all = match family {
        Family::ThreePhaseHybrid | Family::ThreePhaseAc | Family::AllInOneCommercial | Family::AllInOneHybrid => {
            three_phase()
        }
        Family::Gateway => gateway(),
        Family::Ems => Vec::new(),
        _ => single_phase(family),
    };
    let stacks: &[u8] = match family {
        Family::AllInOne | Family::AllInOneHybrid | Family::HvGen3 | Family::ThreePhaseHybrid => &[0x70],
        Family::ThreePhaseAc => &[0x70, 0x71],
        _ => &[],
    };
    for &stack in stacks {
        for (part, name, at) in [
            (Part::Total, "battery_charge", 82),
            (Part::Total, "battery_discharge", 84),
            (Part::Today, "battery_charge", 90),
            (Part::Today, "battery_discharge", 92),
        ] {
            all.push(of_device(stack, part, name, Of32(stack, at)));
        }
    }
    let meters: &[u8] = match family {
        Family::Gateway => &[1, 2],
        Family::Ems => &[1, 3],
        _ => &[1],
    };
    for &meter in meters {
        all.push(of_device(meter, Part::Total, "import", Of16(meter, 85)));
        all.push(of_device(meter, Part::Total, "export", Of16(meter, 87)));
    }
    all
}

fn single_phase(family: Family) -> Vec<Made> {
    let (long, short) = (|at| Of32(INVERTER, at), |at| Of16(INVERTER, at));
    let sun = matches!(family, Family::AcCoupled | Family::AllInOne);
    let mut all: Vec<Made> =
        [("pv", 11), ("import", 32), ("export", 21), ("ac_charge", 27), ("inverter", 45), ("battery_throughput", 6)]
            .map(|(name, at)| own(Part::Total, name, long(at)))
            .into();
    if !matches!(family, Family::AllInOne | Family::PvOnly | Family::HvGen3) {
        all.push(own(Part::Total, "battery_charge", Of16(PACK, 106)));
        all.push(own(Part::Total, "battery_discharge", Of16(PACK, 105)));
    }
    let plus: &[Tenths] = if sun { &[long(45), long(32), long(11)] } else { &[long(45), long(32)] };
    all.push(sum(Part::Total, "load", plus, &[long(27), long(21)], true));
    all.push(sum(Part::Total, "self_consumption", &[long(11)], &[long(21)], true));
    let today = [
        ("import", 26),
        ("export", 25),
        ("ac_charge", 35),
        ("inverter", 44),
        ("battery_charge", 36),
        ("battery_discharge", 37),
    ];
    all.extend(today.map(|(name, at)| own(Part::Today, name, short(at))));
    all.push(sum(Part::Today, "pv", &[short(17), short(19)], &[], false));
    all.push(sum(Part::Today, "battery_throughput", &[short(36), short(37)], &[], false));
    let plus: &[Tenths] = if sun { &[short(44), short(26), short(17), short(19)] } else { &[short(44), short(26)] };
    all.push(sum(Part::Today, "load", plus, &[short(35), short(25)], true));
    all.push(sum(Part::Today, "self_consumption", &[short(17), short(19)], &[short(25)], true));
    all
}

fn three_phase() -> Vec<Made> {
    let long = |at| Of32(INVERTER, at);
    let mut all = Vec::new();
    for (name, at) in [
        ("inverter", 1360),
        ("pv_string_1", 1366),
        ("pv_string_2", 1370),
        ("ac_charge", 1376),
        ("import", 1380),
        ("export", 1384),
        ("battery_discharge", 1388),
        ("battery_charge", 1392),
        ("load", 1396),
        ("export_2", 1400),
    ] {
        all.push(own(Part::Today, name, long(at)));
        all.push(own(Part::Total, name, long(at + 2)));
    }
    all.push(own(Part::Total, "pv", long(1374)));
    all.push(own(Part::Today, "pv", long(1412)));
    all.push(sum(Part::Total, "self_consumption", &[long(1374)], &[long(1386)], true));
    all.push(sum(Part::Today, "self_consumption", &[long(1412)], &[long(1384)], true));
    all
}

fn gateway() -> Vec<Made> {
    let mut all = Vec::new();
    for (name, at) in [
        ("import", 1640),
        ("pv", 1643),
        ("export", 1646),
        ("parallel_charge", 1649),
        ("parallel_discharge", 1652),
        ("load", 1655),
        ("battery_charge", 1795),
        ("battery_discharge", 1798),
    ] {
        all.push(own(Part::Today, name, Of16(INVERTER, at)));
        all.push(own(Part::Total, name, Of32(INVERTER, at + 1)));
    }
    for (aio, charge, discharge) in [(0xf1, 1705, 1750), (0xf2, 1708, 1753)] {
        for (name, at) in [("ac_charge", charge), ("ac_discharge", discharge)] {
            all.push(of_device(aio, Part::Today, name, Of16(INVERTER, at)));
            all.push(of_device(aio, Part::Total, name, Of32(INVERTER, at + 1)));
        }
    }
    all.push(sum(Part::Total, "self_consumption", &[Of32(INVERTER, 1644)], &[Of32(INVERTER, 1647)], true));
    all.push(sum(Part::Today, "self_consumption", &[Of16(INVERTER, 1643)], &[Of16(INVERTER, 1646)], true));
    all
}

/// High words of all of these.
pub fn highs(all: &[Made]) -> Vec<(u8, u16)> {
    let longs = all.iter().flat_map(|made| &made.of).filter_map(|&(_, of)| match of {
        Of32(device, register) => Some((device, register)),
        Of16(..) => None,
    });
    longs.collect()
}

impl Made {
    /// Its value, kWh, and the blocks that it stands in.
    pub fn read(&self, pages: &BTreeMap<BlockKey, Block>) -> (f64, Vec<BlockKey>) {
        let mut keys = Vec::new();
        let mut tenths = 0.0;
        for &(sign, of) in &self.of {
            let (device, register, count) = match of {
                Of16(device, register) => (device, register, 1),
                Of32(device, register) => (device, register, 2),
            };
            let (key, values) = pages
                .iter()
                .find(|(key, _)| {
                    (key.device, key.bank) == (device, Bank::Input)
                        && (key.base..key.base + key.count).contains(&register)
                })
                .unwrap_or_else(|| panic!("{:?} is read nowhere", self.name));
            let at = usize::from(register - key.base);
            tenths += sign * values[at..at + count].iter().fold(0.0, |sum, &word| sum * 65_536.0 + f64::from(word));
            if !keys.contains(key) {
                keys.push(*key);
            }
        }
        (tenths / 10.0, keys)
    }
}

/// What is published of a counter.
pub fn published(snapshot: &Snapshot, (device, part, name): Name) -> Option<f64> {
    let of = |today: &Energy, total: &Energy| {
        let energy = if part == Part::Total { total } else { today };
        energy.each().find(|(known, _)| *known == name)?.1
    };
    match device {
        0 => of(&snapshot.today, &snapshot.total),
        0xf1.. => {
            let aio = snapshot.gateway.as_ref()?.aios.iter().find(|aio| 0xf0 + aio.number == device)?;
            of(&aio.today, &aio.total)
        }
        0x70.. => {
            let stack = snapshot.stacks.iter().find(|stack| stack.controller == device)?;
            of(&stack.today, &stack.total)
        }
        _ => {
            let meter = snapshot.meters.iter().find(|meter| meter.address == device)?;
            if name == "import" { meter.import } else { meter.export }
        }
    }
}
