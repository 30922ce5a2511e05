//! Bytes into the dongle's codec, in chunks as they may arrive: it never panics, never holds more than one frame, never
//! stands still, finds the next good frame whatever came before, and what it decodes it encodes to what decodes equal.
#![no_main]

use bytes::BytesMut;
use crc::{CRC_16_MODBUS, Crc};
use givtcp::frame::{Answer, Ask, Bank, DongleCodec, Frame, FrameError, Serial};
use givtcp_fuzz::{seeds, truth};
use libfuzzer_sys::fuzz_target;
use tokio_util::codec::{Decoder, Encoder};

/// The longest frame that is possible, with its prefix.
const LONGEST: usize = 306;
/// So many good frames that the longest cannot swallow them.
const ENOUGH: usize = 12;

fuzz_target!(
    init: seeds::write(captures()),
    |data: &[u8]| {
        let [most, mend, bytes @ ..] = data else { return };
        let mut bytes = bytes.to_vec();
        if *mend != 0 {
            mend_frames(&mut bytes, *mend);
        }
        let mut buffer = BytesMut::new();
        for chunk in chunks(&bytes, *most) {
            buffer.extend_from_slice(chunk);
            decode_all(&mut buffer);
            assert!(buffer.len() < LONGEST, "more than a frame is held: {}", buffer.len());
        }
        finds_the_next_good_frame(buffer.clone());
        ends(buffer);
    }
);

/// Makes the CRCs right, and with some of `mend` the inner lengths, so that chance comes past them.
fn mend_frames(bytes: &mut [u8], mend: u8) {
    const CRC: Crc<u16> = Crc::<u16>::new(&CRC_16_MODBUS);
    let mut from = 0;
    while let Some(at) = bytes[from..].windows(4).position(|window| window == [0x59, 0x59, 0, 1]) {
        from += at;
        let Some(&[high, low]) = bytes.get(from + 4..from + 6) else { return };
        let total = 6 + usize::from(u16::from_be_bytes([high, low]));
        if (30..LONGEST).contains(&total)
            && let Some(frame) = bytes.get_mut(from..from + total)
        {
            if mend & 2 != 0 {
                frame[18..26].copy_from_slice(&(total as u64 - 26).to_be_bytes());
            }
            let crc = CRC.checksum(&frame[26..total - 2]);
            frame[total - 2..].copy_from_slice(&crc.to_le_bytes());
        }
        from += 4;
    }
}

/// Chunks of at most `most` bytes, shorter and longer ones in turn; all at once for 0.
fn chunks(mut bytes: &[u8], most: u8) -> Vec<&[u8]> {
    let mut chunks = Vec::new();
    let mut state = most;
    while !bytes.is_empty() {
        state = state.wrapping_mul(29).wrapping_add(17);
        let length = if most == 0 { bytes.len() } else { 1 + usize::from(state % most) };
        let (chunk, rest) = bytes.split_at(length.min(bytes.len()));
        chunks.push(chunk);
        bytes = rest;
    }
    chunks
}

fn decode_all(buffer: &mut BytesMut) -> Option<Frame> {
    let mut last = None;
    loop {
        let before = buffer.len();
        let Some(item) = DongleCodec::default().decode(buffer).expect("the stream never ends") else { return last };
        assert!(buffer.len() < before, "nothing was consumed");
        if let Ok(frame) = item {
            comes_back(&frame);
            last = Some(frame);
        }
    }
}

fn comes_back(frame: &Frame) {
    if *frame == Frame::LanBroadcast {
        return;
    }
    let mut bytes = BytesMut::new();
    DongleCodec::default().encode(frame, &mut bytes).expect("a decoded frame can be encoded");
    let again = DongleCodec::default().decode(&mut bytes).expect("the stream never ends");
    assert_eq!(again, Some(Ok(frame.clone())));
    assert!(bytes.is_empty(), "more was encoded than a frame");
}

fn good() -> Frame {
    Frame::Request { adapter: Serial::CLIENT, device: 0x11, ask: Ask::Read { bank: Bank::Input, base: 0, count: 60 } }
}

fn finds_the_next_good_frame(mut buffer: BytesMut) {
    let mut last = None;
    for _ in 0..ENOUGH {
        DongleCodec::default().encode(&good(), &mut buffer).expect("a request");
        last = decode_all(&mut buffer);
    }
    assert_eq!(last, Some(good()));
}

/// The stream's end leaves nothing behind.
fn ends(mut buffer: BytesMut) {
    let mut codec = DongleCodec::default();
    while let Some(item) = codec.decode_eof(&mut buffer).expect("the stream never ends") {
        if let Err(FrameError::Truncated(bytes) | FrameError::Garbage(bytes)) = item {
            assert!(bytes > 0, "nothing was given up");
        }
    }
    assert!(buffer.is_empty(), "bytes are left: {}", buffer.len());
}

/// What the simulated plants answer, a frame a seed; all of it together; and requests, a refusal, a heartbeat.
fn captures() -> Vec<Vec<u8>> {
    let encoded = |frames: &[Frame]| {
        let mut bytes = BytesMut::new();
        for frame in frames {
            DongleCodec::default().encode(frame, &mut bytes).expect("a frame");
        }
        bytes.to_vec()
    };
    let mut frames = Vec::new();
    for plant in truth::plants() {
        let (adapter, serial) = (plant.dongle, plant.inverter);
        frames.extend(plant.keys.iter().map(|key| {
            let values = plant.values(*key, truth::BETWEEN).expect("a block that answers").to_vec();
            Frame::Reply {
                adapter,
                device: key.device,
                serial,
                answer: Answer::Read { bank: key.bank, base: key.base, values },
            }
        }));
        let refused = Answer::Error { function: 4, base: 180, count: 0 };
        let written = Answer::Write { register: 110, value: 4 };
        frames.extend([refused, written].map(|answer| Frame::Reply { adapter, device: 0x11, serial, answer }));
    }
    let adapter = Serial::CLIENT;
    frames.extend([
        good(),
        Frame::Request { adapter, device: 0x11, ask: Ask::Write { register: 110, value: 4 } },
        Frame::Heartbeat { adapter, kind: 1 },
        Frame::Null { device: 0x11 },
    ]);
    let each = frames.iter().map(|frame| [&[0, 3][..], &encoded(std::slice::from_ref(frame))].concat());
    let some =
        frames.chunks(4).zip(0u8..).map(|(some, number)| [&[number.wrapping_mul(37), 0][..], &encoded(some)].concat());
    each.chain(some).collect()
}
