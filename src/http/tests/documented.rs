//! The document is held against the routes.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::history::history_in;
use super::house::{House, executing};
use crate::control::{Outcome, Report};
use crate::http::document;
use crate::settings::Readers;
use crate::vitals::tests::read_ago;

fn whole() -> Value {
    serde_json::from_str(&document::of(1)).unwrap()
}

/// Every operation: method, path as it is asked, and itself.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let mut all = Vec::new();
    for (path, item) in paths {
        for (method, operation) in item.as_object().unwrap() {
            let asked = path.replace("{n}", "1").replace("{plant}", "1").replace("{command}", "setBatteryReserve");
            all.push((method.to_uppercase(), asked, operation.clone()));
        }
    }
    all
}

#[tokio::test]
async fn every_operation_of_the_document_is_there_and_answers_as_it_says() {
    let directory = tempfile::tempdir().unwrap();
    let read = Some(read_ago(jiff::SignedDuration::ZERO));
    let house = House::with_history(read, Readers::Token, Some(history_in(&directory)));
    let task = executing(house.inbox.clone(), |asked| Report::new(asked, Outcome::Applied));
    let document = whole();
    let operations = operations(&document);
    assert!(operations.len() > 130, "{}", operations.len());
    for (method, path, operation) in operations {
        let example = operation.pointer("/requestBody/content/application~1json/example");
        let example = example.or_else(|| operation.pointer("/requestBody/content/application~1json/schema/example"));
        let body = example.map(Value::to_string).unwrap_or_default();
        let answer = match &*method {
            "GET" => house.get(&path).await,
            _ => house.post(&path, &body).await,
        };
        let told = operation["responses"].get(answer.status.as_str());
        assert!(told.is_some(), "{method} {path}: {answer:?}");
        let expected = if operation["deprecated"] == true { StatusCode::GONE } else { StatusCode::OK };
        // Nothing is kept of earlier polls here, and an archive takes a while.
        if path != "/REST1/fullCache" && !path.starts_with("/api/v1/diagnosis") {
            assert_eq!(answer.status, expected, "{method} {path} {body}: {answer:?}");
        }
    }
    task.abort();
}

#[test]
fn what_our_interface_answers_is_closed() {
    let document = whole();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        if schema["type"] == "object" {
            assert_eq!(schema["additionalProperties"], false, "{name}: {schema}");
        }
    }
    for (method, path, operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let answers = response["content"].as_object().unwrap();
            assert!(!answers.is_empty(), "{method} {path} {status}");
        }
    }
}

#[test]
fn references_lead_somewhere_and_ids_are_told_apart() {
    let document = whole();
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
    let mut ids: Vec<String> =
        operations(&document).iter().map(|(.., operation)| operation["operationId"].to_string()).collect();
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);
    assert_eq!(document["security"][0], json!({}), "the token is not always needed");
    insta::assert_snapshot!(format!("{} {}", document["openapi"], document["info"]), @r#""3.1.0" {"title":"givtcp","description":"GivEnergy inverters: what they do, what is set, and commands that do what they say.","version":"0.1.0"}"#);
}
