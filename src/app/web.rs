//! What is served over HTTP of a running fleet, and to whom.

use std::path::Path;
use std::sync::Arc;

use secrecy::ExposeSecret;
use tokio_util::sync::CancellationToken;

use super::roles::Roles;
use super::{App, Snapshots};
use crate::control::Orders;
use crate::diagnosis::Diagnosis;
use crate::http::who::Rules;
use crate::http::{self, Elsewhere, Http, Places, Plant};
use crate::settings::{InverterSettings, Settings, describe};
use crate::vitals::Vitals;

/// Serves until `shutdown`, where the settings want it.
pub(super) async fn serve(http: Option<(Http, Places)>, shutdown: CancellationToken) {
    if let Some((http, places)) = http {
        http::serve(http, places, shutdown).await;
    }
}

/// What is served, and where; `None` where nothing is to be.
pub(super) fn of(
    app: &App,
    settings: &Settings,
    roles: &Roles,
    diagnosis: &Diagnosis,
    elsewhere: Vec<Option<Elsewhere>>,
) -> Option<(Http, Places)> {
    let wanted = &settings.http;
    if !wanted.enabled {
        tracing::debug!("nothing is served over HTTP: http.enabled is false");
        return None;
    }
    let listed =
        settings.inverters.iter().zip(&app.snapshots).zip(&app.orders).zip(&app.vitals).zip(elsewhere).enumerate();
    let http = Http {
        plants: listed
            .map(|(place, ((((each, snapshots), orders), vitals), elsewhere))| Plant {
                elsewhere,
                ..plant(place, each, snapshots, orders, vitals, roles)
            })
            .collect(),
        rules: Rules {
            token: Some(wanted.token.clone()).filter(|token| !token.expose_secret().is_empty()),
            readers: wanted.read,
            hosts: wanted.hosts.clone(),
            supervised: settings.supervisor.is_some(),
        },
        settings: describe(settings),
        history: app.history.clone(),
        diagnosis: Some(diagnosis.clone()),
        influx: app.influx.clone(),
        events: app.events(),
        restart: app.restart.clone(),
    };
    Some((http, Places { listen: listen(settings), per_inverter: wanted.per_inverter_ports }))
}

/// Where a fleet of these settings listens.
pub(super) fn listen(settings: &Settings) -> String {
    settings.http.listen.clone().unwrap_or_else(|| http::usual_address(is_in_container(settings)).to_string())
}

fn plant(
    place: usize,
    each: &InverterSettings,
    snapshots: &Snapshots,
    orders: &Orders,
    vitals: &Vitals,
    roles: &Roles,
) -> Plant {
    let roles = roles.clone();
    Plant {
        name: each.name.clone().unwrap_or_else(|| each.host.clone()),
        snapshots: snapshots.clone(),
        orders: orders.clone(),
        role: Arc::new(move |serial| roles.of(place, serial)),
        elsewhere: None,
        vitals: vitals.clone(),
    }
}

/// Whether the loopback interface is that of a container. Docker, Podman and systemd-nspawn leave these signs.
fn is_in_container(settings: &Settings) -> bool {
    let signs = ["/.dockerenv", "/run/.containerenv"];
    let variables = ["container", "KUBERNETES_SERVICE_HOST"];
    settings.supervisor.is_some()
        || signs.iter().any(|path| Path::new(path).exists())
        || variables.iter().any(|name| std::env::var_os(name).is_some())
}
