//! High-voltage stacks: how many there are at 0xA0, a controller each at 0x70 and on, their modules at 0x50 and on.

use super::spec::MODULE_CELLS;
use super::words::{Page, signed, tenths, unsigned};
use super::{Battery, Family, Serials};
use crate::simulator::bank::Registers;
use crate::simulator::plant::{Pack, Plant};

const MANAGER: u8 = 0xa0;
const CONTROLLER: u8 = 0x70;
const MODULE: u8 = 0x50;
/// Temperatures that a module measures.
const SENSORS: u16 = 12;

/// Writes what the stacks measure now.
pub fn measure(plant: &Plant, serials: &Serials, registers: &mut Registers) {
    let Battery::Stacks { modules, .. } = plant.spec().battery else { return };
    let (stacks, modules) = (plant.packs().len() as u16, u16::from(modules));
    if stacks == 0 {
        return;
    }
    let all = stacks * modules;
    let mut manager = Page::of(MANAGER, 60, registers);
    manager.put_all(60, &[1, stacks, all, all * MODULE_CELLS, all * SENSORS]);
    for (index, pack) in plant.packs().iter().enumerate() {
        controller(plant, index, pack, serials, registers);
        for number in 0..usize::from(modules) {
            module(plant, pack, index * usize::from(modules) + number, serials, registers);
        }
    }
}

fn controller(plant: &Plant, index: usize, pack: &Pack, serials: &Serials, registers: &mut Registers) {
    let spec = plant.spec();
    let modules = spec.battery.cells() / MODULE_CELLS;
    let share = pack.design / plant.packs().iter().map(|pack| pack.design).sum::<f64>();
    let soc = plant.pack_soc(pack);
    let cell = plant.cell_voltage(soc);
    let volts = cell * f64::from(spec.battery.cells());
    let power = plant.powers().battery * share;
    let (today, total) = (plant.today(), plant.total());
    let hours_at = |watt_hours: f64| unsigned(watt_hours * share / spec.battery.volts());
    let nominal = f64::from(spec.battery.cells());

    let mut page = Page::of(CONTROLLER + index as u8, 120, registers);
    page.put_all(
        60,
        &if spec.family == Family::AllInOne { [0x4241, 0x4141, 0, 0x0013] } else { [0x4241, 0x4241, 0, 9] },
    );
    page.put_all(64, &[modules, 0, 0, modules * MODULE_CELLS, modules * SENSORS, 3084, 4]);
    page.put(73, unsigned(volts * 10.0));
    page.put(74, unsigned(volts * 10.0 + 2.0));
    // Here, and only here, + is charge.
    page.put(76, signed(-power / volts * 10.0));
    page.put(79, signed(-power / 100.0));
    page.put(80, unsigned((soc + 0.5).min(100.0)) << 8 | unsigned((soc - 0.5).max(0.0)));
    page.put(81, 97 - index as u16);
    for (register, energy) in [(82, total.charge), (84, total.discharge), (90, today.charge), (92, today.discharge)] {
        page.put_long(register, tenths(energy * share));
    }
    for (register, energy) in [(86, total.charge), (88, total.discharge), (94, today.charge), (96, today.discharge)] {
        page.put_long(register, u32::from(hours_at(energy)));
    }
    page.put(98, unsigned(pack.design * 10.0));
    page.put(99, unsigned(pack.design * soc / 10.0));
    page.put(100, unsigned(total.discharge * share / (pack.design * spec.battery.volts()) * 10.0));
    page.put_all(102, &[unsigned(nominal * 26.5), unsigned(nominal * 36.3), 250, 250]);
    page.put(113, 15);
    let millivolts = unsigned(cell * 1000.0);
    page.put_all(120, &[millivolts + 2, 1, 3, millivolts.saturating_sub(2), 1, 7]);
    page.put_serial(138, serials.stack(index));
}

fn module(plant: &Plant, pack: &Pack, number: usize, serials: &Serials, registers: &mut Registers) {
    let mean = plant.cell_voltage(plant.pack_soc(pack)) * 1000.0;
    let is_all_in_one = plant.spec().family == Family::AllInOne;
    let mut page = Page::of(MODULE + number as u8, 60, registers);
    for cell in 0..MODULE_CELLS {
        let own = (number as u16 * 11 + cell * 7) % 5;
        page.put(60 + cell, unsigned(mean + f64::from(own) - 2.0));
    }
    for sensor in 0..SENSORS {
        let celsius = plant.temperature(number + usize::from(sensor)) - 0.4 * number as f64;
        page.put(90 + sensor, signed(celsius * 10.0));
    }
    let serial = serials.module(number);
    if is_all_in_one {
        // Its firmware splits it.
        let [head, tail @ ..] = serial.registers();
        page.put(110, head);
        page.put_all(115, &tail);
    } else {
        page.put_serial(114, serial);
    }
}
