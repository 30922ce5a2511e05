//! What is served over HTTP of a running fleet, and to whom.

use std::path::Path;
use std::sync::Arc;

use secrecy::ExposeSecret;
use tokio_util::sync::CancellationToken;

use super::common::Common;
use super::member::Member;
use super::roles::Roles;
use crate::diagnosis::Diagnosis;
use crate::history::History;
use crate::http::who::Rules;
use crate::http::{self, Elsewhere, Http, Places, Plant};
use crate::influx::InfluxCounters;
use crate::settings::Settings;

/// What is served beside the inverters.
pub(super) struct Beside {
    pub history: Option<History>,
    pub diagnosis: Diagnosis,
    pub influx: Option<Arc<InfluxCounters>>,
}

/// Serves until `shutdown`, where the settings want it.
pub(super) async fn serve(http: Option<(Http, Places)>, shutdown: CancellationToken) {
    if let Some((http, places)) = http {
        http::serve(http, places, shutdown).await;
    }
}

/// What is served, and where; `None` where nothing is to be.
pub(super) fn of(
    common: &Common,
    settings: &Settings,
    members: &[Member],
    elsewhere: Vec<Option<Elsewhere>>,
    beside: Beside,
    restart: &CancellationToken,
) -> Option<(Http, Places)> {
    let wanted = &settings.http;
    if !wanted.enabled {
        tracing::debug!("nothing is served over HTTP: http.enabled is false");
        return None;
    }
    let http = Http {
        plants: members
            .iter()
            .zip(elsewhere)
            .map(|(member, elsewhere)| Plant { elsewhere, ..plant(member, &common.roles) })
            .collect(),
        rules: Rules {
            token: Some(wanted.token.clone()).filter(|token| !token.expose_secret().is_empty()),
            readers: wanted.read,
            hosts: wanted.hosts.clone(),
            supervised: settings.supervisor.is_some(),
        },
        in_force: common.in_force.subscribe(),
        history: beside.history,
        diagnosis: Some(beside.diagnosis),
        influx: beside.influx,
        events: common.events.subscribe(),
        restart: restart.clone(),
    };
    Some((http, Places { listen: listen(settings), per_inverter: wanted.per_inverter_ports }))
}

/// Where a fleet of these settings listens.
pub(super) fn listen(settings: &Settings) -> String {
    settings.http.listen.clone().unwrap_or_else(|| http::usual_address(is_in_container(settings)).to_string())
}

fn plant(member: &Member, roles: &Roles) -> Plant {
    let (place, roles) = (member.place, roles.clone());
    Plant {
        name: member.vitals.name.clone(),
        snapshots: member.snapshots.clone(),
        orders: member.orders.clone(),
        role: Arc::new(move |serial| roles.of(place, serial)),
        elsewhere: None,
        vitals: member.vitals.clone(),
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
