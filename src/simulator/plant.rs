//! The plant as it runs: physics stepped through time, energy counters, the inverter's clock.

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, ToSpan};

use super::families::{Battery, Firmware, Spec};
use super::physics::{self, Controls, Outside, Powers, Store, Sun};
use super::surroundings::{self, Moment, SECOND, wander};

/// Between which states of charge firmware that gives a full battery a rest lets it swing, %.
const REST: (f64, f64) = (99.0, 99.95);
const DAY: i64 = 86_400 * SECOND;
const EPOCH: DateTime = DateTime::constant(2000, 1, 1, 0, 0, 0, 0);

/// Energies in Wh, each counted in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Energies {
    /// From each string.
    pub pv: [f64; 2],
    /// To the grid.
    pub export: f64,
    /// From the grid.
    pub import: f64,
    /// Out of the inverter's AC terminal.
    pub inverter_out: f64,
    /// Into it.
    pub inverter_in: f64,
    /// Into the battery.
    pub charge: f64,
    /// Out of the battery.
    pub discharge: f64,
    /// Into the house.
    pub load: f64,
}

impl Energies {
    fn add(&mut self, powers: &Powers, hours: f64) {
        for (sum, power) in self.pv.iter_mut().zip(powers.pv) {
            *sum += power * hours;
        }
        self.export += powers.grid.max(0.0) * hours;
        self.import += (-powers.grid).max(0.0) * hours;
        self.inverter_out += powers.inverter.max(0.0) * hours;
        self.inverter_in += (-powers.inverter).max(0.0) * hours;
        self.charge += (-powers.battery).max(0.0) * hours;
        self.discharge += powers.battery.max(0.0) * hours;
        self.load += powers.load * hours;
    }

    /// What a plant of this kind has counted after some years.
    fn lifetime(spec: &Spec) -> Self {
        let mut energies = Self::LIFETIME;
        if spec.battery == Battery::None {
            (energies.charge, energies.discharge) = (0.0, 0.0);
        }
        if spec.machine.sun != Sun::Strings {
            // Only what the battery takes and gives passes the inverter.
            (energies.inverter_in, energies.inverter_out) = (1.03 * energies.charge, 0.98 * energies.discharge);
        }
        if spec.machine.sun == Sun::None {
            (energies.pv, energies.export) = ([0.0; 2], 130_000.0);
        }
        let beside: f64 = if spec.machine.sun == Sun::House { energies.pv.iter().sum() } else { 0.0 };
        energies.load = beside + energies.inverter_out - energies.inverter_in + energies.import - energies.export;
        energies
    }

    /// What a hybrid has counted after some years.
    const LIFETIME: Self = Self {
        pv: [11_300_000.0, 9_800_000.0],
        export: 8_240_000.0,
        import: 12_650_000.0,
        inverter_out: 21_520_000.0,
        inverter_in: 1_240_000.0,
        charge: 4_310_000.0,
        discharge: 3_890_000.0,
        load: 0.0,
    };
}

/// One battery of several that share the work: a low-voltage battery, a high-voltage stack, or what is behind one of
/// several inverters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pack {
    /// Design capacity, Ah.
    pub design: f64,
    /// By how much its SOC lies above the stack's at half charge, %.
    pub lead: f64,
}

/// An inverter, or several that work as one, with their batteries, a house and a grid.
#[derive(Clone, Debug)]
pub struct Plant {
    seed: u64,
    spec: Spec,
    firmware: Firmware,
    /// Whether a full battery is being given a rest.
    rests: bool,
    /// Plant time, microseconds since 2000.
    micros: i64,
    /// What the inverter's clock shows beyond plant time, microseconds.
    clock_offset: i64,
    packs: Vec<Pack>,
    store: Store,
    powers: Powers,
    today: Energies,
    total: Energies,
    work_seconds: f64,
}

impl Plant {
    /// A plant whose clock begins at `start`, with its first powers known. `batteries` is how many it is given, of those
    /// that such a plant can have.
    pub fn new(seed: u64, spec: Spec, firmware: Firmware, start: DateTime, batteries: u8) -> Self {
        let packs = spec.battery.packs(batteries);
        let capacity = packs.iter().map(|pack| pack.design).sum::<f64>() * spec.battery.volts();
        Self {
            seed,
            spec,
            firmware,
            rests: false,
            micros: micros_of(start),
            clock_offset: 0,
            packs,
            store: Store { energy: 0.0, capacity },
            powers: Powers::default(),
            today: Energies::default(),
            total: Energies::lifetime(&spec),
            work_seconds: 36_316.0 * 3600.0,
        }
    }

    /// With the battery at this state of charge, %, and its first powers known.
    pub fn begun(mut self, soc: f64, controls: &Controls) -> Self {
        self.set_soc(soc);
        self.powers = self.balance(controls, 1.0);
        self
    }

    /// Lets `micros` pass in one step.
    pub fn step(&mut self, controls: &Controls, micros: i64) {
        let seconds = micros as f64 / SECOND as f64;
        let day_before = self.clock_micros().div_euclid(DAY);
        self.micros += micros;
        if self.clock_micros().div_euclid(DAY) != day_before {
            self.begin_day();
        }
        self.rests = self.spec.rests_when_full && controls.would_rest() && self.still_rests();
        self.powers = self.balance(controls, seconds);
        self.store = physics::after(self.store, self.powers.battery, seconds);
        self.today.add(&self.powers, seconds / 3600.0);
        self.total.add(&self.powers, seconds / 3600.0);
        self.work_seconds += seconds;
    }

    fn balance(&self, controls: &Controls, seconds: f64) -> Powers {
        let at = self.moment();
        let (load, backup) = surroundings::demand(self.seed, at);
        let outside = Outside {
            sun: surroundings::sun(self.seed, at).map(|string| string * self.spec.size),
            load: load * self.spec.size,
            backup: backup * self.spec.size,
            slip: 24.0 * (wander(self.seed, 60, at, 7.0) - 0.5),
            minute: (self.clock_micros().rem_euclid(DAY) / (60 * SECOND)) as u16,
            rests: self.rests,
        };
        physics::balance(self.spec.machine, controls, self.store, outside, seconds)
    }

    /// The seed of its surroundings.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// What kind of plant it is.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// What its firmware does besides.
    pub fn firmware(&self) -> Firmware {
        self.firmware
    }

    /// Whether today's counters show a tenth less just now, as some firmware lets them for a while.
    pub fn steps_back(&self) -> bool {
        self.firmware.steps_back && self.micros.div_euclid(SECOND).rem_euclid(420) < 40
    }

    /// Energy in the batteries, Wh.
    pub fn stored(&self) -> f64 {
        self.store.energy
    }

    /// Energy in full batteries, Wh.
    pub fn capacity(&self) -> f64 {
        self.store.capacity
    }

    /// Now, for the surroundings.
    pub fn moment(&self) -> Moment {
        Moment::from_micros(self.micros)
    }

    /// Now, by the sun and the house.
    pub fn time(&self) -> DateTime {
        datetime_of(self.micros)
    }

    fn clock_micros(&self) -> i64 {
        self.micros + self.clock_offset
    }

    /// What the inverter's clock shows.
    pub fn clock(&self) -> DateTime {
        datetime_of(self.clock_micros())
    }

    /// Sets the inverter's clock. A change of date begins the day's counters anew, as midnight does.
    pub fn set_clock(&mut self, shows: DateTime) {
        let day_before = self.clock_micros().div_euclid(DAY);
        self.clock_offset = micros_of(shows) - self.micros;
        if self.clock_micros().div_euclid(DAY) != day_before {
            self.begin_day();
        }
    }

    /// Begins the day's counters anew, except one that the firmware forgets.
    fn begin_day(&mut self) {
        let import = if self.firmware.keeps_import_today { self.today.import } else { 0.0 };
        self.today = Energies { import, ..Energies::default() };
    }

    /// A rest lasts from full until 1 % is gone.
    fn still_rests(&self) -> bool {
        self.soc() > if self.rests { REST.0 } else { REST.1 }
    }

    /// Powers now.
    pub fn powers(&self) -> &Powers {
        &self.powers
    }

    /// State of charge of the whole stack, %.
    pub fn soc(&self) -> f64 {
        self.store.soc()
    }

    /// Puts the battery at this state of charge, %.
    pub fn set_soc(&mut self, soc: f64) {
        self.store.energy = self.store.capacity * soc.clamp(0.0, 100.0) / 100.0;
    }

    /// Counted since midnight by the inverter's clock.
    pub fn today(&self) -> &Energies {
        &self.today
    }

    /// Counted since ever.
    pub fn total(&self) -> &Energies {
        &self.total
    }

    /// How long the inverter has worked, hours.
    pub fn work_hours(&self) -> u32 {
        (self.work_seconds / 3600.0) as u32
    }

    /// The batteries.
    pub fn packs(&self) -> &[Pack] {
        &self.packs
    }

    /// State of charge of one battery, %: the packs differ most at half charge and not at all when full or empty.
    pub fn pack_soc(&self, pack: &Pack) -> f64 {
        let share = self.soc() / 100.0;
        self.soc() + pack.lead * 4.0 * share * (1.0 - share)
    }

    /// Degrees Celsius of a group of cells.
    pub fn temperature(&self, group: usize) -> f64 {
        let warmed = self.powers.battery.abs() / 51.2 / 40.0 / self.warming();
        20.5 + warmed + 0.4 * (group % 5) as f64 + 3.0 * wander(self.seed, 80, self.moment(), 14_400.0)
    }

    /// By how much less a battery of higher voltage is warmed by the same power.
    fn warming(&self) -> f64 {
        (self.spec.battery.volts() / 51.2).max(1.0)
    }

    /// Voltage of a cell at this state of charge, V: the curve of lithium iron phosphate and what the current adds.
    pub fn cell_voltage(&self, soc: f64) -> f64 {
        let share = (soc / 100.0).clamp(0.0, 1.0);
        let rest = 3.23 + 0.1 * share + 0.12 * share.powi(20) - 0.35 * (1.0 - share).powi(20);
        let rate = if self.store.capacity > 0.0 { self.powers.battery / self.store.capacity } else { 0.0 };
        rest - 0.08 * rate
    }
}

/// Batteries of these design capacities, Ah, whose states of charge lie apart around the stack's.
pub fn packs(designs: &[f64]) -> Vec<Pack> {
    let lead = |index: usize| if index.is_multiple_of(2) { 0.8 } else { -1.1 };
    let mut packs: Vec<Pack> =
        designs.iter().enumerate().map(|(index, &design)| Pack { design, lead: lead(index) }).collect();
    let whole: f64 = packs.iter().map(|pack| pack.design).sum();
    let mean = packs.iter().map(|pack| pack.design * pack.lead).sum::<f64>() / whole.max(1.0);
    for pack in &mut packs {
        pack.lead -= mean;
    }
    packs
}

fn micros_of(time: DateTime) -> i64 {
    i64::try_from(time.duration_since(EPOCH).as_micros()).unwrap_or(0)
}

fn datetime_of(micros: i64) -> DateTime {
    EPOCH.saturating_add(SignedDuration::from_micros(micros))
}

/// The clock with one of its registers (0 year since 2000, then month, day, hour, minute, second) set to `value`; a
/// day that the month does not have becomes its last. None if the value is impossible.
pub fn clock_with(clock: DateTime, field: u16, value: u16) -> Option<DateTime> {
    let small = i8::try_from(value).ok()?;
    let date = |year: i16, month: i8| {
        let first = Date::new(year, month, 1).ok()?;
        let last = first.checked_add(1.month()).ok()?.checked_sub(1.day()).ok()?;
        Some(clock.with().date(first.with().day(clock.day().min(last.day())).build().ok()?))
    };
    let built = match field {
        0 if value < 100 => date(2000 + i16::from(small), clock.month())?,
        1 => date(clock.year(), small)?,
        2 => clock.with().day(small),
        3 => clock.with().hour(small),
        4 => clock.with().minute(small),
        5 => clock.with().second(small),
        _ => return None,
    };
    built.build().ok()
}

#[cfg(test)]
mod tests;
