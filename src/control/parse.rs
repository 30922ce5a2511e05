//! From a command's name and its payload, as they come by MQTT and REST, to the command. Total: whatever comes is a command
//! or a fault that says what is wanted.

use jiff::civil::{DateTime, Time};

use super::payload::{Payload, switch, whole};
use super::{
    Calibration, ClockSetting, Command, Direction, Fault, Mode, Override, OverrideKind, PauseMode, SlotChange,
    SlotKind, clock,
};

/// Beyond this no inverter has a rate, W.
const MOST_WATTS: i64 = 1_000_000;

/// What `dry_run` must be.
const DRY_RUN: &str = "has a dry_run that is neither true nor false";

/// A name and its payload, being parsed.
struct Parser<'a> {
    name: &'a str,
    raw: &'a str,
    payload: Payload,
}

impl Command {
    /// Parses a command from GivTCP's name of it and its payload: bare text, or a JSON object with the fields that
    /// GivTCP's REST interface has. Capital letters in names and words do not matter.
    ///
    /// # Errors
    /// What is wanted in place of what was given.
    pub fn parse(name: &str, payload: &str) -> Result<Self, Fault> {
        let parsed = Payload::parse(payload).map_err(|want| Fault::new(name, want, Some(payload)))?;
        Parser { name, raw: payload, payload: parsed }.command()
    }

    /// Whether a payload asks only for what would be written: its field `dry_run`, spelled as any switch is.
    ///
    /// # Errors
    /// It is there and neither yes nor no: then nobody knows whether something is to be written.
    pub fn parse_dry_run(name: &str, payload: &str) -> Result<bool, Fault> {
        let fault = |want: &str| Fault::new(name, want, Some(payload));
        let given = Payload::parse(payload).map_err(fault)?.field(&["dry_run"]).map_err(|_| fault(DRY_RUN))?;
        given.map_or(Ok(false), |text| switch(&text).ok_or_else(|| fault(DRY_RUN)))
    }
}

// === impl Parser ===

impl Parser<'_> {
    fn command(&self) -> Result<Command, Fault> {
        let lower = self.name.to_ascii_lowercase();
        let stem = lower.trim_end_matches(|c: char| c.is_ascii_digit());
        let digits = lower.get(stem.len()..).unwrap_or_default();
        if !digits.is_empty() {
            let number = digits.parse().ok().filter(|_| !digits.starts_with('0')).ok_or_else(|| self.unknown())?;
            return self.of_slot(stem, Some(number));
        }
        Ok(match stem {
            "setchargerate" => self.rate(Direction::Charge, "chargeRate")?,
            "setdischargerate" => self.rate(Direction::Discharge, "dischargeRate")?,
            "setchargerateac" => self.rate_ac(Direction::Charge, "chargeRate")?,
            "setdischargerateac" => self.rate_ac(Direction::Discharge, "dischargeRate")?,
            // Without a number, and without a field that says it, this is the inverter's.
            "setchargetarget" if self.slot_field()?.is_none() => Command::Target(self.percent(&["chargeToPercent"])?),
            "setbatteryreserve" => Command::Reserve(self.percent(&["reservePercent"])?),
            "setbatterycutoff" => Command::Cutoff(self.percent(&["dischargeToPercent", "cutoffPercent"])?),
            "setactivepowerrate" => Command::ActivePower(self.percent(&["activePowerRate"])?),
            "enablechargetarget" => Command::TargetFlag(self.switch()?),
            "enablechargeschedule" => Command::ChargeSchedule(self.switch()?),
            "enabledischargeschedule" => Command::DischargeSchedule(self.switch()?),
            "setecomode" => Command::Eco(self.switch()?),
            "setforcecharge" => Command::ForceCharge(self.switch()?),
            "setforcedischarge" => Command::ForceDischarge(self.switch()?),
            "setaccharge" => Command::AcCharge(self.switch()?),
            "setemsplant" => Command::Plant(self.switch()?),
            "enablertc" => Command::RealTimeControl(self.switch()?),
            "setbatterymode" => Command::Mode(self.word(&["mode", "state"], &Mode::ALL, Mode::name)?),
            "setbatterypausemode" => {
                Command::PauseMode(self.word(&["state", "mode"], &PauseMode::ALL, PauseMode::name)?)
            }
            "setbatterycalibration" => Command::Calibration {
                stage: self.word(&["state", "mode"], &Calibration::ALL, Calibration::name)?,
                confirm: self.field(&["confirm"])?,
            },
            "setpausestart" | "setpauseend" | "setpauseslot" => self.slot(SlotKind::Pause, stem, 1)?,
            "syncdatetime" => Command::Clock(ClockSetting::Now),
            "setdatetime" => Command::Clock(ClockSetting::At(self.date_time()?)),
            "rebootinverter" | "rebootinvertor" | "reboot" => {
                Command::Reboot { confirm: self.payload.about(&["confirm"]).map_err(|want| self.fault(want))? }
            }
            "rebootaddon" | "restart" => Command::RestartProgram,
            "forcecharge" => self.for_a_while(OverrideKind::ForceCharge)?,
            "forceexport" => self.for_a_while(OverrideKind::ForceExport)?,
            "temppausecharge" => self.for_a_while(OverrideKind::PauseCharge)?,
            "temppausedischarge" => self.for_a_while(OverrideKind::PauseDischarge)?,
            "switchrate" => Command::SwitchRate(self.word(&["rate"], &[true, false], day_or_night)?),
            "enabledischarge" => Command::Unavailable("enableDischarge".into()),
            "setexportlimit" => Command::Unavailable("setExportLimit".into()),
            "setcarchargeboost" => Command::Unavailable("setCarChargeBoost".into()),
            "setpvinputmode" => Command::Unavailable("setPVInputMode".into()),
            "setlocalcontrolmode" => Command::Unavailable("setLocalControlMode".into()),
            _ => return self.of_slot(stem, None),
        })
    }

    /// Commands of a slot; the number stands in the name or in a field.
    fn of_slot(&self, stem: &str, in_name: Option<u8>) -> Result<Command, Fault> {
        let (kind, part) = SLOTS
            .iter()
            .find_map(|&(prefix, kind)| Some((kind, stem.strip_prefix(prefix)?)))
            .filter(|(_, part)| matches!(*part, "start" | "end" | "slot" | "target"))
            .ok_or_else(|| self.unknown())?;
        let number = match (in_name, self.slot_field()?) {
            (Some(name), Some(field)) if name != field => return Err(self.fault("must name one slot, not two")),
            (Some(number), _) | (None, Some(number)) => number,
            (None, None) => return Err(self.fault("must say which slot, as a number in its name or in a field `slot`")),
        };
        let most = if matches!(kind, SlotKind::Charge | SlotKind::Discharge) { 10 } else { 3 };
        if !(1..=most).contains(&number) {
            return Err(self.fault(format!("must be of a slot from 1 to {most}")));
        }
        if part == "target" {
            return Ok(Command::SlotTarget { kind, number, percent: self.percent(target_keys(kind))? });
        }
        self.slot(kind, stem, number)
    }

    fn slot(&self, kind: SlotKind, stem: &str, number: u8) -> Result<Command, Fault> {
        const START: &[&str] = &["start", "time"];
        const END: &[&str] = &["finish", "end", "time"];
        let mut change = SlotChange { kind, number, start: None, end: None, target: None };
        if stem.ends_with("start") {
            change.start = Some(self.time(&self.needed(START, TIME_WANTED)?)?);
        } else if stem.ends_with("end") {
            change.end = Some(self.time(&self.needed(END, TIME_WANTED)?)?);
        } else {
            let both =
                "must be a JSON object with start and finish, as in {\"start\": \"00:30\", \"finish\": \"04:30\"}";
            let time = |keys| self.field(keys)?.ok_or_else(|| self.fault(both)).and_then(|text| self.time(&text));
            change.start = Some(time(&["start"])?);
            change.end = Some(time(&["finish", "end"])?);
            if kind != SlotKind::Pause {
                change.target = match self.field(target_keys(kind))? {
                    Some(text) => Some(self.as_percent(&text)?),
                    None => None,
                };
            }
        }
        Ok(Command::Slot(change))
    }

    fn slot_field(&self) -> Result<Option<u8>, Fault> {
        let Some(text) = self.field(&["slot"])? else { return Ok(None) };
        let number = whole(&text).and_then(|number| u8::try_from(number).ok());
        number.map(Some).ok_or_else(|| Fault::new(self.name, "slot must be a number from 1 to 10", Some(&text)))
    }

    fn rate(&self, direction: Direction, key: &str) -> Result<Command, Fault> {
        let want = "must be a whole number of W from 0 to 1000000";
        let text = self.needed(&[key, "watts"], want)?;
        let watts = whole(&text).filter(|watts| (0..=MOST_WATTS).contains(watts)).and_then(|w| u32::try_from(w).ok());
        let watts = watts.ok_or_else(|| Fault::new(self.name, want, Some(&text)))?;
        Ok(Command::Rate { direction, watts })
    }

    fn rate_ac(&self, direction: Direction, key: &str) -> Result<Command, Fault> {
        Ok(Command::RateAc { direction, percent: self.percent(&[key])? })
    }

    fn percent(&self, keys: &[&str]) -> Result<u8, Fault> {
        self.as_percent(&self.needed(keys, PERCENT_WANTED)?)
    }

    fn as_percent(&self, text: &str) -> Result<u8, Fault> {
        let percent = whole(text).filter(|percent| (0..=100).contains(percent)).and_then(|p| u8::try_from(p).ok());
        percent.ok_or_else(|| Fault::new(self.name, PERCENT_WANTED, Some(text)))
    }

    fn switch(&self) -> Result<bool, Fault> {
        let want = "must be enable or disable";
        let text = self.needed(&["state"], want)?;
        switch(&text).ok_or_else(|| Fault::new(self.name, want, Some(&text)))
    }

    /// One of these by its name.
    fn word<T: Copy>(&self, keys: &[&str], all: &[T], name: fn(T) -> &'static str) -> Result<T, Fault> {
        let names: Vec<&str> = all.iter().map(|&word| name(word)).collect();
        let want = format!("must be one of {}", names.join(", "));
        let text = self.needed(keys, &want)?;
        let found = all.iter().find(|&&word| name(word).eq_ignore_ascii_case(&text)).copied();
        found.ok_or_else(|| Fault::new(self.name, want, Some(&text)))
    }

    /// HH:MM, with seconds that do not count or without, or HHMM.
    fn time(&self, text: &str) -> Result<Time, Fault> {
        as_time(text).ok_or_else(|| Fault::new(self.name, TIME_WANTED, Some(text)))
    }

    fn date_time(&self) -> Result<DateTime, Fault> {
        let want = "must be DD/MM/YYYY HH:MM:SS from the year 2000 to 2099";
        let text = self.needed(&["dateTime"], want)?;
        let time = DateTime::strptime("%d/%m/%Y %H:%M:%S", &text).ok().filter(|time| clock::has_registers(*time));
        time.ok_or_else(|| Fault::new(self.name, want, Some(&text)))
    }

    fn for_a_while(&self, kind: OverrideKind) -> Result<Command, Fault> {
        let want = format!("must be 1 to {} minutes, or Cancel or Normal", Override::MOST_MINUTES);
        let text = self.needed(&["duration"], &want)?;
        let minutes = match whole(&text) {
            Some(0) => None,
            Some(minutes) => match u16::try_from(minutes) {
                Ok(minutes) if minutes <= Override::MOST_MINUTES => Some(minutes),
                _ => return Err(Fault::new(self.name, want, Some(&text))),
            },
            None if text.eq_ignore_ascii_case("cancel") || text.eq_ignore_ascii_case("normal") => None,
            None => return Err(Fault::new(self.name, want, Some(&text))),
        };
        Ok(Command::Override(Override { kind, minutes }))
    }

    /// What the command is about.
    fn needed(&self, keys: &[&str], want: &str) -> Result<String, Fault> {
        let found = self.payload.about(keys).map_err(|want| self.fault(want))?;
        found.ok_or_else(|| match (&self.payload, keys.first()) {
            (Payload::Body(_), Some(key)) => self.fault(format!("{want}, in a field `{key}`")),
            _ => self.fault(want),
        })
    }

    fn field(&self, keys: &[&str]) -> Result<Option<String>, Fault> {
        self.payload.field(keys).map_err(|want| self.fault(want))
    }

    fn fault(&self, want: impl Into<String>) -> Fault {
        Fault::new(self.name, want, Some(self.raw).filter(|raw| !raw.trim().is_empty()))
    }

    fn unknown(&self) -> Fault {
        Fault::new(self.name, "no such command; docs/control.md has them all", None)
    }
}

const PERCENT_WANTED: &str = "must be a whole percentage from 0 to 100";
const TIME_WANTED: &str = "must be HH:MM from 00:00 to 23:59";

/// How the names of slots begin.
const SLOTS: [(&str, SlotKind); 5] = [
    ("setemscharge", SlotKind::EmsCharge),
    ("setemsdischarge", SlotKind::EmsDischarge),
    ("setcharge", SlotKind::Charge),
    ("setdischarge", SlotKind::Discharge),
    ("setexport", SlotKind::Export),
];

fn target_keys(kind: SlotKind) -> &'static [&'static str] {
    match kind {
        SlotKind::Charge | SlotKind::EmsCharge => &["chargeToPercent"],
        SlotKind::Discharge | SlotKind::EmsDischarge => &["dischargeToPercent"],
        SlotKind::Export => &["exportToPercent", "dischargeToPercent"],
        SlotKind::Pause => &[],
    }
}

fn day_or_night(day: bool) -> &'static str {
    if day { "day" } else { "night" }
}

/// HH:MM, with seconds that do not count or without, or HHMM.
fn as_time(text: &str) -> Option<Time> {
    let all_digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    let (hour, minute) = match text.len() {
        4 => (text.get(..2)?, text.get(2..)?),
        5 => text.split_once(':')?,
        8 => {
            let (time, seconds) = text.rsplit_once(':')?;
            // The registers have no seconds; those of an entity are 00.
            seconds.parse::<u8>().ok().filter(|number| *number < 60 && all_digits(seconds))?;
            time.split_once(':')?
        }
        _ => return None,
    };
    if !all_digits(hour) || !all_digits(minute) {
        return None;
    }
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}
