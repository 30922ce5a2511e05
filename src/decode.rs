//! What is in a recording: the state after all of it was replayed through the real codec and the guards.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use crate::capture;
use crate::frame::{Answer, BlockKey, Frame};
use crate::plant::{INVERTER, MIRROR, Model, Plant, Stack, module_serial};
use crate::registers::{
    Field, Value, View, aio_battery, ems, gateway, hv_bcu, hv_bmu, lv_battery, lv_bcu, meter, meter_product,
    single_phase, three_phase,
};

/// Replays a recording and tells its end state: every register by device, and what they mean.
///
/// The inverter is decoded from what 0x11 said itself, not from its mirror. Errors name the line that is at fault.
pub fn decode(text: &str) -> Result<Json, String> {
    let mut plant = Plant::new();
    let mut began = None;
    let (mut messages, mut invalid, mut last) = (0u64, 0u64, Duration::ZERO);
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
                last = elapsed;
            }
            Ok(_) => {}
            Err(_) => invalid += 1,
        }
    }
    // Nothing follows that could agree with what waits.
    plant.settle(last);
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
    let mut decoded = json!({
        "inverter": inverter(plant, view(INVERTER)),
        "batteries": batteries.iter().map(|&device| table(lv_battery::FIELDS, view(device))).collect::<Vec<_>>(),
        "lv_bcu": table(lv_bcu::FIELDS, view(MIRROR)),
        "meters": meters,
        "hv_stacks": stacks(plant),
        "aio_modules": aio_modules(plant),
    });
    match plant.identity().map(|identity| identity.model) {
        Some(Model::Gateway) => decoded["gateway"] = table(gateway::FIELDS, view(INVERTER)).into(),
        Some(model) if model.is_ems() => decoded["ems"] = table(ems::FIELDS, view(INVERTER)).into(),
        _ => {}
    }
    decoded
}

fn inverter(plant: &Plant, view: View<'_>) -> Map<String, Json> {
    let model = plant.identity().map(|identity| identity.model);
    if model.is_some_and(Model::has_three_phase_bank) {
        let mut fields = table(&three_phase::fields(), view);
        fields.extend(three_phase_sums(view));
        return fields;
    }
    let mut fields = table(single_phase::FIELDS, view);
    if let Some(model) = model {
        route_by_model(&mut fields, model);
    }
    fields
}

/// What a three-phase inverter splits by direction and others do not: battery power is positive while discharging.
fn three_phase_sums(view: View<'_>) -> Map<String, Json> {
    let sum = |one: &Field, sign: i64, other: &Field| {
        let raw = one.integer(view)? + sign * other.integer(view)?;
        Some(Json::from(raw as f64 / 10.0))
    };
    [
        ("p_battery", sum(&three_phase::p_battery_discharge, -1, &three_phase::p_battery_charge)),
        ("e_battery_throughput", sum(&three_phase::e_battery_discharge_total, 1, &three_phase::e_battery_charge_total)),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect()
}

fn stacks(plant: &Plant) -> Vec<Json> {
    let view = |device: u8| plant.image().view(device).with_blanks();
    let stack = |stack: Stack| {
        let modules = stack.modules.iter().map(|&device| {
            let mut fields = table(hv_bmu::FIELDS, view(device));
            fields.insert("address".to_owned(), format!("{device:#04x}").into());
            fields.insert("serial".to_owned(), module_serial(view(device)).map(|serial| serial.to_string()).into());
            fields
        });
        json!({
            "addr": format!("{:#04x}", stack.controller),
            "bcu": table(hv_bcu::FIELDS, view(stack.controller)),
            "bmus": modules.collect::<Vec<_>>(),
        })
    };
    plant.stacks().into_iter().map(stack).collect()
}

/// The modules once more, under the name that an all-in-one's have in the reference.
fn aio_modules(plant: &Plant) -> Vec<Json> {
    if plant.identity().is_none_or(|identity| identity.model != Model::AllInOne) {
        return Vec::new();
    }
    let module = |device: u8| {
        let mut fields = table(aio_battery::FIELDS, plant.image().view(device).with_blanks());
        fields.insert("module_address".to_owned(), device.into());
        Json::Object(fields)
    };
    plant.stacks().into_iter().flat_map(|stack| stack.modules).map(module).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_without_an_inverter_has_registers_at_most() {
        let decoded = decode("# nothing\nrx: 00010203\n").unwrap();
        assert_eq!((&decoded["inverter_serial"], &decoded["capabilities"]), (&Json::Null, &Json::Null));
        assert_eq!((&decoded["registers"], &decoded["invalid"]), (&json!({}), &json!(1)));
        assert_eq!(
            decoded["decoded"],
            json!({
                "inverter": {}, "batteries": [], "lv_bcu": {}, "meters": {}, "hv_stacks": [], "aio_modules": [],
            })
        );
        assert!(decode("rx: 59\nnonsense").unwrap_err().starts_with("line 2: "));
    }

    #[test]
    fn values_are_shown_as_the_reference_shows_them() {
        let slot = crate::registers::Slot::from_registers(2330, 30).unwrap();
        for (value, wants) in [
            (Value::Int(-5), json!(-5)),
            (Value::Float(50.0), json!(50.0)),
            (Value::Flag(2), json!(true)),
            (Value::Code(1, Some("EM115")), json!(1)),
            (Value::Code(77, None), json!("unknown (77)")),
            (Value::Slot(slot), json!({ "start": "23:30", "end": "00:30" })),
            (Value::DateTime(jiff::civil::date(2026, 6, 5).at(9, 0, 7, 0)), json!("2026-06-05T09:00:07")),
            (Value::Bits(vec!["Relay Fault"]), json!(["Relay Fault"])),
        ] {
            assert_eq!(to_json(value), wants);
        }
    }

    #[test]
    fn a_three_phase_battery_gives_when_it_is_positive_and_takes_when_it_is_negative() {
        let summed = |discharge: u16, charge: u16| {
            let mut image = crate::registers::RegisterImage::default();
            let key = |base, count| BlockKey::new(INVERTER, crate::frame::Bank::Input, base, count);
            image.commit(key(1136, 4), &[0, discharge, 0, charge], Duration::ZERO);
            image.commit(key(1390, 6), &[1, 45_458, 0, 0, 1, 56_756], Duration::ZERO);
            Json::Object(three_phase_sums(image.view(INVERTER)))
        };
        assert_eq!(summed(17_048, 0), json!({ "p_battery": 1704.8, "e_battery_throughput": 23_328.6 }));
        assert_eq!(summed(0, 5_000)["p_battery"], json!(-500.0));
        let nothing = crate::registers::RegisterImage::default();
        assert!(three_phase_sums(nothing.view(INVERTER)).is_empty());
    }

    #[test]
    fn battery_energy_stands_where_the_model_keeps_it() {
        let fields = || {
            let names = ["e_battery_charge_today_alt1", "e_battery_charge_today_alt2", "e_battery_charge_total_alt1"];
            let mut fields: Map<String, Json> = names.iter().map(|&name| (name.to_owned(), name.into())).collect();
            fields.insert("v_pv1".to_owned(), 1.into());
            fields
        };
        let routed = |model| {
            let mut fields = fields();
            route_by_model(&mut fields, model);
            let get = |name: &str| fields.get(name).cloned();
            (get("e_battery_charge_today"), get("e_battery_charge_total"), get("v_pv1"))
        };
        let (alt1, alt2) = (Some(json!("e_battery_charge_today_alt1")), Some(json!("e_battery_charge_today_alt2")));
        let total = Some(json!("e_battery_charge_total_alt1"));
        assert_eq!(routed(Model::HybridGen1), (alt2, total, Some(json!(1))));
        assert_eq!(routed(Model::HybridGen2), (alt1.clone(), None, Some(json!(1))));
        assert_eq!(routed(Model::Ac), (alt1, None, None));
        assert_eq!(routed(Model::Gateway), (None, None, Some(json!(1))));
    }
}
