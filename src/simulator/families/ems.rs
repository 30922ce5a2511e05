//! A plant controller: sums over its inverters in IR 2040 and on, plant settings in HR 2040 and on, nothing else live.

use super::words::{Page, signed, unsigned};
use super::{Serials, Spec, single_phase};
use crate::frame::Bank;
use crate::simulator::bank::{INVERTER, Registers};
use crate::simulator::physics::{Controls, Slot};
use crate::simulator::plant::Plant;

/// Plant settings that are not 0 when it is new.
const SETTINGS: &[(u16, u16)] = &[
    (2040, 1),
    (2046, 4),
    (2049, 4),
    (2052, 4),
    (2053, 30),
    (2054, 430),
    (2055, 90),
    (2058, 100),
    (2061, 100),
    (2064, 4),
    (2067, 4),
    (2070, 4),
    (2071, 8000),
];

/// The banks of a new plant.
pub fn new_plant(spec: &Spec, serials: &Serials) -> Registers {
    let whole = single_phase::with_settings(spec, serials);
    let mut registers = Registers::new(false);
    for base in [0, 60, 120] {
        registers.put_all(INVERTER, Bank::Holding, base, &[0; 60]);
    }
    // Of what inverters have it knows little.
    for register in (0..60).chain([123, 128, 129]) {
        if let Some(value) = whole.get(INVERTER, Bank::Holding, register) {
            registers.put(INVERTER, Bank::Holding, register, value);
        }
    }
    registers.put(INVERTER, Bank::Holding, 19, 0);
    registers.put_all(INVERTER, Bank::Holding, 2040, &[0; 36]);
    for &(register, value) in SETTINGS {
        registers.put(INVERTER, Bank::Holding, register, value);
    }
    registers.put_all(INVERTER, Bank::Input, 2040, &[0; 60]);
    registers
}

/// Two of the three slots of each kind are followed.
pub fn controls(registers: &Registers) -> Controls {
    let setting = |register| registers.get(INVERTER, Bank::Holding, register).unwrap_or(0);
    let slots = |base: u16| [0, 3].map(|next| Slot { start: setting(base + next), end: setting(base + next + 1) });
    let is_led = setting(2040) == 1;
    let led = |slots| if is_led { slots } else { [Slot::default(); 2] };
    Controls {
        match_demand: true,
        enable_charge: true,
        charge_slots: led(slots(2053)),
        enable_discharge: false,
        discharge_slots: led(slots(2044)),
        charge_rate: 50,
        discharge_rate: 50,
        floor: setting(2046),
        target_enabled: true,
        target: setting(2055),
        active_power: 100,
        export_cap: setting(2071),
        pause: None,
        ac_shares: [100; 2],
        export_slots: led(slots(2062)),
        forced: None,
    }
}

/// Writes the sums and what is known of each inverter.
pub fn measure(plant: &Plant, serials: &Serials, registers: &mut Registers) {
    let powers = plant.powers();
    let whole: f64 = plant.packs().iter().map(|pack| pack.design).sum();
    let (inverters, pv) = (powers.inverter.round(), powers.pv.iter().sum::<f64>().round());
    let import = -powers.grid.round();
    let count = plant.packs().len();
    let mut page = Page::inverter(registers);
    // Two meters, at the grid and at somebody's sun; each is online.
    page.put_all(2040, &[1, 2, 1 << 4, 1 << 4 | 1, count as u16]);
    page.put(2046, signed(import));
    page.put(2048, signed(pv));
    let (mut online, mut left) = (0, inverters);
    for (index, pack) in plant.packs().iter().enumerate() {
        let is_last = index + 1 == count;
        let own = if is_last { left } else { (inverters * pack.design / whole).round() };
        left -= own;
        let place = index as u16;
        online |= 2 << (3 * place);
        page.put(2054 + place, signed(own));
        page.put(2058 + place, unsigned(plant.pack_soc(pack)));
        page.put(2062 + place, signed((24.0 + own.abs() / 150.0) * 10.0));
        page.put_serial(2066 + 5 * place, serials.child(index));
    }
    page.put(2045, online);
    page.put(2086, unsigned(inverters + import + pv));
    page.put(2088, unsigned(pv));
    page.put(2089, signed(import));
    page.put(2090, signed(inverters));
    page.put(2091, unsigned(plant.stored()));
}
