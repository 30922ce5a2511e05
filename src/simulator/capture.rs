//! Captures: what was seen on a dongle's connection, one read of the socket a line.

use bytes::BytesMut;
use jiff::Timestamp;
use tokio_util::codec::Decoder;

use super::bank::{INVERTER, MIRROR, Registers};
use crate::frame::{Answer, DongleCodec, Frame, Serial};

/// Which way bytes went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the dongle.
    Received,
    /// To the dongle.
    Sent,
}

/// One read of the socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When, if the format says it.
    pub time: Option<Timestamp>,
    /// Which way.
    pub direction: Direction,
    /// The bytes; frames may be split over lines or stand together in one.
    pub bytes: Vec<u8>,
}

/// Reads one line of either format, `<ISO time> <rx|tx> <hex>` or `rx: <hex>`. A blank line, or a comment that
/// begins with `#`, is None.
///
/// # Errors
/// The line is of neither format, or its time or bytes cannot be read.
pub fn parse_line(line: &str) -> Result<Option<Line>, String> {
    let text = line.trim();
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let (time, direction, hex) = if let Some(direction) = direction(first.trim_end_matches(':')) {
        (None, direction, rest)
    } else {
        let time = first.parse::<Timestamp>().map_err(|_| format!("neither a time nor rx or tx: {first}"))?;
        let rest = rest.trim_start();
        let (word, hex) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let word = word.trim_end_matches(':');
        (Some(time), direction(word).ok_or_else(|| format!("neither rx nor tx: {word}"))?, hex)
    };
    Ok(Some(Line { time, direction, bytes: bytes_of(hex)? }))
}

fn direction(word: &str) -> Option<Direction> {
    match word {
        "rx" => Some(Direction::Received),
        "tx" => Some(Direction::Sent),
        _ => None,
    }
}

fn bytes_of(hex: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<u8> = hex
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .map(|byte| char::from(byte).to_digit(16).map(|digit| digit as u8).ok_or(byte))
        .collect::<Result<_, _>>()
        .map_err(|byte| format!("not a hexadecimal digit: {}", byte.escape_ascii()))?;
    let (pairs, rest) = digits.as_chunks::<2>();
    if rest.is_empty() {
        Ok(pairs.iter().map(|[high, low]| high << 4 | low).collect())
    } else {
        Err(format!("an odd number of hexadecimal digits: {}", digits.len()))
    }
}

/// What a capture says of a plant.
#[derive(Debug)]
pub(super) struct Replayed {
    pub(super) registers: Registers,
    pub(super) inverter: Serial,
    pub(super) dongle: Serial,
}

/// The registers after all replies of a capture: the last one of each counts.
pub(super) fn replay(text: &str) -> Result<Replayed, String> {
    let mut buffer = BytesMut::new();
    let mut codec = DongleCodec::default();
    let mut registers = Registers::new(false);
    let mut serials = None;
    for (number, line) in text.lines().enumerate() {
        let line = parse_line(line).map_err(|fault| format!("line {}: {fault}", number + 1))?;
        let Some(line) = line.filter(|line| line.direction == Direction::Received) else { continue };
        buffer.extend_from_slice(&line.bytes);
        while let Some(item) = codec.decode(&mut buffer).map_err(|error| format!("line {}: {error}", number + 1))? {
            let Ok(Frame::Reply { adapter, device, serial, answer: Answer::Read { bank, base, values } }) = item else {
                continue;
            };
            registers.put_all(device, bank, base, &values);
            if matches!(device, INVERTER | MIRROR) {
                serials = Some((serial, adapter));
            }
        }
    }
    let (inverter, dongle) = serials.ok_or("the capture has no reply of an inverter")?;
    Ok(Replayed { registers, inverter, dongle })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_formats_are_read() {
        let timed = parse_line("2026-06-05T11:09:54.540853+00:00 rx 5959 0001").unwrap().unwrap();
        assert_eq!(timed.time, Some("2026-06-05T11:09:54.540853Z".parse().unwrap()));
        assert_eq!((timed.direction, timed.bytes), (Direction::Received, vec![0x59, 0x59, 0, 1]));
        let plain = parse_line("tx: 5959\r\n").unwrap().unwrap();
        assert_eq!(plain, Line { time: None, direction: Direction::Sent, bytes: vec![0x59, 0x59] });
    }

    #[test]
    fn blank_lines_and_comments_say_nothing() {
        assert_eq!(parse_line("# rx: 59"), Ok(None));
        assert_eq!(parse_line("  "), Ok(None));
    }

    #[test]
    fn a_line_that_cannot_be_read_says_why() {
        assert_eq!(parse_line("yesterday rx 59").unwrap_err(), "neither a time nor rx or tx: yesterday");
        assert_eq!(parse_line("2026-06-05T11:09:54Z up 59").unwrap_err(), "neither rx nor tx: up");
        assert_eq!(parse_line("rx: 595").unwrap_err(), "an odd number of hexadecimal digits: 3");
        assert_eq!(parse_line("rx: 5g").unwrap_err(), "not a hexadecimal digit: g");
        assert_eq!(parse_line("rx: ü").unwrap_err(), "not a hexadecimal digit: \\xc3");
    }

    #[test]
    fn a_frame_split_over_two_lines_is_replayed_and_a_capture_without_an_inverter_is_refused() {
        let head = "rx: 595900010032010257463231323547333136000000000000001e1104534132313134473034370000";
        let tail = "rx: 000600010df20e710ef60000093ba496";
        let replayed = replay(&format!("{head}\ntx: 00\n{tail}\n")).unwrap();
        assert_eq!(replayed.inverter.to_string(), "SA2114G047");
        assert_eq!(
            replayed.registers.block(INVERTER, crate::frame::Bank::Input, 0, 6),
            Some(vec![1, 3570, 3697, 3830, 0, 2363])
        );
        assert_eq!(replay(head).unwrap_err(), "the capture has no reply of an inverter");
    }
}
