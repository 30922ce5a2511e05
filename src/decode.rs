//! What is in a recording: the state after all of it was replayed through the real codec and the guards.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use crate::capture;
use crate::frame::{Answer, BlockKey, Frame};
use crate::plant::{INVERTER, MIRROR, Model, Plant};
use crate::registers::{Field, Value, View, lv_battery, lv_bcu, meter, meter_product, single_phase};

/// Replays a recording and tells its end state: every register by device, and what they mean.
///
/// The inverter is decoded from what 0x11 said itself, not from its mirror. Errors name the line that is at fault.
pub fn decode(text: &str) -> Result<Json, String> {
    let mut plant = Plant::new();
    let mut began = None;
    let (mut messages, mut invalid) = (0u64, 0u64);
    for (at, item) in capture::received(text)? {
        messages += 1;
        let elapsed = at
            .zip(*began.get_or_insert(at))
            .map_or(Duration::ZERO, |(at, began)| Duration::try_from(at.duration_since(began)).unwrap_or_default());
        match item {
            Ok(Frame::Reply { device, serial, answer: Answer::Read { bank, base, values }, .. }) => {
                let key = BlockKey::new(device, bank, base, values.len() as u16);
                // What a guard refuses is counted by the plant.
                let _ = plant.accept(key, &values, Some(serial), elapsed);
            }
            Ok(_) => {}
            Err(_) => invalid += 1,
        }
    }
    Ok(json!({
        "messages": messages,
        "invalid": invalid,
        "rejected": plant.rejections().total(),
        "inverter_serial": plant.identity().map(|identity| identity.serial.to_string()),
        "capabilities": capabilities(&plant),
        "registers": registers(&plant),
        "decoded": decoded(&plant),
    }))
}

fn capabilities(plant: &Plant) -> Json {
    let Some(found) = plant.capabilities() else { return Json::Null };
    let addresses = |list: &[u8]| list.iter().map(|address| format!("{address:#04x}")).collect::<Vec<_>>();
    json!({
        "device_type": found.model.name(),
        "inverter_address": format!("{INVERTER:#04x}"),
        "meter_addresses": addresses(&found.meters),
        "lv_battery_addresses": addresses(&found.batteries),
        "lv_bcu_address": found.lv_bcu.then_some("0x31"),
        "arm_firmware_version": found.arm_firmware,
    })
}

fn registers(plant: &Plant) -> Json {
    let mut devices: BTreeMap<String, Map<String, Json>> = BTreeMap::new();
    for (device, bank, address, value) in plant.image().iter() {
        devices.entry(format!("{device:#04x}")).or_default().insert(format!("{bank}{address}"), value.into());
    }
    json!(devices)
}

fn decoded(plant: &Plant) -> Json {
    let none = Vec::new();
    let (batteries, meters) = plant.capabilities().map_or((&none, &none), |found| (&found.batteries, &found.meters));
    let view = |device: u8| plant.image().view(device).with_blanks();
    let meters: Map<String, Json> = meters
        .iter()
        .map(|&device| {
            let mut fields = table(meter::FIELDS, view(device));
            fields.extend(table(meter_product::FIELDS, view(device)));
            (format!("{device:#04x}"), Json::Object(fields))
        })
        .collect();
    let mut inverter = table(single_phase::FIELDS, view(INVERTER));
    if let Some(found) = plant.capabilities() {
        route_by_model(&mut inverter, found.model);
    }
    json!({
        "inverter": inverter,
        "batteries": batteries.iter().map(|&device| table(lv_battery::FIELDS, view(device))).collect::<Vec<_>>(),
        "lv_bcu": table(lv_bcu::FIELDS, view(MIRROR)),
        "meters": meters,
    })
}

/// Some registers mean something else on some models, and battery energy stands where the model keeps it.
fn route_by_model(fields: &mut Map<String, Json>, model: Model) {
    let mut copy = |from: &str, to: &str| {
        if let Some(value) = fields.get(from).cloned() {
            fields.insert(to.to_owned(), value);
        }
    };
    match model {
        Model::HybridGen1 => {
            copy("e_battery_charge_today_alt2", "e_battery_charge_today");
            copy("e_battery_discharge_today_alt2", "e_battery_discharge_today");
            copy("e_battery_charge_total_alt1", "e_battery_charge_total");
            copy("e_battery_discharge_total_alt1", "e_battery_discharge_total");
        }
        Model::HybridGen2 | Model::Ac | Model::AllInOne => {
            copy("e_battery_charge_today_alt1", "e_battery_charge_today");
            copy("e_battery_discharge_today_alt1", "e_battery_discharge_today");
        }
        _ => {}
    }
    if matches!(model, Model::Ac | Model::AllInOne) {
        copy("e_pv_generation_today", "e_inverter_out_today");
        copy("e_pv_generation_total", "e_inverter_out_total");
        for name in ["e_pv_generation_today", "e_pv_generation_total", "v_pv1", "v_pv2", "i_pv1", "i_pv2"] {
            fields.remove(name);
        }
    }
}

fn table(fields: &[&Field], view: View<'_>) -> Map<String, Json> {
    fields.iter().filter_map(|field| Some((field.name.to_owned(), to_json(field.read(view)?)))).collect()
}

fn to_json(value: Value) -> Json {
    match value {
        Value::Int(number) => number.into(),
        Value::Float(number) => number.into(),
        Value::Flag(register) => (register != 0).into(),
        Value::Text(text) => text.into(),
        Value::Code(code, Some(_)) => code.into(),
        Value::Code(code, None) => format!("unknown ({code})").into(),
        Value::Slot(slot) => {
            json!({ "start": slot.start.strftime("%H:%M").to_string(), "end": slot.end.strftime("%H:%M").to_string() })
        }
        Value::DateTime(time) => time.strftime("%Y-%m-%dT%H:%M:%S").to_string().into(),
        Value::Bits(names) => names.into(),
    }
}
