//! Any blocks of any device behind an inverter of any model: no panic, and nothing published that cannot be.
#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use givtcp::frame::BlockKey;
use givtcp::plant::Plant;
use givtcp_fuzz::{BANKS, BASES, Bytes, DEVICES, Read, check_published, hybrid, read, snapshot};
use libfuzzer_sys::fuzz_target;

static HYBRID: LazyLock<Vec<Read>> = LazyLock::new(hybrid);

// Device type code, ARM firmware, whether the hybrid's blocks come first; then blocks, each of device, bank, base,
// count, seconds since the last one, and its values.
fuzz_target!(|data: &[u8]| {
    let mut bytes = Bytes(data);
    let (code, arm, known) = (bytes.word(), bytes.word(), bytes.byte() & 1 == 1);
    let (mut plant, mut at) = (Plant::new(), Duration::ZERO);
    let (first, mut values) = HYBRID[0].clone();
    (values[0], values[21]) = (code, arm);
    read(&mut plant, first, &values, &values, at);
    for (key, values) in HYBRID.iter().skip(1).filter(|_| known) {
        read(&mut plant, *key, values, values, at);
    }
    while bytes.more() {
        let device = DEVICES[usize::from(bytes.byte()) % DEVICES.len()];
        let bank = BANKS[usize::from(bytes.byte()) % BANKS.len()];
        let base = BASES[usize::from(bytes.byte()) % BASES.len()];
        let count = u16::from(bytes.byte()) % 61;
        at += Duration::from_secs(bytes.byte().into());
        let values: Vec<u16> = (0..count).map(|_| bytes.word()).collect();
        read(&mut plant, BlockKey::new(device, bank, base, count), &values, &values, at);
        let _ = plant.occurrences(at);
    }
    assert!(plant.held().count() <= 64);
    if let Some(snapshot) = snapshot(&plant) {
        check_published(&snapshot);
    }
});
