//! A fake of Home Assistant's Supervisor: it answers as that does, over HTTP, and what it says can change.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What the programs of these tests are known by.
pub const TOKEN: &str = "0123456789abcdef";

/// What it says.
#[derive(Clone, Default)]
struct Said {
    broker: Option<Value>,
    networks: Vec<String>,
    forbidden: bool,
    asked: Vec<String>,
}

/// A running one, gone with the value.
pub struct Supervisor {
    address: SocketAddr,
    said: Arc<Mutex<Said>>,
    task: JoinHandle<()>,
}

impl Supervisor {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, said) = (listener.local_addr().unwrap(), Arc::<Mutex<Said>>::default());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&said));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, said, task }
    }

    /// What an app of it has in its environment, with `root` for `/`.
    pub fn environment(&self, root: &std::path::Path) -> Vec<(&'static str, String)> {
        vec![
            ("SUPERVISOR_TOKEN", TOKEN.to_owned()),
            ("GIVTCP_SUPERVISOR", self.address.to_string()),
            ("GIVTCP_ADDON_ROOT", root.display().to_string()),
        ]
    }

    fn change(&self, change: impl FnOnce(&mut Said)) {
        change(&mut self.said.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// There is a broker now, on 127.0.0.1; as documentation has it, its port is text.
    pub fn has_broker(&self, port: u16, username: &str, password: &str) {
        self.change(|said| {
            said.broker = Some(json!({
                "addon": "core_mosquitto", "host": "127.0.0.1", "port": port.to_string(), "ssl": false,
                "username": username, "password": password, "protocol": "3.1.1",
            }));
        });
    }

    /// The networks of the machine, as addresses with the length of their prefix.
    pub fn has_networks(&self, networks: &[&str]) {
        self.change(|said| said.networks = networks.iter().map(|&network| network.to_owned()).collect());
    }

    /// Whether it lets the app ask for anything.
    pub fn forbids(&self, forbidden: bool) {
        self.change(|said| said.forbidden = forbidden);
    }

    /// What was asked for so far.
    pub fn asked(&self) -> Vec<String> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).asked.clone()
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(said): State<Arc<Mutex<Said>>>, uri: Uri, headers: HeaderMap) -> (StatusCode, String) {
    let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
    said.asked.push(uri.path().to_owned());
    let bearer = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let error = |status: StatusCode, why: &str| (status, json!({ "result": "error", "message": why }).to_string());
    if bearer != format!("Bearer {TOKEN}") || said.forbidden {
        return (StatusCode::FORBIDDEN, "403: Forbidden".to_owned());
    }
    let data = match uri.path() {
        "/services/mqtt" => match &said.broker {
            Some(broker) => broker.clone(),
            None => return error(StatusCode::BAD_REQUEST, "Service not enabled"),
        },
        "/info" => json!({ "timezone": "Europe/Paris", "supervisor": "2026.11.0" }),
        "/network/info" => {
            let interface = |(place, address): (usize, &String)| json!({ "interface": format!("end{place}"), "enabled": true, "connected": true, "ipv4": { "address": [address] } });
            json!({ "interfaces": said.networks.iter().enumerate().map(interface).collect::<Vec<_>>() })
        }
        _ => return error(StatusCode::NOT_FOUND, "Not found"),
    };
    (StatusCode::OK, json!({ "result": "ok", "data": data }).to_string())
}
