//! What every request passes before anything of it is done, and every answer after.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tokio::time::{Instant, timeout};

use super::answer::Problem;
use super::limits::{ASKING, GUESSING};
use super::plants::Shared;
use super::server::Peer;
use super::who::{self, Denied};
use super::{api, page};

/// A request is answered within this, its body's arrival included; a command takes at most nine seconds.
const WITHIN: Duration = Duration::from_secs(15);

/// Puts the guard before all of these routes.
pub(super) fn around(routes: Router<Arc<Shared>>, shared: &Arc<Shared>) -> Router {
    routes
        .fallback(|| async { Problem::absent("there is nothing here; docs/api.md says what is where") })
        .method_not_allowed_fallback(|| async {
            let why = "this path does not take this method; the header Allow says which";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", why)
        })
        .layer(middleware::from_fn_with_state(Arc::clone(shared), guard))
        .with_state(Arc::clone(shared))
}

async fn guard(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    let mut response = match admit(&shared, &mut request) {
        Ok(()) => timeout(WITHIN, next.run(request)).await.unwrap_or_else(|_| {
            let why = "no answer within 15 seconds";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", why).into_response()
        }),
        Err(refusal) => *refusal,
    };
    let headers = response.headers_mut();
    // The page's files may be kept; they say so themselves.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    response
}

/// Whether somebody wants to know what is told to everyone: that the program lives, at any time, or whether all inverters
/// are polled.
fn is_check(request: &Request, path: &str) -> bool {
    request.uri().path() == path && matches!(*request.method(), Method::GET | Method::HEAD)
}

fn admit(shared: &Shared, request: &mut Request) -> Result<(), Box<Response>> {
    if is_check(request, api::HEALTH) {
        return Ok(());
    }
    // Without it the server would be broken, and then nobody is trusted.
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0);
    let Some(peer) = peer else { return Err(Box::new(StatusCode::INTERNAL_SERVER_ERROR.into_response())) };
    let limits = |cost| {
        let mut limits = shared.limits.lock().unwrap_or_else(PoisonError::into_inner);
        limits.take(peer, cost, Instant::now()).map_err(|wait| Box::new(Problem::too_many(wait)))
    };
    limits(ASKING)?;
    if page::is_asked_for(request) || is_check(request, api::READINESS) {
        return Ok(());
    }
    let authority = request.uri().authority().map(axum::http::uri::Authority::as_str);
    match who::access(&shared.rules, peer, request.method(), authority, request.headers()) {
        Ok(access) => {
            request.extensions_mut().insert(access);
            Ok(())
        }
        Err(denied) => {
            if denied == Denied::WrongToken {
                limits(GUESSING)?;
            }
            tracing::debug!("http: {peer}: {} {}: {denied}", request.method(), request.uri().path());
            Err(Box::new(Problem::from(denied).into_response()))
        }
    }
}
