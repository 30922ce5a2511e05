//! The entities of GivTCP 3.5: its topics, ids, kinds, units and names, as a broker that it used holds them, odd ones too:
//! people's dashboards, statistics and automations hang on each. Its topics are written over, so that Home Assistant takes
//! the payload for a newer one of the same entity and keeps all that it knows of it.
//!
//! Only the restart and the calibration ask for the serial number here, and what GivTCP has not is off at first.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::found::GIVTCP_NODE;
use super::{Options, Plant, Told, object};
use crate::catalogue::Quantity;
use crate::control::command_of;
use crate::frame::Serial;
use crate::plant::{Family, givtcp_serial};

/// Buttons: leaf and command.
const BUTTONS: &[(&str, &str)] =
    &[("Reboot_Addon", "rebootAddon"), ("Reboot_Invertor", "rebootInverter"), ("Sync_Time", "syncDateTime")];
const OVERRIDES: &[(&str, &str)] = &[
    ("Force_Charge", "forceCharge"),
    ("Force_Export", "forceExport"),
    ("Temp_Pause_Charge", "tempPauseCharge"),
    ("Temp_Pause_Discharge", "tempPauseDischarge"),
];
const MINUTES: [&str; 18] = [
    "Normal", "Running", "Cancel", "2", "5", "10", "15", "30", "45", "60", "75", "90", "105", "120", "135", "150",
    "165", "180",
];
const SWITCHES: &[&str] = &[
    "Eco_Mode",
    "Enable_Charge_Schedule",
    "Enable_Discharge_Schedule",
    "Enable_Charge_Target",
    "Real_Time_Control",
    "Force_Discharge_Enable",
    "Force_Charge_Enable",
    "Force_AC_Charge_Enable",
];

/// Where a leaf belongs: GivTCP's ids come from the level above it.
struct Place<'a> {
    /// The leaf as it stands in ids.
    leaf: String,
    /// The level above it where that is in its ids: of batteries, stacks, meters and inverters behind another.
    parent: Option<&'a str>,
    section: &'a str,
}

/// What is told of an inverter, by topic.
pub(super) fn announce(options: &Options, plant: &Plant<'_>) -> BTreeMap<String, Told> {
    let mut told = BTreeMap::new();
    let status = (STATUS, Quantity::Text);
    let values = plant.values.iter().map(|(path, quantity)| (&**path, *quantity));
    // The availability comes last: a three-phase inverter has a state of the same id.
    for (path, quantity) in values.chain([status]) {
        let (kind, config) = value(options, plant, path, quantity);
        put(&mut told, options, plant, path, kind, config);
    }
    let family = plant.snapshot.capabilities.family();
    if plant.commands && matches!(family, Family::SinglePhase | Family::ThreePhase | Family::Gateway) {
        for (leaf, command) in BUTTONS {
            let config = button(options, plant, command);
            put(&mut told, options, plant, &format!("Control/{leaf}"), "button", config);
        }
    }
    told
}

const STATUS: &str = "Stats/status";

fn put(
    told: &mut BTreeMap<String, Told>,
    options: &Options,
    plant: &Plant<'_>,
    path: &str,
    kind: &str,
    config: Map<String, Value>,
) {
    let inverter = plant.snapshot.identity.serial;
    let Place { leaf, parent, section } = place(path);
    let parent = parent.map(|parent| called(plant, parent));
    let parent = parent.as_deref();
    let prefix = &options.givtcp;
    let below = format!("{}/{inverter}", options.root);
    let (topic_id, unique_id) = match parent {
        Some(parent) => (format!("{inverter}_{parent}_{leaf}"), format!("{prefix}_{parent}_{leaf}")),
        None => (format!("{inverter}_{leaf}"), format!("{prefix}_{inverter}_{leaf}")),
    };
    let (device, device_name) = match parent {
        Some(parent) => (format!("{prefix} {parent}"), format!("{prefix} {}", parent.replace('_', " "))),
        None => (format!("{inverter}_{section}"), format!("{prefix} {}", section.replace('_', " "))),
    };
    let mut payload = object([
        ("stat_t", format!("{below}/{path}").replace(' ', "_").into()),
        ("avty_t", format!("{below}/{STATUS}").into()),
        ("pl_avail", "online".into()),
        ("pl_not_avail", "offline".into()),
        (
            "device",
            json!({
                "identifiers": device,
                "name": device_name,
                "manufacturer": "GivEnergy",
                "model": plant.snapshot.identity.model.givtcp_name(),
            }),
        ),
        ("name", leaf.replace('_', " ").into()),
        ("default_entity_id", format!("{kind}.{unique_id}").into()),
        ("unique_id", unique_id.into()),
    ]);
    payload.extend(config);
    let topic = format!("{}/{kind}/{GIVTCP_NODE}/{topic_id}/config", options.prefix);
    told.insert(topic, Told { payload, components: BTreeMap::new() });
}

/// What GivTCP calls a device behind the inverter.
fn called<'a>(plant: &Plant<'_>, parent: &'a str) -> Cow<'a, str> {
    let modules = plant.snapshot.stacks.iter().flat_map(|stack| &stack.modules);
    let module = modules.into_iter().find(|module| module.serial.to_string() == parent);
    module.map_or(Cow::Borrowed(parent), |module| {
        givtcp_serial(module.serial, plant.snapshot.image.view(module.address)).into()
    })
}

fn place(path: &str) -> Place<'_> {
    let levels: Vec<&str> = path.split('/').collect();
    let section = levels.first().copied().unwrap_or(path);
    let leaf = levels.last().copied().unwrap_or(path).to_owned();
    let has_parent = matches!(section, "Battery_Details" | "Meter_Details" | "Inverters");
    let parent = levels.len().checked_sub(2).and_then(|place| levels.get(place)).filter(|_| has_parent).copied();
    // What is this program's own has more levels than an id of GivTCP's tells apart.
    let leaf = match levels.as_slice() {
        ["Energy", "Rates", "Periods", period, leaf] => format!("{period}_{leaf}"),
        ["Stats", "Rejections", reason] => format!("Rejections_{reason}"),
        _ => leaf,
    };
    Place { leaf, parent, section }
}

/// A value's kind, and what is told of it beside its ids.
fn value(options: &Options, plant: &Plant<'_>, path: &str, quantity: Quantity) -> (&'static str, Map<String, Value>) {
    let leaf = path.rsplit('/').next().unwrap_or(path);
    let (kind, mut config) = if path.starts_with("Control/") || path.starts_with("Timeslots/") {
        control(plant, path, leaf)
    } else if leaf == "Current_Rate_Type" {
        ("select", object([("options", json!(["Day", "Night"]))]))
    } else {
        ("sensor", sensor(leaf, quantity))
    };
    if kind != "sensor"
        && let Some(command) = command(path, leaf)
    {
        config.insert("command_topic".to_owned(), command_topic(options, plant.snapshot.identity.serial, &command));
    }
    if is_own(path, leaf) {
        config.insert("enabled_by_default".to_owned(), false.into());
    }
    (kind, config)
}

fn command(path: &str, leaf: &str) -> Option<String> {
    let of_override = || {
        let (_, command) = OVERRIDES.iter().find(|(name, _)| leaf.strip_suffix("_Num").unwrap_or(leaf) == *name)?;
        Some((*command).to_owned())
    };
    let of_rate = || (leaf == "Current_Rate_Type").then(|| "switchRate".to_owned());
    command_of(path).or_else(of_override).or_else(of_rate)
}

fn command_topic(options: &Options, inverter: Serial, command: &str) -> Value {
    super::ids::command_topic(&options.root, inverter, command).into()
}

fn button(options: &Options, plant: &Plant<'_>, command: &str) -> Map<String, Value> {
    let inverter = plant.snapshot.identity.serial;
    let press = if command == "rebootInverter" {
        json!({ "confirm": inverter.to_string() }).to_string()
    } else {
        "restart".to_owned()
    };
    object([
        ("command_topic", command_topic(options, inverter, command)),
        ("device_class", "restart".into()),
        ("payload_press", press.into()),
    ])
}

/// What is set, whether this model takes it or not: GivTCP goes by the name.
fn control(plant: &Plant<'_>, path: &str, leaf: &str) -> (&'static str, Map<String, Value>) {
    let slider = |unit: &str, min: i64, max: i64| {
        let (least, most) = plant.ranges.get(path).copied().unwrap_or((min, max));
        let mut config =
            object([("min", min.min(least).into()), ("max", max.max(most).into()), ("mode", "slider".into())]);
        if !unit.is_empty() {
            config.insert("unit_of_meas".to_owned(), unit.into());
        }
        ("number", config)
    };
    let rate = || plant.snapshot.inverter.max_battery_power.unwrap_or(5000);
    if command(path, leaf).is_none() {
        return ("sensor", Map::new());
    }
    match leaf {
        _ if path.starts_with("Timeslots/") => ("select", object([("options", minutes_of_the_day())])),
        _ if SWITCHES.contains(&leaf) => {
            ("switch", object([("payload_on", "enable".into()), ("payload_off", "disable".into())]))
        }
        _ if OVERRIDES.iter().any(|(name, _)| leaf == *name) => ("select", object([("options", json!(MINUTES))])),
        _ if leaf.ends_with("_Num") => slider("", 0, 240),
        "Mode" => {
            let modes = ["Eco", "Eco (Paused)", "Timed Demand", "Timed Export", "Unknown", "Export (Paused)"];
            ("select", object([("options", json!(modes))]))
        }
        "Battery_pause_mode" => {
            ("select", object([("options", json!(["Disabled", "PauseCharge", "PauseDischarge", "PauseBoth"]))]))
        }
        "Battery_Calibration" => {
            let inverter = plant.snapshot.identity.serial;
            let confirm = format!("{{{{ {{'state': value, 'confirm': '{inverter}'}} | to_json }}}}");
            let stages = json!(["Off", "Start", "Charge Only", "Running"]);
            ("select", object([("options", stages), ("command_template", confirm.into())]))
        }
        "Battery_Charge_Rate" | "Battery_Discharge_Rate" => slider("W", 0, rate()),
        "Battery_Charge_Rate_AC" | "Battery_Discharge_Rate_AC" => slider("%", 0, 100),
        _ if leaf.contains("SOC") => slider("%", 4, 100),
        // Home Assistant takes them from 1 to 100.
        _ => {
            let mut config = object([("unit_of_meas", "%".into())]);
            if let Some((least, _)) = plant.ranges.get(path).filter(|(least, _)| *least < 1) {
                config.insert("min".to_owned(), (*least).into());
            }
            ("number", config)
        }
    }
}

fn minutes_of_the_day() -> Value {
    (0..24 * 60).map(|minute| Value::from(format!("{:02}:{:02}:00", minute / 60, minute % 60))).collect()
}

/// GivTCP's unit and classes of a value.
fn sensor(leaf: &str, quantity: Quantity) -> Map<String, Value> {
    use Quantity as Q;
    let of = |unit: &str, device_class: &str, state_class: &str| {
        let all = [("unit_of_meas", unit), ("device_class", device_class), ("state_class", state_class)];
        all.into_iter().filter(|(_, text)| !text.is_empty()).map(|(key, text)| (key.to_owned(), text.into())).collect()
    };
    let bare = || object([("unit_of_meas", "".into())]);
    match quantity {
        _ if leaf.contains("Capacity") => of("Ah", "", "measurement"),
        _ if matches!(leaf, "Export_Limit" | "Modbus_Version" | "Battery_Cells") => bare(),
        Q::Power => of("W", "Power", "measurement"),
        Q::ApparentPower => of("VA", "", "measurement"),
        Q::EnergyToday | Q::EnergyTotal if is_total(leaf) => of("kWh", "Energy", "total"),
        Q::EnergyToday | Q::EnergyTotal => of("kWh", "Energy", "total_increasing"),
        Q::EnergyStored => of("kWh", "Energy", "total"),
        Q::WattHours => of("Wh", "", "measurement"),
        Q::Voltage => of("V", "Voltage", "measurement"),
        Q::Current => of("A", "Current", "measurement"),
        Q::Frequency => of("Hz", "frequency", "measurement"),
        Q::Temperature => of("\u{b0}C", "Temperature", "measurement"),
        Q::StateOfCharge if !leaf.starts_with("Stack_") => of("%", "Battery", "measurement"),
        Q::StateOfCharge | Q::Percent | Q::Minutes | Q::PowerFactor => bare(),
        Q::Charge => of("Ah", "", "measurement"),
        Q::Seconds => of("seconds", "", "measurement"),
        Q::Money => money("{GBP}"),
        Q::Price => money("{GBP}/kWh"),
        Q::Count if leaf.ends_with("_Cycles") || leaf.ends_with("Write_Count") => {
            object([("unit_of_meas", "".into()), ("state_class", "measurement".into())])
        }
        Q::Timestamp if leaf.ends_with("_Completion_Time") => object([
            ("device_class", "timestamp".into()),
            // It comes and goes, and an empty message would be an error.
            ("value_template", "{{ value or None }}".into()),
        ]),
        Q::Timestamp => of("", "timestamp", ""),
        Q::Count | Q::TimeOfDay | Q::Switch | Q::Choice | Q::Text => Map::new(),
    }
}

fn money(unit: &str) -> Map<String, Value> {
    object([
        ("unit_of_meas", unit.into()),
        ("device_class", "Monetary".into()),
        ("icon_template", "mdi:currency-gbp".into()),
    ])
}

/// Energies that GivTCP does not say of that they only grow.
fn is_total(leaf: &str) -> bool {
    leaf.starts_with("Day_")
        || leaf.starts_with("Night_")
        || (leaf.starts_with("Stack_") && leaf.ends_with("_Total_kWh"))
}

/// Whether GivTCP has no such value.
fn is_own(path: &str, leaf: &str) -> bool {
    const OWN: &[&str] = &[
        "Skipped_Cycles",
        "Stale_Blocks",
        "Rejected_Blocks",
        "CRC_Errors",
        "Reconnects",
        "Clock_Skew",
        "Faults",
        "Warnings",
        "Battery_SOH",
        "Measured_SOC_kWh",
        "Export_Income_Today",
        "Current_Period",
        "Current_Period_Rate",
        "Battery_USB_present",
    ];
    OWN.contains(&leaf)
        || leaf.starts_with("Battery_Cell_Voltage_")
        || leaf.contains("_Lifetime_")
        || path.starts_with("Energy/Rates/Periods/")
        || path.starts_with("Stats/Rejections/")
}
