//! Plants to test with: the simulator's hybrid, standing still, and inverters made of single registers.

use std::sync::Arc;
use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};

use crate::frame::{Bank, BlockKey};
use crate::plant::snapshot::{Overrides, Snapshot, Stats};
use crate::plant::{INVERTER, Plant, Refused, SnapshotContext};
use crate::registers::{Field, Kind, ems, gateway, hv_bcu, hv_bmu, plan, single_phase, three_phase};
use crate::simulator::{Options, Simulator};

/// A block and what was read of it.
pub(crate) type Read = (BlockKey, Vec<u16>);

/// The inverter's first block.
pub(crate) const FIRST: BlockKey = holding(0);

/// A block of the inverter's settings.
pub(crate) const fn holding(base: u16) -> BlockKey {
    BlockKey::new(INVERTER, Bank::Holding, base, 60)
}

/// A block of what the inverter measures.
pub(crate) const fn input(base: u16) -> BlockKey {
    BlockKey::new(INVERTER, Bank::Input, base, 60)
}

/// Every block of the simulator's hybrid with two batteries and a meter, at 9:00 on a day in June.
pub(crate) fn hybrid() -> Vec<Read> {
    let simulator = Simulator::new(Options { speed: 0.0, ..Options::default() });
    [
        FIRST,
        holding(60),
        holding(120),
        input(0),
        input(180),
        plan::battery(0x32),
        plan::battery(0x33),
        plan::meter(1),
        plan::meter_product(1),
    ]
    .into_iter()
    .map(|key| {
        let values = (key.base..key.base + key.count).map(|at| simulator.get(key.device, key.bank, at));
        (key, values.collect::<Option<_>>().unwrap_or_else(|| panic!("the simulator has no {key}")))
    })
    .collect()
}

/// One block of the hybrid.
pub(crate) fn block(key: BlockKey) -> Vec<u16> {
    hybrid().into_iter().find(|(known, _)| *known == key).unwrap_or_else(|| panic!("no {key}")).1
}

/// The hybrid's first block, of another device type and ARM firmware.
pub(crate) fn first_block_of(code: u16, arm: u16) -> Vec<u16> {
    with(block(FIRST), &[(0, code), (21, arm)])
}

/// A block with some of its registers, by their place in it, set otherwise.
pub(crate) fn with(mut values: Vec<u16>, changes: &[(usize, u16)]) -> Vec<u16> {
    for &(place, value) in changes {
        values[place] = value;
    }
    values
}

/// Takes a block over that no guard refuses; what is held until it is read again is.
pub(crate) fn take(plant: &mut Plant, key: BlockKey, values: &[u16]) {
    let mut taken = plant.accept(key, values, None, Duration::from_secs(1));
    for _ in 0..2 {
        if let Err(Refused::Held(_)) = taken {
            taken = plant.accept(key, values, None, Duration::from_secs(1));
        }
    }
    taken.unwrap_or_else(|refused| panic!("{key}: {refused}"));
}

/// Takes a block over twice: only a second reading says that energy counters are to be believed.
pub(crate) fn take_twice(plant: &mut Plant, key: BlockKey, values: &[u16]) {
    take(plant, key, values);
    take(plant, key, values);
}

/// A plant that read these blocks, in this order, and what it measures twice.
pub(crate) fn plant_of(blocks: &[Read]) -> Plant {
    let mut plant = Plant::new();
    for (key, values) in blocks {
        take(&mut plant, *key, values);
        if key.bank == Bank::Input {
            take(&mut plant, *key, values);
        }
    }
    plant
}

/// What it shows at noon of a day in June, British time.
pub(crate) fn snapshot(plant: &Plant) -> Snapshot {
    let now: Timestamp = "2026-06-05T11:00:00Z".parse().unwrap();
    let zone = TimeZone::get("Europe/London").unwrap();
    let stats = Stats { online: true, last_updated: Some(now), since_previous: Some(15.0), ..Stats::default() };
    let context = SnapshotContext {
        now,
        elapsed: Duration::from_secs(1),
        zone,
        stats,
        prices: Arc::default(),
        overrides: Some(Overrides::default()),
    };
    let mut plant = plant.clone();
    while let Some(question) = plant.open_question() {
        plant.probe_failed(question);
    }
    plant.snapshot(&context).expect("an identity")
}

/// An inverter of this device type and firmware that measures these input registers, everything else being as the
/// hybrid's first blocks are; further settings as (address, value).
pub(crate) fn measuring(code: u16, arm: u16, settings: &[(u16, u16)], measured: &[(u16, u16)]) -> Snapshot {
    let mut plant = plant_of(&[(FIRST, first_block_of(code, arm))]);
    for (bank, registers) in [(Bank::Holding, settings), (Bank::Input, measured), (Bank::Input, measured)] {
        for &(address, value) in registers {
            take(&mut plant, BlockKey::new(INVERTER, bank, address, 1), &[value]);
        }
    }
    snapshot(&plant)
}

/// A page of a device in which every field of these tables says something plausible.
pub(crate) fn filled(device: u8, bank: Bank, base: u16, fields: &[&'static Field]) -> Read {
    let mut values = vec![1; 60];
    for field in fields.iter().filter(|field| field.bank == bank && (base..base + 60).contains(&field.address)) {
        let at = usize::from(field.address - base);
        match (field.kind, field.range) {
            (Kind::Text(5), _) => {
                let serial = format!("CE2530G{:03}", field.address % 1000);
                for (value, pair) in values[at..].iter_mut().zip(serial.as_bytes().chunks(2)) {
                    *value = u16::from_be_bytes([pair[0], pair[1]]);
                }
            }
            (Kind::Text(count), _) => values[at..at + usize::from(count)].fill(0x4131),
            (Kind::Version8, _) => values[at..at + 2].fill(0x4141),
            (Kind::U16, Some((min, max))) if min > 0.0 => {
                values[at] = (f64::midpoint(min, max) * 10f64.powi(i32::from(field.places))) as u16;
            }
            _ => {}
        }
    }
    (BlockKey::new(device, bank, base, 60), values)
}

/// Every block of an inverter of this type code, its registers all saying something, and its devices'.
pub(crate) fn filled_plant(code: u16, arm: u16) -> Vec<Read> {
    let own = |bank, base, fields| filled(INVERTER, bank, base, fields);
    let mut blocks = vec![(FIRST, first_block_of(code, arm))];
    blocks.extend([60, 120, 180, 240, 300].map(|base| own(Bank::Holding, base, single_phase::FIELDS)));
    blocks.extend([0, 180, 240].map(|base| own(Bank::Input, base, single_phase::FIELDS)));
    match code >> 12 {
        4 => {
            blocks.extend([1000, 1020, 1080].map(|base| own(Bank::Holding, base / 60 * 60, three_phase::FIELDS)));
            blocks.extend((16..24).map(|page| own(Bank::Input, page * 60, three_phase::FIELDS)));
        }
        5 => {
            blocks.push(own(Bank::Holding, 2040, ems::FIELDS));
            let (key, values) = own(Bank::Input, 2040, ems::FIELDS);
            blocks.push((key, with(values, &[(3, 0x5555)])));
        }
        7 => {
            blocks.extend([26, 27, 29, 30].map(|page| own(Bank::Input, page * 60, gateway::FIELDS)));
            let (key, values) = own(Bank::Input, 1680, gateway::FIELDS);
            blocks.push((key, with(values, &[(20, 3), (21, 3)])));
        }
        _ => {}
    }
    if matches!(code >> 8, 0x40 | 0x80) {
        blocks.push((BlockKey::new(0xa0, Bank::Input, 60, 60), vec![1; 60]));
        let (key, values) = filled(0x70, Bank::Input, 60, hv_bcu::FIELDS);
        blocks.push((key, with(values, &[(7, 24), (8, 24)])));
        blocks.push(filled(0x50, Bank::Input, 60, hv_bmu::FIELDS));
    }
    blocks.extend([plan::meter(1), plan::meter_product(1)].map(|key| (key, block(key))));
    blocks
}
