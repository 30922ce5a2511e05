//! Any bytes, cut anywhere: no panic, a buffer that stays small, and what was decoded encodes to itself.
#![no_main]

use bytes::BytesMut;
use givtcp::frame::{DongleCodec, Frame};
use givtcp_fuzz::Bytes;
use libfuzzer_sys::fuzz_target;
use tokio_util::codec::{Decoder, Encoder};

/// A frame is at most 306 bytes; what is not one yet is not longer.
const LONGEST: usize = 306;

fuzz_target!(|data: &[u8]| {
    let mut sizes = Bytes(data.get(..8).unwrap_or_default());
    let mut rest = data.get(8..).unwrap_or_default();
    let (mut codec, mut buffer) = (DongleCodec::default(), BytesMut::new());
    while !rest.is_empty() {
        if !sizes.more() {
            sizes = Bytes(&data[..8]);
        }
        let (chunk, later) = rest.split_at(usize::from(sizes.byte()).clamp(1, rest.len()));
        rest = later;
        buffer.extend_from_slice(chunk);
        drain(&mut codec, &mut buffer);
        assert!(buffer.len() < LONGEST, "{} bytes wait", buffer.len());
    }
    while let Ok(Some(item)) = codec.decode_eof(&mut buffer) {
        item.iter().for_each(back);
    }
    assert!(buffer.is_empty());
});

fn drain(codec: &mut DongleCodec, buffer: &mut BytesMut) {
    loop {
        let before = buffer.len();
        match codec.decode(buffer).expect("the stream itself has no errors") {
            Some(item) => {
                assert!(buffer.len() < before, "an item that takes nothing comes for ever");
                item.iter().for_each(back);
            }
            None => return,
        }
    }
}

fn back(frame: &Frame) {
    if matches!(frame, Frame::LanBroadcast) {
        return;
    }
    let mut bytes = BytesMut::new();
    DongleCodec::default().encode(frame, &mut bytes).expect("what was decoded can be encoded");
    let again = DongleCodec::default().decode(&mut bytes).expect("no error").expect("a whole frame");
    assert_eq!(again.as_ref(), Ok(frame));
    assert!(bytes.is_empty());
}
