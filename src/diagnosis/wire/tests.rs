use super::*;
use crate::capture::{as_text, received};
use crate::frame::Ask;

const ADAPTER: &str = "WF2114G456";
const INVERTER: &str = "SA2114G123";
const BATTERY: &str = "BG2114G789";

fn serial(text: &str) -> Serial {
    text.parse().unwrap()
}

fn frame(frame: &Frame) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    DongleCodec::default().encode(frame, &mut bytes).unwrap();
    bytes.to_vec()
}

fn reply(device: u8, bank: Bank, base: u16, values: Vec<u16>) -> Frame {
    let answer = Answer::Read { bank, base, values };
    Frame::Reply { adapter: serial(ADAPTER), device, serial: serial(INVERTER), answer }
}

/// A block of the inverter in which two serials stand.
fn who() -> Frame {
    let mut values = vec![0; 60];
    values[8..13].copy_from_slice(&serial(BATTERY).registers());
    values[13..18].copy_from_slice(&serial(INVERTER).registers());
    reply(0x11, Bank::Holding, 0, values)
}

fn line(direction: Direction, bytes: &[u8]) -> Line {
    Line { at: Some(Timestamp::UNIX_EPOCH), direction, bytes: bytes.to_vec() }
}

fn redact(lines: &[Line]) -> Vec<Line> {
    let (mut redaction, mut aliases) = (Redaction::default(), Aliases::default());
    let mut out: Vec<Line> = lines.iter().flat_map(|line| redaction.push(line, &mut aliases)).collect();
    out.extend(redaction.finish(&mut aliases));
    out
}

fn holds(lines: &[Line], text: &str) -> bool {
    let bytes: Vec<u8> = lines.iter().flat_map(|line| line.bytes.clone()).collect();
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn serials_get_other_names_in_heads_and_registers_and_the_crcs_are_right() {
    let bytes = frame(&who());
    let lines = redact(&[line(Direction::Received, &bytes)]);
    let frames = received(&as_text(&lines)).unwrap();
    let Ok(Frame::Reply { adapter, serial, answer: Answer::Read { values, .. }, .. }) = &frames[0].1 else {
        panic!("{frames:?}")
    };
    let told = |at: usize| Serial::from_registers(values[at..at + 5].try_into().unwrap()).to_string();
    assert_eq!((adapter.to_string(), serial.to_string()), ("WF2114G001".to_owned(), "SA2114G002".to_owned()));
    assert_eq!((told(8), told(13)), ("BG2114G003".to_owned(), "SA2114G002".to_owned()), "one name for one device");
}

#[test]
fn lines_stay_as_they_were_split_and_in_their_order() {
    let (bytes, request) = (
        frame(&who()),
        frame(&Frame::Request { adapter: Serial::CLIENT, device: 0x32, ask: Ask::Write { register: 110, value: 4 } }),
    );
    let glued = [&bytes[100..], &bytes[..7]].concat();
    let lines = [
        line(Direction::Received, &bytes[..100]),
        line(Direction::Sent, &request),
        line(Direction::Received, &glued),
        line(Direction::Received, &bytes[7..]),
    ];
    let out = redact(&lines);
    let shape = |lines: &[Line]| lines.iter().map(|line| (line.direction, line.bytes.len())).collect::<Vec<_>>();
    assert_eq!(shape(&out), shape(&lines));
    assert_eq!(out[1].bytes, request, "a client's serial is everybody's");
    assert!(received(&as_text(&out)).unwrap().iter().all(|(_, frame)| frame.is_ok()));
    assert!(!holds(&out, INVERTER) && !holds(&out, BATTERY) && !holds(&out, ADAPTER));
}

#[test]
fn what_is_damaged_stays_so_and_gives_nothing_away_either() {
    let mut bytes = frame(&who());
    let end = bytes.len() - 1;
    bytes[end] ^= 0x55;
    // A bit of the inverter's serial was lost, so that it has no serial's shape.
    bytes[30] = 0;
    let garbage = [b"noise ".as_slice(), INVERTER.as_bytes(), &bytes, &bytes[..60]].concat();
    // In pieces, so that serials lie across them.
    let lines: Vec<Line> = garbage.chunks(11).map(|piece| line(Direction::Received, piece)).collect();
    let out = redact(&lines);
    assert_eq!(out.len(), lines.len());
    for text in [INVERTER, BATTERY, ADAPTER, "14G123", "14G456", "14G789"] {
        assert!(!holds(&out, text), "{text}");
    }
    assert!(received(&as_text(&out)).unwrap().iter().all(|(_, frame)| frame.is_err()));
}

#[test]
fn the_network_of_a_dongle_is_made_zeros() {
    let told = b"192.168.1.20,255.255.255.0,192.168.1.1\r\n\r\n";
    let mut bytes = MARKER.to_vec();
    bytes.extend((22 + told.len() as u16).to_be_bytes());
    bytes.extend([1, 2]);
    bytes.extend(ADAPTER.as_bytes());
    bytes.extend([0; 8]);
    bytes.extend(told);
    bytes.extend([0x12, 0x34]);
    let out = redact(&[line(Direction::Received, &bytes)]);
    assert_eq!(&out[0].bytes[26..], b"000.000.0.00,000.000.000.0,000.000.0.0\r\n\r\n\x12\x34");
    assert!(!holds(&out, ADAPTER));
    assert_eq!(received(&as_text(&out)).unwrap()[0].1, Ok(Frame::LanBroadcast));
}

#[test]
fn serials_in_two_pieces_and_those_of_meters_are_found() {
    let mut module = vec![0; 60];
    let registers = serial("HX2414G321").registers();
    (module[50], module[55], module[56], module[57], module[58]) =
        (registers[0], registers[1], registers[2], registers[3], registers[4]);
    let meter = vec![0x1234, 0x5678, 7, 7, 1, 1, 1, 1, 1];
    let frames = [reply(0x50, Bank::Input, 60, module), reply(0x01, Bank::MeterProduct, 60, meter)];
    let out = redact(&frames.each_ref().map(|each| line(Direction::Received, &frame(each))));
    assert!(!holds(&out, "2414G321") && holds(&out, "2414G"));
    let frames = received(&as_text(&out)).unwrap();
    let Ok(Frame::Reply { answer: Answer::Read { values, .. }, .. }) = &frames[1].1 else { panic!("{frames:?}") };
    assert_eq!(values[..3], [0, 0, 7]);
}
