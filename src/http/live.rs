//! An inverter's values as they are read: a stream of snapshots.

use std::convert::Infallible;
use std::sync::Arc;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use tokio::sync::watch;

use super::api::SnapshotBody;
use super::plants::Shared;
use super::recent::ALIVE;
use crate::plant::Snapshot;

/// The kind of each event.
const KIND: &str = "snapshot";

/// Who follows one inverter.
struct Follower {
    shared: Arc<Shared>,
    snapshots: watch::Receiver<Option<Arc<Snapshot>>>,
    place: usize,
    raw: bool,
}

/// A stream of what is read of the inverter at this place: what is known already, then each new snapshot, of which a slow
/// reader gets the newest. `None`, if there are streams enough, or no such inverter.
pub(super) fn follow(shared: &Arc<Shared>, place: usize, raw: bool) -> Option<Response> {
    let permit = Arc::clone(&shared.streams).try_acquire_owned().ok()?;
    let mut snapshots = shared.plants.get(place)?.snapshots.clone();
    snapshots.mark_changed();
    let follower = Follower { shared: Arc::clone(shared), snapshots, place, raw };
    let stopped = shared.shutdown.clone().cancelled_owned();
    let events = stream::unfold((follower, permit), |(mut follower, permit)| async {
        follower.next().await.map(|event| (Ok::<_, Infallible>(event), (follower, permit)))
    });
    Some(Sse::new(events.take_until(Box::pin(stopped))).keep_alive(KeepAlive::new().interval(ALIVE)).into_response())
}

impl Follower {
    async fn next(&mut self) -> Option<Event> {
        loop {
            self.snapshots.changed().await.ok()?;
            self.snapshots.mark_unchanged();
            if let Some(body) = SnapshotBody::of(&self.shared, self.place, self.raw) {
                return Some(Event::default().event(KIND).data(serde_json::to_string(&body).ok()?));
            }
        }
    }
}
