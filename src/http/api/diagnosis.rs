//! What helps to find out what is wrong, to be handed over.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};
use utoipa::ToSchema;

use super::{Problem, Shared, json};
use crate::diagnosis::{Diagnosis, LONGEST_RECORDING};
use crate::http::who::{self, Access, Denied};

/// An archive is kept for so long.
const KEPT: Duration = Duration::from_secs(600);
/// Beyond the recording it takes this at most.
const PACKING: Duration = Duration::from_secs(1);

/// Makes one archive at a time.
#[derive(Debug)]
pub(in crate::http) struct Desk {
    diagnosis: Diagnosis,
    stage: Arc<Mutex<Stage>>,
}

#[derive(Clone, Debug, Default)]
enum Stage {
    #[default]
    None,
    Recording {
        until: Instant,
    },
    Ready {
        archive: Bytes,
        made_at: String,
    },
    Failed {
        why: String,
    },
}

/// What is wanted.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// So long what goes over the wire is recorded before, s.
    #[serde(default)]
    #[schema(value_type = u64, minimum = 0, maximum = 300)]
    record_seconds: f64,
}

/// How far it is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Progress {
    #[schema(value_type = ProgressWord)]
    state: &'static str,
    /// Until it is ready, s.
    #[serde(skip_serializing_if = "Option::is_none")]
    ready_in_seconds: Option<u64>,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    made_at: Option<String>,
    /// How large it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<usize>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// The words of it.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "for the document alone")]
enum ProgressWord {
    None,
    Recording,
    Ready,
    Failed,
}

impl Desk {
    pub(in crate::http) fn new(diagnosis: Diagnosis) -> Self {
        Self { diagnosis, stage: Arc::default() }
    }

    fn stage(&self) -> Stage {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Begins to make one; whether none was being made.
    fn begin(&self, recording: Duration) -> bool {
        let mut stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(&*stage, Stage::Recording { .. }) {
            return false;
        }
        *stage = Stage::Recording { until: Instant::now() + recording + PACKING };
        let (diagnosis, kept) = (self.diagnosis.clone(), Arc::clone(&self.stage));
        tokio::spawn(async move {
            let made = diagnosis.make(recording).await;
            let now = diagnosis.clock.now().to_string();
            let stage = match made {
                Ok(archive) => Stage::Ready { archive: archive.into(), made_at: now.clone() },
                Err(error) => Stage::Failed { why: error.to_string() },
            };
            *kept.lock().unwrap_or_else(PoisonError::into_inner) = stage;
            sleep(KEPT).await;
            let mut stage = kept.lock().unwrap_or_else(PoisonError::into_inner);
            if matches!(&*stage, Stage::Ready { made_at, .. } if *made_at == now) {
                *stage = Stage::None;
            }
        });
        true
    }
}

impl From<Stage> for Progress {
    fn from(stage: Stage) -> Self {
        let blank = Self { state: "none", ready_in_seconds: None, made_at: None, bytes: None, why: None };
        match stage {
            Stage::None => blank,
            Stage::Recording { until } => {
                let left = until.saturating_duration_since(Instant::now()).as_secs();
                Self { state: "recording", ready_in_seconds: Some(left), ..blank }
            }
            Stage::Ready { archive, made_at } => {
                Self { state: "ready", made_at: Some(made_at), bytes: Some(archive.len()), ..blank }
            }
            Stage::Failed { why } => Self { state: "failed", why: Some(why), ..blank },
        }
    }
}

fn desk(shared: &Shared) -> Result<&Desk, Problem> {
    shared.diagnosis.as_ref().ok_or_else(|| Problem::absent("this program makes no diagnosis"))
}

/// Makes an archive for those who help
///
/// Settings without secrets, versions, the last hour's log, values and registers, and if asked what goes over the wire;
/// serials and addresses under other names. One at a time; it is kept for ten minutes.
#[utoipa::path(
    post,
    path = "/api/v1/diagnosis",
    tag = "diagnosis",
    request_body(content = Wanted, example = json!({"record_seconds": 60})),
    responses((status = 202, description = "It is being made.", body = Progress))
)]
pub(super) async fn begin(
    State(shared): State<Arc<Shared>>,
    Extension(access): Extension<Access>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    who::body(access, &headers)?;
    let wants = |why: String| Problem::bad(format!("wants {{\"record_seconds\": 60}}{why}"));
    let body = if body.trim_ascii().is_empty() { b"{}" } else { body.trim_ascii() };
    if !body.starts_with(b"{") {
        return Err(wants(String::new()));
    }
    let Wanted { record_seconds } = serde_json::from_slice(body).map_err(|error| wants(format!(": {error}")))?;
    // What is written as 60.0 is whole too.
    let whole = Some(record_seconds).filter(|seconds| seconds.fract() == 0.0);
    let recording = whole.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let Some(recording) = recording.filter(|recording| *recording <= LONGEST_RECORDING) else {
        return Err(Problem::bad(format!(
            "record_seconds is a whole number from 0 to {}",
            LONGEST_RECORDING.as_secs()
        )));
    };
    let desk = desk(&shared)?;
    if !desk.begin(recording) {
        let why = "one is being made; ask for it when it is ready";
        return Err(Problem::new(StatusCode::CONFLICT, "busy", why));
    }
    Ok(json(StatusCode::ACCEPTED, &Progress::from(desk.stage())))
}

/// How far the archive is
#[utoipa::path(
    get,
    path = "/api/v1/diagnosis",
    tag = "diagnosis",
    responses((status = 200, description = "So far.", body = Progress), (status = 404, description = "None is made here.", body = Problem))
)]
pub(super) async fn state(State(shared): State<Arc<Shared>>) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &Progress::from(desk(&shared)?.stage())))
}

/// The archive
///
/// For whoever may give commands.
#[utoipa::path(
    get,
    path = "/api/v1/diagnosis/archive",
    tag = "diagnosis",
    responses(
        (status = 200, description = "A compressed tape archive.", content_type = "application/gzip", body = Vec<u8>),
        (status = 404, description = "None was made, or it is not ready.", body = Problem),
    )
)]
pub(super) async fn archive(
    State(shared): State<Arc<Shared>>,
    Extension(access): Extension<Access>,
) -> Result<Response, Problem> {
    if !access.commands {
        return Err(Denied::NoToken.into());
    }
    let Stage::Ready { archive, .. } = desk(&shared)?.stage() else {
        return Err(Problem::absent("none is ready: POST /api/v1/diagnosis makes one"));
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/gzip")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"givtcp-diagnosis.tar.gz\"")),
    ];
    Ok((headers, archive).into_response())
}
