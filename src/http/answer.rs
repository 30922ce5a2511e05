//! Answers: JSON, with a status that is true.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::who::Denied;

/// Why a request was not answered with what it asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Problem {
    /// A word for programs.
    #[schema(example = "no_data")]
    code: &'static str,
    /// The same for people: what is wrong, and what to do.
    message: String,
    #[serde(skip)]
    status: StatusCode,
}

/// `value` as JSON.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(text) => text_json(status, text),
        Err(error) => {
            tracing::error!("an answer could not be written, please report this: {error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Text that is JSON already.
pub(super) fn text_json(status: StatusCode, text: impl Into<Body>) -> Response {
    (status, [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], text.into()).into_response()
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), status }
    }

    /// 400: what was sent is not what is wanted.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    /// 404: there is nothing of that name.
    pub(super) fn absent(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// 410: GivTCP had it; where to go instead.
    pub(super) fn gone(message: &str) -> Self {
        Self::new(StatusCode::GONE, "gone", message)
    }

    /// 503: nothing was read of the inverter yet.
    pub(super) fn no_data() -> Self {
        let why = "nothing was read of this inverter yet, or another process has it and left nothing that is new enough; try again \
                   after the next poll";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "no_data", why)
    }

    /// 429.
    pub(super) fn too_many(wait: Duration) -> Response {
        let why = "too many requests: wait as long as Retry-After says, in seconds";
        let mut response = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", why).into_response();
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = json(self.status, &self);
        if self.status == StatusCode::UNAUTHORIZED {
            let both = HeaderValue::from_static("Bearer realm=\"givtcp\", Basic realm=\"givtcp\", charset=\"UTF-8\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, both);
        }
        response
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        Self::new(denied.status(), denied.code(), denied.to_string())
    }
}
