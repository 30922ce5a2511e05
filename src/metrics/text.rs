//! Prometheus' text format, version 0.0.4.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use crate::histogram::Distribution;

/// What a family of series is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Gauge,
    Counter,
    Histogram,
}

/// A family of series: one name, one meaning.
#[derive(Clone, Copy, Debug)]
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    kind: Kind,
}

/// What is told, by families.
#[derive(Debug, Default)]
pub(super) struct Page(BTreeMap<&'static str, Series>);

#[derive(Debug)]
struct Series {
    family: Family,
    lines: String,
    seen: HashSet<String>,
}

impl Family {
    /// What goes up and down.
    pub(super) const fn gauge(name: &'static str, help: &'static str) -> Self {
        Self { name, help, kind: Kind::Gauge }
    }

    /// What only grows, until it begins anew; its name ends in `_total`.
    pub(super) const fn counter(name: &'static str, help: &'static str) -> Self {
        Self { name, help, kind: Kind::Counter }
    }

    /// Durations, s.
    pub(super) const fn histogram(name: &'static str, help: &'static str) -> Self {
        Self { name, help, kind: Kind::Histogram }
    }
}

impl Page {
    /// One value. Where the same labels were told already, those stay: a series must not be told twice.
    pub(super) fn add(&mut self, family: &Family, labels: &[(&str, &str)], value: f64) {
        let labels = shown(labels);
        let series = self.of(family);
        if series.seen.insert(labels.clone()) {
            _ = writeln!(series.lines, "{}{labels} {}", family.name, number(value));
        }
    }

    /// A value, where there is one.
    pub(super) fn add_some(&mut self, family: &Family, labels: &[(&str, &str)], value: Option<f64>) {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            self.add(family, labels, value);
        }
    }

    /// Durations.
    pub(super) fn add_durations(&mut self, family: &Family, labels: &[(&str, &str)], durations: &Distribution) {
        let Distribution { buckets, count, sum } = durations;
        let (name, plain) = (family.name, shown(labels));
        let series = self.of(family);
        if !series.seen.insert(plain.clone()) {
            return;
        }
        let bounds = buckets.iter().map(|(bound, count)| (number(*bound), *count));
        for (bound, count) in bounds.chain([("+Inf".to_owned(), *count)]) {
            let labels: Vec<(&str, &str)> = labels.iter().copied().chain([("le", bound.as_str())]).collect();
            _ = writeln!(series.lines, "{name}_bucket{} {count}", shown(&labels));
        }
        _ = writeln!(series.lines, "{name}_sum{plain} {}\n{name}_count{plain} {count}", number(*sum));
    }

    fn of(&mut self, family: &Family) -> &mut Series {
        let new = || Series { family: *family, lines: String::new(), seen: HashSet::new() };
        self.0.entry(family.name).or_insert_with(new)
    }

    pub(super) fn into_text(self) -> String {
        let mut text = String::new();
        for Series { family: Family { name, help, kind }, lines, .. } in self.0.into_values() {
            let kind = match kind {
                Kind::Gauge => "gauge",
                Kind::Counter => "counter",
                Kind::Histogram => "histogram",
            };
            _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{lines}");
        }
        text
    }
}

/// `{inverter="garage"}`.
fn shown(labels: &[(&str, &str)]) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let mut text = String::from("{");
    for (place, (name, value)) in labels.iter().enumerate() {
        let comma = if place == 0 { "" } else { "," };
        _ = write!(text, "{comma}{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"));
    }
    text.push('}');
    text
}

fn number(value: f64) -> String {
    // There is no negative nothing.
    format!("{}", value + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped_and_a_series_is_told_once() {
        let family = Family::gauge("givtcp_x_watts", "Something");
        let mut page = Page::default();
        page.add(&family, &[("inverter", "a \"b\" \\ \n c")], -0.0);
        page.add(&family, &[("inverter", "a \"b\" \\ \n c")], 2.0);
        page.add_some(&family, &[("inverter", "d")], Some(f64::NAN));
        page.add(&family, &[], 49.98);
        insta::assert_snapshot!(page.into_text(), @r#"
        # HELP givtcp_x_watts Something
        # TYPE givtcp_x_watts gauge
        givtcp_x_watts{inverter="a \"b\" \\ \n c"} 0
        givtcp_x_watts 49.98
        "#);
    }

    #[test]
    fn durations_are_told_by_buckets_that_hold_each_other() {
        let family = Family::histogram("givtcp_x_seconds", "Something");
        let mut page = Page::default();
        let durations = Distribution { buckets: vec![(0.05, 1), (1.0, 3)], count: 4, sum: 2.5 };
        page.add_durations(&family, &[("inverter", "a")], &durations);
        insta::assert_snapshot!(page.into_text(), @r#"
        # HELP givtcp_x_seconds Something
        # TYPE givtcp_x_seconds histogram
        givtcp_x_seconds_bucket{inverter="a",le="0.05"} 1
        givtcp_x_seconds_bucket{inverter="a",le="1"} 3
        givtcp_x_seconds_bucket{inverter="a",le="+Inf"} 4
        givtcp_x_seconds_sum{inverter="a"} 2.5
        givtcp_x_seconds_count{inverter="a"} 4
        "#);
    }
}
