//! Every family, judged by its own registers as they are published.

use super::*;
use crate::simulator::families::{Layout, Serials};

/// Sun, battery, house and grid in W, + discharge and + export, as the family has them.
fn powers(simulator: &Simulator) -> [f64; 4] {
    let raw = |register| simulator.get(0x11, Bank::Input, register).unwrap();
    let unsigned = |register| f64::from(raw(register));
    let signed = |register| f64::from(raw(register) as i16);
    let long = |register: u16| f64::from(u32::from(raw(register)) << 16 | u32::from(raw(register + 1))) / 10.0;
    match simulator.family().spec().layout() {
        Layout::SinglePhase => [unsigned(18) + unsigned(20), signed(52), unsigned(42), signed(30)],
        Layout::ThreePhase => [long(1017) + long(1019), long(1136) - long(1138), long(1089), long(1081) - long(1079)],
        Layout::Ems => [signed(2048), signed(2090), unsigned(2086), -signed(2089)],
        Layout::Gateway => [unsigned(1617), -signed(1619), unsigned(1618), signed(1616)],
    }
}

/// Where a family counts sun, charge, discharge, house, export and import: the day's register and the high word of the
/// total's, where they are and mean what their name says.
fn counters(family: Family) -> [(Option<u16>, Option<u16>); 6] {
    let pair = |day, total| (Some(day), Some(total));
    match family.spec().layout() {
        Layout::SinglePhase => {
            let sun = (None, Some(11));
            [sun, (Some(36), None), (Some(37), None), (None, None), pair(25, 21), pair(26, 32)]
        }
        Layout::ThreePhase => {
            let day = |register: u16| pair(register + 1, register + 2);
            [(Some(1413), Some(1374)), day(1392), day(1388), day(1396), day(1384), day(1380)]
        }
        Layout::Ems => [(None, None); 6],
        Layout::Gateway => {
            let day = |register: u16| pair(register, register + 1);
            [day(1643), day(1649), day(1652), day(1655), day(1646), day(1640)]
        }
    }
}

fn kwh(simulator: &Simulator, (day, total): (Option<u16>, Option<u16>)) -> [Option<f64>; 2] {
    let raw = |register| simulator.get(0x11, Bank::Input, register).unwrap();
    let total = total.map(|high| f64::from(u32::from(raw(high)) << 16 | u32::from(raw(high + 1))) / 10.0);
    [day.map(|register| f64::from(raw(register)) / 10.0), total]
}

fn of(family: Family) -> Options {
    Options { family, ..quick() }
}

#[tokio::test(start_paused = true)]
async fn over_a_day_the_balance_of_every_family_closes_and_its_counters_follow_its_powers() {
    for &family in Family::ALL {
        let start = "2026-06-05T00:00:00".parse().unwrap();
        let simulator = Simulator::new(Options {
            seed: 5,
            start,
            speed: 20.0,
            step: Duration::from_secs(4),
            soc: 45.0,
            ..of(family)
        });
        let before = counters(family).map(|counter| kwh(&simulator, counter));
        let (mut sums, mut socs) = ([0.0; 6], std::collections::BTreeSet::new());
        for _ in 0..4319 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let [sun, battery, house, grid] = powers(&simulator);
            let lost = sun + battery - house - grid;
            assert!(lost.abs() <= 50.0, "{family}, {}: {lost} W", simulator.plant_time());
            let flows = [sun, (-battery).max(0.0), battery.max(0.0), house, grid.max(0.0), (-grid).max(0.0)];
            for (sum, flow) in sums.iter_mut().zip(flows) {
                *sum += flow * 20.0 / 3.6e6;
            }
            socs.insert(simulator.power_now().soc as u32);
        }
        for (place, (counter, before)) in counters(family).into_iter().zip(before).enumerate() {
            for (now, before) in kwh(&simulator, counter).into_iter().zip(before) {
                let Some((now, before)) = now.zip(before) else { continue };
                let (counted, passed) = (now - before, sums[place]);
                let close = (counted - passed).abs() <= 0.03 * passed + 0.2;
                assert!(close, "{family}, counter {place}: {counted:.1} kWh where {passed:.2} passed");
            }
        }
        assert!(sums[3] > 5.0, "{family}: the house draws {} kWh", sums[3]);
        let sun_expected = !matches!(family, Family::AcCoupled | Family::AllInOne | Family::ThreePhaseAc);
        assert_eq!(sums[0] > 5.0, sun_expected, "{family}: {sums:?}");
        assert_eq!(socs.len() > 10, family != Family::PvOnly, "{family}: {socs:?}");
    }
}

#[test]
fn serials_differ_between_families_plants_and_parts_and_have_the_vendors_shapes() {
    let mut all = std::collections::BTreeSet::new();
    for &family in Family::ALL {
        for plant in [1, 2] {
            let serials = Serials::of_plant(&family.spec(), plant);
            let leads = matches!(family, Family::Ems | Family::Gateway);
            let parts = (0..6)
                .flat_map(|index| [serials.battery(index), serials.stack(index), serials.module(index)])
                .chain((0..2).filter(|_| leads).map(|index| serials.child(index)))
                .chain([serials.inverter, serials.dongle]);
            for serial in parts {
                assert!(serial.is_plausible(), "{family}: {serial}");
                assert!(all.insert(serial.to_string()), "{family} {plant}: {serial} again");
            }
        }
    }
    let own = Serial::from_text("CH2227G711");
    let child = Simulator::new(Options { inverter: Some(own), ..of(Family::AllInOne) });
    let registers: Vec<u16> = (13..18).map(|register| child.get(0x11, Bank::Holding, register).unwrap()).collect();
    assert_eq!((child.inverter_serial(), Serial::from_registers(registers.try_into().unwrap())), (own, own));
}

/// IR 1083 to 1085 are the meter's phases, + export, and IR 1091 to 1093 the inverter's, whatever GivTCP calls them: of a
/// recorded plant 0 - 536 + 533 W while 3.0 W were imported, and 549 + 516 + 541 W while the inverter gave 1606.0 W.
#[tokio::test(start_paused = true)]
async fn what_is_told_by_phase_adds_up_to_the_whole() {
    for family in [Family::ThreePhaseHybrid, Family::ThreePhaseAc, Family::AllInOneCommercial, Family::AllInOneHybrid] {
        let simulator = Simulator::new(of(family));
        for _ in 0..200 {
            let input = |register| simulator.get(0x11, Bank::Input, register).unwrap();
            let phases = |first| (first..first + 3).map(|at| i64::from(input(at) as i16)).sum::<i64>();
            let tenths = |at| f64::from((u32::from(input(at)) << 16 | u32::from(input(at + 1))) as i32) / 10.0;
            let (grid, inverter) = (tenths(1081) - tenths(1079), tenths(1069));
            assert!((phases(1083) as f64 - grid).abs() <= 0.6, "{family}: {} of {grid}", phases(1083));
            assert!((phases(1091) as f64 - inverter).abs() <= 0.6, "{family}: {} of {inverter}", phases(1091));
            tokio::time::advance(std::time::Duration::from_secs(300)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_family_has_not_it_refuses_or_answers_with_zeros_or_is_silent_about() {
    let ask = async |family, device, bank, base| {
        let simulator = Simulator::new(of(family));
        let mut peer = peer(&simulator);
        peer.read(device, bank, base, 60).await;
        match peer.next().await {
            Some(Ok(Frame::Reply { answer: Answer::Error { .. }, .. })) => "error",
            Some(Ok(Frame::Reply { answer: Answer::Read { values, .. }, .. })) if values == [0; 60] => "zeros",
            Some(Ok(_)) => "values",
            _ => "silence",
        }
    };
    let (holding, input) = (Bank::Holding, Bank::Input);
    for (family, device, bank, base, expected) in [
        (Family::AllInOne, 0x11, holding, 1060, "error"),
        (Family::AllInOne, 0x11, input, 1000, "error"),
        (Family::AllInOne, 0x11, holding, 300, "values"),
        (Family::AllInOne, 0x05, input, 60, "zeros"),
        (Family::HvGen3, 0x11, input, 1000, "zeros"),
        (Family::HybridGen1, 0x11, holding, 300, "silence"),
        (Family::HybridGen1, 0x11, holding, 540, "silence"),
        (Family::HybridGen1, 0x05, input, 60, "silence"),
        (Family::HybridGen2, 0x11, holding, 300, "silence"),
        (Family::HybridGen3, 0x11, holding, 240, "values"),
        (Family::HybridGen3, 0x34, input, 60, "values"),
        (Family::HybridGen2, 0x34, input, 60, "silence"),
        (Family::AcCoupled, 0x31, holding, 300, "values"),
        (Family::ThreePhaseHybrid, 0x11, input, 0, "zeros"),
        (Family::ThreePhaseHybrid, 0x11, holding, 300, "silence"),
        (Family::ThreePhaseHybrid, 0x08, input, 60, "zeros"),
        (Family::Ems, 0x11, holding, 60, "zeros"),
        (Family::Ems, 0x11, input, 0, "silence"),
        (Family::Ems, 0x32, input, 60, "silence"),
        (Family::Gateway, 0x11, input, 0, "zeros"),
        (Family::Gateway, 0x32, input, 60, "silence"),
        (Family::PvOnly, 0x32, input, 60, "silence"),
    ] {
        assert_eq!(ask(family, device, bank, base).await, expected, "{family} {device:#04x} {bank} {base}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_plant_controllers_heartbeat_comes_every_minute_and_others_every_three() {
    for (family, seconds) in [(Family::Ems, 60), (Family::Gateway, 180)] {
        let simulator = Simulator::new(of(family));
        let (mut peer, begun) = (peer(&simulator), Instant::now());
        assert!(matches!(peer.next_within(Duration::from_secs(600)).await, Some(Ok(Frame::Heartbeat { .. }))));
        assert_eq!(begun.elapsed().as_secs(), seconds, "{family}");
    }
}

fn set(simulator: &Simulator, settings: &[(u16, u16)]) {
    for &(register, value) in settings {
        simulator.set(0x11, Bank::Holding, register, value);
    }
}

#[tokio::test(start_paused = true)]
async fn gen_2_at_a_reserve_of_100_does_not_discharge() {
    let start = "2026-06-05T22:30:00".parse().unwrap();
    let simulator = Simulator::new(Options { start, speed: 60.0, soc: 80.0, ..of(Family::HybridGen2) });
    assert!(simulator.power_now().battery > 100.0);
    set(&simulator, &[(110, 100)]);
    for _ in 0..60 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(simulator.power_now().battery < 1.0);
    }
}

#[tokio::test(start_paused = true)]
async fn gen_2_with_its_target_at_100_swings_between_99_and_100() {
    let start = "2026-06-05T01:00:00".parse().unwrap();
    let simulator = Simulator::new(Options { start, speed: 60.0, soc: 99.5, ..of(Family::HybridGen2) });
    set(&simulator, &[(94, 0), (95, 2359), (116, 100), (20, 1)]);
    let (mut turns, mut last) = (0, 0.0_f64);
    for _ in 0..360 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = simulator.power_now();
        assert!((98.5..=100.0).contains(&now.soc), "{}", now.soc);
        turns += u32::from(now.battery.signum() * last.signum() < 0.0);
        last = if now.battery.abs() > 1.0 { now.battery } else { last };
    }
    assert!(turns > 4, "{turns}");
    set(&simulator, &[(20, 0)]);
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert!(simulator.power_now().soc > 99.9);
}

#[tokio::test(start_paused = true)]
async fn firmware_may_show_a_tenth_less_for_a_while_and_forget_a_reset() {
    let firmware =
        Firmware { steps_back: true, keeps_import_today: true, no_battery_counters: true, ..Firmware::default() };
    let start = "2026-06-05T12:00:00".parse().unwrap();
    let simulator = Simulator::new(Options { firmware, start, speed: 10.0, soc: 5.0, ..of(Family::HybridGen1) });
    set(&simulator, &[(110, 100)]);
    let day = |register| f64::from(simulator.get(0x11, Bank::Input, register).unwrap()) / 10.0;
    let (mut back, mut last) = (0, day(36));
    for _ in 0..12 * 360 - 30 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = day(36);
        assert!(now - last > -0.11, "{last} {now}");
        back += u32::from(now < last);
        last = now;
    }
    assert!(back > 10, "{back}");
    let (import, charge) = (day(26), day(36));
    assert!(import > 0.5 && charge > 0.5, "{import} {charge}");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(simulator.plant_time().day(), 6);
    assert!(day(26) >= import - 0.1 && day(36) < 0.2, "{} {}", day(26), day(36));
    assert_eq!([105, 106].map(|register| simulator.get(0x32, Bank::Input, register)), [Some(0); 2]);
}

#[tokio::test(start_paused = true)]
async fn settings_work_in_the_registers_of_their_family() {
    let pass = async || tokio::time::sleep(Duration::from_secs(5)).await;
    let start = "2026-06-05T12:00:00".parse().unwrap();
    let plant = |family| Simulator::new(Options { start, soc: 50.0, ..of(family) });

    let three_phase = plant(Family::ThreePhaseHybrid);
    set(&three_phase, &[(1123, 1)]);
    pass().await;
    assert!(powers(&three_phase)[1] < -5000.0);
    set(&three_phase, &[(1123, 0), (1122, 1), (1108, 20)]);
    pass().await;
    assert!((powers(&three_phase)[1] - 2200.0).abs() < 1.0, "20 % of 11 kW: {:?}", powers(&three_phase));

    let ems = plant(Family::Ems);
    set(&ems, &[(2062, 1100), (2063, 1300), (2071, 65_535)]);
    pass().await;
    assert!(powers(&ems)[1] > 5000.0, "an export slot: {:?}", powers(&ems));

    let all_in_one = plant(Family::AllInOne);
    set(&all_in_one, &[(96, 1), (94, 1100), (95, 1300), (313, 10)]);
    pass().await;
    assert!((powers(&all_in_one)[1] + 600.0).abs() < 1.0, "10 % of 6 kW: {:?}", powers(&all_in_one));
    set(&all_in_one, &[(318, 1)]);
    pass().await;
    assert!(powers(&all_in_one)[1] > -1.0, "paused: {:?}", powers(&all_in_one));
}

#[tokio::test(start_paused = true)]
async fn a_family_takes_the_writes_that_are_its_own() {
    let takes = async |family, register, value| {
        let simulator = Simulator::new(of(family));
        let mut peer = peer(&simulator);
        peer.write(register, value).await;
        matches!(peer.next_answer().await.1, Answer::Write { .. })
    };
    for (family, register, value, expected) in [
        (Family::AcCoupled, 313, 50, true),
        (Family::AcCoupled, 313, 0, false),
        (Family::HybridGen2, 313, 50, false),
        (Family::HybridGen3, 246, 130, true),
        (Family::HybridGen3, 248, 2, false),
        (Family::HybridGen3, 248, 0, true),
        (Family::HybridGen1, 246, 130, false),
        (Family::ThreePhaseAc, 1113, 2330, true),
        (Family::ThreePhaseAc, 1113, 2360, false),
        (Family::ThreePhaseAc, 94, 2330, false),
        (Family::HybridGen1, 1113, 2330, false),
        (Family::Ems, 2055, 80, true),
        (Family::Ems, 110, 50, false),
        (Family::Ems, 37, 5, false),
        (Family::Gateway, 110, 50, true),
    ] {
        assert_eq!(takes(family, register, value).await, expected, "{family} HR{register} = {value}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stacks_registers_agree_with_each_other() {
    for family in [Family::AllInOne, Family::ThreePhaseHybrid, Family::ThreePhaseAc, Family::HvGen3] {
        let simulator = Simulator::new(of(family));
        let read = |device, register| simulator.get(device, Bank::Input, register).unwrap();
        let mut module = 0x50;
        for stack in 0..read(0xa0, 61) {
            let controller = 0x70 + stack as u8;
            let mut millivolts = 0;
            for _ in 0..read(controller, 64) {
                millivolts += (60..84).map(|cell| u32::from(read(module, cell))).sum::<u32>();
                module += 1;
            }
            let volts = f64::from(read(controller, 73)) / 10.0;
            assert!((f64::from(millivolts) / 1000.0 - volts).abs() < 0.5, "{family}: {millivolts} mV, {volts} V");
            let (most, least) = (read(controller, 80) >> 8, read(controller, 80) & 0xff);
            assert!(most <= 100 && least <= most && most - least <= 2, "{family}: {least} to {most} %");
            assert_eq!(read(controller, 67), read(controller, 64) * 24);
        }
        assert_eq!(simulator.get(module, Bank::Input, 60), None, "{family}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_may_show_month_13_on_new_years_day() {
    let firmware = Firmware { month_13: true, ..Firmware::default() };
    let start = "2026-12-31T23:59:00".parse().unwrap();
    let simulator = Simulator::new(Options { firmware, start, ..of(Family::HybridGen1) });
    let shown = || [35, 36, 37].map(|register| simulator.get(0x11, Bank::Holding, register).unwrap());
    assert_eq!(shown(), [26, 12, 31]);
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(shown(), [26, 13, 1]);
    tokio::time::sleep(Duration::from_secs(86_400)).await;
    assert_eq!(shown(), [27, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_frozen_battery_stays_as_it_is_while_others_go_on() {
    let start = "2026-06-05T12:00:00".parse().unwrap();
    let simulator = Simulator::new(Options { start, speed: 60.0, ..of(Family::HybridGen1) });
    let page = |device| -> Vec<u16> {
        (60..120).map(|register| simulator.get(device, Bank::Input, register).unwrap()).collect()
    };
    let before = (page(0x32), page(0x33));
    simulator.freeze(0x32);
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(page(0x32), before.0);
    assert_ne!(page(0x33), before.1);
    simulator.release();
    assert_ne!(page(0x32), before.0);
}
