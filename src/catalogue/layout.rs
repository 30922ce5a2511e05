use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::entries::{AIO, BATTERY, EMS_INVERTER, Entry, METER, MODULE, PERIOD, PLANT, STACK};
use super::raw::{self, Part};
use super::{Leaf, Payload, Quantity, Role, Tree};
use crate::frame::Serial;
use crate::plant::snapshot::{Aio, Battery, BatteryStack, EmsInverter, Meter, Module, Snapshot};
use crate::plant::tariff::PeriodRates;
use crate::plant::{Family, MIRROR};
use crate::registers::{
    Field, View, ems, gateway, hv_bcu, hv_bmu, lv_battery, lv_bcu, meter, meter_product, single_phase, three_phase,
};

/// The leaves of a plant with these devices, their paths made once: from one snapshot to the next only values change.
#[derive(Debug, Default)]
pub struct Layout {
    devices: Option<Devices>,
    lines: Vec<Line>,
    /// What the role leaves out.
    left_out: Arc<[Arc<str>]>,
    raw: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct Devices {
    inverter: Serial,
    family: Family,
    batteries: Vec<(u8, Serial)>,
    meters: Vec<u8>,
    /// Controller and modules.
    stacks: Vec<(u8, Vec<(u8, Serial)>)>,
    aios: Vec<u8>,
    /// Inverters behind a plant controller.
    inverters: Vec<Serial>,
    lv_bcu: bool,
    periods: Vec<Arc<str>>,
    role: Role,
    ten_slots: bool,
}

#[derive(Debug)]
struct Line {
    path: Arc<str>,
    source: Source,
}

/// Where a leaf's value is had from; devices by their place in the snapshot.
#[derive(Debug)]
enum Source {
    Plant(&'static Entry<Snapshot>),
    Battery(usize, &'static Entry<Battery>),
    Meter(usize, &'static Entry<Meter>),
    Period(usize, &'static Entry<PeriodRates>),
    Stack(usize, &'static Entry<BatteryStack>),
    Module(usize, usize, &'static Entry<Module>),
    Aio(usize, &'static Entry<Aio>),
    EmsInverter(usize, &'static Entry<EmsInverter>),
    StackRaw(usize, raw::DeriveStack),
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
        Tree {
            serial: snapshot.identity.serial,
            online: snapshot.stats.online,
            leaves: self.values_as(role, snapshot).into_iter().map(|(leaf, _)| leaf).collect(),
            left_out: Arc::clone(&self.left_out),
            notices: Arc::default(),
        }
    }

    /// Every path that the plant of the last snapshot can have, and what it measures; registers do not say that.
    pub fn paths(&self) -> impl Iterator<Item = (&Arc<str>, Option<Quantity>)> {
        self.lines.iter().map(|line| (&line.path, line.source.quantity()))
    }

    /// The same leaves, each with what it measures; registers do not say that.
    pub fn values_as(&mut self, role: Role, snapshot: &Snapshot) -> Vec<(Leaf, Option<Quantity>)> {
        let devices = Devices::of(snapshot, role);
        if self.devices.as_ref() != Some(&devices) {
            let (published, left_out): (Vec<_>, Vec<_>) =
                lines(snapshot, self.raw).into_iter().partition(|line| role.publishes(&line.path));
            self.lines = published;
            self.left_out = left_out.into_iter().map(|line| line.path).collect();
            self.devices = Some(devices);
        }
        let leaf = |line: &Line| {
            let leaf = Leaf { path: Arc::clone(&line.path), payload: line.source.payload(snapshot)? };
            Some((leaf, line.source.quantity()))
        };
        self.lines.iter().filter_map(leaf).collect()
    }
}

impl Devices {
    fn of(snapshot: &Snapshot, role: Role) -> Self {
        Self {
            inverter: snapshot.identity.serial,
            family: snapshot.capabilities.family(),
            batteries: snapshot.batteries.iter().map(|battery| (battery.address, battery.serial)).collect(),
            meters: snapshot.meters.iter().map(|meter| meter.address).collect(),
            stacks: snapshot.stacks.iter().map(|stack| (stack.controller, modules(stack))).collect(),
            aios: aios(snapshot).iter().map(|aio| aio.number).collect(),
            inverters: inverters(snapshot).iter().map(|inverter| inverter.serial).collect(),
            lv_bcu: has_lv_bcu(snapshot),
            periods: periods(snapshot).iter().map(|period| Arc::clone(&period.name)).collect(),
            role,
            ten_slots: has_ten_slots(snapshot),
        }
    }
}

fn periods(snapshot: &Snapshot) -> &[PeriodRates] {
    snapshot.rates.as_ref().map_or(&[], |rates| &rates.periods)
}

/// Whether charge slot 2 is that of HR 243 and 244, not that of HR 31 and 32; the three-phase table has one of its own.
fn has_ten_slots(snapshot: &Snapshot) -> bool {
    match snapshot.capabilities.family() {
        Family::Gateway => true,
        Family::ThreePhase => false,
        _ => snapshot.capabilities.ten_slots(),
    }
}

fn modules(stack: &BatteryStack) -> Vec<(u8, Serial)> {
    stack.modules.iter().map(|module| (module.address, module.serial)).collect()
}

fn aios(snapshot: &Snapshot) -> &[Aio] {
    snapshot.gateway.as_ref().map_or(&[], |gateway| &gateway.aios)
}

fn inverters(snapshot: &Snapshot) -> &[EmsInverter] {
    snapshot.ems.as_ref().map_or(&[], |ems| &ems.inverters)
}

fn has_lv_bcu(snapshot: &Snapshot) -> bool {
    snapshot.capabilities.lv_bcu && snapshot.identity.model.is_supported()
}

impl Source {
    fn quantity(&self) -> Option<Quantity> {
        match self {
            Self::Plant(entry) => Some(entry.quantity),
            Self::Battery(_, entry) => Some(entry.quantity),
            Self::Meter(_, entry) => Some(entry.quantity),
            Self::Period(_, entry) => Some(entry.quantity),
            Self::Stack(_, entry) => Some(entry.quantity),
            Self::Module(_, _, entry) => Some(entry.quantity),
            Self::Aio(_, entry) => Some(entry.quantity),
            Self::EmsInverter(_, entry) => Some(entry.quantity),
            Self::StackRaw(..) | Self::Derived(_) | Self::Raw(..) => None,
        }
    }

    fn payload(&self, snapshot: &Snapshot) -> Option<Payload> {
        let (quantity, payload) = match self {
            Self::Plant(entry) => (entry.quantity, (entry.get)(snapshot)?),
            Self::Battery(place, entry) => (entry.quantity, (entry.get)(snapshot.batteries.get(*place)?)?),
            Self::Meter(place, entry) => (entry.quantity, (entry.get)(snapshot.meters.get(*place)?)?),
            Self::Period(place, entry) => (entry.quantity, (entry.get)(periods(snapshot).get(*place)?)?),
            Self::Stack(place, entry) => (entry.quantity, (entry.get)(snapshot.stacks.get(*place)?)?),
            Self::Module(stack, place, entry) => {
                (entry.quantity, (entry.get)(snapshot.stacks.get(*stack)?.modules.get(*place)?)?)
            }
            Self::Aio(place, entry) => (entry.quantity, (entry.get)(aios(snapshot).get(*place)?)?),
            Self::EmsInverter(place, entry) => (entry.quantity, (entry.get)(inverters(snapshot).get(*place)?)?),
            Self::StackRaw(place, get) => return get(snapshot.stacks.get(*place)?),
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
    let mut lines = Vec::with_capacity(512);
    let mut add = |path: String, source| lines.push(Line { path: path.into(), source });
    values(snapshot, &mut add);
    if with_raw {
        registers(snapshot, &mut add);
    }
    lines
}

/// What is made of the registers.
fn values(snapshot: &Snapshot, add: &mut impl FnMut(String, Source)) {
    let serial = snapshot.identity.serial.to_string();
    let family = snapshot.capabilities.family();
    for entry in PLANT.iter().copied().flatten().filter(|entry| entry.is_of(family)) {
        add(entry.path.replace("<serial>", &serial), Source::Plant(entry));
    }
    for (place, battery) in snapshot.batteries.iter().enumerate() {
        for entry in BATTERY {
            let path = format!("Battery_Details/Battery_Stack_1/{}/{}", battery.serial, entry.path);
            add(path, Source::Battery(place, entry));
        }
    }
    for (place, stack) in snapshot.stacks.iter().enumerate() {
        let below = format!("Battery_Details/Battery_Stack_{}", stack.number);
        for entry in STACK {
            add(format!("{below}/{}", entry.path), Source::Stack(place, entry));
        }
        for (module_place, module) in stack.modules.iter().enumerate() {
            for entry in MODULE {
                let path = format!("{below}/{}/{}", module.serial, entry.path);
                add(path, Source::Module(place, module_place, entry));
            }
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
    for (place, aio) in aios(snapshot).iter().enumerate() {
        for entry in AIO {
            let leaf = entry.path.replace("<n>", &aio.number.to_string());
            add(format!("Inverters/AIO_{}/{leaf}", aio.number), Source::Aio(place, entry));
        }
    }
    for (place, inverter) in inverters(snapshot).iter().enumerate() {
        for entry in EMS_INVERTER {
            add(format!("Inverters/{}/{}", inverter.serial, entry.path), Source::EmsInverter(place, entry));
        }
    }
}

/// The fields of an inverter's own registers, by its family. Where two would have one topic, it is that of the family's
/// own: GivTCP's names of single-phase fields come again in other tables.
pub(super) fn inverter_fields(family: Family) -> Vec<&'static Field> {
    let own: &[&'static Field] = match family {
        Family::ThreePhase => three_phase::FIELDS,
        Family::Ems => ems::FIELDS,
        Family::Gateway => gateway::FIELDS,
        Family::SinglePhase | Family::PvOnly => &[],
    };
    let taken: BTreeSet<&str> = own.iter().map(|field| field.raw_name()).collect();
    let base = match family {
        Family::ThreePhase => three_phase::fields(),
        _ => single_phase::FIELDS.to_vec(),
    };
    let mut fields: Vec<_> = base
        .into_iter()
        .filter(|field| own.iter().any(|own| std::ptr::eq(*own, *field)) || !taken.contains(field.raw_name()))
        .collect();
    if family != Family::ThreePhase {
        fields.extend(own);
    }
    fields
}

/// The registers themselves.
fn registers(snapshot: &Snapshot, add: &mut impl FnMut(String, Source)) {
    for (path, get) in raw::DERIVED {
        add(path.to_owned(), Source::Derived(get));
    }
    let ten_slots = has_ten_slots(snapshot);
    let mut add_fields = |below: &str, device: Device, fields: &[&'static Field]| {
        for &field in fields {
            let Some(name) = raw::name(field, ten_slots) else { continue };
            for (suffix, part) in raw::parts(field) {
                let path = format!("raw/{below}/{name}{suffix}");
                add(path, Source::Raw(device, field, *part));
            }
        }
    };
    add_fields("invertor", Device::Inverter, &inverter_fields(snapshot.capabilities.family()));
    for battery in &snapshot.batteries {
        add_fields(&format!("batteries/{}", battery.serial), Device::At(battery.address), lv_battery::FIELDS);
    }
    for (place, stack) in snapshot.stacks.iter().enumerate() {
        let below = format!("HV_Battery_Stacks/Stack_{place}");
        add_fields(&below, Device::At(stack.controller), hv_bcu::FIELDS);
        for module in &stack.modules {
            add_fields(&format!("{below}/{}", module.serial), Device::At(module.address), hv_bmu::FIELDS);
        }
    }
    for found in &snapshot.meters {
        let below = format!("meters/Meter_ID_{}", found.address);
        add_fields(&below, Device::At(found.address), meter::FIELDS);
        add_fields(&below, Device::At(found.address), meter_product::FIELDS);
    }
    if has_lv_bcu(snapshot) {
        add_fields("lv_bcu", Device::At(MIRROR), lv_bcu::FIELDS);
    }
    for place in 0..snapshot.stacks.len() {
        for (leaf, get) in raw::STACK_DERIVED {
            add(format!("raw/HV_Battery_Stacks/Stack_{place}/{leaf}"), Source::StackRaw(place, get));
        }
        for module in snapshot.stacks.get(place).iter().flat_map(|stack| &stack.modules) {
            let path = format!("raw/HV_Battery_Stacks/Stack_{place}/{}/BCU", module.serial);
            add(path, Source::StackRaw(place, raw::stack_index));
        }
    }
}

/// A tree as nested JSON, the shape of GivTCP's `readData`; numbers are numbers.
pub fn as_json(tree: &Tree) -> Json {
    let mut root = Map::new();
    for leaf in &tree.leaves {
        insert(&mut root, &leaf.path, leaf_json(&leaf.payload));
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

/// A value as JSON: a number as a number.
pub fn leaf_json(payload: &Payload) -> Json {
    match payload {
        Payload::Integer(number) => (*number).into(),
        Payload::Float(number) => (*number).into(),
        Payload::Word(text) => (*text).into(),
        Payload::Text(text) => (&**text).into(),
    }
}
