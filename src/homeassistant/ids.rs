//! Every id that an entity ever had, in one place: an id that changes is an entity that is lost.
//!
//! Of this program's own: serial numbers and the names of topics' leaves, in small letters and with inverter spelt so;
//! nothing that people can change.

use crate::frame::Serial;

/// A device of the plant, as its ids tell it from others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// The inverter itself, a plant controller, a gateway.
    Inverter,
    /// A low-voltage battery, or a module of a stack, by its serial number.
    Battery(String),
    /// A high-voltage stack by its number.
    Stack(usize),
    /// A meter by its number.
    Meter(u8),
    /// An all-in-one behind a gateway by its number.
    Aio(u8),
    /// An inverter that a plant controller leads, by its serial number.
    Led(String),
}

impl Part {
    /// Whose value stands at this path, and what it is called there. With stacks, what stands directly below one is the
    /// stack's.
    pub(super) fn of(path: &str, has_stacks: bool) -> (Self, &str) {
        let number = |text: &str| text.parse::<u8>().ok();
        let levels: Vec<&str> = path.split('/').collect();
        match levels.as_slice() {
            ["Battery_Details", _, battery, leaf] => (Self::Battery((*battery).to_owned()), leaf),
            ["Battery_Details", stack, leaf] if has_stacks => {
                match stack.strip_prefix("Battery_Stack_").and_then(|number| number.parse().ok()) {
                    Some(stack) => (Self::Stack(stack), leaf),
                    None => (Self::Inverter, leaf),
                }
            }
            ["Meter_Details", meter, leaf] => match meter.strip_prefix("Meter_ID").and_then(number) {
                Some(meter) => (Self::Meter(meter), leaf),
                None => (Self::Inverter, leaf),
            },
            ["Inverters", led, leaf] => match led.strip_prefix("AIO_").and_then(number) {
                Some(aio) => (Self::Aio(aio), leaf.strip_prefix(&format!("{led}_")).unwrap_or(leaf)),
                None => (Self::Led((*led).to_owned()), leaf),
            },
            ["Stats", "Rejections", leaf] => (Self::Inverter, leaf),
            ["Energy", "Rates", "Periods", ..] => {
                (Self::Inverter, path.strip_prefix("Energy/Rates/Periods/").unwrap_or(path))
            }
            _ => (Self::Inverter, levels.last().copied().unwrap_or(path)),
        }
    }

    /// What identifies the device: of what has no serial number everywhere, that of its inverter with a number.
    pub(super) fn id(&self, inverter: Serial) -> String {
        let inverter = clean(&inverter.to_string());
        match self {
            Self::Inverter => inverter,
            Self::Battery(serial) => clean(serial),
            Self::Stack(number) => format!("{inverter}_stack_{number}"),
            Self::Meter(number) => format!("{inverter}_meter_{number}"),
            Self::Aio(number) => format!("{inverter}_aio_{number}"),
            // It may be an inverter of the settings too, with the same values at other topics.
            Self::Led(serial) => format!("{inverter}_{}", clean(serial)),
        }
    }

    /// The level of its topic that is its own: begins with the inverter that tells of it.
    pub(super) fn object_id(&self, inverter: Serial) -> String {
        let own = self.id(inverter);
        let inverter = clean(&inverter.to_string());
        match self {
            Self::Battery(_) => format!("givtcp_{inverter}_{own}"),
            _ => format!("givtcp_{own}"),
        }
    }
}

/// Where a value is published: with the characters that no topic may hold as the session replaces them.
pub(super) fn value_topic(root: &str, inverter: Serial, path: &str) -> String {
    let plain = |c: char| if matches!(c, ' ' | '+' | '#' | '\0') { '_' } else { c };
    format!("{root}/{}/{path}", inverter.to_string().replace('/', "_")).chars().map(plain).collect()
}

/// Where a command is taken.
pub(super) fn command_topic(root: &str, inverter: Serial, command: &str) -> String {
    format!("{root}/control/{inverter}/{command}")
}

/// What an entity is called within its device and for ever, from its leaf.
pub(super) fn key(leaf: &str) -> String {
    clean(leaf).to_lowercase().replace("invertor", "inverter")
}

/// The id of an entity in Home Assistant's registry.
pub(super) fn unique_id(part: &Part, inverter: Serial, key: &str) -> String {
    format!("{}_{key}", part.id(inverter))
}

/// What its entity is called there when it is first seen.
pub(super) fn default_entity_id(kind: &str, part: &Part, inverter: Serial, key: &str) -> String {
    format!("{kind}.givenergy_{}_{key}", part.id(inverter).to_lowercase())
}

/// Where a device is told.
pub(super) fn topic(prefix: &str, part: &Part, inverter: Serial) -> String {
    format!("{prefix}/device/{}/config", part.object_id(inverter))
}

/// Letters, digits, `_` and `-`: what may stand in ids and topics.
pub(super) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' }).collect()
}
