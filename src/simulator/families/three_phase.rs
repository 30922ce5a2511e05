//! Families whose live values stand in IR 1000 and on: three-phase inverters, and the all-in-ones that share the bank.

use super::meter::{HOUSE_SHARES, grid_by_phase};
use super::words::{Page, long, signed, tenths, unsigned};
use super::{Family, Serials, Spec, single_phase};
use crate::frame::Bank;
use crate::simulator::bank::{INVERTER, Registers};
use crate::simulator::physics::{Controls, Forced, Slot};
use crate::simulator::plant::Plant;
use crate::simulator::surroundings::{grid_frequency, grid_voltage, wander};

/// Settings of the bank that are not 0 when the plant is new.
const SETTINGS: &[(u16, u16)] = &[
    (1000, 1),
    (1002, 100),
    (1003, 60),
    (1004, 10000),
    (1005, 1),
    (1007, 65),
    (1008, 65),
    (1009, 100),
    (1011, 100),
    (1018, 3186),
    (1019, 4381),
    (1020, 4750),
    (1021, 5200),
    (1063, 1000),
    (1078, 5),
    (1079, 250),
    (1080, 1),
    (1108, 100),
    (1109, 5),
    (1110, 100),
    (1111, 80),
    (1112, 1),
    (1113, 30),
    (1114, 430),
];

/// The banks of a new plant.
pub fn new_plant(spec: &Spec, serials: &Serials) -> Registers {
    let mut registers = single_phase::with_settings(spec, serials);
    // What single-phase inverters keep here, these keep in their own bank. They have no ARM firmware to tell of.
    for register in [6, 19, 20, 21, 26, 31, 32, 94, 95, 96, 110, 116] {
        registers.put(INVERTER, Bank::Holding, register, 0);
    }
    registers.put_all(INVERTER, Bank::Holding, 1000, &[0; 125]);
    for &(register, value) in SETTINGS {
        registers.put(INVERTER, Bank::Holding, register, value);
    }
    // Power and throughput of one phase stand still.
    for base in [0, 120, 180] {
        registers.put_all(INVERTER, Bank::Input, base, &[0; 60]);
    }
    registers.put_all(INVERTER, Bank::Input, 1000, &[0; 420]);
    registers
}

/// What the settings of the bank say of where power should go.
pub fn controls(registers: &Registers) -> Controls {
    let setting = |register| registers.get(INVERTER, Bank::Holding, register).unwrap_or(0);
    let slots = |base: u16| [0, 2].map(|next| Slot { start: setting(base + next), end: setting(base + next + 1) });
    Controls {
        match_demand: setting(27) == 1,
        enable_charge: setting(1112) == 1,
        charge_slots: slots(1113),
        enable_discharge: setting(59) == 1,
        discharge_slots: slots(1118),
        charge_rate: setting(111),
        discharge_rate: setting(112),
        floor: setting(1109).max(setting(1078)),
        target_enabled: setting(20) == 1,
        target: setting(1111),
        active_power: setting(1002),
        export_cap: u16::MAX,
        pause: super::pause(registers),
        ac_shares: [setting(1110), setting(1108)],
        export_slots: [Slot::default(); 2],
        forced: match (setting(1123), setting(1122)) {
            (1, _) => Some(Forced::Charge),
            (_, 1) => Some(Forced::Discharge),
            _ => None,
        },
    }
}

/// Writes what the inverter measures now.
pub fn measure(plant: &Plant, registers: &mut Registers) {
    if plant.spec().family == Family::ThreePhaseAc {
        registers.put(INVERTER, Bank::Holding, 55, unsigned(plant.capacity() / 76.8));
    }
    let mut page = Page::inverter(registers);
    strings(plant, &mut page);
    grid(plant, &mut page);
    battery(plant, &mut page);
    backup(plant, &mut page);
    versions(&mut page);
    counters(plant, &mut page);
}

/// By phase; phases that the inverter does not feed read 0.
fn by_phase(plant: &Plant, of: impl Fn(usize) -> u16) -> [u16; 3] {
    std::array::from_fn(|phase| if phase < usize::from(plant.spec().phases()) { of(phase) } else { 0 })
}

fn volts(plant: &Plant, phase: usize) -> f64 {
    grid_voltage(plant.seed(), plant.moment()) + 0.7 * phase as f64
}

fn strings(plant: &Plant, page: &mut Page<'_>) {
    for (string, &power) in (0_u16..).zip(&plant.powers().pv) {
        let drift = wander(plant.seed(), 71 + u64::from(string), plant.moment(), 600.0);
        let lit = if power >= 1.0 { 560.0 + 80.0 * drift } else { power * 200.0 };
        page.put(1001 + string, unsigned(lit * 10.0));
        page.put(1009 + string, unsigned(if lit > 0.0 { power / lit * 10.0 } else { 0.0 }));
        page.put_long(1017 + 2 * string, long(power * 10.0));
    }
}

fn grid(plant: &Plant, page: &mut Page<'_>) {
    let powers = plant.powers();
    let phases = f64::from(plant.spec().phases());
    let frequency = unsigned(grid_frequency(plant.seed(), plant.moment()) * 100.0);
    let between = if plant.spec().phases() == 3 { 3_f64.sqrt() } else { 1.0 };
    let inverter = powers.inverter / phases;
    page.put(1060, 6);
    page.put_all(1061, &by_phase(plant, |phase| unsigned(volts(plant, phase) * between * 10.0)));
    page.put_all(1064, &by_phase(plant, |phase| unsigned(inverter.abs() / volts(plant, phase) * 10.0)));
    page.put(1067, frequency);
    page.put_long(1069, long(powers.inverter * 10.0));
    page.put_long(1071, long((-powers.inverter).max(0.0) * 10.0));
    page.put_long(1073, long(powers.inverter.hypot(120.0) * 10.0));
    page.put_all(1075, &[1, 1]);
    page.put_long(1079, long((-powers.grid).max(0.0) * 10.0));
    page.put_long(1081, long(powers.grid.max(0.0) * 10.0));
    let [one, two, three] = if phases > 1.0 { grid_by_phase(plant) } else { [powers.grid, 0.0, 0.0] };
    page.put_all(1083, &[signed(one), signed(two), signed(three)]);
    page.put_long(1089, long(powers.load * 10.0));
    // The phases add up to the whole, as a recorded plant's do: 549 + 516 + 541 W of 1606.0 W.
    let whole = powers.inverter.round();
    let each = inverter.round();
    let fed = if phases > 1.0 { [each, each, whole - 2.0 * each] } else { [whole, 0.0, 0.0] };
    page.put_all(1091, &fed.map(signed));
    page.put_all(1094, &by_phase(plant, |phase| unsigned(volts(plant, phase) * 10.0)));
    page.put_long(1240, long(powers.grid.max(0.0) * 10.0));
}

fn battery(plant: &Plant, page: &mut Page<'_>) {
    let heat = plant.powers().inverter.abs() / plant.spec().machine.rated * 30.0;
    page.put(1121, 1);
    page.put(1124, 1);
    page.put_all(1128, &[31.0, 29.0, 30.0].map(|celsius| signed((celsius + heat) * 10.0)));
    page.put_all(1134, &[7090, 7088]);
    if plant.packs().is_empty() {
        return;
    }
    let power = plant.powers().battery;
    let stack = plant.cell_voltage(plant.soc()) * f64::from(plant.spec().battery.cells());
    page.put(1131, unsigned(stack * 10.0));
    page.put(1132, unsigned(plant.soc()));
    page.put(1133, unsigned(stack * 10.0 + 4.0));
    page.put_long(1136, long(power.max(0.0) * 10.0));
    page.put_long(1138, long((-power).max(0.0) * 10.0));
    page.put(1140, signed(power / stack * 100.0));
}

fn backup(plant: &Plant, page: &mut Page<'_>) {
    let backup = plant.powers().backup;
    let own = |phase: usize| match plant.spec().phases() {
        1 => backup,
        _ => backup * HOUSE_SHARES.get(phase).copied().unwrap_or(0.0),
    };
    page.put(1180, unsigned(grid_frequency(plant.seed(), plant.moment()) * 100.0));
    page.put_all(1181, &by_phase(plant, |phase| unsigned(volts(plant, phase) * 10.0)));
    page.put_all(1184, &by_phase(plant, |phase| unsigned(own(phase) / volts(plant, phase) * 10.0)));
    for phase in 0..usize::from(plant.spec().phases()) {
        page.put_long(1187 + 2 * phase as u16, long(own(phase) * 10.0));
    }
}

/// "ZA1.1", "ZAAA111130" and the firmware of each processor.
fn versions(page: &mut Page<'_>) {
    page.put_all(1317, &[0x5a41, 0x312e, 0x3100]);
    page.put_all(1320, &[0x5a41, 0x4141, 0x3131, 0x3131, 0x3330]);
    page.put_all(1325, &[11_051, 10_317, 11_130]);
}

fn counters(plant: &Plant, page: &mut Page<'_>) {
    let (today, total) = (plant.today(), plant.total());
    let daily = |watt_hours| u32::from(single_phase::daily(plant, watt_hours));
    let pairs = [
        (1360, today.inverter_out, total.inverter_out),
        (1366, today.pv[0], total.pv[0]),
        (1370, today.pv[1], total.pv[1]),
        (1376, today.inverter_in, total.inverter_in),
        (1380, today.import, total.import),
        (1384, today.export, total.export),
        (1388, today.discharge, total.discharge),
        (1392, today.charge, total.charge),
        (1396, today.load, total.load),
    ];
    for (register, of_the_day, ever) in pairs {
        page.put_long(register, daily(of_the_day));
        page.put_long(register + 2, tenths(ever));
    }
    page.put_long(1374, tenths(total.pv.iter().sum()));
    page.put_long(1412, daily(today.pv.iter().sum()));
}
