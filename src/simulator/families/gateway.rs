//! A gateway with two all-in-ones behind it: IR 1600 and on, long counters high word first.

use super::words::{Page, signed, tenths, unsigned};
use super::{Serials, Spec, single_phase};
use crate::frame::Bank;
use crate::simulator::bank::{INVERTER, Registers};
use crate::simulator::plant::Plant;
use crate::simulator::surroundings::{grid_frequency, grid_voltage};

/// The banks of a new gateway.
pub fn new_plant(spec: &Spec, serials: &Serials) -> Registers {
    let mut registers = single_phase::with_settings(spec, serials);
    // Rates are the all-in-ones' business, and versions stand elsewhere.
    for register in [19, 111, 112] {
        registers.put(INVERTER, Bank::Holding, register, 0);
    }
    registers.put(INVERTER, Bank::Holding, 26, 7360);
    registers.put_all(INVERTER, Bank::Holding, 180, &[0; 60]);
    registers.put(INVERTER, Bank::Holding, 199, 1);
    for base in [0, 120, 180] {
        registers.put_all(INVERTER, Bank::Input, base, &[0; 60]);
    }
    registers.put_all(INVERTER, Bank::Input, 1600, &[0; 360]);
    registers
}

/// Writes what it measures, and what it is told by its all-in-ones.
pub fn measure(plant: &Plant, serials: &Serials, registers: &mut Registers) {
    powers(plant, registers);
    counters(plant, registers);
    children(plant, serials, registers);
}

fn powers(plant: &Plant, registers: &mut Registers) {
    let (powers, seed, at) = (plant.powers(), plant.seed(), plant.moment());
    let voltage = grid_voltage(seed, at);
    let (pv, load) = (powers.pv.iter().sum::<f64>().round(), powers.load.round());
    let all_in_ones = powers.inverter.round();
    let grid = pv + all_in_ones - load;
    let amps = |watts: f64| watts / voltage * 10.0;
    let hertz = unsigned(grid_frequency(seed, at) * 100.0);
    let mut page = Page::inverter(registers);
    page.put_all(1600, &[0x4741, 0x4141, 0, 0x0104, 2, 8, 15]);
    page.put(1608, signed(voltage * 10.0));
    page.put(1609, signed(amps(grid)));
    page.put(1610, unsigned(voltage * 10.0 + 2.0));
    page.put(1611, unsigned(amps(load)));
    page.put(1612, signed(amps(pv)));
    page.put(1613, hertz);
    page.put(1614, hertz);
    page.put(1616, signed(grid));
    page.put(1617, unsigned(pv));
    page.put(1618, unsigned(load));
    // Into the all-in-ones counts as positive.
    page.put(1619, signed(-all_in_ones));
    page.put(1624, unsigned(voltage * 10.0));
    page.put(1625, unsigned(voltage * 10.0));
}

fn counters(plant: &Plant, registers: &mut Registers) {
    let (today, total) = (plant.today(), plant.total());
    let mut page = Page::inverter(registers);
    let pairs = [
        (1640, today.import, total.import),
        (1643, today.pv.iter().sum(), total.pv.iter().sum()),
        (1646, today.export, total.export),
        (1649, today.inverter_in, total.inverter_in),
        (1652, today.inverter_out, total.inverter_out),
        (1655, today.load, total.load),
        (1795, today.charge, total.charge),
        (1798, today.discharge, total.discharge),
    ];
    for (register, of_the_day, ever) in pairs {
        page.put(register, single_phase::daily(plant, of_the_day));
        page.put_long(register + 1, tenths(ever));
    }
}

fn children(plant: &Plant, serials: &Serials, registers: &mut Registers) {
    let (powers, today, total) = (plant.powers(), plant.today(), plant.total());
    let count = plant.packs().len();
    let share = 1.0 / count.max(1) as f64;
    let mut page = Page::inverter(registers);
    page.put_serial(1627, serials.child(0));
    page.put_all(1700, &[count as u16, count as u16]);
    page.put(1702, signed(-powers.inverter));
    page.put(1704, 620);
    let mut left = powers.inverter.round();
    for (index, pack) in plant.packs().iter().enumerate() {
        let place = index as u16;
        let own = if index + 1 == count { left } else { (powers.inverter * share).round() };
        left -= own;
        page.put(1705 + 3 * place, single_phase::daily(plant, today.charge * share));
        page.put_long(1706 + 3 * place, tenths(total.charge * share));
        page.put(1750 + 3 * place, single_phase::daily(plant, today.discharge * share));
        page.put_long(1751 + 3 * place, tenths(total.discharge * share));
        page.put(1801 + place, unsigned(plant.pack_soc(pack)));
        page.put(1816 + place, signed(-own));
        page.put_serial(1841 + 5 * place, serials.child(index));
    }
}
