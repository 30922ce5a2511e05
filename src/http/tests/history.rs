use std::sync::Arc;

use axum::http::StatusCode;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::house::House;
use crate::clock::Clock;
use crate::fleet::Standing;
use crate::history::{History, Source};
use crate::inverter::Hold;
use crate::plant::tests::fixture::{hybrid, plant_of, snapshot};
use crate::settings::Readers;

struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        "2026-06-05T12:10:00Z".parse().unwrap()
    }
}

/// A history in this directory, of noon of a day in June.
pub(super) fn history_in(directory: &TempDir) -> History {
    History::new(directory.path().to_owned(), 730, TimeZone::UTC, Arc::new(Stopped))
}

#[tokio::test]
async fn what_was_is_told_by_points_as_a_table_and_by_days() {
    let directory = tempfile::tempdir().unwrap();
    let history = history_in(&directory);
    let (sender, snapshots) = watch::channel(None);
    let (_hold, hold) = watch::channel(Hold { standing: Standing::Holding, ..Hold::default() });
    let shutdown = CancellationToken::new();
    let keeping = tokio::spawn(history.clone().keep(vec![Source { snapshots, hold }], shutdown.clone()));
    let mut read = snapshot(&plant_of(&hybrid()));
    (read.rates, read.today) = (None, crate::plant::snapshot::Energy::default());
    read.today.pv = Some(12.3);
    for (at, soc) in [("12:00:05", Some(50)), ("12:00:20", Some(53)), ("12:05:00", None)] {
        read.stats.last_updated = Some(format!("2026-06-05T{at}Z").parse().unwrap());
        (read.power.soc, read.power.pv) = (soc, Some(1500));
        sender.send_replace(Some(Arc::new(read.clone())));
        for _ in 0..5 {
            tokio::task::yield_now().await;
        }
    }
    let query = "series=soc,pv_power&from=2026-06-05T12:00:00Z&to=2026-06-05T12:10:00Z";
    // What is not written yet is told too, and the same.
    let early = House::with_history(Some(read.clone()), Readers::Token, Some(history.clone()));
    let [points, energy] = [format!("history?{query}"), "energy?from=2026-06-05&to=2026-06-05".to_owned()];
    let mut before = Vec::new();
    for path in [&points, &energy] {
        before.push(early.get(&format!("/api/v1/plants/1/{path}")).await.body);
    }
    assert!(history.knows(read.identity.serial).await.unwrap());
    shutdown.cancel();
    keeping.await.unwrap();
    let house = House::with_history(Some(read), Readers::Token, Some(history));
    for (path, before) in [&points, &energy].into_iter().zip(before) {
        assert_eq!(house.get(&format!("/api/v1/plants/1/{path}")).await.body, before, "{path}");
    }
    let answer = house.get(&format!("/api/v1/plants/1/history?{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    insta::assert_snapshot!(answer.body["series"].to_string(), @r#"[{"name":"soc","unit":"%","points":[[1780660800,51.5,50.0,53.0]]},{"name":"pv_power","unit":"W","points":[[1780660800,1500.0,1500.0,1500.0],[1780661100,1500.0,1500.0,1500.0]]}]"#);
    assert_eq!(answer.body["step_seconds"], 60);
    let table = house.respond("127.0.0.1", "GET", &format!("/api/v1/plants/1/history.csv?{query}"), &[], "").await;
    let text = axum::body::to_bytes(table.into_body(), 10_000).await.unwrap();
    insta::assert_snapshot!(String::from_utf8_lossy(&text).replace("\r\n", "\n"), @r"
    time,soc,pv_power
    2026-06-05T12:00:00Z,51.5,1500
    2026-06-05T12:05:00Z,,1500
    ");
    let days = house.get("/api/v1/plants/1/energy?from=2026-06-01&to=2026-06-30").await;
    insta::assert_snapshot!(days.body["days"].to_string(), @r#"[{"date":"2026-06-05","pv":12.3}]"#);
    for wrong in [
        "history?series=volume",
        "history?from=2026-06-05T12:00:00Z&to=2026-06-05T11:00:00Z",
        "history?step=2m",
        "history?from=2020-06-05T12:00:00Z&step=1m",
        "history?to=yesterday",
        "energy?from=2026-06-06&to=2026-06-05",
        "energy?from=0001-01-01",
    ] {
        let answer = house.get(&format!("/api/v1/plants/1/{wrong}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}: {answer:?}");
    }
    let names = house.get("/api/v1/plants/1/history/series").await;
    assert_eq!(names.body["series"][0]["name"], "soc");
}

#[tokio::test]
async fn where_nothing_is_kept_it_says_so_and_nothing_is_told_without_the_token() {
    let house = House::new(Some(snapshot(&plant_of(&hybrid()))));
    for path in ["history", "history.csv", "energy"] {
        let path = format!("/api/v1/plants/1/{path}");
        let answer = house.get(&path).await;
        assert_eq!((answer.status, answer.body["code"].as_str()), (StatusCode::NOT_FOUND, Some("no_history")));
        assert_eq!(house.ask("192.168.1.7", "GET", &path, &[], "").await.status, StatusCode::UNAUTHORIZED);
    }
}
