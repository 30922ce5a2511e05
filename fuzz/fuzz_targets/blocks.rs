//! Blocks of any device, place, length and content into a plant of any model, with what the poller does beside: nothing
//! panics, and whatever is published of it can be published.
//!
//! An input is a head (device type code, ARM firmware, further flags) and steps, each a byte that says what is done and
//! what that needs.
#![no_main]

use std::time::Duration;

use givtcp::catalogue::Layout;
use givtcp::frame::{Bank, BlockKey, Serial};
use givtcp::plant::Plant;
use givtcp::registers::plan::{self, Due};
use givtcp::registers::{
    Field, RegisterImage, Value, aio_battery, ems, gateway, gateway_v2, hv_bcu, hv_bmu, lv_battery, lv_bcu, meter,
    meter_product, single_phase, three_phase,
};
use givtcp_fuzz::reader::Reader;
use givtcp_fuzz::truth::{self, FIRST, Truth};
use givtcp_fuzz::{published, seeds};
use libfuzzer_sys::fuzz_target;

/// Device type codes of each model, two that are none, and whatever the input says.
const CODES: [u16; 20] = [
    0x2001, 0x2101, 0x2201, 0x2501, 0x3001, 0x3002, 0x4001, 0x4101, 0x5001, 0x5101, 0x6001, 0x7001, 0x8001, 0x8003,
    0x8101, 0x8201, 0x8304, 0x2301, 0x9001, 0x0000,
];
/// Where devices of all families answer.
const DEVICES: [u8; 22] = [
    0x11, 0x31, 0x32, 0x33, 0x37, 0x01, 0x02, 0x08, 0x50, 0x51, 0x53, 0x6f, 0x70, 0x71, 0x7f, 0x90, 0xa0, 0x00, 0x10,
    0x30, 0x38, 0xff,
];
/// Where their blocks begin.
const BASES: [u16; 22] = [
    0, 60, 120, 180, 240, 300, 360, 1000, 1060, 1120, 1180, 1240, 1300, 1360, 2040, 1600, 1660, 1720, 1780, 1840, 554,
    65520,
];
/// More steps than this teach nothing new.
const MOST_STEPS: usize = 200;

static TABLES: [&[&Field]; 12] = [
    single_phase::FIELDS,
    three_phase::FIELDS,
    lv_battery::FIELDS,
    lv_bcu::FIELDS,
    hv_bcu::FIELDS,
    hv_bmu::FIELDS,
    aio_battery::FIELDS,
    ems::FIELDS,
    gateway::FIELDS,
    gateway_v2::FIELDS,
    meter::FIELDS,
    meter_product::FIELDS,
];

fuzz_target!(
    init: seeds::write(reads()),
    |data: &[u8]| {
        let mut input = Reader(data);
        let truth = &truth::plants()[usize::from(input.byte()) % truth::plants().len()];
        let Some(mut plant) = begin(truth, &mut input) else { return };
        let mut layout = Layout::new(true);
        let mut elapsed = Duration::ZERO;
        for _ in 0..MOST_STEPS {
            if input.is_empty() {
                break;
            }
            elapsed += step(&mut plant, truth, elapsed, &mut layout, &mut input);
        }
        show(&mut plant, elapsed, &mut layout);
        read_every_field(plant.image());
    }
);

/// A plant that read the first block: the simulator's, of the input's model.
fn begin(truth: &Truth, input: &mut Reader<'_>) -> Option<Plant> {
    let choice = input.byte();
    let code = CODES.get(usize::from(choice)).copied().unwrap_or_else(|| input.word());
    let firmware = input.word();
    let mut values = truth.values(FIRST, Duration::ZERO)?.to_vec();
    (values[0], values[21]) = (code, firmware);
    let mut plant = Plant::new();
    truth::take(&mut plant, FIRST, &values, truth.inverter, Duration::ZERO);
    Some(plant)
}

/// Does one thing, and says how much time passes after it.
fn step(plant: &mut Plant, truth: &Truth, elapsed: Duration, layout: &mut Layout, input: &mut Reader<'_>) -> Duration {
    match input.byte() % 16 {
        0 => plant.failed(key(input)),
        1 => plant.missed(key(input)),
        2 => {
            let key = key(input);
            if let Some(mirror) = plant.mirror_of(key) {
                plant.use_mirror(mirror);
            }
            plant.use_mirror(key);
        }
        3 => {
            if let Some(probe) = plant.next_probe() {
                if input.byte() % 2 == 0 { plant.probe_answered(probe.key) } else { plant.probe_failed(probe.key) }
            }
        }
        4 => show(plant, elapsed, layout),
        5 => return Duration::from_secs(u64::from(input.word())),
        6 => {
            let due = input.byte();
            if let Some(capabilities) = plant.capabilities() {
                let blocks = plan::blocks(capabilities, Due { live: due & 1 != 0, settings: due & 2 != 0 });
                assert!(blocks.iter().all(|key| (1..=60).contains(&key.count)), "a block that cannot be asked for");
            }
        }
        7..=10 => true_but(plant, truth, elapsed, input),
        _ => anything(plant, truth, elapsed, input),
    }
    Duration::from_secs(1)
}

/// A block's name, mostly of one that there may be.
fn key(input: &mut Reader<'_>) -> BlockKey {
    let (device, bank, base) = (input.byte(), input.byte(), input.byte());
    let device = DEVICES.get(usize::from(device)).copied().unwrap_or(device);
    let base = BASES.get(usize::from(base)).copied().unwrap_or_else(|| input.word());
    let count = if bank & 0x40 == 0 { 60 } else { u16::from(input.byte()) };
    let bank = [Bank::Input, Bank::Holding, Bank::MeterProduct][usize::from(bank % 3)];
    BlockKey::new(device, bank, base, count)
}

/// The simulator's own block, with two registers changed.
fn true_but(plant: &mut Plant, truth: &Truth, elapsed: Duration, input: &mut Reader<'_>) {
    let key = truth.keys[usize::from(input.byte()) % truth.keys.len()];
    let mut values = truth.values(key, elapsed).expect("a block that answers").to_vec();
    for _ in 0..2 {
        let at = usize::from(input.byte()) % values.len();
        values[at] = values[at].wrapping_add(input.word());
    }
    let _ = plant.accept(key, &values, envelope(truth, input), elapsed);
}

/// Any block with any values: each from the input, or all alike.
fn anything(plant: &mut Plant, truth: &Truth, elapsed: Duration, input: &mut Reader<'_>) {
    let key = key(input);
    let form = input.byte();
    let length = if form & 0x80 == 0 { usize::from(key.count) } else { usize::from(input.byte()) };
    let values: Vec<u16> = match form % 4 {
        0 => vec![input.word(); length],
        1 => (0..length).map(|_| u16::from(input.byte())).collect(),
        _ => (0..length).map(|_| input.word()).collect(),
    };
    let _ = plant.accept(key, &values, envelope(truth, input), elapsed);
}

/// The serial that a reply bears: mostly the inverter's own.
fn envelope(truth: &Truth, input: &mut Reader<'_>) -> Option<Serial> {
    match input.byte() {
        0xff => None,
        0xfe => Some(Serial::new(std::array::from_fn(|_| input.byte()))),
        _ => Some(truth.inverter),
    }
}

fn show(plant: &mut Plant, elapsed: Duration, layout: &mut Layout) {
    if let Some(snapshot) = truth::snapshot(plant, elapsed) {
        published::check(&layout.tree(&snapshot));
    }
    let _ = plant.stacks();
}

/// Each field of each table, at each device of which anything was read.
fn read_every_field(image: &RegisterImage) {
    let mut devices: Vec<u8> = image.iter().map(|(device, ..)| device).collect();
    devices.dedup();
    for device in devices {
        let view = image.view(device).with_blanks();
        for field in TABLES.iter().copied().flatten() {
            let _ = (field.serial(view), field.slot(view), field.date_time(view), field.flag(view));
            match field.read(view) {
                Some(Value::Float(number)) => assert!(number.is_finite(), "{} at {device:#04x}: {number}", field.name),
                Some(Value::Text(text)) => {
                    assert!(!text.chars().any(char::is_control), "{} at {device:#04x}: {text:?}", field.name);
                }
                _ => {}
            }
        }
    }
}

/// Each plant read in full as each model; and each of its blocks as it is, at the place where it belongs.
fn reads() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (number, plant) in (0..).zip(truth::plants()) {
        for choice in 0..CODES.len() as u8 {
            let mut seed = vec![number, choice, 1, 0xc1];
            for block in 0..plant.keys.len() as u8 {
                seed.extend([7, block, 0, 0, 0, 0, 0, 0, 0]);
            }
            seed.extend([6, 3, 3, 0, 5, 0, 60, 4]);
            seeds.push(seed);
        }
        for key in &plant.keys {
            let mut seed = vec![number, 0, 1, 0xc1, 11, key.device, bank_byte(key.bank), 0xff];
            seed.extend(key.base.to_be_bytes());
            seed.extend([key.count as u8, 2]);
            let values = plant.values(*key, Duration::ZERO).expect("a block that answers");
            seed.extend(values.iter().flat_map(|value| value.to_be_bytes()));
            seed.extend([0, 4]);
            seeds.push(seed);
        }
    }
    seeds
}

/// What [`key`] reads a bank and a count of their own from.
const fn bank_byte(bank: Bank) -> u8 {
    match bank {
        Bank::Input => 0x42,
        Bank::Holding => 0x40,
        Bank::MeterProduct => 0x41,
    }
}
