//! What GivTCP publishes below `raw/`: every decoded field, as its own decoder prints it.

use super::{Payload, entries::float};
use crate::plant::Snapshot;
use crate::plant::snapshot::BatteryStack;
use crate::registers::{Field, Kind, RawStyle, Slot, Value, View, single_phase};

/// Which part of a field a leaf shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Whole,
    /// A slot's start, as the register holds it: decimal HHMM.
    Start,
    /// A slot's end.
    End,
}

/// The leaves of a field: name suffix and part.
pub(super) fn parts(field: &Field) -> &'static [(&'static str, Part)] {
    match (field.style, field.kind) {
        // Lists are not published.
        (RawStyle::Elsewhere, _) | (_, Kind::Bits16(_) | Kind::Bits32(_)) => &[],
        (_, Kind::Slot) => &[("", Part::Whole), ("_start", Part::Start), ("_end", Part::End)],
        _ => &[("", Part::Whole)],
    }
}

/// What a field is called. Of models with ten slots GivTCP calls HR 243 and 244 charge slot 2, and HR 31 and 32 nothing.
pub(super) fn name(field: &'static Field, ten_slots: bool) -> Option<&'static str> {
    let is = |other: &'static Field| std::ptr::eq(field, other);
    match (is(&single_phase::charge_slot_2), is(&single_phase::charge_slot_2_x)) {
        (true, _) if ten_slots => None,
        (_, true) if ten_slots => Some("charge_slot_2"),
        _ => Some(field.raw_name()),
    }
}

pub(super) fn payload(field: &Field, part: Part, view: View<'_>) -> Option<Payload> {
    if part != Part::Whole {
        let slot = field.slot(view)?;
        let time = if part == Part::Start { slot.start } else { slot.end };
        return Some(Payload::Integer(i64::from(time.hour()) * 100 + i64::from(time.minute())));
    }
    if matches!(field.kind, Kind::I16Negated) {
        // GivTCP turns the sign only where it processes the value.
        return field.integer(view).map(|turned| Payload::Integer(-turned));
    }
    if matches!(field.kind, Kind::PowerFactor) {
        field.number(view)?;
        return view.get(field.bank, field.address).map(|register| Payload::Integer(i64::from(register)));
    }
    Some(match field.read(view)? {
        Value::Int(number) => Payload::Integer(number),
        Value::Float(number) => float(Some(number))?,
        Value::Flag(register) if field.style == RawStyle::PythonBool => {
            Payload::Word(if register == 0 { "False" } else { "True" })
        }
        Value::Flag(code) | Value::Code(code, _) => Payload::Integer(i64::from(code)),
        Value::Text(text) if text.is_empty() => return None,
        Value::Text(text) => Payload::Text(text.into()),
        Value::Slot(slot) => Payload::Text(python_slot(slot).into()),
        Value::DateTime(time) => Payload::Text(time.strftime("%Y-%m-%d %H:%M:%S").to_string().into()),
        Value::Bits(_) => return None,
    })
}

fn python_slot(slot: Slot) -> String {
    let Slot { start, end } = slot;
    format!(
        "TimeSlot(start=datetime.time({}, {}), end=datetime.time({}, {}))",
        start.hour(),
        start.minute(),
        end.hour(),
        end.minute()
    )
}

/// How a leaf is had from a snapshot.
pub(super) type Derive = fn(&Snapshot) -> Option<Payload>;

/// What GivTCP's decoder holds beside the registers.
pub(super) static DERIVED: [(&str, Derive); 5] = [
    ("raw/invertor/model", |s| Some(Payload::Text(s.identity.model.givtcp_code().into()))),
    ("raw/invertor/battery_max_power", |s| s.inverter.max_battery_power.map(Payload::Integer)),
    ("raw/invertor/battery_nominal_capacity", |s| float(s.inverter.battery_capacity)),
    ("raw/invertor/inverter_max_power", |s| s.inverter.max_power.map(Payload::Integer)),
    ("raw/invertor/inverter_max_power_new", |s| s.inverter.max_power.map(Payload::Integer)),
];

/// How a leaf is had from a high-voltage stack.
pub(super) type DeriveStack = fn(&BatteryStack) -> Option<Payload>;

/// The number of a module's stack, counted from 0.
pub(super) fn stack_index(stack: &BatteryStack) -> Option<Payload> {
    i64::try_from(stack.number).ok().map(|number| Payload::Integer(number - 1))
}

/// What GivTCP's decoder holds of a stack beside the registers: what one of its modules holds, kWh.
pub(super) static STACK_DERIVED: [(&str, DeriveStack); 2] = [
    ("battery_nominal_capacity", |stack| float(stack.module_capacity)),
    ("remaining_battery_capacity", |stack| float(stack.module_remaining)),
];
