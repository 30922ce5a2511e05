//! What the plant stands in: sun, clouds, the house's demand, the grid's voltage. All of it is a function of the seed
//! and the time, so that it does not depend on when somebody looks.

use std::f64::consts::PI;

/// Microseconds in a second, the resolution of plant time.
pub const SECOND: i64 = 1_000_000;
const DAY: f64 = 86_400.0;
/// Latitude of the plant, degrees north.
const LATITUDE: f64 = 52.0;
/// When the sun stands highest by the plant's clock, hours (British Summer Time).
const NOON: f64 = 13.1;
/// What the two strings give with the sun at right angles, W: one looks east, one west.
const PEAK: [f64; 2] = [2900.0, 2700.0];

/// A point in plant time, as seconds since 2000-01-01 00:00 by the plant's clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment(pub f64);

impl Moment {
    /// From microseconds since 2000-01-01 00:00.
    pub fn from_micros(micros: i64) -> Self {
        Self(micros as f64 / SECOND as f64)
    }

    fn day(self) -> f64 {
        (self.0 / DAY).floor()
    }

    fn hour(self) -> f64 {
        self.0.rem_euclid(DAY) / 3600.0
    }
}

/// A number in 0..1 that belongs to this seed, channel and index.
fn lattice(seed: u64, channel: u64, index: i64) -> f64 {
    let mut x = seed ^ channel.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (index as u64).wrapping_mul(0xd1b5_4a32_d192_ed03);
    for _ in 0..2 {
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^= x >> 31;
    }
    (x >> 11) as f64 / (1_u64 << 53) as f64
}

/// Noise in 0..1 that wanders from one value to the next in `period` seconds.
pub fn wander(seed: u64, channel: u64, at: Moment, period: f64) -> f64 {
    let place = at.0 / period;
    let (index, part) = (place.floor(), place - place.floor());
    let blend = part * part * (3.0 - 2.0 * part);
    let (from, to) = (lattice(seed, channel, index as i64), lattice(seed, channel, index as i64 + 1));
    from + (to - from) * blend
}

/// Power that the two strings could give, W.
pub fn sun(seed: u64, at: Moment) -> [f64; 2] {
    let declination = -23.44_f64.to_radians() * (2.0 * PI * ((at.day() + 10.0) / 365.2425)).cos();
    let angle = (at.hour() - NOON) * PI / 12.0;
    let latitude = LATITUDE.to_radians();
    let height = latitude.sin() * declination.sin() + latitude.cos() * declination.cos() * angle.cos();
    if height <= 0.0 {
        return [0.0; 2];
    }
    let clear = height.powf(1.15) * clouds(seed, at);
    let side = 0.3 * angle.sin();
    [PEAK[0] * clear * (1.0 - side), PEAK[1] * clear * (1.0 + side)]
}

/// The share of sunlight that the clouds let through.
fn clouds(seed: u64, at: Moment) -> f64 {
    let overcast = lattice(seed, 1, at.day() as i64);
    let passing = wander(seed, 2, at, 900.0) * 0.7 + wander(seed, 3, at, 70.0) * 0.3;
    (1.0 - 0.55 * overcast) * (1.0 - overcast.sqrt() * 0.6 * passing)
}

/// What the house draws, W: all of it, and the part behind the backup output.
pub fn demand(seed: u64, at: Moment) -> (f64, f64) {
    let hour = at.hour();
    let day = at.day() as i64;
    let fridge = if (at.0 / 2700.0 + lattice(seed, 10, 0)).rem_euclid(1.0) < 0.3 { 85.0 } else { 0.0 };
    let essential = 150.0 + 60.0 * wander(seed, 11, at, 1200.0) + fridge;
    let bump = |centre: f64, width: f64, height: f64| height * (-((hour - centre) / width).powi(2)).exp();
    let lively = (bump(7.6, 1.1, 420.0) + bump(18.8, 2.0, 800.0)) * (0.6 + 0.6 * wander(seed, 12, at, 400.0));
    (essential + lively + kettle(seed, at) + laundry(seed, day, hour) + oven(seed, at, day), essential)
}

/// Two kilowatts for a few minutes, now and then while people are up.
fn kettle(seed: u64, at: Moment) -> f64 {
    let window = (at.0 / 600.0).floor();
    let awake = (6.5..23.0).contains(&at.hour());
    let begins = 400.0 * lattice(seed, 21, window as i64);
    let on = (begins..begins + 170.0).contains(&(at.0 - window * 600.0));
    if awake && on && lattice(seed, 20, window as i64) < 0.12 { 2000.0 } else { 0.0 }
}

fn laundry(seed: u64, day: i64, hour: f64) -> f64 {
    let since = hour - (9.0 + 6.0 * lattice(seed, 31, day));
    match since {
        _ if lattice(seed, 30, day) < 0.35 => 0.0,
        0.0..0.35 => 1900.0,
        0.35..1.4 => 230.0,
        _ => 0.0,
    }
}

/// In the evening the oven heats, and then keeps its temperature.
fn oven(seed: u64, at: Moment, day: i64) -> f64 {
    let since = (at.hour() - (17.2 + 1.5 * lattice(seed, 41, day))) * 60.0;
    let heating = (0.0..9.0).contains(&since) || ((9.0..45.0).contains(&since) && since.rem_euclid(4.0) < 1.3);
    if heating && lattice(seed, 40, day) < 0.7 { 2200.0 } else { 0.0 }
}

/// The grid's voltage in V.
pub fn grid_voltage(seed: u64, at: Moment) -> f64 {
    237.0 + 8.0 * wander(seed, 50, at, 300.0) + 0.8 * wander(seed, 51, at, 11.0)
}

/// The grid's frequency in Hz.
pub fn grid_frequency(seed: u64, at: Moment) -> f64 {
    49.92 + 0.16 * wander(seed, 52, at, 45.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_a_day(day: u32) -> impl Iterator<Item = Moment> {
        (0..1440).map(move |minute| Moment(f64::from(day) * DAY + f64::from(minute) * 60.0))
    }

    #[test]
    fn the_sun_is_down_at_night_and_gives_kilowatts_at_a_summer_noon() {
        let june = 9652;
        let best = of_a_day(june).map(|at| sun(1, at).iter().sum::<f64>()).fold(0.0, f64::max);
        assert!((1500.0..5600.0).contains(&best), "{best}");
        assert!(sun(1, Moment(f64::from(june) * DAY + 3600.0)).iter().all(|&string| string < 1e-9));
    }

    #[test]
    fn a_winter_day_gives_less_than_a_summer_day() {
        let energy = |day| of_a_day(day).map(|at| sun(3, at).iter().sum::<f64>()).sum::<f64>();
        let season = |first: u32| (first..first + 20).map(energy).sum::<f64>();
        assert!(season(9650) > 2.5 * season(9830));
    }

    #[test]
    fn the_house_draws_a_plausible_amount_a_day() {
        for seed in 0..20 {
            let all: Vec<_> = of_a_day(9652).map(|at| demand(seed, at)).collect();
            let kwh = all.iter().map(|(all, _)| all).sum::<f64>() / 60_000.0;
            assert!((5.0..16.0).contains(&kwh), "{seed}: {kwh}");
            assert!(all.iter().all(|&(all, backup)| backup > 0.0 && backup <= all && all < 8000.0));
        }
    }

    #[test]
    fn the_same_seed_and_time_give_the_same_and_another_seed_another() {
        let at = Moment(834_000_123.0);
        assert_eq!(demand(5, at), demand(5, at));
        assert_ne!(demand(5, at), demand(6, at));
    }
}
