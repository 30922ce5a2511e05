//! Recordings of real plants against the guards: what is true is believed.

use std::collections::BTreeMap;
use std::time::Duration;

use givtcp::capture;
use givtcp::frame::{Answer, BlockKey, Frame};
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
    for (at, item) in capture::received(text).expect("a recording") {
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
                if std::env::var_os("SHOW").is_some() {
                    println!("{elapsed:?} {key} held {reason}");
                }
            }
            Err(Refused::Rejected(reason)) => {
                *said.rejected.entry(reason).or_default() += 1;
                if std::env::var_os("SHOW").is_some() {
                    println!("{elapsed:?} {key} rejected {reason}");
                }
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

#[test]
fn explore() {
    let Some(captures) = captures::find("captures") else { return };
    for entry in std::fs::read_dir(&captures).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "log") {
            continue;
        }
        println!("{}: {:#?}", path.display(), replay(&std::fs::read_to_string(&path).unwrap()));
    }
}
