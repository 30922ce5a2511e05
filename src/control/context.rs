//! What a plan needs to know of an inverter.

use std::collections::BTreeMap;

use jiff::civil::DateTime;

use super::allowed::Allowed;
use super::{Command, Refusal};
use crate::frame::{Bank, Serial};
use crate::plant::{Capabilities, Family, Model, Snapshot};
use crate::registers::View;

/// What is known of an inverter and its settings now.
#[derive(Clone, Debug)]
pub struct Context {
    /// Its serial number, by which whoever means it confirms.
    pub serial: Serial,
    /// What it can do.
    pub abilities: Abilities,
    /// What its battery holds, kWh, as its rates are counted in hundredths of it.
    pub battery_kwh: Option<f64>,
    /// What its battery can take and give, W.
    pub battery_watts: Option<i64>,
    /// Its settings as they were last read.
    pub known: Known,
    /// What time it is in the inverter's zone.
    pub wall: Option<DateTime>,
    /// The last reserve below 100 % that was seen, %.
    pub last_reserve: Option<u8>,
    /// The plant controller that leads it, if there is one: what it sets, that would undo.
    pub led_by: Option<Serial>,
}

/// What an inverter can do, as far as it decides on its registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// What it is.
    pub model: Model,
    /// Where its settings stand; `None` where that is not known.
    pub(super) place: Option<Place>,
    /// Ten charge and ten discharge slots, each with a target (HR 240 to 299).
    pub ten_slots: bool,
    /// Rates as a share of the inverter's power, and a pause mode (HR 300 to 359).
    pub ac_settings: bool,
}

/// Where settings stand, and so which of the allowed registers an inverter has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// HR 20 to 116.
    SinglePhase,
    /// The same, without all that is the battery's.
    PvOnly,
    /// Beside them HR 1078 to 1123.
    ThreePhase,
    /// HR 2040 to 2070.
    Ems,
    /// As a single-phase inverter's, for all its all-in-ones.
    Gateway,
    /// With no more than one all-in-one, which keeps its settings itself.
    IdleGateway,
}

/// Holding registers of the inverter, as far as they were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known(BTreeMap<u16, u16>);

// === impl Context ===

impl Context {
    /// From what was read last.
    pub fn of(snapshot: &Snapshot, wall: Option<DateTime>, last_reserve: Option<u8>) -> Self {
        let aios = snapshot.gateway.as_ref().and_then(|gateway| gateway.aio_count);
        let view = snapshot.capabilities.inverter_view(&snapshot.image).with_blanks();
        Self {
            serial: snapshot.identity.serial,
            abilities: Abilities::of(&snapshot.capabilities, aios),
            battery_kwh: snapshot.inverter.battery_capacity,
            battery_watts: snapshot.inverter.max_battery_power,
            known: Known::of(view),
            wall,
            last_reserve,
            led_by: None,
        }
    }

    /// Whether anything may be written to it for this command.
    pub(super) fn may_take(&self, command: &Command) -> Result<(), Refusal> {
        self.abilities.place()?;
        let is_its_own = matches!(command, Command::Clock(_) | Command::Reboot { .. });
        match self.led_by {
            Some(leader) if !is_its_own => Err(Refusal::Led(leader)),
            _ => Ok(()),
        }
    }

    /// This model has nothing that could do it.
    pub(super) fn unsupported(&self, what: impl ToString, why: &'static str) -> Refusal {
        Refusal::NotSupported { what: what.to_string(), model: self.abilities.model.name(), why }
    }

    /// The reserve that is to be remembered now, if it is known: what [`Mode::Eco`](super::Mode::Eco) restores once
    /// the reserve was set to 100 % to rest the battery.
    pub fn reserve_to_remember(&self) -> Option<u8> {
        let register = super::battery::reserve_register(self.abilities.place().ok()?)?;
        let reserve = self.known.get(register).and_then(|reserve| u8::try_from(reserve).ok())?;
        (4..100).contains(&reserve).then_some(reserve)
    }
}

// === impl Abilities ===

impl Abilities {
    /// By its model and what it was found to answer; `aios` is how many all-in-ones a gateway has.
    pub fn of(capabilities: &Capabilities, aios: Option<i64>) -> Self {
        let model = capabilities.model;
        let block = |base| (Bank::Holding, base);
        // That a model should have a block is not enough if it never answered.
        let answers = |base, has: bool| {
            (has || capabilities.extra.contains(&block(base))) && !capabilities.silent.contains(&block(base))
        };
        let place = match capabilities.family() {
            _ if !model.is_supported() => None,
            Family::SinglePhase if model == Model::AllInOneHybrid => None,
            Family::SinglePhase => Some(Place::SinglePhase),
            Family::PvOnly => Some(Place::PvOnly),
            Family::ThreePhase => Some(Place::ThreePhase),
            Family::Ems => Some(Place::Ems),
            Family::Gateway if aios.is_some_and(|count| count > 1) => Some(Place::Gateway),
            Family::Gateway => Some(Place::IdleGateway),
        };
        Self {
            model,
            place,
            ten_slots: answers(240, capabilities.ten_slots()),
            ac_settings: answers(300, model.has_ac_settings()),
        }
    }

    /// Where its settings stand.
    pub(crate) fn place(self) -> Result<Place, Refusal> {
        self.place.ok_or_else(|| {
            let name = self.model.name();
            if self.model.is_supported() { Refusal::Unproven(name) } else { Refusal::UnknownModel(name) }
        })
    }
}

// === impl Known ===

impl Known {
    /// What of the registers that may be written was read. The view is one [with blanks](View::with_blanks): zeros are
    /// settings too.
    pub fn of(view: View<'_>) -> Self {
        let read = |register| Some((register, view.get(Bank::Holding, register)?));
        Self(Allowed::ALL.iter().filter_map(|allowed| read(allowed.register)).collect())
    }

    /// What a register holds, if it was read.
    pub fn get(&self, register: u16) -> Option<u16> {
        self.0.get(&register).copied()
    }

    /// Takes over what was read, or written and read back.
    pub fn put(&mut self, register: u16, value: u16) {
        self.0.insert(register, value);
    }
}

impl FromIterator<(u16, u16)> for Known {
    fn from_iter<T: IntoIterator<Item = (u16, u16)>>(registers: T) -> Self {
        Self(registers.into_iter().collect())
    }
}
