//! The page's files, and the stream of values that it follows.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use futures::StreamExt;

use super::house::House;
use crate::plant::tests::fixture::{hybrid, plant_of, snapshot};

/// A machine of the home network.
const AFAR: &str = "192.168.1.77";

async fn text(response: Response) -> String {
    String::from_utf8(to_bytes(response.into_body(), 1_000_000).await.unwrap().into()).unwrap()
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

/// Where the page's scripts and styles are, as it names them.
fn assets(page: &str) -> Vec<String> {
    page.split('"')
        .filter(|text| text.contains("assets/"))
        .map(|path| path.trim_start_matches('.').to_owned())
        .collect()
}

#[tokio::test]
async fn the_page_is_given_to_everyone_and_the_data_behind_it_are_not() {
    let house = House::new(Some(snapshot(&plant_of(&hybrid()))));
    let page = house.respond(AFAR, "GET", "/", &[], "").await;
    assert_eq!(page.status(), StatusCode::OK);
    assert_eq!(header(page.headers(), "content-type"), "text/html; charset=utf-8");
    assert!(header(page.headers(), "content-security-policy").starts_with("default-src 'self';"));
    assert_eq!(header(page.headers(), "cache-control"), "no-cache");
    let assets = assets(&text(page).await);
    assert!(assets.len() >= 2, "{assets:?}");
    for path in &assets {
        let path = if path.starts_with('/') { path.clone() } else { format!("/{path}") };
        let file = house.respond(AFAR, "GET", &path, &[], "").await;
        assert_eq!(file.status(), StatusCode::OK, "{path}");
        assert!(header(file.headers(), "cache-control").ends_with("immutable"), "{path}");
        assert!(
            ["text/css", "text/javascript"].iter().any(|kind| header(file.headers(), "content-type").starts_with(kind))
        );
    }
    for (method, path) in [("GET", "/api/v1/plants"), ("POST", "/"), ("GET", "/assets/none.js"), ("GET", "/Cargo.toml")]
    {
        let answer = house.ask(AFAR, method, path, &[], "").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
    }
    assert_eq!(house.get("/assets/..%2Findex.html").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_page_is_sent_compressed_where_that_is_understood_and_not_again_where_it_is_known() {
    let house = House::new(None);
    let plain = house.respond(AFAR, "GET", "/", &[("accept-encoding", "br, gzip;q=0")], "").await;
    assert_eq!(header(plain.headers(), "content-encoding"), "");
    let tag = header(plain.headers(), "etag").to_owned();
    let plain = text(plain).await;
    let small = house.respond(AFAR, "GET", "/", &[("accept-encoding", "br;q=1, gzip;q=0.5")], "").await;
    assert_eq!(
        (header(small.headers(), "content-encoding"), header(small.headers(), "vary")),
        ("gzip", "accept-encoding")
    );
    let small = to_bytes(small.into_body(), 1_000_000).await.unwrap();
    assert!(small.starts_with(&[0x1f, 0x8b]) && small.len() < plain.len());
    let known = house.respond(AFAR, "GET", "/", &[("if-none-match", &tag)], "").await;
    assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(text(known).await, "");
}

/// The next of a stream's events, past the lines that show that it lives.
async fn event(stream: &mut axum::body::BodyDataStream) -> String {
    String::from_utf8(stream.next().await.unwrap().unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn values_are_told_at_once_and_then_as_they_are_read() {
    let mut read = snapshot(&plant_of(&hybrid()));
    read.power.soc = Some(50);
    let house = House::new(Some(read.clone()));
    let wanted = [("accept", "text/event-stream")];
    let answer = house.respond("127.0.0.1", "GET", "/api/v1/plants/1/snapshot", &wanted, "").await;
    assert!(header(answer.headers(), "content-type").starts_with("text/event-stream"));
    let mut stream = Body::into_data_stream(answer.into_body());
    let first = event(&mut stream).await;
    assert!(first.starts_with("event: snapshot\ndata: {"), "{first}");
    assert!(first.contains(r#""path":"Power/Power/SOC","value":50,"#), "{first}");
    for soc in [51, 52] {
        read.power.soc = Some(soc);
        house.snapshots.send_replace(Some(Arc::new(read.clone())));
    }
    // Who is slow gets the newest.
    assert!(event(&mut stream).await.contains(r#""path":"Power/Power/SOC","value":52,"#));
    house.shared.shutdown.cancel();
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn there_are_no_more_streams_than_sixteen() {
    let house = House::new(None);
    let wanted = [("accept", "text/event-stream")];
    let follow = || house.respond("127.0.0.1", "GET", "/api/v1/plants/1/snapshot", &wanted, "");
    let mut open = Vec::new();
    for _ in 0..16 {
        open.push(follow().await);
    }
    assert!(open.iter().all(|answer| answer.status() == StatusCode::OK));
    let refused = follow().await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(text(refused).await.contains("too_many_streams"));
    open.pop();
    assert_eq!(follow().await.status(), StatusCode::OK);
}
