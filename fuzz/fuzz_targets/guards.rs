//! What a plant says, with lies in between, as the field has them: the plant that is published is always the one that is
//! there, and energy totals never fall.
//!
//! An input is a [`Story`]. Lies are as chance makes them, not as an enemy would: one block is never wrong three times
//! running, and never twice in the same way, since no guard can tell a lie from a change once it is repeated.
#![no_main]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use givtcp::catalogue::{Layout, Payload, Tree};
use givtcp::frame::{Bank, BlockKey};
use givtcp::plant::Plant;
use givtcp_fuzz::truth::{self, FIRST, Truth};
use givtcp_fuzz::{published, seeds};
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

/// More steps than this teach nothing new.
const MOST_STEPS: usize = 300;

/// A plant and what is read of it.
#[derive(Arbitrary, Debug)]
struct Story {
    plant: u8,
    steps: Vec<Step>,
}

/// A read of a block, and the time that passes before it.
#[derive(Arbitrary, Debug)]
struct Step {
    block: u8,
    lie: Lie,
    /// Below 128 tens of seconds, from there on quarters of an hour.
    wait: u8,
}

/// What is wrong with a block, all of it with a valid CRC.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Lie {
    None,
    Bit { register: u8, bit: u8 },
    HighWord { register: u8, by: u8 },
    TimesTen { register: u8 },
    Zeros,
    Splice { from: u8, until: u8, other: u8 },
    Elsewhere { other: u8 },
    IpPacket { noise: u16 },
    Repeat,
    Silence,
}

/// What two lies have in common that could confirm each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    Register(usize),
    Zeros,
    Others,
    Packet,
    Past,
}

/// What a stray IP packet has been seen to leave, by offset in the block.
const IP_PACKET: [(usize, u16); 17] = [
    (28, 0x4c32),
    (30, 0xa119),
    (31, 0x34ea),
    (32, 0xe77f),
    (33, 0xd475),
    (35, 0x4500),
    (40, 0xe4f9),
    (41, 0xc0a8),
    (43, 0xc0a8),
    (46, 0xc5e9),
    (50, 0x60ef),
    (51, 0x8018),
    (52, 0x43e0),
    (53, 0xf6ce),
    (56, 0x080a),
    (58, 0xfcc1),
    (59, 0x661e),
];

fuzz_target!(
    init: seeds::write(days()),
    |story: Story| {
        let truth = &truth::plants()[usize::from(story.plant) % truth::plants().len()];
        let mut reading = Reading::new(truth);
        for step in story.steps.iter().take(MOST_STEPS) {
            reading.step(step);
        }
        if let Some(snapshot) = truth::snapshot(&mut reading.plant, reading.elapsed) {
            published::check(&reading.layout.tree(&snapshot));
        }
    }
);

struct Reading<'a> {
    truth: &'a Truth,
    plant: Plant,
    layout: Layout,
    elapsed: Duration,
    /// What was told last of each block, if it was not true: the lies since the last truth.
    lies: BTreeMap<BlockKey, Vec<About>>,
    /// The last true answer of each block.
    last: BTreeMap<BlockKey, Vec<u16>>,
    totals: BTreeMap<String, f64>,
    /// Every path that was published, and whether it says who or what something is.
    paths: HashMap<String, bool>,
    /// Blocks of which something was refused.
    refused: BTreeSet<BlockKey>,
}

impl<'a> Reading<'a> {
    fn new(truth: &'a Truth) -> Self {
        Self {
            truth,
            plant: Plant::new(),
            layout: Layout::new(true),
            elapsed: Duration::ZERO,
            lies: BTreeMap::new(),
            last: BTreeMap::new(),
            totals: BTreeMap::new(),
            paths: HashMap::new(),
            refused: BTreeSet::new(),
        }
    }

    fn step(&mut self, step: &Step) {
        let wait = match step.wait {
            tens @ 0..128 => u64::from(tens) * 10,
            quarters => u64::from(quarters - 127) * 900,
        };
        self.elapsed = (self.elapsed + Duration::from_secs(wait)).min(self.truth.length());
        let key = self.truth.keys[usize::from(step.block) % self.truth.keys.len()];
        if matches!(step.lie, Lie::Silence) {
            self.plant.failed(key);
        } else {
            let values = self.told(key, step.lie);
            let verdict = self.plant.accept(key, &values, Some(self.truth.inverter), self.elapsed);
            // A block that was refused changed nothing. (Another inverter ends a connection, and the next begins.)
            if verdict.is_err() && !self.refused.insert(key) {
                return;
            }
        }
        if let Some(snapshot) = truth::snapshot(&mut self.plant, self.elapsed) {
            let tree = self.layout.tree(&snapshot);
            self.check_names(&tree);
            self.check_totals(&tree);
        }
    }

    /// The block's values, with the lie in them if it may be told.
    fn told(&mut self, key: BlockKey, lie: Lie) -> Vec<u16> {
        let values = self.truth.values(key, self.elapsed).expect("a block that answers").to_vec();
        if let Some(about) = about(lie, key)
            && let told = self.lies.entry(key).or_default()
            && told.len() < 2
            && !told.contains(&about)
        {
            let lied = self.lied(key, lie, values.clone());
            if lied != values {
                self.lies.entry(key).or_default().push(about);
                return lied;
            }
        }
        self.lies.remove(&key);
        self.last.insert(key, values.clone());
        values
    }

    fn lied(&self, key: BlockKey, lie: Lie, mut values: Vec<u16>) -> Vec<u16> {
        let at = |register: u8| usize::from(register) % usize::from(key.count);
        let other = |other: u8| {
            let other = self.truth.keys[usize::from(other) % self.truth.keys.len()];
            self.truth.values(other, self.elapsed).unwrap_or_default()
        };
        match lie {
            Lie::None | Lie::Silence => {}
            Lie::Bit { register, bit } => values[at(register)] ^= 1 << (bit % 16),
            Lie::HighWord { register, by } => {
                let register = &mut values[at(register)];
                *register = register.wrapping_add(u16::from(by));
            }
            Lie::TimesTen { register } => {
                let register = &mut values[at(register)];
                *register = register.saturating_mul(10);
            }
            Lie::Zeros => values.fill(0),
            Lie::Splice { from, until, other: of } => {
                let (from, until) = (at(from), at(until));
                for (value, &others) in values.iter_mut().zip(other(of)).take(until + 1).skip(from) {
                    *value = others;
                }
            }
            Lie::Elsewhere { other: of } => {
                for (value, &others) in values.iter_mut().zip(other(of)) {
                    *value = others;
                }
            }
            Lie::IpPacket { noise } => {
                for (value, step) in values.iter_mut().zip(1..) {
                    *value = noise.wrapping_mul(step);
                }
                for (at, left) in IP_PACKET {
                    if let Some(value) = values.get_mut(at) {
                        *value = left;
                    }
                }
            }
            Lie::Repeat => values.clone_from(self.last.get(&key).unwrap_or(&values.clone())),
        }
        values
    }

    fn check_names(&mut self, tree: &Tree) {
        let truth = self.truth;
        assert_eq!(tree.serial, truth.inverter, "another inverter");
        for leaf in &tree.leaves {
            let path = &*leaf.path;
            let is_name = match self.paths.get(path) {
                Some(&is_name) => is_name,
                None => {
                    let stranger =
                        path.split('/').find(|level| truth::is_serial(level) && !truth.levels.contains(*level));
                    assert_eq!(stranger, None, "no such device: {path}");
                    *self.paths.entry(path.to_owned()).or_insert(truth::is_name(path))
                }
            };
            if is_name {
                let said = leaf.payload.to_string();
                assert!(truth.names.contains(&*said), "no such name at {path}: {said}");
            }
        }
    }

    fn check_totals(&mut self, tree: &Tree) {
        for leaf in tree.leaves.iter().filter(|leaf| leaf.path.starts_with("Energy/Total/")) {
            let Payload::Float(now) = leaf.payload else { continue };
            let before = self.totals.insert(leaf.path.to_string(), now);
            assert!(before.is_none_or(|before| before <= now), "{} fell from {before:?} to {now}", leaf.path);
        }
    }
}

/// What a lie is about; nothing for the truth, and where this block can have no such lie.
fn about(lie: Lie, key: BlockKey) -> Option<About> {
    match lie {
        Lie::None | Lie::Silence => None,
        Lie::Bit { register, .. } | Lie::HighWord { register, .. } | Lie::TimesTen { register } => {
            Some(About::Register(usize::from(register) % usize::from(key.count)))
        }
        Lie::Zeros => Some(About::Zeros),
        Lie::Splice { .. } | Lie::Elsewhere { .. } => Some(About::Others),
        Lie::IpPacket { .. } => (key.bank == Bank::Input && key.count == 60).then_some(About::Packet),
        Lie::Repeat => Some(About::Past),
    }
}

/// Every block four times over some hours, without a lie; then each lie in each block, with the truth before and after it.
fn days() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (number, plant) in (0..).zip(truth::plants()) {
        let blocks = 0..plant.keys.len() as u8;
        let first = plant.keys.iter().position(|key| *key == FIRST).expect("the first block") as u8;
        let all = |wait| blocks.clone().map(move |block| truthful(block, wait));
        seeds.push(story(number, (0..4).flat_map(|_| all(30))));
        for block in blocks.clone() {
            let known = [first, first, first, block, block, block].map(|block| truthful(block, 0));
            let lies = (1..10).flat_map(|lie| [liar(block, lie), truthful(block, 3)]);
            seeds.push(story(number, known.into_iter().chain(lies)));
        }
    }
    seeds
}

fn story(plant: u8, steps: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut bytes = vec![plant];
    for step in steps {
        // As `arbitrary` reads a list: a 1 before each element.
        bytes.push(1);
        bytes.extend(step);
    }
    bytes.push(0);
    bytes
}

fn truthful(block: u8, wait: u8) -> Vec<u8> {
    [vec![block], kind(0).to_vec(), vec![wait]].concat()
}

fn liar(block: u8, lie: u8) -> Vec<u8> {
    let details: &[u8] = match lie {
        1 | 2 => &[14, 3],
        3 => &[14],
        5 => &[10, 40, 1],
        6 => &[1],
        7 => &[0x12, 0x34],
        _ => &[],
    };
    [&[block], &kind(lie)[..], details, &[2]].concat()
}

/// As `arbitrary` reads which variant it is of ten: its share of the range of 32 bits.
fn kind(number: u8) -> [u8; 4] {
    ((u64::from(number) << 32).div_ceil(10) as u32).to_le_bytes()
}
