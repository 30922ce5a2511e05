//! Readings on their way to the file, by minute: pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::cell::{Cell, Row};
use super::series::{ENERGIES, SERIES, energies};
use crate::frame::Serial;
use crate::plant::Snapshot;

/// How long a stretch of time is at each level of detail, s.
pub const LEVELS: [i64; 3] = [60, 300, 3600];
/// Before 2020 no clock was right.
const EARLIEST: i64 = 1_577_836_800;
/// No more minutes wait for a file that takes none: a day of one inverter.
const MOST: usize = 1440;
/// So long after midnight a counter of the day may still be yesterday's, minutes.
const SETTLES: i8 = 10;

/// The energy of one day, in Wh and hundredths of money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Day {
    /// In the order of [`ENERGIES`].
    pub energies: [Option<i64>; ENERGIES.len()],
    /// What was paid for what came from the grid.
    pub cost: Option<i64>,
}

/// What is to be written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gathered {
    /// By inverter and the beginning of the minute, epoch seconds.
    pub minutes: BTreeMap<(Serial, i64), Row>,
    /// By inverter and date.
    pub days: BTreeMap<(Serial, Date), Day>,
}

impl Gathered {
    /// Takes a reading of `at` (epoch seconds), which was on `today` at `minute` past midnight where the inverter is. What a
    /// clock says that was never set is left out.
    pub fn take(&mut self, snapshot: &Snapshot, at: i64, (today, minute): (Date, i64)) {
        if at < EARLIEST {
            return;
        }
        let serial = snapshot.identity.serial;
        let mut row = Row::default();
        for (cell, series) in row.0.iter_mut().zip(&SERIES) {
            *cell = series.steps(snapshot).map(Cell::of);
        }
        let minute_of = at - at.rem_euclid(60);
        self.minutes.entry((serial, minute_of)).or_default().join(&row);
        if minute >= i64::from(SETTLES) {
            self.days.insert((serial, today), Day::of(snapshot));
        }
        self.bound();
    }

    /// Takes back what could not be written.
    pub fn put_back(&mut self, mut other: Self) {
        for (key, row) in other.minutes {
            self.minutes.entry(key).or_default().join(&row);
        }
        // What came meanwhile is newer.
        other.days.append(&mut self.days);
        self.days = other.days;
        self.bound();
    }

    /// Whether there is anything.
    pub fn is_empty(&self) -> bool {
        self.minutes.is_empty() && self.days.is_empty()
    }

    /// The rows of one level of detail.
    pub fn level(&self, seconds: i64) -> BTreeMap<(Serial, i64), Row> {
        let mut rows: BTreeMap<_, Row> = BTreeMap::new();
        for ((serial, at), row) in &self.minutes {
            rows.entry((*serial, at - at.rem_euclid(seconds))).or_default().join(row);
        }
        rows
    }

    /// The rows of one level of an inverter, from one moment on to before another, by their beginning.
    pub fn rows(&self, serial: Serial, seconds: i64, (from, to): (i64, i64)) -> BTreeMap<i64, Row> {
        let of_it = self.level(seconds).into_iter().filter(|((of, _), _)| *of == serial);
        of_it.map(|((_, at), row)| (at, row)).filter(|(at, _)| (from..to).contains(at)).collect()
    }

    /// The days of an inverter, from one on to another, that included.
    pub fn days_of(&self, serial: Serial, from: Date, to: Date) -> impl Iterator<Item = (Date, Day)> {
        self.days.range((serial, from)..=(serial, to)).map(|((_, date), day)| (*date, *day))
    }

    /// Which inverters there are.
    pub fn serials(&self) -> BTreeSet<Serial> {
        self.minutes.keys().map(|(serial, _)| *serial).chain(self.days.keys().map(|(serial, _)| *serial)).collect()
    }

    fn bound(&mut self) {
        while self.minutes.len() > MOST {
            self.minutes.pop_first();
        }
        while self.days.len() > MOST {
            self.days.pop_first();
        }
    }
}

impl Day {
    /// What is known of it, or else of the other.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let mut energies = self.energies;
        for (own, other) in energies.iter_mut().zip(other.energies) {
            *own = own.or(other);
        }
        Self { energies, cost: self.cost.or(other.cost) }
    }

    fn of(snapshot: &Snapshot) -> Self {
        let whole =
            |value: f64, scale: f64| Some((value * scale).round()).filter(|it| it.is_finite()).map(|it| it as i64);
        let cost = snapshot.rates.as_ref().and_then(super::cost::of);
        Self {
            energies: energies(&snapshot.today).map(|kwh| kwh.and_then(|kwh| whole(kwh, 1000.0))),
            cost: cost.and_then(|cost| whole(cost, 100.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::history::series::SERIES;
    use crate::plant::snapshot::Ems;
    use crate::plant::tests::fixture::{hybrid, plant_of, snapshot};

    const NOON: i64 = 1_780_660_800;

    fn read(soc: Option<i64>) -> Snapshot {
        let mut read = snapshot(&plant_of(&hybrid()));
        read.power.soc = soc;
        read
    }

    #[test]
    fn a_minute_has_its_mean_and_extremes_and_five_are_made_of_them() {
        let mut gathered = Gathered::default();
        for (after, soc) in [(0, 50), (15, 52), (59, 54), (60, 90), (360, 10)] {
            gathered.take(&read(Some(soc)), NOON + after, (date(2026, 6, 5), 720));
        }
        let soc = |level| gathered.level(level).values().map(|row| row.0[0].unwrap()).collect::<Vec<_>>();
        let [first, second, third] = soc(60)[..] else { panic!() };
        assert_eq!((first.mean(), first.min, first.max, first.count), (520.0, 500, 540, 3));
        assert_eq!((second.count, third.count), (1, 1));
        assert_eq!(soc(300).iter().map(|cell| (cell.count, cell.max)).collect::<Vec<_>>(), [(4, 900), (1, 100)]);
        assert_eq!(soc(3600).len(), 1);
    }

    #[test]
    fn what_was_not_read_is_absent_and_a_clock_never_set_is_not_believed() {
        let mut gathered = Gathered::default();
        gathered.take(&read(None), NOON, (date(2026, 6, 5), 720));
        assert_eq!(gathered.minutes.values().next().unwrap().0[0], None);
        gathered.take(&read(Some(1)), 1000, (date(1970, 1, 1), 720));
        assert_eq!(gathered.minutes.len(), 1);
    }

    #[test]
    fn a_plant_controller_has_the_powers_of_its_plant_with_their_usual_signs() {
        let mut read = read(Some(50));
        (read.power.grid, read.power.battery, read.power.load) = (None, None, None);
        let (grid, battery, calculated_load) = (Some(1500), Some(-700), Some(800));
        read.ems = Some(Ems { grid, calculated_load, battery, ..Ems::default() });
        let mut gathered = Gathered::default();
        gathered.take(&read, NOON, (date(2026, 6, 5), 720));
        let row = gathered.minutes.values().next().unwrap();
        let mean = |name| row.0[SERIES.iter().position(|series| series.name == name).unwrap()].unwrap().mean();
        assert_eq!((mean("grid_power"), mean("battery_power"), mean("load_power")), (-1500.0, -700.0, 800.0));
    }

    #[test]
    fn a_day_is_what_its_counters_said_last_and_not_what_they_still_say_after_midnight() {
        let mut gathered = Gathered::default();
        let mut of = |pv, minute, day| {
            let mut read = read(None);
            read.today.pv = Some(pv);
            gathered.take(&read, NOON, (date(2026, 6, day), minute));
        };
        of(12.3, 1439, 5);
        of(12.3, 3, 6);
        of(0.1, 10, 6);
        of(0.2, 11, 6);
        let days: Vec<_> = gathered.days.values().map(|day| day.energies[0]).collect();
        assert_eq!(days, [Some(12_300), Some(200)]);
    }

    #[test]
    fn what_waits_for_a_file_has_a_bound_and_comes_back_whole() {
        let mut gathered = Gathered::default();
        for minute in 0..2000 {
            gathered.take(&read(Some(50)), NOON + 60 * minute, (date(2026, 6, 5), 720));
        }
        assert_eq!(gathered.minutes.len(), MOST);
        let mut after = Gathered::default();
        after.take(&read(Some(60)), NOON + 60 * 1999 + 30, (date(2026, 6, 5), 720));
        after.put_back(gathered);
        assert_eq!(after.minutes.len(), MOST);
        assert_eq!(after.minutes.values().last().unwrap().0[0].unwrap().sum, 1100);
    }
}
