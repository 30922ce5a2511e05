//! Recordings of the wire in which nothing tells whose they are.

use std::collections::VecDeque;

use bytes::BytesMut;
use jiff::Timestamp;
use tokio_util::codec::{Decoder, Encoder};

use super::aliases::Aliases;
use crate::capture::{Direction, Line};
use crate::frame::{Answer, Bank, DongleCodec, Frame, FrameError, Serial};
use crate::registers::{Field, ems, gateway, gateway_v2, hv_bcu, hv_bmu, lv_battery, meter_product, single_phase};

/// A dongle's frame tells a serial here, and a reply another one here.
const SERIALS_AT: [usize; 2] = [8, 28];
/// Bytes that are no frame are held back to be looked at as one piece, up to so many,
const LONGEST_ROUGH: usize = 1024;
/// and of more than these so many, in which the beginning of a serial, or of what tells where one is, has room.
const TAIL: usize = 64;

/// What every frame begins with.
const MARKER: [u8; 4] = [0x59, 0x59, 0x00, 0x01];

/// Where serials stand among registers, whichever device tells them.
const SERIALS: [&Field; 15] = [
    &single_phase::first_battery_serial_number,
    &single_phase::serial_number,
    &ems::inverter_1_serial_number,
    &ems::inverter_2_serial_number,
    &ems::inverter_3_serial_number,
    &ems::inverter_4_serial_number,
    &gateway::first_inverter_serial_number,
    &gateway::aio1_serial_number,
    &gateway::aio2_serial_number,
    &gateway::aio3_serial_number,
    &gateway_v2::aio2_serial_number,
    &gateway_v2::aio3_serial_number,
    &hv_bcu::serial_number,
    &hv_bmu::serial_number,
    &lv_battery::serial_number,
];

/// Gives devices other names in a recording while it is made.
///
/// Line by line as it was recorded, each of the same length; CRCs that were right are right again, and those that were
/// wrong stay wrong. What the dongle tells of its network is made zeros.
#[derive(Debug, Default)]
pub struct Redaction {
    received: Side,
    sent: Side,
    /// What was taken in and not given out: when, which way, how many bytes.
    waiting: VecDeque<(Option<Timestamp>, Direction, usize)>,
}

/// One direction.
#[derive(Debug, Default)]
struct Side {
    codec: DongleCodec,
    arrived: BytesMut,
    /// Bytes of no frame.
    rough: Vec<u8>,
    done: BytesMut,
}

impl Redaction {
    /// Takes a line, and gives those that are complete.
    pub fn push(&mut self, line: &Line, aliases: &mut Aliases) -> Vec<Line> {
        self.waiting.push_back((line.at, line.direction, line.bytes.len()));
        self.side(line.direction).take(&line.bytes, aliases);
        self.complete()
    }

    /// What is left, at the end.
    pub fn finish(&mut self, aliases: &mut Aliases) -> Vec<Line> {
        self.received.finish(aliases);
        self.sent.finish(aliases);
        self.complete()
    }

    fn side(&mut self, direction: Direction) -> &mut Side {
        match direction {
            Direction::Received => &mut self.received,
            Direction::Sent => &mut self.sent,
        }
    }

    fn complete(&mut self) -> Vec<Line> {
        let mut lines = Vec::new();
        while let Some(&(at, direction, length)) = self.waiting.front() {
            let done = &mut self.side(direction).done;
            if done.len() < length {
                break;
            }
            lines.push(Line { at, direction, bytes: done.split_to(length).to_vec() });
            self.waiting.pop_front();
        }
        lines
    }
}

impl Side {
    fn take(&mut self, bytes: &[u8], aliases: &mut Aliases) {
        self.arrived.extend_from_slice(bytes);
        loop {
            let before = self.arrived.clone();
            let Ok(Some(item)) = self.codec.decode(&mut self.arrived) else { return };
            self.piece(&before[..before.len() - self.arrived.len()], &item, aliases);
        }
    }

    fn finish(&mut self, aliases: &mut Aliases) {
        self.rough.extend_from_slice(&self.arrived.split());
        self.smooth(aliases);
    }

    /// A frame, or bytes that are none.
    fn piece(&mut self, bytes: &[u8], item: &Result<Frame, FrameError>, aliases: &mut Aliases) {
        let renamed = item.as_ref().ok().and_then(|frame| renamed(frame, bytes, aliases));
        match renamed {
            Some(frame) => {
                self.smooth(aliases);
                self.done.extend_from_slice(&frame);
            }
            None => {
                self.rough.extend_from_slice(bytes);
                if self.rough.len() > LONGEST_ROUGH {
                    let tail = self.rough.split_off(self.rough.len() - TAIL);
                    self.smooth(aliases);
                    self.rough = tail;
                }
            }
        }
    }

    /// Gives out what is no frame, without whatever looks like a serial or stands where one would.
    fn smooth(&mut self, aliases: &mut Aliases) {
        aliases.bytes(&mut self.rough);
        addresses(&mut self.rough);
        let begins: Vec<usize> =
            self.rough.windows(4).enumerate().filter(|(_, w)| *w == MARKER).map(|(at, _)| at).collect();
        for place in begins.into_iter().flat_map(|at| SERIALS_AT.map(|place| at + place)) {
            damaged(&mut self.rough, place, aliases);
        }
        self.done.extend_from_slice(&self.rough);
        self.rough.clear();
    }
}

/// The same frame of the same length with other names; `None` if it cannot be made so.
fn renamed(frame: &Frame, bytes: &[u8], aliases: &mut Aliases) -> Option<Vec<u8>> {
    let named = match frame.clone() {
        Frame::Heartbeat { adapter, kind } => Frame::Heartbeat { adapter: aliases.serial(adapter), kind },
        Frame::Request { adapter, device, ask } => Frame::Request { adapter: aliases.serial(adapter), device, ask },
        Frame::Reply { adapter, device, serial, answer } => {
            let (adapter, serial) = (aliases.serial(adapter), aliases.serial(serial));
            Frame::Reply { adapter, device, serial, answer: registers(answer, aliases) }
        }
        // They cannot be made anew.
        Frame::Null { .. } | Frame::LanBroadcast => return None,
    };
    let mut out = BytesMut::new();
    DongleCodec::default().encode(&named, &mut out).ok()?;
    (out.len() == bytes.len()).then(|| out.to_vec())
}

fn registers(answer: Answer, aliases: &mut Aliases) -> Answer {
    let Answer::Read { bank, base, values } = answer else { return answer };
    let mut bytes: Vec<u8> = values.iter().flat_map(|value| value.to_be_bytes()).collect();
    aliases.bytes(&mut bytes);
    for field in SERIALS.iter().filter(|field| field.bank == bank) {
        if let Some(at) = field.address.checked_sub(base) {
            damaged(&mut bytes, usize::from(at) * 2, aliases);
        }
    }
    let meter = meter_product::serial_number.address;
    if bank == Bank::MeterProduct
        && let Some(serial) = meter.checked_sub(base).and_then(|at| bytes.get_mut(usize::from(at) * 2..)?.get_mut(..4))
    {
        serial.fill(0);
    }
    let values = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    Answer::Read { bank, base, values }
}

/// Makes zeros of what is written as addresses are: digits with three dots at least.
fn addresses(bytes: &mut [u8]) {
    for run in bytes.split_mut(|byte| !byte.is_ascii_digit() && !b".,".contains(byte)) {
        if run.iter().filter(|byte| **byte == b'.').count() >= 3 {
            run.iter_mut().filter(|byte| byte.is_ascii_digit()).for_each(|byte| *byte = b'0');
        }
    }
}

/// Renames what stands where a serial should be and is none, as when its beginning is elsewhere or a bit was lost: most of
/// what tells one device from another are letters and digits, which numbers are not.
fn damaged(bytes: &mut [u8], at: usize, aliases: &mut Aliases) {
    let Some(told) = bytes.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<10>) else { return };
    let serial = Serial::new(*told);
    let letters = told[2..].iter().filter(|byte| byte.is_ascii_alphanumeric()).count();
    // A dongle that tells of its network has an address there.
    if !serial.is_plausible() && letters >= 6 && !told.contains(&b'.') {
        *told = *aliases.serial(serial).bytes();
    }
}

#[cfg(test)]
mod tests;
