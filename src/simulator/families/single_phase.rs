//! Inverters of one phase whose live values stand in IR 0 and on: hybrids, AC-coupled ones, all-in-ones.

use super::words::{Page, signed, tenths, unsigned};
use super::{Battery, Family, Parts, Serials, Spec};
use crate::frame::Bank;
use crate::simulator::bank::{BATTERY, INVERTER, MIRROR, Registers};
use crate::simulator::plant::Plant;
use crate::simulator::surroundings::{grid_frequency, grid_voltage, wander};

/// -273.0 °C, as an empty battery place has it.
const NO_TEMPERATURE: u16 = 0xf556;

/// Settings that are not 0 when the plant is new. What a hybrid Gen 1 in the field was seen to have, with slots of
/// this plant's own. Other families begin with these too, and with what is theirs.
const SETTINGS: &[(u16, u16)] = &[
    (0, 0x2001),
    (1, 3),
    (2, 2098),
    (3, 0x0201),
    (5, 50000),
    (6, 3600),
    (7, 1),
    (18, 3017),
    (19, 449),
    (20, 1),
    (21, 449),
    (22, 1),
    (24, 32768),
    (25, 30235),
    (26, 6000),
    (27, 1),
    (30, 17),
    (33, 7),
    (34, 140),
    (41, 1),
    (46, 101),
    (47, 1),
    (50, 100),
    (53, 1),
    (54, 1),
    (58, 1),
    (60, 1500),
    (61, 30),
    (62, 30),
    (63, 1840),
    (64, 2740),
    (65, 4700),
    (66, 5198),
    (67, 126),
    (68, 27),
    (69, 24),
    (70, 28),
    (71, 1840),
    (72, 2620),
    (73, 4745),
    (74, 5200),
    (75, 126),
    (76, 52),
    (77, 1),
    (78, 28),
    (79, 1755),
    (80, 2837),
    (81, 4700),
    (82, 5200),
    (83, 2740),
    (94, 30),
    (95, 430),
    (96, 1),
    (97, 4320),
    (98, 5850),
    (108, 6),
    (109, 1),
    (110, 4),
    (111, 50),
    (112, 50),
    (114, 4),
    (116, 80),
    (123, 24),
    (125, 1),
    (128, 1),
    (129, 1),
    (130, 255),
    (131, 20000),
    (132, 255),
    (133, 20000),
    (134, 255),
    (135, 20000),
    (136, 255),
    (137, 20000),
    (138, 2484),
    (139, 2530),
    (140, 2116),
    (141, 2070),
    (142, 20),
    (143, 5),
    (144, 2415),
    (145, 2300),
];

/// What stands in HR 300 to 359 where they are, when the plant is new.
const AC_SETTINGS: &[(u16, u16)] = &[
    (300, 1),
    (302, 20000),
    (303, 15000),
    (306, 20000),
    (307, 2300),
    (309, 30),
    (310, 100),
    (312, 15000),
    (313, 100),
    (314, 100),
    (315, 1150),
    (316, 2760),
    (317, 1),
    (321, 5040),
    (326, 4980),
    (327, 24),
    (328, 5010),
];

/// The banks of a new plant: its settings, and zeros where measurements will stand.
pub fn new_plant(spec: &Spec, serials: &Serials, parts: Parts) -> Registers {
    let mut registers = with_settings(spec, serials);
    let holding = |registers: &mut Registers, settings: &[(u16, u16)]| {
        for &(register, value) in settings {
            registers.put(INVERTER, Bank::Holding, register, value);
        }
    };
    for base in [0, 120, 180] {
        registers.put_all(INVERTER, Bank::Input, base, &[0; 60]);
    }
    if spec.is_mirrored() {
        registers.put_all(MIRROR, Bank::Input, 60, &[0; 60]);
        registers.put_all(MIRROR, Bank::Input, 240, &[0; 60]);
    }
    if spec.measures_generation() {
        registers.put_all(INVERTER, Bank::Input, 240, &[0; 60]);
        registers.put_all(INVERTER, Bank::Holding, 180, &[0; 60]);
        holding(&mut registers, &[(199, 1)]);
    }
    if spec.battery == Battery::Low && parts.batteries > 0 {
        registers.put_all(INVERTER, Bank::Holding, 8, &serials.battery(0).registers());
    }
    match spec.family {
        Family::HybridGen3 => empty_place(parts.batteries.min(5), &mut registers),
        Family::AllInOne => {
            holding(&mut registers, &[(111, 38), (112, 38), (114, 4)]);
            registers.refuse(Bank::Holding, 1000..=1199);
            registers.refuse(Bank::Input, 1000..=1419);
        }
        Family::HvGen3 => {
            registers.put_all(INVERTER, Bank::Input, 1000, &[0; 420]);
            registers.put_all(INVERTER, Bank::Holding, 1000, &[0; 125]);
        }
        _ => {}
    }
    registers
}

/// The holding registers of a new inverter, as far as most families have them.
pub fn with_settings(spec: &Spec, serials: &Serials) -> Registers {
    let mut registers = Registers::new(spec.is_mirrored());
    for base in [0, 60, 120] {
        registers.put_all(INVERTER, Bank::Holding, base, &[0; 60]);
    }
    for &(register, value) in SETTINGS {
        registers.put(INVERTER, Bank::Holding, register, value);
    }
    if spec.family != Family::HybridGen1 {
        let kind = [(0, spec.type_code), (19, spec.arm + 2), (21, spec.arm), (3, 0), (25, 0), (5, 0), (41, 0)];
        for (register, value) in kind {
            registers.put(INVERTER, Bank::Holding, register, value);
        }
    }
    registers.put_all(INVERTER, Bank::Holding, 13, &serials.inverter.registers());
    if spec.has_ten_slots() {
        registers.put_all(INVERTER, Bank::Holding, 240, &[0; 60]);
        for slot in 0..10 {
            registers.put(INVERTER, Bank::Holding, 242 + 3 * slot, 100);
            registers.put(INVERTER, Bank::Holding, 272 + 3 * slot, 4);
        }
    }
    if spec.has_ac_settings() {
        registers.put_all(INVERTER, Bank::Holding, 300, &[0; 60]);
        for &(register, value) in AC_SETTINGS {
            registers.put(INVERTER, Bank::Holding, register, value);
        }
        registers.put(INVERTER, Bank::Holding, 308, unsigned(spec.machine.rated));
    }
    registers
}

/// A place without a battery that answers all the same.
fn empty_place(index: u8, registers: &mut Registers) {
    let device = BATTERY + index;
    registers.put_all(device, Bank::Input, 60, &[0; 60]);
    for register in [76, 77, 78, 79, 103, 104] {
        registers.put(device, Bank::Input, register, NO_TEMPERATURE);
    }
}

/// Writes what the inverter measures now.
pub fn measure(plant: &Plant, registers: &mut Registers) {
    registers.put(INVERTER, Bank::Holding, 55, capacity(plant));
    inverter(plant, registers);
    counters(plant, registers);
}

/// Capacity as HR 55 has it, Ah: at 307.2 V on 8xxx models, at the battery's own voltage elsewhere.
fn capacity(plant: &Plant) -> u16 {
    let design: f64 = plant.packs().iter().map(|pack| pack.design).sum();
    match plant.spec().type_code >> 12 {
        8 => unsigned(plant.capacity() / 307.2),
        _ => unsigned(design),
    }
}

fn inverter(plant: &Plant, registers: &mut Registers) {
    let (powers, seed, at) = (plant.powers(), plant.seed(), plant.moment());
    let voltage = grid_voltage(seed, at);
    let frequency = unsigned(grid_frequency(seed, at) * 100.0);
    let (load, grid) = (powers.load.round(), powers.grid.round());
    let inverter = load + grid;
    let apparent = grid.hypot(110.0 + 30.0 * wander(seed, 70, at, 90.0));
    let mut put = |register: u16, value: u16| registers.put(INVERTER, Bank::Input, register, value);

    put(0, 1);
    for (string, &power) in powers.pv.iter().enumerate() {
        let (string, channel) = (string as u16, 71 + string as u64);
        let lit = if power >= 1.0 { 300.0 + 60.0 * wander(seed, channel, at, 600.0) } else { power * 100.0 };
        put(1 + string, unsigned(lit * 10.0));
        put(8 + string, unsigned(if lit > 0.0 { power / lit * 10.0 } else { 0.0 }));
        put(18 + 2 * string, unsigned(power));
    }
    put(3, unsigned(3900.0 + 80.0 * wander(seed, 73, at, 60.0)));
    put(5, unsigned(voltage * 10.0));
    put(10, unsigned(inverter.abs() / voltage * 10.0));
    put(13, frequency);
    put(
        14,
        if powers.battery <= -1.0 {
            2
        } else if powers.battery >= 1.0 {
            5
        } else {
            0
        },
    );
    put(15, 3093);
    put(16, unsigned(10_000.0 + 10_000.0 * inverter / inverter.hypot(60.0)));
    put(24, signed(inverter));
    put(30, signed(grid));
    put(31, unsigned(powers.backup));
    put(41, signed((24.0 + inverter.abs() / 200.0 + 3.0 * wander(seed, 74, at, 1800.0)) * 10.0));
    put(42, unsigned(load));
    put(43, unsigned(apparent));
    put(49, 1);
    put(53, unsigned(voltage * 10.0));
    put(54, frequency);
    put(55, signed((25.0 + powers.battery.abs() / 160.0 + 2.0 * wander(seed, 75, at, 1800.0)) * 10.0));
    put(58, unsigned(apparent / voltage * 100.0));
    put(227, 300);
    if plant.spec().family == Family::AllInOne {
        // It has no strings; what stands here means nothing.
        put(1, unsigned(voltage * 10.0));
        put(8, 3);
        put(9, 3);
    }
    if plant.spec().measures_generation() {
        put(247, 0);
        put(248, unsigned(powers.pv.iter().sum()));
    }
    if plant.packs().is_empty() {
        return;
    }
    let stack = plant.cell_voltage(plant.soc()) * f64::from(plant.spec().battery.cells());
    put(50, unsigned(stack * 100.0));
    put(51, signed(powers.battery.round() / stack * 100.0));
    put(52, signed(powers.battery));
    put(56, signed(plant.temperature(0) * 10.0));
    put(59, unsigned(plant.soc()));
}

fn counters(plant: &Plant, registers: &mut Registers) {
    let (today, total) = (plant.today(), plant.total());
    let mut put = |register: u16, value: u16| registers.put(INVERTER, Bank::Input, register, value);
    let is_first = plant.spec().family == Family::HybridGen1;
    let day: [(u16, f64); 8] = [
        (17, today.pv[0]),
        (19, today.pv[1]),
        (25, today.export),
        (26, today.import),
        (35, today.inverter_in),
        (36, today.charge),
        (37, today.discharge),
        (44, today.inverter_out),
    ];
    for (register, energy) in day {
        put(register, daily(plant, energy));
    }
    let ever: [(u16, u32); 7] = [
        (6, tenths(total.charge + total.discharge)),
        (11, tenths(total.pv.iter().sum())),
        (21, tenths(total.export)),
        (27, tenths(total.inverter_in)),
        (32, tenths(total.import)),
        (45, tenths(total.inverter_out)),
        (47, plant.work_hours()),
    ];
    for (register, value) in ever {
        put(register, (value >> 16) as u16);
        put(register + 1, value as u16);
    }
    if is_first {
        put(180, tenths(total.discharge) as u16);
        put(181, tenths(total.charge) as u16);
    }
    if !matches!(plant.spec().family, Family::HybridGen2 | Family::AcCoupled | Family::AllInOne) {
        put(182, daily(plant, today.discharge));
        put(183, daily(plant, today.charge));
    }
    if plant.spec().family == Family::AllInOne {
        let mut page = Page::inverter(registers);
        page.put_long(194, tenths(total.discharge));
        page.put_long(196, tenths(total.charge));
    }
}

/// A counter of the day as the firmware shows it.
pub fn daily(plant: &Plant, watt_hours: f64) -> u16 {
    let shown = tenths(watt_hours) as u16;
    if plant.steps_back() { shown.saturating_sub(1) } else { shown }
}
