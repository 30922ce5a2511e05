//! How an inverter is kept, and whether all are.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use futures::future::join_all;
use jiff::{Timestamp, Unit};
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use super::{Problem, Shared, Which, json, which};
use crate::lock::Holder;
use crate::plant::{Rejection, Snapshot};
use crate::status::{Status, StatusName};
use crate::vitals::{PATIENCE, Readiness, Vitals};

/// How an inverter is kept. What is not known is not there.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Health {
    #[serde(skip_serializing_if = "Option::is_none")]
    serial: Option<String>,
    /// What the settings call it.
    name: String,
    /// Host and port of the settings.
    address: String,
    /// What is spoken there.
    #[schema(example = "dongle")]
    transport: String,
    /// Of the program.
    version: &'static str,
    link: LinkItem,
    /// Data that were not believed, by reason; only reasons that there were.
    #[serde(skip_serializing_if = "Option::is_none")]
    rejected: Option<Vec<RejectedItem>>,
    /// Its locks, and who has each.
    locks: Vec<LockItem>,
    /// Timed overrides that run.
    #[serde(skip_serializing_if = "Option::is_none")]
    statuses: Option<Vec<StatusItem>>,
    group: GroupItem,
    /// Absent before anything was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    writes: Option<WritesItem>,
    mqtt: BrokerItem,
}

/// The connection, and the counters of all that there were since the program began.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LinkItem {
    /// `connected`, `connecting`, `resting` before the next attempt, or `standby`: another process has the inverter.
    #[schema(example = "connected")]
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    since: Option<String>,
    /// Requests that were sent, repeated ones included.
    requests: u64,
    /// Requests that were not answered in time.
    timeouts: u64,
    /// Frames whose checksum was wrong.
    crc_errors: u64,
    /// Connections after the first.
    reconnects: u64,
    /// How long answers take of late, ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_ms: Option<u64>,
}

/// Why data were not believed, and how often.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RejectedItem {
    #[schema(example = "splice")]
    reason: &'static str,
    count: u64,
}

/// A lock.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LockItem {
    #[schema(example = "inverter_link:192.168.1.20:8899")]
    name: String,
    /// Machine and process; null where it is free.
    #[schema(example = "garage-pi:812")]
    holder: Option<String>,
    /// Whether that is this process.
    ours: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    since: Option<String>,
    /// A number that grows with each hold; told of the link's lock where this process has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    fence: Option<u64>,
}

/// A timed override that runs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StatusItem {
    #[schema(example = "force_charge")]
    name: &'static str,
    /// `running`, or `ending` when its time is over and it is not undone yet.
    state: &'static str,
    #[schema(format = DateTime)]
    since: String,
    #[schema(format = DateTime)]
    ends: String,
    /// What else is known of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// The processes that share the inverters.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GroupItem {
    /// `alone`, `active`: this process has the inverter, or `standby`: another has.
    #[schema(example = "alone")]
    role: &'static str,
    /// How many they are, this one included.
    #[schema(minimum = 1)]
    size: usize,
}

/// Registers that commands wrote today.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WritesItem {
    today: u32,
    /// No more are written in a day.
    limit: u32,
}

/// How it stands with the broker.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BrokerItem {
    /// Whether anything is published at all.
    enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    connected: Option<bool>,
    /// Host and port.
    #[serde(skip_serializing_if = "Option::is_none")]
    broker: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    since: Option<String>,
}

/// Whether every inverter is polled.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadinessList {
    /// Whether all of them are, and there is one.
    ready: bool,
    /// In the order of the settings.
    inverters: Vec<ReadinessItem>,
}

/// Whether one of them is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReadinessItem {
    /// From 1.
    #[schema(minimum = 1)]
    number: usize,
    ready: bool,
    /// `polled`, `standby`, `unread`, `silent`, `untaken` or `no_lock`.
    #[schema(example = "polled")]
    state: &'static str,
    /// The same for people, where it is not ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
}

/// How an inverter is kept
///
/// Its connection, what was not believed, its locks and who has them, timed overrides, the group of processes, writes, and
/// the broker. What is not known is not there.
#[utoipa::path(
    get,
    path = "/api/v1/plants/{plant}/health",
    tag = "health",
    operation_id = "plant_health",
    params(("plant" = String, Path, description = "Number from 1, or serial number.", example = "1")),
    responses((status = 200, description = "It.", body = Health))
)]
pub(super) async fn of_plant(
    State(shared): State<Arc<Shared>>,
    Path(plant): Path<String>,
) -> Result<Response, Problem> {
    let Which { place, .. } = which(&shared, &plant)?;
    let plant = shared.plants.get(place).ok_or_else(Problem::no_data)?;
    Ok(json(StatusCode::OK, &Health::of(&plant.vitals).await))
}

/// Whether every inverter is polled
///
/// Told to everyone, without the token, and without saying which inverters there are. One that another process has, for
/// which this one stands by, is as it should be. Restarting the program mends nothing of this: `/healthz` is for that.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "health",
    security(()),
    responses(
        (status = 200, description = "They are.", body = ReadinessList),
        (status = 503, description = "Not all are, or there are none yet.", body = ReadinessList),
    )
)]
pub(super) async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    let all = join_all(shared.plants.iter().map(|plant| plant.vitals.readiness())).await;
    let ready = !all.is_empty() && all.iter().all(|one| one.is_ready());
    let inverters = (1..).zip(all).map(|(number, readiness)| ReadinessItem::of(number, readiness)).collect();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json(status, &ReadinessList { ready, inverters })
}

// === impl Health ===

impl Health {
    async fn of(vitals: &Vitals) -> Self {
        let snapshot = vitals.snapshots.borrow().clone();
        let (locks, statuses) = tokio::join!(locks(vitals, snapshot.as_deref()), statuses(vitals, snapshot.as_deref()));
        let rejections = snapshot.as_ref().map(|snapshot| snapshot.stats.rejections);
        Self {
            serial: snapshot.as_ref().map(|snapshot| snapshot.identity.serial.to_string()),
            name: vitals.name.clone(),
            address: vitals.address.clone(),
            transport: vitals.transport.clone(),
            version: env!("CARGO_PKG_VERSION"),
            link: LinkItem::of(vitals),
            rejected: rejections.map(|rejections| {
                let all =
                    Rejection::ALL.map(|reason| RejectedItem { reason: reason.name(), count: rejections.of(reason) });
                all.into_iter().filter(|item| item.count > 0).collect()
            }),
            locks,
            statuses,
            group: GroupItem::of(vitals),
            writes: snapshot
                .map(|snapshot| WritesItem { today: snapshot.stats.writes_today, limit: vitals.daily_writes }),
            mqtt: BrokerItem::of(vitals),
        }
    }
}

async fn locks(vitals: &Vitals, snapshot: Option<&Snapshot>) -> Vec<LockItem> {
    let link = vitals.hold.borrow().resource.as_deref().map(str::to_owned);
    let fence = vitals.phase.borrow().fence;
    let own = snapshot.map(|snapshot| snapshot.identity.serial);
    let others = own.into_iter().flat_map(|serial| ["read", "write"].map(|what| format!("inverter_{what}:{serial}")));
    let holders = vitals.holders(link.clone().into_iter().chain(others).collect()).await;
    let item = |(name, holder): (String, Option<Holder>)| {
        let ours = holder.as_ref().is_some_and(Holder::is_this_process);
        LockItem {
            fence: fence.filter(|_| ours && Some(&name) == link.as_ref()),
            name,
            ours,
            since: holder.as_ref().map(|holder| moment(holder.since)),
            holder: holder.map(|holder| match holder.pid {
                0 => holder.to_string(),
                pid => format!("{}:{pid}", holder.host),
            }),
        }
    };
    holders.into_iter().map(item).collect()
}

/// `None` where nobody knows, or not in time.
async fn statuses(vitals: &Vitals, snapshot: Option<&Snapshot>) -> Option<Vec<StatusItem>> {
    let (manager, serial) = (vitals.statuses.as_ref()?, snapshot?.identity.serial);
    let all = timeout(PATIENCE, manager.list(serial)).await.ok()?.ok()?;
    let now = vitals.clock.now();
    let item = |status: Status| StatusItem {
        name: match status.name {
            StatusName::ForceCharge => "force_charge",
            StatusName::ForceExport => "force_export",
            StatusName::PauseCharge => "pause_charge",
            StatusName::PauseDischarge => "pause_discharge",
        },
        state: if status.until > now { "running" } else { "ending" },
        since: moment(status.since),
        ends: moment(status.until),
        why: Some(status.detail).filter(|detail| !detail.is_empty()),
    };
    Some(all.into_iter().map(item).collect())
}

impl LinkItem {
    fn of(vitals: &Vitals) -> Self {
        let (counts, (state, since)) = (vitals.link.snapshot(), vitals.link_state());
        Self {
            state,
            since: since.map(moment),
            requests: counts.requests,
            timeouts: counts.timeouts,
            crc_errors: counts.crc_errors,
            reconnects: counts.reconnects(),
            latency_ms: vitals.link.latency().recent().map(|recent| recent.as_millis() as u64),
        }
    }
}

impl GroupItem {
    fn of(vitals: &Vitals) -> Self {
        let size = *vitals.members.borrow();
        let role = match vitals.link_state().0 {
            "standby" => "standby",
            _ if size > 1 => "active",
            _ => "alone",
        };
        Self { role, size }
    }
}

impl BrokerItem {
    fn of(vitals: &Vitals) -> Self {
        let contact = vitals.mqtt.as_ref().and_then(|counters| counters.contact());
        Self {
            enabled: vitals.mqtt.is_some(),
            connected: vitals.mqtt.as_ref().map(|_| contact.as_ref().is_some_and(|contact| contact.connected)),
            since: contact.as_ref().map(|contact| moment(vitals.wall(contact.since))),
            broker: contact.map(|contact| contact.broker).filter(|broker| !broker.is_empty()),
        }
    }
}

impl ReadinessItem {
    fn of(number: usize, readiness: Readiness) -> Self {
        let (state, why) = match readiness {
            Readiness::Polled => ("polled", None),
            Readiness::Standby => ("standby", None),
            Readiness::Not(state, why) => (state, Some(why)),
        };
        Self { number, ready: readiness.is_ready(), state, why }
    }
}

/// To the second.
fn moment(at: Timestamp) -> String {
    at.round(Unit::Second).unwrap_or(at).to_string()
}
