//! From a request to the bytes that leave the dongle, with what goes wrong on the way.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio_util::codec::Encoder;

use super::content;
use super::faults::Fault;
use super::state::State;
use crate::frame::{Answer, Ask, DongleCodec, Frame};

/// What becomes of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// Nobody hears anything.
    Nothing,
    /// The connection that asked is closed.
    Close,
    /// Every client gets these bytes now.
    Now(Bytes),
    /// Every client gets these bytes later.
    Later(Duration, Bytes),
}

/// Answers one request. A device that does not exist is silent, whatever the faults.
pub(super) fn answer(state: &mut State, device: u8, ask: Ask) -> Delivery {
    if !state.registers().has_device(device) {
        return Delivery::Nothing;
    }
    let Some(answer) = (match lost(state, device, ask) {
        Some(delivery) => return delivery,
        None if state.happens(Fault::Error) => Some(refusal(state, ask)),
        None => state.execute(device, ask),
    }) else {
        return Delivery::Nothing;
    };
    let answer = match answer {
        Answer::Read { bank, base, mut values } => {
            content::spoil(state, (device, bank, base), &mut values);
            Answer::Read { bank, base, values }
        }
        answer => answer,
    };
    let mut sent = BytesMut::new();
    if state.happens(Fault::Garbage) {
        let count = state.rng.usize(1..=40);
        sent.extend((0..count).map(|_| state.rng.u8(..)));
    }
    let mut frame = frame_of(state, device, answer);
    damage(state, &mut frame);
    sent.unsplit(frame);
    if state.happens(Fault::Foreign) {
        sent.unsplit(foreign(state));
    }
    if state.happens(Fault::Late) {
        return Delivery::Later(state.between(2.0, 5.0), sent.freeze());
    }
    Delivery::Now(sent.freeze())
}

/// A request or its answer may be lost. Which of both, only the plant knows: a lost answer's write has its effect.
fn lost(state: &mut State, device: u8, ask: Ask) -> Option<Delivery> {
    let delivery = if state.happens(Fault::Reset) {
        Delivery::Close
    } else if state.happens(Fault::Silence) {
        Delivery::Nothing
    } else {
        return None;
    };
    if state.rng.bool() {
        state.execute(device, ask);
    }
    Some(delivery)
}

fn refusal(state: &mut State, ask: Ask) -> Answer {
    let (function, base, count) = match ask {
        Ask::Read { bank, base, count } => (bank.function(), base, count),
        Ask::Write { register, value } => (crate::frame::WRITE_HOLDING, register, value),
    };
    Answer::Error { function, base, count: if state.rng.bool() { count } else { 0 } }
}

/// The frame's bytes, with its CRC wrong or its end missing.
fn damage(state: &mut State, frame: &mut BytesMut) {
    if state.happens(Fault::Crc)
        && let Some(last) = frame.last_mut()
    {
        *last ^= state.rng.u8(1..);
    }
    if frame.len() > 1 && state.happens(Fault::Cut) {
        frame.truncate(state.rng.usize(1..frame.len()));
    }
}

/// What another client might just have asked for.
fn foreign(state: &mut State) -> BytesMut {
    let blocks = state.registers().blocks();
    if blocks.is_empty() {
        return BytesMut::new();
    }
    let chosen = state.rng.usize(..blocks.len());
    match blocks.into_iter().nth(chosen) {
        Some((device, bank, base, values)) => frame_of(state, device, Answer::Read { bank, base, values }),
        None => BytesMut::new(),
    }
}

fn frame_of(state: &State, device: u8, answer: Answer) -> BytesMut {
    let frame = Frame::Reply { adapter: state.dongle(), device, serial: state.inverter(), answer };
    let mut bytes = BytesMut::new();
    // Only a block of more than 60 registers cannot be encoded, and a request cannot ask for one.
    let encoded = DongleCodec::default().encode(&frame, &mut bytes);
    debug_assert!(encoded.is_ok(), "{encoded:?}");
    bytes
}
