//! A program with one inverter, asked without a socket.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use secrecy::SecretString;
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::catalogue::Role;
use crate::clock::SystemClock;
use crate::control::{Inbox, Report, orders};
use crate::diagnosis::{Diagnosis, Watched};
use crate::history::History;
use crate::http::api::Desk;
use crate::http::plants::{Plant, Shared};
use crate::http::server::Peer;
use crate::http::who::Rules;
use crate::http::{api, givtcp, guard, page};
use crate::link::Tap;
use crate::plant::Snapshot;
use crate::settings::{InForce, Readers, Settings, ShownFault, ShownSetting};
use crate::vitals::tests::Kept;

pub(super) const TOKEN: &str = "correct-horse-battery";

/// A program with one inverter, of which this was read.
pub(super) struct House {
    pub(super) shared: Arc<Shared>,
    pub(super) router: Router,
    pub(super) inbox: Inbox,
    pub(super) snapshots: watch::Sender<Option<Arc<Snapshot>>>,
    pub(super) kept: Kept,
}

impl House {
    pub(super) fn new(read: Option<Snapshot>) -> Self {
        Self::of(read, Readers::Token)
    }

    pub(super) fn of(read: Option<Snapshot>, readers: Readers) -> Self {
        Self::with_history(read, readers, None)
    }

    /// One that knows what was.
    pub(super) fn with_history(read: Option<Snapshot>, readers: Readers, history: Option<History>) -> Self {
        let kept = Kept::new(read);
        let (snapshots, receiver) = (kept.snapshots.clone(), kept.snapshots.subscribe());
        let (orders, inbox) = orders();
        let plant = Plant {
            name: "garage".to_owned(),
            snapshots: receiver,
            orders,
            role: Arc::new(|_| Role::Whole),
            elsewhere: None,
            vitals: kept.vitals.clone(),
        };
        let token = Some(SecretString::from(TOKEN));
        let rules = Rules { token, readers, hosts: Vec::new(), supervised: false };
        let tokens = || CancellationToken::new();
        let diagnosis = Diagnosis {
            settings: Settings::default(),
            inverters: vec![Watched { vitals: kept.vitals.clone(), tap: Tap::default() }],
            clock: Arc::new(SystemClock),
            since: tokio::time::Instant::now(),
        };
        let diagnosis = Some(Desk::new(diagnosis));
        let shown = |key: &str, value: &str, from: Option<&str>| ShownSetting {
            key: key.to_owned(),
            value: value.to_owned(),
            from: from.map(ToOwned::to_owned),
        };
        let settings = vec![
            shown("mqtt.host", "127.0.0.1", None),
            shown("mqtt.password", "(set)", Some("/etc/givtcp/givtcp.yaml:3:13")),
        ];
        let faults = vec![ShownFault {
            key: Some("poll.every".to_owned()),
            source: Some("/etc/givtcp/givtcp.yaml".to_owned()),
            line: Some(4),
            column: Some(10),
            ..ShownFault::of("/etc/givtcp/givtcp.yaml:4:10: poll.every: must be at least 5s: 1s")
        }];
        let in_force = watch::channel(InForce { settings, faults, waiting: Vec::new() }).1;
        let shared =
            Arc::new(Shared { history, diagnosis, ..Shared::new(vec![plant], rules, in_force, tokens(), tokens()) });
        let router = guard::around(givtcp::of_all(1).merge(api::routes()).merge(page::routes()), &shared);
        Self { shared, router, inbox, snapshots, kept }
    }

    pub(super) async fn ask(
        &self,
        peer: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let (parts, body) = self.respond(peer, method, path, headers, body).await.into_parts();
        let bytes = axum::body::to_bytes(body, 4_000_000).await.unwrap();
        let header = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        Answer {
            status: parts.status,
            allow: header("allow"),
            challenge: header("www-authenticate"),
            kind: header("content-type").unwrap_or_default(),
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        }
    }

    /// The same, with a body that is still to be read.
    pub(super) async fn respond(
        &self,
        peer: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response {
        let mut request = Request::builder().method(method).uri(path).header("host", "127.0.0.1:8099");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::from(body.to_owned())).unwrap();
        request.extensions_mut().insert(Peer(peer.parse().unwrap()));
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.ask("127.0.0.1", "GET", path, &[], "").await
    }

    pub(super) async fn post(&self, path: &str, body: &str) -> Answer {
        self.ask("127.0.0.1", "POST", path, &[("content-type", "application/json")], body).await
    }
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) allow: Option<String>,
    pub(super) challenge: Option<String>,
    pub(super) kind: String,
    pub(super) body: Value,
}

impl Answer {
    pub(super) fn shown(&self) -> String {
        format!("{} {}", self.status.as_u16(), self.body)
    }
}

/// Answers each order with what `outcome` makes of it.
pub(super) fn executing(
    inbox: Inbox,
    outcome: impl Fn(&str) -> Report + Send + 'static,
) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        let mut taking = inbox.take().await;
        loop {
            let given = taking.next().await;
            let report = outcome(&given.order.to_string());
            given.answer(report);
        }
    })
}
