use super::{Reading, Rejection};
use crate::frame::Bank;

/// What stands where in a packet of the network that dongles have been seen to put in a reply's place
/// (`4500` begins an IPv4 header, `C0A8` is 192.168): the place in the block, and what it holds there.
const PACKET: [(u16, &[u16]); 17] = [
    (28, &[0x4c32]),
    (30, &[0xa119]),
    (31, &[0x34ea]),
    (32, &[0xe77f]),
    (33, &[0xd475]),
    (35, &[0x4500]),
    (40, &[0xe4f9, 0xb619]),
    (41, &[0xc0a8]),
    (43, &[0xc0a8]),
    (46, &[0xc5e9]),
    (50, &[0x60ef, 0x503c]),
    (51, &[0x8018]),
    (52, &[0x43e0]),
    (53, &[0xf6ce]),
    (56, &[0x080a]),
    (58, &[0xfcc1]),
    (59, &[0x661e]),
];

/// So many places may agree by chance.
const BY_CHANCE: usize = 5;

/// A packet of the network in place of what a device measures.
pub(super) fn check(after: &Reading<'_>) -> Result<(), Rejection> {
    if after.key.bank != Bank::Input {
        return Ok(());
    }
    let agrees = |&(place, holds): &(u16, &[u16])| after.at(place).is_some_and(|value| holds.contains(&value));
    if PACKET.iter().filter(|place| agrees(place)).count() > BY_CHANCE { Err(Rejection::StrayPacket) } else { Ok(()) }
}

/// A block that holds such a packet.
#[cfg(test)]
pub(crate) fn packet() -> Vec<u16> {
    let mut values = vec![0x1234; 60];
    for (place, holds) in PACKET {
        values[usize::from(place)] = holds[0];
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::BlockKey;
    use crate::registers::RegisterImage;

    #[test]
    fn six_places_of_the_packet_are_one_and_five_are_chance() {
        let (key, image) = (BlockKey::new(0x11, Bank::Input, 0, 60), RegisterImage::default());
        for places in 0..=PACKET.len() {
            let mut values = vec![7; 60];
            for (place, holds) in &PACKET[..places] {
                values[usize::from(*place)] = holds[holds.len() - 1];
            }
            let rejected = check(&Reading::new(key, &values, &image)).is_err();
            assert_eq!(rejected, places > 5, "{places}");
            let settings = BlockKey { bank: Bank::Holding, ..key };
            assert!(check(&Reading::new(settings, &values, &image)).is_ok());
        }
    }
}
