//! Archives for those who help, asked for over HTTP.

use std::time::Duration;

use axum::body::to_bytes;
use axum::http::StatusCode;
use tokio::time::sleep;

use super::house::House;
use crate::diagnosis::archive::unpack;
use crate::settings::Readers;

#[tokio::test(start_paused = true)]
async fn an_archive_is_made_kept_for_ten_minutes_and_given_to_whoever_may_command() {
    let house = House::of(None, Readers::Anyone);
    assert_eq!(house.get("/api/v1/diagnosis").await.body["state"], "none");
    assert_eq!(house.get("/api/v1/diagnosis/archive").await.status, StatusCode::NOT_FOUND);
    let begun = house.post("/api/v1/diagnosis", r#"{"record_seconds": 20.0}"#).await;
    assert_eq!((begun.status, &begun.body["state"]), (StatusCode::ACCEPTED, &"recording".into()));
    sleep(Duration::from_secs(5)).await;
    assert_eq!(house.post("/api/v1/diagnosis", "").await.status, StatusCode::CONFLICT, "one at a time");
    assert_eq!(house.get("/api/v1/diagnosis").await.body["ready_in_seconds"], 16);
    sleep(Duration::from_secs(16)).await;
    let state = house.get("/api/v1/diagnosis").await.body;
    let answer = house.respond("127.0.0.1", "GET", "/api/v1/diagnosis/archive", &[], "").await;
    assert_eq!(answer.headers()["content-type"], "application/gzip");
    let archive = to_bytes(answer.into_body(), 1_000_000).await.unwrap();
    assert_eq!((&state["state"], &state["bytes"]), (&"ready".into(), &archive.len().into()));
    assert!(unpack(&archive).unwrap().iter().any(|text| text.name == "settings.txt"));
    let other = house.respond("192.168.1.9", "GET", "/api/v1/diagnosis/archive", &[], "").await;
    assert_eq!(other.status(), StatusCode::UNAUTHORIZED, "to read is not enough");
    sleep(Duration::from_secs(600)).await;
    assert_eq!(house.get("/api/v1/diagnosis").await.body["state"], "none");
}

#[tokio::test]
async fn what_is_no_wish_for_an_archive_is_refused() {
    let house = House::new(None);
    for body in [
        r#"{"record_seconds": 301}"#,
        r#"{"record_seconds": 1.5}"#,
        r#"{"record_seconds": -1}"#,
        r#"{"minutes": 1}"#,
        "[]",
        "nonsense",
    ] {
        assert_eq!(house.post("/api/v1/diagnosis", body).await.status, StatusCode::BAD_REQUEST, "{body}");
    }
    assert_eq!(house.get("/api/v1/diagnosis").await.body["state"], "none");
}
