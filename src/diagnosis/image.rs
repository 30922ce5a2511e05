use bytes::BytesMut;
use jiff::Timestamp;
use tokio_util::codec::Encoder;

use crate::capture::{Direction, Line};
use crate::frame::{Answer, Bank, DongleCodec, Frame, MAX_REGISTERS, Serial};
use crate::registers::RegisterImage;

/// Everything that was read, as a dongle would tell it: one reply a block, so that what reads recordings reads this.
pub fn registers(image: &RegisterImage, serial: Serial, at: Timestamp) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut block: Option<Block> = None;
    for (device, bank, address, value) in image.iter() {
        match &mut block {
            Some(block) if block.goes_on_with(device, bank, address) => block.values.push(value),
            _ => {
                let begun = Block { device, bank, base: address, values: vec![value] };
                lines.extend(block.replace(begun).and_then(|block| block.line(serial, at)));
            }
        }
    }
    lines.extend(block.and_then(|block| block.line(serial, at)));
    lines
}

struct Block {
    device: u8,
    bank: Bank,
    base: u16,
    values: Vec<u16>,
}

impl Block {
    /// Blocks end at the vendor's grid, where reads do.
    fn goes_on_with(&self, device: u8, bank: Bank, address: u16) -> bool {
        (self.device, self.bank) == (device, bank)
            && usize::from(address - self.base) == self.values.len()
            && !address.is_multiple_of(MAX_REGISTERS)
    }

    fn line(self, serial: Serial, at: Timestamp) -> Option<Line> {
        let Self { device, bank, base, values } = self;
        let answer = Answer::Read { bank, base, values };
        let mut bytes = BytesMut::new();
        let frame = Frame::Reply { adapter: Serial::CLIENT, device, serial, answer };
        DongleCodec::default().encode(&frame, &mut bytes).ok()?;
        Some(Line { at: Some(at), direction: Direction::Received, bytes: bytes.to_vec() })
    }
}
