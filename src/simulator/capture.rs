//! A plant made of a capture: its registers as they were at the end.

use super::bank::{INVERTER, MIRROR, Registers};
use crate::capture;
use crate::frame::{Answer, Frame, Serial};

/// What a capture says of a plant.
#[derive(Debug)]
pub(super) struct Replayed {
    pub(super) registers: Registers,
    pub(super) inverter: Serial,
    pub(super) dongle: Serial,
}

/// The registers after all replies of a capture: the last one of each counts.
pub(super) fn replay(text: &str) -> Result<Replayed, String> {
    let mut registers = Registers::new(false);
    let mut serials = None;
    for (_, item) in capture::received(text)? {
        let Ok(Frame::Reply { adapter, device, serial, answer: Answer::Read { bank, base, values } }) = item else {
            continue;
        };
        registers.put_all(device, bank, base, &values);
        if matches!(device, INVERTER | MIRROR) {
            serials = Some((serial, adapter));
        }
    }
    let (inverter, dongle) = serials.ok_or("the capture has no reply of an inverter")?;
    Ok(Replayed { registers, inverter, dongle })
}

#[cfg(test)]
mod tests {
    use super::*;

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
