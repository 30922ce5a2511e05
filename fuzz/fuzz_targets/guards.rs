//! True blocks of one plant, and now and then a wrong one with everything right around it: who and what the devices are
//! is what they are, and a battery shows nothing far from what it has.
#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use givtcp::plant::{Model, Plant};
use givtcp_fuzz::{Bytes, Read, check_published, hybrid, read, snapshot};
use libfuzzer_sys::fuzz_target;

static HYBRID: LazyLock<Vec<Read>> = LazyLock::new(hybrid);

// Each of five bytes: which block is wrong in this poll (none beyond them), how, where, and by what.
fuzz_target!(|data: &[u8]| {
    let all = &*HYBRID;
    let (mut plant, mut at, mut bytes) = (Plant::new(), Duration::ZERO, Bytes(data));
    let good = |plant: &mut Plant, at| all.iter().for_each(|(key, values)| read(plant, *key, values, values, at));
    if bytes.byte() & 1 == 1 {
        good(&mut plant, at);
    }
    let mut wrong_before = None;
    for _ in 0..64 {
        if !bytes.more() {
            break;
        }
        at += Duration::from_secs(15);
        let (place, how, register, by) = (bytes.byte(), bytes.byte(), bytes.byte(), bytes.word());
        // Energy and what else the inverter measures is another guard's business, and has no second witness here. What
        // is wrong in the same way poll after poll is what the plant says, to all that anyone can know.
        let place = usize::from(place) % 16;
        let wrong = (![3, 4].contains(&place) && wrong_before != Some(place)).then_some(place);
        wrong_before = wrong;
        for (index, (key, values)) in all.iter().enumerate() {
            let first = if wrong == Some(index) { corrupt(values, how, register, by) } else { values.clone() };
            read(&mut plant, *key, &first, values, at);
        }
        check(&plant);
    }
    if let Some(seen) = snapshot(&plant) {
        check_published(&seen);
    }
});

fn corrupt(truth: &[u16], how: u8, register: u8, by: u16) -> Vec<u16> {
    let mut values = truth.to_vec();
    let at = usize::from(register) % values.len();
    let other = &HYBRID[usize::from(by) % HYBRID.len()].1;
    match how % 7 {
        0 => values[at] ^= 1 << (by % 16),
        1 => values[at] = by,
        2 => values[at] = values[at].wrapping_mul(10),
        3 => values.fill(0),
        4 => values.iter_mut().zip(other).skip(at).for_each(|(value, other)| *value = *other),
        5 => values.iter_mut().zip(other).for_each(|(value, other)| *value = *other),
        _ => values.iter_mut().skip(at).for_each(|value| *value = by),
    }
    values
}

fn check(plant: &Plant) {
    let Some(seen) = snapshot(plant) else { return };
    let first = &HYBRID[0].1;
    assert_eq!(seen.identity.serial.registers()[..], first[13..18]);
    assert_eq!((seen.identity.model, seen.identity.arm_firmware), (Model::HybridGen1, first[21]));
    for battery in &seen.batteries {
        let page = &HYBRID[5 + usize::from(battery.address - 0x32)].1;
        assert_eq!(battery.serial.registers()[..], page[50..55]);
        for (cell, &raw) in battery.cells.iter().zip(page) {
            assert!(cell.is_none_or(|volts| (volts - f64::from(raw) / 1e3).abs() < 0.301), "{:?}", battery.cells);
        }
        assert!(battery.soc.is_none_or(|soc| soc.abs_diff(page[40].into()) <= 10), "{:?}", battery.soc);
    }
}
