use std::sync::Arc;

use axum::http::StatusCode;
use jiff::SignedDuration;
use serde_json::json;

use super::house::House;
use crate::fleet::Standing;
use crate::lock::{LockManager, Owner};
use crate::plant::tests::fixture::{hybrid, plant_of, snapshot};
use crate::vitals::tests::read_ago;

#[tokio::test]
async fn how_an_inverter_is_kept_is_told_part_by_part() {
    let house = House::new(Some(snapshot(&plant_of(&hybrid()))));
    let vitals = &house.kept.vitals;
    let serial = house.shared.snapshot(0).unwrap().identity.serial;
    let read = format!("inverter_read:{serial}");
    let _lease = vitals.locks.acquire(&read, &Owner::new("inverter garage"), None).await.unwrap();
    let answer = house.get(&format!("/api/v1/plants/{serial}/health")).await;
    let mut told = answer.body;
    assert_eq!(answer.status, StatusCode::OK, "{told}");
    assert!(told["link"]["since"].as_str().is_some_and(|since| since.ends_with('Z')));
    let lock = told["locks"][1].as_object_mut().unwrap();
    assert!(lock["holder"].as_str().unwrap().ends_with(&format!(":{}", std::process::id())));
    assert!(lock["ours"].as_bool().unwrap() && lock.contains_key("since"));
    told["link"].as_object_mut().unwrap().shift_remove("since");
    told["locks"].as_array_mut().unwrap().remove(1);
    insta::assert_snapshot!(told, @r#"{"serial":"SD2227G101","name":"garage","address":"192.168.1.20:8899","transport":"dongle","version":"0.1.0","link":{"state":"connected","requests":0,"timeouts":0,"crc_errors":0,"reconnects":0},"rejected":[],"locks":[{"name":"inverter_link:192.168.1.20:8899","holder":null,"ours":false},{"name":"inverter_write:SD2227G101","holder":null,"ours":false}],"group":{"role":"alone","size":1},"writes":{"today":0,"limit":300},"mqtt":{"enabled":true,"connected":false}}"#);
    assert_eq!(
        house.ask("192.168.1.7", "GET", "/api/v1/plants/1/health", &[], "").await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn before_anything_was_read_health_has_what_is_known_without() {
    let house = House::new(None);
    house.kept.hold.send_modify(|hold| hold.standing = Standing::Waiting);
    house.kept.members.send_replace(3);
    let told = house.get("/api/v1/plants/1/health").await.body;
    assert_eq!(told["link"]["state"], "standby");
    assert_eq!(told["group"], json!({"role": "standby", "size": 3}));
    for part in ["serial", "rejected", "statuses", "writes"] {
        assert!(told.get(part).is_none(), "{part}");
    }
}

#[tokio::test]
async fn everyone_is_told_whether_every_inverter_is_polled_and_not_which_there_are() {
    let house = House::new(None);
    let ask = || house.ask("203.0.113.9", "GET", "/readyz", &[("origin", "https://evil.example")], "");
    insta::assert_snapshot!(ask().await.shown(), @r#"503 {"ready":false,"inverters":[{"number":1,"ready":false,"state":"unread","why":"nothing was read of it yet"}]}"#);
    house.snapshots.send_replace(Some(Arc::new(read_ago(SignedDuration::from_secs(3)))));
    insta::assert_snapshot!(ask().await.shown(), @r#"200 {"ready":true,"inverters":[{"number":1,"ready":true,"state":"polled"}]}"#);
    house.snapshots.send_replace(Some(Arc::new(read_ago(SignedDuration::from_secs(300)))));
    insta::assert_snapshot!(ask().await.shown(), @r#"503 {"ready":false,"inverters":[{"number":1,"ready":false,"state":"silent","why":"it does not answer any more"}]}"#);
    let refused = house.ask("203.0.113.9", "POST", "/readyz", &[], "").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
}
