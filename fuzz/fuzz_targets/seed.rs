//! No target: writes the seeds of all targets to fuzz/corpus when it starts (`-runs=0`). What the simulator's hybrid says, framed and as
//! blocks, and one of each corruption. It stands here because what is built for fuzzing links with libfuzzer only.
#![no_main]

use std::fs;
use std::path::Path;

use bytes::BytesMut;
use givtcp::frame::{Answer, Bank, DongleCodec, Frame, Serial};
use givtcp_fuzz::{BANKS, BASES, DEVICES, Read, hybrid};
use libfuzzer_sys::fuzz_target;
use tokio_util::codec::Encoder;

fuzz_target!(
    init: seeds().expect("the corpus can be written"),
    |_data: &[u8]| {}
);

fn seeds() -> std::io::Result<()> {
    let (folder, blocks) = (Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus")), hybrid());
    write(&folder.join("codec"), codec(&blocks))?;
    write(&folder.join("blocks"), self::blocks(&blocks))?;
    write(&folder.join("guards"), guards())
}

fn write(folder: &Path, seeds: Vec<Vec<u8>>) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    seeds.iter().enumerate().try_for_each(|(number, seed)| fs::write(folder.join(format!("seed-{number}")), seed))
}

/// Frames of every kind, each alone and all behind one another, behind the sizes of the chunks.
fn codec(blocks: &[Read]) -> Vec<Vec<u8>> {
    let serial = Serial::CLIENT;
    let reply = |device, answer| Frame::Reply { adapter: serial, device, serial, answer };
    let mut frames: Vec<_> = blocks
        .iter()
        .map(|(key, values)| {
            reply(key.device, Answer::Read { bank: key.bank, base: key.base, values: values.clone() })
        })
        .collect();
    frames.extend([
        Frame::Heartbeat { adapter: serial, kind: 1 },
        Frame::Null { device: 0x32 },
        reply(0x11, Answer::Error { function: Bank::Input.function(), base: 1000, count: 60 }),
        reply(0x11, Answer::Write { register: 116, value: 80 }),
    ]);
    let encoded = |frames: &[Frame]| {
        let mut bytes = BytesMut::from(&[255, 1, 60, 7, 200, 3, 19, 164][..]);
        for frame in frames {
            DongleCodec::default().encode(frame, &mut bytes).expect("a frame");
        }
        bytes.to_vec()
    };
    let mut seeds: Vec<_> = frames.chunks(1).map(encoded).collect();
    seeds.push(encoded(&frames));
    seeds
}

/// The hybrid's blocks as those of a model of each kind.
fn blocks(blocks: &[Read]) -> Vec<Vec<u8>> {
    let place = |index: Option<usize>| index.unwrap_or_default() as u8;
    let codes = [0x2001u16, 0x3001, 0x4001, 0x5001, 0x7001, 0x8001, 0x8101, 0x8304, 0x9001];
    let seed = |code: u16| {
        let mut seed = [code.to_be_bytes(), 449u16.to_be_bytes()].concat();
        seed.push(code as u8);
        for (key, values) in blocks {
            seed.extend([
                place(DEVICES.iter().position(|&device| device == key.device)),
                place(BANKS.iter().position(|&bank| bank == key.bank)),
                place(BASES.iter().position(|&base| base == key.base)),
                key.count as u8,
                15,
            ]);
            values.iter().for_each(|value| seed.extend(value.to_be_bytes()));
        }
        seed
    };
    codes.map(seed).into()
}

/// One of each corruption at each block, from the start and in the midst.
fn guards() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for running in [0, 1] {
        for how in 0..7 {
            let mut seed = vec![running];
            (0..9).for_each(|place| seed.extend([place, how, 13 + place, 0, place * 3]));
            seeds.push(seed);
        }
    }
    seeds
}
