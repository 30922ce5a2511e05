//! GivTCP's REST interface: `/REST1/…` for the first inverter, `/REST2/…` for the second, as behind GivTCP's own web
//! server; and the same routes without that beginning on ports of single inverters, where Predbat asks.
//!
//! What GivTCP answered to reading is answered here in the same shape. A command is a POST with GivTCP's body. Nothing acts
//! on GET.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::{Problem, json, text_json};
use super::commands::{self, LONGEST_BODY, OutcomeWord, Sent};
use super::past;
use super::plants::Shared;
use crate::control::{By, COMMANDS, Outcome, Report};

/// What GivTCP's routes for reading are named, and what they tell.
pub(super) const READS: [(&str, &str); 3] = [
    ("readData", "What the inverter does now"),
    ("runAll", "The same: nothing has to be run for it"),
    ("getCache", "The same"),
];

/// Routes of GivTCP that are no more, and what to use instead.
pub(super) const GONE: [(&str, &str); 9] = [
    (
        "showdata",
        "GivTCP's page of values is no more: readData has them, and /api/v1/plants/1/snapshot with their units",
    ),
    ("getEVCCache", "EV chargers are not read by this program"),
    ("setImportCap", "EV chargers are not controlled by this program"),
    ("setCurrentLimit", "EV chargers are not controlled by this program"),
    ("setChargeControl", "EV chargers are not controlled by this program"),
    ("setChargeMode", "EV chargers are not controlled by this program"),
    ("setChargingMode", "EV chargers are not controlled by this program"),
    ("setMaxSessionEnergy", "EV chargers are not controlled by this program"),
    ("controlCharge", "EV chargers are not controlled by this program"),
];

/// Why the settings are not taken here.
pub(super) const SETTINGS_ARE_A_FILE: &str =
    "settings are not changed over HTTP: they stand in the settings file, and docs/settings.md has them all";

/// What GivTCP answered to a command: a sentence. What became of it is a word beside it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reply {
    /// For people.
    #[schema(example = "Success: reserve 20 %: applied")]
    result: String,
    /// How it went.
    #[schema(value_type = OutcomeWord)]
    outcome: &'static str,
}

/// The names of every command, GivTCP's aliases included.
pub(super) fn commands() -> BTreeSet<String> {
    COMMANDS.iter().flat_map(crate::control::Name::all).collect()
}

/// The routes of every inverter.
pub(super) fn of_all(count: usize) -> Router<Arc<Shared>> {
    (0..count).fold(Router::new(), |all, place| all.nest(&format!("/REST{}", place + 1), of_one(place)))
}

/// The routes of one inverter.
pub(super) fn of_one(place: usize) -> Router<Arc<Shared>> {
    let read = move |State(shared): State<Arc<Shared>>| async move { read_data(&shared, place).await };
    let mut routes = Router::new();
    for (name, _) in READS {
        routes = routes.route(&format!("/{name}"), get(read));
    }
    for (name, why) in GONE {
        let gone = move || async move { Problem::gone(why) };
        routes = routes.route(&format!("/{name}"), get(gone).post(gone));
    }
    for name in commands() {
        let path = format!("/{name}");
        let name: Arc<str> = name.into();
        let order = move |State(shared): State<Arc<Shared>>, sent: Sent| async move {
            command(&shared, place, &name, sent).await
        };
        routes = routes.route(&path, post(order));
    }
    routes
        .route("/fullCache", get(move |State(shared): State<Arc<Shared>>| async move { full_cache(&shared, place) }))
        .route(
            "/api",
            get(|State(shared): State<Arc<Shared>>| async move { text_json(StatusCode::OK, shared.document.clone()) }),
        )
        .route(
            "/settings",
            get(|State(shared): State<Arc<Shared>>| async move { text_json(StatusCode::OK, shared.settings()) })
                .post(|| async { Problem::gone(SETTINGS_ARE_A_FILE) }),
        )
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
}

async fn read_data(shared: &Shared, place: usize) -> Result<Response, Problem> {
    // Whoever stands by may have read it once itself; that is older.
    if let Some(left) = shared.left(place).await {
        return Ok(json(StatusCode::OK, &left.read_data()));
    }
    shared.read_data(place).map(|data| json(StatusCode::OK, &data)).ok_or_else(Problem::no_data)
}

fn full_cache(shared: &Shared, place: usize) -> Result<Response, Problem> {
    past::shown(shared, place).map(|data| json(StatusCode::OK, &data)).ok_or_else(Problem::no_data)
}

async fn command(shared: &Shared, place: usize, name: &str, sent: Sent) -> Result<Response, Problem> {
    let report = commands::give(shared, place, None, By::Rest, name, sent).await?;
    Ok(json(commands::status(&report.outcome), &Reply::from(&report)))
}

impl From<&Report> for Reply {
    fn from(report: &Report) -> Self {
        let is_good = report.outcome.is_done() || report.outcome == Outcome::Planned;
        let mut result = format!("{}: {report}", if is_good { "Success" } else { "Error" });
        for step in &report.plan {
            // Writing to a string does not fail.
            _ = write!(result, "; HR {} to {} ({})", step.register, step.value, step.meaning);
        }
        Self { result, outcome: report.outcome.word() }
    }
}
