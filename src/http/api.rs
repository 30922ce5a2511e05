//! Our own interface, below `/api/v1/`. docs/api.md tells of it, and a document that it serves.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::{Problem, json, text_json};
use super::commands::{self, CommandReport, How, LONGEST_BODY, Sent};
use super::live;
use super::plants::{Shared, locked};
use super::recent::{self, EventItem, EventList};
use crate::control::{By, Context, controls, is_command};
use crate::frame::Serial;
use crate::settings::InForce;

mod diagnosis;
mod health;
mod history;
mod log;
mod metrics;
mod schemas;

pub(super) use diagnosis::Desk;
pub(super) use schemas::SnapshotBody;
use schemas::{Alive, ControlList, OverrideList, PlantList};

/// Who answers there.
pub(super) const PROGRAM: &str = "givtcp";

/// Where it is asked whether the program lives.
pub(super) const HEALTH: &str = "/healthz";

/// Where it is asked whether every inverter is polled.
pub(super) const READINESS: &str = "/readyz";

/// Every route, and the document of them.
fn documented() -> OpenApiRouter<Arc<Shared>> {
    let info = InfoBuilder::new()
        .title("givtcp")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("GivEnergy inverters: what they do, what is set, and commands that do what they say."))
        .build();
    OpenApiRouter::with_openapi(OpenApiBuilder::new().info(info).build())
        .routes(routes!(plants))
        .routes(routes!(snapshot))
        .routes(routes!(list_controls))
        .routes(routes!(list_overrides))
        .routes(routes!(history::points))
        .routes(routes!(history::csv))
        .routes(routes!(history::series))
        .routes(routes!(history::energy))
        .routes(routes!(diagnosis::begin, diagnosis::state))
        .routes(routes!(diagnosis::archive))
        .routes(routes!(command))
        .routes(routes!(settings_in_force))
        .routes(routes!(log::of_now, log::change))
        .routes(routes!(events))
        .routes(routes!(document))
        .routes(routes!(health::of_plant))
        .routes(routes!(health::ready))
        .routes(routes!(alive))
        .routes(routes!(metrics::metrics))
}

/// Every route.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::from(documented()).layer(DefaultBodyLimit::max(LONGEST_BODY))
}

/// The document of them, without what is the same for all.
pub(super) fn openapi() -> OpenApi {
    documented().into_openapi()
}

/// Which inverter: its number, from 1, or its serial number.
struct Which {
    place: usize,
    serial: Option<Serial>,
}

fn which(shared: &Shared, name: &str) -> Result<Which, Problem> {
    let place = shared.place(name).ok_or_else(|| {
        Problem::absent(format!("no inverter of this number or serial number; there are {}", shared.plants.len()))
    })?;
    Ok(Which { place, serial: name.parse().ok().filter(|_| name.parse::<usize>().is_err()) })
}

/// All inverters of the settings
///
/// In their order, whether anything was read of them or not.
#[utoipa::path(get, path = "/api/v1/plants", tag = "plants", responses((status = 200, description = "They.", body = PlantList)))]
async fn plants(State(shared): State<Arc<Shared>>) -> Response {
    json(StatusCode::OK, &PlantList::of(&shared))
}

/// The settings in force
///
/// Each with where it came from, secrets as `(set)`; and what is wrong with the settings as they stand now, which are not in
/// force while anything is.
#[utoipa::path(get, path = "/api/v1/settings", tag = "program", responses((status = 200, description = "They.", body = InForce)))]
async fn settings_in_force(State(shared): State<Arc<Shared>>) -> Response {
    let shown = shared.in_force.borrow().clone();
    json(StatusCode::OK, &shown)
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct WithRaw {
    /// Whether the registers are told too.
    #[serde(default)]
    raw: bool,
}

/// What an inverter does now
///
/// Every value that is published, by its path below the inverter's topic. What was not read is not there. Asked with
/// `Accept: text/event-stream`, one after the other as they are read: a stream of server-sent events `snapshot`, whose
/// `data` is the same. Where another process of a group has the inverter, what it read last, and `age`.
#[utoipa::path(
    get,
    path = "/api/v1/plants/{plant}/snapshot",
    tag = "plants",
    params(("plant" = String, Path, description = "Number from 1, or serial number.", example = "1"), WithRaw),
    responses((status = 200, description = "It.", content(
        (SnapshotBody = "application/json"),
        (SnapshotBody = "text/event-stream"),
    )))
)]
async fn snapshot(
    State(shared): State<Arc<Shared>>,
    Path(plant): Path<String>,
    query: Result<Query<WithRaw>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Query(WithRaw { raw }) = query.map_err(|rejection| Problem::bad(rejection.body_text()))?;
    if wants_stream(&headers) {
        let Which { place, .. } = which(&shared, &plant)?;
        return live::follow(&shared, place, raw).ok_or_else(too_many_streams);
    }
    let body = match which(&shared, &plant) {
        Ok(Which { place, .. }) => match shared.left(place).await {
            Some(left) => Some(SnapshotBody::of_another(&left, raw)),
            None => SnapshotBody::of(&shared, place, raw),
        },
        Err(absent) => Some(SnapshotBody::of_another(&shared.left_of(&plant).await.ok_or(absent)?, raw)),
    };
    let body = body.ok_or_else(Problem::no_data)?;
    Ok(json(StatusCode::OK, &body))
}

/// What can be set on an inverter
///
/// Each control that this model has, with its range, unit and value. A command of that name sets it.
#[utoipa::path(
    get,
    path = "/api/v1/plants/{plant}/controls",
    tag = "commands",
    params(("plant" = String, Path, description = "Number from 1, or serial number.", example = "1")),
    responses((status = 200, description = "They.", body = ControlList))
)]
async fn list_controls(State(shared): State<Arc<Shared>>, Path(plant): Path<String>) -> Result<Response, Problem> {
    let Which { place, .. } = which(&shared, &plant)?;
    let (Some(snapshot), Some(tree)) = (shared.snapshot(place), shared.tree(place)) else {
        return Err(Problem::no_data());
    };
    let role = shared.plants.get(place).map(|plant| (plant.role)(snapshot.identity.serial));
    let offered = match role {
        Some(role) if !role.is_read_only() => controls(&Context::of(&snapshot, None, None)),
        _ => Vec::new(),
    };
    Ok(json(StatusCode::OK, &ControlList::of(offered, &tree)))
}

/// Which timed overrides run
///
/// The commands `forceCharge`, `forceExport`, `tempPauseCharge` and `tempPauseDischarge` start them, and end them with
/// the duration `Cancel`.
#[utoipa::path(
    get,
    path = "/api/v1/plants/{plant}/overrides",
    tag = "commands",
    params(("plant" = String, Path, description = "Number from 1, or serial number.", example = "1")),
    responses((status = 200, description = "They.", body = OverrideList))
)]
async fn list_overrides(State(shared): State<Arc<Shared>>, Path(plant): Path<String>) -> Result<Response, Problem> {
    let Which { place, .. } = which(&shared, &plant)?;
    let snapshot = shared.snapshot(place).ok_or_else(Problem::no_data)?;
    Ok(json(StatusCode::OK, &OverrideList::of(&snapshot)))
}

/// Sets something
///
/// By GivTCP's name, with GivTCP's JSON body: docs/control.md has each. The answer comes when it is done and read back, or
/// not done, within nine seconds.
#[utoipa::path(
    post,
    path = "/api/v1/plants/{plant}/commands/{command}",
    tag = "commands",
    params(
        ("plant" = String, Path, description = "Number from 1, or serial number.", example = "1"),
        ("command" = String, Path, description = "GivTCP's name of the command.", example = "setBatteryReserve"),
        How,
    ),
    request_body(content = Object, description = "The command's fields.", example = json!({"reservePercent": 20})),
    responses((status = 200, description = "Done, or planned if it is a dry run.", body = CommandReport))
)]
async fn command(
    State(shared): State<Arc<Shared>>,
    Path((plant, command)): Path<(String, String)>,
    sent: Sent,
) -> Result<Response, Problem> {
    let Which { place, serial } = which(&shared, &plant)?;
    if !is_command(&command) {
        return Err(Problem::absent(format!("no such command; docs/control.md has them all: {}", shown(&command))));
    }
    let report = commands::give(&shared, place, serial, By::Api, &command, sent).await?;
    Ok(json(commands::status(&report.outcome), &CommandReport::from(report)))
}

/// What happened
///
/// The last events. Asked with `Accept: text/event-stream`, each as it happens: a stream of server-sent events, whose
/// `data` is an event as in the list. With a `Last-Event-ID` it begins after that one. A reader that missed some is told by
/// the event `missed` how many, one whose last event is of an earlier run of the program by `restarted`; both should read
/// the state again.
#[utoipa::path(
    get,
    path = "/api/v1/events",
    tag = "events",
    responses((status = 200, description = "They.", content(
        (EventList = "application/json"),
        (EventItem = "text/event-stream"),
    )))
)]
async fn events(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Result<Response, Problem> {
    if !wants_stream(&headers) {
        return Ok(json(StatusCode::OK, &shared.recent.list()));
    }
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    recent::follow(&shared, last).ok_or_else(too_many_streams)
}

fn wants_stream(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("text/event-stream"))
}

fn too_many_streams() -> Problem {
    let why = "too many streams are open; end one, or try again later";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_streams", why)
}

/// This document
#[utoipa::path(
    get,
    path = "/api/v1/openapi.json",
    tag = "document",
    responses((status = 200, description = "OpenAPI 3.1.", content_type = "application/json", body = Object))
)]
async fn document(State(shared): State<Arc<Shared>>) -> Response {
    text_json(StatusCode::OK, shared.document.clone()).into_response()
}

/// Whether this program lives
///
/// Told to everyone, without the token. It says nothing of inverters: one that is away is no reason to restart the program.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "health",
    operation_id = "health",
    security(()),
    responses((status = 200, description = "It does.", body = Alive))
)]
async fn alive() -> Response {
    json(StatusCode::OK, &Alive { program: PROGRAM, alive: true })
}

/// At most a line of what was sent.
fn shown(text: &str) -> String {
    text.chars().take(40).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
