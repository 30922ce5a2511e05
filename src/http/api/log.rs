//! What is logged, and how that is changed while the program runs.

use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::answer::{Problem, json};
use super::super::commands::Sent;
use crate::logging;

/// What is logged.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LogLevel {
    /// A level (`trace`, `debug`, `info`, `warn`, `error`, `off`), or a list of them with modules.
    #[schema(example = "info,givtcp::link=debug")]
    level: String,
}

/// What is logged
#[utoipa::path(get, path = "/api/v1/log", tag = "program", operation_id = "log_level", responses((status = 200, description = "It.", body = LogLevel)))]
pub(super) async fn of_now() -> Response {
    told()
}

/// Logs at another level
///
/// From now on, until `log.level` of the settings is changed or the program ends.
#[utoipa::path(
    post,
    path = "/api/v1/log",
    tag = "program",
    operation_id = "set_log_level",
    request_body(content = LogLevel, example = json!({"level": "info,givtcp::link=debug"})),
    responses((status = 200, description = "Done.", body = LogLevel))
)]
pub(super) async fn change(sent: Sent) -> Result<Response, Problem> {
    let wanted: LogLevel = sent.parse("{\"level\": \"info,givtcp::link=debug\"}")?;
    logging::set_level(&wanted.level).map_err(|why| Problem::bad(format!("level: {why}")))?;
    Ok(told())
}

fn told() -> Response {
    json(StatusCode::OK, &LogLevel { level: logging::level().unwrap_or_else(|| "off".to_owned()) })
}
