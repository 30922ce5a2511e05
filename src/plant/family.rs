use super::{Capabilities, Model};

/// How an inverter tells what it does: where its live values stand, and which topics they have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// 2xxx, 3xxx, 8xxx: hybrids, AC-coupled inverters, all-in-ones.
    SinglePhase,
    /// 23xx: photovoltaic strings and no battery.
    PvOnly,
    /// 4xxx, 6xxx, and an 82xx whose live values were found in IR 1000 and on.
    ThreePhase,
    /// 5xxx: a plant controller.
    Ems,
    /// 7xxx: a gateway with its all-in-ones.
    Gateway,
}

impl Family {
    /// Every family.
    pub const ALL: [Self; 5] = [Self::SinglePhase, Self::PvOnly, Self::ThreePhase, Self::Ems, Self::Gateway];

    /// Whether batteries are behind it. What the settings of any other say of a battery means nothing.
    pub const fn has_batteries(self) -> bool {
        match self {
            Self::SinglePhase | Self::ThreePhase | Self::Gateway => true,
            Self::PvOnly | Self::Ems => false,
        }
    }

    /// As the documentation calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SinglePhase => "single-phase",
            Self::PvOnly => "PV only",
            Self::ThreePhase => "three-phase",
            Self::Ems => "EMS",
            Self::Gateway => "gateway",
        }
    }
}

impl Capabilities {
    /// How the inverter tells what it does.
    pub fn family(&self) -> Family {
        match self.model {
            Model::PvOnly => Family::PvOnly,
            Model::Ems | Model::EmsCommercial => Family::Ems,
            Model::Gateway => Family::Gateway,
            _ if self.has_three_phase_bank() => Family::ThreePhase,
            _ => Family::SinglePhase,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Bank;
    use crate::plant::Identity;

    #[test]
    fn the_family_follows_from_the_type_code() {
        let family = |device_type_code| {
            let model = Model::of(device_type_code, 1);
            let serial = "SA2114G047".parse().unwrap();
            let identity = Identity { serial, model, device_type_code, arm_firmware: 1, dsp_firmware: 1 };
            let mut capabilities = Capabilities::of(&identity);
            let before = capabilities.family();
            capabilities.extra.push((Bank::Input, 1000));
            (before, capabilities.family())
        };
        for (code, wants) in [
            (0x2001, Family::SinglePhase),
            (0x2201, Family::SinglePhase),
            (0x2301, Family::PvOnly),
            (0x3001, Family::SinglePhase),
            (0x4001, Family::ThreePhase),
            (0x4101, Family::ThreePhase),
            (0x5001, Family::Ems),
            (0x5101, Family::Ems),
            (0x6001, Family::ThreePhase),
            (0x7001, Family::Gateway),
            (0x8001, Family::SinglePhase),
            (0x9001, Family::SinglePhase),
        ] {
            assert_eq!(family(code), (wants, wants), "{code:04x}");
        }
        assert_eq!(family(0x8201), (Family::SinglePhase, Family::ThreePhase), "only with what it has shown");
    }
}
