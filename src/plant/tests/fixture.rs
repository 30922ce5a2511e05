//! Plants to test with: the simulator's hybrid, standing still, and inverters made of single registers.

use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};

use crate::frame::{Bank, BlockKey};
use crate::plant::snapshot::{Snapshot, Stats};
use crate::plant::{INVERTER, Plant, SnapshotContext};
use crate::registers::plan;
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

/// Takes a block over that no guard refuses.
pub(crate) fn take(plant: &mut Plant, key: BlockKey, values: &[u16]) {
    plant.accept(key, values, None, Duration::from_secs(1)).unwrap_or_else(|refused| panic!("{key}: {refused}"));
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
    plant.snapshot(SnapshotContext { now, zone, stats }).expect("an identity")
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
