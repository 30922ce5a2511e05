//! The plant as registers: which stands where, with which sign and scale.

use super::bank::{BATTERY, INVERTER, METER, MIRROR, Registers};
use super::plant::{NOMINAL_VOLTAGE, Pack, Plant};
use super::surroundings::{grid_frequency, grid_voltage, wander};
use crate::frame::{Bank, Serial};

/// Cells in a low-voltage battery.
const CELLS: u16 = 16;
/// Import and export, Wh, before the meter was installed.
const METER_MISSED: (f64, f64) = (10_000_000.0, 6_000_000.0);

/// The serials of one plant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Serials {
    /// The inverter's.
    pub inverter: Serial,
    /// The data adapter's.
    pub dongle: Serial,
    year: u8,
}

impl Serials {
    /// The serials of plant number `plant`, counted from 1; they differ between any two plants below 74.
    pub fn of_plant(plant: u8) -> Self {
        let year = 26 + plant % 74;
        let serial = |kind: &str, number: u16| Serial::from_text(&format!("{kind}22{year:02}G{number}"));
        Self { inverter: serial("SD", 101), dongle: serial("WF", 301), year }
    }

    /// The serial of battery number `index`, counted from 0.
    pub fn battery(&self, index: usize) -> Serial {
        Serial::from_text(&format!("BG22{:02}G{}", self.year, 201 + index))
    }
}

/// Settings that are not 0 when the plant is new. What a hybrid Gen 1 in the field was seen to have, with slots of
/// this plant's own.
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

/// The banks of a new hybrid Gen 1: its settings, and zeros where measurements will stand.
pub fn new_plant(serials: &Serials, batteries: u8, meter: bool) -> Registers {
    let mut registers = Registers::new(true);
    for base in [0, 60, 120] {
        registers.put_all(INVERTER, Bank::Holding, base, &[0; 60]);
    }
    for base in [0, 120, 180] {
        registers.put_all(INVERTER, Bank::Input, base, &[0; 60]);
    }
    for base in [60, 240] {
        registers.put_all(MIRROR, Bank::Input, base, &[0; 60]);
    }
    for &(register, value) in SETTINGS {
        registers.put(INVERTER, Bank::Holding, register, value);
    }
    registers.put_all(INVERTER, Bank::Holding, 13, &serials.inverter.registers());
    if batteries > 0 {
        registers.put_all(INVERTER, Bank::Holding, 8, &serials.battery(0).registers());
    }
    if meter {
        registers.put_all(METER, Bank::Input, 60, &[0; 60]);
        registers.put_all(METER, Bank::MeterProduct, 60, &[0; 60]);
        let product = [0x3531, 0x4742, 0x4731, 0x3135, 1, 256, 258, 1, 9600];
        registers.put_all(METER, Bank::MeterProduct, 60, &product);
    }
    registers
}

/// Writes what is measured now.
pub fn measure(plant: &Plant, serials: &Serials, meter: bool, registers: &mut Registers) {
    clock(plant, registers);
    inverter(plant, registers);
    counters(plant, registers);
    for (index, pack) in plant.packs().iter().enumerate() {
        battery(plant, index, pack, serials.battery(index), registers);
    }
    if meter {
        grid_meter(plant, registers);
    }
}

fn clock(plant: &Plant, registers: &mut Registers) {
    let now = plant.clock();
    let fields =
        [now.month(), now.day(), now.hour(), now.minute(), now.second()].map(|field| field.unsigned_abs().into());
    registers.put(INVERTER, Bank::Holding, 35, now.year().rem_euclid(100).unsigned_abs());
    registers.put_all(INVERTER, Bank::Holding, 36, &fields);
    let design: f64 = plant.packs().iter().map(|pack| pack.design).sum();
    registers.put(INVERTER, Bank::Holding, 55, unsigned(design));
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
    if plant.packs().is_empty() {
        return;
    }
    let stack = plant.cell_voltage(plant.soc()) * f64::from(CELLS);
    put(50, unsigned(stack * 100.0));
    put(51, signed(powers.battery.round() / stack * 100.0));
    put(52, signed(powers.battery));
    put(56, signed(temperature(plant, 0) * 10.0));
    put(59, unsigned(plant.soc()));
}

fn counters(plant: &Plant, registers: &mut Registers) {
    let (today, total) = (plant.today(), plant.total());
    let mut put = |register: u16, value: u16| registers.put(INVERTER, Bank::Input, register, value);
    let day: [(u16, f64); 10] = [
        (17, today.pv[0]),
        (19, today.pv[1]),
        (25, today.export),
        (26, today.import),
        (35, today.inverter_in),
        (36, today.charge),
        (37, today.discharge),
        (44, today.inverter_out),
        (182, today.discharge),
        (183, today.charge),
    ];
    for (register, energy) in day {
        put(register, tenths(energy) as u16);
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
    put(180, tenths(total.discharge) as u16);
    put(181, tenths(total.charge) as u16);
}

fn battery(plant: &Plant, index: usize, pack: &Pack, serial: Serial, registers: &mut Registers) {
    let device = BATTERY + index as u8;
    let number = index as u16;
    if registers.get(device, Bank::Input, 60).is_none() {
        registers.put_all(device, Bank::Input, 60, &[0; 60]);
    }
    let mut put = |register: u16, value: u16| registers.put(device, Bank::Input, register, value);
    let (soc, design) = (plant.pack_soc(pack), pack.design);
    let cells = cells(plant, soc, number);
    for (register, &cell) in (60..).zip(&cells) {
        put(register, cell);
    }
    let sum: u32 = cells.iter().map(|&cell| u32::from(cell)).sum();
    let groups: [f64; 4] = std::array::from_fn(|group| temperature(plant, index * 4 + group));
    for (register, group) in (76..).zip(groups) {
        put(register, signed(group * 10.0));
    }
    let calibrated = design * (1.01 - 0.02 * f64::from(number % 3));
    put(80, sum as u16);
    put(81, signed((temperature(plant, index * 4) + 2.5) * 10.0));
    put(83, (sum + 90) as u16);
    put(85, unsigned(calibrated * 100.0));
    put(87, unsigned(design * 100.0));
    put(89, unsigned(calibrated * soc));
    put(91, 0x0610);
    let capacity = plant.packs().iter().map(|pack| pack.design).sum::<f64>();
    put(95, signed(plant.powers().battery * design / capacity / f64::from(sum) * 100_000.0));
    put(96, 823 - 97 * number);
    put(97, CELLS);
    put(98, 3017);
    put(100, unsigned(soc));
    put(102, unsigned(design * 100.0));
    put(103, signed(groups.iter().copied().fold(f64::MIN, f64::max) * 10.0));
    put(104, signed(groups.iter().copied().fold(f64::MAX, f64::min) * 10.0));
    put(105, tenths(plant.total().discharge) as u16);
    put(106, tenths(plant.total().charge) as u16);
    put(115, 8);
    registers.put_all(device, Bank::Input, 110, &serial.registers());
}

/// Cell voltages in mV. Each cell keeps its own small distance from the mean.
fn cells(plant: &Plant, soc: f64, pack: u16) -> [u16; CELLS as usize] {
    let mean = plant.cell_voltage(soc) * 1000.0;
    std::array::from_fn(|cell| {
        let own = (u32::from(pack) * 31 + cell as u32 * 7) % 13;
        unsigned(mean + f64::from(own) - 6.0)
    })
}

/// Degrees Celsius of a group of cells.
fn temperature(plant: &Plant, group: usize) -> f64 {
    let warmed = plant.powers().battery.abs() / NOMINAL_VOLTAGE / 40.0;
    20.5 + warmed + 0.4 * (group % 5) as f64 + 3.0 * wander(plant.seed(), 80, plant.moment(), 14_400.0)
}

/// The meter at the grid counts import as positive.
fn grid_meter(plant: &Plant, registers: &mut Registers) {
    let (seed, at, total) = (plant.seed(), plant.moment(), plant.total());
    let voltage = grid_voltage(seed, at);
    let active = -plant.powers().grid.round();
    let reactive = 110.0 + 30.0 * wander(seed, 70, at, 90.0);
    let apparent = active.hypot(reactive);
    let current = unsigned(apparent / voltage * 100.0);
    let mut put = |register: u16, value: u16| registers.put(METER, Bank::Input, register, value);
    put(60, unsigned(voltage * 10.0));
    for register in [63, 67] {
        put(register, current);
    }
    for register in [68, 71] {
        put(register, signed(active));
    }
    for register in [72, 75] {
        put(register, signed(reactive));
    }
    for register in [76, 79] {
        put(register, unsigned(apparent * 10.0));
    }
    for register in [80, 83] {
        put(register, signed(10_000.0 * active / apparent));
    }
    put(84, unsigned(grid_frequency(seed, at) * 100.0));
    put(85, tenths(total.import - METER_MISSED.0) as u16);
    put(87, tenths(total.export - METER_MISSED.1) as u16);
}

fn unsigned(value: f64) -> u16 {
    value.round().clamp(0.0, 65_535.0) as u16
}

fn signed(value: f64) -> u16 {
    (value.round().clamp(-32_768.0, 32_767.0) as i16) as u16
}

/// Whole tenths of a kWh. A register of 16 bits shows the low ones, as the wire does when a counter wraps.
fn tenths(watt_hours: f64) -> u32 {
    (watt_hours / 100.0).max(0.0) as u32
}
