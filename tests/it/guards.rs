//! Recordings of real plants against the guards: what is true is believed.

use std::collections::BTreeMap;
use std::time::Duration;

use givtcp::capture;
use givtcp::frame::{Answer, Bank, BlockKey, Frame};
use givtcp::plant::{Plant, Refused, Rejection};

use crate::captures;

/// What the guards said of a recording's replies.
#[derive(Debug, Default)]
struct Said {
    believed: u32,
    held: BTreeMap<Rejection, u32>,
    rejected: BTreeMap<Rejection, u32>,
    counted: BTreeMap<Rejection, u64>,
    implausible: Vec<(&'static str, u64)>,
}

fn replay(text: &str) -> Said {
    let (mut plant, mut said, mut began) = (Plant::new(), Said::default(), None);
    let received = capture::received(text).expect("a recording");
    // A poll asks an inverter who it is before all else; some recordings do not hold that.
    let first = received.iter().find_map(|(_, item)| match item {
        Ok(Frame::Reply { device: 0x11, answer: Answer::Read { bank: Bank::Holding, base: 0, values }, .. }) => {
            (values.len() == 60).then(|| values.clone())
        }
        _ => None,
    });
    for values in first.iter().chain(&first) {
        let _ = plant.accept(BlockKey::new(0x11, Bank::Holding, 0, 60), values, None, Duration::ZERO);
    }
    for (at, item) in received {
        let Ok(Frame::Reply { device, serial, answer: Answer::Read { bank, base, values }, .. }) = item else {
            continue;
        };
        let elapsed = at
            .zip(*began.get_or_insert(at))
            .map_or(Duration::ZERO, |(at, began)| Duration::try_from(at.duration_since(began)).expect("in order"));
        let key = BlockKey::new(device, bank, base, values.len() as u16);
        match plant.accept(key, &values, Some(serial), elapsed) {
            Ok(()) => said.believed += 1,
            Err(Refused::Held(reason)) => {
                *said.held.entry(reason).or_default() += 1;
                if reason == Rejection::StateChange {
                    // A poll reads it again at once; the recording has one read of it.
                    let again = (0..2).any(|_| plant.accept(key, &values, Some(serial), elapsed).is_ok());
                    assert!(again, "{key}: {reason}");
                }
            }
            Err(Refused::Rejected(reason)) => {
                *said.rejected.entry(reason).or_default() += 1;
            }
            Err(other) => panic!("{key}: {other}"),
        }
    }
    for reason in Rejection::ALL {
        if plant.rejections().of(reason) > 0 {
            said.counted.insert(reason, plant.rejections().of(reason));
        }
    }
    said.implausible = plant.implausible_fields().collect();
    said
}

fn said(name: &str) -> Option<Said> {
    captures::read(&format!("captures/{name}.log")).map(|text| replay(&text))
}

/// Nothing rejected, and nothing held that the next read did not confirm.
fn all_believed(name: &str) {
    let Some(mut said) = said(name) else { return };
    said.counted.remove(&Rejection::ImplausibleField);
    assert!(said.believed >= 18 && said.rejected.is_empty() && said.counted.is_empty(), "{name}: {said:#?}");
    for confirmed in [Rejection::FirstBlock, Rejection::StateChange] {
        said.held.remove(&confirmed);
    }
    assert!(said.held.is_empty(), "{name}: {said:#?}");
}

#[test]
fn every_reply_of_a_healthy_plant_is_believed() {
    all_believed("aio_arm612_5min");
    all_believed("aio_arm620_redetect_7min");
    all_believed("giv3hy11_da011_detect_10min");
    all_believed("ems_arm1036_60s");
    all_believed("gateway_gaaa0014_10min_daylight");
    all_believed("gateway_gaaa0014_10min_night");
}

/// An address without a battery answers with something at first, and with zeros later.
#[test]
fn of_a_hybrid_only_the_zeros_of_an_empty_address_are_rejected() {
    let Some(said) = said("hybrid_gen1_arm449_0x11_poll_10min") else { return };
    assert_eq!(said.rejected, BTreeMap::from([(Rejection::AllZero, 1)]), "{said:#?}");
    assert_eq!(said.counted, BTreeMap::from([(Rejection::AllZero, 1)]), "{said:#?}");
}

/// Both batteries lose their temperatures for a while, which is in the recording: at 800 s the first, at 831 s the second.
#[test]
fn batteries_without_temperatures_are_rejected_until_they_have_them_again() {
    let Some(said) = said("ac_arm282_2x_givbat52_30min") else { return };
    assert_eq!(said.rejected, BTreeMap::from([(Rejection::Splice, 8)]), "{said:#?}");
}
