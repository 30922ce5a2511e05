//! The registers that may be written: one a line, with what it takes and which inverters have it. What is not here does
//! not exist for commands.
//!
//! They are what the vendor's application lets owners write (reference: the write tiers `normal` and
//! `normal_ac_config` of the `givenergy-modbus` library), less what no command of GivTCP is for or what is dangerous,
//! and beyond that what GivTCP writes too and the library keeps from its own clients: the pause mode, the slots' targets
//! and the second charge slot of models with ten, the rates of three-phase inverters.

use std::fmt;

use super::context::Place;
use super::{Abilities, Refusal};
use crate::plant::Model;

/// A register that may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// Which holding register.
    pub register: u16,
    /// What it takes.
    pub range: Range,
    /// What it is.
    pub what: &'static str,
    places: Places,
    needs: Needs,
    own: Option<Own>,
}

/// What a register takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// From the first to the second.
    Between(u16, u16),
    /// One of these.
    OneOf(&'static [u16]),
    /// A time of the day, decimal HHMM.
    Time,
}

/// Which places have the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Places(u8);

/// What an inverter must have besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    Nothing,
    TenSlots,
    AcSettings,
    /// GivTCP knows of no pause slot on AC-coupled inverters.
    PauseSlot,
}

/// The command that alone writes a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    Calibration,
    Clock,
    Reboot,
    RealTimeControl,
}

/// One write that is allowed: a register of this model that may be written, and a value that it takes. There is no other
/// way to one than [`Allowed::check`] and the commands that have registers of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteStep {
    register: u16,
    value: u16,
    model: Model,
}

const S: Places = Places::of(Place::SinglePhase);
const P: Places = Places::of(Place::PvOnly);
const T: Places = Places::of(Place::ThreePhase);
const E: Places = Places::of(Place::Ems);
const G: Places = Places::of(Place::Gateway);
const I: Places = Places::of(Place::IdleGateway);
/// With a battery whose settings stand in the registers of one phase.
const SG: Places = S.and(G);
/// With a battery.
const STG: Places = S.and(T).and(G);
/// All but plant controllers, which answer HR 2040 to 2075 only.
const ALL: Places = STG.and(P).and(I);

const FLAG: Range = Range::Between(0, 1);
const TIME: Range = Range::Time;
const SHARE: Range = Range::Between(4, 100);
/// As the vendor's document has it for three phases; the library would take 4.
const SHARE_3: Range = Range::Between(5, 100);
const POWER: Range = Range::Between(1, 100);

use Needs::{AcSettings, Nothing, PauseSlot, TenSlots};

impl Allowed {
    /// Every register that may be written, by address.
    #[rustfmt::skip]
    pub const ALL: &[Self] = &[
        line(20, FLAG, STG, Nothing, "charge target in force"),
        line(27, FLAG, STG, Nothing, "match demand"),
        line(29, Range::OneOf(&[0, 1, 3]), STG, Nothing, "calibration").only(Own::Calibration),
        line(35, Range::Between(0, 99), ALL, Nothing, "clock: year").only(Own::Clock),
        line(36, Range::Between(1, 12), ALL, Nothing, "clock: month").only(Own::Clock),
        line(37, Range::Between(1, 31), ALL, Nothing, "clock: day").only(Own::Clock),
        line(38, Range::Between(0, 23), ALL, Nothing, "clock: hour").only(Own::Clock),
        line(39, Range::Between(0, 59), ALL, Nothing, "clock: minute").only(Own::Clock),
        line(40, Range::Between(0, 59), ALL, Nothing, "clock: second").only(Own::Clock),
        line(44, TIME, SG, Nothing, "discharge slot 2 start"),
        line(45, TIME, SG, Nothing, "discharge slot 2 end"),
        line(50, Range::Between(0, 100), STG.and(P), Nothing, "active power"),
        line(56, TIME, SG, Nothing, "discharge slot 1 start"),
        line(57, TIME, SG, Nothing, "discharge slot 1 end"),
        line(59, FLAG, STG, Nothing, "discharge slots in force"),
        line(94, TIME, SG, Nothing, "charge slot 1 start"),
        line(95, TIME, SG, Nothing, "charge slot 1 end"),
        line(96, FLAG, SG, Nothing, "charge slots in force"),
        line(110, SHARE, SG, Nothing, "reserve"),
        line(111, Range::Between(0, 50), S, Nothing, "charge rate, hundredths of the capacity"),
        line(112, Range::Between(0, 50), S, Nothing, "discharge rate, hundredths of the capacity"),
        line(114, SHARE, SG, Nothing, "cutoff"),
        line(116, SHARE, SG, Nothing, "charge target"),
        line(163, Range::OneOf(&[100]), ALL, Nothing, "restart").only(Own::Reboot),
        line(166, FLAG, STG, Nothing, "real-time control").only(Own::RealTimeControl),
        line(242, SHARE, STG, TenSlots, "charge slot 1 target"),
        line(243, TIME, SG, TenSlots, "charge slot 2 start"),
        line(244, TIME, SG, TenSlots, "charge slot 2 end"),
        line(245, SHARE, STG, TenSlots, "charge slot 2 target"),
        line(246, TIME, STG, TenSlots, "charge slot 3 start"),
        line(247, TIME, STG, TenSlots, "charge slot 3 end"),
        line(248, SHARE, STG, TenSlots, "charge slot 3 target"),
        line(249, TIME, STG, TenSlots, "charge slot 4 start"),
        line(250, TIME, STG, TenSlots, "charge slot 4 end"),
        line(251, SHARE, STG, TenSlots, "charge slot 4 target"),
        line(252, TIME, STG, TenSlots, "charge slot 5 start"),
        line(253, TIME, STG, TenSlots, "charge slot 5 end"),
        line(254, SHARE, STG, TenSlots, "charge slot 5 target"),
        line(255, TIME, STG, TenSlots, "charge slot 6 start"),
        line(256, TIME, STG, TenSlots, "charge slot 6 end"),
        line(257, SHARE, STG, TenSlots, "charge slot 6 target"),
        line(258, TIME, STG, TenSlots, "charge slot 7 start"),
        line(259, TIME, STG, TenSlots, "charge slot 7 end"),
        line(260, SHARE, STG, TenSlots, "charge slot 7 target"),
        line(261, TIME, STG, TenSlots, "charge slot 8 start"),
        line(262, TIME, STG, TenSlots, "charge slot 8 end"),
        line(263, SHARE, STG, TenSlots, "charge slot 8 target"),
        line(264, TIME, STG, TenSlots, "charge slot 9 start"),
        line(265, TIME, STG, TenSlots, "charge slot 9 end"),
        line(266, SHARE, STG, TenSlots, "charge slot 9 target"),
        line(267, TIME, STG, TenSlots, "charge slot 10 start"),
        line(268, TIME, STG, TenSlots, "charge slot 10 end"),
        line(269, SHARE, STG, TenSlots, "charge slot 10 target"),
        line(272, SHARE, STG, TenSlots, "discharge slot 1 target"),
        line(275, SHARE, STG, TenSlots, "discharge slot 2 target"),
        line(276, TIME, STG, TenSlots, "discharge slot 3 start"),
        line(277, TIME, STG, TenSlots, "discharge slot 3 end"),
        line(278, SHARE, STG, TenSlots, "discharge slot 3 target"),
        line(279, TIME, STG, TenSlots, "discharge slot 4 start"),
        line(280, TIME, STG, TenSlots, "discharge slot 4 end"),
        line(281, SHARE, STG, TenSlots, "discharge slot 4 target"),
        line(282, TIME, STG, TenSlots, "discharge slot 5 start"),
        line(283, TIME, STG, TenSlots, "discharge slot 5 end"),
        line(284, SHARE, STG, TenSlots, "discharge slot 5 target"),
        line(285, TIME, STG, TenSlots, "discharge slot 6 start"),
        line(286, TIME, STG, TenSlots, "discharge slot 6 end"),
        line(287, SHARE, STG, TenSlots, "discharge slot 6 target"),
        line(288, TIME, STG, TenSlots, "discharge slot 7 start"),
        line(289, TIME, STG, TenSlots, "discharge slot 7 end"),
        line(290, SHARE, STG, TenSlots, "discharge slot 7 target"),
        line(291, TIME, STG, TenSlots, "discharge slot 8 start"),
        line(292, TIME, STG, TenSlots, "discharge slot 8 end"),
        line(293, SHARE, STG, TenSlots, "discharge slot 8 target"),
        line(294, TIME, STG, TenSlots, "discharge slot 9 start"),
        line(295, TIME, STG, TenSlots, "discharge slot 9 end"),
        line(296, SHARE, STG, TenSlots, "discharge slot 9 target"),
        line(297, TIME, STG, TenSlots, "discharge slot 10 start"),
        line(298, TIME, STG, TenSlots, "discharge slot 10 end"),
        line(299, SHARE, STG, TenSlots, "discharge slot 10 target"),
        line(313, POWER, SG, AcSettings, "charge rate, % of the inverter"),
        line(314, POWER, SG, AcSettings, "discharge rate, % of the inverter"),
        line(318, Range::Between(0, 3), STG, AcSettings, "pause mode"),
        line(319, TIME, STG, PauseSlot, "pause slot start"),
        line(320, TIME, STG, PauseSlot, "pause slot end"),
        line(1078, SHARE_3, T, Nothing, "cutoff"),
        line(1108, POWER, T, Nothing, "discharge rate, % of the inverter"),
        line(1109, SHARE, T, Nothing, "reserve"),
        line(1110, POWER, T, Nothing, "charge rate, % of the inverter"),
        line(1111, SHARE_3, T, Nothing, "charge target"),
        line(1112, FLAG, T, Nothing, "charging from AC"),
        line(1113, TIME, T, Nothing, "charge slot 1 start"),
        line(1114, TIME, T, Nothing, "charge slot 1 end"),
        line(1115, TIME, T, Nothing, "charge slot 2 start"),
        line(1116, TIME, T, Nothing, "charge slot 2 end"),
        line(1118, TIME, T, Nothing, "discharge slot 1 start"),
        line(1119, TIME, T, Nothing, "discharge slot 1 end"),
        line(1120, TIME, T, Nothing, "discharge slot 2 start"),
        line(1121, TIME, T, Nothing, "discharge slot 2 end"),
        line(1122, FLAG, T, Nothing, "force discharge"),
        line(1123, FLAG, T, Nothing, "force charge"),
        line(2040, FLAG, E, Nothing, "plant control"),
        line(2044, TIME, E, Nothing, "discharge slot 1 start"),
        line(2045, TIME, E, Nothing, "discharge slot 1 end"),
        line(2046, SHARE, E, Nothing, "discharge slot 1 target"),
        line(2047, TIME, E, Nothing, "discharge slot 2 start"),
        line(2048, TIME, E, Nothing, "discharge slot 2 end"),
        line(2049, SHARE, E, Nothing, "discharge slot 2 target"),
        line(2050, TIME, E, Nothing, "discharge slot 3 start"),
        line(2051, TIME, E, Nothing, "discharge slot 3 end"),
        line(2052, SHARE, E, Nothing, "discharge slot 3 target"),
        line(2053, TIME, E, Nothing, "charge slot 1 start"),
        line(2054, TIME, E, Nothing, "charge slot 1 end"),
        line(2055, SHARE, E, Nothing, "charge slot 1 target"),
        line(2056, TIME, E, Nothing, "charge slot 2 start"),
        line(2057, TIME, E, Nothing, "charge slot 2 end"),
        line(2058, SHARE, E, Nothing, "charge slot 2 target"),
        line(2059, TIME, E, Nothing, "charge slot 3 start"),
        line(2060, TIME, E, Nothing, "charge slot 3 end"),
        line(2061, SHARE, E, Nothing, "charge slot 3 target"),
        line(2062, TIME, E, Nothing, "export slot 1 start"),
        line(2063, TIME, E, Nothing, "export slot 1 end"),
        line(2064, SHARE, E, Nothing, "export slot 1 target"),
        line(2065, TIME, E, Nothing, "export slot 2 start"),
        line(2066, TIME, E, Nothing, "export slot 2 end"),
        line(2067, SHARE, E, Nothing, "export slot 2 target"),
        line(2068, TIME, E, Nothing, "export slot 3 start"),
        line(2069, TIME, E, Nothing, "export slot 3 end"),
        line(2070, SHARE, E, Nothing, "export slot 3 target"),
    ];

    /// A write of this value into this register of such an inverter, if it is allowed.
    ///
    /// # Errors
    /// [`Refusal::UnknownModel`], [`Refusal::Unproven`], [`Refusal::ReadOnly`], [`Refusal::NotOnModel`],
    /// [`Refusal::OutOfRange`]; and [`Refusal::OwnCommand`] for the registers of a restart, of calibration, of the clock
    /// and of real-time control, which no recipe may write by the way.
    pub fn check(register: u16, value: u16, abilities: Abilities) -> Result<WriteStep, Refusal> {
        Self::judge(register, value, abilities, None)
    }

    /// The same, for a register that is `own` to a command.
    pub(super) fn check_own(register: u16, value: u16, abilities: Abilities, own: Own) -> Result<WriteStep, Refusal> {
        Self::judge(register, value, abilities, Some(own))
    }

    /// A write that puts a register back to what was found in it, where it may be written at all. The value is judged by
    /// nothing but that it was there: a slot that was never set may hold no time, and a target 0.
    ///
    /// # Errors
    /// As [`Allowed::check`], but for [`Refusal::OutOfRange`]. The clock goes on, a restart and a calibration cannot be
    /// taken back: of these there is none.
    pub fn restore(register: u16, found: u16, abilities: Abilities) -> Result<WriteStep, Refusal> {
        let own = Self::of(register).and_then(|allowed| allowed.own).filter(|own| *own == Own::RealTimeControl);
        match Self::judge(register, found, abilities, own) {
            Err(Refusal::OutOfRange { .. }) => Ok(WriteStep { register, value: found, model: abilities.model }),
            outcome => outcome,
        }
    }

    fn judge(register: u16, value: u16, abilities: Abilities, own: Option<Own>) -> Result<WriteStep, Refusal> {
        abilities.place()?;
        let allowed = Self::of(register).ok_or(Refusal::ReadOnly(register))?;
        let (model, what) = (abilities.model, allowed.what);
        if !allowed.is_on(abilities) {
            return Err(Refusal::NotOnModel { what, register, model: model.name() });
        }
        if allowed.own != own {
            return Err(Refusal::OwnCommand { what, register });
        }
        if !allowed.range.contains(value) {
            return Err(Refusal::OutOfRange { what, register, range: allowed.range, value });
        }
        Ok(WriteStep { register, value, model })
    }

    /// Whether such an inverter has it.
    pub fn is_on(&self, abilities: Abilities) -> bool {
        abilities.place.is_some_and(|place| self.places.contains(place)) && self.needs.are_met_by(abilities)
    }

    /// The line of a register, if it may be written anywhere.
    pub fn of(register: u16) -> Option<&'static Self> {
        let at = Self::ALL.binary_search_by_key(&register, |allowed| allowed.register).ok()?;
        Self::ALL.get(at)
    }
}

const fn line(register: u16, range: Range, places: Places, needs: Needs, what: &'static str) -> Allowed {
    Allowed { register, range, what, places, needs, own: None }
}

impl Allowed {
    const fn only(self, own: Own) -> Self {
        Self { own: Some(own), ..self }
    }
}

// === impl WriteStep ===

impl WriteStep {
    /// Which holding register, at the inverter's address.
    pub const fn register(&self) -> u16 {
        self.register
    }

    /// What is written.
    pub const fn value(&self) -> u16 {
        self.value
    }

    /// The model that it is allowed on, to be held against that of the inverter at hand.
    pub const fn model(&self) -> Model {
        self.model
    }
}

// === impl Range, Places, Needs ===

impl Range {
    /// Whether the register takes it.
    pub fn contains(self, value: u16) -> bool {
        match self {
            Self::Between(least, most) => (least..=most).contains(&value),
            Self::OneOf(values) => values.contains(&value),
            Self::Time => value < 2400 && value % 100 < 60,
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Between(least, most) => write!(f, "{least}..{most}"),
            Self::OneOf(values) => {
                let values: Vec<_> = values.iter().map(u16::to_string).collect();
                f.write_str(&values.join(" or "))
            }
            Self::Time => f.write_str("0000..2359"),
        }
    }
}

impl Places {
    const fn of(place: Place) -> Self {
        Self(1 << place as u8)
    }

    const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    const fn contains(self, place: Place) -> bool {
        self.0 & Self::of(place).0 != 0
    }
}

impl Needs {
    fn are_met_by(self, abilities: Abilities) -> bool {
        match self {
            Self::Nothing => true,
            Self::TenSlots => abilities.ten_slots,
            Self::AcSettings => abilities.ac_settings,
            Self::PauseSlot => abilities.ac_settings && abilities.model != Model::Ac,
        }
    }
}
