use config::Value;
use secrecy::ExposeSecret;

use super::{Scope, Walk};
use crate::settings::fault::Fault;
use crate::settings::types::{InfluxSettings, Settings};
use crate::settings::{layer, scalar};

impl Walk<'_> {
    pub(super) fn influx(&mut self, scope: &Scope<'_>) -> InfluxSettings {
        let defaults = InfluxSettings::default();
        InfluxSettings {
            enabled: self.read(scope, "influx.enabled", defaults.enabled, scalar::boolean),
            url: self.read(scope, "influx.url", defaults.url, scalar::http_url),
            token: self.read(scope, "influx.token", defaults.token, scalar::secret_line),
            org: self.read(scope, "influx.org", defaults.org, scalar::line),
            bucket: self.read(scope, "influx.bucket", defaults.bucket, scalar::line),
            ca_file: self.read(scope, "influx.ca_file", None, |text| scalar::path(text).map(Some)),
        }
    }

    /// Who wants it written to must say where.
    pub(super) fn all_of_influx(&mut self, root: &Value, settings: &Settings) {
        let influx = &settings.influx;
        let Some(enabled) = layer::find(root, "influx.enabled").filter(|_| influx.enabled) else { return };
        let all = [
            ("influx.url", influx.url.is_empty()),
            ("influx.token", influx.token.expose_secret().is_empty()),
            ("influx.org", influx.org.is_empty()),
            ("influx.bucket", influx.bucket.is_empty()),
        ];
        for (key, _) in all.into_iter().filter(|(_, is_empty)| *is_empty) {
            // One that is wrong is a fault of its own.
            let is_wrong = layer::find(root, key).and_then(layer::text).is_some_and(|text| !text.is_empty());
            if !is_wrong {
                self.faults.push(Fault::new(
                    self.origins.of(enabled),
                    key,
                    "must be set, since influx.enabled is true",
                ));
            }
        }
    }
}
