//! The lease of an inverter's link: waited for, kept from connection to connection, given up.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{Ended, Task};
use crate::fleet::Standing;
use crate::lock::{Holder, Lease, LockError};
use crate::plant::Plant;

/// Who holds an inverter is asked, and said, when it was waited for so long.
const SAY_AFTER: Duration = Duration::from_secs(2);

/// What a process does about an inverter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Whether it waits for it or has it.
    pub standing: Standing,
    /// The name of the lease that it waits for or has.
    pub resource: Option<Arc<str>>,
}

impl Default for Hold {
    fn default() -> Self {
        Self { standing: Standing::Idle, resource: None }
    }
}

/// The name of the lease without which no connection to this address is opened.
pub fn link_resource(address: &str) -> String {
    format!("inverter_link:{address}")
}

/// Completes when the inverter is no longer to be held.
pub(super) async fn unwanted(wanted: &mut watch::Receiver<bool>) {
    if wanted.wait_for(|wanted| !wanted).await.is_err() {
        // Nobody says so any more.
        std::future::pending::<()>().await;
    }
}

impl Task {
    /// The lease without which no connection is opened: the one that is held already, or as soon as it is free, however
    /// long that takes.
    pub(super) async fn hold(&mut self, resource: &str, shutdown: &CancellationToken) -> Result<Lease, Ended> {
        if let Some(lease) = self.link.take_if(|lease| lease.resource() == resource && !lease.is_lost()) {
            return Ok(lease);
        }
        self.let_go().await;
        let mut wanted = self.inverter.wanted.clone();
        let is_wanted = *wanted.borrow();
        if !is_wanted {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => return Err(Ended::Shutdown),
                Ok(_) = wanted.wait_for(|wanted| *wanted) => {}
            }
        }
        self.stand(Standing::Waiting, Some(resource));
        let lease = tokio::select! {
            biased;
            () = shutdown.cancelled() => Err(Ended::Shutdown),
            () = unwanted(&mut wanted) => Err(Ended::Unwanted),
            lease = self.wait_for(resource) => lease.map_err(Ended::from),
        };
        match lease {
            Ok(lease) => {
                self.stand(Standing::Holding, Some(resource));
                Ok(lease)
            }
            Err(ended) => {
                self.stand(Standing::Idle, None);
                Err(ended)
            }
        }
    }

    async fn wait_for(&self, resource: &str) -> Result<Lease, LockError> {
        let (locks, name) = (&self.inverter.locks, &self.inverter.name);
        let begun = Instant::now();
        let mut acquiring = locks.acquire(resource, &self.owner, None);
        let lease = tokio::select! {
            biased;
            lease = &mut acquiring => return lease,
            () = sleep_until(begun + SAY_AFTER) => {
                // That it cannot be asked is said by who is waited for.
                if let Ok(Some(Holder { owner, pid, host, .. })) = locks.holder(resource).await {
                    tracing::info!(
                        inverter.name = %name,
                        "{owner} in process {pid} on {host} has this inverter; standing by until it lets go"
                    );
                }
                acquiring.await?
            }
        };
        tracing::info!(inverter.name = %name, "takes the inverter over after {:.1}s", begun.elapsed().as_secs_f64());
        Ok(lease)
    }

    /// Keeps the lease for the next connection, or lets go of it if it is lost.
    pub(super) async fn keep_hold(&mut self, lease: Lease) {
        if lease.is_lost() {
            drop(lease);
            self.let_go().await;
        } else {
            self.link = Some(lease);
        }
    }

    /// Lets go of the inverter, so that another process may have it. Nothing of it is shown from here any more, and
    /// what was read is old when it comes back.
    pub(super) async fn let_go(&mut self) {
        if self.inverter.standing.borrow().standing != Standing::Holding {
            return;
        }
        // Before it can be another's, who may read it from the same directory.
        self.keep_now().await;
        drop(self.link.take());
        self.plant = Plant::new();
        self.schedule.restart();
        self.report.nothing();
        let resource = self.inverter.standing.borrow().resource.clone();
        self.stand(Standing::Idle, resource.as_deref());
    }

    fn stand(&self, standing: Standing, resource: Option<&str>) {
        self.inverter.standing.send_if_modified(|hold| {
            let new = Hold { standing, resource: resource.map(Arc::from) };
            std::mem::replace(hold, new.clone()) != new
        });
    }
}
