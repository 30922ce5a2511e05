//! What the targets share: how bytes become blocks and corruptions, and the plant that they are done to.
//!
//! The formats are our own, simple ones, so that the seeds can be written by a program.

use std::time::Duration;

use givtcp::catalogue::{BATTERY, Entry, Layout, METER, PLANT, Payload, Tree};
use givtcp::frame::{Bank, BlockKey};
use givtcp::plant::snapshot::{Snapshot, Stats};
use givtcp::plant::{Plant, Refused, SnapshotContext};
use givtcp::simulator::{Options, Simulator};
use jiff::{Timestamp, tz::TimeZone};

/// Addresses that something answers at, and one that nothing does.
pub const DEVICES: [u8; 16] =
    [0x11, 0x31, 0x32, 0x33, 0x34, 0x37, 0x01, 0x02, 0x08, 0x30, 0x50, 0x51, 0x70, 0x71, 0xa0, 0xee];
/// Where blocks begin.
pub const BASES: [u16; 24] = [
    0, 60, 120, 180, 240, 300, 360, 540, 1000, 1060, 1120, 1180, 1240, 1300, 1360, 1600, 1660, 1720, 1780, 1840, 2040,
    20_000, 61, 65_500,
];
/// The banks.
pub const BANKS: [Bank; 3] = [Bank::Holding, Bank::Input, Bank::MeterProduct];

/// Takes numbers off the front of the input; zero when there is no more.
#[derive(Debug)]
pub struct Bytes<'a>(pub &'a [u8]);

impl Bytes<'_> {
    /// Whether there is more.
    pub fn more(&self) -> bool {
        !self.0.is_empty()
    }

    /// One byte.
    pub fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    /// Two bytes.
    pub fn word(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }
}

/// A block and what was read of it.
pub type Read = (BlockKey, Vec<u16>);

/// Every block of the simulator's hybrid with two batteries and a meter, standing still.
pub fn hybrid() -> Vec<Read> {
    let simulator = Simulator::new(Options { speed: 0.0, ..Options::default() });
    let keys = [
        BlockKey::new(0x11, Bank::Holding, 0, 60),
        BlockKey::new(0x11, Bank::Holding, 60, 60),
        BlockKey::new(0x11, Bank::Holding, 120, 60),
        BlockKey::new(0x11, Bank::Input, 0, 60),
        BlockKey::new(0x11, Bank::Input, 180, 60),
        BlockKey::new(0x32, Bank::Input, 60, 60),
        BlockKey::new(0x33, Bank::Input, 60, 60),
        BlockKey::new(0x01, Bank::Input, 60, 30),
        BlockKey::new(0x01, Bank::MeterProduct, 60, 9),
    ];
    let read = |key: BlockKey| -> Vec<u16> {
        (0..key.count).map(|at| simulator.get(key.device, key.bank, key.base + at).unwrap_or_default()).collect()
    };
    keys.map(|key| (key, read(key))).into()
}

/// Reads a block as a poll does: what is held is read again, and is `then` from the second time on.
pub fn read(plant: &mut Plant, key: BlockKey, first: &[u16], then: &[u16], at: Duration) {
    let mut values = first;
    for _ in 0..4 {
        match plant.accept(key, values, None, at) {
            Err(Refused::Held(_)) => values = then,
            _ => return,
        }
    }
}

/// What is shown now.
pub fn snapshot(plant: &Plant) -> Option<Snapshot> {
    let now = Timestamp::from_second(1_780_000_000).expect("a time");
    plant.snapshot(SnapshotContext { now, zone: TimeZone::UTC, stats: Stats::default() })
}

/// Everything that is published of a snapshot is a number that can be, or text.
pub fn check_published(snapshot: &Snapshot) -> Tree {
    let tree = Layout::new(true).tree(snapshot);
    for leaf in &tree.leaves {
        let number = match leaf.payload {
            Payload::Integer(number) => number as f64,
            Payload::Float(number) => number,
            Payload::Word(_) | Payload::Text(_) => continue,
        };
        assert!(number.is_finite(), "{}: {number}", leaf.path);
        if let Some(quantity) = quantity(&leaf.path, &tree.serial.to_string()) {
            assert!(quantity.admits(number), "{}: {number} is no {quantity:?}", leaf.path);
        }
    }
    tree
}

fn quantity(path: &str, serial: &str) -> Option<givtcp::catalogue::Quantity> {
    fn of<T>(entries: &[Entry<T>], is: impl Fn(&str) -> bool) -> Option<givtcp::catalogue::Quantity> {
        entries.iter().find(|entry| is(entry.path)).map(|entry| entry.quantity)
    }
    if path.starts_with("raw/") {
        return None;
    }
    let last = path.rsplit('/').next()?;
    of(PLANT, |known| known.replace("<serial>", serial) == path).or_else(|| {
        if path.starts_with("Meter_Details/") { of(METER, |known| known == last) } else { of(BATTERY, |known| known == last) }
    })
}
