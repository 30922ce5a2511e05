//! The web page: the files of `web/dist`, which are part of the program.
//!
//! They hold no data and are given to everyone who may connect; what the page shows it asks for at `/api/v1`, with the
//! token where that is wanted. All addresses in it are relative, so that it works below any path, as behind ingress.

use std::borrow::Cow;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rust_embed::{EmbeddedFile, RustEmbed};

use super::answer::Problem;
use super::plants::Shared;

/// Scripts and styles of its own alone, and in frames of its own site alone, as ingress is.
const POLICY: &str = "default-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'";
/// What may change with the next version of the program is asked for again each time.
const ASK_AGAIN: &str = "no-cache";
/// A file whose name says what is in it never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// The folder of such files.
const ASSETS: &str = "assets/";

#[derive(RustEmbed)]
#[folder = "web/dist"]
struct Dist;

/// The page's routes.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/", get(|headers: HeaderMap| async move { file("index.html", &headers) }))
        .route("/favicon.svg", get(|headers: HeaderMap| async move { file("favicon.svg", &headers) }))
        .route("/licenses.txt", get(|headers: HeaderMap| async move { file("licenses.txt", &headers) }))
        .route("/assets/{name}", get(asset))
}

/// Whether one of the page's files is asked for, which hold no data.
pub(super) fn is_asked_for(request: &Request) -> bool {
    let path = request.uri().path().trim_start_matches('/');
    let name = if path.is_empty() { "index.html" } else { path };
    matches!(*request.method(), Method::GET | Method::HEAD) && Dist::get(name).is_some()
}

async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    file(&format!("{ASSETS}{name}"), &headers)
}

/// The file of this name below `web/dist`, compressed if that is understood.
fn file(name: &str, headers: &HeaderMap) -> Response {
    let Some(plain) = Dist::get(name) else {
        return Problem::absent("the page has no such file").into_response();
    };
    let tag = tag(&plain);
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return with_headers(StatusCode::NOT_MODIFIED.into_response(), name, &tag);
    }
    let compressed = takes_gzip(headers).then(|| Dist::get(&format!("{name}.gz"))).flatten();
    let encoded = compressed.is_some();
    let mut response = with_headers(body(compressed.unwrap_or(plain)).into_response(), name, &tag);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(name)));
    if encoded {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

fn with_headers(mut response: Response, name: &str, tag: &str) -> Response {
    let keep = if name.starts_with(ASSETS) { FOR_EVER } else { ASK_AGAIN };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// What the file is known by. It stands for both of its encodings, hence weak.
fn tag(file: &EmbeddedFile) -> String {
    use std::fmt::Write as _;
    file.metadata.sha256_hash().iter().take(8).fold("W/\"".to_owned(), |mut tag, byte| {
        _ = write!(tag, "{byte:02x}");
        tag
    }) + "\""
}

fn body(file: EmbeddedFile) -> Body {
    match file.data {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes).into(),
        Cow::Owned(bytes) => bytes.into(),
    }
}

/// Whether gzip is among what the sender takes, and not with a weight of nothing.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|one| {
        let mut parts = one.split(';').map(str::trim);
        parts.next().is_some_and(|coding| coding.eq_ignore_ascii_case("gzip"))
            && !parts.any(|weight| weight.trim_start_matches("q=").parse() == Ok(0.0))
    })
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}
