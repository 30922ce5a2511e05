use std::io;

use bytes::{Buf, BufMut, BytesMut};
use crc::{CRC_16_MODBUS, Crc};
use tokio_util::codec::{Decoder, Encoder};

use super::{Answer, Ask, Bank, Frame, FrameError, MAX_REGISTERS, Serial, WRITE_HOLDING};

const CRC: Crc<u16> = Crc::<u16>::new(&CRC_16_MODBUS);
/// Transaction and protocol id; the same in every frame, so they find its beginning and nothing else.
const MARKER: [u8; 4] = [0x59, 0x59, 0x00, 0x01];
/// Bytes up to and with the outer length.
const PREFIX: usize = 6;
/// Bytes up to and with the outer function.
const HEAD: usize = 8;
/// Where the inner frame begins: the range of the CRC.
const INNER: usize = 26;
/// Where the payload of a reply begins.
const PAYLOAD: usize = 38;
const HEARTBEAT: u8 = 1;
const TRANSPARENT: u8 = 2;
/// The outer length of a heartbeat, the shortest frame.
const SHORTEST: u16 = 13;
/// No sane frame says more (a full read reply says 158).
const LONGEST: u16 = 300;
/// Inner length of a request, and of a reply that carries one register or an error.
const INNER_REQUEST: u64 = 8;
const INNER_ECHO: u64 = 18;

/// Between bytes and [`Frame`]s, in both directions.
///
/// Its item is a `Result`, because a decoder's own error would end the stream: a bad frame is a value, and the stream
/// goes on at the next marker. After a bad frame the search begins four bytes into it, so that a truncated frame does
/// not swallow its successor.
#[derive(Clone, Debug, Default)]
pub struct DongleCodec(());

impl DongleCodec {
    /// Gives up a partial frame at the head of the buffer, because nothing more came for it; the search goes on
    /// behind its marker. The codec has no clock: its owner decides when.
    pub fn give_up_partial(buffer: &mut BytesMut) -> Option<FrameError> {
        if buffer.is_empty() {
            return None;
        }
        let lost = buffer.len();
        let next = find_marker(buffer, 1).unwrap_or(lost);
        buffer.advance(next);
        Some(FrameError::Truncated(next))
    }
}

impl Decoder for DongleCodec {
    type Item = Result<Frame, FrameError>;
    type Error = io::Error;

    fn decode(&mut self, src: &mut BytesMut) -> io::Result<Option<Self::Item>> {
        let Some(start) = find_marker(src, 0) else {
            // A marker may be cut by the end of what has arrived.
            let keep = (1..MARKER.len()).rev().find(|&n| src.ends_with(&MARKER[..n])).unwrap_or(0);
            return Ok(skip(src, src.len() - keep));
        };
        if start > 0 {
            return Ok(skip(src, start));
        }
        if src.len() < HEAD {
            return Ok(None);
        }
        let (length, unit, function) = (u16::from_be_bytes([src[4], src[5]]), src[6], src[7]);
        if !header_is_possible(length, unit, function) {
            src.advance(MARKER.len());
            return Ok(Some(Err(FrameError::Header { unit, function, length })));
        }
        let total = PREFIX + length as usize;
        if src.len() < total {
            src.reserve(total - src.len());
            return Ok(truncated_by_successor(src));
        }
        match decode_frame(&src[..total]) {
            Ok(frame) => {
                src.advance(total);
                Ok(Some(Ok(frame)))
            }
            // A whole frame that is merely not known takes its whole length with it.
            Err(error @ (FrameError::Function(_) | FrameError::Count(_))) => {
                src.advance(total);
                Ok(Some(Err(error)))
            }
            Err(error) => {
                let next = find_marker(&src[..total], MARKER.len()).unwrap_or(total);
                // The end of a broken frame may be the cut marker of the next one.
                let next = if next == total { last_of_marker(&src[..total]) } else { next };
                src.advance(next);
                Ok(Some(Err(error)))
            }
        }
    }

    /// What is left when the stream ends is a truncated frame, not an error of the stream.
    fn decode_eof(&mut self, src: &mut BytesMut) -> io::Result<Option<Self::Item>> {
        match self.decode(src)? {
            Some(item) => Ok(Some(item)),
            None => Ok(Self::give_up_partial(src).map(Err)),
        }
    }
}

fn header_is_possible(length: u16, unit: u8, function: u8) -> bool {
    let length_fits = match function {
        HEARTBEAT => length == SHORTEST,
        TRANSPARENT => (SHORTEST..=LONGEST).contains(&length),
        _ => false,
    };
    length_fits && unit <= 1
}

fn find_marker(bytes: &[u8], from: usize) -> Option<usize> {
    let tail = bytes.get(from..)?;
    tail.windows(MARKER.len()).position(|window| window == MARKER).map(|at| at + from)
}

/// The bytes before a marker that is cut by the end of `bytes`.
fn last_of_marker(bytes: &[u8]) -> usize {
    let cut = (1..MARKER.len()).rev().find(|&n| bytes.ends_with(&MARKER[..n])).unwrap_or(0);
    bytes.len() - cut
}

fn skip(src: &mut BytesMut, count: usize) -> Option<Result<Frame, FrameError>> {
    if count == 0 {
        return None;
    }
    src.advance(count);
    Some(Err(FrameError::Garbage(count)))
}

/// A frame that is not whole yet, with a whole and correct one behind its marker, will never be whole.
/// (Register values may hold the marker's bytes, so the marker alone proves nothing.)
fn truncated_by_successor(src: &mut BytesMut) -> Option<Result<Frame, FrameError>> {
    let mut from = MARKER.len();
    while let Some(at) = find_marker(src, from) {
        let rest = &src[at..];
        let whole = rest.len() >= HEAD && {
            let length = u16::from_be_bytes([rest[4], rest[5]]);
            let total = PREFIX + length as usize;
            header_is_possible(length, rest[6], rest[7])
                && rest.len() >= total
                && matches!(
                    decode_frame(&rest[..total]),
                    Ok(Frame::Heartbeat { .. } | Frame::Request { .. } | Frame::Reply { .. })
                )
        };
        if whole {
            src.advance(at);
            return Some(Err(FrameError::Truncated(at)));
        }
        from = at + MARKER.len();
    }
    None
}

/// `bytes` is one frame whose head was found possible, whole by its outer length.
fn decode_frame(bytes: &[u8]) -> Result<Frame, FrameError> {
    let adapter = serial_at(bytes, HEAD);
    if bytes[7] == HEARTBEAT {
        return Ok(Frame::Heartbeat { adapter, kind: bytes[18] });
    }
    if is_lan_broadcast(bytes) {
        return Ok(Frame::LanBroadcast);
    }
    if bytes.len() < INNER + INNER_REQUEST as usize {
        return Err(FrameError::Truncated(bytes.len()));
    }
    let said = u64::from_be_bytes(std::array::from_fn(|i| bytes[18 + i]));
    let is = (bytes.len() - INNER) as u64;
    if said != is {
        return Err(FrameError::InnerLength { said, is });
    }
    let (device, function) = (bytes[INNER], bytes[INNER + 1]);
    let crc = u16::from_le_bytes([bytes[bytes.len() - 2], bytes[bytes.len() - 1]]);
    if function == 0 && crc == 0 {
        return Ok(Frame::Null { device });
    }
    let computed = CRC.checksum(&bytes[INNER..bytes.len() - 2]);
    if crc != computed {
        return Err(FrameError::Crc { said: crc, is: computed });
    }
    match function {
        0 => Ok(Frame::Null { device }),
        _ if said == INNER_REQUEST => {
            decode_ask(function, word(bytes, 28), word(bytes, 30)).map(|ask| Frame::Request { adapter, device, ask })
        }
        _ if !is_known(function) => Err(FrameError::Function(function)),
        _ if said < INNER_ECHO => Err(FrameError::InnerLength { said, is: INNER_ECHO }),
        _ => {
            let answer = decode_answer(function, said, &bytes[PAYLOAD..bytes.len() - 2])?;
            Ok(Frame::Reply { adapter, device, serial: serial_at(bytes, 28), answer })
        }
    }
}

fn is_known(function: u8) -> bool {
    let plain = function & 0x7f;
    Bank::of_function(plain).is_some() || plain == WRITE_HOLDING
}

fn decode_ask(function: u8, base: u16, count: u16) -> Result<Ask, FrameError> {
    match Bank::of_function(function) {
        Some(_) if !(1..=MAX_REGISTERS).contains(&count) => Err(FrameError::Count(count)),
        Some(bank) => Ok(Ask::Read { bank, base, count }),
        None if function == WRITE_HOLDING => Ok(Ask::Write { register: base, value: count }),
        None => Err(FrameError::Function(function)),
    }
}

fn decode_answer(function: u8, said: u64, payload: &[u8]) -> Result<Answer, FrameError> {
    let (base, count) = (word(payload, 0), word(payload, 2));
    let exactly = |is: u64| if said == is { Ok(()) } else { Err(FrameError::InnerLength { said, is }) };
    let known = function & 0x7f;
    let Some(bank) = Bank::of_function(known) else {
        exactly(INNER_ECHO)?;
        return match function {
            WRITE_HOLDING => Ok(Answer::Write { register: base, value: count }),
            0x86 => Ok(Answer::Error { function: known, base, count }),
            _ => Err(FrameError::Function(function)),
        };
    };
    if function & 0x80 != 0 {
        exactly(INNER_ECHO)?;
        return Ok(Answer::Error { function: known, base, count });
    }
    if !(1..=MAX_REGISTERS).contains(&count) {
        return Err(FrameError::Count(count));
    }
    exactly(INNER_ECHO + 2 * u64::from(count))?;
    let values = payload[4..].chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
    Ok(Answer::Read { bank, base, values })
}

/// ASCII `address,mask,gateway` and two blank lines, where a transparent frame has its inner part.
fn is_lan_broadcast(bytes: &[u8]) -> bool {
    let Some(text) = bytes.get(INNER..bytes.len().saturating_sub(2)) else { return false };
    text.len() >= 2
        && text[0].is_ascii_digit()
        && (text[1].is_ascii_digit() || text[1] == b'.')
        && text.ends_with(b"\r\n\r\n")
        && text.iter().filter(|&&byte| byte == b',').count() == 2
}

fn word(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn serial_at(bytes: &[u8], at: usize) -> Serial {
    Serial::new(std::array::from_fn(|i| bytes[at + i]))
}

// === encoding ===

impl Encoder<&Frame> for DongleCodec {
    type Error = io::Error;

    fn encode(&mut self, frame: &Frame, dst: &mut BytesMut) -> io::Result<()> {
        match frame {
            Frame::Heartbeat { adapter, kind } => {
                put_head(dst, SHORTEST as usize, HEARTBEAT, *adapter);
                dst.put_u8(*kind);
            }
            Frame::Request { adapter, device, ask } => {
                let (function, first, second) = match *ask {
                    Ask::Read { bank, base, count } => (bank.function(), base, count),
                    Ask::Write { register, value } => (WRITE_HOLDING, register, value),
                };
                put_transparent(dst, *adapter, *device, function, None, &[first, second]);
            }
            Frame::Reply { adapter, device, serial, answer } => {
                let (function, first, second, values) = match answer {
                    Answer::Read { bank, base, values } => (bank.function(), *base, values.len() as u16, &values[..]),
                    Answer::Write { register, value } => (WRITE_HOLDING, *register, *value, &[][..]),
                    Answer::Error { function, base, count } => (function | 0x80, *base, *count, &[][..]),
                };
                if values.len() > usize::from(MAX_REGISTERS) {
                    return Err(io::Error::new(io::ErrorKind::InvalidInput, "more than 60 registers in a reply"));
                }
                let mut words = Vec::with_capacity(2 + values.len());
                words.extend([first, second]);
                words.extend(values);
                put_transparent(dst, *adapter, *device, function, Some(*serial), &words);
            }
            Frame::Null { device } => {
                put_transparent(dst, Serial::BLANK, *device, 0, Some(Serial::BLANK), &[0; 62]);
                let end = dst.len();
                dst[end - 2..].fill(0);
            }
            Frame::LanBroadcast => {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "a LAN broadcast is never sent"));
            }
        }
        Ok(())
    }
}

fn put_head(dst: &mut BytesMut, length: usize, function: u8, adapter: Serial) {
    dst.reserve(PREFIX + length);
    dst.put_slice(&MARKER);
    dst.put_u16(length as u16);
    dst.put_u8(1);
    dst.put_u8(function);
    dst.put_slice(adapter.bytes());
}

fn put_transparent(
    dst: &mut BytesMut,
    adapter: Serial,
    device: u8,
    function: u8,
    serial: Option<Serial>,
    words: &[u16],
) {
    let inner = 2 + if serial.is_some() { 10 } else { 0 } + 2 * words.len() + 2;
    put_head(dst, INNER - PREFIX + inner, TRANSPARENT, adapter);
    dst.put_u64(inner as u64);
    let start = dst.len();
    dst.put_u8(device);
    dst.put_u8(function);
    if let Some(serial) = serial {
        dst.put_slice(serial.bytes());
    }
    for &word in words {
        dst.put_u16(word);
    }
    let crc = CRC.checksum(&dst[start..]);
    dst.put_u16_le(crc);
}
