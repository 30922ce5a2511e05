//! Recordings of what went over a dongle's connection, in the two formats that are about.
//!
//! One line is one read of the socket: `<ISO time> <rx|tx> <hex>`, or without times `rx: <hex>`; `#` begins a comment.
//! Frames may be split over lines or glued in one.

use std::fmt::{self, Write};

use bytes::BytesMut;
use jiff::Timestamp;
use tokio_util::codec::Decoder;

use crate::frame::{DongleCodec, Frame, FrameError};

/// Which way the bytes went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the dongle.
    Received,
    /// To the dongle.
    Sent,
}

/// One line of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When, if the format tells.
    pub at: Option<Timestamp>,
    /// Which way.
    pub direction: Direction,
    /// What.
    pub bytes: Vec<u8>,
}

impl fmt::Display for Line {
    /// As [`parse_line`] reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = match self.direction {
            Direction::Received => "rx",
            Direction::Sent => "tx",
        };
        match self.at {
            Some(at) => write!(f, "{} {direction} ", at.strftime("%Y-%m-%dT%H:%M:%S.%6f+00:00"))?,
            None => write!(f, "{direction}: ")?,
        }
        self.bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The lines as text, one a line.
pub fn as_text(lines: &[Line]) -> String {
    lines.iter().fold(String::new(), |mut text, line| {
        _ = writeln!(text, "{line}");
        text
    })
}

/// What is wrong with a line of a recording.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// Neither format.
    #[error("wants `<time with its zone> <rx|tx> <hex>` or `rx: <hex>`: {0}")]
    Format(String),
    /// Not hexadecimal, or half a byte.
    #[error("not hexadecimal: {0}")]
    Hex(String),
}

/// One line; `None` for an empty one and a comment.
pub fn parse_line(line: &str) -> Result<Option<Line>, LineError> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let shown = || line.chars().take(60).flat_map(char::escape_debug).collect::<String>();
    let mut words = line.split_whitespace().peekable();
    let at = words.peek().and_then(|word| word.parse().ok());
    if at.is_some() {
        words.next();
    }
    let direction = words.next().ok_or_else(|| LineError::Format(shown()))?;
    let direction = match direction.trim_end_matches(':') {
        "rx" => Direction::Received,
        "tx" => Direction::Sent,
        _ => return Err(LineError::Format(shown())),
    };
    let bytes = hex_bytes(&words.collect::<String>()).ok_or_else(|| LineError::Hex(shown()))?;
    Ok(Some(Line { at, direction, bytes }))
}

fn hex_bytes(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits
        .chunks_exact(2)
        .map(|pair| Some((char::from(pair[0]).to_digit(16)? * 16 + char::from(pair[1]).to_digit(16)?) as u8))
        .collect()
}

/// The good lines of a recording, and what is wrong with each of the others: it may have been cut in the middle of a
/// line, begin with a byte order mark, or hold a stray byte. What is left out stays as an empty line, so that the numbers
/// of lines hold.
pub fn salvage(recording: &[u8]) -> (String, Vec<String>) {
    let text = String::from_utf8_lossy(recording.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(recording));
    let (mut good, mut faults) = (String::with_capacity(text.len()), Vec::new());
    for (number, line) in text.lines().enumerate() {
        match parse_line(line) {
            Ok(_) => good.push_str(line),
            Err(error) => faults.push(format!("line {}: {error}", number + 1)),
        }
        good.push('\n');
    }
    (good, faults)
}

/// A frame that a dongle sent, and when.
pub type Received = (Option<Timestamp>, Result<Frame, FrameError>);

/// Everything that the dongle sent in a recording, through the real codec. An error names its line.
pub fn received(text: &str) -> Result<Vec<Received>, String> {
    let (mut codec, mut buffer, mut frames) = (DongleCodec::default(), BytesMut::new(), Vec::new());
    for (number, line) in text.lines().enumerate() {
        let Some(line) = parse_line(line).map_err(|error| format!("line {}: {error}", number + 1))? else { continue };
        if line.direction == Direction::Sent {
            continue;
        }
        buffer.extend(line.bytes);
        while let Ok(Some(item)) = codec.decode(&mut buffer) {
            frames.push((line.at, item));
        }
    }
    while let Ok(Some(item)) = codec.decode_eof(&mut buffer) {
        frames.push((None, item));
    }
    Ok(frames)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_formats_are_read() {
        let timed = parse_line("2026-06-05T11:09:54.267655+00:00 tx 5959").unwrap().unwrap();
        assert_eq!((timed.direction, &timed.bytes[..]), (Direction::Sent, &[0x59, 0x59][..]));
        assert_eq!(timed.at.unwrap().to_string(), "2026-06-05T11:09:54.267655Z");
        let bare = parse_line("rx: 59590001").unwrap().unwrap();
        assert_eq!((bare.at, bare.direction, bare.bytes.len()), (None, Direction::Received, 4));
        assert_eq!(parse_line("  # note"), Ok(None));
        assert_eq!(parse_line(""), Ok(None));
    }

    #[test]
    fn a_line_that_is_written_is_read_as_it_was() {
        for text in ["2026-06-05T11:09:54.267655+00:00 tx 59590a", "rx: 59590001"] {
            assert_eq!(parse_line(text).unwrap().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_recording_is_named() {
        for (line, wants) in
            [("hello", "wants"), ("rx: 595", "not hexadecimal"), ("rx: zz", "not hexadecimal"), ("up 59", "wants")]
        {
            let error = parse_line(line).unwrap_err().to_string();
            assert!(error.contains(wants) && error.contains(line), "{error}");
        }
        assert!(received("rx: 59\nnonsense\n").unwrap_err().starts_with("line 2: "));
    }

    #[test]
    fn what_is_good_in_a_damaged_recording_is_kept() {
        let (good, faults) = salvage(b"\xEF\xBB\xBFrx: 5959\nrx: 59\xff9\n# caf\xe9\nrx: 0001\nrx: 595");
        assert_eq!(good.lines().filter(|line| line.starts_with("rx")).collect::<Vec<_>>(), ["rx: 5959", "rx: 0001"]);
        assert!(
            faults.len() == 2 && faults[0].starts_with("line 2: ") && faults[1].starts_with("line 5: "),
            "{faults:?}"
        );
        assert!(received(&good).is_ok());
    }

    #[test]
    fn frames_are_put_together_over_lines_and_what_was_sent_is_left_out() {
        let mut bytes = BytesMut::new();
        let heartbeat = Frame::Heartbeat { adapter: crate::frame::Serial::CLIENT, kind: 1 };
        tokio_util::codec::Encoder::encode(&mut DongleCodec::default(), &heartbeat, &mut bytes).unwrap();
        let hex = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        let (head, tail) = hex.split_at(10);
        let text = format!(
            "2026-06-05T11:00:00Z rx {hex}{head}\n2026-06-05T11:00:01Z tx {hex}\n2026-06-05T11:00:02Z rx {tail}\n\
             2026-06-05T11:00:03Z rx {head}\n"
        );
        let frames = received(&text).unwrap();
        let seconds: Vec<_> = frames.iter().map(|(at, _)| at.map(|at| at.as_second() % 60)).collect();
        assert_eq!(seconds, [Some(0), Some(2), None]);
        assert!(frames[..2].iter().all(|(_, item)| *item == Ok(heartbeat.clone())), "{frames:?}");
        assert_eq!(frames[2].1, Err(FrameError::Truncated(5)));
    }
}
