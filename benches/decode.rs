//! Decoding one full refresh of a hybrid with two batteries, from bytes to a snapshot.

#![allow(clippy::expect_used, reason = "a benchmark that cannot run says so")]

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use divan::{Bencher, black_box};
use givtcp::catalogue::Layout;
use givtcp::frame::{Answer, BlockKey, DongleCodec, Frame};
use givtcp::plant::snapshot::Stats;
use givtcp::plant::{Plant, SnapshotContext};
use givtcp::registers::plan::{self, Due};
use givtcp::simulator::{Options, Simulator};
use jiff::{Timestamp, tz::TimeZone};
use tokio_util::codec::{Decoder, Encoder};

fn main() {
    divan::main();
}

/// The frames of one full refresh, as bytes.
fn refresh() -> BytesMut {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let _guard = runtime.enter();
    let simulator = Simulator::new(Options::default());
    let read = |key: BlockKey| -> Vec<u16> {
        (key.base..key.base + key.count)
            .map(|register| simulator.get(key.device, key.bank, register).unwrap_or_default())
            .collect()
    };
    let mut plant = Plant::new();
    let identity = BlockKey::new(0x11, givtcp::frame::Bank::Holding, 0, 60);
    for key in [identity, plan::battery(0x32), plan::battery(0x33)] {
        // What is doubted until it is read again is.
        let taken = (0..2).find_map(|_| plant.accept(key, &read(key), None, Duration::ZERO).ok());
        taken.expect("the inverter and its batteries");
    }
    let mut bytes = BytesMut::new();
    for key in plan::blocks(plant.capabilities().expect("capabilities"), Due { live: true, settings: true }) {
        let answer = Answer::Read { bank: key.bank, base: key.base, values: read(key) };
        let (adapter, serial) = (simulator.dongle_serial(), simulator.inverter_serial());
        DongleCodec::default()
            .encode(&Frame::Reply { adapter, device: key.device, serial, answer }, &mut bytes)
            .expect("a frame");
    }
    bytes
}

fn decode(plant: &mut Plant, bytes: &mut BytesMut) {
    let mut codec = DongleCodec::default();
    while let Ok(Some(item)) = codec.decode(bytes) {
        if let Ok(Frame::Reply { device, serial, answer: Answer::Read { bank, base, values }, .. }) = item {
            let key = BlockKey::new(device, bank, base, values.len() as u16);
            // The first block of a device is held until it is read again, so a plant is fed twice.
            let _ = plant.accept(key, &values, Some(serial), Duration::ZERO);
        }
    }
}

fn context() -> SnapshotContext {
    SnapshotContext {
        now: Timestamp::UNIX_EPOCH,
        elapsed: Duration::ZERO,
        zone: TimeZone::UTC,
        stats: Stats::default(),
        prices: Arc::default(),
        overrides: None,
    }
}

/// Aim: under 100 µs.
#[divan::bench]
fn full_refresh_to_snapshot(bencher: Bencher) {
    let bytes = refresh();
    let mut plant = Plant::new();
    (0..2).for_each(|_| decode(&mut plant, &mut bytes.clone()));
    bencher.with_inputs(|| bytes.clone()).bench_local_values(|mut bytes| {
        decode(&mut plant, &mut bytes);
        black_box(plant.snapshot(&context()))
    });
}

/// From a snapshot to every leaf that is published of it, registers included.
#[divan::bench]
fn snapshot_to_leaves(bencher: Bencher) {
    let mut plant = Plant::new();
    (0..2).for_each(|_| decode(&mut plant, &mut refresh()));
    let snapshot = plant.snapshot(&context()).expect("a snapshot");
    let mut layout = Layout::new(true);
    bencher.bench_local(|| black_box(layout.tree(&snapshot)));
}
