//! Golden frames are those of the protocol's worked examples; "captured" ones came from real dongles, serials redacted.

use bytes::BytesMut;
use proptest::prelude::*;
use tokio_util::codec::{Decoder, Encoder};

use super::*;

fn bytes(hex: &str) -> Vec<u8> {
    let digits: String = hex.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).unwrap()).collect()
}

fn decode_all(input: &[u8]) -> Vec<Result<Frame, FrameError>> {
    let mut buffer = BytesMut::from(input);
    let mut items = Vec::new();
    while let Some(item) = DongleCodec::default().decode(&mut buffer).unwrap() {
        items.push(item);
    }
    items
}

fn encode(frame: &Frame) -> Vec<u8> {
    let mut out = BytesMut::new();
    DongleCodec::default().encode(frame, &mut out).unwrap();
    out.to_vec()
}

fn frames(items: Vec<Result<Frame, FrameError>>) -> Vec<Frame> {
    items.into_iter().filter_map(Result::ok).collect()
}

fn request(device: u8, ask: Ask) -> Frame {
    Frame::Request { adapter: Serial::CLIENT, device, ask }
}

fn reply(serial: &str, device: u8, answer: Answer) -> Frame {
    Frame::Reply { adapter: Serial::from_text("WF2125G316"), device, serial: serial.parse().unwrap(), answer }
}

/// The worked examples that both directions must give byte for byte.
fn golden() -> Vec<(&'static str, Frame)> {
    let read = |bank, base, count| Ask::Read { bank, base, count };
    vec![
        (
            "59590001000d01015746323132354733313601",
            Frame::Heartbeat { adapter: Serial::from_text("WF2125G316"), kind: 1 },
        ),
        ("59590001000d01014142313233344735363701", Frame::Heartbeat { adapter: Serial::CLIENT, kind: 1 }),
        (
            "59590001001c010241423132333447353637000000000000000811040000003cf28b",
            request(0x11, read(Bank::Input, 0, 60)),
        ),
        (
            "59590001001c010241423132333447353637000000000000000811030000003c474b",
            request(0x11, read(Bank::Holding, 0, 60)),
        ),
        (
            "59590001001c01024142313233344735363700000000000000083204003c003c35d4",
            request(0x32, read(Bank::Input, 60, 60)),
        ),
        (
            "59590001001c01024142313233344735363700000000000000080116003c00094803",
            request(0x01, read(Bank::MeterProduct, 60, 9)),
        ),
        (
            "59590001001c0102414231323334473536370000000000000008110600740050cb7c",
            request(0x11, Ask::Write { register: 116, value: 80 }),
        ),
        (
            "595900010026010257463231323547333136000000000000001211065341323131344730343700740050ea7f",
            reply("SA2114G047", 0x11, Answer::Write { register: 116, value: 80 }),
        ),
        (
            "595900010032010257463231323547333136000000000000001e1104534132313134473034370000000600010df20e710ef60000093ba496",
            reply(
                "SA2114G047",
                0x11,
                Answer::Read { bank: Bank::Input, base: 0, values: vec![1, 3570, 3697, 3830, 0, 2363] },
            ),
        ),
        (
            "595900010026010257463231323547333136000000000000001211865341323131344730343701390000fbc8",
            reply("SA2114G047", 0x11, Answer::Error { function: 6, base: 313, count: 0 }),
        ),
    ]
}

const CAPTURED_HOLDING: &str = "59590001009e010257463231323547303030000000000000008a1103534132313134473030300000003c20010003083202010000c3500e10000142473231333447303030534132313134473030300bbf01c1000101c1000200008000761b17700001000000000011000000040007008c001a00060005000c0009003600010002000000000000006500010000000000640000000000010001015a0000000000010000db09";
const CAPTURED_INPUT: &str = "59590001009e010257463231323547303030000000000000008a1104534132313134473030300000003c00010c260bc30f750000097f0004855a0040003d003100033a02139100020c91300c00670763005607070000cd0a000006100037000a0001630900000130012600045f6d000000000055004100000000000001e0025805b6009b000426e200008ddb00011547edf6f6400963139001e300e600000295005171c5";
const CAPTURED_ERROR: &str = "5959000100260102574a32343134473030300000000000000012118343483234313447303030044c003c865d";
const CAPTURED_ERROR_COUNT_0: &str =
    "595900010026010257463231323547303030000000000000001231845341323131344730303000b400004582";

#[test]
fn worked_examples_decode_and_encode_byte_for_byte() {
    for (hex, frame) in golden() {
        assert_eq!(decode_all(&bytes(hex)), [Ok(frame.clone())], "{hex}");
        assert_eq!(encode(&frame), bytes(hex), "{frame:?}");
    }
}

#[test]
fn captured_holding_registers_hold_what_is_known_of_them() {
    let [
        Ok(Frame::Reply {
            device: 0x11, serial, answer: Answer::Read { bank: Bank::Holding, base: 0, values }, ..
        }),
    ] = &decode_all(&bytes(CAPTURED_HOLDING))[..]
    else {
        panic!("not a read reply")
    };
    assert_eq!(serial.to_string(), "SA2114G000");
    assert_eq!(Serial::from_registers(std::array::from_fn(|i| values[13 + i])), *serial);
    assert_eq!((values[0], values[19], values[21], values[55]), (0x2001, 449, 449, 346));
    assert_eq!(values[35..41], [26, 6, 5, 12, 9, 54]);
}

#[test]
fn captured_input_registers_hold_what_is_known_of_them() {
    let [Ok(Frame::Reply { answer: Answer::Read { bank: Bank::Input, base: 0, values }, .. })] =
        &decode_all(&bytes(CAPTURED_INPUT))[..]
    else {
        panic!("not a read reply")
    };
    assert_eq!((values[1], values[2], values[5], values[13]), (3110, 3011, 2431, 5009));
    assert_eq!((values[18], values[20], values[30], values[42]), (1891, 1799, 304, 600));
    assert_eq!((values[50], values[51] as i16, values[52] as i16, values[59]), (5447, -4618, -2496, 81));
}

#[test]
fn captured_errors_decode_with_and_without_their_count() {
    let answers: Vec<_> = [CAPTURED_ERROR, CAPTURED_ERROR_COUNT_0]
        .iter()
        .map(|hex| match &decode_all(&bytes(hex))[..] {
            [Ok(Frame::Reply { device, answer, .. })] => (*device, answer.clone()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        answers,
        [
            (0x11, Answer::Error { function: 3, base: 1100, count: 60 }),
            (0x31, Answer::Error { function: 4, base: 180, count: 0 })
        ]
    );
}

#[test]
fn a_null_reply_is_recognised_with_the_crc_of_hardware_and_of_the_library() {
    let head = "59590001009e010257463231323547333136000000000000008a3200";
    for crc in ["0000", "bd26"] {
        let hex = format!("{head}{}{crc}", "00".repeat(10 + 124));
        assert_eq!(decode_all(&bytes(&hex)), [Ok(Frame::Null { device: 0x32 })], "{crc}");
    }
}

fn lan_broadcast(text: &str) -> Vec<u8> {
    let inner = text.len() + 2;
    let mut out = bytes("59590001");
    out.extend(((2 + 10 + 8 + inner) as u16).to_be_bytes());
    out.extend([1, 2]);
    out.extend(b"WO2230G123");
    out.extend((inner as u64).to_be_bytes());
    out.extend(text.as_bytes());
    out.extend([0xab, 0xcd]);
    out
}

#[test]
fn a_lan_broadcast_is_recognised_whatever_the_length_of_its_addresses() {
    for text in ["192.168.100.100,255.255.255.0,192.168.1.1\r\n\r\n", "10.0.0.2,255.0.0.0,10.0.0.1\r\n\r\n"] {
        let item = &decode_all(&lan_broadcast(text))[..];
        assert_eq!(item, [Ok(Frame::LanBroadcast)], "{text}");
        assert!(!format!("{item:?}").contains("10.0"), "what it says is private");
    }
}

#[test]
fn a_wrong_crc_is_a_value_and_the_next_frame_is_decoded() {
    let mut broken = bytes(CAPTURED_INPUT);
    broken[60] ^= 1;
    broken.extend(bytes(CAPTURED_HOLDING));
    let items = decode_all(&broken);
    assert!(matches!(items[0], Err(FrameError::Crc { .. })), "{items:?}");
    assert_eq!(frames(items).len(), 1);
}

#[test]
fn a_wrong_inner_length_is_a_value_even_when_the_crc_is_right() {
    let mut broken = bytes(CAPTURED_INPUT);
    broken[25] -= 2;
    let items = decode_all(&broken);
    assert!(matches!(items[0], Err(FrameError::InnerLength { said: 0x88, is: 0x8a })), "{items:?}");
}

#[test]
fn an_unknown_function_is_skipped_whole() {
    let mut out = BytesMut::new();
    let odd = Frame::Reply {
        adapter: Serial::CLIENT,
        device: 0x11,
        serial: Serial::CLIENT,
        answer: Answer::Error { function: 0x39, base: 0, count: 0 },
    };
    DongleCodec::default().encode(&odd, &mut out).unwrap();
    out.extend(bytes(CAPTURED_INPUT));
    let items = decode_all(&out);
    assert_eq!(items[0], Err(FrameError::Function(0xb9)));
    assert_eq!(items.len(), 2);
}

#[test]
fn a_truncated_frame_does_not_swallow_its_successor() {
    let whole = bytes(CAPTURED_INPUT);
    let successor = bytes(golden()[0].0);
    for cut in 1..whole.len() {
        let mut input = whole[..cut].to_vec();
        input.extend(&successor);
        let got = frames(decode_all(&input));
        assert_eq!(got, [golden()[0].1.clone()], "cut after {cut} bytes");
    }
}

#[test]
fn a_partial_frame_that_is_given_up_makes_way() {
    let mut buffer = BytesMut::from(&bytes(CAPTURED_INPUT)[..100]);
    assert_eq!(DongleCodec::default().decode(&mut buffer).unwrap(), None);
    assert_eq!(DongleCodec::give_up_partial(&mut buffer), Some(FrameError::Truncated(100)));
    buffer.extend(bytes(CAPTURED_HOLDING));
    assert!(matches!(DongleCodec::default().decode(&mut buffer).unwrap(), Some(Ok(Frame::Reply { .. }))));
}

#[test]
fn a_marker_among_register_values_belongs_to_them() {
    let frame =
        reply("SA2114G047", 0x11, Answer::Read { bank: Bank::Input, base: 0, values: vec![0x5959, 1, 28, 258] });
    let whole = encode(&frame);
    let mut buffer = BytesMut::new();
    let mut got = Vec::new();
    for byte in whole {
        buffer.extend([byte]);
        got.extend(DongleCodec::default().decode(&mut buffer).unwrap());
    }
    assert_eq!(got, [Ok(frame)]);
}

#[test]
fn serials_know_their_shapes() {
    assert!(["SA2114G047", "EMS2252123"].iter().all(|s| s.parse::<Serial>().unwrap().is_plausible()));
    assert!(!Serial::BLANK.is_plausible() && !Serial::from_text("SA2114g047").is_plausible());
    assert_eq!(Serial::from_text("12").to_string(), "********12");
    assert_eq!(Serial::from_text("AB1234G567").registers().len(), 5);
}

fn any_serial() -> impl Strategy<Value = Serial> {
    "[A-Z]{2}[0-9]{4}[A-Z][0-9]{3}".prop_map(|text| Serial::from_text(&text))
}

fn any_bank() -> impl Strategy<Value = Bank> {
    prop_oneof![Just(Bank::Holding), Just(Bank::Input), Just(Bank::MeterProduct)]
}

fn any_answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        (any_bank(), any::<u16>(), prop::collection::vec(any::<u16>(), 1..=60))
            .prop_map(|(bank, base, values)| Answer::Read { bank, base, values }),
        (any::<u16>(), any::<u16>()).prop_map(|(register, value)| Answer::Write { register, value }),
        (prop_oneof![Just(3u8), Just(4), Just(6), Just(0x16)], any::<u16>(), any::<u16>())
            .prop_map(|(function, base, count)| Answer::Error { function, base, count }),
    ]
}

fn any_frame() -> impl Strategy<Value = Frame> {
    prop_oneof![
        (any_serial(), any::<u8>()).prop_map(|(adapter, kind)| Frame::Heartbeat { adapter, kind }),
        (any_serial(), any::<u8>(), any_bank(), any::<u16>(), 1..=60u16).prop_map(
            |(adapter, device, bank, base, count)| Frame::Request {
                adapter,
                device,
                ask: Ask::Read { bank, base, count }
            }
        ),
        (any_serial(), any::<u8>(), any::<u16>(), any::<u16>()).prop_map(|(adapter, device, register, value)| {
            Frame::Request { adapter, device, ask: Ask::Write { register, value } }
        }),
        (any_serial(), any_serial(), any::<u8>(), any_answer())
            .prop_map(|(adapter, serial, device, answer)| Frame::Reply { adapter, device, serial, answer }),
    ]
}

proptest! {
    #[test]
    fn every_frame_comes_back(frame in any_frame()) {
        prop_assert_eq!(decode_all(&encode(&frame)), [Ok(frame)]);
    }

    #[test]
    fn frames_with_garbage_between_all_come_back_however_the_stream_is_cut(
        parts in prop::collection::vec((any_frame(), prop::collection::vec(0u8..0x59, 0..40)), 1..8),
        cuts in prop::collection::vec(1usize..50, 1..40),
    ) {
        let stream: Vec<u8> =
            parts.iter().flat_map(|(frame, garbage)| garbage.iter().copied().chain(encode(frame))).collect();
        let (mut buffer, mut got, mut codec) = (BytesMut::new(), Vec::new(), DongleCodec::default());
        let mut rest = &stream[..];
        for cut in cuts.iter().cycle() {
            let (now, later) = rest.split_at((*cut).min(rest.len()));
            buffer.extend(now);
            rest = later;
            while let Some(item) = codec.decode(&mut buffer).unwrap() {
                got.extend(item.ok());
            }
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(got, parts.into_iter().map(|(frame, _)| frame).collect::<Vec<_>>());
    }

    #[test]
    fn no_input_panics_or_stalls(input in prop::collection::vec(prop_oneof![Just(0x59u8), Just(0), Just(1), any::<u8>()], 0..600)) {
        let mut buffer = BytesMut::from(&input[..]);
        let mut codec = DongleCodec::default();
        let mut turns = 0;
        while codec.decode_eof(&mut buffer).unwrap().is_some() {
            turns += 1;
            prop_assert!(turns <= input.len() + 1);
        }
        prop_assert!(buffer.is_empty());
    }
}
