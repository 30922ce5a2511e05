//! The tasks of the inverters: begun anew when they fail, and waited for at the end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::backoff::Backoff;
use crate::fleet::Standing;
use crate::inverter::{self, Hold, Inverter};
use crate::plant::Snapshot;

/// Keeps an inverter's task running. That it panics is a fault of the program, and no reason to leave the inverter:
/// it is said, the inverter is offline, and the task begins anew.
pub(super) async fn supervise(
    make: impl Fn() -> Inverter,
    snapshots: watch::Sender<Option<Arc<Snapshot>>>,
    standing: watch::Sender<Hold>,
    shutdown: CancellationToken,
) {
    let mut backoff = Backoff::new(Duration::from_secs(5), fastrand::u64(..));
    loop {
        // Rates and settings are asked for by orders.
        let (_, requests) = mpsc::channel(1);
        let task = tokio::spawn(inverter::run(make(), snapshots.clone(), requests, shutdown.clone()));
        // When this task is aborted, that one goes too.
        let Err(error) = AbortOnDropHandle::new(task).await else { return };
        // Its leases went with it: another process may have the inverter by now.
        standing.send_modify(|hold| hold.standing = Standing::Idle);
        tracing::error!("an inverter's task failed, please report this; it begins anew: {error}");
        snapshots.send_if_modified(|newest| match newest {
            Some(snapshot) => {
                Arc::make_mut(snapshot).stats.online = false;
                true
            }
            None => false,
        });
        let rest = backoff.next_rest(Duration::from_secs(60));
        if shutdown.run_until_cancelled(tokio::time::sleep(rest)).await.is_none() {
            return;
        }
    }
}

pub(super) async fn finish(tasks: &mut JoinSet<()>, within: Duration) {
    let all = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(within, all).await.is_err() {
        tasks.abort_all();
    }
}

#[cfg(test)]
mod tests;
