//! Numbers that have names, and bits that have names.
//!
//! The names are the vendor's. A number without one is never an error: it reads `unknown (n)`.

/// Names of the values of a register.
#[derive(Debug)]
pub struct Codes(&'static [(u16, &'static str)]);

impl Codes {
    /// The name of a value, in capitals with underscores.
    pub fn name(&self, code: u16) -> Option<&'static str> {
        self.0.iter().find(|(known, _)| *known == code).map(|(_, name)| *name)
    }
}

/// Names of the bits of one or two registers, counted from the least significant.
#[derive(Debug)]
pub struct Bits(&'static [(u8, &'static str)]);

impl Bits {
    /// The name of a bit.
    pub fn name(&self, bit: u8) -> Option<&'static str> {
        self.0.iter().find(|(known, _)| *known == bit).map(|(_, name)| *name)
    }

    /// The names of the bits that are set; a bit without one is left out.
    pub fn names(&self, bits: u32) -> Vec<&'static str> {
        self.0.iter().filter(|(bit, _)| bits & (1 << bit) != 0).map(|(_, name)| *name).collect()
    }
}

/// UsbDevice.
pub static USB_DEVICE: Codes = Codes(&[(0, "NONE"), (1, "WIFI"), (2, "DISK")]);
/// BatteryPowerMode.
pub static BATTERY_POWER_MODE: Codes = Codes(&[(0, "EXPORT"), (1, "SELF_CONSUMPTION")]);
/// BatteryCalibrationStage.
pub static BATTERY_CALIBRATION_STAGE: Codes = Codes(&[
    (0, "OFF"),
    (1, "DISCHARGE"),
    (2, "SET_LOWER_LIMIT"),
    (3, "CHARGE"),
    (4, "SET_UPPER_LIMIT"),
    (5, "BALANCE"),
    (6, "SET_FULL_CAPACITY"),
    (7, "FINISH"),
]);
/// MeterType.
pub static METER_TYPE: Codes = Codes(&[(0, "CT_OR_EM418"), (1, "EM115")]);
/// BatteryType.
pub static BATTERY_TYPE: Codes = Codes(&[(0, "LEAD_ACID"), (1, "LITHIUM")]);
/// PowerFactorFunctionModel.
pub static POWER_FACTOR_FUNCTION_MODEL: Codes = Codes(&[
    (0, "PF_1"),
    (1, "PF_BY_SET"),
    (2, "DEFAULT_PF_LINE"),
    (3, "USER_PF_LINE"),
    (4, "UNDER_EXCITED_INDUCTIVE_REACTIVE_POWER"),
    (5, "OVER_EXCITED_CAPACITIVE_REACTIVE_POWER"),
    (6, "QV_MODEL"),
]);
/// ExportPriority.
pub static EXPORT_PRIORITY: Codes = Codes(&[(0, "LOAD_FIRST"), (1, "BATTERY_FIRST"), (2, "GRID_FIRST")]);
/// Status.
pub static STATUS: Codes =
    Codes(&[(0, "WAITING"), (1, "NORMAL"), (2, "WARNING"), (3, "FAULT"), (4, "FLASHING_FIRMWARE_UPDATE")]);
/// ChargeStatus.
pub static CHARGE_STATUS: Codes = Codes(&[(0, "IDLE"), (2, "CHARGING"), (3, "FINISHING"), (5, "DISCHARGING")]);
/// BatteryPauseMode.
pub static BATTERY_PAUSE_MODE: Codes =
    Codes(&[(0, "DISABLED"), (1, "PAUSE_CHARGE"), (2, "PAUSE_DISCHARGE"), (3, "PAUSE_BOTH")]);
/// Inverter faults, HR 223 and 224.
pub static INVERTER_FAULTS: Bits = Bits(&[
    (0, "Inverter NTC Fault"),
    (1, "Grid Frequency Fault"),
    (2, "Grid voltage Fault"),
    (3, "PV Over voltage"),
    (4, "DCI high"),
    (5, "Current leak high"),
    (6, "PV Isolation Fault"),
    (7, "No Utility"),
    (8, "Inverter Current Fault"),
    (9, "Bus over voltage"),
    (10, "DSP Comms Fault"),
    (11, "Hall Sensor Fault"),
    (12, "GFCI Fault"),
    (13, "Inverter Voltage Fault"),
    (14, "Relay Fault"),
    (15, "Inverter Frequency Fault"),
    (22, "EEPROM Fault"),
    (23, "Consistent Fault"),
    (24, "ARM Comms Fault"),
    (25, "Grid Monitor Comm Fault"),
    (28, "Backup Overload Fault"),
]);
/// Charger warnings, IR 57.
pub static CHARGER_WARNINGS: Bits = Bits(&[
    (0, "BMS under-temperature (charge)"),
    (1, "BMS under-temperature (discharge)"),
    (2, "BMS over-temperature (charge)"),
    (3, "BMS over-temperature (discharge)"),
    (4, "BMS under-voltage"),
    (5, "BMS over-voltage"),
    (6, "BMS short-circuit current (discharge)"),
    (7, "BMS over-current (discharge)"),
    (8, "Charge/discharge module temperature fault"),
    (9, "Battery temperature fault"),
    (10, "BMS comms fail"),
    (12, "Battery soft-start fail"),
    (13, "Battery voltage low"),
    (14, "Battery voltage high"),
    (15, "Electricity meter comms fail"),
]);
/// BcuStatus.
pub static BCU_STATUS: Codes = Codes(&[
    (0, "BMS_INITIALISING"),
    (1, "PRECHARGING"),
    (2, "STANDBY"),
    (3, "CHARGING"),
    (4, "DISCHARGING"),
    (5, "ERROR"),
    (6, "UPDATING"),
    (7, "POWERED_OFF"),
    (8, "PRODUCTION"),
]);
/// WorkMode.
pub static WORK_MODE: Codes =
    Codes(&[(0, "INITIALISING"), (1, "OFF_GRID"), (2, "ON_GRID"), (3, "FAULT"), (4, "UPDATE")]);
/// State.
pub static STATE: Codes = Codes(&[(0, "STATIC"), (1, "CHARGE"), (2, "DISCHARGE")]);
/// MeterStatus.
pub static METER_STATUS: Codes = Codes(&[(0, "DISABLED"), (1, "ONLINE"), (2, "OFFLINE")]);
/// EmsInverterStatus.
pub static EMS_INVERTER_STATUS: Codes = Codes(&[(0, "ABSENT"), (2, "ONLINE")]);
/// BatteryMaintenance.
pub static BATTERY_MAINTENANCE: Codes = Codes(&[(0, "OFF"), (1, "DISCHARGE"), (2, "CHARGE"), (3, "STANDBY")]);
/// Faults of the gateway, IR 1622 and 1623.
pub static GATEWAY_FAULTS: Bits = Bits(&[
    (0, "Grid mode Off"),
    (12, "AC over voltage constant"),
    (13, "AC under frequency constant"),
    (14, "AC over frequency constant"),
    (15, "Over AC voltage long-time"),
    (16, "Under quarter AC voltage"),
    (17, "Over quarter AC voltage"),
    (18, "No zero-point protection"),
    (20, "AC under voltage 2"),
    (21, "AC over voltage 2"),
    (22, "AC under frequency 2"),
    (23, "AC over frequency 2"),
    (24, "AC under voltage 1"),
    (25, "AC over voltage 1"),
    (26, "AC under frequency 1"),
    (27, "AC over frequency 1"),
    (28, "Relay 3&4 disconnect"),
    (29, "Relay 1&2 disconnect"),
    (30, "Relay 3&4 bonding"),
    (31, "Relay 1&2 bonding"),
]);
/// Faults and warnings of a three-phase inverter, IR 1300 to 1307, a register each.
pub static THREE_PHASE_FAULTS: [Bits; 8] = [
    Bits(&[
        (0, "Battery Voltage High"),
        (2, "Bus 2 Voltage high ISR"),
        (3, "Bus Voltage high ISR"),
        (4, "Inverter OCP fault TZ"),
        (5, "Frequency unstable"),
        (6, "Buck Boost Fault ISR"),
        (7, "BDC OCP Fault"),
        (8, "Grid Zero cross loss"),
        (12, "Grid Phase 1 voltage fault"),
        (13, "Grid Phase 2 voltage fault"),
        (14, "Grid Phase 3 voltage fault"),
        (15, "Grid frequency out of range"),
    ]),
    Bits(&[
        (0, "Gateway Comm fault"),
        (1, "GFCI Damage"),
        (2, "Grid phase 1 voltage low"),
        (3, "Grid phase 1 voltage high"),
        (4, "Grid phase 2 voltage low"),
        (5, "Grid phase 2 voltage high"),
        (6, "Grid phase 3 voltage low"),
        (7, "Grid phase 3 voltage high"),
        (8, "Inverter OCP Fault ISR"),
        (12, "Inverter Phase 1 Current OCP (RMS)"),
        (13, "Inverter Phase 2 Current OCP (RMS)"),
        (14, "Inverter Phase 3 Current OCP (RMS)"),
        (15, "No Grid connection"),
    ]),
    Bits(&[
        (0, "Grid Frequency Low"),
        (1, "Grid frequency High"),
        (2, "Grid voltage imbalance"),
        (3, "AC PLL fault"),
        (4, "Overload fault"),
        (5, "Backflow timeout"),
        (7, "Grid connected v/f out of range"),
        (8, "EPS phase 1 voltage loss"),
        (9, "EPS phase 2 voltage loss"),
        (10, "EPS phase 3 voltage loss"),
        (11, "EPS bus voltage low"),
        (12, "EPS overload"),
        (13, "EPS voltage high"),
        (14, "DCV high"),
        (15, "Battery OCP"),
    ]),
    Bits(&[
        (0, "Battery reversed"),
        (1, "Battery open"),
        (2, "Battery voltage low"),
        (4, "Bus2 voltage abnormal"),
        (5, "Buck boost soft start fail"),
        (6, "Battery voltage high"),
        (8, "BMS Error"),
        (9, "BMS comm fault"),
        (13, "Battery sleep"),
        (14, "Lead acid NTC open"),
        (15, "BMS power forbid"),
    ]),
    Bits(&[(5, "PV1 voltage low"), (6, "PV2 voltage low")]),
    Bits(&[
        (0, "DCI high"),
        (1, "PV isolation low"),
        (2, "NTC open"),
        (3, "Bus voltage high"),
        (4, "PV voltage high"),
        (5, "Boost over temperature"),
        (6, "Buck Boost over temperature"),
        (7, "Inverter over temperature"),
        (8, "EPS output short circuit"),
        (9, "Auto test fault"),
        (10, "Init Model fault"),
        (11, "Relay fault"),
        (12, "Bus voltage unbalance"),
        (13, "DSP firmware unmatched"),
        (14, "PV1 short circuit"),
        (15, "PV2 short circuit"),
    ]),
    Bits(&[
        (0, "PV voltage high"),
        (1, "External device faulty"),
        (2, "Acom fault"),
        (3, "Bcom fault"),
        (4, "Master force inverter fault"),
        (5, "Master force SP fault"),
        (6, "GFCI High"),
        (7, "Virtual Load over temp"),
        (8, "Internal com fault3"),
        (9, "Grid consistent"),
        (10, "EPS connected grid"),
        (11, "Internal over temperature"),
        (12, "Fan fault"),
        (13, "Hardware unmatch"),
    ]),
    Bits(&[
        (0, "CT clamp L/N reversed"),
        (1, "Pairing timeout"),
        (2, "Meter comms loss"),
        (6, "Battery over temperature"),
        (7, "Battery over load"),
        (8, "Battery full"),
        (9, "Battery needs Charge"),
        (10, "BMS Warning"),
        (11, "Battery weak"),
        (12, "Battery low power"),
        (13, "NTC open"),
        (14, "Fan warning"),
    ]),
];
