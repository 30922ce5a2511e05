//! What each family is built of.

use std::fmt;
use std::str::FromStr;

use super::Layout;
use crate::simulator::physics::{Machine, Sun};
use crate::simulator::plant::{Pack, packs};

macro_rules! families {
    ($($(#[$doc:meta])* $variant:ident $text:literal,)*) => {
        /// What kind of plant is simulated.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Family {
            $($(#[$doc])* $variant,)*
        }

        impl Family {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name on the command line.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

families! {
    /// A single-phase DC hybrid, device type 2001 with ARM firmware 449, with low-voltage batteries.
    #[default]
    HybridGen1 "hybrid-gen1",
    /// The second generation, 2001 with 912. At a reserve of 100 % it does not discharge; with the charge target at
    /// 100 % and enabled it swings between 99 and 100 %; its batteries have no lifetime counters.
    HybridGen2 "hybrid-gen2",
    /// The third generation, 2001 with 312: ten slots, and an empty battery place that answers -273 °C.
    HybridGen3 "hybrid-gen3",
    /// The fourth generation, 8304: ten slots.
    HybridGen4 "hybrid-gen4",
    /// A Polar, 2101.
    Polar "polar",
    /// An AC-coupled inverter, 3002 with 282: no sun of its own.
    AcCoupled "ac-coupled",
    /// An all-in-one, 8001 with 620: a high-voltage stack of four modules, no sun of its own; what it does not have it
    /// refuses, and meters that are not there answer zeros.
    AllInOne "all-in-one",
    /// An all-in-one hybrid, 8201: its values stand in the three-phase bank.
    AllInOneHybrid "all-in-one-hybrid",
    /// A commercial all-in-one, 4103, 50 kW.
    AllInOneCommercial "all-in-one-commercial",
    /// A high-voltage hybrid of the third generation, 8102: answers zeros for the three-phase bank.
    HvGen3 "hv-gen3",
    /// A three-phase hybrid, 4004, with a stack of six modules.
    ThreePhaseHybrid "three-phase-hybrid",
    /// A three-phase AC-coupled inverter, 6001, with two stacks of four modules.
    ThreePhaseAc "three-phase-ac",
    /// A plant controller, 5001, with two AC-coupled inverters, a grid meter and a meter of somebody else's sun.
    Ems "ems",
    /// A gateway, 7001, with two all-in-ones, a grid meter and a meter of somebody else's sun.
    Gateway "gateway",
    /// A hybrid without a battery, 2301.
    PvOnly "pv-only",
}

impl Family {
    /// Its place in the list of all, from 0.
    pub(super) fn place(self) -> u8 {
        self as u8
    }

    /// What it is built of.
    pub fn spec(self) -> Spec {
        Spec::of(self)
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Family {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || Self::ALL.iter().map(|family| family.name()).collect::<Vec<_>>().join(", ");
        let known = Self::ALL.iter().find(|family| family.name() == text).copied();
        known.ok_or_else(|| format!("no such family (there are {}): {text}", names()))
    }
}

/// What some firmware does besides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Firmware {
    /// Today's counters show 0.1 kWh less for some seconds, every few minutes.
    pub steps_back: bool,
    /// Today's import is not begun anew at midnight.
    pub keeps_import_today: bool,
    /// Low-voltage batteries count no energies in their lifetime (BMS firmware 3007 and 3009).
    pub no_battery_counters: bool,
}

/// What a plant stores energy in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Battery {
    /// Nothing.
    None,
    /// Low-voltage batteries of 16 cells at 0x32 and on, up to six.
    Low,
    /// High-voltage stacks at 0x70 and on, each of so many modules of 24 cells at 0x50 and on.
    Stacks {
        /// How many stacks.
        stacks: u8,
        /// Modules in each.
        modules: u8,
        /// Design capacity, Ah.
        design: f64,
    },
    /// Batteries that cannot be seen from here: of inverters behind this one, or in a cabinet.
    Behind {
        /// Design capacity of each, Ah.
        designs: &'static [f64],
        /// Nominal voltage, V.
        volts: f64,
    },
}

/// Nominal voltage of a cell, V.
const CELL: f64 = 3.2;
/// Cells in a low-voltage battery.
pub const LOW_CELLS: u16 = 16;
/// Cells in a module of a high-voltage stack.
pub const MODULE_CELLS: u16 = 24;

impl Battery {
    /// Nominal voltage of each, V.
    pub fn volts(self) -> f64 {
        match self {
            Self::None => 0.0,
            Self::Low => 51.2,
            Self::Stacks { .. } => f64::from(self.cells()) * CELL,
            Self::Behind { volts, .. } => volts,
        }
    }

    /// Cells in a row in each.
    pub fn cells(self) -> u16 {
        match self {
            Self::None => 0,
            Self::Low => LOW_CELLS,
            Self::Stacks { modules, .. } => u16::from(modules) * MODULE_CELLS,
            Self::Behind { volts, .. } => (volts / CELL).round() as u16,
        }
    }

    /// The batteries of a plant that was given so many. Of two sizes, as plants that grew have them, so that one is
    /// never mistaken for another.
    pub fn packs(self, given: u8) -> Vec<Pack> {
        let size = |index: u8| if index.is_multiple_of(2) { 160.0 } else { 186.0 };
        match self {
            _ if given == 0 => Vec::new(),
            Self::None => Vec::new(),
            Self::Low => packs(&(0..given.min(6)).map(size).collect::<Vec<_>>()),
            Self::Stacks { stacks, design, .. } => packs(&vec![design; usize::from(stacks)]),
            Self::Behind { designs, .. } => packs(designs),
        }
    }
}

/// What a family is built of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spec {
    /// Which family.
    pub family: Family,
    /// Device type code, HR 0.
    pub type_code: u16,
    /// ARM firmware, HR 21.
    pub arm: u16,
    /// What the inverter can.
    pub machine: Machine,
    /// What it stores energy in.
    pub battery: Battery,
    /// How much larger sun and house are than those of a plant of 5 kW.
    pub size: f64,
    /// Whether a full battery swings between 99 and 100 % while the target is 100 % and enabled.
    pub rests_when_full: bool,
    /// The letters that its serial begins with.
    pub(super) prefix: &'static str,
}

impl Spec {
    fn of(family: Family) -> Self {
        let hybrid = |type_code, arm, prefix, battery_max| Self {
            family,
            type_code,
            arm,
            machine: Machine { battery_max, ..Machine::GEN_1 },
            battery: Battery::Low,
            size: 1.0,
            rests_when_full: false,
            prefix,
        };
        let machine = |rated, sun| Machine { rated, battery_max: rated, sun };
        let stacks = |stacks, modules| Battery::Stacks { stacks, modules, design: 52.0 };
        match family {
            Family::HybridGen1 => hybrid(0x2001, 449, "SD", 2600.0),
            Family::HybridGen2 => Self { rests_when_full: true, ..hybrid(0x2001, 912, "ED", 3600.0) },
            Family::HybridGen3 => hybrid(0x2001, 312, "FD", 3600.0),
            Family::HybridGen4 => Self { machine: machine(6000.0, Sun::Strings), ..hybrid(0x8304, 1012, "FE", 6000.0) },
            Family::Polar => hybrid(0x2101, 212, "PD", 2600.0),
            Family::AcCoupled => Self {
                machine: Machine { rated: 3600.0, battery_max: 3000.0, sun: Sun::None },
                ..hybrid(0x3002, 282, "CE", 3000.0)
            },
            Family::AllInOne => {
                Self { machine: machine(6000.0, Sun::None), battery: stacks(1, 4), ..hybrid(0x8001, 620, "CH", 6000.0) }
            }
            Family::AllInOneHybrid => Self {
                machine: machine(6000.0, Sun::Strings),
                battery: stacks(1, 4),
                ..hybrid(0x8201, 0, "CJ", 6000.0)
            },
            Family::AllInOneCommercial => Self {
                machine: machine(50_000.0, Sun::Strings),
                battery: Battery::Behind { designs: &[200.0], volts: 614.4 },
                size: 6.0,
                ..hybrid(0x4103, 0, "TX", 50_000.0)
            },
            Family::HvGen3 => Self {
                machine: machine(8000.0, Sun::Strings),
                battery: stacks(1, 3),
                size: 1.4,
                ..hybrid(0x8102, 1103, "HG", 8000.0)
            },
            Family::ThreePhaseHybrid => Self {
                machine: machine(11_000.0, Sun::Strings),
                battery: stacks(1, 6),
                size: 1.8,
                ..hybrid(0x4004, 0, "TC", 11_000.0)
            },
            Family::ThreePhaseAc => Self {
                machine: machine(6000.0, Sun::None),
                battery: stacks(2, 4),
                size: 1.3,
                ..hybrid(0x6001, 0, "TA", 6000.0)
            },
            Family::Ems => Self {
                machine: Machine { rated: 7200.0, battery_max: 6000.0, sun: Sun::House },
                battery: Battery::Behind { designs: &[204.0, 186.0], volts: 51.2 },
                ..hybrid(0x5001, 1036, "", 6000.0)
            },
            Family::Gateway => Self {
                machine: machine(12_000.0, Sun::House),
                battery: Battery::Behind { designs: &[52.0, 52.0], volts: 307.2 },
                size: 1.6,
                ..hybrid(0x7001, 14, "GW", 12_000.0)
            },
            Family::PvOnly => Self { battery: Battery::None, ..hybrid(0x2301, 212, "SP", 2600.0) },
        }
    }

    /// Where its live values stand.
    pub fn layout(&self) -> Layout {
        match self.family {
            Family::ThreePhaseHybrid | Family::ThreePhaseAc | Family::AllInOneCommercial | Family::AllInOneHybrid => {
                Layout::ThreePhase
            }
            Family::Ems => Layout::Ems,
            Family::Gateway => Layout::Gateway,
            _ => Layout::SinglePhase,
        }
    }

    /// How many phases it feeds.
    pub fn phases(&self) -> u8 {
        match self.type_code >> 12 {
            4 | 6 => 3,
            _ => 1,
        }
    }

    /// Whether HR 300 to 359 answer.
    pub fn has_ac_settings(&self) -> bool {
        matches!(self.family, Family::AcCoupled | Family::AllInOne | Family::ThreePhaseAc | Family::Gateway)
    }

    /// Whether HR 240 to 299 answer.
    pub fn has_ten_slots(&self) -> bool {
        matches!(
            self.family,
            Family::HybridGen3
                | Family::HybridGen4
                | Family::AllInOne
                | Family::AllInOneHybrid
                | Family::HvGen3
                | Family::Gateway
        )
    }

    /// Whether all eight places of meters answer, and zeros where there is none.
    pub fn answers_for_every_meter(&self) -> bool {
        matches!(self.family, Family::AllInOne | Family::Gateway | Family::ThreePhaseHybrid | Family::Ems)
    }

    /// Whether 0x31 mirrors the inverter.
    pub fn is_mirrored(&self) -> bool {
        matches!(self.family, Family::HybridGen1 | Family::AcCoupled)
    }

    /// Whether IR 247 and 248 hold the generation of the whole house.
    pub fn measures_generation(&self) -> bool {
        matches!(self.family, Family::HybridGen3 | Family::HybridGen4 | Family::HvGen3)
    }
}
