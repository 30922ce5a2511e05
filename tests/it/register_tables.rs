//! The register tables, held against the collection of registers that they were made from.

use std::collections::{BTreeMap, BTreeSet};

use givtcp::frame::Bank;
use givtcp::registers::{
    Field, Kind, Unit, aio_battery, ems, enums, gateway, gateway_v2, hv_bcu, hv_bmu, lv_battery, lv_bcu, meter,
    meter_product, single_phase, three_phase,
};

use crate::captures;

/// Fields of ours that the collection does not have.
const OURS_ALONE: [&str; 2] = ["certification_type", "first_battery_serial_number"];

/// Family, field, what the collection says and what we say, with the evidence in docs/decode-differences.md.
const MENDED: [(&str, &str, &str, &str); 1] =
    [("hv_bcu", "battery_power", "input 79 uint16 x0.001 kW", "input 79 int16 x0.1 kW")];

fn tables() -> [(&'static str, Vec<&'static Field>); 12] {
    [
        ("single_phase", single_phase::FIELDS.to_vec()),
        ("three_phase", three_phase::fields()),
        ("lv_battery", lv_battery::FIELDS.to_vec()),
        ("lv_bcu", lv_bcu::FIELDS.to_vec()),
        ("hv_bcu", hv_bcu::FIELDS.to_vec()),
        ("hv_bmu", hv_bmu::FIELDS.to_vec()),
        ("aio_battery", aio_battery::FIELDS.to_vec()),
        ("ems", ems::FIELDS.to_vec()),
        ("gateway_v1", gateway::FIELDS.to_vec()),
        ("gateway_v2", gateway_v2::fields()),
        ("meter", meter::FIELDS.to_vec()),
        ("meter_product", meter_product::FIELDS.to_vec()),
    ]
}

/// One line of comma-separated values, in which quotes may hold commas and a doubled quote is one.
pub fn split(line: &str) -> Vec<String> {
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                cell.push('"');
                chars.next();
            }
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(std::mem::take(&mut cell)),
            _ => cell.push(c),
        }
    }
    cells.push(cell);
    cells
}

#[test]
fn quotes_may_hold_commas() {
    assert_eq!(split(r#"a,"b, ""c""",,d"#), ["a", r#"b, "c""#, "", "d"]);
}

/// What is held against what, as text: `holding 31-32 timeslot x1 unit [0..500]`.
fn described(bank: &str, address: &str, kind: &str, scale: f64, unit: &str, range: Option<(f64, f64)>) -> String {
    let range = range.map_or_else(String::new, |(min, max)| format!(" [{min}..{max}]"));
    format!("{bank} {address} {kind} x{scale} {unit}{range}")
}

fn wanted(row: &BTreeMap<&str, String>) -> String {
    let number = |name: &str| row[name].parse::<f64>().ok();
    // What one family has of another is told in the note too.
    let note = row["note"].trim_end_matches("inherited from single_phase").trim_end_matches("; ");
    let kind = match (row["type"].as_str(), note) {
        ("uint16", "shown as hex, 4 digits") => "hex4",
        ("uint32", "shown as hex, 8 digits") => "hex8",
        ("uint16", "format 0.2f") => "version",
        ("uint16", note) if note.starts_with("power factor") => "power factor",
        ("fault_bits charger_warning16_lsb", _) => "bits CHARGER_WARNINGS",
        ("uint32 fault_bits inverter32_msb", _) => "bits INVERTER_FAULTS",
        ("uint32 fault_bits gateway32_msb", _) => "bits GATEWAY_FAULTS",
        ("option", choices) => &format!("option {choices}"),
        (kind, note) => &kind_of_bits(kind, note),
    };
    // Where only the largest is given the registers are unsigned.
    let range = number("max").map(|max| (number("min").unwrap_or(0.0), max));
    described(&row["kind"], &row["address"], kind, number("scale").unwrap(), &row["unit"], range)
}

/// `bitfield[msb10..12]` counts from the most significant bit, its note from the least, as we do.
fn kind_of_bits(kind: &str, note: &str) -> String {
    let Some(codes) = kind.strip_prefix("bitfield[") else { return kind.to_owned() };
    let codes = codes.split_once(']').expect("a bracket").1;
    let bits = note.strip_prefix("LSB bits ").and_then(|note| note.split(';').next()).expect("bits");
    if codes.is_empty() { format!("bits {bits} hex") } else { format!("bits {bits}{codes}") }
}

fn part(shift: u8, width: u8, what: &str) -> String {
    format!("bits {shift}..{} {what}", shift + width - 1)
}

fn code_name(codes: &'static enums::Codes) -> &'static str {
    [
        (&enums::USB_DEVICE, "enum UsbDevice"),
        (&enums::BATTERY_POWER_MODE, "enum BatteryPowerMode"),
        (&enums::BATTERY_CALIBRATION_STAGE, "enum BatteryCalibrationStage"),
        (&enums::METER_TYPE, "enum MeterType"),
        (&enums::BATTERY_TYPE, "enum BatteryType"),
        (&enums::POWER_FACTOR_FUNCTION_MODEL, "enum PowerFactorFunctionModel"),
        (&enums::EXPORT_PRIORITY, "enum ExportPriority"),
        (&enums::STATUS, "enum Status"),
        (&enums::CHARGE_STATUS, "enum ChargeStatus"),
        (&enums::BATTERY_PAUSE_MODE, "enum BatteryPauseMode"),
        (&enums::BCU_STATUS, "enum BcuStatus"),
        (&enums::WORK_MODE, "enum WorkMode"),
        (&enums::STATE, "enum State"),
        (&enums::METER_STATUS, "enum MeterStatus"),
        (&enums::EMS_INVERTER_STATUS, "enum EmsInverterStatus"),
        (&enums::BATTERY_MAINTENANCE, "enum BatteryMaintenance"),
    ]
    .into_iter()
    .find(|(known, _)| std::ptr::eq(*known, codes))
    .map_or("enum ?", |(_, name)| name)
}

fn three_phase_faults(bits: &'static enums::Bits) -> String {
    let word = enums::THREE_PHASE_FAULTS.iter().position(|known| std::ptr::eq(known, bits));
    word.map_or("bits ?".to_owned(), |word| format!("fault_bits three_phase16_lsb word{word}"))
}

fn choice(name: &str, choices: &[(u16, u16)]) -> String {
    let unit = if name.starts_with('v') { "V" } else { "Hz" };
    let choices: Vec<_> = choices.iter().map(|(index, number)| format!("{index}->{number}{unit}")).collect();
    format!("option {}", choices.join(" "))
}

fn ours(field: &Field) -> String {
    let bank = match field.bank {
        Bank::Holding => "holding",
        Bank::Input => "input",
        Bank::MeterProduct => "meter_product",
    };
    let (first, count) = field.span();
    let address = match (field.kind, count) {
        (Kind::Firmware { arm }, _) => format!("{first};{arm}"),
        (Kind::U32LowFirst, _) => format!("{};{first}", first + 1),
        (_, 1) => first.to_string(),
        _ => format!("{first}-{}", first + count - 1),
    };
    let kind = match field.kind {
        Kind::U16 => "uint16",
        Kind::I32 => "int32",
        Kind::Version8 => "gateway_version",
        Kind::CodePart { shift, width, codes } => &part(shift, width, code_name(codes)),
        Kind::HexPart { shift, width } => &part(shift, width, "hex"),
        Kind::Choice(choices) => &choice(field.name, choices),
        Kind::I16 | Kind::I16Negated => "int16",
        Kind::U32 | Kind::U32LowFirst => "uint32",
        Kind::High => "duint8[high]",
        Kind::Low => "duint8[low]",
        Kind::Flag => "bool",
        Kind::FlagHigh => "bool(duint8[high])",
        Kind::FlagLow => "bool(duint8[low])",
        Kind::Hex4 => "hex4",
        Kind::Hex8 => "hex8",
        Kind::FirstDigit => "enum Model",
        Kind::Text(_) => "string",
        Kind::Slot => "timeslot",
        Kind::DateTime => "datetime",
        Kind::Firmware { .. } => "firmware_version",
        Kind::PowerFactor => "power factor",
        Kind::Version => "version",
        Kind::Code(codes) => code_name(codes),
        Kind::Bits16(bits) if std::ptr::eq(bits, &raw const enums::CHARGER_WARNINGS) => "bits CHARGER_WARNINGS",
        Kind::Bits32(bits) if std::ptr::eq(bits, &raw const enums::INVERTER_FAULTS) => "bits INVERTER_FAULTS",
        Kind::Bits32(bits) if std::ptr::eq(bits, &raw const enums::GATEWAY_FAULTS) => "bits GATEWAY_FAULTS",
        Kind::Bits16(bits) => &three_phase_faults(bits),
        Kind::Bits32(_) => "bits ?",
    };
    let scale = match field.kind {
        Kind::PowerFactor => 0.0001,
        Kind::Version => 0.01,
        Kind::I16Negated => -1.0,
        _ => [1.0, 0.1, 0.01, 0.001, 0.0001][usize::from(field.places)],
    };
    let unit = match field.unit {
        Unit::None => "",
        Unit::Volts => "V",
        Unit::Amps => "A",
        Unit::Watts => "W",
        Unit::KiloWatts => "kW",
        Unit::WattHours => "Wh",
        Unit::KiloWattHours => "kWh",
        Unit::Hertz => "Hz",
        Unit::Celsius => "degC",
        Unit::Percent => "%",
        Unit::AmpHours => "Ah",
        Unit::Seconds => "s",
        Unit::Hours => "h",
        Unit::Vars => "var",
        Unit::VoltAmps => "VA",
    };
    described(bank, &address, kind, scale, unit, field.range)
}

#[test]
fn every_register_that_is_known_stands_in_its_table_as_it_is_known() {
    let Some(text) = captures::read("reference/registers.csv") else { return };
    let mut lines = text.lines();
    let header = split(lines.next().expect("a header"));
    let rows: Vec<BTreeMap<&str, String>> =
        lines.map(|line| header.iter().map(String::as_str).zip(split(line)).collect()).collect();
    let mut compared = 0;
    for (family, fields) in tables() {
        let mut wanted: BTreeMap<&str, String> =
            rows.iter().filter(|row| row["family"] == family).map(|row| (row["name"].as_str(), wanted(row))).collect();
        for (_, name, theirs, ours) in MENDED.into_iter().filter(|mended| mended.0 == family) {
            assert_eq!(wanted.insert(name, ours.to_owned()).as_deref(), Some(theirs), "{name}");
        }
        let ours: BTreeMap<&str, String> = fields
            .iter()
            .filter(|field| !OURS_ALONE.contains(&field.name))
            .map(|field| (field.name, ours(field)))
            .collect();
        let names: BTreeSet<&&str> = wanted.keys().chain(ours.keys()).collect();
        let differ: Vec<_> = names
            .into_iter()
            .filter(|name| wanted.get(**name) != ours.get(**name))
            .map(|name| format!("{name}: wants {:?}, is {:?}", wanted.get(*name), ours.get(*name)))
            .collect();
        assert!(differ.is_empty(), "{family}:\n{}", differ.join("\n"));
        compared += ours.len();
    }
    assert_eq!(compared, 337 + 507 + 48 + 4 + 35 + 49 + 49 + 79 + 58 + 58 + 29 + 7);
    for name in OURS_ALONE {
        assert!(single_phase::FIELDS.iter().any(|field| field.name == name), "{name} is in no table");
    }
}

#[test]
fn every_name_of_a_number_and_of_a_bit_is_the_vendors() {
    let Some(text) = captures::read("reference/enums.json") else { return };
    let known: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let mut compared = 0;
    for (name, table) in [
        ("UsbDevice", &enums::USB_DEVICE),
        ("BatteryPowerMode", &enums::BATTERY_POWER_MODE),
        ("BatteryCalibrationStage", &enums::BATTERY_CALIBRATION_STAGE),
        ("MeterType", &enums::METER_TYPE),
        ("BatteryType", &enums::BATTERY_TYPE),
        ("PowerFactorFunctionModel", &enums::POWER_FACTOR_FUNCTION_MODEL),
        ("ExportPriority", &enums::EXPORT_PRIORITY),
        ("Status", &enums::STATUS),
        ("ChargeStatus", &enums::CHARGE_STATUS),
        ("BatteryPauseMode", &enums::BATTERY_PAUSE_MODE),
        ("BcuStatus", &enums::BCU_STATUS),
        ("WorkMode", &enums::WORK_MODE),
        ("State", &enums::STATE),
        ("MeterStatus", &enums::METER_STATUS),
        ("EmsInverterStatus", &enums::EMS_INVERTER_STATUS),
        ("BatteryMaintenance", &enums::BATTERY_MAINTENANCE),
    ] {
        let wanted = known["enums"][name].as_object().expect("an enum");
        for code in 0..=u16::MAX {
            assert_eq!(table.name(code), wanted.get(&code.to_string()).and_then(|name| name.as_str()), "{name} {code}");
        }
        compared += 1;
    }
    let bits = known["fault_bits_lsb_index"].as_object().expect("bits");
    let named = |prefix: &str| bits.iter().find(|(name, _)| name.starts_with(prefix)).expect("a table of bits").1;
    let mut tables = vec![
        (named("inverter_HR223"), &enums::INVERTER_FAULTS, 32),
        (named("charger_warning_IR5"), &enums::CHARGER_WARNINGS, 16),
        (named("gateway_IR1622"), &enums::GATEWAY_FAULTS, 32),
    ];
    let words = enums::THREE_PHASE_FAULTS.iter().enumerate();
    tables.extend(words.map(|(word, table)| (&named("three_phase_IR1300")[format!("word{word}")], table, 16)));
    for (wanted, table, width) in tables {
        for bit in 0..width {
            let want: Vec<_> = wanted.get(bit.to_string()).and_then(|name| name.as_str()).into_iter().collect();
            assert_eq!(table.names(1 << bit), want, "bit {bit} of {wanted}");
        }
        compared += 1;
    }
    assert_eq!(compared, 27);
}

#[test]
fn thirty_four_of_the_hybrids_raw_names_are_renamed_or_derived() {
    let Some(tsv) = captures::read("givtcp/hybrid_gen1.mqtt.tsv") else { return };
    let published: BTreeSet<&str> = tsv
        .lines()
        .filter_map(|line| line.split('\t').nth(1)?.split_once("/raw/invertor/").map(|(_, name)| name))
        .collect();
    let mut names: BTreeSet<&str> = single_phase::FIELDS.iter().map(|field| field.name).collect();
    names.retain(|name| !OURS_ALONE.contains(name));
    let differ: Vec<&str> = published.iter().copied().filter(|name| !names.contains(name)).collect();
    assert_eq!((published.len(), differ.len()), (144, 34), "{differ:?}");
}
