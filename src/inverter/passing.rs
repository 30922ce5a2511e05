//! Orders for an inverter that another process has.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::Instant;

use super::commands::turn_away;
use super::desk::Job;
use crate::control::{Order, Report};

/// Gives an order to the process that has the inverter behind this link, and says within `within` what became of it.
pub trait PassOn: Send + Sync + 'static {
    /// Never waits longer.
    fn pass_on(&self, link: &str, order: Order, within: Duration) -> BoxFuture<'static, Report>;
}

/// Passes a job on to whoever has the inverter, or turns it away where that cannot be done. Does not wait.
pub(super) fn pass(to: Option<&Arc<dyn PassOn>>, name: &str, link: &str, job: Job) {
    let (Some(to), Some(order)) = (to, job.as_order()) else {
        return turn_away(name, job, "another program has this inverter");
    };
    tracing::debug!(inverter.name = %name, "passed on to the process that has the inverter: {order}");
    let told = to.pass_on(link, order, job.deadline().saturating_duration_since(Instant::now()));
    tokio::spawn(async move { job.answer(&told.await) });
}
