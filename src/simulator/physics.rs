//! Where the power goes: sun, battery, house and grid, under the inverter's settings. Pure.

/// Where the sun's power comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sun {
    /// Through the inverter's own strings.
    Strings,
    /// Through somebody else's inverter on the house's side, which this one can neither see nor hold back.
    House,
    /// Nowhere.
    None,
}

/// What the inverter is built for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Machine {
    /// What it turns on the AC side at most, W.
    pub rated: f64,
    /// What its battery side takes and gives at most, W.
    pub battery_max: f64,
    /// Where the sun comes in.
    pub sun: Sun,
}

impl Machine {
    /// A single-phase hybrid of the first generation, 5 kW.
    pub const GEN_1: Self = Self { rated: 5000.0, battery_max: 2600.0, sun: Sun::Strings };

    /// What it loses of what passes, as a share. Small enough that the registers as published close the balance within
    /// 50 W.
    fn passing_loss(self) -> f64 {
        (30.0 / self.rated).min(0.005)
    }
}

/// The inverter's own draw, W.
const STANDING_LOSS: f64 = 12.0;
/// What of the battery's terminal power arrives in its cells, and the other way.
const CHARGE_EFFICIENCY: f64 = 0.97;
const DISCHARGE_EFFICIENCY: f64 = 0.97;
/// The settings count rates in hundredths of the capacity per hour, and the inverter takes no more than this.
const RATE_MAX: u16 = 50;
/// With what power a full battery is given a rest by firmware that does so, W.
const RESTING: f64 = 400.0;

/// A time slot as the registers have it: decimal HHMM, by the inverter's clock, every day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// Begin, HHMM.
    pub start: u16,
    /// End, HHMM, exclusive. Before `start`: the slot crosses midnight.
    pub end: u16,
}

impl Slot {
    /// Whether the slot holds this minute of the day. An empty slot, or one with an impossible time, holds none.
    pub fn contains(self, minute: u16) -> bool {
        let (Some(start), Some(end)) = (minute_of_day(self.start), minute_of_day(self.end)) else { return false };
        if start <= end { (start..end).contains(&minute) } else { minute >= start || minute < end }
    }
}

fn minute_of_day(hhmm: u16) -> Option<u16> {
    let (hour, minute) = (hhmm / 100, hhmm % 100);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

/// Which direction of the battery is paused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pause {
    /// No charging.
    pub charge: bool,
    /// No discharging.
    pub discharge: bool,
    /// When; an empty slot means always.
    pub slot: Slot,
}

/// The settings that decide where power goes.
#[derive(Clone, Debug, PartialEq)]
pub struct Controls {
    /// Match the house's demand (eco), else give all there is.
    pub match_demand: bool,
    /// Whether the charge slots are in force.
    pub enable_charge: bool,
    /// When to charge from the grid.
    pub charge_slots: [Slot; 2],
    /// Whether the discharge slots are in force.
    pub enable_discharge: bool,
    /// When to discharge.
    pub discharge_slots: [Slot; 2],
    /// Hundredths of the capacity per hour.
    pub charge_rate: u16,
    /// Hundredths of the capacity per hour.
    pub discharge_rate: u16,
    /// No discharge below, %.
    pub floor: u16,
    /// Whether a target for charging from the grid is in force.
    pub target_enabled: bool,
    /// No charging from the grid above, %.
    pub target: u16,
    /// Share of the rated power, %.
    pub active_power: u16,
    /// Most that may go to the grid, W.
    pub export_cap: u16,
    /// What is paused, on inverters that can.
    pub pause: Option<Pause>,
    /// What AC-side settings leave of the inverter's power for charging and for discharging, %.
    pub ac_shares: [u16; 2],
    /// When to discharge with full power whatever the demand.
    pub export_slots: [Slot; 2],
    /// Latched until somebody clears it.
    pub forced: Option<Forced>,
}

impl Controls {
    /// Whether firmware that gives a full battery a rest would do so.
    pub fn would_rest(&self) -> bool {
        self.target_enabled && self.target == 100
    }
}

/// Where the battery is forced to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forced {
    /// Full power in.
    Charge,
    /// Full power out.
    Discharge,
}

/// The battery's content and size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Store {
    /// Energy in the cells, Wh.
    pub energy: f64,
    /// Energy when full, Wh; 0 without a battery.
    pub capacity: f64,
}

impl Store {
    /// State of charge in %, 0 without a battery.
    pub fn soc(self) -> f64 {
        if self.capacity > 0.0 { 100.0 * self.energy / self.capacity } else { 0.0 }
    }
}

/// Powers in W at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Powers {
    /// From each string.
    pub pv: [f64; 2],
    /// At the battery's terminals, + discharge.
    pub battery: f64,
    /// At the inverter's AC terminal, + out.
    pub inverter: f64,
    /// What the house draws.
    pub load: f64,
    /// The part of it behind the backup output.
    pub backup: f64,
    /// + export.
    pub grid: f64,
    /// What the inverter turns to heat.
    pub losses: f64,
}

/// What stands outside the inverter's power.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outside {
    /// What the strings could give, W.
    pub sun: [f64; 2],
    /// What the house draws, W.
    pub load: f64,
    /// The part of it behind the backup output, W.
    pub backup: f64,
    /// By how much the inverter misses the demand that it matches, W.
    pub slip: f64,
    /// Minute of the day by the inverter's clock.
    pub minute: u16,
    /// The firmware gives a full battery a rest and discharges it a little.
    pub rests: bool,
}

impl Outside {
    /// As the inverter meets it: what strings of its own could give, and what the house draws from it and the grid.
    fn met_by(self, machine: Machine) -> Self {
        let sun: f64 = self.sun.iter().sum();
        match machine.sun {
            Sun::Strings => self,
            Sun::House => Self { sun: [0.0; 2], load: self.load - sun, ..self },
            Sun::None => Self { sun: [0.0; 2], ..self },
        }
    }
}

/// Where the power goes for the next `seconds`.
pub fn balance(machine: Machine, controls: &Controls, store: Store, around: Outside, seconds: f64) -> Powers {
    let outside = around.met_by(machine);
    let limits = Limits::of(machine, controls, store, outside.minute, seconds);
    let sun: f64 = outside.sun.iter().sum();
    let wanted = wanted(machine, controls, store, outside, limits, seconds).clamp(-limits.charge, limits.discharge);

    let share = f64::from(controls.active_power.min(100)) / 100.0;
    let out_max = (machine.rated * share).min(outside.load + f64::from(controls.export_cap));
    let dc_max = machine.dc_of(out_max);
    let dc_min = machine.dc_of(-machine.rated * share);
    let mut battery = wanted;
    if sun + battery > dc_max {
        battery = (dc_max - sun).max(-limits.charge);
    }
    battery = battery.max((dc_min - sun).min(0.0));
    let taken = sun.min((dc_max - battery).max(0.0));
    let curtailed = if sun > 0.0 { taken / sun } else { 0.0 };

    let inverter = machine.ac_of(taken + battery);
    Powers {
        pv: match machine.sun {
            Sun::House => around.sun,
            Sun::Strings | Sun::None => outside.sun.map(|string| string * curtailed),
        },
        battery,
        inverter,
        load: around.load,
        backup: outside.backup,
        grid: inverter - outside.load,
        losses: taken + battery - inverter,
    }
}

/// The battery after `seconds` of this power at its terminals.
pub fn after(store: Store, battery: f64, seconds: f64) -> Store {
    let hours = seconds / 3600.0;
    let change = if battery < 0.0 { -battery * CHARGE_EFFICIENCY } else { -battery / DISCHARGE_EFFICIENCY };
    Store { energy: (store.energy + change * hours).clamp(0.0, store.capacity), ..store }
}

/// What the battery may take and give, W, both positive.
#[derive(Clone, Copy)]
struct Limits {
    charge: f64,
    discharge: f64,
}

impl Limits {
    fn of(machine: Machine, controls: &Controls, store: Store, minute: u16, seconds: f64) -> Self {
        let pause = controls
            .pause
            .filter(|pause| pause.slot.start == pause.slot.end || pause.slot.contains(minute))
            .unwrap_or_default();
        let rate = |raw: u16, ac_share: u16| {
            let most = machine.battery_max.min(machine.rated * f64::from(ac_share.min(100)) / 100.0);
            (f64::from(raw.min(RATE_MAX)) / 100.0 * store.capacity).min(most)
        };
        let [charge_share, discharge_share] = controls.ac_shares;
        let nearly_full = ((100.0 - store.soc()) / 4.0).clamp(0.08, 1.0);
        let charge = (rate(controls.charge_rate, charge_share) * nearly_full).min(power_to(store, 100, seconds));
        let discharge = rate(controls.discharge_rate, discharge_share).min(power_from(store, controls.floor, seconds));
        Self {
            charge: if pause.charge { 0.0 } else { charge },
            discharge: if pause.discharge { 0.0 } else { discharge },
        }
    }
}

/// The charging power that reaches this SOC in `seconds`, at least 0.
fn power_to(store: Store, soc: u16, seconds: f64) -> f64 {
    let room = store.capacity * f64::from(soc.min(100)) / 100.0 - store.energy;
    (room / CHARGE_EFFICIENCY * 3600.0 / seconds).max(0.0)
}

/// The discharging power that reaches this SOC in `seconds`, at least 0.
fn power_from(store: Store, soc: u16, seconds: f64) -> f64 {
    let content = store.energy - store.capacity * f64::from(soc.min(100)) / 100.0;
    (content * DISCHARGE_EFFICIENCY * 3600.0 / seconds).max(0.0)
}

/// What the settings want of the battery, W, + discharge.
fn wanted(machine: Machine, controls: &Controls, store: Store, outside: Outside, limits: Limits, seconds: f64) -> f64 {
    let sun: f64 = outside.sun.iter().sum();
    let matching = machine.dc_of(outside.load + outside.slip) - sun;
    let surplus_only = matching.min(0.0);
    let within = |slots: &[Slot; 2]| slots.iter().any(|slot| slot.contains(outside.minute));

    if outside.rests {
        return RESTING;
    }
    let is_charging = match controls.forced {
        Some(Forced::Discharge) => return limits.discharge,
        Some(Forced::Charge) => true,
        None => controls.enable_charge && within(&controls.charge_slots),
    };
    if is_charging {
        let from_grid = limits.charge.min(power_to(store, controls.target, seconds));
        return surplus_only.min(-from_grid);
    }
    if within(&controls.export_slots) {
        return limits.discharge;
    }
    match (controls.match_demand, controls.enable_discharge) {
        (true, false) => matching,
        (true, true) if within(&controls.discharge_slots) => matching,
        (false, true) if within(&controls.discharge_slots) => limits.discharge,
        _ => surplus_only,
    }
}

impl Machine {
    /// The AC power that this DC power gives.
    fn ac_of(self, dc: f64) -> f64 {
        let rest = dc - STANDING_LOSS;
        if rest >= 0.0 { rest / (1.0 + self.passing_loss()) } else { rest / (1.0 - self.passing_loss()) }
    }

    /// The DC power that this AC power needs.
    fn dc_of(self, ac: f64) -> f64 {
        let passing = if ac >= 0.0 { 1.0 + self.passing_loss() } else { 1.0 - self.passing_loss() };
        ac * passing + STANDING_LOSS
    }
}

#[cfg(test)]
mod tests;
