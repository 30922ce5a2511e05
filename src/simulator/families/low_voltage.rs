//! Low-voltage batteries: a page each, at 0x32 and on.

use super::spec::LOW_CELLS;
use super::words::{signed, tenths, unsigned};
use super::{Family, Serials};
use crate::frame::{Bank, Serial};
use crate::simulator::bank::{BATTERY, Registers};
use crate::simulator::plant::{Pack, Plant};

/// Writes what the batteries measure now.
pub fn measure(plant: &Plant, serials: &Serials, registers: &mut Registers) {
    for (index, pack) in plant.packs().iter().enumerate() {
        battery(plant, index, pack, serials.battery(index), registers);
    }
}

fn battery(plant: &Plant, index: usize, pack: &Pack, serial: Serial, registers: &mut Registers) {
    let device = BATTERY + index as u8;
    let number = index as u16;
    if registers.get(device, Bank::Input, 60).is_none() {
        registers.put_all(device, Bank::Input, 60, &[0; 60]);
    }
    let mut put = |register: u16, value: u16| registers.put(device, Bank::Input, register, value);
    let (soc, design) = (plant.pack_soc(pack), pack.design);
    let counts = !plant.firmware().no_battery_counters && plant.spec().family != Family::HybridGen2;
    let cells = cells(plant, soc, number);
    for (register, &cell) in (60..).zip(&cells) {
        put(register, cell);
    }
    let sum: u32 = cells.iter().map(|&cell| u32::from(cell)).sum();
    let groups: [f64; 4] = std::array::from_fn(|group| plant.temperature(index * 4 + group));
    for (register, group) in (76..).zip(groups) {
        put(register, signed(group * 10.0));
    }
    let calibrated = design * (1.01 - 0.02 * f64::from(number % 3));
    put(80, sum as u16);
    put(81, signed((plant.temperature(index * 4) + 2.5) * 10.0));
    put(83, (sum + 90) as u16);
    put(85, unsigned(calibrated * 100.0));
    put(87, unsigned(design * 100.0));
    put(89, unsigned(calibrated * soc));
    put(91, 0x0610);
    let capacity = plant.packs().iter().map(|pack| pack.design).sum::<f64>();
    put(95, signed(plant.powers().battery * design / capacity / f64::from(sum) * 100_000.0));
    put(96, 823 - 97 * number);
    put(97, LOW_CELLS);
    put(98, if counts { 3017 } else { 3007 });
    put(100, unsigned(soc));
    put(102, unsigned(design * 100.0));
    put(103, signed(groups.iter().copied().fold(f64::MIN, f64::max) * 10.0));
    put(104, signed(groups.iter().copied().fold(f64::MAX, f64::min) * 10.0));
    if counts {
        put(105, tenths(plant.total().discharge) as u16);
        put(106, tenths(plant.total().charge) as u16);
    }
    put(115, 8);
    registers.put_all(device, Bank::Input, 110, &serial.registers());
}

/// Cell voltages in mV. Each cell keeps its own small distance from the mean.
fn cells(plant: &Plant, soc: f64, pack: u16) -> [u16; LOW_CELLS as usize] {
    let mean = plant.cell_voltage(soc) * 1000.0;
    std::array::from_fn(|cell| {
        let own = (u32::from(pack) * 31 + cell as u32 * 7) % 13;
        unsigned(mean + f64::from(own) - 6.0)
    })
}
