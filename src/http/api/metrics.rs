//! What Prometheus scrapes.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::Shared;
use crate::metrics::{self, Kept, Program};

/// Metrics for Prometheus
///
/// In its text format. docs/metrics.md has the names. Series go with their device, and with an inverter that does not answer.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "health",
    responses((status = 200, description = "They.", content_type = "text/plain", body = String))
)]
pub(super) async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let kept: Vec<Kept<'_>> = shared
        .plants
        .iter()
        .map(|plant| Kept { vitals: &plant.vitals, orders: plant.orders.tally(), role: &*plant.role })
        .collect();
    let program = Program {
        history: shared.history.as_ref().map(crate::history::History::writes),
        influx: shared.influx.as_ref().map(|counters| counters.snapshot()),
    };
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics::render(program, &kept))
        .into_response()
}
