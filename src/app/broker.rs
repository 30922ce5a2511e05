//! The broker of Home Assistant, as its Supervisor knows it.

use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use secrecy::ExposeSecret;

use crate::diagnosis;
use crate::homeassistant::supervisor::Supervisor;
use crate::mqtt::{self, Access, KnowsBroker};
use crate::settings::{MqttSettings, Settings};

/// Asks the Supervisor each time; what the settings say of the account and of TLS holds.
#[derive(Debug)]
struct OfSupervisor {
    supervisor: Supervisor,
    mqtt: MqttSettings,
}

/// Who knows the broker, where the settings do not name one and the Supervisor runs this program.
pub(super) fn known_by(settings: &Settings) -> Option<Arc<dyn KnowsBroker>> {
    let of = settings.supervisor.as_ref().filter(|supervisor| supervisor.gives_broker)?;
    let supervisor = Supervisor { at: of.at.clone(), token: of.token.clone() };
    Some(Arc::new(OfSupervisor { supervisor, mqtt: settings.mqtt.clone() }))
}

impl OfSupervisor {
    async fn ask(&self) -> Result<Access, String> {
        let service = self.supervisor.broker().await.map_err(|error| error.to_string())?;
        let files = &self.mqtt.tls;
        let tls = (service.ssl || files.enabled)
            .then(|| mqtt::tls_config(files.ca_file.as_deref(), files.cert_file.as_deref(), files.key_file.as_deref()))
            .transpose()
            .map_err(|error| error.to_string())?;
        diagnosis::remember_broker(&service.host, &service.password);
        let is_set = !self.mqtt.username.is_empty();
        let username = if is_set { self.mqtt.username.clone() } else { service.username };
        let is_set = is_set || !self.mqtt.password.expose_secret().is_empty();
        let password = if is_set { self.mqtt.password.clone() } else { service.password };
        Ok(Access { host: service.host, port: service.port, username, password, tls })
    }
}

impl KnowsBroker for OfSupervisor {
    fn access(&self) -> BoxFuture<'_, Result<Access, String>> {
        self.ask().boxed()
    }
}
