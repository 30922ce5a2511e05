use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

const T: Duration = Duration::from_secs(7);

fn key(bank: Bank, base: u16, count: u16) -> BlockKey {
    BlockKey::new(AT, bank, base, count)
}

#[test]
fn only_what_was_read_is_there() {
    let mut image = RegisterImage::default();
    image.commit(key(Bank::Input, 70, 3), &[1, 0, 3], T);
    assert_eq!([69, 70, 71, 72, 73].map(|at| image.get(AT, Bank::Input, at)), [None, Some(1), Some(0), Some(3), None]);
    assert_eq!((image.get(AT, Bank::Holding, 70), image.get(0x32, Bank::Input, 70)), (None, None));
    assert_eq!(image.block(key(Bank::Input, 70, 3)), Some(vec![1, 0, 3]));
    assert_eq!(image.block(key(Bank::Input, 69, 3)), None, "one of its registers was not read");
    assert_eq!((image.read_at(AT, Bank::Input, 70), image.read_at(AT, Bank::Input, 0)), (Some(T), None));
}

#[test]
fn reads_that_overlap_hold_what_came_last() {
    let mut image = RegisterImage::default();
    assert!(image.commit(key(Bank::Input, 50, 20), &[1; 20], T).changed);
    assert!(!image.commit(key(Bank::Input, 55, 5), &[1; 5], T).changed);
    assert!(image.commit(key(Bank::Input, 58, 4), &[2; 4], T).changed);
    let values: Vec<_> = (56..64).map(|at| image.get(AT, Bank::Input, at)).collect();
    assert_eq!(values, [1, 1, 2, 2, 2, 2, 1, 1].map(Some));
}

#[test]
fn zeros_alone_are_absent_except_where_they_may_be_true() {
    let mut image = RegisterImage::default();
    image.commit(key(Bank::Input, 0, 60), &[0; 60], T);
    for (bank, base) in crate::registers::plan::OPTIONAL {
        image.commit(key(bank, base, 60), &[0; 60], T);
    }
    let view = image.view(AT);
    assert_eq!(view.get(Bank::Input, 30), None);
    assert_eq!(view.with_blanks().get(Bank::Input, 30), Some(0));
    assert_eq!((view.get(Bank::Holding, 223), view.get(Bank::Input, 247)), (Some(0), Some(0)));
    image.commit(key(Bank::Input, 5, 1), &[2300], T);
    assert_eq!(image.view(AT).get(Bank::Input, 30), Some(0), "a device that says one thing says the zeros too");
    image.commit(key(Bank::Input, 5, 1), &[0], T);
    assert_eq!(image.view(AT).get(Bank::Input, 30), None);
}

#[test]
fn a_mirrored_block_is_looked_up_at_the_mirror_and_no_other() {
    let mut image = RegisterImage::default();
    image.commit(key(Bank::Input, 0, 60), &[1; 60], T);
    image.commit(key(Bank::Input, 180, 60), &[2; 60], T);
    image.commit(BlockKey::new(0x31, Bank::Input, 0, 60), &[3; 60], T);
    image.commit(BlockKey::new(0x31, Bank::Input, 180, 60), &[4; 60], T);
    let blocks = [(Bank::Input, 180)];
    let view = image.view(AT).mirrored(0x31, &blocks);
    assert_eq!([0, 59, 180, 239].map(|at| view.get(Bank::Input, at)), [1, 1, 4, 4].map(Some));
}

#[test]
fn a_view_of_one_block_shows_no_other() {
    let mut image = RegisterImage::default();
    image.commit(key(Bank::Holding, 0, 60), &[1; 60], T);
    image.commit(key(Bank::Holding, 60, 60), &[1; 60], T);
    image.commit(key(Bank::Input, 0, 60), &[1; 60], T);
    let view = image.view(AT).only((Bank::Holding, 0));
    assert_eq!([0, 59, 60].map(|at| view.get(Bank::Holding, at)), [Some(1), Some(1), None]);
    assert_eq!(view.get(Bank::Input, 0), None);
}

fn any_block() -> impl Strategy<Value = (BlockKey, Vec<u16>)> {
    let bank = prop_oneof![Just(Bank::Holding), Just(Bank::Input), Just(Bank::MeterProduct)];
    let base = prop_oneof![0u16..200, 65_400u16..=u16::MAX, any::<u16>()];
    let count = prop_oneof![0u16..70, Just(u16::MAX)];
    let values = prop::collection::vec(prop_oneof![Just(0u16), any::<u16>()], 0..70);
    (0x10u8..0x13, bank, base, count, values)
        .prop_map(|(device, bank, base, count, values)| (BlockKey::new(device, bank, base, count), values))
}

proptest! {
    #[test]
    fn it_holds_what_a_map_would(blocks in prop::collection::vec(any_block(), 0..12)) {
        let (mut image, mut map) = (RegisterImage::default(), BTreeMap::new());
        for (key, values) in &blocks {
            image.commit(*key, values, T);
            for (offset, &value) in (0..key.count).zip(values) {
                if let Some(address) = key.base.checked_add(offset) {
                    map.insert((key.device, key.bank, address), value);
                }
            }
        }
        let held: Vec<_> = image.iter().map(|(device, bank, at, value)| ((device, bank, at), value)).collect();
        prop_assert_eq!(&held, &map.iter().map(|(at, value)| (*at, *value)).collect::<Vec<_>>());
        for (key, _) in &blocks {
            let wants: Option<Vec<u16>> = (0..key.count)
                .map(|offset| map.get(&(key.device, key.bank, key.base.checked_add(offset)?)).copied())
                .collect();
            prop_assert_eq!(image.block(*key), wants);
            let seen = image.view(key.device).get(key.bank, key.base);
            let held = map.get(&(key.device, key.bank, key.base)).copied();
            prop_assert!(seen.is_none() || seen == held);
        }
    }
}
