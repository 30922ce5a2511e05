//! The names that commands are called by: GivTCP's, all of them.

/// A name of a command, as people look it up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    /// Under which it comes; `N` stands for a number from 1 to `numbers`.
    pub name: &'static str,
    /// Other names that mean the same.
    pub aliases: &'static [&'static str],
    /// How many there are of it by number, 0 if it has none.
    pub numbers: u8,
    /// A bare payload, as an example; empty where there is none that says enough.
    pub text: &'static str,
    /// A JSON body, as an example.
    pub body: &'static str,
    /// Further payloads that write something else.
    pub more: &'static [&'static str],
    /// What is accepted.
    pub takes: &'static str,
    /// What it does.
    pub does: &'static str,
}

const W: &str = "W, a whole number";
const PERCENT: &str = "%, a whole number";
const SWITCH: &str = "`enable` or `disable`";
const TIME: &str = "HH:MM or HH:MM:SS";
const TIMES: &str = "start and finish, HH:MM";
const FOR: &str = "1 to 1439 minutes, or `Cancel`, `Normal` or 0";

const fn name(
    name: &'static str,
    text: &'static str,
    body: &'static str,
    takes: &'static str,
    does: &'static str,
) -> Name {
    Name { name, aliases: &[], numbers: 0, text, body, more: &[], takes, does }
}

impl Name {
    const fn many(self, numbers: u8) -> Self {
        Self { numbers, ..self }
    }

    const fn more(self, more: &'static [&'static str]) -> Self {
        Self { more, ..self }
    }

    const fn alias(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    /// With a number in its place.
    pub fn numbered(&self, number: u8) -> String {
        self.name.replace('N', &number.to_string())
    }

    /// Every name that it comes under: its own, with each number and with none where a field may say it, and its aliases.
    pub fn all(&self) -> Vec<String> {
        let numbered = (1..=self.numbers).map(|number| self.numbered(number));
        // Starts and ends have no field for the number in GivTCP.
        let in_a_field = self.numbers > 0 && ["SlotN", "TargetN"].iter().any(|end| self.name.ends_with(end));
        let bare = (self.numbers == 0).then(|| self.name.to_owned());
        let bare = bare.or_else(|| in_a_field.then(|| self.name.trim_end_matches('N').to_owned()));
        bare.into_iter().chain(numbered).chain(self.aliases.iter().map(|&alias| alias.to_owned())).collect()
    }

    /// A payload to try it with.
    pub fn example(&self) -> &'static str {
        if self.text.is_empty() { self.body } else { self.text }
    }
}

/// Every command that can be parsed.
#[rustfmt::skip]
pub const COMMANDS: &[Name] = &[
    name("setChargeRate", "2000", r#"{"chargeRate": 2000}"#, W, "how fast the battery charges at most; 0 pauses"),
    name("setDischargeRate", "2000", r#"{"dischargeRate": 2000}"#, W, "how fast the battery discharges at most; 0 pauses"),
    name("setChargeRateAC", "50", r#"{"chargeRate": 50}"#, PERCENT, "how fast the battery charges at most, as a share of the inverter's power"),
    name("setDischargeRateAC", "50", r#"{"dischargeRate": 50}"#, PERCENT, "how fast the battery discharges at most, as a share of the inverter's power"),
    name("setChargeTarget", "80", r#"{"chargeToPercent": 80}"#, PERCENT, "charge from the grid up to this; 100 takes the limit away").more(&["100"]),
    name("enableChargeTarget", "enable", r#"{"state": "enable"}"#, SWITCH, "whether the charge target is in force; `disable` sets it to 100 % too").more(&["disable"]),
    name("setBatteryReserve", "20", r#"{"reservePercent": 20}"#, PERCENT, "no discharge below this"),
    name("setBatteryCutoff", "4", r#"{"dischargeToPercent": 4}"#, PERCENT, "the battery's own lower end"),
    name("setActivePowerRate", "100", r#"{"activePowerRate": 100}"#, PERCENT, "what the inverter gives at most, as a share of its power"),
    name("setBatteryMode", "Eco", r#"{"mode": "Eco"}"#, "`Eco`, `Eco (Paused)`, `Timed Demand` or `Timed Export`", "several flags under one name").more(&["Eco (Paused)", "Timed Demand", "Timed Export"]),
    name("setEcoMode", "enable", r#"{"state": "enable"}"#, SWITCH, "whether the inverter matches the house's demand"),
    name("enableChargeSchedule", "enable", r#"{"state": "enable"}"#, SWITCH, "whether charge slots are in force").more(&["disable"]),
    name("enableDischargeSchedule", "enable", r#"{"state": "enable"}"#, SWITCH, "whether discharge slots are in force"),
    name("setBatteryPauseMode", "PauseDischarge", r#"{"state": "PauseDischarge"}"#, "`Disabled`, `PauseCharge`, `PauseDischarge` or `PauseBoth`", "what the battery must not do"),
    name("setPauseStart", "16:00", r#"{"start": "16:00"}"#, TIME, "when the pause mode begins to be in force"),
    name("setPauseEnd", "19:00", r#"{"finish": "19:00"}"#, TIME, "when it ends to be in force"),
    name("setPauseSlot", "", r#"{"start": "16:00", "finish": "19:00"}"#, TIMES, "when the pause mode is in force"),
    name("setChargeStartN", "00:30", r#"{"start": "00:30"}"#, TIME, "when a charge slot begins").many(10),
    name("setChargeEndN", "04:30", r#"{"finish": "04:30"}"#, TIME, "when a charge slot ends").many(10),
    name("setChargeSlotN", "", r#"{"start": "00:30", "finish": "04:30"}"#, "start and finish, HH:MM; perhaps chargeToPercent", "both times of a charge slot; 00:00 and 00:00 clear it").many(10),
    name("setChargeTargetN", "90", r#"{"chargeToPercent": 90}"#, PERCENT, "up to where a charge slot charges").many(10),
    name("setDischargeStartN", "16:00", r#"{"start": "16:00"}"#, TIME, "when a discharge slot begins").many(10),
    name("setDischargeEndN", "19:00", r#"{"finish": "19:00"}"#, TIME, "when a discharge slot ends").many(10),
    name("setDischargeSlotN", "", r#"{"start": "16:00", "finish": "19:00"}"#, "start and finish, HH:MM; perhaps dischargeToPercent", "both times of a discharge slot; 00:00 and 00:00 clear it").many(10),
    name("setDischargeTargetN", "20", r#"{"dischargeToPercent": 20}"#, PERCENT, "down to where a discharge slot discharges; as setDischargeTarget with a field `slot`").many(10),
    name("setExportStartN", "16:00", r#"{"start": "16:00"}"#, TIME, "when an export slot of a plant controller begins").many(3),
    name("setExportEndN", "19:00", r#"{"finish": "19:00"}"#, TIME, "when an export slot of a plant controller ends").many(3),
    name("setExportSlotN", "", r#"{"start": "16:00", "finish": "19:00"}"#, "start and finish, HH:MM; perhaps exportToPercent", "both times of an export slot").many(3),
    name("setExportTargetN", "20", r#"{"exportToPercent": 20}"#, PERCENT, "down to where an export slot discharges; as setExportTarget with a field `slot`").many(3),
    name("setEMSChargeStartN", "00:30", r#"{"start": "00:30"}"#, TIME, "when a charge slot of a plant controller begins").many(3),
    name("setEMSChargeEndN", "04:30", r#"{"finish": "04:30"}"#, TIME, "when a charge slot of a plant controller ends").many(3),
    name("setEMSChargeSlotN", "", r#"{"start": "00:30", "finish": "04:30"}"#, "start and finish, HH:MM; perhaps chargeToPercent", "both times of it").many(3),
    name("setEMSChargeTargetN", "90", r#"{"chargeToPercent": 90}"#, PERCENT, "up to where a charge slot of a plant controller charges").many(3),
    name("setEMSDischargeStartN", "16:00", r#"{"start": "16:00"}"#, TIME, "when a discharge slot of a plant controller begins").many(3),
    name("setEMSDischargeEndN", "19:00", r#"{"finish": "19:00"}"#, TIME, "when a discharge slot of a plant controller ends").many(3),
    name("setEMSDischargeSlotN", "", r#"{"start": "16:00", "finish": "19:00"}"#, "start and finish, HH:MM; perhaps dischargeToPercent", "both times of it").many(3),
    name("setEMSDischargeTargetN", "20", r#"{"dischargeToPercent": 20}"#, PERCENT, "down to where a discharge slot of a plant controller discharges").many(3),
    name("setEmsPlant", "enable", r#"{"state": "enable"}"#, SWITCH, "whether a plant controller leads its inverters"),
    name("setForceCharge", "enable", r#"{"state": "enable"}"#, SWITCH, "a flag of three-phase inverters: their charge slots are in force"),
    name("setForceDischarge", "enable", r#"{"state": "enable"}"#, SWITCH, "a flag of three-phase inverters: their discharge slots are in force"),
    name("setACCharge", "enable", r#"{"state": "enable"}"#, SWITCH, "whether a three-phase inverter may charge from the AC side"),
    name("enableRTC", "enable", r#"{"state": "enable"}"#, SWITCH, "real-time control"),
    name("syncDateTime", "", "{}", "anything", "sets the inverter's clock to the time of its zone"),
    name("setDateTime", "05/06/2026 12:00:00", r#"{"dateTime": "05/06/2026 12:00:00"}"#, "DD/MM/YYYY HH:MM:SS", "sets the inverter's clock"),
    name("setBatteryCalibration", "Off", r#"{"state": "Start", "confirm": "SD2227G101"}"#, "`Off`, `Start` or `Charge Only`; the last two with `confirm`", "a full cycle of the battery that takes hours"),
    name("rebootInverter", "SD2227G101", r#"{"confirm": "SD2227G101"}"#, "the inverter's serial number, bare or as `confirm`", "restarts the inverter").alias(&["rebootInvertor", "reboot"]),
    name("forceCharge", "30", r#"{"duration": 30}"#, FOR, "charges with full power for a while"),
    name("forceExport", "30", r#"{"duration": 30}"#, FOR, "discharges with full power for a while"),
    name("tempPauseCharge", "30", r#"{"duration": 30}"#, FOR, "no charging for a while"),
    name("tempPauseDischarge", "30", r#"{"duration": 30}"#, FOR, "no discharging for a while"),
    name("switchRate", "day", r#"{"rate": "day"}"#, "`day` or `night`", "tells that another tariff has begun"),
    name("rebootAddon", "", "{}", "anything", "restarts this program").alias(&["restart"]),
    name("enableDischarge", "enable", r#"{"state": "enable"}"#, "anything", "nothing, in GivTCP too"),
    name("setExportLimit", "3600", "{}", "anything", "nothing, in GivTCP too"),
    name("setCarChargeBoost", "3000", "{}", "anything", "nothing, in GivTCP too"),
    name("setPVInputMode", "Independent", "{}", "anything", "nothing, in GivTCP too"),
    name("setLocalControlMode", "Load", "{}", "anything", "nothing, in GivTCP too"),
];

/// Whether there is a command of this name, capital letters aside.
pub fn is_command(name: &str) -> bool {
    COMMANDS.iter().any(|command| command.all().iter().any(|known| known.eq_ignore_ascii_case(name)))
}

/// Why nobody can do what GivTCP lists under this name.
pub(super) fn why_unavailable(name: &str) -> &'static str {
    match name {
        "enableDischarge" => "use enableDischargeSchedule",
        "setExportLimit" => "a limit of export is for installers to set",
        _ => "GivTCP lists it and does nothing, and no register is known for it",
    }
}
