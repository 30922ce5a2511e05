mod image;
mod plan;

use jiff::civil::{date, time};
use proptest::prelude::*;

use super::build::*;
use super::*;
use crate::frame::{Bank, BlockKey};

const AT: u8 = 0x11;

const TABLES: [&[&Field]; 12] = [
    single_phase::FIELDS,
    three_phase::FIELDS,
    lv_battery::FIELDS,
    lv_bcu::FIELDS,
    hv_bcu::FIELDS,
    hv_bmu::FIELDS,
    aio_battery::FIELDS,
    ems::FIELDS,
    gateway::FIELDS,
    gateway_v2::FIELDS,
    meter::FIELDS,
    meter_product::FIELDS,
];

/// An image that holds these holding registers, from `base` on.
fn holding(base: u16, values: &[u16]) -> RegisterImage {
    let mut image = RegisterImage::default();
    image.commit(BlockKey::new(AT, Bank::Holding, base, values.len() as u16), values, std::time::Duration::ZERO);
    image
}

/// What a field says of these registers, which begin at its own.
fn read(field: Field, values: &[u16]) -> Option<Value> {
    let image = holding(field.address, values);
    field.read(image.view(AT).with_blanks())
}

fn float(value: Option<Value>) -> Option<f64> {
    match value {
        Some(Value::Float(number)) => Some(number),
        None => None,
        other => panic!("not a float: {other:?}"),
    }
}

#[test]
fn whole_numbers_are_signed_where_their_field_is() {
    assert_eq!(read(u16(5), &[0xfffe]), Some(Value::Int(65534)));
    assert_eq!(read(i16(5), &[0xfffe]), Some(Value::Int(-2)));
    assert_eq!(read(i16(5), &[0x8000]), Some(Value::Int(-32768)));
    assert_eq!(float(read(i16(5).tenths(), &[0xfffb])), Some(-0.5));
}

#[test]
fn the_high_register_of_two_comes_first() {
    assert_eq!(read(u32(5), &[1, 2]), Some(Value::Int(65538)));
    assert_eq!(float(read(u32(5).tenths(), &[0, 15604])), Some(1560.4));
    assert_eq!(read(u32(5), &[0xffff, 0xffff]), Some(Value::Int(4_294_967_295)));
    assert_eq!(read(u32(5), &[1]), None, "half of it was not read");
}

#[test]
fn two_registers_are_signed_or_the_low_one_is_first_where_their_field_says_so() {
    assert_eq!(float(read(i32(5).tenths(), &[0xffff, 0xc000])), Some(-1638.4));
    assert_eq!(float(read(i32(5).tenths(), &[0, 16060])), Some(1606.0));
    assert_eq!(read(i32(5), &[0, 0x8000]), Some(Value::Int(32768)), "the sign is bit 31, not bit 15");
    assert_eq!(read(u32_low_first(5), &[2, 1]), Some(Value::Int(65538)));
    assert_eq!(read(u32_low_first(5), &[2]), None, "half of it was not read");
}

#[test]
fn a_sign_is_turned_without_overflow() {
    assert_eq!(read(i16_negated(5), &[212]), Some(Value::Int(-212)));
    assert_eq!(read(i16_negated(5), &[0x8000]), Some(Value::Int(32768)));
}

#[test]
fn some_bits_of_a_register_are_a_field_of_their_own() {
    let meter = |shift| code_part(5, shift, 2, &enums::METER_STATUS);
    assert_eq!(read(meter(0), &[0b0001_0001]), Some(Value::Code(1, Some("ONLINE"))));
    assert_eq!(read(meter(2), &[0b0001_0001]), Some(Value::Code(0, Some("DISABLED"))));
    assert_eq!(read(meter(14), &[0xc000]), Some(Value::Code(3, None)));
    assert_eq!(read(hex_part(5, 3, 3), &[0b01_0010]), Some(Value::Text("2".into())));
}

#[test]
fn an_index_stands_for_a_number_and_an_unknown_one_is_no_error() {
    let volts = || choice(5, &[(0, 230), (1, 208)]);
    assert_eq!(read(volts(), &[1]), Some(Value::Int(208)));
    assert_eq!(read(volts(), &[7]), Some(Value::Code(7, None)));
}

#[test]
fn a_version_is_four_letters_and_four_digits() {
    assert_eq!(read(version8(5), &[0x4741, 0x4141, 0, 0x0104]), Some(Value::Text("GAAA0014".into())));
    assert_eq!(read(version8(5), &[0x4741, 0x4141, 0, 0x010a]), None, "ten is no digit");
    assert_eq!(read(version8(5), &[0x4741, 0x4141, 0]), None);
}

#[test]
fn the_bytes_of_a_register_are_read_apart() {
    assert_eq!(read(high(5), &[0x0203]), Some(Value::Int(2)));
    assert_eq!(read(low(5), &[0x0203]), Some(Value::Int(3)));
    assert_eq!(read(flag_high(5), &[0x0100]), Some(Value::Flag(1)));
    assert_eq!(read(flag_low(5), &[0x0100]), Some(Value::Flag(0)));
}

#[test]
fn a_number_is_divided_by_its_scale() {
    for (field, wants) in [
        (u16(5).tenths(), 1234.5),
        (u16(5).hundredths(), 123.45),
        (u16(5).thousandths(), 12.345),
        (u16(5).ten_thousandths(), 1.2345),
    ] {
        assert_eq!(float(read(field, &[12345])), Some(wants));
    }
}

#[test]
fn what_is_out_of_range_is_unknown_but_zero_is_let_through() {
    let frequency = || u16(5).hundredths().hertz().between(40.0, 70.0);
    assert_eq!(float(read(frequency(), &[4000])), Some(40.0));
    assert_eq!(float(read(frequency(), &[7000])), Some(70.0));
    assert_eq!((read(frequency(), &[3999]), read(frequency(), &[7001])), (None, None));
    assert_eq!(float(read(frequency(), &[0])), Some(0.0));
    assert_eq!(float(read(i16(5).tenths().between(-40.0, 100.0), &[0xf556])), None, "-273 degrees: an empty slot");
    let voltage = || u32(5).thousandths().between(16.0, 80.0);
    assert_eq!(
        (float(read(voltage(), &[0, 0])), read(voltage(), &[0, 1])),
        (Some(0.0), None),
        "all registers are zero"
    );
}

#[test]
fn a_power_factor_is_counted_from_minus_one() {
    let field = || u16(5).power_factor().between(-1.0, 1.0);
    assert_eq!(float(read(field(), &[0])), Some(-1.0));
    assert_eq!(float(read(field(), &[10_000])), Some(0.0));
    assert_eq!(float(read(field(), &[20_000])), Some(1.0));
    assert_eq!(read(field(), &[20_001]), None);
    for field in [&single_phase::power_factor, &single_phase::pf_inverter_output_now] {
        let mut image = RegisterImage::default();
        image.commit(BlockKey::new(AT, field.bank, field.address, 1), &[65535], std::time::Duration::ZERO);
        assert_eq!(field.read(image.view(AT)), None, "{}", field.name);
    }
}

#[test]
fn a_slot_is_two_times_of_the_day() {
    let slots = |start, end| match read(slot(5), &[start, end]) {
        Some(Value::Slot(Slot { start, end })) => Some((start, end)),
        _ => None,
    };
    assert_eq!(slots(2330, 30), Some((time(23, 30, 0, 0), time(0, 30, 0, 0))), "it may cross midnight");
    assert_eq!(slots(0, 2359), Some((time(0, 0, 0, 0), time(23, 59, 0, 0))));
    assert_eq!(slots(0, 0), Some((time(0, 0, 0, 0), time(0, 0, 0, 0))), "cleared");
    for (start, end) in [(60, 60), (0, 60), (60, 0), (0, 2400), (2400, 0), (2360, 0), (0, 1299), (65535, 0)] {
        assert_eq!(slots(start, end), None, "{start} {end}");
    }
}

#[test]
fn a_clock_shows_a_time_that_exists_or_none() {
    let clock = |registers: [u16; 6]| match read(datetime(5), &registers) {
        Some(Value::DateTime(time)) => Some(time),
        _ => None,
    };
    assert_eq!(clock([26, 2, 28, 23, 59, 59]), Some(date(2026, 2, 28).at(23, 59, 59, 0)));
    for impossible in [
        [26, 13, 1, 0, 0, 0],
        [26, 0, 1, 0, 0, 0],
        [26, 2, 29, 0, 0, 0],
        [26, 1, 1, 24, 0, 0],
        [26, 1, 1, 0, 60, 0],
        [26, 1, 1, 0, 0, 60],
        [0, 1, 1, 0, 0, 0],
        [128, 1, 1, 0, 0, 0],
        [65535; 6],
    ] {
        assert_eq!(clock(impossible), None, "{impossible:?}");
    }
}

#[test]
fn text_is_ascii_in_capitals_without_nuls_or_it_is_none() {
    let said = |registers: &[u16]| match read(text(5, registers.len() as u8), registers) {
        Some(Value::Text(text)) => Some(text.into_owned()),
        _ => None,
    };
    assert_eq!(said(&[0x5341, 0x3231]).as_deref(), Some("SA21"));
    assert_eq!(said(&[0x7361, 0x3200]).as_deref(), Some("SA2"));
    assert_eq!(said(&[0, 0]).as_deref(), Some(""));
    assert_eq!((said(&[0x53c3]), said(&[0x0753])), (None, None), "neither Latin letters nor control characters");
}

#[test]
fn codes_and_versions_are_shown_as_people_write_them() {
    let said = |field, registers: &[u16]| match read(field, registers) {
        Some(Value::Text(text)) => text.into_owned(),
        other => panic!("not text: {other:?}"),
    };
    assert_eq!(said(hex4(5), &[0x2001]), "2001");
    assert_eq!(said(hex4(5), &[0x1f]), "001f");
    assert_eq!(said(hex8(5), &[3, 0x0a02]), "00030a02");
    assert_eq!(said(first_digit(5), &[0x8001]), "8");
    assert_eq!(said(u16(5).version(), &[140]), "1.40");
    assert_eq!(said(firmware(5, 7), &[449, 9, 1036]), "D0.449-A0.1036");
    assert_eq!(read(firmware(5, 7), &[449, 9]), None, "the ARM version was not read");
}

#[test]
fn a_number_without_a_name_is_kept_and_is_no_error() {
    assert_eq!(read(code(5, &enums::METER_TYPE), &[1]), Some(Value::Code(1, Some("EM115"))));
    assert_eq!(read(code(5, &enums::METER_TYPE), &[77]), Some(Value::Code(77, None)));
}

#[test]
fn bits_are_counted_from_the_least_significant() {
    assert_eq!(
        read(bits16(5, &enums::CHARGER_WARNINGS), &[0b101]),
        Some(Value::Bits(vec!["BMS under-temperature (charge)", "BMS over-temperature (charge)"]))
    );
    assert_eq!(
        read(bits32(5, &enums::INVERTER_FAULTS), &[1 << 12, 1]),
        Some(Value::Bits(vec!["Inverter NTC Fault", "Backup Overload Fault"])),
        "the high register comes first"
    );
    assert_eq!(
        read(bits16(5, &enums::CHARGER_WARNINGS), &[1 << 11]),
        Some(Value::Bits(vec![])),
        "a bit without a name"
    );
}

#[test]
fn what_was_not_read_is_absent_in_every_table() {
    let image = holding(3000, &[1]);
    for fields in TABLES {
        for field in fields {
            assert_eq!(field.read(image.view(AT)), None, "{}", field.name);
            assert_eq!((field.integer(image.view(AT)), field.number(image.view(AT))), (None, None), "{}", field.name);
        }
    }
}

#[test]
fn tables_stand_in_address_order_and_no_name_stands_twice() {
    for fields in TABLES {
        for pair in fields.windows(2) {
            assert!((pair[0].bank, pair[0].address) <= (pair[1].bank, pair[1].address), "{}", pair[1].name);
        }
        let mut names: Vec<_> = fields.iter().map(|field| field.raw_name()).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}

#[test]
fn a_family_that_inherits_has_each_name_once_and_its_own_meaning_of_it() {
    for (fields, own) in [(three_phase::fields(), three_phase::FIELDS), (gateway_v2::fields(), gateway_v2::FIELDS)] {
        let names: std::collections::BTreeSet<_> = fields.iter().map(|field| field.name).collect();
        assert_eq!(names.len(), fields.len());
        assert!(own.iter().all(|own| fields.iter().any(|field| std::ptr::eq(*field, *own))));
        assert!(fields.len() > own.len());
    }
    assert!(three_phase::fields().iter().all(|field| field.name != "enable_lora"));
}

/// A page on which some table has fields.
fn any_page() -> impl Strategy<Value = u16> {
    let pages: std::collections::BTreeSet<u16> =
        TABLES.iter().flat_map(|fields| fields.iter()).map(|field| field.address / 60).collect();
    prop::sample::select(pages.into_iter().collect::<Vec<_>>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_register_makes_a_field_panic(values in prop::collection::vec(any::<u16>(), 60), page in any_page()) {
        let mut image = RegisterImage::default();
        for bank in [Bank::Holding, Bank::Input, Bank::MeterProduct] {
            image.commit(BlockKey::new(AT, bank, page * 60, 60), &values, std::time::Duration::ZERO);
        }
        for fields in TABLES {
            for field in fields {
                let view = image.view(AT);
                if let (Some(number), Some((min, max))) = (field.number(view), field.range) {
                    prop_assert!(number == 0.0 || (min..=max).contains(&number), "{}: {number}", field.name);
                }
                let (said, whole) = (field.read(view), (field.text(view), field.serial(view), field.flag(view)));
                prop_assert!(said.is_none() || view.get(field.bank, field.address).is_some(), "{whole:?}");
            }
        }
    }
}
