use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::entries::{BATTERY, Entry, METER, PERIOD, PLANT};
use super::raw::{self, Part};
use super::{Leaf, Payload, Quantity, Role, Tree};
use crate::frame::Serial;
use crate::plant::MIRROR;
use crate::plant::snapshot::{Battery, Meter, Snapshot};
use crate::plant::tariff::PeriodRates;
use crate::registers::{Field, View, lv_battery, lv_bcu, meter, meter_product, single_phase};

/// The leaves of a plant with these devices, their paths made once: from one snapshot to the next only values change.
#[derive(Debug, Default)]
pub struct Layout {
    devices: Option<Devices>,
    lines: Vec<Line>,
    raw: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct Devices {
    inverter: Serial,
    batteries: Vec<(u8, Serial)>,
    meters: Vec<u8>,
    lv_bcu: bool,
    periods: Vec<Arc<str>>,
    role: Role,
}

#[derive(Debug)]
struct Line {
    path: Arc<str>,
    source: Source,
}

/// Where a leaf's value is had from; batteries and meters by their place in the snapshot.
#[derive(Debug)]
enum Source {
    Plant(&'static Entry<Snapshot>),
    Battery(usize, &'static Entry<Battery>),
    Meter(usize, &'static Entry<Meter>),
    Period(usize, &'static Entry<PeriodRates>),
    Derived(raw::Derive),
    Raw(Device, &'static Field, Part),
}

#[derive(Clone, Copy, Debug)]
enum Device {
    Inverter,
    At(u8),
}

impl Layout {
    /// `raw`: whether the registers below `raw/` are published too.
    pub fn new(raw: bool) -> Self {
        Self { raw, ..Self::default() }
    }

    /// What is published of this snapshot, of an inverter that is led by none.
    pub fn tree(&mut self, snapshot: &Snapshot) -> Tree {
        self.tree_as(Role::Whole, snapshot)
    }

    /// What is published of this snapshot in this role.
    pub fn tree_as(&mut self, role: Role, snapshot: &Snapshot) -> Tree {
        let devices = Devices::of(snapshot, role);
        if self.devices.as_ref() != Some(&devices) {
            self.lines = lines(snapshot, self.raw);
            self.lines.retain(|line| role.publishes(&line.path));
            self.devices = Some(devices);
        }
        let leaves = self
            .lines
            .iter()
            .filter_map(|line| Some(Leaf { path: Arc::clone(&line.path), payload: line.source.payload(snapshot)? }))
            .collect();
        Tree { serial: snapshot.identity.serial, online: snapshot.stats.online, leaves }
    }
}

impl Devices {
    fn of(snapshot: &Snapshot, role: Role) -> Self {
        Self {
            inverter: snapshot.identity.serial,
            batteries: snapshot.batteries.iter().map(|battery| (battery.address, battery.serial)).collect(),
            meters: snapshot.meters.iter().map(|meter| meter.address).collect(),
            lv_bcu: has_lv_bcu(snapshot),
            periods: periods(snapshot).iter().map(|period| Arc::clone(&period.name)).collect(),
            role,
        }
    }
}

fn periods(snapshot: &Snapshot) -> &[PeriodRates] {
    snapshot.rates.as_ref().map_or(&[], |rates| &rates.periods)
}

fn has_lv_bcu(snapshot: &Snapshot) -> bool {
    snapshot.capabilities.lv_bcu && snapshot.identity.model.is_supported()
}

impl Source {
    fn payload(&self, snapshot: &Snapshot) -> Option<Payload> {
        let (quantity, payload) = match self {
            Self::Plant(entry) => (entry.quantity, (entry.get)(snapshot)?),
            Self::Battery(place, entry) => (entry.quantity, (entry.get)(snapshot.batteries.get(*place)?)?),
            Self::Meter(place, entry) => (entry.quantity, (entry.get)(snapshot.meters.get(*place)?)?),
            Self::Period(place, entry) => (entry.quantity, (entry.get)(periods(snapshot).get(*place)?)?),
            Self::Derived(get) => return get(snapshot),
            Self::Raw(device, field, part) => return raw::payload(field, *part, device.view(snapshot)),
        };
        is_plausible(quantity, &payload).then_some(payload)
    }
}

fn is_plausible(quantity: Quantity, payload: &Payload) -> bool {
    match payload {
        Payload::Integer(number) => quantity.admits(*number as f64),
        Payload::Float(number) => quantity.admits(*number),
        Payload::Word(_) | Payload::Text(_) => true,
    }
}

impl Device {
    fn view(self, snapshot: &Snapshot) -> View<'_> {
        match self {
            Self::Inverter => snapshot.capabilities.inverter_view(&snapshot.image),
            Self::At(address) => snapshot.image.view(address),
        }
    }
}

fn lines(snapshot: &Snapshot, with_raw: bool) -> Vec<Line> {
    let serial = snapshot.identity.serial.to_string();
    let mut lines = Vec::with_capacity(512);
    let mut add = |path: String, source| lines.push(Line { path: path.into(), source });
    for entry in PLANT {
        add(entry.path.replace("<serial>", &serial), Source::Plant(entry));
    }
    for (place, battery) in snapshot.batteries.iter().enumerate() {
        for entry in BATTERY {
            let path = format!("Battery_Details/Battery_Stack_1/{}/{}", battery.serial, entry.path);
            add(path, Source::Battery(place, entry));
        }
    }
    for (place, meter) in snapshot.meters.iter().enumerate() {
        for entry in METER {
            add(format!("Meter_Details/Meter_ID{}/{}", meter.address, entry.path), Source::Meter(place, entry));
        }
    }
    for (place, period) in periods(snapshot).iter().enumerate() {
        for entry in PERIOD {
            add(format!("Energy/Rates/Periods/{}/{}", period.name, entry.path), Source::Period(place, entry));
        }
    }
    if !with_raw {
        return lines;
    }
    for (path, get) in raw::DERIVED {
        add(path.to_owned(), Source::Derived(get));
    }
    let mut add_fields = |below: &str, device: Device, fields: &'static [&'static Field]| {
        for field in fields {
            for (suffix, part) in raw::parts(field) {
                let path = format!("raw/{below}/{}{suffix}", field.raw_name());
                add(path, Source::Raw(device, field, *part));
            }
        }
    };
    add_fields("invertor", Device::Inverter, single_phase::FIELDS);
    for battery in &snapshot.batteries {
        add_fields(&format!("batteries/{}", battery.serial), Device::At(battery.address), lv_battery::FIELDS);
    }
    for found in &snapshot.meters {
        let below = format!("meters/Meter_ID_{}", found.address);
        add_fields(&below, Device::At(found.address), meter::FIELDS);
        add_fields(&below, Device::At(found.address), meter_product::FIELDS);
    }
    if has_lv_bcu(snapshot) {
        add_fields("lv_bcu", Device::At(MIRROR), lv_bcu::FIELDS);
    }
    lines
}

/// A tree as nested JSON, the shape of GivTCP's `readData`; numbers are numbers.
pub fn as_json(tree: &Tree) -> Json {
    let mut root = Map::new();
    for leaf in &tree.leaves {
        insert(&mut root, &leaf.path, to_json(&leaf.payload));
    }
    Json::Object(root)
}

fn insert(level: &mut Map<String, Json>, path: &str, value: Json) {
    match path.split_once('/') {
        None => {
            level.insert(path.to_owned(), value);
        }
        Some((first, rest)) => {
            let below = level.entry(first).or_insert_with(|| Json::Object(Map::new()));
            if let Json::Object(below) = below {
                insert(below, rest, value);
            }
        }
    }
}

fn to_json(payload: &Payload) -> Json {
    match payload {
        Payload::Integer(number) => (*number).into(),
        Payload::Float(number) => (*number).into(),
        Payload::Word(text) => (*text).into(),
        Payload::Text(text) => (&**text).into(),
    }
}
