use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::json;

use crate::catalogue::{Layout, as_json};
use crate::control::{Outcome, Report, Touched};
use crate::event::Events;
use crate::http::givtcp;
use crate::plant::tests::fixture::{filled_plant, hybrid, plant_of, snapshot};
use crate::settings::Readers;
use house::{House, TOKEN, executing};

mod diagnosis;
mod documented;
mod health;
mod history;
mod house;
mod paged;

#[tokio::test]
async fn reading_answers_in_the_shape_of_the_topics_with_numbers_as_numbers() {
    let read = snapshot(&plant_of(&hybrid()));
    let published = as_json(&Layout::new(true).tree(&read));
    let house = House::new(Some(read));
    for path in ["/REST1/readData", "/REST1/runAll", "/REST1/getCache"] {
        let answer = house.get(path).await;
        assert_eq!((answer.status, &*answer.kind), (StatusCode::OK, "application/json"), "{path}");
        let mut expected = published.clone();
        expected["Stats"]["status"] = "online".into();
        for section in ["Battery_Details", "Meter_Details"] {
            expected.as_object_mut().unwrap().entry(section).or_insert_with(|| json!({}));
        }
        assert_eq!(answer.body, expected, "{path}");
        assert!(answer.body["Power"]["Power"]["SOC"].is_i64());
        assert!(answer.body["Stats"]["GivTCP_Version"].as_str().unwrap().starts_with('3'));
    }
}

#[tokio::test]
async fn before_anything_was_read_it_says_so_and_no_more() {
    let house = House::new(None);
    for path in [
        "/REST1/readData",
        "/REST1/fullCache",
        "/api/v1/plants/1/snapshot",
        "/api/v1/plants/1/controls",
        "/api/v1/plants/1/overrides",
    ] {
        let answer = house.get(path).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(answer.body["code"], "no_data", "{path}");
    }
    insta::assert_snapshot!(house.get("/api/v1/plants").await.shown(), @r#"200 {"plants":[{"number":1,"name":"garage","serial":null,"model":null,"online":false,"last_updated":null,"led":false}]}"#);
}

#[tokio::test]
async fn the_last_polls_are_kept_and_no_more_than_eleven() {
    let house = House::new(None);
    let task = tokio::spawn(super::past::keep(Arc::clone(&house.shared), 0));
    tokio::task::yield_now().await;
    let mut read = snapshot(&plant_of(&hybrid()));
    for poll in 0..15_i64 {
        read.power.soc = Some(50 + poll);
        read.stats.cycles = poll as u64;
        house.snapshots.send_replace(Some(Arc::new(read.clone())));
        // The same poll told twice is one.
        tokio::task::yield_now().await;
        house.snapshots.send_replace(Some(Arc::new(read.clone())));
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }
    let answer = house.get("/REST1/fullCache").await;
    assert_eq!(answer.body["Power/Power/SOC"], json!((54..=64).collect::<Vec<_>>()));
    assert!(!answer.body.as_object().unwrap().keys().any(|path| path.starts_with("raw/")));
    task.abort();
}

#[tokio::test]
async fn everyone_is_told_that_the_program_lives_and_nothing_else() {
    let house = House::new(Some(snapshot(&plant_of(&hybrid()))));
    let from_afar = [("origin", "https://evil.example"), ("x-forwarded-for", "1.2.3.4")];
    for asked in 0..300 {
        let answer = house.ask("203.0.113.9", "GET", "/healthz", &from_afar, "").await;
        assert_eq!(answer.shown(), r#"200 {"program":"givtcp","alive":true}"#, "{asked}");
    }
    for (method, path) in [("POST", "/healthz"), ("GET", "/healthz/"), ("GET", "/healthz/../api/v1/plants")] {
        let answer = house.ask("203.0.113.9", method, path, &[], "").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
    }
    assert_eq!(house.ask("127.0.0.1", "DELETE", "/healthz", &[], "").await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn nothing_acts_on_get() {
    let house = House::new(Some(snapshot(&plant_of(&hybrid()))));
    let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let task = executing(house.inbox.clone(), move |asked| {
        count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Report::new(asked, Outcome::Applied)
    });
    for (number, name) in givtcp::commands().into_iter().enumerate() {
        // Another sender each time: one of them would be asked to wait.
        let peer = format!("127.0.0.{}", number + 1);
        for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            let answer = house.ask(&peer, method, &format!("/REST1/{name}"), &[], "").await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {name}");
            assert_eq!(answer.allow.as_deref(), Some("POST"), "{method} {name}");
        }
    }
    assert!(!house.shared.restart.is_cancelled());
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 0);
    task.abort();
}

#[tokio::test]
async fn every_command_of_givtcp_is_taken_with_its_own_body() {
    let house = House::new(Some(snapshot(&plant_of(&hybrid()))));
    let task = executing(house.inbox.clone(), |asked| Report::new(asked, Outcome::Applied));
    for command in crate::control::COMMANDS {
        let name = command.numbered(1);
        let answer = house.post(&format!("/REST1/{name}?dry_run=1"), command.body).await;
        assert_eq!(answer.status, StatusCode::OK, "{name}: {answer:?}");
        assert!(answer.body["result"].as_str().unwrap().starts_with("Success: "), "{name}: {answer:?}");
    }
    task.abort();
}

#[tokio::test]
async fn what_becomes_of_a_command_is_told_with_a_status_that_is_true() {
    let house = House::new(Some(snapshot(&plant_of(&hybrid()))));
    let outcomes = std::sync::Mutex::new(
        [
            Outcome::Applied,
            Outcome::Unchanged,
            Outcome::Clamped { achieved: 2600 },
            Outcome::Rejected {
                register: 110,
                what: "reserve".into(),
                wanted: 20,
                holds: Some(4),
                why: "no effect".into(),
            },
            Outcome::refused("disabled", "commands are switched off"),
            Outcome::refused("out_of_range", "reserve (HR 110) is out of range: must be 4..100: 2"),
            Outcome::refused("budget", "300 writes today"),
            Outcome::refused("unread", "must be read first: HR 110"),
            Outcome::unreachable("no answer"),
        ]
        .into_iter(),
    );
    let task = executing(house.inbox.clone(), move |asked| {
        let mut report = Report::new(asked, outcomes.lock().unwrap().next().unwrap());
        if report.outcome == Outcome::Applied {
            report.registers.push(Touched::new(110, Some(4), Some(20)));
        }
        report
    });
    let mut shown = String::new();
    for _ in 0..9 {
        shown += &house.post("/REST1/setBatteryReserve", r#"{"reservePercent": 20}"#).await.shown();
        shown += "\n";
    }
    insta::assert_snapshot!(shown, @r#"
        200 {"result":"Success: reserve 20 % (by rest): applied; HR 110 4 to 20","outcome":"applied"}
        200 {"result":"Success: reserve 20 % (by rest): unchanged","outcome":"unchanged"}
        200 {"result":"Success: reserve 20 % (by rest): clamped (2600)","outcome":"clamped"}
        409 {"result":"Error: reserve 20 % (by rest): rejected, HR 110 (reserve) holds 4: no effect","outcome":"rejected"}
        403 {"result":"Error: reserve 20 % (by rest): refused (disabled): commands are switched off","outcome":"refused"}
        409 {"result":"Error: reserve 20 % (by rest): refused (out_of_range): reserve (HR 110) is out of range: must be 4..100: 2","outcome":"refused"}
        429 {"result":"Error: reserve 20 % (by rest): refused (budget): 300 writes today","outcome":"refused"}
        503 {"result":"Error: reserve 20 % (by rest): refused (unread): must be read first: HR 110","outcome":"refused"}
        503 {"result":"Error: reserve 20 % (by rest): unreachable: no answer","outcome":"unreachable"}
        "#);
    task.abort();
}

#[test]
fn our_report_is_the_executors_in_one_piece() {
    let rejected =
        Outcome::Rejected { register: 110, what: "reserve".into(), wanted: 20, holds: Some(4), why: "late".into() };
    for outcome in [
        Outcome::Applied,
        Outcome::Clamped { achieved: 1 },
        rejected,
        Outcome::refused("busy", "later"),
        Outcome::unreachable("gone"),
        Outcome::Planned,
    ] {
        let mut report = Report::new("reserve 20 %", outcome);
        report.registers.push(Touched::new(110, Some(4), None));
        report.put_back = Some(true);
        report.notes.push("a note".into());
        let theirs = serde_json::to_value(&report).unwrap();
        let ours = serde_json::to_value(super::commands::CommandReport::from(report)).unwrap();
        assert_eq!(ours, theirs);
    }
}

#[tokio::test]
async fn what_is_no_command_is_told_with_what_is_wanted() {
    let house = House::new(Some(snapshot(&plant_of(&hybrid()))));
    let reserve = "/REST1/setBatteryReserve";
    let mut shown = String::new();
    for (path, body) in [
        (reserve, ""),
        (reserve, "{}"),
        (reserve, "20"),
        (reserve, "[20]"),
        (reserve, "{\"reservePercent\": 200}"),
        (reserve, "{\"reservePercent\": [20]}"),
        (reserve, "{"),
        ("/REST1/setBatteryReserve?dry_run=maybe", "{\"reservePercent\": 20}"),
        ("/REST1/setBatteryReserve", "{\"reservePercent\": 20, \"dry_run\": \"maybe\"}"),
        ("/REST1/setBatteryReserve?dryrun=true", "{\"reservePercent\": 20}"),
        ("/REST1/setNothing", "{}"),
        ("/REST2/setBatteryReserve", "{}"),
        ("/api/v1/plants/1/commands/setNothing", "{}"),
        ("/api/v1/plants/2/commands/setBatteryReserve", "{}"),
        ("/api/v1/plants/XX1234G567/commands/setBatteryReserve", "{}"),
    ] {
        shown += &[path, " ", body, ": ", &house.post(path, body).await.shown(), "\n"].concat();
    }
    insta::assert_snapshot!(shown, @r#"
        /REST1/setBatteryReserve : 400 {"code":"bad_request","message":"setBatteryReserve: must be a whole percentage from 0 to 100"}
        /REST1/setBatteryReserve {}: 400 {"code":"bad_request","message":"setBatteryReserve: must be a whole percentage from 0 to 100, in a field `reservePercent`: {}"}
        /REST1/setBatteryReserve 20: 400 {"code":"bad_request","message":"the body must be a JSON object; docs/api.md and docs/control.md say what is in it"}
        /REST1/setBatteryReserve [20]: 400 {"code":"bad_request","message":"the body must be a JSON object; docs/api.md and docs/control.md say what is in it"}
        /REST1/setBatteryReserve {"reservePercent": 200}: 400 {"code":"bad_request","message":"setBatteryReserve: must be a whole percentage from 0 to 100: 200"}
        /REST1/setBatteryReserve {"reservePercent": [20]}: 400 {"code":"bad_request","message":"setBatteryReserve: must be text or a number: {\"reservePercent\": [20]}"}
        /REST1/setBatteryReserve {: 400 {"code":"bad_request","message":"setBatteryReserve: must be text or a good JSON object: {"}
        /REST1/setBatteryReserve?dry_run=maybe {"reservePercent": 20}: 400 {"code":"bad_request","message":"Failed to deserialize query string: dry_run: unknown variant `maybe`, expected one of `true`, `false`, `1`, `0`, `on`, `off`, `enable`, `disable`"}
        /REST1/setBatteryReserve {"reservePercent": 20, "dry_run": "maybe"}: 400 {"code":"bad_request","message":"setBatteryReserve: has a dry_run that is neither true nor false: {\"reservePercent\": 20, \"dry_run\": \"maybe\"}"}
        /REST1/setBatteryReserve?dryrun=true {"reservePercent": 20}: 400 {"code":"bad_request","message":"Failed to deserialize query string: dryrun: unknown field `dryrun`, expected `dry_run`"}
        /REST1/setNothing {}: 404 {"code":"not_found","message":"there is nothing here; docs/api.md says what is where"}
        /REST2/setBatteryReserve {}: 404 {"code":"not_found","message":"there is nothing here; docs/api.md says what is where"}
        /api/v1/plants/1/commands/setNothing {}: 404 {"code":"not_found","message":"no such command; docs/control.md has them all: setNothing"}
        /api/v1/plants/2/commands/setBatteryReserve {}: 404 {"code":"not_found","message":"no inverter of this number or serial number; there are 1"}
        /api/v1/plants/XX1234G567/commands/setBatteryReserve {}: 404 {"code":"not_found","message":"no inverter of this number or serial number; there are 1"}
        "#);
    let long = format!("{{\"reservePercent\": 20, \"x\": \"{}\"}}", "x".repeat(20_000));
    assert_eq!(house.post(reserve, &long).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let form = house.ask("127.0.0.1", "POST", reserve, &[("content-type", "text/plain")], "{}").await;
    assert_eq!(form.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn who_may_not_is_told_before_anything_else() {
    let house = House::new(Some(snapshot(&plant_of(&hybrid()))));
    for path in ["/REST1/readData", "/nothing", "/api/v1/openapi.json", "/REST1/settings"] {
        let answer = house.ask("192.168.1.7", "GET", path, &[], "").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        assert!(answer.challenge.unwrap().contains("Bearer"), "{path}");
        assert_eq!(answer.body["code"], "no_token");
    }
    let bearer = format!("Bearer {TOKEN}");
    let answer = house.ask("192.168.1.7", "GET", "/REST1/readData", &[("authorization", &bearer)], "").await;
    assert_eq!(answer.status, StatusCode::OK);
    let house = House::of(Some(snapshot(&plant_of(&hybrid()))), Readers::Anyone);
    assert_eq!(house.ask("192.168.1.7", "GET", "/REST1/readData", &[], "").await.status, StatusCode::OK);
    let command =
        house.ask("192.168.1.7", "POST", "/REST1/setBatteryReserve", &[("content-type", "application/json")], "{}");
    assert_eq!(command.await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn guessing_the_token_is_slowed_down() {
    let house = House::new(None);
    let guess = || house.ask("192.168.1.7", "GET", "/REST1/readData", &[("authorization", "Bearer wrong")], "");
    let mut refused = 0;
    while guess().await.status == StatusCode::UNAUTHORIZED {
        refused += 1;
    }
    assert_eq!(refused, 19);
    assert_eq!(guess().await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(house.get("/api/v1/plants").await.status, StatusCode::OK, "others are not");
}

#[tokio::test]
async fn what_givtcp_had_and_is_no_more_says_where_to_go() {
    let house = House::new(None);
    for (name, _) in givtcp::GONE {
        for method in ["GET", "POST"] {
            let answer = house.ask("127.0.0.1", method, &format!("/REST1/{name}"), &[], "").await;
            assert_eq!(answer.status, StatusCode::GONE, "{method} {name}");
        }
    }
    assert_eq!(house.post("/REST1/settings", "{}").await.status, StatusCode::GONE);
    let settings = house.get("/REST1/settings").await;
    assert_eq!(settings.body, json!({"mqtt.host": "127.0.0.1", "mqtt.password": "(set)"}));
}

#[tokio::test]
async fn a_restart_is_asked_for_by_post_and_not_by_a_dry_run() {
    let house = House::new(None);
    assert_eq!(house.post("/REST1/restart?dry_run=true", "").await.status, StatusCode::OK);
    assert!(!house.shared.restart.is_cancelled());
    insta::assert_snapshot!(house.post("/REST1/restart", "").await.shown(), @r#"200 {"result":"Success: restart of this program: applied","outcome":"applied"}"#);
    assert!(house.shared.restart.is_cancelled());
}

#[tokio::test]
async fn our_interface_tells_what_an_inverter_does_and_what_can_be_set() {
    let read = snapshot(&plant_of(&hybrid()));
    let serial = read.identity.serial;
    let house = House::new(Some(read));
    let by_serial = house.get(&format!("/api/v1/plants/{serial}/snapshot")).await;
    assert_eq!(by_serial.body, house.get("/api/v1/plants/1/snapshot").await.body);
    let values = by_serial.body["values"].as_array().unwrap().clone();
    let soc = values.iter().find(|value| value["path"] == "Power/Power/SOC").unwrap();
    assert_eq!(soc["unit"], "%");
    assert!(!values.iter().any(|value| value["path"].as_str().unwrap().starts_with("raw/")));
    let raw = house.get("/api/v1/plants/1/snapshot?raw=true").await;
    assert!(raw.body["values"].as_array().unwrap().len() > values.len() + 100);
    let controls = house.get("/api/v1/plants/1/controls").await;
    let controls = controls.body["controls"].as_array().unwrap();
    let control = |name: &str| controls.iter().find(|control| control["command"] == name).unwrap().to_string();
    let shown = ["setChargeRate", "setBatteryMode", "setChargeStart1", "rebootInverter"].map(control).join("\n");
    insta::assert_snapshot!(shown, @r#"
        {"command":"setChargeRate","kind":"number","min":0,"max":2600,"step":177,"unit":"W","path":"Control/Battery_Charge_Rate","value":2600,"confirm":false}
        {"command":"setBatteryMode","kind":"select","options":["Eco","Eco (Paused)","Timed Demand","Timed Export"],"path":"Control/Mode","value":"Eco","confirm":false}
        {"command":"setChargeStart1","kind":"time","path":"Timeslots/Charge_start_time_slot_1","value":"00:30:00","confirm":false}
        {"command":"rebootInverter","kind":"button","confirm":true}
        "#);
    insta::assert_snapshot!(house.get("/api/v1/plants/1/overrides").await.shown(), @r#"200 {"known":true,"overrides":[]}"#);
}

#[tokio::test]
async fn a_gateway_and_a_bare_house_are_told_too() {
    for model in [0x7001, 0x4001, 0x5001, 0x2301] {
        let house = House::new(Some(snapshot(&plant_of(&filled_plant(model, 612)))));
        for path in ["/REST1/readData", "/api/v1/plants/1/snapshot?raw=true", "/api/v1/plants/1/controls"] {
            assert_eq!(house.get(path).await.status, StatusCode::OK, "{model:04x} {path}");
        }
    }
}

#[tokio::test]
async fn events_are_listed_and_streamed_from_where_a_reader_was() {
    let house = House::new(None);
    let events = Events::new();
    let task = tokio::spawn(super::recent::keep(Arc::clone(&house.shared), events.subscribe()));
    let whose = crate::event::Whose {
        name: "garage",
        inverter: "SA2114G047".parse().unwrap(),
        at: "2026-06-05T11:09:54Z".parse().unwrap(),
    };
    let tell = async |count: u64| {
        for _ in 0..count {
            events.device_lost(whose, 0x33);
            tokio::task::yield_now().await;
        }
    };
    tell(3).await;
    tokio::task::yield_now().await;
    let listed = house.get("/api/v1/events").await.body;
    let run = listed["run"].as_str().unwrap().to_owned();
    assert_eq!((&listed["newest"], listed["events"].as_array().unwrap().len()), (&json!(3), 3));
    insta::assert_snapshot!(listed["events"][0].to_string().replace(&run, "RUN"), @r#"{"id":"RUN-1","number":1,"at":"2026-06-05T11:09:54Z","inverter":"SA2114G047","kind":"device_lost","details":{"device":"0x33"}}"#);
    let stream = async |last: Option<&str>, lines: usize| {
        let response = super::recent::follow(&house.shared, last).unwrap();
        let mut body = response.into_body().into_data_stream();
        let mut text = String::new();
        while text.matches("\n\n").count() < lines {
            let next = futures::StreamExt::next(&mut body).await.unwrap().unwrap();
            text += std::str::from_utf8(&next).unwrap();
        }
        text.lines()
            .filter(|line| !line.starts_with("data: {\"id\""))
            .collect::<Vec<_>>()
            .join(" ")
            .replace(&run, "RUN")
    };
    let after_first = format!("{run}-1");
    insta::assert_snapshot!(stream(Some(&after_first), 2).await, @"id: RUN-2 event: device_lost  id: RUN-3 event: device_lost");
    insta::assert_snapshot!(stream(Some("0-9"), 4).await, @"event: restarted data: {}  id: RUN-1 event: device_lost  id: RUN-2 event: device_lost  id: RUN-3 event: device_lost");
    tell(300).await;
    tokio::task::yield_now().await;
    insta::assert_snapshot!(stream(Some(&after_first), 2).await, @r#"event: missed data: {"missed":46}  id: RUN-48 event: device_lost"#);
    let open: Vec<_> = std::iter::from_fn(|| super::recent::follow(&house.shared, None)).take(100).collect();
    assert_eq!(open.len(), 16, "streams have a bound");
    drop(open);
    assert!(super::recent::follow(&house.shared, None).is_some());
    task.abort();
}
