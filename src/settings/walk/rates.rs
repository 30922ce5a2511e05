//! What energy costs.

use std::collections::BTreeMap;

use config::Value;

use super::{Scope, Walk};
use crate::settings::fault::{Fault, Want};
use crate::settings::keys::PERIODS;
use crate::settings::layer;
use crate::settings::scalar;
use crate::settings::types::{PeriodSettings, RateSettings, RatesMode, RatesSettings};

impl Walk<'_> {
    pub(super) fn rates(&mut self, scope: &Scope<'_>) -> RatesSettings {
        let defaults = RatesSettings::default();
        let rates = RatesSettings {
            mode: self.read(scope, "rates.mode", defaults.mode, |text| scalar::one_of(text, &RatesMode::NAMES)),
            day: self.rate(scope, "rates.day.", defaults.day),
            night: self.rate(scope, "rates.night.", defaults.night),
            export_rate: self.read(scope, "rates.export_rate", defaults.export_rate, scalar::rate),
            periods: self.periods(scope),
        };
        if rates.day.start == rates.night.start {
            let set =
                ["rates.night.start", "rates.day.start"].into_iter().find_map(|key| layer::find(scope.value, key));
            let origin = set.map_or_else(|| self.origins.whole(), |value| self.origins.of(value));
            let shown = scalar::show_time(rates.night.start);
            let want = Want::from("must differ from rates.day.start");
            self.faults.push(Fault::of(want, origin, "rates.night.start", &shown, false));
        }
        rates
    }

    fn rate(&mut self, scope: &Scope<'_>, section: &str, default: RateSettings) -> RateSettings {
        RateSettings {
            rate: self.read(scope, &format!("{section}rate"), default.rate, scalar::rate),
            start: self.read(scope, &format!("{section}start"), default.start, scalar::time_of_day),
        }
    }

    fn periods(&mut self, scope: &Scope<'_>) -> Vec<PeriodSettings> {
        let Some(list) = layer::find(scope.value, PERIODS) else { return Vec::new() };
        let elements = layer::elements(list);
        if elements.len() > RatesSettings::MOST_PERIODS {
            let want = Want::from(format!("must be at most {} periods", RatesSettings::MOST_PERIODS));
            let count = elements.len().to_string();
            self.faults.push(Fault::of(want, self.origins.of(list), PERIODS, &count, false));
            return Vec::new();
        }
        let mut seen = BTreeMap::new();
        let looked_at = elements.iter().enumerate().filter(|(_, element)| !layer::is_wrong(element));
        looked_at.filter_map(|(index, element)| self.period(index, element, &mut seen)).collect()
    }

    /// `seen` has the names and starts of the periods before.
    fn period(&mut self, index: usize, element: &Value, seen: &mut BTreeMap<String, usize>) -> Option<PeriodSettings> {
        let scope = Scope { value: element, prefix: format!("{PERIODS}[{index}]."), known: "rates.periods[]." };
        for name in ["name", "rate", "start"] {
            if layer::find(element, name).is_none() {
                let key = format!("{}{name}", scope.prefix);
                self.faults.push(Fault::new(self.origins.of(element), key, "must be set"));
            }
        }
        let name = self.read(&scope, "name", None, |text| scalar::topic_name(text).map(Some))?;
        let rate = self.read(&scope, "rate", None, |text| scalar::rate(text).map(Some))?;
        let start = self.read(&scope, "start", None, |text| scalar::time_of_day(text).map(Some))?;
        for (key, value) in [("name", name.to_ascii_lowercase()), ("start", scalar::show_time(start))] {
            let first = *seen.entry(value.clone()).or_insert(index);
            if let (true, Some(at)) = (first != index, layer::find(element, key)) {
                let want = Want::from(format!("must differ from the {key} of {PERIODS}[{first}]"));
                self.faults.push(Fault::of(want, self.origins.of(at), format!("{}{key}", scope.prefix), &value, false));
            }
        }
        Some(PeriodSettings { name, rate: RateSettings { rate, start } })
    }
}
