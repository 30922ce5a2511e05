//! What Prometheus scrapes: the newest snapshots, and the counters of everything that keeps them. docs/metrics.md has the
//! names.
//!
//! Each answer is made anew of what there is at that moment, so that a series goes with its device. There is no registry
//! for that reason: a series that a library keeps until it is told to forget it is one that stays when that is forgotten.

mod keeping;
mod text;
mod values;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use crate::catalogue::Role;
use crate::control::Tally;
use crate::frame::Serial;
use crate::influx::InfluxCounts;
use crate::vitals::Vitals;
use text::{Family, Page};

/// What is told of one inverter.
pub struct Kept<'a> {
    /// How it is kept, and what was read of it.
    pub vitals: &'a Vitals,
    /// What became of its orders.
    pub orders: &'a Tally,
    /// Whether another inverter leads it, which then has its totals.
    pub role: &'a dyn Fn(Serial) -> Role,
}

/// What is told of the program.
#[derive(Clone, Copy, Debug, Default)]
pub struct Program {
    /// Writes of history, and how many failed; `None` where none is kept.
    pub history: Option<(u64, u64)>,
    /// What became of what an InfluxDB is told; `None` where none is.
    pub influx: Option<InfluxCounts>,
}

const BUILD: Family = Family::gauge("givtcp_build_info", "The version of the program; always 1");
const HISTORY: Family = Family::counter("givtcp_history_writes_total", "Writes of history to the disk, by outcome");

const LINES: Family = Family::counter("givtcp_influx_lines_total", "Polls for InfluxDB, by what became of them");
const FAILURES: Family = Family::counter("givtcp_influx_failures_total", "Attempts to tell InfluxDB that failed");
const WAITING: Family =
    Family::gauge("givtcp_influx_waiting_bytes", "What waits for InfluxDB, in memory and on the disk");

/// All of it, in Prometheus' text format.
pub fn render(program: Program, inverters: &[Kept<'_>]) -> String {
    let mut page = Page::default();
    page.add(&BUILD, &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    if let Some((written, failed)) = program.history {
        page.add(&HISTORY, &[("outcome", "written")], written as f64);
        page.add(&HISTORY, &[("outcome", "failed")], failed as f64);
    }
    if let Some(InfluxCounts { written, rejected, dropped, failures, waiting }) = program.influx {
        for (outcome, lines) in [("written", written), ("rejected", rejected), ("dropped", dropped)] {
            page.add(&LINES, &[("outcome", outcome)], lines as f64);
        }
        page.add(&FAILURES, &[], failures as f64);
        page.add(&WAITING, &[], waiting as f64);
    }
    for (kept, label) in inverters.iter().zip(labels(inverters)) {
        keeping::add(&mut page, &label, kept);
        if let Some(snapshot) = kept.vitals.fresh() {
            let is_led = (kept.role)(snapshot.identity.serial).is_read_only();
            values::add(&mut page, &label, &snapshot, is_led);
        }
    }
    page.into_text()
}

/// What each inverter is called: by the settings, and where two are called alike with its number.
fn labels(inverters: &[Kept<'_>]) -> Vec<String> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for kept in inverters {
        *counts.entry(&kept.vitals.name).or_default() += 1;
    }
    let label = |(number, kept): (usize, &Kept<'_>)| {
        let name = kept.vitals.name.as_str();
        if counts.get(name).is_some_and(|count| *count > 1) { format!("{name} ({number})") } else { name.to_owned() }
    };
    (1..).zip(inverters).map(label).collect()
}
