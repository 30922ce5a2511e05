//! The OpenAPI document: our own routes as they are declared beside their handlers, GivTCP's from the table of commands,
//! and what is the same for all.

use serde_json::{Map, Value, json};
use utoipa::PartialSchema;

use super::answer::Problem;
use super::givtcp::{GONE, READS, Reply, SETTINGS_ARE_A_FILE};
use super::{api, givtcp};
use crate::control::{COMMANDS, Name};

mod bodies;

/// The document of a program with so many inverters, as JSON.
pub(super) fn of(inverters: usize) -> String {
    let mut document = serde_json::to_value(api::openapi()).unwrap_or_default();
    let mut paths = document.get("paths").and_then(Value::as_object).cloned().unwrap_or_default();
    paths.extend(givtcp_paths(inverters));
    // Whether the program lives is told to everyone, and nothing comes before the answer.
    let guarded = paths.iter_mut().filter(|(path, _)| *path != api::HEALTH).map(|(_, item)| item);
    for operation in guarded.filter_map(Value::as_object_mut).flat_map(Map::values_mut) {
        add_what_all_answer(operation);
    }
    if let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        let own = [("Problem", Problem::schema()), ("Reply", Reply::schema())];
        schemas.extend(own.map(|(name, schema)| (name.to_owned(), serde_json::to_value(schema).unwrap_or_default())));
    }
    if let Some(root) = document.as_object_mut() {
        root.insert("paths".to_owned(), Value::Object(paths));
        // The token is needed by other machines and through proxies only.
        root.insert("security".to_owned(), json!([{}, { "bearer": [] }, { "basic": [] }]));
        if let Some(components) = root.get_mut("components").and_then(Value::as_object_mut) {
            let both = json!({
                "bearer": { "type": "http", "scheme": "bearer" },
                "basic": { "type": "http", "scheme": "basic", "description": "The token is the password; any name." },
            });
            components.insert("securitySchemes".to_owned(), both);
        }
    }
    document.to_string()
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn response(description: &str, schema: Value) -> Value {
    json!({ "description": description, "content": { "application/json": { "schema": schema } } })
}

/// Adds the answers that come before and instead of what was asked for.
fn add_what_all_answer(operation: &mut Value) {
    let is_command = operation.get("requestBody").is_some();
    let names_one = operation.get("parameters").and_then(Value::as_array).is_some_and(|all| !all.is_empty());
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    let done = responses.get("200").and_then(|ok| ok.pointer("/content/application~1json/schema")).cloned();
    // What could not be done is told in the shape of what is done.
    let told = match done.filter(|_| is_command) {
        Some(done) => json!({ "anyOf": [done, reference("Problem")] }),
        None => reference("Problem"),
    };
    let mut add = |status: &str, description: &str, schema: &Value| {
        responses.entry(status).or_insert_with(|| response(description, schema.clone()));
    };
    add("400", "Not what is wanted.", &reference("Problem"));
    add("401", "Needs the token.", &reference("Problem"));
    add("403", "Not for whoever asks, or not while commands are switched off.", &told);
    if names_one {
        add("404", "No such inverter or command.", &reference("Problem"));
    }
    if is_command {
        add("409", "The inverter will not have it, or did not take it.", &told);
        add("413", "The body is too long.", &reference("Problem"));
        add("415", "The body is not said to be JSON.", &reference("Problem"));
    }
    add("429", "Too many requests, or too many writes today.", &told);
    add("503", "Nothing was read yet, or the inverter cannot be reached now.", &told);
    for (status, response) in responses {
        if let ("401" | "429", Some(response)) = (status.as_str(), response.as_object_mut()) {
            let name = if status == "401" { "WWW-Authenticate" } else { "Retry-After" };
            // A budget for the day has no time after which to try again.
            response.insert("headers".to_owned(), json!({ name: { "schema": { "type": "string" } } }));
        }
    }
}

fn givtcp_paths(inverters: usize) -> Map<String, Value> {
    let which = json!([{
        "name": "n", "in": "path", "required": true, "example": 1,
        "description": "Which inverter, in the order of the settings.",
        "schema": { "type": "integer", "minimum": 1, "maximum": inverters.max(1) },
    }]);
    let read = |name: &str, summary: &str, schema: Value| {
        json!({
            "tags": ["GivTCP"], "summary": summary, "operationId": format!("givtcp_{name}"), "parameters": which,
            "responses": { "200": response("It.", schema) },
        })
    };
    let mut paths = Map::new();
    let mut put = |name: &str, item: Value| paths.insert(format!("/REST{{n}}/{name}"), item);
    for (name, summary) in READS {
        put(name, json!({ "get": read(name, summary, bodies::read_data()) }));
    }
    let values = json!({ "type": "object", "additionalProperties": { "type": "array", "items": bodies::scalar() } });
    put("fullCache", json!({ "get": read("fullCache", "Every value in the last polls, at most 11", values) }));
    let object = json!({ "type": "object" });
    put("api", json!({ "get": read("api", "This document", object) }));
    let shown = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    let mut settings = json!({ "get": read("settings", "The settings, without secrets", shown) });
    if let Some(item) = settings.as_object_mut() {
        item.insert("post".to_owned(), gone("settings_post", SETTINGS_ARE_A_FILE, &which));
    }
    put("settings", settings);
    for (name, why) in GONE {
        put(name, json!({ "get": gone(name, why, &which), "post": gone(&format!("{name}_post"), why, &which) }));
    }
    for command in COMMANDS {
        for name in command.all() {
            put(&name, json!({ "post": post(&name, command, &which) }));
        }
    }
    debug_assert!(givtcp::commands().iter().all(|name| paths.contains_key(&format!("/REST{{n}}/{name}"))));
    paths
}

fn gone(id: &str, why: &str, which: &Value) -> Value {
    json!({
        "tags": ["GivTCP"], "summary": why, "operationId": format!("givtcp_{id}"), "parameters": which, "deprecated": true,
        "responses": { "410": response(why, reference("Problem")) },
    })
}

fn post(name: &str, command: &Name, which: &Value) -> Value {
    let mut parameters = which.as_array().cloned().unwrap_or_default();
    parameters.push(json!({
        "name": "dry_run", "in": "query", "required": false, "schema": { "type": "boolean" },
        "description": "Whether it is only to be told what would be written.",
    }));
    // Where there is nothing to say, an empty object says that it is JSON.
    let schema = bodies::of(name, command);
    json!({
        "tags": ["GivTCP"],
        "summary": command.does,
        "description": format!("Takes {}.", command.takes),
        "operationId": format!("givtcp_{name}"),
        "parameters": parameters,
        "requestBody": { "required": true, "content": { "application/json": { "schema": schema } } },
        "responses": { "200": response("Done, or planned if it is a dry run.", reference("Reply")) },
    })
}
