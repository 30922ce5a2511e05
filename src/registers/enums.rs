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
