//! The serials of a plant: ten characters in the vendor's two shapes.

use super::spec::{Family, Spec};
use crate::frame::Serial;

/// The serials of one plant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Serials {
    /// The inverter's.
    pub inverter: Serial,
    /// The data adapter's.
    pub dongle: Serial,
    family: Family,
    year: u8,
}

impl Serials {
    /// The serials of plant number `plant`, counted from 1; they differ between any two plants below 74, and between
    /// families.
    pub fn of_plant(spec: &Spec, plant: u8) -> Self {
        let year = 26 + plant % 74;
        let number = u16::from(spec.family.place());
        let text = |kind: &str, number: u16| format!("{kind}22{year:02}G{number}");
        let inverter = match spec.family {
            Family::Ems => format!("EMS22{year:02}{}", 101 + number),
            _ => text(spec.prefix, 101 + number),
        };
        Self {
            inverter: Serial::from_text(&inverter),
            dongle: Serial::from_text(&text("WF", 301 + number)),
            family: spec.family,
            year,
        }
    }

    fn part(&self, kind: &str, number: usize) -> Serial {
        Serial::from_text(&format!("{kind}22{:02}G{number}", self.year))
    }

    fn sixes(&self) -> usize {
        6 * usize::from(self.family.place())
    }

    /// The serial of low-voltage battery number `index`, counted from 0.
    pub fn battery(&self, index: usize) -> Serial {
        self.part("BG", 201 + self.sixes() + index)
    }

    /// The serial of high-voltage stack number `index`, counted from 0.
    pub fn stack(&self, index: usize) -> Serial {
        self.part("HB", 201 + self.sixes() + index)
    }

    /// The serial of module number `index`, counted from 0 over all stacks.
    pub fn module(&self, index: usize) -> Serial {
        self.part("HY", 401 + 20 * usize::from(self.family.place()) + index)
    }

    /// The serial of inverter number `index`, counted from 0, behind a plant controller or a gateway.
    pub fn child(&self, index: usize) -> Serial {
        match self.family {
            Family::Gateway => self.part("CH", 711 + index),
            _ => self.part("CE", 701 + index),
        }
    }
}
