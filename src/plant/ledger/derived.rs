//! Counters that follow from others: what the house used, what of the sun was not exported, and so on.
//!
//! They are computed from what the others show for certain. Since each of those is cut off at a tenth, their sum
//! wavers by some tenths; what is published is the highest it was.

use serde::{Deserialize, Serialize};

use crate::plant::snapshot::Energy;

/// Adds the counters that follow from others to those.
pub type Derive<'a> = &'a dyn Fn(Energy) -> Energy;

/// By how much a sum of four counters wavers, kWh.
const WAVERS: f64 = 0.4;
const EPSILON: f64 = 1e-6;

/// One such counter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Derived {
    /// What is published, kWh.
    held: f64,
    /// After a restart: what may have been published before it, kWh. Until the sum is as high, nothing is.
    #[serde(skip)]
    until: Option<f64>,
    #[serde(skip)]
    fresh: bool,
}

/// All of one plant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Derivations {
    total: Sums,
    today: Sums,
}

/// Since ever, or of one day.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Sums {
    day: Option<i64>,
    beginnings: u32,
    each: Vec<(String, Derived)>,
    /// What the counters showed that are taken off, when this was saved.
    #[serde(skip)]
    restored: Option<Energy>,
}

// === impl Derivations ===

impl Derivations {
    /// What follows from the believed totals; `beginnings` tells how often any of them began anew.
    pub fn settle_total(&mut self, total: &Energy, beginnings: u32, derive: Derive<'_>) {
        if self.total.beginnings != beginnings {
            self.total = Sums { beginnings, ..Sums::default() };
        }
        self.total.settle(total, derive);
    }

    /// What follows from the believed counters of this day.
    pub fn settle_today(&mut self, today: &Energy, day: Option<i64>, derive: Derive<'_>) {
        let mut next = Sums { day, ..Sums::default() };
        if self.today.day == day {
            self.today.settle(today, derive);
        } else if next.settle(today, derive) {
            self.today = next;
        }
    }

    /// Fills in what is published of them.
    pub fn fill_total(&self, energy: &mut Energy) {
        self.total.fill(energy);
    }

    /// Fills in what is published of them.
    pub fn fill_today(&self, energy: &mut Energy) {
        self.today.fill(energy);
    }

    /// The same in another process. `total` and `today` are what the counters showed when this was saved.
    pub fn restored(mut self, total: Energy, today: Energy) -> Self {
        self.total.restored = Some(total);
        self.today.restored = Some(today);
        for sums in [&mut self.total, &mut self.today] {
            sums.each.retain(|(name, sum)| sum.held.is_finite() && Energy::NAMES.contains(&name.as_str()));
        }
        self
    }
}

// === impl Sums ===

impl Sums {
    /// Takes over what follows; false if nothing does.
    fn settle(&mut self, believed: &Energy, derive: Derive<'_>) -> bool {
        let sums = derive(believed.clone());
        let highest = self.restored.as_ref().map(|then| {
            let less = Energy { ac_charge: then.ac_charge, export: then.export, ..believed.clone() };
            derive(less)
        });
        let follow = sums.each().zip(believed.each()).filter(|(_, (_, own))| own.is_none());
        let mut any = false;
        for ((name, sum), _) in follow {
            let Some(sum) = sum else { continue };
            any = true;
            let known = self.each.iter_mut().find(|(of, _)| of == name);
            let highest = highest.as_ref().and_then(|energy| energy.each().find(|(of, _)| *of == name)?.1);
            match known {
                Some((_, derived)) => derived.observe(sum, highest),
                None => self.each.push((name.to_owned(), Derived { held: sum, until: None, fresh: true })),
            }
        }
        any
    }

    fn fill(&self, energy: &mut Energy) {
        for (name, value) in energy.each_mut().filter(|(_, value)| value.is_none()) {
            let known = self.each.iter().find(|(of, derived)| of == name && derived.fresh);
            *value = known.map(|(_, derived)| super::round3(derived.held));
        }
    }
}

// === impl Derived ===

impl Derived {
    /// `highest` is what may have been published since this was saved: those counters that are taken off may have
    /// grown after the others.
    fn observe(&mut self, sum: f64, highest: Option<f64>) {
        let wavered = highest.unwrap_or(sum).min(sum + WAVERS);
        let until = *self.until.get_or_insert(if self.fresh { sum } else { wavered });
        self.fresh |= sum >= until - EPSILON;
        self.held = self.held.max(sum);
    }
}
