//! What is answered over HTTP: GivTCP's REST interface, so that what people have goes on working, an interface of our
//! own, described by a document that it serves, and the web page.
//!
//! A request passes, in this order, a bound on connections, a bound on its head and the time it takes, a bound on how
//! often its sender asks, and [`who`]: whether it may. Reading looks at the newest snapshot; a command becomes an order for
//! the task that owns the inverter's link, and its answer says what became of it. Nothing here waits for an inverter but
//! the answer to a command, and nothing here is waited for by polling.

mod answer;
mod api;
pub mod client;
mod commands;
mod document;
mod elsewhere;
mod givtcp;
mod guard;
mod limits;
mod live;
mod page;
mod past;
mod plants;
mod recent;
mod server;
pub mod who;

#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::diagnosis::Diagnosis;
use crate::event::Subscription;
use crate::history::History;
use crate::influx::InfluxCounters;
use crate::settings::{HttpSettings, InForce, Readers};

use api::Desk;
pub use elsewhere::{Elsewhere, Left};
use plants::Shared;
pub use plants::{Plant, RoleOf};
use who::Rules;

/// Between two attempts to listen.
const AGAIN: Duration = Duration::from_secs(5);

/// What is served.
pub struct Http {
    /// The inverters, in the order of the settings.
    pub plants: Vec<Plant>,
    /// Who may ask.
    pub rules: Rules,
    /// The settings as they are shown, without secrets.
    pub in_force: watch::Receiver<InForce>,
    /// What was, where it is kept.
    pub history: Option<History>,
    /// What helps to find out what is wrong.
    pub diagnosis: Option<Diagnosis>,
    /// What became of what an InfluxDB is told, if one is.
    pub influx: Option<Arc<InfluxCounters>>,
    /// What happens from now on.
    pub events: Subscription,
    /// Cancelled by whoever asks for a restart of the program.
    pub restart: CancellationToken,
}

/// Where it is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// Address and port of everything.
    pub listen: String,
    /// The first port of single inverters.
    pub per_inverter: Option<u16>,
}

/// Serves until `shutdown`. A port that cannot be had is tried for again: the rest of the program goes on meanwhile.
pub async fn serve(http: Http, places: Places, shutdown: CancellationToken) {
    let Http { plants, rules, in_force, history, diagnosis, influx, events, restart } = http;
    let (count, state) = (plants.len(), state(&rules));
    let diagnosis = diagnosis.map(Desk::new);
    let shared =
        Shared { history, diagnosis, influx, ..Shared::new(plants, rules, in_force, restart, shutdown.clone()) };
    let shared = Arc::new(shared);
    let mut tasks = JoinSet::new();
    tasks.spawn(recent::keep(Arc::clone(&shared), events));
    for place in 0..count {
        tasks.spawn(past::keep(Arc::clone(&shared), place));
    }
    let all = givtcp::of_all(count).merge(api::routes()).merge(page::routes());
    let inverters = if count == 1 { "1 inverter".to_owned() } else { format!("{count} inverters") };
    let said = format!("GivTCP's REST and /api/v1/ for {inverters}; {state}");
    tasks.spawn(at(places.listen.clone(), guard::around(all, &shared), said, shutdown.clone()));
    if let Some(first) = places.per_inverter {
        let host = places.listen.rsplit_once(':').map_or("127.0.0.1", |(host, _)| host).to_owned();
        for (place, port) in (0..count).zip(first..) {
            let said = format!("GivTCP's REST for inverters[{place}]; {state}");
            let router = guard::around(givtcp::of_one(place), &shared);
            tasks.spawn(at(format!("{host}:{port}"), router, said, shutdown.clone()));
        }
    }
    while tasks.join_next().await.is_some() {}
}

/// The address where it listens unless the settings say otherwise: where nobody else reaches it, but in a container, whose
/// own loopback interface nobody reaches at all.
pub fn usual_address(in_container: bool) -> SocketAddr {
    let address = if in_container { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST };
    SocketAddr::new(IpAddr::V4(address), HttpSettings::PORT)
}

async fn at(address: String, router: Router, what: String, shutdown: CancellationToken) {
    let mut said = false;
    let listener = loop {
        match TcpListener::bind(&*address).await {
            Ok(listener) => break listener,
            Err(error) if !std::mem::replace(&mut said, true) => {
                tracing::error!(
                    "http.listen: cannot listen on {address}: {error}; is another program there? Tried again until it works"
                );
            }
            Err(_) => {}
        }
        if shutdown.run_until_cancelled(sleep(AGAIN)).await.is_none() {
            return;
        }
    };
    let here = listener.local_addr().map_or(address, |here| here.to_string());
    tracing::info!("listening on http://{here}: {what}");
    server::serve(listener, router, shutdown).await;
}

/// Who may do what, in words.
fn state(rules: &Rules) -> &'static str {
    match (rules.token.is_some(), rules.readers) {
        (true, Readers::Token) => "who comes from elsewhere reads and commands with the token",
        (true, Readers::Anyone) => "who comes from elsewhere reads, and commands with the token",
        (false, Readers::Anyone) => "who comes from elsewhere reads, and commands nothing until http.token is set",
        (false, Readers::Token) => {
            "who comes from elsewhere is told nothing and commands nothing until http.token is set"
        }
    }
}
