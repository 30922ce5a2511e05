/// What an inverter is, by its device type code (HR 0) and its ARM firmware (HR 21).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Model {
    /// 20xx with ARM firmware below 300, or of a hundred that is no later generation's.
    HybridGen1,
    /// 20xx, ARM firmware 8xx and 9xx.
    HybridGen2,
    /// 20xx, ARM firmware 3xx.
    HybridGen3,
    /// 83xx.
    HybridGen4,
    /// 21xx.
    Polar,
    /// 22xx, 24xx, 25xx: hybrids of which no more is known.
    Hybrid,
    /// 23xx: photovoltaic strings, and no battery.
    PvOnly,
    /// 3xxx: battery only, coupled on the AC side.
    Ac,
    /// 40xx.
    HybridThreePhase,
    /// 41xx.
    AioCommercial,
    /// 50xx.
    Ems,
    /// 51xx.
    EmsCommercial,
    /// 6xxx.
    AcThreePhase,
    /// 7xxx.
    Gateway,
    /// 80xx.
    AllInOne,
    /// 81xx.
    HybridHvGen3,
    /// 82xx.
    AllInOneHybrid,
    /// Anything else: read as far as HR 0 to 59 says, and never written.
    Unknown(u16),
}

impl Model {
    /// By device type code and ARM firmware.
    pub const fn of(device_type_code: u16, arm_firmware: u16) -> Self {
        match device_type_code >> 8 {
            0x20 => match arm_firmware / 100 {
                3 => Self::HybridGen3,
                8 | 9 => Self::HybridGen2,
                _ => Self::HybridGen1,
            },
            0x21 => Self::Polar,
            0x23 => Self::PvOnly,
            0x22 | 0x24 | 0x25 => Self::Hybrid,
            0x30..=0x3f => Self::Ac,
            0x41 => Self::AioCommercial,
            0x40 | 0x42..=0x4f => Self::HybridThreePhase,
            0x51 => Self::EmsCommercial,
            0x50 | 0x52..=0x5f => Self::Ems,
            0x60..=0x6f => Self::AcThreePhase,
            0x70..=0x7f => Self::Gateway,
            0x80 => Self::AllInOne,
            0x81 => Self::HybridHvGen3,
            0x82 => Self::AllInOneHybrid,
            0x83 => Self::HybridGen4,
            _ => Self::Unknown(device_type_code),
        }
    }

    /// As `givenergy-modbus` names it, in capitals. It has no name of its own for 23xx.
    pub fn name(self) -> String {
        match self {
            Self::HybridGen1 => "HYBRID_GEN1",
            Self::HybridGen2 => "HYBRID_GEN2",
            Self::HybridGen3 => "HYBRID_GEN3",
            Self::HybridGen4 => "HYBRID_GEN4",
            Self::Polar => "POLAR",
            Self::Hybrid | Self::PvOnly => "HYBRID",
            Self::Ac => "AC",
            Self::HybridThreePhase => "HYBRID_3PH",
            Self::AioCommercial => "AIO_COMMERCIAL",
            Self::Ems => "EMS",
            Self::EmsCommercial => "EMS_COMMERCIAL",
            Self::AcThreePhase => "AC_3PH",
            Self::Gateway => "GATEWAY",
            Self::AllInOne => "ALL_IN_ONE",
            Self::HybridHvGen3 => "HYBRID_HV_GEN3",
            Self::AllInOneHybrid => "ALL_IN_ONE_HYBRID",
            Self::Unknown(code) => return format!("unknown ({code:04x})"),
        }
        .to_owned()
    }

    /// As GivTCP writes it: `Hybrid_gen1`.
    pub fn givtcp_name(self) -> String {
        super::details::capitalised(&self.name())
    }

    /// As GivTCP writes it below `raw/invertor/model`.
    pub fn givtcp_code(self) -> String {
        match self {
            Self::HybridGen1 => "20g1",
            Self::HybridGen2 => "20g2",
            Self::HybridGen3 => "20g3",
            Self::HybridGen4 => "83",
            Self::Polar => "21",
            Self::Hybrid | Self::PvOnly => "20",
            Self::Ac => "30",
            Self::HybridThreePhase => "40",
            Self::AioCommercial => "41",
            Self::Ems => "50",
            Self::EmsCommercial => "51",
            Self::AcThreePhase => "60",
            Self::Gateway => "70",
            Self::AllInOne => "80",
            Self::HybridHvGen3 => "81",
            Self::AllInOneHybrid => "82",
            Self::Unknown(code) => return format!("unknown ({code:04x})"),
        }
        .to_owned()
    }

    /// Whether it is known what stands where in its registers; of any other only HR 0 to 59 are read.
    pub const fn is_supported(self) -> bool {
        !matches!(self, Self::Unknown(_))
    }

    /// Whether a mirror of its blocks may answer at 0x31 what 0x11 does not.
    pub const fn has_mirror(self) -> bool {
        matches!(self, Self::HybridGen1 | Self::Ac)
    }

    /// Whether it has photovoltaic strings of its own, so that what it makes holds the sun already.
    pub const fn is_hybrid(self) -> bool {
        matches!(
            self,
            Self::HybridGen1
                | Self::HybridGen2
                | Self::HybridGen3
                | Self::HybridGen4
                | Self::Polar
                | Self::Hybrid
                | Self::PvOnly
        )
    }

    /// Whether what it puts out holds the sun already: its strings are its own.
    pub(super) const fn passes_sun(self) -> bool {
        self.is_hybrid() || matches!(self, Self::HybridHvGen3 | Self::AllInOneHybrid)
    }

    /// Whether low-voltage batteries (0x32 to 0x37) can be behind it.
    pub const fn has_low_voltage_batteries(self) -> bool {
        (self.is_hybrid() && !matches!(self, Self::PvOnly)) || matches!(self, Self::Ac | Self::AioCommercial)
    }

    /// Whether high-voltage battery stacks (0x70 and on) can be behind it.
    pub const fn has_high_voltage_batteries(self) -> bool {
        matches!(
            self,
            Self::HybridThreePhase | Self::AcThreePhase | Self::AllInOne | Self::HybridHvGen3 | Self::AllInOneHybrid
        )
    }

    /// How many modules a high-voltage stack of it has at most, as far as is known.
    pub(super) const fn most_modules(self) -> usize {
        if matches!(self, Self::AllInOne) { 4 } else { 32 }
    }

    /// Whether its live values stand in HR and IR 1000 and on.
    pub const fn has_three_phase_bank(self) -> bool {
        matches!(self, Self::HybridThreePhase | Self::AcThreePhase | Self::AioCommercial | Self::AllInOneHybrid)
    }

    /// Whether it leads other inverters, and tells of them in HR and IR 2040 and on.
    pub const fn is_ems(self) -> bool {
        matches!(self, Self::Ems | Self::EmsCommercial)
    }

    /// Whether HR 300 to 359 answer (AC charge limits, export priority, pause).
    pub const fn has_ac_settings(self) -> bool {
        matches!(self, Self::Ac | Self::AcThreePhase | Self::AllInOne)
    }

    /// Whether it has ten charge and ten discharge slots (HR 240 to 299).
    pub const fn has_ten_slots(self, arm_firmware: u16) -> bool {
        match self {
            Self::HybridGen4 | Self::AllInOne | Self::AllInOneHybrid | Self::HybridHvGen3 => true,
            Self::HybridGen3 => arm_firmware > 302,
            _ => false,
        }
    }

    /// Whether IR 247 and 248 hold the generation of the whole house.
    pub const fn measures_generation(self) -> bool {
        matches!(
            self,
            Self::HybridGen3
                | Self::HybridGen4
                | Self::HybridHvGen3
                | Self::HybridThreePhase
                | Self::AllInOneHybrid
                | Self::AioCommercial
        )
    }

    /// Nominal voltage of its battery, V: what makes Ah into kWh. For the 8xxx models 317 V, by which GivTCP publishes
    /// 16.48 kWh of an all-in-one's 52 Ah; the `givenergy-modbus` library has 307 V, which would be 15.96 kWh.
    pub const fn battery_volts(self) -> f64 {
        match self {
            Self::AllInOne | Self::HybridHvGen3 | Self::AllInOneHybrid | Self::HybridGen4 => 317.0,
            Self::HybridThreePhase | Self::AioCommercial | Self::AcThreePhase => 76.8,
            _ => 51.2,
        }
    }

    /// What its battery can take and give, W, where known.
    pub const fn battery_power(self, device_type_code: u16) -> Option<u16> {
        match (self, device_type_code) {
            (_, 0x2201) => Some(5400),
            (_, 0x8002) => Some(3600),
            (_, 0x8003) => Some(5000),
            (_, 0x8102) => Some(8000),
            (_, 0x8103) => Some(10_000),
            (Self::HybridGen1, _) => Some(2600),
            (Self::HybridGen2 | Self::HybridGen3, _) => Some(3600),
            (Self::Ac, _) => Some(3000),
            (Self::HybridGen4 | Self::AllInOne, _) => Some(6000),
            _ => None,
        }
    }
}

/// Rated power of the inverter, W, by its device type code, where known.
pub const fn rated_power(device_type_code: u16) -> Option<u32> {
    Some(match device_type_code {
        0x2003 | 0x2103 | 0x2203 | 0x2303 | 0x2403 | 0x2503 | 0x3002 | 0x8002 | 0x8301 => 3_600,
        0x2002 | 0x2102 | 0x2202 | 0x2302 | 0x2402 | 0x2502 | 0x8302 => 4_600,
        0x2001 | 0x2101 | 0x2201 | 0x2301 | 0x2401 | 0x2501 | 0x4007 | 0x8003 | 0x8303 => 5_000,
        0x2104 | 0x2204 | 0x2304 | 0x2404 | 0x2504 | 0x4001 | 0x6001 | 0x8001 | 0x8101 | 0x8201 | 0x8304 => 6_000,
        0x2105 | 0x2205 | 0x2405 | 0x2505 => 7_000,
        0x2106 | 0x2206 | 0x2406 | 0x2506 | 0x4002 | 0x6002 | 0x8102 | 0x8202 => 8_000,
        0x4003 | 0x6003 | 0x8103 | 0x8203 => 10_000,
        0x4004 | 0x6004 | 0x8205 => 11_000,
        0x7001 | 0x8204 => 12_000,
        0x4005 | 0x6005 => 15_000,
        0x4006 | 0x6006 => 20_000,
        0x3001 => 3_000,
        0x4101 => 30_000,
        0x4103 => 50_000,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_follows_from_type_code_and_firmware() {
        let cases = [
            (0x2001, 449, "HYBRID_GEN1"),
            (0x2001, 912, "HYBRID_GEN2"),
            (0x2001, 303, "HYBRID_GEN3"),
            (0x2301, 449, "HYBRID"),
            (0x3001, 282, "AC"),
            (0x4001, 0, "HYBRID_3PH"),
            (0x5001, 1036, "EMS"),
            (0x7001, 0, "GATEWAY"),
            (0x8001, 612, "ALL_IN_ONE"),
            (0x8304, 0, "HYBRID_GEN4"),
            (0x9001, 0, "unknown (9001)"),
            (0x0000, 0, "unknown (0000)"),
        ];
        for (code, arm, name) in cases {
            assert_eq!(Model::of(code, arm).name(), name, "{code:04x}");
        }
    }

    #[test]
    fn an_unknown_code_has_no_rated_power() {
        assert_eq!((rated_power(0x2001), rated_power(0x3001), rated_power(0x9999)), (Some(5000), Some(3000), None));
    }
}
